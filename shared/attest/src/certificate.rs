//! One certificate, read strictly (checks N23 and N27): DER that is its own re-encoding, version 3,
//! ecdsa-with-SHA384, an uncompressed P-384 key, no repeated and no unknown critical extension.
//! It must never accept two encodings of one certificate, and it verifies a signature only over
//! the received bytes.

use crate::error::{AttestError, Position};
use crate::{Check, hex};
use ring::signature::{ECDSA_P384_SHA384_ASN1, UnparsedPublicKey};
use sha2::{Digest, Sha256};
use x509_cert::Version;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Any, Decode, Encode, Reader, SliceReader};
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage};

/// A strict certificate; its signature and its place in a chain are not judged yet.
#[derive(Debug)]
pub(crate) struct Certificate<'a> {
    pub(crate) at: Position,
    pub(crate) der: &'a [u8],
    signed: &'a [u8],
    signature: Vec<u8>,
    pub(crate) serial: Vec<u8>,
    pub(crate) issuer: Vec<u8>,
    pub(crate) subject: Vec<u8>,
    pub(crate) common_name: Option<String>,
    pub(crate) not_before_ms: u64,
    pub(crate) not_after_ms: u64,
    /// Uncompressed point; ring checks that it lies on the curve each time the key is used.
    pub(crate) point: Vec<u8>,
    pub(crate) constraints: Option<(bool, BasicConstraints)>,
    pub(crate) key_usage: Option<KeyUsage>,
}

impl<'a> Certificate<'a> {
    pub(crate) fn parse(der: &'a [u8], at: Position) -> Result<Self, AttestError> {
        let refuse = |expected, actual| refuse(23, at, expected, actual);
        let parsed = x509_cert::Certificate::from_der(der)
            .map_err(|error| refuse("a DER certificate with no remainder", error.to_string()))?;
        // Strict form: what a canonical encoder would write, and nothing else.
        if parsed.to_der().map_or(true, |again| again != der) {
            return Err(refuse("canonical DER", "another encoding of the same values".to_owned()));
        }
        let tbs = parsed.tbs_certificate();
        if tbs.version() != Version::V3 {
            return Err(refuse("version 3", format!("{:?}", tbs.version())));
        }
        for algorithm in [tbs.signature(), parsed.signature_algorithm()] {
            if algorithm.oid != ECDSA_WITH_SHA384 || algorithm.parameters.is_some() {
                let actual = algorithm.oid.to_string();
                return Err(refuse("ecdsa-with-SHA384 in both algorithm fields", actual));
            }
        }
        if tbs.issuer_unique_id().is_some() || tbs.subject_unique_id().is_some() {
            return Err(refuse("no unique identifiers", "one".to_owned()));
        }
        let signature = parsed
            .signature()
            .as_bytes()
            .ok_or_else(|| refuse("a signature of whole bytes", "unused bits".to_owned()))?;
        check_extensions(tbs, at)?;
        Ok(Self {
            at,
            der,
            signed: signed_part(der).map_err(|error| refuse("a TBSCertificate", error))?,
            signature: signature.to_vec(),
            serial: tbs.serial_number().as_bytes().to_vec(),
            issuer: encoded(tbs.issuer()),
            subject: encoded(tbs.subject()),
            common_name: tbs.subject().common_name().ok().flatten().map(|name| name.value().into()),
            not_before_ms: unix_ms(&tbs.validity().not_before),
            not_after_ms: unix_ms(&tbs.validity().not_after),
            point: p384_point(tbs, at)?,
            constraints: extension(tbs, at, 25)?,
            key_usage: extension::<KeyUsage>(tbs, at, 25)?.map(|(_, usage)| usage),
        })
    }

    /// Whether `issuer`'s key signed the received bytes.
    pub(crate) fn is_signed_by(&self, issuer: &Certificate<'_>) -> bool {
        UnparsedPublicKey::new(&ECDSA_P384_SHA384_ASN1, &issuer.point)
            .verify(self.signed, &self.signature)
            .is_ok()
    }
}

/// SHA-256 of a certificate's DER.
pub(crate) fn fingerprint(der: &[u8]) -> [u8; 32] {
    Sha256::digest(der).into()
}

pub(crate) fn refuse(
    number: u8,
    at: Position,
    expected: &'static str,
    actual: String,
) -> AttestError {
    refuse_by(Check::n(number), at, expected, actual)
}

pub(crate) fn refuse_by(
    check: Check,
    at: Position,
    expected: &'static str,
    actual: String,
) -> AttestError {
    AttestError::Certificate { check, at, expected, actual }
}

pub(crate) fn signed_part(der: &[u8]) -> Result<&[u8], String> {
    let mut reader = SliceReader::new(der).map_err(|error| error.to_string())?;
    reader
        .sequence(|inner| {
            let signed = inner.tlv_bytes()?;
            inner.tlv_bytes()?;
            inner.tlv_bytes()?;
            Ok::<_, x509_cert::der::Error>(signed)
        })
        .map_err(|error| error.to_string())
}

fn check_extensions(tbs: &x509_cert::TbsCertificate, at: Position) -> Result<(), AttestError> {
    let extensions = tbs.extensions().map_or(&[][..], |all| all);
    for (index, extension) in extensions.iter().enumerate() {
        let name = extension.extn_id;
        if extensions[..index].iter().any(|before| before.extn_id == name) {
            return Err(refuse(27, at, "each extension once", format!("{name} twice")));
        }
        if extension.critical && ![BASIC_CONSTRAINTS, KEY_USAGE].contains(&name) {
            let expected = "only basicConstraints and keyUsage to be critical";
            return Err(refuse(27, at, expected, format!("critical {name}")));
        }
    }
    Ok(())
}

fn extension<'t, T>(
    tbs: &'t x509_cert::TbsCertificate,
    at: Position,
    number: u8,
) -> Result<Option<(bool, T)>, AttestError>
where
    T: Decode<'t, Error = x509_cert::der::Error> + Encode,
    T: x509_cert::der::oid::AssociatedOid,
{
    let extensions = tbs.extensions().map_or(&[][..], |all| all);
    let Some(found) = extensions.iter().find(|one| one.extn_id == T::OID) else {
        return Ok(None);
    };
    let der = found.extn_value.as_bytes();
    let value = T::from_der(der).map_err(|error| {
        refuse(number, at, "an extension that can be read", format!("{}: {error}", T::OID))
    })?;
    if value.to_der().map_or(true, |again| again != der) {
        let actual = format!("{}: another encoding of the same value", T::OID);
        return Err(refuse(number, at, "an extension in canonical DER", actual));
    }
    Ok(Some((found.critical, value)))
}

fn p384_point(tbs: &x509_cert::TbsCertificate, at: Position) -> Result<Vec<u8>, AttestError> {
    let key = tbs.subject_public_key_info();
    let curve = key.algorithm.parameters.as_ref().and_then(|any: &Any| any.decode_as().ok());
    if key.algorithm.oid != EC_PUBLIC_KEY || curve != Some(SECP384R1) {
        let curve = curve.map_or_else(|| "no named curve".to_owned(), |oid| oid.to_string());
        return Err(refuse(23, at, "an EC key on secp384r1", curve));
    }
    match key.subject_public_key.as_bytes() {
        Some(point) if point.len() == POINT_BYTES && point[0] == UNCOMPRESSED => Ok(point.to_vec()),
        Some(point) => {
            let actual = format!("{} bytes, {}", point.len(), hex(&point[..point.len().min(1)]));
            Err(refuse(23, at, "an uncompressed point of 97 bytes", actual))
        }
        None => Err(refuse(23, at, "a key of whole bytes", "unused bits".to_owned())),
    }
}

pub(crate) fn encoded(name: &x509_cert::name::Name) -> Vec<u8> {
    name.to_der().expect("a name because the whole certificate was just encoded again")
}

pub(crate) fn unix_ms(time: &x509_cert::time::Time) -> u64 {
    // DER times end in the year 9999: the seconds fit with room to spare.
    time.to_unix_duration().as_secs().saturating_mul(1000)
}

const ECDSA_WITH_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const SECP384R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const POINT_BYTES: usize = 97;
const UNCOMPRESSED: u8 = 0x04;
