//! The bytes that a quote signs: which boot's log, how many leaves, which root. One checkpoint has
//! exactly one encoding; parsing must never accept a byte more, a byte less or another tag. Beside
//! it, the text that the log's own signature is over: the same three facts as a C2SP checkpoint.

use crate::error::TlogError;
use crate::hash::{HASH_BYTES, Hash};

/// The state of one boot's log at one moment; the `user_data` of a quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// Which boot of the enclave the log belongs to.
    pub boot_id: [u8; BOOT_ID_BYTES],
    /// How many leaves the log has.
    pub size: u64,
    /// The root over those leaves.
    pub root: Hash,
}

impl Checkpoint {
    /// `tag || boot_id || size (big-endian) || root`.
    pub fn to_bytes(&self) -> [u8; CHECKPOINT_BYTES] {
        let mut bytes = [0; CHECKPOINT_BYTES];
        let (tag, rest) = bytes.split_at_mut(CHECKPOINT_TAG.len());
        let (boot_id, rest) = rest.split_at_mut(BOOT_ID_BYTES);
        let (size, root) = rest.split_at_mut(SIZE_BYTES);
        tag.copy_from_slice(&CHECKPOINT_TAG);
        boot_id.copy_from_slice(&self.boot_id);
        size.copy_from_slice(&self.size.to_be_bytes());
        root.copy_from_slice(&self.root);
        bytes
    }

    /// The log's name: [`ORIGIN_PREFIX`] and the boot id in lower-case hexadecimal.
    pub fn origin(&self) -> String {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let pairs = self.boot_id.iter().flat_map(|b| [b >> 4, b & 15]);
        let digits = pairs.map(|nibble| char::from(DIGITS[usize::from(nibble)]));
        ORIGIN_PREFIX.chars().chain(digits).collect()
    }

    /// The checkpoint as a note's text (C2SP tlog-checkpoint): origin, size in decimal and root in
    /// base64, one a line. It starts with a letter, so it can never be taken for a COSE
    /// `Sig_structure`, which starts with the byte 0x84.
    pub fn note_text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin(), self.size, base64(&self.root))
    }

    /// Reads what [`Checkpoint::to_bytes`] wrote, and nothing else.
    pub fn parse(bytes: &[u8]) -> Result<Checkpoint, TlogError> {
        let bytes: &[u8; CHECKPOINT_BYTES] = bytes.try_into().map_err(|_| {
            TlogError::CheckpointLength { expected: CHECKPOINT_BYTES, actual: bytes.len() }
        })?;
        let (tag, rest) = split(bytes);
        if *tag != CHECKPOINT_TAG {
            return Err(TlogError::CheckpointTag { expected: CHECKPOINT_TAG, actual: *tag });
        }
        let (boot_id, rest) = split(rest);
        let (size, rest) = split(rest);
        let (root, _) = split(rest);
        Ok(Checkpoint { boot_id: *boot_id, size: u64::from_be_bytes(*size), root: *root })
    }
}

fn split<const N: usize>(bytes: &[u8]) -> (&[u8; N], &[u8]) {
    bytes.split_first_chunk().expect("long enough because the whole length was checked")
}

/// Standard base64 (RFC 4648 §4) of a hash: ten whole groups and one that is padded. The enclave
/// writes nothing else in base64, so it does without a library for it.
fn base64(hash: &Hash) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(HASH_BYTES.div_ceil(3) * 4);
    for group in hash.chunks(3) {
        let mut bits = [0; 4];
        bits[1..=group.len()].copy_from_slice(group);
        let bits = u32::from_be_bytes(bits);
        for place in 0..=group.len() {
            text.push(char::from(DIGITS[(bits >> (18 - 6 * place)) as usize & 63]));
        }
    }
    text.push('=');
    text
}

/// What the name of every boot's log starts with.
pub const ORIGIN_PREFIX: &str = "probity.example/log/";
/// What every checkpoint starts with: a versioned tag, ended by a zero byte.
pub const CHECKPOINT_TAG: [u8; 22] = *b"probity/v1/checkpoint\0";
/// Length of a boot id.
pub const BOOT_ID_BYTES: usize = 16;
/// Length of an encoded checkpoint.
pub const CHECKPOINT_BYTES: usize = CHECKPOINT_TAG.len() + BOOT_ID_BYTES + SIZE_BYTES + HASH_BYTES;

const SIZE_BYTES: usize = u64::BITS as usize / 8;
