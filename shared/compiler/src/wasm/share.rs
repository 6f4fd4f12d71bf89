//! What conditions and reasons compute more than once becomes a let, so that it is computed once:
//! a reason mostly shows the sum or count that its condition tested. It must never share what the
//! trace sees, nor what depends on a loop's variable.

use std::collections::BTreeMap;

use super::walk::{case_roots, is_list, parts, visit};
use crate::typed::{Expr, Kind, Let, Program, Span};

/// The program with lets for what its cases repeat.
pub(super) fn share(program: &Program) -> Program {
    let mut program = program.clone();
    let mut seen: Vec<(Expr, usize)> = Vec::new();
    for root in case_roots(&program) {
        collect(root, &mut seen);
    }
    let first = program.lets.len();
    let mut shared: Vec<Expr> = Vec::new();
    for (expr, _) in seen.into_iter().filter(|(_, count)| *count > 1) {
        shared.push(expr);
    }
    if shared.is_empty() {
        return program;
    }
    let mut values: Vec<Option<Expr>> = vec![None; shared.len()];
    for case in &mut program.cases {
        replace(&mut case.when, &shared, &mut values, first);
        for value in &mut case.decision.values {
            replace(value, &shared, &mut values, first);
        }
    }
    for value in &mut program.otherwise.values {
        replace(value, &shared, &mut values, first);
    }
    for value in values {
        let value = value.expect("found again because it was collected");
        program.lets.push(Let { name: String::new(), value });
    }
    program
}

/// Counts the outermost loops, each in its plain form.
fn collect(expr: &Expr, seen: &mut Vec<(Expr, usize)>) {
    if is_shareable(expr) {
        let plain = plain(expr);
        match seen.iter_mut().find(|(known, _)| *known == plain) {
            Some((_, count)) => *count += 1,
            None => seen.push((plain, 1)),
        }
        return;
    }
    for part in parts(expr) {
        collect(part, seen);
    }
}

fn replace(expr: &mut Expr, shared: &[Expr], values: &mut [Option<Expr>], first: usize) {
    if is_shareable(expr) {
        let plain = plain(expr);
        if let Some(at) = shared.iter().position(|known| *known == plain) {
            let kind = std::mem::replace(&mut expr.kind, Kind::Let(first + at));
            let whole = Expr { kind, ty: expr.ty.clone(), span: expr.span };
            values[at].get_or_insert(whole);
        }
        return;
    }
    for part in crate::fold::parts_mut(&mut expr.kind) {
        replace(part, shared, values, first);
    }
}

/// Whether an expression walks a list, stands alone and leaves no trace.
fn is_shareable(expr: &Expr) -> bool {
    let walks = match &expr.kind {
        Kind::Size(list) => is_list(list) && list.kind != Kind::History,
        Kind::Sum(_) | Kind::Extreme(..) | Kind::CountDistinct(_) => true,
        Kind::Loop(..) => !is_list(expr),
        _ => false,
    };
    if !walks {
        return false;
    }
    let (mut bound, mut alone) = (Vec::new(), true);
    visit(expr, &mut |part| {
        if let Kind::Loop(_, body) = &part.kind {
            bound.push(body.variable);
        }
    });
    visit(expr, &mut |part| match part.kind {
        Kind::Variable(at) => alone &= bound.contains(&at),
        Kind::Screen(_) | Kind::ScreenId(..) | Kind::InList(..) => alone = false,
        _ => {}
    });
    alone
}

/// An expression without places, its variables numbered in order: equal when the meaning is.
fn plain(expr: &Expr) -> Expr {
    let mut plain = expr.clone();
    let mut numbers = BTreeMap::new();
    simplify(&mut plain, &mut numbers);
    plain
}

fn simplify(expr: &mut Expr, numbers: &mut BTreeMap<usize, usize>) {
    expr.span = Span::default();
    let mut number = |at: &mut usize| {
        let next = numbers.len();
        *at = *numbers.entry(*at).or_insert(next);
    };
    match &mut expr.kind {
        Kind::Variable(at) => number(at),
        Kind::Loop(_, body) => number(&mut body.variable),
        _ => {}
    }
    for part in crate::fold::parts_mut(&mut expr.kind) {
        simplify(part, numbers);
    }
}
