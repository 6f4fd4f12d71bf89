//! The trusted enclave: takes request bytes, runs the rules in force, signs what they said, keeps
//! every proof in one append-only log and has the hardware quote that log. Threads and blocking
//! streams only. It must never sign anything but a `Statement`, believe a time or a rule that the
//! parent brings, or write a log line.
//!
//! All of the world that it sees is [`Platform`]; who serves it decides which root speaks.

mod attestor;
mod boot;
mod clock;
mod entropy;
mod evaluate;
pub mod nsm;
mod platform;
mod rulebook;
mod sealed;
mod serve;

pub use boot::Enclave;
pub use evaluate::Evaluator;
pub use platform::{Platform, PlatformError};
pub use rulebook::ActiveRules;
pub use serve::{serve_connection, spawn_connection};

/// vsock port of the command link.
pub const COMMAND_PORT: u32 = 5000;
/// The register that the boot configuration is extended into.
pub const BOOT_CONFIG_PCR: u16 = 16;
/// Versions of the rulebook that are held at once, the newest included.
pub const RULEBOOKS_HELD_MAX: usize = 3;
/// Connections that are served at once: the host's, the one that replaces it, operators'.
pub const CONNECTIONS_MAX: usize = 8;
/// Most workers of a connection.
pub const WORKERS_MAX: usize = 16;
/// Most evaluations that wait for a worker.
pub const JOBS_MAX: usize = 4096;
/// Most bytes of request bodies that wait for a worker.
pub const JOB_BYTES_MAX: usize = 64 << 20;
/// Most bytes of entries that wait for a quote or for the parent's word.
pub const HELD_BYTES_MAX: usize = 128 << 20;
/// Most entries that wait for a quote or for the parent's word that they are durable.
pub const HELD_ENTRIES_MAX: usize = 65_536;
/// Most entries under one quote.
pub const GROUP_ENTRIES_MAX: usize = 16_384;
/// Sealed requests that are remembered at once, each until its end.
pub const SEALED_REMEMBERED_MAX: usize = seal::REMEMBERED_MAX;
/// Most frames that wait for the link.
pub const FRAMES_MAX: usize = 1024;

/// Why the enclave cannot go on, or refused to start something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnclaveError {
    /// The attestation device failed.
    #[error(transparent)]
    Platform(#[from] PlatformError),
    /// The boot configuration or a bundle was refused.
    #[error(transparent)]
    Rules(#[from] rules::RulesError),
    /// A module of the bundle was refused.
    #[error(transparent)]
    Vm(#[from] vm::VmError),
    /// A boot configuration was given a second time.
    #[error("this boot already has its configuration; restart the enclave to give another")]
    BootedAlready,
    /// Rules came before the boot configuration.
    #[error("no boot configuration yet: the enclave does not know whose rules to accept")]
    NotBooted,
}

#[cfg(test)]
mod tests;
