//! A pack's own examples, run on the very modules that are signed. It must never report success
//! when an example could not be run.

use std::fmt::Write as _;

use anyhow::{anyhow, bail};
use rules::{Outcome, Rule};
use serde_json::{Map, Value};
use verify::render_reason;
use vm::Program;

use super::pack::{Example, ExampleFile};

/// How a rule did.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tally {
    /// Examples that ran.
    pub(crate) examples: usize,
    /// The most fuel that one of them burned.
    pub(crate) fuel_most: u64,
}

/// Runs all examples; one tally a rule, or a table of what went wrong.
pub(crate) fn check(program: &Program, examples: &[Example]) -> anyhow::Result<Vec<Tally>> {
    let rules = &program.bundle().bundle().rules;
    let mut tallies = vec![Tally::default(); rules.len()];
    let (mut failures, mut failed) = (String::new(), 0);
    for example in examples {
        let tally = &mut tallies[example.rule];
        tally.examples += 1;
        let rule = &rules[example.rule];
        let found = evaluate(program, example.rule, rule, &example.content);
        let (found_outcome, found_reason) = match found {
            Ok(found) => {
                tally.fuel_most = tally.fuel_most.max(found.fuel);
                (found.outcome, found.reason)
            }
            Err(error) => ("not run".to_owned(), format!("{error:#}")),
        };
        let wanted = &example.content;
        if found_outcome == wanted.outcome && found_reason == wanted.reason {
            continue;
        }
        failed += 1;
        // Writing to a String does not fail.
        let _ = writeln!(failures, "{} {}: {}", rule.id, rule.version, wanted.name);
        let _ = writeln!(failures, "  expected {:<13}{}", wanted.outcome, wanted.reason);
        let _ = writeln!(failures, "  found    {found_outcome:<13}{found_reason}");
    }
    if failed > 0 {
        let total = examples.len();
        bail!(
            "{failed} of {total} examples fail: correct the rule or the example, nothing was \
             signed\n{failures}"
        );
    }
    Ok(tallies)
}

struct Found {
    outcome: String,
    reason: String,
    fuel: u64,
}

fn evaluate(
    program: &Program,
    index: usize,
    rule: &Rule,
    example: &ExampleFile,
) -> anyhow::Result<Found> {
    if Outcome::from_name(&example.outcome).is_none() {
        bail!("there is no outcome {:?}", example.outcome);
    }
    let body = request_body(rule, &example.request)?;
    let refused = |error: facts::FactsError| anyhow!("{error}; {}", error.remedy());
    let request = facts::parse_request(&body).map_err(refused)?;
    let as_of = request.as_of.unwrap_or(rule.effective_from);
    let record = facts::record(&request, as_of).map_err(refused)?;
    let bundle = program.bundle().bundle();
    let mut selection = bundle.select(&request.jurisdictions, &request.domains, as_of)?;
    selection.rules.retain(|(selected, _)| *selected == index);
    let run = program.run(&selection, &record);
    let (Some(result), Some(trace)) = (run.results.first(), run.traces.first()) else {
        bail!("the request's scope and time do not select this rule");
    };
    let (outcome, reason) = (result.outcome.name().to_owned(), render_reason(rule, result));
    Ok(Found { outcome, reason, fuel: trace.fuel })
}

/// The request as a caller sends it. Scope and time may be left out in an example: they are then
/// the rule's own scope and its first instant.
fn request_body(rule: &Rule, request: &Map<String, Value>) -> anyhow::Result<Vec<u8>> {
    let mut request = request.clone();
    refuse_floats(request.values())?;
    for (key, value) in [("jurisdictions", &rule.jurisdiction), ("domains", &rule.domain)] {
        let own = || Value::Array(vec![Value::String(value.clone())]);
        request.entry(key).or_insert_with(own);
    }
    Ok(serde_json::to_vec(&request)?)
}

/// A YAML reader has already rounded a number with a point: what stands in the file is gone.
fn refuse_floats<'a>(values: impl Iterator<Item = &'a Value>) -> anyhow::Result<()> {
    for value in values {
        match value {
            Value::Number(number) if number.is_f64() => {
                bail!("{number} has a decimal point: write it in quotes, so that it stays exact")
            }
            Value::Array(entries) => refuse_floats(entries.iter())?,
            Value::Object(entries) => refuse_floats(entries.values())?,
            _ => {}
        }
    }
    Ok(())
}
