//! From the caller's bytes to the canonical typed record that rules see (`shared/vm/ABI.md`,
//! sections 3, 4 and 6). Everything a caller may send is refused by name here or is typed after
//! here: exact decimals, known codes, UTC milliseconds. It must never guess, round, read a clock,
//! pass a number through a float, or give two records for one set of facts.

/// Version of everything that turns the caller's bytes into a record: mapping, trimming, and the
/// tables of currencies and countries. A change of any of them is a new number.
pub const FACTS_VERSION: u64 = 2;

mod civil;
mod country;
mod currency;
mod date;
mod error;
mod fact;
mod json;
mod layout;
mod leaf;
mod money;
mod names;
mod party;
mod record;
mod request;
mod time;
mod transaction;

pub use civil::{DAY_MS, civil_from_days, days_from_civil, days_in_month};
pub use country::Country;
pub use currency::Currency;
pub use date::Date;
pub use error::{ErrorKind, FactsError, shown, suggestion};
pub use layout::{
    CodeSet, FIELDS, FIXED_BYTES, Field, FieldKind, HEADER_AS_OF, HEADER_LENGTH, HEADER_PRESENCE,
    HEADER_ROW_COUNT, HEADER_ROWS, RECORD_MAGIC, ROW_BYTES, ROW_COUNTERPARTY,
    ROW_COUNTERPARTY_COUNTRY, ROW_COUNTERPARTY_NUMBER, ROW_CURRENCY, ROW_DIRECTION, ROW_MANTISSA,
    ROW_SCALE, ROW_TIMESTAMP, ROW_TYPE,
};
pub use leaf::clean_text;
pub use money::{Money, format_decimal};
pub use names::{
    Direction, Domain, Jurisdiction, MessageFormat, PartyKind, Pep, Risk, TransactionType,
};
pub use party::Party;
pub use record::{Record, record};
pub use request::{Body, HistoryRow, Message, Request, parse_body, parse_request};
pub use time::Millis;
pub use transaction::{Draft, Transaction};

/// Longest request body.
pub const REQUEST_BYTES_MAX: usize = 2 << 20;
/// Longest record.
pub const RECORD_BYTES_MAX: usize = 2 << 20;
/// Most history rows of one request.
pub const HISTORY_ROWS_MAX: usize = 10_000;
/// Most jurisdictions, and most domains, of one request.
pub const SCOPE_NAMES_MAX: usize = 16;
/// Longest text, after trimming, of every text field but the address.
pub const TEXT_BYTES_MAX: usize = 256;
/// Longest address, after trimming.
pub const ADDRESS_BYTES_MAX: usize = 512;
/// Longest nonce of a caller.
pub const NONCE_BYTES_MAX: usize = 64;
/// Deepest nesting inside `metadata`.
pub const METADATA_DEPTH_MAX: usize = 128;
/// Most digits of an amount before the decimal point.
pub const INTEGER_DIGITS_MAX: usize = 18;
/// Most characters of the caller's data that an error repeats.
pub const ERROR_CHARS_MAX: usize = 64;

/// Longest text, after trimming, of a text field by its name without the part before the point.
pub fn text_bytes_max(name: &str) -> usize {
    if name == "address" { ADDRESS_BYTES_MAX } else { TEXT_BYTES_MAX }
}

#[cfg(test)]
mod tests;
