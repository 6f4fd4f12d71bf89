//! Frozen vectors: `vectors/receipt-1.json` holds every form of RECEIPT.md once, and this test
//! makes each again. PROBITY_FREEZE=1 writes a new file; a changed byte in an old one is a broken
//! promise.

use crate::{Sample, TIMES, WITNESSES, key};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto::to_hex;
use receipt::cosign::WitnessKey;
use receipt::log::{checkpoint_note, log_key};
use serde_json::{Value, json};

pub fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub fn from_base64(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap()
}

fn computed() -> Value {
    let sample = Sample::witnessed();
    let unsigned = sample.proof.unsigned.as_ref().unwrap();
    let both = unsigned.log_signatures.unwrap();
    let note =
        checkpoint_note(&sample.checkpoint, &sample.signer, Some(&both), &unsigned.cosignatures);
    let witnesses: Vec<_> = WITNESSES
        .iter()
        .zip([21_u8, 22])
        .zip(TIMES)
        .map(|((name, fill), time_s)| {
            let public = WitnessKey::new(name, key(fill).verifying_key()).unwrap();
            json!({ "seed": to_hex(&[fill; 32]), "key": public.to_string(), "time_s": time_s })
        })
        .collect();
    let old_root = sample.tree.root_at(3).unwrap();
    let path = sample.tree.consistency(3, 5).unwrap();
    let consistency = receipt::cose::export_consistency(
        (3, old_root),
        &path,
        &sample.checkpoint,
        &both,
        &sample.signer,
    );
    let lines = unsigned.cosignatures.iter().map(|line| String::from_utf8_lossy(line));
    json!({
        "about": "The proof of shared/proof/vectors/proof-2.json in the forms of RECEIPT.md, made \
                  with published keys; bytes in hexadecimal",
        "signer_seed": to_hex(&[5; 32]),
        "log_key": log_key(sample.checkpoint.boot_id, sample.signer).to_string(),
        "checkpoint": to_hex(&sample.checkpoint.to_bytes()),
        "leaf": to_hex(&sample.leaf()),
        "note_text": sample.checkpoint.note_text(),
        "note_signature": to_hex(&both.note.0),
        "receipt_sig_structure": to_hex(&proof::receipt_sig_structure(&sample.checkpoint.root)),
        "receipt_signature": to_hex(&both.receipt.0),
        "witnesses": witnesses,
        "cosignatures": lines.collect::<Vec<_>>(),
        "proof": to_hex(&sample.proof.to_bytes()),
        "note": note.unwrap().to_text(),
        "tlog_proof": receipt::tlog_proof::export(&sample.proof).unwrap(),
        "receipt": to_hex(&receipt::cose::export(&sample.proof).unwrap()),
        "transparent_statement": to_hex(&receipt::cose::export_transparent(&sample.proof).unwrap()),
        "old_root": to_hex(&old_root),
        "old_size": 3,
        "consistency_receipt": to_hex(&consistency.unwrap()),
    })
}

#[test]
fn every_form_is_frozen() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/vectors/receipt-1.json");
    let computed = computed();
    if std::env::var_os("PROBITY_FREEZE").is_some() {
        std::fs::write(path, format!("{computed:#}\n")).unwrap();
    }
    let frozen: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&frozen), keys(&computed));
    for (key, value) in frozen.as_object().unwrap() {
        assert_eq!(*value, computed[key], "{key} changed");
    }
}
