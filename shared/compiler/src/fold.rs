//! Constant folding: parts of a program whose value no record can change become constants, by the
//! interpreter's own arithmetic. It must never change an answer or a trace: what faults stays, and
//! so does what asks a list.

use crate::interpret::{Datum, Facts, Machine, NoLists};
use crate::typed::{Body, Case, Decision, Expr, Kind, Let, Loop, Program, Screening, Type};

/// Longest list that folding makes, elements.
const ELEMENTS_MAX: usize = 64;
/// Longest text that folding makes, bytes.
const TEXT_BYTES_MAX: usize = 256;

/// The same program with its constant parts computed.
pub fn fold(program: &Program) -> Program {
    let program_so_far = Program { lets: Vec::new(), ..program.clone() };
    let mut folder = Folder { program: program_so_far, silent: Vec::new() };
    for known in &program.lets {
        let value = folder.expr(&known.value);
        folder.silent.push(folder.is_silent(&value));
        folder.program.lets.push(Let { name: known.name.clone(), value });
    }
    let cases = program.cases.iter().map(|case| Case {
        when: folder.expr(&case.when),
        decision: folder.decision(&case.decision),
    });
    let cases = cases.collect();
    let otherwise = folder.decision(&program.otherwise);
    Program { cases, otherwise, ..folder.program }
}

struct Folder {
    /// The program with the lets folded so far.
    program: Program,
    /// Whether each of them is silent, so that it is looked into once.
    silent: Vec<bool>,
}

impl Folder {
    fn decision(&self, decision: &Decision) -> Decision {
        let values = decision.values.iter().map(|value| self.expr(value)).collect();
        Decision { values, ..decision.clone() }
    }

    /// Folds the parts, then the whole.
    fn expr(&self, expr: &Expr) -> Expr {
        let mut folded = expr.clone();
        for part in parts_mut(&mut folded.kind) {
            *part = self.expr(part);
        }
        if let Some(simpler) = self.simplified(&folded) {
            return Expr { span: expr.span, ..simpler };
        }
        self.constant(&folded).unwrap_or(folded)
    }

    /// What is left of a node when one part decides it.
    fn simplified(&self, expr: &Expr) -> Option<Expr> {
        let flag = |value| Some(Expr { kind: Kind::Bool(value), ..expr.clone() });
        match &expr.kind {
            Kind::And(left, right) => self.decided(expr, left, right, false),
            Kind::Or(left, right) => self.decided(expr, left, right, true),
            Kind::Conditional(condition, then, otherwise) => match condition.kind {
                Kind::Bool(true) => Some((**then).clone()),
                Kind::Bool(false) => Some((**otherwise).clone()),
                _ => None,
            },
            Kind::Let(index) => {
                let known = &self.program.lets.get(*index)?.value;
                known.is_constant().then(|| known.clone())
            }
            Kind::Loop(kind, body) if body.list.kind == Kind::List(Vec::new()) => match kind {
                Loop::All => flag(true),
                Loop::Exists | Loop::ExistsOne => flag(false),
                Loop::Filter | Loop::Map => {
                    Some(Expr { kind: Kind::List(Vec::new()), ..expr.clone() })
                }
            },
            _ => None,
        }
    }

    /// `&&` (`decisive` false) or `||` (true) with a constant side.
    fn decided(&self, whole: &Expr, left: &Expr, right: &Expr, decisive: bool) -> Option<Expr> {
        match (&left.kind, &right.kind) {
            (Kind::Bool(flag), _) if *flag == decisive => Some(left.clone()),
            (Kind::Bool(_), _) => Some(right.clone()),
            // A fault on the left is absorbed, but not what it would write into the trace.
            (_, Kind::Bool(flag)) if *flag == decisive && self.is_silent(left) => {
                Some(Expr { kind: Kind::Bool(decisive), ..whole.clone() })
            }
            (_, Kind::Bool(flag)) if *flag != decisive => Some(left.clone()),
            _ => None,
        }
    }

    /// Whether an evaluation leaves nothing in the trace.
    fn is_silent(&self, expr: &Expr) -> bool {
        match &expr.kind {
            Kind::InList(..) | Kind::Screen(_) | Kind::ScreenId(..) => false,
            Kind::Let(index) => self.silent.get(*index).copied().unwrap_or(false),
            kind => parts(kind).into_iter().all(|part| self.is_silent(part)),
        }
    }

    /// The constant that a part is, when its value depends on nothing and exists.
    fn constant(&self, expr: &Expr) -> Option<Expr> {
        if expr.is_constant() || !is_closed(expr, &mut Vec::new()) {
            return None;
        }
        let facts = Facts::none();
        let datum = Machine::new(&self.program, &facts, &NoLists).eval(expr).ok()?;
        let kind = constant_kind(&datum, &expr.ty)?;
        Some(Expr { kind, ..expr.clone() })
    }
}

/// Whether nothing but constants, loop variables of its own and tables decides its value.
fn is_closed(expr: &Expr, variables: &mut Vec<usize>) -> bool {
    match &expr.kind {
        Kind::AsOf
        | Kind::Fact(_)
        | Kind::HasFact(_)
        | Kind::Absent(_)
        | Kind::History
        | Kind::Let(_)
        | Kind::InList(..)
        | Kind::Screen(_)
        | Kind::ScreenId(..) => false,
        Kind::Variable(number) => variables.contains(number),
        Kind::Loop(_, body) => {
            let list = is_closed(&body.list, variables);
            variables.push(body.variable);
            let each = is_closed(&body.each, variables);
            variables.pop();
            list && each
        }
        kind => parts(kind).into_iter().all(|part| is_closed(part, variables)),
    }
}

/// The constant node of a value, when there is one and it is not too large.
fn constant_kind(datum: &Datum, ty: &Type) -> Option<Kind> {
    Some(match (datum, ty) {
        (Datum::Bool(flag), Type::Bool) => Kind::Bool(*flag),
        (
            Datum::Int(number),
            Type::Int
            | Type::Time
            | Type::Duration
            | Type::Code(_)
            | Type::Country
            | Type::CurrencyCode,
        ) => Kind::Int(*number),
        (Datum::Uint(number), Type::Uint) => Kind::Uint(*number),
        (Datum::Text(text), Type::Text) if text.len() <= TEXT_BYTES_MAX => {
            Kind::Text(text.to_string())
        }
        (Datum::Bytes(bytes), Type::Bytes) if bytes.len() <= TEXT_BYTES_MAX => {
            Kind::Bytes(bytes.to_vec())
        }
        (Datum::Number(mantissa), Type::Decimal(_) | Type::Money(..)) => Kind::Decimal(*mantissa),
        (Datum::List(elements), Type::List(element)) if elements.len() <= ELEMENTS_MAX => {
            let constants = elements.iter().map(|datum| {
                let kind = constant_kind(datum, element)?;
                Some(Expr { kind, ty: (**element).clone(), span: Default::default() })
            });
            Kind::List(constants.collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

macro_rules! parts_of {
    ($name:ident, $iter:ident, $($reference:tt)+) => {
        /// The expressions that a node is made of, in the order of evaluation.
        pub(crate) fn $name(kind: $($reference)+ Kind) -> Vec<$($reference)+ Expr> {
            match kind {
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
                | Kind::HitEntry(a) => vec![$($reference)+ **a],
                Kind::Arithmetic(_, a, b)
                | Kind::Compare(_, a, b)
                | Kind::And(a, b)
                | Kind::Or(a, b)
                | Kind::In(a, b)
                | Kind::Index(a, b) => vec![$($reference)+ **a, $($reference)+ **b],
                Kind::Conditional(a, b, c) => {
                    vec![$($reference)+ **a, $($reference)+ **b, $($reference)+ **c]
                }
                Kind::List(elements) | Kind::Call(_, elements) => elements.$iter().collect(),
                Kind::Loop(_, body) => {
                    let Body { list, each, .. } = $($reference)+ **body;
                    vec![list, each]
                }
                Kind::Screen(screening) => {
                    let Screening { name, birth, .. } = $($reference)+ **screening;
                    std::iter::once(name).chain(birth).collect()
                }
            }
        }
    };
}

parts_of!(parts, iter, &);
parts_of!(parts_mut, iter_mut, &mut);
