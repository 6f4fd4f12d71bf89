//! HPKE (RFC 9180), base mode, one suite: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.
//! Randomness comes in as bytes. It must never agree on a shared secret of zeros, which a public
//! key of small order would force (RFC 9180 §7.1.4).

use crate::gcm::{Cipher, NONCE_BYTES};
use crate::hkdf::{self, Secret};
use curve25519_dalek::montgomery::MontgomeryPoint;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// Bytes of a key of X25519, of `enc`, and of the secrets here.
pub(crate) const KEY_BYTES: usize = 32;
/// Who speaks, in every labelled derivation (RFC 9180 §4).
const VERSION: &[u8] = b"HPKE-v1";
/// DHKEM(X25519, HKDF-SHA256).
const KEM_SUITE: &[u8] = b"KEM\x00\x20";
/// The whole suite: KEM 0x0020, KDF 0x0001, AEAD 0x0002.
const SUITE: &[u8] = b"HPKE\x00\x20\x00\x01\x00\x02";
/// Base mode: neither a pre-shared key nor a sender's.
const MODE_BASE: u8 = 0;

/// A pair of keys of X25519. The private one is wiped when dropped.
pub(crate) struct KeyPair {
    private: Secret,
    pub(crate) public: [u8; KEY_BYTES],
}

impl KeyPair {
    /// `DeriveKeyPair` (RFC 9180 §7.1.3) of 32 random bytes.
    pub(crate) fn derive(seed: &[u8; KEY_BYTES]) -> Self {
        let prk = labeled_extract(KEM_SUITE, b"", b"dkp_prk", seed);
        let private: Secret = labeled_expand(KEM_SUITE, &*prk, b"sk", b"");
        let public = MontgomeryPoint::mul_base_clamped(*private).to_bytes();
        Self { private, public }
    }

    /// X25519 (RFC 7748 §6.1); nothing when the result is zero.
    fn agree(&self, other: &[u8; KEY_BYTES]) -> Option<Secret> {
        let shared = MontgomeryPoint(*other).mul_clamped(*self.private);
        let shared = Zeroizing::new(shared.to_bytes());
        (!bool::from(shared.ct_eq(&[0; KEY_BYTES]))).then_some(shared)
    }
}

/// What both sides hold after the key schedule (RFC 9180 §5.1).
pub(crate) struct Context {
    cipher: Cipher,
    base_nonce: Zeroizing<[u8; NONCE_BYTES]>,
    exporter: Secret,
}

impl Context {
    /// `SetupBaseS`: the sender's context; `enc` is the ephemeral pair's public key.
    pub(crate) fn sender(
        recipient: &[u8; KEY_BYTES],
        ephemeral: &KeyPair,
        info: &[&[u8]],
    ) -> Option<Self> {
        let shared = ephemeral.agree(recipient)?;
        Some(Self::schedule(&kem_secret(&shared, &ephemeral.public, recipient), info))
    }

    /// `SetupBaseR`: the recipient's context.
    pub(crate) fn recipient(
        enc: &[u8; KEY_BYTES],
        recipient: &KeyPair,
        info: &[&[u8]],
    ) -> Option<Self> {
        let shared = recipient.agree(enc)?;
        Some(Self::schedule(&kem_secret(&shared, enc, &recipient.public), info))
    }

    fn schedule(shared: &Secret, info: &[&[u8]]) -> Self {
        let psk_id_hash = labeled_extract(SUITE, b"", b"psk_id_hash", b"");
        let info_hash = labeled_extract(SUITE, b"", b"info_hash", &info.concat());
        let context = [&[MODE_BASE], &psk_id_hash[..], &info_hash[..]].concat();
        let secret = labeled_extract(SUITE, &**shared, b"secret", b"");
        let key = labeled_expand(SUITE, &*secret, b"key", &context);
        Self {
            cipher: Cipher::new(&key),
            base_nonce: labeled_expand(SUITE, &*secret, b"base_nonce", &context),
            exporter: labeled_expand(SUITE, &*secret, b"exp", &context),
        }
    }

    /// Seals message number `sequence` of this context.
    pub(crate) fn seal(&self, sequence: u64, aad: &[u8], plaintext: &[u8]) -> Vec<u8> {
        self.cipher.seal(&self.nonce(sequence), aad, plaintext)
    }

    /// Opens message number `sequence` of this context.
    pub(crate) fn open(
        &self,
        sequence: u64,
        aad: &[u8],
        sealed: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        self.cipher.open(&self.nonce(sequence), aad, sealed)
    }

    /// `Context.Export` of one hash length (RFC 9180 §5.3).
    pub(crate) fn export(&self, context: &[u8]) -> Secret {
        labeled_expand(SUITE, &*self.exporter, b"sec", context)
    }

    fn nonce(&self, sequence: u64) -> [u8; NONCE_BYTES] {
        let mut nonce = *self.base_nonce;
        for (byte, count) in nonce[NONCE_BYTES - 8..].iter_mut().zip(sequence.to_be_bytes()) {
            *byte ^= count;
        }
        nonce
    }
}

/// `ExtractAndExpand` (RFC 9180 §4.1).
fn kem_secret(shared: &Secret, enc: &[u8; KEY_BYTES], recipient: &[u8; KEY_BYTES]) -> Secret {
    let prk = labeled_extract(KEM_SUITE, b"", b"eae_prk", &**shared);
    labeled_expand(KEM_SUITE, &*prk, b"shared_secret", &[&enc[..], recipient].concat())
}

fn labeled_extract(suite: &[u8], salt: &[u8], label: &[u8], input: &[u8]) -> Secret {
    hkdf::extract(salt, &[VERSION, suite, label, input])
}

fn labeled_expand<const N: usize>(
    suite: &[u8],
    key: &[u8],
    label: &[u8],
    info: &[u8],
) -> Zeroizing<[u8; N]> {
    let length = (N as u16).to_be_bytes();
    hkdf::expand(key, &[&length, VERSION, suite, label, info])
}

#[cfg(test)]
mod tests;
