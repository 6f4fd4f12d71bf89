//! k of n signatures, and what stands under them.

use crate::support::{bundle, config, freshness, key, keys};
use cbor::{Reader, Writer};
use crypto::CryptoError;
use rules::{BootConfig, RulesError, SignedBundle, SignedFreshness, sign_bundle, sign_freshness};

fn signed(fills: &[u8]) -> Vec<u8> {
    sign_bundle(&bundle(), &keys(fills)).expect("sound")
}

fn verify(bytes: &[u8], config: &BootConfig) -> Result<usize, RulesError> {
    SignedBundle::verify(bytes, config).map(|bundle| bundle.signers().len())
}

fn quorum(needed: usize, found: usize) -> Result<usize, RulesError> {
    Err(RulesError::Quorum { what: "rule bundle", needed, found })
}

#[test]
fn k_of_n_must_sign() {
    let three = config(&[1, 2, 3], 2);
    assert_eq!(verify(&signed(&[]), &three), quorum(2, 0));
    for one in [1, 2, 3] {
        assert_eq!(verify(&signed(&[one]), &three), quorum(2, 1));
    }
    for two in [[1, 2], [2, 3], [3, 1]] {
        assert_eq!(verify(&signed(&two), &three), Ok(2));
    }
    assert_eq!(verify(&signed(&[1, 2, 3]), &three), Ok(3));
    assert_eq!(verify(&signed(&[1, 2]), &config(&[1, 2, 3], 3)), quorum(3, 2));
}

#[test]
fn a_strangers_signature_counts_for_nothing_and_harms_nothing() {
    let two = config(&[1, 2], 2);
    assert_eq!(verify(&signed(&[1, 7]), &two), quorum(2, 1));
    assert_eq!(verify(&signed(&[7, 8]), &two), quorum(2, 0));
    assert_eq!(verify(&signed(&[1, 2, 7]), &two), Ok(2));
    // Not even when it is false.
    let mut parts = parts(&signed(&[1, 2, 7]));
    let stranger = key(7).verifying_key().to_bytes();
    let place = parts.signatures.iter().position(|(p, _)| p.ends_with(&stranger)).expect("there");
    parts.signatures[place].1[0] ^= 1;
    assert_eq!(verify(&parts.bytes(), &two), Ok(2));
}

#[test]
fn a_known_keys_bad_signature_refuses_all() {
    for threshold in [1, 2] {
        for place in 0..2 {
            for byte in [0, 31, 32, 63] {
                let mut parts = parts(&signed(&[1, 2]));
                parts.signatures[place].1[byte] ^= 1;
                let error = verify(&parts.bytes(), &config(&[1, 2], threshold));
                let Err(RulesError::Signature { source, .. }) = &error else { panic!("{error:?}") };
                assert!(matches!(source, CryptoError::Signature { .. }), "{source}");
            }
        }
    }
}

#[test]
fn one_signer_counts_once() {
    let two = config(&[1, 2], 2);
    // The maker drops the second; a forger who keeps it is not canonical.
    assert_eq!(verify(&signed(&[1, 1]), &two), quorum(2, 1));
    let mut parts = parts(&signed(&[1]));
    parts.signatures.push(parts.signatures[0].clone());
    let twice = Err(RulesError::NotCanonical("rule bundle"));
    assert_eq!(verify(&parts.bytes(), &two), twice);
    assert_eq!(verify(&parts.bytes(), &config(&[1], 1)), twice);
}

#[test]
fn signatures_stand_in_order() {
    let mut parts = parts(&signed(&[1, 2]));
    parts.signatures.swap(0, 1);
    let swapped = Err(RulesError::NotCanonical("rule bundle"));
    assert_eq!(verify(&parts.bytes(), &config(&[1, 2], 1)), swapped);
}

#[test]
fn a_signature_does_not_move_to_another_key_or_payload() {
    let mut moved = parts(&signed(&[1]));
    let other = parts(&signed(&[2]));
    moved.signatures[0].0 = other.signatures[0].0.clone();
    let error = verify(&moved.bytes(), &config(&[1, 2], 1));
    assert!(matches!(error, Err(RulesError::Signature { .. })), "{error:?}");
    let mut changed = bundle();
    changed.version += 1;
    let mut moved = parts(&signed(&[1]));
    moved.payload = changed.to_bytes();
    let error = verify(&moved.bytes(), &config(&[1], 1));
    assert!(matches!(error, Err(RulesError::Signature { .. })), "{error:?}");
}

#[test]
fn the_type_is_under_the_signature() {
    let bundle = bundle();
    let config = config(&[9], 1);
    let verified = SignedBundle::verify(&signed(&[9]), &config).expect("signed");
    // A bundle as a freshness statement, and the other way.
    let as_freshness = SignedFreshness::verify(&signed(&[9]), &config, &verified);
    assert_eq!(as_freshness, Err(RulesError::NotCanonical("freshness statement")));
    let statement = sign_freshness(&freshness(&bundle), &keys(&[9]));
    let not_canonical = Err(RulesError::NotCanonical("rule bundle"));
    assert_eq!(verify(&statement, &config), not_canonical);
    // With the type changed, the signature is no longer one.
    let mut retyped = parts(&statement);
    retyped.body = parts(&signed(&[9])).body;
    let error = verify(&retyped.bytes(), &config);
    assert!(matches!(error, Err(RulesError::Signature { .. })), "{error:?}");
}

#[test]
fn only_the_pinned_rulebook_is_accepted() {
    let mut other = config(&[1], 1);
    other.rulebook = "other".into();
    let error = verify(&signed(&[1]), &other);
    let (expected, found) = ("other".into(), "test".into());
    assert_eq!(error, Err(RulesError::WrongRulebook { expected, found }));
}

#[test]
fn every_changed_byte_is_refused() {
    let config = config(&[1, 2], 2);
    let bytes = signed(&[1, 2]);
    assert_eq!(verify(&bytes, &config), Ok(2));
    for place in 0..bytes.len() {
        for change in [1, 0x10, 0x80, 0xff] {
            let mut changed = bytes.clone();
            changed[place] ^= change;
            assert!(verify(&changed, &config).is_err(), "byte {place} ^ {change}");
        }
    }
    for length in 0..bytes.len() {
        assert!(verify(&bytes[..length], &config).is_err(), "{length}");
    }
    assert!(verify(&[&bytes[..], &[0]].concat(), &config).is_err());
}

#[test]
fn sizes_are_bounded_before_anything_is_read() {
    let found = rules::BUNDLE_BYTES_MAX + 1;
    let error = verify(&vec![0; found], &config(&[1], 1));
    let max = rules::BUNDLE_BYTES_MAX;
    assert_eq!(error, Err(RulesError::TooLarge { what: "rule bundle", max, found }));
}

/// A COSE_Sign taken apart, to be put together wrongly.
struct Parts {
    body: Vec<u8>,
    payload: Vec<u8>,
    /// (protected, signature)
    signatures: Vec<(Vec<u8>, Vec<u8>)>,
}

fn parts(bytes: &[u8]) -> Parts {
    let read = || {
        let mut r = Reader::new(bytes);
        r.tag()?;
        r.array_of("COSE_Sign", 4)?;
        let body = r.bytes()?.to_vec();
        r.map_of("unprotected", 0)?;
        let payload = r.bytes()?.to_vec();
        let (mut signatures, mut array) = (Vec::new(), r.array()?);
        while r.more(&mut array)? {
            r.array_of("signature", 3)?;
            let protected = r.bytes()?.to_vec();
            r.map_of("unprotected", 0)?;
            signatures.push((protected, r.bytes()?.to_vec()));
        }
        Ok::<_, cbor::CborError>(Parts { body, payload, signatures })
    };
    read().expect("a COSE_Sign")
}

impl Parts {
    fn bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.tag(98).array(4).bytes(&self.body).map(0).bytes(&self.payload);
        w.array(self.signatures.len());
        for (protected, signature) in &self.signatures {
            w.array(3).bytes(protected).map(0).bytes(signature);
        }
        w.finish()
    }
}

#[test]
fn parts_put_together_again_are_the_same_bytes() {
    let bytes = signed(&[1, 2]);
    assert_eq!(parts(&bytes).bytes(), bytes);
}
