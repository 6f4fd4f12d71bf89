//! Lets that build upon one another: the time to compile them grows with their number. It must
//! never depend on a clock: what doubles with each let would not end at all.

use compiler::fold;
use compiler::typed::Kind;

use super::support::{Rule, checked, record};

/// How many lets.
const LETS: usize = 40;

const WIRE: &str = r#""type":"wire_transfer","amount":"10.00","currency":"USD""#;

/// The first let, and lets that each use the one before four times.
fn doubling(first: &str) -> Vec<(String, String)> {
    let mut lets = vec![("l0".to_owned(), first.to_owned())];
    for at in 1..LETS {
        let before = format!("l{}", at - 1);
        let value = format!("{before} && {before} || {before} && {before}");
        lets.push((format!("l{at}"), value));
    }
    lets
}

fn borrowed(lets: &[(String, String)]) -> Vec<(&str, &str)> {
    lets.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

#[test]
fn lets_used_again_and_again_are_metered_once() {
    for (first, expected) in [("history.size() == 0", true), ("history.size() == 1", false)] {
        let lets = doubling(first);
        let rule = Rule::with_lets(&borrowed(&lets), &[("l39", "yes")], "no");
        // `trace` holds the fuel against the bound.
        let (result, _, fuel) = rule.trace(&record(WIRE, ""));
        assert_eq!(result.outcome == rules::Outcome::Report, expected);
        assert!(rule.module.cost < 10 * fuel, "{} for {fuel}", rule.module.cost);
    }
}

#[test]
fn lets_used_again_and_again_are_folded_once() {
    for (first, silent) in [("history.size() == 0", true), (r#""bob" in list("plain")"#, false)] {
        let lets = doubling(first);
        let folded = fold(&checked(&borrowed(&lets), &[("l39 && false", "")], ""));
        let is_false = matches!(folded.cases[0].when.kind, Kind::Bool(false));
        assert_eq!(is_false, silent, "{first}");
    }
}
