//! `--format ear`: claims that say no more than what was checked, and a token that only its key
//! vouches for.

use super::desk::Desk;
use crypto::SigningKey;
use serde_json::Value;

const MATERIALS: [&str; 6] = ["--rules", "bundle.cose", "--input", "input.json", "--salt", "salt"];

fn claims(desk: &Desk, more: &[&str]) -> Value {
    let run = desk.judge(&[&["proof", "proof.cbor", "--format", "ear"], more].concat());
    assert_eq!(run.code, Some(0), "{} {}", run.out, run.errors);
    run.json()
}

fn vector<'a>(claims: &'a Value, submod: &str, name: &str) -> &'a Value {
    &claims["submods"][submod]["ear_trustworthiness_vector"][name]
}

#[test]
fn a_verdict_is_an_attestation_result() {
    let desk = Desk::new();
    let ear = claims(&desk, &[]);
    assert_eq!(ear["eat_profile"], "tag:ietf.org,2026:rats/ear#04");
    assert_eq!(ear["iat"], tests::sample::QUOTED_AT.0 / 1000);
    let build = ear["ear_verifier_id"]["build"].as_str().expect("a build");
    assert!(build.starts_with("probity-verify "), "{build}");
    // Under the test root hardware is warned of, whatever else holds.
    assert_eq!(vector(&ear, "enclave", "hardware"), -33);
    assert_eq!(ear["submods"]["enclave"]["ear_status"], "warning");
    assert_eq!(ear["ear_status"], "warning");
    assert_eq!(vector(&ear, "enclave", "executables"), 3);
    assert_eq!(vector(&ear, "enclave", "configuration"), 2);
    assert_eq!(vector(&ear, "enclave", "runtime-opaque"), 0);
    assert_eq!(vector(&ear, "decision", "instance-identity"), 2);
    let decision = &ear["submods"]["decision"];
    assert_eq!(decision["ear_status"], "affirming");
    let outcome = desk.sample.statement.decision().name();
    assert_eq!(decision["ear_attester_claims"]["outcome"], outcome);
    let ids = decision["ear_appraisal_policy_ids"].as_array().expect("the policy");
    assert!(ids[0].as_str().is_some_and(|id| id.starts_with("urn:probity:policy:field:7:")));
    assert_eq!(decision["ear_verifier_claims"]["mode"], "archival");
    assert!(decision["ear_verifier_claims"]["assumption"].is_string());
    // The same question has the same answer, byte for byte.
    assert_eq!(claims(&desk, &[]), ear);
}

#[test]
fn what_was_not_checked_is_not_affirmed() {
    let desk = Desk::new();
    let open = |ear: &Value| -> Vec<String> {
        let list = &ear["submods"]["decision"]["ear_verifier_claims"]["not_checked"];
        let list = list.as_array().expect("a list").iter();
        list.map(|entry| entry["check"].as_str().expect("a number").to_owned()).collect()
    };
    let bare = claims(&desk, &[]);
    assert_eq!(vector(&bare, "decision", "executables"), 0);
    assert_eq!(vector(&bare, "decision", "configuration"), 0);
    assert!(open(&bare).contains(&"P17".to_owned()) && open(&bare).contains(&"P12".to_owned()));
    let rules = claims(&desk, &MATERIALS[..2]);
    assert_eq!(vector(&rules, "decision", "executables"), 0);
    assert_eq!(vector(&rules, "decision", "configuration"), 2);
    let replayed = claims(&desk, &MATERIALS);
    assert_eq!(vector(&replayed, "decision", "executables"), 2);
    assert!(!open(&replayed).contains(&"P17".to_owned()));
    // A document whose image was not judged says nothing of executables, and nothing as a whole.
    let unsigned = desk.sample.proof.unsigned.as_ref().expect("complete");
    desk.write("document", &unsigned.evidence.document);
    let flags = ["nitro", "document", "--root", "root.der", "--at", "document", "--format", "ear"];
    let unjudged = desk.run(&flags).json();
    assert_eq!(vector(&unjudged, "enclave", "executables"), 0);
    let judged = desk.run(&[&flags[..], &["--measurements", "measurements.json"]].concat()).json();
    assert_eq!(vector(&judged, "enclave", "executables"), 3);
}

#[test]
fn genuine_hardware_is_affirmed_and_an_unjudged_image_is_not() {
    let name = "../shared/corpora/nitro/marlin_aws.cose";
    let Ok(document) = std::fs::read(tests::root().join(name)) else {
        println!("ignored: corpus absent");
        return;
    };
    let desk = Desk::new();
    desk.write("document", document);
    let run = desk.run(&["nitro", "document", "--at", "document", "--format", "ear"]);
    let ear = run.json();
    // It was made in debug mode, or its chain is AWS's: never both refused and affirmed.
    match run.code {
        Some(0) => {
            assert_eq!(vector(&ear, "enclave", "hardware"), 2);
            assert_eq!(ear["ear_status"], "none", "{ear}");
        }
        _ => assert_eq!(ear["ear_status"], "contraindicated", "{ear}"),
    }
}

#[test]
fn a_refusal_is_contraindicated_and_fails() {
    let desk = Desk::new();
    let refused = |proof: Vec<u8>| {
        desk.write("bad.cbor", proof);
        let run = desk.judge(&["proof", "bad.cbor", "--format", "ear"]);
        assert_eq!(run.code, Some(1), "{}", run.out);
        let ear = run.json();
        assert_eq!(ear["ear_status"], "contraindicated", "{ear}");
        assert!(!run.out.contains("affirming"), "{}", run.out);
        ear
    };
    let mut statement = desk.sample.proof.clone();
    if let Some(unsigned) = &mut statement.unsigned {
        unsigned.inclusion.path.reverse();
    }
    let ear = refused(statement.to_bytes());
    let claims = &ear["submods"]["decision"]["ear_verifier_claims"];
    assert_eq!(claims["refused_by"], "P7");
    assert!(claims["remedy"].is_string() && claims["detail"].is_string());
    assert!(ear["submods"].get("enclave").is_none());
    let mut document = desk.sample.proof.clone();
    if let Some(unsigned) = &mut document.unsigned {
        let last = unsigned.evidence.document.len() - 1;
        unsigned.evidence.document[last] ^= 1;
    }
    let ear = refused(document.to_bytes());
    assert_eq!(ear["submods"]["enclave"]["ear_verifier_claims"]["refused_by"], "N32");
    assert_eq!(vector(&ear, "enclave", "hardware"), 99);
    refused(b"not a proof".to_vec());
}

#[test]
fn a_signed_result_is_read_under_the_readers_key() {
    let desk = Desk::new();
    let run = desk.judge(&["proof", "proof.cbor", "--format", "ear", "--ear-key", "ear.key"]);
    assert_eq!(run.code, Some(0), "{} {}", run.out, run.errors);
    let token = run.out.trim();
    assert_eq!(token.split('.').count(), 3);
    desk.write("token", token);
    let signer = SigningKey::from_seed(&zeroize::Zeroizing::new([0x2a; 32])).verifying_key();
    let read =
        |key: &str, more: &[&str]| desk.run(&[&["ear", "token", "--key", key], more].concat());
    let verdict = read(&signer.did_key(), &["--json"]);
    assert_eq!(verdict.code, Some(0), "{} {}", verdict.out, verdict.errors);
    assert_eq!(verdict.json()["claims"], claims(&desk, &[]));
    let table = read(&signer.did_key(), &[]);
    assert!(table.out.contains("this verifier says warning"), "{}", table.out);
    assert!(table.out.contains("hardware (-33)"), "{}", table.out);
    let other = read(&tests::world::key(3).verifying_key().did_key(), &["--json"]);
    assert_eq!((other.code, &other.json()["check"]), (Some(1), &"E3".into()));
    let altered = token.replacen('.', ".A", 1);
    desk.write("token", altered);
    assert_eq!(read(&signer.did_key(), &[]).code, Some(1));
    // A result that refuses must not look like success to a script.
    desk.write("bad.cbor", b"not a proof");
    let run = desk.judge(&["proof", "bad.cbor", "--format", "ear", "--ear-key", "ear.key"]);
    assert_eq!(run.code, Some(1));
    desk.write("token", run.out.trim());
    let verdict = read(&signer.did_key(), &["--json"]);
    assert_eq!(verdict.code, Some(1), "{}", verdict.out);
    assert_eq!(verdict.json()["claims"]["ear_status"], "contraindicated");
}

#[test]
fn a_result_is_asked_for_where_one_exists() {
    let desk = Desk::new();
    for misuse in [
        &["proof", "proof.cbor", "--ear-key", "ear.key"][..],
        &["proof", "proof.cbor", "--format", "ear", "--json"],
        &["proof", "proof.cbor", "--format", "ear", "--ear-key", "boot.cbor"],
        &["proof", "proof.cbor", "--format", "ear", "--ear-key", "absent"],
        &["batch", "proof.cbor", "--format", "ear"],
        &["proof", "proof.cbor", "--format", "yaml"],
    ] {
        let run = desk.judge(misuse);
        assert_eq!(run.code, Some(2), "{misuse:?}: {} {}", run.out, run.errors);
        assert_eq!(run.out, "", "{misuse:?}");
    }
}
