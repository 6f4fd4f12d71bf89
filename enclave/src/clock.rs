//! The enclave's clock: the time of the last attestation document, advanced by the kernel's
//! monotonic clock. The parent's word for the time is never taken.

use facts::Millis;
use std::sync::Mutex;
use std::time::Instant;

/// A clock that stands still at 0 until it is set.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    anchor: Mutex<Option<(Millis, Instant)>>,
}

impl Clock {
    /// Takes the time of a document that has just been returned.
    pub(crate) fn set(&self, document: Millis) {
        *self.anchor.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) =
            Some((document, Instant::now()));
    }

    /// The time now.
    pub(crate) fn now(&self) -> Millis {
        let anchor = *self.anchor.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        match anchor {
            Some((document, since)) => {
                let elapsed = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
                Millis(document.0.saturating_add(elapsed))
            }
            None => Millis(0),
        }
    }
}
