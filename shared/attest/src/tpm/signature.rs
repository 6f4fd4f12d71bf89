//! TPMT_SIGNATURE (TPM 2.0 Part 2, 11.3.4; checks T13 and T18): RSASSA, RSAPSS and ECDSA with
//! SHA-256, SHA-384 or SHA-512. SHA-1 and every other scheme are refused by name, and nothing is
//! verified here: see [`crate::tpm::key`].

use crate::Check;
use crate::bytes::Bytes;
use crate::error::AttestError;
use crate::tpm::HashAlgorithm;

/// A signature scheme with its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scheme {
    pub(crate) kind: SchemeKind,
    pub(crate) hash: HashAlgorithm,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SchemeKind {
    RsaSsa,
    RsaPss,
    Ecdsa,
}

impl SchemeKind {
    pub(crate) fn of(id: u16) -> Option<Self> {
        match id {
            0x0014 => Some(SchemeKind::RsaSsa),
            0x0016 => Some(SchemeKind::RsaPss),
            0x0018 => Some(SchemeKind::Ecdsa),
            _ => None,
        }
    }
}

impl std::fmt::Display for Scheme {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = match self.kind {
            SchemeKind::RsaSsa => "RSASSA",
            SchemeKind::RsaPss => "RSAPSS",
            SchemeKind::Ecdsa => "ECDSA",
        };
        write!(f, "{kind} with {}", self.hash)
    }
}

/// The numbers of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Rsa(&'a [u8]),
    Ecdsa { r: &'a [u8], s: &'a [u8] },
}

/// A signature as it came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Signature<'a> {
    pub(crate) scheme: Scheme,
    pub(crate) value: Value<'a>,
}

impl<'a> Signature<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, AttestError> {
        if bytes.is_empty() {
            let (expected, actual) = ("a TPMT_SIGNATURE", "none: a bare TPMS_ATTEST");
            return Err(AttestError::refuse(Check::t(18), "signature", expected, actual));
        }
        let size = bytes.len() as u64;
        AttestError::within(Check::t(13), "TPMT_SIGNATURE bytes", size, 1, SIGNATURE_BYTES_MAX)?;
        let mut reader = Bytes::new(bytes, Check::t(13), "TPMT_SIGNATURE");
        let id = reader.be16()?;
        let Some(kind) = SchemeKind::of(id) else {
            let actual = format!("{id:#06x}");
            let expected = "RSASSA (0x0014), RSAPSS (0x0016) or ECDSA (0x0018)";
            return Err(AttestError::refuse(Check::t(18), "sigAlg", expected, actual));
        };
        let hash = HashAlgorithm::of(reader.be16()?, Check::t(18), "signature hash")?;
        let value = match kind {
            SchemeKind::RsaSsa | SchemeKind::RsaPss => {
                Value::Rsa(reader.sized("RSA signature bytes", RSA_BYTES_MAX)?)
            }
            SchemeKind::Ecdsa => Value::Ecdsa {
                r: reader.sized("signature r bytes", ECC_BYTES_MAX)?,
                s: reader.sized("signature s bytes", ECC_BYTES_MAX)?,
            },
        };
        reader.end()?;
        Ok(Self { scheme: Scheme { kind, hash }, value })
    }
}

const SIGNATURE_BYTES_MAX: u64 = 1100;
const RSA_BYTES_MAX: u64 = 1024;
const ECC_BYTES_MAX: u64 = 66;
