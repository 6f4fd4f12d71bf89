//! An attestation key for whoever registers it (T4 to T6, T13, T18): its public area judged, its
//! name, its SubjectPublicKeyInfo, and signatures by it. It must never be believed for having been
//! read: why a key is trusted is the registrar's to establish (T1 to T3, T7, T9 to T12).

use crate::Check;
use crate::error::AttestError;
use crate::tpm::HashAlgorithm;
use crate::tpm::public::AkPublic;
use crate::tpm::signature::Signature;

/// An attestation key's public area that passed T4 to T6.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttestationKey(AkPublic);

impl AttestationKey {
    /// Reads TPMT_PUBLIC (TPM 2.0 Part 2, 12.2.4), without a length before it: restricted, signing,
    /// fixed to its TPM; RSA of 2,048 to 8,192 bits, P-256 or P-384, with a fixed scheme.
    pub fn parse(tpmt_public: &[u8]) -> Result<Self, AttestError> {
        AkPublic::parse(tpmt_public).map(Self)
    }

    /// The TPM name: nameAlg and the digest of the public area (TPM 2.0 Part 1, 16).
    pub fn name(&self) -> &[u8] {
        &self.0.name
    }

    /// The algorithm of the name's digest.
    pub fn name_algorithm(&self) -> HashAlgorithm {
        self.0.name_algorithm
    }

    /// SubjectPublicKeyInfo in DER (RFC 3279, RFC 5480), as [`crate::tpm::AkTrust::with_key`]
    /// takes it.
    pub fn spki_der(&self) -> Result<Vec<u8>, AttestError> {
        self.0.key.spki_der()
    }

    /// Whether the key made a TPMT_SIGNATURE (TPM 2.0 Part 2, 11.3.4) over `message`: T13 for its
    /// form, T18 for its scheme, which is the key's, and for the signature itself.
    pub fn verify(&self, message: &[u8], tpmt_signature: &[u8]) -> Result<(), AttestError> {
        let signature = Signature::parse(tpmt_signature)?;
        if signature.scheme != self.0.scheme {
            let (expected, actual) = (self.0.scheme.to_string(), signature.scheme.to_string());
            return Err(AttestError::refuse(Check::t(18), "signature scheme", expected, actual));
        }
        match self.0.key.signed(message, &signature) {
            true => Ok(()),
            false => Err(AttestError::QuoteSignature),
        }
    }
}
