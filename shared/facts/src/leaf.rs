//! The leaves of a request: one JSON value each, turned into one typed value or refused with its
//! path. It must never coerce one JSON type into another.

use std::borrow::Cow;

use crate::error::shown;
use crate::json::{Place, Raw};
use crate::{
    Currency, ErrorKind, FactsError, METADATA_DEPTH_MAX, Message, MessageFormat, Money,
    NONCE_BYTES_MAX,
};

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

/// The error for a fact that neither the body nor a message gives.
pub(crate) fn not_given(path: &str) -> FactsError {
    let (expected, found) = ("a value", "no such key");
    FactsError::new(ErrorKind::MissingField, expected, found, "add the key").at(path.to_owned())
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
    clean_text(&string(raw, at)?, limit).map_err(|fault| fault.at(at.path()))
}

/// The same for a text from elsewhere.
pub fn clean_text(whole: &str, limit: usize) -> Result<Option<String>, FactsError> {
    let text = whole.trim();
    if text.len() > limit {
        let (expected, found) = (format!("at most {limit} bytes"), format!("{} bytes", text.len()));
        return Err(FactsError::new(ErrorKind::Text, expected, found, "shorten the text"));
    }
    if text.chars().any(char::is_control) {
        let expected = "text without control characters";
        let hint = "remove line breaks, tabs and other control characters";
        return Err(FactsError::new(ErrorKind::Text, expected, shown(text), hint));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// `true` or `false`.
pub(crate) fn flag_if_any(
    value: Option<Raw<'_>>,
    at: &Place<'_>,
) -> Result<Option<bool>, FactsError> {
    let flag = |raw: Raw<'_>| match raw.0 {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(wrong_type(raw, at, "true or false")),
    };
    value.filter(|raw| !raw.is_null()).map(flag).transpose()
}

/// An integer from 1.
pub(crate) fn count_if_any(
    value: Option<Raw<'_>>,
    at: &Place<'_>,
) -> Result<Option<u64>, FactsError> {
    let count = |raw: Raw<'_>| {
        let plain = raw.0.bytes().all(|byte| byte.is_ascii_digit());
        raw.0.parse().ok().filter(|count| plain && *count > 0).ok_or_else(|| {
            let (expected, hint) = ("an integer from 1", "write it without quotes or a point");
            FactsError::new(ErrorKind::Number, expected, shown(raw.0), hint).at(at.path())
        })
    };
    value.filter(|raw| !raw.is_null()).map(count).transpose()
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

/// The same for keys that may be absent or `null`, both of them.
pub(crate) fn money_if_any(
    amount: Option<Raw<'_>>,
    currency: Option<Raw<'_>>,
    at: &Place<'_>,
) -> Result<Option<Money>, FactsError> {
    let absent = |value: Option<Raw<'_>>| value.is_none_or(Raw::is_null);
    if absent(amount) && absent(currency) {
        return Ok(None);
    }
    money(amount, currency, at).map(Some)
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

/// `message` and `format`: both or none. XML comes as a string, the others as an object.
pub(crate) fn embedded<'de>(
    message: Option<Raw<'de>>,
    format: Option<Raw<'de>>,
    at: &Place<'_>,
) -> Result<Option<Message<'de>>, FactsError> {
    let absent = |value: Option<Raw<'_>>| value.is_none_or(Raw::is_null);
    if absent(message) && absent(format) {
        return Ok(None);
    }
    let (message_at, format_at) = (at.key("message"), at.key("format"));
    let format = parsed(required(format, &format_at)?, &format_at, MessageFormat::parse)?;
    let message = required(message, &message_at)?;
    let source = match format {
        MessageFormat::Iso20022Xml => string(message, &message_at)?,
        _ if message.0.starts_with('{') => Cow::Borrowed(message.0),
        _ => return Err(wrong_type(message, &message_at, "an object")),
    };
    Ok(Some(Message { format, source }))
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
