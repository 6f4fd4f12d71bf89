//! Sizes and counts on their edge and one beyond, and what a refusal says of itself.

use crate::key;
use receipt::cose::ccf::ServiceKey;
use receipt::cose::{RECEIPT_BYTES_MAX, Receipt, ReceiptKey};
use receipt::cosign::{WITNESSES_MAX, WitnessKey, cosign, verify_witnesses};
use receipt::note::{
    LINE_BYTES_MAX, NOTE_BYTES_MAX, Note, ORIGIN_BYTES_MAX, SignatureLine, TreeHead,
    VERIFIER_KEY_BYTES_MAX, VerifierKey,
};
use receipt::tlog_proof::{TLOG_PROOF_BYTES_MAX, TlogProof};
use receipt::{Part, ReceiptError};
use std::collections::BTreeSet;

const MAX_S: u64 = i64::MAX as u64;

fn is_too_large<T>(read: Result<T, ReceiptError>) -> bool {
    match read {
        Ok(_) => false,
        Err(refusal) => matches!(refusal, ReceiptError::TooLarge { .. }),
    }
}

#[test]
fn what_is_too_large_is_not_looked_at() {
    let judge = |limit: usize, read: &dyn Fn(&[u8]) -> bool| {
        let of = |bytes: usize| read(&vec![b'x'; bytes]);
        assert_eq!((of(limit), of(limit + 1), of(2 * limit)), (false, true, true), "{limit}");
    };
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    judge(NOTE_BYTES_MAX, &|bytes| is_too_large(Note::parse(bytes)));
    judge(TLOG_PROOF_BYTES_MAX, &|bytes| is_too_large(TlogProof::parse(bytes)));
    judge(RECEIPT_BYTES_MAX, &|bytes| is_too_large(Receipt::parse(bytes)));
    judge(VERIFIER_KEY_BYTES_MAX, &|bytes| is_too_large(VerifierKey::parse(&text(bytes))));
    judge(LINE_BYTES_MAX, &|bytes| is_too_large(SignatureLine::parse(&text(bytes))));
    judge(8192, &|bytes| {
        let refusal = ServiceKey::from_certificate(bytes).unwrap_err();
        refusal.to_string().contains("at most 8,192 bytes")
    });
}

/// RECEIPT.md section 9, in bytes, and the numbers that RFC 9942 registered.
#[test]
fn limits_are_those_of_the_document() {
    use receipt::cose;
    assert_eq!((NOTE_BYTES_MAX, TLOG_PROOF_BYTES_MAX), (65_536, 131_072));
    assert_eq!((RECEIPT_BYTES_MAX, cose::ccf::STATEMENT_BYTES_MAX), (65_536, 1_048_576));
    assert_eq!((cose::PROOF_INCLUSION, cose::PROOF_CONSISTENCY), (-1, -2));
    let labels = (cose::LABEL_RECEIPTS, cose::LABEL_VDS, cose::LABEL_VDP);
    assert_eq!(labels, (394, 395, 396));
    assert_eq!((cose::VDS_RFC9162_SHA256, cose::VDS_CCF_LEDGER_SHA256), (1, 2));
}

#[test]
fn a_refusal_shows_whole_hashes() {
    let hash = |byte: u8| [byte; 32];
    let shown = |byte: &str| byte.repeat(32);
    let refusal = ReceiptError::Data { expected: hash(0xab), found: hash(0x0c) }.to_string();
    let expected =
        format!("P7: expected a receipt for data {}, it is for {}", shown("ab"), shown("0c"));
    assert_eq!(refusal, expected);
    let refusal = ReceiptError::ReceiptSignature { key: "k".into(), root: hash(0x5e) }.to_string();
    assert!(refusal.contains(&format!("over root {},", shown("5e"))), "{refusal}");
}

/// The third line is a key's: the text has three, and an empty one follows.
#[test]
fn a_wrong_line_of_a_note_is_named_by_its_number() {
    let line = cosign(&head("o"), "w1.example", &key(1), 5).unwrap().to_string();
    let text = head("o").to_text();
    let at = |lines: &str| match Note::parse(format!("{text}\n{lines}").as_bytes()) {
        Err(ReceiptError::Syntax { line, .. }) => line,
        other => panic!("{other:?}"),
    };
    assert_eq!(text.lines().count(), 3);
    assert_eq!(at("x\n"), 5);
    assert_eq!(at(&format!("{line}\n{line}\nx\n")), 7);
    assert_eq!(at(&line), 5);
}

fn head(origin: &str) -> TreeHead {
    let root = "A".repeat(43);
    TreeHead::parse(&format!("{origin}\n7\n{root}=\n")).unwrap()
}

#[test]
fn an_origin_has_1_to_1024_bytes() {
    let parse = |bytes: usize| {
        let text = format!("{}\n7\n{}=\n", "o".repeat(bytes), "A".repeat(43));
        TreeHead::parse(&text).is_ok()
    };
    assert_eq!((parse(1), parse(ORIGIN_BYTES_MAX)), (true, true));
    assert_eq!((parse(0), parse(ORIGIN_BYTES_MAX + 1)), (false, false));
    assert!(!parse(2 * ORIGIN_BYTES_MAX));
}

fn witness(number: u8) -> WitnessKey {
    WitnessKey::new(&format!("w{number}.example"), key(number).verifying_key()).unwrap()
}

fn noted(lines: &[SignatureLine]) -> Note {
    let text = head("o").to_text();
    let lines: Vec<_> = lines.iter().map(|line| format!("{line}\n")).collect();
    Note::parse(format!("{text}\n{}", lines.concat()).as_bytes()).unwrap()
}

#[test]
fn sixty_four_witnesses_are_a_set_and_one_more_is_not() {
    let line = cosign(&head("o"), "w1.example", &key(1), 5).unwrap();
    let note = noted(&[line]);
    let judge = |count: usize| {
        let witnesses: Vec<_> = (1..=count as u8).map(witness).collect();
        verify_witnesses(&note, &witnesses, 1)
    };
    assert!(judge(1).is_ok() && judge(WITNESSES_MAX).is_ok());
    for count in [WITNESSES_MAX + 1, 2 * WITNESSES_MAX] {
        let refusal = judge(count).unwrap_err();
        assert!(refusal.to_string().contains("at most 64"), "{refusal}");
    }
}

#[test]
fn a_witness_states_a_time_from_1_to_the_last_of_63_bits() {
    let head = head("o");
    let judge = |time_s: u64| {
        let line = cosign(&head, "w1.example", &key(1), time_s).unwrap();
        verify_witnesses(&noted(&[line]), &[witness(1)], 1).map(|found| found.witnessed_at_s())
    };
    assert_eq!(judge(1).unwrap(), 1);
    assert_eq!(judge(MAX_S).unwrap(), MAX_S);
    assert!(judge(0).is_err());
    assert!(cosign(&head, "w1.example", &key(1), MAX_S + 1).is_err());
    assert!(cosign(&head, "w1.example", &key(1), u64::MAX).is_err());
}

#[test]
fn keys_and_parts_have_names() {
    let ed25519 = ReceiptKey::Ed25519(key(1).verifying_key());
    assert_eq!(ed25519.to_string(), key(1).verifying_key().did_key());
    assert_eq!(ed25519.alg(), -8);
    let p256 = ReceiptKey::P256([[4].as_slice(), &[0xab; 64]].concat().try_into().unwrap());
    assert_eq!(p256.to_string(), format!("P-256 {}", "ab".repeat(64)));
    assert_eq!(p256.alg(), -7);
    let p384 = ReceiptKey::P384([[4].as_slice(), &[0xcd; 96]].concat().try_into().unwrap());
    assert_eq!(p384.to_string(), format!("P-384 {}", "cd".repeat(96)));
    assert_eq!(p384.alg(), -35);
    let parts = [Part::Note, Part::VerifierKey, Part::Cosignature, Part::TlogProof, Part::Cose];
    let names: BTreeSet<_> = parts.iter().map(Part::to_string).collect();
    assert_eq!(names.len(), parts.len());
    assert!(!names.contains(""));
}

#[test]
fn remedies_are_sentences_of_their_own() {
    let problem = String::new;
    let refusals = [
        ReceiptError::TooLarge { part: Part::Note, max: 1, found: 2 },
        ReceiptError::ServiceKey { problem: "" },
        ReceiptError::WitnessSet { problem: problem() },
        ReceiptError::Cosignature { witness: problem() },
    ];
    let remedies: BTreeSet<_> = refusals.iter().map(ReceiptError::remedy).collect();
    assert_eq!(remedies.len(), refusals.len());
    assert!(remedies.iter().all(|remedy| remedy.contains(' ')));
}
