//! Key 16 of the payload: what is demanded of a TPM. Format 2 has a seventh part, which is there
//! exactly when it says something, so that one content keeps one encoding.

use super::{PCR_BYTES_MAX, name_text, named_der, pcr_list, registers, texts};
use crate::content::{AttestationKey, NamedDer, Tpm, TpmClock};
use crate::{AK_NAMES_MAX, FIRMWARE_VERSIONS_MAX, ROOTS_MAX};
use cbor::{CborError, Reader, Writer};

/// Largest name of an attestation key, in bytes.
const AK_NAME_BYTES_MAX: usize = 66;

/// The value of key 16, and the key.
pub(super) fn write(w: &mut Writer, tpm: &Tpm) {
    let more = tpm.needs_format_2();
    w.uint(16).array(6 + usize::from(more)).array(tpm.ak_names.len());
    for name in &tpm.ak_names {
        w.bytes(name);
    }
    for roots in [&tpm.ak_roots, &tpm.ek_roots] {
        w.array(roots.len());
        for NamedDer { name, der } in roots {
            w.array(2).text(name).bytes(der);
        }
    }
    registers(w, tpm.pcrs.iter().map(|(index, value)| (*index, &value[..])));
    w.bool(tpm.event_log_required);
    match tpm.boot_pcr {
        None => w.null(),
        Some(index) => w.uint(index.into()),
    };
    if more {
        write_more(w, tpm);
    }
}

/// What format 2 adds: `[firmware, dedicated roots, keys]`.
fn write_more(w: &mut Writer, tpm: &Tpm) {
    w.array(3);
    match &tpm.firmware {
        None => {
            w.null();
        }
        Some(versions) => {
            w.array(versions.len());
            for version in versions {
                w.uint(*version);
            }
        }
    }
    texts(w, tpm.dedicated_roots.iter().map(String::as_str));
    w.array(tpm.keys.len());
    for AttestationKey { name, qualified_name, clock } in &tpm.keys {
        w.array(3).bytes(name);
        match qualified_name {
            None => w.null(),
            Some(qualified) => w.bytes(qualified),
        };
        match clock {
            None => w.null(),
            Some(TpmClock { ms, resets, restarts }) => {
                w.array(3).uint(*ms).uint((*resets).into()).uint((*restarts).into())
            }
        };
    }
}

fn name_of_key(r: &mut Reader<'_>) -> Result<Vec<u8>, CborError> {
    Ok(r.bytes_max("AK name", AK_NAME_BYTES_MAX)?.to_vec())
}

/// The value of key 16; `more` in format 2.
pub(super) fn read(r: &mut Reader<'_>, more: bool) -> Result<Tpm, CborError> {
    r.array_of("tpm", 6 + u64::from(more))?;
    let ak_names = r.entries("AK names", AK_NAMES_MAX, name_of_key)?;
    let ak_roots = r.entries("AK roots", ROOTS_MAX, named_der)?;
    let ek_roots = r.entries("EK roots", ROOTS_MAX, named_der)?;
    let pcrs = pcr_list(r, |r| Ok(r.bytes_max("register", PCR_BYTES_MAX)?.to_vec()))?;
    let event_log_required = r.bool()?;
    let boot_pcr = if r.null()? { None } else { Some(r.uint_max("register", 23)? as u8) };
    let tpm =
        Tpm { ak_names, ak_roots, ek_roots, pcrs, event_log_required, boot_pcr, ..Tpm::default() };
    if !more {
        return Ok(tpm);
    }
    r.array_of("tpm, more", 3)?;
    let firmware = match r.null()? {
        true => None,
        false => Some(r.entries("firmware versions", FIRMWARE_VERSIONS_MAX, |r| r.uint())?),
    };
    let dedicated_roots = r.entries("dedicated roots", ROOTS_MAX, name_text)?;
    let keys = r.entries("attestation keys", AK_NAMES_MAX, attestation_key)?;
    Ok(Tpm { firmware, dedicated_roots, keys, ..tpm })
}

fn attestation_key(r: &mut Reader<'_>) -> Result<AttestationKey, CborError> {
    r.array_of("attestation key", 3)?;
    let name = name_of_key(r)?;
    let qualified_name = if r.null()? { None } else { Some(name_of_key(r)?) };
    let clock = if r.null()? { None } else { Some(tpm_clock(r)?) };
    Ok(AttestationKey { name, qualified_name, clock })
}

fn tpm_clock(r: &mut Reader<'_>) -> Result<TpmClock, CborError> {
    r.array_of("clock", 3)?;
    let ms = r.uint()?;
    let mut count = || r.uint_max("count", u32::MAX.into()).map(|count| count as u32);
    Ok(TpmClock { ms, resets: count()?, restarts: count()? })
}
