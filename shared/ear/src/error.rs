//! Why a token was refused or could not be made.

/// A refusal. `E` numbers are this crate's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EarError {
    /// E1: not three parts of base64url, or JSON of another shape.
    #[error("{part}: expected {expected}, found {found}")]
    Form {
        /// Which part.
        part: &'static str,
        /// What it should be.
        expected: &'static str,
        /// What came.
        found: String,
    },
    /// E2: an algorithm other than EdDSA, or a critical header that is not known.
    #[error("protected header: expected {expected}, found {found}")]
    Header {
        /// What it should say.
        expected: &'static str,
        /// What it says.
        found: String,
    },
    /// E3: the signature is not the key's.
    #[error("signature: expected one by {key}, found another")]
    Signature {
        /// The key, as did:key.
        key: String,
    },
    /// E4: another claims-set than EAR's.
    #[error("eat_profile: expected {expected}, found {found}")]
    Profile {
        /// Ours.
        expected: &'static str,
        /// The token's.
        found: String,
    },
    /// E5: a status that its own vector or submodules do not bear out.
    #[error("ear_status of {what}: expected at most {expected}, found {found}")]
    Status {
        /// Whose status.
        what: String,
        /// The tier that the claims allow.
        expected: &'static str,
        /// The tier that is said.
        found: String,
    },
}

impl EarError {
    /// The number of the check that refused.
    pub fn check(&self) -> &'static str {
        match self {
            EarError::Form { .. } => "E1",
            EarError::Header { .. } => "E2",
            EarError::Signature { .. } => "E3",
            EarError::Profile { .. } => "E4",
            EarError::Status { .. } => "E5",
        }
    }

    /// What the reader can do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            EarError::Form { .. } => "pass the token as it was issued: three parts between dots",
            EarError::Header { .. } => "ask the verifier for a token signed with Ed25519",
            EarError::Signature { .. } => {
                "name the key of the verifier that you trust; if it is that one, the token was \
                 altered"
            }
            EarError::Profile { .. } => "ask for a token of this profile",
            EarError::Status { .. } => "do not rely on this verifier: it contradicts itself",
        }
    }
}
