//! `rules check` and `rules test`: everything that is wrong with a pack, or a table of its rules.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{anyhow, bail};
use compiler::CompileError;
use compiler::pack::{Body, CompiledRule, Pack};
use facts::Millis;

use super::engines::Engines;
use super::folder::Folder;
use super::problems::{self, counted};
use super::side::read_pack;
use super::table::Table;
use super::trial::{self, Trials};

/// A pack that holds.
pub(crate) struct Checked {
    /// The pack.
    pub(crate) pack: Pack,
    /// What each rule's examples showed.
    pub(crate) trials: Vec<Trials>,
}

/// Checks a pack: sources, examples in both engines, boundaries.
pub(crate) fn check(folder: &Folder) -> anyhow::Result<Checked> {
    let pack = read_pack(folder)?;
    let bundle = pack.bundle(0, Millis(0));
    let engines = Engines::of_unsigned(&bundle)?;
    let trials = trials(&engines, &pack.rules, Some(folder))?;
    Ok(Checked { pack, trials })
}

/// Runs every rule's examples; an error that names all that do not hold.
pub(crate) fn trials(
    engines: &Engines,
    rules: &[CompiledRule],
    folder: Option<&Folder>,
) -> anyhow::Result<Vec<Trials>> {
    let all = run(engines, rules)?;
    let (mut failures, mut failed, mut total) = (String::new(), 0, 0);
    let mut problems = Vec::new();
    for (rule, trials) in rules.iter().zip(&all) {
        total += trials.trials.len();
        for trial in trials.failures() {
            failed += 1;
            failures.push_str(&trial.describe_failure(rule));
        }
        problems.extend(trials.problems.iter().cloned());
    }
    if failed > 0 {
        failures = format!(
            "{failed} of {total} examples fail: correct the rule or the example, nothing was \
             signed\n{failures}"
        );
    }
    if !problems.is_empty() {
        let text = match folder {
            Some(folder) => problems::describe(folder, &problems),
            None => problems.iter().map(|problem| format!("{problem}\n")).collect(),
        };
        failures.push_str(&text);
    }
    match failures.is_empty() {
        true => Ok(all),
        false => Err(anyhow!(failures.trim_end().to_owned())),
    }
}

fn run(engines: &Engines, rules: &[CompiledRule]) -> anyhow::Result<Vec<Trials>> {
    let of_bundle = &engines.bundle().rules;
    let run = |rule: &CompiledRule| {
        let header = &rule.read.header;
        let same = |known: &rules::Rule| {
            known.id == header.id && known.effective_from == header.effective_from
        };
        let Some(index) = of_bundle.iter().position(same) else {
            bail!("{}: the bundle lacks it", header.id);
        };
        Ok(trial::run(engines, index, rule))
    };
    rules.iter().map(run).collect()
}

/// Checks a pack or one of its files; a table of its rules.
pub(crate) fn answer_check(path: &Path) -> anyhow::Result<String> {
    let checked = check(&Folder::find(path)?)?;
    let mut table = Table::new(&[
        "rule",
        "version",
        "cases",
        "examples",
        "module",
        "fuel, no rows",
        "50 rows",
        "10,000 rows",
    ]);
    for (rule, trials) in checked.pack.rules.iter().zip(&checked.trials) {
        let header = &rule.read.header;
        let cases = match &rule.read.body {
            Body::Cases(draft) => draft.cases.len().to_string(),
            Body::Foreign(_) => "-".to_owned(),
        };
        let bound = |place: usize| match (rule.cost, &rule.read.body) {
            (Some(cost), _) => grouped(cost.fuel[place]),
            (None, Body::Foreign(foreign)) => format!("<= {}", grouped(foreign.fuel)),
            (None, Body::Cases(_)) => "-".to_owned(),
        };
        table.row([
            header.id.clone(),
            header.version.clone(),
            cases,
            trials.trials.len().to_string(),
            format!("{} B", grouped(rule.wasm.len() as u64)),
            bound(0),
            bound(1),
            bound(2),
        ]);
    }
    let mut warnings = String::new();
    for CompileError { file, span, expected, found, .. } in
        checked.trials.iter().flat_map(|trials| &trials.warnings)
    {
        // Writing to a String does not fail.
        let (line, column) = (span.line, span.column);
        let _ = writeln!(
            warnings,
            "warning: {file}:{line}:{column}: expected {expected}, found {found}"
        );
    }
    let examples = checked.trials.iter().map(|trials| trials.trials.len()).sum();
    let (rules, examples) =
        (counted(checked.pack.rules.len(), "rule"), counted(examples, "example"));
    Ok(format!("{table}{warnings}{rules}, {examples} hold in both engines\n"))
}

/// Runs a pack's examples and shows each.
pub(crate) fn answer_test(path: &Path) -> anyhow::Result<String> {
    let pack = read_pack(&Folder::find(path)?)?;
    let engines = Engines::of_unsigned(&pack.bundle(0, Millis(0)))?;
    let all = run(&engines, &pack.rules)?;
    let mut text = String::new();
    let (mut failed, mut total) = (0, 0);
    for (rule, trials) in pack.rules.iter().zip(&all) {
        let header = &rule.read.header;
        // Writing to a String does not fail.
        let _ = writeln!(text, "{} {}", header.id, header.version);
        let mut table = Table::indented(2);
        for trial in &trials.trials {
            let mark = if trial.holds() { "holds" } else { "FAILS" };
            let (outcome, fuel) = match &trial.ran {
                Ok(ran) => (ran.outcome.name().to_owned(), grouped(ran.fuel)),
                Err(_) => ("not run".to_owned(), "-".to_owned()),
            };
            table.row([mark.to_owned(), outcome, fuel, trial.name.clone()]);
        }
        let _ = write!(text, "{table}");
        total += trials.trials.len();
        for trial in trials.failures() {
            failed += 1;
            text.push_str(&trial.describe_failure(rule));
        }
    }
    match failed {
        0 => Ok(format!("{text}{} hold in both engines\n", counted(total, "example"))),
        _ => Err(anyhow!("{failed} of {total} examples fail\n{}", text.trim_end())),
    }
}

/// `1234567` as `1,234,567`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
