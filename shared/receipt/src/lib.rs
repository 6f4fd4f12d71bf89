//! The standard encodings of "this is in that log": a checkpoint as a C2SP signed note, witnesses'
//! cosignatures, C2SP tlog-proof@v1, and COSE Receipts (RFC 9942) of two kinds of tree: RFC 9162,
//! which Probity's logs are, and CCF ledgers. RECEIPT.md says byte for byte what is exported.
//!
//! It must never read a clock, a file or a socket, never take a signature that is there for one
//! that verified, and never allocate from a declared length. What it verifies is inclusion: who
//! evaluated, on which hardware and by which rules, is the proof's own business (crate `verify`).
//!
//! ```
//! use receipt::{cose, tlog_proof};
//! # fn kept() -> Option<(proof::Proof, Vec<u8>)> { None }
//! # let Some((proof, bytes)) = kept() else { return Ok::<(), receipt::ReceiptError>(()) };
//! // Whoever has the statement alone can check that it was logged, and by whose key.
//! let leaf = tlog::leaf_hash(proof.signed.proof_hash().as_bytes());
//! let key = receipt::log::agent(&proof)?;
//! let receipt = cose::Receipt::parse(&bytes)?;
//! receipt.verify_inclusion(leaf, &cose::ReceiptKey::Ed25519(key))?;
//! // The same in the text form that transparency logs use.
//! let text = tlog_proof::export(&proof)?;
//! # Ok(())
//! ```

pub mod cose;
pub mod cosign;
mod error;
pub mod log;
pub mod note;
mod text;
pub mod tlog_proof;

pub use error::{Part, ReceiptError};

/// A leaf stands in a log at this place. Made only where the log signed root and size together,
/// which is a tlog-proof; a COSE Receipt gives [`cose::VerifiedReceipt`], without a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedInclusion {
    index: u64,
    size: u64,
    root: tlog::Hash,
}

impl VerifiedInclusion {
    /// Index of the leaf.
    pub fn index(&self) -> u64 {
        self.index
    }

    /// Size of the tree.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root, which the log's key signed.
    pub fn root(&self) -> &tlog::Hash {
        &self.root
    }
}
