//! Verification of a Probity proof: bytes, a policy and, where there are any, the rule bundle and
//! the input go in; a [`Verified`] or the check that failed comes out. No I/O, no clock: this is
//! the SDK, and it behaves the same on every machine and in any year. It must never report a
//! check that it did not make as passed.
//!
//! ```no_run
//! use verify::{Materials, Policy, Verifier};
//! # fn read(_: &str) -> Vec<u8> { Vec::new() }
//! # fn policy() -> Policy { panic!("from the verifier's own file") }
//! let mut verifier = Verifier::new(policy());
//! match verifier.verify(&read("proof.cbor"), &Materials::default()) {
//!     Ok(verified) => println!("{}", verified.statement().decision()),
//!     Err(rejected) => println!("{}: {rejected}", rejected.check()),
//! }
//! ```

mod audit;
mod check;
mod error;
mod policy;
mod recompile;
mod render;
mod replay;
mod strict;
mod verifier;
mod view;

pub use audit::{AuditSummary, LogAudit};
pub use check::{Check, Outcome};
pub use error::VerifyError;
pub use policy::Policy;
pub use render::render_reason;
pub use replay::{Materials, verify_single_result};
pub use strict::parse_json;
pub use verifier::{Verified, Verifier};
pub use view::{from_json, parse_view, to_json};
