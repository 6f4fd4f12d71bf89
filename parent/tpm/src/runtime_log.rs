//! The log of our register (TPM.md, section 5): one file a register, for one reset of the TPM.
//!
//! A record is made durable first and extended after that. So a kill in between leaves at most one
//! record that the register does not have, and the next start extends it; the other order would
//! leave an extension that nobody can explain. Records are never taken back. What the register
//! holds and the log does not say was extended by someone else: nothing is measured on top of it.

use crate::error::Error;
use crate::files::{self, hex};
use crate::limits::EVENT_LOG_BYTES_MAX;
use crate::tpm::{Bank, Tpm};
use attest::cel::{EVENTS_MAX, RUNTIME_LOG_BYTES_MAX, RuntimeEvent, UnverifiedRuntimeLog};
use attest::eventlog::UnverifiedEventLog;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

const VERSION: u32 = 1;

/// The log with its register.
#[derive(Debug)]
pub struct RuntimeLog {
    path: PathBuf,
    banks: Vec<Bank>,
    stored: Stored,
}

/// The file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    version: u32,
    /// The TPM's resetCount that the log belongs to.
    resets: u32,
    register: u8,
    /// The register before the first record: zeros, or what the firmware left.
    start: BTreeMap<String, Value>,
    /// The records.
    #[serde(with = "hex")]
    log: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct Value(#[serde(with = "hex")] Vec<u8>);

impl RuntimeLog {
    /// Reads the log of this reset and compares it with the register; begins one when the TPM was
    /// reset since. `firmware` is the firmware's log, when there is one.
    pub fn open(
        tpm: &mut Tpm,
        folder: &Path,
        (register, resets): (u8, u32),
        firmware: Option<&[u8]>,
    ) -> Result<Self, Error> {
        let path = folder.join(format!("runtime-{register}.json"));
        let banks = tpm.banks(register)?;
        let found = read(tpm, &banks, register)?;
        let stored: Option<Stored> = files::read_json(&path)?;
        let is_reset = found.iter().all(|(bank, value)| *value == bank.zeros());
        let current = stored.filter(|stored| {
            let same = stored.version == VERSION && stored.register == register;
            // With records of this reset the register cannot be zero: the count began anew.
            same && stored.resets == resets && (stored.log.is_empty() || !is_reset)
        });
        let stored = match current {
            Some(stored) => stored,
            None => {
                let start = first_values(&found, register, firmware)?;
                let start = start.into_iter().map(|(bank, value)| (bank.to_string(), Value(value)));
                let start = start.collect();
                Stored { version: VERSION, resets, register, start, log: Vec::new() }
            }
        };
        let log = Self { path, banks, stored };
        log.recover(tpm, &found)?;
        log.write()?;
        Ok(log)
    }

    /// The records, as evidence carries them.
    pub fn bytes(&self) -> &[u8] {
        &self.stored.log
    }

    /// What the register has to hold.
    pub fn expected(&self, bank: Bank) -> Result<Vec<u8>, Error> {
        let records = self.records()?;
        self.replay(bank, records.len())
    }

    /// Measures a start; says how many events were new. Nothing is, where the start before was
    /// the same.
    pub fn measure(&mut self, tpm: &mut Tpm, events: &[RuntimeEvent; 3]) -> Result<usize, Error> {
        let records = self.records()?;
        if records.len() >= events.len() && records[records.len() - events.len()..] == *events {
            return Ok(0);
        }
        let full = |problem: String| Error::LogFull { register: self.stored.register, problem };
        let first = records.len() as u64;
        if first + events.len() as u64 > EVENTS_MAX {
            return Err(full(format!("it has {first} events, at most {EVENTS_MAX}")));
        }
        let banks: Vec<_> = self.banks.iter().map(|bank| bank.algorithm()).collect();
        let mut new = Vec::new();
        for (number, event) in (first..).zip(events) {
            new.push(attest::cel::write_record(number, self.stored.register, &banks, event)?);
        }
        let size = self.stored.log.len() + new.iter().map(Vec::len).sum::<usize>();
        if size as u64 > RUNTIME_LOG_BYTES_MAX {
            return Err(full(format!(
                "it would have {size} bytes, at most {RUNTIME_LOG_BYTES_MAX}"
            )));
        }
        for (record, event) in new.iter().zip(events) {
            self.stored.log.extend(record);
            self.write()?;
            self.extend(tpm, event)?;
        }
        Ok(events.len())
    }

    fn extend(&self, tpm: &mut Tpm, event: &RuntimeEvent) -> Result<(), Error> {
        let digest = |bank: &Bank| (*bank, event.digest(bank.algorithm()));
        let digests: Vec<_> = self.banks.iter().map(digest).collect();
        tpm.extend(self.stored.register, &digests)
    }

    /// Compares register and log; extends the last record when just that is missing.
    fn recover(&self, tpm: &mut Tpm, found: &BTreeMap<Bank, Vec<u8>>) -> Result<(), Error> {
        let records = self.records()?;
        let holds = |count: usize| -> Result<bool, Error> {
            for (bank, value) in found {
                if self.replay(*bank, count)? != *value {
                    return Ok(false);
                }
            }
            Ok(true)
        };
        if holds(records.len())? {
            return Ok(());
        }
        if let Some((last, before)) = records.split_last()
            && holds(before.len())?
        {
            return self.extend(tpm, last);
        }
        let Some((bank, value)) = found.iter().next() else { return Ok(()) };
        let expected = self.replay(*bank, records.len())?;
        Err(foreign(self.stored.register, *bank, &expected, value))
    }

    /// The register after so many records.
    fn replay(&self, bank: Bank, count: usize) -> Result<Vec<u8>, Error> {
        let start = self.stored.start.get(&bank.to_string());
        let mut value = start.map_or_else(|| bank.zeros(), |value| value.0.clone());
        for event in self.records()?.iter().take(count) {
            let algorithm = bank.algorithm();
            value = algorithm.digest(&[&value, &event.digest(algorithm)]);
        }
        Ok(value)
    }

    fn records(&self) -> Result<Vec<RuntimeEvent>, Error> {
        if self.stored.log.is_empty() {
            return Ok(Vec::new());
        }
        let log = UnverifiedRuntimeLog::parse(&self.stored.log)?;
        Ok(log.records().iter().map(|record| record.event.clone()).collect())
    }

    fn write(&self) -> Result<(), Error> {
        files::write_json(&self.path, &self.stored)
    }
}

/// The error of a register that holds something else.
pub fn foreign(register: u8, bank: Bank, expected: &[u8], found: &[u8]) -> Error {
    let spoken = |value: &[u8]| format!("{bank} {}", crypto::to_hex(value));
    Error::Extended { register, expected: spoken(expected), found: spoken(found) }
}

fn read(tpm: &mut Tpm, banks: &[Bank], register: u8) -> Result<BTreeMap<Bank, Vec<u8>>, Error> {
    banks.iter().map(|bank| Ok((*bank, tpm.register(*bank, register)?))).collect()
}

/// The register before our first record: zeros, or what the firmware's log explains. Shim
/// measures into PCR14.
fn first_values(
    found: &BTreeMap<Bank, Vec<u8>>,
    register: u8,
    firmware: Option<&[u8]>,
) -> Result<BTreeMap<Bank, Vec<u8>>, Error> {
    let firmware = firmware.map(UnverifiedEventLog::parse).transpose()?;
    for (bank, value) in found {
        let replayed = firmware.as_ref().and_then(|log| log.replay(bank.algorithm()).ok());
        let left = replayed.and_then(|mut registers| registers.remove(&register));
        let expected = left.unwrap_or_else(|| bank.zeros());
        if *value != expected {
            return Err(foreign(register, *bank, &expected, value));
        }
    }
    Ok(found.clone())
}

/// The firmware's log, where the kernel shows it.
pub fn firmware_log(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    match files::read_up_to(path, EVENT_LOG_BYTES_MAX) {
        Ok(Some(bytes)) if bytes.is_empty() => Ok(None),
        // The kernel shows it to root alone. Without it, registers have to start at zero.
        Err(Error::File { source, .. }) if source.kind() == ErrorKind::PermissionDenied => Ok(None),
        other => other,
    }
}
