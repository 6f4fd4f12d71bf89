//! `probity`: the host's one binary. Data on standard output, words on standard error; 0 is yes,
//! 1 is no, 2 is misuse or failure.

use clap::Parser as _;
use parent::client::{self, EvaluateOptions};
use parent::config::ServeOptions;
use parent::{authority, eif_command, enclave_command, registrar, serve, tpm_command};
use std::io::Write as _;
use std::process::ExitCode;
use tracing::Level;

/// Threads that serve requests.
const WORKERS: usize = 2;
/// The decision is not compliant.
const NOT_COMPLIANT: u8 = 1;
/// Misuse, or there is no decision.
const FAILED: u8 = 2;

/// Compliance decisions with proofs: the untrusted host.
#[derive(Debug, clap::Parser)]
#[command(name = "probity", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Serve HTTPS in front of an enclave
    Serve(ServeOptions),
    /// Have a server evaluate one request; exit 0 compliant, 1 not, 2 no decision
    Evaluate(EvaluateOptions),
    /// Start an enclave image, watch over it, stop it
    #[command(subcommand)]
    Enclave(enclave_command::Command),
    /// Look into an enclave image
    #[command(subcommand)]
    Eif(eif_command::Command),
    /// Enrol the attestation keys of measured hosts, certify them
    #[command(subcommand)]
    Registrar(registrar::Command),
    /// Run the device of a measured host: the program probity-tpm
    #[command(disable_help_flag = true)]
    Tpm(tpm_command::Options),
    #[command(flatten)]
    Authority(authority::Command),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Serve(options) => run_server(&options),
        Command::Evaluate(options) => evaluate(&options),
        Command::Enclave(command) => enclave_command::run(&command).map_err(Into::into),
        Command::Eif(command) => describe(&command),
        Command::Registrar(command) => registrar::run(&command).map_err(Into::into),
        Command::Tpm(options) => Err(tpm_command::run(&options).into()),
        Command::Authority(command) => authority::run(command).map(|()| ExitCode::SUCCESS),
    };
    result.unwrap_or_else(|error| {
        eprintln!("probity: {error:#}");
        ExitCode::from(FAILED)
    })
}

fn run_server(options: &ServeOptions) -> anyhow::Result<ExitCode> {
    let level = std::env::var("PROBITY_LOG").ok().and_then(|level| level.parse().ok());
    tracing_subscriber::fmt()
        .with_max_level(level.unwrap_or(Level::INFO))
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build()?;
    runtime.block_on(serve::serve(options))?;
    Ok(ExitCode::SUCCESS)
}

fn evaluate(options: &EvaluateOptions) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let evaluated = runtime.block_on(client::evaluate(options))?;
    std::io::stdout().write_all(evaluated.text.as_bytes())?;
    Ok(match evaluated.compliant {
        true => ExitCode::SUCCESS,
        false => ExitCode::from(NOT_COMPLIANT),
    })
}

fn describe(command: &eif_command::Command) -> anyhow::Result<ExitCode> {
    let (text, code) = eif_command::run(command)?;
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(code)
}
