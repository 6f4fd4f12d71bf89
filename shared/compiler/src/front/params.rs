//! Parameters: constants that a rule names, read in the form of their types. It must never take a
//! value that its type could be read in two ways.

use super::checker::LIST_ELEMENTS_MAX;
use super::constant;
use super::kinds;
use super::lex::{TEXT_BYTES_MAX, is_name_part, is_name_start};
use super::literals::{self, CodeError};
use super::source::{Source, error};
use super::spelling::nearest;
use crate::draft::{Located, Param};
use crate::typed::{Expr, Kind, Span, Type};
use crate::{CompileError, ErrorKind};
use facts::CodeSet;

/// The constant that a parameter stands for.
pub fn param_value(param: &Param) -> Result<Expr, CompileError> {
    let name = param.ty.text.trim();
    let Some((_, is_list)) = TYPES.iter().find(|(known, _)| *known == name) else {
        let meant = MEANT.iter().find(|(word, _)| *word == name.to_ascii_lowercase());
        let meant = meant.map(|(_, ty)| *ty);
        let hint = match meant.or_else(|| nearest(name, TYPES.map(|(known, _)| known))) {
            Some(ty) => format!("did you mean `{ty}`?"),
            None => format!("known: {}", TYPES.map(|(known, _)| known).join(", ")),
        };
        let found = facts::shown(name);
        return Err(error(ErrorKind::Pack, span(&param.ty), "a parameter's type", found, hint));
    };
    let element = name.trim_matches(['[', ']']);
    if *is_list != param.is_list {
        let (expected, found) = if *is_list {
            ("a list of values", "one value")
        } else {
            ("one value", "a list of values")
        };
        let place = param.value.first().map_or(span(&param.name), span);
        let hint = if *is_list {
            "write `value: [a, b]`".to_owned()
        } else {
            format!("write `type: \"[{element}]\"` for a list")
        };
        return Err(error(ErrorKind::Type, place, expected, found, hint));
    }
    if !is_list {
        let Some(value) = param.value.first() else {
            let place = span(&param.name);
            return Err(error(ErrorKind::Pack, place, "a value", "nothing", "add `value:`"));
        };
        return single(element, value);
    }
    if param.value.is_empty() || param.value.len() > LIST_ELEMENTS_MAX {
        let expected = format!("1 to {LIST_ELEMENTS_MAX} elements");
        let found = format!("{}", param.value.len());
        let hint = "keep a long list in the rulebook and write `x in list(\"…\")`";
        return Err(error(ErrorKind::TooLarge, span(&param.name), expected, found, hint));
    }
    let elements: Vec<Expr> =
        param.value.iter().map(|value| single(element, value)).collect::<Result<_, _>>()?;
    list_of(param, elements)
}

/// The elements in their one type: decimals share a scale, amounts must share a currency.
fn list_of(param: &Param, elements: Vec<Expr>) -> Result<Expr, CompileError> {
    let mut ty = elements[0].ty.clone();
    for (value, element) in param.value.iter().zip(&elements) {
        ty = kinds::common(&ty, &element.ty).ok_or_else(|| {
            let (expected, found) = (kinds::a(&ty), kinds::a(&element.ty));
            let hint = "a list has elements of one type";
            error(ErrorKind::Currency, span(value), expected, found, hint)
        })?;
    }
    let grown: Option<Vec<Expr>> =
        elements.into_iter().map(|element| kinds::coerce(element, &ty)).collect();
    let place = span(&param.name);
    let Some(elements) = grown else {
        let expected = "numbers that fit 128 bits with equally many decimals";
        let hint = "write fewer digits";
        return Err(error(ErrorKind::Literal, place, expected, "larger ones", hint));
    };
    Ok(Expr { kind: Kind::List(elements), ty: Type::List(Box::new(ty)), span: place })
}

fn single(ty: &str, value: &Located) -> Result<Expr, CompileError> {
    let text = value.text.trim();
    let of_code = |read: Result<i64, CodeError>, ty: Type| match read {
        Ok(number) => Ok((Kind::Int(number), ty)),
        Err(CodeError { expected, hint }) => Err((expected, hint)),
    };
    let read = match ty {
        "int" => text.parse().map(|n| (Kind::Int(n), Type::Int)).map_err(|_| {
            ("an int of 64 bits".to_owned(), "write digits without separators".to_owned())
        }),
        "bool" => match text {
            "true" | "false" => Ok((Kind::Bool(text == "true"), Type::Bool)),
            _ => Err(("true or false".to_owned(), String::new())),
        },
        "string" if value.text.len() <= TEXT_BYTES_MAX => {
            Ok((Kind::Text(value.text.clone()), Type::Text))
        }
        "string" => Err((format!("at most {TEXT_BYTES_MAX} bytes"), "shorten it".to_owned())),
        "duration" => constant::duration(text)
            .map(|ms| (Kind::Int(ms), Type::Duration))
            .map_err(|hint| ("a duration".to_owned(), hint)),
        "timestamp" => constant::timestamp(text)
            .map(|ms| (Kind::Int(ms), Type::Time))
            .map_err(|hint| ("a time as in RFC 3339".to_owned(), hint)),
        "decimal" => constant::decimal(text)
            .map(|(mantissa, scale)| (Kind::Decimal(mantissa), Type::Decimal(scale)))
            .map_err(|hint| ("a decimal number".to_owned(), hint)),
        "money" => constant::money(text)
            .map(|(mantissa, currency)| {
                (Kind::Decimal(mantissa), Type::Money(currency, currency.exponent()))
            })
            .map_err(|hint| ("an amount such as `10000.00 USD`".to_owned(), hint)),
        "country" => of_code(literals::country(text), Type::Country),
        "currency" => of_code(literals::currency(text), Type::CurrencyCode),
        _ => {
            let set = CodeSet::TransactionType;
            of_code(literals::code(set, text), Type::Code(set))
        }
    };
    let place = span(value);
    match read {
        Ok((kind, ty)) => Ok(Expr { kind, ty, span: place }),
        Err((expected, hint)) => {
            let is_number = matches!(ty, "int" | "decimal" | "money");
            let hint = number_hint(text).filter(|_| is_number).unwrap_or(hint);
            Err(error(ErrorKind::Literal, place, expected, facts::shown(text), hint))
        }
    }
}

/// Refuses what is not a name of params, lets and variables.
pub(super) fn check_name(name: &Located) -> Result<(), CompileError> {
    let mut chars = name.text.chars();
    let fits = chars.next().is_some_and(is_name_start) && chars.all(is_name_part);
    if fits && name.text.len() <= NAME_BYTES_MAX {
        return Ok(());
    }
    let expected = format!("a name of letters, digits and `_`, at most {NAME_BYTES_MAX}");
    let hint = "begin with a letter";
    Err(error(ErrorKind::Pack, span(name), expected, facts::shown(&name.text), hint))
}

/// Where a piece of source stands.
pub(super) fn span(located: &Located) -> Span {
    Source::cut(located, 0, 0).span(0, located.text.chars().count())
}

/// What the type of a parameter is called.
pub fn type_name(ty: &Type) -> String {
    kinds::noun(ty)
}

/// Longest name of a parameter or a let, in bytes.
const NAME_BYTES_MAX: usize = 64;

/// What to do about digits in groups, or a currency before its amount.
fn number_hint(text: &str) -> Option<String> {
    let is_digit = |c: char| c.is_ascii_digit();
    if text.contains([',', '_', '\'']) && text.starts_with(is_digit) {
        let plain = text.replace([',', '_', '\''], "");
        return Some(format!("write numbers without separators: `{plain}`"));
    }
    let (code, digits) = text.split_once(' ')?;
    let is_amount = facts::Currency::parse(code).is_ok() && digits.starts_with(is_digit);
    is_amount.then(|| format!("write the amount first: `{digits} {code}`"))
}

/// Words that authors write for types; only for hints.
const MEANT: [(&str, &str); 12] = [
    ("amount", "money"),
    ("currency", "[currency]"),
    ("number", "int"),
    ("integer", "int"),
    ("float", "decimal"),
    ("percent", "decimal"),
    ("boolean", "bool"),
    ("text", "string"),
    ("date", "timestamp"),
    ("time", "timestamp"),
    ("datetime", "timestamp"),
    ("list", "[string]"),
];

/// Types of parameters, and whether they are lists.
const TYPES: [(&str, bool); 16] = [
    ("int", false),
    ("bool", false),
    ("string", false),
    ("duration", false),
    ("timestamp", false),
    ("decimal", false),
    ("money", false),
    ("country", false),
    ("type", false),
    ("[string]", true),
    ("[country]", true),
    ("[currency]", true),
    ("[int]", true),
    ("[decimal]", true),
    ("[money]", true),
    ("[type]", true),
];
