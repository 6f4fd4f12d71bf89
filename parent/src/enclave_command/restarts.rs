//! When an enclave that ended is started again: the wait doubles from second to minute, a run that
//! lasted begins with the short wait again, and many ends in a short time are called a crash
//! loop. It must never give up by itself, and never restart without a wait.

use super::limits::{
    CRASH_LOOP_ENDS, CRASH_LOOP_WINDOW, RESTART_WAIT_MAX, RESTART_WAIT_MIN, STEADY_UPTIME,
};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The ends so far.
#[derive(Debug)]
pub struct Restarts {
    wait: Duration,
    ends: VecDeque<Instant>,
}

/// What to do after an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Next {
    /// How long to wait before the next start.
    pub wait: Duration,
    /// Whether so many ends came so fast that starting again does not help.
    pub is_crash_loop: bool,
}

impl Restarts {
    /// Nothing has ended yet.
    pub fn new() -> Self {
        Self { wait: RESTART_WAIT_MIN, ends: VecDeque::new() }
    }

    /// Takes the end of a run that had lasted for `lasted`.
    pub fn ended(&mut self, now: Instant, lasted: Duration) -> Next {
        if lasted >= STEADY_UPTIME {
            self.wait = RESTART_WAIT_MIN;
        }
        let wait = self.wait;
        self.wait = (self.wait * 2).min(RESTART_WAIT_MAX);
        self.ends.push_back(now);
        while self.ends.front().is_some_and(|end| now.duration_since(*end) > CRASH_LOOP_WINDOW) {
            self.ends.pop_front();
        }
        Next { wait, is_crash_loop: self.ends.len() >= CRASH_LOOP_ENDS }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_bound_and_a_steady_run_starts_anew() {
        let (mut restarts, start) = (Restarts::new(), Instant::now());
        let short = Duration::from_secs(1);
        let mut waits = Vec::new();
        for n in 0..9 {
            let next = restarts.ended(start + short * n, short);
            waits.push(next.wait.as_secs());
            assert_eq!(next.is_crash_loop, n as usize + 1 >= CRASH_LOOP_ENDS, "{n}");
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        let later = start + CRASH_LOOP_WINDOW * 2;
        let next = restarts.ended(later, STEADY_UPTIME);
        assert_eq!(next, Next { wait: RESTART_WAIT_MIN, is_crash_loop: false });
    }

    #[test]
    fn ends_that_are_far_apart_are_no_crash_loop() {
        let (mut restarts, start) = (Restarts::new(), Instant::now());
        let apart = CRASH_LOOP_WINDOW / (CRASH_LOOP_ENDS as u32 - 1) + Duration::from_secs(1);
        for n in 0..20 {
            assert!(!restarts.ended(start + apart * n, apart).is_crash_loop, "{n}");
        }
    }
}
