//! Sets of proofs (P9): forks, gaps, consistency, in any order.

use crate::support::*;
use attestation_fixtures::proofs::{Backing, ProofSpec};
use verify::set::{Gap, LogReport, LogSet};
use verify::{LogAudit, Materials, TimeEvidence, Verified, Verifier};

fn numbered(number: u8) -> ProofSpec {
    let mut spec = spec(Backing::Nitro);
    spec.statement(|statement| statement.proof_id = [number; 16]);
    spec
}

/// Proof at `index` (from 1) of a log of the proofs `numbers`, quoted when it had `size` leaves.
fn placed(numbers: &[u8], index: usize, size: usize) -> Verified {
    let leaves: Vec<_> = numbers.iter().map(|number| numbered(*number).leaf()).collect();
    let mut spec = numbered(numbers[index - 1]);
    spec.before = leaves[..index - 1].to_vec();
    spec.after = leaves[index..size - 1].to_vec();
    let verifier = Verifier::archival(policy_of(&nitro()), TimeEvidence::DocumentOwn);
    let judged = verifier.verify(&spec.to_bytes(), &Materials::default());
    judged.expect("valid on its own").into_verified()
}

fn report(proofs: &[Verified]) -> (LogReport, bool, bool) {
    let mut set = LogSet::new();
    proofs.iter().for_each(|proof| set.add(proof));
    let report = set.report();
    assert_eq!(report.logs.len(), 1);
    let (sound, complete) = (report.is_sound(), report.is_complete());
    (report.logs[0].clone(), sound, complete)
}

const LOG: [u8; 7] = [1, 2, 3, 4, 5, 6, 7];

#[test]
fn a_whole_log_in_any_order_is_complete() {
    // Three quotes: of 3, 5 and 8 leaves.
    let sizes = [3, 3, 5, 5, 8, 8, 8];
    let mut proofs: Vec<_> =
        sizes.iter().enumerate().map(|(at, size)| placed(&LOG, at + 1, *size)).collect();
    proofs.reverse();
    proofs.swap(0, 3);
    let (log, sound, complete) = report(&proofs);
    assert!(sound && complete, "{log:?}");
    assert_eq!((log.proofs, log.quotes, log.consistent_pairs, log.unproven_pairs), (7, 3, 2, 0));
    assert_eq!((log.first_index, log.last_index, log.covered, log.missing), (1, 7, 8, 0));
    proofs.push(proofs[0].clone());
    let (log, sound, _) = report(&proofs);
    assert!(sound);
    assert_eq!((log.proofs, log.duplicates), (7, 1));
}

#[test]
fn gaps_are_findings() {
    let proofs = [placed(&LOG, 2, 8), placed(&LOG, 5, 8)];
    let (log, sound, complete) = report(&proofs);
    assert!(sound && !complete);
    assert_eq!(log.missing, 5);
    let gaps = [(1, 1), (3, 4), (6, 7)].map(|(from, to)| Gap { from, to });
    assert_eq!(log.gaps, gaps);
}

#[test]
fn quotes_that_nothing_connects_are_unproven() {
    let (log, sound, _) = report(&[placed(&LOG, 1, 3), placed(&LOG, 7, 8)]);
    assert!(sound);
    assert_eq!((log.consistent_pairs, log.unproven_pairs), (0, 1), "{log:?}");
}

/// Two histories that agree on nothing but their beginning.
#[test]
fn forks_are_proven() {
    let mut other = LOG;
    other[6] = 9;
    // One size, two roots.
    let (log, sound, _) = report(&[placed(&LOG, 1, 8), placed(&other, 2, 8)]);
    assert!(!sound);
    assert!(log.forks[0].to_string().contains("size 8") && log.forks[0].check() == "P9");
    // One index, two leaves, under quotes of different sizes.
    other = LOG;
    other[1] = 9;
    let (log, sound, _) = report(&[placed(&LOG, 2, 5), placed(&other, 2, 8)]);
    assert!(!sound);
    assert!(log.forks[0].to_string().contains("index 2"), "{log:?}");
    // A later quote whose log does not begin with the earlier one's, though no index clashes.
    let later = [3, 4, 5, 6, 7].map(|index| placed(&other, index, 8));
    let (log, sound, _) = report(&[&[placed(&LOG, 1, 4)], &later[..]].concat());
    assert!(!sound, "{log:?}");
    assert!(log.forks[0].to_string().contains("does not begin with"), "{log:?}");
}

#[test]
fn an_audit_counts_what_is_missing_at_the_end() {
    let audit = |proofs: &[Verified]| {
        let config = world().config.hash();
        let mut audit = LogAudit::open(&numbered(1).boot_record(), config).expect("our record");
        proofs.iter().for_each(|proof| audit.push(proof).expect("the next one"));
        audit.finish()
    };
    let whole = audit(&[placed(&LOG, 1, 3), placed(&LOG, 2, 3)]).expect("whole");
    assert_eq!((whole.proofs, whole.last_index, whole.quotes), (2, 2, 1));
    let refusal = audit(&[placed(&LOG, 1, 5)]).expect_err("three are missing");
    assert_eq!(refusal.check(), "P9");
    assert!(refusal.to_string().contains("log has 2: 3 missing"), "{refusal}");
}
