//! Probity proofs, good and hostile: a rulebook of one rule, an evaluation, a log and a quote over
//! it, all with published keys. Hostile bytes are altered by hand **before** the part above them is
//! signed. A key made here must never protect anything.

mod spec;
mod world;

pub use spec::{Backing, ProofSpec, QuoteChange, envelope, protected_header};
pub(crate) use spec::{boot_pcr, nitro_registers, tpm_registers};
pub use world::{BODY, BOOT_ID, BOOTED_AT_MS, EVALUATED_AT_MS, QUOTED_AT_MS, RuleWorld, SALT, key};
