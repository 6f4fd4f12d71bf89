//! Boot configurations: one encoding, sound thresholds, and what an enclave measures of them.

use crate::support::{config, key};
use rules::{BootConfig, RulesError};

fn refusal(change: impl FnOnce(&mut BootConfig)) -> RulesError {
    let mut changed = config(&[1, 2, 3], 2);
    change(&mut changed);
    BootConfig::parse(&changed.to_bytes()).expect_err("it is refused")
}

fn problem(change: impl FnOnce(&mut BootConfig)) -> String {
    match refusal(change) {
        RulesError::Content { problem, .. } => problem,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_configuration_comes_back_as_it_went() {
    for threshold in 1..=3 {
        let config = config(&[1, 2, 3], threshold);
        assert_eq!(BootConfig::parse(&config.to_bytes()), Ok(config));
    }
}

#[test]
fn thresholds_lie_between_one_and_all() {
    assert_eq!(problem(|c| c.threshold = 0), "expected 1 to 3, found 0");
    assert_eq!(problem(|c| c.threshold = 4), "expected 1 to 3, found 4");
    assert_eq!(problem(|c| c.freshness_threshold = 0), "expected 1 to 1, found 0");
    assert_eq!(problem(|c| c.freshness_threshold = 2), "expected 1 to 1, found 2");
    assert_eq!(problem(|c| c.authorities.clear()), "expected 1 to 0, found 2");
    assert!(matches!(refusal(|c| c.threshold = 17), RulesError::Malformed { .. }));
}

#[test]
fn keys_are_sorted_and_unique() {
    let unsorted = "keys are not sorted and unique";
    assert_eq!(problem(|c| c.authorities.swap(0, 1)), unsorted);
    assert_eq!(problem(|c| c.authorities[1] = c.authorities[0]), unsorted);
    let twice = |c: &mut BootConfig| c.freshness_keys = vec![key(9).verifying_key(); 2];
    assert_eq!(problem(twice), unsorted);
}

#[test]
fn weak_and_non_canonical_keys_are_refused() {
    // The identity, and y = 1 written a second time (2^255 - 18).
    let mut identity = [0; 32];
    identity[0] = 1;
    let mut twin = [0xff; 32];
    (twin[0], twin[31]) = (0xee, 0x7f);
    let config = config(&[1], 1);
    let bytes = config.to_bytes();
    let public = config.authorities[0].to_bytes();
    let place = bytes.windows(32).position(|window| window == public).expect("it is there");
    for bad in [identity, twin, [0; 32]] {
        let mut changed = bytes.clone();
        changed[place..place + 32].copy_from_slice(&bad);
        let error = BootConfig::parse(&changed);
        assert!(matches!(error, Err(RulesError::Content { .. })), "{error:?}");
    }
}

#[test]
fn ages_grow() {
    let order = "expected warn ≤ max ≤ refuse";
    assert_eq!(problem(|c| c.freshness.warn_ms = c.freshness.max_ms + 1), order);
    assert_eq!(problem(|c| c.freshness.max_ms = c.freshness.refuse_ms + 1), order);
    let mut equal = config(&[1], 1);
    equal.freshness.warn_ms = 5;
    equal.freshness.max_ms = 5;
    equal.freshness.refuse_ms = 5;
    assert_eq!(BootConfig::parse(&equal.to_bytes()), Ok(equal));
}

#[test]
fn limits_may_be_lowered_and_not_raised() {
    let is_malformed = |error| matches!(error, RulesError::Malformed { .. });
    assert!(is_malformed(refusal(|c| c.limits.fuel_max += 1)));
    assert!(is_malformed(refusal(|c| c.limits.memory_pages_max += 1)));
    let mut low = config(&[1], 1);
    low.limits.fuel_max = 1;
    low.limits.memory_pages_max = 1;
    assert_eq!(BootConfig::parse(&low.to_bytes()), Ok(low));
}

#[test]
fn only_the_one_encoding_is_taken() {
    let bytes = config(&[1, 2, 3], 2).to_bytes();
    for length in 0..bytes.len() {
        assert!(BootConfig::parse(&bytes[..length]).is_err(), "{length}");
    }
    assert!(BootConfig::parse(&[&bytes[..], &[0]].concat()).is_err());
    let large = vec![0; 4097];
    assert!(matches!(BootConfig::parse(&large), Err(RulesError::TooLarge { .. })));
    // Whatever a changed byte leaves readable is another configuration with another hash.
    let honest = BootConfig::parse(&bytes).expect("sound");
    for place in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[place] ^= 1 << bit;
            if let Ok(other) = BootConfig::parse(&changed) {
                assert_eq!(other.to_bytes(), changed);
                assert_ne!(other.hash(), honest.hash(), "byte {place}, bit {bit}");
                assert_ne!(other.pcr16(), honest.pcr16(), "byte {place}, bit {bit}");
            }
        }
    }
}

#[test]
fn pcr16_is_one_extension_of_zeros() {
    let config = config(&[1], 1);
    let extension = crypto::sha384(&[&config.to_bytes()]);
    assert_eq!(config.pcr_extension(), extension);
    assert_eq!(config.pcr16(), crypto::sha384(&[&[0; 48], &extension]));
}
