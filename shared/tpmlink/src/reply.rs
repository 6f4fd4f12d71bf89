//! What the device answers.

use crate::{
    AK_PUBLIC_BYTES_MAX, ATTEST_BYTES_MAX, CERTIFICATE_BYTES_MAX, CERTIFICATES_MAX, LinkError,
    RANDOM_BYTES_MAX, REASON_BYTES_MAX, REGISTER_BYTES_MAX, REGISTERS_MAX, RUNTIME_LOG_BYTES_MAX,
    SIGNATURE_BYTES_MAX, open,
};
use cbor::{CborError, Reader, Writer};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// Number of the highest register of a TPM of a PC.
const REGISTER_MAX: u64 = 23;

/// A quote and what a verifier needs beside it, as the TPM and the registrar gave them. Claims.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Quoted {
    /// TPMS_ATTEST as the TPM returned it.
    pub attest: Vec<u8>,
    /// TPMT_SIGNATURE as the TPM returned it.
    pub signature: Vec<u8>,
    /// The attestation key's TPMT_PUBLIC.
    pub ak_public: Vec<u8>,
    /// The quoted registers, exactly the selection.
    pub pcrs: BTreeMap<u8, Vec<u8>>,
    /// Certificates of the attestation key in DER, leaf first; none when its name is pinned.
    pub certificates: Vec<Vec<u8>>,
    /// The canonical event log of the runtime register.
    pub runtime_log: Vec<u8>,
}

/// A reply. `id` is the request's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The quote.
    Quote {
        /// Request number.
        id: u64,
        /// The quote.
        quoted: Quoted,
    },
    /// This boot configuration was measured before the worker was started.
    Confirmed {
        /// Request number.
        id: u64,
    },
    /// The request was refused.
    Refused {
        /// Request number.
        id: u64,
        /// Why, for people. Cut to [`REASON_BYTES_MAX`] when it is written.
        reason: String,
    },
    /// The TPM's entropy.
    Random {
        /// Request number.
        id: u64,
        /// As many bytes as were asked for.
        bytes: Zeroizing<Vec<u8>>,
    },
}

impl Reply {
    /// The request number.
    pub fn id(&self) -> u64 {
        match self {
            Reply::Quote { id, .. }
            | Reply::Confirmed { id }
            | Reply::Refused { id, .. }
            | Reply::Random { id, .. } => *id,
        }
    }

    /// The frame body. The caller keeps the limits that [`Reply::parse`] sets.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        match self {
            Reply::Quote { id, quoted } => write_quoted(w.array(8).uint(1).uint(*id), quoted),
            Reply::Confirmed { id } => w.array(2).uint(2).uint(*id),
            Reply::Refused { id, reason } => w.array(3).uint(3).uint(*id).text(clip(reason)),
            Reply::Random { id, bytes } => w.array(3).uint(4).uint(*id).bytes(bytes),
        };
        w.finish()
    }

    /// Parses a frame body. What is in it is the device's word.
    pub fn parse(body: &[u8]) -> Result<Self, LinkError> {
        let mut r = Reader::new(body);
        let reply = match open(&mut r)? {
            (1, 7) => Reply::Quote { id: r.uint()?, quoted: read_quoted(&mut r)? },
            (2, 1) => Reply::Confirmed { id: r.uint()? },
            (3, 2) => {
                let (id, reason) = (r.uint()?, r.text_max("reason", REASON_BYTES_MAX)?);
                Reply::Refused { id, reason: reason.to_owned() }
            }
            (4, 2) => {
                let (id, bytes) = (r.uint()?, r.bytes_max("random bytes", RANDOM_BYTES_MAX)?);
                Reply::Random { id, bytes: Zeroizing::new(bytes.to_vec()) }
            }
            (kind, _) => return Err(LinkError::Kind(kind)),
        };
        r.end()?;
        Ok(reply)
    }
}

fn write_quoted<'a>(w: &'a mut Writer, quoted: &Quoted) -> &'a mut Writer {
    w.bytes(&quoted.attest).bytes(&quoted.signature).bytes(&quoted.ak_public);
    write_pcrs(w, &quoted.pcrs);
    write_certificates(w, &quoted.certificates);
    w.bytes(&quoted.runtime_log)
}

fn read_quoted(r: &mut Reader<'_>) -> Result<Quoted, CborError> {
    Ok(Quoted {
        attest: r.bytes_max("TPMS_ATTEST", ATTEST_BYTES_MAX)?.to_vec(),
        signature: r.bytes_max("TPMT_SIGNATURE", SIGNATURE_BYTES_MAX)?.to_vec(),
        ak_public: r.bytes_max("TPMT_PUBLIC", AK_PUBLIC_BYTES_MAX)?.to_vec(),
        pcrs: read_pcrs(r)?,
        certificates: r.entries("certificates", CERTIFICATES_MAX, |r| {
            Ok(r.bytes_max("certificate", CERTIFICATE_BYTES_MAX)?.to_vec())
        })?,
        runtime_log: r.bytes_max("runtime log", RUNTIME_LOG_BYTES_MAX)?.to_vec(),
    })
}

/// Registers, as a quote of the link and the evidence have them.
pub(crate) fn write_pcrs(w: &mut Writer, pcrs: &BTreeMap<u8, Vec<u8>>) {
    w.array(pcrs.len());
    for (index, value) in pcrs {
        w.array(2).uint(u64::from(*index)).bytes(value);
    }
}

/// Certificates, as a quote of the link and the evidence have them.
pub(crate) fn write_certificates(w: &mut Writer, certificates: &[Vec<u8>]) {
    w.array(certificates.len());
    for certificate in certificates {
        w.bytes(certificate);
    }
}

fn read_pcrs(r: &mut Reader<'_>) -> Result<BTreeMap<u8, Vec<u8>>, CborError> {
    let mut last = None;
    let registers = r.entries("registers", REGISTERS_MAX, |r| {
        r.array_of("register", 2)?;
        let at = r.position();
        let found = r.uint_max("register", REGISTER_MAX)?;
        if last.is_some_and(|last| found <= last) {
            let (what, expected) = ("register", "ascending numbers");
            return Err(CborError::Range { at, what, expected, found });
        }
        last = Some(found);
        Ok((found as u8, r.bytes_max("register's value", REGISTER_BYTES_MAX)?.to_vec()))
    })?;
    Ok(registers.into_iter().collect())
}

/// Cuts a text to what a reply carries, at a character's edge.
fn clip(text: &str) -> &str {
    let mut end = text.len().min(REASON_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
