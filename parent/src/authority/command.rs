//! Command lines of `probity rules`.

use std::path::PathBuf;

use facts::Millis;

use super::arguments::{self, Duration};

/// Packs and bundles of rules.
#[derive(Debug, clap::Subcommand)]
pub enum Rules {
    /// Write a rule file to begin with; it passes `check`
    New {
        /// Identifier of the rule, such as us.acme.cash
        id: String,
        /// File to create; the id with .yaml when absent
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Check a pack or one of its files: types, examples, boundaries, cost
    Check {
        /// Directory with a rulebook.yaml, or a rule file
        path: PathBuf,
    },
    /// Run a pack's examples in both engines and show each
    Test {
        /// Directory with a rulebook.yaml, or a rule file
        path: PathBuf,
    },
    /// Check a pack, write its bundle, sign it when keys are given
    Build(Build),
    /// Check a bundle and add signatures to it
    Sign(Sign),
    /// Confirm that a bundle is the newest
    Freshness(Freshness),
    /// Print what a bundle says and who signed it
    Show {
        /// Bundle
        bundle: PathBuf,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Show what changed between two bundles or packs
    Diff {
        /// Bundle, or directory with a rulebook.yaml
        old: PathBuf,
        /// Bundle, or directory with a rulebook.yaml
        new: PathBuf,
    },
    /// Show how a rule decides one request, condition by condition
    Explain {
        /// Bundle, or directory with a rulebook.yaml
        source: PathBuf,
        /// Identifier of the rule
        rule: String,
        /// Request body in JSON
        input: PathBuf,
    },
    /// Print a rule's module as Wasm text
    Disasm {
        /// Bundle, directory with a rulebook.yaml, or rule file
        source: PathBuf,
        /// Identifier of the rule
        rule: String,
    },
    /// Print the JSON Schema of rule files, for editors
    Schema,
    /// Make a list of names from published files
    List(List),
    /// Evaluate past requests under two bundles and show which decisions change
    Backtest(Backtest),
}

/// Arguments of `rules build`.
#[derive(Debug, clap::Args)]
pub struct Build {
    /// Directory with a rulebook.yaml
    pub(crate) directory: PathBuf,
    /// Version of the bundle; an enclave takes only a higher one than it has
    #[arg(long, value_name = "N")]
    pub(crate) version: u64,
    /// Time of issue, RFC 3339; now when absent
    #[arg(long, value_name = "TIME", value_parser = arguments::time)]
    pub(crate) issued_at: Option<Millis>,
    /// Key file to sign with; once for each; without keys `rules sign` signs later
    #[arg(long = "key", value_name = "FILE")]
    pub(crate) keys: Vec<PathBuf>,
    /// File to write
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

/// Arguments of `rules sign`.
#[derive(Debug, clap::Args)]
pub struct Sign {
    /// Bundle, signed by others or not yet
    pub(crate) bundle: PathBuf,
    /// Key file to sign with; once for each
    #[arg(long = "key", value_name = "FILE", required = true)]
    pub(crate) keys: Vec<PathBuf>,
    /// File to write; the bundle itself when absent
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
}

/// Arguments of `rules freshness`.
#[derive(Debug, clap::Args)]
pub struct Freshness {
    /// Signed bundle that is the newest
    pub(crate) bundle: PathBuf,
    /// Freshness key file to sign with; once for each
    #[arg(long = "key", value_name = "FILE", required = true)]
    pub(crate) keys: Vec<PathBuf>,
    /// Time of issue, RFC 3339; now when absent
    #[arg(long, value_name = "TIME", value_parser = arguments::time)]
    pub(crate) issued_at: Option<Millis>,
    /// How long the statement holds
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = arguments::duration)]
    pub(crate) valid: Duration,
    /// File to write
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

/// Arguments of `rules list`.
#[derive(Debug, clap::Args)]
pub struct List {
    /// Form of the files
    pub(crate) form: Form,
    /// Published files
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Identifier that rules use, such as us.ofac.sdn
    #[arg(long, value_name = "ID")]
    pub(crate) id: String,
    /// Where the files were taken from
    #[arg(long, value_name = "TEXT")]
    pub(crate) source: String,
    /// When they were taken, RFC 3339
    #[arg(long, value_name = "TIME", value_parser = arguments::time)]
    pub(crate) taken_at: Millis,
    /// File to write
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

/// Published forms of lists of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Form {
    /// SDN.CSV, ALT.CSV and ADD.CSV of the United States' OFAC
    Ofac,
    /// The consolidated list of the United Nations, XML
    Un,
    /// Columns with a header
    Csv,
}

/// Arguments of `rules backtest`.
#[derive(Debug, clap::Args)]
pub struct Backtest {
    /// Bundle, or directory with a rulebook.yaml
    pub(crate) old: PathBuf,
    /// Bundle, or directory with a rulebook.yaml
    pub(crate) new: PathBuf,
    /// Request bodies, one a line
    pub(crate) inputs: PathBuf,
    /// Time of requests that name none, RFC 3339; now when absent
    #[arg(long, value_name = "TIME", value_parser = arguments::time)]
    pub(crate) as_of: Option<Millis>,
    /// Report to write
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
}
