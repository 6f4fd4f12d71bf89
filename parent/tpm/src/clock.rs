//! The TPM's clock: within one reset it never goes back, and the number of resets never falls. The
//! last clock of a start is kept under the sealed key, so that a TPM or a state that was put back
//! is noticed at the next one. It must never be taken for the time of day.

use crate::error::Error;
use crate::sealed::StateKey;
use crate::tpm::{Clock, Selection, Tpm};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Name of the kept state in the folder.
const FILE: &str = "kept.bin";
const VERSION: u32 = 1;

/// Follows the clock.
#[derive(Debug)]
pub struct Watch {
    begun: Clock,
    last: Clock,
}

/// What a new reading means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// As it should be.
    Forward,
    /// The TPM was reset since.
    Reset {
        /// resetCount before.
        before: u32,
    },
    /// It went back.
    Back {
        /// The reading before.
        before: Clock,
    },
}

/// What is kept from start to start.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    version: u32,
    resets: u32,
    restarts: u32,
    clock_ms: u64,
}

impl Watch {
    /// Compares the clock with the last one that was kept, keeps this one, and says what became of
    /// the sealed key.
    pub fn begin(
        tpm: &mut Tpm,
        folder: &Path,
        selection: &Selection,
        clock: Clock,
    ) -> Result<(String, Self), Error> {
        let (key, said) = StateKey::open_or_make(tpm, folder, selection)?;
        let path = folder.join(FILE);
        if let Some(kept) = key.read(&path)? {
            let wrong = |problem: String| {
                let remedy = "remove it, and find out who wrote it";
                Error::content(&path, problem, remedy)
            };
            let kept: Kept =
                serde_json::from_slice(&kept).map_err(|error| wrong(error.to_string()))?;
            if kept.version != VERSION {
                return Err(wrong(format!("expected version {VERSION}, found {}", kept.version)));
            }
            let last = Clock {
                resets: kept.resets,
                restarts: kept.restarts,
                clock_ms: kept.clock_ms,
                is_safe: true,
            };
            if order(clock) < order(last) {
                let (last, found) = (last.to_string(), clock.to_string());
                return Err(Error::ClockBack { last, found });
            }
        }
        let Clock { resets, restarts, clock_ms, .. } = clock;
        let kept = Kept { version: VERSION, resets, restarts, clock_ms };
        let bytes = serde_json::to_vec(&kept).expect("numbers always serialize");
        key.write(tpm, &path, &bytes)?;
        Ok((said, Self { begun: clock, last: clock }))
    }

    /// Whether the TPM was restarted without a reset since the start.
    pub fn has_restarted(&self) -> bool {
        self.last.restarts != self.begun.restarts
    }

    /// Takes a new reading.
    pub fn see(&mut self, clock: Clock) -> Step {
        let before = self.last;
        if clock.resets != before.resets {
            return Step::Reset { before: before.resets };
        }
        if order(clock) < order(before) {
            return Step::Back { before };
        }
        self.last = clock;
        Step::Forward
    }
}

/// Resets, then restarts, then the clock within one reset. A restart may take back what the TPM
/// had not written down, so clocks are compared within one restart only.
fn order(clock: Clock) -> (u32, u32, u64) {
    (clock.resets, clock.restarts, clock.clock_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reset_is_told_from_a_clock_that_goes_back() {
        let at = |resets, restarts, clock_ms| Clock { resets, restarts, clock_ms, is_safe: true };
        let begun = at(5, 1, 1000);
        let mut watch = Watch { begun, last: begun };
        assert_eq!(watch.see(at(5, 1, 1000)), Step::Forward);
        assert_eq!(watch.see(at(5, 1, 999)), Step::Back { before: at(5, 1, 1000) });
        assert_eq!(watch.see(at(5, 2, 10)), Step::Forward);
        assert_eq!(watch.see(at(5, 1, 5000)), Step::Back { before: at(5, 2, 10) });
        assert_eq!(watch.see(at(6, 0, 1)), Step::Reset { before: 5 });
        assert_eq!(watch.see(at(4, 9, 9999)), Step::Reset { before: 5 });
    }
}
