//! EAT Attestation Results (draft-ietf-rats-ear-04): what a verdict of Probity says in the words
//! of AR4SI (draft-ietf-rats-ar4si-09), as a JSON claims-set or signed as a JWS.
//!
//! ```text
//! claim    values of the trustworthiness vector and their tiers
//! findings what became of each numbered check
//! mapping  checks to claims, one table for each kind of attester (EAR.md)
//! result   the claims-set
//! jws      the claims-set under an Ed25519 key, written and read
//! ```
//!
//! No clock, no I/O. This crate must never turn a check that was not made into an affirming claim
//! or status, and never call a refused object anything but contraindicated.

mod claim;
mod error;
mod findings;
mod jws;
mod mapping;
mod result;

pub use claim::{Category, Claim, Tier, Vector};
pub use error::EarError;
pub use findings::{Findings, Open};
pub use jws::{read, sign};
pub use mapping::{Root, Subject, appraise, contraindicate};
pub use result::{Appraisal, Ear, PROFILE};
