//! Points in time: RFC 3339 with a zone, in; milliseconds since 1970 in UTC, inside; RFC 3339 in
//! UTC, out. It must never read a clock, guess a zone, or drop a digit that says something.

use std::fmt;

use crate::civil::{DAY_MS, civil_from_days, days_from_civil, digits};
use crate::error::shown;
use crate::{ErrorKind, FactsError};

/// Milliseconds since 1970-01-01T00:00:00Z, without leap seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub u64);

impl Millis {
    /// The last millisecond of the year 9999.
    pub const MAX: Millis = Millis(253_402_300_799_999);

    /// `YYYY-MM-DDThh:mm:ss`, up to nine fraction digits (those after the third must be zeros),
    /// then `Z` or `±hh:mm`.
    pub fn parse(text: &str) -> Result<Self, FactsError> {
        parse_rfc3339(text).map_err(|remedy| {
            let expected = "a time such as 2026-01-31T09:30:00Z (RFC 3339)";
            FactsError::new(ErrorKind::Time, expected, shown(text), remedy)
        })
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days((self.0 / DAY_MS) as i64);
        let ms = self.0 % DAY_MS;
        let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        write!(f, ".{:03}Z", ms % 1000)
    }
}

/// The time, or what to do about the spelling.
fn parse_rfc3339(text: &str) -> Result<Millis, &'static str> {
    let (head, tail) = text.as_bytes().split_at_checked(19).ok_or(SHAPE)?;
    let is_mark = |(i, mark): &(usize, u8)| head[*i] == *mark;
    if !MARKS.iter().all(is_mark) {
        return Err(SHAPE);
    }
    let number = |range| digits(&head[range]).ok_or(SHAPE);
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    if year < 1970 {
        return Err("years run from 1970 to 9999");
    }
    let days = days_from_civil(year, month as u32, day as u32);
    let days = days.ok_or("there is no such day in the calendar")?;
    if second == 60 {
        return Err("leap seconds are not supported: write second 59, or 00 of the next minute");
    }
    if hour > 23 || minute > 59 || second > 59 {
        return Err("there is no such time of day");
    }
    let (ms, zone) = fraction(tail)?;
    let local = (days * 86_400 + hour * 3600 + minute * 60 + second)
        .checked_mul(1000)
        .and_then(|whole| whole.checked_add(ms))
        .ok_or(SHAPE)?;
    let utc = local - offset_minutes(zone)? * 60_000;
    let utc = u64::try_from(utc).ok().map(Millis).filter(|at| *at <= Millis::MAX);
    utc.ok_or("years run from 1970 to 9999 in UTC")
}

/// Milliseconds after the full second, and the rest of the text.
fn fraction(tail: &[u8]) -> Result<(i64, &[u8]), &'static str> {
    let Some(rest) = tail.strip_prefix(b".") else {
        return Ok((0, tail));
    };
    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (all, zone) = rest.split_at(length);
    if length == 0 {
        return Err("put digits after the point, or remove it");
    }
    if length > FRACTION_DIGITS_MAX {
        return Err("give at most nine fraction digits");
    }
    let (kept, beyond) = all.split_at(length.min(3));
    if beyond.iter().any(|digit| *digit != b'0') {
        return Err("times are in milliseconds: give three fraction digits");
    }
    let padding = [100, 10, 1][kept.len() - 1];
    Ok((digits(kept).ok_or(SHAPE)? * padding, zone))
}

/// Minutes east of UTC.
fn offset_minutes(zone: &[u8]) -> Result<i64, &'static str> {
    let (sign, rest) = match zone {
        b"Z" => return Ok(0),
        [] => return Err("add the zone: `Z`, or an offset such as +02:00"),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return Err("end with the zone: `Z`, or an offset such as +02:00"),
    };
    let &[h1, h2, b':', m1, m2] = rest else {
        return Err("write the offset as ±hh:mm");
    };
    let (hours, minutes) = (digits(&[h1, h2]), digits(&[m1, m2]));
    match (hours, minutes) {
        (Some(hours @ 0..=23), Some(minutes @ 0..=59)) => Ok(sign * (hours * 60 + minutes)),
        _ => Err("write the offset as ±hh:mm, up to 23:59"),
    }
}

const FRACTION_DIGITS_MAX: usize = 9;
const MARKS: [(usize, u8); 5] = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
const SHAPE: &str = "write YYYY-MM-DDThh:mm:ss, then the zone: `Z`, or an offset such as +02:00";
