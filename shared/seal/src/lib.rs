//! Sealed requests: a caller seals a request to the X25519 key that an attestation vouches for,
//! the enclave opens it, and seals the reply so that the caller alone can read it. The forms are
//! in `SEALED.md`, frozen with the vectors beside it. No clock, no randomness, no I/O: entropy
//! and time come in. It must never decide whether a key set is attested; who seals has verified
//! the attestation document first.
//!
//! ```
//! use seal::{Recipient, RecipientKey, Reply, key_set};
//! let (now_ms, signer) = (1_767_225_600_000, [7; 32]);
//! let key = RecipientKey::derive(&[1; 32].into());        // the enclave, from its entropy
//! let keys = key_set(&signer, &key.public());             // what its quotes carry
//!
//! let recipient = Recipient::of_key_set(&keys)?;          // the caller, after verification
//! let (message, ours) = recipient.seal(&[2; 32].into(), now_ms + 60_000, b"{}")?;
//!
//! let opened = key.open(&keys, &message)?;                // the enclave again
//! assert_eq!(*opened.body, b"{}");
//! let sealed = opened.reply.seal(&[3; 32], &Reply::refused(0, "amount", "it is missing"));
//!
//! assert_eq!(ours.open(&sealed)?, Reply::refused(0, "amount", "it is missing"));
//! # Ok::<(), seal::SealError>(())
//! ```

/// `Debug` without content: what these hold belongs into no log.
macro_rules! redacted {
    ($($name:ident),*) => {$(
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )*};
}

mod error;
mod gcm;
mod hkdf;
mod hpke;
mod keys;
mod message;
mod padding;
mod window;

pub use error::SealError;
pub use keys::{Recipient, RecipientKey, key_set};
pub use message::{Opened, Reply, ReplyKey};
pub use window::Window;

/// Version of the messages.
pub const VERSION: u64 = 1;
/// Largest request body, in bytes.
pub const BODY_BYTES_MAX: usize = 2 << 20;
/// Most rule results of a reply.
pub const RESULTS_MAX: usize = 256;
/// Largest rule result, in bytes.
pub const RESULT_BYTES_MAX: usize = 16_384;
/// Longest text of a reply, in bytes.
pub const TEXT_BYTES_MAX: usize = 1024;
/// Largest key set, in bytes.
pub const KEY_SET_BYTES_MAX: usize = 1024;
/// Smallest size class of what is sealed, in bytes. Each class is twice the one before.
pub const CLASS_BYTES_MIN: usize = 1024;
/// Largest sealed request, in bytes: the largest body's class, and what is around it.
pub const REQUEST_BYTES_MAX: usize = (4 << 20) + 1024;
/// Largest sealed reply, in bytes: the class of all results, and what is around it.
pub const REPLY_BYTES_MAX: usize = (8 << 20) + 1024;
/// How far in the future a request may expire, in milliseconds: how long each is remembered.
pub const VALIDITY_MS_MAX: u64 = 120_000;
/// Sealed requests that are remembered at once, unless the enclave is told otherwise.
pub const REMEMBERED_MAX: usize = 262_144;

#[cfg(test)]
mod tests;
