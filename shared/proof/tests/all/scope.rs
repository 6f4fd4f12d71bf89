//! How long a statement may be: to the byte, and for signer and reader alike.

use crate::{signer, statement};
use proof::{ProofError, STATEMENT_BYTES_MAX, SignedStatement, Statement};
use rules::Outcome;

/// A sound statement of exactly that many bytes: rules of the same size, and a name that fills up.
fn of_bytes(bytes: usize) -> Statement {
    let mut one = statement();
    let pairs = |count: usize, width: usize| -> Vec<(String, String)> {
        (0..count).map(|n| (format!("{n:03}{}", "x".repeat(width - 3)), "d".into())).collect()
    };
    one.rules = (0..200)
        .map(|n| crate::rule(&format!("{n:03}{}", "r".repeat(124)), Outcome::Pass, vec![]))
        .collect();
    let version = "v".repeat(100);
    for rule in &mut one.rules {
        rule.version.clone_from(&version);
    }
    one.not_covered = pairs(64, 100);
    let missing = bytes - one.to_bytes().len();
    // Texts of 100 bytes grow to at most 124 without a longer head.
    let mut left = missing;
    let texts = one.rules.iter_mut().map(|rule| &mut rule.version);
    for text in texts.chain(one.not_covered.iter_mut().map(|pair| &mut pair.0)) {
        let more = left.min(28);
        text.push_str(&"y".repeat(more));
        left -= more;
    }
    assert_eq!(left, 0, "room for {missing} bytes");
    assert_eq!(one.to_bytes().len(), bytes);
    one
}

#[test]
fn the_longest_statement_is_signed_and_read_and_one_byte_more_is_not() {
    let longest = of_bytes(STATEMENT_BYTES_MAX);
    assert_eq!(Statement::parse(&longest.to_bytes()).as_ref(), Ok(&longest));
    let signed = SignedStatement::sign(longest, &signer()).unwrap();
    assert_eq!(proof::Proof::parse(&signed.to_bytes()).unwrap().signed, signed);
    let longer = of_bytes(STATEMENT_BYTES_MAX + 1);
    let refusal = ProofError::NotCanonical("longer than 65,536 bytes");
    assert_eq!(Statement::parse(&longer.to_bytes()), Err(refusal.clone()));
    assert_eq!(SignedStatement::sign(longer, &signer()), Err(refusal));
}

#[test]
fn every_pair_of_the_widest_scope_can_be_uncovered() {
    let count = proof::SCOPE_MAX * proof::SCOPE_MAX;
    let pairs = |count: usize| (0..count).map(|n| (format!("{n:03}"), "d".to_owned())).collect();
    let mut one = statement();
    one.not_covered = pairs(count);
    assert_eq!(Statement::parse(&one.to_bytes()).as_ref(), Ok(&one));
    one.not_covered = pairs(count + 1);
    let refusal = Statement::parse(&one.to_bytes()).unwrap_err();
    assert!(refusal.to_string().contains("pairs not covered"), "{refusal}");
}
