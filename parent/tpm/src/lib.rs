//! The process that owns the TPM of a measured host: it measures the worker before it starts it,
//! watches over it, answers its quotes and has the attestation key certified. It belongs to the
//! host and convinces nobody by itself: a verifier believes the TPM's signature and what follows
//! from it. It must never start what it has not measured, or sign for anybody but the worker.
//!
//! ```text
//! supervise    folder, worker, probes, restarts        owner       the thread that owns the TPM
//! measured     program, boot configuration             quote_link  one worker's requests
//! runtime_log  log and register                        identity    EK, AK, credential activation
//! tpm          commands, retries, registers, quotes    sealed      the state key
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod certificates;
pub mod clock;
pub mod command;
pub mod enrol;
pub mod error;
pub mod files;
pub mod identity;
pub mod limits;
pub mod measured;
pub mod options;
pub mod owner;
pub mod quote_link;
pub mod restarts;
pub mod runtime_log;
pub mod sealed;
pub mod status;
pub mod supervise;
pub mod tpm;
pub mod worker;

pub use error::Error;
