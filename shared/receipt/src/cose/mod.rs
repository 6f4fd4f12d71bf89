//! COSE Receipts (RFC 9942). A receipt is a COSE_Sign1 whose payload, the root, is detached: the
//! reader computes it from the proof in the unprotected header, so a good signature over another
//! root is of no use. Headers are read strictly; what is signed are the received bytes.

pub mod ccf;
mod export;
mod key;
mod read;
mod transparent;

pub use export::{export, export_consistency, export_transparent};
pub use key::ReceiptKey;

use crate::ReceiptError;
use logtree::{consistency_root, inclusion_root};
use tlog::Hash;

/// A receipt as it was read: nothing is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    protected: Vec<u8>,
    header: Header,
    proofs: Proofs,
    payload: Option<Hash>,
    signature: Vec<u8>,
}

/// What the protected header says, as far as it is looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Header {
    alg: i64,
    kid: Option<Vec<u8>>,
    vds: u64,
}

/// Proofs of one type, at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Proofs {
    Inclusion(Vec<Inclusion>),
    Consistency(Vec<Consistency>),
    Ccf(Vec<ccf::CcfProof>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Inclusion {
    size: u64,
    index: u64,
    path: Vec<Hash>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Consistency {
    old_size: u64,
    new_size: u64,
    path: Vec<Hash>,
}

/// A leaf stands in a log somewhere below a root that the log's key signed. Where, and among how
/// many, is not under the signature: the place is no more than the receipt's claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedReceipt {
    root: Hash,
    claimed_index: u64,
    claimed_size: u64,
}

impl VerifiedReceipt {
    /// The root, which the log's key signed.
    pub fn root(&self) -> &Hash {
        &self.root
    }

    /// Index of the leaf as the receipt has it: not verified.
    pub fn claimed_index(&self) -> u64 {
        self.claimed_index
    }

    /// Size of the tree as the receipt has it: not verified.
    pub fn claimed_size(&self) -> u64 {
        self.claimed_size
    }
}

/// A log grew from one tree to another, and its key signed the newer root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedConsistency {
    claimed_new_size: u64,
    new_root: Hash,
}

impl VerifiedConsistency {
    /// Size of the newer tree as the receipt has it: not verified, since only its root is signed.
    pub fn claimed_new_size(&self) -> u64 {
        self.claimed_new_size
    }

    /// Root of the newer tree, which the log's key signed.
    pub fn new_root(&self) -> &Hash {
        &self.new_root
    }
}

impl Receipt {
    /// Reads a receipt: COSE_Sign1, tagged 18, of vds 1 (RFC9162_SHA256) or 2 (CCF).
    pub fn parse(bytes: &[u8]) -> Result<Self, ReceiptError> {
        read::receipt(bytes)
    }

    /// The verifiable data structure: 1 or 2.
    pub fn vds(&self) -> u64 {
        self.header.vds
    }

    /// Accepts if one of the receipt's proofs leads from `leaf` to a root that `key` signed.
    ///
    /// The signature is over the root alone. That `leaf` is in the log is sure; index and size are
    /// what the unsigned proof says, and another pair with a path of the same turns leads to the
    /// same root. Where the position counts, use a tlog-proof or the quote.
    pub fn verify_inclusion(
        &self,
        leaf: Hash,
        key: &ReceiptKey,
    ) -> Result<VerifiedReceipt, ReceiptError> {
        let Proofs::Inclusion(proofs) = &self.proofs else {
            return Err(ReceiptError::Absent { expected: "an inclusion proof of vds 1" });
        };
        self.first(proofs, |proof| {
            let (claimed_index, claimed_size) = (proof.index, proof.size);
            let root = inclusion_root(leaf, claimed_index, claimed_size, &proof.path);
            let root = root.map_err(ReceiptError::Inclusion)?;
            self.verify_root(&root, key)?;
            Ok(VerifiedReceipt { root, claimed_index, claimed_size })
        })
    }

    /// Accepts if the log of `key` grew from the tree of `old_size` leaves under `old_root`, which
    /// the caller has verified before, to a root that `key` signed. As with inclusion, the newer
    /// size is not signed.
    pub fn verify_consistency(
        &self,
        old_size: u64,
        old_root: Hash,
        key: &ReceiptKey,
    ) -> Result<VerifiedConsistency, ReceiptError> {
        let Proofs::Consistency(proofs) = &self.proofs else {
            return Err(ReceiptError::Absent { expected: "a consistency proof of vds 1" });
        };
        self.first(proofs, |proof| {
            if proof.old_size != old_size {
                let (size, available) = (old_size, proof.old_size);
                let refused = tlog::TlogError::SizeOutOfRange { size, available };
                return Err(ReceiptError::Consistency(refused));
            }
            let root = consistency_root(old_size, proof.new_size, old_root, &proof.path);
            let new_root = root.map_err(ReceiptError::Consistency)?;
            self.verify_root(&new_root, key)?;
            Ok(VerifiedConsistency { claimed_new_size: proof.new_size, new_root })
        })
    }

    /// The first proof that holds, or what was wrong with the first.
    fn first<P, T>(
        &self,
        proofs: &[P],
        verify: impl Fn(&P) -> Result<T, ReceiptError>,
    ) -> Result<T, ReceiptError> {
        let mut refusal = None;
        for proof in proofs {
            match verify(proof) {
                Ok(verified) => return Ok(verified),
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
        Err(refusal.unwrap_or(ReceiptError::Absent { expected: "a proof" }))
    }

    /// Whether the key signed this root as the payload.
    fn verify_root(&self, root: &Hash, key: &ReceiptKey) -> Result<(), ReceiptError> {
        if self.payload.is_some_and(|payload| payload != *root) {
            let (expected, found) = (crypto::to_hex(root), crypto::to_hex(&payload_of(self)));
            return Err(ReceiptError::header("payload", &expected, found));
        }
        if key.alg() != self.header.alg {
            return Err(ReceiptError::header("alg", &key.alg().to_string(), self.header.alg));
        }
        let message = crypto::cose::sign1_structure(&self.protected, root);
        if key.verify(&message, &self.signature) {
            return Ok(());
        }
        Err(ReceiptError::ReceiptSignature { key: key.to_string(), root: *root })
    }
}

fn payload_of(receipt: &Receipt) -> Hash {
    receipt.payload.unwrap_or_default()
}

/// Header label of the receipts that a statement carries.
pub const LABEL_RECEIPTS: u64 = 394;
/// Header label of the verifiable data structure.
pub const LABEL_VDS: u64 = proof::LABEL_VDS;
/// Header label of the proofs.
pub const LABEL_VDP: u64 = 396;
/// Proof type: inclusion.
pub const PROOF_INCLUSION: i64 = -1;
/// Proof type: consistency.
pub const PROOF_CONSISTENCY: i64 = -2;
/// The tree of RFC 9162.
pub const VDS_RFC9162_SHA256: u64 = proof::VDS_RFC9162_SHA256;
/// The tree of a CCF ledger (draft-ietf-scitt-receipts-ccf-profile).
pub const VDS_CCF_LEDGER_SHA256: u64 = 2;
/// Largest receipt that is read, in bytes.
pub const RECEIPT_BYTES_MAX: usize = 65_536;
/// Most proofs of a receipt.
pub const PROOFS_MAX: usize = 16;
/// Largest proof of a receipt, in bytes.
pub const PROOF_BYTES_MAX: usize = 8192;
/// Largest protected header of a receipt, in bytes.
pub const PROTECTED_BYTES_MAX: usize = 8192;
