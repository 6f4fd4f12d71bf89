//! The rule authority's tool: keys, boot configurations, signed bundles, freshness statements. It
//! runs at the authority's desk, not on the parent that serves callers; it shares the binary and
//! nothing else. It must never sign a pack whose examples fail, print a seed, or overwrite a key.

mod arguments;
mod backtest;
mod boot;
mod bundle;
mod check;
mod command;
mod cose;
mod diff;
mod disasm;
mod engines;
mod explain;
mod folder;
mod keys;
mod lines;
mod names;
mod policy;
mod problems;
mod scaffold;
mod schema;
mod show;
mod side;
mod table;
#[cfg(test)]
mod tests;
mod trial;

use std::path::PathBuf;

use anyhow::Context as _;

pub use arguments::Duration;
pub use command::Rules;
pub use policy::Policy;

/// What the rule authority does.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Make or show a signing key of the rule authority
    #[command(subcommand)]
    Keys(Keys),
    /// Make or show the boot configuration that an enclave is measured with
    #[command(subcommand)]
    Boot(Boot),
    /// Write, check, build, sign, compare and try rules
    #[command(subcommand)]
    Rules(Rules),
    /// Write, check, sign and explain what verifiers accept
    #[command(subcommand)]
    Policy(Policy),
}

/// Signing keys.
#[derive(Debug, clap::Subcommand)]
pub enum Keys {
    /// Make a key; prints its did:key
    New {
        /// File to create, readable by its owner only; must not exist
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Print the did:key of a key file
    Show {
        /// Key file
        file: PathBuf,
    },
}

/// Boot configurations.
#[derive(Debug, clap::Subcommand)]
pub enum Boot {
    /// Write a boot configuration; prints what an enclave with it measures
    New(BootNew),
    /// Print a boot configuration and its PCR16
    Show {
        /// Boot configuration
        file: PathBuf,
    },
}

/// Arguments of `boot new`.
#[derive(Debug, clap::Args)]
pub struct BootNew {
    /// did:key of a rule authority; once for each
    #[arg(long = "authority", value_name = "DID", required = true)]
    authorities: Vec<String>,
    /// How many authorities must sign a bundle
    #[arg(long, value_name = "K")]
    threshold: usize,
    /// did:key of a key that confirms freshness; once for each
    #[arg(long = "freshness-key", value_name = "DID", required = true)]
    freshness_keys: Vec<String>,
    /// How many freshness keys must sign a statement
    #[arg(long, value_name = "K")]
    freshness_threshold: usize,
    /// Name of the only rulebook that the enclave accepts
    #[arg(long, value_name = "NAME")]
    rulebook: String,
    /// Age of the freshness statement from which evaluations are marked offline
    #[arg(long, value_name = "AGE", default_value = "12h", value_parser = arguments::duration)]
    warn: Duration,
    /// Age from which no bundle comes into force
    #[arg(long, value_name = "AGE", default_value = "24h", value_parser = arguments::duration)]
    max: Duration,
    /// Age from which evaluations are refused
    #[arg(long, value_name = "AGE", default_value = "48h", value_parser = arguments::duration)]
    refuse: Duration,
    /// File to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Does what was asked and prints what came of it.
pub fn run(command: Command) -> anyhow::Result<()> {
    use std::io::Write as _;
    let text = answer(command)?;
    std::io::stdout().write_all(text.as_bytes()).context("standard output")
}

/// Does what was asked; what to print.
fn answer(command: Command) -> anyhow::Result<String> {
    match command {
        Command::Keys(Keys::New { out }) => keys::new(&out),
        Command::Keys(Keys::Show { file }) => keys::show(&file),
        Command::Boot(Boot::New(arguments)) => boot::new(&arguments),
        Command::Boot(Boot::Show { file }) => boot::show(&file),
        Command::Rules(rules) => answer_rules(rules),
        Command::Policy(asked) => policy::answer(asked),
    }
}

fn answer_rules(rules: Rules) -> anyhow::Result<String> {
    match rules {
        Rules::New { id, out } => scaffold::answer(&id, out.as_deref()),
        Rules::Check { path } => check::answer_check(&path),
        Rules::Test { path } => check::answer_test(&path),
        Rules::Build(arguments) => bundle::build(&arguments),
        Rules::Sign(arguments) => bundle::sign(&arguments),
        Rules::Freshness(arguments) => bundle::freshness(&arguments),
        Rules::Show { bundle, json } => show::bundle(&bundle, json),
        Rules::Diff { old, new } => diff::answer(&old, &new),
        Rules::Explain { source, rule, input } => explain::answer(&source, &rule, &input),
        Rules::Disasm { source, rule } => disasm::answer(&source, &rule),
        Rules::Schema => Ok(schema::answer()),
        Rules::List(arguments) => names::answer(&arguments),
        Rules::Backtest(arguments) => backtest::answer(&arguments),
    }
}

/// The bytes of a file, with its name in the error.
fn read(path: &std::path::Path) -> anyhow::Result<Vec<u8>> {
    read_bounded(path).with_context(|| format!("cannot read {}", path.display()))
}

/// The bytes of a file, unless they would fill the memory.
fn read_bounded(path: &std::path::Path) -> std::io::Result<Vec<u8>> {
    use std::io::{Error, Read as _};
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(Error::other(format!("longer than {FILE_BYTES_MAX} bytes")));
    }
    Ok(bytes)
}

/// Writes a file, with its name in the error.
fn write(path: &std::path::Path, bytes: &[u8]) -> anyhow::Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// Largest file that is read, in bytes: the longest list of names, and room.
const FILE_BYTES_MAX: u64 = 128 << 20;
