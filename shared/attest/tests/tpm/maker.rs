//! Writes TPM structures for tests, sharing nothing with the readers. Signed by ring; by
//! p256 and p384 where a curve's signature is made with the other curve's hash, which ring has not.

use p256::ecdsa::signature::hazmat::PrehashSigner as _;
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256,
    RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
};
use sha2::{Digest, Sha256, Sha384, Sha512};
use std::collections::BTreeMap;

pub const SHA256: u16 = 0x000b;
pub const SHA384: u16 = 0x000c;
pub const SHA512: u16 = 0x000d;
pub const RSASSA: u16 = 0x0014;
pub const RSAPSS: u16 = 0x0016;
pub const ECDSA: u16 = 0x0018;
/// fixedTPM, fixedParent, sensitiveDataOrigin, userWithAuth, restricted, sign.
pub const ATTRIBUTES: u32 = 0x0005_0072;

pub fn hash(algorithm: u16, bytes: &[u8]) -> Vec<u8> {
    match algorithm {
        SHA256 => Sha256::digest(bytes).to_vec(),
        SHA384 => Sha384::digest(bytes).to_vec(),
        _ => Sha512::digest(bytes).to_vec(),
    }
}

pub fn sized(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u16).to_be_bytes(), bytes].concat()
}

pub enum Key {
    P256(EcKey<p256::ecdsa::SigningKey>),
    P384(EcKey<p384::ecdsa::SigningKey>),
    Rsa(RsaKeyPair),
}

/// One key in two forms: `ring` signs at random and with the curve's hash, `any` with every hash.
pub struct EcKey<K> {
    ring: EcdsaKeyPair,
    any: K,
    point: Vec<u8>,
}

impl<K> EcKey<K> {
    fn new(algorithm: &'static EcdsaSigningAlgorithm, scalar: &[u8], any: K, point: &[u8]) -> Self {
        let random = SystemRandom::new();
        let ring = EcdsaKeyPair::from_private_key_and_public_key(algorithm, scalar, point, &random);
        Self { ring: ring.unwrap(), any, point: point.to_vec() }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.ring.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec()
    }
}

impl Key {
    pub fn p256() -> Self {
        let scalar = scalar::<32>();
        let any = p256::ecdsa::SigningKey::from_slice(&scalar).unwrap();
        let point = any.verifying_key().to_sec1_point(false);
        let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
        Key::P256(EcKey::new(algorithm, &scalar, any, point.as_bytes()))
    }

    pub fn p384() -> Self {
        let scalar = scalar::<48>();
        let any = p384::ecdsa::SigningKey::from_slice(&scalar).unwrap();
        let point = any.verifying_key().to_sec1_point(false);
        let algorithm = &ECDSA_P384_SHA384_FIXED_SIGNING;
        Key::P384(EcKey::new(algorithm, &scalar, any, point.as_bytes()))
    }

    pub fn rsa() -> Self {
        let pkcs8 = include_bytes!("../../../../attestation-fixtures/data/test-ak-rsa2048.pk8");
        Key::Rsa(RsaKeyPair::from_pkcs8(pkcs8).unwrap())
    }

    /// TPMT_PUBLIC with this scheme and hash.
    pub fn public(&self, scheme: u16, scheme_hash: u16) -> Vec<u8> {
        let mut out = Vec::new();
        let kind: u16 = if matches!(self, Key::Rsa(_)) { 0x0001 } else { 0x0023 };
        out.extend(kind.to_be_bytes());
        out.extend(SHA256.to_be_bytes());
        out.extend(ATTRIBUTES.to_be_bytes());
        out.extend(sized(&[]));
        out.extend(0x0010_u16.to_be_bytes());
        out.extend(scheme.to_be_bytes());
        out.extend(scheme_hash.to_be_bytes());
        match self {
            Key::Rsa(_) => {
                out.extend(2048_u16.to_be_bytes());
                out.extend(0_u32.to_be_bytes());
                out.extend(sized(&self.modulus()));
            }
            Key::P256(_) | Key::P384(_) => {
                let point = self.point();
                let curve: u16 = if point.len() == 65 { 3 } else { 4 };
                out.extend(curve.to_be_bytes());
                out.extend(0x0010_u16.to_be_bytes());
                let (x, y) = point[1..].split_at(point.len() / 2);
                out.extend([sized(x), sized(y)].concat());
            }
        }
        out
    }

    /// The RSA modulus, 256 bytes.
    pub fn modulus(&self) -> Vec<u8> {
        let Key::Rsa(pair) = self else { panic!("an RSA key") };
        // RSAPublicKey: nine bytes of heads and a zero, then the modulus.
        pair.public().as_ref()[9..265].to_vec()
    }

    /// The uncompressed point.
    pub fn point(&self) -> Vec<u8> {
        match self {
            Key::P256(key) => key.point.clone(),
            Key::P384(key) => key.point.clone(),
            Key::Rsa(_) => panic!("an EC key"),
        }
    }

    /// SubjectPublicKeyInfo in DER.
    pub fn spki(&self) -> Vec<u8> {
        match self {
            Key::Rsa(_) => rsa_spki(&self.modulus()),
            Key::P256(_) => spki(&P256_ALGORITHM, &self.point()),
            Key::P384(_) => spki(&P384_ALGORITHM, &self.point()),
        }
    }

    /// The signature as X.509 has it: RSA as it is, ECDSA in DER.
    pub fn sign_der(&self, scheme: u16, algorithm: u16, message: &[u8]) -> Vec<u8> {
        let raw = self.sign_raw(scheme, algorithm, message);
        match self {
            Key::Rsa(_) => raw,
            Key::P256(_) | Key::P384(_) => {
                let (r, s) = raw.split_at(raw.len() / 2);
                der(0x30, &[integer(r), integer(s)].concat())
            }
        }
    }

    /// TPMT_SIGNATURE over a message.
    pub fn sign(&self, scheme: u16, algorithm: u16, message: &[u8]) -> Vec<u8> {
        let raw = self.sign_raw(scheme, algorithm, message);
        let numbers = match self {
            Key::Rsa(_) => sized(&raw),
            Key::P256(_) | Key::P384(_) => raw.chunks(raw.len() / 2).flat_map(sized).collect(),
        };
        [&scheme.to_be_bytes()[..], &algorithm.to_be_bytes(), &numbers].concat()
    }

    fn sign_raw(&self, scheme: u16, algorithm: u16, message: &[u8]) -> Vec<u8> {
        match self {
            Key::P256(key) if algorithm == SHA256 => key.sign(message),
            Key::P384(key) if algorithm == SHA384 => key.sign(message),
            Key::P256(key) => {
                let signature: p256::ecdsa::Signature =
                    key.any.sign_prehash(&hash(algorithm, message)).unwrap();
                signature.to_bytes().to_vec()
            }
            Key::P384(key) => {
                let signature: p384::ecdsa::Signature =
                    key.any.sign_prehash(&hash(algorithm, message)).unwrap();
                signature.to_bytes().to_vec()
            }
            Key::Rsa(pair) => {
                let encoding: &dyn RsaEncoding = match (scheme, algorithm) {
                    (RSAPSS, SHA256) => &RSA_PSS_SHA256,
                    (RSAPSS, SHA384) => &RSA_PSS_SHA384,
                    (RSAPSS, SHA512) => &RSA_PSS_SHA512,
                    (_, SHA384) => &RSA_PKCS1_SHA384,
                    (_, SHA512) => &RSA_PKCS1_SHA512,
                    _ => &RSA_PKCS1_SHA256,
                };
                let mut raw = vec![0; 256];
                pair.sign(encoding, &SystemRandom::new(), message, &mut raw).unwrap();
                raw
            }
        }
    }
}

/// A random scalar, less than the order of either curve because its first bit is not set.
fn scalar<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).unwrap();
    bytes[0] &= 0x7f;
    bytes
}

/// SubjectPublicKeyInfo of a modulus with the exponent 65537.
pub fn rsa_spki(modulus: &[u8]) -> Vec<u8> {
    spki(&RSA_ALGORITHM, &der(0x30, &[integer(modulus), integer(&[1, 0, 1])].concat()))
}

fn spki(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    der(0x30, &[algorithm, &der(0x03, &[&[0], key].concat())].concat())
}

/// A quote on its way.
pub struct Quote {
    pub bank: u16,
    pub scheme: u16,
    pub hash: u16,
    pub extra_data: Vec<u8>,
    pub pcrs: BTreeMap<u8, Vec<u8>>,
}

impl Quote {
    pub fn attest(&self) -> Vec<u8> {
        let mut out = vec![0xff, 0x54, 0x43, 0x47, 0x80, 0x18];
        out.extend(sized(&[&SHA256.to_be_bytes()[..], &[7; 32]].concat()));
        out.extend(sized(&self.extra_data));
        out.extend(5_000_u64.to_be_bytes());
        out.extend(3_u32.to_be_bytes());
        out.extend(1_u32.to_be_bytes());
        out.push(1);
        out.extend(0x2024_0001_u64.to_be_bytes());
        out.extend(1_u32.to_be_bytes());
        out.extend(self.bank.to_be_bytes());
        let mut bits = [0; 3];
        self.pcrs.keys().for_each(|index| bits[usize::from(index / 8)] |= 1 << (index % 8));
        out.push(3);
        out.extend(bits);
        let values: Vec<u8> = self.pcrs.values().flatten().copied().collect();
        out.extend(sized(&hash(self.hash, &values)));
        out
    }
}

/// A DER value; the length takes one to three bytes.
pub fn der(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = value.len();
    let mut out = vec![tag];
    match length {
        0..=127 => out.push(length as u8),
        128..=255 => out.extend([0x81, length as u8]),
        _ => out.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    out.extend_from_slice(value);
    out
}

/// A positive number, big-endian.
pub fn integer(number: &[u8]) -> Vec<u8> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let mut value = number[zeros..].to_vec();
    if value.first().is_none_or(|first| *first >= 0x80) {
        value.insert(0, 0);
    }
    der(0x02, &value)
}

/// rsaEncryption with NULL.
const RSA_ALGORITHM: [u8; 15] = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
/// id-ecPublicKey on secp256r1.
const P256_ALGORITHM: [u8; 21] = [
    0x30, 19, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7,
];
/// id-ecPublicKey on secp384r1.
const P384_ALGORITHM: [u8; 18] =
    [0x30, 16, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5, 0x2b, 0x81, 4, 0, 34];
