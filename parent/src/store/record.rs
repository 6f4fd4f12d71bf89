//! The bytes of the store's values: CBOR of our own, read back strictly. It must never be a
//! format that anybody verifies; what is signed is inside, as it came from the enclave.

use super::{Location, RefRecord, StoredEntry, StoredQuote};
use crate::error::Error;
use cbor::{CborError, Reader, Writer};
use crypto::Signature;
use proof::LogSignatures;

/// Version of these encodings.
const VERSION: u64 = 1;
/// Version of a quote's.
const QUOTE_VERSION: u64 = 2;
/// What stands in its place when the request was sealed.
const SEALED_VERSION: u64 = 2;

/// `[1, client_ref, envelope, salt, [result…]]`; of a sealed request
/// `[2, client_ref, envelope, sealed reply]`.
pub fn write_entry(entry: &wire::Entry) -> Vec<u8> {
    if !entry.sealed.is_empty() {
        let size = entry.envelope.len() + entry.client_ref.len() + entry.sealed.len() + 64;
        let mut w = Writer::with_capacity(size);
        w.array(4).uint(SEALED_VERSION).bytes(&entry.client_ref).bytes(&entry.envelope);
        w.bytes(&entry.sealed);
        return w.finish();
    }
    let results: usize = entry.results.iter().map(|result| result.len() + 4).sum();
    let size = entry.envelope.len() + entry.client_ref.len() + results + 64;
    let mut w = Writer::with_capacity(size);
    w.array(5).uint(VERSION).bytes(&entry.client_ref).bytes(&entry.envelope).bytes(&entry.salt);
    w.array(entry.results.len());
    for result in &entry.results {
        w.bytes(result);
    }
    w.finish()
}

/// The reverse of [`write_entry`].
pub fn read_entry(bytes: &[u8]) -> Result<StoredEntry, Error> {
    let read = || {
        let mut r = Reader::new(bytes);
        let fields = r.array()?.left();
        if fields == Some(4) {
            return read_sealed(&mut r);
        }
        if fields != Some(5) {
            let (what, found) = ("entry", fields.unwrap_or_default());
            return Err(CborError::Range { at: 0, what, expected: "4 or 5 fields", found });
        }
        version(&mut r)?;
        r.bytes_max("client reference", wire::CLIENT_REF_BYTES_MAX)?;
        let envelope = r.bytes()?.to_vec();
        let salt = r.array_bytes("salt")?;
        let mut results = Vec::new();
        let mut list = r.array()?;
        while r.more(&mut list)? {
            results.push(r.bytes()?.to_vec());
        }
        r.end()?;
        Ok(StoredEntry { envelope, salt, results, sealed: Vec::new() })
    };
    read().map_err(damaged("entry"))
}

fn read_sealed(r: &mut Reader<'_>) -> Result<StoredEntry, CborError> {
    version_of(r, SEALED_VERSION)?;
    r.bytes_max("client reference", wire::CLIENT_REF_BYTES_MAX)?;
    let (envelope, sealed) = (r.bytes()?.to_vec(), r.bytes()?.to_vec());
    r.end()?;
    Ok(StoredEntry { envelope, salt: [0; 32], results: Vec::new(), sealed })
}

/// `[2, root, document, note signature, receipt signature]`.
pub fn write_quote(quote: &wire::Quote) -> Vec<u8> {
    let mut w = Writer::with_capacity(quote.document.len() + 180);
    w.array(5).uint(QUOTE_VERSION).bytes(&quote.checkpoint.2).bytes(&quote.document);
    let [note, receipt] = &quote.log_signatures;
    w.bytes(note).bytes(receipt);
    w.finish()
}

/// The reverse of [`write_quote`]. Version 1, `[1, root, document]`, is of before logs signed.
pub fn read_quote(size: u64, bytes: &[u8]) -> Result<StoredQuote, Error> {
    let read = || {
        let mut r = Reader::new(bytes);
        let (row, at) = (r.array()?, r.position());
        let signed = match (row.left(), r.uint()?) {
            (Some(3), VERSION) => false,
            (Some(5), QUOTE_VERSION) => true,
            (_, found) => {
                let (what, expected) = ("quote's version", "1 or 2");
                return Err(CborError::Range { at, what, expected, found });
            }
        };
        let root = r.array_bytes("root")?;
        let document = r.bytes_max("document", wire::DOCUMENT_BYTES_MAX)?.to_vec();
        let log_signatures = match signed {
            true => {
                let note = Signature(r.array_bytes("note signature")?);
                let receipt = Signature(r.array_bytes("receipt signature")?);
                Some(LogSignatures { note, receipt })
            }
            false => None,
        };
        r.end()?;
        Ok(StoredQuote { size, root, document, log_signatures })
    };
    read().map_err(damaged("quote"))
}

/// `[1, body hash, boot ordinal, index]`.
pub fn write_ref(record: &RefRecord) -> Vec<u8> {
    let mut w = Writer::with_capacity(64);
    w.array(4).uint(VERSION).bytes(&record.body);
    w.uint(record.location.boot.into()).uint(record.location.index);
    w.finish()
}

/// The reverse of [`write_ref`].
pub fn read_ref(bytes: &[u8]) -> Result<RefRecord, Error> {
    let read = || {
        let mut r = Reader::new(bytes);
        r.array_of("client reference", 4)?;
        version(&mut r)?;
        let body = r.array_bytes("body hash")?;
        let boot = r.uint_max("boot ordinal", u32::MAX.into())? as u32;
        let location = Location { boot, index: r.uint()? };
        r.end()?;
        Ok(RefRecord { body, location })
    };
    read().map_err(damaged("client reference"))
}

fn version(r: &mut Reader<'_>) -> Result<(), CborError> {
    version_of(r, VERSION)
}

fn version_of(r: &mut Reader<'_>, wanted: u64) -> Result<(), CborError> {
    let at = r.position();
    let found = r.uint()?;
    if found != wanted {
        return Err(CborError::Range { at, what: "record version", expected: "its own", found });
    }
    Ok(())
}

fn damaged(what: &'static str) -> impl FnOnce(CborError) -> Error {
    move |error| Error::Damaged(format!("{what}: {error}"))
}
