//! `rules backtest`: past requests under two bundles, and which decisions change. Both sides run
//! in the VM that an enclave runs. It must never drop a line without saying so.

mod chart;
mod html;
mod progress;
mod tally;

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use anyhow::{Context as _, bail};
use facts::{Millis, REQUEST_BYTES_MAX};
use rules::{Outcome, RuleResult, RulesError};
use verify::render_reason;

use super::arguments;
use super::command::Backtest;
use super::engines::{Engines, read};
use super::side::Side;
use progress::Progress;
use tally::{Answer, Change, NOT_IN_FORCE, Tally};

/// Evaluates every line under both bundles; a table of what changes.
pub(crate) fn answer(arguments: &Backtest) -> anyhow::Result<String> {
    let as_of = arguments::time_or_now(arguments.as_of)?;
    let old = Engines::of_unsigned(&Side::open(&arguments.old)?.bundle)?;
    let new = Engines::of_unsigned(&Side::open(&arguments.new)?.bundle)?;
    let tally = run(&old, &new, &arguments.inputs, as_of)?;
    let mut text = tally.to_string();
    if let Some(path) = &arguments.html {
        let page = html::page(&old, &new, &tally);
        super::write(path, page.as_bytes())?;
        text.push_str(&format!("report in {}\n", path.display()));
    }
    Ok(text)
}

fn run(old: &Engines, new: &Engines, inputs: &Path, as_of: Millis) -> anyhow::Result<Tally> {
    let name = || format!("cannot read {}", inputs.display());
    let file = File::open(inputs).with_context(name)?;
    let size = file.metadata().map(|metadata| metadata.len()).unwrap_or(0);
    let mut lines = BufReader::new(file);
    let (mut progress, mut tally) = (Progress::new(size), Tally::default());
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let limit = REQUEST_BYTES_MAX as u64 + 2;
        let taken = std::io::Read::take(&mut lines, limit).read_until(b'\n', &mut line);
        let taken = taken.with_context(name)?;
        if taken == 0 {
            break;
        }
        if taken as u64 == limit {
            bail!("{} line {number} is longer than a request may be", inputs.display());
        }
        progress.add(taken as u64);
        if !line.trim_ascii().is_empty() {
            one(old, new, &line, number, as_of, &mut tally);
        }
    }
    progress.finish();
    if tally.requests + tally.refused.count == 0 {
        bail!("{} has no requests: write one body on each line", inputs.display());
    }
    Ok(tally)
}

/// One request under both bundles.
fn one(old: &Engines, new: &Engines, body: &[u8], number: u64, as_of: Millis, tally: &mut Tally) {
    let (request, record, as_of) = match read(body, as_of) {
        Ok(read) => read,
        Err(error) => return tally.refuse(number, format!("{error:#}")),
    };
    let id = format!("line {number} ({})", request.transaction.id);
    let (before, after) =
        (evaluate(old, &request, &record, as_of), evaluate(new, &request, &record, as_of));
    let (before, after) = match (before, after) {
        (Ok(before), Ok(after)) => (before, after),
        (Err(error), _) | (_, Err(error)) => return tally.refuse(number, error.to_string()),
    };
    tally.requests += 1;
    let decision = |answers: &[Answer]| match answers {
        [] => NOT_IN_FORCE,
        _ => Outcome::gravest(answers.iter().map(|answer| answer.outcome)).name(),
    };
    tally.decide(decision(&before), decision(&after));
    let mut rules: Vec<&str> = before.iter().chain(&after).map(|answer| &*answer.rule).collect();
    rules.sort_unstable();
    rules.dedup();
    for rule in rules {
        let find = |side: &'_ [Answer]| side.iter().find(|answer| answer.rule == rule).cloned();
        let (from, to) = (find(&before), find(&after));
        tally.count(Change { rule: rule.to_owned(), input: id.clone(), from, to });
    }
}

fn evaluate(
    engines: &Engines,
    request: &facts::Request,
    record: &facts::Record,
    as_of: Millis,
) -> Result<Vec<Answer>, RulesError> {
    let bundle = engines.bundle();
    let selection = match bundle.select(&request.jurisdictions, &request.domains, as_of) {
        Ok(selection) => selection,
        // A scope that one side does not cover is a difference, not a failure.
        Err(RulesError::NothingInForce { .. }) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let run = engines.program.run(&selection, record);
    let answer = |((_, rule), result): (&(usize, &rules::Rule), &RuleResult)| Answer {
        rule: rule.id.clone(),
        version: rule.version.clone(),
        outcome: result.outcome,
        reason: render_reason(rule, result),
    };
    Ok(selection.rules.iter().zip(&run.results).map(answer).collect())
}
