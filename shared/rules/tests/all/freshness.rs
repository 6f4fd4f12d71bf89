//! How old the authority's word may be.

use crate::support::{HOUR_MS, ISSUED, bundle, config, freshness, key, keys};
use facts::Millis;
use rules::{
    BootConfig, Freshness, FreshnessPolicy, RulesError, SignedBundle, SignedFreshness, Standing,
    VerifiedBundle, sign_bundle, sign_freshness,
};

const POLICY: FreshnessPolicy =
    FreshnessPolicy { warn_ms: 12 * HOUR_MS, max_ms: 24 * HOUR_MS, refuse_ms: 48 * HOUR_MS };

fn verified(config: &BootConfig) -> VerifiedBundle {
    let signed = sign_bundle(&bundle(), &keys(&[1])).expect("sound");
    SignedBundle::verify(&signed, config).expect("signed")
}

/// Lives longer than any age that is judged here.
fn lasting() -> Freshness {
    Freshness { expires_at: Millis(ISSUED.0 + 1000 * HOUR_MS), ..freshness(&bundle()) }
}

fn after(ms: u64) -> Millis {
    Millis(ISSUED.0 + ms)
}

#[test]
fn the_default_ages_are_12_24_and_48_hours() {
    assert_eq!(FreshnessPolicy::default(), POLICY);
}

#[test]
fn a_statement_comes_back_as_it_went() {
    let config = config(&[1], 1);
    let statement = freshness(&bundle());
    let signed = sign_freshness(&statement, &keys(&[9]));
    assert_eq!(SignedFreshness::verify(&signed, &config, &verified(&config)), Ok(statement));
    assert_eq!(Freshness::parse_unverified(&statement.to_bytes()), Ok(statement));
}

#[test]
fn only_freshness_keys_speak_for_freshness() {
    let config = config(&[1], 1);
    let signed = sign_freshness(&freshness(&bundle()), &keys(&[1, 7]));
    let error = SignedFreshness::verify(&signed, &config, &verified(&config));
    let quorum = RulesError::Quorum { what: "freshness statement", needed: 1, found: 0 };
    assert_eq!(error, Err(quorum));
}

#[test]
fn a_statement_speaks_of_one_bundle() {
    let config = config(&[1], 1);
    let verified = verified(&config);
    let mut newer = bundle();
    newer.version += 1;
    let other_version = Freshness { version: 4, ..freshness(&bundle()) };
    for statement in [freshness(&newer), other_version] {
        let signed = sign_freshness(&statement, &keys(&[9]));
        let (expected, found) = (verified.hash(), statement.bundle);
        let error = SignedFreshness::verify(&signed, &config, &verified);
        assert_eq!(error, Err(RulesError::FreshnessOfAnother { expected, found }));
    }
}

#[test]
fn every_changed_byte_is_refused() {
    let mut config = config(&[1], 1);
    config.freshness_keys = vec![key(9).verifying_key()];
    let verified = verified(&config);
    let bytes = sign_freshness(&freshness(&bundle()), &keys(&[9]));
    for place in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[place] ^= 1 << bit;
            let found = SignedFreshness::verify(&changed, &config, &verified);
            assert!(found.is_err(), "byte {place}, bit {bit}");
        }
    }
}

#[test]
fn past_the_warning_age_is_offline() {
    let standing = |ms| lasting().standing(after(ms), &POLICY);
    for (age_ms, offline) in [
        (0, false),
        (12 * HOUR_MS, false),
        (12 * HOUR_MS + 1, true),
        (24 * HOUR_MS + 1, true),
        (48 * HOUR_MS - 1, true),
    ] {
        assert_eq!(standing(age_ms), Ok(Standing { offline, age_ms }));
    }
}

#[test]
fn from_the_refusal_age_on_nothing_is_evaluated() {
    for age_ms in [48 * HOUR_MS, 48 * HOUR_MS + 1, 100_000 * HOUR_MS] {
        let problem = "it is past the age at which evaluation is refused";
        let (issued_at, now) = (ISSUED, after(age_ms));
        let stale = Err(RulesError::Stale { issued_at, now, problem });
        assert_eq!(lasting().standing(now, &POLICY), stale);
    }
}

#[test]
fn past_the_highest_age_no_bundle_comes_into_force() {
    let admits = |ms| lasting().admits(after(ms), &POLICY);
    assert_eq!(admits(0), Ok(()));
    assert_eq!(admits(24 * HOUR_MS), Ok(()));
    for ms in [24 * HOUR_MS + 1, 48 * HOUR_MS] {
        assert!(matches!(admits(ms), Err(RulesError::Stale { .. })), "{ms}");
    }
}

#[test]
fn an_expired_statement_is_offline_and_admits_nothing() {
    let short = Freshness { expires_at: after(HOUR_MS), ..lasting() };
    let age_ms = HOUR_MS;
    let standing = short.standing(after(age_ms), &POLICY);
    assert_eq!(standing, Ok(Standing { offline: false, age_ms }));
    assert_eq!(short.admits(after(age_ms), &POLICY), Ok(()));
    let age_ms = HOUR_MS + 1;
    let standing = short.standing(after(age_ms), &POLICY);
    assert_eq!(standing, Ok(Standing { offline: true, age_ms }));
    let admits = short.admits(after(age_ms), &POLICY);
    assert!(matches!(admits, Err(RulesError::Stale { problem: "it has expired", .. })));
}

#[test]
fn two_minutes_of_the_future_are_forgiven() {
    let before = |ms| lasting().standing(Millis(ISSUED.0 - ms), &POLICY);
    assert_eq!(before(120_000), Ok(Standing { offline: false, age_ms: 0 }));
    let error = before(120_001);
    assert!(matches!(error, Err(RulesError::Stale { problem: "it was issued in the future", .. })));
}
