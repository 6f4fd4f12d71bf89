//! What a statement must be (P3, P18): each rule broken alone, by an encoder that does not check.

use crate::{frozen, hit, rule, statement};
use proof::{ProofError, Statement};
use rules::Outcome;

/// Why this statement's own bytes are refused, or nothing.
fn refusal(change: impl FnOnce(&mut Statement)) -> Option<String> {
    let mut changed = statement();
    change(&mut changed);
    match Statement::parse(&changed.to_bytes()) {
        Ok(read) => {
            assert_eq!(read, changed);
            None
        }
        Err(refusal) => Some(refusal.to_string()),
    }
}

fn refused(why: &str, change: impl FnOnce(&mut Statement)) {
    assert_eq!(refusal(change), Some(format!("P3: statement: {why}")));
}

#[test]
fn the_sample_is_sound_and_so_is_the_least_statement() {
    assert_eq!(refusal(|_| ()), None);
    let least = |s: &mut Statement| {
        s.jurisdictions.truncate(1);
        s.domains.truncate(1);
        s.rules = vec![rule("a", Outcome::Pass, vec![])];
        s.lists.clear();
        s.not_covered.clear();
        s.nonce = None;
        s.offline = false;
    };
    assert_eq!(refusal(least), None);
}

#[test]
fn jurisdictions_and_domains_are_sorted_and_unique() {
    let why = "scope is empty, not sorted or not unique";
    refused(why, |s| s.jurisdictions.clear());
    refused(why, |s| s.jurisdictions.reverse());
    refused(why, |s| s.jurisdictions[1] = s.jurisdictions[0].clone());
    refused(why, |s| s.domains.clear());
    refused(why, |s| s.domains.reverse());
    refused(why, |s| s.domains[1] = s.domains[0].clone());
}

#[test]
fn rules_are_sorted_and_unique() {
    let why = "rules are empty, not sorted or not unique";
    refused(why, |s| s.rules.clear());
    refused(why, |s| s.rules.reverse());
    refused(why, |s| s.rules[1].id = s.rules[0].id.clone());
}

#[test]
fn the_newest_rulebook_is_not_older_than_the_used_one() {
    let why = "the newest rulebook is older than the one that was used";
    refused(why, |s| s.newest_version = s.rulebook.version - 1);
    assert_eq!(refusal(|s| s.newest_version = s.rulebook.version), None);
    assert_eq!(refusal(|s| s.newest_version = s.rulebook.version + 1), None);
}

#[test]
fn hits_are_sorted_and_unique() {
    let why = "hits are not sorted and unique";
    refused(why, |s| s.rules[0].hits.reverse());
    refused(why, |s| s.rules[0].hits[1] = s.rules[0].hits[0].clone());
    refused(why, |s| s.rules[1].hits = vec![hit("b", "1", 1), hit("a", "1", 1)]);
}

#[test]
fn lists_are_sorted_and_unique() {
    let why = "lists are not sorted and unique";
    refused(why, |s| s.lists.reverse());
    refused(why, |s| s.lists[1].0 = s.lists[0].0.clone());
}

#[test]
fn pairs_not_covered_are_sorted_and_unique() {
    let why = "pairs not covered are not sorted and unique";
    refused(why, |s| s.not_covered.reverse());
    refused(why, |s| s.not_covered[1] = s.not_covered[0].clone());
}

#[test]
fn a_nonce_is_absent_or_has_bytes() {
    refused("nonce is empty", |s| s.nonce = Some(vec![]));
    let max = proof::NONCE_BYTES_MAX;
    assert_eq!(refusal(|s| s.nonce = Some(vec![1; max])), None);
    assert!(refusal(|s| s.nonce = Some(vec![1; max + 1])).unwrap().contains("nonce"));
}

#[test]
fn nothing_passes_because_nothing_ran() {
    let mut one = statement();
    one.rules = vec![rule("a", Outcome::Pass, vec![]), rule("b", Outcome::Report, vec![])];
    one.not_covered.clear();
    assert_eq!(one.decision(), Outcome::Report);
    one.rules.truncate(1);
    assert_eq!(one.decision(), Outcome::Pass);
    one.not_covered = vec![("EU".into(), "AML".into())];
    assert_eq!(one.decision(), Outcome::MissingData);
}

#[test]
fn the_stated_decision_is_the_one_that_follows() {
    let bytes = frozen("statement");
    let at = bytes.windows(4).position(|w| w == [0x14, 0x82, 0xf5, 0x01]).unwrap();
    for (offset, byte) in [(2, 0xf4), (3, 0x00)] {
        let mut changed = bytes.clone();
        changed[at + offset] = byte;
        let refusal = Statement::parse(&changed).unwrap_err();
        assert_eq!(refusal.check(), "P18", "{refusal}");
    }
}

#[test]
fn only_the_known_version_and_time_source_are_read() {
    let bytes = statement().to_bytes();
    // Key 1 is the version; key 6 stands behind key 5, a time of eight bytes.
    assert_eq!(bytes[1..3], [0x01, 0x02]);
    let source = bytes.windows(3).position(|w| w == [0x06, 0x01, 0x07]).unwrap() + 1;
    for at in [2, source] {
        let mut other = bytes.clone();
        other[at] = 3;
        let refusal = Statement::parse(&other).unwrap_err();
        assert!(matches!(refusal, ProofError::Statement(_)), "{refusal}");
        assert!(refusal.to_string().contains("the only known one"), "{refusal}");
    }
}

#[test]
fn limits_of_counts_and_numbers() {
    let names = |count: usize| (0..count).map(|n| format!("{n:03}")).collect::<Vec<_>>();
    let scope = proof::SCOPE_MAX;
    assert_eq!(refusal(|s| s.jurisdictions = names(scope)), None);
    assert!(refusal(|s| s.jurisdictions = names(scope + 1)).is_some());
    assert!(refusal(|s| s.domains = names(scope + 1)).is_some());
    let hits = |count| names(count).iter().map(|n| hit("l", n, 1)).collect::<Vec<_>>();
    assert_eq!(refusal(|s| s.rules[0].hits = hits(proof::HITS_MAX)), None);
    assert!(refusal(|s| s.rules[0].hits = hits(proof::HITS_MAX + 1)).is_some());
    assert_eq!(refusal(|s| s.rules[0].hits[2].score = 10_000), None);
    assert!(refusal(|s| s.rules[0].hits[2].score = 10_001).is_some());
    assert_eq!(refusal(|s| s.rules[0].reason = u16::MAX), None);
    assert_eq!(refusal(|s| s.as_of.0 = i64::MAX as u64), None);
    assert!(refusal(|s| s.as_of.0 = i64::MAX as u64 + 1).is_some());
    assert_eq!(refusal(|s| s.agent = "a".repeat(rules::NAME_BYTES_MAX)), None);
    assert!(refusal(|s| s.agent = "a".repeat(rules::NAME_BYTES_MAX + 1)).is_some());
}
