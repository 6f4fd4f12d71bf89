//! Attestation keys: private halves that are published, and their TPMT_PUBLIC. A key made here
//! must never protect anything.

use super::{alg, sha256, sized};
use crate::bignum::power;
use p256::ecdsa::signature::hazmat::PrehashSigner;
use ring::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, digest};
use ring::signature::{RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RsaEncoding, RsaKeyPair};

/// TPMA_OBJECT bits (part 2, 8.3).
pub mod attribute {
    /// The key cannot leave its TPM.
    pub const FIXED_TPM: u32 = 1 << 1;
    /// The key cannot move to another parent.
    pub const FIXED_PARENT: u32 = 1 << 4;
    /// The TPM made the secret.
    pub const SENSITIVE_DATA_ORIGIN: u32 = 1 << 5;
    /// Authorised by its password.
    pub const USER_WITH_AUTH: u32 = 1 << 6;
    /// Signs only what the TPM made.
    pub const RESTRICTED: u32 = 1 << 16;
    /// Decrypts.
    pub const DECRYPT: u32 = 1 << 17;
    /// Signs.
    pub const SIGN: u32 = 1 << 18;
    /// What an attestation key has.
    pub const ATTESTATION_KEY: u32 =
        FIXED_TPM | FIXED_PARENT | SENSITIVE_DATA_ORIGIN | USER_WITH_AUTH | RESTRICTED | SIGN;
}

/// Which of the published keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AkKey {
    /// P-256, from a label.
    P256(&'static str),
    /// RSA of 2048 bits, `data/test-ak-rsa2048.pk8`.
    Rsa2048,
    /// RSA of 1024 bits, `data/test-ak-rsa1024.bin`: too short.
    Rsa1024,
}

impl AkKey {
    /// Signs with the hash of this TPM_ALG_ID; deterministic. RSA: PKCS#1 v1.5; P-256: r || s.
    pub fn sign(self, hash: u16, message: &[u8]) -> Vec<u8> {
        match self {
            AkKey::P256(label) => {
                let hashed = digest(algorithm(hash), message);
                // A prehash must be half a field element at least; SHA-1's 20 bytes are.
                let signature: p256::ecdsa::Signature = ec_key(label)
                    .sign_prehash(hashed.as_ref())
                    .expect("a signature because the digest is long enough");
                signature.to_bytes().to_vec()
            }
            AkKey::Rsa2048 if hash != alg::SHA1 => {
                let padding: &dyn RsaEncoding = match hash {
                    alg::SHA384 => &RSA_PKCS1_SHA384,
                    _ => &RSA_PKCS1_SHA256,
                };
                let key = rsa_2048();
                let mut signature = vec![0; key.public().modulus_len()];
                // PKCS#1 v1.5 has no randomness; the generator only blinds the exponentiation.
                key.sign(padding, &ring::rand::SystemRandom::new(), message, &mut signature)
                    .expect("a signature because the buffer has the modulus' length");
                signature
            }
            AkKey::Rsa2048 | AkKey::Rsa1024 => {
                let (modulus, exponent) = RSA_1024.split_at(128);
                power(&pkcs1(hash, message, modulus.len()), exponent, modulus)
            }
        }
    }

    /// The uncompressed point, or the modulus.
    pub fn unique(self) -> Vec<u8> {
        match self {
            AkKey::P256(label) => {
                ec_key(label).verifying_key().to_sec1_point(false).as_bytes().to_vec()
            }
            // RSAPublicKey: nine bytes of heads and a zero, then the modulus.
            AkKey::Rsa2048 => rsa_2048().public().as_ref()[9..265].to_vec(),
            AkKey::Rsa1024 => RSA_1024[..128].to_vec(),
        }
    }
}

fn algorithm(hash: u16) -> &'static Algorithm {
    match hash {
        alg::SHA1 => &SHA1_FOR_LEGACY_USE_ONLY,
        alg::SHA384 => &SHA384,
        _ => &SHA256,
    }
}

fn rsa_2048() -> RsaKeyPair {
    RsaKeyPair::from_pkcs8(include_bytes!("../../data/test-ak-rsa2048.pk8"))
        .expect("a key because the file is committed")
}

fn ec_key(label: &str) -> p256::ecdsa::SigningKey {
    (0_u32..)
        .find_map(|counter| {
            let scalar = sha256(&[KEY_TAG, &counter.to_be_bytes(), label.as_bytes()]);
            p256::ecdsa::SigningKey::from_slice(&scalar).ok()
        })
        .expect("a scalar in range because nearly every hash is one")
}

/// EMSA-PKCS1-v1_5 (RFC 8017, 9.2).
fn pkcs1(hash: u16, message: &[u8], length: usize) -> Vec<u8> {
    let info: &[u8] = match hash {
        alg::SHA1 => &[0x30, 0x21, 0x30, 0x09, 6, 5, 0x2b, 14, 3, 2, 0x1a, 5, 0, 4, 20],
        _ => &[0x30, 0x31, 0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 32],
    };
    let hashed = digest(algorithm(hash), message);
    let end = [&[0][..], info, hashed.as_ref()].concat();
    let mut out = vec![0, 1];
    out.resize(length - end.len(), 0xff);
    out.extend(end);
    out
}

/// The parts of a TPMT_PUBLIC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicSpec {
    /// TPMI_ALG_PUBLIC.
    pub kind: u16,
    /// Hash of the name.
    pub name_alg: u16,
    /// TPMA_OBJECT.
    pub attributes: u32,
    /// Symmetric algorithm; none for an attestation key.
    pub symmetric: u16,
    /// Signing scheme.
    pub scheme: u16,
    /// Its hash.
    pub scheme_hash: u16,
    /// TPMI_ECC_CURVE, or the key's bits for RSA.
    pub size: u16,
    /// RSA: 0 stands for 65537.
    pub exponent: u32,
    /// The point or modulus.
    pub unique: Vec<u8>,
    /// Bytes after the structure.
    pub trailing: Vec<u8>,
    /// Whether the last length promises a byte more than there is.
    pub cut: bool,
}

impl PublicSpec {
    /// A sound attestation key.
    pub fn of(key: AkKey) -> Self {
        let (kind, scheme, size) = match key {
            AkKey::P256(_) => (alg::ECC, alg::ECDSA, CURVE_P256),
            AkKey::Rsa2048 => (alg::RSA, alg::RSASSA, 2048),
            AkKey::Rsa1024 => (alg::RSA, alg::RSASSA, 1024),
        };
        Self {
            kind,
            name_alg: alg::SHA256,
            attributes: attribute::ATTESTATION_KEY,
            symmetric: alg::NULL,
            scheme,
            scheme_hash: alg::SHA256,
            size,
            exponent: 0,
            unique: key.unique(),
            trailing: Vec::new(),
            cut: false,
        }
    }

    /// The encoded structure.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let u16s = |out: &mut Vec<u8>, values: &[u16]| {
            values.iter().for_each(|value| out.extend(value.to_be_bytes()));
        };
        u16s(&mut out, &[self.kind, self.name_alg]);
        out.extend(self.attributes.to_be_bytes());
        out.extend(sized(&[]));
        u16s(&mut out, &[self.symmetric, self.scheme]);
        if self.scheme != alg::NULL {
            u16s(&mut out, &[self.scheme_hash]);
        }
        u16s(&mut out, &[self.size]);
        if self.kind == alg::ECC {
            u16s(&mut out, &[alg::NULL]);
            let half = self.unique.len() / 2;
            out.extend(sized(&self.unique[1..=half]));
            out.extend(sized(&self.unique[half + 1..]));
        } else {
            out.extend(self.exponent.to_be_bytes());
            out.extend(sized(&self.unique));
        }
        if self.cut {
            out.pop();
        }
        out.extend_from_slice(&self.trailing);
        out
    }

    /// nameAlg || SHA-256(structure).
    pub fn name(&self) -> Vec<u8> {
        [&self.name_alg.to_be_bytes()[..], &sha256(&[&self.to_bytes()])].concat()
    }
}

/// TPM_ECC_NIST_P256.
pub(crate) const CURVE_P256: u16 = 0x0003;
const KEY_TAG: &[u8] = b"probity/attestation-fixtures/ak/v1";
/// Modulus and private exponent, each of 128 bytes: a key that is too short for anything.
const RSA_1024: &[u8; 256] = include_bytes!("../../data/test-ak-rsa1024.bin");
