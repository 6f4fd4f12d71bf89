//! The hash algorithms that a quote, a bank or an event log may use. SHA-1 has a number here so
//! that a log which carries it can be read, and no way to compute it: nothing may rest on it.

use crate::Check;
use crate::error::AttestError;
use sha2::{Digest, Sha256, Sha384, Sha512};

/// A hash algorithm that may decide something (TPM 2.0 Part 2, 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HashAlgorithm {
    /// TPM_ALG_SHA256.
    Sha256,
    /// TPM_ALG_SHA384.
    Sha384,
    /// TPM_ALG_SHA512. Signs quotes; never a bank here.
    Sha512,
}

impl HashAlgorithm {
    /// TPM_ALG_ID.
    pub fn id(self) -> u16 {
        match self {
            HashAlgorithm::Sha256 => 0x000b,
            HashAlgorithm::Sha384 => 0x000c,
            HashAlgorithm::Sha512 => 0x000d,
        }
    }

    /// Bytes in a digest.
    pub fn bytes(self) -> usize {
        match self {
            HashAlgorithm::Sha256 => 32,
            HashAlgorithm::Sha384 => 48,
            HashAlgorithm::Sha512 => 64,
        }
    }

    /// The algorithm of that TPM_ALG_ID; `check` refuses any other, SHA-1 by its name.
    pub(crate) fn of(id: u16, check: Check, what: &'static str) -> Result<Self, AttestError> {
        [HashAlgorithm::Sha256, HashAlgorithm::Sha384, HashAlgorithm::Sha512]
            .into_iter()
            .find(|one| one.id() == id)
            .ok_or_else(|| {
                let actual = match id {
                    SHA1 => "SHA-1".to_owned(),
                    other => format!("algorithm {other:#06x}"),
                };
                AttestError::refuse(check, what, "SHA-256, SHA-384 or SHA-512", actual)
            })
    }

    /// The hash of the parts, one after the other.
    pub fn digest(self, parts: &[&[u8]]) -> Vec<u8> {
        match self {
            HashAlgorithm::Sha256 => over::<Sha256>(parts),
            HashAlgorithm::Sha384 => over::<Sha384>(parts),
            HashAlgorithm::Sha512 => over::<Sha512>(parts),
        }
    }
}

impl std::fmt::Display for HashAlgorithm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            HashAlgorithm::Sha256 => "SHA-256",
            HashAlgorithm::Sha384 => "SHA-384",
            HashAlgorithm::Sha512 => "SHA-512",
        })
    }
}

fn over<D: Digest>(parts: &[&[u8]]) -> Vec<u8> {
    let mut hash = D::new();
    for part in parts {
        hash.update(part);
    }
    hash.finalize().to_vec()
}

const SHA1: u16 = 0x0004;
