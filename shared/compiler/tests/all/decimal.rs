//! The general decimal arithmetic cases, through the language: source text to checker, then the
//! interpreter, the folded program, and the compiled module. Cases are left out by stated rules
//! only, never by name.

mod reader;

use std::collections::BTreeMap;

use compiler::fold;
use compiler::front::check_condition;
use compiler::interpret::{NoLists, interpret};
use compiler::typed::{Case as RuleCase, Decision, Expr, Kind, Program, Type};
use reader::{Case, Number, cases};
use rules::{Outcome, Reason, Severity};

use super::differential_vm::{Run, run_all};
use super::interpret_record::any_record;

/// Conditions that the language runs in one program.
const BATCH: usize = 40;
/// Most decimal places of a constant, of `round` and of `div`.
const SCALE_MAX: i32 = 18;

#[test]
fn every_applicable_case_holds() {
    let Some(cases) = cases() else {
        println!("ignored: corpus absent");
        return;
    };
    let mut skipped: BTreeMap<String, usize> = BTreeMap::new();
    let mut taken: BTreeMap<&str, usize> = BTreeMap::new();
    let mut conditions = Vec::new();
    for case in &cases {
        match condition(case) {
            Ok(source) => {
                *taken.entry(&case.operation).or_default() += 1;
                conditions.push((case, source));
            }
            Err(reason) => *skipped.entry(reason).or_default() += 1,
        }
    }
    let programs: Vec<Program> = conditions.chunks(BATCH).map(program).collect();
    let failed: Vec<String> = [
        failures(&conditions, &programs, "interpreted"),
        failures(&conditions, &programs.iter().map(fold).collect::<Vec<_>>(), "folded"),
        compiled_failures(&conditions, &programs),
    ]
    .concat();
    for (reason, count) in &skipped {
        println!("  left out {count:5}: {reason}");
    }
    println!("  taken: {taken:?}");
    let (applicable, passed) =
        (conditions.len(), conditions.len() - failed.len().min(conditions.len()));
    println!("decTest: {applicable} applicable of {}, {passed} passed", cases.len());
    assert!(failed.is_empty(), "{} failures:\n{}", failed.len(), failed.join("\n"));
    assert!(applicable > 5000, "only {applicable} applicable cases");
}

/// Cases whose condition is false or has no value.
fn failures(conditions: &[(&Case, String)], programs: &[Program], how: &str) -> Vec<String> {
    let record = any_record();
    let mut failed = Vec::new();
    for (chunk, program) in conditions.chunks(BATCH).zip(programs) {
        let all = interpret(program, record.as_bytes(), &NoLists);
        if all.outcome == Outcome::Pass {
            continue;
        }
        let at = all.events.len().saturating_sub(usize::from(all.fault.is_none()));
        if let Some((case, source)) = chunk.get(at) {
            failed.push(format!("{how} {} {}: {source}: {all:?}", case.file, case.id));
        }
    }
    failed
}

fn compiled_failures(conditions: &[(&Case, String)], programs: &[Program]) -> Vec<String> {
    let mut failed = Vec::new();
    let runs = run_all(programs, &[any_record()]);
    for (chunk, runs) in conditions.chunks(BATCH).zip(&runs) {
        let Run { result, events, .. } = &runs[0];
        if result.outcome != Outcome::Pass || events.len() != chunk.len() {
            let (case, source) = &chunk[events.len().saturating_sub(1)];
            failed.push(format!("compiled {} {}: {source}: {result:?}", case.file, case.id));
        }
    }
    failed
}

/// A program that passes when each condition is true.
fn program(chunk: &[(&Case, String)]) -> Program {
    let decision = |outcome| Decision { outcome, reason: 0, values: Vec::new() };
    let cases = chunk.iter().map(|(case, source)| {
        let checked = check_condition(source)
            .unwrap_or_else(|error| panic!("{} {}: {source}: {error}", case.file, case.id));
        let holds = checked.cases[0].when.clone();
        let span = holds.span;
        let when = Expr { kind: Kind::Not(Box::new(holds)), ty: Type::Bool, span };
        RuleCase { when, decision: decision(Outcome::Review) }
    });
    Program {
        lets: Vec::new(),
        cases: cases.collect(),
        otherwise: decision(Outcome::Pass),
        reasons: vec![Reason { severity: Severity::Info, template: "{0}".into() }],
        missing_reason: 0,
        lists: Vec::new(),
        calendars: Vec::new(),
        rates: Vec::new(),
    }
}

/// The case as a condition of the language, or the rule by which it is left out.
fn condition(case: &Case) -> Result<String, String> {
    let operation = case.operation.as_str();
    if !OPERATIONS.contains(&operation) {
        return Err(format!("operation {operation} is not one of the language"));
    }
    let plain = ["Inexact", "Rounded", "Clamped"];
    if let Some(other) = case.conditions.iter().find(|name| !plain.contains(&name.as_str())) {
        return Err(format!("condition {other}"));
    }
    let finite = |text: &String| Number::parse(text).ok_or("an operand or result is not finite");
    let numbers = case.operands.iter().map(finite).collect::<Result<Vec<_>, _>>()?;
    let result = finite(&case.result)?;
    let is_inexact = case.conditions.iter().any(|name| name == "Inexact");
    let rounds = is_inexact || operation.starts_with("tointegral") || operation == "rescale";
    if rounds && !MODES.contains(&case.rounding.as_str()) {
        return Err(format!("rounding {}", case.rounding));
    }
    let to_integer = operation.starts_with("tointegral");
    let places = match rounds {
        true if to_integer => 0,
        true => -result.exponent,
        false => result.plain()?.1.into(),
    };
    if places > SCALE_MAX {
        return Err(TOO_FINE.to_owned());
    }
    if places < 1 - SCALE_MAX {
        return Err("rounded more than 17 digits left of the point".to_owned());
    }
    // What is rounded left of the point is counted in that power of ten.
    let unit = places.min(0).unsigned_abs();
    let expected = if unit == 0 { result.plain() } else { whole(&result) }?;
    if operation == "rescale"
        && numbers.get(1).is_none_or(|by| by.plain() != Ok((-places as i128, 0)))
    {
        return Err("rescale by something else than the result's exponent".to_owned());
    }
    let numbers = if operation == "rescale" { &numbers[..1] } else { &numbers };
    let plain = numbers.iter().map(Number::plain).collect::<Result<Vec<_>, _>>()?;
    if plain.iter().chain([&expected]).any(|(mantissa, _)| !is_constant(*mantissa)) {
        return Err("a constant of more than 38 digits".to_owned());
    }
    let (value, scale) = expression(operation, &plain, places, &case.rounding, expected)?;
    if unit > 0 && operation != "divide" {
        let unit = constant((10_i128.pow(unit), 0));
        let value = format!("div({value}, {unit}, 0, \"{}\")", case.rounding);
        return Ok(format!("{value} == {}", constant(expected)));
    }
    let exact_operation = !matches!(operation, "divide" | "compare");
    let value = if rounds && exact_operation {
        format!("round({value}, {places}, \"{}\")", case.rounding)
    } else {
        // The comparison brings both sides to one scale.
        rescaled(expected, scale.max(expected.1))?;
        value
    };
    Ok(if operation == "compare" { value } else { format!("{value} == {}", constant(expected)) })
}

/// The digits alone.
fn whole(number: &Number) -> Result<(i128, u8), &'static str> {
    Number { exponent: 0, ..number.clone() }.plain()
}

/// Whether the language has such a constant.
fn is_constant(mantissa: i128) -> bool {
    mantissa.unsigned_abs() < 10_u128.pow(38)
}

const OPERATIONS: [&str; 16] = [
    "abs",
    "add",
    "apply",
    "compare",
    "divide",
    "divideint",
    "max",
    "min",
    "minus",
    "multiply",
    "plus",
    "remainder",
    "rescale",
    "subtract",
    "tointegral",
    "tointegralx",
];
const MODES: [&str; 7] = ["half_even", "half_up", "half_down", "up", "down", "ceiling", "floor"];
const TOO_FINE: &str = "more than 18 decimal places";
const TOO_WIDE: &str = "an exact result beyond 128 bits";

/// Source and scale of an operation before it is rounded; what would overflow is left out.
fn expression(
    operation: &str,
    numbers: &[(i128, u8)],
    places: i32,
    rounding: &str,
    expected: (i128, u8),
) -> Result<(String, u8), String> {
    let wide = || TOO_WIDE.to_owned();
    let [a, b] = [0, 1].map(|index| numbers.get(index).copied().unwrap_or_default());
    let (x, y) = (constant(a), constant(b));
    let common = a.1.max(b.1);
    let at_common = || Ok::<_, String>((rescaled(a, common)?, rescaled(b, common)?));
    let held = |number: Option<i128>| number.map(|_| ()).ok_or_else(wide);
    Ok(match operation {
        "abs" => (format!("abs({x})"), a.1),
        "minus" => (format!("-{x}"), a.1),
        "plus" | "apply" | "rescale" | "tointegral" | "tointegralx" => (x, a.1),
        "add" | "subtract" => {
            let (m, n) = at_common()?;
            let is_sum = operation == "add";
            held(if is_sum { m.checked_add(n) } else { m.checked_sub(n) })?;
            (format!("{x} {} {y}", if is_sum { '+' } else { '-' }), common)
        }
        "multiply" => {
            held(a.0.checked_mul(b.0))?;
            (format!("{x} * {y}"), a.1 + b.1)
        }
        "max" | "min" => {
            let (m, n) = at_common()?;
            let (m, n) = (padded(m, common), padded(n, common));
            (format!("[dec(\"{m}\"), dec(\"{n}\")].{operation}()"), common)
        }
        "compare" => {
            at_common()?;
            let sign = ["<", "==", ">"][usize::try_from(expected.0 + 1).map_err(|_| wide())?];
            (format!("{x} {sign} {y}"), 0)
        }
        "divide" => {
            let mode = if MODES.contains(&rounding) { rounding } else { "half_even" };
            let unit = 10_i128.pow(places.min(0).unsigned_abs());
            held(b.0.checked_mul(unit))?;
            let y = if unit == 1 { y } else { format!("{y} * {}", constant((unit, 0))) };
            let places = places.max(0);
            (format!("div({x}, {y}, {places}, \"{mode}\")"), places as u8)
        }
        "divideint" => (format!("div({x}, {y}, 0, \"down\")"), 0),
        // The part that is whole times the divisor is no larger than the dividend.
        _ => {
            at_common()?;
            (format!("{x} - div({x}, {y}, 0, \"down\") * {y}"), common)
        }
    })
}

/// A mantissa at a larger scale.
fn rescaled((mantissa, from): (i128, u8), to: u8) -> Result<i128, String> {
    let factor = 10_i128.checked_pow((to - from).into());
    factor.and_then(|factor| mantissa.checked_mul(factor)).ok_or_else(|| TOO_WIDE.to_owned())
}

fn constant((mantissa, scale): (i128, u8)) -> String {
    format!("dec(\"{}\")", padded(mantissa, scale))
}

fn padded(mantissa: i128, scale: u8) -> String {
    facts::format_decimal(mantissa, scale)
}
