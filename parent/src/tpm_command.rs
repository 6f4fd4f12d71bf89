//! `probity tpm`: becomes `probity-tpm`, the one program that links the TPM's software stack, so
//! that this one runs where that stack is not installed. It must never look for it in PATH: what
//! runs is what was installed beside this program.

use crate::error::Error;
use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// Name of the program.
const PROGRAM: &str = "probity-tpm";

/// What is handed on.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Arguments of probity-tpm; see `probity tpm --help`.
    #[arg(value_name = "ARGS", trailing_var_arg = true, allow_hyphen_values = true)]
    pub arguments: Vec<OsString>,
}

/// Executes it in place of this process; returns only if that fails.
pub fn run(options: &Options) -> Error {
    let program = match std::env::current_exe() {
        Ok(own) => own.with_file_name(PROGRAM),
        Err(error) => return Error::socket("finding this program's own folder")(error),
    };
    let error = Command::new(&program).args(&options.arguments).exec();
    if error.kind() != std::io::ErrorKind::NotFound {
        return Error::file(program)(error);
    }
    Error::Runner {
        what: "probity tpm".into(),
        problem: format!("expected the program {}, found none", program.display()),
        remedy: "build package tpm-host (cargo build -p tpm-host; needs libtss2-dev) and install \
                 probity-tpm beside probity",
    }
}
