//! The kernel's log of files that it measured, IMA's `binary_runtime_measurements` (checks T31 to
//! T34, TPM.md section 6).
//!
//! ```text
//! entry    entries of templates ima-ng and ima-sig       T32
//! judge    replayed to the quoted PCR10, up to a prefix   T31, T33
//! list     files that may have been measured              T34
//! ```
//!
//! Paths are claims of the kernel about its own mounts, bound by the digest of their entry. What
//! stands after the quoted moment is bound by nothing and must never decide anything.

mod entry;
mod judge;
mod list;

pub use entry::{KERNEL_LOG_BYTES_MAX, KernelLogEntry};
pub use judge::VerifiedKernelLog;
pub(crate) use judge::{PCR, judge};
pub use list::{FILE_LIST_BYTES_MAX, FileList};
