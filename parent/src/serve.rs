//! `probity serve`: puts the parts together, and takes them apart in order. It must never serve
//! from a data folder that another process uses.

use crate::config::ServeOptions;
use crate::error::Error;
use crate::host::Host;
use crate::http;
use crate::journal::Journal;
use crate::limits::JOURNAL_QUEUE_MAX;
use crate::link::{self, Provisions};
use crate::rulebook::Rulebook;
use crate::store::Store;
use ring::rand::SecureRandom as _;
use std::fs::{self, File, TryLockError};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};

/// Runs until a signal.
pub async fn serve(options: ServeOptions) -> Result<(), Error> {
    let data = &options.data;
    fs::create_dir_all(data).map_err(Error::file(data))?;
    let _lock = lock(data)?;
    let file = data.join("listen");
    // Left over when the process before was killed.
    fs::remove_file(&file).ok();
    let provisions = Provisions {
        address: options.enclave.clone(),
        boot: read(&options.boot)?,
        bundle: read(&options.rules)?,
        freshness: read(&options.freshness)?,
    };
    rules::BootConfig::parse(&provisions.boot)
        .map_err(|source| Error::Rules { what: "boot configuration", source })?;
    let rulebook = Rulebook::parse(&provisions.bundle)?;
    tracing::info!(name = rulebook.name(), version = rulebook.version(), "read the rules");
    let (certificate, key) = match (&options.tls_cert, &options.tls_key) {
        (Some(certificate), Some(key)) => (certificate.clone(), key.clone()),
        _ => http::tls::development_files(data)?,
    };
    let tls = http::tls::server_config(&certificate, &key)?;
    let store = Store::open(data)?;
    let (limit, deadline) = (options.in_flight_max, options.deadline);
    let host = Arc::new(Host::new(store, rulebook, limit, deadline, random()?)?);

    let failed = Error::socket(format!("listening on {}", options.listen));
    let listener = TcpListener::bind(options.listen).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(Error::socket("listening"))?;
    let mut signals = Signals::new()?;

    let (intake, queue) = mpsc::channel(JOURNAL_QUEUE_MAX);
    let journal = Journal::new(Arc::clone(&host));
    let journal = std::thread::Builder::new().name("journal".into()).spawn(|| journal.run(queue));
    let journal = journal.map_err(Error::socket("starting the journal"))?;
    let (stop_http, http_stops) = watch::channel(false);
    let (stop_link, link_stops) = watch::channel(false);
    let link = tokio::spawn(link::run(Arc::clone(&host), provisions, intake, link_stops));
    let https = tokio::spawn(http::serve(listener, tls, Arc::clone(&host), http_stops));

    publish(&file, &format!("{bound}\n"))?;
    eprintln!("listening https://{bound}");
    signals.wait().await;

    tracing::info!("stopping");
    host.stopping.store(true, Ordering::Relaxed);
    stop_http.send_replace(true);
    https.await.ok();
    stop_link.send_replace(true);
    link.await.ok();
    // The link held the journal's only sender: it writes what it has and ends.
    tokio::task::spawn_blocking(move || journal.join()).await.ok();
    fs::remove_file(&file).map_err(Error::file(&file))
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(Error::file(path))
}

/// Writes a small file so that readers see all of it or none.
fn publish(path: &Path, text: &str) -> Result<(), Error> {
    let draft = path.with_extension("new");
    fs::write(&draft, text).map_err(Error::file(&draft))?;
    fs::rename(&draft, path).map_err(Error::file(path))
}

/// Holds the data folder until it is dropped, also when the process is killed.
fn lock(data: &Path) -> Result<File, Error> {
    let path = data.join("LOCK");
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(Error::file(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::DataInUse { path: data.into() }),
        Err(TryLockError::Error(error)) => Err(Error::file(&path)(error)),
    }
}

fn random() -> Result<u64, Error> {
    let mut bytes = [0; 8];
    let failed = |_| Error::Tls("the system gives no random bytes".into());
    ring::rand::SystemRandom::new().fill(&mut bytes).map_err(failed)?;
    Ok(u64::from_be_bytes(bytes))
}

/// The signals that ask to stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> Result<Self, Error> {
        let on = |kind| signal(kind).map_err(Error::socket("signals"));
        let (terminate, interrupt) = (on(SignalKind::terminate())?, on(SignalKind::interrupt())?);
        Ok(Self { terminate, interrupt })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_folder_has_one_user() {
        let folder = tempfile::tempdir().unwrap();
        let first = lock(folder.path()).unwrap();
        assert!(matches!(lock(folder.path()), Err(Error::DataInUse { .. })));
        drop(first);
        assert!(lock(folder.path()).is_ok());
    }
}
