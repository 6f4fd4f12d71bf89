//! Shared pieces of the integration tests and benchmarks: where things are, a world with keys and
//! rules, a running stack, a real HTTPS client. It must never contain a test's expectation.

pub mod fuzz_eif;
pub mod fuzz_evidence;
pub mod fuzz_formats;
mod fuzz_input;
pub mod fuzz_proofs;
pub mod fuzz_rules;
pub mod fuzz_targets;
pub mod fuzz_tpm;
pub mod https;
pub mod image;
pub mod link;
pub mod rulebook;
pub mod sample;
pub mod stack;
pub mod swtpm;
pub mod world;

use std::path::PathBuf;

/// The workspace's root.
pub fn root() -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.parent().map(PathBuf::from).unwrap_or(here)
}
