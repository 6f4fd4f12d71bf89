//! RSA-2048's public operation and OAEP (RFC 8017, 7.1.1) as a TPM takes it: hash and MGF1 by the
//! key's nameAlg. Encryption only: no private key ever comes here. The message is secret, so the
//! exponentiation takes as long for one as for another; the modulus and exponent are public.

use crate::kdf::Hash;
use crypto_bigint::modular::{FixedMontyForm, FixedMontyParams};
use crypto_bigint::{Odd, U64, U2048};
use zeroize::{Zeroize as _, Zeroizing};

/// Bytes of a modulus.
pub(crate) const MODULUS_BYTES: usize = 256;

/// A modulus of 2,048 bits: odd, its highest bit set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Modulus([u8; MODULUS_BYTES]);

impl Modulus {
    pub(crate) fn new(bytes: &[u8]) -> Option<Self> {
        let bytes: [u8; MODULUS_BYTES] = bytes.try_into().ok()?;
        let right = bytes[0] >> 7 == 1 && bytes[MODULUS_BYTES - 1] & 1 == 1;
        right.then_some(Self(bytes))
    }

    pub(crate) fn bytes(&self) -> &[u8; MODULUS_BYTES] {
        &self.0
    }

    /// RSAES-OAEP of a short message under exponent 65537. `label` is hashed as it is; `random`
    /// has the digest's length.
    pub(crate) fn encrypt(
        &self,
        hash: Hash,
        label: &[u8],
        random: &[u8],
        message: &[u8],
    ) -> Vec<u8> {
        let length = hash.bytes();
        assert!(random.len() == length && message.len() + 2 * length + 2 <= MODULUS_BYTES);
        let mut encoded = Zeroizing::new([0; MODULUS_BYTES]);
        let (seed, block) = encoded[1..].split_at_mut(length);
        seed.copy_from_slice(random);
        block[..length].copy_from_slice(&hash.digest(&[label]));
        let start = block.len() - message.len();
        block[start - 1] = 1;
        block[start..].copy_from_slice(message);
        xor(block, &hash.mask(seed, block.len()));
        xor(seed, &hash.mask(block, length));
        self.power(&encoded)
    }

    /// `message ^ 65537 mod modulus`. The encoded message begins with a zero byte, the modulus
    /// does not: it is below it.
    fn power(&self, message: &[u8; MODULUS_BYTES]) -> Vec<u8> {
        let odd = Odd::new(U2048::from_be_slice(&self.0));
        let modulus = odd.expect("an odd number because new() refuses others");
        let parameters = FixedMontyParams::new_vartime(modulus);
        let mut message = U2048::from_be_slice(message);
        let mut base = FixedMontyForm::new(&message, &parameters);
        // Variable in the exponent's time only, which is public.
        let power = base.pow_vartime(&U64::from(EXPONENT)).retrieve();
        message.zeroize();
        base.zeroize();
        power.to_be_bytes().as_ref().to_vec()
    }
}

fn xor(bytes: &mut [u8], mask: &[u8]) {
    bytes.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
}

const EXPONENT: u64 = 65_537;
