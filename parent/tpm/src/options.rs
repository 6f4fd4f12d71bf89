//! The command line.

use crate::error::Error;
use crate::identity::AkType;
use crate::limits::{
    AK_HANDLE_RANGE, CRASH_LOOP_ENDS, HUNG_WAIT, QUOTE_WAIT, REGISTER, REGISTER_MAX,
    REGISTER_RANGE, SELECTION, TCTI,
};
use crate::tpm::{Bank, Selection};
use std::path::{Path, PathBuf};

/// Quotes, measurements and the worker of a host with a TPM
#[derive(Debug, clap::Parser)]
#[command(name = "probity-tpm", version)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Measure, start the worker, watch over it, answer its quotes
    Run(Box<RunOptions>),
    /// Have a registrar certify the attestation key
    Enrol(EnrolOptions),
    /// Tell how things stand; exit 0 when a worker answers, 1 when not
    Status(StatusOptions),
    /// Print the attestation key: name, public area, certificates; makes it when there is none
    Ak(AkOptions),
    /// Copy the firmware's event log
    Eventlog(EventlogOptions),
    /// Becomes the worker; for `run` alone
    #[command(hide = true)]
    Hold(HoldOptions),
}

/// Where state and TPM are, and which key.
#[derive(Debug, Clone, clap::Args)]
pub struct DeviceOptions {
    /// Folder of the device's own files
    #[arg(long, value_name = "DIR")]
    pub state: PathBuf,
    /// The TPM, as the TSS names it; swtpm:host=…,port=… for a software TPM
    #[arg(long, default_value = TCTI)]
    pub tcti: String,
    /// Persistent handle of the attestation key
    #[arg(long, value_name = "HANDLE", default_value = "0x81000001", value_parser = handle)]
    pub ak_handle: u32,
    /// Kind of attestation key
    #[arg(long, value_enum, default_value_t = AkType::EcdsaP256)]
    pub ak_type: AkType,
}

/// Options of `run`.
#[derive(Debug, Clone, clap::Args)]
pub struct RunOptions {
    /// State, TPM, key.
    #[command(flatten)]
    pub device: DeviceOptions,
    /// The boot configuration
    #[arg(long, value_name = "FILE")]
    pub boot: PathBuf,
    /// The worker's program
    #[arg(long, value_name = "PROGRAM")]
    pub worker: PathBuf,
    /// Release that the log names the worker by: a claim, for people
    #[arg(long, value_name = "TEXT", default_value = env!("CARGO_PKG_VERSION"))]
    pub worker_release: String,
    /// Registers that are quoted; --register is always among them
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub pcr_select: Vec<u8>,
    /// Register that is measured into, 8 to 15
    #[arg(long, value_name = "N", default_value_t = REGISTER)]
    pub register: u8,
    /// Bank that is quoted; all active ones are extended
    #[arg(long, value_enum, default_value_t = Bank::Sha256)]
    pub bank: Bank,
    /// User that the worker becomes
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Threads of the worker that evaluate; 0 is one for each core
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub workers: usize,
    /// The firmware's event log
    #[arg(long, value_name = "FILE", default_value = FIRMWARE_LOG)]
    pub event_log: PathBuf,
    /// Fault injection: adds this to every quote, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub quote_latency_ms: u64,
    /// How long a quote may take, in seconds
    #[arg(long, value_name = "S", default_value_t = QUOTE_WAIT.as_secs(),
        value_parser = clap::value_parser!(u64).range(1..=600))]
    pub quote_wait: u64,
    /// How long a worker may be silent before it is replaced, in seconds
    #[arg(long, value_name = "S", default_value_t = HUNG_WAIT.as_secs(),
        value_parser = clap::value_parser!(u64).range(1..=600))]
    pub hung_wait: u64,
    /// Ends of the worker within a minute that isolate it
    #[arg(long, value_name = "N", default_value_t = CRASH_LOOP_ENDS)]
    pub ends_max: u32,
}

/// Options of `enrol`.
#[derive(Debug, Clone, clap::Args)]
pub struct EnrolOptions {
    /// State, TPM, key.
    #[command(flatten)]
    pub device: DeviceOptions,
    /// The registrar
    #[arg(long, value_name = "URL")]
    pub registrar: String,
    /// Name of this machine at the registrar
    #[arg(long, value_name = "NAME")]
    pub identity: String,
    /// File with the registrar's token for this enrolment; - is standard input
    #[arg(long, value_name = "FILE", required_unless_present = "token")]
    pub token_file: Option<PathBuf>,
    /// The token itself, which other users of this machine can then see
    #[arg(long, value_name = "TOKEN", conflicts_with = "token_file")]
    pub token: Option<String>,
    /// Certificates to trust for the connection (PEM)
    #[arg(long, value_name = "FILE")]
    pub ca: PathBuf,
    /// Certificates above the endorsement key's, that the TPM does not keep (PEM)
    #[arg(long, value_name = "FILE")]
    pub ek_chain: Vec<PathBuf>,
    /// The endorsement key's certificate (DER), where the TPM keeps none
    #[arg(long, value_name = "FILE")]
    pub ek_certificate: Option<PathBuf>,
}

/// Options of `status`.
#[derive(Debug, Clone, clap::Args)]
pub struct StatusOptions {
    /// Folder of the device's own files
    #[arg(long, value_name = "DIR")]
    pub state: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `ak`.
#[derive(Debug, Clone, clap::Args)]
pub struct AkOptions {
    /// State, TPM, key.
    #[command(flatten)]
    pub device: DeviceOptions,
    /// Write the public area (TPMT_PUBLIC) here
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Options of `eventlog`.
#[derive(Debug, Clone, clap::Args)]
pub struct EventlogOptions {
    /// The kernel's copy
    #[arg(long, value_name = "FILE", default_value = FIRMWARE_LOG)]
    pub from: PathBuf,
    /// Where to write it
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// Options of `hold`.
#[derive(Debug, Clone, clap::Args)]
pub struct HoldOptions {
    /// Descriptor of the program
    #[arg(long)]
    pub program: i32,
    /// Its arguments
    #[arg(last = true)]
    pub arguments: Vec<std::ffi::OsString>,
}

/// Where the kernel shows the firmware's log.
const FIRMWARE_LOG: &str = "/sys/kernel/security/tpm0/binary_bios_measurements";

impl RunOptions {
    /// What is quoted: ascending, each once, our register among it.
    pub fn selection(&self) -> Result<Selection, Error> {
        let wrong = |problem: String, remedy| Error::content(Path::new("options"), problem, remedy);
        if !REGISTER_RANGE.contains(&self.register) {
            let problem = format!("--register: expected 8 to 15, found {}", self.register);
            return Err(wrong(problem, "the others belong to the firmware or can be reset"));
        }
        let mut registers = match self.pcr_select.is_empty() {
            true => SELECTION.to_vec(),
            false => self.pcr_select.clone(),
        };
        if let Some(beyond) = registers.iter().find(|index| **index > REGISTER_MAX) {
            let problem = format!("--pcr-select: expected 0 to {REGISTER_MAX}, found {beyond}");
            return Err(wrong(problem, "name registers that a TPM has"));
        }
        registers.push(self.register);
        registers.sort_unstable();
        registers.dedup();
        Ok(Selection { bank: self.bank, registers })
    }
}

fn handle(text: &str) -> Result<u32, String> {
    let number = match text.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => text.parse(),
    };
    let (first, last) = (AK_HANDLE_RANGE.start(), AK_HANDLE_RANGE.end());
    match number {
        Ok(number) if AK_HANDLE_RANGE.contains(&number) => Ok(number),
        _ => Err(format!("expected {first:#010x} to {last:#010x}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    fn run(more: &[&str]) -> Result<RunOptions, clap::Error> {
        let first = ["probity-tpm", "run", "--state", "s", "--boot", "b", "--worker", "w"];
        let words = first.iter().chain(more);
        Arguments::try_parse_from(words).map(|arguments| match arguments.command {
            Command::Run(options) => *options,
            _ => panic!("another command"),
        })
    }

    #[test]
    fn our_register_is_always_quoted() {
        let plain = run(&[]).unwrap().selection().unwrap();
        assert_eq!(plain.registers, [0, 1, 2, 7, 14]);
        let other = run(&["--register", "15", "--pcr-select", "7,0,7"]).unwrap();
        assert_eq!(other.selection().unwrap().registers, [0, 7, 15]);
        for wrong in [["--register", "16"], ["--register", "7"], ["--pcr-select", "24"]] {
            assert!(run(&wrong).unwrap().selection().is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_handle_of_the_owner_is_wanted() {
        assert_eq!(run(&[]).unwrap().device.ak_handle, crate::limits::AK_HANDLE);
        assert_eq!(run(&["--ak-handle", "0x81000007"]).unwrap().device.ak_handle, 0x8100_0007);
        for wrong in ["0x81010001", "0x80000000", "7", "x"] {
            assert!(run(&["--ak-handle", wrong]).is_err(), "{wrong}");
        }
        assert_eq!(run(&["--ak-type", "rsa-2048"]).unwrap().device.ak_type, AkType::Rsa2048);
    }
}
