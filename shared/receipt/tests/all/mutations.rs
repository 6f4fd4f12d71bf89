//! Hostile bytes: every change of every byte and every cut of every form. None panics, and what is
//! accepted says the very same thing.

use crate::{Sample, key};
use receipt::cose::{Receipt, ReceiptKey, export, export_transparent};
use receipt::cosign::{WitnessKey, verify_witnesses};
use receipt::log::log_key;
use receipt::note::Note;
use receipt::tlog_proof::{self, TlogProof};

/// Every bit flipped, every byte dropped or doubled, every prefix.
fn mutants(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    let flips = (0..bytes.len() * 8).map(|bit| {
        let mut changed = bytes.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        changed
    });
    let drops = (0..bytes.len()).map(|at| [&bytes[..at], &bytes[at + 1..]].concat());
    let doubles = (0..bytes.len()).map(|at| [&bytes[..=at], &bytes[at..]].concat());
    let prefixes = (0..bytes.len()).map(|length| bytes[..length].to_vec());
    flips.chain(drops).chain(doubles).chain(prefixes)
}

#[test]
fn no_changed_receipt_says_something_else() {
    let sample = Sample::new();
    let bytes = export(&sample.proof).unwrap();
    let key = ReceiptKey::Ed25519(sample.signer);
    let mut tried = 0;
    for changed in mutants(&bytes) {
        let judged =
            Receipt::parse(&changed).and_then(|one| one.verify_inclusion(sample.leaf(), &key));
        // Size and index are not signed (RECEIPT.md); the root and the leaf under it are.
        if let Ok(verified) = judged {
            assert_eq!(verified.root(), &sample.checkpoint.root);
        }
        tried += 1;
    }
    println!("receipt: {tried} changed ones");
    for changed in mutants(&export_transparent(&sample.proof).unwrap()) {
        let _ = receipt::cose::ccf::TransparentStatement::parse(&changed);
    }
}

#[test]
fn no_changed_tlog_proof_says_something_else() {
    let sample = Sample::witnessed();
    let text = tlog_proof::export(&sample.proof).unwrap();
    let log = log_key(sample.checkpoint.boot_id, sample.signer);
    let witness = WitnessKey::new(crate::WITNESSES[0], key(21).verifying_key()).unwrap();
    let sound = verify_witnesses(
        TlogProof::parse(text.as_bytes()).unwrap().checkpoint(),
        std::slice::from_ref(&witness),
        1,
    );
    let mut tried = 0;
    for changed in mutants(text.as_bytes()) {
        tried += 1;
        let Ok(parsed) = TlogProof::parse(&changed) else { continue };
        assert_eq!(parsed.to_text().as_bytes(), changed, "one text for each proof");
        if let Ok(verified) = parsed.verify(sample.leaf(), &log) {
            assert_eq!((verified.index(), verified.size()), (3, 5));
            assert_eq!(verified.root(), &sample.checkpoint.root);
        }
        let witnessed = verify_witnesses(parsed.checkpoint(), std::slice::from_ref(&witness), 1);
        if witnessed.is_ok() {
            assert_eq!(witnessed, sound);
        }
    }
    println!("tlog-proof: {tried} changed ones");
}

#[test]
fn no_changed_note_or_envelope_panics() {
    let sample = Sample::witnessed();
    let text = sample.note().to_text();
    let log = log_key(sample.checkpoint.boot_id, sample.signer);
    for changed in mutants(text.as_bytes()) {
        let Ok(parsed) = Note::parse(&changed) else { continue };
        assert_eq!(parsed.to_text().as_bytes(), changed, "one text for each note");
        if let Ok(head) = parsed.verify_log(&log) {
            assert_eq!((head.size, head.root), (5, sample.checkpoint.root));
        }
    }
    // The labels at the end of the envelope's header, where the change is ours.
    let bytes = sample.proof.to_bytes();
    let label = b"cosignatures";
    let from = bytes.windows(label.len()).position(|window| window == label).unwrap() - 1;
    for at in from..from + 600 {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            if let Ok(parsed) = proof::Proof::parse(&changed) {
                assert_eq!(parsed.to_bytes(), changed, "one encoding for each proof");
            }
        }
    }
}
