//! Every fault, where it ends a rule, and where it does not matter.

use rules::{Outcome, Value};
use vm::Event;

use super::support::{AS_OF, Rule, holds, record, row};

const WIRE: &str = r#""type":"wire_transfer","amount":"10.00","currency":"USD""#;
const OUT_OF_CALENDAR: &str = r#"day(timestamp("1999-01-01T00:00:00Z"), "cal") > 0"#;

/// A condition that ends in this fault, and what the host says of it.
const FAULTS: [(&str, &str); 27] = [
    ("history.size() + 1 + 9223372036854775807 > 0", "code:1"),
    ("(0 - 9223372036854775807 - 1 + history.size()) / (0 - 1) == 0", "code:1"),
    ("-(0 - 9223372036854775807 - 1 + history.size()) == 0", "code:1"),
    ("abs(0 - 9223372036854775807 - 1 + history.size()) == 0", "code:1"),
    ("(history.size() + 2) * 9223372036854775807 == 0", "code:1"),
    ("uint(history.size()) - 5u == 0u", "code:1"),
    ("uint(history.size() + 2) * 18446744073709551615u == 0u", "code:1"),
    ("[9223372036854775807, history.size() + 1].sum() == 0", "code:1"),
    ("[1, 2].map(x, x + 9223372036854775806).size() == 2", "code:1"),
    ("1 / history.size() == 0", "code:2"),
    ("1 % history.size() == 0", "code:2"),
    ("1u / uint(history.size()) == 0u", "code:2"),
    (r#"div(dec("1"), dec("0") * dec("0"), 2, "up") == dec("0")"#, "code:2"),
    (
        r#"div(usd("1.00"), transaction.currency == "EUR" ? dec("1") : dec("0"), 2, "up")
        == usd("0")"#,
        "code:2",
    ),
    ("history[0].currency == \"USD\"", "code:3"),
    ("[1, 2][history.size() + 2] == 1", "code:3"),
    ("[1, 2][history.size() - 1] == 1", "code:3"),
    ("int(transaction.id) == 1", "code:3"),
    ("uint(history.size() - 1) == 1u", "code:3"),
    ("timestamp(253402300800 + history.size()) > as_of", "code:3"),
    ("history.max(r, r.timestamp) == as_of", "code:4"),
    ("[1].filter(x, x > 1).min() == 1", "code:4"),
    (OUT_OF_CALENDAR, "code:5"),
    (r#"business_day(as_of - duration("20000h"), "cal") > 0"#, "code:5"),
    (r#"source.country == "US""#, "source.country"),
    (r#"source.verified_at > as_of"#, "source.verified_at"),
    (r#"source.edd_approved"#, "source.edd_approved"),
];

#[test]
fn each_fault_ends_the_rule_with_its_number() {
    let record = record(WIRE, "");
    for (condition, expected) in FAULTS {
        assert_eq!(holds(condition, &record), Err(expected.to_owned()), "{condition}");
    }
}

#[test]
fn a_missing_column_is_named() {
    let row = row("2026-03-01T00:00:00Z", "other", "1.00", "USD", "");
    let record = record(WIRE, &row);
    for (condition, expected) in [
        (r#"history.exists(r, r.direction == "in")"#, "history.direction"),
        (r#"history.all(r, r.counterparty == "x")"#, "history.counterparty"),
        (r#"history.count(r, r.counterparty_country == "US") > 0"#, "history.counterparty_country"),
        ("history.distinct(r, r.counterparty) > 0", "history.counterparty"),
    ] {
        assert_eq!(holds(condition, &record), Err(expected.to_owned()), "{condition}");
    }
}

#[test]
fn faults_are_absorbed_by_what_decides_without_them() {
    let rows = [
        row("2026-03-01T00:00:00Z", "other", "1.00", "USD", ""),
        row("2026-03-02T00:00:00Z", "other", "2.00", "USD", r#","direction":"in""#),
    ];
    let record = record(WIRE, &rows.join(","));
    let fault = r#"source.name == "x""#;
    let other = "1 / (history.size() - 2) == 1";
    for (condition, expected) in [
        (format!("{fault} && false"), Ok(false)),
        (format!("false && {fault}"), Ok(false)),
        (format!("{fault} || true"), Ok(true)),
        (format!("true || {fault}"), Ok(true)),
        (format!("{fault} && true"), Err("source.name")),
        (format!("{fault} || false"), Err("source.name")),
        (format!("{fault} && {other}"), Err("source.name")),
        (format!("{other} && {fault}"), Err("code:2")),
        (format!("!({fault} || {other})"), Err("source.name")),
        (format!("({fault} && {other}) || history.size() == 2"), Ok(true)),
        (format!("({fault} || {other}) && history.size() == 3"), Ok(false)),
        (r#"history.exists(r, r.direction == "in")"#.into(), Ok(true)),
        (r#"history.exists(r, r.direction == "out")"#.into(), Err("history.direction")),
        (r#"history.all(r, r.direction == "out")"#.into(), Ok(false)),
        (r#"history.all(r, r.direction == "in")"#.into(), Err("history.direction")),
        (r#"history.exists_one(r, r.direction == "in")"#.into(), Err("history.direction")),
        (r#"history.exists(r, has(r.direction) && r.direction == "in")"#.into(), Ok(true)),
        (r#"history.map(r, r.direction).exists(d, d == "in")"#.into(), Ok(true)),
        (r#""in" in history.map(r, r.direction)"#.into(), Ok(true)),
        (r#""out" in history.map(r, r.direction)"#.into(), Err("history.direction")),
        ("has(source.name) && source.name == \"x\"".into(), Ok(false)),
        ("has(source.name) ? source.name == \"x\" : true".into(), Ok(true)),
        ("[1, 2].exists(x, x / (x - 1) == 2)".into(), Ok(true)),
        ("2 in [1 / (history.size() - 2), 2]".into(), Ok(true)),
    ] {
        assert_eq!(holds(&condition, &record), expected.map_err(str::to_owned), "{condition}");
    }
}

#[test]
fn a_condition_that_faults_ends_its_list_after_what_came_before() {
    let record = record(WIRE, "");
    let chosen = r#"(source.pep == "none" ? [2] : [3])"#;
    let broken = "[history.size()].map(q, 1 / q)";
    for (condition, expected) in [
        (format!("{chosen}.all(e, e == 1)"), Err("source.pep")),
        (format!("([9223372036854775807].map(q, q + q) + {chosen}).all(e, e == 1)"), Err("code:1")),
        (format!("({broken} + {chosen}).all(e, e == 1)"), Err("code:2")),
        (format!("({broken} + {chosen}).exists(e, e == 1)"), Err("code:2")),
        (format!("1 in {broken} + {chosen}"), Err("code:2")),
        (format!("({chosen} + {broken}).exists(e, e == 1)"), Err("source.pep")),
        (format!("1 in {chosen} + {broken}"), Err("source.pep")),
        (format!("({chosen} + [1]).exists(e, e == 1)"), Err("source.pep")),
        (format!("([1] + {chosen}).exists(e, e == 1)"), Ok(true)),
        (format!("([2] + {chosen}).all(e, e == 1)"), Ok(false)),
        (format!("1 in [1] + {chosen}"), Ok(true)),
        (format!("({chosen} + {broken}).exists(e, e == 1) && false"), Ok(false)),
        (format!("({broken} + {chosen}).map(e, e + 1).exists(e, e == 1)"), Err("code:2")),
    ] {
        assert_eq!(holds(&condition, &record), expected.map_err(str::to_owned), "{condition}");
    }
}

#[test]
fn a_let_is_evaluated_once_and_its_fault_is_that_of_each_use() {
    let rule = Rule::with_lets(
        &[("known", r#""bob" in list("plain")"#), ("broken", "1 / history.size()")],
        &[("known && broken == 1 && !known", ""), ("known || broken == 2", "{known}")],
        "{broken}",
    );
    let (result, events, _) = rule.trace(&record(WIRE, ""));
    // `known` is true: the first condition is absorbed by `!known`, the second by `known`.
    assert_eq!(
        (result.outcome, &result.values[..]),
        (Outcome::Report, &[Value::Text("true".into())][..],)
    );
    assert_eq!(
        events,
        [
            Event::List { list: 0, found: true },
            Event::Branch { id: 0, taken: false },
            Event::Branch { id: 1, taken: true },
        ]
    );
}

#[test]
fn a_value_that_is_missing_reads_absent_and_other_faults_end_the_rule() {
    let rule = Rule::new(&[("true", "{source.name} {history.size()}")], "");
    let result = rule.run(&record(WIRE, ""));
    assert_eq!(result.values, [Value::Text("absent".into()), Value::Integer(0)]);
    let rule = Rule::new(&[("true", "{1 / history.size()}")], "");
    let result = rule.run(&record(WIRE, ""));
    assert_eq!(result.outcome, Outcome::Error);
    assert_eq!(result.values, [Value::Text("code:2".into())]);
}

#[test]
fn values_have_their_kinds() {
    let values = "{as_of} {as_of - transaction.timestamp} {transaction.type} {transaction.currency}
        {dec(\"-1.50\")} {transaction.amount > usd(\"1.00\")} {0 - 5} {source.address}";
    let condition = r#"transaction.currency == "USD""#;
    let rule = Rule::new(&[(condition, values)], "");
    let address = "é".repeat(200);
    let transaction =
        format!(r#"{WIRE},"timestamp":"2026-03-02T11:00:00Z","source":{{"address":"a{address}"}}"#);
    let result = rule.run(&record(&transaction, ""));
    // 256 bytes fall into the middle of a letter.
    let cut = format!("a{}", "é".repeat(127));
    assert_eq!(
        result.values,
        [
            Value::Timestamp(AS_OF.0 as i64),
            Value::Duration(3_600_000),
            Value::Text("wire_transfer".into()),
            Value::Code("USD".into()),
            Value::Money { mantissa: -150, scale: 2, currency: String::new() },
            Value::Text("true".into()),
            Value::Integer(-5),
            Value::Text(cut),
        ]
    );
}
