//! `probity registrar`: enrols the attestation keys of measured hosts (parent/enrol/ENROL.md): it
//! issues permissions, challenges TPMs, keeps one record an identity and certifies keys with an
//! authority of its own. It must never certify a key whose activation was not answered, and never
//! answer before the record is on disk.

mod book;
mod commands;
mod desk;
mod options;
mod paper;
mod serve;

pub use options::Command;

use crate::error::Error;
use std::io::Write as _;
use std::process::ExitCode;

/// Does what was asked.
pub fn run(command: &Command) -> Result<ExitCode, Error> {
    let text = match command {
        Command::Init(options) => commands::init(options)?,
        Command::Token(options) => commands::token(options)?,
        Command::List(options) => commands::list(options)?,
        Command::Revoke(options) => commands::revoke(options)?,
        Command::Serve(options) => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(Error::socket("starting"))?;
            runtime.block_on(serve::serve(options))?;
            String::new()
        }
    };
    std::io::stdout().write_all(text.as_bytes()).map_err(Error::socket("standard output"))?;
    Ok(ExitCode::SUCCESS)
}

/// Random bytes of the system.
fn random<const N: usize>() -> Result<[u8; N], Error> {
    use ring::rand::SecureRandom as _;
    let mut bytes = [0; N];
    let failed = |_| Error::Tls("the system gives no random bytes".into());
    ring::rand::SystemRandom::new().fill(&mut bytes).map_err(failed)?;
    Ok(bytes)
}
