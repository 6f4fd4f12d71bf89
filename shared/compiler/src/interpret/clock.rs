//! Parts of times, and days of calendars. It must never read a clock or a zone that is not in the
//! calendar.

use facts::{DAY_MS, civil_from_days, days_from_civil};

use crate::data::Calendar;
use crate::typed::{Fault, TimePart};

const DAY: i64 = DAY_MS as i64;
const MINUTE: i64 = 60_000;

/// A part of a time, in UTC plus `offset` minutes.
pub(super) fn part_of_time(part: TimePart, ms: i64, offset: i32) -> i64 {
    let local = ms + i64::from(offset) * MINUTE;
    let (days, rest) = (local.div_euclid(DAY), local.rem_euclid(DAY));
    let (year, month, day) = civil_from_days(days);
    match part {
        TimePart::Year => year,
        TimePart::Month => i64::from(month) - 1,
        TimePart::Date => day.into(),
        TimePart::DayOfMonth => i64::from(day) - 1,
        // Day 0 was a Thursday.
        TimePart::DayOfWeek => (days + 4).rem_euclid(7),
        TimePart::DayOfYear => days - first_day(year),
        TimePart::Hours => rest / 3_600_000,
        TimePart::Minutes => rest / MINUTE % 60,
        TimePart::Seconds => rest / 1000 % 60,
        TimePart::Milliseconds => rest % 1000,
    }
}

/// The first of January; an offset can reach the year before 1 and the one after 9999.
fn first_day(year: i64) -> i64 {
    match year {
        ..=0 => days_from_civil(1, 1, 1).unwrap_or(0) - 366,
        10_000.. => days_from_civil(9999, 12, 31).unwrap_or(0) + 1,
        _ => days_from_civil(year, 1, 1).unwrap_or(0),
    }
}

/// A part of a duration.
pub(super) fn part_of_duration(part: TimePart, ms: i64) -> i64 {
    match part {
        TimePart::Hours => ms / 3_600_000,
        TimePart::Minutes => ms / MINUTE,
        TimePart::Seconds => ms / 1000,
        _ => ms % 1000,
    }
}

/// The local date in a calendar, days since 1970, and the local minute of that day.
fn local(calendar: &Calendar, ms: i64) -> Result<(i64, i64), Fault> {
    let mut offset = calendar.offsets.first().map_or(0, |(_, minutes)| *minutes);
    for (first, minutes) in &calendar.offsets {
        if *first <= ms {
            offset = *minutes;
        }
    }
    let local = ms + i64::from(offset) * MINUTE;
    let day = local.div_euclid(DAY);
    within(calendar, day)?;
    Ok((day, local.rem_euclid(DAY) / MINUTE))
}

fn within(calendar: &Calendar, day: i64) -> Result<(), Fault> {
    let known = i64::from(calendar.first_day)..=i64::from(calendar.last_day);
    if known.contains(&day) { Ok(()) } else { Err(Fault::Calendar) }
}

/// The local date.
pub(super) fn day(calendar: &Calendar, ms: i64) -> Result<i64, Fault> {
    local(calendar, ms).map(|(day, _)| day)
}

/// The business day that a time counts for: the next one from the cut-off on, and from any day
/// that is none.
pub(super) fn business_day(calendar: &Calendar, ms: i64) -> Result<i64, Fault> {
    let (mut day, minute) = local(calendar, ms)?;
    if minute >= i64::from(calendar.cutoff_minute) {
        day += 1;
    }
    loop {
        within(calendar, day)?;
        let weekday = (day + 4).rem_euclid(7);
        let is_weekend = calendar.weekend >> weekday & 1 == 1;
        let is_holiday = calendar.holidays.iter().any(|holiday| i64::from(*holiday) == day);
        if !is_weekend && !is_holiday {
            return Ok(day);
        }
        day += 1;
    }
}
