//! Functions that hostile bytes go into, one a decoder. Each must return, whatever comes. The
//! smoke run in `cargo test` and the coverage-guided run in `tests/fuzz` call the same functions.

use crate::fuzz_rules as rule_targets;
use crate::sample::{BODY, SALT, Sample};
use crate::world::World;
use attest::{NitroPolicy, TrustAnchor, VerificationTime};
use proof::Proof;
use rules::{BootConfig, Limits, SignedBundle};
use std::sync::OnceLock;
use verify::{Materials, Verifier};
use vm::Program;

/// A decoder under attack.
pub struct Target {
    /// Its name.
    pub name: &'static str,
    /// What takes the bytes.
    pub run: fn(&[u8]),
    /// Sound inputs to start from.
    pub seeds: fn() -> Vec<Vec<u8>>,
}

/// Every target.
pub const TARGETS: [Target; 12] = [
    Target { name: "proof", run: proof, seeds: proof_seeds },
    Target { name: "nitro", run: nitro, seeds: nitro_seeds },
    Target { name: "request", run: request, seeds: || vec![BODY.to_vec()] },
    Target { name: "bundle", run: bundle, seeds: bundle_seeds },
    Target { name: "boot", run: boot, seeds: boot_seeds },
    Target { name: "wire", run: wire_frames, seeds: wire_seeds },
    Target { name: "module", run: module, seeds: module_seeds },
    Target { name: "view", run: view, seeds: view_seeds },
    Target {
        name: "condition",
        run: rule_targets::condition,
        seeds: rule_targets::condition_seeds,
    },
    Target {
        name: "rule_file",
        run: rule_targets::rule_file,
        seeds: rule_targets::rule_file_seeds,
    },
    Target { name: "names", run: rule_targets::names, seeds: rule_targets::names_seeds },
    Target { name: "message", run: rule_targets::message, seeds: rule_targets::message_seeds },
];

/// Parses, and what parses is canonical.
pub fn proof(bytes: &[u8]) {
    if let Ok(proof) = Proof::parse(bytes) {
        assert_eq!(proof.to_bytes(), bytes, "two encodings of one proof");
        let sample = Sample::new();
        let materials =
            Materials { bundle: None, input: Some(BODY), salt: Some(SALT), second_opinion: false };
        if let Ok(verified) = Verifier::new(sample.policy()).verify(bytes, &materials) {
            assert_eq!(verified.proof_hash(), sample.proof.signed.proof_hash());
        }
    }
}

fn proof_seeds() -> Vec<Vec<u8>> {
    let sample = Sample::new();
    vec![sample.proof.to_bytes(), sample.proof.signed.to_bytes()]
}

/// The whole verification of a document.
pub fn nitro(bytes: &[u8]) {
    static POLICY: OnceLock<NitroPolicy> = OnceLock::new();
    let policy = POLICY.get_or_init(|| {
        let anchors = vec![crate::sample::test_root(), TrustAnchor::aws_nitro_g1()];
        NitroPolicy::inspect_any_enclave(anchors, VerificationTime::Document)
    });
    let _ = attest::verify(bytes, policy, None);
}

fn nitro_seeds() -> Vec<Vec<u8>> {
    let sample = Sample::new();
    vec![sample.proof.unsigned.map(|u| u.evidence.document).unwrap_or_default()]
}

/// The caller's bytes, to the record.
pub fn request(bytes: &[u8]) {
    if let Ok(request) = facts::parse_request(bytes) {
        let as_of = request.as_of.unwrap_or(crate::sample::EVALUATED_AT);
        if let Ok(record) = facts::record(&request, as_of) {
            assert_eq!(record.as_bytes().len() % 8, 0);
        }
    }
}

/// A signed bundle and a freshness statement.
pub fn bundle(bytes: &[u8]) {
    if let Ok(content) = SignedBundle::parse_unverified(bytes) {
        assert_eq!(rules::Bundle::parse_unverified(&content.to_bytes()), Ok(content));
    }
    let _ = rules::Freshness::parse_unverified(bytes);
}

fn bundle_seeds() -> Vec<Vec<u8>> {
    let world = World::small();
    vec![world.signed_bundle.clone(), world.freshness(crate::world::ISSUED_AT)]
}

/// Boot configuration, boot record, key set, checkpoint.
pub fn boot(bytes: &[u8]) {
    if let Ok(config) = BootConfig::parse(bytes) {
        assert_eq!(config.to_bytes(), bytes);
    }
    let _ = proof::BootRecord::parse(bytes);
    let _ = proof::signer_of_key_set(bytes);
    let _ = tlog::Checkpoint::parse(bytes);
}

fn boot_seeds() -> Vec<Vec<u8>> {
    let sample = Sample::new();
    vec![
        sample.world.config.to_bytes(),
        sample.record.to_bytes(),
        proof::key_set(&sample.signer.verifying_key()),
        sample.checkpoint.to_bytes().to_vec(),
    ]
}

/// Both directions of the link.
pub fn wire_frames(bytes: &[u8]) {
    if let Ok(command) = wire::Command::parse(bytes) {
        assert_eq!(wire::Command::parse(&command.to_bytes()), Ok(command));
    }
    if let Ok(report) = wire::Report::parse(bytes) {
        assert_eq!(wire::Report::parse(&report.to_bytes()), Ok(report));
    }
}

fn wire_seeds() -> Vec<Vec<u8>> {
    let body = BODY.to_vec();
    let entry = wire::Entry {
        id: 1,
        index: 2,
        client_ref: vec![3; 32],
        envelope: Sample::new().proof.signed.to_bytes(),
        salt: SALT.0,
        results: vec![vec![1, 2, 3]],
    };
    vec![
        wire::Command::Evaluate { id: 1, client_ref: vec![1; 64], body }.to_bytes(),
        wire::Command::Boot { id: 1, config: vec![2; 90], previous: None }.to_bytes(),
        wire::Report::Entry(entry).to_bytes(),
    ]
}

/// A rule module, loaded and run.
pub fn module(wasm: &[u8]) {
    let world = World::small();
    let mut content = world.bundle.clone();
    content.modules = vec![wasm.to_vec()];
    content.rules[0].fuel = 20_000;
    let keys = [1, 3].map(crate::world::key);
    let Ok(signed) = rules::sign_bundle(&content, &keys) else { return };
    let Ok(verified) = SignedBundle::verify(&signed, &world.config) else { return };
    let limits = Limits { fuel_max: 20_000, memory_pages_max: 4 };
    let Ok(program) = Program::load(verified, limits) else { return };
    let request = facts::parse_request(BODY).expect("the sample is sound");
    let as_of = request.as_of.expect("the sample has it");
    let record = facts::record(&request, as_of).expect("the sample is sound");
    let bundle = program.bundle().bundle();
    let selection = bundle.select(&request.jurisdictions, &request.domains, as_of);
    let selection = selection.expect("one rule");
    let first = program.run(&selection, &record);
    assert_eq!(first, program.run(&selection, &record), "two runs differ");
}

fn module_seeds() -> Vec<Vec<u8>> {
    World::small().bundle.modules
}

/// The JSON view of a proof.
pub fn view(bytes: &[u8]) {
    if let Ok(value) = serde_json::from_slice(bytes)
        && let Ok(proof) = verify::from_json(&value)
    {
        assert_eq!(verify::to_json(&proof), value);
    }
}

fn view_seeds() -> Vec<Vec<u8>> {
    vec![verify::to_json(&Sample::new().proof).to_string().into_bytes()]
}
