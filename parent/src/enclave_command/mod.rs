//! `probity enclave`: starts an enclave image on EC2 or under QEMU, watches over it, tells how it
//! stands. It belongs to the untrusted host: what it measures and compares keeps an operator from
//! mistakes, and convinces nobody else. It must never start what it has not measured.

mod console;
pub mod health;
mod heartbeat;
pub mod image;
pub mod limits;
mod nitro;
mod options;
pub mod processes;
mod qemu;
mod restarts;
mod runner;
pub mod state;
mod status;
mod stop;
mod supervise;

pub use options::Command;

use crate::error::Error;
use std::io::Write as _;
use std::process::ExitCode;

/// Name of the console's text in the state's folder.
const CONSOLE: &str = "console.log";
/// The enclave does not run.
const NOT_RUNNING: u8 = 1;

/// Does what was asked. One thread, the main one: the kernel ends children with the thread that
/// started them.
pub fn run(command: &Command) -> Result<ExitCode, Error> {
    if let Command::Hold(options) = command {
        return Err(processes::hold(options));
    }
    if let Command::Machine(options) = command {
        let printed = std::io::stdout().write_all(qemu::lines(options).as_bytes());
        printed.map_err(Error::socket("standard output"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(Error::socket("starting"))?;
    runtime.block_on(async {
        match command {
            Command::Run(options) => supervise::run(options).await?,
            Command::Stop(options) => stop::stop(options).await?,
            Command::Console(options) => console::follow(options).await?,
            Command::Status(options) => {
                let status = status::status(options).await?;
                let printed = std::io::stdout().write_all(status.text.as_bytes());
                printed.map_err(Error::socket("standard output"))?;
                if !status.is_running {
                    return Ok(ExitCode::from(NOT_RUNNING));
                }
            }
            Command::Hold(_) | Command::Machine(_) => {}
        }
        Ok(ExitCode::SUCCESS)
    })
}

fn no_console(cmdline: &str) -> Error {
    Error::Runner {
        what: "console".into(),
        problem: format!("expected console=… on the image's command line, found {cmdline:?}"),
        remedy: "run the debug image; a release image prints nothing",
    }
}
