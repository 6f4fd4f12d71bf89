//! The host's heart: admits a request, hands it to the enclave, waits until its proof is durable.
//! It must never answer from anything that is not durable, never send a request twice, and never
//! decide anything itself.

use crate::error::Error;
use crate::health::Health;
use crate::landed::Landed;
use crate::ledger::Ledger;
use crate::pending::{Pending, Reply};
use crate::problem::{Kind, Problem};
use crate::reference::ClientRef;
use crate::rulebook::Rulebook;
use crate::shelf::Shelf;
use crate::store::{Location, RefRecord, Store};
use proof::Proof;
use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit, mpsc};
use wire::Command;

/// Everything that requests, link and journal share.
#[derive(Debug)]
pub struct Host {
    /// The store.
    pub store: Arc<Store>,
    /// The logs.
    pub ledger: Ledger,
    /// Who waits for what.
    pub pending: Pending,
    /// How things stand.
    pub health: Health,
    /// The rules, for reasons and citations.
    pub shelf: Shelf,
    /// Where bundles that were in force are kept.
    pub bundles: PathBuf,
    /// Requests in flight.
    pub in_flight: Semaphore,
    /// How many there may be.
    pub in_flight_max: usize,
    /// Set when the server is asked to stop.
    pub stopping: AtomicBool,
    deadline: Duration,
    gate: RwLock<Option<mpsc::Sender<Vec<u8>>>>,
    keys: Mutex<HashMap<[u8; 32], [u8; 32]>>,
}

/// The answer to a sealed request; what it says is for the caller alone.
#[derive(Debug)]
pub enum SealedAnswer {
    /// There is a proof.
    Decided {
        /// The durable proof and the sealed reply.
        landed: Box<Landed>,
        /// Whether the answer is that of an earlier request.
        replayed: bool,
    },
    /// The enclave opened the request and refused it: the sealed reply.
    Refused(Vec<u8>),
}

/// An idempotency key that is being worked on; dropping it frees the key.
#[derive(Debug)]
struct KeyInFlight<'a> {
    host: &'a Host,
    key: [u8; 32],
}

impl Host {
    /// A host without link yet. `seed` is random.
    pub fn new(
        data: &Path,
        store: Store,
        rulebook: Rulebook,
        in_flight_max: usize,
        deadline: Duration,
        seed: u64,
    ) -> Result<Self, Error> {
        let ledger = Ledger::rebuild(&store)?;
        let bundles = data.join(crate::kept::FOLDER);
        Ok(Self {
            store: Arc::new(store),
            ledger,
            pending: Pending::new(seed),
            health: Health::default(),
            shelf: Shelf::new(rulebook).with_kept(&bundles),
            bundles,
            in_flight: Semaphore::new(in_flight_max),
            in_flight_max,
            stopping: AtomicBool::new(false),
            deadline,
            gate: RwLock::new(None),
            keys: Mutex::default(),
        })
    }

    /// A place among the requests in flight, or a refusal.
    pub fn admit(&self) -> Result<SemaphorePermit<'_>, Problem> {
        self.in_flight.try_acquire().map_err(|_| overloaded())
    }

    /// A place among the requests in flight, as soon as there is one.
    pub async fn admit_later(&self) -> Result<SemaphorePermit<'_>, Problem> {
        self.in_flight.acquire().await.map_err(|_| overloaded())
    }

    /// Opens the gate to the enclave: frames sent here reach it.
    pub fn open_gate(&self, frames: mpsc::Sender<Vec<u8>>) {
        *self.gate.write().unwrap_or_else(PoisonError::into_inner) = Some(frames);
    }

    /// Closes the gate and fails what is in flight.
    pub fn close_gate(&self) {
        *self.gate.write().unwrap_or_else(PoisonError::into_inner) = None;
        self.pending.fail_all(&lost());
    }

    /// Whether the server is stopping.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Evaluates a body without an idempotency key.
    pub async fn evaluate(&self, body: &[u8]) -> Result<Landed, Problem> {
        match self.send_body(Vec::new(), body).await? {
            Reply::Landed(landed) => Ok(*landed),
            _ => Err(mismatched()),
        }
    }

    /// Evaluates a body at most once for its key. The flag says that the answer is an old one.
    pub async fn evaluate_once(
        &self,
        reference: ClientRef,
        body: &[u8],
    ) -> Result<(Landed, bool), Problem> {
        let _key = self.enter_key(reference)?;
        if let Some(found) = self.read(move |host| host.find_ref(&reference.key)).await? {
            return Ok((self.replay(found, reference).await?, true));
        }
        match self.send_body(reference.to_bytes(), body).await? {
            Reply::Landed(landed) => Ok((*landed, false)),
            Reply::Earlier(found) => Ok((self.replay(found, reference).await?, true)),
            Reply::Attested(_) | Reply::SealedRefusal(_) => Err(mismatched()),
        }
    }

    /// Evaluates a sealed request. With a reference the same message gets the same decision again,
    /// or waits for it; refusals are not stored. Without one the enclave refuses what came before.
    pub async fn evaluate_sealed(
        &self,
        reference: Option<ClientRef>,
        message: &[u8],
    ) -> Result<SealedAnswer, Problem> {
        let _key = reference.map(|reference| self.enter_key(reference)).transpose()?;
        if let Some(reference) = reference
            && let Some(found) = self.read(move |host| host.find_ref(&reference.key)).await?
        {
            return self.replay_sealed(found, reference).await;
        }
        let client_ref = reference.map(ClientRef::to_bytes).unwrap_or_default();
        let sealed = message.to_vec();
        let command = |id| Command::EvaluateSealed { id, client_ref, sealed };
        let reply = match (self.ask(command).await, reference) {
            // The first copy is under way, or has landed since the look above.
            (Err(problem), Some(asked)) if problem.kind == Kind::SealedReplayed => {
                let found = self.read(move |store| store.find_ref(&asked.key)).await?;
                Reply::Earlier(found.ok_or_else(under_way)?)
            }
            (reply, _) => reply?,
        };
        match (reply, reference) {
            (Reply::Landed(landed), _) if !landed.sealed.is_empty() => {
                Ok(SealedAnswer::Decided { landed, replayed: false })
            }
            (Reply::SealedRefusal(sealed), _) => Ok(SealedAnswer::Refused(sealed)),
            (Reply::Earlier(found), Some(asked)) => self.replay_sealed(found, asked).await,
            _ => Err(mismatched()),
        }
    }

    async fn replay_sealed(
        &self,
        found: RefRecord,
        asked: ClientRef,
    ) -> Result<SealedAnswer, Problem> {
        let landed = Box::new(self.replay(found, asked).await?);
        if landed.sealed.is_empty() {
            return Err(reuse());
        }
        Ok(SealedAnswer::Decided { landed, replayed: true })
    }

    /// A quote over the log with the caller's nonce.
    pub async fn attest(&self, nonce: Vec<u8>) -> Result<wire::Quote, Problem> {
        match self.ask(|id| Command::Attest { id, nonce }).await? {
            Reply::Attested(quote) => Ok(quote),
            _ => Err(mismatched()),
        }
    }

    /// The complete proof with an id.
    pub async fn proof(&self, id: [u8; 16]) -> Result<Option<Proof>, Problem> {
        let Some(at) = self.read(move |store| store.find_proof(&id)).await? else {
            return Ok(None);
        };
        let landed = self.load(at).await?;
        self.complete(&landed).await.map(Some)
    }

    /// The complete proof of a durable entry.
    pub async fn complete(&self, landed: &Landed) -> Result<Proof, Problem> {
        let at = landed.at;
        let quote = self.read(move |store| store.quote_covering(at)).await?;
        let quote = quote.ok_or_else(|| damaged("an entry has no quote"))?;
        let path = self.ledger.inclusion(at, quote.size);
        let path = path.ok_or_else(|| damaged("an entry is not in its log"))?;
        Ok(landed.complete(quote, path))
    }

    /// Reads from the store, off the threads that serve requests.
    pub async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Store) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Problem> {
        let store = Arc::clone(&self.store);
        let result = tokio::task::spawn_blocking(move || read(&store)).await;
        match result {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => {
                tracing::error!(%error, "store could not be read");
                Err(Problem::new(Kind::Storage, "the store cannot be read"))
            }
            Err(_) => Err(Problem::new(Kind::Internal, "the store's reader ended")),
        }
    }

    async fn send_body(&self, client_ref: Vec<u8>, body: &[u8]) -> Result<Reply, Problem> {
        self.ask(|id| Command::Evaluate { id, client_ref, body: body.to_vec() }).await
    }

    async fn ask(&self, command: impl FnOnce(u64) -> Command) -> Result<Reply, Problem> {
        let frames = self.frames()?;
        let mut waiting = self.pending.register();
        let frame = command(waiting.id).to_bytes();
        frames.try_send(frame).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => overloaded(),
            mpsc::error::TrySendError::Closed(_) => lost(),
        })?;
        match tokio::time::timeout(self.deadline, &mut waiting.answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(lost()),
            Err(_) => {
                let detail = "no durable proof within the deadline; it may still be made";
                let remedy = "send an Idempotency-Key, so that asking again is safe";
                Err(Problem::new(Kind::Deadline, detail).remedy(remedy))
            }
        }
    }

    fn frames(&self) -> Result<mpsc::Sender<Vec<u8>>, Problem> {
        if !self.health.store_ok() {
            return Err(Problem::new(Kind::Storage, "proofs cannot be made durable at the moment"));
        }
        let gate = self.gate.read().unwrap_or_else(PoisonError::into_inner).clone();
        gate.ok_or_else(|| match self.health.standing().refused_by {
            Some(check) => {
                let detail =
                    format!("the enclave's evidence is refused by {check}: nothing is sent");
                let problem = Problem::new(Kind::NotAccepted, detail);
                problem.remedy("the operator finds what was expected at /health/ready")
            }
            None => {
                let problem = Problem::new(Kind::NotReady, "the enclave is not ready");
                problem.remedy("see /health/ready, and ask again")
            }
        })
    }

    async fn replay(&self, found: RefRecord, asked: ClientRef) -> Result<Landed, Problem> {
        if found.body != asked.body {
            return Err(reuse());
        }
        self.load(found.location).await
    }

    async fn load(&self, at: Location) -> Result<Landed, Problem> {
        let landed = self.read(move |store| {
            let (entry, quote) = (store.entry(at)?, store.quote_covering(at)?);
            let (Some(entry), Some(quote)) = (entry, quote) else { return Ok(None) };
            Landed::from_stored(at, entry, &quote).map(Some)
        });
        landed.await?.ok_or_else(|| damaged("an entry is missing"))
    }

    fn enter_key(&self, reference: ClientRef) -> Result<KeyInFlight<'_>, Problem> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        match keys.entry(reference.key) {
            Slot::Occupied(other) if *other.get() != reference.body => Err(reuse()),
            Slot::Occupied(_) => {
                let detail = "a request with this Idempotency-Key is in flight";
                Err(Problem::new(Kind::IdempotencyInFlight, detail).field("Idempotency-Key"))
            }
            Slot::Vacant(slot) => {
                slot.insert(reference.body);
                Ok(KeyInFlight { host: self, key: reference.key })
            }
        }
    }
}

impl Drop for KeyInFlight<'_> {
    fn drop(&mut self) {
        self.host.keys.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

fn reuse() -> Problem {
    let detail = "this Idempotency-Key came with another body before";
    let problem = Problem::new(Kind::IdempotencyReuse, detail).field("Idempotency-Key");
    problem.remedy("use a new key for a new request")
}

fn under_way() -> Problem {
    let detail = "this sealed request came before, and no proof of it is durable yet";
    let problem = Problem::new(Kind::IdempotencyInFlight, detail).field("Idempotency-Key");
    problem.remedy("ask again with the same key and bytes, until it is decided or has expired")
}

fn overloaded() -> Problem {
    Problem::new(Kind::Overloaded, "too many requests are in flight").remedy("ask again later")
}

fn lost() -> Problem {
    let detail = "the link to the enclave broke before the proof was durable";
    let remedy = "send an Idempotency-Key, so that asking again is safe";
    Problem::new(Kind::EnclaveLost, detail).remedy(remedy)
}

fn mismatched() -> Problem {
    Problem::new(Kind::Enclave, "the enclave answered another command")
}

fn damaged(detail: &'static str) -> Problem {
    tracing::error!(detail, "store is damaged");
    Problem::new(Kind::Internal, detail)
}
