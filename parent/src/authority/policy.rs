//! `probity policy`: the file that says what verifiers accept, from its source in YAML to the
//! signed bytes and back to words. It runs at the desk of whoever answers for verification. It
//! must never sign what no reader would take, or write over a source that it could not read.

mod add;
mod add_tpm;
mod changes;
mod explain;
mod fields;
mod measurements;
mod read;
mod scaffold;
mod sign;
#[cfg(test)]
mod tests;
mod tpm;

use std::path::PathBuf;

use facts::Millis;

use super::arguments::{self, Duration};

pub use add_tpm::{TpmKey, TpmRoot, Worker};
pub(crate) use explain::explain;
pub use measurements::Measured;
pub(crate) use scaffold::new;
pub(crate) use sign::{check, sign};

/// Policies of verifiers.
#[derive(Debug, clap::Subcommand)]
pub enum Policy {
    /// Write the source of a policy, with comments; it passes `check`
    New(New),
    /// Add an entry to a policy's source and raise its version
    #[command(subcommand)]
    Add(Add),
    /// Check a policy's source, or a signed policy
    Check {
        /// Source (.yaml) or signed policy
        file: PathBuf,
    },
    /// Sign a policy: a source, or a signed policy that others signed before
    Sign(Sign),
    /// Print what a policy accepts, until when, and what it does not demand
    Explain(Explain),
}

/// Arguments of `policy new`.
#[derive(Debug, clap::Args)]
pub struct New {
    /// Name of the policy
    #[arg(long, value_name = "NAME")]
    name: String,
    /// did:key of a key that signs the policy; once for each
    #[arg(long = "signer", value_name = "DID", required = true)]
    signers: Vec<String>,
    /// How many of them must sign
    #[arg(long, value_name = "K", default_value_t = 1)]
    threshold: usize,
    #[command(flatten)]
    measured: Measured,
    /// Boot configuration whose rule authorities are accepted; once for each
    #[arg(long, value_name = "FILE", required = true)]
    boot: Vec<PathBuf>,
    /// Root (PEM or DER) instead of AWS's, such as a test root
    #[arg(long, value_name = "FILE")]
    root: Option<PathBuf>,
    /// When it comes into force, RFC 3339; now when absent
    #[arg(long, value_name = "TIME", value_parser = arguments::time)]
    issued_at: Option<Millis>,
    /// How long it stays in force
    #[arg(long, value_name = "TIME", default_value = "365d", value_parser = arguments::duration)]
    valid: Duration,
    /// Source to create; must not exist
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// What `policy add` adds.
#[derive(Debug, clap::Subcommand)]
pub enum Add {
    /// A release, from its measurements
    Release {
        /// Source of the policy
        source: PathBuf,
        #[command(flatten)]
        measured: Measured,
    },
    /// The end of a release's window: proofs from then on are refused, older ones stay good
    EndRelease {
        /// Source of the policy
        source: PathBuf,
        /// Name of the release
        #[arg(long, value_name = "NAME")]
        name: String,
        /// First moment after, RFC 3339; now when absent
        #[arg(long, value_name = "TIME", value_parser = arguments::time)]
        to: Option<Millis>,
    },
    /// A release that is accepted at no time any more
    RevokeRelease {
        /// Source of the policy
        source: PathBuf,
        /// Name of the release
        #[arg(long, value_name = "NAME")]
        name: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// A signer none of whose proofs is accepted any more
    Revoke {
        /// Source of the policy
        source: PathBuf,
        /// did:key of the signer
        #[arg(long, value_name = "DID")]
        key: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// A signer whose older proofs stay good in archival verification
    Retire {
        /// Source of the policy
        source: PathBuf,
        /// did:key of the signer
        #[arg(long, value_name = "DID")]
        key: String,
        /// From when on its proofs are refused, RFC 3339; now when absent
        #[arg(long, value_name = "TIME", value_parser = arguments::time)]
        from: Option<Millis>,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// A revoked certificate of an attestation chain
    RevokeCertificate {
        /// Source of the policy
        source: PathBuf,
        /// Issuer's name in DER, hexadecimal
        #[arg(long, value_name = "HEX")]
        issuer: String,
        /// Serial number, hexadecimal
        #[arg(long, value_name = "HEX")]
        serial: String,
    },
    /// A witness of checkpoints
    Witness {
        /// Source of the policy
        source: PathBuf,
        /// C2SP verifier key: name+hash+base64
        #[arg(long, value_name = "KEY")]
        key: String,
    },
    /// A release of the worker that a host with a TPM may start, by its program
    Worker(Worker),
    /// An attestation key of a TPM, by its name, and what its machine has booted
    TpmKey(TpmKey),
    /// A root that may certify attestation keys of TPMs
    AkRoot(TpmRoot),
    /// A root that may certify endorsement keys, for whoever registers attestation keys
    EkRoot(TpmRoot),
    /// A check that must have passed
    Require {
        /// Source of the policy
        source: PathBuf,
        /// Its number, such as P15, N31 or T25
        #[arg(long, value_name = "CHECK")]
        check: String,
    },
}

/// Arguments of `policy sign`.
#[derive(Debug, clap::Args)]
pub struct Sign {
    /// Source (.yaml), or a policy that others signed
    source: PathBuf,
    /// Key file to sign with; once for each
    #[arg(long = "key", value_name = "FILE", required = true)]
    keys: Vec<PathBuf>,
    /// Signed policy that this one takes the place of: its name must be the same and its version
    /// lower; says what changes
    #[arg(long, value_name = "FILE")]
    previous: Option<PathBuf>,
    /// File to write; a signed policy is written in place when absent
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Arguments of `policy explain`.
#[derive(Debug, clap::Args)]
pub struct Explain {
    /// Source (.yaml) or signed policy
    file: PathBuf,
    /// The moment to explain for, RFC 3339; now when absent
    #[arg(long, value_name = "TIME", value_parser = arguments::time)]
    at: Option<Millis>,
}

/// Does what was asked; what to print.
pub(crate) fn answer(policy: Policy) -> anyhow::Result<String> {
    match policy {
        Policy::New(arguments) => new(&arguments),
        Policy::Add(what) => add::add(&what),
        Policy::Check { file } => check(&file),
        Policy::Sign(arguments) => sign(&arguments),
        Policy::Explain(arguments) => explain(&arguments),
    }
}
