//! The first words of a connection: who are you, here is your configuration, here are the rules.
//! Each is asked and answered before the next. Entries that arrive meanwhile are dropped, because
//! the resumption that follows brings them again.

use super::Provisions;
use super::stream::{Sink, Source, read_frame, write_frame};
use crate::error::Error;
use crate::health::Component;
use crate::host::Host;
use crate::limits::LINK_STEP_TIMEOUT;
use std::sync::Arc;
use tokio::io::{AsyncWriteExt as _, BufReader, BufWriter};
use wire::{BootInfo, Command, PROTOCOL_VERSION, Refusal, Report, RulebookInfo};

/// Numbers of the handshake's commands; those of requests begin far above.
const BOOT_ID: u64 = 1;
const RULES_ID: u64 = 2;

/// Brings the enclave up and returns how it stands.
pub async fn run(
    source: &mut BufReader<Source>,
    sink: &mut BufWriter<Sink>,
    host: &Arc<Host>,
    provisions: &Provisions,
) -> Result<BootInfo, Error> {
    let hello = Command::Hello { version: PROTOCOL_VERSION };
    let boot = match status(ask(source, sink, &hello).await?)? {
        Some(boot) => boot,
        None => {
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
    load_rules(source, sink, host, provisions, boot.rulebook.as_ref()).await?;
    Ok(boot)
}

async fn load_rules(
    source: &mut BufReader<Source>,
    sink: &mut BufWriter<Sink>,
    host: &Host,
    provisions: &Provisions,
    current: Option<&RulebookInfo>,
) -> Result<(), Error> {
    let offered = host.rulebook.version();
    if let Some(book) = current
        && book.version >= offered
    {
        let detail = format!("version {} is in force, version {offered} is ours", book.version);
        host.health.set_rules(Component::up(detail), Some(book.clone()));
        return Ok(());
    }
    let (bundle, freshness) = (provisions.bundle.clone(), provisions.freshness.clone());
    let command = Command::LoadRules { id: RULES_ID, bundle, freshness };
    match ask(source, sink, &command).await? {
        Report::RulesLoaded { rulebook, .. } => {
            tracing::info!(
                version = rulebook.version,
                rules = rulebook.rules,
                "rules are in force"
            );
            let detail = format!("version {} is in force", rulebook.version);
            host.health.set_rules(Component::up(detail), Some(rulebook));
        }
        Report::Refused(refusal) => {
            tracing::error!(reason = %refusal.detail, "the enclave refused the rules");
            let detail = format!("version {offered} was refused: {}", refusal.detail);
            // An older version that is in force goes on deciding.
            host.health.set_rules(Component::down(detail), current.cloned());
        }
        _ => return Err(Error::Enclave("it did not answer to the rules".into())),
    }
    Ok(())
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
async fn ask(
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
                Report::Event(event) => super::log_event(event),
                report => return Ok(report),
            }
        }
    };
    let late = |_| Error::Enclave("it did not answer in time".into());
    tokio::time::timeout(LINK_STEP_TIMEOUT, answer).await.map_err(late)?
}
