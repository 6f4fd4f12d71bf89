//! `tpm` and `eventlog`: quotes as evidence and in bare parts; a machine that was measured is never
//! called an enclave.

use super::desk::Desk;
use attestation_fixtures::oid;
use attestation_fixtures::tpm::{AkChain, AkKey, AkLevel, PublicSpec, QuoteSpec, good_log};
use crypto::to_hex;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const KEY: AkKey = AkKey::P256("cli");

fn spec() -> QuoteSpec {
    QuoteSpec::new(KEY, &good_log().registers(), b"user data", b"key set", None)
}

fn registers(pcrs: &BTreeMap<u8, [u8; 32]>) -> String {
    let entry = |(index, value): (&u8, &[u8; 32])| (index.to_string(), to_hex(value).into());
    Value::Object(pcrs.iter().map(entry).collect()).to_string()
}

fn desk() -> (Desk, String) {
    let desk = Desk::new();
    let files = spec().files();
    desk.write("evidence", spec().evidence());
    desk.write("quote", files.attest);
    desk.write("signature", files.signature);
    desk.write("ak", files.public);
    desk.write("log", good_log().to_bytes());
    desk.write("pcrs.json", registers(&good_log().registers()));
    (desk, to_hex(&PublicSpec::of(KEY).name()))
}

#[test]
fn evidence_is_judged_by_a_pinned_key_and_reference_values() {
    let (desk, name) = desk();
    let base = ["tpm", "evidence", "--ak-name", &name];
    let run = desk.run(&base);
    assert_eq!(run.code, Some(0), "{} {}", run.out, run.errors);
    let says = run.out.lines().last().expect("a closing line");
    assert!(says.starts_with("GENUINE") && says.contains("not judged"), "{}", run.out);
    assert!(run.out.contains("not checked") && run.out.contains("no event log was given"));
    let full = [&base[..], &["--reference", "pcrs.json", "--event-log", "log"]].concat();
    let run = desk.run(&full);
    assert_eq!(run.code, Some(0), "{} {}", run.out, run.errors);
    let says = run.out.lines().last().expect("a closing line");
    assert!(says.starts_with("VALID") && says.contains("not an enclave"), "{}", run.out);
    let json = desk.run(&[&full[..], &["--json"]].concat()).json();
    assert_eq!((&json["kind"], &json["machine_judged"]), (&"tpm".into(), &true.into()));
    assert_eq!(json["checks"].as_array().map(Vec::len), Some(34));
    let ear = desk.run(&[&full[..], &["--format", "ear"]].concat()).json();
    let vector = &ear["submods"]["tpm"]["ear_trustworthiness_vector"];
    assert_eq!((&vector["hardware"], &vector["executables"]), (&(-2).into(), &3.into()));
    assert_eq!(vector["runtime-opaque"], 0);
    // Nobody asked it anything: it may be years old, and a TPM has no calendar.
    assert_eq!(ear["ear_status"], "none", "{ear}");
    assert!(ear.to_string().contains("its age is not known"), "{ear}");
    let ear = desk.run(&[&base[..], &["--format", "ear"]].concat()).json();
    assert_eq!(ear["ear_status"], "none", "{ear}");
}

#[test]
fn each_refusal_names_its_check() {
    let (desk, name) = desk();
    let check = |arguments: &[&str]| {
        let run = desk.run(&[arguments, &["--json"]].concat());
        assert_eq!(run.code, Some(1), "{arguments:?}: {} {}", run.out, run.errors);
        run.json()["check"].as_str().expect("a number").to_owned()
    };
    let stranger = to_hex(&PublicSpec::of(AkKey::P256("stranger")).name());
    assert_eq!(check(&["tpm", "evidence", "--ak-name", &stranger]), "T8");
    let mut other = good_log().registers();
    other.insert(0, [7; 32]);
    desk.write("other.json", registers(&other));
    let base = ["tpm", "evidence", "--ak-name", &name];
    assert_eq!(check(&[&base[..], &["--reference", "other.json"]].concat()), "T24");
    let mut cut = good_log();
    cut.events.pop();
    desk.write("cut", cut.to_bytes());
    assert_eq!(check(&[&base[..], &["--event-log", "cut"]].concat()), "T25");
    assert_eq!(check(&[&base[..], &["--nonce", "0011223344556677"]].concat()), "T17");
    let mut unsafe_clock = spec();
    unsafe_clock.safe = 0;
    desk.write("evidence", unsafe_clock.evidence());
    assert_eq!(check(&base), "T22");
    desk.write("evidence", b"no evidence");
    assert_eq!(check(&base), "T13");
    let run = desk.run(&["tpm", "evidence"]);
    assert_eq!(run.code, Some(2), "no key vouches for itself: {}", run.out);
}

/// A cloud whose certificates name no purpose: its authority has to be given as dedicated.
#[test]
fn a_dedicated_root_stands_above_certificates_without_a_purpose() {
    let (desk, _) = desk();
    let mut chain = AkChain::new(KEY, 1_767_268_800_000);
    let leaf = chain.at(AkLevel::Leaf);
    leaf.extensions.retain(|extension| extension.oid != oid::EXT_KEY_USAGE);
    desk.write("ak-root", chain.root_der());
    let names = chain.chain().into_iter().enumerate().map(|(index, der)| {
        let name = format!("ak-{index}.der");
        desk.write(&name, der);
        name
    });
    let names: Vec<_> = names.collect();
    let parts = ["tpm", "--quote", "quote", "--signature", "signature", "--pcrs", "pcrs.json"];
    let mut asked = [&parts[..], &["--at", "2026-01-01T12:00:00Z", "--json"]].concat();
    names.iter().for_each(|name| asked.extend(["--ak-cert", name.as_str()]));
    let run = desk.run(&[&asked[..], &["--dedicated-root", "ak-root"]].concat());
    assert_eq!(run.code, Some(0), "{} {}", run.out, run.errors);
    assert!(run.out.contains("under the root ak-root"), "{}", run.out);
    let run = desk.run(&[&asked[..], &["--root", "ak-root"]].concat());
    assert_eq!((run.code, &run.json()["check"]), (Some(1), &"T8".into()), "{}", run.out);
}

#[test]
fn a_bare_quote_is_judged_in_parts() {
    let (desk, name) = desk();
    let parts = ["tpm", "--quote", "quote", "--signature", "signature", "--pcrs", "pcrs.json"];
    let key = ["--ak", "ak", "--ak-name", &name];
    let run = desk.run(&[&parts[..], &key[..], &["--json"]].concat());
    assert_eq!(run.code, Some(0), "{} {}", run.out, run.errors);
    let json = run.json();
    let t17 = json["checks"].as_array().expect("checks").iter().find(|c| c["check"] == "T17");
    assert_eq!(t17.expect("there")["passed"], Value::Null);
    let extra = to_hex(&spec().extra);
    let bound = desk.run(&[&parts[..], &key[..], &["--extra-data", &extra, "--json"]].concat());
    assert_eq!(bound.code, Some(0), "{}", bound.out);
    let wrong = desk.run(&[&parts[..], &key[..], &["--extra-data", "00", "--json"]].concat());
    assert_eq!((wrong.code, &wrong.json()["check"]), (Some(1), &"T17".into()));
    // A nonce is part of evidence; a bare quote has its extraData, and silence would check nothing.
    let nonce = desk.run(&[&parts[..], &key[..], &["--nonce", "0011223344556677"]].concat());
    assert_eq!(nonce.code, Some(2), "{}", nonce.out);
    assert!(nonce.errors.contains("--extra-data"), "{}", nonce.errors);
    let mut flipped = spec().files().signature;
    *flipped.last_mut().expect("bytes") ^= 1;
    desk.write("signature", flipped);
    let wrong = desk.run(&[&parts[..], &key[..], &["--json"]].concat());
    assert_eq!((wrong.code, &wrong.json()["check"]), (Some(1), &"T18".into()));
    for misuse in
        [&["tpm"][..], &["tpm", "--quote", "quote"], &["tpm", "evidence", "--quote", "quote"]]
    {
        assert_eq!(desk.run(misuse).code, Some(2), "{misuse:?}");
    }
}

#[test]
fn an_event_log_alone_is_readable_and_vouched_for_by_nobody() {
    let (desk, _) = desk();
    let run = desk.run(&["eventlog", "log"]);
    assert_eq!(run.code, Some(0), "{} {}", run.out, run.errors);
    assert!(run.out.contains("Nothing vouches for this log"), "{}", run.out);
    let json = desk.run(&["eventlog", "log", "--json"]).json();
    let expected: Value =
        serde_json::from_str(&registers(&good_log().registers())).expect("registers");
    let found = &json["pcrs"];
    for (index, value) in expected.as_object().expect("an object") {
        assert_eq!(&found[index], value, "PCR{index}");
    }
    let run = desk.run(&["eventlog", "log", "--pcrs", "pcrs.json"]);
    assert_eq!(run.code, Some(0), "{}", run.out);
    desk.write("other.json", json!({"0": "00".repeat(32)}).to_string());
    let run = desk.run(&["eventlog", "log", "--pcrs", "other.json", "--json"]);
    assert_eq!((run.code, &run.json()["check"]), (Some(1), &"T25".into()));
    desk.write("log", b"no log");
    let run = desk.run(&["eventlog", "log", "--json"]);
    assert_eq!((run.code, &run.json()["check"]), (Some(1), &"T26".into()));
}
