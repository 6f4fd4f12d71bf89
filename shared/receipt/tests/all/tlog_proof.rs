//! tlog-proofs: round trip, and one refusal for each rule.

use crate::{Sample, key};
use receipt::ReceiptError;
use receipt::log::log_key;
use receipt::tlog_proof::{TlogProof, export};

#[test]
fn an_exported_proof_verifies_and_goes_both_ways() {
    for sample in [Sample::new(), Sample::witnessed()] {
        let text = export(&sample.proof).unwrap();
        let parsed = TlogProof::parse(text.as_bytes()).unwrap();
        assert_eq!(parsed.to_text(), text);
        assert_eq!(parsed.extra_unauthenticated(), None);
        let log = log_key(sample.checkpoint.boot_id, sample.signer);
        let verified = parsed.verify(sample.leaf(), &log).unwrap();
        assert_eq!((verified.index(), verified.size()), (3, 5));
        assert_eq!(verified.root(), &sample.checkpoint.root);
        // Extra data is anybody's and changes nothing.
        let extra = text.replacen("index", "extra AAAA\nindex", 1);
        let parsed = TlogProof::parse(extra.as_bytes()).unwrap();
        assert_eq!((parsed.to_text(), parsed.extra_unauthenticated()), (extra, Some(&[0; 3][..])));
        assert_eq!(parsed.verify(sample.leaf(), &log), Ok(verified));
    }
}

#[test]
fn other_leaves_places_and_logs_are_refused() {
    let sample = Sample::new();
    let text = export(&sample.proof).unwrap();
    let log = log_key(sample.checkpoint.boot_id, sample.signer);
    let judged = |text: &str, leaf| {
        TlogProof::parse(text.as_bytes())
            .and_then(|parsed| parsed.verify(leaf, &log))
            .map_err(|error| error.check())
    };
    assert_eq!(judged(&text, [0; 32]), Err("P7"));
    for index in [0, 1, 2, 4, 5, u64::MAX] {
        let moved = text.replacen("index 3", &format!("index {index}"), 1);
        assert_eq!(judged(&moved, sample.leaf()), Err("P7"), "{index}");
    }
    let lines: Vec<_> = text.lines().collect();
    let without = text.replacen(&format!("{}\n", lines[2]), "", 1);
    assert_eq!(judged(&without, sample.leaf()), Err("P7"));
    let swapped = text.replacen(
        &format!("{}\n{}\n", lines[2], lines[3]),
        &format!("{}\n{}\n", lines[3], lines[2]),
        1,
    );
    assert_eq!(judged(&swapped, sample.leaf()), Err("P7"));
    assert_eq!(judged(&text.replacen("\n5\n", "\n8\n", 1), sample.leaf()), Err("P8"));
    let stranger = log_key(sample.checkpoint.boot_id, key(9).verifying_key());
    let parsed = TlogProof::parse(text.as_bytes()).unwrap();
    let refused = parsed.verify(sample.leaf(), &stranger);
    assert!(matches!(refused, Err(ReceiptError::Unsigned { .. })));
    let other_boot = log_key([0xb1; 16], sample.signer);
    let refused = parsed.verify(sample.leaf(), &other_boot);
    assert!(matches!(refused, Err(ReceiptError::Origin { .. })));
}

#[test]
fn nothing_is_exported_that_its_reader_must_refuse() {
    let refused = |change: &dyn Fn(&mut proof::Proof)| {
        let mut proof = Sample::new().proof;
        change(&mut proof);
        let text = export(&proof).map_err(|error| error.check());
        let cose = receipt::cose::export(&proof).map_err(|error| error.check());
        assert_eq!(text.clone().err(), cose.err());
        text.unwrap_err()
    };
    assert_eq!(refused(&|proof: &mut proof::Proof| proof.unsigned = None), "P7");
    assert_eq!(
        refused(&|proof: &mut proof::Proof| proof.unsigned.as_mut().unwrap().log_signatures = None),
        "P8"
    );
    let forge = |proof: &mut proof::Proof, which: usize| {
        let both = proof.unsigned.as_mut().unwrap().log_signatures.as_mut().unwrap();
        [&mut both.note, &mut both.receipt][which].0[9] ^= 1;
    };
    assert_eq!(refused(&|proof: &mut proof::Proof| forge(proof, 0)), "P8");
    assert_eq!(refused(&|proof: &mut proof::Proof| forge(proof, 1)), "P8");
    assert_eq!(
        refused(&|proof: &mut proof::Proof| proof.unsigned.as_mut().unwrap().inclusion.index = 9),
        "P7"
    );
    assert_eq!(
        refused(
            &|proof: &mut proof::Proof| proof.unsigned.as_mut().unwrap().inclusion.path[0][0] ^= 1
        ),
        "P8"
    );
}

/// Whoever keeps a proof may add lines to it. One that claims to be the log's own must not spoil
/// the log's signature, and a true one must not stand there twice.
#[test]
fn carried_lines_under_the_logs_own_key_are_left_out() {
    let sample = Sample::witnessed();
    let text = export(&sample.proof).unwrap();
    let log = log_key(sample.checkpoint.boot_id, sample.signer);
    let own = TlogProof::parse(text.as_bytes()).unwrap().checkpoint().signatures()[0].clone();
    assert_eq!((own.name(), own.key_id()), (log.name(), log.key_id()));
    let false_one = crate::vectors::base64(&[&own.key_id().to_be_bytes()[..], &[7; 64]].concat());
    let short = crate::vectors::base64(&[&own.key_id().to_be_bytes()[..], &[7]].concat());
    for line in [
        own.to_string(),
        format!("\u{2014} {} {false_one}", own.name()),
        format!("\u{2014} {} {short}", own.name()),
    ] {
        let mut proof = sample.proof.clone();
        proof.unsigned.as_mut().unwrap().add_cosignature(line.clone().into_bytes());
        let exported = export(&proof).unwrap();
        assert_eq!(exported, text, "{line}");
        let verified = TlogProof::parse(exported.as_bytes()).unwrap().verify(sample.leaf(), &log);
        assert!(verified.is_ok(), "{line}: {verified:?}");
    }
    // The same name with another key's id is somebody else's line, and stays.
    let mut proof = sample.proof.clone();
    let stranger = format!("\u{2014} {} AAAAAAAA", own.name()).into_bytes();
    proof.unsigned.as_mut().unwrap().add_cosignature(stranger);
    let exported = TlogProof::parse(export(&proof).unwrap().as_bytes()).unwrap();
    assert_eq!(exported.checkpoint().signatures().len(), 4);
    assert!(exported.verify(sample.leaf(), &log).is_ok());
}

#[test]
fn each_rule_of_the_form_refuses() {
    let sample = Sample::new();
    let text = export(&sample.proof).unwrap();
    let log = log_key(sample.checkpoint.boot_id, sample.signer);
    let nodes = format!("{}\n", "A".repeat(43) + "=").repeat(65);
    for (from, to) in [
        ("@v1", "@v2"),
        ("c2sp", " c2sp"),
        ("index 3", "index 03"),
        ("index 3", "index"),
        ("index 3", "index  3"),
        ("index 3", "indez 3"),
        ("index 3\n", ""),
        ("index 3", "extra AAA\nindex 3"),
        ("index 3", "extra AAAA\nextra AAAA\nindex 3"),
        ("index 3\n", "index 3\nAAAA\n"),
        ("index 3\n", &format!("index 3\n{nodes}")),
        ("index 3\n", "index 3\n\n"),
        ("c2sp", "c2sp\r"),
    ] {
        let wrong = text.replacen(from, to, 1);
        let judged = TlogProof::parse(wrong.as_bytes());
        let judged = judged.and_then(|parsed| parsed.verify(sample.leaf(), &log));
        assert!(judged.is_err(), "{from:?} to {to:?}");
    }
    let huge = format!("{text}{}", "x".repeat(1 << 18));
    assert!(matches!(TlogProof::parse(huge.as_bytes()), Err(ReceiptError::TooLarge { .. })));
    assert!(TlogProof::parse(b"\xff").is_err());
    assert!(TlogProof::parse(b"").is_err());
}
