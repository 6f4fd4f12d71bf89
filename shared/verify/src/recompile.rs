//! The second opinion (checks P21 and P22): each rule that ran is compiled again from its source,
//! and the reference interpreter, which shares no code with the compiled module, is asked too. It
//! must never stand in for replay on the very module that the enclave ran.

use crate::ledger::Ledger;
use crate::{Materials, VerifyError};
use compiler::interpret::interpret;
use compiler::pack::{NameIndexes, RecompileError, RuleLists, recompile};
use rules::{Fault, Outcome, RuleResult, Selection, Value};
use vm::Program;

/// Record and replayed results, when the input was given.
type Replayed<'a> = Option<(&'a facts::Record, &'a [RuleResult])>;

/// Compiles the selected rules again and, with the input, interprets them.
pub(crate) fn check(
    program: &Program,
    selection: &Selection<'_>,
    materials: &Materials<'_>,
    replayed: Replayed<'_>,
    ledger: &mut Ledger,
) -> Result<(), VerifyError> {
    if !materials.second_opinion {
        ledger.not_checked(&[21, 22], "no second opinion was asked for");
        return Ok(());
    }
    let bundle = program.bundle().bundle();
    // What costs is building the indexes: only when something is asked.
    let names = replayed.is_some().then(|| NameIndexes::of(bundle));
    let (mut without_source, mut exhausted) = (false, false);
    for (place, (index, rule)) in selection.rules.iter().enumerate() {
        let again = match recompile(rule, bundle) {
            Ok(again) => again,
            Err(RecompileError::NoSource { .. }) => {
                without_source = true;
                continue;
            }
            Err(RecompileError::AnotherCompiler { .. }) => {
                let why = "another version of the compiler made the modules";
                ledger.not_checked(&[21, 22], why);
                return Ok(());
            }
            Err(error) => {
                let stated = format!("a module for {}", rule.id);
                return Err(VerifyError::differs("P21", "source", stated, error));
            }
        };
        if !again.agrees(rule, bundle) {
            let (stated, found) = (program.module_hash(*index), rules::module_hash(&again.wasm));
            let text = |hash| format!("{}: {hash}", rule.id);
            return Err(VerifyError::differs("P21", "module", text(stated), text(found)));
        }
        if let (Some((record, results)), Some(names)) = (replayed, &names) {
            // The interpreter knows no limits of fuel, memory or stack.
            if ends_at_a_limit(&results[place]) {
                exhausted = true;
                continue;
            }
            let lists = RuleLists { bundle, names, rule };
            let opinion = interpret(&again.program, record.as_bytes(), &lists);
            let ran = &results[place];
            let said = (ran.outcome, ran.reason, &ran.values);
            let found = (opinion.outcome, opinion.reason, &opinion.values);
            if said != found {
                let text = |said| format!("{}: {said:?}", rule.id);
                return Err(VerifyError::differs("P22", "rule result", text(said), text(found)));
            }
        }
    }
    if without_source {
        ledger.not_checked(&[21, 22], "a rule that ran has no source: its module came as it is");
        return Ok(());
    }
    ledger.passed(&[21]);
    match replayed {
        Some(_) if exhausted => {
            ledger.not_checked(&[22], "a rule ended at a limit that the interpreter does not have");
        }
        Some(_) => ledger.passed(&[22]),
        None => ledger.not_checked(&[22], "the input was not given"),
    }
    Ok(())
}

/// Whether a rule ran out of fuel, memory or stack.
fn ends_at_a_limit(result: &RuleResult) -> bool {
    let limits = [Fault::Fuel, Fault::Memory, Fault::Stack].map(|fault| fault.to_string());
    let is_limit = |text: &String| limits.contains(text);
    result.outcome == Outcome::Error
        && matches!(&result.values[..], [Value::Text(text)] if is_limit(text))
}

#[cfg(test)]
mod tests;
