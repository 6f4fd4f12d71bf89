//! The world of the host's tests: real TLS, a real socket, and a hand-made enclave that signs with
//! a test key, quotes with nonsense and takes any bundle that replaces the one it has.

use super::Server;
use crate::client::Client;
use crate::config::{EnclaveAddress, ServeOptions};
use crate::journal::tests::{boot_record, key, signed_bundle, statement};
use crate::rulebook::Rulebook;
use bytes::Bytes;
use crypto::Digest;
use hyper::{Request, Response};
use logtree::Tree;
use proof::SignedStatement;
use rules::{BootConfig, FreshnessPolicy, Limits, Outcome, RuleResult};
use serde_json::Value;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tlog::leaf_hash;
use wire::{BootInfo, Command, Entry, Event, Quote, Refusal, RefusalCode, Report, RulebookInfo};

pub const BODY: &str = r#"{"transaction":{"id":"txn-1","type":"wire_transfer","amount":15000,
    "currency":"USD"},"jurisdictions":["US"],"domains":["AML"]}"#;

/// A freshness statement that the enclave refuses.
pub const STALE: &[u8] = b"stale";

/// A sealed request that this enclave likes, once while it holds its entry, and one that it opens
/// and refuses. It says of every other that it came before.
pub const SEALED: &[u8] = b"sealed";
pub const SEALED_BAD: &[u8] = b"sealed badly";

/// What the enclave remembers, across connections.
#[derive(Default)]
pub struct Enclave {
    pub tree: Tree,
    booted: bool,
    book: Option<RulebookInfo>,
    pub held: Vec<(Entry, Quote)>,
    /// Version and freshness statement of every offer.
    pub offers: Vec<(u64, Vec<u8>)>,
    pub connections: usize,
    /// What no rule covers, in statements to come.
    pub not_covered: Vec<(String, String)>,
    /// Goes on evaluating but tells nobody until the next resumption.
    pub silent: bool,
    /// Hangs up instead of telling.
    pub hangs_up: bool,
    /// Says so of the next request, and keeps the connection.
    pub misreads: bool,
    pub lies: bool,
}

impl Enclave {
    fn info(&self) -> Option<BootInfo> {
        self.booted.then(|| BootInfo {
            record: boot_record().to_bytes(),
            log_size: self.tree.size(),
            held_from: self.held.first().map_or(self.tree.size(), |(entry, _)| entry.index),
            rulebook: self.book.clone(),
        })
    }

    fn obey(&mut self, command: Command) -> Vec<Report> {
        let status = |id, boot| Report::Status { id, version: wire::PROTOCOL_VERSION, boot };
        match command {
            Command::Hello { .. } => vec![status(0, self.info())],
            Command::Boot { id, .. } => {
                self.booted = true;
                self.tree.append(leaf_hash(boot_record().hash().as_bytes()));
                vec![status(id, self.info())]
            }
            Command::LoadRules { id, bundle, freshness } => {
                vec![self.load_rules(id, &bundle, freshness)]
            }
            Command::Evaluate { .. } if std::mem::take(&mut self.misreads) => {
                vec![Report::Event(Event::BadFrame)]
            }
            Command::Evaluate { id, client_ref, .. } => {
                let (entry, quote) = self.evaluate(id, client_ref);
                self.held.push((entry.clone(), quote.clone()));
                match self.silent || self.hangs_up {
                    true => vec![],
                    false => vec![Report::Entry(entry), Report::Quote(quote)],
                }
            }
            Command::EvaluateSealed { id, client_ref, sealed }
                if sealed == SEALED
                    && self.held.iter().all(|(entry, _)| entry.sealed.is_empty()) =>
            {
                let (entry, quote) = self.evaluate(id, client_ref);
                let (salt, results, sealed) = ([0; 32], vec![], b"a sealed reply".to_vec());
                let entry = Entry { salt, results, sealed, ..entry };
                self.held.push((entry.clone(), quote.clone()));
                match self.silent {
                    true => vec![],
                    false => vec![Report::Entry(entry), Report::Quote(quote)],
                }
            }
            Command::EvaluateSealed { id, sealed, .. } if sealed == SEALED_BAD => {
                vec![Report::SealedRefusal { id, sealed: b"a sealed refusal".to_vec() }]
            }
            Command::EvaluateSealed { id, .. } => {
                let (code, detail) = (RefusalCode::SealedReplayed, "S11: it came before".into());
                vec![Report::Refused(Refusal { id, code, field: String::new(), detail })]
            }
            Command::Health { id } => {
                vec![Report::Health { id, health: wire::Health::default() }]
            }
            Command::Attest { id, nonce } => {
                vec![Report::Attested { id, quote: self.quote(nonce) }]
            }
            Command::Ack { below } => {
                self.held.retain(|(entry, _)| entry.index >= below);
                vec![]
            }
            Command::Resume { from } => {
                let wanted = self.held.iter().filter(|(entry, _)| entry.index >= from);
                let pair = |(entry, quote): &(Entry, Quote)| {
                    let entry = Entry { id: 0, ..entry.clone() };
                    [Report::Entry(entry), Report::Quote(quote.clone())]
                };
                wanted.flat_map(pair).collect()
            }
        }
    }

    fn load_rules(&mut self, id: u64, bundle: &[u8], freshness: Vec<u8>) -> Report {
        let offered = Rulebook::parse(bundle).unwrap();
        let (name, version, hash) = ("test".into(), offered.version(), offered.hash().0);
        let stale = freshness == STALE;
        self.offers.push((version, freshness));
        let rollback = self.book.as_ref().is_some_and(|book| {
            book.version > version || (book.version == version && book.hash != hash)
        });
        if stale || rollback {
            let (code, field) = (RefusalCode::RulesRefused, String::new());
            let detail = if stale { "stale" } else { "rollback" }.into();
            return Report::Refused(Refusal { id, code, field, detail });
        }
        let rulebook = RulebookInfo { name, version, hash, rules: 1 };
        self.book = Some(rulebook.clone());
        Report::RulesLoaded { id, rulebook }
    }

    fn evaluate(&mut self, id: u64, client_ref: Vec<u8>) -> (Entry, Quote) {
        let index = self.tree.size();
        let mut statement = statement(1);
        statement.proof_id[..8].copy_from_slice(&index.to_be_bytes());
        let book = self.book.as_ref().unwrap();
        (statement.rulebook.version, statement.newest_version) = (book.version, book.version);
        statement.rulebook.hash = Digest(book.hash);
        statement.not_covered = self.not_covered.clone();
        let signed = SignedStatement::sign(statement, &key()).unwrap();
        self.tree.append(leaf_hash(signed.proof_hash().as_bytes()));
        let (id_of_rule, version) = ("us.test".into(), "1".into());
        let (outcome, values) = (Outcome::Pass, vec![]);
        let result = RuleResult { id: id_of_rule, version, outcome, reason: 0, values };
        let (envelope, results) = (signed.to_bytes(), vec![result.to_bytes()]);
        let (salt, sealed) = ([6; 32], vec![]);
        let entry = Entry { id, index, client_ref, envelope, salt, results, sealed };
        (entry, self.quote(vec![1; 40]))
    }

    fn quote(&self, document: Vec<u8>) -> Quote {
        let root = if self.lies { [0; 32] } else { self.tree.root() };
        let checkpoint = ([7; 16], self.tree.size(), root);
        Quote { checkpoint, document, log_signatures: [[0; 64]; 2] }
    }
}

fn converse(enclave: &Mutex<Enclave>, mut stream: UnixStream) -> std::io::Result<()> {
    loop {
        let mut head = [0; wire::LENGTH_BYTES];
        stream.read_exact(&mut head)?;
        let mut body = vec![0; wire::body_length(head).unwrap()];
        stream.read_exact(&mut body)?;
        let command = Command::parse(&body).unwrap();
        let evaluates = matches!(command, Command::Evaluate { .. });
        let mut enclave = enclave.lock().unwrap();
        for report in enclave.obey(command) {
            stream.write_all(&wire::frame(&report.to_bytes()).unwrap())?;
        }
        if evaluates && std::mem::take(&mut enclave.hangs_up) {
            return Ok(());
        }
    }
}

pub struct World {
    pub folder: tempfile::TempDir,
    pub enclave: Arc<Mutex<Enclave>>,
    pub options: ServeOptions,
}

impl World {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let (public, socket) = (key().verifying_key(), path("enclave.sock"));
        let config = BootConfig {
            authorities: vec![public],
            threshold: 1,
            freshness_keys: vec![public],
            freshness_threshold: 1,
            rulebook: "test".into(),
            freshness: FreshnessPolicy::default(),
            limits: Limits::default(),
        };
        fs::write(path("boot"), config.to_bytes()).unwrap();
        fs::write(path("rules"), signed_bundle()).unwrap();
        fs::write(path("freshness"), b"").unwrap();
        let listener = UnixListener::bind(&socket).unwrap();
        let enclave = Arc::new(Mutex::new(Enclave::default()));
        let shared = Arc::clone(&enclave);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                shared.lock().unwrap().connections += 1;
                // The end of a connection is part of the play.
                converse(&shared, stream.unwrap()).ok();
            }
        });
        let options = ServeOptions {
            enclave: EnclaveAddress::Unix(socket),
            data: path("data"),
            listen: "127.0.0.1:0".parse().unwrap(),
            boot: path("boot"),
            rules: path("rules"),
            freshness: path("freshness"),
            policy: None,
            policy_signer: vec![],
            policy_threshold: None,
            event_log: None,
            tls_cert: None,
            tls_key: None,
            in_flight_max: 64,
            connections_max: 64,
            rules_poll: Duration::from_millis(20),
            deadline: Duration::from_millis(300),
        };
        Self { folder, enclave, options }
    }

    pub async fn start(&self) -> (Server, Client) {
        let server = Server::start(&self.options).await.unwrap();
        let url = format!("https://{}", server.address).parse().unwrap();
        let ca = self.folder.path().join("data/tls/cert.pem");
        let mut client = Client::connect(&url, &ca).await.unwrap();
        ready(&mut client, 200).await;
        (server, client)
    }
}

pub async fn ready(client: &mut Client, status: u16) {
    for _ in 0..200 {
        if get(client, "/health/ready").await.status() == status {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never {status}");
}

pub async fn get(client: &mut Client, path: &str) -> Response<Bytes> {
    client.exchange(Request::builder().uri(path), Bytes::new()).await.unwrap()
}

pub async fn post(
    client: &mut Client,
    headers: &[(&str, &str)],
    path: &str,
    body: &str,
) -> Response<Bytes> {
    let mut request = Request::post(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    client.exchange(request, Bytes::copy_from_slice(body.as_bytes())).await.unwrap()
}

pub async fn evaluate(
    client: &mut Client,
    headers: &[(&str, &str)],
    body: &str,
) -> Response<Bytes> {
    post(client, headers, "/v1/evaluate", body).await
}

pub fn view(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).unwrap()
}

pub fn assert_problem(response: &Response<Bytes>, status: u16, slug: &str) {
    assert_eq!(response.status(), status, "{:?}", response.body());
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert_eq!(view(response)["type"], format!("urn:probity:problem:{slug}"));
}
