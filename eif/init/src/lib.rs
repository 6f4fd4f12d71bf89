//! What the image does before the enclave serves: mounts, limits, the heartbeat, confinement. It
//! runs in the enclave's own process, which in our image is the first one; there is no other
//! program, no shell, and no child that would have to be reaped. It must never read a byte that
//! decides anything: the parent's echo of the heartbeat is all that it takes from outside.
//!
//! The order is `prepare`, then what the process has to open, then `announce`, then `confine`. The
//! worker on a host with a TPM, which is not the only process there, puts its own confinement
//! together from `limits` and `filter`, between `begin` and `serving`.

pub mod filter;
mod heartbeat;
pub mod limits;
mod mounts;

pub use heartbeat::announce;

use nix::errno::Errno;
use nix::time::{ClockId, clock_gettime};
use std::sync::{Mutex, MutexGuard};
use wire::{Confinement, Health};

/// Process number of the first process.
const FIRST_PROCESS: u32 = 1;

/// Why the image does not start. The process ends, and in our image the kernel with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InitError {
    /// The kernel refused a step.
    #[error("{step} failed: {problem}; it works on the kernel of eif/kernel, started as root")]
    Step {
        /// What was tried.
        step: &'static str,
        /// The kernel's answer.
        problem: Errno,
    },
    /// Something that must be refused was done.
    #[error("{0} was not refused: this image is not confined")]
    NotRefused(&'static str),
    /// The parent's CID is none that a parent can have.
    #[error("probity_parent_cid is {0:?}, expected 3 (Nitro) or 2 (the host of a test machine)")]
    ParentCid(String),
    /// The parent did not answer the heartbeat.
    #[error("heartbeat to vsock {cid}:9000 failed: {problem}; something has to listen there")]
    Heartbeat {
        /// The parent's CID.
        cid: u32,
        /// What went wrong.
        problem: String,
    },
    /// The list of system calls could not be put in force.
    #[error("the system call filter was refused: {0}")]
    Filter(String),
}

/// What was done to this process so far: it has one kernel, one set of limits and one filter.
static STATE: Mutex<Health> = Mutex::new(Health {
    pid1: false,
    kernel_ms: 0,
    serving_ms: 0,
    booted_ms: 0,
    first_quote_ms: 0,
    uptime_ms: 0,
    memory_total_bytes: 0,
    memory_free_bytes: 0,
    memory_limit_bytes: 0,
    evaluations: 0,
    confinement: Vec::new(),
});

fn state() -> MutexGuard<'static, Health> {
    STATE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// First thing in the process: its time, and whether it is the first one.
pub fn begin() {
    let mut state = state();
    state.kernel_ms = now_ms();
    state.pid1 = std::process::id() == FIRST_PROCESS;
}

/// First thing in the image: mounts when this is the first process, then limits.
pub fn prepare() -> Result<(), InitError> {
    begin();
    let mut state = state();
    if state.pid1 {
        mounts::mount_devices()?;
        mounts::close_root()?;
        state.confinement.extend([Confinement::ReadOnlyRoot, Confinement::ReadOnlyDevices]);
    }
    state.memory_limit_bytes = limits::set(&[limits::THREADS, limits::WRITTEN_FILES])?;
    state.confinement.extend([Confinement::NoCoreDumps, Confinement::MemoryLimit]);
    Ok(())
}

/// Last thing before the first byte of the parent but the heartbeat's echo: gives up root and all
/// system calls but those that serving needs. No thread may have been started.
pub fn confine() -> Result<(), InitError> {
    let mut state = state();
    if filter::network_is_absent(state.pid1)? {
        state.confinement.push(Confinement::NoNetwork);
    }
    if limits::leave_root(limits::NOBODY, limits::NOBODY)? {
        state.confinement.push(Confinement::NotRoot);
    }
    filter::install(&[filter::NSM])?;
    state.confinement.extend([Confinement::NoNewPrivileges, Confinement::SyscallFilter]);
    state.serving_ms = now_ms();
    Ok(())
}

/// Last thing in a process that confined itself: what holds it, and that it serves from now on.
pub fn serving(memory_limit_bytes: u64, held: &[Confinement]) {
    let mut state = state();
    state.memory_limit_bytes = memory_limit_bytes;
    state.confinement.extend(held);
    state.serving_ms = now_ms();
}

/// How the machine stands, as far as the kernel knows.
pub fn health() -> Health {
    let mut health = state().clone();
    health.uptime_ms = now_ms();
    if let Ok(memory) = nix::sys::sysinfo::sysinfo() {
        health.memory_total_bytes = memory.ram_total();
        health.memory_free_bytes = memory.ram_unused();
    }
    health
}

/// Milliseconds since the kernel started its clock; 0 without one.
fn now_ms() -> u64 {
    let Ok(time) = clock_gettime(ClockId::CLOCK_BOOTTIME) else { return 0 };
    let (seconds, nanoseconds) = (time.tv_sec(), time.tv_nsec());
    u64::try_from(seconds * 1000 + nanoseconds / 1_000_000).unwrap_or(0)
}

/// Names the step that the kernel refused.
fn failed(step: &'static str) -> impl FnOnce(Errno) -> InitError {
    move |problem| InitError::Step { step, problem }
}
