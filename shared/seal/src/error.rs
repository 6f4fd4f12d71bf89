//! The one error of this crate. It must never carry a byte of what was sealed.

use cbor::CborError;

/// Why something sealed was refused. The numbers are frozen.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The message is not the CBOR of its form.
    #[error("S1: the message is malformed: {0}")]
    Form(#[from] CborError),
    /// The message is over its limit.
    #[error("S2: expected at most {expected} bytes, found {found}")]
    Size {
        /// The limit.
        expected: usize,
        /// What came.
        found: usize,
    },
    /// Another version.
    #[error("S3: expected version {}, found {found}", crate::VERSION)]
    Version {
        /// What came.
        found: u64,
    },
    /// The key set has no usable X25519 key at its place.
    #[error("S4: the key set has no key to seal to: {0}")]
    KeySet(CborError),
    /// The request was sealed to another key set.
    #[error("S5: expected a request to the key set {expected}, found one to {found}")]
    OtherKeySet {
        /// Hash of the key set here.
        expected: String,
        /// Hash in the message.
        found: String,
    },
    /// Key agreement gave zeros: the other public key has small order.
    #[error("S6: expected a public key of full order, found one of small order")]
    SmallOrder,
    /// The ciphertext does not open under this key.
    #[error("S7: expected what was sealed to this key, found something that does not open")]
    Unopened,
    /// What was sealed is not of the form of SEALED.md.
    #[error("S8: what was sealed is malformed: expected {expected}")]
    Content {
        /// What should have stood there.
        expected: &'static str,
    },
    /// The request's time is over.
    #[error("S9: expected a request that expires after {now_ms} ms, found {expires_at_ms} ms")]
    Expired {
        /// The enclave's time.
        now_ms: u64,
        /// The request's end.
        expires_at_ms: u64,
    },
    /// The request would have to be remembered for too long.
    #[error("S10: expected a request that expires by {latest_ms} ms, found {expires_at_ms} ms")]
    TooLong {
        /// The latest end that is accepted now.
        latest_ms: u64,
        /// The request's end.
        expires_at_ms: u64,
    },
    /// The request came before.
    #[error("S11: expected a request that did not come before, found it in the window")]
    Replayed,
    /// No room to remember another request.
    #[error("S12: expected fewer than {expected} requests in the window, found it full")]
    Full {
        /// How many are remembered at once.
        expected: usize,
    },
}

impl SealError {
    /// The check that failed.
    pub fn check(&self) -> &'static str {
        match self {
            SealError::Form(_) => "S1",
            SealError::Size { .. } => "S2",
            SealError::Version { .. } => "S3",
            SealError::KeySet(_) => "S4",
            SealError::OtherKeySet { .. } => "S5",
            SealError::SmallOrder => "S6",
            SealError::Unopened => "S7",
            SealError::Content { .. } => "S8",
            SealError::Expired { .. } => "S9",
            SealError::TooLong { .. } => "S10",
            SealError::Replayed => "S11",
            SealError::Full { .. } => "S12",
        }
    }

    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            SealError::Form(_) | SealError::Version { .. } | SealError::Content { .. } => {
                "seal as SEALED.md says, version 1"
            }
            SealError::Size { .. } => "send less at once",
            SealError::KeySet(_) => "ask an enclave that has a second key in its key set",
            SealError::OtherKeySet { .. } | SealError::SmallOrder | SealError::Unopened => {
                "fetch /v1/attestation again, verify it, and seal to the key set that it has"
            }
            SealError::Expired { .. } | SealError::TooLong { .. } => {
                "seal again, to expire within two minutes of the attestation's time"
            }
            SealError::Replayed => "this copy was not evaluated; the first may have been",
            SealError::Full { .. } => "ask again later; none is forgotten before its end",
        }
    }
}
