//! The log's records (check T26): the header event in the old form, then events in the
//! crypto-agile form, little-endian. It borrows from the log, and a count or a length in it must
//! never lead to an allocation before the bytes are seen to be there.

use crate::Check;
use crate::bytes::Bytes;
use crate::error::AttestError;
use crate::eventlog::kind::EventKind;

/// One event as it came: nobody has vouched for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event<'a> {
    /// Offset of the record in the log, bytes.
    pub offset: usize,
    /// The register; beyond 23 only where nothing is extended.
    pub pcr: u32,
    /// The type, as the log says.
    pub kind: EventKind,
    digests: Vec<(u16, &'a [u8])>,
    /// The event's data; bound by the digest only for some types.
    pub data: &'a [u8],
}

impl<'a> Event<'a> {
    /// The digest for the bank of that TPM_ALG_ID.
    pub fn digest(&self, bank: u16) -> Option<&'a [u8]> {
        self.digests.iter().find(|(id, _)| *id == bank).map(|(_, digest)| *digest)
    }

    /// Whether the event was extended into its register.
    pub fn extends(&self) -> bool {
        self.kind != EventKind::NO_ACTION
    }
}

/// A log as it came: well-formed, but nobody has vouched for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnverifiedEventLog<'a> {
    banks: Vec<(u16, u16)>,
    events: Vec<Event<'a>>,
    padding_bytes: usize,
}

impl<'a> UnverifiedEventLog<'a> {
    /// Reads the records (T26). Verifies nothing.
    pub fn parse(log: &'a [u8]) -> Result<Self, AttestError> {
        AttestError::within(T26, "event log bytes", log.len() as u64, 1, LOG_BYTES_MAX)?;
        let mut reader = Bytes::new(log, T26, "event log");
        let banks = header(&mut reader)?;
        let mut events = Vec::new();
        let mut padding_bytes = 0;
        while !reader.rest().is_empty() {
            // Firmware hands out its whole buffer now and then.
            if is_padding(reader.rest()) {
                padding_bytes = reader.rest().len();
                break;
            }
            AttestError::within(T26, "events", events.len() as u64 + 1, 0, EVENTS_MAX)?;
            events.push(event(&mut reader, &banks)?);
        }
        Ok(Self { banks, events, padding_bytes })
    }

    /// The TPM_ALG_IDs that every event has a digest for.
    pub fn banks(&self) -> impl Iterator<Item = u16> {
        self.banks.iter().map(|(id, _)| *id)
    }

    /// The events after the header, in the order of the log.
    pub fn events(&self) -> &[Event<'a>] {
        &self.events
    }

    /// Bytes of zeros or ones after the last event.
    pub fn padding_bytes(&self) -> usize {
        self.padding_bytes
    }
}

/// The header: TCG_PCR_EVENT with TCG_EfiSpecIDEvent, which names the banks.
fn header(reader: &mut Bytes<'_>) -> Result<Vec<(u16, u16)>, AttestError> {
    let (pcr, kind) = (reader.le32()?, EventKind(reader.le32()?));
    if pcr >= PCRS || kind.name().is_none() {
        return Err(refuse("first event", AGILE, "another kind of file"));
    }
    let digest = reader.take(SHA1_BYTES)?;
    let size = u64::from(reader.le32()?);
    AttestError::within(T26, "header event bytes", size, 0, EVENT_BYTES_MAX)?;
    let data = reader.take(size)?;
    let agile = kind == EventKind::NO_ACTION && data.starts_with(SPEC_ID_03);
    if !agile {
        let actual = match (kind, data) {
            (EventKind::NO_ACTION, [b'S', b'p', b'e', b'c', ..]) => "a log of TPM 1.2, SHA-1 only",
            _ => "a log without that header, SHA-1 only",
        };
        return Err(refuse("first event", AGILE, actual));
    }
    if pcr != 0 || digest.iter().any(|byte| *byte != 0) {
        return Err(refuse("first event", "PCR0 and a digest of zeros", "other values"));
    }
    let mut spec = Bytes::new(&data[SPEC_ID_03.len()..], T26, "Spec ID event");
    let _platform_class = spec.le32()?;
    let (_minor, major, _errata, _uintn_size) = (spec.u8()?, spec.u8()?, spec.u8()?, spec.u8()?);
    if major != SPEC_MAJOR {
        return Err(refuse("Spec ID version", "2", &major.to_string()));
    }
    let count = u64::from(spec.le32()?);
    AttestError::within(T26, "banks of the log", count, 1, BANKS_MAX)?;
    let mut banks: Vec<(u16, u16)> = Vec::new();
    for _ in 0..count {
        let (id, bytes) = (spec.le16()?, spec.le16()?);
        if banks.iter().any(|(before, _)| *before == id) {
            let (check, what) = (T26, "banks of the log");
            return Err(AttestError::DuplicateKey { check, what, key: format!("{id:#06x}") });
        }
        let known = DIGEST_BYTES.iter().find(|(known, _)| *known == id);
        match known {
            Some((_, right)) if *right != bytes => {
                let (expected, actual) = (right.to_string(), bytes.to_string());
                return Err(refuse("digest bytes", &expected, &actual));
            }
            Some(_) => {}
            None => AttestError::within(T26, "digest bytes", u64::from(bytes), 1, 64)?,
        }
        banks.push((id, bytes));
    }
    let vendor_bytes = u64::from(spec.u8()?);
    spec.take(vendor_bytes)?;
    spec.end()?;
    Ok(banks)
}

/// TCG_PCR_EVENT2: one digest for each bank of the header, no other, none twice.
fn event<'a>(reader: &mut Bytes<'a>, banks: &[(u16, u16)]) -> Result<Event<'a>, AttestError> {
    let offset = reader.position();
    let (pcr, kind) = (reader.le32()?, EventKind(reader.le32()?));
    if pcr >= PCRS && kind != EventKind::NO_ACTION {
        return Err(refuse("pcrIndex", "0 to 23", &pcr.to_string()));
    }
    let (count, expected) = (u64::from(reader.le32()?), banks.len() as u64);
    AttestError::within(T26, "digests of an event", count, expected, expected)?;
    let mut digests: Vec<(u16, &[u8])> = Vec::with_capacity(banks.len());
    for _ in 0..count {
        let id = reader.le16()?;
        let bank = banks.iter().find(|(bank, _)| *bank == id);
        let Some((_, bytes)) = bank.filter(|_| digests.iter().all(|(before, _)| *before != id))
        else {
            let actual = format!("{id:#06x} at byte {offset}");
            return Err(refuse("digest of an event", "one for each bank of the header", &actual));
        };
        digests.push((id, reader.take(u64::from(*bytes))?));
    }
    let size = u64::from(reader.le32()?);
    AttestError::within(T26, "event bytes", size, 0, EVENT_BYTES_MAX)?;
    Ok(Event { offset, pcr, kind, digests, data: reader.take(size)? })
}

fn is_padding(rest: &[u8]) -> bool {
    rest.iter().all(|byte| *byte == 0) || rest.iter().all(|byte| *byte == 0xff)
}

fn refuse(what: &str, expected: &str, actual: &str) -> AttestError {
    AttestError::refuse(T26, what, expected, actual)
}

/// Most bytes in a log.
pub const LOG_BYTES_MAX: u64 = 4 << 20;
const T26: Check = Check::t(26);
const EVENTS_MAX: u64 = 16_384;
const EVENT_BYTES_MAX: u64 = 1 << 20;
const BANKS_MAX: u64 = 8;
const PCRS: u32 = 24;
const SHA1_BYTES: u64 = 20;
const SPEC_ID_03: &[u8] = b"Spec ID Event03\0";
const AGILE: &str = "Spec ID Event03: a crypto-agile log";
const SPEC_MAJOR: u8 = 2;
/// Digest sizes by TPM_ALG_ID: SHA-1, SHA-256, SHA-384, SHA-512, SM3-256, SHA3-256, -384, -512.
const DIGEST_BYTES: [(u16, u16); 8] =
    [(0x4, 20), (0xb, 32), (0xc, 48), (0xd, 64), (0x12, 32), (0x27, 32), (0x28, 48), (0x29, 64)];
