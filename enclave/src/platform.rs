//! All of the world that the enclave sees. On EC2 this is the Nitro Secure Module, on a host with a
//! TPM the quote link of `worker`; the simulator hands in another one, under another root.

use cbor::{CborError, Form, Reader};
use facts::Millis;

/// Why the attestation device did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlatformError {
    /// There is no device.
    #[error("no attestation device: {0}")]
    Missing(String),
    /// The device refused a request.
    #[error("attestation device refused {request}: {problem}")]
    Refused {
        /// Name of the request.
        request: &'static str,
        /// What it answered.
        problem: String,
    },
    /// The device's document could not be read.
    #[error("attestation document is unreadable: {0}")]
    Document(#[from] CborError),
    /// The register for the boot configuration is locked already.
    #[error("PCR16 is locked already: something else booted in this enclave")]
    RegisterLocked,
}

/// The attestation device.
pub trait Platform: Send + Sync {
    /// A signed document over `user_data`, `public_key` and, when given, `nonce`.
    fn attest(
        &self,
        user_data: &[u8],
        public_key: &[u8],
        nonce: Option<&[u8]>,
    ) -> Result<Vec<u8>, PlatformError>;

    /// Fills `out` with the device's entropy.
    fn random(&self, out: &mut [u8]) -> Result<(), PlatformError>;

    /// Extends `data` into PCR `index` and locks the register.
    fn extend_and_lock(&self, index: u16, data: &[u8]) -> Result<(), PlatformError>;

    /// When `evidence` was made, which [`Platform::attest`] has just returned: the time that it
    /// carries. A platform whose evidence has none gives the host's, and a verdict says so.
    fn time_of(&self, evidence: &[u8]) -> Result<Millis, PlatformError> {
        Ok(document_time(evidence)?)
    }

    /// What holds the process where no image is measured, ascending; it goes into the boot record.
    fn confinement(&self) -> Vec<wire::Confinement> {
        Vec::new()
    }

    /// How the machine stands, without what only the enclave knows: as the kernel says.
    fn health(&self) -> wire::Health {
        init::health()
    }
}

/// The timestamp in a document that the device has just returned. The device is trusted here; a
/// verifier's checks of the same bytes are in `attest`.
fn document_time(document: &[u8]) -> Result<Millis, CborError> {
    let mut r = Reader::with_form(document, Form::AnyContainer);
    if r.peek()? == cbor::Kind::Tag {
        r.tag()?;
    }
    r.array_of("COSE_Sign1", 4)?;
    r.bytes()?;
    r.raw()?;
    let payload = r.bytes()?;
    let mut p = Reader::with_form(payload, Form::AnyContainer);
    let mut map = p.map()?;
    while p.more(&mut map)? {
        if p.text()? == "timestamp" {
            return Ok(Millis(p.uint_max("timestamp", i64::MAX as u64)?));
        }
        p.raw()?;
    }
    Err(CborError::Key { at: p.position(), expected: "timestamp".into(), found: "the end".into() })
}
