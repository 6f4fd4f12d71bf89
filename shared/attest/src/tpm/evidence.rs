//! The evidence kind `tpm`, versions 1 and 2 (TPM.md): one deterministic CBOR map with a quote, its
//! key, the quoted values, what the quote speaks for, and in version 2 the runtime log. The reader
//! takes one encoding only; what it returns is a claim until [`crate::tpm::verify_evidence`] has
//! accepted the same bytes.

use crate::Check;
use crate::cel::RUNTIME_LOG_BYTES_MAX;
use crate::error::AttestError;
use cbor::{CborError, Reader, Writer};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Evidence of kind `tpm`, as it came or as it is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TpmEvidence<'a> {
    /// TPMS_ATTEST as the TPM returned it.
    pub attest: &'a [u8],
    /// TPMT_SIGNATURE as the TPM returned it.
    pub signature: &'a [u8],
    /// The attestation key's TPMT_PUBLIC.
    pub ak_public: &'a [u8],
    /// The quoted registers, exactly the selection.
    pub pcrs: BTreeMap<u8, &'a [u8]>,
    /// What the quote speaks for: the checkpoint.
    pub user_data: &'a [u8],
    /// A COSE_KeySet with the proof-signing key.
    pub key_set: &'a [u8],
    /// The caller's challenge.
    pub nonce: Option<&'a [u8]>,
    /// Certificates of the attestation key in DER, leaf first; none when its name is pinned.
    pub certificates: Vec<&'a [u8]>,
    /// The runtime log ([`crate::cel`]), which makes this version 2; `None` is version 1.
    pub runtime_log: Option<&'a [u8]>,
}

impl<'a> TpmEvidence<'a> {
    /// Reads the map (T13). Verifies nothing.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, AttestError> {
        let size = bytes.len() as u64;
        AttestError::within(Check::t(13), "evidence bytes", size, 1, EVIDENCE_BYTES_MAX)?;
        Self::read(bytes).map_err(|error| AttestError::Malformed {
            check: Check::t(13),
            what: "evidence",
            error,
        })
    }

    fn read(bytes: &'a [u8]) -> Result<Self, CborError> {
        let mut reader = Reader::new(bytes);
        let keys = reader.map()?.left().unwrap_or_default();
        reader.key(1)?;
        let at = reader.position();
        let version = reader.uint()?;
        let expected = match version {
            VERSION => KEYS,
            VERSION_RUNTIME => KEYS + 1,
            found => {
                let expected = "1 or 2";
                return Err(CborError::Range { at, what: "version", expected, found });
            }
        };
        if keys != expected {
            let (what, expected) = ("evidence", "9 keys in version 1, 10 in version 2");
            return Err(CborError::Range { at: 0, what, expected, found: keys });
        }
        let field = |reader: &mut Reader<'a>, key, what, max| {
            reader.key(key)?;
            reader.bytes_max(what, max)
        };
        let attest = field(&mut reader, 2, "TPMS_ATTEST", 1024)?;
        let signature = field(&mut reader, 3, "TPMT_SIGNATURE", 1100)?;
        let ak_public = field(&mut reader, 4, "TPMT_PUBLIC", 1300)?;
        reader.key(5)?;
        let pcrs = pcrs(&mut reader)?;
        let user_data = field(&mut reader, 6, "user_data", 512)?;
        let key_set = field(&mut reader, 7, "key_set", 1024)?;
        reader.key(8)?;
        let nonce = nonce(&mut reader)?;
        reader.key(9)?;
        let certificates = reader.entries("certificates", CERTIFICATES_MAX, |reader| {
            reader.bytes_max("certificate", 4096)
        })?;
        let runtime_log = match version {
            VERSION => None,
            _ => Some(field(&mut reader, 10, "runtime_log", RUNTIME_LOG_BYTES_MAX as usize)?),
        };
        reader.end()?;
        Ok(Self {
            attest,
            signature,
            ak_public,
            pcrs,
            user_data,
            key_set,
            nonce,
            certificates,
            runtime_log,
        })
    }

    /// Writes the map, version 2 where there is a runtime log. The caller keeps the limits that
    /// [`TpmEvidence::parse`] sets.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        let (keys, version) = match self.runtime_log {
            None => (KEYS, VERSION),
            Some(_) => (KEYS + 1, VERSION_RUNTIME),
        };
        writer.map(keys as usize).uint(1).uint(version);
        writer.uint(2).bytes(self.attest).uint(3).bytes(self.signature);
        writer.uint(4).bytes(self.ak_public).uint(5).array(self.pcrs.len());
        for (index, value) in &self.pcrs {
            writer.array(2).uint(u64::from(*index)).bytes(value);
        }
        writer.uint(6).bytes(self.user_data).uint(7).bytes(self.key_set).uint(8);
        match self.nonce {
            Some(nonce) => writer.bytes(nonce),
            None => writer.null(),
        };
        writer.uint(9).array(self.certificates.len());
        for certificate in &self.certificates {
            writer.bytes(certificate);
        }
        if let Some(log) = self.runtime_log {
            writer.uint(10).bytes(log);
        }
        writer.finish()
    }

    /// The extraData that a quote over this evidence must carry (T17).
    pub fn extra_data(&self) -> [u8; 32] {
        extra_data(self.nonce, self.user_data, self.key_set)
    }
}

/// What a TPM is asked to sign as qualifyingData: SHA-256 over a tag and each part with its
/// length in 16 bits, big-endian. An absent nonce counts as one of length 0.
/// Parts longer than 65,535 bytes cannot be written; the evidence's own limits are far lower.
pub fn extra_data(nonce: Option<&[u8]>, user_data: &[u8], key_set: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(QUOTE_TAG);
    hash.update([0]);
    for part in [nonce.unwrap_or_default(), user_data, key_set] {
        hash.update(u16::try_from(part.len()).unwrap_or(u16::MAX).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

fn pcrs<'a>(reader: &mut Reader<'a>) -> Result<BTreeMap<u8, &'a [u8]>, CborError> {
    let mut last = None;
    let entries = reader.entries("pcrs", 24, |reader| {
        reader.array_of("pcr", 2)?;
        let at = reader.position();
        let found = reader.uint_max("PCR index", 23)?;
        if last.is_some_and(|last| found <= last) {
            let expected = "ascending indexes";
            return Err(CborError::Range { at, what: "PCR index", expected, found });
        }
        last = Some(found);
        Ok((found as u8, reader.bytes_max("PCR", 64)?))
    })?;
    Ok(entries.into_iter().collect())
}

fn nonce<'a>(reader: &mut Reader<'a>) -> Result<Option<&'a [u8]>, CborError> {
    if reader.null()? {
        return Ok(None);
    }
    let at = reader.position();
    let value = reader.bytes_max("nonce", 512)?;
    if value.is_empty() {
        // Null and the empty string would have one extraData.
        return Err(CborError::Range { at, what: "nonce", expected: "null or bytes", found: 0 });
    }
    Ok(Some(value))
}

/// Most bytes in evidence of kind `tpm`.
pub const EVIDENCE_BYTES_MAX: u64 = 32_768;
const VERSION: u64 = 1;
const VERSION_RUNTIME: u64 = 2;
/// Keys of the map in version 1; version 2 has one more.
const KEYS: u64 = 9;
const CERTIFICATES_MAX: usize = 8;
const QUOTE_TAG: &[u8] = b"probity/v1/tpm-quote";
