//! Who waits for which command. A number is answered at most once; an answer that nobody waits
//! for any more is dropped here, and what was durable stays durable. It must never give one
//! caller what belongs to another: numbers start at a random place, so that those of an earlier
//! process do not come back.

use crate::landed::Landed;
use crate::problem::Problem;
use crate::store::RefRecord;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// What the enclave, or the store after it, answered.
#[derive(Debug)]
pub enum Reply {
    /// A proof that is durable now.
    Landed(Box<Landed>),
    /// A durable proof, but the idempotency key had one before.
    Earlier(RefRecord),
    /// A quote with the caller's nonce.
    Attested(wire::Quote),
    /// A sealed request was opened and refused; the reply is for the caller alone.
    SealedRefusal(Vec<u8>),
}

type Answer = Result<Reply, Problem>;

/// Commands that wait for their answer.
#[derive(Debug)]
pub struct Pending {
    waiting: Mutex<HashMap<u64, oneshot::Sender<Answer>>>,
    next: AtomicU64,
}

/// A command that waits; dropping it stops waiting.
#[derive(Debug)]
pub struct Waiting<'a> {
    pending: &'a Pending,
    /// Number of the command.
    pub id: u64,
    /// Where the answer arrives.
    pub answer: oneshot::Receiver<Answer>,
}

impl Pending {
    /// Numbers start at `seed`, which has to be random.
    pub fn new(seed: u64) -> Self {
        // Half the range is left for counting up; 0 stands for entries that are sent again.
        Self { waiting: Mutex::default(), next: AtomicU64::new((seed >> 1).max(1)) }
    }

    /// Registers the next command.
    pub fn register(&self) -> Waiting<'_> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = oneshot::channel();
        self.lock().insert(id, sender);
        Waiting { pending: self, id, answer }
    }

    /// Answers a command, if somebody still waits for it.
    pub fn answer(&self, id: u64, answer: Answer) {
        let waiting = self.lock().remove(&id);
        if let Some(sender) = waiting {
            // The receiver may be gone since: then nobody wants to know.
            sender.send(answer).ok();
        }
    }

    /// Fails everything that waits.
    pub fn fail_all(&self, problem: &Problem) {
        let all = std::mem::take(&mut *self.lock());
        for sender in all.into_values() {
            sender.send(Err(problem.clone())).ok();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, oneshot::Sender<Answer>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.pending.lock().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Kind;

    #[test]
    fn answers_find_their_command_once() {
        let pending = Pending::new(0);
        let mut first = pending.register();
        let second = pending.register();
        assert_ne!(first.id, second.id);
        pending.answer(first.id, Err(Problem::new(Kind::Deadline, "a")));
        pending.answer(first.id, Err(Problem::new(Kind::Deadline, "b")));
        let Ok(Err(problem)) = first.answer.try_recv() else { panic!("not answered") };
        assert_eq!(problem.detail, "a");
        drop(second);
        assert!(pending.lock().is_empty());
    }

    #[test]
    fn losing_the_link_fails_all() {
        let pending = Pending::new(u64::MAX);
        let mut waiting = pending.register();
        pending.fail_all(&Problem::new(Kind::EnclaveLost, "gone"));
        assert!(matches!(waiting.answer.try_recv(), Ok(Err(_))));
    }
}
