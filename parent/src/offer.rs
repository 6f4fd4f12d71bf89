//! The signed bundle and its freshness statement as files: read at the start, and again and again
//! while the server runs, because a statement ages and rules are replaced. It must never offer
//! what no enclave could parse: that would break the link, not only the offer.

use crate::error::Error;
use crate::host::Host;
use crate::rulebook::Rulebook;
use crypto::Digest;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use wire::Command;

/// What is offered to the enclave.
#[derive(Debug, PartialEq, Eq)]
pub struct Offer {
    /// Version of the bundle.
    pub version: u64,
    /// Hash of the bundle.
    pub hash: Digest,
    bundle: Vec<u8>,
    freshness: Vec<u8>,
}

/// Where the rules are on the disk.
#[derive(Debug, Clone)]
pub struct RuleFiles {
    /// Signed bundle.
    pub bundle: PathBuf,
    /// Signed freshness statement of that bundle.
    pub freshness: PathBuf,
}

impl Offer {
    /// The command that makes the offer.
    pub fn command(&self, id: u64) -> Command {
        let (bundle, freshness) = (self.bundle.clone(), self.freshness.clone());
        Command::LoadRules { id, bundle, freshness }
    }

    /// The signed bundle.
    pub fn bundle(&self) -> &[u8] {
        &self.bundle
    }

    fn parse(bundle: Vec<u8>, freshness: Vec<u8>) -> Result<(Self, Rulebook), Error> {
        let book = Rulebook::parse(&bundle)?;
        let offer = Offer { version: book.version(), hash: book.hash(), bundle, freshness };
        let frame = offer.command(0).to_bytes();
        wire::frame(&frame).and_then(|_| Command::parse(&frame)).map_err(Error::RuleFiles)?;
        Ok((offer, book))
    }
}

impl RuleFiles {
    /// Reads both files.
    pub fn read(&self) -> Result<(Offer, Rulebook), Error> {
        Offer::parse(read(&self.bundle)?, read(&self.freshness)?)
    }

    /// Reads both files; nothing when they are those of `last`.
    fn read_changed(&self, last: Option<&Offer>) -> Result<Option<(Offer, Rulebook)>, Error> {
        let (bundle, freshness) = (read(&self.bundle)?, read(&self.freshness)?);
        match last {
            Some(last) if last.bundle == bundle && last.freshness == freshness => Ok(None),
            _ => Offer::parse(bundle, freshness).map(Some),
        }
    }

    /// Looks at the files every `period` until `stop`, and publishes what has changed.
    pub async fn follow(
        self,
        period: Duration,
        host: Arc<Host>,
        offers: watch::Sender<Arc<Offer>>,
        mut stop: watch::Receiver<bool>,
    ) {
        // Why the files could not be used when they were last looked at. What follows is offered
        // also when it is what was there before, so that the rules are shown to stand again.
        let mut fault: Option<String> = None;
        loop {
            tokio::select! {
                () = tokio::time::sleep(period) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
            let last = fault.is_none().then(|| Arc::clone(&offers.borrow()));
            let files = self.clone();
            let read = tokio::task::spawn_blocking(move || files.read_changed(last.as_deref()));
            // A reader that panicked says nothing about the files; they are read again.
            let Ok(read) = read.await else { continue };
            match read {
                Ok(None) => {}
                Ok(Some((offer, book))) => {
                    let (version, hash) = (offer.version, offer.hash);
                    tracing::info!(version, %hash, "the rule files changed");
                    fault = None;
                    host.shelf.give(book);
                    offers.send_replace(Arc::new(offer));
                }
                Err(error) => {
                    let text = error.to_string();
                    if fault.as_ref() != Some(&text) {
                        tracing::error!(%error, "the rule files changed and cannot be used");
                    }
                    host.health.fault_rules(format!("the files cannot be used: {text}"));
                    fault = Some(text);
                }
            }
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(Error::file(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::tests::signed_bundle;

    #[test]
    fn what_an_enclave_could_not_parse_is_not_offered() {
        assert!(Offer::parse(signed_bundle(), vec![0; 8192]).is_ok());
        assert!(matches!(Offer::parse(signed_bundle(), vec![0; 8193]), Err(Error::RuleFiles(_))));
        assert!(matches!(Offer::parse(vec![1], vec![]), Err(Error::Rules { .. })));
    }

    #[test]
    fn files_are_read_again_only_when_their_content_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let files = RuleFiles { bundle: path("bundle"), freshness: path("freshness") };
        assert!(matches!(files.read(), Err(Error::File { .. })));
        fs::write(&files.bundle, signed_bundle()).unwrap();
        fs::write(&files.freshness, b"one").unwrap();
        let (first, _) = files.read().unwrap();
        assert!(files.read_changed(Some(&first)).unwrap().is_none());
        fs::write(&files.freshness, b"two").unwrap();
        let (second, book) = files.read_changed(Some(&first)).unwrap().unwrap();
        assert_ne!(first, second);
        assert_eq!((second.hash, second.version), (book.hash(), 1));
        assert!(files.read_changed(None).unwrap().is_some());
    }
}
