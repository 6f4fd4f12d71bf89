//! The signature section: a CBOR array of one map, the signing certificate and a COSE_Sign1 by its
//! key over the image's PCR0. AWS's tools encode the byte strings of this section, and of the
//! signed payload, as arrays of numbers; so do we. A signature is believed only after `verify`.

use crate::error::EifError;
use crate::pem::first_block;
use crate::{CERTIFICATE_PEM_BYTES_MAX, COSE_BYTES_MAX};
use cbor::{CborError, Reader, Writer};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, EcdsaVerificationAlgorithm, UnparsedPublicKey,
};
use x509_cert::der::Decode;
use x509_cert::der::asn1::ObjectIdentifier;

/// COSE algorithms (RFC 9053 §2.1): ECDSA with SHA-256 and P-256, with SHA-384 and P-384.
const ES256: i64 = -7;
/// See [`ES256`].
pub(crate) const ES384: i64 = -35;

const EC_PUBLIC_KEY: &str = "1.2.840.10045.2.1";
const P256: &str = "1.2.840.10045.3.1.7";
const P384: &str = "1.3.132.0.34";

/// PCR8 of an image signed with this certificate: SHA-384 of its DER, extended once.
pub fn pcr8_of(certificate_der: &[u8]) -> [u8; 48] {
    crypto::sha384(&[&[0; 48], &crypto::sha384(&[certificate_der])])
}

/// A signing certificate: what of it is used. Its issuer is not verified by anybody: PCR8 is the
/// certificate itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The certificate in DER.
    pub der: Vec<u8>,
    /// Its subject (RFC 4514).
    pub subject: String,
    /// First moment of its validity, seconds since 1970.
    pub not_before_s: u64,
    /// Last moment of its validity, seconds since 1970. `nitro-cli` refuses an expired one.
    pub not_after_s: u64,
    /// COSE algorithm that goes with its key.
    pub(crate) algorithm: i64,
    /// Its public key: an uncompressed point.
    pub(crate) point: Vec<u8>,
}

impl Certificate {
    /// Reads the first certificate of a PEM file, as AWS's tools do.
    pub(crate) fn from_pem(pem: &[u8]) -> Result<Self, String> {
        if pem.len() > CERTIFICATE_PEM_BYTES_MAX {
            return Err(format!("{} bytes, more than {CERTIFICATE_PEM_BYTES_MAX}", pem.len()));
        }
        let der = first_block(pem, "CERTIFICATE")?;
        let parsed = x509_cert::Certificate::from_der(&der).map_err(|error| error.to_string())?;
        let tbs = parsed.tbs_certificate();
        let key = tbs.subject_public_key_info();
        let parameters = key.algorithm.parameters.as_ref();
        let curve = parameters.and_then(|any| any.decode_as::<ObjectIdentifier>().ok());
        let curve = curve.map(|oid| oid.to_string());
        let algorithm = match (key.algorithm.oid.to_string().as_str(), curve.as_deref()) {
            (EC_PUBLIC_KEY, Some(P384)) => ES384,
            (EC_PUBLIC_KEY, Some(P256)) => ES256,
            (other, curve) => return Err(format!("a key of {other} {}", curve.unwrap_or(""))),
        };
        let point = key.subject_public_key.as_bytes().ok_or("a key with unused bits")?;
        let seconds = |time: &x509_cert::time::Time| time.to_unix_duration().as_secs();
        Ok(Self {
            subject: tbs.subject().to_string(),
            not_before_s: seconds(&tbs.validity().not_before),
            not_after_s: seconds(&tbs.validity().not_after),
            algorithm,
            point: point.to_vec(),
            der,
        })
    }
}

/// A signature section that has the right form; not verified.
#[derive(Debug)]
pub(crate) struct Signature {
    pub(crate) certificate: Certificate,
    protected: Vec<u8>,
    payload: Vec<u8>,
    value: Vec<u8>,
}

impl Signature {
    /// Check I15: the form, to the byte.
    pub(crate) fn parse(section: &[u8]) -> Result<Self, EifError> {
        let (pem, cose) = outer(section).map_err(|error| EifError::SignatureForm {
            expected: "an array of one map {signing_certificate, signature}",
            found: error.to_string(),
        })?;
        let certificate = Certificate::from_pem(&pem).map_err(|found| EifError::SignatureForm {
            expected: "a PEM certificate of a P-384 or P-256 key",
            found,
        })?;
        let (protected, payload, value) =
            sign1(&cose).map_err(|error| EifError::SignatureForm {
                expected: "an untagged COSE_Sign1 without unprotected header",
                found: error.to_string(),
            })?;
        Ok(Self { certificate, protected, payload, value })
    }

    /// Check I16: the algorithm of the certificate's key, this PCR0, and a signature by that key.
    pub(crate) fn verify(&self, pcr0: &[u8; 48]) -> Result<(), EifError> {
        let refuse =
            |expected, found: &str| Err(EifError::Signature { expected, found: found.to_owned() });
        if self.protected != protected(self.certificate.algorithm) {
            return refuse("the algorithm of the certificate's key and no other header", "another");
        }
        if self.payload != payload(pcr0) {
            return refuse("register 0 with the image's PCR0", "another payload");
        }
        let signed = crypto::cose::sign1_structure(&self.protected, &self.payload);
        let algorithm: &EcdsaVerificationAlgorithm = match self.certificate.algorithm {
            ES384 => &ECDSA_P384_SHA384_FIXED,
            _ => &ECDSA_P256_SHA256_FIXED,
        };
        let key = UnparsedPublicKey::new(algorithm, &self.certificate.point);
        match key.verify(&signed, &self.value) {
            Ok(()) => Ok(()),
            Err(_) => refuse("a signature by the certificate's key", "one that does not verify"),
        }
    }
}

/// The protected header: the algorithm and nothing else.
pub(crate) fn protected(algorithm: i64) -> Vec<u8> {
    let mut w = Writer::new();
    w.map(1).uint(crypto::cose::LABEL_ALG).int(algorithm);
    w.finish()
}

/// What is signed: `{"register_index": 0, "register_value": [PCR0]}`.
pub(crate) fn payload(pcr0: &[u8; 48]) -> Vec<u8> {
    let mut w = Writer::new();
    w.map(2).text("register_index").uint(0).text("register_value");
    numbers(&mut w, pcr0);
    w.finish()
}

/// The section of a certificate (PEM, as it was given) and a COSE_Sign1.
pub(crate) fn section(pem: &[u8], cose: &[u8]) -> Vec<u8> {
    let mut w = Writer::new();
    w.array(1).map(2).text("signing_certificate");
    numbers(&mut w, pem);
    w.text("signature");
    numbers(&mut w, cose);
    w.finish()
}

fn numbers(w: &mut Writer, bytes: &[u8]) {
    w.array(bytes.len());
    for byte in bytes {
        w.uint(u64::from(*byte));
    }
}

fn outer(section: &[u8]) -> Result<(Vec<u8>, Vec<u8>), CborError> {
    let mut r = Reader::new(section);
    r.array_of("signatures", 1)?;
    r.map_of("signature", 2)?;
    key(&mut r, "signing_certificate")?;
    let pem = read_numbers(&mut r, "certificate", CERTIFICATE_PEM_BYTES_MAX)?;
    key(&mut r, "signature")?;
    let cose = read_numbers(&mut r, "COSE_Sign1", COSE_BYTES_MAX)?;
    r.end()?;
    Ok((pem, cose))
}

type Sign1 = (Vec<u8>, Vec<u8>, Vec<u8>);

fn sign1(cose: &[u8]) -> Result<Sign1, CborError> {
    let mut r = Reader::new(cose);
    r.array_of("COSE_Sign1", 4)?;
    let protected = r.bytes()?.to_vec();
    r.map_of("unprotected header", 0)?;
    let payload = r.bytes()?.to_vec();
    let value = r.bytes()?.to_vec();
    r.end()?;
    Ok((protected, payload, value))
}

fn key(r: &mut Reader<'_>, expected: &str) -> Result<(), CborError> {
    let at = r.position();
    let found = r.text()?;
    if found == expected {
        return Ok(());
    }
    Err(CborError::Key { at, expected: expected.to_owned(), found: found.to_owned() })
}

fn read_numbers(r: &mut Reader<'_>, what: &'static str, max: usize) -> Result<Vec<u8>, CborError> {
    r.entries(what, max, |r| {
        let number = r.uint_max(what, u64::from(u8::MAX))?;
        Ok(u8::try_from(number).unwrap_or(u8::MAX))
    })
}
