//! COSE Receipts of vds 1: round trip, consistency, and one refusal for each rule.

use crate::{Sample, key};
use cbor::{Reader, Writer};
use crypto::cose::sign1_structure;
use proof::{LogSignatures, Proof};
use receipt::ReceiptError;
use receipt::cose::{Receipt, ReceiptKey, export, export_consistency, export_transparent};
use tlog::Checkpoint;

fn judge(bytes: &[u8], sample: &Sample) -> Result<(u64, u64), ReceiptError> {
    let verified =
        Receipt::parse(bytes)?.verify_inclusion(sample.leaf(), &ReceiptKey::Ed25519(sample.signer));
    verified.map(|verified| (verified.claimed_index(), verified.claimed_size()))
}

#[test]
fn an_exported_receipt_verifies() {
    let sample = Sample::new();
    let bytes = export(&sample.proof).unwrap();
    assert_eq!(judge(&bytes, &sample), Ok((3, 5)));
    let receipt = Receipt::parse(&bytes).unwrap();
    assert_eq!(receipt.vds(), 1);
    let refused = receipt.verify_inclusion([0; 32], &ReceiptKey::Ed25519(sample.signer));
    assert!(matches!(refused, Err(ReceiptError::ReceiptSignature { .. })));
    let stranger = ReceiptKey::Ed25519(key(9).verifying_key());
    let refused = receipt.verify_inclusion(sample.leaf(), &stranger);
    assert!(matches!(refused, Err(ReceiptError::ReceiptSignature { .. })));
    // The header's algorithm chooses nothing: the key does.
    let p256 = ReceiptKey::from_point(&[4; 65]).unwrap();
    let refused = receipt.verify_inclusion(sample.leaf(), &p256);
    assert!(matches!(refused, Err(ReceiptError::Header { what: "alg", .. })));
    let consistency = receipt.verify_consistency(3, [0; 32], &p256);
    assert!(matches!(consistency, Err(ReceiptError::Absent { .. })));
    assert!(ReceiptKey::from_point(&[4; 64]).is_err() && ReceiptKey::from_point(&[2; 65]).is_err());
}

#[test]
fn a_transparent_statement_is_the_statement_with_its_receipt() {
    let sample = Sample::new();
    let bytes = export_transparent(&sample.proof).unwrap();
    let mut r = Reader::new(&bytes);
    assert_eq!(r.tag(), Ok(18));
    r.array_of("COSE_Sign1", 4).unwrap();
    let protected = r.bytes().unwrap();
    r.map_of("header", 1).unwrap();
    assert_eq!(r.uint(), Ok(394));
    let receipts = r.entries("receipts", 1, |r| Ok(r.bytes()?.to_vec())).unwrap();
    let (payload, signature) = (r.bytes().unwrap(), r.bytes().unwrap());
    r.end().unwrap();
    assert_eq!(receipts, [export(&sample.proof).unwrap()]);
    let mut bare = Writer::new();
    bare.tag(18).array(4).bytes(protected).map(0).bytes(payload).bytes(signature);
    assert_eq!(bare.finish(), sample.proof.signed.to_bytes());
    // It is no proof of FORMAT.md: it shows no hardware.
    assert_eq!(Proof::parse(&bytes).map_err(|error| error.check()), Err("P2"));
}

/// Every pair of sizes of a small log.
#[test]
fn consistency_goes_both_ways_for_every_pair_of_sizes() {
    let log = key(5);
    let tree: logtree::Tree = (0..20_u8).map(|n| tlog::leaf_hash(&[n])).collect();
    let public = ReceiptKey::Ed25519(log.verifying_key());
    for new in 2..=20 {
        let root = tree.root_at(new).unwrap();
        let checkpoint = Checkpoint { boot_id: [1; 16], size: new, root };
        let signatures = LogSignatures::sign(&checkpoint, &log);
        let make = |old: u64, path: &[tlog::Hash]| {
            let before = (old, tree.root_at(old).unwrap());
            export_consistency(before, path, &checkpoint, &signatures, &log.verifying_key())
        };
        for old in 1..new {
            let path = tree.consistency(old, new).unwrap();
            let receipt = Receipt::parse(&make(old, &path).unwrap()).unwrap();
            let old_root = tree.root_at(old).unwrap();
            let verified = receipt.verify_consistency(old, old_root, &public).unwrap();
            assert_eq!((verified.claimed_new_size(), verified.new_root()), (new, &root));
            let other = receipt.verify_consistency(old, [0; 32], &public);
            assert!(other.is_err(), "{old} to {new} under another old root");
            let size = receipt.verify_consistency(old + 1, old_root, &public);
            assert_eq!(size.map_err(|error| error.check()), Err("P9"));
            let mut wrong = path.clone();
            wrong.push([0; 32]);
            assert_eq!(make(old, &wrong).map_err(|error| error.check()), Err("P9"));
        }
        assert!(make(new, &[]).is_err(), "a path must have a node");
        let forged = LogSignatures::sign(&Checkpoint { size: new + 1, ..checkpoint }, &log);
        let before = (1, tree.root_at(1).unwrap());
        let path = tree.consistency(1, new).unwrap();
        let made = export_consistency(before, &path, &checkpoint, &forged, &log.verifying_key());
        assert_eq!(made.map_err(|error| error.check()), Err("P8"));
    }
}

/// What a receipt is made of, so that one part can be another.
struct Parts {
    tag: u64,
    protected: Vec<u8>,
    unprotected: Vec<u8>,
    payload: Option<Vec<u8>>,
}

fn protected(write: impl Fn(&mut Writer)) -> Vec<u8> {
    let mut w = Writer::new();
    write(&mut w);
    w.finish()
}

impl Parts {
    fn sound(sample: &Sample) -> Self {
        let mut proof = Writer::new();
        let inclusion = &sample.proof.unsigned.as_ref().unwrap().inclusion;
        proof.array(3).uint(inclusion.size).uint(inclusion.index).array(inclusion.path.len());
        for node in &inclusion.path {
            proof.bytes(node);
        }
        let mut w = Writer::new();
        w.map(1).uint(396).map(1).int(-1).array(1).bytes(&proof.finish());
        let protected = proof::receipt_protected_header();
        Self { tag: 18, protected, unprotected: w.finish(), payload: None }
    }

    /// Signed by the log's key, so that nothing but the form can be what refuses.
    fn judge(&self, sample: &Sample) -> Result<(u64, u64), ReceiptError> {
        let message = sign1_structure(&self.protected, &sample.checkpoint.root);
        let mut w = Writer::new();
        w.tag(self.tag).array(4).bytes(&self.protected).raw(&self.unprotected);
        match &self.payload {
            Some(payload) => w.bytes(payload),
            None => w.null(),
        };
        w.bytes(&key(5).sign(&message).0);
        judge(&w.finish(), sample)
    }
}

#[test]
fn each_rule_of_the_form_refuses() {
    let sample = Sample::new();
    let sound = || Parts::sound(&sample);
    assert_eq!(sound().judge(&sample), Ok((3, 5)));
    // More protected labels are a maker's right, an attached payload a reader's help.
    let more = protected(|w| {
        w.map(4).uint(1).int(-8).uint(4).bytes(b"kid").uint(395).uint(1).text("x").uint(1);
    });
    assert_eq!(Parts { protected: more, ..sound() }.judge(&sample), Ok((3, 5)));
    let root = sample.checkpoint.root.to_vec();
    assert_eq!(Parts { payload: Some(root), ..sound() }.judge(&sample), Ok((3, 5)));
    let headers = [
        ("no alg", protected(|w| _ = w.map(1).uint(395).uint(1))),
        ("no vds", protected(|w| _ = w.map(1).uint(1).int(-8))),
        ("alg ES256", protected(|w| _ = w.map(2).uint(1).int(-7).uint(395).uint(1))),
        ("vds 2", protected(|w| _ = w.map(2).uint(1).int(-8).uint(395).uint(2))),
        ("vds 3", protected(|w| _ = w.map(2).uint(1).int(-8).uint(395).uint(3))),
        (
            "alg twice",
            protected(|w| _ = w.map(3).uint(1).int(-8).uint(1).int(-8).uint(395).uint(1)),
        ),
        (
            "text twice",
            protected(|w| {
                w.map(4).uint(1).int(-8).uint(395).uint(1);
                w.text("x").uint(1).text("x").uint(2);
            }),
        ),
        (
            "crit",
            protected(|w| {
                w.map(3).uint(1).int(-8).uint(2).array(1).uint(395).uint(395).uint(1);
            }),
        ),
        (
            "a float, which is not passed over",
            protected(|w| {
                w.map(3).uint(1).int(-8).uint(395).uint(1).text("x").raw(&[0xf9, 0x3c, 0]);
            }),
        ),
        (
            "undefined",
            protected(|w| _ = w.map(3).uint(1).int(-8).uint(395).uint(1).text("x").raw(&[0xf7])),
        ),
        (
            "nine levels",
            protected(|w| {
                w.map(3).uint(1).int(-8).uint(395).uint(1).text("x").raw(&[0x81; 8]).uint(1);
            }),
        ),
        ("a bytes label", protected(|w| _ = w.map(1).bytes(b"x").uint(1))),
        ("trailing", [proof::receipt_protected_header(), vec![0]].concat()),
        ("empty", vec![]),
    ];
    for (what, protected) in headers {
        let refused = Parts { protected, ..sound() }.judge(&sample);
        assert_eq!(refused.map_err(|error| error.check()), Err("P7"), "{what}");
    }
    // Seven levels within the header's own are what is followed.
    let nested = protected(|w| {
        w.map(3).uint(1).int(-8).uint(395).uint(1).text("x").raw(&[0x81; 7]).uint(1);
    });
    assert_eq!(Parts { protected: nested, ..sound() }.judge(&sample), Ok((3, 5)));
    let proofs = |write: &dyn Fn(&mut Writer)| {
        let mut w = Writer::new();
        w.map(1).uint(396);
        write(&mut w);
        w.finish()
    };
    let unprotected = [
        ("nothing", vec![0xa0]),
        ("an unsigned alg", [&[0xa2, 0x01, 0x27][..], &sound().unprotected[1..]].concat()),
        ("no proof", proofs(&|w| _ = w.map(1).int(-1).array(0))),
        ("another type", proofs(&|w| _ = w.map(1).int(-3).array(0))),
        ("two types", proofs(&|w| _ = w.map(2).int(-1).array(0).int(-2).array(0))),
        ("a proof that is no CBOR", proofs(&|w| _ = w.map(1).int(-1).array(1).bytes(b"\xff"))),
        ("a proof that goes on", proofs(&|w| _ = w.map(1).int(-1).array(1).bytes(&[0x80, 0x80]))),
        ("chunks", proofs(&|w| _ = w.map(1).int(-1).raw(&[0x9f, 0xff]))),
        ("a bomb", proofs(&|w| _ = w.map(1).int(-1).raw(&[0x9b, 1, 0, 0, 0, 0, 0, 0, 0]))),
        ("nesting", proofs(&|w| _ = w.map(1).int(-1).raw(&[0x81; 40]))),
        ("17 proofs", proofs(&|w| _ = w.map(1).int(-1).array(17).raw(&[0x40; 17]))),
    ];
    for (what, unprotected) in unprotected {
        let refused = Parts { unprotected, ..sound() }.judge(&sample);
        assert_eq!(refused.map_err(|error| error.check()), Err("P7"), "{what}");
    }
    for (what, parts) in [
        ("tag", Parts { tag: 98, ..sound() }),
        ("another payload", Parts { payload: Some(vec![1; 32]), ..sound() }),
        ("a short payload", Parts { payload: Some(vec![1; 31]), ..sound() }),
    ] {
        assert_eq!(parts.judge(&sample).map_err(|error| error.check()), Err("P7"), "{what}");
    }
    let bytes = export(&sample.proof).unwrap();
    assert!(judge(&bytes[1..], &sample).is_err(), "untagged");
    assert!(judge(&[&bytes[..], &[0]].concat(), &sample).is_err(), "trailing");
    assert!(matches!(judge(&vec![0; 70_000], &sample), Err(ReceiptError::TooLarge { .. })));
}

#[test]
fn a_refusal_shows_what_stands_there() {
    let sample = Sample::new();
    let says = |parts: Parts| parts.judge(&sample).unwrap_err().to_string();
    let payload = says(Parts { payload: Some(vec![0x5a; 32]), ..Parts::sound(&sample) });
    let (root, other) = (crypto::to_hex(&sample.checkpoint.root), "5a".repeat(32));
    assert_eq!(payload, format!("P7: COSE Receipt: payload: expected {root}, found {other}"));
    let twice = |label: &str| {
        let protected = protected(|w| {
            w.map(4).uint(1).int(-8).uint(395).uint(1).text(label).uint(1).text(label).uint(2);
        });
        says(Parts { protected, ..Parts::sound(&sample) })
    };
    assert!(twice("x").ends_with("label: expected each once, found 6178"), "{}", twice("x"));
    // Of a long label only the beginning: 16 bytes.
    let long = format!("found 7818{}", "79".repeat(14));
    assert!(twice(&"y".repeat(24)).ends_with(&long), "{}", twice(&"y".repeat(24)));
}

/// Proofs of both types in one receipt, each of them sound: RFC 9942 allows it, this reader does
/// not (RECEIPT.md).
#[test]
fn a_receipt_has_proofs_of_one_type() {
    let sample = Sample::new();
    let value = |first: u64, second: u64, path: Vec<tlog::Hash>| {
        let mut w = Writer::new();
        w.array(3).uint(first).uint(second).array(path.len());
        path.iter().for_each(|node| _ = w.bytes(node));
        w.finish()
    };
    let inclusion = value(5, 3, sample.tree.inclusion(3, 5).unwrap());
    let consistency = value(3, 5, sample.tree.consistency(3, 5).unwrap());
    let judged = |kinds: &[(i64, &[u8])]| {
        let mut w = Writer::new();
        w.map(1).uint(396).map(kinds.len());
        kinds.iter().for_each(|(kind, value)| _ = w.int(*kind).array(1).bytes(value));
        Parts { unprotected: w.finish(), ..Parts::sound(&sample) }.judge(&sample)
    };
    assert_eq!(judged(&[(-1, &inclusion)]), Ok((3, 5)));
    for kinds in [
        [(-1, &inclusion[..]), (-2, &consistency)],
        [(-2, &consistency), (-1, &inclusion)],
        [(-1, &inclusion), (-1, &inclusion)],
    ] {
        assert_eq!(judged(&kinds).map_err(|error| error.check()), Err("P7"));
    }
}

/// Of several proofs one has to hold.
#[test]
fn one_of_several_proofs_is_enough() {
    let sample = Sample::new();
    let inner = |index: u64| {
        let mut w = Writer::new();
        let path = sample.tree.inclusion(index, 5).unwrap();
        w.array(3).uint(5).uint(index).array(path.len());
        for node in path {
            w.bytes(&node);
        }
        w.finish()
    };
    let many = |indexes: &[u64]| {
        let mut w = Writer::new();
        w.map(1).uint(396).map(1).int(-1).array(indexes.len());
        for index in indexes {
            w.bytes(&inner(*index));
        }
        w.finish()
    };
    let judged = |indexes: &[u64]| {
        Parts { unprotected: many(indexes), ..Parts::sound(&sample) }.judge(&sample)
    };
    assert_eq!(judged(&[0, 4, 3]), Ok((3, 5)));
    assert!(matches!(judged(&[0, 4]), Err(ReceiptError::ReceiptSignature { .. })));
}

/// One key signs statements, notes and receipts: none of the three can stand for another.
#[test]
fn the_three_signed_forms_never_meet() {
    let sample = Sample::new();
    let note = sample.checkpoint.note_text().into_bytes();
    let receipt = proof::receipt_sig_structure(&sample.checkpoint.root);
    let statement = sample.proof.signed.sig_structure();
    assert_eq!((note[0], receipt[0], statement[0]), (b'p', 0x84, 0x84));
    // Array, "Signature1", then the protected header with its length: there they part for good.
    let at = 12;
    assert_eq!(receipt[..at], statement[..at]);
    assert_ne!(receipt[at], statement[at]);
    // The signature over a statement is no receipt's, whatever is taken for the root.
    let both = sample.proof.unsigned.as_ref().unwrap().log_signatures.unwrap();
    let own = sample.proof.signed.signature();
    for (what, message, made) in [
        ("statement", &statement, own),
        ("note", &note, &both.note),
        ("receipt", &receipt, &both.receipt),
    ] {
        for signature in [own, &both.note, &both.receipt] {
            let verdict = sample.signer.verify_strict(message, signature);
            assert_eq!(verdict.is_ok(), signature == made, "{what}");
        }
    }
}

/// RFC 9942 binds neither index nor size: a pair with the same turns leads to the same root. This
/// is why positions are taken from notes and quotes, and why RECEIPT.md says so.
#[test]
fn a_receipt_does_not_bind_the_size() {
    let log = key(5);
    let tree: logtree::Tree = (0..4_u8).map(|n| tlog::leaf_hash(&[n])).collect();
    let message = proof::receipt_sig_structure(&tree.root());
    let receipt = |size: u64, index: u64| {
        let mut inner = Writer::new();
        inner.array(3).uint(size).uint(index).array(2);
        for node in tree.inclusion(0, 4).unwrap() {
            inner.bytes(&node);
        }
        let mut w = Writer::new();
        w.tag(18).array(4).bytes(&proof::receipt_protected_header());
        w.map(1).uint(396).map(1).int(-1).array(1).bytes(&inner.finish());
        w.null().bytes(&log.sign(&message).0);
        let key = ReceiptKey::Ed25519(log.verifying_key());
        let receipt = Receipt::parse(&w.finish()).unwrap();
        let verified = receipt.verify_inclusion(tlog::leaf_hash(&[0]), &key);
        // What is verified is the root; the size is called a claim, and here it is a false one.
        verified.map(|verified| (*verified.root(), verified.claimed_size())).ok()
    };
    assert_eq!(receipt(4, 0), Some((tree.root(), 4)));
    assert_eq!(receipt(3, 0), Some((tree.root(), 3)));
    assert_eq!((receipt(5, 0), receipt(4, 1)), (None, None));
}
