//! Schemes, banks and ways to trust a key that the forge's cases do not have.

use crate::maker::{ECDSA, Key, Quote, RSAPSS, RSASSA, SHA256, SHA384, SHA512, hash};
use attest::tpm::{
    AkBasis, AkParts, AkTrust, HashAlgorithm, QuoteParts, TpmPolicy, VerifiedQuote, ak_name,
    verify_quote,
};
use attest::{AttestError, Outcome};
use std::collections::BTreeMap;

fn registers(bytes: usize) -> BTreeMap<u8, Vec<u8>> {
    let values = [(0, 0x10), (7, 0x17), (12, 0), (14, 0x23)];
    values.into_iter().map(|(index, fill)| (index, vec![fill; bytes])).collect()
}

fn quote(bank: u16, scheme: u16, algorithm: u16) -> Quote {
    let bytes = if bank == SHA384 { 48 } else { 32 };
    let extra_data = b"challenge".to_vec();
    Quote { bank, scheme, hash: algorithm, extra_data, pcrs: registers(bytes) }
}

fn judge(
    key: &Key,
    quote: &Quote,
    change: impl FnOnce(TpmPolicy) -> TpmPolicy,
) -> Result<VerifiedQuote, AttestError> {
    let public = key.public(quote.scheme, quote.hash);
    let trust = AkTrust::new().with_name(ak_name(&public)?)?;
    let attest = quote.attest();
    let signature = key.sign(quote.scheme, quote.hash, &attest);
    let parts = QuoteParts {
        attest: &attest,
        signature: &signature,
        ak: AkParts { public: Some(&public), ..AkParts::default() },
        pcrs: quote.pcrs.iter().map(|(index, value)| (*index, value.as_slice())).collect(),
        extra_data: Some(&quote.extra_data),
        event_log: None,
    };
    verify_quote(&parts, &change(TpmPolicy::new(trust)))
}

#[test]
fn every_scheme_and_bank_verifies() {
    let (p256, p384, rsa) = (Key::p256(), Key::p384(), Key::rsa());
    let combinations = [
        (&p256, SHA256, ECDSA, SHA256),
        (&p256, SHA384, ECDSA, SHA256),
        (&p384, SHA384, ECDSA, SHA384),
        (&p384, SHA256, ECDSA, SHA384),
        (&rsa, SHA256, RSASSA, SHA256),
        (&rsa, SHA384, RSASSA, SHA384),
        (&rsa, SHA256, RSASSA, SHA512),
        (&rsa, SHA256, RSAPSS, SHA256),
    ];
    for (key, bank, scheme, algorithm) in combinations {
        let quote = quote(bank, scheme, algorithm);
        let reference = quote.pcrs[&7].clone();
        let verified = judge(key, &quote, |policy| policy.with_pcr(7, reference).unwrap()).unwrap();
        let expected = if bank == SHA384 { HashAlgorithm::Sha384 } else { HashAlgorithm::Sha256 };
        assert_eq!(verified.hash_algorithm(), expected);
        assert_eq!(verified.pcrs(), &quote.pcrs);
        assert_eq!(verified.ak_basis(), &AkBasis::PinnedName);
        assert_eq!(verified.clock().reset_count, 3);
        assert_eq!(verified.firmware_version(), 0x2024_0001);
    }
}

#[test]
fn a_digest_by_another_hash_than_the_signature_is_refused() {
    // A SHA-256 bank quoted by a SHA-384 key: the digest is by the key's hash.
    let key = Key::p384();
    let quote = quote(SHA256, ECDSA, SHA384);
    let mut attest = quote.attest();
    let at = attest.len() - 50;
    attest.truncate(at);
    let values: Vec<u8> = quote.pcrs.values().flatten().copied().collect();
    attest.extend(crate::maker::sized(&hash(SHA256, &values)));
    let signature = key.sign(ECDSA, SHA384, &attest);
    let public = key.public(ECDSA, SHA384);
    let parts = QuoteParts {
        attest: &attest,
        signature: &signature,
        ak: AkParts { public: Some(&public), ..AkParts::default() },
        pcrs: quote.pcrs.iter().map(|(index, value)| (*index, value.as_slice())).collect(),
        extra_data: None,
        event_log: None,
    };
    let trust = AkTrust::new().with_name(ak_name(&public).unwrap()).unwrap();
    assert_eq!(verify_quote(&parts, &TpmPolicy::new(trust)).unwrap_err().check(), "T21");
}

#[test]
fn a_pinned_key_needs_no_public_area() {
    for key in [Key::p256(), Key::p384(), Key::rsa()] {
        let (scheme, algorithm) = match key {
            Key::P256(_) => (ECDSA, SHA256),
            Key::P384(_) => (ECDSA, SHA384),
            Key::Rsa(_) => (RSASSA, SHA256),
        };
        let quote = quote(SHA256, scheme, algorithm);
        let (attest, spki) = (quote.attest(), key.spki());
        let signature = key.sign(scheme, algorithm, &attest);
        let parts = QuoteParts {
            attest: &attest,
            signature: &signature,
            ak: AkParts { spki: Some(&spki), ..AkParts::default() },
            pcrs: quote.pcrs.iter().map(|(index, value)| (*index, value.as_slice())).collect(),
            extra_data: Some(b"challenge"),
            event_log: None,
        };
        let policy = TpmPolicy::new(AkTrust::new().with_key(&spki).unwrap());
        let verified = verify_quote(&parts, &policy).unwrap();
        assert_eq!((verified.ak_basis(), verified.ak_name()), (&AkBasis::PinnedKey, None));
        let five = verified.checks().iter().find(|(check, _)| check.as_str() == "T5").unwrap();
        assert!(matches!(five.1, Outcome::NotChecked(_)));
        // No TPMT_PUBLIC came: the scheme that the TPM holds the key to is nowhere.
        assert!(
            verified
                .notes()
                .iter()
                .any(|note| note.starts_with("T18") && note.ends_with("is not known"))
        );
        let nobody = TpmPolicy::new(AkTrust::new());
        assert_eq!(verify_quote(&parts, &nobody).unwrap_err().check(), "T8");
        // A key of another kind in a second part is another key.
        let public = Key::p256().public(ECDSA, SHA256);
        let mut two = parts.clone();
        two.ak.public = Some(&public);
        assert_eq!(verify_quote(&two, &policy).unwrap_err().check(), "T8");
    }
}

#[test]
fn registers_that_must_be_empty_are() {
    let (key, quote) = (Key::p256(), quote(SHA256, ECDSA, SHA256));
    let empty =
        |index: u8| judge(&key, &quote, |policy| policy.with_unextended_pcr(index).unwrap());
    assert!(empty(12).is_ok());
    assert_eq!(empty(14).unwrap_err().check(), "T24");
    assert_eq!(empty(13).unwrap_err().check(), "T19");
}

#[test]
fn a_policy_that_means_nothing_is_refused() {
    let policy = || TpmPolicy::new(AkTrust::new());
    assert_eq!(policy().with_pcr(0, vec![0; 32]).unwrap_err().check(), "T24");
    assert_eq!(policy().with_pcr(17, vec![0xff; 48]).unwrap_err().check(), "T24");
    assert_eq!(policy().with_pcr(24, vec![1; 32]).unwrap_err().check(), "T24");
    assert_eq!(policy().with_pcr(0, vec![1; 20]).unwrap_err().check(), "T24");
    assert_eq!(policy().with_unextended_pcr(0).unwrap_err().check(), "T24");
    let names = [vec![], vec![0, 4, 1], [vec![0, 0x0b], vec![1; 31]].concat()];
    for name in names {
        assert_eq!(AkTrust::new().with_name(name).unwrap_err().check(), "T8");
    }
    assert_eq!(AkTrust::new().with_key(&[0x30, 0]).unwrap_err().check(), "T6");
    assert_eq!(AkTrust::new().with_root("r", &[0x30, 0]).unwrap_err().check(), "T8");
    assert!(AkTrust::new().is_empty());
}

#[test]
fn a_reference_value_of_another_bank_is_no_match() {
    let (key, quote) = (Key::p256(), quote(SHA256, ECDSA, SHA256));
    let error = judge(&key, &quote, |policy| policy.with_pcr(7, vec![0x17; 48]).unwrap());
    assert_eq!(error.unwrap_err().check(), "T24");
}

#[test]
fn a_root_needs_a_moment() {
    use attestation_fixtures::tpm::{AkChain, AkKey, PublicSpec};
    let now_ms = 1_790_000_000_000;
    let chain = AkChain::new(AkKey::P256("ak"), now_ms);
    let (certificates, root) = (chain.chain(), chain.root_der());
    let public = PublicSpec::of(AkKey::P256("ak")).to_bytes();
    let quote = quote(SHA256, ECDSA, SHA256);
    let attest = quote.attest();
    let raw = AkKey::P256("ak").sign(SHA256, &attest);
    let mut signature = [ECDSA.to_be_bytes(), SHA256.to_be_bytes()].concat();
    raw.chunks(32).for_each(|half| signature.extend(crate::maker::sized(half)));
    let parts = QuoteParts {
        attest: &attest,
        signature: &signature,
        ak: AkParts {
            public: Some(&public),
            spki: None,
            certificates: certificates.iter().map(Vec::as_slice).collect(),
        },
        pcrs: quote.pcrs.iter().map(|(index, value)| (*index, value.as_slice())).collect(),
        extra_data: None,
        event_log: None,
    };
    let policy = || TpmPolicy::new(AkTrust::new().with_root("test", &root).unwrap());
    use attest::VerificationTime::{At, Document};
    let verified = verify_quote(&parts, &policy().with_time(At { ms: now_ms })).unwrap();
    assert_eq!(verified.ak_basis(), &AkBasis::Root("test".to_owned()));
    for timeless in [policy(), policy().with_time(Document)] {
        assert_eq!(verify_quote(&parts, &timeless).unwrap_err().check(), "T8");
    }
    // Two roots of one name: the one whose key fits is taken, in whatever order.
    let mut other = AkChain::new(AkKey::P256("ak"), now_ms);
    other.certificates[0].point = Key::p384().point();
    let both = AkTrust::new().with_root("other", &other.root_der()).unwrap();
    let both = TpmPolicy::new(both.with_root("test", &root).unwrap());
    assert!(verify_quote(&parts, &both.with_time(At { ms: now_ms })).is_ok());
}
