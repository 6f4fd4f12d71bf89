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

pub(crate) fn keys(
    r: &mut Reader<'_>,
    what: &'static str,
) -> Result<Vec<VerifyingKey>, RulesError> {
    let raw = r
        .entries(what, KEYS_MAX, |r| r.array_bytes::<32>("key"))
        .map_err(crate::malformed(what))?;
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
