//! HMAC-SHA-256 (RFC 2104) and HKDF over it (RFC 5869). Everything it holds is wiped. It must
//! never give more than one hash length of key material, because nobody here needs more.

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// Bytes of a hash (`Nh`).
pub(crate) const HASH_BYTES: usize = 32;
/// Bytes of SHA-256's block.
const BLOCK_BYTES: usize = 64;

/// A secret of one hash length.
pub(crate) type Secret = Zeroizing<[u8; HASH_BYTES]>;

/// HMAC over the parts, one after the other.
pub(crate) fn hmac(key: &[u8], parts: &[&[u8]]) -> Secret {
    let mut padded = Zeroizing::new([0; BLOCK_BYTES]);
    match padded.get_mut(..key.len()) {
        Some(start) => start.copy_from_slice(key),
        None => padded[..HASH_BYTES].copy_from_slice(&hash(&[key])[..]),
    }
    let under = |pad: u8| Zeroizing::new(padded.map(|byte| byte ^ pad));
    let mut inner = Sha256::new_with_prefix(under(0x36).as_slice());
    parts.iter().for_each(|part| inner.update(part));
    let inner = Zeroizing::new(<[u8; HASH_BYTES]>::from(inner.finalize()));
    hash(&[&*under(0x5c), &*inner])
}

/// HKDF-Extract; the input comes in parts.
pub(crate) fn extract(salt: &[u8], input: &[&[u8]]) -> Secret {
    hmac(salt, input)
}

/// HKDF-Expand to at most one hash length; the info comes in parts.
pub(crate) fn expand<const N: usize>(key: &[u8], info: &[&[u8]]) -> Zeroizing<[u8; N]> {
    const { assert!(N <= HASH_BYTES, "one round of HKDF-Expand gives one hash length") };
    let block = hmac(key, &[info, &[&[1]]].concat());
    let mut out = Zeroizing::new([0; N]);
    out.copy_from_slice(&block[..N]);
    out
}

fn hash(parts: &[&[u8]]) -> Secret {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    Zeroizing::new(hash.finalize().into())
}
