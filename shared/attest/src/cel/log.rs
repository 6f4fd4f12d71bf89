//! Records in a row (checks T25 to T27): numbered from 0, all of one register, replayed from a
//! value that the firmware left. It must never say what ran before a replay has given the register
//! that a TPM signed.

use crate::Check;
use crate::bytes::Bytes;
use crate::cel::event::RuntimeEvent;
use crate::cel::record::Record;
use crate::error::AttestError;
use crate::tpm::HashAlgorithm;

/// A log as it came: well-formed, each event hashing to its digests. Nobody has vouched for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnverifiedRuntimeLog<'a> {
    register: u8,
    records: Vec<Record<'a>>,
}

/// What the last start of a device measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LastStart<'l> {
    pub(crate) worker: &'l RuntimeEvent,
    pub(crate) boot_config: &'l RuntimeEvent,
    pub(crate) authorities: &'l RuntimeEvent,
}

impl<'a> UnverifiedRuntimeLog<'a> {
    /// Reads the records (T26) and their events (T27). At least one; all of one register.
    pub fn parse(log: &'a [u8]) -> Result<Self, AttestError> {
        let size = log.len() as u64;
        AttestError::within(T26, "runtime log bytes", size, 1, RUNTIME_LOG_BYTES_MAX)?;
        let mut reader = Bytes::new(log, T26, "runtime log");
        let mut records: Vec<Record<'a>> = Vec::new();
        while !reader.rest().is_empty() {
            let number = records.len() as u64;
            AttestError::within(T26, "runtime events", number + 1, 1, EVENTS_MAX)?;
            let record = Record::read(&mut reader, number)?;
            if let Some(first) = records.first()
                && first.register != record.register
            {
                let expected = format!("PCR{}, as event 0", first.register);
                let actual = format!("PCR{} at event {number}", record.register);
                return Err(AttestError::refuse(T26, "runtime register", expected, actual));
            }
            records.push(record);
        }
        let register = records.first().map_or(REGISTER_MIN, |first| first.register);
        Ok(Self { register, records })
    }

    /// The register that all events were extended into.
    pub fn register(&self) -> u8 {
        self.register
    }

    /// The records, in order.
    pub fn records(&self) -> &[Record<'a>] {
        &self.records
    }

    /// The register's value when every event has been extended, from `start`: the value that it
    /// had before the first one. Verifiers start at zeros and accept no other.
    pub fn replay(&self, bank: HashAlgorithm, start: &[u8]) -> Result<Vec<u8>, AttestError> {
        let mut register = start.to_vec();
        for record in &self.records {
            let Some(digest) = record.digest(bank) else {
                let what = format!("banks of runtime event {}", record.number);
                return Err(AttestError::refuse(T26, what, format!("{bank} among them"), "none"));
            };
            register = bank.digest(&[&register, digest]);
        }
        Ok(register)
    }

    /// What the last start measured (T27): worker, boot configuration, authorities, in this
    /// order. A start that broke off is followed by another one's worker, and no log ends with
    /// such a start.
    pub(crate) fn last_start(&self) -> Result<LastStart<'_>, AttestError> {
        let mut open: Vec<&RuntimeEvent> = Vec::new();
        let mut last = None;
        for record in &self.records {
            let event = &record.event;
            if matches!(event, RuntimeEvent::Worker { .. }) {
                open.clear();
            }
            let expected = ORDER.get(open.len()).copied().unwrap_or(ORDER[0]);
            if event.kind() != expected {
                let what = format!("runtime event {}", record.number);
                return Err(AttestError::refuse(Check::t(27), what, expected, event.kind()));
            }
            open.push(event);
            if let [worker, boot_config, authorities] = open[..] {
                last = Some(LastStart { worker, boot_config, authorities });
                open.clear();
            }
        }
        match (last, open.len()) {
            (Some(last), 0) => Ok(last),
            (_, measured) => {
                let expected = "worker, boot-config and authorities of the last start";
                let actual = format!("{measured} of these three");
                Err(AttestError::refuse(Check::t(27), "runtime log", expected, actual))
            }
        }
    }
}

/// Most bytes in a runtime log.
pub const RUNTIME_LOG_BYTES_MAX: u64 = 8_192;
/// Most events in a runtime log.
pub const EVENTS_MAX: u64 = 64;
/// Registers that the started system owns and no program can reset.
pub(crate) const REGISTER_MIN: u8 = 8;
pub(crate) const REGISTER_MAX: u8 = 15;
const T26: Check = Check::t(26);
const ORDER: [&str; 3] = ["worker", "boot-config", "authorities"];
