//! One certificate of an endorsement key's chain (T1): version 3, one known signature algorithm,
//! each extension once, none critical that is not understood. Signatures are verified over the
//! received bytes; nothing is encoded again, for vendors' certificates are not all canonical.

use crate::EnrolError;
use crate::key::{Algorithm, PublicKey};
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::oid::AssociatedOid;
use x509_cert::der::{Decode, Encode, Header, Reader, SliceReader};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAltName};
use x509_cert::{TbsCertificate, Version};

/// A certificate that was read; its signature and its place are not judged yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Certificate {
    /// For messages.
    pub(crate) at: String,
    pub(crate) der: Vec<u8>,
    signed: Vec<u8>,
    signature: Vec<u8>,
    /// Absent where it is not known: a root's own signature is not asked for.
    algorithm: Option<Algorithm>,
    algorithm_name: String,
    pub(crate) serial: Vec<u8>,
    pub(crate) issuer: Vec<u8>,
    pub(crate) subject: Vec<u8>,
    pub(crate) not_before_ms: u64,
    pub(crate) not_after_ms: u64,
    pub(crate) key: PublicKey,
    pub(crate) constraints: Option<BasicConstraints>,
    pub(crate) key_usage: Option<KeyUsage>,
    pub(crate) purposes: Option<Vec<ObjectIdentifier>>,
    pub(crate) alternative: Option<Alternative>,
}

/// What subjectAltName says of the TPM, where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Alternative {
    pub(crate) critical: bool,
    /// Attributes of the directory names, DER values as text.
    pub(crate) attributes: Option<Vec<(ObjectIdentifier, String)>>,
}

impl Certificate {
    pub(crate) fn parse(der: &[u8], at: impl Into<String>) -> Result<Self, EnrolError> {
        let at = at.into();
        let refuse = |expected: &str, actual: String| refused(&at, expected, actual);
        EnrolError::within("T1", "EK certificate bytes", der.len(), (1, CERTIFICATE_BYTES_MAX))?;
        let parsed = x509_cert::Certificate::from_der(der)
            .map_err(|error| refuse("a DER certificate with no remainder", error.to_string()))?;
        let tbs = parsed.tbs_certificate();
        if tbs.version() != Version::V3 {
            return Err(refuse("version 3", format!("{:?}", tbs.version())));
        }
        if tbs.signature() != parsed.signature_algorithm() {
            return Err(refuse("one algorithm in both fields", "two".into()));
        }
        check_extensions(tbs, &at)?;
        let signature = parsed.signature().as_bytes();
        let signature =
            signature.ok_or_else(|| refuse("a signature of whole bytes", "unused bits".into()))?;
        let key = PublicKey::of(tbs.subject_public_key_info())
            .map_err(|actual| refuse("an RSA, P-256 or P-384 key", actual))?;
        let alternative = extension::<SubjectAltName>(tbs, &at)?;
        Ok(Self {
            der: der.to_vec(),
            signed: signed_part(der)
                .map_err(|error| refuse("a TBSCertificate", error.to_string()))?
                .to_vec(),
            signature: signature.to_vec(),
            algorithm: Algorithm::of(tbs.signature()),
            algorithm_name: tbs.signature().oid.to_string(),
            serial: tbs.serial_number().as_bytes().to_vec(),
            issuer: tbs.issuer().to_der().map_err(|e| refuse("an issuer", e.to_string()))?,
            subject: tbs.subject().to_der().map_err(|e| refuse("a subject", e.to_string()))?,
            not_before_ms: unix_ms(&tbs.validity().not_before),
            not_after_ms: unix_ms(&tbs.validity().not_after),
            key,
            constraints: extension::<BasicConstraints>(tbs, &at)?.map(|(_, value)| value),
            key_usage: extension::<KeyUsage>(tbs, &at)?.map(|(_, value)| value),
            purposes: extension::<ExtendedKeyUsage>(tbs, &at)?.map(|(_, usage)| usage.0),
            alternative: alternative
                .map(|(critical, names)| Alternative { critical, attributes: attributes(&names) }),
            at,
        })
    }

    /// Refuses a certificate that `issuer`'s key did not sign.
    pub(crate) fn check_signed_by(&self, issuer: &Certificate) -> Result<(), EnrolError> {
        let Some(algorithm) = self.algorithm else {
            let expected = "RSA (PKCS #1 v1.5) or ECDSA, with SHA-256 or better";
            return Err(refused(&self.at, expected, self.algorithm_name.clone()));
        };
        match issuer.key.signed(algorithm, &self.signed, &self.signature) {
            true => Ok(()),
            false => {
                let expected = format!("a signature by {}", issuer.at);
                Err(refused(&self.at, &expected, "one that does not verify".into()))
            }
        }
    }
}

pub(crate) fn refused(at: &str, expected: &str, actual: String) -> EnrolError {
    EnrolError::refuse("T1", at, expected, actual)
}

fn check_extensions(tbs: &TbsCertificate, at: &str) -> Result<(), EnrolError> {
    let extensions = tbs.extensions().map_or(&[][..], |all| all);
    for (index, extension) in extensions.iter().enumerate() {
        let name = extension.extn_id;
        if extensions[..index].iter().any(|before| before.extn_id == name) {
            return Err(refused(at, "each extension once", format!("{name} twice")));
        }
        if extension.critical && !UNDERSTOOD.contains(&name) {
            let expected = "no critical extension that is not understood";
            return Err(refused(at, expected, format!("critical {name}")));
        }
    }
    Ok(())
}

fn extension<'t, T>(tbs: &'t TbsCertificate, at: &str) -> Result<Option<(bool, T)>, EnrolError>
where
    T: Decode<'t, Error = x509_cert::der::Error> + AssociatedOid,
{
    let extensions = tbs.extensions().map_or(&[][..], |all| all);
    let Some(found) = extensions.iter().find(|one| one.extn_id == T::OID) else {
        return Ok(None);
    };
    let value = T::from_der(found.extn_value.as_bytes()).map_err(|error| {
        refused(at, "an extension that can be read", format!("{}: {error}", T::OID))
    })?;
    Ok(Some((found.critical, value)))
}

/// The attributes of all directory names; `None` where there is no such name.
fn attributes(names: &SubjectAltName) -> Option<Vec<(ObjectIdentifier, String)>> {
    let mut found = None;
    for name in &names.0 {
        let GeneralName::DirectoryName(name) = name else { continue };
        let attributes: &mut Vec<_> = found.get_or_insert_default();
        for attribute in name.iter().take(ATTRIBUTES_MAX) {
            let text = String::from_utf8_lossy(attribute.value.value());
            let text = text.chars().filter(|c| !c.is_control()).take(TEXT_CHARS_MAX).collect();
            attributes.push((attribute.oid, text));
        }
    }
    found
}

/// The received bytes of the TBSCertificate, head and content.
fn signed_part(der: &[u8]) -> x509_cert::der::Result<&[u8]> {
    let mut reader = SliceReader::new(der)?;
    Header::decode(&mut reader)?;
    reader.tlv_bytes()
}

fn unix_ms(time: &x509_cert::time::Time) -> u64 {
    // DER times end in the year 9999: the seconds fit with room to spare.
    time.to_unix_duration().as_secs().saturating_mul(1000)
}

/// keyUsage, subjectAltName (critical where the subject is empty: it then holds the directory name
/// with the TPM's make), basicConstraints, certificatePolicies (none is asked for), extKeyUsage.
const UNDERSTOOD: [ObjectIdentifier; 5] = [
    ObjectIdentifier::new_unwrap("2.5.29.15"),
    ObjectIdentifier::new_unwrap("2.5.29.17"),
    ObjectIdentifier::new_unwrap("2.5.29.19"),
    ObjectIdentifier::new_unwrap("2.5.29.32"),
    ObjectIdentifier::new_unwrap("2.5.29.37"),
];
pub(crate) const CERTIFICATE_BYTES_MAX: usize = 4096;
/// Attributes of a name that are looked at.
const ATTRIBUTES_MAX: usize = 16;
/// Longest text that is kept of one, in characters.
const TEXT_CHARS_MAX: usize = 64;
