# The eight rules of benches/rules; amounts in cents, times in milliseconds.
package bench

import rego.v1

cash := {"cash_deposit", "cash_withdrawal", "currency_exchange"}

countries := {"BY", "CU", "IR", "KP", "MM", "RU", "SD", "SY", "VE", "YE"}

sums := {
	100000, 200000, 300000, 400000, 500000, 600000, 700000, 800000, 900000, 1000000,
	1200000, 1500000, 2000000, 2500000, 5000000,
}

default country := "pass"

country := "block" if input.source.country in countries

else := "block" if input.destination.country in countries

default ctr := "pass"

ctr := "report" if {
	input.transaction.type in cash
	input.transaction.currency == "USD"
	input.transaction.amount > 1000000
}

default dormant := "pass"

dormant := "review" if {
	input.transaction.currency == "USD"
	input.transaction.amount >= 100000
	count([r | some r in input.history; input.as_of - r.timestamp < 15552000000]) == 0
}

default fan_in := "pass"

fan_in := "review" if {
	counterparties := {r.counterparty |
		some r in input.history
		r.direction == "in"
		input.as_of - r.timestamp < 259200000
	}
	count(counterparties) >= 5
}

default this_round := 0

this_round := 1 if {
	input.transaction.currency == "USD"
	input.transaction.amount in sums
}

default round_amounts := "pass"

round_amounts := "review" if {
	earlier := [r |
		some r in input.history
		r.currency == "USD"
		input.as_of - r.timestamp < 259200000
		r.amount in sums
	]
	count(earlier) + this_round >= 3
}

default this_near := 0

this_near := 1 if {
	input.transaction.type in cash
	input.transaction.currency == "USD"
	input.transaction.amount >= 800000
	input.transaction.amount <= 1000000
}

default structuring := "pass"

structuring := "review" if {
	earlier := [r |
		some r in input.history
		r.type in cash
		r.currency == "USD"
		r.amount >= 800000
		r.amount <= 1000000
		input.as_of - r.timestamp < 86400000
	]
	count(earlier) + this_near >= 3
}

default complete := false

complete if {
	input.source.name
	input.source.account
	input.source.address
	input.source.institution
	input.destination.name
	input.destination.account
	input.destination.institution
}

default travel := "pass"

travel := "missing_data" if {
	input.transaction.type == "wire_transfer"
	input.transaction.currency == "USD"
	input.transaction.amount >= 300000
	not complete
}

default velocity := "pass"

velocity := "review" if {
	count([r | some r in input.history; input.as_of - r.timestamp < 86400000]) + 1 > 20
}

outcomes := [country, ctr, dormant, fan_in, round_amounts, structuring, travel, velocity]
