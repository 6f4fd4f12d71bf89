//! Identities and tokens: who may enrol (T12), and that an identity's endorsement key never
//! changes (T3). These are rules over records; where records are kept is the caller's affair. A
//! token's text must never be in a record, only its hash names it.

use crate::{AkCertificate, Candidate, EnrolError, hex};
use serde::{Deserialize, Serialize};

/// The name of a machine in the registry: 1 to 64 of `A-Z a-z 0-9 . _ -`, beginning with a letter
/// or digit. It goes into file names and certificates.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Identity(String);

impl Identity {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Identity> for String {
    fn from(identity: Identity) -> Self {
        identity.0
    }
}

impl TryFrom<String> for Identity {
    type Error = EnrolError;

    fn try_from(text: String) -> Result<Self, EnrolError> {
        let is_first = text.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
        let is_known = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
        if is_first && text.len() <= IDENTITY_BYTES_MAX && text.bytes().all(|byte| is_known(&byte))
        {
            return Ok(Self(text));
        }
        let expected = "1 to 64 of A-Z a-z 0-9 . _ -, beginning with a letter or digit";
        let actual: String = text.chars().take(IDENTITY_BYTES_MAX).collect();
        Err(EnrolError::refuse("T12", "identity", expected, format!("{actual:?}")))
    }
}

impl std::str::FromStr for Identity {
    type Err = EnrolError;

    fn from_str(text: &str) -> Result<Self, EnrolError> {
        Self::try_from(text.to_owned())
    }
}

/// A permission to enrol one machine once. It is known by the hash of its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// 1.
    pub version: u8,
    /// Which machine.
    pub identity: Identity,
    /// When it was issued, Unix milliseconds.
    pub issued_at_ms: u64,
    /// The first moment at which it is no longer good, Unix milliseconds.
    pub expires_at_ms: u64,
    /// What it was used for.
    pub used: Option<Used>,
}

/// The keys that a token enrolled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Used {
    /// SHA-256 of the endorsement key's public area, hexadecimal.
    pub ek_hash: String,
    /// The attestation key's name, hexadecimal.
    pub ak_name: String,
    /// Serial number of the certificate that it gave, hexadecimal.
    pub serial: String,
    /// When, Unix milliseconds.
    pub at_ms: u64,
}

impl Token {
    /// A token, and its text, which is shown once.
    pub fn issue(
        identity: Identity,
        random: &[u8; TOKEN_BYTES],
        now_ms: u64,
        valid_ms: u64,
    ) -> (String, Self) {
        let expires_at_ms = now_ms.saturating_add(valid_ms.min(TOKEN_MS_MAX));
        (
            hex(random),
            Self { version: 1, identity, issued_at_ms: now_ms, expires_at_ms, used: None },
        )
    }

    /// The name under which the token with this text is kept. Whoever reads it cannot use it.
    pub fn key(text: &str) -> Result<String, EnrolError> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() != 2 * TOKEN_BYTES || !text.bytes().all(is_digit) {
            let expected = "64 hexadecimal digits, lower case";
            return Err(EnrolError::refuse("T12", "token", expected, "another form"));
        }
        Ok(hex(&crate::kdf::Hash::Sha256.digest(&[TOKEN_TAG, text.as_bytes()])))
    }

    /// What every unknown token is told.
    pub fn unknown() -> EnrolError {
        EnrolError::refuse("T12", "token", "one that the registrar issued", "an unknown one")
    }

    /// T12: is it good now, and for this identity?
    pub fn admit(&self, identity: &Identity, now_ms: u64) -> Result<(), EnrolError> {
        if self.identity != *identity {
            // Not which one: a token that leaked says no names.
            let expected = "a token of this identity";
            return Err(EnrolError::refuse("T12", "token", expected, "another identity's"));
        }
        if now_ms >= self.expires_at_ms {
            let expected = format!("a moment before {} ms", self.expires_at_ms);
            return Err(EnrolError::refuse("T12", "token", expected, format!("{now_ms} ms")));
        }
        Ok(())
    }

    /// T12: not used, or used for just these keys by a device that lost the answer. Then it gives
    /// that one certificate again (`true`), while it is the identity's and valid, and never a new
    /// one. `record` is the identity's.
    pub fn check_use(
        &self,
        record: Option<&Record>,
        candidate: &Candidate,
        now_ms: u64,
    ) -> Result<bool, EnrolError> {
        let Some(used) = &self.used else { return Ok(false) };
        let is_current = record.is_some_and(|record| {
            record.holds(candidate) && record.serial == used.serial && now_ms < record.expires_at_ms
        });
        match used.is_for(candidate) && is_current {
            true => Ok(true),
            false => {
                let (expected, actual) = ("a token that was not used", "one that was");
                Err(EnrolError::refuse("T12", "token", expected, actual))
            }
        }
    }
}

impl Used {
    /// By these keys, now, for the certificate of that record.
    pub fn by(candidate: &Candidate, record: &Record, now_ms: u64) -> Self {
        let (ek_hash, ak_name) = (hex(candidate.ek().hash()), hex(candidate.ak_name()));
        Self { ek_hash, ak_name, serial: record.serial.clone(), at_ms: now_ms }
    }

    fn is_for(&self, candidate: &Candidate) -> bool {
        self.ek_hash == hex(candidate.ek().hash()) && self.ak_name == hex(candidate.ak_name())
    }
}

/// What is known of a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// 1.
    pub version: u8,
    /// Its name.
    pub identity: Identity,
    /// SHA-256 of its endorsement key's public area, hexadecimal. It never changes.
    pub ek_hash: String,
    /// The registrar's root that its endorsement certificate leads to.
    pub ek_root: String,
    /// What its certificate says of the TPM: manufacturer, model, firmware version.
    pub tpm: [Option<String>; 3],
    /// Its attestation key's name, hexadecimal.
    pub ak_name: String,
    /// The qualified name of that key, hexadecimal.
    pub qualified_name: String,
    /// Serial number of the certificate, hexadecimal.
    pub serial: String,
    /// The attestation key's certificate, DER in base64.
    pub certificate: String,
    /// Until when the certificate is valid, Unix milliseconds.
    pub expires_at_ms: u64,
    /// When it was enrolled last, Unix milliseconds.
    pub enrolled_at_ms: u64,
    /// Certificates that it had before.
    pub superseded: Vec<Superseded>,
    /// Whether and why it is no longer believed.
    pub revoked: Option<Revocation>,
}

/// A certificate that a later one took the place of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Superseded {
    /// The attestation key's name, hexadecimal.
    pub ak_name: String,
    /// Serial number, hexadecimal.
    pub serial: String,
    /// When, Unix milliseconds.
    pub at_ms: u64,
}

/// The end of an identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// When, Unix milliseconds.
    pub at_ms: u64,
    /// Why, in the operator's words.
    pub reason: String,
}

impl Record {
    /// The record of a machine after an activation. `before` is its record until now, which
    /// [`Record::admit`] let pass.
    pub fn after(
        before: Option<Record>,
        identity: Identity,
        candidate: &Candidate,
        (certificate, base64): (&AkCertificate, String),
        now_ms: u64,
    ) -> Self {
        let mut superseded = Vec::new();
        if let Some(before) = before {
            superseded = before.superseded;
            let (ak_name, serial) = (before.ak_name, before.serial);
            superseded.push(Superseded { ak_name, serial, at_ms: now_ms });
        }
        let tpm = candidate.ek_identity().clone();
        Self {
            version: 1,
            identity,
            ek_hash: hex(candidate.ek().hash()),
            ek_root: tpm.root,
            tpm: [tpm.manufacturer, tpm.model, tpm.version],
            ak_name: hex(candidate.ak_name()),
            qualified_name: hex(candidate.qualified_name()),
            serial: hex(&certificate.serial),
            certificate: base64,
            expires_at_ms: certificate.not_after_ms,
            enrolled_at_ms: now_ms,
            superseded,
            revoked: None,
        }
    }

    /// T3 and T12: may these keys be enrolled under this record's own identity?
    pub fn admit(&self, candidate: &Candidate) -> Result<(), EnrolError> {
        if let Some(revoked) = &self.revoked {
            let actual = format!("revoked at {} ms", revoked.at_ms);
            let expected = "an identity that is not revoked";
            return Err(EnrolError::refuse("T12", "identity", expected, actual));
        }
        let found = hex(candidate.ek().hash());
        if self.ek_hash != found {
            // Not which one: it is another machine's.
            let expected = "the endorsement key that this identity has";
            return Err(EnrolError::refuse("T3", "EK hash", expected, found));
        }
        EnrolError::within(
            "T3",
            "attestation keys of one identity",
            self.superseded.len() + 1,
            (1, SUPERSEDED_MAX),
        )
    }

    /// T3, seen from another identity: an endorsement key has one identity at a time, and an
    /// attestation key has one for ever. A TPM with several endorsement keys is several machines
    /// here, as long as each enrols an attestation key of its own.
    pub fn admit_other(
        &self,
        identity: &Identity,
        candidate: &Candidate,
    ) -> Result<(), EnrolError> {
        let is_same = self.ek_hash == hex(candidate.ek().hash());
        if is_same && self.identity != *identity && self.revoked.is_none() {
            let expected = "an endorsement key under one identity";
            let actual = "one that is enrolled under another";
            return Err(EnrolError::refuse("T3", "EK", expected, actual));
        }
        let name = hex(candidate.ak_name());
        let had = self.superseded.iter().any(|before| before.ak_name == name);
        if self.identity != *identity && (had || self.ak_name == name) {
            let expected = "an attestation key that no other identity has or had";
            return Err(EnrolError::refuse("T3", "AK name", expected, name));
        }
        Ok(())
    }

    /// Whether this record is what enrolling these keys would give again.
    pub fn holds(&self, candidate: &Candidate) -> bool {
        self.ek_hash == hex(candidate.ek().hash()) && self.ak_name == hex(candidate.ak_name())
    }
}

/// Longest identity, in bytes.
pub const IDENTITY_BYTES_MAX: usize = 64;
/// Random bytes of a token.
pub const TOKEN_BYTES: usize = 32;
/// Longest time for which a token is good, in milliseconds: 30 days.
pub const TOKEN_MS_MAX: u64 = 30 * 86_400_000;
const TOKEN_TAG: &[u8] = b"probity/v1/enrolment-token\0";
/// Most attestation keys that one identity can have had.
const SUPERSEDED_MAX: usize = 256;
