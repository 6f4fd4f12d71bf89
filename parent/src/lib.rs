//! The untrusted host of Probity: HTTPS in front, the enclave behind, and between them a durable
//! queue. Trusted for delivery and durability only; a verifier believes nothing that it says. It
//! must never hold a signing key of the enclave, decide a rule, or answer before the disk has it.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod accepted;
pub mod answer;
pub mod authority;
pub mod client;
pub mod config;
pub mod eif_command;
pub mod enclave_command;
pub mod error;
pub mod files;
pub mod health;
pub mod host;
pub mod http;
pub mod journal;
pub mod kept;
pub mod landed;
pub mod ledger;
pub mod limits;
pub mod link;
pub mod offer;
pub mod pending;
pub mod problem;
pub mod reference;
pub mod registrar;
pub mod rulebook;
pub mod seen;
pub mod serve;
pub mod shelf;
pub mod signals;
pub mod store;
pub mod tpm_command;

pub use error::Error;
