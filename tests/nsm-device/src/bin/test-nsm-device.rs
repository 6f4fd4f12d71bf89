//! `test-nsm-device`: the NSM that QEMU's `vhost-user-test-device` connects to. TEST ROOT.

use clap::Parser;
use nsm_device::{DeviceError, Identity, Operation, Setup};
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// A Nitro Secure Module under a TEST ROOT whose private key is public.
#[derive(Debug, Parser)]
#[command(name = "test-nsm-device", version)]
struct Arguments {
    /// Where to listen; an old socket file is replaced.
    #[arg(long)]
    socket: PathBuf,
    /// The image whose measurements PCR0, 1, 2 and 8 hold.
    #[arg(long)]
    eif: PathBuf,
    /// How long each document takes, in milliseconds.
    #[arg(long, default_value_t = 0)]
    quote_latency_ms: u64,
    /// Acts as a debug-mode enclave's module: PCR0, 1 and 2 are zero.
    #[arg(long)]
    debug_mode: bool,
    /// Name (ARN) of the parent's IAM role, for PCR3.
    #[arg(long)]
    role: Option<String>,
    /// Answers this operation with InternalError; may be repeated.
    #[arg(long, value_name = "OPERATION")]
    refuse: Vec<Operation>,
    /// Refuses only as long as this file is there.
    #[arg(long, value_name = "FILE", requires = "refuse")]
    refuse_while: Option<PathBuf>,
    /// Appends one line for each request: Unix milliseconds, operation, outcome.
    #[arg(long)]
    log: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("test-nsm-device: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<(), String> {
    let path = arguments.eif.display();
    let bytes = std::fs::read(&arguments.eif).map_err(|error| format!("{path}: {error}"))?;
    let image = eif::read(&bytes).map_err(|error| format!("{path}: {error}"))?;
    let measured = image.measurements();
    let identity = Identity {
        image: [measured.pcr0, measured.pcr1, measured.pcr2],
        signer: measured.pcr8,
        role: arguments.role,
    };
    let setup = Setup {
        identity,
        debug_mode: arguments.debug_mode,
        quote_latency: Duration::from_millis(arguments.quote_latency_ms),
        refused: arguments.refuse,
        refused_while: arguments.refuse_while,
    };
    // Whoever started this may have closed the pipe since; the device serves all the same.
    let ready = || {
        let mut out = std::io::stdout();
        let _ = writeln!(out, "ready").and_then(|()| out.flush());
    };
    nsm_device::serve(&arguments.socket, &setup, arguments.log.as_deref(), ready)
        .map_err(|error: DeviceError| error.to_string())
}
