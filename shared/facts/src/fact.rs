//! What one optional fact can do: be read from JSON, stand in the record, be held against another
//! source of the same fact. It must never prefer one source over another.

use std::fmt::Display;

use crate::error::shown;
use crate::json::{Place, Raw};
use crate::leaf::{code_if_any, flag_if_any, parsed_if_any, text};
use crate::{Country, Date, ErrorKind, FactsError, Millis, Money, PartyKind, Pep, Risk};
use crate::{TransactionType, text_bytes_max};

/// A fact as the record holds it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    /// Offset and length of text.
    Text(&'a str),
    /// A code, packed letters or a flag.
    Word(u32),
    /// Milliseconds since 1970.
    Long(i64),
    /// Mantissa, currency and scale.
    Money(Money),
}

/// One kind of fact.
pub(crate) trait Fact: Sized + PartialEq + Display {
    /// Reads it; `None` for no key, `null`, and a text that says nothing.
    fn read(value: Option<Raw<'_>>, at: &Place<'_>) -> Result<Option<Self>, FactsError>;
    /// What stands in the record.
    fn value(&self) -> Value<'_>;
}

impl Fact for String {
    fn read(value: Option<Raw<'_>>, at: &Place<'_>) -> Result<Option<Self>, FactsError> {
        text(value, at, text_bytes_max(at.name()))
    }

    fn value(&self) -> Value<'_> {
        Value::Text(self)
    }
}

impl Fact for Country {
    fn read(value: Option<Raw<'_>>, at: &Place<'_>) -> Result<Option<Self>, FactsError> {
        code_if_any(value, at, Country::parse)
    }

    fn value(&self) -> Value<'_> {
        Value::Word(self.packed())
    }
}

impl Fact for bool {
    fn read(value: Option<Raw<'_>>, at: &Place<'_>) -> Result<Option<Self>, FactsError> {
        flag_if_any(value, at)
    }

    fn value(&self) -> Value<'_> {
        Value::Word((*self).into())
    }
}

impl Fact for Money {
    /// Amount and currency are two keys: `leaf::money` reads them.
    fn read(_: Option<Raw<'_>>, _: &Place<'_>) -> Result<Option<Self>, FactsError> {
        Ok(None)
    }

    fn value(&self) -> Value<'_> {
        Value::Money(*self)
    }
}

macro_rules! parsed_facts {
    ($($type:ident as $name:ident => $value:expr;)*) => {$(
        impl Fact for $type {
            fn read(value: Option<Raw<'_>>, at: &Place<'_>) -> Result<Option<Self>, FactsError> {
                parsed_if_any(value, at, $type::parse)
            }

            fn value(&self) -> Value<'_> {
                let $name = self;
                $value
            }
        }
    )*};
}

parsed_facts! {
    // Times fit: the last one is the end of the year 9999.
    Millis as time => Value::Long(time.0 as i64);
    Date as date => Value::Long(date.ms());
    TransactionType as name => Value::Word(name.code().into());
    PartyKind as name => Value::Word(name.code().into());
    Pep as name => Value::Word(name.code().into());
    Risk as name => Value::Word(name.code().into());
}

/// Takes the other source's fact when there is none; two must be equal.
pub(crate) fn merge<T: Fact>(
    mine: &mut Option<T>,
    other: Option<T>,
    path: &str,
    name: &str,
) -> Result<(), FactsError> {
    let (Some(ours), Some(theirs)) = (&*mine, &other) else {
        *mine = mine.take().or(other);
        return Ok(());
    };
    if ours == theirs {
        return Ok(());
    }
    let expected = format!("{}, as in the message", shown(&theirs.to_string()));
    let hint = "leave the key out, or correct the message";
    let found = shown(&ours.to_string());
    let fault = FactsError::new(ErrorKind::Contradiction, expected, found, hint);
    Err(fault.at(format!("{path}.{name}")))
}
