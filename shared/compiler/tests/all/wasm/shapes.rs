//! What modules look like: the same bytes each time, only what is needed, bounds that are held and
//! refused.

use compiler::wasm::compile;
use compiler::{CompileError, ErrorKind};

use super::support::{Rule, checked, customer_of};

fn error(condition: &str) -> CompileError {
    compile(&checked(&[], &[(condition, "")], "")).expect_err("it is refused")
}

fn bytes(condition: &str) -> usize {
    let program = checked(&[], &[(condition, "")], "");
    compile(&program).unwrap_or_else(|error| panic!("{error}")).wasm.len()
}

#[test]
fn the_same_program_gives_the_same_bytes() {
    let program = checked(
        &[("sum", r#"history.filter(r, r.currency == "USD").sum(r, r.amount)"#)],
        &[(r#"sum > usd("1.00") || history.distinct(r, r.currency) > 2"#, "{sum}")],
        "{absent(source.name, source.account)}",
    );
    assert_eq!(compile(&program), compile(&program));
}

#[test]
fn simple_rules_are_a_few_hundred_bytes() {
    for (condition, most) in [
        ("true", 200),
        (r#"transaction.type == "cash_deposit""#, 210),
        (r#"transaction.currency == "USD" && transaction.amount > usd("10000.00")"#, 240),
        (r#"source.country == "US""#, 280),
        ("history.size() > 3", 210),
        (r#"history.count(r, r.timestamp > as_of - duration("24h")) > 3"#, 320),
    ] {
        let found = bytes(condition);
        assert!(found <= most, "{condition}: {found} bytes, at most {most}");
    }
}

#[test]
fn nothing_is_imported_that_is_not_used() {
    let name = |wasm: &[u8], name: &str| wasm.windows(name.len()).any(|at| at == name.as_bytes());
    let plain = compile(&checked(&[], &[("true", "")], "")).expect("compiled").wasm;
    assert!(name(&plain, "branch"));
    for import in ["trap", "list_contains", "screen"] {
        assert!(!name(&plain, import), "{import}");
    }
    let faulty = compile(&checked(&[], &[("1 / history.size() > 1", "")], "")).expect("compiled");
    assert!(name(&faulty.wasm, "trap"));
}

#[test]
fn what_burns_too_much_is_refused_and_the_loop_is_named() {
    let heavy = r#"true && history.exists(r, r.counterparty.contains(source.address))"#;
    let error = error(heavy);
    assert_eq!(error.kind, ErrorKind::TooLarge);
    assert_eq!(error.span.column, 9, "{error}");
    assert!(error.expected.contains("10000000") && !error.hint.is_empty(), "{error}");
}

#[test]
fn fuel_is_below_its_bound_for_every_length_of_history() {
    for condition in [
        r#"history.sum(r, convert(r.amount, "USD", "fx", "half_up")) > usd("1.00")"#,
        "history.map(r, int(r.timestamp) % 100000).distinct().size() > 1",
        r#"history.exists(r, r.counterparty == "ACC-999999999999999")"#,
        r#"history.exists(r, r.counterparty.startsWith("ACC-99") && r.type == "other")"#,
        "[source.name, source.address].map(x, x.size()).max() > 0",
        r#"[source.name, source.address].exists(x, x.trim().upperAscii() + "x" == "A")"#,
        r#"history.exists(r, string(r.timestamp.getHours()) in ["a", "b", "c", "d"])"#,
        r#"history.count(r, business_day(r.timestamp, "cal") == 20500) > 0"#,
    ] {
        let rule = Rule::new(&[(condition, "")], "");
        let [_, fifty, most] = rule.module.report[0].fuel;
        for rows in [0, 1, 2, 3, 7, 8, 9, 49, 50] {
            let (_, _, fuel) = rule.trace(&customer_of(rows));
            assert!(fuel <= fifty, "{condition}: {fuel} of {fifty}");
        }
        let (_, _, fuel) = rule.trace(&customer_of(facts::HISTORY_ROWS_MAX));
        assert!(fuel <= most, "{condition}: {fuel} of {most}");
    }
}

#[test]
fn what_a_reason_repeats_is_computed_once() {
    let count = r#"history.count(r, r.currency == "USD")"#;
    let once = compile(&checked(&[], &[(&format!("{count} > 3"), "")], "")).expect("compiled");
    let reason = format!("{{{count}}}");
    let twice = checked(&[], &[(&format!("{count} > 3"), &reason)], &reason);
    let twice = compile(&twice).expect("compiled");
    assert!(twice.cost < once.cost + 100, "{} and {}", twice.cost, once.cost);
}

#[test]
fn what_grows_by_doubling_is_small_or_refused() {
    let squares = format!("[1]{}.sum() > 0", ".map(x, x * x)".repeat(20));
    assert!(bytes(&squares) < 2048, "{}", bytes(&squares));
    let names: Vec<String> = (0..=13).map(|at| format!("l{at}")).collect();
    let doubled: Vec<String> =
        (0..13).map(|at| format!("l{at}.map(x, x) + l{at}.map(x, x)")).collect();
    let texts = std::iter::once("[1, 2]").chain(doubled.iter().map(String::as_str));
    let lets: Vec<(&str, &str)> = names.iter().map(String::as_str).zip(texts).collect();
    let program = checked(&lets, &[("l13.sum() > 0", "")], "");
    let error = compile(&program).expect_err("thousands of loops are refused");
    assert_eq!(error.kind, ErrorKind::TooLarge, "{error}");
}
