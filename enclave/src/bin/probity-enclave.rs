//! The binary inside the image, and its first process: the enclave on the Nitro Secure Module,
//! serving the parent over vsock. Without the module it does not start; when it ends, the kernel
//! ends the enclave.

use enclave::nsm::Nsm;
use enclave::{COMMAND_PORT, Enclave, spawn_connection};
use std::net::Shutdown;
use std::process::ExitCode;
use std::time::Duration;

/// How long to wait when a connection could not be taken.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    let Err(problem) = run() else { return ExitCode::SUCCESS };
    // Before the link exists this line is all that an operator gets to see.
    eprintln!("probity-enclave: {problem}");
    ExitCode::FAILURE
}

fn run() -> Result<(), String> {
    init::prepare().map_err(|error| error.to_string())?;
    let nsm = Nsm::open().map_err(|error| {
        format!("{error}. It runs inside a Nitro Enclave only; elsewhere use probity-simulator.")
    })?;
    let listener = vsock::VsockListener::bind_with_cid_port(vsock::VMADDR_CID_ANY, COMMAND_PORT)
        .map_err(|error| format!("vsock port {COMMAND_PORT} cannot be opened: {error}"))?;
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    init::announce().and_then(|()| init::confine()).map_err(|error| error.to_string())?;
    let enclave = Enclave::new(Box::new(nsm));
    for stream in listener.incoming() {
        let parts = stream.and_then(|own| Ok((own.try_clone()?, own.try_clone()?, own)));
        let Ok((writer, handle, reader)) = parts else {
            std::thread::sleep(ACCEPT_PAUSE);
            continue;
        };
        let close = move || drop(handle.shutdown(Shutdown::Both));
        spawn_connection(&enclave, reader, writer, close, workers);
    }
    Ok(())
}
