//! A measured host's worker under a signed policy: the runtime log names program and boot
//! configuration, the kernel's log the files; and evidence of any kind judged alone.

use crate::support::{every_kind, owner, policy_of, proof, spec, world};
use attest::{Outcome, VerificationTime};
use attestation_fixtures::proofs::{Backing, QUOTED_AT_MS};
use attestation_fixtures::tpm::{
    AkKey, KernelEntry, QuoteSpec, RuntimeSpec, authorities_event, boot_config_event, good_log,
    good_log_without_14, kernel_log, kernel_register, worker_event,
};
use facts::Millis;
use policy::{Content, Kind, WorkerRelease, Workers};
use rules::BootConfig;
use verify::{Logs, Materials, TimeEvidence, Verifier, VerifyError};

const PROGRAM: [u8; 32] = [0x77; 32];

fn config(threshold: usize) -> BootConfig {
    BootConfig { threshold, ..world().config.clone() }
}

fn log(of: &BootConfig) -> RuntimeSpec {
    let events = [boot_config_event(&of.to_bytes()), authorities_event(of)];
    RuntimeSpec::new([vec![worker_event("1.0", &PROGRAM)], events.to_vec()].concat())
}

/// A policy of two boot configurations, which only a runtime log tells apart.
fn content() -> Content {
    let mut content = every_kind();
    let evidence = verify_parts();
    content.kinds = vec![Kind::Nitro, Kind::Tpm];
    content.releases.retain(|release| release.kind == Kind::Nitro);
    content.boot_configs = vec![config(1).to_bytes(), world().config.to_bytes()];
    content.boot_configs.sort();
    content.boot_configs.dedup();
    content.tpm.pcrs.retain(|index, _| evidence.contains(index));
    content.tpm.boot_pcr = None;
    let (from, to) = (Millis(QUOTED_AT_MS - 1_000), Some(Millis(QUOTED_AT_MS + 1_000)));
    let release = WorkerRelease { name: "1.0".into(), sha256: PROGRAM, from, to };
    content.tpm.workers = Some(Workers { register: 14, releases: vec![release] });
    content
}

/// Registers of the firmware alone.
fn verify_parts() -> Vec<u8> {
    good_log().registers().into_keys().filter(|index| *index != 14).collect()
}

fn evidence(of: &BootConfig, nonce: Option<&[u8]>, kernel: Option<[u8; 32]>) -> Vec<u8> {
    let mut pcrs = good_log().registers();
    let log = log(of);
    pcrs.insert(14, log.register([0; 32]));
    pcrs.extend(kernel.map(|value| (10, value)));
    let keys = proof::key_set(&owner().verifying_key());
    let mut quote = QuoteSpec::new(AkKey::P256("ak"), &pcrs, &[0x5a; 78], &keys, nonce);
    quote.runtime_log = Some(log.to_bytes());
    quote.evidence()
}

fn refused<T>(result: Result<T, VerifyError>) -> &'static str {
    result.err().map_or("accepted", |error| error.check())
}

#[test]
fn a_proof_under_a_runtime_log_verifies() {
    let mut spec = spec(Backing::Tpm);
    let from_firmware = good_log_without_14().to_bytes();
    spec.runtime = Some(log(&world().config));
    let bytes = spec.to_bytes();
    let materials = Materials { event_log: Some(&from_firmware), ..Materials::default() };
    let judge = |content: &Content, ms| {
        let time = TimeEvidence::Assumed { ms };
        Verifier::archival(policy_of(content), time).verify(&bytes, &materials)
    };
    let archival = judge(&content(), QUOTED_AT_MS).expect("good");
    let verified = archival.into_verified();
    assert_eq!(verified.evidence().release_name(), Some("1.0"));
    let quote = verified.evidence().quote().expect("a TPM's");
    assert_eq!(quote.runtime_log().expect("version 2").boot_config(), world().config.to_bytes());
    assert_eq!(refused(judge(&content(), QUOTED_AT_MS + 1_000)), "T24");
    let mut only_other = content();
    only_other.boot_configs = vec![config(1).to_bytes()];
    let expected = if config(1) == world().config { "accepted" } else { "T24" };
    assert_eq!(refused(judge(&only_other, QUOTED_AT_MS)), expected);
    // A host that shows an older form is refused, and so is an enclave's label.
    let time = TimeEvidence::Assumed { ms: QUOTED_AT_MS };
    let verifier = Verifier::archival(policy_of(&content()), time);
    assert_eq!(refused(verifier.verify(&proof(Backing::Tpm), &materials)), "T25");
    let mut enclave_only = content();
    enclave_only.kinds = vec![Kind::Nitro];
    enclave_only.tpm = policy::Tpm::default();
    enclave_only.boot_configs = vec![world().config.to_bytes()];
    assert_eq!(refused(judge(&enclave_only, QUOTED_AT_MS)), "P6");
}

#[test]
fn evidence_of_any_kind_is_judged_alone() {
    let live = Verifier::live(policy_of(&content()), QUOTED_AT_MS).expect("in force");
    let nonce = b"fresh".to_vec();
    for of in [config(1), world().config.clone()] {
        let bytes = evidence(&of, Some(&nonce), None);
        let judged = live.verify_evidence(Kind::Tpm, &bytes, None, nonce.clone()).expect("good");
        assert_eq!(judged.boot_config, of);
        assert_eq!(judged.evidence.release_name(), Some("1.0"));
        assert_eq!(judged.evidence.user_data(), Some([0x5a; 78].as_slice()));
        assert!(judged.evidence.key_set().is_some());
        let other = live.verify_evidence(Kind::Tpm, &bytes, None, b"another".to_vec());
        assert_eq!(refused(other), "T17");
        let label = live.verify_evidence(Kind::NitroTpm, &bytes, None, nonce.clone());
        assert_eq!(refused(label), "P6");
    }
    let third = config(world().config.authorities.len());
    let third = BootConfig { rulebook: "another".into(), ..third };
    let bytes = evidence(&third, Some(&nonce), None);
    assert_eq!(refused(live.verify_evidence(Kind::Tpm, &bytes, None, nonce)), "T24");
}

#[test]
fn files_are_those_of_the_list_that_the_policy_names() {
    let registers = good_log().registers();
    let values: Vec<u8> = (0..=9).flat_map(|index| registers[&index]).collect();
    let entries =
        [KernelEntry::file("boot_aggregate", &values), KernelEntry::file("/bin/w", b"worker")];
    let kernel = kernel_log(&entries);
    let digest = attest::tpm::HashAlgorithm::Sha256.digest(&[b"worker"]);
    let list = format!("{}  /bin/w\n", crypto::to_hex(&digest)).into_bytes();
    let mut content = content();
    content.tpm.file_list = Some(crypto::sha384(&[&list]));
    let policy = policy_of(&content);
    let bytes = evidence(&world().config, None, Some(kernel_register(&entries)));
    let judge = |logs| {
        let time = VerificationTime::At { ms: QUOTED_AT_MS };
        policy.judge_quote_with(&bytes, logs, time, None)
    };
    let (kernel_log, file_list) = (Some(&kernel[..]), Some(&list[..]));
    let all = Logs { kernel_log, file_list, ..Logs::default() };
    let quote = judge(all).expect("good");
    assert_eq!(quote.kernel_log().expect("judged").files()[1].0, "/bin/w");
    for number in ["T31", "T32", "T33", "T34"] {
        let made = quote.checks().iter().find(|(check, _)| check.as_str() == number);
        assert_eq!(made.expect("listed").1, Outcome::Passed, "{number}");
    }
    assert_eq!(refused(judge(Logs { kernel_log: None, ..all })), "T31");
    assert_eq!(refused(judge(Logs { file_list: None, ..all })), "T34");
    let other = [&list[..], &list[..]].concat();
    assert_eq!(refused(judge(Logs { file_list: Some(&other), ..all })), "T34");
    // Without the quoted register there is nothing to lead to.
    let unsigned = evidence(&world().config, None, None);
    let time = VerificationTime::At { ms: QUOTED_AT_MS };
    assert_eq!(refused(policy.judge_quote_with(&unsigned, all, time, None)), "T19");
}
