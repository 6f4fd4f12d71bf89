//! What the process may use, and who it is. Every limit is set soft and hard, so that nobody can
//! raise it once root is gone.

use crate::{InitError, failed};
use nix::sys::prctl::{set_dumpable, set_no_new_privs};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::sysinfo::sysinfo;
use nix::unistd::{Gid, Uid, geteuid, getresuid, setgroups, setresgid, setresuid};

/// Open files: three a connection, the device, the listener, the standard three.
const OPEN_FILES_MAX: u64 = 256;
/// Threads: a connection takes a reader, a writer and one a processor.
const THREADS_MAX: u64 = 1024;
/// One part in this many of the memory is the kernel's own.
const KERNEL_SHARE: u64 = 8;
/// "nobody": the user, and the group, that own nothing.
pub const NOBODY: u32 = 65_534;

/// A limit: its name, what it limits, the most.
pub type Limit = (&'static str, Resource, u64);
/// The limit of threads. The kernel counts all of a user's, in all processes that share a user
/// namespace: for a process that has the user, or the namespace, to itself.
pub const THREADS: Limit = ("limit of threads", Resource::RLIMIT_NPROC, THREADS_MAX);
/// The limit of written files, for a process whose standard error is none.
pub const WRITTEN_FILES: Limit = ("limit of written files", Resource::RLIMIT_FSIZE, 0);

/// Sets the limits that every process takes, and `more`; returns how many bytes of writable memory
/// the process may have. Past it an allocation fails and the process ends, before the kernel has
/// to choose whom to kill. A lower limit that stands already stays.
pub fn set(more: &[Limit]) -> Result<u64, InitError> {
    let memory = sysinfo().map_err(failed("sysinfo"))?.ram_total();
    let always = [
        ("limit of core dumps", Resource::RLIMIT_CORE, 0),
        ("limit of open files", Resource::RLIMIT_NOFILE, OPEN_FILES_MAX),
        ("limit of queued signals", Resource::RLIMIT_SIGPENDING, 0),
        ("limit of message queues", Resource::RLIMIT_MSGQUEUE, 0),
        // Counts what can be written, not address space: glibc reserves 64 MiB a thread.
        ("limit of memory", Resource::RLIMIT_DATA, memory - memory / KERNEL_SHARE),
    ];
    for (step, resource, most) in always.iter().chain(more) {
        let most = getrlimit(*resource).map_err(failed(step))?.1.min(*most);
        setrlimit(*resource, most, most).map_err(failed(step))?;
        if getrlimit(*resource).map_err(failed(step))? != (most, most) {
            return Err(InitError::NotRefused(step));
        }
    }
    // No dump, and no other process may look into this one.
    set_dumpable(false).map_err(failed("dumpable off"))?;
    Ok(getrlimit(Resource::RLIMIT_DATA).map_err(failed("limit of memory"))?.1)
}

/// Gives up root for `user` and `group`, and with it every other group and every capability;
/// `false` when this never was root. The kernel clears all capabilities when the last of the three
/// user numbers leaves 0.
pub fn leave_root(user: u32, group: u32) -> Result<bool, InitError> {
    set_no_new_privs().map_err(failed("no new privileges"))?;
    if !geteuid().is_root() {
        return Ok(false);
    }
    let (user, group) = (Uid::from_raw(user), Gid::from_raw(group));
    setgroups(&[]).map_err(failed("leave root's groups"))?;
    setresgid(group, group, group).map_err(failed("leave root's group"))?;
    setresuid(user, user, user).map_err(failed("leave root"))?;
    let now = getresuid().map_err(failed("leave root"))?;
    if [now.real, now.effective, now.saved] != [user; 3] || setresuid(ROOT, ROOT, ROOT).is_ok() {
        return Err(InitError::NotRefused("becoming root again"));
    }
    // Changing the user turned it on again.
    set_dumpable(false).map_err(failed("dumpable off"))?;
    Ok(true)
}

const ROOT: Uid = Uid::from_raw(0);
