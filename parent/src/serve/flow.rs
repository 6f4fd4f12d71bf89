//! The whole host over real TLS and a real socket, against a hand-made enclave that signs with a
//! test key and quotes with nonsense: what callers see when all goes well, and when it does not.

use super::*;
use crate::client::Client;
use crate::config::EnclaveAddress;
use crate::journal::tests::{boot_record, key, signed_bundle, statement};
use bytes::Bytes;
use hyper::{Request, Response};
use proof::{Proof, SignedStatement};
use rules::{BootConfig, FreshnessPolicy, Limits, Outcome, RuleResult};
use serde_json::Value;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Mutex;
use std::time::Duration;
use tlog::{Tree, leaf_hash};
use wire::{BootInfo, Command, Entry, Quote, Report, RulebookInfo};

const BODY: &str = r#"{"transaction":{"id":"txn-1","type":"wire_transfer","amount":15000,
    "currency":"USD"},"jurisdictions":["US"],"domains":["AML"]}"#;

/// What the enclave remembers, across connections.
#[derive(Default)]
struct Enclave {
    tree: Tree,
    booted: bool,
    rules: bool,
    held: Vec<(Entry, Quote)>,
    /// Goes on evaluating but tells nobody until the next resumption.
    silent: bool,
    /// Hangs up instead of telling.
    hangs_up: bool,
    lies: bool,
}

impl Enclave {
    fn info(&self) -> Option<BootInfo> {
        let book = RulebookInfo { name: "test".into(), version: 1, hash: [0; 32], rules: 1 };
        self.booted.then(|| BootInfo {
            record: boot_record().to_bytes(),
            log_size: self.tree.size(),
            held_from: self.held.first().map_or(self.tree.size(), |(entry, _)| entry.index),
            rulebook: self.rules.then_some(book),
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
            Command::LoadRules { id, .. } => {
                self.rules = true;
                let rulebook = self.info().unwrap().rulebook.unwrap();
                vec![Report::RulesLoaded { id, rulebook }]
            }
            Command::Evaluate { id, client_ref, .. } => {
                let (entry, quote) = self.evaluate(id, client_ref);
                self.held.push((entry.clone(), quote.clone()));
                match self.silent || self.hangs_up {
                    true => vec![],
                    false => vec![Report::Entry(entry), Report::Quote(quote)],
                }
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

    fn evaluate(&mut self, id: u64, client_ref: Vec<u8>) -> (Entry, Quote) {
        let index = self.tree.size();
        let mut statement = statement(1);
        statement.proof_id[..8].copy_from_slice(&index.to_be_bytes());
        let signed = SignedStatement::sign(statement, &key());
        self.tree.append(leaf_hash(signed.proof_hash().as_bytes()));
        let (id_of_rule, version) = ("us.test".into(), "1".into());
        let (outcome, values) = (Outcome::Pass, vec![]);
        let result = RuleResult { id: id_of_rule, version, outcome, reason: 0, values };
        let (envelope, results) = (signed.to_bytes(), vec![result.to_bytes()]);
        let entry = Entry { id, index, client_ref, envelope, salt: [6; 32], results };
        (entry, self.quote(vec![1; 40]))
    }

    fn quote(&self, document: Vec<u8>) -> Quote {
        let root = if self.lies { [0; 32] } else { self.tree.root() };
        Quote { checkpoint: ([7; 16], self.tree.size(), root), document }
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

struct World {
    folder: tempfile::TempDir,
    enclave: Arc<Mutex<Enclave>>,
    options: ServeOptions,
}

impl World {
    fn new() -> Self {
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
            tls_cert: None,
            tls_key: None,
            in_flight_max: 64,
            deadline: Duration::from_millis(300),
        };
        Self { folder, enclave, options }
    }

    async fn start(&self) -> (Server, Client) {
        let server = Server::start(&self.options).await.unwrap();
        let url = format!("https://{}", server.address).parse().unwrap();
        let ca = self.folder.path().join("data/tls/cert.pem");
        let mut client = Client::connect(&url, &ca).await.unwrap();
        ready(&mut client, 200).await;
        (server, client)
    }
}

async fn ready(client: &mut Client, status: u16) {
    for _ in 0..200 {
        if get(client, "/health/ready").await.status() == status {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never {status}");
}

async fn get(client: &mut Client, path: &str) -> Response<Bytes> {
    client.exchange(Request::builder().uri(path), Bytes::new()).await.unwrap()
}

async fn post(
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

async fn evaluate(client: &mut Client, headers: &[(&str, &str)], body: &str) -> Response<Bytes> {
    post(client, headers, "/v1/evaluate", body).await
}

fn view(response: &Response<Bytes>) -> Value {
    serde_json::from_slice(response.body()).unwrap()
}

fn assert_problem(response: &Response<Bytes>, status: u16, slug: &str) {
    assert_eq!(response.status(), status, "{:?}", response.body());
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert_eq!(view(response)["type"], format!("urn:probity:problem:{slug}"));
}

#[tokio::test]
async fn a_decision_has_a_proof_that_can_be_fetched() {
    let world = World::new();
    let (server, mut client) = world.start().await;
    let response = evaluate(&mut client, &[], BODY).await;
    assert_eq!(response.status(), 200, "{:?}", response.body());
    let answer = view(&response);
    assert_eq!((&answer["transaction_id"], &answer["outcome"]), (&"txn-1".into(), &"pass".into()));
    assert_eq!(answer["results"][0]["reason"], "fine");
    assert_eq!(
        (&answer["proof"]["index"], &answer["proof"]["checkpoint_size"]),
        (&1.into(), &2.into())
    );
    let href = answer["proof"]["href"].as_str().unwrap().to_owned();
    let shown = view(&get(&mut client, &href).await);
    assert_eq!(shown["proof_hash"], answer["proof"]["hash"]);
    let request = Request::builder().uri(&href).header("accept", "application/cose");
    let proof = client.exchange(request, Bytes::new()).await.unwrap();
    let proof = Proof::parse(proof.body()).unwrap();
    let inclusion = proof.unsigned.unwrap().inclusion;
    let leaf = leaf_hash(proof.signed.proof_hash().as_bytes());
    let root = world.enclave.lock().unwrap().tree.root();
    assert_eq!(tlog::verify_inclusion(leaf, 1, 2, &inclusion.path, root), Ok(()));
    let full = view(&post(&mut client, &[], "/v1/evaluate?proof=full", BODY).await);
    assert!(full["proof"]["cose"].as_str().unwrap().len() > 500);

    assert_problem(
        &get(&mut client, "/v1/proofs/00000000000000000000000000000000").await,
        404,
        "not-found",
    );
    assert_problem(&get(&mut client, "/v1/proofs/xyz").await, 400, "bad-request");
    assert_problem(&get(&mut client, "/v1/evaluate").await, 405, "method-not-allowed");
    assert_problem(&get(&mut client, "/v1/attestation?nonce=00").await, 400, "bad-request");
    let attested = view(&get(&mut client, "/v1/attestation?nonce=0011223344556677").await);
    assert_eq!(attested["checkpoint"]["size"], 3);
    assert_eq!(view(&get(&mut client, "/v1/rules").await)["rules"][0]["id"], "us.test");
    let log = view(&get(&mut client, "/v1/log").await);
    assert_eq!((&log["boots"][0]["size"], &log["boots"][0]["quotes"]), (&3.into(), &2.into()));
    assert_eq!(get(&mut client, "/openapi.json").await.status(), 200);
    let bad = evaluate(&mut client, &[], &BODY.replace("15000", "-1")).await;
    assert_problem(&bad, 400, "bad-request");
    assert_eq!(view(&bad)["field"], "transaction.amount");
    drop(client);
    server.stop().await.unwrap();
    assert!(!world.options.data.join("listen").exists());
}

#[tokio::test]
async fn a_key_gives_the_same_proof_again_also_after_a_restart() {
    let world = World::new();
    let (server, mut client) = world.start().await;
    let keyed = [("idempotency-key", "order-7")];
    let first = view(&evaluate(&mut client, &keyed, BODY).await);
    let again = evaluate(&mut client, &keyed, BODY).await;
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(view(&again), first);
    let other = evaluate(&mut client, &keyed, &BODY.replace("15000", "1")).await;
    assert_problem(&other, 422, "idempotency-reuse");
    drop(client);
    server.stop().await.unwrap();
    let (server, mut client) = world.start().await;
    let again = evaluate(&mut client, &keyed, BODY).await;
    assert_eq!(view(&again), first);
    drop(client);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_lost_link_fails_clearly_and_loses_nothing() {
    let world = World::new();
    let (server, mut client) = world.start().await;
    world.enclave.lock().unwrap().hangs_up = true;
    let keyed = [("idempotency-key", "order-8")];
    let lost = evaluate(&mut client, &keyed, BODY).await;
    assert_problem(&lost, 503, "enclave-lost");
    assert_eq!(lost.headers()["retry-after"], "1");
    ready(&mut client, 200).await;
    // The enclave had evaluated: resumption brought the entry, and the key leads to it.
    let again = evaluate(&mut client, &keyed, BODY).await;
    assert_eq!(again.headers()["idempotency-replayed"], "true");
    assert_eq!(view(&again)["proof"]["index"], 1);

    world.enclave.lock().unwrap().silent = true;
    assert_problem(&evaluate(&mut client, &[], BODY).await, 504, "deadline");
    drop(client);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_root_that_disagrees_is_never_answered_from() {
    let world = World::new();
    let (server, mut client) = world.start().await;
    world.enclave.lock().unwrap().lies = true;
    let refused = evaluate(&mut client, &[], BODY).await;
    assert_problem(&refused, 503, "enclave-lost");
    ready(&mut client, 503).await;
    assert_eq!(server.host.ledger.size(0), 1);
    drop(client);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn batches_answer_in_order_and_name_their_failures() {
    let world = World::new();
    let (server, mut client) = world.start().await;
    let item = |number: usize| BODY.replace("txn-1", &format!("t{number}")).replace('\n', " ");
    let mut items: Vec<_> = (0..300).map(item).collect();
    items[7] = "{\"transaction\":5}".into();
    let array = format!("[{}]", items.join(",\n"));
    let json = [("content-type", "application/json")];
    let answer = view(&post(&mut client, &json, "/v1/evaluate/batch", &array).await);
    assert_eq!((&answer["total"], &answer["compliant_count"]), (&300.into(), &299.into()));
    assert_eq!((&answer["failed_count"], &answer["results"][7]["index"]), (&1.into(), &7.into()));
    assert_eq!(answer["results"][299]["transaction_id"], "t299");

    let lines = [("content-type", "application/x-ndjson; charset=utf-8")];
    let response = post(&mut client, &lines, "/v1/evaluate/batch", &items.join("\n")).await;
    let text = String::from_utf8(response.body().to_vec()).unwrap();
    let views: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(views.len(), 301);
    assert_eq!(views[8]["transaction_id"], "t8");
    assert_eq!(views[300]["summary"]["failed_count"], 1);
    assert_eq!(server.host.in_flight.available_permits(), 64);

    let many = format!("[{}]", vec!["1"; 10_001].join(","));
    assert_problem(&post(&mut client, &json, "/v1/evaluate/batch", &many).await, 413, "too-large");
    let xml = [("content-type", "text/xml")];
    assert_problem(&post(&mut client, &xml, "/v1/evaluate/batch", "").await, 415, "media-type");
    let large = " ".repeat(2 << 20) + BODY;
    assert_problem(&evaluate(&mut client, &[], &large).await, 413, "too-large");
    drop(client);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_in_flight_is_bounded_and_keys_are_not_worked_on_twice() {
    let mut world = World::new();
    world.options.in_flight_max = 1;
    world.options.deadline = Duration::from_secs(2);
    let (server, mut client) = world.start().await;
    world.enclave.lock().unwrap().silent = true;
    let url = format!("https://{}", server.address).parse().unwrap();
    let ca = world.folder.path().join("data/tls/cert.pem");
    let mut slow = Client::connect(&url, &ca).await.unwrap();
    let keyed = [("idempotency-key", "order-9")];
    let waiting = tokio::spawn(async move { evaluate(&mut slow, &keyed, BODY).await });
    while world.enclave.lock().unwrap().held.is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let refused = evaluate(&mut client, &[], BODY).await;
    assert_problem(&refused, 429, "overloaded");
    assert_eq!(refused.headers()["retry-after"], "1");
    server.host.in_flight.add_permits(1);
    let twice = evaluate(&mut client, &keyed, BODY).await;
    assert_problem(&twice, 409, "idempotency-in-flight");
    assert_problem(&waiting.await.unwrap(), 504, "deadline");
    drop(client);
    server.stop().await.unwrap();
}
