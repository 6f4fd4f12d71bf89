//! The log of what a running system measures into one register: TCG Canonical Event Log Format
//! 1.0 in its TLV encoding, with contents of our own (checks T25 to T27, TPM.md section 5).
//!
//! ```text
//! event     contents: worker, boot configuration, authorities    T27
//! record    one record: reader and writer                        T26
//! log       records in a row, replayed                           T25-T27
//! ```
//!
//! The machine that is judged writes this log. Nothing in it may decide anything before its replay
//! has given the value that a TPM signed; who compares contents with a policy is
//! [`crate::tpm`] for workers and the caller for the rest.

mod event;
mod log;
mod record;

pub use event::RuntimeEvent;
pub use log::{EVENTS_MAX, RUNTIME_LOG_BYTES_MAX, UnverifiedRuntimeLog};
pub use record::{CONTENT_TYPE, Record, write_record};
