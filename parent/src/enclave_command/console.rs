//! `console`: follows what a debug image prints. A release image prints nothing, and an enclave
//! whose console can be read attests zeros, so this must never be needed for operation.

use super::CONSOLE;
use super::limits::LOOK_POLL;
use super::nitro::program;
use super::options::{FolderOptions, RunnerKind};
use super::state::{Phase, State};
use super::supervise::folder;
use crate::error::Error;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use tokio::process::Command;

/// Bytes that are read at once.
const PART_BYTES: usize = 8192;

/// Follows the console until the enclave ends.
pub async fn follow(options: &FolderOptions) -> Result<(), Error> {
    let folder = folder(options)?;
    let nothing = |problem: &str, remedy| Error::Runner {
        what: "console".into(),
        problem: problem.into(),
        remedy,
    };
    let Some(found) = State::find(&folder)? else {
        return Err(nothing("there is no enclave in the state's folder", "start one, or name it"));
    };
    if !found.state.console {
        return Err(nothing(
            "this enclave has no console: a release image prints nothing, and a debug image only \
             when it was started with --debug-console",
            "run the debug image with --debug-console; its documents are refused by every policy",
        ));
    }
    // Whoever looks must not keep others from running.
    drop(found.orphaned);
    match (found.state.runner, &found.state.enclave_id) {
        (RunnerKind::Qemu, _) => tail(&folder).await,
        (RunnerKind::Nitro, Some(id)) => {
            let mut command = Command::new(program(None));
            command.args(["console", "--enclave-id", id]);
            let status = command.status().await.map_err(Error::socket("nitro-cli console"))?;
            match status.success() {
                true => Ok(()),
                false => Err(nothing("nitro-cli console failed", "see what it said above")),
            }
        }
        (RunnerKind::Nitro, None) => Err(nothing("the enclave does not run", "start it")),
    }
}

async fn tail(folder: &Path) -> Result<(), Error> {
    let path = folder.join(CONSOLE);
    let mut file = File::open(&path).map_err(Error::file(&path))?;
    let (mut part, mut out) = (vec![0; PART_BYTES], std::io::stdout());
    loop {
        // Asked before reading: what was written before the end is still shown.
        let lives = State::find(folder)?
            .is_some_and(|now| now.orphaned.is_none() && now.state.phase != Phase::Stopped);
        loop {
            let length = file.read(&mut part).map_err(Error::file(&path))?;
            if length == 0 {
                break;
            }
            // As it is, for a terminal that its user chose to show it on.
            let shown = out.write_all(&part[..length]).and_then(|()| out.flush());
            shown.map_err(Error::socket("standard output"))?;
        }
        if !lives {
            return Ok(());
        }
        tokio::time::sleep(LOOK_POLL).await;
    }
}
