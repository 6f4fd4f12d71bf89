//! Exact decimal money: digits in, integer out, digits out. It must never hold a float, round, or
//! take a spelling that two readers could understand differently.

use std::fmt;

use crate::error::shown;
use crate::{Currency, ErrorKind, FactsError, INTEGER_DIGITS_MAX};

/// An amount, ≥ 0: mantissa × 10^−scale, where the scale is the currency's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    mantissa: i128,
    currency: Currency,
}

impl Money {
    /// Plain decimal digits, with at most as many after the point as the currency has, not
    /// counting zeros.
    pub fn parse(digits: &str, currency: Currency) -> Result<Self, FactsError> {
        let (whole, fraction) = plain_parts(digits).map_err(|remedy| refused(digits, remedy))?;
        if whole.len() > INTEGER_DIGITS_MAX {
            let expected = format!("at most {INTEGER_DIGITS_MAX} digits before the point");
            let hint = "amounts of that size are not supported";
            return Err(FactsError::new(ErrorKind::Amount, expected, shown(digits), hint));
        }
        let (kept, beyond) = fraction.split_at(fraction.len().min(currency.exponent().into()));
        if beyond.bytes().any(|digit| digit != b'0') {
            let expected = format!("at most {} decimal places", currency.exponent());
            let hint = format!("{currency} has {} decimal places", currency.exponent());
            return Err(FactsError::new(ErrorKind::Amount, expected, shown(digits), hint));
        }
        let missing = usize::from(currency.exponent()) - kept.len();
        let all = whole.bytes().chain(kept.bytes()).chain(std::iter::repeat_n(b'0', missing));
        let mantissa = all.fold(0, |sum, digit| sum * 10 + i128::from(digit - b'0'));
        Ok(Money { mantissa, currency })
    }

    /// The amount in the currency's smallest unit.
    pub const fn mantissa(self) -> i128 {
        self.mantissa
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Decimal places of the mantissa: the currency's.
    pub const fn scale(self) -> u8 {
        self.currency.exponent()
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", format_decimal(self.mantissa, self.scale()), self.currency)
    }
}

/// mantissa × 10^−scale in plain digits, with all `scale` decimal places.
pub fn format_decimal(mantissa: i128, scale: u8) -> String {
    let scale = usize::from(scale);
    let sign = if mantissa < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", mantissa.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let point = if scale == 0 { "" } else { "." };
    format!("{sign}{whole}{point}{fraction}")
}

/// The digits before and after the point, or what to do about the spelling.
fn plain_parts(digits: &str) -> Result<(&str, &str), &'static str> {
    let (whole, fraction) = match digits.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (digits, None),
    };
    let is_plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if is_plain(whole) && fraction.is_none_or(is_plain) {
        return match whole.as_bytes() {
            [b'0', _, ..] => Err("remove the leading zeros"),
            _ => Ok((whole, fraction.unwrap_or_default())),
        };
    }
    Err(spelling_hint(digits, whole, fraction))
}

/// What to tell about digits that are not plain.
fn spelling_hint(digits: &str, whole: &str, fraction: Option<&str>) -> &'static str {
    let starts_with_digit = digits.starts_with(|c: char| c.is_ascii_digit());
    if digits.is_empty() {
        "put digits between the quotes"
    } else if digits.starts_with('-') {
        "amounts are not negative: give the absolute value and the direction"
    } else if digits.starts_with('+') {
        "remove the sign"
    } else if digits.starts_with("0x") {
        "write the amount in decimal"
    } else if starts_with_digit && digits.contains(['e', 'E']) {
        "write the amount out in full, without an exponent"
    } else if starts_with_digit && digits.contains([',', '_', ' ', '\'']) {
        "remove the separators; the decimal point is `.`"
    } else if whole.is_empty() {
        "put a digit before the point"
    } else if fraction == Some("") {
        "put a digit after the point, or remove it"
    } else {
        "write digits 0-9 with at most one point"
    }
}

fn refused(digits: &str, remedy: &'static str) -> FactsError {
    let expected = "plain decimal digits such as 15000.00";
    FactsError::new(ErrorKind::Amount, expected, shown(digits), remedy)
}
