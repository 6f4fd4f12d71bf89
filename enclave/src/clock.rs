//! The enclave's clock: the time of the last attestation document, advanced by the kernel's
//! monotonic clock, never moving back. The parent's word for the time is never taken.

use facts::Millis;
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// A clock that stands still at 0 until it is set.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    anchor: Option<(Millis, Instant)>,
    /// The latest time that was read, in milliseconds: a document that is behind holds the clock,
    /// it does not turn it back.
    latest: u64,
}

impl Clock {
    /// Takes the time of a document that has just been returned.
    pub(crate) fn set(&self, document: Millis) {
        self.state().anchor = Some((document, Instant::now()));
    }

    /// The time now.
    pub(crate) fn now(&self) -> Millis {
        let mut state = self.state();
        if let Some((document, since)) = state.anchor {
            let elapsed = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
            state.latest = state.latest.max(document.0.saturating_add(elapsed));
        }
        Millis(state.latest)
    }

    /// How long ago the last document was taken.
    pub(crate) fn age(&self) -> Duration {
        self.state().anchor.map_or(Duration::MAX, |(_, since)| since.elapsed())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_never_moves_back() {
        let clock = Clock::default();
        assert_eq!(clock.now(), Millis(0));
        clock.set(Millis(5_000));
        assert!(clock.now() >= Millis(5_000));
        clock.set(Millis(1_000));
        assert!(clock.now() >= Millis(5_000));
        clock.set(Millis(9_000));
        assert!(clock.now() >= Millis(9_000));
    }
}
