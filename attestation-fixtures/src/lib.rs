//! Forges a test Nitro PKI with good and hostile documents for tests and the simulator, and the
//! conformance corpus: documents, quotes and proofs that any verifier can be held against.
//!
//! Everything hangs under the **test root**, whose private key follows from a published seed: a
//! verifier that accepts it accepts anything from anyone. It is another root, not another code
//! path. This crate must never be linked by the enclave, the parent or a verifier, and it must
//! not depend on the verifier that it is there to test.

// A test may stop at the first surprise.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod bignum;
mod certificate;
pub mod conformance;
mod corpus;
mod der;
mod document;
mod keys;
mod pki;
pub mod proofs;
pub mod run;
mod tamper;
pub mod tpm;

pub use certificate::{CertificateSpec, Extension, Name, oid};
pub use corpus::{Case, Expected, PolicyData, TimeData, corpus, nitrotpm_corpus};
pub use document::DocumentSpec;
pub use keys::Signer;
pub use pki::{LeafChain, Level, PUBLISHED_SEED, REGION, TestPki};
pub use tamper::{CertTamper, Tamper, forge};

/// Why a fixture cannot be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FixtureError {
    /// The system gives no randomness to sign with.
    #[error("expected randomness from the system for a signature, found none")]
    Randomness,
}

pub(crate) use pki::base64;
