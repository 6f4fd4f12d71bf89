//! The registrar's authority: its certificates are what `attest` takes as the reason to believe an
//! attestation key, under this root and no other.

use super::{AKS, EKS, NOW_MS, activated};
use attest::tpm::{AkTrust, TpmPolicy, verify_evidence};
use attest::{NonceRule, VerificationTime};
use attestation_fixtures::tpm::{AkKey, EkKey, QuoteSpec};
use enrol::{Authority, Days, Identity};
use std::collections::BTreeMap;

fn authority() -> (Authority, Vec<u8>) {
    let key = Authority::new_key().unwrap();
    let authority = Authority::new("Probity AK authority test", &key).unwrap();
    let certificate = authority.certificate(&[0x80; 16], days(3650)).unwrap();
    (authority, certificate)
}

fn days(days: u32) -> Days {
    Days { now_ms: NOW_MS, days }
}

#[test]
fn a_certified_key_is_believed_under_its_own_root_alone() {
    let (authority, root) = authority();
    let (_, other_root) = self::authority();
    let identity: Identity = "till-7".parse().unwrap();
    for (ek, ak) in EKS.into_iter().flat_map(|ek| AKS.map(|ak| (ek, ak))) {
        let activated = activated(ek, ak);
        let issued = authority.issue(&activated, &identity, &[0; 16], days(30)).unwrap();
        assert_eq!(issued.serial[0], 0x40, "positive and not zero");
        assert_eq!(issued.not_after_ms, NOW_MS + 30 * 86_400_000);
        let pcrs = BTreeMap::from([(0, [1; 32])]);
        let mut quote = QuoteSpec::new(ak, &pcrs, b"checkpoint", b"keys", Some(b"nonce"));
        quote.chain = vec![issued.der.clone()];
        let judge = |root: &[u8], at_ms| {
            let trust = AkTrust::new().with_root("registrar", root).unwrap();
            let policy = TpmPolicy::new(trust)
                .with_nonce(NonceRule::Exact(b"nonce".to_vec()))
                .with_time(VerificationTime::At { ms: at_ms });
            verify_evidence(&quote.evidence(), None, &policy)
        };
        judge(&root, NOW_MS).unwrap();
        judge(&root, NOW_MS - 60_000).unwrap();
        for (root, at_ms) in
            [(&other_root, NOW_MS), (&root, NOW_MS - 600_000), (&root, NOW_MS + 31 * 86_400_000)]
        {
            assert_eq!(judge(root, at_ms).unwrap_err().check(), "T8");
        }
    }
}

/// Nothing that it issues lives longer than itself, and its certificate is of its key.
#[test]
fn the_authority_ends_with_its_certificate() {
    let (key, other) = (Authority::new_key().unwrap(), Authority::new_key().unwrap());
    let short = Authority::new("short", &key).unwrap().certificate(&[1; 16], days(10)).unwrap();
    let authority = Authority::with_certificate("short", &key, &short).unwrap();
    assert!(Authority::with_certificate("short", &other, &short).is_err());
    let activated = activated(EkKey::P256("ek"), AkKey::P256("ak"));
    let identity: Identity = "x".parse().unwrap();
    let issued = authority.issue(&activated, &identity, &[1; 16], days(365)).unwrap();
    assert_eq!(issued.not_after_ms, NOW_MS + 10 * 86_400_000);
    let late = Days { now_ms: NOW_MS + 10 * 86_400_000, days: 1 };
    assert!(authority.issue(&activated, &identity, &[1; 16], late).is_err());
}

#[test]
fn the_authority_takes_p256_keys_alone() {
    assert!(Authority::new("no", b"no key").is_err());
    let rsa = include_bytes!("../../../../attestation-fixtures/data/test-ak-rsa2048.pk8");
    assert!(Authority::new("no", rsa).is_err());
    let never = Days { now_ms: u64::MAX, days: 1 };
    let (authority, _) = authority();
    assert!(authority.certificate(&[1; 16], never).is_err(), "beyond the calendar");
    let identity: Identity = "x".parse().unwrap();
    let activated = activated(EkKey::P256("ek"), AkKey::P256("ak"));
    assert!(authority.issue(&activated, &identity, &[1; 16], never).is_err());
}
