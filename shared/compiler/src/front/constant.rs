//! Constants that are written as text: decimals, amounts, times, durations, offsets, roundings.
//! Each reader answers what to do about a text that it refuses. It must never round or guess.

use facts::{Currency, DAY_MS, days_from_civil};

use crate::typed::{DURATION_MS_MAX, Rounding, TIME_MS_MAX, TIME_MS_MIN};

/// Most decimal places of a decimal constant and of a rounded result.
pub const SCALE_MAX: u8 = 18;
type Read<T> = Result<T, String>;

/// Mantissa and scale of plain digits with an optional minus.
pub(super) fn decimal(text: &str) -> Read<(i128, u8)> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let is_plain = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !is_plain(whole) || !is_plain(fraction) {
        return Err(digits_hint(digits));
    }
    if whole.len() > 1 && whole.starts_with('0') {
        return Err("remove the leading zeros".to_owned());
    }
    let fraction = if digits.contains('.') { fraction } else { "" };
    if fraction.len() > usize::from(SCALE_MAX) {
        return Err(format!("write at most {SCALE_MAX} decimal places"));
    }
    let mut all = whole.bytes().chain(fraction.bytes());
    let add = |sum: i128, digit: u8| sum.checked_mul(10)?.checked_add(i128::from(digit - b'0'));
    let mantissa = all.try_fold(0, add).ok_or("write fewer digits: they must fit 127 bits")?;
    let mantissa = if text.starts_with('-') { -mantissa } else { mantissa };
    Ok((mantissa, fraction.len() as u8))
}

fn digits_hint(digits: &str) -> String {
    let hint = if digits.is_empty() {
        "put digits between the quotes"
    } else if digits.contains([',', '_', ' ', '\'']) {
        "remove the separators; the decimal point is `.`"
    } else if digits.contains(['e', 'E']) && digits.starts_with(|c: char| c.is_ascii_digit()) {
        "write it out in full, without an exponent"
    } else if digits.starts_with('.') {
        "put a digit before the point"
    } else if digits.ends_with('.') {
        "put a digit after the point, or remove it"
    } else if digits.contains(|c: char| c.is_ascii_alphabetic()) {
        "write digits only, the currency is said beside them"
    } else {
        "write digits 0-9 with at most one point"
    };
    hint.to_owned()
}

/// The mantissa of an amount, in the currency's smallest unit.
pub(super) fn amount(text: &str, currency: Currency) -> Read<i128> {
    let (mut mantissa, mut scale) = decimal(text)?;
    while scale > currency.exponent() && mantissa % 10 == 0 {
        (mantissa, scale) = (mantissa / 10, scale - 1);
    }
    let places = currency.exponent();
    let missing = places.checked_sub(scale);
    let Some(missing) = missing else {
        return Err(format!("{currency} has {places} decimal places: round it"));
    };
    let units = mantissa.checked_mul(10i128.pow(missing.into()));
    units.ok_or_else(|| "write fewer digits: the amount must fit 128 bits".to_owned())
}

/// `10000.00 USD`.
pub(super) fn money(text: &str) -> Read<(i128, Currency)> {
    let Some((digits, code)) = text.trim().split_once(' ') else {
        return Err("write digits, a blank and the currency, such as `10000.00 USD`".to_owned());
    };
    let currency = self::currency(code.trim())?;
    Ok((amount(digits, currency)?, currency))
}

/// A currency by its code.
pub(super) fn currency(code: &str) -> Read<Currency> {
    Currency::parse(code).map_err(|error| error.remedy().to_owned())
}

/// Milliseconds of `24h`, `1h30m`, `1.5s`, `-90m`, as CEL writes durations.
pub(super) fn duration(text: &str) -> Read<i64> {
    const SHAPE: &str = "write numbers with units h, m, s or ms, such as `24h` or `1h30m`";
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if unsigned == "0" {
        return Ok(0);
    }
    let (mut rest, mut nanos) = (unsigned, 0i128);
    if rest.is_empty() {
        return Err(SHAPE.to_owned());
    }
    while !rest.is_empty() {
        let length = rest.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
        let (digits, tail) = rest.split_at(length);
        let letters = tail.bytes().take_while(|b| !b.is_ascii_digit() && *b != b'.').count();
        // Cut at a digit or a point, so at a character's boundary.
        let (unit, next) = tail.split_at(letters);
        let padded = if digits.ends_with('.') { format!("{digits}0") } else { digits.to_owned() };
        let padded = if padded.starts_with('.') { format!("0{padded}") } else { padded };
        let trimmed = padded.trim_start_matches('0');
        let padded = if trimmed.starts_with(['.']) || trimmed.is_empty() {
            format!("0{trimmed}")
        } else {
            trimmed.to_owned()
        };
        let (mantissa, scale) = decimal(&padded).map_err(|_| SHAPE.to_owned())?;
        let Some((_, size)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            let hint = if matches!(unit, "d" | "day" | "days" | "D") {
                "write hours: a day is `24h`, a week `168h`"
            } else {
                SHAPE
            };
            return Err(hint.to_owned());
        };
        // At most 36 digits times 3.6e12: checked, as it may not fit.
        let product = mantissa.checked_mul(*size).ok_or_else(too_long)?;
        let unit_of = 10i128.pow(scale.into());
        if product % unit_of != 0 {
            return Err(MILLISECONDS.to_owned());
        }
        nanos = nanos.checked_add(product / unit_of).ok_or_else(too_long)?;
        rest = next;
    }
    if nanos % 1_000_000 != 0 {
        return Err(MILLISECONDS.to_owned());
    }
    let ms = i64::try_from(nanos / 1_000_000).ok().filter(|ms| *ms <= DURATION_MS_MAX);
    let ms = ms.ok_or_else(too_long)?;
    Ok(if text.starts_with('-') { -ms } else { ms })
}

fn too_long() -> String {
    "durations reach 292 years either way (64 bits of nanoseconds)".to_owned()
}

/// Milliseconds since 1970 of an RFC 3339 time in the years 1 to 9999.
pub(super) fn timestamp(text: &str) -> Read<i64> {
    const SHAPE: &str = "write it as `2026-01-31T09:30:00Z`, with `Z` or an offset at the end";
    let shape = || SHAPE.to_owned();
    let (head, tail) = text.as_bytes().split_at_checked(19).ok_or_else(shape)?;
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if marks.iter().any(|(i, mark)| head[*i] != *mark) {
        return Err(shape());
    }
    let number = |range| digits(&head[range]).ok_or_else(shape);
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    let days = days_from_civil(year, month as u32, day as u32);
    let days = days.ok_or("there is no such day in the years 1 to 9999")?;
    if hour > 23 || minute > 59 || second > 59 {
        return Err("there is no such time of day".to_owned());
    }
    let (ms, zone) = fraction(tail).ok_or_else(|| MILLISECONDS.to_owned())?;
    let zone = str::from_utf8(zone).map_err(|_| shape())?;
    let minutes = match zone {
        "Z" => 0,
        _ if zone.starts_with(['+', '-']) => offset(zone).map_err(|_| shape())?,
        _ => return Err(shape()),
    };
    let seconds = days * (DAY_MS as i64 / 1000) + hour * 3600 + minute * 60 + second;
    let utc = seconds * 1000 + ms - i64::from(minutes) * 60_000;
    let in_range = (TIME_MS_MIN..=TIME_MS_MAX).contains(&utc);
    in_range.then_some(utc).ok_or_else(|| "times reach from year 1 to 9999 in UTC".to_owned())
}

/// Milliseconds after the full second, and the rest; `None` for parts of a millisecond.
fn fraction(tail: &[u8]) -> Option<(i64, &[u8])> {
    let Some(rest) = tail.strip_prefix(b".") else { return Some((0, tail)) };
    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (all, zone) = rest.split_at(length);
    let (kept, beyond) = all.split_at(length.min(3));
    if length == 0 || beyond.iter().any(|digit| *digit != b'0') {
        return None;
    }
    Some((digits(kept)? * [100, 10, 1][kept.len() - 1], zone))
}

fn digits(bytes: &[u8]) -> Option<i64> {
    let add = |sum, byte: &u8| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0'));
    bytes.iter().try_fold(0, add)
}

/// Minutes east of UTC of `+02:00`, `-09:30`, `02:00` or `UTC`.
pub(super) fn offset(text: &str) -> Read<i32> {
    if matches!(text, "UTC" | "Z") {
        return Ok(0);
    }
    let bytes = text.strip_prefix(['+', '-']).unwrap_or(text).as_bytes();
    if let &[h1, h2, b':', m1, m2] = bytes
        && let (Some(hours @ 0..=23), Some(minutes @ 0..=59)) =
            (digits(&[h1, h2]), digits(&[m1, m2]))
    {
        let east = (hours * 60 + minutes) as i32;
        return Ok(if text.starts_with('-') { -east } else { east });
    }
    let is_zone = text.starts_with(|c: char| c.is_ascii_alphabetic());
    Err(if is_zone {
        "zone names are left out: give an offset such as \"+02:00\", or use a calendar".to_owned()
    } else {
        "write the offset as \"+02:00\"".to_owned()
    })
}

/// A rounding by its name.
pub(super) fn rounding(name: &str) -> Option<Rounding> {
    ROUNDINGS.iter().find(|(known, _)| *known == name).map(|(_, rounding)| *rounding)
}

/// A time as CEL writes it.
pub(super) fn time_text(ms: i64) -> String {
    let day_ms = DAY_MS as i64;
    let (year, month, day) = facts::civil_from_days(ms.div_euclid(day_ms));
    let in_day = ms.rem_euclid(day_ms);
    let (hour, minute, second) = (in_day / 3_600_000, in_day / 60_000 % 60, in_day / 1000 % 60);
    let fraction = fraction_text(in_day % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

/// A duration as CEL writes it.
pub(super) fn duration_text(ms: i64) -> String {
    let sign = if ms < 0 { "-" } else { "" };
    let ms = ms.unsigned_abs();
    format!("{sign}{}{}s", ms / 1000, fraction_text((ms % 1000) as i64))
}

fn fraction_text(ms: i64) -> String {
    if ms == 0 {
        return String::new();
    }
    format!(".{ms:03}").trim_end_matches('0').to_owned()
}

pub(super) const ROUNDINGS: [(&str, Rounding); 7] = [
    ("half_even", Rounding::HalfEven),
    ("half_up", Rounding::HalfUp),
    ("half_down", Rounding::HalfDown),
    ("up", Rounding::Up),
    ("down", Rounding::Down),
    ("ceiling", Rounding::Ceiling),
    ("floor", Rounding::Floor),
];

/// Nanoseconds of each unit.
const UNITS: [(&str, i128); 8] = [
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1000),
    ("µs", 1000),
    ("μs", 1000),
    ("ns", 1),
];

const MILLISECONDS: &str = "times are in whole milliseconds: write at most three decimals";
