//! What the process may use, and who it is. Every limit is set soft and hard, so that nobody can
//! raise it once root is gone.

use crate::{InitError, failed};
use nix::sys::prctl::{set_dumpable, set_no_new_privs};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::sysinfo::sysinfo;
use nix::unistd::{Gid, Uid, geteuid, getresuid, setresgid, setresuid};

/// Open files: three a connection, the device, the listener, the standard three.
const OPEN_FILES_MAX: u64 = 256;
/// Threads: a connection takes a reader, a writer and one a processor.
const THREADS_MAX: u64 = 1024;
/// One part in this many of the memory is the kernel's own.
const KERNEL_SHARE: u64 = 8;
/// "nobody": the user that owns nothing.
const NOBODY: u32 = 65_534;

/// Sets the limits; returns how many bytes of writable memory the process may have. Past it an
/// allocation fails and the process ends, before the kernel has to choose whom to kill.
pub(crate) fn set() -> Result<u64, InitError> {
    let memory = sysinfo().map_err(failed("sysinfo"))?.ram_total();
    let limit = memory - memory / KERNEL_SHARE;
    for (step, resource, most) in [
        ("limit of core dumps", Resource::RLIMIT_CORE, 0),
        ("limit of written files", Resource::RLIMIT_FSIZE, 0),
        ("limit of open files", Resource::RLIMIT_NOFILE, OPEN_FILES_MAX),
        ("limit of threads", Resource::RLIMIT_NPROC, THREADS_MAX),
        ("limit of queued signals", Resource::RLIMIT_SIGPENDING, 0),
        ("limit of message queues", Resource::RLIMIT_MSGQUEUE, 0),
        // Counts what can be written, not address space: glibc reserves 64 MiB a thread.
        ("limit of memory", Resource::RLIMIT_DATA, limit),
    ] {
        setrlimit(resource, most, most).map_err(failed(step))?;
        if getrlimit(resource).map_err(failed(step))? != (most, most) {
            return Err(InitError::NotRefused(step));
        }
    }
    // No dump, and no other process may look into this one.
    set_dumpable(false).map_err(failed("dumpable off"))?;
    Ok(limit)
}

/// Gives up root, and with it every capability; `false` when this never was root. The kernel
/// clears all capabilities when the last of the three user numbers leaves 0.
pub(crate) fn leave_root() -> Result<bool, InitError> {
    set_no_new_privs().map_err(failed("no new privileges"))?;
    if !geteuid().is_root() {
        return Ok(false);
    }
    let (user, group) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
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
