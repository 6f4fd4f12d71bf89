//! Calendar days: `YYYY-MM-DD` in, milliseconds since 1970 of midnight UTC inside. It must never
//! take a day that the calendar does not have, nor a spelling with a time or a zone.

use std::fmt;

use crate::civil::{DAY_MS, civil_from_days, days_from_civil, digits};
use crate::error::shown;
use crate::{ErrorKind, FactsError};

/// A day of the years 1850 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(i64);

impl Date {
    /// The first year that a date may be in.
    pub const YEAR_MIN: i64 = 1850;

    /// `YYYY-MM-DD`.
    pub fn parse(text: &str) -> Result<Self, FactsError> {
        parse_day(text.as_bytes()).map_err(|remedy| {
            let expected = "a day such as 1984-02-29";
            FactsError::new(ErrorKind::Date, expected, shown(text), remedy)
        })
    }

    /// Milliseconds since 1970-01-01T00:00:00Z of the day's midnight in UTC; before 1970 negative.
    pub const fn ms(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.0.div_euclid(DAY_MS as i64));
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

/// The day, or what to do about the spelling.
fn parse_day(text: &[u8]) -> Result<Date, &'static str> {
    let &[a, b, c, d, b'-', m1, m2, b'-', d1, d2] = text else {
        return Err(SHAPE);
    };
    let number = |bytes: &[u8]| digits(bytes).ok_or(SHAPE);
    let (year, month, day) = (number(&[a, b, c, d])?, number(&[m1, m2])?, number(&[d1, d2])?);
    if year < Date::YEAR_MIN {
        return Err("years run from 1850 to 9999");
    }
    let days = days_from_civil(year, month as u32, day as u32);
    days.map(|days| Date(days * DAY_MS as i64)).ok_or("there is no such day in the calendar")
}

const SHAPE: &str = "write YYYY-MM-DD, without a time or a zone";
