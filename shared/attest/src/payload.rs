//! The payload's fields: presence, type and size (checks N9 to N21).
//! Nothing is allocated from a declared length, and `null` and absence are one thing while an
//! empty byte string is another.

use crate::document::bounds;
use crate::error::{AttestError, DocumentKind};
use crate::{Check, PCR_BYTES, Pcr};
use cbor::{Form, Reader};
use std::collections::BTreeMap;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fields<'a> {
    pub(crate) form: Form,
    pub(crate) kind: DocumentKind,
    /// Whether both `pcrs` and `nitrotpm_pcrs` stand in it: of neither kind.
    pub(crate) both_register_fields: bool,
    pub(crate) module_id: &'a str,
    pub(crate) digest: &'a str,
    pub(crate) timestamp_ms: u64,
    pub(crate) pcrs: BTreeMap<u8, Pcr>,
    pub(crate) certificate: &'a [u8],
    pub(crate) cabundle: Vec<&'a [u8]>,
    pub(crate) public_key: Option<&'a [u8]>,
    pub(crate) user_data: Option<&'a [u8]>,
    pub(crate) nonce: Option<&'a [u8]>,
    pub(crate) unknown_keys: Vec<&'a str>,
}

/// Fields as they are met; the map's order is not ours to choose.
#[derive(Default)]
struct Met<'a> {
    keys: Vec<&'a str>,
    unknown: Vec<&'a str>,
    module_id: Option<&'a str>,
    digest: Option<&'a str>,
    timestamp_ms: Option<u64>,
    pcrs: Option<BTreeMap<u8, Pcr>>,
    nitrotpm_pcrs: Option<BTreeMap<u8, Pcr>>,
    certificate: Option<&'a [u8]>,
    cabundle: Option<Vec<&'a [u8]>>,
    public_key: Option<&'a [u8]>,
    user_data: Option<&'a [u8]>,
    nonce: Option<&'a [u8]>,
}

impl<'a> Fields<'a> {
    pub(crate) fn parse(payload: &'a [u8]) -> Result<Self, AttestError> {
        let malformed = AttestError::malformed(9, "payload");
        let mut reader = Reader::with_form(payload, Form::AnyContainer);
        let mut map = reader.map().map_err(&malformed)?;
        let form = if map.left().is_some() { Form::Definite } else { Form::AnyContainer };
        let mut met = Met::default();
        while reader.more(&mut map).map_err(&malformed)? {
            let key = reader.text().map_err(&malformed)?;
            if met.keys.contains(&key) {
                let key = format!("{key:?}");
                return Err(AttestError::DuplicateKey { check: Check::n(9), what: "payload", key });
            }
            bounds(8, "payload fields", met.keys.len() as u64 + 1, 0, FIELDS_MAX)?;
            met.keys.push(key);
            met.field(key, &mut reader)?;
        }
        reader.end().map_err(&malformed)?;
        met.complete(form)
    }
}

impl<'a> Met<'a> {
    fn field(&mut self, key: &'a str, reader: &mut Reader<'a>) -> Result<(), AttestError> {
        match key {
            "module_id" => self.module_id = Some(module_id(reader)?),
            "digest" => self.digest = Some(digest(reader)?),
            "timestamp" => self.timestamp_ms = Some(timestamp(reader)?),
            "pcrs" => self.pcrs = Some(pcrs(reader)?),
            "nitrotpm_pcrs" => self.nitrotpm_pcrs = Some(pcrs(reader)?),
            "certificate" => {
                self.certificate = Some(certificate(14, "certificate", reader)?);
            }
            "cabundle" => self.cabundle = Some(cabundle(reader)?),
            "public_key" => self.public_key = optional(16, "public_key", 1, 1024, reader)?,
            "user_data" => self.user_data = optional(17, "user_data", 0, WORDS_MAX, reader)?,
            "nonce" => self.nonce = optional(18, "nonce", 0, WORDS_MAX, reader)?,
            _ => {
                reader.raw().map_err(AttestError::malformed(9, "unknown field"))?;
                self.unknown.push(key);
            }
        }
        Ok(())
    }

    fn complete(self, form: Form) -> Result<Fields<'a>, AttestError> {
        let missing = |number: u8, field: &'static str| AttestError::MissingField {
            check: Check::n(number),
            field,
        };
        // A document with both kinds of registers is not an enclave's either; nor is it an
        // instance's: see check N33.
        let both = self.nitrotpm_pcrs.is_some() && self.pcrs.is_some();
        let (kind, pcrs) = match self.nitrotpm_pcrs {
            Some(pcrs) => (DocumentKind::NitroTpm, Some(pcrs)),
            None => (DocumentKind::Enclave, self.pcrs),
        };
        if kind == DocumentKind::Enclave {
            // The NSM gives no more; the kind is known only now.
            let bytes = |value: Option<&[u8]>| value.map_or(0, |value| value.len() as u64);
            bounds(17, "user_data", bytes(self.user_data), 0, ENCLAVE_WORDS_MAX)?;
            bounds(18, "nonce", bytes(self.nonce), 0, ENCLAVE_WORDS_MAX)?;
        }
        Ok(Fields {
            form,
            kind,
            both_register_fields: both,
            module_id: self.module_id.ok_or_else(|| missing(10, "module_id"))?,
            digest: self.digest.ok_or_else(|| missing(11, "digest"))?,
            timestamp_ms: self.timestamp_ms.ok_or_else(|| missing(12, "timestamp"))?,
            pcrs: pcrs.ok_or_else(|| missing(13, "pcrs"))?,
            certificate: self.certificate.ok_or_else(|| missing(14, "certificate"))?,
            cabundle: self.cabundle.ok_or_else(|| missing(15, "cabundle"))?,
            public_key: self.public_key,
            user_data: self.user_data,
            nonce: self.nonce,
            unknown_keys: self.unknown,
        })
    }
}

fn module_id<'a>(reader: &mut Reader<'a>) -> Result<&'a str, AttestError> {
    let value = reader.text().map_err(AttestError::malformed(10, "module_id"))?;
    bounds(10, "module_id bytes", value.len() as u64, 1, MODULE_ID_BYTES_MAX)?;
    Ok(value)
}

fn digest<'a>(reader: &mut Reader<'a>) -> Result<&'a str, AttestError> {
    let value = reader.text().map_err(AttestError::malformed(11, "digest"))?;
    if value != "SHA384" {
        return Err(AttestError::value(11, "digest", "\"SHA384\"", format!("{value:?}")));
    }
    Ok(value)
}

fn timestamp(reader: &mut Reader<'_>) -> Result<u64, AttestError> {
    let value = reader.uint().map_err(AttestError::malformed(12, "timestamp"))?;
    if value == 0 {
        return Err(AttestError::value(12, "timestamp", "more than 0 ms", "0"));
    }
    bounds(21, "timestamp ms", value, 1, TIMESTAMP_MS_MAX)?;
    Ok(value)
}

fn pcrs(reader: &mut Reader<'_>) -> Result<BTreeMap<u8, Pcr>, AttestError> {
    let malformed = AttestError::malformed(13, "pcrs");
    let mut map = reader.map().map_err(&malformed)?;
    let mut registers = BTreeMap::new();
    while reader.more(&mut map).map_err(&malformed)? {
        let index = reader.uint().map_err(&malformed)?;
        bounds(13, "PCR index", index, 0, PCR_INDEX_MAX)?;
        let value = reader.bytes().map_err(&malformed)?;
        if ![32, 48, 64].contains(&value.len()) {
            let actual = value.len().to_string();
            return Err(AttestError::value(13, "PCR bytes", "32, 48 or 64", actual));
        }
        let size = PCR_BYTES as u64;
        bounds(19, "PCR bytes", value.len() as u64, size, size)?;
        let value: Pcr = value.try_into().expect("48 bytes because the bounds were just checked");
        if registers.insert(index as u8, value).is_some() {
            let key = index.to_string();
            return Err(AttestError::DuplicateKey { check: Check::n(13), what: "pcrs", key });
        }
    }
    bounds(13, "pcrs", registers.len() as u64, 1, PCR_INDEX_MAX + 1)?;
    Ok(registers)
}

fn certificate<'a>(
    number: u8,
    what: &'static str,
    reader: &mut Reader<'a>,
) -> Result<&'a [u8], AttestError> {
    let value = reader.bytes().map_err(AttestError::malformed(number, what))?;
    bounds(number, what, value.len() as u64, 1, CERTIFICATE_BYTES_MAX)?;
    Ok(value)
}

fn cabundle<'a>(reader: &mut Reader<'a>) -> Result<Vec<&'a [u8]>, AttestError> {
    let malformed = AttestError::malformed(15, "cabundle");
    let mut array = reader.array().map_err(&malformed)?;
    let mut bundle = Vec::new();
    while reader.more(&mut array).map_err(&malformed)? {
        bounds(20, "cabundle entries", bundle.len() as u64 + 1, 1, CABUNDLE_ENTRIES_MAX)?;
        bundle.push(certificate(15, "cabundle entry bytes", reader)?);
    }
    bounds(20, "cabundle entries", bundle.len() as u64, 1, CABUNDLE_ENTRIES_MAX)?;
    Ok(bundle)
}

fn optional<'a>(
    number: u8,
    what: &'static str,
    min: u64,
    max: u64,
    reader: &mut Reader<'a>,
) -> Result<Option<&'a [u8]>, AttestError> {
    let malformed = AttestError::malformed(number, what);
    if reader.null().map_err(&malformed)? {
        return Ok(None);
    }
    let value = reader.bytes().map_err(&malformed)?;
    bounds(number, what, value.len() as u64, min, max)?;
    Ok(Some(value))
}

const FIELDS_MAX: u64 = 32;
const MODULE_ID_BYTES_MAX: u64 = 255;
const PCR_INDEX_MAX: u64 = 31;
/// What AWS says of NitroTPM documents: `user_data = bytes .size (0..1024)`.
const WORDS_MAX: u64 = 1024;
const ENCLAVE_WORDS_MAX: u64 = 512;
const CERTIFICATE_BYTES_MAX: u64 = 1024;
const CABUNDLE_ENTRIES_MAX: u64 = 8;
/// Milliseconds whose nanoseconds still fit 64 signed bits.
const TIMESTAMP_MS_MAX: u64 = i64::MAX as u64 / 1_000_000;
