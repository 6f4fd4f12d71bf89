//! Modular exponentiation of a page, for the one RSA key that is too short for a real library.
//! It takes no care of timing, and it must never touch a secret.

/// `base ^ exponent mod modulus`, all big-endian, `base` below the odd `modulus`; as many bytes
/// as the modulus.
pub(crate) fn power(base: &[u8], exponent: &[u8], modulus: &[u8]) -> Vec<u8> {
    let field = Field::new(limbs(modulus));
    let mut base = limbs(base);
    base.resize(field.modulus.len(), 0);
    let base = field.multiply(&base, &field.square_of_r);
    let mut one = vec![0; field.modulus.len()];
    one[0] = 1;
    let mut result = field.multiply(&one, &field.square_of_r);
    for byte in exponent {
        for bit in (0..8).rev() {
            result = field.multiply(&result, &result);
            if byte >> bit & 1 == 1 {
                result = field.multiply(&result, &base);
            }
        }
    }
    let result = field.multiply(&result, &one);
    let bytes: Vec<u8> = result.iter().rev().flat_map(|limb| limb.to_be_bytes()).collect();
    bytes[bytes.len() - modulus.len()..].to_vec()
}

/// Little-endian limbs of 32 bits.
fn limbs(bytes: &[u8]) -> Vec<u32> {
    bytes
        .rchunks(4)
        .map(|chunk| chunk.iter().fold(0, |limb, byte| limb << 8 | u32::from(*byte)))
        .collect()
}

/// Montgomery's arithmetic with R = 2^(32 * limbs).
struct Field {
    modulus: Vec<u32>,
    /// -1 / modulus[0] mod 2^32.
    inverse: u32,
    /// R^2 mod modulus.
    square_of_r: Vec<u32>,
}

impl Field {
    fn new(modulus: Vec<u32>) -> Self {
        let first = modulus[0];
        // Newton's iteration doubles the right bits each time.
        let inverse =
            (0..5).fold(1_u32, |x, _| x.wrapping_mul(2_u32.wrapping_sub(first.wrapping_mul(x))));
        let mut power = vec![0; modulus.len()];
        power[0] = 1;
        for _ in 0..64 * modulus.len() {
            let mut doubled: Vec<u32> = power.clone();
            doubled.push(0);
            let mut carry = 0;
            for limb in &mut doubled {
                (*limb, carry) = (*limb << 1 | carry, *limb >> 31);
            }
            power = reduced(doubled, &modulus);
        }
        Self { inverse: inverse.wrapping_neg(), square_of_r: power, modulus }
    }

    /// `a * b / R`.
    fn multiply(&self, a: &[u32], b: &[u32]) -> Vec<u32> {
        let n = self.modulus.len();
        let mut t = vec![0_u32; n + 2];
        for digit in b {
            add_product(&mut t, a, *digit);
            let factor = t[0].wrapping_mul(self.inverse);
            add_product(&mut t, &self.modulus, factor);
            // The lowest limb is zero now.
            t.remove(0);
            t.push(0);
        }
        t.truncate(n + 1);
        reduced(t, &self.modulus)
    }
}

/// `t += a * digit`.
fn add_product(t: &mut [u32], a: &[u32], digit: u32) {
    let mut carry = 0;
    for (index, limb) in t.iter_mut().enumerate() {
        let product = a.get(index).map_or(0, |a| u64::from(*a) * u64::from(digit));
        let total = u64::from(*limb) + product + carry;
        *limb = total as u32;
        carry = total >> 32;
    }
}

/// A value below twice the modulus, with one limb more than it, brought below it.
fn reduced(mut value: Vec<u32>, modulus: &[u32]) -> Vec<u32> {
    let n = modulus.len();
    if value[n] != 0 || value[..n].iter().rev().ge(modulus.iter().rev()) {
        let mut borrow = 0;
        for (limb, other) in value.iter_mut().zip(modulus) {
            let difference = i64::from(*limb) - i64::from(*other) - borrow;
            *limb = difference as u32;
            borrow = i64::from(difference < 0);
        }
    }
    value.truncate(n);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_right() {
        assert_eq!(power(&[3], &[5], &[7]), [5]);
        // 2^64 mod (2^61 - 1) is 8.
        let mersenne = ((1_u64 << 61) - 1).to_be_bytes();
        assert_eq!(power(&[2], &[64], &mersenne), [0, 0, 0, 0, 0, 0, 0, 8]);
        // Fermat, with a prime of more than one limb.
        let exponent = ((1_u64 << 61) - 2).to_be_bytes();
        assert_eq!(power(&[9, 9, 9], &exponent, &mersenne), [0, 0, 0, 0, 0, 0, 0, 1]);
    }
}
