//! The quote link: what the worker asks of the process that owns the TPM, what that answers, and
//! the evidence that the worker makes of an answer. LINK.md is the specification. No I/O and no
//! clock: callers read and write. Neither side believes the other: every length has a limit that
//! is checked before anything is allocated, and what the device sends is a claim until a verifier
//! has judged it.

mod evidence;
mod reply;
mod request;

pub use evidence::{binding, evidence};
pub use reply::{Quoted, Reply};
pub use request::Request;

/// Bytes of a frame's length.
pub const LENGTH_BYTES: usize = 4;
/// Largest frame body, in bytes.
pub const BODY_BYTES_MAX: usize = 64 << 10;
/// Bytes of what a quote is asked over: the binding.
pub const QUALIFYING_BYTES: usize = 32;
/// Bytes of what a boot configuration would extend into a register: SHA-384 over it.
pub const EXTENSION_BYTES: usize = 48;
/// Most random bytes of one request.
pub const RANDOM_BYTES_MAX: usize = 64;
/// Longest reason of a refusal, in bytes of UTF-8.
pub const REASON_BYTES_MAX: usize = 512;
/// Largest TPMS_ATTEST, in bytes.
pub const ATTEST_BYTES_MAX: usize = 1024;
/// Largest TPMT_SIGNATURE, in bytes.
pub const SIGNATURE_BYTES_MAX: usize = 1100;
/// Largest TPMT_PUBLIC, in bytes.
pub const AK_PUBLIC_BYTES_MAX: usize = 1300;
/// Most registers of a quote: a TPM of a PC has 24.
pub const REGISTERS_MAX: usize = 24;
/// Longest value of a register, in bytes.
pub const REGISTER_BYTES_MAX: usize = 64;
/// Most certificates of an attestation key.
pub const CERTIFICATES_MAX: usize = 8;
/// Largest certificate, in bytes of DER.
pub const CERTIFICATE_BYTES_MAX: usize = 4096;
/// Largest log of the runtime register, in bytes.
pub const RUNTIME_LOG_BYTES_MAX: usize = 8192;
/// Largest user data of evidence, in bytes.
pub const USER_DATA_BYTES_MAX: usize = 512;
/// Largest key set of evidence, in bytes.
pub const KEY_SET_BYTES_MAX: usize = 1024;
/// Longest nonce of evidence, in bytes; at least one.
pub const NONCE_BYTES_MAX: usize = 512;
/// Largest evidence, in bytes.
pub const EVIDENCE_BYTES_MAX: usize = 32_768;

/// Why a frame was refused, or evidence not written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// The declared length is over the limit. The stream cannot be read on: close it.
    #[error("frame of {found} bytes, at most {BODY_BYTES_MAX} are allowed; close the link")]
    TooLarge {
        /// The declared length.
        found: u64,
    },
    /// The body is not the message of its kind.
    #[error("frame is malformed: {0}; both ends have to be of one release")]
    Malformed(#[from] cbor::CborError),
    /// A kind that this side does not know.
    #[error("unknown frame kind {0}; both ends have to be of one release")]
    Kind(u64),
    /// A part of the evidence is outside its limits.
    #[error("evidence: {what} of {found} bytes, expected {expected}")]
    Evidence {
        /// Name of the part.
        what: &'static str,
        /// The allowed range, in words.
        expected: &'static str,
        /// What was given.
        found: usize,
    },
}

/// The body length of a frame, checked.
pub fn body_length(head: [u8; LENGTH_BYTES]) -> Result<usize, LinkError> {
    let found = u32::from_be_bytes(head);
    if found as usize > BODY_BYTES_MAX {
        return Err(LinkError::TooLarge { found: found.into() });
    }
    Ok(found as usize)
}

/// Head and body in one buffer, ready to be written.
pub fn frame(body: &[u8]) -> Result<Vec<u8>, LinkError> {
    let length = u32::try_from(body.len()).ok().filter(|_| body.len() <= BODY_BYTES_MAX);
    let length = length.ok_or(LinkError::TooLarge { found: body.len() as u64 })?;
    let mut out = Vec::with_capacity(LENGTH_BYTES + body.len());
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(body);
    Ok(out)
}

/// Opens the message array: its kind and how many fields follow.
fn open(r: &mut cbor::Reader<'_>) -> Result<(u64, u64), LinkError> {
    let at = r.position();
    let count = r.array()?.left().unwrap_or(0);
    let found = count;
    if count < 2 {
        let (what, expected) = ("message", "a kind and a number");
        return Err(cbor::CborError::Range { at, what, expected, found }.into());
    }
    Ok((r.uint()?, count - 1))
}

#[cfg(test)]
mod tests;
