//! The binary inside the image: the enclave on the Nitro Secure Module, serving the parent over
//! vsock. Without the module it does not start.

use enclave::nsm::Nsm;
use enclave::{COMMAND_PORT, Enclave, serve_connection};
use std::net::Shutdown;
use std::process::ExitCode;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            // Before the link exists this line is all that an operator gets to see.
            eprintln!("probity-enclave: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), String> {
    let nsm = Nsm::open().map_err(|error| {
        format!("{error}. It runs inside a Nitro Enclave only; elsewhere use probity-simulator.")
    })?;
    let listener = vsock::VsockListener::bind_with_cid_port(vsock::VMADDR_CID_ANY, COMMAND_PORT)
        .map_err(|error| format!("vsock port {COMMAND_PORT} cannot be opened: {error}"))?;
    let enclave = Enclave::new(Box::new(nsm));
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    for stream in listener.incoming() {
        let Ok(reader) = stream else { continue };
        let Ok(writer) = reader.try_clone() else { continue };
        let Ok(handle) = reader.try_clone() else { continue };
        let enclave = enclave.clone();
        let close = move || drop(handle.shutdown(Shutdown::Both));
        std::thread::spawn(move || serve_connection(&enclave, reader, writer, close, workers));
    }
    Ok(())
}
