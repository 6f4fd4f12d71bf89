//! Every CEL conformance case that this language runs passes the checker, and every one that a
//! checker refuses is refused. What they evaluate to is tested with the interpreter and the VM.

use std::collections::BTreeMap;

use super::cel_cases::{Expected, cel_cases};

#[test]
fn the_checker_takes_every_cel_case_that_is_in() {
    let Some(cases) = cel_cases() else {
        println!("ignored: corpus absent");
        return;
    };
    let (mut values, mut faults, mut refused) = (0, 0, 0);
    let mut skipped: BTreeMap<&str, usize> = BTreeMap::new();
    let mut problems = Vec::new();
    for case in &cases {
        let program = case.program();
        match &case.expected {
            Expected::Value(_) => values += 1,
            Expected::Fault => faults += 1,
            Expected::Refused => refused += 1,
            Expected::Skipped(reason) => *skipped.entry(reason).or_default() += 1,
        }
        match (&case.expected, program) {
            (Expected::Value(_), Err(error)) => {
                problems.push(format!("{}: {}\n    {error}", case.name, case.expr));
            }
            (Expected::Refused, Ok(_)) => {
                problems.push(format!("{}: {}\n    was not refused", case.name, case.expr));
            }
            _ => {}
        }
    }
    let total = cases.len();
    println!("{total} cases: {values} values, {faults} faults, {refused} refused by any checker");
    for (reason, count) in &skipped {
        println!("  {count:4} skipped: {reason}");
    }
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
    assert!(values >= VALUES_MIN, "{values} cases with a value");
}

/// So that sorting cannot empty the test.
const VALUES_MIN: usize = 300;
