//! Functions that hostile bytes go into, one a decoder. Each must return, whatever comes. The
//! smoke run in `cargo test` and the coverage-guided run in `tests/fuzz` call the same functions.

use crate::sample::{BODY, SALT, Sample};
use crate::world::World;
use crate::{fuzz_eif, fuzz_evidence as evidence, fuzz_formats as formats, fuzz_proofs as proofs};
use crate::{fuzz_rules as rule_targets, fuzz_tpm as tpm};
use rules::{BootConfig, Limits, SignedBundle};
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
pub const TARGETS: &[Target] = &[
    target("proof", proofs::proof, proofs::proof_seeds),
    target("verifier", proofs::verifier, proofs::verifier_seeds),
    target("paths", proofs::paths, proofs::paths_seeds),
    target("nitro", evidence::nitro, evidence::nitro_seeds),
    target("nitro_signed", evidence::nitro_signed, evidence::nitro_signed_seeds),
    target("certificate", evidence::certificate, evidence::certificate_seeds),
    target("tpm_evidence", tpm::evidence, tpm::evidence_seeds),
    target("tpm_quote", tpm::quote, tpm::quote_seeds),
    target("tpm_signature", tpm::signature, tpm::signature_seeds),
    target("tpm_public", tpm::public, tpm::public_seeds),
    target("event_log", tpm::event_log, tpm::event_log_seeds),
    target("signature_lists", tpm::signature_lists, tpm::signature_lists_seeds),
    target("policy_file", formats::policy_file, formats::policy_seeds),
    target("policy_signed", formats::policy_signed, formats::policy_signed_seeds),
    target("note", formats::note, formats::note_seeds),
    target("note_signed", formats::note_signed, formats::note_signed_seeds),
    target("tlog_proof", formats::tlog_proof, formats::tlog_proof_seeds),
    target("tlog_proof_signed", formats::tlog_proof_signed, formats::path_seeds),
    target("cose_receipt", formats::cose_receipt, formats::cose_receipt_seeds),
    target("receipt_signed", formats::receipt_signed, formats::path_seeds),
    target("sealed", formats::sealed_messages, formats::sealed_seeds),
    target("sealed_spliced", formats::sealed_spliced, || vec![vec![0, 1, 1, 1, 7]]),
    target("window", formats::window, formats::window_seeds),
    target("request", request, || vec![BODY.to_vec()]),
    target("bundle", bundle, bundle_seeds),
    target("boot", boot, boot_seeds),
    target("wire", wire_frames, wire_seeds),
    target("eif", fuzz_eif::image, fuzz_eif::image_seeds),
    target("module", module, module_seeds),
    target("view", view, view_seeds),
    target("condition", rule_targets::condition, rule_targets::condition_seeds),
    target("rule_file", rule_targets::rule_file, rule_targets::rule_file_seeds),
    target("names", rule_targets::names, rule_targets::names_seeds),
    target("message", rule_targets::message, rule_targets::message_seeds),
];

const fn target(name: &'static str, run: fn(&[u8]), seeds: fn() -> Vec<Vec<u8>>) -> Target {
    Target { name, run, seeds }
}

/// Writes the seeds of a target into a folder, each named by its hash.
pub fn write_seeds(name: &str, folder: &std::path::Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let target = TARGETS.iter().find(|target| target.name == name).expect("a known target");
    for seed in (target.seeds)() {
        let hash = crypto::to_hex(&crate::fuzz_input::hash(&[&seed])[..10]);
        std::fs::write(folder.join(hash), seed)?;
    }
    Ok(())
}

/// Before the first input: with PROBITY_SEEDS set to a folder, writes the seeds there and ends.
pub fn start(name: &str) {
    let Some(folder) = std::env::var_os("PROBITY_SEEDS") else { return };
    let written = write_seeds(name, std::path::Path::new(&folder));
    std::process::exit(i32::from(written.is_err()));
}

/// Runs the target of this name: what the binaries of `tests/fuzz` call.
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name).expect("a known target");
    (target.run)(bytes);
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
        sealed: Vec::new(),
    };
    vec![
        wire::Command::Evaluate { id: 1, client_ref: vec![1; 64], body }.to_bytes(),
        wire::Command::Boot { id: 1, config: vec![2; 90], previous: None }.to_bytes(),
        wire::Report::Entry(wire::Entry { sealed: vec![9; 80], ..entry.clone() }).to_bytes(),
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
