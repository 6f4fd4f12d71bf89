//! Walks over typed expressions. It reads only.

use crate::typed::{Expr, Kind};

/// The direct parts of an expression.
pub(super) fn parts(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
        Kind::List(elements) | Kind::Call(_, elements) => elements.iter().collect(),
        Kind::Column(_, a)
        | Kind::HasColumn(_, a)
        | Kind::CurrencyOf(a)
        | Kind::Narrow(a)
        | Kind::Rescale(a)
        | Kind::TextOf(a)
        | Kind::Not(a)
        | Kind::Negate(a)
        | Kind::Size(a)
        | Kind::Sum(a)
        | Kind::Extreme(_, a)
        | Kind::CountDistinct(a)
        | Kind::InList(_, a)
        | Kind::ScreenId(_, a)
        | Kind::HitFound(a)
        | Kind::HitScore(a)
        | Kind::HitEntry(a) => vec![a],
        Kind::Arithmetic(_, a, b)
        | Kind::Compare(_, a, b)
        | Kind::And(a, b)
        | Kind::Or(a, b)
        | Kind::In(a, b)
        | Kind::Index(a, b) => vec![a, b],
        Kind::Conditional(a, b, c) => vec![a, b, c],
        Kind::Loop(_, body) => vec![&body.list, &body.each],
        Kind::Screen(screening) => {
            std::iter::once(&screening.name).chain(screening.birth.as_ref()).collect()
        }
        Kind::Bool(_)
        | Kind::Int(_)
        | Kind::Uint(_)
        | Kind::Text(_)
        | Kind::Bytes(_)
        | Kind::Decimal(_)
        | Kind::AsOf
        | Kind::Fact(_)
        | Kind::HasFact(_)
        | Kind::Absent(_)
        | Kind::History
        | Kind::Let(_)
        | Kind::Variable(_) => Vec::new(),
    }
}

/// Levels of an expression, where a let counts as what it stands for.
pub(super) fn levels(expr: &Expr, of_lets: &[usize]) -> usize {
    let own = match expr.kind {
        Kind::Let(index) => of_lets.get(index).copied().unwrap_or(0),
        _ => 0,
    };
    let below = parts(expr).into_iter().map(|part| levels(part, of_lets)).max();
    1 + own.max(below.unwrap_or(0))
}

/// Whether the expression itself, not a let that it uses, asks a list.
pub(super) fn asks_list(expr: &Expr) -> bool {
    matches!(expr.kind, Kind::InList(..) | Kind::Screen(_) | Kind::ScreenId(..))
        || parts(expr).into_iter().any(asks_list)
}
