//! What the device writes down for `status`: one file in the state's folder. Without a living
//! device that holds the lock, it must never be told as running.

use crate::error::Error;
use crate::files;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::fmt::Write as _;
use std::path::Path;

/// Name of the file.
const FILE: &str = "status.json";

/// Where things stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// A worker was started and has not answered yet.
    Starting,
    /// A worker answers.
    Running,
    /// It ended; another is started at once.
    Waiting,
    /// It ended so often that none is started any more.
    Isolated,
    /// The device has ended.
    Stopped,
}

/// Everything that is written down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// Version of this form.
    pub version: u32,
    /// Process of the device.
    pub device: u32,
    /// Where things stand.
    pub phase: Phase,
    /// Process of the worker.
    pub worker: Option<u32>,
    /// What `probity serve --enclave` takes.
    pub address: String,
    /// SHA-256 of the worker's program, hexadecimal.
    pub worker_sha256: String,
    /// The register that the device measures into.
    pub register: u8,
    /// Its value in the quoted bank, hexadecimal.
    pub register_value: String,
    /// What is quoted, such as `sha256:0,1,2,7,14`.
    pub selection: String,
    /// Name of the attestation key, hexadecimal.
    pub ak_name: String,
    /// Certificates that go into the evidence.
    pub certificates: usize,
    /// Resets of the TPM.
    pub resets: u32,
    /// What became of the sealed state at the start.
    pub sealed: String,
    /// How often a worker was started again.
    pub restarts: u32,
    /// How long the last one was missing, in milliseconds.
    pub last_recovery_ms: Option<u64>,
    /// How the last one ended.
    pub last_end: Option<String>,
    /// What the operator was last alerted to.
    pub last_alert: Option<String>,
}

impl Status {
    /// The form's version.
    pub const VERSION: u32 = 1;

    /// Writes it down.
    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        let bytes = serde_json::to_vec_pretty(self).expect("texts and numbers always serialize");
        Ok(parent::files::publish(&folder.join(FILE), &bytes)?)
    }

    /// Removes what is written down, where something is.
    pub fn forget(folder: &Path) -> Result<(), Error> {
        let path = folder.join(FILE);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::file(&path)(error))
            }
            _ => Ok(()),
        }
    }

    /// What is written down; `None` when nothing is.
    pub fn read(folder: &Path) -> Result<Option<Self>, Error> {
        files::read_json(&folder.join(FILE))
    }
}

/// What to print, and whether a worker answers.
pub fn tell(folder: &Path, as_json: bool) -> Result<(String, bool), Error> {
    if !folder.exists() {
        return Ok(none(folder, as_json));
    }
    let is_held = parent::files::lock(folder)?.is_none();
    let Some(mut status) = Status::read(folder)? else { return Ok(none(folder, as_json)) };
    if !is_held && status.phase != Phase::Stopped {
        status.phase = Phase::Stopped;
        status.worker = None;
        status.last_end = Some("the device was killed".into());
    }
    let is_running = status.phase == Phase::Running;
    let text = match as_json {
        true => {
            let mut view = serde_json::to_value(&status).expect("texts and numbers serialize");
            view["running"] = json!(is_running);
            format!("{view:#}\n")
        }
        false => table(&status),
    };
    Ok((text, is_running))
}

fn none(folder: &Path, as_json: bool) -> (String, bool) {
    let text = match as_json {
        true => format!("{}\n", json!({ "phase": "stopped", "running": false })),
        false => format!("no device was started with the state in {}\n", folder.display()),
    };
    (text, false)
}

fn table(status: &Status) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: &str| {
        // Writing to a String does not fail.
        writeln!(text, "{name:<12} {value}").ok();
    };
    line(
        "state",
        match status.phase {
            Phase::Starting => "starting",
            Phase::Running => "running",
            Phase::Waiting => "the worker ended, and is started again",
            Phase::Isolated => "isolated: the worker ended too often; start the device again",
            Phase::Stopped => "stopped",
        },
    );
    if status.phase != Phase::Stopped {
        let worker = status.worker.map_or("none".to_owned(), |pid| pid.to_string());
        line("processes", &format!("device {}, worker {worker}", status.device));
        line("address", &status.address);
    }
    line("worker", &status.worker_sha256);
    line(&format!("PCR{}", status.register), &status.register_value);
    line("quotes", &status.selection);
    line("key", &status.ak_name);
    line("certificates", &status.certificates.to_string());
    line("TPM resets", &status.resets.to_string());
    line("state key", &status.sealed);
    line("restarts", &status.restarts.to_string());
    for (name, value) in [("last end", &status.last_end), ("last alert", &status.last_alert)] {
        if let Some(value) = value {
            line(name, &value.replace('\n', " "));
        }
    }
    text
}
