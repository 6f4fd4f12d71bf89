//! Key 16 of the payload: what is demanded of a TPM. Format 2 has a seventh part and format 3 two
//! more; a format is written exactly where its parts say something, so that one content keeps one
//! encoding.

use super::{
    FORMAT, FORMAT_TPM, FORMAT_WORKERS, PCR_BYTES_MAX, millis, name_text, named_der, pcr_list,
    registers, texts,
};
use crate::content::{AttestationKey, NamedDer, Tpm, TpmClock, WorkerRelease, Workers};
use crate::{AK_NAMES_MAX, FIRMWARE_VERSIONS_MAX, ROOTS_MAX, WORKERS_MAX};
use cbor::{CborError, Reader, Writer};

/// Largest name of an attestation key, in bytes.
const AK_NAME_BYTES_MAX: usize = 66;

/// The value of key 16, and the key.
pub(super) fn write(w: &mut Writer, tpm: &Tpm, format: u64) {
    w.uint(16).array(parts(format)).array(tpm.ak_names.len());
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
    if format >= FORMAT_TPM {
        write_more(w, tpm);
    }
    if format >= FORMAT_WORKERS {
        write_workers(w, tpm.workers.as_ref());
        match &tpm.file_list {
            None => w.null(),
            Some(hash) => w.bytes(hash),
        };
    }
}

/// How many parts key 16 has.
fn parts(format: u64) -> usize {
    match format {
        FORMAT => 6,
        FORMAT_TPM => 7,
        _ => 9,
    }
}

/// `[register, [[name, sha256, from, to]…]]`, or null.
fn write_workers(w: &mut Writer, workers: Option<&Workers>) {
    let Some(Workers { register, releases }) = workers else {
        w.null();
        return;
    };
    w.array(2).uint((*register).into()).array(releases.len());
    for WorkerRelease { name, sha256, from, to } in releases {
        w.array(4).text(name).bytes(sha256).uint(from.0);
        match to {
            None => w.null(),
            Some(to) => w.uint(to.0),
        };
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

/// The value of key 16.
pub(super) fn read(r: &mut Reader<'_>, format: u64) -> Result<Tpm, CborError> {
    r.array_of("tpm", parts(format) as u64)?;
    let ak_names = r.entries("AK names", AK_NAMES_MAX, name_of_key)?;
    let ak_roots = r.entries("AK roots", ROOTS_MAX, named_der)?;
    let ek_roots = r.entries("EK roots", ROOTS_MAX, named_der)?;
    let pcrs = pcr_list(r, |r| Ok(r.bytes_max("register", PCR_BYTES_MAX)?.to_vec()))?;
    let event_log_required = r.bool()?;
    let boot_pcr = if r.null()? { None } else { Some(r.uint_max("register", 23)? as u8) };
    let tpm =
        Tpm { ak_names, ak_roots, ek_roots, pcrs, event_log_required, boot_pcr, ..Tpm::default() };
    if format == FORMAT {
        return Ok(tpm);
    }
    r.array_of("tpm, more", 3)?;
    let firmware = match r.null()? {
        true => None,
        false => Some(r.entries("firmware versions", FIRMWARE_VERSIONS_MAX, |r| r.uint())?),
    };
    let dedicated_roots = r.entries("dedicated roots", ROOTS_MAX, name_text)?;
    let keys = r.entries("attestation keys", AK_NAMES_MAX, attestation_key)?;
    let tpm = Tpm { firmware, dedicated_roots, keys, ..tpm };
    if format == FORMAT_TPM {
        return Ok(tpm);
    }
    let workers = if r.null()? { None } else { Some(workers(r)?) };
    let file_list = if r.null()? { None } else { Some(r.array_bytes("hash of a file list")?) };
    Ok(Tpm { workers, file_list, ..tpm })
}

fn workers(r: &mut Reader<'_>) -> Result<Workers, CborError> {
    r.array_of("workers", 2)?;
    let register = r.uint_max("register", 23)? as u8;
    let releases = r.entries("releases of the worker", WORKERS_MAX, |r| {
        r.array_of("release of the worker", 4)?;
        let (name, sha256) = (name_text(r)?, r.array_bytes("SHA-256 of the worker")?);
        let from = millis(r)?;
        let to = if r.null()? { None } else { Some(millis(r)?) };
        Ok(WorkerRelease { name, sha256, from, to })
    })?;
    Ok(Workers { register, releases })
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
