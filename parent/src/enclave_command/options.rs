//! Command lines of `probity enclave`. Programs and sockets may also come from the environment, as
//! the installer of the QEMU tools prints them.

use super::limits::{CID, CID_RANGE, CPUS, CPUS_RANGE, MEMORY_MIB, MEMORY_MIB_RANGE};
use crate::config::duration;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

/// What carries the enclave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunnerKind {
    /// `nitro-cli` on an EC2 instance with enclaves enabled
    Nitro,
    /// QEMU with a vsock device and an NSM device: no confidentiality, for tests
    Qemu,
}

impl RunnerKind {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            RunnerKind::Nitro => "nitro",
            RunnerKind::Qemu => "qemu",
        }
    }
}

/// Starts, watches and stops an enclave.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Start an enclave image and watch over it in the foreground; prints its address
    Run(Box<RunOptions>),
    /// Stop it, and clean up what a killed `run` left
    Stop(FolderOptions),
    /// Tell how it stands; exit 0 running, 1 not, 2 misuse
    Status(StatusOptions),
    /// Follow the console of a debug image
    Console(FolderOptions),
    /// Run a program that dies with its parent
    #[command(hide = true)]
    Hold(HoldOptions),
    /// Print QEMU's arguments for a folder, one a line; for the image tests
    #[command(hide = true)]
    Machine(MachineOptions),
}

/// Options of `run`.
#[derive(Debug, clap::Args)]
pub struct RunOptions {
    /// Enclave image.
    #[arg(long, value_name = "FILE")]
    pub eif: PathBuf,
    /// What carries the enclave.
    #[arg(long, value_enum, default_value = "nitro")]
    pub runner: RunnerKind,
    /// Refuse an image whose PCR0, 1 and 2 are of no release in this file.
    #[arg(long, value_name = "FILE")]
    pub expect: Option<PathBuf>,
    /// Context id of the enclave.
    #[arg(long, value_name = "CID", default_value_t = CID, value_parser = cid)]
    pub cid: u32,
    /// Memory of the enclave, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = MEMORY_MIB, value_parser = memory)]
    pub memory: u32,
    /// Processors of the enclave.
    #[arg(long, value_name = "N", default_value_t = CPUS, value_parser = cpus)]
    pub cpus: u32,
    /// Name of the enclave.
    #[arg(long, value_name = "NAME", default_value = "probity", value_parser = name)]
    pub name: String,
    /// Where the state is.
    #[command(flatten)]
    pub folder: FolderOptions,
    /// Attach the console of a debug image. As on EC2, the documents of such an enclave have
    /// zeros for PCR0, 1 and 2, and no policy accepts it.
    #[arg(long)]
    pub debug_console: bool,
    /// With qemu: how long the enclave may take to its first sign of life.
    #[arg(long, value_name = "DURATION", default_value = "180s", value_parser = duration)]
    pub heartbeat_wait: Duration,
    /// How long the enclave may run without keys. One that no host gave its boot configuration, or
    /// that refuses every one, is then started anew: it has nothing to lose yet.
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration)]
    pub boot_wait: Duration,
    /// End when the enclave ends, rather than start it again.
    #[arg(long)]
    pub no_restart: bool,
    /// nitro-cli [env: PROBITY_NITRO_CLI].
    #[arg(long, value_name = "PROGRAM")]
    pub nitro_cli: Option<PathBuf>,
    /// QEMU 10.1 or newer [env: PROBITY_QEMU].
    #[arg(long, value_name = "PROGRAM")]
    pub qemu: Option<PathBuf>,
    /// vhost-device-vsock [env: PROBITY_VSOCK_DEVICE].
    #[arg(long, value_name = "PROGRAM")]
    pub vsock_device: Option<PathBuf>,
    /// NSM device under the test root [env: PROBITY_NSM_DEVICE].
    #[arg(long, value_name = "PROGRAM")]
    pub nsm_device: Option<PathBuf>,
    /// Further argument of the NSM device; may be given again.
    #[arg(long, value_name = "ARGUMENT", allow_hyphen_values = true)]
    pub nsm_argument: Vec<String>,
    /// With qemu: the Unix socket through which the enclave's vsock ports are reached;
    /// STATE/vsock when absent.
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,
}

/// Where an enclave's state is.
#[derive(Debug, Clone, clap::Args)]
pub struct FolderOptions {
    /// Folder of the enclave's state, lock and logs; one enclave each
    /// [default: $XDG_STATE_HOME/probity/enclave, or ~/.local/state/probity/enclave].
    #[arg(long = "state", value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

/// Options of `status`.
#[derive(Debug, clap::Args)]
pub struct StatusOptions {
    /// Where the state is.
    #[command(flatten)]
    pub folder: FolderOptions,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// Options of `machine`. The folder has `kernel`, `initrd` and both devices' sockets.
#[derive(Debug, clap::Args)]
pub struct MachineOptions {
    /// Where they are.
    #[arg(long, value_name = "DIR")]
    pub folder: PathBuf,
    /// Memory of the guest, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = MEMORY_MIB, value_parser = memory)]
    pub memory: u32,
    /// Processors of the guest.
    #[arg(long, value_name = "N", default_value_t = CPUS, value_parser = cpus)]
    pub cpus: u32,
    /// The kernel's command line, as the image has it.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub cmdline: String,
    /// Where the serial port goes: a file, or `-` for the terminal. Without it there is none.
    #[arg(long, value_name = "FILE", allow_hyphen_values = true)]
    pub console: Option<PathBuf>,
}

/// Options of `hold`.
#[derive(Debug, clap::Args)]
pub struct HoldOptions {
    /// Process id of the parent.
    #[arg(long)]
    pub parent: i32,
    /// Program and arguments.
    #[arg(last = true, required = true)]
    pub program: Vec<OsString>,
}

impl FolderOptions {
    /// The folder, if one is named or the user has a home.
    pub fn path(&self) -> Option<PathBuf> {
        let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|p| p.is_absolute());
        let base = || absolute("XDG_STATE_HOME").or(Some(absolute("HOME")?.join(".local/state")));
        self.folder.clone().or_else(|| Some(base()?.join("probity/enclave")))
    }
}

fn within(text: &str, range: &RangeInclusive<u32>) -> Result<u32, String> {
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("expected {} to {}, got {text}", range.start(), range.end()))
}

fn cid(text: &str) -> Result<u32, String> {
    within(text, &CID_RANGE)
}

fn memory(text: &str) -> Result<u32, String> {
    within(text, &MEMORY_MIB_RANGE)
}

fn cpus(text: &str) -> Result<u32, String> {
    within(text, &CPUS_RANGE)
}

fn name(text: &str) -> Result<String, String> {
    let fine = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let sound = !text.is_empty() && text.len() <= NAME_CHARS_MAX && text.chars().all(fine);
    // It becomes an argument of other programs.
    let sound = sound && !text.starts_with('-');
    let wrong = || format!("expected 1 to {NAME_CHARS_MAX} letters, digits, - or _, got {text:?}");
    sound.then(|| text.to_owned()).ok_or_else(wrong)
}

/// Longest name of an enclave, in characters.
const NAME_CHARS_MAX: usize = 40;

#[cfg(test)]
mod tests {
    use super::super::limits::{BOOT_WAIT, HEARTBEAT_WAIT};
    use super::*;
    use clap::Parser as _;

    #[derive(clap::Parser)]
    struct Arguments {
        #[command(subcommand)]
        command: Command,
    }

    fn run(more: &[&str]) -> Result<Box<RunOptions>, clap::Error> {
        let always = ["enclave", "run", "--eif", "probity.eif"];
        match Arguments::try_parse_from([&always[..], more].concat())?.command {
            Command::Run(options) => Ok(options),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_not_said_has_the_documented_values() {
        let options = run(&[]).unwrap();
        assert_eq!((options.runner, options.cid), (RunnerKind::Nitro, CID));
        assert_eq!((options.memory, options.cpus), (MEMORY_MIB, CPUS));
        assert_eq!((options.heartbeat_wait, options.boot_wait), (HEARTBEAT_WAIT, BOOT_WAIT));
        assert!(!options.debug_console && !options.no_restart && options.expect.is_none());
        let folder = run(&["--state", "here"]).unwrap().folder;
        assert_eq!(folder.path(), Some("here".into()));
    }

    #[test]
    fn numbers_and_names_have_bounds() {
        for wrong in [
            ["--cid", "3"],
            ["--cid", "4294967295"],
            ["--memory", "63"],
            ["--cpus", "0"],
            ["--cpus", "many"],
            ["--name", ""],
            ["--name=-x", "--debug-console"],
            ["--name", "a b"],
            ["--runner", "docker"],
            ["--heartbeat-wait", "5"],
        ] {
            assert!(run(&wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(run(&["--cid", "4", "--name", "a-1_b"]).unwrap().cid, 4);
    }
}
