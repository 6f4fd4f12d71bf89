//! Why a policy was refused: checks Y1 to Y7, what was expected, what came, what to do.

use crypto::CryptoError;
use facts::Millis;

/// A refusal. Each names its check in POLICY.md.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// Y1: larger than the limit.
    #[error("Y1 policy: expected at most {max} bytes, found {found}")]
    TooLarge {
        /// The limit.
        max: usize,
        /// What came.
        found: usize,
    },
    /// Y1: not the COSE_Sign of POLICY.md.
    #[error("Y1 envelope: {0}")]
    Envelope(cbor::CborError),
    /// Y1: a header differs from POLICY.md.
    #[error("Y1 envelope: expected {expected}, found {found}")]
    Header {
        /// What POLICY.md asks for.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// Y2: the payload does not parse.
    #[error("Y2 content: {0}")]
    Malformed(cbor::CborError),
    /// Y2: the payload parses but is not the one encoding of its content.
    #[error("Y2 content: expected the canonical encoding, found another of {bytes} bytes")]
    NotCanonical {
        /// Length of the payload.
        bytes: usize,
    },
    /// Y3: a field breaks a rule of the format.
    #[error("Y3 {field}: expected {expected}, found {found}")]
    Content {
        /// The field, with the name of the entry.
        field: String,
        /// The rule.
        expected: String,
        /// What the field says.
        found: String,
    },
    /// Y4: a signature by a key that the policy or the pins name does not verify.
    #[error("Y4 expected signatures that verify: {0}")]
    Signature(CryptoError),
    /// Y4: fewer of its own signers signed than the policy itself asks for.
    #[error("Y4 expected {needed} signatures by the policy's own signers, found {found}")]
    Quorum {
        /// The policy's threshold.
        needed: usize,
        /// Signatures by its signers.
        found: usize,
    },
    /// Y5: fewer of the pinned keys signed than the verifier asks for.
    #[error("Y5 expected {needed} signatures by pinned keys, found {found}")]
    Pins {
        /// The verifier's threshold.
        needed: usize,
        /// Signatures by pinned keys.
        found: usize,
    },
    /// Y6: not yet, or no longer, in force.
    #[error(
        "Y6 expected a policy in force at {now}, found one from {issued_at} until {expires_at}"
    )]
    NotInForce {
        /// The moment asked for.
        now: Millis,
        /// First moment.
        issued_at: Millis,
        /// First moment after.
        expires_at: Millis,
    },
    /// Y7: not the next version of the policy that was in force.
    #[error("Y7 successor: expected {expected}, found {found}")]
    Successor {
        /// What the policy before asks for.
        expected: String,
        /// What came.
        found: String,
    },
}

impl PolicyError {
    /// Number of the check that refused.
    pub fn check(&self) -> &'static str {
        match self {
            PolicyError::TooLarge { .. }
            | PolicyError::Envelope(_)
            | PolicyError::Header { .. } => "Y1",
            PolicyError::Malformed(_) | PolicyError::NotCanonical { .. } => "Y2",
            PolicyError::Content { .. } => "Y3",
            PolicyError::Signature(_) | PolicyError::Quorum { .. } => "Y4",
            PolicyError::Pins { .. } => "Y5",
            PolicyError::NotInForce { .. } => "Y6",
            PolicyError::Successor { .. } => "Y7",
        }
    }

    /// What the reader can do about it.
    pub fn remedy(&self) -> &'static str {
        match self.check() {
            "Y1" => "give the file that `probity policy sign` wrote",
            "Y2" => "have the policy made again by this version's `probity policy sign`",
            "Y3" => "correct the field and sign again; `probity policy check` names the line",
            "Y4" => "have its signers sign it with `probity policy sign`, or treat it as altered",
            "Y5" => "get the policy from its owner, or pin the keys that sign it now",
            "Y6" => "get the current version of the policy, or set the clock",
            _ => "get the versions in between, or decide anew to trust this policy's signers",
        }
    }

    pub(crate) fn content(
        field: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        let (field, expected, found) = (field.into(), expected.into(), found.into());
        PolicyError::Content { field, expected, found }
    }
}
