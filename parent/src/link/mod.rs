//! The link to the enclave: one pipelined connection, made again when it breaks. Whatever was in
//! flight when it broke fails; it must never be sent again by the host's own decision.

mod evidence;
mod handshake;
mod rules;
pub(crate) mod stream;

use crate::config::EnclaveAddress;
use crate::error::Error;
use crate::health::Component;
use crate::host::Host;
use crate::journal::{Begin, Intake};
use crate::limits::{BACKOFF_MAX, BACKOFF_MIN, LINK_BUFFER_BYTES, LINK_STEP_TIMEOUT};
use crate::offer::Offer;
use crate::pending::Reply;
use handshake::Greeted;
use rules::RULES_ID;
use std::sync::Arc;
use std::time::Instant;
use stream::{Sink, Source, read_frame, write_frame};
use tokio::io::{AsyncWriteExt as _, BufReader, BufWriter};
use tokio::sync::{Notify, mpsc, oneshot, watch};
use wire::{Command, Event, Refusal, Report};

pub use evidence::{Gate, at_first};

/// What the link needs to bring an enclave up.
#[derive(Debug)]
pub struct Provisions {
    /// Where the enclave listens.
    pub address: EnclaveAddress,
    /// Boot configuration.
    pub boot: Vec<u8>,
    /// What the enclave has to attest before anything is forwarded.
    pub gate: Option<Gate>,
    /// The rules, as the disk has them at the time.
    pub offers: watch::Receiver<Arc<Offer>>,
}

/// Keeps the link up until `stop` says otherwise.
pub async fn run(
    host: Arc<Host>,
    provisions: Provisions,
    intake: mpsc::Sender<Intake>,
    mut stop: watch::Receiver<bool>,
) {
    let mut wait = BACKOFF_MIN;
    loop {
        let started = Instant::now();
        let result = tokio::select! {
            result = session(&host, &provisions, &intake) => result,
            _ = stop.wait_for(|stop| *stop) => return host.close_gate(),
        };
        host.close_gate();
        if provisions.gate.is_some() {
            host.health.forget_policy();
        }
        let Err(error) = result;
        if provisions.gate.is_some() && matches!(error, Error::Socket { .. }) {
            // Nobody is there to be refused.
            let detail = "no enclave is connected; who connects next is judged";
            host.health.set_policy(Component::down(detail), None);
        }
        // A fault that the journal found says more than the broken connection after it.
        let standing = host.health.standing().enclave;
        if standing.ok || is_news(&error) {
            host.health.set_enclave(Component::down(error.to_string()));
        }
        // A connection that lasted was a good one: begin with the short wait again.
        if started.elapsed() > BACKOFF_MAX {
            wait = BACKOFF_MIN;
        }
        tracing::warn!(%error, wait_ms = wait.as_millis() as u64, "link is down");
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        wait = (wait * 2).min(BACKOFF_MAX);
    }
}

/// Whether an error of the link says more than what the journal may have found before.
fn is_news(error: &Error) -> bool {
    matches!(
        error,
        Error::Socket { .. } | Error::Enclave(_) | Error::NotAccepted { .. } | Error::Accepted(_)
    )
}

/// One connection, from connecting to its end. It ends with an error only.
async fn session(
    host: &Arc<Host>,
    provisions: &Provisions,
    intake: &mpsc::Sender<Intake>,
) -> Result<std::convert::Infallible, Error> {
    let (source, sink) = stream::connect(&provisions.address).await?;
    let mut source = BufReader::with_capacity(LINK_BUFFER_BYTES, source);
    let mut sink = BufWriter::with_capacity(LINK_BUFFER_BYTES, sink);
    let mut offers = provisions.offers.clone();
    let offer = Arc::clone(&offers.borrow_and_update());
    let handshake = handshake::run(&mut source, &mut sink, host, provisions, (&offer, intake));
    let Greeted { boot, judged } = handshake.await?;
    drop(offer);

    // Room for every request in flight and for acknowledgements among them.
    let (frames, queue) = mpsc::channel(host.in_flight_max + ACKS_MAX);
    let close = Arc::new(Notify::new());
    let (reply, durable) = oneshot::channel();
    let begin = Begin {
        record: boot.record,
        attested: judged.as_ref().map(|judged| judged.key),
        log_size: boot.log_size,
        frames: frames.clone(),
        close: Arc::clone(&close),
        reply,
    };
    let gone = |_| Error::Enclave("the journal ended".into());
    intake.send(Intake::Begin(begin)).await.map_err(gone)?;
    let durable = tokio::time::timeout(LINK_STEP_TIMEOUT, durable).await;
    let refused = || Error::Answer(host.health.standing().enclave.detail.into_owned());
    let durable = durable.ok().and_then(Result::ok).ok_or_else(refused)?;
    if boot.held_from > durable && boot.log_size > durable {
        let held = boot.held_from;
        let problem = format!("it holds entries from {held} on, this store ends before {durable}");
        return Err(Error::Enclave(format!("{problem}; entries are missing: boot it anew")));
    }
    write_frame(&mut sink, &Command::Resume { from: durable }.to_bytes()).await?;
    sink.flush().await.map_err(Error::socket("link"))?;
    tracing::info!(durable, log_size = boot.log_size, "link is up");

    let mut writer = tokio::spawn(write_all(sink, queue));
    // At most one offer waits for its answer.
    let (answers, answered) = mpsc::channel(1);
    let result = tokio::select! {
        result = read_all(source, host, intake, answers) => result,
        result = rules::follow(host, frames, offers, answered) => result,
        error = evidence::outdated(provisions.gate.as_ref(), judged) => Err(error),
        result = &mut writer => match result {
            Ok(Err(error)) => return Err(error),
            _ => return Err(Error::Enclave("the link's writer ended".into())),
        },
        () = close.notified() => {
            Err(Error::Answer(host.health.standing().enclave.detail.into_owned()))
        }
    };
    writer.abort();
    // The queue has to be gone before anybody is told that the link is.
    writer.await.ok();
    result
}

async fn read_all(
    mut source: BufReader<Source>,
    host: &Host,
    intake: &mpsc::Sender<Intake>,
    answers: mpsc::Sender<Report>,
) -> Result<std::convert::Infallible, Error> {
    let unasked = |_| rules::unasked();
    let gone = |_| Error::Enclave("the journal ended".into());
    loop {
        match Report::parse(&read_frame(&mut source).await?)? {
            Report::Entry(entry) => intake.send(Intake::Entry(entry)).await.map_err(gone)?,
            Report::Quote(quote) => intake.send(Intake::Quote(quote)).await.map_err(gone)?,
            Report::Attested { id, quote } => host.pending.answer(id, Ok(Reply::Attested(quote))),
            // Number 0 is the resumption itself.
            Report::Refused(refusal) if refusal.id == 0 => {
                return Err(Error::Enclave(refusal.detail));
            }
            report @ Report::RulesLoaded { id: RULES_ID, .. }
            | report @ Report::Refused(Refusal { id: RULES_ID, .. }) => {
                answers.try_send(report).map_err(unasked)?;
            }
            Report::Refused(refusal) => host.pending.answer(refusal.id, Err(refusal.into())),
            Report::SealedRefusal { id, sealed } => {
                host.pending.answer(id, Ok(Reply::SealedRefusal(sealed)));
            }
            Report::Event(event) => heed(event)?,
            // Nothing here asks for it: `probity enclave status` has a connection of its own.
            Report::Health { .. } => return Err(rules::unasked()),
            Report::Status { .. } | Report::RulesLoaded { .. } => return Err(rules::unasked()),
        }
    }
}

async fn write_all(
    mut sink: BufWriter<Sink>,
    mut queue: mpsc::Receiver<Vec<u8>>,
) -> Result<(), Error> {
    while let Some(body) = queue.recv().await {
        write_frame(&mut sink, &body).await?;
        while let Ok(body) = queue.try_recv() {
            write_frame(&mut sink, &body).await?;
        }
        sink.flush().await.map_err(Error::socket("link"))?;
    }
    Ok(())
}

/// Takes what the enclave says unasked; an error means that the connection is of no more use.
fn heed(event: Event) -> Result<(), Error> {
    match event {
        // It takes no further frame on this connection, so waiting for answers would be in vain.
        Event::BadFrame => Err(Error::Enclave("it could not parse a frame".into())),
        Event::QuoteFailed => {
            tracing::warn!("enclave: making a quote failed and is tried again");
            Ok(())
        }
    }
}

/// Acknowledgements that may wait in the queue.
const ACKS_MAX: usize = 64;
