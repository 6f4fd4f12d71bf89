//! The frozen vector is read and written again byte for byte.

use crate::{frozen, signer, vectors};
use crypto::{Signature, to_hex};
use proof::{BootRecord, LogSignatures, Proof, ProofError, SignedStatement, Statement};
use tlog::Checkpoint;

#[test]
fn the_frozen_proof_is_read_and_written_again() {
    let bytes = frozen("proof");
    let proof = Proof::parse(&bytes).unwrap();
    assert_eq!(proof.to_bytes(), bytes);
    assert_eq!(proof.signed.to_bytes(), frozen("signed_statement"));
    assert_eq!(proof.signed.sig_structure(), frozen("sig_structure"));
    assert_eq!(proof.signed.proof_hash().as_bytes()[..], frozen("proof_hash"));
    let statement = proof.signed.statement();
    assert_eq!(statement.to_bytes(), frozen("statement"));
    assert_eq!(Statement::parse(&frozen("statement")).as_ref(), Ok(statement));
    let unsigned = proof.unsigned.clone().unwrap();
    assert_eq!(unsigned.evidence.kind, "nitro");
    assert_eq!(unsigned.evidence.document, frozen("document"));
    assert_eq!((unsigned.inclusion.size, unsigned.inclusion.index), (5, 3));
}

#[test]
fn the_frozen_statement_stands_alone() {
    let bytes = frozen("signed_statement");
    let bare = Proof::parse(&bytes).unwrap();
    assert_eq!(bare.unsigned, None);
    assert_eq!(bare.to_bytes(), bytes);
}

#[test]
fn the_published_seed_makes_the_frozen_signature() {
    let statement = Statement::parse(&frozen("statement")).unwrap();
    let signed = SignedStatement::sign(statement.clone(), &signer()).unwrap();
    assert_eq!(signed.to_bytes(), frozen("signed_statement"));
    let signature = *signed.signature();
    signer().verifying_key().verify_strict(&frozen("sig_structure"), &signature).unwrap();
    assert_eq!(SignedStatement::from_parts_unverified(statement, signature), signed);
}

#[test]
fn the_statements_hashes_are_in_the_order_of_their_keys() {
    let statement = Statement::parse(&frozen("statement")).unwrap();
    let [input, facts, rule, state, output, trace] = statement.hashes();
    assert_eq!((input, facts), (statement.input_hash, statement.facts_hash));
    assert_eq!((rule, state), (statement.rule_hash, statement.state_hash));
    assert_eq!((output, trace), (statement.output_hash, statement.trace_hash));
    let view = &vectors()["view"]["statement"];
    assert_eq!(view["input_hash"], to_hex(input.as_bytes()));
    assert_eq!(view["trace_hash"], to_hex(trace.as_bytes()));
}

#[test]
fn the_frozen_boot_record_and_key_set_are_read_and_written_again() {
    let bytes = frozen("boot_record");
    let record = BootRecord::parse(&bytes).unwrap();
    assert_eq!(record.to_bytes(), bytes);
    assert_eq!(record.hash().as_bytes()[..], frozen("boot_record_hash"));
    assert_eq!(record.boot_config.as_bytes()[..], frozen("boot_config_hash"));
    let key = signer().verifying_key();
    assert_eq!(proof::key_set(&key), frozen("key_set"));
    assert_eq!(proof::signer_of_key_set(&frozen("key_set")), Ok(key.to_bytes()));
}

#[test]
fn the_frozen_boot_record_of_version_2_is_read_and_written_again() {
    let text = include_str!("../../vectors/boot-record-2.json");
    let frozen: serde_json::Value = serde_json::from_str(text).unwrap();
    let bytes = crypto::from_hex(frozen["boot_record"].as_str().unwrap()).unwrap();
    let record = BootRecord::parse(&bytes).unwrap();
    assert_eq!(record.to_bytes(), bytes);
    assert_eq!(to_hex(record.hash().as_bytes()), frozen["boot_record_hash"]);
    assert_eq!(serde_json::json!(record.confinement), frozen["confinement"]);
    let first = BootRecord::parse(&crate::frozen("boot_record")).unwrap();
    assert_eq!(BootRecord { confinement: Vec::new(), ..record }, first);
}

#[test]
fn the_log_signs_the_two_texts_of_a_checkpoint() {
    let checkpoint = Checkpoint::parse(&frozen("checkpoint")).unwrap();
    let LogSignatures { note, receipt } = LogSignatures::sign(&checkpoint, &signer());
    let key = signer().verifying_key();
    key.verify_strict(checkpoint.note_text().as_bytes(), &note).unwrap();
    // RFC 9942: protected `{1: -8, 395: 1}`, the root as detached payload.
    let header = [0xa2, 0x01, 0x27, 0x19, 0x01, 0x8b, 0x01];
    assert_eq!(proof::receipt_protected_header(), header);
    let signed = crypto::cose::sign1_structure(&header, &checkpoint.root);
    assert_eq!(proof::receipt_sig_structure(&checkpoint.root), signed);
    key.verify_strict(&signed, &receipt).unwrap();
}

#[test]
fn refusals_name_their_check() {
    let cbor = || cbor::Reader::new(&[]).uint().unwrap_err();
    let header = ProofError::Header { expected: String::new(), found: String::new() };
    for (refusal, check) in [
        (ProofError::Envelope(cbor()), "P1"),
        (ProofError::TooLarge { found: 1 }, "P1"),
        (header, "P2"),
        (ProofError::Statement(cbor()), "P3"),
        (ProofError::NotCanonical("why"), "P3"),
        (ProofError::Decision { follows: "pass", stated: 1 }, "P18"),
    ] {
        assert_eq!(refusal.check(), check);
        assert!(refusal.to_string().starts_with(&format!("{check}:")), "{refusal}");
    }
    assert_ne!(Signature([0; 64]), *Proof::parse(&frozen("proof")).unwrap().signed.signature());
}
