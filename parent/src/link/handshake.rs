//! The first words of a connection: who are you, here is your configuration, here are the rules.
//! Each is asked and answered before the next. Entries that arrive meanwhile are dropped, because
//! the resumption that follows brings them again.

use super::Provisions;
use super::evidence::{self, Judged};
use super::rules::{RULES_ID, is_wanted, settle};
use super::stream::{Sink, Source, read_frame, write_frame};
use crate::error::Error;
use crate::host::Host;
use crate::journal::Intake;
use crate::limits::{LINK_HELLO_TIMEOUT, LINK_STEP_TIMEOUT};
use crate::offer::Offer;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncWriteExt as _, BufReader, BufWriter};
use tokio::sync::{mpsc, oneshot};
use wire::{BootInfo, Command, PROTOCOL_VERSION, Refusal, Report};

/// Number of the boot command; those of requests begin far above.
const BOOT_ID: u64 = 1;

/// Who was greeted.
pub struct Greeted {
    /// How it stood before the rules were offered.
    pub boot: BootInfo,
    /// What it attested, where a policy asked.
    pub judged: Option<Judged>,
}

/// Brings the enclave up, judges it, offers it the rules, and returns how it stood before them.
pub async fn run(
    source: &mut BufReader<Source>,
    sink: &mut BufWriter<Sink>,
    host: &Arc<Host>,
    provisions: &Provisions,
    (offer, intake): (&Arc<Offer>, &mpsc::Sender<Intake>),
) -> Result<Greeted, Error> {
    let hello = Command::Hello { version: PROTOCOL_VERSION };
    let greeting = ask_within(LINK_HELLO_TIMEOUT, source, sink, &hello);
    let mut boot = match status(greeting.await?)? {
        Some(boot) => boot,
        None => {
            // What the boot before quoted last may still be on its way to the disk.
            journal_settled(intake).await?;
            let boot_ids = host.ledger.boot_ids();
            let last = host.read(move |store| store.last_checkpoint(&boot_ids)).await;
            let last = last.map_err(|problem| Error::Answer(problem.detail.into_owned()))?;
            let previous = last.map(|last| (last.boot_id, last.size, last.root));
            let config = provisions.boot.clone();
            let command = Command::Boot { id: BOOT_ID, config, previous };
            let status = status(ask(source, sink, &command).await?)?;
            tracing::info!("the enclave took its boot configuration");
            status.ok_or_else(|| Error::Enclave("it has no boot after its configuration".into()))?
        }
    };
    let mut judged = None;
    if let Some(gate) = &provisions.gate {
        let fresh = evidence::require((&mut *source, &mut *sink), host, gate, &boot).await?;
        // What was being quoted at the greeting counts too: a key that is in flight is then found
        // in the store, and not evaluated again.
        boot.log_size = boot.log_size.max(fresh.size);
        judged = Some(fresh);
    }
    let current = boot.rulebook.clone();
    if is_wanted(host, offer, current.as_ref()) {
        let answer = ask(source, sink, &offer.command(RULES_ID)).await?;
        settle(host, offer, current, answer)?;
    }
    Ok(Greeted { boot, judged })
}

/// Waits until everything that the journal was told is durable.
async fn journal_settled(intake: &mpsc::Sender<Intake>) -> Result<(), Error> {
    let (reply, settled) = oneshot::channel();
    let gone = || Error::Enclave("the journal ended".into());
    intake.send(Intake::Settle(reply)).await.map_err(|_| gone())?;
    let settled = tokio::time::timeout(LINK_STEP_TIMEOUT, settled).await;
    settled.ok().and_then(Result::ok).ok_or_else(gone)
}

fn status(report: Report) -> Result<Option<BootInfo>, Error> {
    match report {
        Report::Status { version: PROTOCOL_VERSION, boot, .. } => Ok(boot),
        Report::Status { version, .. } => {
            let problem = format!("it speaks protocol {version}, this host {PROTOCOL_VERSION}");
            Err(Error::Enclave(problem))
        }
        Report::Refused(Refusal { detail, .. }) => Err(Error::Enclave(detail)),
        _ => Err(Error::Enclave("it did not say how it stands".into())),
    }
}

/// Sends one command and waits for the report that answers it.
pub(super) async fn ask(
    source: &mut BufReader<Source>,
    sink: &mut BufWriter<Sink>,
    command: &Command,
) -> Result<Report, Error> {
    ask_within(LINK_STEP_TIMEOUT, source, sink, command).await
}

async fn ask_within(
    most: Duration,
    source: &mut BufReader<Source>,
    sink: &mut BufWriter<Sink>,
    command: &Command,
) -> Result<Report, Error> {
    write_frame(sink, &command.to_bytes()).await?;
    let answer = async {
        sink.flush().await.map_err(Error::socket("link"))?;
        loop {
            match Report::parse(&read_frame(source).await?)? {
                Report::Entry(_) | Report::Quote(_) => {}
                Report::Event(event) => super::heed(event)?,
                report => return Ok(report),
            }
        }
    };
    let late = |_| Error::Enclave("it did not answer in time".into());
    tokio::time::timeout(most, answer).await.map_err(late)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_that_does_not_greet_is_given_up() {
        // The other end takes what comes and says nothing, as a bridge to a dead machine does.
        let (ours, _theirs) = tokio::io::duplex(64);
        let (source, sink) = tokio::io::split(ours);
        let mut source = BufReader::new(Box::new(source) as Source);
        let mut sink = BufWriter::new(Box::new(sink) as Sink);
        let hello = Command::Hello { version: PROTOCOL_VERSION };
        let most = Duration::from_millis(50);
        let asked = ask_within(most, &mut source, &mut sink, &hello);
        let error = tokio::time::timeout(most * 100, asked).await.expect("it ends").unwrap_err();
        assert!(error.to_string().contains("in time"), "{error}");
        assert!(LINK_HELLO_TIMEOUT < LINK_STEP_TIMEOUT);
    }
}
