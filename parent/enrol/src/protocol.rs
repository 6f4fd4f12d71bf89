//! The two calls of an enrolment as JSON (ENROL.md). Bytes are base64 with padding (RFC 4648, 4),
//! names and identifiers hexadecimal in lower case. Requests refuse unknown members; answers may
//! grow. Sizes are bounded here as text, before they are decoded.

use crate::{EnrolError, Submission};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// Bytes in a JSON text.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Base64(pub Vec<u8>);

impl TryFrom<String> for Base64 {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(format!("expected at most {TEXT_BYTES_MAX} bytes of base64"));
        }
        let wrong = |_| "expected base64 with padding".to_owned();
        STANDARD.decode(text).map(Self).map_err(wrong)
    }
}

impl From<Base64> for String {
    fn from(bytes: Base64) -> Self {
        STANDARD.encode(bytes.0)
    }
}

/// `POST /v1/enrol/challenge`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChallengeRequest {
    /// The machine's name.
    pub identity: String,
    /// The operator's permission for it.
    pub token: String,
    /// Certificates of the endorsement key in DER, leaf first.
    pub ek_certificates: Vec<Base64>,
    /// TPMT_PUBLIC.
    pub ek_public: Base64,
    /// TPMT_PUBLIC.
    pub ak_public: Base64,
    /// TPMS_ATTEST of TPM2_CertifyCreation.
    pub creation_attest: Base64,
    /// TPMT_SIGNATURE.
    pub creation_signature: Base64,
    /// TPMS_CREATION_DATA.
    pub creation_data: Base64,
}

impl ChallengeRequest {
    /// The parts that the checks read.
    pub fn submission(&self) -> Submission<'_> {
        Submission {
            ek_certificates: self.ek_certificates.iter().map(|one| one.0.as_slice()).collect(),
            ek_public: &self.ek_public.0,
            ak_public: &self.ak_public.0,
            creation_attest: &self.creation_attest.0,
            creation_signature: &self.creation_signature.0,
            creation_data: &self.creation_data.0,
        }
    }
}

/// Its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChallengeAnswer {
    /// 32 hexadecimal digits.
    pub challenge_id: String,
    /// TPM2B_ID_OBJECT without its length.
    pub credential_blob: Base64,
    /// TPM2B_ENCRYPTED_SECRET without its length.
    pub encrypted_secret: Base64,
    /// The first moment at which no answer is taken, Unix milliseconds.
    pub expires_at: u64,
}

/// `POST /v1/enrol/activate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActivateRequest {
    /// 32 hexadecimal digits.
    pub challenge_id: String,
    /// What TPM2_ActivateCredential gave.
    pub secret: Base64,
}

/// Its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivateAnswer {
    /// The attestation key's certificate in DER.
    pub ak_certificate: Base64,
    /// Issuers above it in DER: the registrar's authority.
    pub chain: Vec<Base64>,
    /// The attestation key's name, hexadecimal.
    pub ak_name: String,
    /// Its qualified name, hexadecimal (T16 of a policy that pins the name).
    pub qualified_name: String,
    /// SHA-256 of the endorsement key's public area, hexadecimal.
    pub ek_hash: String,
}

/// A refusal (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What kind.
    pub r#type: String,
    /// The kind in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened this time.
    pub detail: String,
    /// The check that refused, `T1` to `T12`, `T13` or `T18`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// What was expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual: Option<String>,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Problem {
    /// A problem without a check.
    pub fn new(status: u16, slug: &str, title: &str, detail: impl Into<String>) -> Self {
        Self {
            r#type: format!("{TYPE_PREFIX}{slug}"),
            title: title.to_owned(),
            status,
            detail: detail.into(),
            check: None,
            expected: None,
            actual: None,
            remedy: None,
        }
    }

    /// The same with a remedy.
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

impl From<&EnrolError> for Problem {
    fn from(error: &EnrolError) -> Self {
        // A permission that is missing, a name that is taken, keys that are not good enough, and
        // a fault of the registrar's own.
        let (status, slug, title) = match (error, error.check()) {
            (EnrolError::Authority(_) | EnrolError::Entropy, _) => {
                (500, "internal", "The registrar failed")
            }
            (_, "T12") => (403, "enrolment-not-permitted", "Enrolment is not permitted"),
            (_, "T3") => (409, "enrolment-conflict", "Enrolment conflicts with the registry"),
            _ => (422, "enrolment-refused", "Enrolment is refused"),
        };
        let mut problem = Self::new(status, slug, title, error.to_string()).remedy(error.remedy());
        problem.check = Some(error.check().to_owned());
        (problem.expected, problem.actual) = error.difference().unzip();
        problem
    }
}

/// Longest text of one part, in bytes: a certificate of 4,096.
const TEXT_BYTES_MAX: usize = 5464;
/// Largest request body, in bytes: eight certificates and the rest.
pub const REQUEST_BYTES_MAX: usize = 64 << 10;
/// What every problem type starts with.
pub const TYPE_PREFIX: &str = "urn:probity:problem:";
