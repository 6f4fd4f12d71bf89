//! Group attestation. One thread owns the log: while a quote is being made, finished evaluations
//! gather; when it returns, all that gathered are appended and quoted next. No timer, no tuning.
//! Entries are held until the parent says that they are durable, so that a parent that died can
//! fetch what it missed.

use crate::Enclave;
use crate::GROUP_ENTRIES_MAX;
use crate::boot::{Close, Progress};
use crate::serve::refuse;
use facts::Millis;
use proof::BootRecord;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::time::{Duration, Instant};
use tlog::{Checkpoint, Frontier};
use wire::{Entry, Event, Quote, RefusalCode, Report};

/// How long to wait after the device failed to quote.
const RETRY_PAUSE: Duration = Duration::from_millis(100);
/// A clock that was not set for this long is set by a quote that nobody gets: two clocks drift.
const CLOCK_AGE_MAX: Duration = Duration::from_secs(600);
/// How long the log waits for a parent that reads nothing. What it does not take is held.
const READ_WAIT: Duration = Duration::from_secs(10);
/// How often it looks meanwhile.
const READ_LOOK: Duration = Duration::from_millis(2);

/// Where a connection takes its frames, its number, and how it is closed.
#[derive(Clone)]
pub(crate) struct Sink {
    pub(crate) connection: u64,
    pub(crate) frames: SyncSender<Report>,
    pub(crate) close: Close,
}

/// What the log's thread is asked to do.
pub(crate) enum Work {
    /// Append a signed statement; `leaf` is its proof hash.
    Signed { connection: u64, leaf: [u8; 32], evaluated_at: Millis, entry: Entry },
    /// Quote the log as it stands, with a nonce.
    Attest { id: u64, nonce: Vec<u8>, sink: Sink },
    /// Send what is held from an index on, and everything later, to this connection.
    Resume { from: u64, sink: Sink },
    /// Forget what the parent has made durable.
    Ack { below: u64 },
}

/// Entries under one quote.
struct Group {
    entries: Vec<Entry>,
    quote: Quote,
}

/// The log's thread.
pub(crate) struct Attestor {
    enclave: Arc<Enclave>,
    inbox: Receiver<Work>,
    progress: Arc<Progress>,
    key_set: Vec<u8>,
    boot_id: [u8; 16],
    frontier: Frontier,
    held: VecDeque<Group>,
    sink: Option<Sink>,
    /// The latest evaluation that was appended: its quote must not be older.
    latest: Millis,
}

impl Attestor {
    /// A log whose first leaf is the boot record.
    pub(crate) fn new(
        enclave: Arc<Enclave>,
        key_set: Vec<u8>,
        record: &BootRecord,
        inbox: Receiver<Work>,
        progress: Arc<Progress>,
    ) -> Self {
        let mut frontier = Frontier::new();
        frontier.append(tlog::leaf_hash(record.hash().as_bytes()));
        progress.size.store(1, Ordering::Release);
        progress.held_from.store(1, Ordering::Release);
        let (held, sink, boot_id, latest) = (VecDeque::new(), None, record.boot_id, Millis(0));
        Self { enclave, inbox, progress, key_set, boot_id, frontier, held, sink, latest }
    }

    /// Works until nobody can ask any more.
    pub(crate) fn run(mut self) {
        loop {
            let mut group = Vec::new();
            match self.inbox.recv_timeout(CLOCK_AGE_MAX) {
                Ok(first) => self.take(first, &mut group),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if self.enclave.clock.age() >= CLOCK_AGE_MAX {
                // Its failure shows when the next group is quoted.
                let _ = self.document(&[], None);
            }
            while group.len() < GROUP_ENTRIES_MAX
                && let Ok(next) = self.inbox.try_recv()
            {
                self.take(next, &mut group);
            }
            if !group.is_empty() {
                self.seal(group);
            }
        }
    }

    fn take(&mut self, work: Work, group: &mut Vec<Entry>) {
        match work {
            Work::Signed { connection, leaf, evaluated_at, mut entry } => {
                self.latest = self.latest.max(evaluated_at);
                self.progress.held_bytes.fetch_add(bytes_of(&entry), Ordering::Relaxed);
                entry.index = self.frontier.size();
                self.frontier.append(tlog::leaf_hash(&leaf));
                // A request number means something only to the connection that gave it.
                let current = self.sink.as_ref().map(|sink| sink.connection);
                if current != Some(connection) {
                    entry.id = 0;
                }
                self.send(Report::Entry(entry.clone()));
                group.push(entry);
            }
            Work::Attest { id, nonce, sink } => self.attest(id, &nonce, &sink, group),
            Work::Resume { from, sink } => self.resume(from, sink, group),
            Work::Ack { below } => self.forget(below),
        }
    }

    /// Quotes the log with everything that gathered, and holds the group.
    fn seal(&mut self, entries: Vec<Entry>) {
        let checkpoint = self.checkpoint();
        let quote = loop {
            if let Some(quote) = self.quote(&checkpoint, None) {
                break quote;
            }
            self.send(Report::Event(Event::QuoteFailed));
            std::thread::sleep(RETRY_PAUSE);
        };
        self.progress.size.store(checkpoint.size, Ordering::Release);
        self.send(Report::Quote(quote.clone()));
        self.held.push_back(Group { entries, quote });
    }

    fn checkpoint(&self) -> Checkpoint {
        Checkpoint { boot_id: self.boot_id, size: self.frontier.size(), root: self.frontier.root() }
    }

    /// A quote that is not older than what it covers; `None` asks for another try.
    fn quote(&self, checkpoint: &Checkpoint, nonce: Option<&[u8]>) -> Option<Quote> {
        let (document, time) = self.document(&checkpoint.to_bytes(), nonce)?;
        if time < self.latest {
            // The kernel's clock ran ahead of the device's; the next document is later.
            return None;
        }
        // Signed only once it is quoted: the signatures never say more than the hardware did.
        let signed = self.enclave.booted()?.evaluator.sign_checkpoint(checkpoint);
        let log_signatures = [signed.note.0, signed.receipt.0];
        self.progress.first_quote_ms.get_or_init(|| self.enclave.platform.health().uptime_ms);
        let checkpoint = (checkpoint.boot_id, checkpoint.size, checkpoint.root);
        Some(Quote { checkpoint, document, log_signatures })
    }

    /// A document and its time, to which the clock is set.
    fn document(&self, user_data: &[u8], nonce: Option<&[u8]>) -> Option<(Vec<u8>, Millis)> {
        let document = self.enclave.platform.attest(user_data, &self.key_set, nonce).ok()?;
        let time = self.enclave.platform.time_of(&document).ok()?;
        self.enclave.clock.set(time);
        Some((document, time))
    }

    /// A quote with the caller's nonce. What gathered before it is sealed first, so that a
    /// checkpoint never covers a leaf that no entry was sent for.
    fn attest(&mut self, id: u64, nonce: &[u8], sink: &Sink, group: &mut Vec<Entry>) {
        if !group.is_empty() {
            self.seal(std::mem::take(group));
        }
        let report = match self.quote(&self.checkpoint(), Some(nonce)) {
            Some(quote) => Report::Attested { id, quote },
            None => {
                let detail = "the attestation device did not answer".into();
                refuse(id, RefusalCode::Attestation, detail)
            }
        };
        // A connection that has gone, or does not read, gets no answer: the log waits for nobody.
        let _ = sink.frames.try_send(report);
    }

    fn resume(&mut self, from: u64, sink: Sink, group: &mut Vec<Entry>) {
        if !group.is_empty() {
            self.seal(std::mem::take(group));
        }
        let held_from = self.progress.held_from.load(Ordering::Acquire);
        self.sink = Some(sink);
        if from < held_from {
            let detail = format!("entries below {held_from} were acknowledged and are gone");
            self.send(refuse(0, RefusalCode::Protocol, detail));
        }
        let held = std::mem::take(&mut self.held);
        for group in &held {
            let missed = group.entries.iter().filter(|entry| entry.index >= from);
            for entry in missed {
                self.send(Report::Entry(Entry { id: 0, ..entry.clone() }));
            }
            if group.quote.checkpoint.1 > from {
                self.send(Report::Quote(group.quote.clone()));
            }
        }
        self.held = held;
    }

    fn forget(&mut self, below: u64) {
        while let Some(group) = self.held.front() {
            if group.quote.checkpoint.1 > below {
                break;
            }
            let bytes = group.entries.iter().map(bytes_of).sum();
            self.progress.held.fetch_sub(group.entries.len(), Ordering::Relaxed);
            self.progress.held_bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.progress.held_from.store(group.quote.checkpoint.1, Ordering::Release);
            self.held.pop_front();
        }
    }

    /// Sends to the connection that entries go to, and gives it up when it is gone or reads
    /// nothing: another may wait for an answer of the log.
    fn send(&mut self, mut report: Report) {
        let begun = Instant::now();
        while let Some(sink) = &self.sink {
            report = match sink.frames.try_send(report) {
                Ok(()) => return,
                Err(TrySendError::Full(report)) if begun.elapsed() < READ_WAIT => report,
                Err(_) => {
                    (sink.close)();
                    return self.sink = None;
                }
            };
            std::thread::sleep(READ_LOOK);
        }
    }
}

/// What an entry holds in memory, near enough.
fn bytes_of(entry: &Entry) -> usize {
    let sealed = entry.sealed.len();
    entry.envelope.len() + sealed + entry.results.iter().map(Vec::len).sum::<usize>()
}
