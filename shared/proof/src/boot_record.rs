//! The boot record, first leaf of every log, and the COSE_KeySet that a quote carries
//! (FORMAT.md §6).

use cbor::{CborError, Reader, Writer};
use crypto::{Digest, Domain, VerifyingKey, digest};
use facts::Millis;
use tlog::Checkpoint;

/// Longest key set that is read, in bytes: the limit of a Nitro document's `public_key`.
const KEY_SET_BYTES_MAX: usize = 1024;
/// Most numbers in a record's confinement.
const CONFINEMENT_MAX: usize = 64;
/// An Ed25519 key for EdDSA, up to its 32 bytes: `{1: 1, 3: -8, -1: 6, -2: bstr32}`.
const ED25519_KEY: &[u8] = &[0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21, 0x58, 0x20];

/// What a boot says of itself before it evaluates anything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootRecord {
    /// The boot.
    pub boot_id: [u8; 16],
    /// Hash of the boot configuration.
    pub boot_config: Digest,
    /// did:key of the boot's signer.
    pub agent: String,
    /// When it booted, by the hardware's clock.
    pub booted_at: Millis,
    /// Last checkpoint of the boot before, as the parent told it.
    pub previous: Option<Checkpoint>,
    /// What holds the process where no image is measured: numbers of `wire::Confinement`,
    /// ascending. None make a record of version 1, some one of version 2.
    pub confinement: Vec<u64>,
}

impl BootRecord {
    /// Canonical bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let version = 1 + u64::from(!self.confinement.is_empty());
        let mut w = Writer::new();
        w.map(5 + version as usize).uint(1).uint(version).uint(2).bytes(&self.boot_id);
        w.uint(3).bytes(self.boot_config.as_bytes()).uint(4).text(&self.agent);
        w.uint(5).uint(self.booted_at.0).uint(6);
        match &self.previous {
            Some(last) => w.array(3).bytes(&last.boot_id).uint(last.size).bytes(&last.root),
            None => w.null(),
        };
        if version == 2 {
            w.uint(7).array(self.confinement.len());
            for by in &self.confinement {
                w.uint(*by);
            }
        }
        w.finish()
    }

    /// Parses; refuses what is not canonical.
    pub fn parse(bytes: &[u8]) -> Result<Self, CborError> {
        let mut r = Reader::new(bytes);
        let version = r.map()?.left().unwrap_or(0).saturating_sub(5);
        r.key(1)?;
        let at = r.position();
        let found = r.uint()?;
        if found != version || !(1..=2).contains(&version) {
            let (what, expected) = ("version", "1 of six fields or 2 of seven");
            return Err(CborError::Range { at, what, expected, found });
        }
        r.key(2)?;
        let boot_id = r.array_bytes("boot id")?;
        r.key(3)?;
        let boot_config = Digest(r.array_bytes("boot configuration hash")?);
        r.key(4)?;
        let agent = r.text_max("agent", 128)?.to_owned();
        r.key(5)?;
        let booted_at = Millis(r.uint()?);
        r.key(6)?;
        let previous = if r.null()? {
            None
        } else {
            r.array_of("previous checkpoint", 3)?;
            let boot_id = r.array_bytes("boot id")?;
            Some(Checkpoint { boot_id, size: r.uint()?, root: r.array_bytes("root")? })
        };
        let mut confinement = Vec::new();
        if version == 2 {
            r.key(7)?;
            confinement = r.entries("confinement", CONFINEMENT_MAX, Reader::uint)?;
        }
        r.end()?;
        let ascending = confinement.is_sorted_by(|by, next| by < next);
        let record = Self { boot_id, boot_config, agent, booted_at, previous, confinement };
        // The hash is over `to_bytes`: one record, one encoding.
        if record.to_bytes() != bytes || !ascending {
            let (what, expected, found) = ("boot record", "its one encoding", bytes.len() as u64);
            return Err(CborError::Range { at: 0, what, expected, found });
        }
        Ok(record)
    }

    /// Data of the log's first leaf.
    pub fn hash(&self) -> Digest {
        digest(Domain::BootRecord, &[&self.to_bytes()])
    }
}

/// A key set of the signer alone, as boots before sealed requests had it; `seal::key_set` writes
/// the one of today. COSE key parameters (RFC 9053 §7.1): kty OKP, alg EdDSA, crv Ed25519, x.
pub fn key_set(signer: &VerifyingKey) -> Vec<u8> {
    [&[0x81], ED25519_KEY, &signer.to_bytes()].concat()
}

/// The Ed25519 signer of a key set. It has to be the set's first key; other keys may follow.
pub fn signer_of_key_set(bytes: &[u8]) -> Result<[u8; 32], CborError> {
    if bytes.len() > KEY_SET_BYTES_MAX {
        let found = bytes.len() as u64;
        return Err(CborError::Range { at: 0, what: "key set", expected: "1,024 bytes", found });
    }
    let mut r = Reader::new(bytes);
    let mut set = r.array()?;
    if !r.more(&mut set)? {
        return Err(CborError::Range { at: 0, what: "key set", expected: "a key", found: 0 });
    }
    let at = r.position();
    // One encoding each: the reader takes no other heads, the prefix no other order.
    let key = r.raw()?;
    let signer = key.strip_prefix(ED25519_KEY).and_then(|x| x.try_into().ok());
    let signer = signer.ok_or_else(|| CborError::Key {
        at,
        expected: "an Ed25519 key {1: 1, 3: -8, -1: 6, -2: bstr32}".into(),
        found: crypto::to_hex(&key[..key.len().min(ED25519_KEY.len())]),
    })?;
    while r.more(&mut set)? {
        r.raw()?;
    }
    r.end()?;
    Ok(signer)
}
