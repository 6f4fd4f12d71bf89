//! The log's own signatures over a quoted checkpoint (FORMAT.md §5): once as a C2SP note, once as
//! the root that a COSE Receipt signs. They exist for readers of those formats; what a verifier of
//! proofs believes is the quote. It must never sign anything but a checkpoint's two texts.

use cbor::Writer;
use crypto::cose::{ALG_EDDSA, LABEL_ALG, sign1_structure};
use crypto::{Signature, SigningKey};
use tlog::{Checkpoint, Hash};

/// COSE header label of the verifiable data structure (RFC 9942).
pub const LABEL_VDS: u64 = 395;
/// The tree of RFC 9162 over SHA-256 (RFC 9942).
pub const VDS_RFC9162_SHA256: u64 = 1;

/// Two signatures by the boot's attested key over one checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogSignatures {
    /// Over [`Checkpoint::note_text`].
    pub note: Signature,
    /// Over [`receipt_sig_structure`] of the root.
    pub receipt: Signature,
}

impl LogSignatures {
    /// Signs a checkpoint. The caller must have had it quoted, and must never sign two that are
    /// not consistent with each other.
    pub fn sign(checkpoint: &Checkpoint, key: &SigningKey) -> Self {
        Self {
            note: key.sign(checkpoint.note_text().as_bytes()),
            receipt: key.sign(&receipt_sig_structure(&checkpoint.root)),
        }
    }
}

/// The protected header of a receipt: `{1: -8, 395: 1}`.
pub fn receipt_protected_header() -> Vec<u8> {
    let mut w = Writer::with_capacity(8);
    w.map(2).uint(LABEL_ALG).int(ALG_EDDSA).uint(LABEL_VDS).uint(VDS_RFC9162_SHA256);
    w.finish()
}

/// What a receipt's signature is over: the root is the detached payload. A statement's has
/// another protected header, so neither signature can stand for the other.
pub fn receipt_sig_structure(root: &Hash) -> Vec<u8> {
    sign1_structure(&receipt_protected_header(), root)
}
