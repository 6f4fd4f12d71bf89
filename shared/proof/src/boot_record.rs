//! The boot record, first leaf of every log, and the COSE_KeySet that a quote carries
//! (FORMAT.md §6).

use cbor::{CborError, Reader, Writer};
use crypto::{Digest, Domain, VerifyingKey, digest};
use facts::Millis;
use tlog::Checkpoint;

/// Longest key set that is read, in bytes: the limit of a Nitro document's `public_key`.
const KEY_SET_BYTES_MAX: usize = 1024;

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
}

impl BootRecord {
    /// Canonical bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.map(6).uint(1).uint(1).uint(2).bytes(&self.boot_id);
        w.uint(3).bytes(self.boot_config.as_bytes()).uint(4).text(&self.agent);
        w.uint(5).uint(self.booted_at.0).uint(6);
        match &self.previous {
            Some(last) => w.array(3).bytes(&last.boot_id).uint(last.size).bytes(&last.root),
            None => w.null(),
        };
        w.finish()
    }

    /// Parses; refuses what is not canonical.
    pub fn parse(bytes: &[u8]) -> Result<Self, CborError> {
        let mut r = Reader::new(bytes);
        r.map_of("boot record", 6)?;
        r.key(1)?;
        let at = r.position();
        let found = r.uint()?;
        if found != 1 {
            let (what, expected) = ("version", "1, the only known one");
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
        r.end()?;
        let record = Self { boot_id, boot_config, agent, booted_at, previous };
        // The hash is over `to_bytes`: one record, one encoding.
        if record.to_bytes() != bytes {
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
    let mut w = Writer::new();
    w.array(1).map(4).uint(1).uint(1).uint(3).int(-8).int(-1).uint(6);
    w.int(-2).bytes(&signer.to_bytes());
    w.finish()
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
    r.map_of("COSE_Key", 4)?;
    for (label, wanted) in [(1, 1), (3, -8), (-1, 6)] {
        let at = r.position();
        let found = (r.int()?, r.int()?);
        if found != (label, wanted) {
            let expected = format!("{label}: {wanted}");
            return Err(CborError::Key {
                at,
                expected,
                found: format!("{}: {}", found.0, found.1),
            });
        }
    }
    let at = r.position();
    let found = r.int()?;
    if found != -2 {
        return Err(CborError::Key { at, expected: "-2".into(), found: found.to_string() });
    }
    let signer = r.array_bytes("Ed25519 key")?;
    while r.more(&mut set)? {
        r.raw()?;
    }
    r.end()?;
    Ok(signer)
}
