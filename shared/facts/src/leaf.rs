//! The leaves of a request: one JSON value each, turned into one typed value or refused with its
//! path. It must never coerce one JSON type into another.

use std::borrow::Cow;

use crate::error::shown;
use crate::json::{Place, Raw};
use crate::{Currency, ErrorKind, FactsError, METADATA_DEPTH_MAX, Money, NONCE_BYTES_MAX};

/// A value that must be there.
pub(crate) fn required<'de>(
    value: Option<Raw<'de>>,
    at: &Place<'_>,
) -> Result<Raw<'de>, FactsError> {
    value.filter(|raw| !raw.is_null()).ok_or_else(|| missing(at, value.is_some()))
}

/// The error for a required key that is not there, or `null`.
pub(crate) fn missing(at: &Place<'_>, is_null: bool) -> FactsError {
    let found = if is_null { "null" } else { "no such key" };
    FactsError::new(ErrorKind::MissingField, "a value", found, "add the key").at(at.path())
}

/// A string through `parse`, such as a code or a time.
pub(crate) fn parsed<T>(
    raw: Raw<'_>,
    at: &Place<'_>,
    parse: fn(&str) -> Result<T, FactsError>,
) -> Result<T, FactsError> {
    parse(&string(raw, at)?).map_err(|fault| fault.at(at.path()))
}

/// The same for a key that may be absent or `null`.
pub(crate) fn parsed_if_any<T>(
    value: Option<Raw<'_>>,
    at: &Place<'_>,
    parse: fn(&str) -> Result<T, FactsError>,
) -> Result<Option<T>, FactsError> {
    value.filter(|raw| !raw.is_null()).map(|raw| parsed(raw, at, parse)).transpose()
}

/// A text: trimmed, bounded, without control characters; an empty one is absent.
pub(crate) fn text(
    value: Option<Raw<'_>>,
    at: &Place<'_>,
    limit: usize,
) -> Result<Option<String>, FactsError> {
    let Some(raw) = value.filter(|raw| !raw.is_null()) else {
        return Ok(None);
    };
    let whole = string(raw, at)?;
    let text = whole.trim();
    if text.len() > limit {
        let (expected, found) = (format!("at most {limit} bytes"), format!("{} bytes", text.len()));
        let fault = FactsError::new(ErrorKind::Text, expected, found, "shorten the text");
        return Err(fault.at(at.path()));
    }
    if text.chars().any(char::is_control) {
        let expected = "text without control characters";
        let hint = "remove line breaks, tabs and other control characters";
        return Err(FactsError::new(ErrorKind::Text, expected, shown(text), hint).at(at.path()));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// A code that is a text first: trimmed, and absent when empty.
pub(crate) fn code_if_any<T>(
    value: Option<Raw<'_>>,
    at: &Place<'_>,
    parse: fn(&str) -> Result<T, FactsError>,
) -> Result<Option<T>, FactsError> {
    let Some(raw) = value.filter(|raw| !raw.is_null()) else {
        return Ok(None);
    };
    match string(raw, at)?.trim() {
        "" => Ok(None),
        code => parse(code).map(Some).map_err(|fault| fault.at(at.path())),
    }
}

/// `amount` and `currency` of the object at `at`: the digits exactly as they stand in the source.
pub(crate) fn money(
    amount: Option<Raw<'_>>,
    currency: Option<Raw<'_>>,
    at: &Place<'_>,
) -> Result<Money, FactsError> {
    let (amount_at, currency_at) = (at.key("amount"), at.key("currency"));
    let amount = required(amount, &amount_at)?;
    let currency = parsed(required(currency, &currency_at)?, &currency_at, Currency::parse)?;
    let digits = match amount.0.as_bytes() {
        [b'"', ..] => string(amount, &amount_at)?,
        [b'-' | b'0'..=b'9', ..] => Cow::Borrowed(amount.0),
        _ => {
            return Err(wrong_type(amount, &amount_at, "a number, or a string of digits"));
        }
    };
    Money::parse(&digits, currency).map_err(|fault| fault.at(amount_at.path()))
}

/// A caller's nonce.
pub(crate) fn nonce(text: &str) -> Result<Vec<u8>, FactsError> {
    let bytes = crypto::from_hex(text).ok();
    bytes.filter(|bytes| (1..=NONCE_BYTES_MAX).contains(&bytes.len())).ok_or_else(|| {
        let expected = format!("1 to {NONCE_BYTES_MAX} bytes in lower-case hexadecimal");
        FactsError::new(ErrorKind::Hex, expected, shown(text), "use two of 0-9a-f for each byte")
    })
}

/// A caller's salt. It is secret: the error does not repeat it.
pub(crate) fn salt(text: &str) -> Result<crypto::Salt, FactsError> {
    crypto::from_hex_exact(text).map(crypto::Salt).map_err(|_| {
        let expected = "32 bytes in lower-case hexadecimal";
        let found = format!("{} characters", text.chars().count());
        FactsError::new(ErrorKind::Hex, expected, found, "send 64 of 0-9a-f")
    })
}

/// `metadata` may be any JSON that is not absurdly deep.
pub(crate) fn metadata(value: Option<Raw<'_>>, at: &Place<'_>) -> Result<(), FactsError> {
    let depth = value.map_or(0, Raw::depth);
    if depth <= METADATA_DEPTH_MAX {
        return Ok(());
    }
    let expected = format!("at most {METADATA_DEPTH_MAX} levels of nesting");
    let found = format!("{depth} levels");
    Err(FactsError::new(ErrorKind::TooDeep, expected, found, "flatten the value").at(at.path()))
}

fn string<'de>(raw: Raw<'de>, at: &Place<'_>) -> Result<Cow<'de, str>, FactsError> {
    let string = raw.string().map_err(|fault| fault.at(at.path()))?;
    string.ok_or_else(|| wrong_type(raw, at, "a string"))
}

fn wrong_type(raw: Raw<'_>, at: &Place<'_>, expected: &'static str) -> FactsError {
    let hint = "put a value of the expected JSON type there";
    FactsError::new(ErrorKind::WrongType, expected, shown(raw.0), hint).at(at.path())
}
