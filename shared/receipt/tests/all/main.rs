//! Tests of the standard encodings: against the specifications' own examples, against a published
//! receipt, against frozen vectors, and against whoever would like a forged one to pass.
#![allow(clippy::unwrap_used, clippy::new_without_default, missing_docs)]

mod ccf;
mod cose;
mod cosign;
mod limits;
mod mutations;
mod note;
mod tlog_proof;
mod vectors;

use crypto::{SigningKey, VerifyingKey};
use logtree::Tree;
use proof::{LogSignatures, Proof};
use tlog::{Checkpoint, leaf_hash};
use zeroize::Zeroizing;

/// The key of a seed that is one byte, 32 times.
pub fn key(fill: u8) -> SigningKey {
    SigningKey::from_seed(&Zeroizing::new([fill; 32]))
}

/// The frozen proof of FORMAT.md with its log's signatures, and everything around it.
pub struct Sample {
    pub proof: Proof,
    pub tree: Tree,
    pub checkpoint: Checkpoint,
    pub signer: VerifyingKey,
}

impl Sample {
    pub fn new() -> Self {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../proof/vectors/proof-2.json");
        let frozen: serde_json::Value =
            serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        let bytes = |name: &str| crypto::from_hex(frozen[name].as_str().unwrap()).unwrap();
        let mut proof = Proof::parse(&bytes("proof")).unwrap();
        let hashes = |name: &str| {
            let hashes = frozen[name].as_array().unwrap().iter();
            hashes.map(|hash| crypto::from_hex(hash.as_str().unwrap()).unwrap()).collect::<Vec<_>>()
        };
        let own = proof.signed.proof_hash().as_bytes().to_vec();
        let leaves = [hashes("leaves_before"), vec![own], hashes("leaves_after")].concat();
        let tree: Tree = leaves.iter().map(|leaf| leaf_hash(leaf)).collect();
        let checkpoint = Checkpoint::parse(&bytes("checkpoint")).unwrap();
        assert_eq!(checkpoint.root, tree.root());
        let seed = Zeroizing::new(bytes("signer_seed").try_into().unwrap());
        let signer = SigningKey::from_seed(&seed);
        let unsigned = proof.unsigned.as_mut().unwrap();
        unsigned.log_signatures = Some(LogSignatures::sign(&checkpoint, &signer));
        Self { proof, tree, checkpoint, signer: signer.verifying_key() }
    }

    /// The same with the cosignatures of two witnesses.
    pub fn witnessed() -> Self {
        let mut sample = Self::new();
        let head = receipt::note::TreeHead::parse(&sample.checkpoint.note_text()).unwrap();
        let unsigned = sample.proof.unsigned.as_mut().unwrap();
        for (name, fill, time) in [(WITNESSES[0], 21, TIMES[0]), (WITNESSES[1], 22, TIMES[1])] {
            let line = receipt::cosign::cosign(&head, name, &key(fill), time).unwrap();
            unsigned.add_cosignature(line.to_string().into_bytes());
        }
        sample
    }

    /// The checkpoint as a note, under its log's line and those of its witnesses.
    pub fn note(&self) -> receipt::note::Note {
        let unsigned = self.proof.unsigned.as_ref().unwrap();
        let (signatures, lines) = (unsigned.log_signatures.as_ref(), &unsigned.cosignatures);
        receipt::log::checkpoint_note(&self.checkpoint, &self.signer, signatures, lines).unwrap()
    }

    pub fn leaf(&self) -> tlog::Hash {
        receipt::log::leaf(&self.proof)
    }
}

/// Names and times of the two witnesses, whose seeds are 21 and 22.
pub const WITNESSES: [&str; 2] = ["witness.example/alpha", "witness.example/beta"];
/// 2026-01-01T12:00:10Z and ten seconds later.
pub const TIMES: [u64; 2] = [1_767_268_810, 1_767_268_820];

/// An envelope with the labels goes both ways, and every other arrangement of them is refused.
#[test]
fn the_envelope_takes_the_labels_in_one_way_only() {
    let sample = Sample::witnessed();
    let bytes = sample.proof.to_bytes();
    assert_eq!(Proof::parse(&bytes).as_ref(), Ok(&sample.proof));
    let bare = Sample::new();
    assert_eq!(bare.proof.signed.proof_hash(), sample.proof.signed.proof_hash());
    assert_eq!(Proof::parse(&bare.proof.to_bytes()), Ok(bare.proof));
    type Change = fn(&mut proof::Unsigned);
    let changes: [(&str, Change); 6] = [
        ("order", |unsigned| unsigned.cosignatures.reverse()),
        ("twice", |unsigned| unsigned.cosignatures[1] = unsigned.cosignatures[0].clone()),
        ("empty", |unsigned| unsigned.cosignatures[0] = vec![]),
        ("too long", |unsigned| unsigned.cosignatures[1] = vec![0xf4; 513]),
        ("no UTF-8", |unsigned| unsigned.cosignatures[1] = vec![0xff; 40]),
        ("too many", |unsigned| unsigned.cosignatures = (0..17).map(|n| vec![b'a' + n]).collect()),
    ];
    for (what, change) in changes {
        let mut changed = sample.proof.clone();
        change(changed.unsigned.as_mut().unwrap());
        let refused = Proof::parse(&changed.to_bytes()).map_err(|error| error.check());
        assert_eq!(refused, Err("P2"), "{what}");
    }
    // Renamed labels: unknown, in another place, or twice.
    for (from, to) in [
        ("lcosignatures", "lcosignaturez"),
        ("nlog_signatures", "nlog_signaturez"),
        ("lcosignatures", "nlog_signatures"),
    ] {
        let (from, to) = (from.as_bytes(), to.as_bytes());
        let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
        let changed = [&bytes[..at], to, &bytes[at + from.len()..]].concat();
        let refused = Proof::parse(&changed).map_err(|error| error.check());
        assert_eq!(refused, Err("P2"));
    }
}
