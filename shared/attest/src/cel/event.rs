//! What an event says (check T27): small CBOR arrays of ours. Their bytes are what a register is
//! extended with, so each content has one encoding and the reader takes no other. What the bytes
//! of a boot configuration mean is for others to judge.

use crate::Check;
use crate::error::AttestError;
use crate::tpm::HashAlgorithm;
use cbor::{CborError, Reader, Writer};

/// Something that a host measured before it started its worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RuntimeEvent {
    /// The program that holds the signing key.
    Worker {
        /// Its name, 1 to 128 bytes: a claim of the host, for people to read.
        name: String,
        /// Its version, 1 to 64 bytes: a claim as well.
        version: String,
        /// SHA-256 of the program that was started.
        sha256: [u8; 32],
        /// The program's size in bytes.
        size: u64,
    },
    /// The canonical bytes of the boot configuration, 1 to 4,096 of them.
    BootConfig(Vec<u8>),
    /// Whose rules count, as the boot configuration says it: Ed25519 keys.
    Authorities {
        /// Rule authorities, sorted, 1 to 16.
        authorities: Vec<[u8; 32]>,
        /// How many of them must sign a bundle.
        threshold: u64,
        /// Keys that speak for freshness, sorted, 1 to 16.
        freshness_keys: Vec<[u8; 32]>,
        /// How many of them must sign a freshness statement.
        freshness_threshold: u64,
    },
}

impl RuntimeEvent {
    /// The kind's word: `worker`, `boot-config` or `authorities`.
    pub fn kind(&self) -> &'static str {
        match self {
            RuntimeEvent::Worker { .. } => WORKER,
            RuntimeEvent::BootConfig(_) => BOOT_CONFIG,
            RuntimeEvent::Authorities { .. } => AUTHORITIES,
        }
    }

    /// The event's data (TPM.md section 5.2).
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        match self {
            RuntimeEvent::Worker { name, version, sha256, size } => {
                w.array(5).text(WORKER).text(name).text(version).bytes(sha256).uint(*size);
            }
            RuntimeEvent::BootConfig(bytes) => {
                w.array(2).text(BOOT_CONFIG).bytes(bytes);
            }
            RuntimeEvent::Authorities {
                authorities,
                threshold,
                freshness_keys,
                freshness_threshold,
            } => {
                w.array(5).text(AUTHORITIES);
                write_keys(&mut w, authorities);
                w.uint(*threshold);
                write_keys(&mut w, freshness_keys);
                w.uint(*freshness_threshold);
            }
        }
        w.finish()
    }

    /// Reads an event's data (T27). An unknown kind is refused: what it might change is not known.
    pub fn parse(data: &[u8]) -> Result<Self, AttestError> {
        let size = data.len() as u64;
        AttestError::within(T27, "runtime event bytes", size, 1, EVENT_BYTES_MAX)?;
        Self::read(data).map_err(|error| AttestError::Malformed {
            check: T27,
            what: "runtime event",
            error,
        })
    }

    /// What the register of a bank is extended with: the hash of the event's data.
    pub fn digest(&self, bank: HashAlgorithm) -> Vec<u8> {
        bank.digest(&[&self.to_bytes()])
    }

    fn read(data: &[u8]) -> Result<Self, CborError> {
        let r = &mut Reader::new(data);
        let mut array = r.array()?;
        let entries = array.left();
        r.more(&mut array)?;
        let at = r.position();
        let kind = r.text_max("kind", KIND_BYTES_MAX)?;
        let (event, expected) = match kind {
            WORKER => (worker as fn(&mut Reader<'_>) -> _, 5),
            BOOT_CONFIG => (boot_config as fn(&mut Reader<'_>) -> _, 2),
            AUTHORITIES => (authorities as fn(&mut Reader<'_>) -> _, 5),
            other => {
                let expected = "worker, boot-config or authorities".to_owned();
                return Err(CborError::Key { at, expected, found: other.to_owned() });
            }
        };
        if entries != Some(expected) {
            let (what, found) = ("runtime event", entries.unwrap_or_default());
            let expected = "another number of entries";
            return Err(CborError::Range { at: 0, what, expected, found });
        }
        let event = event(r)?;
        r.end()?;
        Ok(event)
    }
}

fn worker(r: &mut Reader<'_>) -> Result<RuntimeEvent, CborError> {
    let name = words(r, "worker's name", NAME_BYTES_MAX)?;
    let version = words(r, "worker's version", VERSION_BYTES_MAX)?;
    let sha256 = r.array_bytes("worker's SHA-256")?;
    Ok(RuntimeEvent::Worker { name, version, sha256, size: r.uint()? })
}

fn boot_config(r: &mut Reader<'_>) -> Result<RuntimeEvent, CborError> {
    let at = r.position();
    let bytes = r.bytes_max("boot configuration", BOOT_CONFIG_BYTES_MAX)?;
    match bytes.is_empty() {
        true => Err(CborError::Range {
            at,
            what: "boot configuration",
            expected: "at least one byte",
            found: 0,
        }),
        false => Ok(RuntimeEvent::BootConfig(bytes.to_vec())),
    }
}

fn authorities(r: &mut Reader<'_>) -> Result<RuntimeEvent, CborError> {
    let (authorities, threshold) = keys(r, "authorities")?;
    let (freshness_keys, freshness_threshold) = keys(r, "freshness keys")?;
    Ok(RuntimeEvent::Authorities { authorities, threshold, freshness_keys, freshness_threshold })
}

/// A text that people read: not empty, nothing that moves a cursor.
fn words(r: &mut Reader<'_>, what: &'static str, max: usize) -> Result<String, CborError> {
    let at = r.position();
    let text = r.text_max(what, max)?;
    if text.is_empty() || text.chars().any(char::is_control) {
        let (expected, found) = ("a text without control characters", text.len() as u64);
        return Err(CborError::Range { at, what, expected, found });
    }
    Ok(text.to_owned())
}

/// Keys, ascending, each once, and how many of them must sign.
fn keys(r: &mut Reader<'_>, what: &'static str) -> Result<(Vec<[u8; 32]>, u64), CborError> {
    let at = r.position();
    let keys: Vec<[u8; 32]> = r.entries(what, KEYS_MAX, |r| r.array_bytes("key"))?;
    let found = keys.len() as u64;
    if keys.is_empty() || !keys.is_sorted_by(|one, next| one < next) {
        let expected = "at least one key, ascending, each once";
        return Err(CborError::Range { at, what, expected, found });
    }
    let at = r.position();
    let threshold = r.uint_max("threshold", found)?;
    if threshold == 0 {
        let expected = "1 to the number of keys";
        return Err(CborError::Range { at, what: "threshold", expected, found: 0 });
    }
    Ok((keys, threshold))
}

fn write_keys(w: &mut Writer, keys: &[[u8; 32]]) {
    w.array(keys.len());
    for key in keys {
        w.bytes(key);
    }
}

const T27: Check = Check::t(27);
const WORKER: &str = "worker";
const BOOT_CONFIG: &str = "boot-config";
const AUTHORITIES: &str = "authorities";
/// An unknown kind's word is shown, but not any length of it.
const KIND_BYTES_MAX: usize = 32;
const NAME_BYTES_MAX: usize = 128;
const VERSION_BYTES_MAX: usize = 64;
const BOOT_CONFIG_BYTES_MAX: usize = 4_096;
const KEYS_MAX: usize = 16;
/// A boot configuration and its heads are the longest.
const EVENT_BYTES_MAX: u64 = 4_112;
