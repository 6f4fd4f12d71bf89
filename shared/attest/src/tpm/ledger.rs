//! What became of each check of a quote. Every check starts as "not checked", with a reason, and
//! must never become "passed" but by the code that made it.

use crate::check::{Check, Outcome};
use std::collections::BTreeMap;

/// The checks T1 to T34, each with what became of it.
pub(crate) struct Ledger(BTreeMap<Check, Outcome>);

impl Ledger {
    pub(crate) fn new() -> Self {
        let reason = |check: Check| match check.as_str() {
            "T31" | "T32" | "T33" | "T34" => "no log of the kernel was given",
            "T25" | "T26" | "T27" | "T28" | "T29" | "T30" => "no event log was given",
            _ => "registering keys is the registrar's; the policy carries its result",
        };
        Self(Check::tpm().map(|check| (check, Outcome::NotChecked(reason(check)))).collect())
    }

    pub(crate) fn passed<const N: usize>(&mut self, numbers: [u8; N]) {
        self.enter(numbers.map(|number| (number, Outcome::Passed)));
    }

    pub(crate) fn not_checked(&mut self, number: u8, reason: &'static str) {
        self.enter([(number, Outcome::NotChecked(reason))]);
    }

    pub(crate) fn enter(&mut self, outcomes: impl IntoIterator<Item = (u8, Outcome)>) {
        for (number, outcome) in outcomes {
            self.0.insert(Check::t(number), outcome);
        }
    }

    pub(crate) fn finish(self) -> Vec<(Check, Outcome)> {
        self.0.into_iter().collect()
    }
}
