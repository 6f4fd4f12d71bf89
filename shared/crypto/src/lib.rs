//! The few cryptographic operations that every part of Probity agrees on, with the domain
//! separation written down once. No clock, no randomness, no I/O: keys and salts come in as
//! bytes. It must never offer a hash without a domain or a signature check that is not strict.

mod base58;
pub mod cose;
mod digest;
mod hex;
mod keys;

pub use digest::{Digest, Domain, digest, sha384};
pub use hex::{from_hex, from_hex_exact, to_hex};
pub use keys::{Salt, Signature, SigningKey, VerifyingKey};

/// Why a key, signature or hash was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CryptoError {
    /// The bytes are no canonical point of Ed25519, or a point of small order.
    #[error("not an acceptable Ed25519 public key: {0}")]
    PublicKey(&'static str),
    /// `verify_strict` (RFC 8032 with canonical R, canonical S and no small order) failed.
    #[error("Ed25519 signature does not verify under the key {key}")]
    Signature {
        /// The key, as did:key.
        key: String,
    },
    /// Text is not hexadecimal of the wanted length.
    #[error("expected {expected} hexadecimal digits, found {found}")]
    Hex {
        /// Digits wanted.
        expected: usize,
        /// What came, in words.
        found: String,
    },
    /// Text is not the did:key of an Ed25519 key.
    #[error("not a did:key of an Ed25519 key: {0:?}")]
    DidKey(String),
}
