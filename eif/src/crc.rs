//! CRC-32 as in the image's header: reflected polynomial 0xEDB88320, initial value and final
//! exclusive-or all ones (ISO-HDLC; IEEE 802.3). It finds damage, not forgery.

const POLYNOMIAL: u32 = 0xedb8_8320;
const TABLE: [u32; 256] = table();

/// The checksum of the parts, one after another.
pub(crate) fn crc32(parts: &[&[u8]]) -> u32 {
    let mut state = u32::MAX;
    for part in parts {
        for byte in *part {
            state = TABLE[((state ^ u32::from(*byte)) & 0xff) as usize] ^ (state >> 8);
        }
    }
    !state
}

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut state = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            state = if state & 1 == 1 { (state >> 1) ^ POLYNOMIAL } else { state >> 1 };
            bit += 1;
        }
        table[byte] = state;
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::crc32;

    #[test]
    fn the_check_value_of_the_catalogue() {
        assert_eq!(crc32(&[b"123456789"]), 0xcbf4_3926);
        assert_eq!(crc32(&[b"1234", b"", b"56789"]), 0xcbf4_3926);
        assert_eq!(crc32(&[]), 0);
    }
}
