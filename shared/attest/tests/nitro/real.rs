//! Documents that AWS's hypervisors signed from 2022 to 2025, with the verdict each must get.

use attest::{NitroPolicy, TrustAnchor, UnverifiedDocument, VerificationTime, verify};
use std::path::Path;

/// Verdict at the document's own time. All are under AWS's root, the "mock" one of qos too.
const VERDICTS: [(&str, Option<&str>); 15] = [
    ("dstack_attest_nitro_attestation.cose", None),
    ("dstack_attest_nitro_attestation_dbg.cose", Some("N36")),
    ("dstack_nsm_qvl_nitro_attestation.cose", None),
    ("evervault_debug_cert_with_doc_in_SAN.cose", Some("N36")),
    ("evervault_debug_mode.cose", Some("N36")),
    ("evervault_ga_valid.cose", Some("N36")),
    ("evervault_nondebug_cert_with_doc_in_SAN.cose", None),
    ("evervault_valid.cose", None),
    ("libsignal_test_cose_sign1_02.cose", None),
    ("marlin_aws.cose", None),
    ("marlin_aws_pcr16.cose", None),
    ("marlin_verifier_attestation.cose", None),
    ("qos_mock_attestation_doc.cose", None),
    ("svr2_valid_bytes.cose", Some("N36")),
    ("svr2_valid_bytes2.cose", None),
];

/// The documents, or none with a word about it where the corpus is absent.
pub fn documents() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora/nitro");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("ignored: corpus absent ({})", folder.display());
        return Vec::new();
    };
    let mut documents: Vec<(String, Vec<u8>)> = entries
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read(path).unwrap())
        })
        .collect();
    documents.sort();
    documents
}

fn inspect(time: VerificationTime) -> NitroPolicy {
    NitroPolicy::inspect_any_enclave(vec![TrustAnchor::aws_nitro_g1()], time)
}

#[test]
fn each_document_gets_its_verdict_at_its_own_time() {
    for (name, bytes) in documents() {
        let pinned = VERDICTS.iter().find(|(one, _)| *one == name);
        let Some((_, expected)) = pinned else {
            panic!("{name} has no pinned verdict: look at it, then pin one");
        };
        let verdict = verify(&bytes, &inspect(VerificationTime::Document), None);
        let said = verdict.as_ref().err().map(attest::AttestError::check);
        assert_eq!(said, *expected, "{name}: {:?}", verdict.as_ref().err());
        if let Ok(document) = verdict {
            assert!(document.anchor().is_built_in());
            assert!(document.region().is_some(), "{name}: {:?}", document.notes());
            assert!(document.unknown_keys().is_empty() && document.notes().is_empty());
        }
    }
}

#[test]
fn no_document_is_live_a_day_later() {
    for (name, bytes) in documents() {
        let timestamp_ms = UnverifiedDocument::parse(&bytes).unwrap().timestamp_ms();
        let time = VerificationTime::Live { now_ms: timestamp_ms + 86_400_000 };
        assert_eq!(verify(&bytes, &inspect(time), None).unwrap_err().check(), "N28", "{name}");
        // An hour later some leaves still live; the document's age refuses it then.
        let time = VerificationTime::Live { now_ms: timestamp_ms + 3_600_000 };
        let check = verify(&bytes, &inspect(time), None).unwrap_err().check();
        assert!(["N28", "N36", "N40"].contains(&check), "{name}: {check}");
    }
}

#[test]
fn no_document_is_accepted_under_another_root() {
    let pki = attestation_fixtures::TestPki::published();
    for (name, bytes) in documents() {
        let root = TrustAnchor::from_der("TEST ROOT", pki.root_der()).unwrap();
        let policy = NitroPolicy::inspect_any_enclave(vec![root], VerificationTime::Document);
        assert_eq!(verify(&bytes, &policy, None).unwrap_err().check(), "N22", "{name}");
    }
}

#[test]
fn a_debug_pcr_test_on_all_registers_would_miss_real_ones() {
    for (name, bytes) in documents() {
        let document = UnverifiedDocument::parse(&bytes).unwrap();
        let debug = VERDICTS.iter().any(|(one, verdict)| *one == name && verdict.is_some());
        if debug {
            assert!(document.pcrs().values().any(|pcr| *pcr != [0; 48]), "{name}");
        }
    }
}
