//! How old rows are: every comparison at its edges, alone and among others, where rows are counted
//! by halving and where they are looked at one by one. What is expected is counted here, from the
//! times that the rows were made of.

use rules::Outcome;

use super::support::{AS_OF, Rule, holds, record, row};

const MINUTE_MS: u64 = 60_000;
/// The fault as the host names it.
const OVERFLOW: &str = "code:1";
const SIGNS: [&str; 6] = ["<", "<=", ">", ">=", "==", "!="];

fn compares(a: i64, sign: &str, b: i64) -> bool {
    match sign {
        "<" => a < b,
        "<=" => a <= b,
        ">" => a > b,
        ">=" => a >= b,
        "==" => a == b,
        _ => a != b,
    }
}

/// Minutes before the evaluation, of rows in no order, some at one time.
fn ages() -> Vec<Vec<i64>> {
    let long = (0..61).map(|at| at * 7 % 61 * 30).collect();
    vec![
        vec![],
        vec![0],
        vec![60],
        vec![59, 61],
        vec![60, 60, 60],
        vec![61, 0, 60, 60, 59, 1440],
        vec![1440, 1441, 1439, 2, 60, 60, 59],
        long,
    ]
}

fn history(ages: &[i64]) -> String {
    let rows = ages.iter().enumerate().map(|(at, minutes)| {
        let time = facts::Millis(AS_OF.0 - *minutes as u64 * MINUTE_MS).to_string();
        row(&time, "cash_deposit", "9000.00", ["USD", "EUR"][at % 2], "")
    });
    rows.collect::<Vec<_>>().join(",")
}

#[test]
fn rows_are_counted_by_their_age() {
    let cash = r#""type":"cash_deposit","amount":"15000.00","currency":"USD""#;
    for minutes in [0, 1, 59, 60, 61, 900, 1440, 5000] {
        for sign in SIGNS {
            // (whether the age or the time is compared, a further condition)
            let age = format!(r#"as_of - r.timestamp {sign} duration("{minutes}m")"#);
            let time = format!(r#"r.timestamp {sign} as_of - duration("{minutes}m")"#);
            let usd = r#"&& r.currency == "USD""#;
            for (condition, is_age, only_usd) in [
                (age.clone(), true, false),
                (time.clone(), false, false),
                (format!("{age} {usd}"), true, true),
                (format!("{time} {usd}"), false, true),
                (format!("!({age}) == false"), true, false),
            ] {
                let rule = Rule::new(&[], &format!("{{history.count(r, {condition})}}"));
                let not = format!("{{history.filter(r, !({condition})).size()}}");
                let not = Rule::new(&[], &not);
                for ages in ages() {
                    let holds = |(at, age): (usize, &i64)| {
                        let (a, b) = if is_age { (*age, minutes) } else { (-age, -minutes) };
                        compares(a, sign, b) && (at % 2 == 0 || !only_usd)
                    };
                    let wanted = ages.iter().enumerate().filter(|row| holds(*row)).count() as i64;
                    let record = record(cash, &history(&ages));
                    let told = |rule: &Rule| rule.run(&record).values;
                    let number = |number| vec![rules::Value::Integer(number)];
                    assert_eq!(told(&rule), number(wanted), "{condition} {ages:?}");
                    let rest = ages.len() as i64 - wanted;
                    assert_eq!(told(&not), number(rest), "not {condition} {ages:?}");
                }
            }
        }
    }
}

#[test]
fn an_age_that_no_duration_holds_is_a_fault_unless_something_else_decides() {
    let far = |rows: &str| {
        let body = format!(
            r#"{{"jurisdictions":["US"],"domains":["AML"],"transaction":{{"id":"t","amount":1,
            "currency":"USD","type":"other"}},"history":[{rows}]}}"#
        );
        let request = facts::parse_request(body.as_bytes()).expect("a sound request");
        // 2300-01-01T00:00:00Z: more years after 1990 than 64 bits of nanoseconds hold.
        facts::record(&request, facts::Millis(10_413_792_000_000)).expect("a record")
    };
    let old = row("1990-01-01T00:00:00Z", "other", "1", "EUR", "");
    let new = row("2299-12-31T23:00:00Z", "other", "1", "USD", "");
    let both = far(&format!("{old},{new}"));
    let young = far(&new);
    for (condition, on_young) in [
        (r#"history.count(r, as_of - r.timestamp < duration("24h")) == 1"#, true),
        (r#"history.count(r, as_of - r.timestamp >= duration("24h")) == 1"#, false),
        (r#"history.all(r, as_of - r.timestamp < duration("24h"))"#, true),
        (r#"history.filter(r, as_of - r.timestamp > duration("1h")).size() > 0"#, false),
        (
            r#"history.all(r, as_of - r.timestamp < duration("9h") || r.type == "ach_transfer")"#,
            true,
        ),
    ] {
        assert_eq!(holds(condition, &both), Err(OVERFLOW.into()), "{condition}");
        assert_eq!(holds(condition, &young), Ok(on_young), "{condition}");
    }
    for (condition, wanted) in [
        (r#"history.exists(r, as_of - r.timestamp < duration("24h"))"#, true),
        (
            r#"history.count(r, r.currency == "USD" && as_of - r.timestamp < duration("9h")) == 1"#,
            true,
        ),
        (
            r#"history.count(r, as_of - r.timestamp < duration("9h") && r.currency == "USD") == 1"#,
            true,
        ),
        (r#"history.all(r, as_of - r.timestamp < duration("24h") || r.currency == "EUR")"#, true),
        (r#"history.count(r, r.timestamp > as_of - duration("24h")) == 1"#, true),
    ] {
        assert_eq!(holds(condition, &both), Ok(wanted), "{condition}");
    }
    assert_eq!(Rule::new(&[], "").run(&both).outcome, Outcome::Pass);
}

#[test]
fn amounts_in_long_lists_and_at_limits() {
    let listed = [1, 100, 300_000, 300_001, 500_000, 800_000, 1_000_000, 2_000_000, 99];
    let text = |cents: i128| format!("{}.{:02}", cents / 100, cents % 100);
    let list: Vec<_> = listed.iter().map(|cents| format!("usd(\"{}\")", text(*cents))).collect();
    let list = list.join(", ");
    let wide = (1_i128 << 64) + 300_000;
    let around = listed.iter().flat_map(|cents| [cents - 1, *cents, cents + 1]);
    for cents in around.chain([wide, (1 << 64) - 1, 1 << 64]).filter(|cents| *cents >= 0) {
        let amount = text(cents);
        let record = record(
            &format!(r#""type":"other","amount":"{amount}","currency":"USD""#),
            &row("2026-03-01T10:00:00Z", "other", &amount, "USD", ""),
        );
        let is_in = listed.contains(&cents);
        for (condition, wanted) in [
            (format!("transaction.amount in [{list}]"), is_in),
            (format!("!(transaction.amount in [{list}])"), !is_in),
            (format!("(transaction.amount in [{list}]) == true"), is_in),
            (format!(r#"history.exists(r, r.currency == "USD" && r.amount in [{list}])"#), is_in),
            (format!(r#"history.all(r, r.currency != "USD" || r.amount in [{list}])"#), is_in),
        ] {
            let usd = r#"transaction.currency == "USD" &&"#;
            assert_eq!(holds(&format!("{usd} {condition}"), &record), Ok(wanted), "{cents}");
        }
        for sign in SIGNS {
            for limit in [0, 1, 300_000, 300_001] {
                let (a, b) = (i64::try_from(cents).unwrap_or(i64::MAX), limit as i64);
                let wanted = compares(a, sign, b);
                let limit = format!("usd(\"{}\")", text(limit));
                let usd = r#"transaction.currency == "USD" &&"#;
                for (condition, wanted) in [
                    (format!("{usd} transaction.amount {sign} {limit}"), wanted),
                    (format!("{usd} !(transaction.amount {sign} {limit})"), !wanted),
                    (format!("{usd} (transaction.amount {sign} {limit}) == true"), wanted),
                    (
                        format!(
                            r#"history.exists(r, r.currency == "USD" && r.amount {sign} {limit})"#
                        ),
                        wanted,
                    ),
                ] {
                    assert_eq!(holds(&condition, &record), Ok(wanted), "{cents} {condition}");
                }
            }
        }
    }
}

/// What a rule keeps is in its memory: then the host may let its instance serve again.
#[test]
fn no_global_can_change() {
    let lets = [("n", "history.size()"), ("m", "n + 1")];
    let rule = Rule::with_lets(&lets, &[("n > 3 && m > 3 && n < m", "{n} {m}")], "{n} {m}");
    let wasm = &rule.module.wasm;
    let mut at = 8;
    while at < wasm.len() {
        // No section of so small a module is longer than two bytes say.
        let (id, mut length, mut start) = (wasm[at], usize::from(wasm[at + 1]), at + 2);
        if length >= 0x80 {
            (length, start) = (length - 0x80 + usize::from(wasm[at + 2]) * 0x80, at + 3);
        }
        if id == 6 {
            // Two of type i32 that cannot change: the version 1, and the base.
            assert_eq!(wasm[start..start + 8], [2, 0x7f, 0, 0x41, 1, 0x0b, 0x7f, 0]);
            return;
        }
        at = start + length;
    }
    panic!("no globals");
}
