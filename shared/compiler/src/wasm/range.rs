//! Bounds of numbers: what their types hold and how they join and grow. It must never give a bound
//! that a value can pass.

use crate::typed::{TimePart, Type};

/// First and last millisecond of the years 1 and 9999.
pub(super) const TIME_MIN: i64 = -62_135_596_800_000;
pub(super) const TIME_MAX: i64 = 253_402_300_799_999;
/// Longest duration, in ms: 64 bits of nanoseconds.
pub(super) const DURATION_MAX: i64 = 9_223_372_036_854;
/// Smallest and largest value.
pub(super) type Range = (i128, i128);

/// Decimal places of a number's type.
pub(super) fn scale(ty: &Type) -> u8 {
    match ty {
        Type::Decimal(scale) | Type::Money(_, scale) => *scale,
        _ => 0,
    }
}

/// Decimal places that are gained from one type to another.
pub(super) fn rise(from: &Type, to: &Type) -> i32 {
    i32::from(scale(to)) - i32::from(scale(from))
}

/// What a number's type can hold.
pub(super) fn bounds(ty: &Type) -> Range {
    match ty {
        Type::Int => (i64::MIN.into(), i64::MAX.into()),
        Type::Uint => (0, u64::MAX.into()),
        Type::Time => (TIME_MIN.into(), TIME_MAX.into()),
        Type::Duration => ((-DURATION_MAX).into(), DURATION_MAX.into()),
        _ => (i128::MIN, i128::MAX),
    }
}

/// Whether a computation whose bounds saturate at those of i128 stays inside.
pub(super) fn is_inside((low, high): Range, (least, most): Range) -> bool {
    // A bound at the very end may have been cut there.
    low >= least && high <= most && low > i128::MIN && high < i128::MAX
}

/// Bounds of what is in one of two.
pub(super) fn join((a_low, a_high): Range, (b_low, b_high): Range) -> Range {
    (a_low.min(b_low), a_high.max(b_high))
}

/// Bounds after some decimal places more.
pub(super) fn scaled((low, high): Range, places: i32) -> Range {
    let unit = 10_i128.checked_pow(places.unsigned_abs()).unwrap_or(i128::MAX);
    (low.saturating_mul(unit), high.saturating_mul(unit))
}

/// Bounds of a part of a time.
pub(super) fn part_range(part: TimePart) -> Range {
    match part {
        TimePart::Year => (0, 10_000),
        TimePart::Month => (0, 11),
        TimePart::Date => (1, 31),
        TimePart::DayOfMonth => (0, 30),
        TimePart::DayOfWeek => (0, 6),
        TimePart::DayOfYear => (0, 365),
        TimePart::Hours => (0, 23),
        TimePart::Minutes | TimePart::Seconds => (0, 59),
        TimePart::Milliseconds => (0, 999),
    }
}
