//! `probity serve`: puts the parts together, and takes them apart in order. It must never serve
//! from a data folder that another process uses.

use crate::config::ServeOptions;
use crate::error::Error;
use crate::files::{lock, publish};
use crate::host::Host;
use crate::http;
use crate::journal::Journal;
use crate::limits::JOURNAL_QUEUE_MAX;
use crate::link::{self, Gate, Provisions};
use crate::offer::RuleFiles;
use crate::signals::Signals;
use crate::store::Store;
use ring::rand::SecureRandom as _;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// A server that runs.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// What its parts share.
    pub host: Arc<Host>,
    address_file: PathBuf,
    stop_http: watch::Sender<bool>,
    stop_link: watch::Sender<bool>,
    https: JoinHandle<()>,
    rules: JoinHandle<()>,
    link: JoinHandle<()>,
    journal: std::thread::JoinHandle<()>,
    _lock: File,
}

/// Serves until a signal.
pub async fn serve(options: &ServeOptions) -> Result<(), Error> {
    let mut signals = Signals::new()?;
    let server = Server::start(options).await?;
    eprintln!("listening https://{}", server.address);
    signals.wait().await;
    tracing::info!("stopping");
    server.stop().await
}

impl Server {
    /// Starts every part and says where it listens in DATA/listen.
    pub async fn start(options: &ServeOptions) -> Result<Self, Error> {
        let data = &options.data;
        fs::create_dir_all(data).map_err(Error::file(data))?;
        let in_use = || Error::DataInUse { path: data.clone() };
        let lock = lock(data)?.ok_or_else(in_use)?;
        let address_file = data.join("listen");
        // Left over when the process before was killed.
        fs::remove_file(&address_file).ok();
        let boot = boot_configuration(&options.boot)?;
        let gate = Gate::of(options)?;
        let (bundle, freshness) = (options.rules.clone(), options.freshness.clone());
        let files = RuleFiles { bundle, freshness };
        let (offer, rulebook) = files.read()?;
        tracing::info!(name = rulebook.name(), version = rulebook.version(), "read the rules");
        let (certificate, key) = match (&options.tls_cert, &options.tls_key) {
            (Some(certificate), Some(key)) => (certificate.clone(), key.clone()),
            _ => http::tls::development_files(data)?,
        };
        let tls = http::tls::server_config(&certificate, &key)?;
        let store = Store::open(data)?;
        let (limit, deadline) = (options.in_flight_max, options.deadline);
        let host = Arc::new(Host::new(data, store, rulebook, limit, deadline, random()?)?);

        let failed = Error::socket(format!("listening on {}", options.listen));
        let listener = TcpListener::bind(options.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(Error::socket("listening"))?;
        let (intake, queue) = mpsc::channel(JOURNAL_QUEUE_MAX);
        let journal = Journal::new(Arc::clone(&host));
        let thread = std::thread::Builder::new().name("journal".into());
        let journal = thread.spawn(|| journal.run(queue));
        let journal = journal.map_err(Error::socket("starting the journal"))?;
        let (stop_http, http_stops) = watch::channel(false);
        let (stop_link, link_stops) = watch::channel(false);
        let (offerer, offers) = watch::channel(Arc::new(offer));
        let rules =
            files.follow(options.rules_poll, Arc::clone(&host), offerer, http_stops.clone());
        let rules = tokio::spawn(rules);
        host.health.set_policy(link::at_first(gate.as_ref()), None);
        let provisions = Provisions { address: options.enclave.clone(), boot, gate, offers };
        let link = tokio::spawn(link::run(Arc::clone(&host), provisions, intake, link_stops));
        let connections = options.connections_max;
        let https = http::serve(listener, tls, Arc::clone(&host), connections, http_stops);
        let https = tokio::spawn(https);
        publish(&address_file, format!("{address}\n").as_bytes())?;
        let _lock = lock;
        Ok(Self {
            address,
            host,
            address_file,
            stop_http,
            stop_link,
            https,
            rules,
            link,
            journal,
            _lock,
        })
    }

    /// Finishes what is in flight, within limits, and closes.
    pub async fn stop(self) -> Result<(), Error> {
        self.host.stopping.store(true, Ordering::Relaxed);
        self.stop_http.send_replace(true);
        // A part that panicked has nothing left to finish.
        self.https.await.ok();
        self.rules.await.ok();
        self.stop_link.send_replace(true);
        self.link.await.ok();
        // The link held the journal's only sender: it writes what it has and ends.
        tokio::task::spawn_blocking(move || self.journal.join()).await.ok();
        fs::remove_file(&self.address_file).map_err(Error::file(&self.address_file))
    }
}

fn boot_configuration(path: &Path) -> Result<Vec<u8>, Error> {
    let boot = fs::read(path).map_err(Error::file(path))?;
    // The enclave would refuse it as well, but only once, at the price of a boot.
    rules::BootConfig::parse(&boot)
        .map_err(|source| Error::Rules { what: "boot configuration", source })?;
    Ok(boot)
}

/// A random number.
pub(crate) fn random() -> Result<u64, Error> {
    let mut bytes = [0; 8];
    let failed = |_| Error::Tls("the system gives no random bytes".into());
    ring::rand::SystemRandom::new().fill(&mut bytes).map_err(failed)?;
    Ok(u64::from_be_bytes(bytes))
}

#[cfg(test)]
mod flow;
#[cfg(test)]
mod renewal;
#[cfg(test)]
mod sealed;
#[cfg(test)]
mod world;
