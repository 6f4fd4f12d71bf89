//! Enrolment of attestation keys (ENROL.md): is this endorsement key a real TPM's, was this
//! attestation key made in a TPM, and are both in the same one? Checks T1 to T7 and T9 to T12.
//!
//! ```text
//! ek           TPMT_PUBLIC of the endorsement key       T2
//! certificate  one certificate of its chain             T1
//! chain        leaf to a pinned root                    T1
//! creation     what the TPM says of the new key         T7
//! judge        all of it: a Candidate                   T1-T7
//! credential   MakeCredential                           T9
//! challenge    one secret, once, for a while            T10, T11
//! registry     identities, tokens                       T3, T12
//! authority    the certificate of the attestation key
//! protocol     the two calls as JSON
//! ```
//!
//! Everything is a function of bytes: time and randomness are the caller's, files and sockets are
//! not here, except that signing and making keys draws from the system inside `ring`. It must
//! never give out an [`Activated`] for a key that did not pass every check before it.

// A test may stop at the first surprise.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod authority;
mod bytes;
mod certificate;
mod chain;
mod challenge;
mod creation;
mod credential;
mod ek;
mod error;
mod judge;
mod kdf;
mod key;
mod modulus;
pub mod protocol;
mod registry;

pub use authority::{AK_DAYS_MAX, AkCertificate, Authority, CA_DAYS, Days};
pub use chain::{EkIdentity, EkRoots, revocation_of};
pub use challenge::{Activated, CHALLENGE_MS, Challenge, ChallengeRandom, SECRET_BYTES};
pub use credential::{Credential, ENTROPY_BYTES, make_credential};
pub use ek::{EkPublic, Template};
pub use error::EnrolError;
pub use judge::{Candidate, Submission, judge};
pub use registry::{
    IDENTITY_BYTES_MAX, Identity, Record, Revocation, Superseded, TOKEN_BYTES, TOKEN_MS_MAX, Token,
    Used,
};

/// Lower-case hexadecimal, for messages and names.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push_str(&format!("{byte:02x}"));
    }
    text
}
