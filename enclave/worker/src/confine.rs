//! The second half of the confinement, in the process that serves: limits, locked memory,
//! Landlock, system calls. What holds is said, a line each, and goes into the boot record; what
//! must hold and does not ends the process.

use crate::status::Status;
use crate::{WorkerError, failed, namespaces, say};
use init::limits::{Limit, THREADS, WRITTEN_FILES};
use init::{filter, limits};
use landlock::{
    ABI, Access, AccessFs, AccessNet, LandlockStatus, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
};
use nix::libc::MCL_ONFAULT;
use nix::sys::mman::{MlockAllFlags, mlockall};
use nix::sys::prctl::{get_dumpable, get_no_new_privs, set_pdeathsig};
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};
use nix::sys::signal::Signal;
use nix::unistd::getresuid;
use std::fs::File;
use std::io::ErrorKind;
use std::os::fd::AsFd;
use wire::Confinement;

/// The one file that may be opened: the kernel's entropy.
const ENTROPY: &str = "/dev/random";
/// A file that is always there, and must not be opened.
const CLOSED: &str = "/proc/self/status";

/// What holds the process.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    /// Each item that holds, ascending.
    pub confinement: Vec<Confinement>,
    /// Most writable memory that the process may have, in bytes.
    pub memory_limit_bytes: u64,
}

impl Held {
    fn hold(&mut self, by: Confinement, name: &str) {
        say(&format!("held: {name}"));
        self.confinement.push(by);
    }

    fn try_to_hold(&mut self, by: Confinement, name: &str, tried: Result<String, String>) {
        match tried {
            Ok(how) => self.hold(by, &format!("{name}{how}")),
            Err(why) => say(&format!("not held: {name}: {why}")),
        }
    }
}

/// Confines the process that [`crate::isolate`] started again from the namespaces `outside`. No
/// thread may have been started.
pub fn confine(outside: &str) -> Result<Held, WorkerError> {
    let mut held = Held::default();
    let own = namespaces::own(outside)?;
    for (by, name) in &own {
        held.hold(*by, name);
    }
    let own_users = own.iter().any(|own| own.0 == Confinement::OwnUserNamespace);
    held.memory_limit_bytes = limits::set(&limits_here(own_users)?)?;
    // A worker that hangs does not see the end of its link; it ends with the device all the same.
    set_pdeathsig(Signal::SIGKILL).map_err(failed("parent-death signal"))?;
    must("no core dumps", get_dumpable() == Ok(false), "the process is dumpable")?;
    // Whoever looked into it before that moment would still.
    let traced = Status::read()?.field("TracerPid") != Some("0");
    must("no tracer", !traced, "another process traces it")?;
    held.hold(Confinement::NoCoreDumps, "no core dumps");
    let limit = format!("memory limit, {} MiB", held.memory_limit_bytes >> 20);
    held.hold(Confinement::MemoryLimit, &limit);
    held.try_to_hold(Confinement::LockedMemory, "locked memory", lock_memory());
    let users = getresuid().map_err(failed("getresuid"))?;
    let root = [users.real, users.effective, users.saved].iter().any(|user| user.is_root());
    must("no root", !root, "the process is root; leave --outside to itself")?;
    must("no capability", Status::read()?.has_no_capability(), "the process has capabilities")?;
    held.hold(Confinement::NotRoot, "not root, no capability");
    must("no new privileges", get_no_new_privs() == Ok(true), "programs can give some")?;
    held.hold(Confinement::NoNewPrivileges, "no new privileges");
    held.try_to_hold(Confinement::Landlock, "landlock", close_files());
    filter::install(&[])?;
    held.hold(Confinement::SyscallFilter, "syscall filter");
    held.confinement.sort_by_key(|by| *by as u64);
    Ok(held)
}

fn must(item: &'static str, holds: bool, problem: &str) -> Result<(), WorkerError> {
    if holds { Ok(()) } else { Err(WorkerError::NotHeld { item, problem: problem.into() }) }
}

/// The limits beyond those of every process that it can take on this host.
fn limits_here(own_users: bool) -> Result<Vec<Limit>, WorkerError> {
    let mut limits = Vec::new();
    if own_users {
        // Counted for the user in this namespace, so for this process alone.
        limits.push(THREADS);
    }
    let stderr =
        std::io::stderr().as_fd().try_clone_to_owned().map_err(failed("standard error"))?;
    if !File::from(stderr).metadata().is_ok_and(|about| about.is_file()) {
        limits.push(WRITTEN_FILES);
    }
    Ok(limits)
}

/// Locks what the process has and will have, each page when it is first touched.
fn lock_memory() -> Result<String, String> {
    let (_, most) = getrlimit(Resource::RLIMIT_MEMLOCK).map_err(|problem| problem.to_string())?;
    if most != RLIM_INFINITY {
        // Some would be locked until the limit, and the next allocation would end the process.
        return Err(format!(
            "RLIMIT_MEMLOCK is {most} bytes; start as root or with no limit (LimitMEMLOCK=infinity)"
        ));
    }
    lock_pages().map(|()| String::new())
}

/// Locks whatever the limit is, and asks the kernel whether it did. For [`confine`], and to be
/// tried where only root may lock.
pub fn lock_pages() -> Result<(), String> {
    let on_touch = MlockAllFlags::from_bits_retain(MCL_ONFAULT);
    let flags = MlockAllFlags::MCL_CURRENT | MlockAllFlags::MCL_FUTURE | on_touch;
    mlockall(flags).map_err(|problem| problem.to_string())?;
    match Status::read().map_err(|problem| problem.to_string())?.locked_kib() {
        0 => Err("the kernel counts no locked page".into()),
        _ => Ok(()),
    }
}

/// Lets Landlock refuse every file but [`ENTROPY`], and the network and signals where the kernel
/// knows how; then tries it.
fn close_files() -> Result<String, String> {
    let status = restrict().map_err(|problem| problem.to_string())?;
    let kernel = match status.landlock {
        LandlockStatus::Available { effective_abi, .. } => format!("ABI {effective_abi:?}"),
        other => format!("{other:?}"),
    };
    if status.ruleset == RulesetStatus::NotEnforced {
        return Err(format!("the kernel has none ({kernel})"));
    }
    let refused = File::open(CLOSED).map_err(|problem| problem.kind());
    if refused.err() != Some(ErrorKind::PermissionDenied) {
        return Err(format!("{CLOSED} can be opened still"));
    }
    File::open(ENTROPY).map_err(|problem| format!("{ENTROPY}: {problem}"))?;
    Ok(format!(", no file but {ENTROPY} ({kernel})"))
}

fn restrict() -> Result<landlock::RestrictionStatus, RulesetError> {
    // The newest set that the library knows; it asks the kernel for what that knows of it.
    let newest = ABI::V9;
    let mut rules = Ruleset::default()
        .handle_access(AccessFs::from_all(newest))?
        .handle_access(AccessNet::from_all(newest))?
        .scope(Scope::from_all(newest))?
        .create()?;
    // Without the file there is no rule, and the enclave will say that it has no entropy.
    if let Ok(entropy) = PathFd::new(ENTROPY) {
        rules = rules.add_rule(PathBeneath::new(entropy, AccessFs::ReadFile))?;
    }
    rules.restrict_self()
}
