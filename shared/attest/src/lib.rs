//! Verification of evidence: AWS Nitro attestation documents of enclaves and of instances
//! (NitroTPM), checks N1 to N42, and TPM 2.0 quotes with the logs of what was measured, checks T4
//! to T34. In order, cheapest first.
//!
//! ```text
//! document    envelope, the received bytes            N1-N8
//! payload     fields, types and sizes                 N9-N21
//! certificate one strict certificate                  N23, N27
//! chain       root to leaf at a moment in time        N22-N30
//! verify      signature, kind, policy, freshness      N31-N42
//! tpm         quotes and their keys                   T4-T6, T8, T13-T24
//! eventlog    the measured boot                       T25-T30
//! cel         what the running system measured        T24-T27
//! ima         what its kernel measured                T31-T34
//! ```
//!
//! Time, roots and reference values are passed in. This crate must never read a clock, a file or
//! a socket, never re-encode what was signed, and never give out a [`VerifiedDocument`] for which
//! a check was silently skipped: what was not done is listed as [`Outcome::NotChecked`].

// A test may stop at the first surprise.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod bytes;
mod cache;
pub mod cel;
mod certificate;
mod chain;
mod check;
mod document;
mod error;
pub mod eventlog;
pub mod ima;
mod payload;
mod policy;
mod reference;
pub mod tpm;
mod verdict;
mod verify;

pub use cache::ChainCache;
pub use check::{Check, Outcome};
pub use document::UnverifiedDocument;
pub use error::{AttestError, DocumentKind, Position};
pub use policy::{NitroPolicy, NonceRule, TrustAnchor, VerificationTime};
pub use reference::ReferenceValues;
pub use verdict::{Anchor, ReplayKey, VerifiedDocument, VerifiedTime};
pub use verify::verify;

/// Bytes in a PCR of a Nitro document: SHA-384.
pub const PCR_BYTES: usize = 48;

/// One platform configuration register.
pub type Pcr = [u8; PCR_BYTES];

/// Lower-case hexadecimal, for messages.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push_str(&format!("{byte:02x}"));
    }
    text
}
