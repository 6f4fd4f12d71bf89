//! The command line of the verbs beside `proof`, `nitro` and `log`. The rule of `arguments` holds
//! here too: no flag skips a check in silence.

use crate::arguments::{
    AcceptedArguments, CommonArguments, OutputArguments, SignedPolicyArguments,
};
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct BatchArguments {
    /// Files of proofs, one a line (JSON view or CBOR in base64), or folders with .cbor, .cose and
    /// .json files; `-` is standard input.
    #[arg(required = true)]
    pub(crate) paths: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) accepted: AcceptedArguments,
    /// The signed rule bundle, for checks P12 to P14.
    #[arg(long, value_name = "FILE")]
    pub(crate) rules: Option<PathBuf>,
    /// Threads; one a core unless said otherwise.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) threads: Option<u16>,
    /// Write every refusal to this file, one JSON object a line; the verdict itself lists the
    /// first hundred.
    #[arg(long, value_name = "FILE")]
    pub(crate) rejects: Option<PathBuf>,
    /// Refuse a set in which an index of a quoted log is missing. Without this a gap is reported,
    /// since a set of proofs need not be a whole log.
    #[arg(long)]
    pub(crate) no_gaps: bool,
    #[command(flatten)]
    pub(crate) common: CommonArguments,
}

#[derive(Debug, Args)]
pub(crate) struct TpmArguments {
    /// Evidence of kind `tpm` (shared/attest/TPM.md); leave it out for a bare quote in parts.
    #[arg(required_unless_present = "quote", conflicts_with = "quote")]
    pub(crate) file: Option<PathBuf>,
    /// A bare quote: TPMS_ATTEST as the TPM returned it.
    #[arg(long, value_name = "FILE", requires_all = ["signature", "pcrs"])]
    pub(crate) quote: Option<PathBuf>,
    /// TPMT_SIGNATURE of the bare quote.
    #[arg(long, value_name = "FILE", requires = "quote")]
    pub(crate) signature: Option<PathBuf>,
    /// The attestation key of the bare quote: TPMT_PUBLIC. Not trusted for coming along.
    #[arg(long, value_name = "FILE", requires = "quote")]
    pub(crate) ak: Option<PathBuf>,
    /// A certificate of the attestation key (PEM or DER), leaf first; may be given again.
    #[arg(long, value_name = "FILE", requires = "quote")]
    pub(crate) ak_cert: Vec<PathBuf>,
    /// The quoted registers: {"0": "hex", …}, exactly those that were selected.
    #[arg(long, value_name = "FILE", requires = "quote")]
    pub(crate) pcrs: Option<PathBuf>,
    /// What extraData must be, in hexadecimal; without it T17 is not checked.
    #[arg(long, value_name = "HEX", requires = "quote")]
    pub(crate) extra_data: Option<String>,
    /// The measured-boot event log (checks T25 to T30).
    #[arg(long, value_name = "FILE")]
    pub(crate) event_log: Option<PathBuf>,
    /// The kernel's log of files that it measured, binary_runtime_measurements (checks T31 to T34).
    #[arg(long, value_name = "FILE")]
    pub(crate) ima_log: Option<PathBuf>,
    /// The only files that the kernel may have measured, as `sha256sum` lists them (check T34);
    /// under a policy the list whose hash the policy has.
    #[arg(long, value_name = "FILE", requires = "ima_log")]
    pub(crate) file_list: Option<PathBuf>,
    /// Trust the attestation key of this TPM name, in hexadecimal; may be given again.
    #[arg(long, value_name = "HEX", conflicts_with = "policy")]
    pub(crate) ak_name: Vec<String>,
    /// Trust this attestation key: SubjectPublicKeyInfo (PEM or DER); may be given again.
    #[arg(long, value_name = "FILE", conflicts_with = "policy")]
    pub(crate) ak_key: Vec<PathBuf>,
    /// Trust this authority (PEM or DER), which certifies nothing but attestation keys: its
    /// certificates need not name their purpose. Give the intermediate that issues them.
    #[arg(long, value_name = "FILE", conflicts_with = "policy")]
    pub(crate) dedicated_root: Option<PathBuf>,
    /// Reference values: {"0": "hex", …}; without any, T24 is not checked and the verdict says so.
    #[arg(long, value_name = "FILE", conflicts_with = "policy")]
    pub(crate) reference: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) common: CommonArguments,
}

#[derive(Debug, Args)]
pub(crate) struct EventLogArguments {
    /// The log as the firmware left it (crypto-agile); `-` is standard input.
    pub(crate) file: PathBuf,
    /// The bank to replay.
    #[arg(long, default_value = "sha256", value_parser = ["sha256", "sha384"])]
    pub(crate) bank: String,
    /// Registers that the log must replay to: {"0": "hex", …}.
    #[arg(long, value_name = "FILE")]
    pub(crate) pcrs: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: OutputArguments,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ReceiptArguments {
    /// Writes the inclusion of a proof in a standard form. Verifies nothing.
    Export(ExportArguments),
    /// Verifies a receipt, tlog-proof, cosigned checkpoint or transparent statement.
    Verify(VerifyArguments),
}

impl ReceiptArguments {
    pub(crate) fn output(&self) -> &OutputArguments {
        match self {
            ReceiptArguments::Export(asked) => &asked.output,
            ReceiptArguments::Verify(asked) => &asked.output,
        }
    }
}

/// A standard form that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ExportForm {
    /// COSE Receipt of inclusion, vds 1 (RFC 9942).
    Cose,
    /// The signed statement with its receipt in header 394.
    Transparent,
    /// C2SP tlog-proof@v1.
    Tlog,
    /// The quoted checkpoint as a C2SP signed note, with its cosignatures.
    Checkpoint,
}

/// A standard form that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum VerifyForm {
    /// COSE Receipt of inclusion, vds 1 (RFC 9942).
    Cose,
    /// C2SP tlog-proof@v1.
    Tlog,
    /// A checkpoint as a C2SP signed note, with its cosignatures.
    Checkpoint,
    /// A signed statement with its receipt of vds 1 in header 394.
    Transparent,
    /// A transparent statement with a CCF receipt (vds 2).
    Ccf,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArguments {
    /// The proof: CBOR, or its JSON view; `-` is standard input.
    pub(crate) file: PathBuf,
    /// Which form.
    #[arg(long, value_enum)]
    pub(crate) form: ExportForm,
    /// Where to write it; standard output unless said otherwise.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) output: OutputArguments,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    /// The receipt; `-` is standard input.
    pub(crate) file: PathBuf,
    /// Which form it has.
    #[arg(long, value_enum)]
    pub(crate) form: VerifyForm,
    /// The proof that it should include: its leaf is the proof hash.
    #[arg(long, value_name = "FILE")]
    pub(crate) proof: Option<PathBuf>,
    /// The log's key, as did:key: the signer that the boot's quote attests. Never taken from the
    /// receipt.
    #[arg(long, value_name = "DID")]
    pub(crate) key: Option<String>,
    /// A witness, as a C2SP verifier key; may be given again.
    #[arg(long, value_name = "VKEY")]
    pub(crate) witness: Vec<String>,
    /// How many witnesses must have cosigned; all that are named unless said otherwise.
    #[arg(long, value_name = "N", requires = "witness")]
    pub(crate) witness_threshold: Option<usize>,
    /// A service's certificate (PEM or DER) that a CCF receipt may be signed under; may be given
    /// again.
    #[arg(long, value_name = "FILE")]
    pub(crate) service: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) signed: SignedPolicyArguments,
    #[command(flatten)]
    pub(crate) output: OutputArguments,
}

#[derive(Debug, Args)]
pub(crate) struct EarArguments {
    /// The token; `-` is standard input.
    pub(crate) file: PathBuf,
    /// The key of the verifier that you trust, as did:key. Never taken from the token.
    #[arg(long, value_name = "DID")]
    pub(crate) key: String,
    #[command(flatten)]
    pub(crate) output: OutputArguments,
}
