//! Size classes: what is sealed is filled with zeros to 1 KiB or twice, four times … as much, so
//! that its length says little of its content. It must never take anything but zeros as filling.

use crate::{CLASS_BYTES_MIN, SealError};
use zeroize::Zeroizing;

/// Bytes of the length in front of the content.
const LENGTH_BYTES: usize = 4;

/// The content behind its length, filled to its size class.
pub(crate) fn pad(content: &[u8]) -> Zeroizing<Vec<u8>> {
    let length = LENGTH_BYTES + content.len();
    let class = length.next_power_of_two().max(CLASS_BYTES_MIN);
    let mut padded = Zeroizing::new(Vec::with_capacity(class));
    // Limits keep every content far below 4 GiB.
    padded.extend_from_slice(&(content.len() as u32).to_be_bytes());
    padded.extend_from_slice(content);
    padded.resize(class, 0);
    padded
}

/// The content of what was padded; any amount of zeros may follow it.
pub(crate) fn unpad(padded: &[u8]) -> Result<&[u8], SealError> {
    let wrong = |expected| SealError::Content { expected };
    let (length, rest) = padded.split_first_chunk().ok_or(wrong("four bytes of length"))?;
    let length = u32::from_be_bytes(*length) as usize;
    let (content, filling) =
        rest.split_at_checked(length).ok_or(wrong("as much content as the length says"))?;
    match filling.iter().all(|byte| *byte == 0) {
        true => Ok(content),
        false => Err(wrong("zeros after the content")),
    }
}
