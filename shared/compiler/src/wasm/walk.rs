//! The parts of an expression, and what can be said of it by looking at its parts alone. It must
//! never leave a part out: what is not seen here is not counted, shared or kept in order.

use std::collections::BTreeMap;

use crate::typed::{Expr, Kind, Program};

/// The expressions that stand directly in an expression.
pub(super) fn parts(expr: &Expr) -> Vec<&Expr> {
    match &expr.kind {
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
        Kind::Screen(screening) => vec![&screening.name],
        Kind::List(all) | Kind::Call(_, all) => all.iter().collect(),
        _ => Vec::new(),
    }
}

/// Calls `visit` for the expression and all that it is made of, outermost first.
pub(super) fn visit<'p>(expr: &'p Expr, visitor: &mut dyn FnMut(&'p Expr)) {
    visitor(expr);
    for part in parts(expr) {
        visit(part, visitor);
    }
}

/// Every expression that a program evaluates: lets, conditions, values.
pub(super) fn roots(program: &Program) -> impl Iterator<Item = &Expr> {
    let lets = program.lets.iter().map(|known| &known.value);
    lets.chain(case_roots(program))
}

/// Conditions and values.
pub(super) fn case_roots(program: &Program) -> impl Iterator<Item = &Expr> {
    let cases = program
        .cases
        .iter()
        .flat_map(|case| std::iter::once(&case.when).chain(&case.decision.values));
    cases.chain(&program.otherwise.values)
}

/// The list that each loop variable runs over.
pub(super) fn variables(program: &Program) -> BTreeMap<usize, &Expr> {
    let mut lists = BTreeMap::new();
    for root in roots(program) {
        visit(root, &mut |expr| {
            if let Kind::Loop(_, body) = &expr.kind {
                lists.insert(body.variable, &body.list);
            }
        });
    }
    lists
}

/// How often each let is used, and whether one of its uses stands in a loop. A let of a list is
/// counted as though it were written out at each use.
pub(super) fn uses(program: &Program) -> Vec<(u32, bool)> {
    let mut uses = vec![(0, false); program.lets.len()];
    // A let that is not a list is compiled once, wherever it is used.
    let own = program.lets.iter().map(|known| &known.value).filter(|value| !is_list(value));
    for root in own.chain(case_roots(program)) {
        count(root, program, false, &mut uses);
    }
    uses
}

fn count(expr: &Expr, program: &Program, in_loop: bool, uses: &mut [(u32, bool)]) {
    if let Kind::Let(at) = expr.kind
        && let (Some(known), Some(found)) = (program.lets.get(at), uses.get_mut(at))
    {
        *found = (found.0.saturating_add(1), found.1 || in_loop);
        if is_list(&known.value) && found.0 <= LIST_USES_MAX {
            count(&known.value, program, in_loop, uses);
        }
    }
    for part in parts(expr) {
        // Lists written out may be walked in a loop too: they count as one.
        let inside = in_loop || matches!(expr.kind, Kind::Loop(..)) || is_list(expr);
        count(part, program, inside, uses);
    }
}

pub(super) fn is_list(expr: &Expr) -> bool {
    matches!(expr.ty, crate::typed::Type::List(_))
}

/// Uses of a list's let that are looked into; further ones change nothing.
const LIST_USES_MAX: u32 = 3;
