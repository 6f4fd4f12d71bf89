//! Witnesses: who counts, once each, and what refuses (P20).

use crate::{Sample, TIMES, WITNESSES, key};
use receipt::ReceiptError;
use receipt::cosign::{WitnessKey, cosign, verify_witnesses};
use receipt::note::{KeyKind, Note, SignatureLine, TreeHead, VerifierKey};

fn head() -> TreeHead {
    TreeHead::parse(&Sample::new().checkpoint.note_text()).unwrap()
}

fn witness(n: u8) -> WitnessKey {
    WitnessKey::new(&format!("w{n}.example"), key(n).verifying_key()).unwrap()
}

fn line(n: u8, time: u64) -> SignatureLine {
    cosign(&head(), &format!("w{n}.example"), &key(n), time).unwrap()
}

/// The checkpoint under these lines, without its log's.
fn note(lines: &[SignatureLine]) -> Note {
    let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
    Note::parse(format!("{}\n{lines}", head().to_text()).as_bytes()).unwrap()
}

#[test]
fn enough_witnesses_are_enough_and_their_kth_time_counts() {
    let note = note(&[line(3, 300), line(1, 100), line(2, 200)]);
    let witnesses = [witness(1), witness(2), witness(3), witness(4)];
    for (threshold, at) in [(1, 100), (2, 200), (3, 300)] {
        let verified = verify_witnesses(&note, &witnesses, threshold).unwrap();
        assert_eq!(verified.witnessed_at_s(), at);
        assert_eq!(verified.witnesses().len(), 3);
        assert_eq!(verified.head(), &head());
    }
    let refused = verify_witnesses(&note, &witnesses, 4);
    assert_eq!(refused, Err(ReceiptError::Threshold { needed: 4, found: 3 }));
    assert_eq!(refused.unwrap_err().check(), "P20");
}

#[test]
fn a_witness_counts_once_however_often_it_signed() {
    let note = note(&[line(1, 300), line(1, 100), line(1, 200)]);
    let witnesses = [witness(1), witness(2)];
    let verified = verify_witnesses(&note, &witnesses, 1).unwrap();
    assert_eq!(verified.witnesses(), [("w1.example".to_owned(), 100)]);
    let refused = verify_witnesses(&note, &witnesses, 2);
    assert_eq!(refused, Err(ReceiptError::Threshold { needed: 2, found: 1 }));
}

/// While it changes its key a witness has two, and is one party with one voice all the same.
#[test]
fn two_keys_of_one_name_are_one_witness() {
    let second = || WitnessKey::new("w1.example", key(9).verifying_key()).unwrap();
    let by_second = cosign(&head(), "w1.example", &key(9), 50).unwrap();
    let both = note(&[line(1, 100), by_second.clone()]);
    let witnesses = [witness(1), second(), witness(2)];
    let verified = verify_witnesses(&both, &witnesses, 1).unwrap();
    assert_eq!(verified.witnesses(), [("w1.example".to_owned(), 50)]);
    let refused = verify_witnesses(&both, &witnesses, 2);
    assert_eq!(refused, Err(ReceiptError::Threshold { needed: 2, found: 1 }));
    // Either key will do, and another witness beside it counts with its own time.
    let with_other = note(&[by_second.clone(), line(2, 200)]);
    let verified = verify_witnesses(&with_other, &witnesses, 2).unwrap();
    assert_eq!(verified.witnessed_at_s(), 200);
    // Three keys are two names: a threshold of three could never be met.
    let refused = verify_witnesses(&both, &witnesses, 3);
    assert!(matches!(refused, Err(ReceiptError::WitnessSet { .. })), "{refused:?}");
    // A false line under either key refuses.
    let forged = note(&[line(1, 100), replace(&by_second, 40, by_second.signature()[40] ^ 1)]);
    let witness = "w1.example".to_owned();
    let refused = verify_witnesses(&forged, &witnesses, 1);
    assert_eq!(refused, Err(ReceiptError::Cosignature { witness }));
}

/// A cosignature is over the whole text: extension lines cannot be put in or taken out.
#[test]
fn a_cosignature_holds_the_extension_lines() {
    let text = format!("{}one\ntwo\n", head().to_text());
    let extended = TreeHead::parse(&text).unwrap();
    assert_eq!((extended.extensions.as_str(), extended.to_text()), ("one\ntwo\n", text.clone()));
    let judged = |text: &str, line: &SignatureLine| {
        let note = Note::parse(format!("{text}\n{line}\n").as_bytes()).unwrap();
        verify_witnesses(&note, &[witness(1)], 1).map(|verified| verified.head().clone())
    };
    let whole = cosign(&extended, "w1.example", &key(1), 100).unwrap();
    assert_eq!(judged(&text, &whole), Ok(extended.clone()));
    assert_eq!(judged(&head().to_text(), &whole).map_err(|e| e.check()), Err("P20"));
    assert_eq!(judged(&text, &line(1, 100)).map_err(|e| e.check()), Err("P20"));
    // A head that its own text does not give back is not signed.
    for wrong in [
        TreeHead { extensions: "no newline".into(), ..head() },
        TreeHead { extensions: "\n".into(), ..head() },
        TreeHead { origin: format!("{}\n1", head().origin), ..head() },
        TreeHead { origin: text, ..head() },
        TreeHead { origin: String::new(), ..head() },
    ] {
        let refused = cosign(&wrong, "w1.example", &key(1), 100).map_err(|error| error.check());
        assert_eq!(refused, Err("P8"), "{wrong:?}");
    }
}

#[test]
fn what_is_present_is_not_yet_verified() {
    let witnesses = [witness(1), witness(2)];
    // A stranger under the name of a witness has another id: it is ignored, and does not count.
    let stranger = cosign(&head(), "w2.example", &key(9), 200).unwrap();
    let refused = verify_witnesses(&note(&[line(1, 100), stranger]), &witnesses, 2);
    assert_eq!(refused, Err(ReceiptError::Threshold { needed: 2, found: 1 }));
    // A forged line with name and id of a witness refuses all, even where the rest would do.
    let sound = line(2, 200);
    let mut text = sound.to_string();
    for (name, forged) in [
        ("another time", replace(&sound, 7, 201)),
        ("time zero", replace(&sound, 7, 0)),
        ("a time past 2^63", replace(&sound, 0, 0x80)),
        ("another signature", replace(&sound, 40, sound.signature()[40] ^ 1)),
    ] {
        let refused = verify_witnesses(&note(&[line(1, 100), forged]), &witnesses, 1);
        let witness = "w2.example".to_owned();
        assert_eq!(refused, Err(ReceiptError::Cosignature { witness }), "{name}");
    }
    text.truncate(text.len() - 8);
    let short = SignatureLine::parse(&text).unwrap();
    assert!(verify_witnesses(&note(&[line(1, 100), short]), &witnesses, 1).is_err());
    // Cosignatures of another checkpoint.
    let other = TreeHead { size: head().size + 1, ..head() };
    let elsewhere = cosign(&other, "w1.example", &key(1), 100).unwrap();
    assert!(verify_witnesses(&note(&[elsewhere]), &witnesses, 1).is_err());
    assert!(cosign(&head(), "w1.example", &key(1), 1 << 63).is_err());
}

/// A line with another byte at a place of its time or signature.
fn replace(line: &SignatureLine, at: usize, byte: u8) -> SignatureLine {
    let mut bytes = line.key_id().to_be_bytes().to_vec();
    bytes.extend_from_slice(line.signature());
    bytes[4 + at] = byte;
    let encoded = crate::vectors::base64(&bytes);
    SignatureLine::parse(&format!("\u{2014} {} {encoded}", line.name())).unwrap()
}

#[test]
fn a_set_of_witnesses_has_to_make_sense() {
    let note = note(&[line(1, 100), line(2, 200)]);
    let twin = WitnessKey::new("twin.example", key(1).verifying_key()).unwrap();
    let many: Vec<_> = (0..65).map(|_| witness(1)).collect();
    for (witnesses, threshold) in [
        (vec![witness(1), witness(2)], 0),
        (vec![witness(1), witness(2)], 3),
        (vec![], 1),
        (vec![witness(1), twin], 2),
        (many, 1),
    ] {
        let refused = verify_witnesses(&note, &witnesses, threshold);
        assert!(matches!(refused, Err(ReceiptError::WitnessSet { .. })), "{refused:?}");
    }
}

#[test]
fn a_logs_key_is_no_witness() {
    let log = VerifierKey::new("w1.example", KeyKind::Log, key(1).verifying_key()).unwrap();
    assert_eq!(WitnessKey::parse(&log.to_string()).map_err(|e| e.check()), Err("P20"));
    assert_eq!(WitnessKey::parse(&witness(1).to_string()), Ok(witness(1)));
    // The log's own signature line is not a cosignature: it signs no time.
    let sample = Sample::new();
    let own = WitnessKey::new(&sample.checkpoint.origin(), sample.signer).unwrap();
    let refused = verify_witnesses(&sample.note(), &[own], 1);
    assert_eq!(refused, Err(ReceiptError::Threshold { needed: 1, found: 0 }));
}

#[test]
fn a_proof_carries_its_witnesses() {
    let sample = Sample::witnessed();
    let unsigned = sample.proof.unsigned.as_ref().unwrap();
    let keys: Vec<_> = WITNESSES
        .iter()
        .zip([21, 22])
        .map(|(name, fill)| WitnessKey::new(name, key(fill).verifying_key()).unwrap())
        .collect();
    let verified = verify_witnesses(&sample.note(), &keys, 2).unwrap();
    assert_eq!(verified.witnessed_at_s(), TIMES[1]);
    // Over another checkpoint, such as one that the hardware never quoted, they are worth nothing.
    let other = tlog::Checkpoint { size: 6, ..sample.checkpoint };
    let note = receipt::log::checkpoint_note(&other, &sample.signer, None, &unsigned.cosignatures);
    assert_eq!(verify_witnesses(&note.unwrap(), &keys, 2).map_err(|e| e.check()), Err("P20"));
    let bad = [b"no line".to_vec()];
    let note = receipt::log::checkpoint_note(&other, &sample.signer, None, &bad);
    assert_eq!(note.map_err(|e| e.check()), Err("P20"));
}
