//! Every way in which this crate refuses: the check that failed, what was expected, what came. It
//! must never hold more of an input than a short excerpt.

use cbor::CborError;
use tlog::{Hash, TlogError};

/// Which kind of object was being read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// A signed note, or the checkpoint in it.
    Note,
    /// A verifier key.
    VerifierKey,
    /// A cosignature line.
    Cosignature,
    /// A tlog-proof.
    TlogProof,
    /// A COSE Receipt, or a statement that carries one.
    Cose,
}

impl Part {
    /// The check that fails when this kind of object does not parse.
    fn check(self) -> &'static str {
        match self {
            Part::Note => "P8",
            Part::VerifierKey | Part::Cosignature => "P20",
            Part::TlogProof | Part::Cose => "P7",
        }
    }
}

impl std::fmt::Display for Part {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Part::Note => "note",
            Part::VerifierKey => "verifier key",
            Part::Cosignature => "cosignature",
            Part::TlogProof => "tlog-proof",
            Part::Cose => "COSE Receipt",
        })
    }
}

/// Why a note, a proof of inclusion or a set of cosignatures was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiptError {
    /// Larger than what is read.
    #[error("{}: {part}: expected at most {max} bytes, found {found}", part.check())]
    TooLarge {
        /// What was being read.
        part: Part,
        /// The limit, in bytes.
        max: usize,
        /// What came, in bytes.
        found: usize,
    },
    /// A text is not of its form.
    #[error("{}: {part}, line {line}: expected {expected}, found {found:?}", part.check())]
    Syntax {
        /// What was being read.
        part: Part,
        /// The line, from 1.
        line: usize,
        /// What had to stand there.
        expected: &'static str,
        /// What stands there, shortened.
        found: String,
    },
    /// CBOR is not of its form.
    #[error("P7: COSE Receipt: {0}")]
    Cbor(#[from] CborError),
    /// A COSE header or its algorithm is another than the one that is needed.
    #[error("P7: COSE Receipt: {what}: expected {expected}, found {found}")]
    Header {
        /// Which field.
        what: &'static str,
        /// What is needed.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// The object carries no receipt or no proof of the wanted kind.
    #[error("P7: expected {expected}, found none")]
    Absent {
        /// What is missing.
        expected: &'static str,
    },
    /// The receipt's signature does not verify over the root that its proof leads to.
    #[error("P7: receipt signature: expected one by {key} over root {}, it is not", hex(root))]
    ReceiptSignature {
        /// The key.
        key: String,
        /// The root.
        root: Hash,
    },
    /// The statement's own signature does not verify.
    #[error("P5: statement signature: {0}")]
    StatementSignature(crypto::CryptoError),
    /// The path does not lead from the leaf to the root.
    #[error("P7: inclusion: {0}")]
    Inclusion(TlogError),
    /// The receipt is about other data.
    #[error("P7: expected a receipt for data {}, it is for {}", hex(expected), hex(found))]
    Data {
        /// Hash of the data at hand.
        expected: Hash,
        /// Hash in the receipt.
        found: Hash,
    },
    /// The checkpoint is of another log.
    #[error("P8: expected a checkpoint of {expected}, found one of {found}")]
    Origin {
        /// Name of the log.
        expected: String,
        /// The origin line, shortened.
        found: String,
    },
    /// The log did not sign the note, or the proof carries no signatures of its log.
    #[error("P8: expected a signature of the log {key}, found none")]
    Unsigned {
        /// Name of the log.
        key: String,
    },
    /// The log's signature does not verify.
    #[error("P8: the signature of the log {key} over its checkpoint does not verify")]
    LogSignature {
        /// Name of the log.
        key: String,
    },
    /// The proof's signer is not an Ed25519 key, or a key is no acceptable one.
    #[error("P8: expected an acceptable key: {0}")]
    Key(crypto::CryptoError),
    /// A certificate holds no key that can be used.
    #[error("P7: service key: {problem}")]
    ServiceKey {
        /// What is wrong.
        problem: &'static str,
    },
    /// The old and the new tree do not belong together.
    #[error("P9: consistency: {0}")]
    Consistency(TlogError),
    /// The witnesses or their threshold make no sense.
    #[error("P20: witnesses: {problem}")]
    WitnessSet {
        /// What is wrong.
        problem: String,
    },
    /// A known witness's line does not verify.
    #[error("P20: the cosignature of {witness} does not verify")]
    Cosignature {
        /// Name of the witness.
        witness: String,
    },
    /// Too few witnesses cosigned.
    #[error("P20: expected cosignatures of {needed} known witnesses, found {found}")]
    Threshold {
        /// How many are needed.
        needed: usize,
        /// How many verified, each name once.
        found: usize,
    },
}

impl ReceiptError {
    pub(crate) fn syntax(part: Part, line: usize, expected: &'static str, found: &str) -> Self {
        let found = found.chars().take(EXCERPT_CHARS_MAX).collect();
        Self::Syntax { part, line, expected, found }
    }

    pub(crate) fn header(what: &'static str, expected: &str, found: impl ToString) -> Self {
        let found = found.to_string().chars().take(EXCERPT_CHARS_MAX).collect();
        Self::Header { what, expected: expected.into(), found }
    }

    /// Number of the check that failed: P5 (the statement's signature), P7 (inclusion), P8
    /// (checkpoint and its log's signature), P9 (consistency) or P20 (witnesses).
    pub fn check(&self) -> &'static str {
        match self {
            Self::TooLarge { part, .. } | Self::Syntax { part, .. } => part.check(),
            Self::Cbor(_)
            | Self::Header { .. }
            | Self::Absent { .. }
            | Self::ReceiptSignature { .. }
            | Self::Inclusion(_)
            | Self::Data { .. }
            | Self::ServiceKey { .. } => "P7",
            Self::StatementSignature(_) => "P5",
            Self::Origin { .. }
            | Self::Unsigned { .. }
            | Self::LogSignature { .. }
            | Self::Key(_) => "P8",
            Self::Consistency(_) => "P9",
            Self::WitnessSet { .. } | Self::Cosignature { .. } | Self::Threshold { .. } => "P20",
        }
    }

    /// What the reader can do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } | Self::Syntax { .. } | Self::Cbor(_) => {
                "ask for the file again; it has to be byte for byte as its maker wrote it"
            }
            Self::Header { .. } | Self::Absent { .. } => {
                "this is not a receipt of a form that this verifier knows; ask for another one"
            }
            Self::ReceiptSignature { .. }
            | Self::LogSignature { .. }
            | Self::StatementSignature(_) => {
                "use the key that the log's attestation names; if it is that one, it is forged"
            }
            Self::Inclusion(_) | Self::Data { .. } => {
                "check that statement and receipt belong together; if they do, it is forged"
            }
            Self::Origin { .. } | Self::Unsigned { .. } => {
                "ask the log that evaluated for the receipt, signed by its key"
            }
            Self::Key(_) | Self::ServiceKey { .. } => "give a key of the stated kind",
            Self::Consistency(_) => "keep both pieces: they show that the log was tampered with",
            Self::WitnessSet { .. } => "correct the witnesses of the policy",
            Self::Cosignature { .. } => {
                "compare the witness's key with its operator's; if it is right, the line is forged"
            }
            Self::Threshold { .. } => {
                "ask the log for more cosignatures, or wait until its witnesses have answered"
            }
        }
    }
}

fn hex(hash: &Hash) -> String {
    crypto::to_hex(hash)
}

/// How much of a bad input an error shows, in characters.
const EXCERPT_CHARS_MAX: usize = 80;
