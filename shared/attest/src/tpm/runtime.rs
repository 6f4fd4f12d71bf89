//! The runtime log against a quote and a policy (checks T19, T24, T25, T27): which worker was
//! started, under which boot configuration and whose authorities. Nothing that the log says is
//! used before its replay has given the quoted register, and what a policy does not name is never
//! taken for accepted.

use crate::Check;
use crate::cel::{RuntimeEvent, UnverifiedRuntimeLog};
use crate::error::AttestError;
use crate::hex;
use crate::tpm::HashAlgorithm;
use crate::tpm::policy::{TpmPolicy, WorkerRelease};
use std::collections::BTreeMap;

/// The worker that the last start measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeasuredWorker {
    pub(crate) release: Option<String>,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) sha256: [u8; 32],
    pub(crate) size: u64,
}

impl MeasuredWorker {
    /// The policy's name of it; `None` where the policy names no workers.
    pub fn release(&self) -> Option<&str> {
        self.release.as_deref()
    }

    /// The name that the host gave it: a claim.
    pub fn claimed_name(&self) -> &str {
        &self.name
    }

    /// The version that the host gave it: a claim.
    pub fn claimed_version(&self) -> &str {
        &self.version
    }

    /// SHA-256 of the program.
    pub fn sha256(&self) -> &[u8; 32] {
        &self.sha256
    }

    /// The program's size in bytes, as the host says.
    pub fn claimed_size(&self) -> u64 {
        self.size
    }
}

/// A runtime log whose replay gave the quoted register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedRuntimeLog {
    pub(crate) register: u8,
    pub(crate) events: Vec<RuntimeEvent>,
    pub(crate) worker: MeasuredWorker,
    pub(crate) boot_config: Vec<u8>,
    pub(crate) authorities: RuntimeEvent,
}

impl VerifiedRuntimeLog {
    /// The register.
    pub fn register(&self) -> u8 {
        self.register
    }

    /// Everything that was measured since the reset, in order.
    pub fn events(&self) -> &[RuntimeEvent] {
        &self.events
    }

    /// The worker of the last start.
    pub fn worker(&self) -> &MeasuredWorker {
        &self.worker
    }

    /// The boot configuration of the last start, in its canonical bytes. Whether it is an accepted
    /// one is for the caller to judge.
    pub fn boot_config(&self) -> &[u8] {
        &self.boot_config
    }

    /// The authorities of the last start, a [`RuntimeEvent::Authorities`]. Whether they are those
    /// of the boot configuration is for the caller to judge.
    pub fn authorities(&self) -> &RuntimeEvent {
        &self.authorities
    }
}

/// Judges `log` against registers whose quote was verified. The replay starts at zeros, whatever
/// another log says of the register: a log could hide an event of this one in a prefix.
pub(crate) fn judge(
    log: Option<&[u8]>,
    bank: HashAlgorithm,
    quoted: &BTreeMap<u8, Vec<u8>>,
    policy: &TpmPolicy,
) -> Result<Option<VerifiedRuntimeLog>, AttestError> {
    let Some(log) = log else {
        return match policy.workers {
            None => Ok(None),
            Some(_) => {
                let (expected, actual) = ("one: evidence of kind tpm, version 2", "none");
                Err(AttestError::refuse(Check::t(25), "runtime log", expected, actual))
            }
        };
    };
    let parsed = UnverifiedRuntimeLog::parse(log)?;
    let register = parsed.register();
    if let Some(workers) = &policy.workers
        && workers.register != register
    {
        let (expected, actual) = (format!("PCR{}", workers.register), format!("PCR{register}"));
        return Err(AttestError::refuse(Check::t(25), "runtime register", expected, actual));
    }
    let Some(expected) = quoted.get(&register) else {
        let selected = quoted.keys().copied().collect();
        return Err(AttestError::NotSelected { index: register, selected });
    };
    let actual = parsed.replay(bank, &vec![0; bank.bytes()])?;
    if actual != *expected {
        return Err(AttestError::Replay { index: register, expected: expected.clone(), actual });
    }
    verified(&parsed, policy).map(Some)
}

/// What a reader of the verdict should know of the log: its checks share their numbers with the
/// firmware's, and are entered as passed only where that log is judged too.
pub(crate) fn note(log: &VerifiedRuntimeLog, policy: &TpmPolicy) -> String {
    let (register, count) = (log.register, log.events.len());
    let judged = match policy.workers {
        Some(_) => "each worker is one of the policy's",
        None => "the policy names no workers: T24 says nothing of them",
    };
    format!("T25 T27 the runtime log's {count} events replay to PCR{register}; {judged}")
}

fn verified(
    log: &UnverifiedRuntimeLog<'_>,
    policy: &TpmPolicy,
) -> Result<VerifiedRuntimeLog, AttestError> {
    let last = log.last_start()?;
    let mut release = None;
    for (number, sha256) in log.records().iter().filter_map(|record| match &record.event {
        RuntimeEvent::Worker { sha256, .. } => Some((record.number, sha256)),
        RuntimeEvent::BootConfig(_) | RuntimeEvent::Authorities { .. } => None,
    }) {
        release = accepted(number, sha256, policy)?;
    }
    let worker = match last.worker.clone() {
        RuntimeEvent::Worker { name, version, sha256, size } => {
            let release = release.map(|release| release.name.clone());
            MeasuredWorker { release, name, version, sha256, size }
        }
        other => return Err(out_of_place(&other)),
    };
    let boot_config = match last.boot_config.clone() {
        RuntimeEvent::BootConfig(bytes) => bytes,
        other => return Err(out_of_place(&other)),
    };
    Ok(VerifiedRuntimeLog {
        register: log.register(),
        events: log.records().iter().map(|record| record.event.clone()).collect(),
        worker,
        boot_config,
        authorities: last.authorities.clone(),
    })
}

/// T24: the release of the policy that a measured worker is; `None` where it names none.
fn accepted<'p>(
    number: u64,
    sha256: &[u8; 32],
    policy: &'p TpmPolicy,
) -> Result<Option<&'p WorkerRelease>, AttestError> {
    let Some(workers) = &policy.workers else { return Ok(None) };
    let refuse = |what: String, expected: String, actual: String| {
        Err(AttestError::refuse(Check::t(24), what, expected, actual))
    };
    let what = format!("worker of runtime event {number}");
    let Some(release) = workers.releases.iter().find(|release| release.sha256 == *sha256) else {
        let known: Vec<String> = workers
            .releases
            .iter()
            .take(SHOWN_MAX)
            .map(|one| format!("{} ({})", hex(&one.sha256), one.name))
            .collect();
        return refuse(what, known.join(" or "), hex(sha256));
    };
    let WorkerRelease { name, from_ms, to_ms, .. } = release;
    let what = format!("{what}, release {name:?}");
    let window = match to_ms {
        None => format!("a moment from {from_ms} ms on"),
        Some(to_ms) => format!("a moment from {from_ms} ms until before {to_ms} ms"),
    };
    match policy.time_ms() {
        None if *from_ms == 0 && to_ms.is_none() => Ok(Some(release)),
        None => refuse(what, window, "none to hold its window against".to_owned()),
        Some(at) if at < *from_ms || to_ms.is_some_and(|to_ms| at >= to_ms) => {
            refuse(what, window, format!("{at} ms"))
        }
        Some(_) => Ok(Some(release)),
    }
}

/// The log's order was judged, so that each event is of the kind of its place.
fn out_of_place(event: &RuntimeEvent) -> AttestError {
    AttestError::refuse(Check::t(27), "runtime log", "events in their order", event.kind())
}

/// Most releases that a refusal lists.
const SHOWN_MAX: usize = 8;
