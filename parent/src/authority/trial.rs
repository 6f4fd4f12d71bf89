//! A rule's examples and boundaries, run in both engines, and what they leave untested. It must
//! never report success when one could not be run.

use std::fmt::Write as _;

use compiler::pack::{Body, Boundary, CompiledRule, Threshold, Way};
use compiler::typed::{Program, Span};
use compiler::{CompileError, ErrorKind};
use rules::Outcome;

use super::engines::{Engines, Ran, Reached};

/// One example or one row of a boundary.
pub(crate) struct Trial {
    /// Its name.
    pub(crate) name: String,
    /// Where it stands in the rule file.
    span: Span,
    /// What the author expects.
    pub(crate) outcome: Outcome,
    /// The reason that the author expects, when he wrote one.
    pub(crate) reason: Option<String>,
    /// What came.
    pub(crate) ran: Result<Ran, String>,
}

impl Trial {
    /// Whether the rule said what the author expects.
    pub(crate) fn holds(&self) -> bool {
        self.ran.as_ref().is_ok_and(|ran| {
            let reason = self.reason.as_ref().is_none_or(|reason| *reason == ran.reason);
            ran.outcome == self.outcome && reason
        })
    }

    /// What was expected and what came, when they differ.
    pub(crate) fn describe_failure(&self, rule: &CompiledRule) -> String {
        let header = &rule.read.header;
        let (outcome, reason) = match &self.ran {
            Ok(ran) => (ran.outcome.name(), ran.reason.clone()),
            Err(error) => ("not run", error.clone()),
        };
        let expected = self.reason.as_deref().unwrap_or("(any reason)");
        format!(
            "{}:{}:{}: {} {}: {}\n  expected {:<13}{expected}\n  found    {outcome:<13}{reason}\n",
            rule.file,
            self.span.line,
            self.span.column,
            header.id,
            header.version,
            self.name,
            self.outcome.name()
        )
    }
}

/// What a rule's examples showed.
pub(crate) struct Trials {
    /// All that ran.
    pub(crate) trials: Vec<Trial>,
    /// Boundaries and cases that nobody tested.
    pub(crate) problems: Vec<CompileError>,
    /// What is weak but does not hinder signing.
    pub(crate) warnings: Vec<CompileError>,
}

impl Trials {
    /// The most fuel that one of them burned.
    pub(crate) fn fuel_most(&self) -> u64 {
        let fuel = |trial: &Trial| trial.ran.as_ref().map_or(0, |ran| ran.fuel);
        self.trials.iter().map(fuel).max().unwrap_or(0)
    }

    /// Those that do not hold.
    pub(crate) fn failures(&self) -> impl Iterator<Item = &Trial> {
        self.trials.iter().filter(|trial| !trial.holds())
    }
}

/// Runs all that a rule file says of itself.
pub(crate) fn run(engines: &Engines, index: usize, rule: &CompiledRule) -> Trials {
    let run = |body: &[u8]| {
        let ran = engines.run(index, rule.program.as_ref(), body);
        ran.map_err(|error| format!("{error:#}"))
    };
    let (mut problems, mut warnings) = (Vec::new(), Vec::new());
    let mut trials = examples(rule, &run);
    for boundary in &rule.read.boundaries {
        let rows = match boundary.rows(&rule.file, &rule.read) {
            Ok(rows) => rows,
            Err(error) => {
                problems.push(error);
                continue;
            }
        };
        let generated = match &boundary.way {
            Way::Generated(generated) => generated,
            Way::Examples(names) => {
                let named = |trial: &&Trial| names.iter().any(|name| name.text == trial.name);
                let own = trials.iter().filter(named);
                let ran: Vec<_> =
                    own.map(|trial| (trial.name.clone(), trial.ran.clone())).collect();
                problems.extend(alike(rule, boundary.span(), &ran));
                let examples = rule.read.examples.iter();
                let own = examples.filter(|e| names.iter().any(|name| name.text == e.name.text));
                let bodies: Vec<_> = own.map(|e| e.body(&rule.read.header)).collect();
                let weak = insensitive(engines, index, rule, boundary, &bodies);
                // A score or a calendar's day cannot be met exactly; an amount can.
                match is_amount(rule, boundary) {
                    true => problems.extend(weak),
                    false => warnings.extend(weak),
                }
                continue;
            }
        };
        // What its base cannot say, three copies of it cannot say either.
        let is_base = |trial: &Trial| trial.name == generated.base() && trial.ran.is_err();
        if trials.iter().any(is_base) {
            continue;
        }
        let ran: Vec<_> = rows.iter().map(|row| (row.label.clone(), run(&row.body))).collect();
        if generated.outcomes.len() != ran.len() {
            let hint = format!("{}confirm them: {}", listing(&ran), outcomes(&ran));
            let found = "none";
            problems.push(problem(rule, boundary.span(), "three outcomes", found, hint));
            continue;
        }
        let alike = alike(rule, boundary.span(), &ran);
        if alike.is_none() {
            let bodies: Vec<_> = rows.into_iter().map(|row| row.body).collect();
            problems.extend(insensitive(engines, index, rule, boundary, &bodies));
        }
        problems.extend(alike);
        for (place, (label, ran)) in ran.into_iter().enumerate() {
            let name = format!("boundary of {}: {label}", boundary.param.text);
            let reason = generated.reasons.get(place).cloned();
            let (span, outcome) = (boundary.span(), generated.outcomes[place]);
            trials.push(Trial { name, span, outcome, reason, ran });
        }
    }
    problems.extend(untested_thresholds(rule, &run));
    // An example that fails may be the one that was meant for a case.
    if trials.iter().all(Trial::holds) {
        problems.extend(untested_cases(rule, &trials));
    }
    Trials { trials, problems, warnings }
}

/// The author's own examples.
fn examples(rule: &CompiledRule, run: &dyn Fn(&[u8]) -> Answer) -> Vec<Trial> {
    let trial = |example: &compiler::pack::Example| Trial {
        name: example.name.text.clone(),
        span: example.span(),
        outcome: example.outcome,
        reason: example.reason.clone(),
        ran: run(&example.body(&rule.read.header)),
    };
    rule.read.examples.iter().map(trial).collect()
}

type Answer = Result<Ran, String>;

/// Rows that come out the same test nothing.
fn alike(rule: &CompiledRule, span: Span, ran: &[(String, Answer)]) -> Option<CompileError> {
    let mut known = ran.iter().filter_map(|(_, ran)| ran.as_ref().ok());
    let first = known.next()?;
    let same = |other: &Ran| (other.outcome, other.reached) == (first.outcome, first.reached);
    known.all(same).then(|| {
        let expected = "a base in which crossing the threshold changes the answer";
        let hint = format!("{}choose another `base`, or `at`", listing(ran));
        problem(rule, span, expected, "answers all alike", hint)
    })
}

fn is_amount(rule: &CompiledRule, boundary: &Boundary) -> bool {
    let mut params = rule.read.params().iter();
    params.any(|param| param.name.text == boundary.param.text && param.ty.text == "money")
}

/// Rows that say the same when the threshold is a step lower, and a step higher, test another one.
fn insensitive(
    engines: &Engines,
    index: usize,
    rule: &CompiledRule,
    boundary: &Boundary,
    bodies: &[Vec<u8>],
) -> Option<CompileError> {
    let program = rule.program.as_ref()?;
    let name = &boundary.param.text;
    let is_moved = |other: &Program, body: &Vec<u8>| {
        let now = engines.suppose(index, program, body).ok();
        now.is_some() && now != engines.suppose(index, other, body).ok()
    };
    let stepped = rule.stepped(name);
    let moves = |other: &Program| bodies.iter().any(|body| is_moved(other, body));
    if stepped.is_empty() || stepped.iter().any(moves) {
        return None;
    }
    let expected = format!("an answer that changes with `{name}`");
    let found = "the same answers with the smallest change of it, up and down";
    let hint = "the rows cross another threshold: choose `at`, `base` or examples where the facts \
                are equal to this one";
    Some(problem(rule, boundary.span(), &expected, found, hint.to_owned()))
}

/// Thresholds without a boundary, each with one that could be written.
fn untested_thresholds(rule: &CompiledRule, run: &dyn Fn(&[u8]) -> Answer) -> Vec<CompileError> {
    let thresholds = rule.thresholds_without_boundary();
    let problem_of = |threshold: &Threshold| {
        let at = &threshold.param;
        let length = at.text.chars().count() as u32;
        let span = Span { line: at.line, column: at.column, length };
        let expected = format!("a boundary for the threshold `{}`", at.text);
        problem(rule, span, &expected, "none", advice(rule, threshold, run))
    };
    thresholds.iter().map(problem_of).collect()
}

/// The first proposal whose three rows do not all come out the same, else the first.
fn advice(rule: &CompiledRule, threshold: &Threshold, run: &dyn Fn(&[u8]) -> Answer) -> String {
    let mut best: Option<(bool, String)> = None;
    for proposal in rule.proposals(threshold) {
        let answer = |row: &compiler::pack::Row| (row.label.clone(), run(&row.body));
        let ran: Vec<_> = proposal.rows.iter().map(answer).collect();
        let names = || ran.iter().filter_map(|(_, ran)| ran.as_ref().ok()).map(|ran| ran.outcome);
        if names().count() < ran.len() {
            continue;
        }
        let differ = names().any(|outcome| Some(outcome) != names().next());
        if best.as_ref().is_none_or(|(differs, _)| differ && !differs) {
            let line = format!("  - {{ {}, outcomes: {} }}", proposal.entry, outcomes(&ran));
            let listing = listing(&ran);
            let text = match differ {
                true => format!(
                    "the rule now says\n{listing}if that is what the law says, add under \
                     `boundaries:`\n{line}"
                ),
                false => format!(
                    "no example of the file changes its answer there:\n{listing}write one that \
                     does, then this with its name as `base`, under `boundaries:`\n{line}"
                ),
            };
            best = Some((differ, text));
        }
        if differ {
            break;
        }
    }
    let param = &threshold.param.text;
    best.map(|(_, text)| text).unwrap_or_else(|| {
        format!(
            "write examples just under, equal and just over it, and \
            add under `boundaries:`\n  - {{ \
             param: {param}, examples: [under, equal, over] }}"
        )
    })
}

fn listing(ran: &[(String, Answer)]) -> String {
    let width = ran.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (label, ran) in ran {
        let (outcome, reason) = match ran {
            Ok(ran) => (ran.outcome.name(), ran.reason.as_str()),
            Err(error) => ("not run", error.as_str()),
        };
        // Writing to a String does not fail.
        let _ = writeln!(text, "  {label:<width$}  {outcome:<13}{reason}");
    }
    text
}

fn outcomes(ran: &[(String, Answer)]) -> String {
    let name = |(_, ran): &(String, Answer)| ran.as_ref().map_or("error", |ran| ran.outcome.name());
    format!("[{}]", ran.iter().map(name).collect::<Vec<_>>().join(", "))
}

/// Cases that no example reaches.
fn untested_cases(rule: &CompiledRule, trials: &[Trial]) -> Vec<CompileError> {
    let Body::Cases(draft) = &rule.read.body else { return Vec::new() };
    let is_reached = |wanted: Reached| {
        trials.iter().any(|trial| trial.ran.as_ref().is_ok_and(|ran| ran.reached == wanted))
    };
    let hint = "add an example that reaches it, or remove it".to_owned();
    let cases = draft.cases.iter().enumerate().filter(|(n, _)| !is_reached(Reached::Case(*n)));
    let cases = cases.map(|(number, case)| {
        let span = rule.locate(Span { line: case.when.line, column: case.when.column, length: 1 });
        let expected = format!("an example that case {} decides", number + 1);
        problem(rule, span, &expected, "none", hint.clone())
    });
    let otherwise = (!is_reached(Reached::Otherwise)).then(|| {
        let at = &draft.otherwise.reason;
        let span = rule.locate(Span { line: at.line, column: at.column, length: 1 });
        problem(rule, span, "an example that `otherwise` decides", "none", hint.clone())
    });
    cases.chain(otherwise).collect()
}

fn problem(
    rule: &CompiledRule,
    span: Span,
    expected: &str,
    found: &str,
    hint: String,
) -> CompileError {
    CompileError {
        file: rule.file.clone(),
        span,
        kind: ErrorKind::Example,
        expected: expected.to_owned(),
        found: found.to_owned(),
        hint,
    }
}
