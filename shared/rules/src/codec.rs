//! Small helpers that the bundle, freshness and boot formats share: bounded texts, sorted keys,
//! times.

use crate::{KEYS_MAX, NAME_BYTES_MAX, PROSE_BYTES_MAX, RulesError};
use cbor::{CborError, Reader, Writer};
use crypto::VerifyingKey;
use facts::Millis;

pub(crate) fn name(r: &mut Reader<'_>) -> Result<String, CborError> {
    Ok(r.text_max("name", NAME_BYTES_MAX)?.to_owned())
}

pub(crate) fn prose(r: &mut Reader<'_>) -> Result<String, CborError> {
    Ok(r.text_max("text", PROSE_BYTES_MAX)?.to_owned())
}

pub(crate) fn millis(r: &mut Reader<'_>) -> Result<Millis, CborError> {
    Ok(Millis(r.uint_max("time", i64::MAX as u64)?))
}

/// Keys that nobody has looked at.
pub(crate) type RawKeys = Vec<[u8; 32]>;

pub(crate) fn raw_keys(r: &mut Reader<'_>) -> Result<RawKeys, CborError> {
    r.entries("keys", KEYS_MAX, |r| r.array_bytes("key"))
}

pub(crate) fn keys(what: &str, raw: &[[u8; 32]]) -> Result<Vec<VerifyingKey>, RulesError> {
    let bad = |problem: String| RulesError::Content { field: what.into(), problem };
    if !raw.is_sorted_by(|a, b| a < b) {
        return Err(bad("keys are not sorted and unique".into()));
    }
    raw.iter().map(|key| VerifyingKey::from_bytes(key).map_err(|e| bad(e.to_string()))).collect()
}

pub(crate) fn write_keys(w: &mut Writer, keys: &[VerifyingKey]) {
    w.array(keys.len());
    for key in keys {
        w.bytes(&key.to_bytes());
    }
}

/// A key, then its value.
pub(crate) fn keyed<'a, T>(
    r: &mut Reader<'a>,
    key: u64,
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, CborError>,
) -> Result<T, CborError> {
    r.key(key)?;
    read(r)
}

/// Key 1: the version of a format.
pub(crate) fn version(
    r: &mut Reader<'_>,
    version: u64,
    expected: &'static str,
) -> Result<(), CborError> {
    let (at, found) = (r.position(), keyed(r, 1, |r| r.uint())?);
    match found == version {
        true => Ok(()),
        false => Err(CborError::Range { at, what: "format", expected, found }),
    }
}
