//! The proleptic Gregorian calendar: days since 1970-01-01 to dates and back. It must never
//! answer for a date that the calendar does not have.

/// Milliseconds of a day; days have no leap seconds here.
pub const DAY_MS: u64 = 86_400_000;

/// Days since 1970-01-01 of a date in the years 1 to 9999, `None` when there is no such date.
pub fn days_from_civil(year: i64, month: u32, day: u32) -> Option<i64> {
    let fits = (1..=9999).contains(&year) && (1..=days_in_month(year, month)).contains(&day);
    if !fits {
        return None;
    }
    let (month, day) = (i64::from(month), i64::from(day));
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    Some(year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - EPOCH_DAY)
}

/// Year, month and day of a day since 1970-01-01; every `i64` has an answer. Years are counted
/// from March inside, so that the leap day is a year's last.
pub fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let shifted = days.rem_euclid(ERA_DAYS) + EPOCH_DAY;
    let (era, day_of_era) =
        (days.div_euclid(ERA_DAYS) + shifted / ERA_DAYS, shifted.rem_euclid(ERA_DAYS));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let year = era * 400 + year_of_era;
    let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
    (year, month as u32, day as u32)
}

/// Days of a month, 0 when there is no such month.
pub fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => 0,
    }
}

/// A few decimal digits and nothing else.
pub(crate) fn digits(bytes: &[u8]) -> Option<i64> {
    let add = |sum, byte: &u8| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0'));
    bytes.iter().try_fold(0, add)
}

/// Days of 400 years.
const ERA_DAYS: i64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const EPOCH_DAY: i64 = 719_468;
