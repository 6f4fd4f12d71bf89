//! One certificate of an attestation key's chain, read strictly (check T8): canonical DER,
//! version 3, RSA or ECDSA with SHA-256 or better, no repeated and no unknown critical extension.
//! The Nitro chain has one algorithm and is judged by [`crate::certificate`]; vendors' TPM chains
//! have several. A signature is verified only over the received bytes.

use crate::Check;
use crate::certificate::{encoded, refuse_by, signed_part, unix_ms};
use crate::error::{AttestError, Position};
use crate::tpm::HashAlgorithm;
use crate::tpm::key::PublicKey;
use crate::tpm::signature::{Scheme, SchemeKind};
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::oid::AssociatedOid;
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage};
use x509_cert::spki::AlgorithmIdentifierOwned;
use x509_cert::{TbsCertificate, Version};

/// A strict certificate; its signature and its place in a chain are not judged yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AkCertificate {
    pub(crate) at: Position,
    signed: Vec<u8>,
    signature: Vec<u8>,
    scheme: Scheme,
    pub(crate) serial: Vec<u8>,
    pub(crate) issuer: Vec<u8>,
    pub(crate) subject: Vec<u8>,
    pub(crate) not_before_ms: u64,
    pub(crate) not_after_ms: u64,
    pub(crate) key: PublicKey,
    pub(crate) constraints: Option<(bool, BasicConstraints)>,
    pub(crate) key_usage: Option<KeyUsage>,
    /// Purposes, where the certificate limits them.
    pub(crate) purposes: Option<Vec<ObjectIdentifier>>,
}

impl AkCertificate {
    pub(crate) fn parse(der: &[u8], at: Position) -> Result<Self, AttestError> {
        let refuse = |expected, actual| refuse(at, expected, actual);
        let size = der.len() as u64;
        AttestError::within(Check::t(13), "AK certificate bytes", size, 1, CERTIFICATE_BYTES_MAX)?;
        let parsed = x509_cert::Certificate::from_der(der)
            .map_err(|error| refuse("a DER certificate with no remainder", error.to_string()))?;
        if parsed.to_der().map_or(true, |again| again != der) {
            return Err(refuse("canonical DER", "another encoding of the same values".to_owned()));
        }
        let tbs = parsed.tbs_certificate();
        if tbs.version() != Version::V3 {
            return Err(refuse("version 3", format!("{:?}", tbs.version())));
        }
        if tbs.signature() != parsed.signature_algorithm() {
            return Err(refuse("one algorithm in both fields", "two".to_owned()));
        }
        let scheme = signature_scheme(tbs.signature()).ok_or_else(|| {
            let expected = "RSA (PKCS #1 v1.5) or ECDSA, with SHA-256 or better";
            refuse(expected, tbs.signature().oid.to_string())
        })?;
        let signature = parsed
            .signature()
            .as_bytes()
            .ok_or_else(|| refuse("a signature of whole bytes", "unused bits".to_owned()))?;
        check_extensions(tbs, at)?;
        let purposes = extension::<ExtendedKeyUsage>(tbs, at)?.map(|(_, usage)| usage.0);
        Ok(Self {
            at,
            signed: signed_part(der).map_err(|error| refuse("a TBSCertificate", error))?.to_vec(),
            signature: signature.to_vec(),
            scheme,
            serial: tbs.serial_number().as_bytes().to_vec(),
            issuer: encoded(tbs.issuer()),
            subject: encoded(tbs.subject()),
            not_before_ms: unix_ms(&tbs.validity().not_before),
            not_after_ms: unix_ms(&tbs.validity().not_after),
            key: PublicKey::of_info(tbs.subject_public_key_info())?,
            constraints: extension(tbs, at)?,
            key_usage: extension::<KeyUsage>(tbs, at)?.map(|(_, usage)| usage),
            purposes,
        })
    }

    /// Whether `issuer`'s key signed the received bytes.
    pub(crate) fn is_signed_by(&self, issuer: &AkCertificate) -> bool {
        issuer.key.signed_der(&self.signed, self.scheme, &self.signature)
    }
}

pub(crate) fn refuse(at: Position, expected: &'static str, actual: String) -> AttestError {
    refuse_by(Check::t(8), at, expected, actual)
}

fn signature_scheme(algorithm: &AlgorithmIdentifierOwned) -> Option<Scheme> {
    use HashAlgorithm::{Sha256, Sha384, Sha512};
    let (kind, hash) = match algorithm.oid {
        SHA256_WITH_RSA => (SchemeKind::RsaSsa, Sha256),
        SHA384_WITH_RSA => (SchemeKind::RsaSsa, Sha384),
        SHA512_WITH_RSA => (SchemeKind::RsaSsa, Sha512),
        ECDSA_WITH_SHA256 => (SchemeKind::Ecdsa, Sha256),
        ECDSA_WITH_SHA384 => (SchemeKind::Ecdsa, Sha384),
        _ => return None,
    };
    // RFC 4055: NULL for RSA; RFC 5758: absent for ECDSA.
    let parameters = algorithm.parameters.as_ref();
    let right = match kind {
        SchemeKind::Ecdsa => parameters.is_none(),
        SchemeKind::RsaSsa | SchemeKind::RsaPss => parameters.is_some_and(|any| any.is_null()),
    };
    right.then_some(Scheme { kind, hash })
}

fn check_extensions(tbs: &TbsCertificate, at: Position) -> Result<(), AttestError> {
    let extensions = tbs.extensions().map_or(&[][..], |all| all);
    for (index, extension) in extensions.iter().enumerate() {
        let name = extension.extn_id;
        if extensions[..index].iter().any(|before| before.extn_id == name) {
            return Err(refuse(at, "each extension once", format!("{name} twice")));
        }
        if extension.critical && !UNDERSTOOD.contains(&name) {
            let expected = "no critical extension that is not understood";
            return Err(refuse(at, expected, format!("critical {name}")));
        }
    }
    Ok(())
}

fn extension<'t, T>(tbs: &'t TbsCertificate, at: Position) -> Result<Option<(bool, T)>, AttestError>
where
    T: Decode<'t, Error = x509_cert::der::Error> + Encode + AssociatedOid,
{
    let extensions = tbs.extensions().map_or(&[][..], |all| all);
    let Some(found) = extensions.iter().find(|one| one.extn_id == T::OID) else {
        return Ok(None);
    };
    let der = found.extn_value.as_bytes();
    let value = T::from_der(der).map_err(|error| {
        refuse(at, "an extension that can be read", format!("{}: {error}", T::OID))
    })?;
    if value.to_der().map_or(true, |again| again != der) {
        let actual = format!("{}: another encoding of the same value", T::OID);
        return Err(refuse(at, "an extension in canonical DER", actual));
    }
    Ok(Some((found.critical, value)))
}

const SHA256_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const SHA384_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12");
const SHA512_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13");
const ECDSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_WITH_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
/// keyUsage, subjectAltName (critical where the subject is empty),
/// basicConstraints, certificatePolicies (no policy is asked for), extKeyUsage.
const UNDERSTOOD: [ObjectIdentifier; 5] = [
    ObjectIdentifier::new_unwrap("2.5.29.15"),
    ObjectIdentifier::new_unwrap("2.5.29.17"),
    ObjectIdentifier::new_unwrap("2.5.29.19"),
    ObjectIdentifier::new_unwrap("2.5.29.32"),
    ObjectIdentifier::new_unwrap("2.5.29.37"),
];
const CERTIFICATE_BYTES_MAX: u64 = 4096;
