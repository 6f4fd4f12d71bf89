//! No byte of a document is beside the point, and no cut makes the parser stumble.

use crate::forged::policy;
use attest::{ChainCache, NitroPolicy, TrustAnchor, UnverifiedDocument, VerificationTime, verify};
use attestation_fixtures::corpus;

fn refuses_every_flip(bytes: &[u8], policy: &NitroPolicy) {
    let mut cache = ChainCache::new(64);
    assert!(verify(bytes, policy, Some(&mut cache)).is_ok());
    let mut accepted = Vec::new();
    let mut changed = bytes.to_vec();
    for at in 0..bytes.len() {
        let mask = 1 << (at % 8);
        changed[at] ^= mask;
        if verify(&changed, policy, Some(&mut cache)).is_ok() {
            accepted.push((at, mask));
        }
        changed[at] ^= mask;
    }
    assert_eq!(accepted, [], "of {} flips", bytes.len());
}

#[test]
fn every_flipped_byte_of_a_forged_document_is_refused() {
    let case = corpus().into_iter().find(|case| case.name == "good").unwrap();
    // The loosest policy that still demands a release: nothing but N1 to N36 protects here.
    let mut data = case.policy.clone();
    (data.user_data, data.public_key, data.nonce) = (None, None, None);
    data.time = attestation_fixtures::TimeData::Document;
    refuses_every_flip(&case.bytes, &policy(&data));
}

#[test]
fn every_flipped_byte_of_a_real_document_is_refused() {
    let anchors = vec![TrustAnchor::aws_nitro_g1()];
    let policy = NitroPolicy::inspect_any_enclave(anchors, VerificationTime::Document);
    for (_, bytes) in crate::real::documents().into_iter().take(1) {
        refuses_every_flip(&bytes, &policy);
    }
}

#[test]
fn every_truncation_is_refused() {
    let case = corpus().into_iter().find(|case| case.name == "good").unwrap();
    for length in 0..case.bytes.len() {
        assert!(UnverifiedDocument::parse(&case.bytes[..length]).is_err(), "{length}");
    }
}

#[test]
fn truncated_and_altered_payloads_never_panic() {
    // Truncation inside a well-formed envelope reaches the payload's parser, and certificates
    // cut short reach the DER reader.
    use attestation_fixtures::{Tamper, TestPki, forge};
    let pki = TestPki::published();
    let now_ms = 1_790_000_000_000;
    let good = forge(&pki, &[], now_ms);
    let document = UnverifiedDocument::parse(&good).unwrap();
    let (payload, zone) = (document.payload(), document.cabundle()[2].to_vec());
    for length in (1..payload.len()).step_by(7) {
        let cut = [Tamper::PayloadWhole(payload[..length].to_vec())];
        assert!(UnverifiedDocument::parse(&forge(&pki, &cut, now_ms)).is_err(), "{length}");
    }
    let root = TrustAnchor::from_der("TEST ROOT", pki.root_der()).unwrap();
    let inspect = NitroPolicy::inspect_any_enclave(vec![root], VerificationTime::Document);
    for length in (1..zone.len()).step_by(5) {
        let cut = [Tamper::ReplaceBundle(2, zone[..length].to_vec())];
        let error = verify(&forge(&pki, &cut, now_ms), &inspect, None).unwrap_err();
        assert_eq!(error.check(), "N23", "{length}");
    }
}
