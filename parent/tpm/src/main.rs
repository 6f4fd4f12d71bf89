//! `probity-tpm`: owns the TPM of a measured host. Data on standard output, words on standard
//! error; 0 is yes, 1 is no, 2 is misuse or failure.

use clap::Parser as _;
use std::process::ExitCode;
use tpm_host::command;
use tpm_host::options::Arguments;

/// Misuse or failure.
const FAILED: u8 = 2;

fn main() -> ExitCode {
    command::run(&Arguments::parse().command).unwrap_or_else(|error| {
        eprintln!("probity-tpm: {error}");
        ExitCode::from(FAILED)
    })
}
