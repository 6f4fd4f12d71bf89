//! UEFI variables in events (UEFI_VARIABLE_DATA, PC Client profile, 10) and the key lists in
//! them (EFI_SIGNATURE_LIST, UEFI 2.10, 32.4.1; check T28). A list's header lies between its head
//! and its entries: a reader that forgets it takes header bytes for entries
//! (GHSA-9r4w-jg96-92mv), so that an attacker's hash would look like one that the owner allowed.

use crate::Check;
use crate::bytes::Bytes;
use crate::error::AttestError;

/// A GUID in the byte order of UEFI.
pub(crate) type Guid = [u8; 16];

/// A variable inside an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variable<'a> {
    pub(crate) vendor: Guid,
    pub(crate) name: String,
    pub(crate) value: &'a [u8],
}

impl<'a> Variable<'a> {
    /// Reads UEFI_VARIABLE_DATA with no remainder; `check` refuses.
    pub(crate) fn parse(data: &'a [u8], check: Check) -> Result<Self, AttestError> {
        let mut reader = Bytes::new(data, check, "UEFI_VARIABLE_DATA");
        let vendor = guid(&mut reader)?;
        let (name_units, value_bytes) = (reader.le64()?, reader.le64()?);
        AttestError::within(check, "variable name length", name_units, 0, NAME_UNITS_MAX)?;
        let name = reader.take(2 * name_units)?;
        let units = name.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
        let name = char::decode_utf16(units).map(|one| one.unwrap_or('\u{fffd}')).collect();
        let value = reader.take(value_bytes)?;
        reader.end()?;
        Ok(Self { vendor, name, value })
    }
}

/// One entry of a key list: a certificate, or a hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureEntry {
    /// What `data` is, a GUID in the byte order of UEFI.
    pub kind: [u8; 16],
    /// Who enrolled it, a GUID in the byte order of UEFI.
    pub owner: [u8; 16],
    /// The certificate in DER, or the hash.
    pub data: Vec<u8>,
}

/// The entries of a variable that holds key lists (PK, KEK, db, dbx).
pub fn parse_signature_lists(value: &[u8]) -> Result<Vec<SignatureEntry>, AttestError> {
    AttestError::within(T28, "key lists, bytes", value.len() as u64, 0, LISTS_BYTES_MAX)?;
    let mut reader = Bytes::new(value, T28, "EFI_SIGNATURE_LIST");
    let mut entries = Vec::new();
    while !reader.rest().is_empty() {
        list(&mut reader, &mut entries)?;
    }
    Ok(entries)
}

fn list(reader: &mut Bytes<'_>, entries: &mut Vec<SignatureEntry>) -> Result<(), AttestError> {
    let kind = guid(reader)?;
    let (list_bytes, header_bytes, entry_bytes) =
        (u64::from(reader.le32()?), u64::from(reader.le32()?), u64::from(reader.le32()?));
    let refuse = |what: &str, expected: &str, actual: u64| {
        Err(AttestError::refuse(T28, what, expected, actual.to_string()))
    };
    let Some(body_bytes) = list_bytes.checked_sub(HEAD_BYTES + header_bytes) else {
        return refuse("SignatureListSize", "at least head and header", list_bytes);
    };
    if [X509, SHA256].contains(&kind) && header_bytes != 0 {
        return refuse("SignatureHeaderSize", "0 for this kind of entry", header_bytes);
    }
    if kind == SHA256 && entry_bytes != OWNER_BYTES + 32 {
        return refuse("SignatureSize", "48 for SHA-256", entry_bytes);
    }
    if entry_bytes <= OWNER_BYTES || !body_bytes.is_multiple_of(entry_bytes) {
        return refuse("SignatureSize", "more than 16, and a divisor of the list", entry_bytes);
    }
    reader.take(header_bytes)?;
    let mut body = Bytes::new(reader.take(body_bytes)?, T28, "EFI_SIGNATURE_LIST");
    while !body.rest().is_empty() {
        let owner = guid(&mut body)?;
        let data = body.take(entry_bytes - OWNER_BYTES)?.to_vec();
        entries.push(SignatureEntry { kind, owner, data });
    }
    Ok(())
}

fn guid(reader: &mut Bytes<'_>) -> Result<Guid, AttestError> {
    let taken = reader.take(OWNER_BYTES)?;
    Ok(taken.try_into().expect("16 bytes because just as many were taken"))
}

const T28: Check = Check::t(28);
const NAME_UNITS_MAX: u64 = 1024;
const LISTS_BYTES_MAX: u64 = 1 << 20;
/// Kind, SignatureListSize, SignatureHeaderSize, SignatureSize.
const HEAD_BYTES: u64 = 28;
const OWNER_BYTES: u64 = 16;
/// EFI_CERT_X509_GUID, a5c059a1-94e4-4aa7-87b5-ab155c2bf072.
const X509: Guid = [
    0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a, 0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72,
];
/// EFI_CERT_SHA256_GUID, c1c41626-504c-4092-aca9-41f936934328.
const SHA256: Guid = [
    0x26, 0x16, 0xc4, 0xc1, 0x4c, 0x50, 0x92, 0x40, 0xac, 0xa9, 0x41, 0xf9, 0x36, 0x93, 0x43, 0x28,
];
