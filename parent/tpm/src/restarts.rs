//! When a worker that ended is started again: at once, then after waits that double and stay below
//! two seconds; after too many ends in a short time not at all. One that runs into its end again
//! and again must never be started for ever.

use crate::limits::{RESTART_WAIT_MAX, RESTART_WAIT_MIN, STEADY_UPTIME};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The ends so far.
#[derive(Debug)]
pub struct Restarts {
    ends_max: u32,
    window: Duration,
    wait: Duration,
    ends: VecDeque<Instant>,
}

/// What to do after an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Start another after this time.
    After(Duration),
    /// Start none: so many ends within the window.
    Isolate(u32),
}

impl Restarts {
    /// Nothing has ended yet; so many ends within a time are too many.
    pub fn new(ends_max: u32, window: Duration) -> Self {
        Self { ends_max, window, wait: RESTART_WAIT_MIN, ends: VecDeque::new() }
    }

    /// Takes the end of a run that had lasted for `lasted`.
    pub fn ended(&mut self, now: Instant, lasted: Duration) -> Next {
        self.ends.push_back(now);
        while self.ends.front().is_some_and(|end| now.duration_since(*end) > self.window) {
            self.ends.pop_front();
        }
        let ends = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        if ends >= self.ends_max {
            return Next::Isolate(ends);
        }
        if lasted >= STEADY_UPTIME {
            self.wait = RESTART_WAIT_MIN;
        }
        let wait = self.wait;
        self.wait = (self.wait * 2).min(RESTART_WAIT_MAX);
        Next::After(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_stay_below_two_seconds_and_a_loop_is_isolated() {
        let (mut restarts, start) = (Restarts::new(7, Duration::from_secs(60)), Instant::now());
        let mut waits = Vec::new();
        for n in 0..6 {
            match restarts.ended(start + Duration::from_secs(n), Duration::from_secs(1)) {
                Next::After(wait) => waits.push(wait.as_millis()),
                Next::Isolate(_) => panic!("at {n}"),
            }
        }
        assert_eq!(waits, [100, 200, 400, 800, 800, 800]);
        let last = restarts.ended(start + Duration::from_secs(6), Duration::ZERO);
        assert_eq!(last, Next::Isolate(7));
    }

    #[test]
    fn ends_far_apart_and_steady_runs_start_anew() {
        let (mut restarts, start) = (Restarts::new(3, Duration::from_secs(10)), Instant::now());
        for n in 0..20 {
            let next = restarts.ended(start + Duration::from_secs(6) * n, STEADY_UPTIME);
            assert_eq!(next, Next::After(RESTART_WAIT_MIN), "{n}");
        }
    }
}
