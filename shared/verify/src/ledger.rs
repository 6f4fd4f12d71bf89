//! What became of each check. One that nobody entered is not checked, never passed.

use crate::check::{Check, Outcome};

/// One entry for each of P1 to P22.
pub(crate) struct Ledger([Option<Outcome>; Check::COUNT]);

impl Ledger {
    pub(crate) fn new() -> Self {
        let mut ledger = Self([const { None }; Check::COUNT]);
        ledger.not_checked(&[9], "a set of proofs is needed; use audit or set");
        ledger.not_checked(&[19], "no single result was shown");
        ledger
    }

    pub(crate) fn passed(&mut self, numbers: &[u8]) {
        for number in numbers {
            self.0[usize::from(*number) - 1] = Some(Outcome::Passed);
        }
    }

    pub(crate) fn not_checked(&mut self, numbers: &[u8], why: &'static str) {
        for number in numbers {
            self.0[usize::from(*number) - 1] = Some(Outcome::NotChecked(why));
        }
    }

    pub(crate) fn finish(self) -> [(Check, Outcome); Check::COUNT] {
        const FORGOTTEN: Outcome = Outcome::NotChecked("this verifier does not make the check");
        let mut checks = Check::all();
        self.0.map(|found| {
            let check = checks.next().expect("as many checks as entries");
            (check, found.unwrap_or(FORGOTTEN))
        })
    }
}
