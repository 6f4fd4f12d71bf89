//! What authors write who come from other languages, and what to tell them; and the nearest known
//! name of one that is unknown. It only makes words of errors: nothing here decides a meaning.

use super::lex::{self, TokenKind};
use super::source::Source;
use crate::ErrorKind;
use crate::draft::Located;

type Refusal = Option<(ErrorKind, &'static str, &'static str)>;

/// Names that can never stand where a value is expected.
pub(super) fn refused_name(name: &str) -> Refusal {
    let hint = match name {
        "null" => {
            let hint = "a fact is there or not: write `has(…)` or `!has(…)`";
            return Some((ErrorKind::NotSupported, "a value other than null", hint));
        }
        "in" => "put a value before `in`",
        "if" => "write `condition ? value : other`",
        _ if RESERVED.contains(&name) => "this word is reserved by CEL: choose another name",
        _ => return None,
    };
    Some((ErrorKind::Syntax, "a value", hint))
}

/// Symbols that begin a part of CEL that is left out.
pub(super) fn refused_symbol(symbol: &str) -> Refusal {
    let (expected, hint) = match symbol {
        "{" => ("a value other than a map", "maps are left out: use a list `[…]` or `? :`"),
        "." => ("a name without a leading point", "remove the point"),
        _ => return None,
    };
    Some((ErrorKind::NotSupported, expected, hint))
}

/// What to do about a token that does not go on from the one before it.
pub(super) fn juxtaposed(
    before: Option<&TokenKind>,
    token: &TokenKind,
    after: Option<&TokenKind>,
) -> String {
    if let Some(TokenKind::Name(name)) = before
        && name.eq_ignore_ascii_case("not")
    {
        return "write `!` instead of `not`".to_owned();
    }
    match (before, token, after) {
        (_, TokenKind::End, _) => "something is missing at the end".to_owned(),
        (Some(TokenKind::Int(n)), TokenKind::Name(code), _)
            if facts::Currency::parse(code).is_ok() =>
        {
            let call = amount_call(code, &n.to_string());
            format!("write `{call}`")
        }
        (Some(TokenKind::Int(n)), TokenKind::Name(unit), _) if hours_of(unit).is_some() => {
            let hours = hours_of(unit).and_then(|hours| hours.checked_mul(*n)).unwrap_or(24);
            format!("write `duration(\"{hours}h\")`")
        }
        (Some(TokenKind::Int(_)), TokenKind::Symbol(","), Some(TokenKind::Int(_))) => {
            "write numbers without separators: `10000`".to_owned()
        }
        (_, TokenKind::Name(name), _) => word_hint(name),
        (_, TokenKind::Symbol("{"), _) => {
            "maps and messages are left out: use a list `[…]` or `? :`".to_owned()
        }
        (_, TokenKind::Symbol(")" | "]" | "}"), _) => {
            "nothing is open here: check the brackets".to_owned()
        }
        (_, TokenKind::Symbol(_), _) => "check the operator before it".to_owned(),
        _ => "put an operator between the two values".to_owned(),
    }
}

/// The hours of a unit of time as people name it.
fn hours_of(unit: &str) -> Option<u64> {
    let hours = [("hour", 1), ("day", 24), ("week", 168)];
    let unit = unit.strip_suffix('s').unwrap_or(unit);
    hours.iter().find(|(name, _)| *name == unit).map(|(_, hours)| *hours)
}

fn word_hint(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let instead = match lower.as_str() {
        "and" => "&&",
        "or" => "||",
        "is" | "equals" | "eq" => "==",
        "gt" => ">",
        "ge" | "gte" => ">=",
        "lt" => "<",
        "le" | "lte" => "<=",
        "ne" | "neq" => "!=",
        "mod" => "%",
        "not" => return "write `!(x in list)`: `!` goes before the whole".to_owned(),
        "then" | "else" => return "write `condition ? value : other`".to_owned(),
        "like" | "contains" | "startswith" | "matches" => {
            return "write `text.contains(\"…\")` or `text.startsWith(\"…\")`".to_owned();
        }
        _ => return "put an operator, such as `==` or `&&`, between the two".to_owned(),
    };
    format!("write `{instead}` instead of `{name}`")
}

/// `usd("5.00")` or `money("5", "BTC")`.
pub(super) fn amount_call(code: &str, digits: &str) -> String {
    match SHORT_CURRENCIES.iter().find(|(_, known)| *known == code) {
        Some((name, _)) => format!("{name}(\"{digits}\")"),
        None => format!("money(\"{digits}\", \"{code}\")"),
    }
}

/// The parameters that a text names, and the names in it that stand alone.
pub(crate) fn param_and_other_names(text: &Located) -> (Vec<String>, Vec<String>) {
    let tokens = Source::new(text).and_then(|source| lex::tokens(&source)).unwrap_or_default();
    let name = |index: usize| match tokens.get(index).map(|token| &token.kind) {
        Some(TokenKind::Name(name)) => Some(name.clone()),
        _ => None,
    };
    let is_point =
        |index: usize| tokens.get(index).is_some_and(|token| token.kind == TokenKind::Symbol("."));
    let (mut params, mut others) = (Vec::new(), Vec::new());
    for index in 0..tokens.len() {
        let Some(found) = name(index) else { continue };
        let is_part = index.checked_sub(1).is_some_and(is_point);
        match (found == "params" && is_point(index + 1), is_part) {
            (_, true) => {}
            (true, false) => params.extend(name(index + 2)),
            (false, false) => others.push(found),
        }
    }
    (params, others)
}

/// The nearest of `known`, when it is near enough to be meant.
pub(super) fn nearest<'k>(came: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let came = came.to_lowercase();
    let length = came.chars().count();
    if length > NAME_CHARS_MAX {
        return None;
    }
    let near = known.into_iter().map(|name| (distance(&came, &name.to_lowercase()), name));
    let (distance, name) = near.min()?;
    let allowed = (length.min(name.chars().count()) / 3).clamp(1, 4);
    (distance <= allowed && distance < length).then_some(name)
}

/// `did you mean …?`, or the list of what is known when it is short, or nothing.
pub fn did_you_mean<'k>(came: &str, known: impl IntoIterator<Item = &'k str> + Clone) -> String {
    if let Some(name) = nearest(came, known.clone()) {
        return format!("did you mean `{name}`?");
    }
    let all: Vec<&str> = known.into_iter().take(LISTED_MAX + 1).collect();
    if all.is_empty() || all.len() > LISTED_MAX {
        return String::new();
    }
    format!("known: {}", all.join(", "))
}

/// How many single letters must be inserted, removed, changed or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![i + 1; b.len() + 1];
        for (j, y) in b.iter().enumerate() {
            let change = row[j] + usize::from(x != y);
            next[j + 1] = change.min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                next[j + 1] = next[j + 1].min(before[j - 1] + 1);
            }
        }
        before = std::mem::replace(&mut row, next);
    }
    row[b.len()]
}

/// The code of a country that is written as a name.
pub(super) fn country_code(name: &str) -> Option<&'static str> {
    let name = name.to_lowercase();
    COUNTRY_NAMES.iter().find(|(known, _)| *known == name).map(|(_, code)| *code)
}

/// Functions that name a currency.
pub(super) const SHORT_CURRENCIES: [(&str, &str); 6] = [
    ("usd", "USD"),
    ("eur", "EUR"),
    ("gbp", "GBP"),
    ("sgd", "SGD"),
    ("hkd", "HKD"),
    ("cad", "CAD"),
];

/// Words that CEL keeps for itself; they may follow a point.
pub(super) const RESERVED: [&str; 17] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// Names that authors write for codes; only for hints.
const COUNTRY_NAMES: [(&str, &str); 34] = [
    ("afghanistan", "AF"),
    ("australia", "AU"),
    ("austria", "AT"),
    ("belarus", "BY"),
    ("belgium", "BE"),
    ("brazil", "BR"),
    ("canada", "CA"),
    ("china", "CN"),
    ("cuba", "CU"),
    ("france", "FR"),
    ("germany", "DE"),
    ("hong kong", "HK"),
    ("india", "IN"),
    ("iran", "IR"),
    ("iraq", "IQ"),
    ("ireland", "IE"),
    ("italy", "IT"),
    ("japan", "JP"),
    ("mexico", "MX"),
    ("myanmar", "MM"),
    ("netherlands", "NL"),
    ("north korea", "KP"),
    ("poland", "PL"),
    ("russia", "RU"),
    ("singapore", "SG"),
    ("spain", "ES"),
    ("sweden", "SE"),
    ("switzerland", "CH"),
    ("syria", "SY"),
    ("ukraine", "UA"),
    ("united kingdom", "GB"),
    ("united states", "US"),
    ("usa", "US"),
    ("venezuela", "VE"),
];

const NAME_CHARS_MAX: usize = 64;
const LISTED_MAX: usize = 12;
