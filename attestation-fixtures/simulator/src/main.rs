//! `probity-simulator`: the enclave library on a simulated device, serving a Unix socket. It lives
//! outside the enclave crate and is not reachable from it: a fake is a different root, never a
//! different path.

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use enclave::{Enclave, spawn_connection};
use simulator::{Simulated, measurements};
use std::net::Shutdown;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::time::Duration;

/// Runs the enclave under a TEST ROOT whose private key is public.
#[derive(Debug, Parser)]
#[command(name = "probity-simulator", version)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Serves the command link on a Unix socket until it is killed.
    Run {
        /// Where to listen; an old socket file is replaced.
        #[arg(long)]
        socket: PathBuf,
        /// How long each quote takes, in milliseconds.
        #[arg(long, default_value_t = 0)]
        quote_latency_ms: u64,
        /// Shifts the device's clock, in milliseconds; may be negative.
        #[arg(long, default_value_t = 0, allow_negative_numbers = true)]
        clock_offset_ms: i64,
        /// Worker threads; 0 is one for each core.
        #[arg(long, default_value_t = 0)]
        workers: usize,
        /// Acts as a debug-mode enclave: PCR0, 1 and 2 are zero in its documents.
        #[arg(long)]
        debug_mode: bool,
        /// Gives up root and all system calls but those that serving needs, as the image does.
        #[arg(long)]
        confined: bool,
    },
    /// Prints the reference values of the simulated image as JSON.
    Measurements,
    /// Prints the test root's certificate as PEM.
    Root,
}

fn main() -> Result<()> {
    match Arguments::parse().verb {
        Verb::Run { socket, quote_latency_ms, clock_offset_ms, workers, debug_mode, confined } => {
            let latency = Duration::from_millis(quote_latency_ms);
            let platform = Simulated::new(latency, clock_offset_ms, debug_mode);
            let workers = match workers {
                0 => std::thread::available_parallelism().map_or(1, usize::from),
                count => count,
            };
            serve(&socket, platform, workers, confined)
        }
        Verb::Measurements => {
            println!("{}", measurements());
            Ok(())
        }
        Verb::Root => {
            print!("{}", attestation_fixtures::TestPki::published().root_pem());
            Ok(())
        }
    }
}

fn serve(socket: &PathBuf, platform: Simulated, workers: usize, confined: bool) -> Result<()> {
    if socket.exists() {
        std::fs::remove_file(socket).context("the old socket file cannot be removed")?;
    }
    let listener =
        UnixListener::bind(socket).with_context(|| format!("cannot listen on {socket:?}"))?;
    eprintln!("probity-simulator: TEST ROOT, serving {}", socket.display());
    if confined {
        init::prepare()?;
        init::announce()?;
        init::confine()?;
    }
    let enclave = Enclave::new(Box::new(platform));
    for stream in listener.incoming() {
        let reader = stream.context("accept")?;
        let writer = reader.try_clone().context("socket")?;
        let handle = reader.try_clone().context("socket")?;
        let close = move || drop(handle.shutdown(Shutdown::Both));
        spawn_connection(&enclave, reader, writer, close, workers);
    }
    Ok(())
}
