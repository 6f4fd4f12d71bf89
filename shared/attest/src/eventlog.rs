//! The log of a measured boot: TCG PC Client Platform Firmware Profile 1.06, section 10,
//! crypto-agile form (checks T25 to T30).
//!
//! ```text
//! record     header and events, little-endian                T26
//! kind       event types by name                             T27
//! replay     registers from digests, startup locality        T25, T29
//! variables  UEFI variables and signature lists              T28
//! secure     secure boot, from PCR7                          T27, T29
//! judge      all of it against quoted registers              T25-T30
//! ```
//!
//! A log is written by the machine that is being judged. Only its digests are bound by a quote:
//! an event's type, and data that does not hash to its digest, are untrusted and must never
//! decide anything.

mod judge;
mod kind;
mod record;
mod replay;
mod secure;
mod variables;
mod verdict;

pub(crate) use judge::verify;
pub use kind::EventKind;
pub use record::{Event, LOG_BYTES_MAX, UnverifiedEventLog};
pub use variables::{SignatureEntry, parse_signature_lists};
pub use verdict::{MeasuredEvent, SecureBoot, SecureBootState, VerifiedEventLog};
