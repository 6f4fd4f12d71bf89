//! The proof: a statement signed by the enclave's key, and beside it what the hardware says.
//! FORMAT.md is the specification; this crate is its code. It must never judge: it parses,
//! encodes and hashes, and leaves verdicts to `verify`.

mod boot_record;
mod envelope;
mod log_signatures;
mod statement;
mod unprotected;

pub use boot_record::{BootRecord, key_set, signer_of_key_set};
pub use envelope::{Evidence, Inclusion, Proof, SignedStatement, Unsigned};
pub use log_signatures::{
    LABEL_VDS, LogSignatures, VDS_RFC9162_SHA256, receipt_protected_header, receipt_sig_structure,
};
pub use statement::{EngineId, Hit, RuleEntry, Rulebook, Statement};

/// The EAT profile that statements follow (RFC 9711).
pub const PROFILE: &str = "tag:probity.example,2026:eat/statement/2";
/// `typ` of the envelope (RFC 9596).
pub const TYP: &str = "application/probity-statement+cbor";
/// Label of the EAT profile claim.
pub const CLAIM_EAT_PROFILE: u64 = 265;
/// Kind of evidence: a Nitro attestation document.
pub const EVIDENCE_NITRO: &str = "nitro";
/// The only time source: see FORMAT.md, key 6.
pub const TIME_SOURCE_NSM: u64 = 1;
/// Largest statement, in bytes.
pub const STATEMENT_BYTES_MAX: usize = 65_536;
/// Largest proof, in bytes.
pub const PROOF_BYTES_MAX: usize = 131_072;
/// Largest evidence, in bytes.
pub const EVIDENCE_BYTES_MAX: usize = 32_768;
/// Most cosignatures of a proof.
pub const COSIGNATURES_MAX: usize = 16;
/// Longest cosignature line, in bytes.
pub const COSIGNATURE_BYTES_MAX: usize = 512;
/// Most jurisdictions or domains.
pub const SCOPE_MAX: usize = 16;
/// Most hits that a statement keeps of one rule: the first in order; the trace has them all.
pub const HITS_MAX: usize = 64;
/// Longest id of an entry of a list of names, in bytes.
pub const ENTRY_BYTES_MAX: usize = 256;
/// Longest nonce, in bytes.
pub const NONCE_BYTES_MAX: usize = 64;

/// Why bytes are not a proof. Each names the check of the verifier's list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProofError {
    /// P1: not the envelope.
    #[error("P1: envelope: {0}")]
    Envelope(cbor::CborError),
    /// P1: larger than the limit.
    #[error("P1: proof has {found} bytes, at most {PROOF_BYTES_MAX} are allowed")]
    TooLarge {
        /// What came.
        found: usize,
    },
    /// P2: the protected or unprotected header differs from FORMAT.md.
    #[error("P2: header: expected {expected}, found {found}")]
    Header {
        /// What FORMAT.md asks for.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// P3: the payload does not parse.
    #[error("P3: statement: {0}")]
    Statement(cbor::CborError),
    /// P18: the stated decision is not the one that follows from the rules' outcomes.
    #[error("P18: decision: outcome {stated} is stated, {follows} follows from the rules")]
    Decision {
        /// The outcome that follows.
        follows: &'static str,
        /// The number of the outcome that is stated.
        stated: u64,
    },
    /// P3: the payload parses but is not the one encoding of its content, or breaks its rules.
    #[error("P3: statement: {0}")]
    NotCanonical(&'static str),
}

impl ProofError {
    /// Number of the check that failed.
    pub fn check(&self) -> &'static str {
        match self {
            ProofError::Envelope(_) | ProofError::TooLarge { .. } => "P1",
            ProofError::Header { .. } => "P2",
            ProofError::Statement(_) | ProofError::NotCanonical(_) => "P3",
            ProofError::Decision { .. } => "P18",
        }
    }
}
