//! The frozen vector of TPM.md section 5: the same bytes for ever, by another writer than ours.

use super::{log, start};
use attest::NonceRule;
use attest::cel::UnverifiedRuntimeLog;
use attest::tpm::HashAlgorithm::{Sha256, Sha384};
use attest::tpm::{AkParts, QuoteParts};
use attest::tpm::{
    AkTrust, TpmEvidence, TpmPolicy, WorkerRelease, ak_name, verify_evidence, verify_quote,
};
use attestation_fixtures::conformance::hex;
use attestation_fixtures::tpm::{AkKey, QuoteSpec, good_log};
use std::collections::BTreeMap;

const LOG: &[u8] = include_bytes!("../../data/tpm-runtime-log.bin");

#[test]
fn the_vector_reads_and_writes() {
    let parsed = UnverifiedRuntimeLog::parse(LOG).unwrap();
    assert_eq!(parsed.register(), 14);
    let events: Vec<_> = parsed.records().iter().map(|one| one.event.clone()).collect();
    assert_eq!(events, start("1.2.3"));
    assert_eq!(log(&events), LOG);
    assert_eq!(hex(&Sha256.digest(&[LOG])), SHA256_OF_LOG);
    assert_eq!(hex(&parsed.replay(Sha256, &[0; 32]).unwrap()), PCR14_SHA256);
    assert_eq!(hex(&parsed.replay(Sha384, &[0; 48]).unwrap()), PCR14_SHA384);
}

const SHA256_OF_LOG: &str = "ff0a9677271e101597e38a1a837cdc9907655bb4756d14ed6a136ce9ae187f20";
const PCR14_SHA256: &str = "a9d4bfdb39c1621b95d65baa56305cc75251452eb342caeaca02ff7c3b1d1dc8";
const PCR14_SHA384: &str = "70c41ec30915e21cd8ad6700f94060f383596fbad474df6f\
     6d8a9cbadbcf448431892105ddd87679d7e05031a2e88818";

/// Evidence of version 2 over PCR4, PCR7 and the register of the frozen log. The signature is
/// deterministic. Freeze anew with PROBITY_FREEZE=1 when the format has got another version.
fn evidence() -> Vec<u8> {
    let mut pcrs: BTreeMap<u8, [u8; 32]> = good_log().registers();
    pcrs.retain(|index, _| [4, 7].contains(index));
    let parsed = UnverifiedRuntimeLog::parse(LOG).unwrap();
    pcrs.insert(14, parsed.replay(Sha256, &[0; 32]).unwrap().try_into().unwrap());
    let nonce = Some(b"challenge".as_slice());
    let mut quote = QuoteSpec::new(AkKey::P256("ak"), &pcrs, &[0x5a; 78], &[0x80], nonce);
    quote.runtime_log = Some(LOG.to_vec());
    quote.evidence()
}

fn release(to_ms: Option<u64>) -> WorkerRelease {
    WorkerRelease { name: "1.2".into(), sha256: [0x11; 32], from_ms: 0, to_ms }
}

#[test]
fn evidence_of_version_2_is_frozen() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data/tpm-evidence-v2.cbor");
    if std::env::var_os("PROBITY_FREEZE").is_some() {
        std::fs::write(&path, evidence()).unwrap();
    }
    let frozen = std::fs::read(path).expect("data/tpm-evidence-v2.cbor");
    assert_eq!(hex(&evidence()), hex(&frozen));
    let parsed = TpmEvidence::parse(&frozen).unwrap();
    assert_eq!(parsed.runtime_log, Some(LOG));
    assert_eq!(parsed.to_bytes(), frozen);
    let first = TpmEvidence { runtime_log: None, ..parsed.clone() };
    let first = first.to_bytes();
    assert_eq!((first[0], TpmEvidence::parse(&first).unwrap().runtime_log), (0xa9, None));
    let trust = AkTrust::new().with_name(ak_name(parsed.ak_public).unwrap()).unwrap();
    let policy = TpmPolicy::new(trust)
        .with_nonce(NonceRule::Exact(b"challenge".to_vec()))
        .with_workers(14, [release(None)])
        .unwrap();
    let quote = verify_evidence(&frozen, None, &policy).unwrap();
    let verified = quote.runtime_log().unwrap();
    assert_eq!((verified.register(), verified.events().len()), (14, 3));
    assert_eq!(verified.events(), start("1.2.3"));
    let worker = verified.worker();
    assert_eq!((worker.release(), worker.claimed_version()), (Some("1.2"), "1.2.3"));
    assert_eq!((worker.claimed_name(), worker.claimed_size()), ("probity-worker", 1_234_567));
    assert_eq!(*worker.sha256(), [0x11; 32]);
    assert_eq!(verified.boot_config(), [0xa0; 80]);
    assert_eq!(*verified.authorities(), start("1.2.3")[2]);
    // The firmware's log was not judged: its checks share their numbers and stay open.
    for number in ["T25", "T26", "T27"] {
        let made = quote.checks().iter().find(|(check, _)| check.as_str() == number).unwrap();
        assert!(matches!(made.1, attest::Outcome::NotChecked(_)), "{number}");
    }
    assert!(quote.notes().iter().any(|note| note.contains("3 events replay to PCR14")));
    // A bare quote has no log of its own.
    let parts = QuoteParts {
        attest: parsed.attest,
        signature: parsed.signature,
        ak: AkParts { public: Some(parsed.ak_public), ..AkParts::default() },
        pcrs: parsed.pcrs.clone(),
        extra_data: None,
        event_log: None,
    };
    let refused = verify_quote(&parts, &policy.clone().with_nonce(NonceRule::Any)).unwrap_err();
    assert_eq!(refused.check(), "T25");
    // A window needs a moment.
    let windowed = policy.with_workers(14, [release(Some(7))]).unwrap();
    assert_eq!(verify_evidence(&frozen, None, &windowed).unwrap_err().check(), "T24");
    let at = |ms| windowed.clone().with_time(attest::VerificationTime::At { ms });
    assert!(verify_evidence(&frozen, None, &at(6)).is_ok());
    assert_eq!(verify_evidence(&frozen, None, &at(7)).unwrap_err().check(), "T24");
}

#[test]
fn a_policy_of_workers_has_one_meaning() {
    let policy = || TpmPolicy::new(AkTrust::new());
    let other = WorkerRelease { name: "1.3".into(), sha256: [0x22; 32], ..release(None) };
    assert!(policy().with_workers(14, [release(None), other.clone()]).is_ok());
    let same_name = WorkerRelease { name: "1.2".into(), ..other.clone() };
    let same_program = WorkerRelease { sha256: [0x11; 32], ..other };
    for (register, releases) in [
        (14, vec![]),
        (7, vec![release(None)]),
        (16, vec![release(None)]),
        (14, vec![release(None), same_name]),
        (14, vec![release(None), same_program]),
    ] {
        assert_eq!(policy().with_workers(register, releases).unwrap_err().check(), "T24");
    }
}
