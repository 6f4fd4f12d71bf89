//! The command line. Every flag names what the verifier brings along: files, a moment, a nonce, or
//! a bound that has a limit of its own. Less given is less judged, and the verdict lists what was
//! not: `--at` another moment than now leaves age unjudged (N40), `nitro` without reference values
//! the image (N34). There must never be a flag that skips a check in silence.

use crate::arguments_more::{
    BatchArguments, EarArguments, EventLogArguments, ReceiptArguments, TpmArguments,
};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Verifies Probity proofs and the evidence beneath them, offline.
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
    /// Verifies many proofs on all cores: NDJSON or folders; counts, reasons, forks.
    Batch(BatchArguments),
    /// Verifies a Nitro attestation document alone, of an enclave or of a NitroTPM instance.
    Nitro(NitroArguments),
    /// Verifies a TPM 2.0 quote: Probity's evidence, or a bare quote in parts.
    Tpm(TpmArguments),
    /// Reads a measured-boot event log: structure and the registers it replays to.
    Eventlog(EventLogArguments),
    /// Verifies a boot's whole log, as exported from /v1/log/{boot}: every proof, no gap,
    /// every two quotes consistent.
    Log(LogArguments),
    /// Standard encodings of inclusion: COSE Receipt, C2SP tlog-proof, checkpoint as a note.
    #[command(subcommand)]
    Receipt(ReceiptArguments),
    /// Reads a signed attestation result (EAR) under the key of a verifier that you trust.
    Ear(EarArguments),
}

/// The largest bound: beyond a day a check of freshness would check nothing.
const SECONDS_MAX: u64 = 86_400;

fn seconds() -> clap::builder::RangedU64ValueParser<u64> {
    clap::value_parser!(u64).range(..=SECONDS_MAX)
}

/// How a verdict is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Words in columns, for people.
    Table,
    /// Everything that was found, as one JSON object.
    Json,
    /// An EAT Attestation Result (draft-ietf-rats-ear), as JSON claims or signed.
    Ear,
}

#[derive(Debug, Args)]
pub(crate) struct OutputArguments {
    /// How to write the verdict.
    #[arg(long, value_enum, default_value = "table", conflicts_with = "json")]
    pub(crate) format: Format,
    /// Print the verdict as JSON: the same as `--format json`.
    #[arg(long)]
    pub(crate) json: bool,
    /// Sign the attestation result with this Ed25519 key file (`probity keys new`): a JWS.
    #[arg(long, value_name = "FILE")]
    pub(crate) ear_key: Option<PathBuf>,
}

impl OutputArguments {
    pub(crate) fn chosen(&self) -> Format {
        if self.json { Format::Json } else { self.format }
    }
}

impl Verb {
    pub(crate) fn output(&self) -> &OutputArguments {
        match self {
            Verb::Proof(asked) => &asked.common.output,
            Verb::Batch(asked) => &asked.common.output,
            Verb::Nitro(asked) => &asked.common.output,
            Verb::Tpm(asked) => &asked.common.output,
            Verb::Eventlog(asked) => &asked.output,
            Verb::Log(asked) => &asked.common.output,
            Verb::Receipt(asked) => asked.output(),
            Verb::Ear(asked) => &asked.output,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct CommonArguments {
    /// Trust this root (PEM or DER) instead of the built-in AWS Nitro root; the verdict says so.
    #[arg(long, value_name = "FILE", conflicts_with = "policy")]
    pub(crate) root: Option<PathBuf>,
    /// The moment to judge for: `now`, `document` (its own word), `witnesses` (their earliest
    /// time that a threshold of them vouches for) or an RFC 3339 time, which the verdict repeats
    /// as an assumption.
    #[arg(long, value_name = "MOMENT", default_value = "now")]
    pub(crate) at: String,
    /// Nonce that must be answered, in hexadecimal.
    #[arg(long, value_name = "HEX")]
    pub(crate) nonce: Option<String>,
    /// Oldest evidence that is accepted when judging for now, in seconds; 300 unless the policy
    /// says otherwise.
    #[arg(long, value_name = "SECONDS", value_parser = seconds(), conflicts_with = "policy")]
    pub(crate) max_age: Option<u64>,
    #[command(flatten)]
    pub(crate) signed: SignedPolicyArguments,
    #[command(flatten)]
    pub(crate) output: OutputArguments,
}

/// The policy as one signed file, and whose signatures it must have.
#[derive(Debug, Args)]
pub(crate) struct SignedPolicyArguments {
    /// The verifier's signed policy (`probity policy sign`): roots, releases, rule authorities,
    /// freshness, required checks. Takes the place of --measurements, --boot and --root.
    #[arg(long, value_name = "FILE")]
    pub(crate) policy: Option<PathBuf>,
    /// A key that must have signed the policy, as did:key or a file that holds one; may be given
    /// again. Without any, the verdict says that only the policy's own signers vouch for it.
    #[arg(long, value_name = "KEY", requires = "policy")]
    pub(crate) policy_signer: Vec<String>,
    /// How many of the --policy-signer keys must have signed; all of them unless said otherwise.
    #[arg(long, value_name = "N", requires = "policy_signer")]
    pub(crate) policy_threshold: Option<usize>,
}

/// Which enclaves are accepted: their image, and whose rules they take.
#[derive(Debug, Args)]
pub(crate) struct AcceptedArguments {
    /// Reference values: {"release": …, "pcr0": …, "pcr1": …, "pcr2": …}, or the list that
    /// `eif/build` writes (its release images, never debug ones); may be given again.
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "policy",
        conflicts_with = "policy"
    )]
    pub(crate) measurements: Vec<PathBuf>,
    /// The boot configuration whose rule authorities are accepted (held against PCR16).
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "policy",
        conflicts_with = "policy"
    )]
    pub(crate) boot: Option<PathBuf>,
    /// Longest time between an evaluation and its quote, in seconds; 120 unless the policy says
    /// otherwise.
    #[arg(long, value_name = "SECONDS", value_parser = seconds(), conflicts_with = "policy")]
    pub(crate) lag: Option<u64>,
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
    /// The measured-boot event log of the host, for a proof under a TPM quote (checks T25 to T30).
    #[arg(long, value_name = "FILE")]
    pub(crate) event_log: Option<PathBuf>,
    /// The kernel's log of files that the host measured, binary_runtime_measurements (T31 to T34).
    #[arg(long, value_name = "FILE", requires = "file_list")]
    pub(crate) ima_log: Option<PathBuf>,
    /// The list of files whose hash the policy has (check T34).
    #[arg(long, value_name = "FILE", requires = "ima_log")]
    pub(crate) file_list: Option<PathBuf>,
    /// Cosignatures of witnesses beside those that the proof carries: a file of C2SP signature
    /// lines, or a whole cosigned note; may be given again (check P20).
    #[arg(long, value_name = "FILE")]
    pub(crate) cosignatures: Vec<PathBuf>,
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

/// Which machine a Nitro document is expected from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum DocumentKind {
    /// A Nitro Enclave.
    Enclave,
    /// An EC2 instance with NitroTPM.
    Nitrotpm,
}

#[derive(Debug, Args)]
pub(crate) struct NitroArguments {
    /// The document as the device returned it; `-` is standard input.
    pub(crate) file: PathBuf,
    /// What the document has to be from; never guessed from the document.
    #[arg(long, value_enum, default_value = "enclave")]
    pub(crate) kind: DocumentKind,
    /// Reference values; without any, N34 is not checked and the verdict says so.
    #[arg(long, value_name = "FILE", conflicts_with = "policy")]
    pub(crate) measurements: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) common: CommonArguments,
}
