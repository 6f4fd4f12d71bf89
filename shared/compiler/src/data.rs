//! Tables that rules compute with: calendars and exchange rates. They are read from files of the
//! pack, never from the machine; what a rule uses of them stands in its module, and their canonical
//! lines stand in the bundle as a list whose root every statement names.

use facts::Currency;

/// A calendar of business days with its time zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    /// Identifier, such as `us.federal-eastern`.
    pub id: String,
    /// Where it comes from.
    pub source: String,
    /// First local day that it knows, days since 1970-01-01.
    pub first_day: i32,
    /// Last local day that it knows.
    pub last_day: i32,
    /// (first instant in ms since 1970, minutes east of UTC), sorted; the first holds before it
    /// too.
    pub offsets: Vec<(i64, i16)>,
    /// Days of the week that are not business days; bit 0 is Sunday.
    pub weekend: u8,
    /// Holidays in days since 1970-01-01, sorted, unique.
    pub holidays: Vec<i32>,
    /// Local minute of the day from which a time counts for the next day: 0 to 1440, 1440 for none.
    pub cutoff_minute: u16,
}

/// Exchange rates of one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rates {
    /// Identifier, such as `ecb.2026-11-20`.
    pub id: String,
    /// Where they come from.
    pub source: String,
    /// What one unit of the base currency is worth, for each currency, the base with 1 included:
    /// mantissa > 0 and scale ≤ 12, sorted by currency, unique.
    pub rates: Vec<(Currency, i128, u8)>,
}
