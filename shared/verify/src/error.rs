//! Why a proof was rejected: the check, what was expected, what came, what to do.

use attest::AttestError;
use crypto::Digest;
use facts::Millis;

/// A rejection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// P1 to P3.
    #[error(transparent)]
    Proof(#[from] proof::ProofError),
    /// N1 to N42: the evidence.
    #[error("evidence: {0}")]
    Evidence(#[from] AttestError),
    /// P5.
    #[error("signature: {0}")]
    Signature(crypto::CryptoError),
    /// P6: there is nothing that attests the signer.
    #[error("expected evidence and inclusion, found a bare signed statement")]
    NoEvidence,
    /// P6: evidence of a kind that this verifier does not know.
    #[error("expected evidence of kind nitro, found {0:?}")]
    EvidenceKind(String),
    /// P6: the quote names no usable key.
    #[error("quote's key set is unreadable: {0}")]
    KeySet(String),
    /// P6: another key signed.
    #[error("statement is signed by {found}, the quote attests {attested}")]
    Signer {
        /// The key in the quote.
        attested: String,
        /// The key that signed.
        found: String,
    },
    /// P7.
    #[error("inclusion: {0}")]
    Inclusion(tlog::TlogError),
    /// P8: the quote's user data is no checkpoint, or of another boot or size.
    #[error("checkpoint: expected {expected}, found {found}")]
    Checkpoint {
        /// What the proof says.
        expected: String,
        /// What the quote says.
        found: String,
    },
    /// P9.
    #[error("log: {0}")]
    Log(String),
    /// P10.
    #[error("evaluated at {evaluated_at}, the quote is of {quoted_at}; {problem}")]
    Time {
        /// The statement's time.
        evaluated_at: Millis,
        /// The document's time.
        quoted_at: Millis,
        /// Which bound is broken.
        problem: String,
    },
    /// P11.
    #[error("nonce: expected {expected}, found {found}")]
    Nonce {
        /// The verifier's, in hexadecimal.
        expected: String,
        /// The statement's, in hexadecimal.
        found: String,
    },
    /// P12: the bundle is not the authorities'.
    #[error("rules: {0}")]
    Rules(rules::RulesError),
    /// P12, P13: the engine refuses a module of the bundle, or is another version.
    #[error("engine: {0}")]
    Engine(String),
    /// P12 to P17: a committed value differs from the recomputed one.
    #[error("{what}: the statement says {stated}, recomputed {recomputed}")]
    Differs {
        /// Which check.
        check: &'static str,
        /// Which value.
        what: &'static str,
        /// In the statement.
        stated: String,
        /// By this verifier.
        recomputed: String,
    },
    /// P16: the input is not one that facts follow from.
    #[error("input: {0}")]
    Input(facts::FactsError),
    /// P15: the input was given without the salt.
    #[error("the input was given without its salt, so its hash cannot be recomputed")]
    SaltMissing,
    /// The JSON view stands for no proof.
    #[error("JSON view: {field}: {problem}")]
    View {
        /// Which field.
        field: String,
        /// What is wrong.
        problem: String,
    },
}

impl VerifyError {
    pub(crate) fn differs(
        check: &'static str,
        what: &'static str,
        stated: impl ToString,
        recomputed: impl ToString,
    ) -> Self {
        let (stated, recomputed) = (stated.to_string(), recomputed.to_string());
        VerifyError::Differs { check, what, stated, recomputed }
    }

    /// Compares two digests under a check.
    pub(crate) fn equal(
        check: &'static str,
        what: &'static str,
        stated: Digest,
        recomputed: Digest,
    ) -> Result<(), Self> {
        if stated == recomputed {
            return Ok(());
        }
        Err(Self::differs(check, what, stated, recomputed))
    }

    /// Number of the check that failed.
    pub fn check(&self) -> &'static str {
        match self {
            VerifyError::Proof(error) => error.check(),
            VerifyError::Evidence(error) => error.check(),
            VerifyError::Signature(_) => "P5",
            VerifyError::NoEvidence
            | VerifyError::EvidenceKind(_)
            | VerifyError::KeySet(_)
            | VerifyError::Signer { .. } => "P6",
            VerifyError::Inclusion(_) => "P7",
            VerifyError::Checkpoint { .. } => "P8",
            VerifyError::Log(_) => "P9",
            VerifyError::Time { .. } => "P10",
            VerifyError::Nonce { .. } => "P11",
            VerifyError::Rules(_) => "P12",
            VerifyError::Engine(_) => "P13",
            VerifyError::Differs { check, .. } => check,
            VerifyError::SaltMissing => "P15",
            VerifyError::Input(_) => "P16",
            VerifyError::View { .. } => "P1",
        }
    }

    /// What the reader can do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            VerifyError::Evidence(error) => error.remedy(),
            VerifyError::Proof(_) | VerifyError::View { .. } => {
                "ask for the proof again, as bytes: application/cose from /v1/proofs/{id}"
            }
            VerifyError::Signature(_) | VerifyError::Signer { .. } => {
                "treat the statement as forged or altered; ask the log for the original"
            }
            VerifyError::NoEvidence => {
                "ask for the complete proof; a signed statement alone proves no hardware"
            }
            VerifyError::EvidenceKind(_) | VerifyError::KeySet(_) => {
                "use a verifier that knows this evidence, or refuse the proof"
            }
            VerifyError::Inclusion(_) | VerifyError::Checkpoint { .. } => {
                "evidence and proof do not belong together; ask for the proof again"
            }
            VerifyError::Log(_) => "keep both pieces: they show that the log was tampered with",
            VerifyError::Time { .. } => {
                "a proof is quoted within seconds; refuse it or allow more time with --lag"
            }
            VerifyError::Nonce { .. } => "this proof answers another question; evaluate again",
            VerifyError::Rules(_) | VerifyError::Engine(_) => {
                "get the bundle that the statement names, and the boot configuration of its hash"
            }
            VerifyError::SaltMissing => "pass the salt that came with the proof",
            VerifyError::Differs { .. } | VerifyError::Input(_) => {
                "check that input, salt and bundle are the ones of this proof; if they are, \
                 the statement is false"
            }
        }
    }
}
