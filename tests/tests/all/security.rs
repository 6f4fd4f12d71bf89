//! SECURITY.md's table of checks is true: each check once, its code exists, the case that it names
//! is in the conformance corpus and is refused by that very check.

use attestation_fixtures::conformance::FROZEN;
use serde_json::Value;
use std::collections::BTreeSet;

fn rows() -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(tests::root().join("SECURITY.md")).expect("SECURITY.md");
    let table = text.split("| check | what it asks |").nth(1).expect("the table");
    let table = table.split("\n\n").next().expect("its end");
    let cells = |line: &str| line.trim_matches('|').split('|').map(|c| c.trim().into()).collect();
    table.lines().skip(2).map(cells).collect()
}

#[test]
fn every_check_names_its_code_and_a_case_that_it_refuses() {
    let manifest: Value = serde_json::from_str(FROZEN).expect("the frozen manifest");
    let cases = manifest["cases"].as_array().expect("cases");
    let mut named = BTreeSet::new();
    for row in rows() {
        let [check, _, code, case] = row.as_slice() else { panic!("four cells: {row:?}") };
        assert!(named.insert(check.clone()), "{check} stands twice");
        let path = tests::root().join(code.trim_matches('`'));
        assert!(path.is_file(), "{check}: no {code}");
        let refused = cases.iter().filter(|one| one["check"] == check.as_str());
        let names: Vec<_> = refused.filter_map(|one| one["name"].as_str()).collect();
        match case.strip_prefix("none: ") {
            Some(why) => assert_eq!(manifest["without_case"][check], why, "{check}"),
            None => {
                let name = case.trim_start_matches('`').split('`').next().expect("a name");
                assert!(names.contains(&name), "{check}: no case {name}");
                let rest = case.rsplit(" and ").next().and_then(|rest| rest.split(' ').next());
                let more = rest.and_then(|count| count.parse().ok()).unwrap_or(0);
                assert_eq!(names.len(), 1 + more, "{check}: cases");
            }
        }
    }
    let checks = |letter: char, of: &[std::ops::RangeInclusive<u8>]| -> Vec<String> {
        of.iter().flat_map(|range| range.clone().map(|n| format!("{letter}{n}"))).collect()
    };
    let mut expected = checks('N', &[1..=42]);
    expected.extend(checks('T', &[4..=6, 8..=8, 13..=34]));
    expected.extend(checks('P', &[1..=22]));
    expected.extend(checks('Y', &[1..=7]));
    assert_eq!(named, expected.into_iter().collect());
}
