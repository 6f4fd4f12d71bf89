//! The envelope of a document: an untagged or tag-18 COSE_Sign1 (checks N1 to N8).
//! It keeps the received bytes of what is signed and must never re-encode them, and nothing in
//! here is to be believed before [`crate::verify`] has accepted the same bytes.

use crate::error::{AttestError, DocumentKind};
use crate::{Pcr, hex, payload};
use cbor::{Form, Kind, Reader};
use std::collections::BTreeMap;

/// A document as it came: well-formed, but nobody has vouched for a word of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnverifiedDocument<'a> {
    pub(crate) protected: &'a [u8],
    pub(crate) payload: &'a [u8],
    pub(crate) signature: &'a [u8; SIGNATURE_BYTES],
    pub(crate) fields: payload::Fields<'a>,
}

impl<'a> UnverifiedDocument<'a> {
    /// Reads the envelope and the payload (N1 to N21). Verifies no signature.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, AttestError> {
        let size = bytes.len() as u64;
        bounds(1, "document", size, 1, DOCUMENT_BYTES_MAX)?;
        let mut reader = Reader::new(bytes);
        if reader.peek().map_err(AttestError::malformed(2, "envelope"))? == Kind::Tag {
            let tag = reader.tag().map_err(AttestError::malformed(2, "envelope"))?;
            if tag != COSE_SIGN1_TAG {
                return Err(AttestError::value(2, "tag", "none or 18", tag.to_string()));
            }
        }
        reader.array_of("envelope", 4).map_err(AttestError::malformed(3, "envelope"))?;
        let protected = reader.bytes().map_err(AttestError::malformed(4, "protected header"))?;
        if protected != PROTECTED_ES384 {
            let expected = format!("{} ({{1: -35}})", hex(&PROTECTED_ES384));
            let actual = hex(&protected[..protected.len().min(32)]);
            return Err(AttestError::value(4, "protected header", expected, actual));
        }
        reader
            .map_of("unprotected header", 0)
            .map_err(AttestError::malformed(5, "unprotected header"))?;
        let payload = reader.bytes().map_err(AttestError::malformed(6, "payload"))?;
        bounds(6, "payload", payload.len() as u64, 1, PAYLOAD_BYTES_MAX)?;
        let signature = reader.bytes().map_err(AttestError::malformed(7, "signature"))?;
        let length = signature.len() as u64;
        let size = SIGNATURE_BYTES as u64;
        bounds(7, "signature bytes", length, size, size)?;
        let signature: &[u8; SIGNATURE_BYTES] =
            signature.try_into().expect("96 bytes because the bounds were just checked");
        scalar_in_range("r", &signature[..SCALAR_BYTES])?;
        scalar_in_range("s", &signature[SCALAR_BYTES..])?;
        reader.end().map_err(AttestError::malformed(3, "envelope"))?;
        let fields = payload::Fields::parse(payload)?;
        Ok(Self { protected, payload, signature, fields })
    }

    /// The COSE `Sig_structure` over the received bytes, with an empty `external_aad`.
    pub(crate) fn signed_bytes(&self) -> Vec<u8> {
        let mut writer = cbor::Writer::with_capacity(self.payload.len() + 32);
        writer.array(4).text("Signature1").bytes(self.protected).bytes(&[]).bytes(self.payload);
        writer.finish()
    }

    /// The payload's received bytes.
    pub fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// The form of the payload's map: AWS wrote definite maps until 2025-04, indefinite since.
    pub fn payload_form(&self) -> Form {
        self.fields.form
    }

    /// Who claims to speak.
    pub fn kind(&self) -> DocumentKind {
        self.fields.kind
    }

    /// The module's name.
    pub fn module_id(&self) -> &'a str {
        self.fields.module_id
    }

    /// The digest's name, always `SHA384`.
    pub fn digest(&self) -> &'a str {
        self.fields.digest
    }

    /// The hypervisor's clock, Unix milliseconds.
    pub fn timestamp_ms(&self) -> u64 {
        self.fields.timestamp_ms
    }

    /// The locked registers.
    pub fn pcrs(&self) -> &BTreeMap<u8, Pcr> {
        &self.fields.pcrs
    }

    /// The leaf certificate, DER.
    pub fn certificate(&self) -> &'a [u8] {
        self.fields.certificate
    }

    /// The issuers, root first, DER.
    pub fn cabundle(&self) -> &[&'a [u8]] {
        &self.fields.cabundle
    }

    /// The enclave's key, where given.
    pub fn public_key(&self) -> Option<&'a [u8]> {
        self.fields.public_key
    }

    /// The enclave's words; empty is not the same as absent.
    pub fn user_data(&self) -> Option<&'a [u8]> {
        self.fields.user_data
    }

    /// The caller's nonce; empty is not the same as absent.
    pub fn nonce(&self) -> Option<&'a [u8]> {
        self.fields.nonce
    }

    /// Keys that this version does not know: ignored, but reported.
    pub fn unknown_keys(&self) -> &[&'a str] {
        &self.fields.unknown_keys
    }
}

/// Refuses a length or count outside `min..=max`.
pub(crate) fn bounds(
    number: u8,
    what: &'static str,
    actual: u64,
    min: u64,
    max: u64,
) -> Result<(), AttestError> {
    AttestError::within(crate::Check::n(number), what, actual, min, max)
}

fn scalar_in_range(name: &'static str, scalar: &[u8]) -> Result<(), AttestError> {
    // Big-endian of one length: the order of the bytes is the order of the numbers.
    if scalar.iter().any(|byte| *byte != 0) && *scalar < P384_ORDER[..] {
        return Ok(());
    }
    let what = format!("signature {name}");
    Err(AttestError::value(7, what, "0 < value < n", hex(scalar)))
}

const COSE_SIGN1_TAG: u64 = 18;
const PROTECTED_ES384: [u8; 4] = [0xa1, 0x01, 0x38, 0x22];
const PAYLOAD_BYTES_MAX: u64 = 16_384;
/// The payload and room for tag, heads, header and signature (109 bytes).
const DOCUMENT_BYTES_MAX: u64 = PAYLOAD_BYTES_MAX + 128;
const SCALAR_BYTES: usize = 48;
const SIGNATURE_BYTES: usize = 2 * SCALAR_BYTES;
/// The order n of P-384 (FIPS 186-4 D.1.2.4).
const P384_ORDER: [u8; SCALAR_BYTES] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xc7, 0x63, 0x4d, 0x81, 0xf4, 0x37, 0x2d, 0xdf,
    0x58, 0x1a, 0x0d, 0xb2, 0x48, 0xb0, 0xa7, 0x7a, 0xec, 0xec, 0x19, 0x6a, 0xcc, 0xc5, 0x29, 0x73,
];
