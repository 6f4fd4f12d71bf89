//! The journal: one thread that takes the enclave's entries and quotes in order, checks that the
//! quoted root is the root of what came, writes all that is ready in one transaction, and only
//! then answers. It must never answer for an entry that is not on the disk, and never take a
//! group whose root disagrees.

use crate::error::Error;
use crate::health::Component;
use crate::host::Host;
use crate::landed::{Landed, form_of};
use crate::limits::{GROUP_BYTES_MAX, STORE_RETRY, UNQUOTED_ENTRIES_MAX};
use crate::pending::Reply;
use crate::problem::{Kind, Problem};
use crate::reference::ClientRef;
use crate::store::{Duplicate, Location, NewEntry, NewGroup, write_entry};
use attest::UnverifiedDocument;
use attest::tpm::TpmEvidence;
use crypto::VerifyingKey;
use proof::{BootRecord, Proof, signer_of_key_set};
use std::collections::VecDeque;
use std::sync::Arc;
use tlog::{Checkpoint, leaf_hash};
use tokio::sync::{Notify, mpsc, oneshot};
use wire::{Command, Entry, Quote};

/// What the journal is told, in the order in which the link saw it.
#[derive(Debug)]
pub enum Intake {
    /// A connection begins.
    Begin(Begin),
    /// An entry came.
    Entry(Entry),
    /// A quote came.
    Quote(Quote),
    /// Somebody waits until all before this is durable.
    Settle(oneshot::Sender<()>),
}

/// A connection begins.
#[derive(Debug)]
pub struct Begin {
    /// Boot record of the enclave.
    pub record: Vec<u8>,
    /// The key that the enclave attested, where a policy asked it to: everything is its word.
    pub attested: Option<VerifyingKey>,
    /// Leaves in its log; the gate opens when all of them are durable.
    pub log_size: u64,
    /// Frames to the enclave.
    pub frames: mpsc::Sender<Vec<u8>>,
    /// Told when the connection must be closed.
    pub close: Arc<Notify>,
    /// First index that is not durable.
    pub reply: oneshot::Sender<u64>,
}

struct Session {
    boot: u32,
    boot_id: [u8; 16],
    attested: Option<VerifyingKey>,
    durable: u64,
    gate_opens_at: Option<u64>,
    frames: mpsc::Sender<Vec<u8>>,
    close: Arc<Notify>,
}

struct Item {
    /// Number of the command that waits, 0 for none.
    id: u64,
    entry: NewEntry,
    landed: Box<Landed>,
}

struct Ready {
    boot: u32,
    quote: Quote,
    items: Vec<Item>,
}

/// The journal's state.
pub struct Journal {
    host: Arc<Host>,
    session: Option<Session>,
    /// Entries that no quote covers yet, from the end of the quoted log on.
    unquoted: VecDeque<Item>,
    /// Groups of one boot whose roots agree, not yet durable.
    ready: Vec<Ready>,
    ready_bytes: usize,
}

impl Journal {
    /// A journal that waits for its first connection.
    pub fn new(host: Arc<Host>) -> Self {
        let (unquoted, ready) = (VecDeque::new(), Vec::new());
        Self { host, session: None, unquoted, ready, ready_bytes: 0 }
    }

    /// Works until the link and all its senders are gone.
    pub fn run(mut self, mut intake: mpsc::Receiver<Intake>) {
        while let Some(first) = intake.blocking_recv() {
            self.take(first);
            // Whatever arrived during the last transaction goes into the next one.
            while self.ready_bytes < GROUP_BYTES_MAX {
                match intake.try_recv() {
                    Ok(next) => self.take(next),
                    Err(_) => break,
                }
            }
            self.flush();
        }
    }

    fn take(&mut self, intake: Intake) {
        let result = match intake {
            Intake::Begin(begin) => self.begin(begin),
            Intake::Entry(entry) => self.entry(entry),
            Intake::Quote(quote) => self.quote(quote),
            Intake::Settle(reply) => {
                self.flush();
                // Who waited may have given up.
                reply.send(()).ok();
                Ok(())
            }
        };
        if let Err(fault) = result {
            tracing::error!(%fault, "the enclave's log is refused; the link is closed");
            self.host.health.set_enclave(Component::down(fault.to_string()));
            self.unquoted.clear();
            if let Some(session) = self.session.take() {
                session.close.notify_one();
            }
        }
    }

    fn begin(&mut self, begin: Begin) -> Result<(), Error> {
        // What an earlier connection quoted is written before anything of this one is looked at;
        // what it did not quote comes again.
        self.flush();
        self.unquoted.clear();
        self.session = None;
        let Begin { record: bytes, attested, log_size, frames, close, reply } = begin;
        let record = BootRecord::parse(&bytes);
        let record = record.map_err(|e| Error::Enclave(format!("boot record: {e}")))?;
        let boot = match self.host.ledger.find(&record.boot_id) {
            Some(boot) => boot,
            None => {
                let Some(boot) = self.until_stored(|host| host.store.add_boot(&bytes)) else {
                    return Ok(());
                };
                self.host.ledger.push(&record);
                boot
            }
        };
        let durable = self.host.ledger.size(boot);
        if log_size < durable {
            close.notify_one();
            let problem = format!("its log has {log_size} leaves, {durable} were seen before");
            return Err(Error::Enclave(problem));
        }
        let boot_id = record.boot_id;
        let gate_opens_at = Some(log_size);
        self.session =
            Some(Session { boot, boot_id, attested, durable, gate_opens_at, frames, close });
        // A connection that is gone by now has no use for the answer.
        reply.send(durable).ok();
        self.open_gate();
        Ok(())
    }

    fn entry(&mut self, entry: Entry) -> Result<(), Error> {
        let Some(session) = &self.session else { return Ok(()) };
        let wrong = |problem: String| Error::Enclave(format!("entry {}: {problem}", entry.index));
        let signed = Proof::parse(&entry.envelope).map_err(|e| wrong(e.to_string()))?.signed;
        if signed.statement().boot_id != session.boot_id {
            return Err(wrong("its statement names another boot".into()));
        }
        if let Some(key) = &session.attested
            && key.verify_strict(&signed.sig_structure(), signed.signature()).is_err()
        {
            return Err(wrong("it is not signed by the key that was attested".into()));
        }
        let hash = signed.proof_hash();
        let leaf = leaf_hash(hash.as_bytes());
        let at = Location { boot: session.boot, index: entry.index };
        let quoted = self.host.ledger.size(session.boot);
        let next = quoted + self.unquoted.len() as u64;
        if entry.index < next {
            let known = match entry.index.checked_sub(quoted) {
                Some(place) => self.unquoted.get(place as usize).map(|item| item.entry.leaf),
                None => self.host.ledger.leaf(at),
            };
            let same = known == Some(leaf);
            return same
                .then_some(())
                .ok_or_else(|| wrong("it came before with other content".into()));
        }
        if entry.index > next {
            return Err(wrong(format!("expected index {next}")));
        }
        if self.unquoted.len() == UNQUOTED_ENTRIES_MAX {
            return Err(wrong("too many entries without a quote".into()));
        }
        let new = NewEntry {
            index: entry.index,
            leaf,
            proof_id: signed.statement().proof_id,
            reference: ClientRef::parse(&entry.client_ref),
            record: write_entry(&entry),
        };
        let Entry { salt, results, sealed, id, .. } = entry;
        let landed = Landed { at, signed, hash, salt, results, sealed, checkpoint_size: 0 };
        self.unquoted.push_back(Item { id, entry: new, landed: Box::new(landed) });
        Ok(())
    }

    fn quote(&mut self, quote: Quote) -> Result<(), Error> {
        let Some(session) = &self.session else { return Ok(()) };
        let (boot_id, size, root) = quote.checkpoint;
        let wrong = |problem: &str| Error::Enclave(format!("quote over {size}: {problem}"));
        if boot_id != session.boot_id {
            return Err(wrong("it names another boot"));
        }
        if let Some(key) = &session.attested
            && let Some(problem) = misquoted(&quote, key)
        {
            return Err(wrong(problem));
        }
        let quoted = self.host.ledger.size(session.boot);
        let fresh = size.saturating_sub(quoted);
        if fresh > self.unquoted.len() as u64 {
            return Err(wrong("it covers entries that did not come"));
        }
        let fresh = fresh as usize;
        if fresh == 0 {
            if self.host.ledger.root_at(session.boot, size) != Some(root) {
                return Err(wrong("its root differs from the log's"));
            }
            // Smaller ones, sent again, say nothing that is not in the store.
            if size == quoted {
                self.ready.push(Ready { boot: session.boot, quote, items: Vec::new() });
            }
            return Ok(());
        }
        let leaves = self.unquoted.iter().take(fresh).map(|item| item.entry.leaf);
        if !self.host.ledger.extend(session.boot, leaves, &root) {
            return Err(wrong("its root differs from the log's"));
        }
        let mut items: Vec<_> = self.unquoted.drain(..fresh).collect();
        for item in &mut items {
            item.landed.checkpoint_size = size;
            self.ready_bytes += item.entry.record.len();
        }
        self.ready.push(Ready { boot: session.boot, quote, items });
        Ok(())
    }

    /// Writes what is ready, however long it takes, then answers and tells the enclave.
    fn flush(&mut self) {
        let ready = std::mem::take(&mut self.ready);
        self.ready_bytes = 0;
        let Some(last) = ready.last() else { return };
        let (boot, below) = (last.boot, last.quote.checkpoint.1);
        let groups: Vec<_> = ready
            .iter()
            .map(|group| NewGroup {
                quote: &group.quote,
                entries: group.items.iter().map(|item| &item.entry).collect(),
            })
            .collect();
        let Some(duplicates) = self.until_stored(|host| host.store.commit(boot, &groups)) else {
            return;
        };
        drop(groups);
        for item in ready.into_iter().flat_map(|group| group.items) {
            self.answer(item, &duplicates);
        }
        let session = self.session.as_mut().filter(|session| session.boot == boot);
        let Some(session) = session else { return };
        session.durable = session.durable.max(below);
        // A full queue means that the next acknowledgement, which includes this one, is near.
        session.frames.try_send(Command::Ack { below: session.durable }.to_bytes()).ok();
        self.open_gate();
    }

    fn answer(&self, item: Item, duplicates: &[Duplicate]) {
        if item.id == 0 {
            return;
        }
        let earlier = duplicates.iter().find(|duplicate| duplicate.index == item.entry.index);
        let reply = match earlier {
            Some(duplicate) => Reply::Earlier(duplicate.first),
            None => Reply::Landed(item.landed),
        };
        self.host.pending.answer(item.id, Ok(reply));
    }

    fn open_gate(&mut self) {
        let Some(session) = &mut self.session else { return };
        // A link that broke meanwhile opens nothing, and says nothing of the next.
        if session.frames.is_closed() {
            return;
        }
        if session.gate_opens_at.is_some_and(|size| session.durable >= size) {
            session.gate_opens_at = None;
            self.host.health.set_enclave(Component::up("connected"));
            self.host.open_gate(session.frames.clone());
        }
    }

    /// Runs `write` until it succeeds; `None` when the server stops before that. Nothing is lost:
    /// the enclave keeps what was not acknowledged.
    fn until_stored<T>(&self, write: impl Fn(&Host) -> Result<T, Error>) -> Option<T> {
        let health = &self.host.health;
        let mut failed = false;
        loop {
            match write(&self.host) {
                Ok(value) => {
                    if failed {
                        tracing::info!("store works again");
                        health.set_store(Component::up("open"));
                    }
                    return Some(value);
                }
                Err(error) => {
                    if !failed {
                        tracing::error!(%error, "store failed; trying again");
                    }
                    failed = true;
                    health.set_store(Component::down(error.to_string()));
                }
            }
            // Nobody in flight can be answered in time to be sure of it.
            let detail = "the proof could not be made durable";
            self.host.pending.fail_all(&Problem::new(Kind::Storage, detail));
            if self.host.is_stopping() {
                return None;
            }
            std::thread::sleep(STORE_RETRY);
            if let Err(error) = self.host.store.reopen() {
                health.set_store(Component::down(error.to_string()));
            }
        }
    }
}

/// What is wrong with a quote of an enclave that attested `key`: its evidence has to speak of that
/// key and of this checkpoint. Who signed the evidence is the verifiers' affair.
fn misquoted(quote: &Quote, key: &VerifyingKey) -> Option<&'static str> {
    let said = match form_of(&quote.document) {
        policy::Kind::Tpm => TpmEvidence::parse(&quote.document)
            .map(|evidence| (evidence.user_data.to_vec(), evidence.key_set.to_vec())),
        _ => UnverifiedDocument::parse(&quote.document).map(|document| {
            let part = |part: Option<&[u8]>| part.unwrap_or_default().to_vec();
            (part(document.user_data()), part(document.public_key()))
        }),
    };
    let Ok((user_data, keys)) = said else { return Some("its evidence cannot be read") };
    let (boot_id, size, root) = quote.checkpoint;
    if Checkpoint::parse(&user_data) != Ok(Checkpoint { boot_id, size, root }) {
        return Some("its evidence speaks of another checkpoint");
    }
    match signer_of_key_set(&keys) {
        Ok(signer) if signer == key.to_bytes() => None,
        _ => Some("its evidence speaks of another key"),
    }
}

#[cfg(test)]
pub(crate) mod tests;
