//! `probity-worker`: the enclave on a host with a TPM, serving the socket that `probity-tpm run`
//! hands to it. When it ends, `probity-tpm` starts another, with another key and another log.

use enclave::{Enclave, spawn_connection};
use std::net::Shutdown;
use std::os::unix::net::UnixListener;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use worker::{Arguments, Held, QuoteLink, Sockets, Tpm, WorkerError, confine, isolate, say};

/// How long to wait when a connection could not be taken.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    let Err(problem) = run() else { return ExitCode::SUCCESS };
    say(&problem.to_string());
    ExitCode::FAILURE
}

fn run() -> Result<(), WorkerError> {
    init::begin();
    Sockets::close_others()?;
    let words: Vec<String> = std::env::args().skip(1).collect();
    let arguments = Arguments::parse(&words)?;
    let sockets = Sockets::take(arguments.quote_timeout)?;
    let Some(outside) = &arguments.outside else {
        return Err(isolate(arguments.user, &words));
    };
    // The standard library reads files for it.
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = if arguments.workers == 0 { processors } else { arguments.workers };
    let Held { confinement, memory_limit_bytes } = confine(outside)?;
    // Without the link nothing can be quoted, and nobody but its owner could mend it.
    let ended = Arc::new(|why: &str| {
        say(&format!("{why}; the worker ends"));
        std::process::exit(1);
    });
    let link = QuoteLink::start(sockets.quote_link, arguments.quote_timeout, ended);
    let link = link.map_err(|problem| WorkerError::Step {
        step: "quote link",
        problem: problem.to_string(),
    })?;
    init::serving(memory_limit_bytes, &confinement);
    say("serving");
    serve(&sockets.listener, &Enclave::new(Box::new(Tpm::new(link, confinement))), workers);
    Ok(())
}

fn serve(listener: &UnixListener, enclave: &Arc<Enclave>, workers: usize) {
    for stream in listener.incoming() {
        let parts = stream.and_then(|own| Ok((own.try_clone()?, own.try_clone()?, own)));
        let Ok((writer, handle, reader)) = parts else {
            std::thread::sleep(ACCEPT_PAUSE);
            continue;
        };
        let close = move || drop(handle.shutdown(Shutdown::Both));
        spawn_connection(enclave, reader, writer, close, workers);
    }
}
