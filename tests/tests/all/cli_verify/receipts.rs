//! `receipt`: a proof's place in its log in standard encodings, written and read back by the real
//! binary under a key that the reader names.

use super::desk::{Desk, content, signed_log};
use receipt::cosign::{WitnessKey, cosign};
use receipt::note::{KeyKind, TreeHead, VerifierKey};
use receipt::tlog_proof::TlogProof;
use tests::world::key;

/// The sample with its log's signatures, and two witnesses' lines.
fn desk() -> (Desk, [String; 2]) {
    let desk = Desk::new();
    let mut proof = signed_log(&desk.sample);
    let text = receipt::tlog_proof::export(&proof).expect("signed");
    let note = TlogProof::parse(text.as_bytes()).expect("ours").checkpoint().clone();
    let head = TreeHead::parse(note.text()).expect("a checkpoint");
    let witness = |fill: u8, name: &str, at: u64| {
        let line = cosign(&head, name, &key(fill), at).expect("a line").to_string();
        let vkey = VerifierKey::new(name, KeyKind::Witness, key(fill).verifying_key());
        (line.into_bytes(), vkey.expect("a name").to_string())
    };
    let at = tests::sample::QUOTED_AT.0 / 1000;
    let (one, one_key) = witness(31, "one.example", at + 5);
    let (two, two_key) = witness(32, "two.example", at + 9);
    let mut lines = vec![one, two];
    lines.sort();
    if let Some(unsigned) = &mut proof.unsigned {
        unsigned.cosignatures = lines;
    }
    desk.write("proof.cbor", proof.to_bytes());
    (desk, [one_key, two_key])
}

#[test]
fn what_is_exported_verifies_under_the_attested_key_only() {
    let (desk, _) = desk();
    let did = desk.sample.signer.verifying_key().did_key();
    let stranger = key(77).verifying_key().did_key();
    for form in ["cose", "tlog", "checkpoint"] {
        let out = format!("out.{form}");
        let run =
            desk.run(&["receipt", "export", "proof.cbor", "--form", form, "--out", &out, "--json"]);
        assert_eq!(run.code, Some(0), "{form}: {} {}", run.out, run.errors);
        assert_eq!(run.json()["key"], did.as_str());
        let verify = |key: &str| {
            let mut arguments = vec!["receipt", "verify", &out, "--form", form, "--key", key];
            if form != "checkpoint" {
                arguments.extend(["--proof", "proof.cbor"]);
            }
            arguments.push("--json");
            desk.run(&arguments)
        };
        let run = verify(&did);
        assert_eq!(run.code, Some(0), "{form}: {} {}", run.out, run.errors);
        // A COSE Receipt signs no size: what it says is a claim.
        let json = run.json();
        let (size, claim) = (&json["size"], &json["claimed"]["size"]);
        let signed = form != "cose";
        assert_eq!((size == 5, claim == 5, size.is_null()), (signed, !signed, !signed), "{json}");
        assert_eq!(verify(&stranger).code, Some(1), "{form}");
        // Piped, the bytes are the same and nothing stands behind them.
        let piped = std::process::Command::new(super::desk::binary())
            .args(["receipt", "export", "proof.cbor", "--form", form])
            .current_dir(desk.path(""))
            .output()
            .expect("our binary runs");
        assert_eq!(piped.stdout, std::fs::read(desk.path(&out)).expect("written"));
    }
    let transparent =
        ["receipt", "export", "proof.cbor", "--form", "transparent", "--out", "out.transparent"];
    assert_eq!(desk.run(&transparent).code, Some(0));
    // A transparent statement brings its leaf along, and is read without the proof.
    let verify = |file: &str, key: &str| {
        desk.run(&["receipt", "verify", file, "--form", "transparent", "--key", key, "--json"])
    };
    let run = verify("out.transparent", &did);
    assert_eq!(run.code, Some(0), "{} {}", run.out, run.errors);
    let json = run.json();
    let hash = desk.sample.proof.signed.proof_hash().to_string();
    assert_eq!((&json["proof_hash"], &json["claimed"]["size"]), (&hash.into(), &5.into()));
    assert_eq!(json["decision"], desk.sample.statement.decision().name());
    let other = verify("out.transparent", &stranger);
    assert_eq!((other.code, &other.json()["check"]), (Some(1), &"P5".into()), "{}", other.out);
    let words = ["receipt", "verify", "out.transparent", "--form", "transparent", "--key", &did];
    let run = desk.run(&words);
    assert!(run.out.contains("decision") && run.out.contains("SIGNED and INCLUDED"), "{}", run.out);
    // A receipt of another statement, and what is no transparent statement at all.
    let bytes = std::fs::read(desk.path("out.transparent")).expect("written");
    let receipt = std::fs::read(desk.path("out.cose")).expect("written");
    let at = bytes.windows(receipt.len()).position(|part| part == receipt).expect("inside");
    let mut changed = bytes.clone();
    let path = at + receipt.len() - 80;
    changed[path] ^= 1;
    desk.write("changed", changed);
    let run = verify("changed", &did);
    assert_eq!((run.code, &run.json()["check"]), (Some(1), &"P7".into()), "{}", run.out);
    assert_eq!(verify("proof.cbor", &did).code, Some(1));
    assert_eq!(desk.run(&words[..5]).code, Some(2), "no key vouches for itself");
}

#[test]
fn another_proof_is_not_included_and_a_bare_one_not_exported() {
    let (desk, _) = desk();
    let did = desk.sample.signer.verifying_key().did_key();
    let export = ["receipt", "export", "proof.cbor", "--form", "cose", "--out", "receipt"];
    assert_eq!(desk.run(&export).code, Some(0));
    let other = desk.sample.with_statement(|statement| statement.proof_id = [9; 16]);
    desk.write("other.cbor", other.to_bytes());
    let verify =
        ["receipt", "verify", "receipt", "--form", "cose", "--proof", "other.cbor", "--key", &did];
    let run = desk.run(&[&verify[..], &["--json"]].concat());
    assert_eq!(run.code, Some(1), "{}", run.out);
    assert_eq!(run.json()["check"].as_str().map(|check| &check[..1]), Some("P"));
    // Without the log's signatures there is nothing that a reader could verify.
    desk.write("proof.cbor", desk.sample.proof.to_bytes());
    let run = desk.run(&export);
    assert_eq!(run.code, Some(1), "{} {}", run.out, run.errors);
    for misuse in [
        &["receipt", "verify", "receipt", "--form", "cose", "--proof", "other.cbor"][..],
        &["receipt", "verify", "receipt", "--form", "cose", "--key", &did],
        &["receipt", "verify", "receipt", "--form", "checkpoint"],
        &["receipt", "verify", "receipt", "--form", "ccf"],
        &["receipt", "export", "proof.cbor", "--form", "cose", "--json"],
    ] {
        assert_eq!(desk.run(misuse).code, Some(2), "{misuse:?}");
    }
}

#[test]
fn witnesses_count_when_the_reader_names_them() {
    let (desk, [one, two]) = desk();
    let export = ["receipt", "export", "proof.cbor", "--form", "checkpoint", "--out", "note"];
    assert_eq!(desk.run(&export).code, Some(0));
    let verify = |more: &[&str]| {
        let base = ["receipt", "verify", "note", "--form", "checkpoint", "--json"];
        desk.run(&[&base[..], more].concat())
    };
    let run = verify(&["--witness", &one, "--witness", &two]);
    assert_eq!(run.code, Some(0), "{} {}", run.out, run.errors);
    let witnessed = &run.json()["witnessed"];
    assert_eq!(witnessed["witnesses"].as_array().map(Vec::len), Some(2));
    assert_eq!(witnessed["at"], "2026-01-01T12:00:11.000Z");
    let stranger = WitnessKey::new("three.example", key(33).verifying_key()).expect("a name");
    let third = VerifierKey::new(stranger.name(), KeyKind::Witness, key(33).verifying_key());
    let third = third.expect("a name").to_string();
    let run = verify(&["--witness", &one, "--witness", &third]);
    assert_eq!((run.code, &run.json()["check"]), (Some(1), &"P20".into()), "{}", run.out);
    let one_of_two = ["--witness", &one, "--witness", &third, "--witness-threshold", "1"];
    assert_eq!(verify(&one_of_two).code, Some(0));
}

#[test]
fn a_proof_is_judged_at_the_time_that_its_witnesses_saw() {
    let (desk, [one, two]) = desk();
    let mut changed = content(&desk.sample);
    changed.witnesses.keys = vec![one, two];
    changed.witnesses.keys.sort();
    changed.witnesses.threshold = 2;
    desk.sign_policy(&changed);
    let judge = |file: &str| {
        desk.run(&["proof", file, "--policy", "policy.cbor", "--at", "witnesses", "--json"])
    };
    let run = judge("proof.cbor");
    assert_eq!(run.code, Some(0), "{} {}", run.out, run.errors);
    let json = run.json();
    assert_eq!(json["witnessed"]["at"], "2026-01-01T12:00:11.000Z");
    assert_eq!(json["evidence"]["time"]["mode"], "archival");
    let p20 = json["checks"].as_array().expect("checks").iter().find(|c| c["check"] == "P20");
    assert_eq!(p20.expect("there")["passed"], true);
    // Without their lines there is no such time; with the lines in a file of their own, there is.
    desk.write("bare.cbor", signed_log(&desk.sample).to_bytes());
    assert_eq!(judge("bare.cbor").code, Some(1));
    let export = ["receipt", "export", "proof.cbor", "--form", "checkpoint", "--out", "note"];
    assert_eq!(desk.run(&export).code, Some(0));
    let note = std::fs::read_to_string(desk.path("note")).expect("a note");
    let lines: Vec<_> = note.lines().filter(|line| line.contains(".example ")).collect();
    desk.write("lines", lines.join("\n") + "\n");
    let arguments = ["proof", "bare.cbor", "--policy", "policy.cbor", "--at", "witnesses"];
    let run = desk.run(&[&arguments[..], &["--cosignatures", "lines", "--json"]].concat());
    assert_eq!(run.code, Some(0), "{} {}", run.out, run.errors);
}

#[test]
fn the_real_receipt_of_a_ccf_ledger_needs_its_service() {
    let folder = tests::root().join("../shared/corpora/scitt");
    let Ok(statement) = std::fs::read(folder.join("css-attested-cosesign1-20260302.cose")) else {
        println!("ignored: corpus absent");
        return;
    };
    let desk = Desk::new();
    desk.write("statement", statement);
    // Some certificate that is not the service's.
    let verify = ["receipt", "verify", "statement", "--form", "ccf", "--service", "root.der"];
    let run = desk.run(&[&verify[..], &["--json"]].concat());
    assert_ne!(run.code, Some(0), "{} {}", run.out, run.errors);
}
