//! How a value of one type becomes one of another, told to the author of a mismatch. It only makes
//! words of errors.

use facts::Currency;

use super::ast::{Ast, Node};
use super::checker::Checker;
use super::operators::is_constant;
use crate::typed::Type;

impl Checker<'_> {
    /// How `ast` becomes what `other` is.
    pub(super) fn conversion_hint(
        &self,
        ast: &Ast,
        ty: &Type,
        other: &Ast,
        other_ty: &Type,
        equality: bool,
    ) -> String {
        let words = self.words(ast);
        let text = match &ast.node {
            Node::Text(text) => text.clone(),
            _ => words.clone(),
        };
        let constant = is_constant(ast);
        match (ty, other_ty) {
            (Type::Int | Type::Uint | Type::Text, Type::Money(currency, _)) if constant => {
                format!("write `{}`", sample_amount(&text, *currency))
            }
            (Type::Decimal(_), Type::Money(currency, _)) => {
                format!("write an amount, such as `{}`", sample_amount("1.50", *currency))
            }
            (Type::Money(from, _), Type::Money(to, _)) if from != to => {
                let rates = self.rates.first().map_or("…", |rates| rates.id.as_str());
                format!("write the amount in {to}, or `convert({words}, \"{to}\", \"{rates}\")`")
            }
            (Type::Int | Type::Uint | Type::Text, Type::Decimal(_)) if constant => {
                format!("write `dec(\"{text}\")`")
            }
            (Type::Int, Type::Uint) if constant => format!("write `{words}u`"),
            (Type::Uint, Type::Int) => match text.strip_suffix(['u', 'U']) {
                Some(digits) if constant => format!("write `{digits}`"),
                _ => format!("write `int({words})`"),
            },
            (Type::Int, Type::Uint) => format!("write `uint({words})`"),
            (Type::Text, Type::Time) => format!("write `timestamp(\"{}\")`", sample_time(&text)),
            (Type::Text, Type::Duration) if constant => format!("write `duration(\"{text}\")`"),
            (Type::Int, Type::Duration) => "write `duration(\"24h\")`".to_owned(),
            (Type::Int, Type::Time) => "write a time, such as `as_of - duration(\"24h\")`".into(),
            (Type::Text, Type::Int) if constant => format!("write `{text}` without quotes"),
            (Type::Text, Type::Bool) if matches!(text.as_str(), "true" | "false") => {
                format!("write `{text}` without quotes")
            }
            (Type::Int | Type::Uint | Type::Bool, Type::Text) => {
                format!("write `string({words})`, or text between quotes")
            }
            (Type::Code(_) | Type::Country | Type::CurrencyCode, Type::Text) if !constant => {
                let other = self.words(other);
                format!("`{other}` is text: compare `{words}` with a code between quotes")
            }
            (_, Type::Hit(_)) => {
                let other = self.words(other);
                format!("compare a part of it: `{other}.found`, `{other}.score`")
            }
            (Type::List(element), _) if **element == *other_ty && equality => {
                format!("write `{} in {words}`", self.words(other))
            }
            (_, Type::List(element)) if **element == *ty && equality => {
                format!("write `{words} in {}`", self.words(other))
            }
            (Type::Int, Type::List(_)) => format!("write `{}.size()`", self.words(other)),
            (Type::Text, Type::Code(_) | Type::Country | Type::CurrencyCode) => {
                "compare with a code between quotes, or a parameter of that type".to_owned()
            }
            (_, Type::Bool) => "join two comparisons with `&&`".to_owned(),
            _ => String::new(),
        }
    }
}

fn sample_amount(digits: &str, currency: Currency) -> String {
    let plain = digits.trim_end_matches(['u', 'U']).replace([',', '_', ' '], "");
    let places = usize::from(currency.exponent());
    let is_number = plain.bytes().all(|b| b.is_ascii_digit() || b == b'.') && !plain.is_empty();
    let digits = match (is_number, plain.contains('.') || places == 0) {
        (true, true) => plain,
        (true, false) => format!("{plain}.{}", "0".repeat(places.min(2))),
        (false, _) => format!("100.{}", "0".repeat(places.clamp(1, 2))),
    };
    super::spelling::amount_call(currency.code(), &digits)
}

fn sample_time(text: &str) -> String {
    let is_day = text.len() == 10 && facts::Date::parse(text).is_ok();
    if is_day { format!("{text}T00:00:00Z") } else { "2026-01-31T09:30:00Z".to_owned() }
}
