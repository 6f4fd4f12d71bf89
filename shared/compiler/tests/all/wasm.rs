//! Compiled rules in the VM: each kind of expression, each fault, what is absorbed, sizes and
//! bounds of fuel. It must never look at the interpreter: that is what `differential` is for.

mod ages;
mod faults;
mod lets;
mod measure;
mod numbers;
mod shapes;
mod support;

use rules::{Outcome, Value};
use support::{Rule, holds, record, row};

const CASH: &str = r#""type":"cash_deposit","amount":"15000.00","currency":"USD""#;

#[test]
fn a_condition_decides() {
    let record = record(CASH, "");
    for (condition, expected) in [
        ("true", true),
        ("false", false),
        (r#"transaction.currency == "USD" && transaction.amount > usd("10000.00")"#, true),
        (r#"transaction.currency == "USD" && transaction.amount > usd("15000.00")"#, false),
        (r#"transaction.currency == "USD" && transaction.amount >= usd("15000.00")"#, true),
        (r#"transaction.type in ["cash_deposit", "cash_withdrawal"]"#, true),
        (r#"transaction.type in ["wire_transfer", "check_deposit"]"#, false),
        (r#"transaction.type == "cash_deposit""#, true),
        (r#"has(source.name)"#, false),
        (r#"!has(source.name) || source.name == "x""#, true),
    ] {
        assert_eq!(holds(condition, &record), Ok(expected), "{condition}");
    }
}

#[test]
fn loops_run_over_the_history() {
    let rows = [
        row("2026-03-02T10:00:00Z", "cash_deposit", "9000.00", "USD", r#","counterparty":"A""#),
        row("2026-03-01T10:00:00Z", "cash_deposit", "8000.00", "USD", r#","counterparty":"B""#),
        row("2026-02-01T10:00:00Z", "wire_transfer", "7000.00", "EUR", r#","counterparty":"A""#),
    ];
    let record = record(CASH, &rows.join(","));
    for (condition, expected) in [
        ("history.size() == 3", true),
        (r#"history.exists(r, r.currency == "EUR")"#, true),
        (r#"history.all(r, r.currency == "USD")"#, false),
        (r#"history.exists_one(r, r.currency == "EUR")"#, true),
        (r#"history.count(r, r.timestamp > as_of - duration("24h")) == 1"#, true),
        (r#"history.filter(r, r.currency == "USD").sum(r, r.amount) == usd("17000.00")"#, true),
        (r#"history.filter(r, r.currency == "USD").max(r, r.amount) == usd("9000.00")"#, true),
        ("history.distinct(r, r.counterparty) == 2", true),
        ("history.distinct(r, r.type) == 2", true),
        ("history.distinct(r, r.currency) == 2", true),
        ("history.distinct(r, r.timestamp) == 3", true),
        (r#"history[0].currency == "EUR""#, true),
    ] {
        assert_eq!(holds(condition, &record), Ok(expected), "{condition}");
    }
}

#[test]
fn a_rule_decides_with_values() {
    let rule = Rule::new(
        &[(r#"transaction.currency == "USD""#, "{transaction.amount} {transaction.type}")],
        "{source.name}",
    );
    let run = rule.run(&record(CASH, ""));
    assert_eq!(run.outcome, Outcome::Report);
    let amount = Value::Money { mantissa: 1_500_000, scale: 2, currency: "USD".into() };
    assert_eq!(run.values, [amount, Value::Text("cash_deposit".into())]);
    let euro = CASH.replace("USD", "EUR");
    let run = rule.run(&record(&euro, ""));
    assert_eq!((run.outcome, run.values), (Outcome::Pass, vec![Value::Text("absent".into())]));
}

#[test]
fn what_is_missing_ends_the_rule() {
    let run = Rule::new(&[(r#"source.name == "x""#, "")], "").run(&record(CASH, ""));
    assert_eq!(run.outcome, Outcome::MissingData);
    assert_eq!(run.values, [Value::Text("source.name".into())]);
}
