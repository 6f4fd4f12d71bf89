//! The host's clock, kept from going back. Evidence of a TPM carries no time that anybody attests,
//! and a verdict says so; but a log whose quotes were older than its entries would come to a stop.

use facts::Millis;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A clock that is behind by more than this is worth a word.
const BEHIND: Duration = Duration::from_secs(1);
/// A clock that stays behind by more than this, for as long, was set right: another process, with
/// another log, begins with the right time.
const BEHIND_FOR_GOOD: Duration = Duration::from_secs(60);

/// What there is to say of the host's clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Word {
    /// It went back, and time goes on from where it was.
    Back(String),
    /// It stays back: this process cannot follow it.
    End(String),
}

/// The clock: the later of the host's and of what has passed since it was read last.
#[derive(Debug, Default)]
pub(crate) struct HostClock(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    last: Option<(u64, Instant)>,
    /// Since when it is behind by more than is worth a word, and by more than can be waited for.
    behind: Option<Instant>,
    far: Option<Instant>,
}

impl HostClock {
    /// Milliseconds since 1970, and what is to be said.
    pub(crate) fn now(&self) -> (Millis, Option<Word>) {
        let host = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.at(u64::try_from(host.as_millis()).unwrap_or(u64::MAX), Instant::now())
    }

    fn at(&self, host_ms: u64, instant: Instant) -> (Millis, Option<Word>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = |(ms, since): (u64, Instant)| {
            let passed = instant.saturating_duration_since(since).as_millis();
            ms.saturating_add(u64::try_from(passed).unwrap_or(u64::MAX))
        };
        let own = state.last.map_or(0, passed);
        let behind = Duration::from_millis(own.saturating_sub(host_ms));
        let ms = behind.as_millis();
        let since = |over: bool, since: Option<Instant>| over.then(|| since.unwrap_or(instant));
        let was_behind = state.behind.is_some();
        state.behind = since(behind > BEHIND, state.behind);
        state.far = since(behind > BEHIND_FOR_GOOD, state.far);
        let for_good = state
            .far
            .is_some_and(|since| instant.saturating_duration_since(since) > BEHIND_FOR_GOOD);
        let word = if for_good {
            Some(Word::End(format!("the host's clock stays {ms} ms behind")))
        } else if behind > BEHIND && !was_behind {
            let words = "time goes on from where it was";
            Some(Word::Back(format!("the host's clock went back by {ms} ms; {words}")))
        } else {
            None
        };
        if host_ms >= own {
            state.last = Some((host_ms, instant));
        }
        (Millis(host_ms.max(own)), word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_goes_back_is_said_once_and_time_goes_on() {
        let (clock, start) = (HostClock::default(), Instant::now());
        let at = |host, passed| clock.at(host, start + Duration::from_millis(passed));
        assert_eq!(at(10_000, 0), (Millis(10_000), None));
        assert_eq!(at(10_400, 500), (Millis(10_500), None), "a little behind: no word");
        let (now, word) = at(4_000, 1_000);
        assert_eq!(now, Millis(11_000));
        assert!(matches!(word, Some(Word::Back(word)) if word.contains("went back by 7000 ms")));
        assert_eq!(at(4_500, 1_500), (Millis(11_500), None), "said once");
        // Set forward again it is followed, and a second step back is said again.
        assert_eq!(at(20_000, 2_000), (Millis(20_000), None));
        assert!(at(1_000, 2_100).1.is_some());
        assert_eq!(at(u64::MAX, 2_200).0, Millis(u64::MAX));
        assert_eq!(at(0, 9_000).0, Millis(u64::MAX));
    }

    #[test]
    fn a_clock_that_stays_far_behind_is_the_end() {
        let (clock, start) = (HostClock::default(), Instant::now());
        let at = |host, passed| clock.at(host, start + Duration::from_millis(passed)).1;
        assert_eq!(at(9_000_000, 0), None);
        assert!(matches!(at(2_000_000, 1_000), Some(Word::Back(_))));
        assert_eq!(at(2_060_000, 61_000), None, "for as long, not longer");
        // It comes back for a moment: counted anew.
        assert_eq!(at(9_070_000, 70_000), None);
        assert!(matches!(at(2_080_000, 80_000), Some(Word::Back(_))));
        assert_eq!(at(2_140_000, 140_000), None);
        let word = at(2_140_002, 140_001);
        assert!(matches!(word, Some(Word::End(word)) if word.contains("ms behind")));
        // A little behind is never the end.
        let (clock, start) = (HostClock::default(), Instant::now());
        let at = |host, passed| clock.at(host, start + Duration::from_millis(passed)).1;
        assert_eq!(at(9_000_000, 0), None);
        assert!(matches!(at(8_950_000, 10), Some(Word::Back(_))));
        assert_eq!(at(9_950_000, 1_000_000), None);
    }
}
