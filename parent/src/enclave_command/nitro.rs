//! The runner on EC2: `nitro-cli` and nothing beside it. Its answers are JSON, read strictly in
//! what is used here and open to further members, as AWS adds some. Not run where this was
//! written: no machine there has an enclave device. It must never take an enclave for its own
//! that `nitro-cli` did not name when it started it.

use super::health;
use super::image::{Measured, registers};
use super::limits::{
    COMMAND_PORT, NITRO_BYTES_MAX, NITRO_DESCRIBE_WAIT, NITRO_MEMORY_IMAGES_MIN, NITRO_POLL,
    NITRO_SILENCE_WAIT, NITRO_WAIT, RESTART_WAIT_MIN,
};
use super::options::RunOptions;
use crate::config::EnclaveAddress;
use crate::error::Error;
use crypto::to_hex;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Instant;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

/// The enclaves' device on an instance that has them.
const DEVICE: &str = "/dev/nitro_enclaves";
/// nitro-cli's error when the enclave before has not been taken down wholly yet.
const NOT_YET: &str = "E29";
/// How often a start that was told so is tried.
const STARTS_MAX: u32 = 6;
/// Level of nitro-cli's own log, unless the environment says another: it writes several lines a
/// call, and nothing rotates them.
const LOG_LEVEL: (&str, &str) = ("RUST_LOG", "warn");
/// What nitro-cli says of an enclave whose console can be read.
const DEBUG_FLAGS: &str = "DEBUG_MODE";
/// Variable that names nitro-cli.
const VARIABLE: &str = "PROBITY_NITRO_CLI";

/// How to drive nitro-cli.
#[derive(Debug)]
pub struct Nitro {
    program: PathBuf,
    arguments: Vec<OsString>,
    cid: u32,
    /// Nobody else's: it has this supervision's random name in it.
    name: String,
    debug: bool,
    /// The registers that nitro-cli has to report, unless the console is attached.
    pcrs: [String; 3],
}

/// One enclave that runs.
#[derive(Debug)]
pub struct NitroEnclave {
    program: PathBuf,
    /// nitro-cli's name of it.
    pub id: String,
}

/// Answer of `run-enclave`.
#[derive(Debug, Deserialize)]
struct Started {
    #[serde(rename = "EnclaveID")]
    id: String,
    #[serde(rename = "EnclaveCID")]
    cid: u64,
}

/// One of `describe-enclaves`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Described {
    /// Name that `run-enclave` was given; in use already, it gets `_1`, `_2` and so on.
    #[serde(rename = "EnclaveName")]
    pub name: Option<String>,
    /// nitro-cli's name.
    #[serde(rename = "EnclaveID")]
    pub id: String,
    /// Context id.
    #[serde(rename = "EnclaveCID")]
    pub cid: u64,
    /// `RUNNING` or `TERMINATING`.
    #[serde(rename = "State")]
    pub state: String,
    /// `NONE` or `DEBUG_MODE`.
    #[serde(rename = "Flags")]
    pub flags: String,
    /// Registers, in versions that tell them.
    #[serde(rename = "Measurements")]
    pub measurements: Option<ToldMeasurements>,
}

/// The registers as nitro-cli computed them from the file.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ToldMeasurements {
    #[serde(rename = "PCR0")]
    pcr0: String,
    #[serde(rename = "PCR1")]
    pcr1: String,
    #[serde(rename = "PCR2")]
    pcr2: String,
}

/// Answer of `terminate-enclave`.
#[derive(Debug, Deserialize)]
struct Terminated {
    #[serde(rename = "EnclaveID")]
    id: String,
    #[serde(rename = "Terminated")]
    terminated: bool,
}

/// The program to drive, by option, environment or name.
pub fn program(option: Option<&Path>) -> PathBuf {
    let named = option.map(Path::to_owned);
    let named = named.or_else(|| std::env::var_os(VARIABLE).map(PathBuf::from));
    named.unwrap_or_else(|| "nitro-cli".into())
}

impl Nitro {
    /// Checks what can be checked before anything starts.
    pub fn prepare(
        options: &RunOptions,
        image: &Measured,
        copy: &Path,
        run: &str,
    ) -> Result<Self, Error> {
        let needed = (image.size() * NITRO_MEMORY_IMAGES_MIN).div_ceil(1 << 20);
        if u64::from(options.memory) < needed {
            let problem = format!("expected at least {needed} MiB, found {}", options.memory);
            let remedy = "give more with --memory: nitro-cli wants four times the image, out of \
                          what /etc/nitro_enclaves/allocator.yaml sets aside";
            return Err(Error::Runner { what: "memory".into(), problem, remedy });
        }
        let program = program(options.nitro_cli.as_deref());
        // A program that was named may bring its own device; the real one needs this.
        let is_named = options.nitro_cli.is_some() || std::env::var_os(VARIABLE).is_some();
        if !is_named && !Path::new(DEVICE).exists() {
            return Err(Error::Runner {
                what: "nitro-cli".into(),
                problem: format!("expected {DEVICE}, found none"),
                remedy: "run on an EC2 instance with enclaves enabled, or with --runner qemu",
            });
        }
        let name = enclave_name(&options.name, run);
        let numbers = [options.cpus, options.memory, options.cid].map(|n| n.to_string());
        let [cpus, memory, cid] = numbers;
        let mut arguments: Vec<OsString> = ["run-enclave", "--enclave-name", &name]
            .into_iter()
            .chain(["--cpu-count", &cpus, "--memory", &memory, "--enclave-cid", &cid])
            .map(OsString::from)
            .collect();
        arguments.extend([OsString::from("--eif-path"), copy.into()]);
        if options.debug_console {
            arguments.push("--debug-mode".into());
        }
        let pcrs = registers(image.measurements()).map(|pcr| to_hex(&pcr));
        let (cid, debug) = (options.cid, options.debug_console);
        Ok(Self { program, arguments, cid, name, debug, pcrs })
    }

    /// What `probity serve --enclave` takes.
    pub fn address(&self) -> String {
        format!("vsock:{}:{COMMAND_PORT}", self.cid)
    }

    /// The enclave's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// nitro-cli.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Starts the enclave; nitro-cli answers once it has heard the enclave's heartbeat.
    pub async fn start(&self) -> Result<NitroEnclave, Error> {
        let mut tries = 0;
        let started: Started = loop {
            tries += 1;
            match ask(&self.program, &self.arguments).await {
                Err(Error::Runner { problem, .. })
                    if problem.contains(NOT_YET) && tries < STARTS_MAX =>
                {
                    eprintln!("the enclave before is still being taken down; trying again");
                    tokio::time::sleep(RESTART_WAIT_MIN * tries).await;
                }
                other => break other?,
            }
        };
        let enclave = NitroEnclave::known(&self.program, &started.id);
        match self.check(&enclave, started.cid).await {
            Ok(()) => Ok(enclave),
            Err(error) => {
                // It runs, but it is not what was asked for.
                enclave.end().await.ok();
                Err(error)
            }
        }
    }

    /// The enclave has the context id that was asked for, and the registers that were computed.
    async fn check(&self, enclave: &NitroEnclave, cid: u64) -> Result<(), Error> {
        let differs = |what: &str, expected: &str, found: &str| Error::Runner {
            what: "nitro-cli".into(),
            problem: format!("{what}: expected {expected}, found {found}"),
            remedy: "the enclave was terminated again; compare the versions of nitro-cli and image",
        };
        if cid != u64::from(self.cid) {
            return Err(differs("CID", &self.cid.to_string(), &cid.to_string()));
        }
        let described = enclave.described().await?;
        let described = described.ok_or_else(|| differs("enclave", &enclave.id, "none"))?;
        let flags = if self.debug { DEBUG_FLAGS } else { "NONE" };
        if described.flags != flags {
            return Err(differs("flags", flags, &described.flags));
        }
        let Some(told) = described.measurements else { return Ok(()) };
        for (index, (ours, told)) in
            self.pcrs.iter().zip([&told.pcr0, &told.pcr1, &told.pcr2]).enumerate()
        {
            if ours != told {
                return Err(differs(&format!("PCR{index}"), ours, told));
            }
        }
        Ok(())
    }
}

impl NitroEnclave {
    /// An enclave that an earlier supervisor started.
    pub fn known(program: &Path, id: &str) -> Self {
        Self { program: program.to_owned(), id: id.to_owned() }
    }

    /// How nitro-cli describes it; `None` when it is not among the enclaves any more.
    pub async fn described(&self) -> Result<Option<Described>, Error> {
        let all = describe(&self.program).await?;
        Ok(all.into_iter().find(|one| one.id == self.id))
    }

    /// Waits until it is gone, and says how that shows. A nitro-cli that says nothing is no sign:
    /// then the enclave at `address` is asked itself.
    pub async fn ended(&mut self, address: &EnclaveAddress) -> String {
        let mut told = Instant::now();
        loop {
            tokio::time::sleep(NITRO_POLL).await;
            match self.described().await {
                Ok(Some(one)) if one.state == "RUNNING" => told = Instant::now(),
                Ok(Some(one)) => return format!("nitro-cli says that it is {}", one.state),
                Ok(None) => return "nitro-cli does not list it any more".into(),
                Err(error) => {
                    if health::ask(address).await.is_ok() {
                        told = Instant::now();
                    }
                    if told.elapsed() >= NITRO_SILENCE_WAIT {
                        return format!("neither it nor nitro-cli tells of it: {error}");
                    }
                }
            }
        }
    }

    /// Terminates it.
    pub async fn end(&self) -> Result<(), Error> {
        let arguments = ["terminate-enclave", "--enclave-id", &self.id].map(OsString::from);
        let Terminated { id, terminated } = ask(&self.program, &arguments).await?;
        if terminated && id == self.id {
            return Ok(());
        }
        Err(Error::Runner {
            what: "nitro-cli".into(),
            problem: format!("expected {} to be terminated, found {id}: {terminated}", self.id),
            remedy: "end it by hand: nitro-cli terminate-enclave --all",
        })
    }
}

/// The name that an enclave of a supervision has.
pub fn enclave_name(name: &str, run: &str) -> String {
    format!("{name}-{run}")
}

/// Ends the enclave of a start that was cut short: nitro-cli's own process goes on without the
/// caller, and the caller was not told the enclave's id. `name` is [`enclave_name`]'s, so that
/// nobody else's enclave is meant.
pub async fn abandon(program: &Path, name: &str, cid: u32) -> Result<usize, Error> {
    let is_ours = |one: &Described| {
        let named = one.name.as_deref().and_then(|found| found.strip_prefix(name));
        let number = |rest: &str| rest.strip_prefix('_').map(str::parse::<u32>);
        let named =
            named.is_some_and(|rest| rest.is_empty() || matches!(number(rest), Some(Ok(_))));
        named && one.cid == u64::from(cid)
    };
    let mut ended = 0;
    for one in describe(program).await?.iter().filter(|one| is_ours(one)) {
        NitroEnclave::known(program, &one.id).end().await?;
        ended += 1;
    }
    Ok(ended)
}

/// All enclaves. A socket that an ended enclave left makes the first question fail and is gone
/// for the second.
async fn describe(program: &Path) -> Result<Vec<Described>, Error> {
    let arguments = ["describe-enclaves".into()];
    match ask(program, &arguments).await {
        Ok(all) => Ok(all),
        Err(_) => ask(program, &arguments).await,
    }
}

/// Runs nitro-cli and reads the JSON on its standard output; what it says beside that goes to
/// standard error, and into the error when its exit code is not 0.
async fn ask<T: DeserializeOwned>(program: &Path, arguments: &[OsString]) -> Result<T, Error> {
    let verb = arguments.first().map(|verb| verb.to_string_lossy().into_owned());
    let what = format!("nitro-cli {}", verb.unwrap_or_default());
    let failed = |problem: String| Error::Runner {
        what: what.clone(),
        problem,
        remedy: "see /var/log/nitro_enclaves/nitro_enclaves.log, and `nitro-cli explain \
                 --error-code` for its codes; every call has to come from the same user",
    };
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    if std::env::var_os(LOG_LEVEL.0).is_none() {
        command.env(LOG_LEVEL.0, LOG_LEVEL.1);
    }
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|e| failed(format!("{}: {e}", program.display())))?;
    let (output, words) = (child.stdout.take(), child.stderr.take());
    let conversation = async {
        let (mut answer, mut said) = (Vec::new(), Vec::new());
        let reading = async {
            if let Some(output) = output {
                output.take(NITRO_BYTES_MAX).read_to_end(&mut answer).await?;
            }
            Ok::<_, std::io::Error>(())
        };
        let listening = async {
            if let Some(words) = words {
                words.take(NITRO_BYTES_MAX).read_to_end(&mut said).await?;
            }
            Ok::<_, std::io::Error>(())
        };
        tokio::try_join!(reading, listening)?;
        Ok::<_, std::io::Error>((child.wait().await?, answer, said))
    };
    let is_question = arguments.first().is_some_and(|verb| verb == "describe-enclaves");
    let wait = if is_question { NITRO_DESCRIBE_WAIT } else { NITRO_WAIT };
    let result = tokio::time::timeout(wait, conversation).await;
    let late = |_| failed(format!("it did not answer in {} s", wait.as_secs()));
    let (status, answer, said) = result.map_err(late)?.map_err(|e| failed(e.to_string()))?;
    if !status.success() {
        let said = String::from_utf8_lossy(&said);
        let code = status.code().map_or("a signal".into(), |code| format!("exit code {code}"));
        return Err(failed(format!("{code}: {}", tame(said.trim()))));
    }
    parse(&answer).map_err(failed)
}

/// The one JSON value that the answer is. The documentation shows a sentence before the value of
/// `terminate-enclave`, which nitro-cli writes to standard error; older versions may not.
fn parse<T: DeserializeOwned>(answer: &[u8]) -> Result<T, String> {
    let start = answer.iter().position(|byte| b"[{".contains(byte)).unwrap_or_default();
    serde_json::from_slice(&answer[start..])
        .map_err(|error| format!("expected the documented JSON, found {error}"))
}

/// Text of another program, without what could move a terminal's cursor.
fn tame(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.chars().take(WORDS_CHARS_MAX).collect()
}

/// Most characters of nitro-cli's words that an error repeats.
const WORDS_CHARS_MAX: usize = 800;

#[cfg(test)]
mod tests;
