//! The hash functions of a TPM's objects, HMAC, KDFa and KDFe over them (TPM 2.0 Part 1), and AES
//! in CFB mode (Part 1, B.10 and C.6). Only SHA-256 and SHA-384: EK templates name no other.

use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};
use aes::{Aes128, Aes256, Block};
use ring::hmac;
use sha2::{Digest as _, Sha256, Sha384};
use zeroize::Zeroizing;

/// A hash algorithm of an object's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha256,
    Sha384,
}

impl Hash {
    /// The hash of that TPM_ALG_ID.
    pub(crate) fn of(id: u16) -> Option<Self> {
        [Hash::Sha256, Hash::Sha384].into_iter().find(|one| one.id() == id)
    }

    /// TPM_ALG_ID.
    pub(crate) fn id(self) -> u16 {
        match self {
            Hash::Sha256 => 0x000b,
            Hash::Sha384 => 0x000c,
        }
    }

    /// Bytes in a digest.
    pub(crate) fn bytes(self) -> usize {
        match self {
            Hash::Sha256 => 32,
            Hash::Sha384 => 48,
        }
    }

    /// The hash of the parts, one after the other.
    pub(crate) fn digest(self, parts: &[&[u8]]) -> Vec<u8> {
        match self {
            Hash::Sha256 => {
                let hash = parts.iter().fold(Sha256::new(), |hash, part| hash.chain_update(part));
                hash.finalize().to_vec()
            }
            Hash::Sha384 => {
                let hash = parts.iter().fold(Sha384::new(), |hash, part| hash.chain_update(part));
                hash.finalize().to_vec()
            }
        }
    }

    /// nameAlg and the digest of what it names.
    pub(crate) fn name(self, parts: &[&[u8]]) -> Vec<u8> {
        let mut name = self.id().to_be_bytes().to_vec();
        name.extend(self.digest(parts));
        name
    }

    pub(crate) fn hmac(self, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
        let algorithm = match self {
            Hash::Sha256 => hmac::HMAC_SHA256,
            Hash::Sha384 => hmac::HMAC_SHA384,
        };
        let mut context = hmac::Context::with_key(&hmac::Key::new(algorithm, key));
        parts.iter().for_each(|part| context.update(part));
        context.sign().as_ref().to_vec()
    }

    /// KDFa: SP 800-108 in counter mode with HMAC; `label` without its zero byte.
    pub(crate) fn kdfa(
        self,
        key: &[u8],
        label: &[u8],
        (first, second): (&[u8], &[u8]),
        bytes: usize,
    ) -> Zeroizing<Vec<u8>> {
        let bits = bits(bytes);
        self.blocks(bytes, |counter| {
            self.hmac(key, &[&counter, label, &[0], first, second, &bits.to_be_bytes()])
        })
    }

    /// KDFe: SP 800-56A's concatenation; `z` is the shared point's x, `label` is without its zero.
    pub(crate) fn kdfe(
        self,
        z: &[u8],
        label: &[u8],
        (party_u, party_v): (&[u8], &[u8]),
        bytes: usize,
    ) -> Zeroizing<Vec<u8>> {
        self.blocks(bytes, |counter| self.digest(&[&counter, z, label, &[0], party_u, party_v]))
    }

    /// MGF1 (RFC 8017, B.2.1).
    pub(crate) fn mask(self, seed: &[u8], bytes: usize) -> Zeroizing<Vec<u8>> {
        let mut counter = 0_u32;
        self.blocks(bytes, |_| {
            let block = self.digest(&[seed, &counter.to_be_bytes()]);
            counter += 1;
            block
        })
    }

    /// Blocks under a counter from 1, cut to length.
    fn blocks(self, bytes: usize, mut block: impl FnMut([u8; 4]) -> Vec<u8>) -> Zeroizing<Vec<u8>> {
        // Room for all of it: no copy is left behind by growth.
        let mut out = Zeroizing::new(Vec::with_capacity(bytes + self.bytes()));
        let mut counter = 1_u32;
        while out.len() < bytes {
            out.extend(Zeroizing::new(block(counter.to_be_bytes())).iter());
            counter += 1;
        }
        out.truncate(bytes);
        out
    }
}

fn bits(bytes: usize) -> u32 {
    u32::try_from(bytes * 8).expect("few bits because this crate asks for a key or a digest")
}

/// Encrypts in place: AES of 128 or 256 bits by the key's length, CFB of whole blocks, IV zero.
/// A key encrypts one message: KDFa makes a new one for each.
pub(crate) fn encrypt_cfb(key: &[u8], message: &mut [u8]) {
    let mut register = Block::default();
    for chunk in message.chunks_mut(BLOCK_BYTES) {
        encrypt_block(key, &mut register);
        for (byte, mask) in chunk.iter_mut().zip(&register) {
            *byte ^= mask;
        }
        register[..chunk.len()].copy_from_slice(chunk);
    }
}

fn encrypt_block(key: &[u8], block: &mut Block) {
    const KNOWN: &str = "16 or 32 bytes because templates name AES-128 and AES-256 alone";
    match key.len() {
        16 => Aes128::new_from_slice(key).expect(KNOWN).encrypt_block(block),
        _ => Aes256::new_from_slice(key).expect(KNOWN).encrypt_block(block),
    }
}

const BLOCK_BYTES: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn unhex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> =
            text.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
        digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
    }

    /// SP 800-38A, F.3.13 and F.3.17, carried over to a zero IV: the first block of the standard
    /// is what follows a block that encrypts to the standard's IV.
    #[test]
    fn cfb_is_the_standards() {
        let plain = unhex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51");
        for (key, cipher) in [
            (
                "2b7e151628aed2a6abf7158809cf4f3c",
                "3b3fd92eb72dad20333449f8e83cfb4ac8a64537a0b3a93fcde3cdad9f1ce58b",
            ),
            (
                "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
                "dc7e84bfda79164b7ecd8486985d386039ffed143b28b1c832113c6331e5407b",
            ),
        ] {
            let (key, cipher) = (unhex(key), unhex(cipher));
            let mut zero = Block::default();
            encrypt_block(&key, &mut zero);
            let iv = unhex("000102030405060708090a0b0c0d0e0f");
            let before: Vec<u8> = iv.iter().zip(&zero).map(|(a, b)| a ^ b).collect();
            for length in [1, 15, 16, 17, 32] {
                let mut message = [&before[..], &plain[..length]].concat();
                encrypt_cfb(&key, &mut message);
                assert_eq!(message, [&iv[..], &cipher[..length]].concat(), "{length} bytes");
            }
        }
    }

    /// RFC 4231, test case 2, for the one, and lengths over a block for the others.
    #[test]
    fn keys_have_the_length_asked_for() {
        let expected = unhex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        assert_eq!(Hash::Sha256.hmac(b"Jefe", &[b"what do ya want ", b"for nothing?"]), expected);
        for bytes in [16, 32, 48, 100] {
            let parts: (&[u8], &[u8]) = (b"u", b"v");
            let long = Hash::Sha256.kdfe(b"z", b"LABEL", parts, 100);
            assert_eq!(long[..bytes], Hash::Sha256.kdfe(b"z", b"LABEL", parts, bytes)[..]);
            // KDFa names its length, so that a shorter key is another key.
            let key = Hash::Sha384.kdfa(b"k", b"LABEL", parts, bytes);
            assert_eq!(key.len(), bytes);
            assert_eq!(Hash::Sha256.mask(b"seed", bytes).len(), bytes);
        }
    }
}
