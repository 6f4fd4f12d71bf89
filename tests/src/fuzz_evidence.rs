//! Hostile Nitro documents, whole and re-signed. What ours accepts, a second decoder that shares no
//! code with it (coset over ciborium) must read the same; where they differ ours is wrong. It must
//! never judge by calling the code under attack.

use crate::fuzz_input::lookup;
use attest::{NitroPolicy, ReferenceValues, TrustAnchor, UnverifiedDocument, VerificationTime};
use attestation_fixtures::{DocumentSpec, LeafChain, TestPki};
use coset::cbor::Value;
use coset::{CoseSign1, TaggedCborSerializable};
use std::cell::RefCell;
use std::sync::OnceLock;

/// The moment of the re-signed documents: 2026-09-21.
const NOW_MS: u64 = 1_790_000_000_000;
const CERTIFICATES_MAX: usize = 256;

thread_local! {
    // Known certificates: a mutant costs one signature, not five.
    static CHAINS: RefCell<attest::ChainCache> = RefCell::new(attest::ChainCache::new(
        CERTIFICATES_MAX,
    ));
}

/// The whole verification of a document, and the second decoder's word on what it says.
pub fn nitro(bytes: &[u8]) {
    static POLICY: OnceLock<NitroPolicy> = OnceLock::new();
    let policy = POLICY.get_or_init(|| {
        let anchors = vec![crate::sample::test_root(), TrustAnchor::aws_nitro_g1()];
        NitroPolicy::inspect_any_enclave(anchors, VerificationTime::Document)
    });
    if let Ok(document) = UnverifiedDocument::parse(bytes) {
        agrees(bytes, &document);
    }
    let known = CHAINS.with_borrow_mut(|cache| attest::verify(bytes, policy, Some(cache)));
    if let Ok(document) = known {
        assert!((0..3).all(|index| document.pcrs()[&index] != [0; 48]), "debug was accepted");
    }
}

/// The forger's cases, and the real documents where they are.
pub(crate) fn nitro_seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<_> = attestation_fixtures::corpus().into_iter().map(|c| c.bytes).collect();
    seeds.extend(crate::fuzz_input::corpus("nitro"));
    seeds
}

/// A payload, signed by a good leaf: what lies behind the signature is reached by any bytes.
pub fn nitro_signed(payload: &[u8]) {
    static POLICY: OnceLock<NitroPolicy> = OnceLock::new();
    let policy = POLICY.get_or_init(|| {
        let time = VerificationTime::Live { now_ms: NOW_MS + 5_000 };
        let release = ReferenceValues::new("1.0.0", image()).expect("three registers");
        NitroPolicy::new(vec![crate::sample::test_root()], time, vec![release]).expect("sound")
    });
    let chain = chain();
    let structure = crypto::cose::sign1_structure(&PROTECTED, payload);
    let signature = chain.signer.sign_fast(&structure).expect("randomness");
    let mut writer = cbor::Writer::new();
    writer.array(4).bytes(&PROTECTED).map(0).bytes(payload).bytes(&signature);
    let bytes = writer.finish();
    if let Ok(document) = UnverifiedDocument::parse(&bytes) {
        agrees(&bytes, &document);
    }
    let verdict = CHAINS.with_borrow_mut(|cache| attest::verify(&bytes, policy, Some(cache)));
    if let Ok(document) = verdict {
        let at = document.timestamp_ms();
        assert!((chain.not_before_ms..=chain.not_after_ms).contains(&at), "outside its leaf");
        assert!(image().iter().all(|(index, pcr)| document.pcrs()[index] == *pcr));
    }
}

pub(crate) fn nitro_signed_seeds() -> Vec<Vec<u8>> {
    let chain = chain();
    let with = |change: &dyn Fn(&mut DocumentSpec)| {
        let mut spec = DocumentSpec::new(chain, NOW_MS);
        change(&mut spec);
        let document = spec.sign_deterministic(chain);
        UnverifiedDocument::parse(&document).expect("sound").payload().to_vec()
    };
    vec![
        with(&|_| ()),
        with(&|spec| spec.indefinite = false),
        with(&|spec| {
            spec.user_data = Some(b"binding".to_vec());
            spec.nonce = Some(Vec::new());
            spec.public_key = Some(vec![1; 32]);
        }),
        with(&|spec| spec.pcrs.retain(|index, _| *index < 3)),
    ]
}

/// A certificate of the chain with bytes replaced; the rest of the document is sound.
pub fn certificate(bytes: &[u8]) {
    static POLICY: OnceLock<NitroPolicy> = OnceLock::new();
    let policy = POLICY.get_or_init(|| {
        let anchors = vec![crate::sample::test_root()];
        NitroPolicy::inspect_any_enclave(anchors, VerificationTime::Document)
    });
    let Some((place, certificate)) = bytes.split_first() else { return };
    let good = chain();
    let mut cabundle = good.cabundle.clone();
    let place = usize::from(*place) % (cabundle.len() + 1);
    let mut leaf = good.certificate.clone();
    match cabundle.get_mut(place) {
        Some(issuer) => *issuer = certificate.to_vec(),
        None => leaf = certificate.to_vec(),
    }
    let changed = LeafChain {
        module_id: good.module_id.clone(),
        certificate: leaf,
        cabundle,
        signer: good.signer.clone(),
        ..*good
    };
    let document = DocumentSpec::new(&changed, NOW_MS).sign(&changed).expect("randomness");
    let verdict = CHAINS.with_borrow_mut(|cache| attest::verify(&document, policy, Some(cache)));
    if verdict.is_ok() && place > 0 {
        let sound = good.cabundle.iter().chain([&good.certificate]).nth(place);
        assert_eq!(sound.map(Vec::as_slice), Some(certificate), "a forged certificate");
    }
}

pub(crate) fn certificate_seeds() -> Vec<Vec<u8>> {
    let chain = chain();
    let all = chain.cabundle.iter().chain([&chain.certificate]).enumerate();
    let ours = all.map(|(place, der)| [&[place as u8][..], der].concat());
    let real = crate::fuzz_input::corpus("nitro");
    let parsed = real.iter().filter_map(|bytes| UnverifiedDocument::parse(bytes).ok());
    let theirs = parsed.flat_map(|document| {
        let issuers = document.cabundle().iter().copied().chain([document.certificate()]);
        issuers.enumerate().map(|(n, der)| [&[n as u8][..], der].concat()).collect::<Vec<_>>()
    });
    ours.chain(theirs).collect()
}

/// The leaf that signs for the fuzzer.
fn chain() -> &'static LeafChain {
    static CHAIN: OnceLock<LeafChain> = OnceLock::new();
    CHAIN.get_or_init(|| TestPki::published().issue(NOW_MS))
}

/// PCR0 to PCR2 as [`DocumentSpec`] has them.
fn image() -> std::collections::BTreeMap<u8, attest::Pcr> {
    (0..3).map(|index| (index, [0xa0 + index; 48])).collect()
}

const PROTECTED: [u8; 4] = [0xa1, 0x01, 0x38, 0x22];

/// What coset and ciborium read in a document that ours read.
fn agrees(bytes: &[u8], ours: &UnverifiedDocument<'_>) {
    let theirs = if bytes[0] == 0xd2 {
        CoseSign1::from_tagged_slice(bytes)
    } else {
        coset::CborSerializable::from_slice(bytes)
    };
    let theirs: CoseSign1 = theirs.expect("coset reads what ours reads");
    assert_eq!(theirs.payload.as_deref(), Some(ours.payload()));
    let es384 = coset::Algorithm::Assigned(coset::iana::Algorithm::ES384);
    assert_eq!(theirs.protected.header.alg, Some(es384));
    assert!(theirs.unprotected.is_empty());
    // Values that ciborium does not know may stand in fields that are ignored by both.
    if !ours.unknown_keys().is_empty() {
        return;
    }
    let payload: Value = coset::cbor::from_reader(ours.payload()).expect("ciborium reads it");
    let text = |key: &str| lookup(&payload, key).and_then(Value::as_text).unwrap_or_default();
    let bytes = |key: &str| lookup(&payload, key).and_then(Value::as_bytes).map(Vec::as_slice);
    assert_eq!((text("module_id"), text("digest")), (ours.module_id(), ours.digest()));
    let time = lookup(&payload, "timestamp").and_then(Value::as_integer);
    assert_eq!(time, Some(ours.timestamp_ms().into()));
    assert_eq!(bytes("certificate"), Some(ours.certificate()));
    assert_eq!(bytes("public_key"), ours.public_key());
    assert_eq!(bytes("user_data"), ours.user_data());
    assert_eq!(bytes("nonce"), ours.nonce());
    let bundle = lookup(&payload, "cabundle").and_then(Value::as_array).expect("an array");
    let bundle: Vec<_> = bundle.iter().filter_map(Value::as_bytes).map(Vec::as_slice).collect();
    assert_eq!(bundle, ours.cabundle());
    let pcrs = lookup(&payload, "nitrotpm_pcrs").or_else(|| lookup(&payload, "pcrs"));
    let pcrs = pcrs.and_then(Value::as_map).expect("a map");
    assert_eq!(pcrs.len(), ours.pcrs().len(), "a register twice");
    for (index, value) in ours.pcrs() {
        let index = Value::from(*index);
        let theirs = pcrs.iter().find(|(key, _)| *key == index).map(|(_, value)| value);
        assert_eq!(theirs.and_then(Value::as_bytes).map(Vec::as_slice), Some(&value[..]));
    }
}
