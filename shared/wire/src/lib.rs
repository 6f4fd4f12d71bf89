//! The frames between parent and enclave: a 4-byte big-endian length, then one CBOR array whose
//! first entry is the kind. No I/O: callers read and write. The length is checked before
//! anything is allocated. A parent may say anything here; nothing it says is believed.

#[macro_use]
mod codec;
mod command;
mod health;
mod report;

pub use command::Command;
pub use health::{Confinement, Health};
pub use report::{BootInfo, Entry, Event, Quote, Refusal, RefusalCode, Report, RulebookInfo};

/// Version of this protocol: another number whenever a frame changes.
pub const PROTOCOL_VERSION: u64 = 4;
/// Largest frame body, in bytes: a bundle, its freshness statement and their heads.
pub const FRAME_BYTES_MAX: usize = 17 << 20;
/// Largest request body, in bytes.
pub const BODY_BYTES_MAX: usize = 2 << 20;
/// Largest sealed request, in bytes: a body in its size class, and what is around it.
pub const SEALED_BYTES_MAX: usize = (4 << 20) + 1024;
/// Largest sealed reply, in bytes: all results in their size class, and what is around them.
pub const SEALED_REPLY_BYTES_MAX: usize = (8 << 20) + 1024;
/// Longest client reference, in bytes.
pub const CLIENT_REF_BYTES_MAX: usize = 64;
/// Longest nonce, in bytes.
pub const NONCE_BYTES_MAX: usize = 64;
/// Largest attestation document, in bytes.
pub const DOCUMENT_BYTES_MAX: usize = 32_768;
/// Bytes of a frame's length.
pub const LENGTH_BYTES: usize = 4;

/// Why a frame was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WireError {
    /// The declared length is over the limit.
    #[error("frame of {found} bytes, at most {FRAME_BYTES_MAX} are allowed")]
    TooLarge {
        /// The declared length.
        found: u64,
    },
    /// The body is not the message of its kind.
    #[error("frame is malformed: {0}")]
    Malformed(#[from] cbor::CborError),
    /// A kind that this side does not know.
    #[error("unknown frame kind {0}")]
    Kind(u64),
}

/// The body length of a frame, checked.
pub fn body_length(head: [u8; LENGTH_BYTES]) -> Result<usize, WireError> {
    let found = u32::from_be_bytes(head);
    if found as usize > FRAME_BYTES_MAX {
        return Err(WireError::TooLarge { found: found.into() });
    }
    Ok(found as usize)
}

/// Head and body in one buffer, ready to be written.
pub fn frame(body: &[u8]) -> Result<Vec<u8>, WireError> {
    let length = u32::try_from(body.len()).ok().filter(|_| body.len() <= FRAME_BYTES_MAX);
    let length = length.ok_or(WireError::TooLarge { found: body.len() as u64 })?;
    let mut out = Vec::with_capacity(LENGTH_BYTES + body.len());
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(body);
    Ok(out)
}

#[cfg(test)]
mod tests;
