//! Public keys in the certificates of endorsement keys and their issuers. Signatures are verified
//! by ring alone. Vendors mark RSA keys in two ways (rsaEncryption, id-RSAES-OAEP): both are read,
//! because what the key may do is said by its template, and the certificate names the key alone.

use crate::ek::{EkKey, EkPublic};
use ring::signature::{self as algorithms, RsaPublicKeyComponents, UnparsedPublicKey};
use x509_cert::der::asn1::{ObjectIdentifier, UintRef};
use x509_cert::der::{Decode, Reader, SliceReader};
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

/// A public key of a kind that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PublicKey {
    /// Big-endian, without leading zeros.
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
    /// Uncompressed.
    P256(Vec<u8>),
    P384(Vec<u8>),
}

/// A signature algorithm of X.509.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    RsaSha256,
    RsaSha384,
    RsaSha512,
    EcdsaSha256,
    EcdsaSha384,
}

impl Algorithm {
    pub(crate) fn of(algorithm: &AlgorithmIdentifierOwned) -> Option<Self> {
        let found = match algorithm.oid {
            SHA256_WITH_RSA => Algorithm::RsaSha256,
            SHA384_WITH_RSA => Algorithm::RsaSha384,
            SHA512_WITH_RSA => Algorithm::RsaSha512,
            ECDSA_WITH_SHA256 => Algorithm::EcdsaSha256,
            ECDSA_WITH_SHA384 => Algorithm::EcdsaSha384,
            _ => return None,
        };
        // RFC 4055: NULL for RSA; RFC 5758: absent for ECDSA.
        let parameters = algorithm.parameters.as_ref();
        let right = match found {
            Algorithm::EcdsaSha256 | Algorithm::EcdsaSha384 => parameters.is_none(),
            _ => parameters.is_none_or(|any| any.is_null()),
        };
        right.then_some(found)
    }
}

impl PublicKey {
    /// The key of a SubjectPublicKeyInfo, or what is wrong with it.
    pub(crate) fn of(info: &SubjectPublicKeyInfoOwned) -> Result<Self, String> {
        let key = info.subject_public_key.as_bytes().ok_or("unused bits in the key")?;
        let parameters = info.algorithm.parameters.as_ref();
        match info.algorithm.oid {
            RSA_ENCRYPTION | RSAES_OAEP => rsa(key).map_err(|error| error.to_string()),
            EC_PUBLIC_KEY => {
                let curve = parameters.and_then(|any| any.decode_as::<ObjectIdentifier>().ok());
                match (curve, key.len(), key.first()) {
                    (Some(SECP256R1), 65, Some(4)) => Ok(PublicKey::P256(key.to_vec())),
                    (Some(SECP384R1), 97, Some(4)) => Ok(PublicKey::P384(key.to_vec())),
                    (curve, length, _) => Err(format!("curve {curve:?}, {length} bytes")),
                }
            }
            other => Err(format!("a key of {other}")),
        }
    }

    /// Whether this key made the signature over `message`.
    pub(crate) fn signed(&self, algorithm: Algorithm, message: &[u8], value: &[u8]) -> bool {
        use Algorithm::{EcdsaSha256, EcdsaSha384, RsaSha256, RsaSha384, RsaSha512};
        let ecdsa: &'static dyn algorithms::VerificationAlgorithm = match (self, algorithm) {
            (PublicKey::Rsa { modulus, exponent }, RsaSha256 | RsaSha384 | RsaSha512) => {
                let parameters = match algorithm {
                    RsaSha384 => &algorithms::RSA_PKCS1_2048_8192_SHA384,
                    RsaSha512 => &algorithms::RSA_PKCS1_2048_8192_SHA512,
                    _ => &algorithms::RSA_PKCS1_2048_8192_SHA256,
                };
                let key = RsaPublicKeyComponents { n: modulus, e: exponent };
                return key.verify(parameters, message, value).is_ok();
            }
            (PublicKey::P256(_), EcdsaSha256) => &algorithms::ECDSA_P256_SHA256_ASN1,
            (PublicKey::P256(_), EcdsaSha384) => &algorithms::ECDSA_P256_SHA384_ASN1,
            (PublicKey::P384(_), EcdsaSha256) => &algorithms::ECDSA_P384_SHA256_ASN1,
            (PublicKey::P384(_), EcdsaSha384) => &algorithms::ECDSA_P384_SHA384_ASN1,
            _ => return false,
        };
        match self {
            PublicKey::P256(point) | PublicKey::P384(point) => {
                UnparsedPublicKey::new(ecdsa, point).verify(message, value).is_ok()
            }
            PublicKey::Rsa { .. } => false,
        }
    }

    /// Whether it is the endorsement key of that public area.
    pub(crate) fn is(&self, ek: &EkPublic) -> bool {
        match (self, &ek.key) {
            (PublicKey::Rsa { modulus, exponent }, EkKey::Rsa(own)) => {
                modulus.as_slice() == own.bytes() && exponent.as_slice() == [1, 0, 1]
            }
            (PublicKey::P256(point), EkKey::P256(own)) => {
                p256::PublicKey::from_sec1_bytes(point).is_ok_and(|point| point == *own)
            }
            (PublicKey::P384(point), EkKey::P384(own)) => {
                p384::PublicKey::from_sec1_bytes(point).is_ok_and(|point| point == *own)
            }
            _ => false,
        }
    }
}

/// RSAPublicKey (RFC 8017, A.1.1). Sizes are ring's to judge, or the template's.
fn rsa(der: &[u8]) -> x509_cert::der::Result<PublicKey> {
    let mut reader = SliceReader::new(der)?;
    let key = reader.sequence(|inner| {
        let modulus = UintRef::decode(inner)?.as_bytes().to_vec();
        let exponent = UintRef::decode(inner)?.as_bytes().to_vec();
        Ok::<_, x509_cert::der::Error>(PublicKey::Rsa { modulus, exponent })
    })?;
    reader.finish()?;
    Ok(key)
}

const SHA256_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const SHA384_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12");
const SHA512_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13");
const ECDSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_WITH_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const RSAES_OAEP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.7");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const SECP256R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const SECP384R1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
