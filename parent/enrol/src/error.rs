//! Why an enrolment is refused. Each refusal knows its check, what was expected, what came and
//! what to do; none must ever carry a secret, a token or a private key.

use attest::AttestError;

/// Why an enrolment is refused, or could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnrolError {
    /// A part has another value than it must have.
    #[error("{check} {what}: expected {expected}, found {actual}")]
    Refused {
        /// The check that refuses, `T1` to `T12`.
        check: &'static str,
        /// The part.
        what: String,
        /// What it must be.
        expected: String,
        /// What it is.
        actual: String,
    },
    /// The attestation key's public area or signature is refused (T4 to T6, T13, T18).
    #[error("{0}")]
    Key(#[from] AttestError),
    /// The random bytes that the caller gave hold no private number of the curve.
    #[error("T9 random bytes: expected a number below the curve's order, found none")]
    Entropy,
    /// The authority's key or a certificate could not be made.
    #[error("certificate authority: {0}")]
    Authority(String),
}

impl EnrolError {
    /// The number of the check that refused; T12 where the fault is the registrar's own.
    pub fn check(&self) -> &'static str {
        match self {
            EnrolError::Refused { check, .. } => check,
            EnrolError::Key(error) => error.check(),
            EnrolError::Entropy => "T9",
            EnrolError::Authority(_) => "T12",
        }
    }

    /// What was expected, and what came, where the refusal is about a value.
    pub fn difference(&self) -> Option<(String, String)> {
        match self {
            EnrolError::Refused { expected, actual, .. }
            | EnrolError::Key(AttestError::Value { expected, actual, .. }) => {
                Some((expected.clone(), actual.clone()))
            }
            EnrolError::Key(AttestError::Bounds { min, max, actual, .. }) => {
                Some((format!("{min} to {max}"), actual.to_string()))
            }
            _ => None,
        }
    }

    /// What the operator or the device can do about it.
    pub fn remedy(&self) -> &'static str {
        if let EnrolError::Key(error) = self {
            return error.remedy();
        }
        let check = self.check();
        let found = REMEDIES.iter().find(|(known, _)| *known == check);
        found.map_or("start the enrolment again", |(_, remedy)| remedy)
    }

    pub(crate) fn refuse(
        check: &'static str,
        what: impl Into<String>,
        expected: impl Into<String>,
        actual: impl Into<String>,
    ) -> Self {
        let (what, expected, actual) = (what.into(), expected.into(), actual.into());
        EnrolError::Refused { check, what, expected, actual }
    }

    /// Refuses a length or count outside `min..=max`.
    pub(crate) fn within(
        check: &'static str,
        what: &'static str,
        actual: usize,
        (min, max): (usize, usize),
    ) -> Result<(), Self> {
        match (min..=max).contains(&actual) {
            true => Ok(()),
            false => Err(Self::refuse(check, what, format!("{min} to {max}"), actual.to_string())),
        }
    }
}

const REMEDIES: [(&str, &str); 7] = [
    (
        "T1",
        "send the EK certificate with the issuers above it, leaf first; if its vendor is meant to \
         be trusted, add its root or intermediate: `probity registrar init --ek-root FILE`",
    ),
    (
        "T2",
        "use the endorsement key that its certificate names, made from the TCG's template: \
         RSA 2048 (L-1), P-256 (L-2) or P-384 (H-3)",
    ),
    (
        "T3",
        "an identity keeps its endorsement key: give a machine with another TPM another identity, \
         and revoke this one if its machine is gone",
    ),
    (
        "T7",
        "have the TPM certify the key's creation with the key itself (TPM2_CertifyCreation) and \
         send its structures untouched",
    ),
    ("T9", "start the enrolment again, with the same TPM and attestation key"),
    ("T10", "start the enrolment again: a challenge is answered once, within its time"),
    ("T12", "have the registrar's operator issue a token for this identity and use it in time"),
];
