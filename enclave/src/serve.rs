//! The link: frames in, a fixed pool of workers, frames out. A connection that sends what cannot
//! be parsed is closed; the log and everything held stay.

use crate::attestor::{Sink, Work};
use crate::boot::Close;
use crate::sealed::NotDecided;
use crate::{
    CONNECTIONS_MAX, Enclave, EnclaveError, FRAMES_MAX, JOB_BYTES_MAX, JOBS_MAX, WORKERS_MAX,
};
use std::io::{BufReader, BufWriter, Read, Write};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use wire::{Command, Entry, Event, PROTOCOL_VERSION, Refusal, RefusalCode, Report};

/// How long a connection that ends has for its last frames.
const DRAIN: Duration = Duration::from_millis(50);
/// Buffers of the link, in bytes.
const LINK_BUFFER_BYTES: usize = 256 * 1024;

/// One evaluation that waits for a worker. Its bytes are counted while it waits.
struct Job {
    id: u64,
    client_ref: Vec<u8>,
    body: Vec<u8>,
    /// Whether the body is a sealed request.
    sealed: bool,
}

/// Serves a connection on a thread of its own, or closes it by dropping it when
/// [`CONNECTIONS_MAX`] are served: every thread takes from the memory of the process.
pub fn spawn_connection<R, W>(
    enclave: &Arc<Enclave>,
    reader: R,
    writer: W,
    close: impl Fn() + Send + Sync + 'static,
    workers: usize,
) where
    R: Read + Send + 'static,
    W: Write + Send + 'static,
{
    let enclave = enclave.clone();
    if enclave.served.fetch_add(1, Ordering::Relaxed) >= CONNECTIONS_MAX {
        enclave.served.fetch_sub(1, Ordering::Relaxed);
        return;
    }
    std::thread::spawn(move || {
        serve_connection(&enclave, reader, writer, close, workers.min(WORKERS_MAX));
        enclave.served.fetch_sub(1, Ordering::Relaxed);
    });
}

/// Serves one connection until its reader ends. `workers` threads evaluate. `close` shuts the
/// stream down both ways: it is called at the end, and when a newer connection takes over, so that
/// the log's thread never waits for a parent that no longer reads.
pub fn serve_connection<R, W>(
    enclave: &Arc<Enclave>,
    reader: R,
    writer: W,
    close: impl Fn() + Send + Sync + 'static,
    workers: usize,
) where
    R: Read,
    W: Write + Send + 'static,
{
    let close: Close = Arc::new(close);
    let (frames, outbox) = sync_channel(FRAMES_MAX);
    let writer = std::thread::spawn(move || write_frames(writer, &outbox));
    let sink = Sink { connection: enclave.next_connection(), frames, close: close.clone() };
    let (jobs, queue) = sync_channel(JOBS_MAX);
    let queue = Arc::new(Mutex::new(queue));
    let pool: Vec<_> = (0..workers.max(1))
        .map(|_| {
            let (enclave, queue, sink) = (enclave.clone(), queue.clone(), sink.clone());
            std::thread::spawn(move || work(&enclave, &queue, &sink))
        })
        .collect();
    let mut reader = BufReader::with_capacity(LINK_BUFFER_BYTES, reader);
    while let Some(body) = read_frame(&mut reader) {
        let Ok(command) =
            body.as_deref().map_err(|_| ()).and_then(|body| Command::parse(body).map_err(|_| ()))
        else {
            let _ = sink.frames.send(Report::Event(Event::BadFrame));
            break;
        };
        if matches!(command, Command::Resume { .. }) {
            take_over(enclave, &close);
        }
        if !obey(enclave, command, &jobs, &sink) {
            break;
        }
    }
    drop(jobs);
    for worker in pool {
        let _ = worker.join();
    }
    // The log may still hold a sink of this connection. The writer sends what it has, then finds
    // the stream closed; what it could not send is held.
    drop(sink);
    drop(writer);
    std::thread::sleep(DRAIN);
    close();
}

/// Makes this the connection that entries go to, and closes the one before.
fn take_over(enclave: &Enclave, close: &Close) {
    let mut current = enclave.current.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    match current.replace(close.clone()) {
        Some(previous) if !Arc::ptr_eq(&previous, close) => previous(),
        _ => {}
    }
}

/// The next frame's body; `None` at the end of the stream, `Some(Err)` for a hostile length.
fn read_frame(reader: &mut impl Read) -> Option<Result<Vec<u8>, wire::WireError>> {
    let mut head = [0; wire::LENGTH_BYTES];
    reader.read_exact(&mut head).ok()?;
    let length = match wire::body_length(head) {
        Ok(length) => length,
        Err(refused) => return Some(Err(refused)),
    };
    // Grows with what arrives, not with what was declared.
    let mut body = Vec::with_capacity(length.min(LINK_BUFFER_BYTES));
    reader.take(length as u64).read_to_end(&mut body).ok()?;
    (body.len() == length).then_some(Ok(body))
}

/// Carries out one command; `false` ends the connection.
fn obey(enclave: &Arc<Enclave>, command: Command, jobs: &SyncSender<Job>, sink: &Sink) -> bool {
    let answer = match command {
        Command::Hello { version: PROTOCOL_VERSION } => status(enclave, 0),
        Command::Hello { version } => {
            let detail = format!("protocol {PROTOCOL_VERSION} is spoken here, not {version}");
            refuse(0, RefusalCode::Protocol, detail)
        }
        Command::Boot { id, config, previous } => {
            let previous =
                previous.map(|(boot_id, size, root)| tlog::Checkpoint { boot_id, size, root });
            match enclave.boot(&config, previous) {
                Ok(()) => status(enclave, id),
                Err(error) => refused(id, RefusalCode::BootRefused, &error),
            }
        }
        Command::LoadRules { id, bundle, freshness } => {
            match enclave.load_rules(&bundle, &freshness) {
                Ok(rulebook) => Report::RulesLoaded { id, rulebook },
                Err(error) => refused(id, RefusalCode::RulesRefused, &error),
            }
        }
        Command::Evaluate { id, client_ref, body } => {
            return queue(enclave, Job { id, client_ref, body, sealed: false }, jobs, sink);
        }
        Command::EvaluateSealed { id, client_ref, sealed: body } => {
            return queue(enclave, Job { id, client_ref, body, sealed: true }, jobs, sink);
        }
        Command::Attest { id, nonce } => {
            return hand_over(enclave, sink, id, Work::Attest { id, nonce, sink: sink.clone() });
        }
        Command::Ack { below } => return hand_over(enclave, sink, 0, Work::Ack { below }),
        Command::Resume { from } => {
            return hand_over(enclave, sink, 0, Work::Resume { from, sink: sink.clone() });
        }
        Command::Health { id } => Report::Health { id, health: enclave.health() },
    };
    sink.frames.send(answer).is_ok()
}

/// Lets a job wait for a worker, or refuses it.
fn queue(enclave: &Enclave, job: Job, jobs: &SyncSender<Job>, sink: &Sink) -> bool {
    if !enter(enclave, job.body.len()) {
        let detail = format!("{JOB_BYTES_MAX} bytes of requests wait already");
        return sink.frames.send(refuse(job.id, RefusalCode::Busy, detail)).is_ok();
    }
    match jobs.try_send(job) {
        Ok(()) => true,
        Err(TrySendError::Full(job)) => {
            leave(enclave, job.body.len());
            let detail = format!("{JOBS_MAX} evaluations wait already");
            sink.frames.send(refuse(job.id, RefusalCode::Busy, detail)).is_ok()
        }
        Err(TrySendError::Disconnected(job)) => {
            leave(enclave, job.body.len());
            false
        }
    }
}

/// Gives work to the log's thread.
fn hand_over(enclave: &Enclave, sink: &Sink, id: u64, work: Work) -> bool {
    match enclave.booted() {
        Some(boot) => boot.work.send(work).is_ok(),
        None => {
            let error = EnclaveError::NotBooted;
            sink.frames.send(refused(id, RefusalCode::NotReady, &error)).is_ok()
        }
    }
}

fn status(enclave: &Enclave, id: u64) -> Report {
    Report::Status { id, version: PROTOCOL_VERSION, boot: enclave.boot_info() }
}

fn refused(id: u64, code: RefusalCode, error: &EnclaveError) -> Report {
    refuse(id, code, error.to_string())
}

/// A refusal of a whole command.
pub(crate) fn refuse(id: u64, code: RefusalCode, detail: String) -> Report {
    Report::Refused(Refusal { id, code, field: String::new(), detail })
}

/// One worker: evaluates until the queue closes.
fn work(enclave: &Enclave, queue: &Mutex<Receiver<Job>>, sink: &Sink) {
    loop {
        let next = queue.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).recv();
        let Ok(job) = next else { return };
        leave(enclave, job.body.len());
        match evaluate(enclave, sink.connection, job) {
            Ok(work) => {
                let Some(boot) = enclave.booted() else { return };
                if boot.work.send(work).is_err() {
                    return;
                }
            }
            Err(report) => {
                // Nothing was signed; a parent that has gone needs no answer.
                let _ = sink.frames.send(*report);
            }
        }
    }
}

/// What the log's thread is asked to append, or why there is nothing.
fn evaluate(enclave: &Enclave, connection: u64, job: Job) -> Result<Work, Box<Report>> {
    let Job { id, client_ref, body, sealed } = job;
    let refused = |refusal| Box::new(Report::Refused(Refusal { id, ..refusal }));
    let (signed, salt, results, sealed) = if sealed {
        let decided = enclave.evaluate_sealed(&body).map_err(|not_decided| match not_decided {
            NotDecided::Clear(refusal) => refused(refusal),
            NotDecided::Sealed(sealed) => Box::new(Report::SealedRefusal { id, sealed }),
        })?;
        (decided.signed, [0; 32], Vec::new(), decided.reply)
    } else {
        let decided = enclave.evaluate(&body).map_err(refused)?;
        (decided.signed, decided.salt.0, decided.results, Vec::new())
    };
    let (leaf, evaluated_at) = (signed.proof_hash().0, signed.statement().evaluated_at);
    let envelope = signed.to_bytes();
    let entry = Entry { id, index: 0, client_ref, envelope, salt, results, sealed };
    Ok(Work::Signed { connection, leaf, evaluated_at, entry })
}

/// Counts the bytes of a job in, unless too many wait.
fn enter(enclave: &Enclave, bytes: usize) -> bool {
    let before = enclave.job_bytes.fetch_add(bytes, Ordering::Relaxed);
    let fits = before.saturating_add(bytes) <= JOB_BYTES_MAX;
    if !fits {
        leave(enclave, bytes);
    }
    fits
}

/// Counts the bytes of a job out.
fn leave(enclave: &Enclave, bytes: usize) {
    enclave.job_bytes.fetch_sub(bytes, Ordering::Relaxed);
}

/// Writes frames, flushing when none waits.
fn write_frames(stream: impl Write, outbox: &Receiver<Report>) {
    let mut writer = BufWriter::with_capacity(LINK_BUFFER_BYTES, stream);
    while let Ok(report) = outbox.recv() {
        let mut next = Some(report);
        while let Some(report) = next {
            let frame = wire::frame(&report.to_bytes()).map_err(std::io::Error::other);
            if frame.and_then(|frame| writer.write_all(&frame)).is_err() {
                return;
            }
            next = outbox.try_recv().ok();
        }
        if writer.flush().is_err() {
            return;
        }
    }
}
