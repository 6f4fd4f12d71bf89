//! Verification of a Probity proof: bytes, a policy and, where there are any, the rule bundle and
//! the input go in; a verdict or the check that failed comes out. No I/O, no clock: this is the
//! SDK, and it behaves the same on every machine and in any year. It must never report a check
//! that it did not make as passed.
//!
//! | you have | you call | you get |
//! |---|---|---|
//! | a signed policy | [`Policy::from_verified`] | what is accepted |
//! | loose files | [`Policy::new`] | the same, signed by nobody |
//! | a proof, now | [`Verifier::live`], [`LiveVerifier::verify`] | [`Live`] |
//! | a stored proof | [`Verifier::archival`], [`ArchivalVerifier::verify`] | [`Archival`] |
//! | a fresh document and a nonce | [`LiveVerifier::verify_attestation`] | `VerifiedDocument` |
//! | many proofs, any order | [`set::LogSet`] | gaps, forks, consistency (P9) |
//! | a boot's whole log | [`LogAudit`] | no gap up to the last quote (P9) |
//! | a proof for people | [`to_json`], [`render_reason`] | text |
//!
//! A proof of a test world, judged for the moment at which its document says it was made:
//!
//! ```
//! use policy::{SignedPolicy, Signers};
//! use verify::{Materials, Policy, TimeEvidence, Verifier};
//! # macro_rules! file { ($name:literal) => {
//! #     include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/", $name))
//! # }; }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // The verifier's own: whose policies count, and the policy. And somebody's proof.
//! # let (pin, file) = (std::str::from_utf8(file!("pin.txt"))?.trim(), file!("policy.cbor"));
//! # let proof = file!("proof.cbor");
//! let pins = Signers { keys: vec![crypto::VerifyingKey::from_did_key(pin)?], threshold: 1 };
//! let signed = SignedPolicy::verify(file, Some(&pins))?;
//! let policy = Policy::from_verified(&signed)?;
//!
//! let verifier = Verifier::archival(policy.clone(), TimeEvidence::DocumentOwn);
//! let archival = verifier.verify(proof, &Materials::default())?;
//! println!("{}: {}", archival.statement().decision(), archival.assumption());
//!
//! // What could not be checked is listed, never passed.
//! for (check, title, outcome) in archival.all_checks() {
//!     if let verify::Outcome::NotChecked(why) = outcome {
//!         println!("{check} {title}: not checked, {why}");
//!     }
//! }
//!
//! // The same proof is no evidence about a later day: its certificates have expired.
//! let a_day_later = archival.judged_at().0 + 86_400_000;
//! let refused = Verifier::live(policy, a_day_later)?.verify(proof, &Materials::default());
//! let refused = refused.expect_err("an old document");
//! println!("{}: {refused}; do: {}", refused.check(), refused.remedy());
//! assert_eq!(refused.check(), "N28");
//! # Ok(())
//! # }
//! ```
//!
//! | module | what |
//! |---|---|
//! | `policy`, `terms` | what is accepted, from a file or by hand |
//! | `verifier`, `verified` | the verifiers, and their verdicts as types |
//! | `engine`, `steps`, `ledger` | the order of checks P1 to P11, what became of each |
//! | `witness` | the log's and the witnesses' signatures: P8, P20 |
//! | `evidence`, `cache` | documents and quotes under the policy; what is remembered |
//! | `replay`, `recompile` | rules and input: P12 to P19, P21, P22 |
//! | `set`, `audit` | many proofs: P9 |
//! | `view`, `render`, `strict` | JSON both ways, sentences |

mod alone;
mod audit;
mod cache;
mod check;
mod engine;
mod error;
mod evidence;
mod ledger;
mod policy;
mod recompile;
mod render;
mod replay;
pub mod set;
mod steps;
mod strict;
mod terms;
mod verified;
mod verifier;
mod view;
mod witness;

pub use alone::Attested;
pub use audit::{AuditSummary, LogAudit};
pub use cache::Work;
pub use check::{Check, Outcome};
pub use error::{Verdict, VerifyError};
pub use evidence::{Evidence, Logs};
pub use policy::{Origin, Policy};
pub use render::render_reason;
pub use replay::{Materials, SingleResult, verify_single_result};
pub use strict::parse_json;
pub use verified::{Archival, Live, Standing, TimeEvidence, Verified, Witnessed};
pub use verifier::{ArchivalVerifier, LiveVerifier, Verifier};
pub use view::{from_json, parse_view, to_json, view_to_bytes};
