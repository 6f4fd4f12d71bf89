//! Why a proof was rejected: the check, what was expected, what came, what to do.

use attest::AttestError;
use crypto::Digest;
use facts::Millis;

/// Which kind of no. A revoked thing is never good again; a retired one was good before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// A check failed.
    Rejected,
    /// Signer, certificate or release is revoked.
    Revoked,
    /// The signer is retired, and the proof is judged live or was made later.
    Retired,
}

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
    /// P6: evidence of a kind that the policy does not accept.
    #[error("expected evidence of kind {accepted}, found {found:?}")]
    EvidenceKind {
        /// The kinds that the policy accepts.
        accepted: String,
        /// What came.
        found: String,
    },
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
    /// P6: the signer is on the policy's list of revoked keys; no proof of it counts.
    #[error("REVOKED: expected a signer in good standing, found {signer}: {reason}")]
    SignerRevoked {
        /// The key.
        signer: String,
        /// Why it was revoked.
        reason: String,
    },
    /// P6: the signer is retired, and this proof is judged live or is of a later time.
    #[error("RETIRED: expected {expected}, found {signer}, retired from {from} on: {reason}")]
    SignerRetired {
        /// What would have been accepted.
        expected: String,
        /// The key.
        signer: String,
        /// From when on its proofs are refused.
        from: Millis,
        /// Why it was retired.
        reason: String,
    },
    /// N34: the image is of a release that the policy revokes.
    #[error("REVOKED: expected a release in good standing, found {release:?}: {reason}")]
    ReleaseRevoked {
        /// Its name.
        release: String,
        /// Why.
        reason: String,
    },
    /// N34: the image is of a release outside its roll-out window.
    #[error(
        "expected release {release:?} between {from} and {}, found it judged for {at}",
        to.map_or("any later time".to_owned(), |to| to.to_string())
    )]
    ReleaseWindow {
        /// Its name.
        release: String,
        /// First moment.
        from: Millis,
        /// First moment after.
        to: Option<Millis>,
        /// The moment asked for.
        at: Millis,
    },
    /// N35, T19 or T24: measured with a boot configuration that the policy does not accept.
    #[error("PCR{register}: expected the measure of an accepted boot configuration, found {found}")]
    BootConfig {
        /// The check that refuses.
        check: &'static str,
        /// The register.
        register: u8,
        /// Its value, hexadecimal.
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
    /// P7, P8, P20: the log's own signatures or the witnesses' are not what they should be.
    #[error("{0}")]
    Witness(receipt::ReceiptError),
    /// P20: the witnesses' time contradicts the quote's, or the verifier's clock.
    #[error("witnesses: expected a time {expected}, found {found}")]
    WitnessTime {
        /// The bound.
        expected: String,
        /// When they say the checkpoint existed.
        found: Millis,
    },
    /// P10, P20: there is no evidence for the moment that archival verification needs.
    #[error("time: expected {expected}, found {found}")]
    NoTime {
        /// P10 or P20.
        check: &'static str,
        /// What was asked for.
        expected: &'static str,
        /// What the proof has.
        found: &'static str,
    },
    /// A check that the policy requires was not made.
    #[error("the policy requires {check}, which was not checked: {why}")]
    Required {
        /// The check.
        check: &'static str,
        /// Why it could not be made.
        why: String,
    },
    /// Y1 to Y7: the policy itself.
    #[error("policy: {0}")]
    Policy(#[from] policy::PolicyError),
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

    /// Which kind of no.
    pub fn verdict(&self) -> Verdict {
        match self {
            VerifyError::SignerRevoked { .. }
            | VerifyError::ReleaseRevoked { .. }
            | VerifyError::Evidence(AttestError::Revoked { .. }) => Verdict::Revoked,
            VerifyError::SignerRetired { .. } => Verdict::Retired,
            _ => Verdict::Rejected,
        }
    }

    /// Number of the check that failed.
    pub fn check(&self) -> &'static str {
        match self {
            VerifyError::Proof(error) => error.check(),
            VerifyError::Evidence(error) => error.check(),
            VerifyError::Signature(_) => "P5",
            VerifyError::NoEvidence
            | VerifyError::EvidenceKind { .. }
            | VerifyError::KeySet(_)
            | VerifyError::Signer { .. }
            | VerifyError::SignerRevoked { .. }
            | VerifyError::SignerRetired { .. } => "P6",
            VerifyError::ReleaseRevoked { .. } | VerifyError::ReleaseWindow { .. } => "N34",
            VerifyError::BootConfig { check, .. } | VerifyError::NoTime { check, .. } => check,
            VerifyError::Witness(error) => error.check(),
            VerifyError::WitnessTime { .. } => "P20",
            VerifyError::Required { check, .. } => check,
            VerifyError::Policy(error) => error.check(),
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
            VerifyError::Witness(error) => error.remedy(),
            VerifyError::Policy(error) => error.remedy(),
            VerifyError::SignerRevoked { .. } | VerifyError::ReleaseRevoked { .. } => {
                "do not rely on it; have the request evaluated again by an accepted enclave"
            }
            VerifyError::SignerRetired { .. } => {
                "judge an older proof in archival mode; have a newer one evaluated again"
            }
            VerifyError::ReleaseWindow { .. } => {
                "the release was not, or is no longer, accepted then; ask for a current proof"
            }
            VerifyError::BootConfig { .. } => {
                "it takes other authorities' rules; accept its boot configuration or refuse"
            }
            VerifyError::WitnessTime { .. } => {
                "keep the proof: witnesses and hardware contradict each other, or a clock is wrong"
            }
            VerifyError::NoTime { .. } => {
                "get cosignatures of the policy's witnesses, or vouch for a time with --at"
            }
            VerifyError::Required { .. } => {
                "give what the check needs, or have the policy's owner drop the requirement"
            }
            VerifyError::Proof(_) | VerifyError::View { .. } => {
                "ask for the proof again, as bytes: application/cose from /v1/proofs/{id}"
            }
            VerifyError::Signature(_) | VerifyError::Signer { .. } => {
                "treat the statement as forged or altered; ask the log for the original"
            }
            VerifyError::NoEvidence => {
                "ask for the complete proof; a signed statement alone proves no hardware"
            }
            VerifyError::EvidenceKind { .. } | VerifyError::KeySet(_) => {
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
