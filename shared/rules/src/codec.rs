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

/// Reads every entry of an array with `read`, refusing more than `max`.
pub(crate) fn list<'a, T>(
    r: &mut Reader<'a>,
    what: &'static str,
    max: usize,
    mut read: impl FnMut(&mut Reader<'a>) -> Result<T, CborError>,
) -> Result<Vec<T>, CborError> {
    let at = r.position();
    let mut entries = Vec::new();
    let mut array = r.array()?;
    while r.more(&mut array)? {
        if entries.len() == max {
            let found = array.left().unwrap_or(0).saturating_add(max as u64 + 1);
            return Err(CborError::Range { at, what, expected: "fewer entries", found });
        }
        entries.push(read(r)?);
    }
    Ok(entries)
}

pub(crate) fn keys(
    r: &mut Reader<'_>,
    what: &'static str,
) -> Result<Vec<VerifyingKey>, RulesError> {
    let raw =
        list(r, what, KEYS_MAX, |r| r.array_bytes::<32>("key")).map_err(crate::malformed(what))?;
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
