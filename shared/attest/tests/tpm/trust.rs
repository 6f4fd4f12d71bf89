//! What vouches for an attestation key, and what its verdict may then say: T6, T8, T18.

use crate::forged::cases;
use attest::tpm::{AkBasis, AkTrust, TpmPolicy, VerifiedQuote, verify_evidence};
use attest::{AttestError, Outcome, VerificationTime};
use attestation_fixtures::tpm::{AkChain, AkKey, AkLevel, PublicSpec, QuoteSpec, good_log};
use attestation_fixtures::{Extension, oid};

const KEY: AkKey = AkKey::P256("ak");
const NOW_MS: u64 = 1_790_000_000_000;
/// anyExtendedKeyUsage, 2.5.29.37.0.
const ANY: &[u8] = &[0x55, 0x1d, 0x25, 0x00];

fn judge(certificates: Vec<Vec<u8>>, trust: AkTrust) -> Result<VerifiedQuote, AttestError> {
    let mut spec = QuoteSpec::new(KEY, &good_log().registers(), b"words", b"keys", None);
    spec.chain = certificates;
    let policy = TpmPolicy::new(trust).with_time(VerificationTime::At { ms: NOW_MS });
    verify_evidence(&spec.evidence(), None, &policy)
}

fn outcome(quote: &VerifiedQuote, number: &str) -> Outcome {
    let found = quote.checks().iter().find(|(check, _)| check.as_str() == number);
    found.unwrap().1.clone()
}

fn chain(change: impl FnOnce(&mut AkChain)) -> AkChain {
    let mut chain = AkChain::new(KEY, NOW_MS);
    change(&mut chain);
    chain
}

fn under_root(chain: &AkChain) -> Result<VerifiedQuote, AttestError> {
    judge(chain.chain(), AkTrust::new().with_root("r", &chain.root_der())?)
}

fn under_dedicated_root(chain: &AkChain) -> Result<VerifiedQuote, AttestError> {
    judge(chain.chain(), AkTrust::new().with_dedicated_root("r", &chain.root_der())?)
}

/// The leaf without, or with another, extKeyUsage.
fn purpose(purpose: Option<&[u8]>) -> AkChain {
    chain(|all| {
        let extensions = &mut all.at(AkLevel::Leaf).extensions;
        extensions.truncate(2);
        extensions.extend(purpose.map(Extension::ext_key_usage));
    })
}

#[test]
fn only_a_pinned_name_binds_size_and_scheme() {
    let named = AkTrust::new().with_name(PublicSpec::of(KEY).name()).unwrap();
    let pinned = judge(vec![], named).unwrap();
    assert_eq!(outcome(&pinned, "T6"), Outcome::Passed);
    assert!(!pinned.notes().iter().any(|note| note.starts_with("T18")));
    let certified = under_root(&chain(|_| ())).unwrap();
    for number in ["T4", "T5", "T6"] {
        assert!(matches!(outcome(&certified, number), Outcome::NotChecked(_)), "{number}");
    }
    assert_eq!(outcome(&certified, "T18"), Outcome::Passed);
    let note = certified.notes().iter().find(|note| note.starts_with("T18")).unwrap();
    assert!(note.contains("what the sender wrote"), "{note}");
}

#[test]
fn a_certificate_names_its_purpose_unless_its_root_has_no_other() {
    let check = |verdict: Result<VerifiedQuote, AttestError>| verdict.err().map(|one| one.check());
    assert_eq!(check(under_root(&purpose(Some(oid::AK_CERTIFICATE)))), None);
    assert_eq!(check(under_root(&purpose(None))), Some("T8"));
    let quote = under_dedicated_root(&purpose(None)).unwrap();
    assert_eq!(quote.ak_basis(), &AkBasis::Root("r".to_owned()));
    assert!(quote.notes().iter().any(|note| note.starts_with("T8") && note.contains("purpose")));
    // A purpose that is named is the right one, whatever the root.
    for other in [oid::EK_CERTIFICATE, ANY] {
        assert_eq!(check(under_root(&purpose(Some(other)))), Some("T8"));
        assert_eq!(check(under_dedicated_root(&purpose(Some(other)))), Some("T8"));
    }
}

#[test]
fn an_issuer_keeps_to_its_own_purposes() {
    let check = |level: AkLevel, purpose: &[u8]| {
        let chain = chain(|all| {
            all.at(level).extensions.push(Extension::ext_key_usage(purpose));
        });
        under_root(&chain).err().map(|error| error.check())
    };
    for level in [AkLevel::Issuer, AkLevel::Root] {
        assert_eq!(check(level, oid::AK_CERTIFICATE), None);
        assert_eq!(check(level, ANY), None);
        assert_eq!(check(level, oid::EK_CERTIFICATE), Some("T8"));
    }
}

#[test]
fn certificates_beside_a_pinned_key_are_not_read() {
    let named = AkTrust::new().with_name(PublicSpec::of(KEY).name()).unwrap();
    let garbage = vec![vec![0x30, 0x80], vec![0xff; 40]];
    let other = AkChain::new(AkKey::P256("other"), NOW_MS).chain();
    for certificates in [garbage.clone(), other] {
        let quote = judge(certificates, named.clone()).unwrap();
        assert_eq!(quote.ak_basis(), &AkBasis::PinnedName);
        assert!(quote.notes().iter().any(|note| note.contains("were not judged")));
    }
    // Where nothing is pinned they are all there is.
    let root = AkTrust::new().with_root("r", &chain(|_| ()).root_der()).unwrap();
    assert_eq!(judge(garbage, root).unwrap_err().check(), "T8");
}

#[test]
fn an_unsafe_clock_may_only_need_time() {
    let error = cases()
        .find_map(|one| crate::forged::judge(one).err().filter(|error| error.check() == "T22"));
    assert!(error.unwrap().remedy().contains("ask again later"));
}
