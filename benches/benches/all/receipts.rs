//! A TPM quote, receipts of inclusion and sealed requests: one verification of each.

use attest::tpm::{AkTrust, TpmPolicy, verify_evidence};
use attestation_fixtures::tpm::{AkKey, PublicSpec, QuoteSpec, good_log};
use benches::measure::Bench;
use criterion::BatchSize;
use receipt::cose::{Receipt, ReceiptKey};
use receipt::tlog_proof::TlogProof;
use std::hint::black_box;
use tests::sample::Sample;
use zeroize::Zeroizing;

const VERIFY: &str = "floor: ed25519 verify";

/// One row each.
pub fn receipts(bench: &mut Bench) {
    quotes(bench);
    inclusion(bench);
    sealed(bench);
}

fn quotes(bench: &mut Bench) {
    let registers = good_log().registers();
    let log = good_log().to_bytes();
    for (key, what) in [(AkKey::P256("bench"), "P-256"), (AkKey::Rsa2048, "RSA-2048")] {
        let evidence = QuoteSpec::new(key, &registers, &[0x75; 78], &[0x6b; 48], None).evidence();
        let trust = AkTrust::new().with_name(PublicSpec::of(key).name()).expect("a name");
        let policy = TpmPolicy::new(trust);
        bench.row(&format!("verify TPM quote, {what}"), None, |b| {
            b.iter(|| verify_evidence(black_box(&evidence), None, &policy).expect("valid"));
        });
        let name = format!("verify TPM quote, {what}, with its boot log");
        bench.row(&name, None, |b| {
            b.iter(|| verify_evidence(black_box(&evidence), Some(&log), &policy).expect("valid"));
        });
    }
}

fn inclusion(bench: &mut Bench) {
    let verify = Some(("ed25519 verify", bench.figures.median(VERIFY)));
    let sample = Sample::new();
    let mut proof = sample.proof.clone();
    let signatures = proof::LogSignatures::sign(&sample.checkpoint, &sample.signer);
    proof.unsigned.as_mut().expect("complete").log_signatures = Some(signatures);
    let leaf = receipt::log::leaf(&proof);
    let public = sample.signer.verifying_key();
    let cose = receipt::cose::export(&proof).expect("signed by the log");
    let key = ReceiptKey::Ed25519(public);
    bench.row("verify COSE Receipt", verify, |b| {
        b.iter(|| {
            Receipt::parse(black_box(&cose)).and_then(|one| one.verify_inclusion(leaf, &key))
        });
    });
    let text = receipt::tlog_proof::export(&proof).expect("signed by the log");
    let key = receipt::log::log_key(tests::sample::BOOT_ID, public);
    bench.row("verify tlog-proof", verify, |b| {
        b.iter(|| {
            TlogProof::parse(black_box(text.as_bytes())).and_then(|one| one.verify(leaf, &key))
        });
    });
    assert!(TlogProof::parse(text.as_bytes()).is_ok_and(|one| one.verify(leaf, &key).is_ok()));
}

fn sealed(bench: &mut Bench) {
    let key = seal::RecipientKey::derive(&Zeroizing::new([31; 32]));
    let signer = tests::world::key(5).verifying_key().to_bytes();
    let set = seal::key_set(&signer, &key.public());
    let to = seal::Recipient::of_key_set(&set).expect("our own key set");
    let seed = Zeroizing::new([32; 32]);
    let body = tests::sample::BODY;
    bench.row("HPKE seal a request", None, |b| {
        b.iter(|| to.seal(&seed, 2_000, black_box(body)).expect("short"));
    });
    let (message, _) = to.seal(&seed, 2_000, body).expect("short");
    bench.row("HPKE open a request", None, |b| {
        b.iter_batched(
            || message.clone(),
            |message| key.open(&set, black_box(&message)).expect("sealed to this key"),
            BatchSize::SmallInput,
        );
    });
}
