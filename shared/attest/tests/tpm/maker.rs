//! Writes TPM structures for tests, sharing nothing with the readers, signed by ring.

use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
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
    P256(EcdsaKeyPair),
    P384(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

impl Key {
    pub fn p256() -> Self {
        Key::P256(ec(&ECDSA_P256_SHA256_FIXED_SIGNING))
    }

    pub fn p384() -> Self {
        Key::P384(ec(&ECDSA_P384_SHA384_FIXED_SIGNING))
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
            Key::P256(pair) | Key::P384(pair) => {
                let point = &pair.public_key().as_ref()[1..];
                let curve: u16 = if point.len() == 64 { 3 } else { 4 };
                out.extend(curve.to_be_bytes());
                out.extend(0x0010_u16.to_be_bytes());
                let (x, y) = point.split_at(point.len() / 2);
                out.extend([sized(x), sized(y)].concat());
            }
        }
        out
    }

    fn modulus(&self) -> Vec<u8> {
        let Key::Rsa(pair) = self else { panic!("an RSA key") };
        // RSAPublicKey: nine bytes of heads and a zero, then the modulus.
        pair.public().as_ref()[9..265].to_vec()
    }

    /// The uncompressed point.
    pub fn point(&self) -> Vec<u8> {
        match self {
            Key::P256(pair) | Key::P384(pair) => pair.public_key().as_ref().to_vec(),
            Key::Rsa(_) => panic!("an EC key"),
        }
    }

    /// SubjectPublicKeyInfo in DER.
    pub fn spki(&self) -> Vec<u8> {
        let (algorithm, key): (&[u8], &[u8]) = match self {
            Key::Rsa(pair) => (&RSA_ALGORITHM, pair.public().as_ref()),
            Key::P256(pair) => (&P256_ALGORITHM, pair.public_key().as_ref()),
            Key::P384(pair) => (&P384_ALGORITHM, pair.public_key().as_ref()),
        };
        let bits = der(0x03, &[&[0], key].concat());
        der(0x30, &[algorithm, &bits].concat())
    }

    /// TPMT_SIGNATURE over a message.
    pub fn sign(&self, scheme: u16, algorithm: u16, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        let mut out = [scheme.to_be_bytes(), algorithm.to_be_bytes()].concat();
        match self {
            Key::P256(pair) | Key::P384(pair) => {
                let raw = pair.sign(&random, message).unwrap();
                let (r, s) = raw.as_ref().split_at(raw.as_ref().len() / 2);
                out.extend([sized(r), sized(s)].concat());
            }
            Key::Rsa(pair) => {
                let encoding: &dyn RsaEncoding = match (scheme, algorithm) {
                    (RSAPSS, _) => &RSA_PSS_SHA256,
                    (_, SHA384) => &RSA_PKCS1_SHA384,
                    (_, SHA512) => &RSA_PKCS1_SHA512,
                    _ => &RSA_PKCS1_SHA256,
                };
                let mut raw = vec![0; 256];
                pair.sign(encoding, &random, message, &mut raw).unwrap();
                out.extend(sized(&raw));
            }
        }
        out
    }
}

fn ec(algorithm: &'static ring::signature::EcdsaSigningAlgorithm) -> EcdsaKeyPair {
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap()
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
fn der(tag: u8, value: &[u8]) -> Vec<u8> {
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

/// rsaEncryption with NULL.
const RSA_ALGORITHM: [u8; 15] = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
/// id-ecPublicKey on secp256r1.
const P256_ALGORITHM: [u8; 21] = [
    0x30, 19, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7,
];
/// id-ecPublicKey on secp384r1.
const P384_ALGORITHM: [u8; 18] =
    [0x30, 16, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5, 0x2b, 0x81, 4, 0, 34];
