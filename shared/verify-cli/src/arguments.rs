//! The command line. Every flag names what the verifier brings along: files, a moment, a nonce, or
//! a bound that has a limit of its own. Less given is less judged, and the verdict lists what was
//! not: `--at` another moment than now leaves age unjudged (N40), `nitro` without `--measurements`
//! the image (N34). There must never be a flag that skips a check in silence.

use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Verifies Probity proofs and Nitro attestation documents, offline.
#[derive(Debug, Parser)]
#[command(name = "probity-verify", version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Verifies a proof: hardware, signature, log and, with bundle and input, the rules' replay.
    Proof(ProofArguments),
    /// Verifies a Nitro attestation document alone.
    Nitro(NitroArguments),
    /// Verifies a boot's whole log, as exported from /v1/log/{boot}: every proof, no gap,
    /// every two quotes consistent.
    Log(LogArguments),
}

/// The largest bound: beyond a day a check of freshness would check nothing.
const SECONDS_MAX: u64 = 86_400;

fn seconds() -> clap::builder::RangedU64ValueParser<u64> {
    clap::value_parser!(u64).range(..=SECONDS_MAX)
}

impl Verb {
    pub(crate) fn json(&self) -> bool {
        match self {
            Verb::Proof(asked) => asked.common.json,
            Verb::Nitro(asked) => asked.common.json,
            Verb::Log(asked) => asked.common.json,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct CommonArguments {
    /// Trust this root (PEM or DER) instead of the built-in AWS Nitro root; the verdict says so.
    #[arg(long, value_name = "FILE")]
    pub(crate) root: Option<PathBuf>,
    /// The moment to judge for: `now`, `document` (its own word) or an RFC 3339 time.
    #[arg(long, value_name = "MOMENT", default_value = "now")]
    pub(crate) at: String,
    /// Nonce that must be answered, in hexadecimal.
    #[arg(long, value_name = "HEX")]
    pub(crate) nonce: Option<String>,
    /// Oldest evidence that is accepted when judging for now, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = seconds())]
    pub(crate) max_age: u64,
    /// Print the verdict as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which enclaves are accepted: their image, and whose rules they take.
#[derive(Debug, Args)]
pub(crate) struct AcceptedArguments {
    /// Reference values: {"release": …, "pcr0": …, "pcr1": …, "pcr2": …}; may be given again.
    #[arg(long, value_name = "FILE", required = true)]
    pub(crate) measurements: Vec<PathBuf>,
    /// The boot configuration whose rule authorities are accepted (held against PCR16).
    #[arg(long, value_name = "FILE")]
    pub(crate) boot: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct ProofArguments {
    /// The proof: CBOR, or its JSON view; `-` is standard input.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) accepted: AcceptedArguments,
    /// The signed rule bundle, for checks P12 to P14 and replay.
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Option<PathBuf>,
    /// The request body exactly as it was sent, for checks P15 to P17.
    #[arg(long, value_name = "FILE", requires = "salt")]
    pub(crate) input: Option<PathBuf>,
    /// The salt that came with the proof: hexadecimal, or a file that holds it.
    #[arg(long, value_name = "HEX|FILE")]
    pub(crate) salt: Option<String>,
    /// What replays the rules: `module` runs the modules of the bundle; `both` also compiles each
    /// rule again from its source and asks the reference interpreter (checks P21 and P22).
    #[arg(long, value_name = "ENGINE", default_value = "both", value_parser = ["module", "both"])]
    pub(crate) replay: String,
    /// Longest time between an evaluation and its quote, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = seconds())]
    pub(crate) lag: u64,
    #[command(flatten)]
    pub(crate) common: CommonArguments,
}

#[derive(Debug, Args)]
pub(crate) struct LogArguments {
    /// The log: NDJSON, first the boot record, then every proof; `-` is standard input.
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) accepted: AcceptedArguments,
    #[command(flatten)]
    pub(crate) common: CommonArguments,
}

#[derive(Debug, Args)]
pub(crate) struct NitroArguments {
    /// The document as the NSM returned it; `-` is standard input.
    pub(crate) file: PathBuf,
    /// Reference values; without any, N34 is not checked and the verdict says so.
    #[arg(long, value_name = "FILE")]
    pub(crate) measurements: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) common: CommonArguments,
}
