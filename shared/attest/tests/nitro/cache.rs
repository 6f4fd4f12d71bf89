//! The cache saves signatures and nothing else: no verdict may differ because of it.

use crate::forged::policy;
use attest::{ChainCache, verify};
use attestation_fixtures::{Expected, corpus};

#[test]
fn a_warm_cache_changes_no_verdict() {
    let mut cache = ChainCache::new(1000);
    for _ in 0..2 {
        for case in corpus() {
            let verdict = verify(&case.bytes, &policy(&case.policy), Some(&mut cache));
            let said = verdict.as_ref().err().map(attest::AttestError::check);
            let expected = match case.expected {
                Expected::Accept => None,
                Expected::Refuse(check) => Some(check),
            };
            assert_eq!(said, expected, "{}", case.name);
        }
    }
}

#[test]
fn the_cache_keeps_its_bound() {
    for entries_max in [0, 1, 3] {
        let mut cache = ChainCache::new(entries_max);
        for case in corpus().iter().take(8) {
            let _ = verify(&case.bytes, &policy(&case.policy), Some(&mut cache));
            assert!(cache.entries() <= entries_max);
        }
    }
}
