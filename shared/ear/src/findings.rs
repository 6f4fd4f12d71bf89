//! What became of each numbered check, by name, whichever crate made it. What is not entered was
//! not made.

use std::collections::BTreeSet;

/// A check that was not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// Its number, as in `N34`.
    pub check: String,
    /// What it asks, in a few words.
    pub title: String,
    /// Why it was not made.
    pub why: String,
}

/// The checks of one accepted object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    passed: BTreeSet<String>,
    open: Vec<Open>,
}

impl Findings {
    /// Enters a check that was made and held.
    pub fn passed(&mut self, check: &str) {
        // Said twice and differently, the lesser word counts.
        if !self.open.iter().any(|open| open.check == check) {
            self.passed.insert(check.to_owned());
        }
    }

    /// Enters a check that was not made.
    pub fn not_checked(&mut self, check: &str, title: &str, why: &str) {
        self.passed.remove(check);
        let (check, title, why) = (check.to_owned(), title.to_owned(), why.to_owned());
        self.open.push(Open { check, title, why });
    }

    /// Whether all of these were made and held.
    pub fn all_passed(&self, checks: &[&str]) -> bool {
        checks.iter().all(|check| self.passed.contains(*check))
    }

    /// The checks that were not made.
    pub fn open(&self) -> &[Open] {
        &self.open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_entered_or_contradicted_has_not_passed() {
        let mut findings = Findings::default();
        assert!(!findings.all_passed(&["N1"]));
        findings.passed("N1");
        findings.passed("N2");
        assert!(findings.all_passed(&["N1", "N2"]) && !findings.all_passed(&["N1", "N3"]));
        findings.not_checked("N1", "size", "absent");
        findings.passed("N1");
        assert!(!findings.all_passed(&["N1"]));
        assert_eq!(findings.open().len(), 1);
    }
}
