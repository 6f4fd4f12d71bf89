//! What types are called in errors, which types go together, and how one becomes the other. It
//! must never change a value: only scales grow, and a counterparty becomes its text.

use facts::CodeSet;

use crate::typed::{Body, Expr, Kind, Loop, Type};

/// Most decimal places that a product can have.
pub(super) const PRODUCT_SCALE_MAX: u8 = 36;

/// The name of a type without an article.
pub(super) fn noun(ty: &Type) -> String {
    let name = match ty {
        Type::Bool => "bool",
        Type::Int => "int",
        Type::Uint => "uint",
        Type::Text => "string",
        Type::Bytes => "bytes",
        Type::Time => "timestamp",
        Type::Duration => "duration",
        Type::Decimal(_) => "decimal",
        Type::Money(currency, _) => return format!("amount in {currency}"),
        Type::AnyMoney => "amount whose currency is not established",
        Type::Code(set) => code_noun(*set),
        Type::Country => "country",
        Type::CurrencyCode => "currency code",
        Type::Counterparty => "counterparty",
        Type::List(element) => return format!("list of {}", plural(element)),
        Type::Row => "history row",
        Type::Hit(_) => "screening result",
    };
    name.to_owned()
}

fn plural(ty: &Type) -> String {
    let noun = noun(ty);
    match ty {
        Type::Bytes => noun,
        Type::Money(..)
        | Type::AnyMoney
        | Type::Code(facts::CodeSet::PartyKind)
        | Type::List(_) => {
            let (first, rest) = noun.split_once(' ').unwrap_or((&noun, ""));
            format!("{first}s {rest}")
        }
        Type::Country | Type::Counterparty => noun.replace("ry", "ries").replace("ty", "ties"),
        Type::Code(facts::CodeSet::Pep) => "PEP statuses".to_owned(),
        _ => format!("{noun}s"),
    }
}

/// The name of a type with its article.
pub(super) fn a(ty: &Type) -> String {
    let noun = noun(ty);
    let article = match noun.as_str() {
        "bytes" => return noun,
        "uint" => "a",
        _ if noun.starts_with(['a', 'i', 'o', 'u']) => "an",
        _ => "a",
    };
    format!("{article} {noun}")
}

/// What the codes of a set are.
pub(super) fn code_noun(set: CodeSet) -> &'static str {
    match set {
        CodeSet::TransactionType => "transaction type",
        CodeSet::Direction => "direction",
        CodeSet::PartyKind => "kind of party",
        CodeSet::Pep => "PEP status",
        CodeSet::Risk => "risk rating",
    }
}

/// The type that values of both types can have without loss.
pub(super) fn common(a: &Type, b: &Type) -> Option<Type> {
    match (a, b) {
        _ if a == b => Some(a.clone()),
        (Type::Decimal(x), Type::Decimal(y)) => Some(Type::Decimal(*x.max(y))),
        (Type::Money(c, x), Type::Money(d, y)) if c == d => Some(Type::Money(*c, *x.max(y))),
        (Type::Counterparty, Type::Text) | (Type::Text, Type::Counterparty) => Some(Type::Text),
        (Type::List(x), Type::List(y)) => Some(Type::List(Box::new(common(x, y)?))),
        _ => None,
    }
}

/// The same value in a type that `common` gave; `None` when it cannot be had without a loop.
pub(super) fn coerce(mut expr: Expr, ty: &Type) -> Option<Expr> {
    if expr.ty == *ty {
        return Some(expr);
    }
    let kind = match (&expr.ty, ty) {
        (Type::Decimal(from), Type::Decimal(to)) | (Type::Money(_, from), Type::Money(_, to))
            if from < to =>
        {
            match expr.kind {
                Kind::Decimal(mantissa) => {
                    let factor = 10i128.checked_pow(u32::from(to - from))?;
                    Kind::Decimal(mantissa.checked_mul(factor)?)
                }
                _ => Kind::Rescale(Box::new(expr.clone())),
            }
        }
        (Type::Counterparty, Type::Text) => Kind::TextOf(Box::new(expr.clone())),
        (Type::List(_), Type::List(element)) => match expr.kind {
            Kind::List(elements) => {
                let all = elements.into_iter().map(|each| coerce(each, element));
                Kind::List(all.collect::<Option<_>>()?)
            }
            Kind::Loop(Loop::Map, body) => {
                let each = coerce(body.each, element)?;
                let (list, variable) = (body.list, body.variable);
                Kind::Loop(Loop::Map, Box::new(Body { list, variable, each }))
            }
            _ => return None,
        },
        _ => return None,
    };
    expr.kind = kind;
    expr.ty = ty.clone();
    Some(expr)
}

/// Both in one type, or both back.
pub(super) fn unify(a: Expr, b: Expr) -> Result<(Expr, Expr), Box<(Expr, Expr)>> {
    let both = common(&a.ty, &b.ty)
        .and_then(|ty| Some((coerce(a.clone(), &ty)?, coerce(b.clone(), &ty)?)));
    both.ok_or_else(|| Box::new((a, b)))
}

/// Whether `==` takes the type.
pub(super) fn has_equality(ty: &Type) -> bool {
    match ty {
        Type::AnyMoney | Type::Row | Type::Hit(_) => false,
        Type::List(element) => has_equality(element),
        _ => true,
    }
}

/// Whether `<` takes the type.
pub(super) fn is_ordered(ty: &Type) -> bool {
    matches!(ty, Type::Bool | Type::Text | Type::Bytes) || is_measured(ty)
}

/// Whether values of the type have a smallest and a largest.
pub(super) fn is_measured(ty: &Type) -> bool {
    let number = matches!(ty, Type::Int | Type::Uint | Type::Time | Type::Duration);
    number || matches!(ty, Type::Decimal(_) | Type::Money(..))
}

/// Whether lists can be made of values of the type.
pub(super) fn can_be_element(ty: &Type) -> bool {
    match ty {
        Type::AnyMoney | Type::Row | Type::Hit(_) => false,
        Type::List(element) => can_be_element(element),
        _ => true,
    }
}
