//! The few text forms that notes and tlog-proofs share: base64 and decimals with one spelling.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tlog::Hash;

/// Standard base64 with padding; bits that stand for nothing have to be zero.
pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

pub(crate) fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub(crate) fn hash_from_base64(text: &str) -> Option<Hash> {
    // 44 characters: a longer text is not decoded at all.
    (text.len() == HASH_BASE64_BYTES).then(|| from_base64(text)?.try_into().ok()).flatten()
}

/// An ASCII decimal without leading zeroes or sign.
pub(crate) fn decimal(text: &str) -> Option<u64> {
    let canonical = text == "0" || !text.starts_with('0');
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (canonical && digits).then(|| text.parse().ok()).flatten()
}

const HASH_BASE64_BYTES: usize = 44;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_have_one_spelling() {
        for (text, value) in
            [("0", Some(0)), ("7", Some(7)), ("18446744073709551615", Some(u64::MAX))]
        {
            assert_eq!(decimal(text), value, "{text}");
        }
        for wrong in ["", "00", "01", "+1", "-1", " 1", "1 ", "1e3", "18446744073709551616", "١"] {
            assert_eq!(decimal(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn base64_has_one_spelling() {
        assert_eq!(from_base64("AAE="), Some(vec![0, 1]));
        // No padding, stray bits, other alphabet, space.
        for wrong in ["AAE", "AAF=", "AA-_", "AAE= ", "A", "AAE=="] {
            assert_eq!(from_base64(wrong), None, "{wrong}");
        }
    }
}
