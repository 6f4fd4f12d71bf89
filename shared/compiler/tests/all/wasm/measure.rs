//! Rules as people write them: their modules stay small, their bounds hold and are not far off.
//! The ignored test prints sizes, bounds and times.

use std::time::Instant;

use super::support::{Rule, customer_of};

/// Name, lets, condition and its reason.
type Written = (&'static str, &'static [(&'static str, &'static str)], &'static str, &'static str);

/// History rows of the record that is measured.
const ROWS: usize = 50;

const RULES: [Written; 10] = [
    ("nothing", &[], "false", "nothing"),
    (
        "currency transaction",
        &[(
            "in_currency",
            r#"transaction.type in ["cash_deposit", "cash_withdrawal", "currency_exchange"]
                && transaction.currency == "USD""#,
        )],
        r#"in_currency && transaction.amount > usd("10000.00")"#,
        "{transaction.amount} in currency > {usd(\"10000.00\")}",
    ),
    (
        "structuring, 24 h",
        &[(
            "near",
            r#"history.filter(r, r.timestamp > as_of - duration("24h") && r.currency == "USD"
                && r.type in ["cash_deposit", "cash_withdrawal", "currency_exchange"]
                && r.amount >= usd("8000.00") && r.amount <= usd("10000.00"))"#,
        )],
        "near.size() >= 3",
        "{near.size()} of together {near.sum(r, r.amount)}",
    ),
    (
        "travel rule",
        &[(
            "gaps",
            "absent(source.name, source.account, source.address, source.institution,
                destination.name, destination.account, destination.institution)",
        )],
        r#"transaction.type == "wire_transfer" && transaction.currency == "USD"
            && transaction.amount >= usd("3000.00") && gaps != """#,
        "without {gaps}",
    ),
    (
        "velocity",
        &[("recent", r#"history.count(r, r.timestamp > as_of - duration("1h"))"#)],
        "recent > 10",
        "{recent} in an hour",
    ),
    (
        "distinct counterparties",
        &[(
            "payees",
            r#"history.filter(r, r.timestamp > as_of - duration("168h") && has(r.counterparty)
                && has(r.direction) && r.direction == "out").distinct(r, r.counterparty)"#,
        )],
        "payees >= 10",
        "{payees} payees in a week",
    ),
    (
        "business day",
        &[
            ("today", r#"business_day(as_of, "cal")"#),
            (
                "cash",
                r#"history.filter(r, r.currency == "USD" && r.type in ["cash_deposit"]
                    && r.timestamp > as_of - duration("192h")
                    && business_day(r.timestamp, "cal") == today)"#,
            ),
        ],
        r#"cash.sum(r, r.amount) > usd("10000.00")"#,
        "{cash.sum(r, r.amount)} on one business day",
    ),
    (
        "payee seen before",
        &[],
        "!history.exists(r, r.counterparty == destination.account)",
        "{destination.account} is new",
    ),
    (
        "country on a list",
        &[],
        r#"destination.country in list("plain") || source.country in list("plain")"#,
        "{destination.country} {source.country}",
    ),
    (
        "converted sum",
        &[("total", r#"history.sum(r, convert(r.amount, "USD", "fx", "half_even"))"#)],
        r#"total > usd("50000.00")"#,
        "{total}",
    ),
];

fn compiled((_, lets, condition, reason): &Written) -> Rule {
    Rule::with_lets(lets, &[(condition, reason)], "")
}

#[test]
fn modules_are_small_and_bounds_hold() {
    let records = [customer_of(0), customer_of(ROWS), customer_of(facts::HISTORY_ROWS_MAX)];
    for written in &RULES {
        let rule = compiled(written);
        assert!(rule.module.wasm.len() < 4096, "{}: {}", written.0, rule.module.wasm.len());
        for (record, bound) in records.iter().zip(rule.module.report[0].fuel) {
            let (_, _, fuel) = rule.trace(record);
            assert!(fuel <= bound, "{}: {fuel} of {bound}", written.0);
            assert!(bound < 40 * fuel, "{}: only {fuel} of {bound}", written.0);
        }
    }
}

#[test]
#[ignore = "prints sizes, bounds and times; run it with --release --nocapture"]
fn print_sizes_and_times() {
    const RUNS: u32 = 500;
    const BATCHES: u32 = 60;
    let record = customer_of(ROWS);
    let mut all = 0.0;
    for written in &RULES {
        let rule = compiled(written);
        let (result, _, fuel) = rule.trace(&record);
        // The best of many batches: others may use the machine too.
        let micros = (0..BATCHES)
            .map(|_| {
                let start = Instant::now();
                for _ in 0..RUNS {
                    std::hint::black_box(rule.trace(std::hint::black_box(&record)));
                }
                start.elapsed().as_secs_f64() * 1e6 / f64::from(RUNS)
            })
            .fold(f64::INFINITY, f64::min);
        all += micros;
        println!(
            "{:24} {:5} bytes, fuel {fuel:6} of {:?}, {micros:6.2} us, {:?}",
            written.0,
            rule.module.wasm.len(),
            rule.module.report[0].fuel,
            result.outcome,
        );
    }
    println!("all: {all:.1} us");
}
