//! base58btc, for nothing but the payload of an Ed25519 key's `did:key`: 34 bytes that begin with
//! 0xed 0x01 have 47 digits always. It must never take a text of another length: the work for a
//! digit is fixed, and so is their number.

/// Multicodec prefix and key, in bytes.
const PAYLOAD_BYTES: usize = 34;
/// Digits of a payload: 58^46 < 0xed01 * 2^256, and 0xed02 * 2^256 < 58^47.
const DIGITS: usize = 47;
const ALPHABET: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/// The digits of a payload.
pub(crate) fn encode(payload: &[u8; PAYLOAD_BYTES]) -> String {
    let mut digits = [0; DIGITS];
    for byte in payload {
        // Not more than 47 digits for such a payload: nothing is carried out.
        push(&mut digits, 256, 58, u32::from(*byte));
    }
    digits.iter().map(|digit| char::from(ALPHABET[usize::from(*digit)])).collect()
}

/// The payload that these digits are; `None` for another length, another character or a number
/// that 34 bytes do not hold.
pub(crate) fn decode(text: &str) -> Option<[u8; PAYLOAD_BYTES]> {
    let mut payload = [0; PAYLOAD_BYTES];
    if text.len() != DIGITS {
        return None;
    }
    for character in text.bytes() {
        let digit = ALPHABET.iter().position(|known| *known == character)?;
        if push(&mut payload, 58, 256, digit as u32) != 0 {
            return None;
        }
    }
    Some(payload)
}

/// `number * factor + next`, for a number in digits of `base`, most significant first; returns
/// what no digit is left for.
fn push(number: &mut [u8], factor: u32, base: u32, next: u32) -> u32 {
    number.iter_mut().rev().fold(next, |carry, digit| {
        let sum = u32::from(*digit) * factor + carry;
        *digit = (sum % base) as u8;
        sum / base
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys and the digits that the crate bs58 0.5.1 gave for them, before this module took its
    /// place: RFC 8032's first key, the smallest and the largest payload, and a row of fives.
    const KNOWN: [(&str, &str); 4] = [
        (
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "6MktwupdmLXVVqTzCw4i46r4uGyosGXRnR3XjN4Zq7oMMsw",
        ),
        (
            "0000000000000000000000000000000000000000000000000000000000000000",
            "6MkeTG3bFFSLYVU7VqhgZxqr6YzpaGrQtFMh1uvqGy1vDnP",
        ),
        (
            "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
            "6MkwgaR63138bEEgad7uk993KMX54vBA6KTB4sFhCPnSB2e",
        ),
        (
            "5555555555555555555555555555555555555555555555555555555555555555",
            "6MkkCNAkqqJbtjiyC6qkxgwaW9qa59xfHc4BhZhnamwRYCU",
        ),
    ];

    fn payload(key: &str) -> [u8; PAYLOAD_BYTES] {
        let bytes = crate::from_hex(&format!("ed01{key}")).expect("hexadecimal");
        bytes.try_into().expect("34 bytes")
    }

    #[test]
    fn known_keys_go_both_ways() {
        for (key, digits) in KNOWN {
            assert_eq!(encode(&payload(key)), digits);
            assert_eq!(decode(digits), Some(payload(key)));
        }
    }

    /// Of the did:key method's own test vectors (ed25519-x25519.json): a text of another's making.
    #[test]
    fn a_published_key_keeps_its_text() {
        let published = "6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp";
        let key = "3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29";
        assert_eq!(decode(published), Some(payload(key)));
        assert_eq!(encode(&payload(key)), published);
    }

    #[test]
    fn other_lengths_characters_and_numbers_are_refused() {
        let sound = KNOWN[0].1;
        for wrong in [
            String::new(),
            sound[1..].into(),
            format!("{sound}1"),
            format!("1{sound}"),
            sound.replace('6', "0"),
            sound.replace('6', "O"),
            sound.replace('6', "I"),
            sound.replace('6', "l"),
            sound.replace("6M", "\u{e9}"),
            "z".repeat(DIGITS),
        ] {
            assert_eq!(decode(&wrong), None, "{wrong}");
        }
        // 2^272, the first number that 34 bytes do not hold, and the last that they do.
        assert_eq!(decode("6nfFzYQPHsjA4QTuXt2NuGReV9J4BdXBwZ8cgeJTrbVHKju"), None);
        assert_eq!(
            decode("6nfFzYQPHsjA4QTuXt2NuGReV9J4BdXBwZ8cgeJTrbVHKjt"),
            Some([0xff; PAYLOAD_BYTES])
        );
    }
}
