//! The rule authority's tool: keys, boot configurations, signed bundles, freshness statements. It
//! runs at the authority's desk, not on the parent that serves callers; it shares the binary and
//! nothing else. It must never sign a pack whose examples fail, print a seed, or overwrite a key.

mod arguments;
mod boot;
mod bundle;
mod examples;
mod keys;
mod pack;
mod show;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use anyhow::Context as _;
use facts::Millis;

pub use arguments::Duration;

/// What the rule authority does.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Make or show a signing key of the rule authority
    #[command(subcommand)]
    Keys(Keys),
    /// Make or show the boot configuration that an enclave is measured with
    #[command(subcommand)]
    Boot(Boot),
    /// Build, confirm or show a bundle of rules
    #[command(subcommand)]
    Rules(Rules),
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

/// Bundles of rules.
#[derive(Debug, clap::Subcommand)]
pub enum Rules {
    /// Check a pack against its own examples, sign it, write the bundle
    Build(RulesBuild),
    /// Confirm that a bundle is the newest
    Freshness(RulesFreshness),
    /// Print what a bundle says and who signed it
    Show {
        /// Signed bundle
        bundle: PathBuf,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

/// Arguments of `rules build`.
#[derive(Debug, clap::Args)]
pub struct RulesBuild {
    /// Directory with a rulebook.yaml
    directory: PathBuf,
    /// Version of the bundle; an enclave takes only a higher one than it has
    #[arg(long, value_name = "N")]
    version: u64,
    /// Time of issue, RFC 3339; now when absent
    #[arg(long, value_name = "TIME", value_parser = arguments::time)]
    issued_at: Option<Millis>,
    /// Key file to sign with; once for each
    #[arg(long = "key", value_name = "FILE", required = true)]
    keys: Vec<PathBuf>,
    /// File to write
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Arguments of `rules freshness`.
#[derive(Debug, clap::Args)]
pub struct RulesFreshness {
    /// Signed bundle that is the newest
    bundle: PathBuf,
    /// Freshness key file to sign with; once for each
    #[arg(long = "key", value_name = "FILE", required = true)]
    keys: Vec<PathBuf>,
    /// Time of issue, RFC 3339; now when absent
    #[arg(long, value_name = "TIME", value_parser = arguments::time)]
    issued_at: Option<Millis>,
    /// How long the statement holds
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = arguments::duration)]
    valid: Duration,
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
        Command::Rules(Rules::Build(arguments)) => bundle::build(&arguments),
        Command::Rules(Rules::Freshness(arguments)) => bundle::freshness(&arguments),
        Command::Rules(Rules::Show { bundle, json }) => show::bundle(&bundle, json),
    }
}

/// The bytes of a file, with its name in the error.
fn read(path: &std::path::Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// Writes a file, with its name in the error.
fn write(path: &std::path::Path, bytes: &[u8]) -> anyhow::Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}
