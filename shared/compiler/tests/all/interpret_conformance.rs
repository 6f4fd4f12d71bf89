//! The CEL conformance cases that the language has, evaluated: interpreted, folded, and compiled
//! in the VM. Sorting them is `cel_cases`' business; here every one of them has to come out right.

use compiler::fold;
use compiler::interpret::{Interpretation, NoLists, interpret};
use compiler::typed::Program;
use compiler::wasm::compile;
use rules::Outcome;

use super::cel_cases::{CelCase, Expected, cel_cases};
use super::differential_vm::run_all;
use super::interpret_record::any_record;

#[test]
fn every_cel_case_that_is_in_comes_out_right() {
    let Some(cases) = cel_cases() else {
        println!("ignored: corpus absent");
        return;
    };
    let (mut values, mut faults, mut at_compile_time, mut refused) = (0, 0, 0, 0);
    let mut programs: Vec<(&CelCase, Program)> = Vec::new();
    let mut problems = Vec::new();
    for case in &cases {
        match (&case.expected, case.program()) {
            (Expected::Skipped(_), _) => {}
            (Expected::Refused, Err(_)) => refused += 1,
            (Expected::Fault, Err(_)) => at_compile_time += 1,
            (Expected::Value(_), Ok(program)) => {
                values += 1;
                programs.push((case, program));
            }
            (Expected::Fault, Ok(program)) => {
                faults += 1;
                programs.push((case, program));
            }
            (_, result) => problems.push(format!("checker {}: {result:?}", case.name)),
        }
    }
    let record = any_record();
    for (case, program) in &programs {
        let plain = interpret(program, record.as_bytes(), &NoLists);
        let folded = interpret(&fold(program), record.as_bytes(), &NoLists);
        for (how, answer) in [("interpreted", &plain), ("folded", &folded)] {
            if !is_right(&case.expected, answer) {
                problems.push(format!("{how} {}: {}: {answer:?}", case.name, case.expr));
            }
        }
    }
    let compiled = compiled(&programs, &mut problems);
    println!(
        "CEL: {} cases, {} in: {values} values, {faults} faults, {at_compile_time} faults and \
         {refused} others refused by the checker; {compiled} compiled; {} wrong",
        cases.len(),
        values + faults + at_compile_time + refused,
        problems.len()
    );
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

fn is_right(expected: &Expected, answer: &Interpretation) -> bool {
    match expected {
        Expected::Value(_) => answer.outcome == Outcome::Report,
        Expected::Fault => answer.fault.is_some(),
        Expected::Refused | Expected::Skipped(_) => false,
    }
}

/// Runs the cases in the VM; how many the back end takes.
fn compiled(programs: &[(&CelCase, Program)], problems: &mut Vec<String>) -> usize {
    let (mut cases, mut taken) = (Vec::new(), Vec::new());
    for (case, program) in programs {
        // What only folding makes plain enough for the back end is compiled folded.
        let forms = [program.clone(), fold(program)];
        let form = forms.iter().find(|form| compile(form).is_ok()).unwrap_or(program);
        match compile(form) {
            Ok(_) => {
                cases.push(case);
                taken.push(form.clone());
            }
            Err(error) => problems.push(format!("back end {}: {}: {error}", case.name, case.expr)),
        }
    }
    for (case, runs) in cases.iter().zip(run_all(&taken, &[any_record()])) {
        let outcome = runs[0].result.outcome;
        let is_right = match case.expected {
            Expected::Value(_) => outcome == Outcome::Report,
            _ => outcome == Outcome::Error,
        };
        if !is_right {
            problems.push(format!("compiled {}: {}: {:?}", case.name, case.expr, runs[0].result));
        }
    }
    cases.len()
}
