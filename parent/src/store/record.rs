//! The bytes of the store's values: CBOR of our own, read back strictly. It must never be a
//! format that anybody verifies; what is signed is inside, as it came from the enclave.

use super::{Location, RefRecord, StoredEntry, StoredQuote};
use crate::error::Error;
use cbor::{CborError, Reader, Writer};

/// Version of these encodings.
const VERSION: u64 = 1;

/// `[1, client_ref, envelope, salt, [result…]]`.
pub fn write_entry(entry: &wire::Entry) -> Vec<u8> {
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
        r.array_of("entry", 5)?;
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
        Ok(StoredEntry { envelope, salt, results })
    };
    read().map_err(damaged("entry"))
}

/// `[1, root, document]`.
pub fn write_quote(quote: &wire::Quote) -> Vec<u8> {
    let mut w = Writer::with_capacity(quote.document.len() + 48);
    w.array(3).uint(VERSION).bytes(&quote.checkpoint.2).bytes(&quote.document);
    w.finish()
}

/// The reverse of [`write_quote`].
pub fn read_quote(size: u64, bytes: &[u8]) -> Result<StoredQuote, Error> {
    let read = || {
        let mut r = Reader::new(bytes);
        r.array_of("quote", 3)?;
        version(&mut r)?;
        let root = r.array_bytes("root")?;
        let document = r.bytes_max("document", wire::DOCUMENT_BYTES_MAX)?.to_vec();
        r.end()?;
        Ok(StoredQuote { size, root, document })
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
    let at = r.position();
    match r.uint()? {
        VERSION => Ok(()),
        found => Err(CborError::Range { at, what: "record version", expected: "1", found }),
    }
}

fn damaged(what: &'static str) -> impl FnOnce(CborError) -> Error {
    move |error| Error::Damaged(format!("{what}: {error}"))
}
