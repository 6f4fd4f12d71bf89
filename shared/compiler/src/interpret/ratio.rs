//! Exact quotients of products, rounded once. The numbers in between have as many digits as they
//! need; it must never round twice or lose a digit before the end.

use std::cmp::Ordering;

use crate::typed::{Fault, Rounding};

/// Bits of a limb.
const LIMB_BITS: usize = 32;

/// The product of `above` times 10^`tens`, divided by the product of `below`, as an integer.
pub(crate) fn quotient(
    above: &[i128],
    below: &[i128],
    tens: i32,
    rounding: Rounding,
) -> Result<i128, Fault> {
    if below.contains(&0) {
        return Err(Fault::DivideByZero);
    }
    let is_negative = above.iter().chain(below).filter(|factor| **factor < 0).count() % 2 == 1;
    let product = |factors: &[i128], tens: i32| {
        let whole = factors.iter().fold(Natural::from(1), |product, factor| {
            product.times(&Natural::from(factor.unsigned_abs()))
        });
        (0..tens).fold(whole, |product, _| product.times(&Natural::from(10)))
    };
    let (whole, rest) = product(above, tens).divided(&product(below, -tens));
    let twice = rest.times(&Natural::from(2)).order(&product(below, -tens));
    let is_odd = whole.bit(0);
    let away = match rounding {
        Rounding::HalfEven => twice.is_gt() || (twice.is_eq() && is_odd),
        Rounding::HalfUp => twice.is_ge(),
        Rounding::HalfDown => twice.is_gt(),
        Rounding::Up => !rest.is_zero(),
        Rounding::Down => false,
        Rounding::Ceiling => !rest.is_zero() && !is_negative,
        Rounding::Floor => !rest.is_zero() && is_negative,
    };
    let magnitude = whole.small().and_then(|whole| whole.checked_add(away.into()));
    let magnitude = magnitude.ok_or(Fault::Overflow)?;
    let signed = if is_negative {
        0_i128.checked_sub_unsigned(magnitude)
    } else {
        0_i128.checked_add_unsigned(magnitude)
    };
    signed.ok_or(Fault::Overflow)
}

/// A natural number of any size: limbs, lowest first, without zeros at the top.
#[derive(Debug, Clone, PartialEq)]
struct Natural(Vec<u32>);

impl Natural {
    fn from(mut number: u128) -> Natural {
        let mut limbs = Vec::new();
        while number > 0 {
            limbs.push(number as u32);
            number >>= LIMB_BITS;
        }
        Natural(limbs)
    }

    fn trimmed(mut limbs: Vec<u32>) -> Natural {
        while limbs.last() == Some(&0) {
            limbs.pop();
        }
        Natural(limbs)
    }

    fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    /// The number, when 128 bits hold it.
    fn small(&self) -> Option<u128> {
        let add = |sum, limb: &u32| sum << LIMB_BITS | u128::from(*limb);
        (self.0.len() <= 4).then(|| self.0.iter().rev().fold(0, add))
    }

    fn bit(&self, index: usize) -> bool {
        let limb = self.0.get(index / LIMB_BITS).copied().unwrap_or(0);
        limb >> (index % LIMB_BITS) & 1 == 1
    }

    fn order(&self, other: &Natural) -> Ordering {
        let by_limbs = || self.0.iter().rev().cmp(other.0.iter().rev());
        self.0.len().cmp(&other.0.len()).then_with(by_limbs)
    }

    fn times(&self, other: &Natural) -> Natural {
        let mut limbs = vec![0_u32; self.0.len() + other.0.len()];
        for (i, a) in self.0.iter().enumerate() {
            let mut carry = 0_u64;
            for (j, b) in other.0.iter().enumerate() {
                carry += u64::from(*a) * u64::from(*b) + u64::from(limbs[i + j]);
                limbs[i + j] = carry as u32;
                carry >>= LIMB_BITS;
            }
            limbs[i + other.0.len()] = carry as u32;
        }
        Natural::trimmed(limbs)
    }

    /// `self - other`, which is at most `self`.
    fn minus(&self, other: &Natural) -> Natural {
        let mut borrow = 0_i64;
        let mut limbs = Vec::with_capacity(self.0.len());
        for (index, limb) in self.0.iter().enumerate() {
            let taken = other.0.get(index).copied().unwrap_or(0);
            let rest = i64::from(*limb) - i64::from(taken) - borrow;
            borrow = (rest < 0).into();
            limbs.push(rest as u32);
        }
        Natural::trimmed(limbs)
    }

    /// Quotient and rest, bit by bit from the top; the divisor is not zero.
    fn divided(&self, divisor: &Natural) -> (Natural, Natural) {
        let mut whole = vec![0_u32; self.0.len()];
        let mut rest = Natural(Vec::new());
        for index in (0..self.0.len() * LIMB_BITS).rev() {
            rest = rest.doubled(self.bit(index));
            if rest.order(divisor).is_ge() {
                rest = rest.minus(divisor);
                whole[index / LIMB_BITS] |= 1 << (index % LIMB_BITS);
            }
        }
        (Natural::trimmed(whole), rest)
    }

    /// Twice the number plus a lowest bit.
    fn doubled(&self, low: bool) -> Natural {
        let mut carry = u32::from(low);
        let mut limbs = Vec::with_capacity(self.0.len() + 1);
        for limb in &self.0 {
            limbs.push(limb << 1 | carry);
            carry = limb >> (LIMB_BITS - 1);
        }
        limbs.push(carry);
        Natural::trimmed(limbs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_quotients_round_by_the_book() {
        use Rounding::*;
        let golden = [
            (HalfEven, [-2, -2, -1, 0, 0, 0, 1, 2, 2]),
            (HalfUp, [-3, -2, -1, -1, 0, 1, 1, 2, 3]),
            (HalfDown, [-2, -2, -1, 0, 0, 0, 1, 2, 2]),
            (Up, [-3, -2, -2, -1, 0, 1, 2, 2, 3]),
            (Down, [-2, -1, -1, 0, 0, 0, 1, 1, 2]),
            (Ceiling, [-2, -1, -1, 0, 0, 1, 2, 2, 3]),
            (Floor, [-3, -2, -2, -1, 0, 0, 1, 1, 2]),
        ];
        for (rounding, expected) in golden {
            let tenths = [-25, -18, -12, -5, 0, 5, 12, 18, 25];
            let found = tenths.map(|n| quotient(&[n], &[10], 0, rounding).expect("fits"));
            assert_eq!(found, expected, "{rounding:?}");
        }
    }

    #[test]
    fn large_products_are_exact() {
        let half =
            |above: &[i128], below: &[i128], tens| quotient(above, below, tens, Rounding::HalfEven);
        assert_eq!(half(&[i128::MAX, i128::MAX], &[i128::MAX], 0), Ok(i128::MAX));
        assert_eq!(half(&[i128::MIN, 7], &[7], 0), Ok(i128::MIN));
        assert_eq!(half(&[i128::MIN], &[-1], 0), Err(Fault::Overflow));
        assert_eq!(half(&[i128::MAX, i128::MAX], &[i128::MAX, i128::MAX], 30), Ok(10_i128.pow(30)));
        assert_eq!(half(&[1], &[0], 0), Err(Fault::DivideByZero));
        assert_eq!(half(&[15], &[1], -1), Ok(2));
        assert_eq!(half(&[25], &[1], -1), Ok(2));
    }

    #[test]
    fn it_agrees_with_plain_division() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        for _ in 0..2000 {
            let wide = i128::from(next()) << 63 | i128::from(next());
            let above = wide >> (next() % 127);
            let below = (i128::from(next() as i64) >> (next() % 63)).max(1);
            let found = quotient(&[above], &[below], 0, Rounding::Down);
            assert_eq!(found, Ok(above / below), "{above} / {below}");
            let floor = quotient(&[above], &[-below], 0, Rounding::Floor);
            let is_rounded = above > 0 && above % below != 0;
            assert_eq!(floor, Ok(-(above / below) - i128::from(is_rounded)));
        }
    }
}
