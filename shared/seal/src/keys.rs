//! The enclave's key, and the key set that vouches for it: a COSE_KeySet whose second key is the
//! one to seal to. A private key must never leave this module.

use crate::hpke::{Context, KEY_BYTES, KeyPair};
use crate::{KEY_SET_BYTES_MAX, SealError};
use cbor::{CborError, Reader, Writer};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// COSE key parameters (RFC 9053 §7): kty OKP, crv Ed25519 and X25519, alg EdDSA.
const KTY_OKP: i64 = 1;
const CRV_X25519: i64 = 4;
const CRV_ED25519: i64 = 6;
const ALG_EDDSA: i64 = -8;
/// The suite of SEALED.md. COSE has no registered number for it; this is of the private range.
const ALG_SEALED: i64 = -65_537;
/// What the hash of a key set starts with.
const KEY_SET_TAG: &[u8] = b"probity/v1/key-set\0";
/// What `info` starts with.
const REQUEST_TAG: &[u8] = b"probity/v1/sealed-request\0";

/// The enclave's private key. Wiped when dropped.
pub struct RecipientKey(KeyPair);

impl RecipientKey {
    /// The key of 32 random bytes (`DeriveKeyPair`, RFC 9180 §7.1.3).
    pub fn derive(seed: &Zeroizing<[u8; 32]>) -> Self {
        Self(KeyPair::derive(seed))
    }

    /// The public half.
    pub fn public(&self) -> [u8; 32] {
        self.0.public
    }

    pub(crate) fn context(&self, key_set: &[u8; 32], enc: &[u8; 32]) -> Result<Context, SealError> {
        let info: [&[u8]; 2] = [REQUEST_TAG, key_set];
        Context::recipient(enc, &self.0, &info).ok_or(SealError::SmallOrder)
    }
}

redacted!(RecipientKey);

/// Whom a request is sealed to: the key of one key set. That the key set is attested is for the
/// caller to have verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    key: [u8; KEY_BYTES],
    pub(crate) key_set: [u8; 32],
}

impl Recipient {
    /// The second key of a key set, which has to be one of X25519 for this suite.
    pub fn of_key_set(bytes: &[u8]) -> Result<Self, SealError> {
        let key = read_recipient(bytes).map_err(SealError::KeySet)?;
        Ok(Self { key, key_set: key_set_hash(bytes) })
    }

    /// A sender's context; `seed` is 32 random bytes. With it comes `enc`.
    pub(crate) fn context(
        &self,
        seed: &Zeroizing<[u8; 32]>,
    ) -> Result<([u8; 32], Context), SealError> {
        let ephemeral = KeyPair::derive(seed);
        let info: [&[u8]; 2] = [REQUEST_TAG, &self.key_set];
        let context = Context::sender(&self.key, &ephemeral, &info);
        Ok((ephemeral.public, context.ok_or(SealError::SmallOrder)?))
    }
}

/// SHA-256 of a key set under a tag: which keys a request is for.
pub(crate) fn key_set_hash(bytes: &[u8]) -> [u8; 32] {
    Sha256::new_with_prefix(KEY_SET_TAG).chain_update(bytes).finalize().into()
}

/// The key set of a boot: the signer, then the key to seal to.
pub fn key_set(signer: &[u8; 32], recipient: &[u8; 32]) -> Vec<u8> {
    let mut w = Writer::new();
    w.array(2);
    for (alg, crv, key) in [(ALG_EDDSA, CRV_ED25519, signer), (ALG_SEALED, CRV_X25519, recipient)] {
        w.map(4).int(1).int(KTY_OKP).int(3).int(alg).int(-1).int(crv).int(-2).bytes(key);
    }
    w.finish()
}

fn read_recipient(bytes: &[u8]) -> Result<[u8; 32], CborError> {
    let (what, found) = ("key set", bytes.len() as u64);
    if bytes.len() > KEY_SET_BYTES_MAX {
        return Err(CborError::Range { at: 0, what, expected: "1,024 bytes", found });
    }
    let mut r = Reader::new(bytes);
    let mut set = r.array()?;
    for place in 0..2 {
        let at = r.position();
        if !r.more(&mut set)? {
            return Err(CborError::Range { at, what, expected: "two keys", found: place });
        }
        if place == 0 {
            // The signer's key: those who verify signatures read it.
            r.raw()?;
        }
    }
    r.map_of("COSE_Key", 4)?;
    for (label, wanted) in [(1, KTY_OKP), (3, ALG_SEALED), (-1, CRV_X25519)] {
        let at = r.position();
        let (name, value) = (r.int()?, r.int()?);
        if (name, value) != (label, wanted) {
            let (expected, found) = (format!("{label}: {wanted}"), format!("{name}: {value}"));
            return Err(CborError::Key { at, expected, found });
        }
    }
    let at = r.position();
    let name = r.int()?;
    if name != -2 {
        return Err(CborError::Key { at, expected: "-2".into(), found: name.to_string() });
    }
    let key = r.array_bytes("X25519 key")?;
    while r.more(&mut set)? {
        r.raw()?;
    }
    r.end()?;
    Ok(key)
}
