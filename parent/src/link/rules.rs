//! Offering rules: at the handshake, and over the live link whenever the files change. The same
//! bundle is offered again for its newer freshness statement, without which evaluation ends with
//! the old one's age. A refusal must never stop rules that are in force.

use crate::error::Error;
use crate::health::Component;
use crate::host::Host;
use crate::limits::LINK_STEP_TIMEOUT;
use crate::offer::Offer;
use crypto::Digest;
use std::cmp::Ordering;
use std::convert::Infallible;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};
use wire::{Report, RulebookInfo};

/// Number of the command; those of requests begin far above.
pub const RULES_ID: u64 = 2;

/// Whether to make the offer, given what is in force. Says how the rules stand when not.
pub fn is_wanted(host: &Host, offer: &Offer, current: Option<&RulebookInfo>) -> bool {
    let Some(book) = current else { return true };
    let (held, ours) = (book.version, offer.version);
    let standing = match held.cmp(&ours) {
        Ordering::Less => return true,
        Ordering::Equal if book.hash == offer.hash.0 => {
            host.shelf.confirm(&offer.hash);
            return true;
        }
        Ordering::Equal => {
            let (theirs, hash) = (Digest(book.hash), offer.hash);
            tracing::error!(version = held, in_force = %theirs, ours = %hash, "bundles differ");
            Component::down(format!(
                "version {held} is in force with bundle hash {theirs}, but ours of the same \
                 version has hash {hash}; give the bundle a higher version"
            ))
        }
        Ordering::Greater => {
            tracing::warn!(in_force = held, ours, "newer rules than ours are in force");
            Component::up(format!("version {held} is in force, version {ours} is ours"))
        }
    };
    host.health.set_rules(standing, Some(book.clone()));
    false
}

/// Takes the answer to an offer.
pub fn settle(
    host: &Host,
    offer: &Arc<Offer>,
    current: Option<RulebookInfo>,
    answer: Report,
) -> Result<(), Error> {
    match answer {
        Report::RulesLoaded { rulebook, .. } => {
            let hash = Digest(rulebook.hash);
            host.shelf.confirm(&hash);
            keep(host, offer);
            let (version, rules) = (rulebook.version, rulebook.rules);
            tracing::info!(version, %hash, rules, renewed = current.is_some(), "rules in force");
            let detail = format!("version {version} is in force");
            host.health.set_rules(Component::up(detail), Some(rulebook));
            Ok(())
        }
        Report::Refused(refusal) => {
            let version = offer.version;
            tracing::error!(version, reason = %refusal.detail, "the enclave refused the rules");
            let what = match &current {
                Some(book) if book.version == version => "the renewal of version",
                _ => "version",
            };
            let detail = format!("{what} {version} was refused: {}", refusal.detail);
            // What is in force goes on deciding.
            host.health.set_rules(Component::down(detail), current);
            Ok(())
        }
        _ => Err(Error::Enclave("it did not answer to the rules".into())),
    }
}

/// Keeps the bundle for processes to come, beside the work of the link. Without it old answers only
/// lack their texts.
fn keep(host: &Host, offer: &Arc<Offer>) {
    let (folder, offer) = (host.bundles.clone(), Arc::clone(offer));
    tokio::task::spawn_blocking(move || {
        if let Err(error) = crate::kept::keep(&folder, &offer.hash, offer.bundle()) {
            tracing::warn!(%error, "the bundle could not be kept for the texts of later answers");
        }
    });
}

/// Makes every new offer over the live link, one at a time, between the requests.
pub async fn follow(
    host: &Host,
    frames: mpsc::Sender<Vec<u8>>,
    mut offers: watch::Receiver<Arc<Offer>>,
    mut answers: mpsc::Receiver<Report>,
) -> Result<Infallible, Error> {
    loop {
        tokio::select! {
            changed = offers.changed() => if changed.is_err() {
                // The files are no longer followed: the server is stopping.
                std::future::pending::<()>().await;
            },
            _ = answers.recv() => return Err(unasked()),
        }
        let offer = Arc::clone(&offers.borrow_and_update());
        let current = host.health.standing().rulebook;
        if !is_wanted(host, &offer, current.as_ref()) {
            continue;
        }
        let ended = |_| Error::Enclave("the link's writer ended".into());
        frames.send(offer.command(RULES_ID).to_bytes()).await.map_err(ended)?;
        let answer = tokio::time::timeout(LINK_STEP_TIMEOUT, answers.recv()).await;
        let late = || Error::Enclave("it did not answer to the rules in time".into());
        settle(host, &offer, current, answer.ok().flatten().ok_or_else(late)?)?;
    }
}

/// An answer that no command waits for.
pub fn unasked() -> Error {
    Error::Enclave("an answer that nobody asked for".into())
}
