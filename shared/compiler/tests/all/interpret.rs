//! Golden values of the interpreter, by hand-made trees where the language could go wrong
//! silently: absorption, laziness, the trace, records that are none.

use compiler::fold;
use compiler::interpret::{Event, Interpretation, Lists, explain, interpret};
use compiler::typed::*;
use facts::Field;
use rules::{Outcome, Reason, Severity, Value};

use super::interpret_record::any_record;

/// Everything is on every list, and every name scores 9,000.
struct Everything;

impl Lists for Everything {
    fn contains(&self, _: u32, _: &str) -> bool {
        true
    }

    fn screen(&self, _: u32, _: &str, _: Option<i32>, _: u16, _: Mode) -> Option<(u16, u32)> {
        Some((9000, 3))
    }

    fn screen_id(&self, _: u32, _: &str) -> Option<(u16, u32)> {
        None
    }

    fn entry_id(&self, list: u32, entry: u32) -> String {
        format!("{list}/{entry}")
    }
}

fn expr(kind: Kind, ty: Type) -> Expr {
    Expr { kind, ty, span: Span::default() }
}

fn flag(value: bool) -> Expr {
    expr(Kind::Bool(value), Type::Bool)
}

fn int(value: i64) -> Expr {
    expr(Kind::Int(value), Type::Int)
}

fn field(name: &str) -> &'static Field {
    Field::named(name).expect("a field")
}

/// A fact that `any_record` lacks.
fn absent() -> Expr {
    expr(Kind::Fact(field("source.edd_approved")), Type::Bool)
}

/// Overflow as a condition.
fn overflow() -> Expr {
    let sum = Kind::Arithmetic(Operator::Add, int(i64::MAX).into(), int(1).into());
    expr(Kind::Compare(Comparison::Equal, expr(sum, Type::Int).into(), int(0).into()), Type::Bool)
}

fn asked(text: &str) -> Expr {
    expr(Kind::InList(0, expr(Kind::Text(text.into()), Type::Text).into()), Type::Bool)
}

fn and(left: Expr, right: Expr) -> Expr {
    expr(Kind::And(left.into(), right.into()), Type::Bool)
}

fn or(left: Expr, right: Expr) -> Expr {
    expr(Kind::Or(left.into(), right.into()), Type::Bool)
}

fn program(conditions: Vec<Expr>, lets: Vec<Expr>, values: Vec<Expr>) -> Program {
    let decision = |outcome, values| Decision { outcome, reason: 1, values };
    let cases = conditions
        .into_iter()
        .map(|when| Case { when, decision: decision(Outcome::Block, values.clone()) });
    Program {
        lets: lets.into_iter().map(|value| Let { name: "v".into(), value }).collect(),
        cases: cases.collect(),
        otherwise: decision(Outcome::Pass, Vec::new()),
        reasons: vec![Reason { severity: Severity::Info, template: String::new() }; 3],
        missing_reason: 2,
        lists: vec!["list".into()],
        calendars: Vec::new(),
        rates: Vec::new(),
    }
}

/// Runs a program as it is and folded, which must not differ.
fn run(program: &Program) -> Interpretation {
    let record = any_record();
    let answer = interpret(program, record.as_bytes(), &Everything);
    assert_eq!(answer, interpret(&fold(program), record.as_bytes(), &Everything));
    answer
}

fn outcome(condition: Expr) -> (Outcome, Option<Fault>) {
    let answer = run(&program(vec![condition], vec![], vec![]));
    (answer.outcome, answer.fault)
}

#[test]
fn logic_absorbs_faults_on_either_side() {
    let missing = Some(Fault::Missing(28));
    let golden = [
        (and(absent(), flag(false)), Outcome::Pass, None),
        (and(flag(false), absent()), Outcome::Pass, None),
        (and(absent(), flag(true)), Outcome::MissingData, missing),
        (and(flag(true), absent()), Outcome::MissingData, missing),
        (or(absent(), flag(true)), Outcome::Block, None),
        (or(flag(true), overflow()), Outcome::Block, None),
        (or(overflow(), flag(false)), Outcome::Error, Some(Fault::Overflow)),
        (or(absent(), overflow()), Outcome::MissingData, missing),
        (or(overflow(), absent()), Outcome::Error, Some(Fault::Overflow)),
        (and(and(absent(), overflow()), flag(false)), Outcome::Pass, None),
    ];
    for (condition, expected, fault) in golden {
        assert_eq!(outcome(condition.clone()), (expected, fault), "{condition:?}");
    }
}

#[test]
fn loops_absorb_faults_as_logic_does() {
    let body = |list: Vec<Expr>| Body {
        list: expr(Kind::List(list), Type::List(Type::Bool.into())),
        variable: 0,
        each: expr(Kind::Variable(0), Type::Bool),
    };
    let looped = |kind, list| expr(Kind::Loop(kind, body(list).into()), Type::Bool);
    let missing = (Outcome::MissingData, Some(Fault::Missing(28)));
    assert_eq!(outcome(looped(Loop::Exists, vec![absent(), flag(true)])), (Outcome::Block, None));
    assert_eq!(outcome(looped(Loop::Exists, vec![absent(), flag(false)])), missing);
    assert_eq!(outcome(looped(Loop::All, vec![absent(), flag(false)])), (Outcome::Pass, None));
    assert_eq!(outcome(looped(Loop::All, vec![absent(), overflow()])), missing);
    assert_eq!(outcome(looped(Loop::ExistsOne, vec![flag(true), absent()])), missing);
    assert_eq!(outcome(looped(Loop::All, vec![])), (Outcome::Block, None));
}

#[test]
fn the_trace_follows_the_evaluation() {
    let branch = |id, taken| Event::Branch { id, taken };
    let list = Event::List { list: 0, found: true };
    let first_use = expr(Kind::Let(0), Type::Bool);
    let not = |operand: Expr| expr(Kind::Not(operand.into()), Type::Bool);
    let conditions = vec![
        and(flag(false), first_use.clone()),
        not(first_use.clone()),
        and(absent(), and(asked("a"), flag(false))),
        first_use,
    ];
    let answer = run(&program(conditions, vec![asked("x")], vec![]));
    let expected =
        [branch(0, false), list, branch(1, false), list, branch(2, false), branch(3, true)];
    assert_eq!(answer.events, expected);
    assert_eq!((answer.outcome, answer.reason), (Outcome::Block, 1));
}

#[test]
fn a_fault_ends_the_rule_without_a_branch() {
    let answer = run(&program(vec![flag(false), absent(), flag(true)], vec![], vec![]));
    assert_eq!(answer.events, [Event::Branch { id: 0, taken: false }]);
    assert_eq!((answer.outcome, answer.reason), (Outcome::MissingData, 2));
    assert_eq!(answer.values, [Value::Text("source.edd_approved".into())]);
    let answer = run(&program(vec![overflow()], vec![], vec![]));
    assert_eq!((answer.outcome, answer.reason), (Outcome::Error, 0));
    assert_eq!(answer.values, [Value::Text("code:1".into())]);
}

#[test]
fn values_show_what_they_are() {
    let hit = Kind::Screen(
        Screening {
            list: 0,
            name: expr(Kind::Text("bob".into()), Type::Text),
            birth: None,
            threshold: 8500,
            mode: Mode::Ofac,
        }
        .into(),
    );
    let hit = expr(hit, Type::Hit(0));
    let long = expr(Kind::Text("é".repeat(200)), Type::Text);
    let amount = expr(Kind::Fact(field("transaction.amount")), Type::AnyMoney);
    let values = vec![
        amount,
        absent(),
        expr(Kind::Fact(field("transaction.type")), Type::Code(facts::CodeSet::TransactionType)),
        expr(Kind::HitEntry(hit.into()), Type::Text),
        long,
        expr(Kind::Decimal(-150), Type::Decimal(2)),
    ];
    let answer = run(&program(vec![flag(true)], vec![], values));
    let money =
        |mantissa, currency: &str| Value::Money { mantissa, scale: 2, currency: currency.into() };
    let text = |text: &str| Value::Text(text.into());
    let expected = [
        money(100, "USD"),
        text("absent"),
        text("other"),
        text("0/3"),
        text(&"é".repeat(128)),
        money(-150, ""),
    ];
    assert_eq!(answer.values, expected);
    let options = 8500 | 1 << 16;
    assert_eq!(answer.events[1], Event::Screen { list: 0, options, hit: Some((9000, 3)) });
}

#[test]
fn a_trace_that_is_too_long_ends_the_rule() {
    let many = |count: usize| {
        let body = Body {
            list: expr(Kind::List(vec![int(0); count]), Type::List(Type::Int.into())),
            variable: 0,
            each: asked("x"),
        };
        expr(Kind::Loop(Loop::All, body.into()), Type::Bool)
    };
    let answer = run(&program(vec![or(flag(false), many(4095))], vec![], vec![]));
    assert_eq!((answer.outcome, answer.events.len()), (Outcome::Block, 4096));
    let answer = run(&program(vec![or(many(4097), flag(true))], vec![], vec![]));
    assert_eq!((answer.outcome, answer.events.len()), (Outcome::Error, 4096));
    assert_eq!(answer.values, [Value::Text("trace".into())]);
}

#[test]
fn bytes_that_are_no_record_are_an_error() {
    let program = program(vec![flag(true)], vec![], vec![]);
    let good = any_record();
    let outcome = |bytes: &[u8]| interpret(&program, bytes, &Everything).outcome;
    assert_eq!(outcome(good.as_bytes()), Outcome::Block);
    for length in 0..good.as_bytes().len() {
        assert_eq!(outcome(&good.as_bytes()[..length]), Outcome::Error, "{length} bytes");
    }
    let mut unnoticed = Vec::new();
    for at in 0..good.as_bytes().len() {
        let mut bytes = good.as_bytes().to_vec();
        bytes[at] ^= 0x80;
        if outcome(&bytes) != Outcome::Error {
            unnoticed.push(at);
        }
    }
    // Only what has more than one sound value: presence of a time, which may be 1970 and so all
    // zeros, as_of, and the amount's mantissa.
    let free = |at: &usize| (8..24).contains(at) || (48..63).contains(at);
    assert!(unnoticed.iter().all(free), "{unnoticed:?}");
}

#[test]
fn explaining_shows_what_was_evaluated() {
    let conditions = vec![and(flag(true), absent()), flag(true)];
    let steps = explain(&program(conditions, vec![], vec![]), any_record().as_bytes(), &Everything);
    assert_eq!(steps.len(), 1);
    assert_eq!(steps[0].value, "absent: source.edd_approved");
    let parts: Vec<&str> = steps[0].parts.iter().map(|part| part.value.as_str()).collect();
    assert_eq!(parts, ["absent: source.edd_approved"; 2]);
}
