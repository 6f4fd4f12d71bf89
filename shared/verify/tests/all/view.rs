//! The JSON view against the frozen one, and its limits.

use crate::support::*;
use attestation_fixtures::proofs::Backing;
use proof::{LogSignatures, Proof, SignedStatement};
use serde_json::{Value, json};
use verify::{from_json, parse_json, parse_view, to_json, view_to_bytes};

fn frozen() -> (Proof, Value) {
    let text = include_str!("../../../proof/vectors/proof-2.json");
    let mut vectors: Value = serde_json::from_str(text).expect("JSON");
    let bytes = crypto::from_hex(vectors["proof"].as_str().expect("text")).expect("hexadecimal");
    (Proof::parse(&bytes).expect("sound"), vectors["view"].take())
}

#[test]
fn the_frozen_view_is_the_frozen_proofs() {
    let (proof, view) = frozen();
    assert_eq!(to_json(&proof), view);
    assert_eq!(from_json(&view), Ok(proof.clone()));
    assert_eq!(parse_view(view.to_string().as_bytes()), Ok(proof));
}

/// The bytes are judged by verification, and by `from_json`: they may be no proof.
#[test]
fn the_bytes_of_a_view_are_parsed_where_they_are_judged() {
    let (proof, view) = frozen();
    assert_eq!(view_to_bytes(&view), Ok(proof.to_bytes()));
    let mut statement = proof.signed.statement().clone();
    statement.jurisdictions = vec!["US".into(), "SG".into()];
    let signed = SignedStatement::from_parts_unverified(statement, *proof.signed.signature());
    let unsorted = Proof { signed, ..proof };
    let view = to_json(&unsorted);
    assert_eq!(view_to_bytes(&view), Ok(unsorted.to_bytes()));
    assert_eq!(check(from_json(&view)), "P3");
    assert_eq!(check(archival(policy_of(&nitro()), &unsorted.to_bytes())), "P3");
    // What differs from its own derived fields has no bytes at all.
    let mut other = view.clone();
    other["proof_hash"] = json!("00".repeat(32));
    assert_eq!(check(view_to_bytes(&other)), "P1");
    other = view;
    other["statement"]["jurisdictions"][0] = json!("EU");
    assert_eq!(check(view_to_bytes(&other)), "P1");
}

#[test]
fn every_part_of_a_proof_has_its_place_in_the_view() {
    let mut proof = Proof::parse(&crate::support::proof(Backing::Nitro)).expect("sound");
    let mut statement = proof.signed.statement().clone();
    statement.rules[0].hits =
        vec![proof::Hit { list: "ofac".into(), entry: "7".into(), score: 9_000 }];
    statement.lists = vec![("ofac".into(), crypto::Digest([7; 32]))];
    statement.not_covered = vec![("EU".into(), "AML".into()), ("EU".into(), "TAX".into())];
    let signer = attestation_fixtures::proofs::key(5);
    proof.signed = proof::SignedStatement::sign(statement, &signer).expect("short");
    let checkpoint = spec(Backing::Nitro).checkpoint();
    let unsigned = proof.unsigned.as_mut().expect("complete");
    unsigned.log_signatures = Some(LogSignatures::sign(&checkpoint, &signer));
    unsigned.cosignatures = vec![b"a line".to_vec(), b"another".to_vec()];
    let view = to_json(&proof);
    assert_eq!(view["unsigned"]["cosignatures"], json!(["a line", "another"]));
    assert_eq!(view["statement"]["rules"][0]["hits"][0]["entry"], "7");
    assert_eq!(from_json(&view), Ok(proof.clone()));
    proof.unsigned.as_mut().expect("complete").cosignatures.clear();
    let view = to_json(&proof);
    assert_eq!(view["unsigned"].get("cosignatures"), None);
    assert_eq!(from_json(&view), Ok(proof));
}

#[test]
fn a_field_that_is_changed_added_or_left_out_is_refused() {
    let (_, view) = frozen();
    for field in ["format", "proof_hash"] {
        let mut other = view.clone();
        other[field] = json!("x");
        assert!(from_json(&other).is_err(), "{field}");
        other.as_object_mut().expect("object").remove(field);
        assert!(from_json(&other).is_err(), "without {field}");
    }
    let mut other = view.clone();
    other["statement"]["decision"]["compliant"] = json!("yes");
    assert!(from_json(&other).is_err());
    let mut other = view;
    other["more"] = Value::Null;
    assert!(from_json(&other).is_err());
}

#[test]
fn a_view_of_4_mib_is_read_and_a_longer_one_is_not() {
    let (proof, view) = frozen();
    let mut text = view.to_string().into_bytes();
    text.resize(4 << 20, b' ');
    assert_eq!(parse_view(&text), Ok(proof));
    text.push(b' ');
    let refusal = parse_view(&text).expect_err("too long").to_string();
    assert!(refusal.contains("4 MiB"), "{refusal}");
}

#[test]
fn every_kind_of_json_value_is_kept() {
    for text in ["null", "true", "-1", "1", "1.5", "\"x\"", "[null,[]]", "{\"a\":{}}"] {
        let expected: Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(parse_json(text.as_bytes()).expect(text), expected);
    }
}
