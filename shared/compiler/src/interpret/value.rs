//! Values while a program runs, and what becomes of them in a result. It must never turn a value
//! into one that reads differently.

use std::cmp::Ordering;
use std::rc::Rc;

use facts::Currency;
use rules::Value;

use super::TEXT_VALUE_BYTES_MAX;
use crate::typed::{Fault, Type};

/// A value; its expression's type says how it is read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Datum {
    Bool(bool),
    /// `Int`, `Time`, `Duration`, `Code`, `Country`, `CurrencyCode`.
    Int(i64),
    Uint(u64),
    Text(Rc<str>),
    Bytes(Rc<[u8]>),
    /// Mantissa of `Decimal` and `Money`.
    Number(i128),
    /// `AnyMoney`.
    Amount(Amount),
    Counterparty(u32, Rc<str>),
    /// Index of a history row.
    Row(usize),
    List(Vec<Datum>),
    /// Score and entry.
    Hit(Option<(u16, u32)>),
}

/// An amount with its own currency.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Amount {
    pub(crate) mantissa: i128,
    pub(crate) currency: Currency,
    pub(crate) scale: u8,
}

/// The order of two values of one ordered type.
pub(crate) fn order(left: &Datum, right: &Datum) -> Option<Ordering> {
    match (left, right) {
        (Datum::Bool(a), Datum::Bool(b)) => Some(a.cmp(b)),
        (Datum::Int(a), Datum::Int(b)) => Some(a.cmp(b)),
        (Datum::Uint(a), Datum::Uint(b)) => Some(a.cmp(b)),
        (Datum::Text(a), Datum::Text(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
        (Datum::Bytes(a), Datum::Bytes(b)) => Some(a.cmp(b)),
        (Datum::Number(a), Datum::Number(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

/// The letters of a packed code.
pub(crate) fn unpack(packed: i64) -> String {
    let letters = packed.to_le_bytes().into_iter().take_while(|byte| *byte != 0);
    letters.map(char::from).collect()
}

/// The value as a result shows it; `None` when its type is none of a result.
pub(crate) fn shown(datum: &Datum, ty: &Type) -> Option<Result<Value, Fault>> {
    let value = match (datum, ty) {
        (Datum::Bool(flag), _) => Value::Text(flag.to_string()),
        (Datum::Int(number), Type::Int) => Value::Integer(*number),
        (Datum::Int(ms), Type::Time) => Value::Timestamp(*ms),
        (Datum::Int(ms), Type::Duration) => Value::Duration(*ms),
        (Datum::Int(packed), Type::Country | Type::CurrencyCode) => Value::Code(unpack(*packed)),
        (Datum::Int(code), Type::Code(set)) => {
            let mut names = set.names().iter();
            let found = names.find(|(number, _)| i64::from(*number) == *code);
            Value::Text(found?.1.to_owned())
        }
        (Datum::Uint(number), _) => match i64::try_from(*number) {
            Ok(number) => Value::Integer(number),
            Err(_) => return Some(Err(Fault::Range)),
        },
        (Datum::Text(text) | Datum::Counterparty(_, text), _) => Value::Text(cut(text)),
        (Datum::Number(mantissa), Type::Decimal(scale)) => money(*mantissa, *scale, ""),
        (Datum::Number(mantissa), Type::Money(currency, scale)) => {
            money(*mantissa, *scale, currency.code())
        }
        (Datum::Amount(amount), _) => money(amount.mantissa, amount.scale, amount.currency.code()),
        _ => return None,
    };
    Some(Ok(value))
}

fn money(mantissa: i128, scale: u8, currency: &str) -> Value {
    Value::Money { mantissa, scale, currency: currency.to_owned() }
}

/// At most as many bytes as a result's text may have, whole characters.
fn cut(text: &str) -> String {
    text[..text.floor_char_boundary(TEXT_VALUE_BYTES_MAX)].to_owned()
}
