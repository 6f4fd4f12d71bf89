//! The worker's process: executed from sealed memory with the listener, the quote link and nothing
//! else of ours. It must never be given a file, a variable or a socket beyond these: libtss2 opens
//! the TPM so that children inherit it, and `hold` closes that before the worker's first
//! instruction.

use crate::error::Error;
use crate::limits::END_WAIT;
use crate::measured::Program;
use crate::options::HoldOptions;
use crate::owner::Owner;
use crate::quote_link;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::File;
use std::os::fd::{AsRawFd as _, OwnedFd, RawFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{ExitStatus, Stdio};
use tokio::process::Child;

/// How workers are started.
pub struct Starter {
    /// What is executed.
    pub program: Program,
    /// What each worker accepts connections from.
    pub listener: UnixListener,
    /// Who answers their quote links.
    pub owner: Owner,
    /// SHA-384 of the boot configuration that was measured.
    pub extension: [u8; 48],
    /// Arguments of every worker.
    pub arguments: Vec<String>,
}

/// A worker that runs.
pub struct Worker {
    child: Child,
    /// Its process.
    pub pid: u32,
}

impl Starter {
    /// Starts one.
    pub fn start(&self) -> Result<Worker, Error> {
        let failed = || Error::system(format!("starting {}", self.program.path.display()));
        let listener = self.listener.try_clone().map_err(failed())?;
        let (ours, theirs) = UnixStream::pair().map_err(failed())?;
        let mut command = std::process::Command::new(OURSELVES);
        command.args(["hold", "--program", &self.program.descriptor().to_string(), "--"]);
        command.args(&self.arguments).env_clear().current_dir("/");
        command.stdin(Stdio::from(OwnedFd::from(listener)));
        command.stdout(Stdio::from(OwnedFd::from(theirs)));
        // A terminal's signals are for the device, which ends the worker in order.
        command.process_group(0);
        let mut command = tokio::process::Command::from(command);
        let child = command.kill_on_drop(true).spawn().map_err(failed())?;
        // Our copy of the worker's end: without it the link is at its end when the worker is.
        drop(command);
        let pid = child.id().unwrap_or_default();
        let (owner, extension) = (self.owner.clone(), self.extension);
        let serve = move || quote_link::serve(ours, &owner, &extension);
        let spawned = std::thread::Builder::new().name(format!("link {pid}")).spawn(serve);
        spawned.map_err(failed())?;
        Ok(Worker { child, pid })
    }
}

impl Worker {
    /// Waits until it ends, and says how.
    pub async fn ended(&mut self) -> String {
        self.child.wait().await.map_or_else(|error| error.to_string(), describe)
    }

    /// Asks it to end, and kills it when it does not.
    pub async fn end(mut self) {
        let Some(pid) = self.child.id().and_then(|pid| i32::try_from(pid).ok()) else { return };
        // Gone already is what is wanted.
        kill(Pid::from_raw(pid), Signal::SIGTERM).ok();
        if tokio::time::timeout(END_WAIT, self.child.wait()).await.is_err() {
            self.kill().await;
        }
    }

    /// Kills it.
    pub async fn kill(mut self) {
        self.child.kill().await.ok();
    }
}

/// `hold`: becomes the program in a descriptor, with the three standard descriptors and no other.
pub fn hold(options: &HoldOptions) -> Error {
    let failed = |source| Error::system("hold")(source);
    let program = match File::open(format!("/proc/self/fd/{}", options.program)) {
        Ok(program) => program,
        Err(source) => return failed(source),
    };
    if let Err(source) = close_others(program.as_raw_fd()) {
        return failed(source);
    }
    // This descriptor ends with the execution: the standard library opened it.
    let path = format!("/proc/self/fd/{}", program.as_raw_fd());
    let mut command = std::process::Command::new(path);
    failed(command.arg0("probity-worker").args(&options.arguments).exec())
}

fn close_others(kept: RawFd) -> std::io::Result<()> {
    let mut numbers: Vec<RawFd> = Vec::new();
    for entry in std::fs::read_dir("/proc/self/fd")? {
        numbers.extend(entry?.file_name().to_str().and_then(|name| name.parse::<RawFd>().ok()));
    }
    for number in numbers.into_iter().filter(|number| *number > 2 && *number != kept) {
        // That of the folder just read is closed already.
        nix::unistd::close(number).ok();
    }
    Ok(())
}

/// This program, also when its file has been replaced since.
const OURSELVES: &str = "/proc/self/exe";

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal().map(Signal::try_from)) {
        (Some(code), _) => format!("it ended with exit code {code}"),
        (_, Some(Ok(signal))) => format!("it was ended by {signal}"),
        _ => "it ended".into(),
    }
}
