//! What a backtest counts: transitions of each rule, with some examples of each.

use std::collections::BTreeMap;
use std::fmt;

use rules::Outcome;

use super::super::check::grouped;
use super::super::table::Table;

/// What a rule said of one request on one side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    /// Rule id.
    pub(super) rule: String,
    /// Its version.
    pub(super) version: String,
    /// Outcome.
    pub(super) outcome: Outcome,
    /// The reason for people.
    pub(super) reason: String,
}

/// What a rule said of one request on both sides.
#[derive(Debug, Clone)]
pub(super) struct Change {
    /// Rule id.
    pub(super) rule: String,
    /// Which request.
    pub(super) input: String,
    /// Under the old bundle, when the rule ran.
    pub(super) from: Option<Answer>,
    /// Under the new bundle, when the rule ran.
    pub(super) to: Option<Answer>,
}

/// How often an outcome became another.
#[derive(Debug, Clone, Default)]
pub(super) struct Transition {
    /// Requests.
    pub(super) count: u64,
    /// The first of them.
    pub(super) examples: Vec<Change>,
}

/// Requests that could not be evaluated.
#[derive(Debug, Clone, Default)]
pub(super) struct Refused {
    /// How many.
    pub(super) count: u64,
    /// The first of them: line and reason.
    pub(super) examples: Vec<(u64, String)>,
}

/// Outcome before, outcome after.
pub(super) type Step = (&'static str, &'static str);

/// All that a backtest found.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    /// Requests that were evaluated.
    pub(super) requests: u64,
    /// Those that were not.
    pub(super) refused: Refused,
    /// The gravest outcome of a request, before and after.
    pub(super) decisions: BTreeMap<Step, u64>,
    /// For each rule.
    pub(super) rules: BTreeMap<String, BTreeMap<Step, Transition>>,
}

/// Stands for the outcome of a rule that did not run.
pub(super) const NOT_IN_FORCE: &str = "not in force";

impl Tally {
    /// Counts one rule's answers to one request.
    pub(super) fn count(&mut self, change: Change) {
        let name = |answer: &Option<Answer>| {
            answer.as_ref().map_or(NOT_IN_FORCE, |answer| answer.outcome.name())
        };
        let step = (name(&change.from), name(&change.to));
        let rule = self.rules.entry(change.rule.clone()).or_default();
        let transition = rule.entry(step).or_default();
        transition.count += 1;
        if step.0 != step.1 && transition.examples.len() < EXAMPLES_MAX {
            transition.examples.push(change);
        }
    }

    /// Counts one request's decisions.
    pub(super) fn decide(&mut self, from: &'static str, to: &'static str) {
        *self.decisions.entry((from, to)).or_default() += 1;
    }

    /// Counts one request that could not be evaluated.
    pub(super) fn refuse(&mut self, line: u64, why: String) {
        self.refused.count += 1;
        if self.refused.examples.len() < EXAMPLES_MAX {
            self.refused.examples.push((line, why));
        }
    }

    /// Requests whose decision changed.
    pub(super) fn changed(&self) -> u64 {
        let changed = self.decisions.iter().filter(|((from, to), _)| from != to);
        changed.map(|(_, count)| count).sum()
    }

    /// Transitions in which the outcome changed.
    pub(super) fn changes(&self) -> impl Iterator<Item = (&str, Step, &Transition)> {
        self.rules.iter().flat_map(|(rule, steps)| {
            let changed = steps.iter().filter(|((from, to), _)| from != to);
            changed.map(move |(step, transition)| (rule.as_str(), *step, transition))
        })
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new(&["rule", "old", "new", "count", "examples"]);
        for (rule, (from, to), transition) in self.changes() {
            let inputs = transition.examples.iter().take(SHOWN_MAX).map(|change| &*change.input);
            let inputs: Vec<&str> = inputs.collect();
            table.row([
                rule.to_owned(),
                from.to_owned(),
                to.to_owned(),
                grouped(transition.count),
                inputs.join(", "),
            ]);
        }
        if !table.is_empty() {
            write!(f, "{table}")?;
        }
        writeln!(
            f,
            "{} requests, the decision of {} changes",
            grouped(self.requests),
            grouped(self.changed())
        )?;
        if self.refused.count > 0 {
            writeln!(f, "{} lines could not be evaluated", grouped(self.refused.count))?;
            for (line, why) in self.refused.examples.iter().take(SHOWN_MAX) {
                writeln!(f, "  line {line}: {why}")?;
            }
        }
        Ok(())
    }
}

/// Examples that are kept of one transition.
const EXAMPLES_MAX: usize = 50;
/// Examples that a terminal shows.
const SHOWN_MAX: usize = 3;
