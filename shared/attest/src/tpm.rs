//! TPM 2.0 evidence: a quote, its attestation key, the quoted registers and the log of the
//! measured boot (checks T4 to T6, T8, T13 to T30).
//!
//! ```text
//! evidence     the CBOR map of TPM.md                    T13
//! attest       TPMS_ATTEST                               T13-T15, T20
//! signature    TPMT_SIGNATURE                            T13, T18
//! public, key  TPMT_PUBLIC, public keys                  T4-T6
//! chain        certificates of attestation keys          T8
//! verify       everything against the policy             T8, T16-T24
//! runtime      the runtime log, of crate::cel            T24-T27
//! crate::eventlog   the log                              T25-T30
//! ```
//!
//! A key that arrives with a quote is never believed for that. Registering keys (T1 to T3, T7,
//! T9 to T12) is the registrar's; the policy carries its result.

mod attest;
mod attestation_key;
mod certificate;
mod chain;
mod evidence;
mod hash;
mod key;
mod ledger;
mod policy;
mod public;
mod runtime;
mod signature;
mod trust;
mod verdict;
mod verify;

pub use attestation_key::AttestationKey;
pub use evidence::{EVIDENCE_BYTES_MAX, TpmEvidence, extra_data};
pub use hash::HashAlgorithm;
pub(crate) use policy::RESETTABLE;
pub use policy::{AkTrust, TpmPolicy, WorkerRelease};
pub use runtime::{MeasuredWorker, VerifiedRuntimeLog};
pub use trust::AkParts;
pub use verdict::{AkBasis, ClockInfo, VerifiedQuote};
pub use verify::{
    QuoteParts, ak_name, verify_evidence, verify_evidence_with, verify_quote, verify_quote_with,
};
