//! The TPM's side of credential activation (TPM 2.0 Part 1, 24) in a page: opens what was wrapped
//! for endorsement keys whose private halves are published. It shares no code with the maker,
//! takes no care of timing, and must never touch a secret.

use super::sha256;
use crate::bignum::power;
use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};
use p256::elliptic_curve::sec1::ToSec1Point as _;
use ring::hmac;
use sha2::{Digest, Sha256, Sha384};

/// Which of the published endorsement keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EkKey {
    /// RSA of 2048 bits, `data/test-ak-rsa2048.pk8`.
    Rsa2048,
    /// P-256, from a label.
    P256(&'static str),
    /// P-384, from a label.
    P384(&'static str),
}

/// Why the TPM would not open a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ActivateError {
    /// Not the structures of part 2.
    #[error("TPM_RC_SIZE: the structures are cut or too long")]
    Size,
    /// The seed does not open.
    #[error("TPM_RC_VALUE: the encrypted secret is not for this key")]
    Secret,
    /// Another key's name, or other bytes.
    #[error("TPM_RC_INTEGRITY: the credential is not for a key of this name")]
    Integrity,
}

impl EkKey {
    /// The modulus, or the uncompressed point.
    pub fn unique(self) -> Vec<u8> {
        match self {
            EkKey::Rsa2048 => rsa_numbers().0,
            EkKey::P256(label) => {
                p256_secret(label).public_key().to_sec1_point(false).as_bytes().to_vec()
            }
            EkKey::P384(label) => {
                p384_secret(label).public_key().to_sec1_point(false).as_bytes().to_vec()
            }
        }
    }

    /// nameAlg and the digest of the public area.
    pub fn name(self, public: &[u8]) -> Vec<u8> {
        let id: u16 = if self.is_high() { super::alg::SHA384 } else { super::alg::SHA256 };
        [&id.to_be_bytes()[..], &self.hash(public)].concat()
    }

    /// TPM2_ActivateCredential for a loaded key of that name: the secret.
    pub fn activate(
        self,
        name: &[u8],
        blob: &[u8],
        encrypted_secret: &[u8],
    ) -> Result<Vec<u8>, ActivateError> {
        let seed = self.seed(encrypted_secret)?;
        let (outer, identity) = unsized_(blob)?;
        let integrity = self.kdfa(&seed, b"INTEGRITY\0", &[], self.hash_bytes());
        let expected = self.hmac(&integrity, &[identity, name].concat());
        if outer != expected {
            return Err(ActivateError::Integrity);
        }
        let key_bytes = if self.is_high() { 32 } else { 16 };
        let key = self.kdfa(&seed, b"STORAGE\0", name, key_bytes);
        let plain = decrypt_cfb(&key, identity);
        match unsized_(&plain)? {
            (secret, []) => Ok(secret.to_vec()),
            _ => Err(ActivateError::Size),
        }
    }

    fn seed(self, encrypted: &[u8]) -> Result<Vec<u8>, ActivateError> {
        if self == EkKey::Rsa2048 {
            return oaep_seed(encrypted);
        }
        let (x, rest) = unsized_(encrypted)?;
        let (y, rest) = unsized_(rest)?;
        if !rest.is_empty() {
            return Err(ActivateError::Size);
        }
        let point = [&[4][..], x, y].concat();
        let refused = ActivateError::Secret;
        let z = match self {
            EkKey::P256(label) => {
                use p256::elliptic_curve::point::AffineCoordinates as _;
                let peer = p256::PublicKey::from_sec1_bytes(&point).map_err(|_| refused)?;
                let product = p256::ProjectivePoint::from(*peer.as_affine())
                    * *p256_secret(label).to_nonzero_scalar();
                product.to_affine().x().to_vec()
            }
            EkKey::P384(label) => {
                use p384::elliptic_curve::point::AffineCoordinates as _;
                let peer = p384::PublicKey::from_sec1_bytes(&point).map_err(|_| refused)?;
                let product = p384::ProjectivePoint::from(*peer.as_affine())
                    * *p384_secret(label).to_nonzero_scalar();
                product.to_affine().x().to_vec()
            }
            EkKey::Rsa2048 => return Err(refused),
        };
        let own = self.unique();
        let own_x = &own[1..=own.len() / 2];
        // One block: the hash is as long as the seed.
        Ok(self.hash(&[&1_u32.to_be_bytes()[..], &z, b"IDENTITY\0", x, own_x].concat()))
    }

    fn is_high(self) -> bool {
        matches!(self, EkKey::P384(_))
    }

    fn hash_bytes(self) -> usize {
        if self.is_high() { 48 } else { 32 }
    }

    fn hash(self, bytes: &[u8]) -> Vec<u8> {
        match self.is_high() {
            true => Sha384::digest(bytes).to_vec(),
            false => Sha256::digest(bytes).to_vec(),
        }
    }

    fn hmac(self, key: &[u8], bytes: &[u8]) -> Vec<u8> {
        let algorithm = if self.is_high() { hmac::HMAC_SHA384 } else { hmac::HMAC_SHA256 };
        hmac::sign(&hmac::Key::new(algorithm, key), bytes).as_ref().to_vec()
    }

    /// One block of KDFa, cut to length: no key here is longer than the hash.
    fn kdfa(self, seed: &[u8], label: &[u8], context: &[u8], bytes: usize) -> Vec<u8> {
        let bits = (bytes as u32 * 8).to_be_bytes();
        let input = [&1_u32.to_be_bytes()[..], label, context, &bits].concat();
        self.hmac(seed, &input)[..bytes].to_vec()
    }
}

fn decrypt_cfb(key: &[u8], cipher: &[u8]) -> Vec<u8> {
    let mut register = [0_u8; 16];
    let mut plain = Vec::new();
    for chunk in cipher.chunks(16) {
        let mut block = register.into();
        match key.len() {
            16 => aes::Aes128::new_from_slice(key).expect("16 bytes").encrypt_block(&mut block),
            _ => aes::Aes256::new_from_slice(key).expect("32 bytes").encrypt_block(&mut block),
        }
        plain.extend(chunk.iter().zip(block).map(|(byte, mask)| byte ^ mask));
        register[..chunk.len()].copy_from_slice(chunk);
    }
    plain
}

/// OAEP's decoding with SHA-256 and the label of a TPM's identity objects.
fn oaep_seed(encrypted: &[u8]) -> Result<Vec<u8>, ActivateError> {
    let (modulus, exponent) = rsa_numbers();
    if encrypted.len() != modulus.len() || encrypted >= modulus.as_slice() {
        return Err(ActivateError::Size);
    }
    let encoded = power(encrypted, &exponent, &modulus);
    let (seed, block) = encoded[1..].split_at(32);
    let seed = xor(seed, &mask(block, 32));
    let block = xor(block, &mask(&seed, block.len()));
    let (label, rest) = block.split_at(32);
    let message = rest.iter().position(|byte| *byte != 0).map(|at| &rest[at..]);
    match message {
        Some([1, message @ ..]) if encoded[0] == 0 && label == sha256(&[b"IDENTITY\0"]) => {
            Ok(message.to_vec())
        }
        _ => Err(ActivateError::Secret),
    }
}

fn mask(seed: &[u8], bytes: usize) -> Vec<u8> {
    let blocks = (0_u32..8).flat_map(|counter| sha256(&[seed, &counter.to_be_bytes()]));
    blocks.take(bytes).collect()
}

fn xor(a: &[u8], b: &[u8]) -> Vec<u8> {
    a.iter().zip(b).map(|(a, b)| a ^ b).collect()
}

/// A TPM2B and what follows it.
fn unsized_(bytes: &[u8]) -> Result<(&[u8], &[u8]), ActivateError> {
    let (length, rest) = bytes.split_first_chunk().ok_or(ActivateError::Size)?;
    rest.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or(ActivateError::Size)
}

/// Modulus and private exponent of the committed key, each of 256 bytes.
fn rsa_numbers() -> (Vec<u8>, Vec<u8>) {
    // PKCS #8: version, algorithm, octet string; in that version, modulus, exponent, private one.
    let outer = elements(content(include_bytes!("../../data/test-ak-rsa2048.pk8")).0);
    let inner = elements(content(outer[2]).0);
    let number = |bytes: &[u8]| {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        [vec![0; 256 + zeros - bytes.len()], bytes[zeros..].to_vec()].concat()
    };
    (number(inner[1]), number(inner[3]))
}

/// The contents of the elements in a sequence.
fn elements(mut bytes: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let (one, rest) = content(bytes);
        found.push(one);
        bytes = rest;
    }
    found
}

/// The content of a DER element of our own files, and what follows it.
fn content(der: &[u8]) -> (&[u8], &[u8]) {
    let (head, length) = match der[1] {
        short @ 0..=0x7f => (2, usize::from(short)),
        0x81 => (3, usize::from(der[2])),
        _ => (4, usize::from(u16::from_be_bytes([der[2], der[3]]))),
    };
    der[head..].split_at(length)
}

fn p256_secret(label: &str) -> p256::SecretKey {
    (0_u32..)
        .find_map(|counter| {
            let scalar = sha256(&[KEY_TAG, &counter.to_be_bytes(), label.as_bytes()]);
            p256::SecretKey::from_slice(&scalar).ok()
        })
        .expect("a scalar in range because nearly every hash is one")
}

fn p384_secret(label: &str) -> p384::SecretKey {
    (0_u32..)
        .find_map(|counter| {
            let hash = Sha384::new().chain_update(KEY_TAG).chain_update(counter.to_be_bytes());
            p384::SecretKey::from_slice(&hash.chain_update(label).finalize()).ok()
        })
        .expect("a scalar in range because nearly every hash is one")
}

const KEY_TAG: &[u8] = b"probity/attestation-fixtures/ek/v1";
