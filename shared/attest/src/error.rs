//! Why a document, or a policy, is refused. Every variant knows its check's number, says what was
//! expected and what came, and must never be collapsed into a general "invalid".

use crate::check::Check;
use crate::hex;
use cbor::CborError;

/// Where in the chain a certificate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Position {
    /// Entry of `cabundle`, root first.
    Bundle(usize),
    /// The document's own certificate.
    Leaf,
    /// A root that the policy gives.
    Anchor,
    /// Certificate of an attestation key (0) or of an issuer above it, leaf first.
    AkChain(usize),
}

impl std::fmt::Display for Position {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Position::Bundle(index) => write!(f, "cabundle[{index}]"),
            Position::Leaf => f.write_str("leaf certificate"),
            Position::Anchor => f.write_str("trust anchor"),
            Position::AkChain(index) => write!(f, "AK certificate[{index}]"),
        }
    }
}

/// Who speaks in a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentKind {
    /// A Nitro Enclave, through its NSM.
    Enclave,
    /// An EC2 instance, through its NitroTPM.
    NitroTpm,
}

impl std::fmt::Display for DocumentKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            DocumentKind::Enclave => "Nitro Enclave document",
            DocumentKind::NitroTpm => "NitroTPM document",
        })
    }
}

/// Why a document or a policy is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AttestError {
    /// The bytes are not the CBOR that this place asks for.
    #[error("{check} {what}: {error}")]
    Malformed {
        /// The check that refuses.
        check: Check,
        /// The part of the document.
        what: &'static str,
        /// What the strict reader says.
        error: CborError,
    },
    /// A part of the document, a certificate or the policy has another value than it must have.
    #[error("{check} {what}: expected {expected}, found {actual}")]
    Value {
        /// The check that refuses.
        check: Check,
        /// The part of the document.
        what: String,
        /// What it must be.
        expected: String,
        /// What it is.
        actual: String,
    },
    /// A length or count lies outside its bounds.
    #[error("{check} {what}: expected {min} to {max}, found {actual}")]
    Bounds {
        /// The check that refuses.
        check: Check,
        /// The part of the document.
        what: &'static str,
        /// Least allowed.
        min: u64,
        /// Most allowed.
        max: u64,
        /// What came.
        actual: u64,
    },
    /// A field that must be there is not.
    #[error("{check} expected a field {field}, found none")]
    MissingField {
        /// The check that refuses.
        check: Check,
        /// The field.
        field: &'static str,
    },
    /// A map key stands twice.
    #[error("{check} {what}: expected each key once, found {key} again")]
    DuplicateKey {
        /// The check that refuses.
        check: Check,
        /// The map.
        what: &'static str,
        /// The key.
        key: String,
    },
    /// The chain does not start at a trust anchor.
    #[error("N22 root: expected one of [{}], found SHA-256 {}", expected.join(", "), hex(actual))]
    UntrustedRoot {
        /// Names and fingerprints of the policy's anchors.
        expected: Vec<String>,
        /// SHA-256 of the DER that came.
        actual: [u8; 32],
    },
    /// A certificate breaks a rule.
    #[error("{check} {at}: expected {expected}, found {actual}")]
    Certificate {
        /// The check that refuses.
        check: Check,
        /// Which certificate.
        at: Position,
        /// The rule.
        expected: &'static str,
        /// What the certificate says.
        actual: String,
    },
    /// A certificate's signature is not by the one before it.
    #[error("N24 {at}: expected a signature by {issuer}, found one that does not verify")]
    CertificateSignature {
        /// Which certificate.
        at: Position,
        /// The certificate that should have signed it.
        issuer: Position,
    },
    /// A certificate's validity has not begun.
    #[error("N28 {at}: expected a time not before {not_before_ms} ms, found {time_ms} ms")]
    NotYetValid {
        /// Which certificate.
        at: Position,
        /// First valid moment, Unix milliseconds.
        not_before_ms: u64,
        /// The moment asked for, Unix milliseconds.
        time_ms: u64,
    },
    /// A certificate's validity has ended.
    #[error("N28 {at}: expected a time not after {not_after_ms} ms, found {time_ms} ms")]
    Expired {
        /// Which certificate.
        at: Position,
        /// Last valid moment, Unix milliseconds.
        not_after_ms: u64,
        /// The moment asked for, Unix milliseconds.
        time_ms: u64,
    },
    /// A certificate is on the policy's revocation list.
    #[error("N30 {at}: expected a certificate that is not revoked, found serial {serial}")]
    Revoked {
        /// Which certificate.
        at: Position,
        /// Its serial number, hexadecimal.
        serial: String,
    },
    /// The leaf's key did not sign this document.
    #[error(
        "N32 expected a signature by the leaf certificate's key, found one that does not verify"
    )]
    DocumentSignature,
    /// Another kind of document.
    #[error("N33 expected a {expected}, found a {actual}")]
    Kind {
        /// What the policy accepts.
        expected: DocumentKind,
        /// What came.
        actual: DocumentKind,
    },
    /// A PCR that the policy needs is not in the document.
    #[error("{check} expected PCR{index} in the document, found none")]
    PcrMissing {
        /// The check that refuses.
        check: Check,
        /// The register.
        index: u8,
    },
    /// A PCR has another value than the policy accepts.
    #[error("{check} PCR{index}: expected {expected}, found {actual}")]
    PcrMismatch {
        /// The check that refuses.
        check: Check,
        /// The register.
        index: u8,
        /// Accepted values with their release, hexadecimal.
        expected: String,
        /// The document's value, hexadecimal.
        actual: String,
    },
    /// The enclave runs in debug mode.
    #[error("N36 PCR{index}: expected a measurement, found 48 zero bytes (debug mode)")]
    Debug {
        /// The first zero register among 0, 1 and 2.
        index: u8,
    },
    /// The document is too old to be live.
    #[error("N40 expected an age of at most {max_ms} ms, found {actual_ms} ms")]
    TooOld {
        /// The policy's limit.
        max_ms: u64,
        /// The document's age.
        actual_ms: u64,
    },
    /// The document is from the future.
    #[error("N40 expected a timestamp at most {max_ms} ms ahead, found {actual_ms} ms")]
    FromTheFuture {
        /// The tolerance.
        max_ms: u64,
        /// How far ahead the document is.
        actual_ms: u64,
    },
    /// A TPM structure or an event log ends inside a field.
    #[error("{check} {what}: expected {needed} more bytes at byte {at}, found {left}")]
    Truncated {
        /// The check that refuses.
        check: Check,
        /// The structure.
        what: &'static str,
        /// Offset of the field.
        at: usize,
        /// Bytes that the field takes.
        needed: u64,
        /// Bytes that are left.
        left: u64,
    },
    /// The attestation key did not sign this quote.
    #[error("T18 expected a signature by the attestation key, found one that does not verify")]
    QuoteSignature,
    /// A register that the policy reads is not among those that the quote signs.
    #[error("T19 expected PCR{index} in the signed selection, found {selected:?}")]
    NotSelected {
        /// The register.
        index: u8,
        /// The registers that are signed.
        selected: Vec<u8>,
    },
    /// The event log leads to another value than the quoted one.
    #[error(
        "T25 PCR{index}: expected a log that replays to {}, found one that replays to {}",
        hex(expected),
        hex(actual)
    )]
    Replay {
        /// The register.
        index: u8,
        /// The quoted value.
        expected: Vec<u8>,
        /// The replayed value.
        actual: Vec<u8>,
    },
    /// The document's timestamp lies outside its leaf certificate's validity.
    #[error(
        "N41 expected a timestamp from {not_before_ms} to {not_after_ms} ms, found {actual_ms} ms"
    )]
    OutsideLeaf {
        /// Start of the leaf's validity.
        not_before_ms: u64,
        /// End of the leaf's validity.
        not_after_ms: u64,
        /// The document's timestamp.
        actual_ms: u64,
    },
}

impl AttestError {
    /// The number of the check that refused, as in `N34`.
    pub fn check(&self) -> &'static str {
        self.check_id().as_str()
    }

    /// What the user should do.
    pub fn remedy(&self) -> &'static str {
        self.check_id().remedy()
    }

    /// The check that refused.
    pub fn check_id(&self) -> Check {
        match self {
            AttestError::Malformed { check, .. }
            | AttestError::Value { check, .. }
            | AttestError::Bounds { check, .. }
            | AttestError::MissingField { check, .. }
            | AttestError::DuplicateKey { check, .. }
            | AttestError::Certificate { check, .. }
            | AttestError::PcrMissing { check, .. }
            | AttestError::Truncated { check, .. }
            | AttestError::PcrMismatch { check, .. } => *check,
            AttestError::UntrustedRoot { .. } => Check::n(22),
            AttestError::CertificateSignature { .. } => Check::n(24),
            AttestError::NotYetValid { .. } | AttestError::Expired { .. } => Check::n(28),
            AttestError::Revoked { .. } => Check::n(30),
            AttestError::DocumentSignature => Check::n(32),
            AttestError::Kind { .. } => Check::n(33),
            AttestError::Debug { .. } => Check::n(36),
            AttestError::TooOld { .. } | AttestError::FromTheFuture { .. } => Check::n(40),
            AttestError::OutsideLeaf { .. } => Check::n(41),
            AttestError::QuoteSignature => Check::t(18),
            AttestError::NotSelected { .. } => Check::t(19),
            AttestError::Replay { .. } => Check::t(25),
        }
    }

    /// A CBOR error at `what`; depth and item limits are always N8's.
    pub(crate) fn malformed(number: u8, what: &'static str) -> impl Fn(CborError) -> Self {
        move |error| {
            let limit = matches!(error, CborError::Depth { .. } | CborError::Items { .. });
            let check = Check::n(if limit { 8 } else { number });
            AttestError::Malformed { check, what, error }
        }
    }

    pub(crate) fn value(
        number: u8,
        what: impl Into<String>,
        expected: impl Into<String>,
        actual: impl Into<String>,
    ) -> Self {
        Self::refuse(Check::n(number), what, expected, actual)
    }

    pub(crate) fn refuse(
        check: Check,
        what: impl Into<String>,
        expected: impl Into<String>,
        actual: impl Into<String>,
    ) -> Self {
        let (what, expected, actual) = (what.into(), expected.into(), actual.into());
        AttestError::Value { check, what, expected, actual }
    }

    /// Refuses a length or count outside `min..=max`.
    pub(crate) fn within(
        check: Check,
        what: &'static str,
        actual: u64,
        min: u64,
        max: u64,
    ) -> Result<(), Self> {
        if (min..=max).contains(&actual) {
            return Ok(());
        }
        Err(AttestError::Bounds { check, what, min, max, actual })
    }
}
