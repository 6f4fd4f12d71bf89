//! The first half of the confinement: own namespaces, no root, and the program started again. A
//! new user namespace comes with every capability inside it; starting a program takes them away.

use crate::{WorkerError, failed, namespaces};
use init::limits::{NOBODY, leave_root};
use nix::sys::resource::{RLIM_INFINITY, Resource, setrlimit};
use nix::unistd::{AccessFlags, access, getegid, geteuid};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// The program that runs, however it was started: it has no name where it was measured.
const OWN_PROGRAM: &str = "/proc/self/exe";

/// Leaves the host's namespaces and root as far as may be, and starts this program again with
/// `arguments` and `--outside`. Returns only when it cannot. No thread may have been started.
pub fn isolate(user: Option<(u32, u32)>, arguments: &[String]) -> WorkerError {
    match prepare(user) {
        Ok(outside) => {
            let mut own = Command::new(OWN_PROGRAM);
            own.args(arguments).args(["--outside", &outside]);
            // Nothing of the environment decides anything; what a loader would obey goes too.
            let problem = own.arg0("probity-worker").env_clear().exec();
            failed("starting itself again")(problem)
        }
        Err(problem) => problem,
    }
}

fn prepare(user: Option<(u32, u32)>) -> Result<String, WorkerError> {
    let outside = namespaces::present()?;
    if geteuid().is_root() {
        // What a user may not raise. Where root may not either, locking memory says so.
        let _ = setrlimit(Resource::RLIMIT_MEMLOCK, RLIM_INFINITY, RLIM_INFINITY);
        namespaces::leave_others();
        let (user, group) = user.unwrap_or((NOBODY, NOBODY));
        leave_root(user, group)?;
        may_start_again()?;
        namespaces::leave_users();
    } else {
        let own = (geteuid().as_raw(), getegid().as_raw());
        if let Some(other) = user.filter(|user| *user != own) {
            let found = format!("--user {}:{}", other.0, other.1);
            let expected = "its own user and group, where it is not started as root";
            return Err(WorkerError::Argument { found, expected });
        }
        // Not root: sets only that no program gives privileges.
        leave_root(NOBODY, NOBODY)?;
        may_start_again()?;
        namespaces::leave_users();
        namespaces::leave_others();
    }
    Ok(outside)
}

/// Before the users are left, for afterwards there is no way back.
fn may_start_again() -> Result<(), WorkerError> {
    access(OWN_PROGRAM, AccessFlags::X_OK).map_err(failed(
        "starting itself again: its file has to be executable for the user that it becomes; that",
    ))
}
