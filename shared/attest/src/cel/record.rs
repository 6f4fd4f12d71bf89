//! One record of the log (check T26): number, register, digests, content, each a TLV with one
//! byte of type and four of length, big-endian. The reader and the writer are two pieces of code
//! for one encoding: fixed lengths, fixed order, banks ascending. Nothing is allocated from a
//! length that the log declares.

use crate::Check;
use crate::bytes::Bytes;
use crate::cel::event::RuntimeEvent;
use crate::cel::log::{EVENTS_MAX, REGISTER_MAX, REGISTER_MIN};
use crate::error::AttestError;
use crate::tpm::HashAlgorithm;

/// The content type of our events: a number that the TCG has given to nobody. Readers of other
/// makers show the content as opaque and replay the digests.
pub const CONTENT_TYPE: u8 = 0xc0;

/// One record as it came: well-formed, its content read, its digests those of its content. Nobody
/// has vouched for any of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its number: 0, 1, 2 …
    pub number: u64,
    /// The register that it was extended into, 8 to 15.
    pub register: u8,
    /// One digest a bank, ascending: the hash of the event's data.
    pub digests: Vec<(HashAlgorithm, &'a [u8])>,
    /// The event.
    pub event: RuntimeEvent,
}

impl<'a> Record<'a> {
    /// The digest for a bank.
    pub fn digest(&self, bank: HashAlgorithm) -> Option<&'a [u8]> {
        self.digests.iter().find(|(one, _)| *one == bank).map(|(_, digest)| *digest)
    }

    /// The next record; `number` is the one that it must have.
    pub(crate) fn read(reader: &mut Bytes<'a>, number: u64) -> Result<Self, AttestError> {
        let found = u64::from_be_bytes(fixed(reader, RECNUM, "recnum")?);
        if found != number {
            let (expected, actual) = (number.to_string(), found.to_string());
            return Err(AttestError::refuse(T26, "recnum", expected, actual));
        }
        let [register] = fixed(reader, PCR, "pcr")?;
        let (min, max) = (REGISTER_MIN.into(), REGISTER_MAX.into());
        AttestError::within(T26, "runtime register", u64::from(register), min, max)?;
        let digests = digests(value(reader, DIGESTS, "digests")?)?;
        let data = value(reader, CONTENT_TYPE, "content")?;
        let event = RuntimeEvent::parse(data)?;
        for (bank, digest) in &digests {
            let expected = bank.digest(&[data]);
            if expected != *digest {
                let what = format!("{bank} digest of runtime event {number}");
                let (expected, actual) = (crate::hex(&expected), crate::hex(digest));
                return Err(AttestError::refuse(Check::t(27), what, expected, actual));
            }
        }
        Ok(Self { number, register, digests, event })
    }
}

/// Writes one record. `number` counts from 0 and is below 64; the register is 8 to 15; the banks
/// are SHA-256, SHA-384 or both: those that the register was extended in. An event that the reader
/// would refuse is refused here, with its check.
pub fn write_record(
    number: u64,
    register: u8,
    banks: &[HashAlgorithm],
    event: &RuntimeEvent,
) -> Result<Vec<u8>, AttestError> {
    AttestError::within(T26, "runtime events", number.saturating_add(1), 1, EVENTS_MAX)?;
    let (min, max) = (REGISTER_MIN.into(), REGISTER_MAX.into());
    AttestError::within(T26, "runtime register", u64::from(register), min, max)?;
    let data = event.to_bytes();
    RuntimeEvent::parse(&data)?;
    let mut listed: Vec<HashAlgorithm> = banks.to_vec();
    listed.sort_unstable();
    listed.dedup();
    let mut digests = Vec::new();
    for bank in listed {
        is_bank(bank)?;
        put(&mut digests, bank.id().to_be_bytes()[1], &bank.digest(&[&data]));
    }
    if digests.is_empty() {
        return Err(AttestError::refuse(T26, "banks", "SHA-256, SHA-384 or both", "none"));
    }
    let mut bytes = Vec::with_capacity(data.len() + digests.len() + 32);
    put(&mut bytes, RECNUM, &number.to_be_bytes());
    put(&mut bytes, PCR, &[register]);
    put(&mut bytes, DIGESTS, &digests);
    put(&mut bytes, CONTENT_TYPE, &data);
    Ok(bytes)
}

fn digests(list: &[u8]) -> Result<Vec<(HashAlgorithm, &[u8])>, AttestError> {
    let mut reader = Bytes::new(list, T26, "digests");
    let mut digests: Vec<(HashAlgorithm, &[u8])> = Vec::new();
    while !reader.rest().is_empty() {
        let bank = HashAlgorithm::of(u16::from(reader.u8()?), T26, "bank")?;
        is_bank(bank)?;
        // Two banks at most, because each is above the one before.
        if let Some((last, _)) = digests.last()
            && *last >= bank
        {
            let actual = format!("{bank} after {last}");
            return Err(AttestError::refuse(T26, "banks", "ascending, each once", actual));
        }
        let (length, bytes) = (u64::from(reader.be32()?), bank.bytes() as u64);
        AttestError::within(T26, "digest bytes", length, bytes, bytes)?;
        digests.push((bank, reader.take(bytes)?));
    }
    match digests.is_empty() {
        true => Err(AttestError::refuse(T26, "digests", "at least one", "none")),
        false => Ok(digests),
    }
}

fn is_bank(bank: HashAlgorithm) -> Result<(), AttestError> {
    match bank {
        HashAlgorithm::Sha256 | HashAlgorithm::Sha384 => Ok(()),
        HashAlgorithm::Sha512 => {
            let actual = bank.to_string();
            Err(AttestError::refuse(T26, "bank", "SHA-256 or SHA-384", actual))
        }
    }
}

/// The value of a TLV of the type that must stand here.
fn value<'a>(
    reader: &mut Bytes<'a>,
    kind: u8,
    what: &'static str,
) -> Result<&'a [u8], AttestError> {
    let found = reader.u8()?;
    if found != kind {
        let (expected, actual) = (format!("type {kind:#04x}"), format!("type {found:#04x}"));
        return Err(AttestError::refuse(T26, what, expected, actual));
    }
    let length = reader.be32()?;
    reader.take(length.into())
}

fn fixed<const N: usize>(
    reader: &mut Bytes<'_>,
    kind: u8,
    what: &'static str,
) -> Result<[u8; N], AttestError> {
    let value = value(reader, kind, what)?;
    value.try_into().map_err(|_| {
        let (expected, actual) = (format!("{N} bytes"), format!("{} bytes", value.len()));
        AttestError::refuse(T26, what, expected, actual)
    })
}

/// A value is at most an event long, so that its length fits 32 bits.
fn put(bytes: &mut Vec<u8>, kind: u8, value: &[u8]) {
    bytes.push(kind);
    bytes.extend(u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes());
    bytes.extend(value);
}

const T26: Check = Check::t(26);
/// Types of TLVs (Canonical Event Log Format, 5.1).
const RECNUM: u8 = 0;
const PCR: u8 = 1;
const DIGESTS: u8 = 3;
