//! Public keys of attestation keys and of the certificates above them: RSA of 2,048 to 8,192
//! bits, P-256, P-384 (check T6). Signatures are verified by ring alone; nothing here computes
//! with a key, and a key of another kind must never become a value.

use crate::Check;
use crate::error::AttestError;
use crate::tpm::HashAlgorithm;
use crate::tpm::signature::{Scheme, SchemeKind, Signature, Value};
use ring::signature::{self as algorithms, RsaPublicKeyComponents, UnparsedPublicKey};
use x509_cert::der::asn1::{Any, AnyRef, BitString, ObjectIdentifier, UintRef};
use x509_cert::der::{Decode, Encode, Tag};
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

/// A curve of ECDSA.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Curve {
    P256,
    P384,
}

impl Curve {
    pub(crate) fn bytes(self) -> usize {
        match self {
            Curve::P256 => 32,
            Curve::P384 => 48,
        }
    }
}

/// A public key of an acceptable kind and size.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PublicKey {
    /// Big-endian, without leading zeros.
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    /// Uncompressed; ring checks that it lies on the curve each time the key is used.
    Ecc { curve: Curve, point: Vec<u8> },
}

impl PublicKey {
    /// An RSA key from its big-endian modulus; leading zeros are not significant.
    pub(crate) fn rsa(modulus: &[u8], exponent: &[u8]) -> Result<Self, AttestError> {
        let modulus = significant(modulus);
        let bits =
            modulus.len() as u64 * 8 - modulus.first().map_or(0, |b| b.leading_zeros() as u64);
        AttestError::within(Check::t(6), "RSA key bits", bits, RSA_BITS_MIN, RSA_BITS_MAX)?;
        let exponent = significant(exponent);
        if exponent != RSA_EXPONENT {
            let actual = crate::hex(&exponent[..exponent.len().min(16)]);
            return Err(AttestError::refuse(Check::t(6), "RSA exponent", "65537", actual));
        }
        Ok(PublicKey::Rsa { modulus: modulus.to_vec(), exponent: exponent.to_vec() })
    }

    /// A key on a curve from its coordinates; shorter ones are padded.
    pub(crate) fn ecc(curve: Curve, x: &[u8], y: &[u8]) -> Result<Self, AttestError> {
        let mut point = vec![UNCOMPRESSED];
        for coordinate in [x, y] {
            let padded = padded(coordinate, curve.bytes()).ok_or_else(|| {
                let (expected, actual) = (curve.bytes(), coordinate.len());
                let expected = format!("1 to {expected} bytes");
                AttestError::refuse(
                    Check::t(6),
                    "EC coordinate",
                    expected,
                    format!("{actual} bytes"),
                )
            })?;
            point.extend(padded);
        }
        Ok(PublicKey::Ecc { curve, point })
    }

    /// The key of a SubjectPublicKeyInfo in DER (RFC 3279, RFC 5480).
    pub(crate) fn from_spki(der: &[u8]) -> Result<Self, AttestError> {
        let refuse = |expected: &str, actual: String| {
            Err(AttestError::refuse(Check::t(6), "SubjectPublicKeyInfo", expected, actual))
        };
        AttestError::within(Check::t(13), "key bytes", der.len() as u64, 1, SPKI_BYTES_MAX)?;
        let info = match SubjectPublicKeyInfoOwned::from_der(der) {
            Ok(info) => info,
            Err(error) => return refuse("DER with no remainder", error.to_string()),
        };
        if info.to_der().map_or(true, |again| again != der) {
            return refuse("canonical DER", "another encoding of the same values".to_owned());
        }
        Self::of_info(&info)
    }

    pub(crate) fn of_info(info: &SubjectPublicKeyInfoOwned) -> Result<Self, AttestError> {
        let refuse = |expected: &str, actual: String| {
            Err(AttestError::refuse(Check::t(6), "public key", expected, actual))
        };
        let Some(key) = info.subject_public_key.as_bytes() else {
            return refuse("whole bytes", "unused bits".to_owned());
        };
        let parameters = info.algorithm.parameters.as_ref();
        match info.algorithm.oid {
            RSA_ENCRYPTION if parameters.is_some_and(|any| any.is_null()) => {
                match RsaKey::from_der(key) {
                    Ok(RsaKey { modulus, exponent }) => Self::rsa(&modulus, &exponent),
                    Err(error) => refuse("an RSAPublicKey", error.to_string()),
                }
            }
            EC_PUBLIC_KEY => {
                let curve = parameters.and_then(|any| any.decode_as::<ObjectIdentifier>().ok());
                let curve = match curve {
                    Some(SECP256R1) => Curve::P256,
                    Some(SECP384R1) => Curve::P384,
                    other => return refuse("P-256 or P-384", format!("curve {other:?}")),
                };
                match key.split_first() {
                    Some((&UNCOMPRESSED, rest)) if rest.len() == 2 * curve.bytes() => {
                        let (x, y) = rest.split_at(curve.bytes());
                        Self::ecc(curve, x, y)
                    }
                    _ => refuse("an uncompressed point", format!("{} bytes", key.len())),
                }
            }
            other => refuse("RSA with NULL parameters, or EC", other.to_string()),
        }
    }

    /// SubjectPublicKeyInfo in DER: the form that [`PublicKey::from_spki`] reads.
    pub(crate) fn spki_der(&self) -> Result<Vec<u8>, AttestError> {
        let encoded = || {
            let (algorithm, key) = match self {
                PublicKey::Rsa { modulus, exponent } => {
                    let (oid, parameters) = (RSA_ENCRYPTION, Some(AnyRef::NULL.into()));
                    (AlgorithmIdentifierOwned { oid, parameters }, rsa_key(modulus, exponent)?)
                }
                PublicKey::Ecc { curve, point } => {
                    let curve = match curve {
                        Curve::P256 => SECP256R1,
                        Curve::P384 => SECP384R1,
                    };
                    let (oid, parameters) = (EC_PUBLIC_KEY, Some(Any::from(curve)));
                    (AlgorithmIdentifierOwned { oid, parameters }, point.clone())
                }
            };
            let subject_public_key = BitString::from_bytes(&key)?;
            SubjectPublicKeyInfoOwned { algorithm, subject_public_key }.to_der()
        };
        encoded().map_err(|error: x509_cert::der::Error| {
            let (what, expected) = ("public key", "one that can be written in DER");
            AttestError::refuse(Check::t(6), what, expected, error.to_string())
        })
    }

    /// Whether this key made a TPM's signature over `message`.
    pub(crate) fn signed(&self, message: &[u8], signature: &Signature<'_>) -> bool {
        match (self, signature.value) {
            (PublicKey::Rsa { .. }, Value::Rsa(value)) => {
                self.signed_der(message, signature.scheme, value)
            }
            (PublicKey::Ecc { curve, .. }, Value::Ecdsa { r, s }) => ecdsa_der(*curve, r, s)
                .is_some_and(|value| self.signed_der(message, signature.scheme, &value)),
            _ => false,
        }
    }

    /// Whether this key made a signature in the form of X.509: RSA as it is, ECDSA in DER.
    pub(crate) fn signed_der(&self, message: &[u8], scheme: Scheme, value: &[u8]) -> bool {
        use HashAlgorithm::{Sha256, Sha384, Sha512};
        use SchemeKind::{Ecdsa, RsaPss, RsaSsa};
        match self {
            PublicKey::Rsa { modulus, exponent } => {
                let parameters = match (scheme.kind, scheme.hash) {
                    (RsaSsa, Sha256) => &algorithms::RSA_PKCS1_2048_8192_SHA256,
                    (RsaSsa, Sha384) => &algorithms::RSA_PKCS1_2048_8192_SHA384,
                    (RsaSsa, Sha512) => &algorithms::RSA_PKCS1_2048_8192_SHA512,
                    (RsaPss, Sha256) => &algorithms::RSA_PSS_2048_8192_SHA256,
                    (RsaPss, Sha384) => &algorithms::RSA_PSS_2048_8192_SHA384,
                    (RsaPss, Sha512) => &algorithms::RSA_PSS_2048_8192_SHA512,
                    (Ecdsa, _) => return false,
                };
                RsaPublicKeyComponents { n: modulus, e: exponent }
                    .verify(parameters, message, value)
                    .is_ok()
            }
            PublicKey::Ecc { curve, point } => {
                let algorithm = match (scheme.kind, curve, scheme.hash) {
                    (Ecdsa, Curve::P256, Sha256) => &algorithms::ECDSA_P256_SHA256_ASN1,
                    (Ecdsa, Curve::P256, Sha384) => &algorithms::ECDSA_P256_SHA384_ASN1,
                    (Ecdsa, Curve::P384, Sha256) => &algorithms::ECDSA_P384_SHA256_ASN1,
                    (Ecdsa, Curve::P384, Sha384) => &algorithms::ECDSA_P384_SHA384_ASN1,
                    _ => return false,
                };
                UnparsedPublicKey::new(algorithm, point).verify(message, value).is_ok()
            }
        }
    }
}

/// RSAPublicKey (RFC 8017, A.1.1).
struct RsaKey {
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

impl RsaKey {
    fn from_der(der: &[u8]) -> x509_cert::der::Result<Self> {
        use x509_cert::der::{Reader, SliceReader};
        let mut reader = SliceReader::new(der)?;
        let key = reader.sequence(|inner| {
            let modulus = UintRef::decode(inner)?.as_bytes().to_vec();
            let exponent = UintRef::decode(inner)?.as_bytes().to_vec();
            Ok::<_, x509_cert::der::Error>(Self { modulus, exponent })
        })?;
        reader.finish()?;
        Ok(key)
    }
}

/// RSAPublicKey in DER, of big-endian numbers without leading zeros.
fn rsa_key(modulus: &[u8], exponent: &[u8]) -> x509_cert::der::Result<Vec<u8>> {
    let mut body = Vec::new();
    for number in [modulus, exponent] {
        UintRef::new(number)?.encode_to_vec(&mut body)?;
    }
    Any::new(Tag::Sequence, body)?.to_der()
}

/// ECDSA-Sig-Value (RFC 3279, 2.2.3) of two big-endian numbers no longer than the curve's.
fn ecdsa_der(curve: Curve, r: &[u8], s: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::with_capacity(2 * (curve.bytes() + 3));
    for number in [r, s] {
        // A number longer than the curve's is another encoding of none.
        if number.is_empty() || number.len() > curve.bytes() {
            return None;
        }
        UintRef::new(number).ok()?.encode_to_vec(&mut body).ok()?;
    }
    let mut der = vec![SEQUENCE, u8::try_from(body.len()).ok().filter(|length| *length < 0x80)?];
    der.extend(body);
    Some(der)
}

fn significant(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

fn padded(number: &[u8], bytes: usize) -> Option<Vec<u8>> {
    let missing = bytes.checked_sub(number.len()).filter(|_| !number.is_empty())?;
    let mut padded = vec![0; missing];
    padded.extend_from_slice(number);
    Some(padded)
}

const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const SECP256R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const SECP384R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const RSA_EXPONENT: [u8; 3] = [1, 0, 1];
const RSA_BITS_MIN: u64 = 2048;
const RSA_BITS_MAX: u64 = 8192;
const SPKI_BYTES_MAX: u64 = 2048;
const UNCOMPRESSED: u8 = 0x04;
const SEQUENCE: u8 = 0x30;
