//! Lower-case hexadecimal, both ways. Upper case is refused so that a value has one spelling.

use crate::CryptoError;

/// Bytes as lower-case hexadecimal.
pub fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let pairs =
        bytes.iter().flat_map(|b| [DIGITS[usize::from(b >> 4)], DIGITS[usize::from(b & 15)]]);
    pairs.map(char::from).collect()
}

/// Hexadecimal of any even length.
pub fn from_hex(text: &str) -> Result<Vec<u8>, CryptoError> {
    let digits = text.as_bytes();
    let expected = digits.len().next_multiple_of(2);
    let wrong = |found: String| CryptoError::Hex { expected, found };
    if digits.len() != expected {
        return Err(wrong(format!("{} digits", digits.len())));
    }
    let byte = |pair: &[u8]| Some(nibble(pair[0])? << 4 | nibble(pair[1])?);
    let bytes = digits.chunks_exact(2).map(byte).collect::<Option<_>>();
    bytes.ok_or_else(|| wrong("a character outside 0-9a-f".into()))
}

/// Hexadecimal of exactly `N` bytes.
pub fn from_hex_exact<const N: usize>(text: &str) -> Result<[u8; N], CryptoError> {
    let wrong =
        || CryptoError::Hex { expected: 2 * N, found: format!("{} characters", text.len()) };
    if text.len() != 2 * N {
        return Err(wrong());
    }
    from_hex(text)?.try_into().map_err(|_| wrong())
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}
