//! The memory of what came: each sealed request once, until it has expired. It must never forget
//! a request before its end, unless it is told that nothing can come of it: when there is no room,
//! new requests are refused.

use crate::{SealError, VALIDITY_MS_MAX};
use std::collections::BTreeSet;

/// The requests that did not expire yet.
#[derive(Debug)]
pub struct Window {
    remembered_max: usize,
    seen: BTreeSet<[u8; 32]>,
    by_end: BTreeSet<(u64, [u8; 32])>,
    /// The latest time that was heard: whoever comes with an earlier one was slow, and what ended
    /// meanwhile may be forgotten already.
    latest_ms: u64,
}

impl Window {
    /// A window with room for so many requests.
    pub fn new(remembered_max: usize) -> Self {
        let (seen, by_end) = (BTreeSet::new(), BTreeSet::new());
        Self { remembered_max, seen, by_end, latest_ms: 0 }
    }

    /// Admits a request that opened, once. `now_ms` is the hardware's time; a request is good
    /// before its end, and its end lies at most [`VALIDITY_MS_MAX`] ahead.
    pub fn admit(
        &mut self,
        enc: &[u8; 32],
        expires_at_ms: u64,
        now_ms: u64,
    ) -> Result<(), SealError> {
        let now_ms = now_ms.max(self.latest_ms);
        self.latest_ms = now_ms;
        if expires_at_ms <= now_ms {
            return Err(SealError::Expired { now_ms, expires_at_ms });
        }
        let latest_ms = now_ms.saturating_add(VALIDITY_MS_MAX);
        if expires_at_ms > latest_ms {
            return Err(SealError::TooLong { latest_ms, expires_at_ms });
        }
        self.forget_ended();
        if self.seen.contains(enc) {
            return Err(SealError::Replayed);
        }
        if self.seen.len() >= self.remembered_max {
            return Err(SealError::Full { expected: self.remembered_max });
        }
        self.seen.insert(*enc);
        self.by_end.insert((expires_at_ms, *enc));
        Ok(())
    }

    /// Gives the place of an admitted request back. Only of one that is refused whenever it comes:
    /// from here on it is admitted again.
    pub fn release(&mut self, enc: &[u8; 32], expires_at_ms: u64) {
        self.seen.remove(enc);
        self.by_end.remove(&(expires_at_ms, *enc));
    }

    /// How many requests are remembered.
    pub fn remembered(&self) -> usize {
        self.seen.len()
    }

    fn forget_ended(&mut self) {
        while let Some((end, enc)) = self.by_end.first().copied() {
            if end > self.latest_ms {
                return;
            }
            self.by_end.pop_first();
            self.seen.remove(&enc);
        }
    }
}
