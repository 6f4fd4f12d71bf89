//! Signing, verifying, the log, and their floors: the same primitives on their own.

use benches::measure::Bench;
use criterion::BatchSize;
use crypto::{Salt, SigningKey};
use proof::SignedStatement;
use ring::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair, UnparsedPublicKey};
use std::hint::black_box;
use std::io::Write;
use tests::sample::{BODY, SALT, Sample};
use verify::{Materials, Verifier};

const SIGN: &str = "floor: ed25519 sign 900 B";
const VERIFY: &str = "floor: ed25519 verify";
const P384: &str = "floor: p384 verify";

/// What the other rows are held against.
pub fn floors(bench: &mut Bench) {
    let key = tests::world::key(9);
    let message = [7; 900];
    bench.row(SIGN, None, |b| b.iter(|| key.sign(black_box(&message))));
    let signature = key.sign(&message);
    let public = key.verifying_key();
    bench.row(VERIFY, None, |b| {
        b.iter(|| public.verify_strict(black_box(&message), &signature));
    });
    let random = ring::rand::SystemRandom::new();
    let algorithm = &ECDSA_P384_SHA384_FIXED_SIGNING;
    let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).expect("a key");
    let quote = pair.sign(&random, &message).expect("signed");
    let p384 = &ring::signature::ECDSA_P384_SHA384_FIXED;
    let public = UnparsedPublicKey::new(p384, pair.public_key().as_ref().to_vec());
    bench.row(P384, None, |b| b.iter(|| public.verify(black_box(&message), quote.as_ref())));
    let mut file = tempfile::tempfile().expect("a file");
    bench.row("floor: append 4 KiB and fsync", None, |b| {
        b.iter(|| file.write_all(&[7; 4096]).and_then(|()| file.sync_data()).expect("written"));
    });
}

/// Making proofs and checking them.
pub fn proofs(bench: &mut Bench) {
    let sign = ("ed25519 sign", bench.figures.median(SIGN));
    let sample = Sample::new();
    let key: SigningKey = tests::world::key(5);
    bench.row("statement: encode, sign, hash", Some(sign), |b| {
        b.iter_batched(
            || sample.statement.clone(),
            |statement| SignedStatement::sign(statement, &key).map(|signed| signed.proof_hash()),
            BatchSize::SmallInput,
        );
    });
    let mut frontier = tlog::Frontier::new();
    bench.row("log: append one leaf", None, |b| {
        b.iter(|| frontier.append(tlog::leaf_hash(black_box(&[7; 32]))));
    });
    documents(bench, &sample);
    replay(bench, &sample);
    crate::verification::verification(bench, &sample);
}

fn documents(bench: &mut Bench, sample: &Sample) {
    let p384 = Some(("p384 verify", bench.figures.median(P384)));
    let document = &sample.proof.unsigned.as_ref().expect("complete").evidence.document;
    let anchors = vec![tests::sample::test_root()];
    let policy =
        attest::NitroPolicy::inspect_any_enclave(anchors, attest::VerificationTime::Document);
    bench.row("verify nitro document, cold", p384, |b| {
        b.iter(|| attest::verify(black_box(document), &policy, None).expect("valid"));
    });
    let mut cache = attest::ChainCache::new(16);
    bench.row("verify nitro document, chain seen before", p384, |b| {
        b.iter(|| attest::verify(black_box(document), &policy, Some(&mut cache)).expect("valid"));
    });
}

/// A proof with everything that its rules can be run from, and the second opinion on top.
fn replay(bench: &mut Bench, sample: &Sample) {
    let verify = Some(("ed25519 verify", bench.figures.median(VERIFY)));
    let bytes = sample.proof.to_bytes();
    let mut warm = Verifier::new(sample.policy());
    let bundle = &sample.world.signed_bundle;
    let salt: Option<Salt> = Some(SALT);
    let all = Materials { bundle: Some(bundle), input: Some(BODY), salt, ..Default::default() };
    bench.row("verify proof with replay, bundle seen before", verify, |b| {
        b.iter(|| warm.verify(black_box(&bytes), &all).expect("valid"));
    });
}
