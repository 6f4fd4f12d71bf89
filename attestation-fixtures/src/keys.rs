//! P-384 keys that follow from a seed and a label, so that the PKI is the same bytes everywhere.
//! A key made here must never protect anything: its seed is published.

use crate::FixtureError;
use p384::ecdsa::signature::Signer as _;
use p384::ecdsa::{Signature, SigningKey};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair};
use sha2::{Digest, Sha384};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A P-384 key pair in two forms: RFC 6979 for bytes that must not change from run to run, and
/// ring where speed matters.
pub struct Signer {
    deterministic: SigningKey,
    fast: EcdsaKeyPair,
    random: SystemRandom,
    /// Certificates that are signed again and again while a corpus is made.
    signed: Mutex<BTreeMap<[u8; 48], [u8; 96]>>,
}

/// Keys derived before, by label: a corpus asks for the same six hundreds of times.
#[derive(Debug, Default)]
pub(crate) struct KeyRing(Mutex<BTreeMap<String, Arc<Signer>>>);

impl KeyRing {
    pub(crate) fn derive(&self, seed: &[u8; 32], label: &str) -> Arc<Signer> {
        // A poisoned memory of derived keys is still right: entries are whole.
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= MEMORY_ENTRIES_MAX {
            keys.clear();
        }
        let derive = || Arc::new(Signer::derive(seed, label));
        Arc::clone(keys.entry(label.to_owned()).or_insert_with(derive))
    }
}

impl Signer {
    /// The key of `label` under `seed`.
    pub fn derive(seed: &[u8; 32], label: &str) -> Self {
        let deterministic = (0_u32..)
            .find_map(|counter| {
                let mut hash = Sha384::new();
                hash.update(KEY_TAG);
                hash.update(seed);
                hash.update(counter.to_be_bytes());
                hash.update(label.as_bytes());
                SigningKey::from_slice(&hash.finalize()).ok()
            })
            .expect("a scalar in range because nearly every hash is one");
        let random = SystemRandom::new();
        let private = deterministic.to_bytes();
        let point = deterministic.verifying_key().to_sec1_point(false);
        let fast = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P384_SHA384_FIXED_SIGNING,
            &private,
            point.as_bytes(),
            &random,
        )
        .expect("a key pair because p384 just made it");
        Self { deterministic, fast, random, signed: Mutex::default() }
    }

    /// The public key, uncompressed.
    pub fn point(&self) -> Vec<u8> {
        self.deterministic.verifying_key().to_sec1_point(false).as_bytes().to_vec()
    }

    /// Signs with RFC 6979: the same message gives the same 96 bytes.
    pub fn sign_deterministic(&self, message: &[u8]) -> [u8; 96] {
        let digest: [u8; 48] = Sha384::digest(message).into();
        let mut signed = self.signed.lock().unwrap_or_else(PoisonError::into_inner);
        if signed.len() >= MEMORY_ENTRIES_MAX {
            signed.clear();
        }
        *signed.entry(digest).or_insert_with(|| {
            let signature: Signature = self.deterministic.sign(message);
            signature.to_bytes().into()
        })
    }

    /// Signs with ring and the system's randomness.
    pub fn sign_fast(&self, message: &[u8]) -> Result<[u8; 96], FixtureError> {
        let signature =
            self.fast.sign(&self.random, message).map_err(|_| FixtureError::Randomness)?;
        signature.as_ref().try_into().map_err(|_| FixtureError::Randomness)
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").finish_non_exhaustive()
    }
}

/// The other signature of the same message under the same key: (r, n - s).
pub(crate) fn twin(signature: &[u8; 96]) -> [u8; 96] {
    let mut twin = *signature;
    let mut borrow = 0;
    for index in (0..48).rev() {
        let difference = i16::from(P384_ORDER[index]) - i16::from(signature[48 + index]) - borrow;
        borrow = i16::from(difference < 0);
        twin[48 + index] = difference.rem_euclid(256) as u8;
    }
    twin
}

/// Whether s is in the upper half of the order.
pub(crate) fn is_high(signature: &[u8; 96]) -> bool {
    signature[48..] > twin(signature)[48..]
}

/// The order of P-384.
pub(crate) const P384_ORDER: [u8; 48] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf,
    0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73,
];
const MEMORY_ENTRIES_MAX: usize = 64;
const KEY_TAG: &[u8] = b"probity/attestation-fixtures/key/v1";
