//! Receipts of CCF ledgers: the published one, and a small ledger of our own.

use cbor::Writer;
use crypto::cose::sign1_structure;
use p384::ecdsa::signature::Signer as _;
use p384::ecdsa::{Signature, SigningKey};
use receipt::ReceiptError;
use receipt::cose::Receipt;
use receipt::cose::ccf::{ServiceKey, TransparentStatement};
use sha2::{Digest as _, Sha256};
use std::path::Path;

/// DER of a SubjectPublicKeyInfo of P-384 up to the point (RFC 5480).
const SPKI_HEAD: &str = "3076301006072a8648ce3d020106052b81040022036200";

fn corpus(name: &str) -> Option<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora/scitt");
    let bytes = std::fs::read(folder.join(name)).ok();
    if bytes.is_none() {
        println!("ignored: corpus absent ({})", folder.display());
    }
    bytes
}

/// The keys of the published trust store: base64 certificates in JSON.
fn published_keys() -> Option<Vec<ServiceKey>> {
    let store: serde_json::Value = serde_json::from_slice(&corpus("esrp-cts-db.json")?).unwrap();
    let parameters = store["parameters"].as_array().unwrap();
    let keys = parameters.iter().map(|one| {
        let certificate = one["serviceCertificate"].as_str().unwrap();
        ServiceKey::from_certificate(&crate::vectors::from_base64(certificate)).unwrap()
    });
    Some(keys.collect())
}

#[test]
fn the_published_statement_verifies_under_its_service_key() {
    let (Some(bytes), Some(keys)) = (corpus("uvm_0.2.10.cose"), published_keys()) else { return };
    let statement = TransparentStatement::parse(&bytes).unwrap();
    let verified = statement.verify(&keys).unwrap();
    assert!(verified.evidence().starts_with("ce:458.12440:"));
    println!("CCF: {} keys, root {}", keys.len(), crypto::to_hex(verified.root()));
    let named = |key: &ServiceKey| key.id() == verified.service();
    let others: Vec<_> = keys.iter().filter(|key| !named(key)).cloned().collect();
    assert!(!others.is_empty() && others.len() < keys.len());
    assert!(matches!(statement.verify(&others), Err(ReceiptError::Header { what: "kid", .. })));
    assert!(statement.verify(&[]).is_err());
    // Every bit of it: the statement's own are under the data hash, the receipt's under the
    // signature. What is accepted must be about the very same root and data.
    let mut accepted = 0;
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        let judged = TransparentStatement::parse(&changed).and_then(|one| one.verify(&keys));
        accepted += usize::from(judged.is_ok());
    }
    assert_eq!(accepted, 0, "of {} changed bytes", bytes.len());
    for length in 0..bytes.len() {
        assert!(TransparentStatement::parse(&bytes[..length]).is_err(), "{length}");
    }
}

#[test]
fn what_carries_no_such_receipt_is_refused_with_the_reason() {
    // Without a receipt; and with one of before the standard, which is an array of its own.
    for (name, expected) in [
        ("css-attested-cosesign1-20260302.cose", "P7: expected receipts, label 394, found none"),
        ("cts-hashv-cwtclaims-b64url.cose", "P7: COSE Receipt: expected tag, found array"),
    ] {
        let Some(bytes) = corpus(name) else { return };
        let refused = TransparentStatement::parse(&bytes).unwrap_err();
        assert!(refused.to_string().starts_with(expected), "{name}: {refused}");
        assert!(!refused.remedy().is_empty());
    }
}

/// A ledger of two transactions, ours the second.
struct Ledger {
    key: SigningKey,
    service: ServiceKey,
}

struct Change {
    protected: fn(&mut Writer, &[u8]),
    left: bool,
    evidence: String,
    extra: &'static [u8],
}

impl Default for Change {
    fn default() -> Self {
        let protected = |w: &mut Writer, kid: &[u8]| {
            w.map(3).uint(1).int(-35).uint(4).bytes(kid).uint(395).uint(2);
        };
        Self { protected, left: true, evidence: "ce:2.2:00".into(), extra: &[] }
    }
}

impl Ledger {
    fn new() -> Self {
        let key = SigningKey::from_slice(&[7; 48]).unwrap();
        let point = key.verifying_key().to_sec1_point(false);
        let spki = [&crypto::from_hex(SPKI_HEAD).unwrap()[..], point.as_bytes()].concat();
        Self { key, service: ServiceKey::from_public_key_info(&spki).unwrap() }
    }

    fn receipt(&self, data: &[u8; 32], change: &Change) -> Vec<u8> {
        let hash = |parts: &[&[u8]]| <[u8; 32]>::from(Sha256::digest(parts.concat()));
        let leaf = hash(&[&[1; 32], &Sha256::digest(change.evidence.as_bytes()), data]);
        let root = hash(&[&[2; 32], &leaf]);
        let mut protected = Writer::new();
        let kid = crypto::to_hex(self.service.id());
        (change.protected)(&mut protected, kid.as_bytes());
        let protected = protected.finish();
        let signature: Signature = self.key.sign(&sign1_structure(&protected, &root));
        let mut inner = Writer::new();
        inner.map(2).uint(1).array(3).bytes(&[1; 32]).text(&change.evidence).bytes(data);
        inner.uint(2).array(1).array(2).bool(change.left).bytes(&[2; 32]).raw(change.extra);
        let mut w = Writer::new();
        w.tag(18).array(4).bytes(&protected).map(1).uint(396);
        w.map(1).int(-1).array(1).bytes(&inner.finish());
        w.null().bytes(&signature.to_bytes());
        w.finish()
    }

    fn judge(&self, data: &[u8; 32], change: &Change) -> Result<(), ReceiptError> {
        let receipt = Receipt::parse(&self.receipt(data, change))?;
        receipt.verify_ccf(data, std::slice::from_ref(&self.service)).map(|_| ())
    }
}

#[test]
fn a_ledger_of_our_own_is_judged_by_every_rule() {
    let ledger = Ledger::new();
    let data = [9; 32];
    assert_eq!(ledger.judge(&data, &Change::default()), Ok(()));
    let bytes = ledger.receipt(&data, &Change::default());
    let receipt = Receipt::parse(&bytes).unwrap();
    let keys = [ledger.service.clone()];
    assert_eq!(receipt.vds(), 2);
    assert!(matches!(receipt.verify_ccf(&[8; 32], &keys), Err(ReceiptError::Data { .. })));
    let ed25519 = receipt::cose::ReceiptKey::Ed25519(crate::key(1).verifying_key());
    let refused = receipt.verify_inclusion([0; 32], &ed25519);
    assert!(matches!(refused, Err(ReceiptError::Absent { .. })));
    for (what, change) in [
        ("the other side", Change { left: false, ..Change::default() }),
        ("no evidence", Change { evidence: String::new(), ..Change::default() }),
        ("long evidence", Change { evidence: "e".repeat(1025), ..Change::default() }),
        ("trailing", Change { extra: &[0], ..Change::default() }),
        (
            "no kid",
            Change {
                protected: |w, _| _ = w.map(2).uint(1).int(-35).uint(395).uint(2),
                ..Change::default()
            },
        ),
        (
            "vds 1",
            Change {
                protected: |w, kid| {
                    w.map(3).uint(1).int(-35).uint(4).bytes(kid).uint(395).uint(1);
                },
                ..Change::default()
            },
        ),
        (
            "alg ES256",
            Change {
                protected: |w, kid| {
                    w.map(3).uint(1).int(-7).uint(4).bytes(kid).uint(395).uint(2);
                },
                ..Change::default()
            },
        ),
    ] {
        let refused = ledger.judge(&data, &change).map_err(|error| error.check());
        assert_eq!(refused, Err("P7"), "{what}");
    }
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            let judged = Receipt::parse(&changed).and_then(|one| one.verify_ccf(&data, &keys));
            assert!(judged.is_err(), "byte {at}, bit {bit}");
        }
    }
}

#[test]
fn what_was_verified_is_given_and_no_other_root() {
    let ledger = Ledger::new();
    let data = [9; 32];
    let receipt = Receipt::parse(&ledger.receipt(&data, &Change::default())).unwrap();
    let verified = receipt.verify_ccf(&data, std::slice::from_ref(&ledger.service)).unwrap();
    let hash = |parts: &[&[u8]]| <[u8; 32]>::from(Sha256::digest(parts.concat()));
    let leaf = hash(&[&[1; 32], &Sha256::digest("ce:2.2:00"), &data]);
    assert_eq!(verified.root(), &hash(&[&[2; 32], &leaf]));
    assert_eq!((verified.data_hash(), verified.service()), (&data, ledger.service.id()));
    assert_eq!(verified.evidence(), "ce:2.2:00");
}

/// vds 2 has proofs of inclusion only, and the refusal does not promise another type.
#[test]
fn a_ledgers_receipt_has_no_proof_of_consistency() {
    let ledger = Ledger::new();
    let bytes = ledger.receipt(&[9; 32], &Change::default());
    let at = bytes.windows(2).position(|pair| pair == [0xa1, 0x20]).unwrap() + 1;
    for (kind, byte) in [("-2", 0x21), ("-3", 0x22)] {
        let mut changed = bytes.clone();
        changed[at] = byte;
        let refusal = Receipt::parse(&changed).unwrap_err().to_string();
        let expected = format!("proof type: expected -1 (inclusion), found {kind}");
        assert!(refusal.ends_with(&expected), "{refusal}");
    }
}

/// Points of other curves have the same lengths: a key is what its identifiers say.
#[test]
fn a_service_key_is_on_the_curve_that_it_names() {
    let (short, long) = ([&[4][..], &[1; 64]].concat(), [&[4][..], &[1; 96]].concat());
    let read = |head: &str, point: &[u8]| {
        let der = [&crypto::from_hex(head).unwrap()[..], point].concat();
        ServiceKey::from_public_key_info(&der)
    };
    let p256 = "3059301306072a8648ce3d020106082a8648ce3d030107034200";
    assert!(read(p256, &short).is_ok() && read(SPKI_HEAD, &long).is_ok());
    for (what, head, point) in [
        ("secp256k1", "3056301006072a8648ce3d020106052b8104000a034200", &short),
        ("brainpoolP384r1", "307a301406072a8648ce3d020106092b240303020801010b036200", &long),
        ("id-ecDH", "3074300e06052b8104010c06052b81040022036200", &long),
        ("no curve", "306f300906072a8648ce3d0201036200", &long),
        ("NULL for a curve", "3071300b06072a8648ce3d02010500036200", &long),
        ("P-256, a point of P-384", "3079301306072a8648ce3d020106082a8648ce3d030107036200", &long),
        ("P-384, a point of P-256", "3056301006072a8648ce3d020106052b81040022034200", &short),
    ] {
        let problem = "expected id-ecPublicKey with the curve of its point";
        assert_eq!(read(head, point), Err(ReceiptError::ServiceKey { problem }), "{what}");
    }
}

#[test]
fn statements_and_keys_are_read_strictly() {
    let ledger = Ledger::new();
    let statement = |labels: &dyn Fn(&mut Writer)| {
        let mut w = Writer::new();
        w.tag(18).array(4).bytes(&[0xa0]);
        labels(&mut w);
        w.bytes(b"payload").bytes(b"signature");
        w.finish()
    };
    let bare = statement(&|w| _ = w.map(0));
    let data: [u8; 32] = Sha256::digest(&bare).into();
    let receipt = ledger.receipt(&data, &Change::default());
    let other = ledger.receipt(&[3; 32], &Change::default());
    let keys = [ledger.service.clone()];
    let judged = |labels: &dyn Fn(&mut Writer)| {
        TransparentStatement::parse(&statement(labels))
            .and_then(|one| one.verify(&keys))
            .map(|verified| *verified.data_hash())
            .map_err(|error| error.check())
    };
    let list = |receipts: &[&Vec<u8>]| {
        let mut w = Writer::new();
        w.array(receipts.len());
        receipts.iter().for_each(|receipt| _ = w.bytes(receipt));
        w.finish()
    };
    let (one, two) = (list(&[&receipt]), list(&[&other, &receipt]));
    assert_eq!(judged(&|w| _ = w.map(1).uint(394).raw(&one)), Ok(data));
    assert_eq!(judged(&|w| _ = w.map(1).uint(394).raw(&two)), Ok(data));
    assert_eq!(judged(&|w| _ = w.map(2).uint(394).raw(&one).text("x").uint(1)), Ok(data));
    let wrong = list(&[&other]);
    assert_eq!(judged(&|w| _ = w.map(1).uint(394).raw(&wrong)), Err("P7"));
    assert_eq!(judged(&|w| _ = w.map(0)), Err("P7"));
    assert_eq!(judged(&|w| _ = w.map(1).uint(394).array(0)), Err("P7"));
    assert_eq!(judged(&|w| _ = w.map(2).uint(394).raw(&one).uint(394).raw(&one)), Err("P7"));
    let many = list(&[&receipt; 17]);
    assert_eq!(judged(&|w| _ = w.map(1).uint(394).raw(&many)), Err("P7"));
    // The statement's own header: no map, a label twice, more bytes after it, nothing.
    for protected in [&[0x80][..], &[0xa2, 1, 1, 1, 1], &[0xa0, 0], &[]] {
        let mut w = Writer::new();
        w.tag(18).array(4).bytes(protected).map(1).uint(394).raw(&one);
        let bytes = w.bytes(b"payload").bytes(b"signature").clone().finish();
        let refused = TransparentStatement::parse(&bytes).map_err(|error| error.check());
        assert_eq!(refused, Err("P7"), "{protected:02x?}");
    }
    for wrong in [&[][..], &[0x30], &[0; 9000]] {
        assert!(ServiceKey::from_certificate(wrong).is_err());
        assert!(ServiceKey::from_public_key_info(wrong).is_err());
    }
}
