//! `stop`: asks the supervisor to end; ends what a killed supervisor left. It must never signal a
//! process that the state's own marks do not name.

use super::limits::{LOOK_POLL, STOP_WAIT};
use super::nitro::{NitroEnclave, abandon, enclave_name, program};
use super::options::{FolderOptions, RunnerKind};
use super::processes::{clean, signal};
use super::state::{Phase, State};
use super::supervise::folder;
use crate::error::Error;
use nix::sys::signal::Signal;
use std::fs;
use std::path::Path;
use std::time::Instant;

/// Stops the enclave of a folder. Nothing to stop is success: what was asked for is so.
pub async fn stop(options: &FolderOptions) -> Result<(), Error> {
    let folder = folder(options)?;
    let Some(found) = State::find(&folder)? else {
        eprintln!("there is no enclave in {}", folder.display());
        return Ok(());
    };
    if found.orphaned.is_some() {
        return clean_up(&folder, found.state, &program(None)).await;
    }
    let start = Instant::now();
    let State { supervisor, supervisor_ticks: ticks, .. } = found.state;
    signal(supervisor, ticks, Signal::SIGTERM);
    while start.elapsed() < STOP_WAIT {
        tokio::time::sleep(LOOK_POLL).await;
        let Some(now) = State::find(&folder)? else { return Ok(()) };
        if now.orphaned.is_some() {
            eprintln!("stopped");
            return clean_up(&folder, now.state, &program(None)).await;
        }
    }
    eprintln!("the supervisor did not end in {} s and is killed", STOP_WAIT.as_secs());
    signal(supervisor, ticks, Signal::SIGKILL);
    tokio::time::sleep(LOOK_POLL).await;
    match State::find(&folder)? {
        Some(now) if now.orphaned.is_some() => clean_up(&folder, now.state, &program(None)).await,
        Some(_) => Err(Error::Runner {
            what: folder.display().to_string(),
            problem: format!("process {supervisor} still holds the lock"),
            remedy: "end it by hand",
        }),
        None => Ok(()),
    }
}

/// Ends what is left of a supervision whose supervisor is gone. The caller holds the lock.
/// `nitro_cli` is the caller's: a file names no program that is run.
pub async fn clean_up(folder: &Path, mut state: State, nitro_cli: &Path) -> Result<(), Error> {
    if state.phase == Phase::Stopped {
        return Ok(());
    }
    let killed = clean(&state.run);
    let mut ended = 0;
    match (state.runner, &state.enclave_id) {
        (RunnerKind::Qemu, _) => {}
        (RunnerKind::Nitro, Some(id)) => {
            let enclave = NitroEnclave::known(nitro_cli, id);
            if enclave.described().await?.is_some() {
                enclave.end().await?;
                ended += 1;
            }
        }
        // Killed between the start and its answer.
        (RunnerKind::Nitro, None) => {
            let name = enclave_name(&state.name, &state.run);
            ended += abandon(nitro_cli, &name, state.cid).await?;
        }
    }
    for path in &state.sockets {
        // Gone already is what is wanted.
        fs::remove_file(path).ok();
    }
    eprintln!(
        "cleaned up after a supervisor that was killed: {} processes and {ended} enclaves ended",
        killed
    );
    state.phase = Phase::Stopped;
    state.up_since_ms = None;
    state.enclave_id = None;
    state.members.clear();
    state.last_end = Some("the supervisor was killed".into());
    state.write(folder)
}
