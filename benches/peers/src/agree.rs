//! Every rule that we ship, over thousands of random records, in wasmi (our VM) and in wasmtime
//! (`second`): the results must be the same bytes and the traces the same events. Fuel is not
//! compared: the engines count it differently, so wasmtime gets more than it can burn.

use crate::second::{Second, Way};
use rules::{Bundle, RuleResult, Selection};
use std::collections::BTreeMap;
use vm::{Event, Program};

/// Random requests for each rulebook.
const INPUTS: u64 = 5000;
const INPUTS_QUICK: u64 = 300;
const ENDLESS: u64 = u64::MAX / 2;

/// What one rule answered.
pub struct Answer {
    /// The result.
    pub result: RuleResult,
    /// The trace.
    pub events: Vec<Event>,
}

/// All rulebooks; the first difference in words.
pub fn all() -> Result<(), String> {
    one("rulepacks", tests::rulebook::request)?;
    one("rulepacks/us-core", tests::rulebook::request)?;
    one("benches/rules", benches::eight::random_body)
}

fn one(folder: &str, request: fn(u64) -> String) -> Result<(), String> {
    let inputs = if benches::is_quick() { INPUTS_QUICK } else { INPUTS };
    let pack = tests::rulebook::pack(folder);
    let program = tests::rulebook::program(&pack);
    let bundle = program.bundle().bundle();
    let second = Second::new(bundle, Way::Pooled);
    let mut outcomes = BTreeMap::new();
    for number in 1..=inputs {
        let body = request(number);
        let typed = facts::parse_request(body.as_bytes()).map_err(|error| error.to_string())?;
        let as_of = typed.as_of.unwrap_or(benches::eight::AS_OF);
        let record = facts::record(&typed, as_of).map_err(|error| error.to_string())?;
        compare(&program, &second, bundle, &record, &mut outcomes)
            .map_err(|difference| format!("{folder}: {difference}\ninput {number}: {body}"))?;
    }
    let modules = bundle.modules.len();
    let of = bundle.rules.len();
    let seen: Vec<_> = outcomes.iter().map(|(name, times)| format!("{times} {name}")).collect();
    println!(
        "{folder}: {inputs} inputs, {modules} modules: wasmi and wasmtime agree ({of} rules: {})",
        seen.join(", ")
    );
    Ok(())
}

fn compare(
    program: &Program,
    second: &Second,
    bundle: &Bundle,
    record: &facts::Record,
    outcomes: &mut BTreeMap<&'static str, u64>,
) -> Result<(), String> {
    // All rules, in force or not: an old version is a module like any other.
    let rules = bundle.rules.iter().enumerate().collect();
    let first = program.run(&Selection { rules, not_covered: Vec::new() }, record);
    for (index, (result, trace)) in first.results.iter().zip(&first.traces).enumerate() {
        let again = second.run(index, ENDLESS, record);
        if result.to_bytes() != again.result.to_bytes() {
            return Err(format!("wasmi {result:?}\nwasmtime {:?}", again.result));
        }
        if trace.events != again.events {
            let id = &result.id;
            return Err(format!("{id}: wasmi {:?}\nwasmtime {:?}", trace.events, again.events));
        }
        *outcomes.entry(result.outcome.name()).or_default() += 1;
    }
    Ok(())
}
