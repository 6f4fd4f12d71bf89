//! `kill -9` with requests in flight, of the enclave and of the host: whoever waits is told at
//! once, the next boot names the last durable checkpoint, and a key never gets two answers.

use crate::enclave_command_policy::{policy, serve};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hyper::Method;
use proof::BootRecord;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use tests::https::{Answer, Client};
use tests::stack::{Options, Stack, runtime, wait};

/// Requests that are in flight when something is killed.
const IN_FLIGHT: usize = 12;

fn body(n: usize) -> String {
    let path = tests::root().join("tests/requests/cash-deposit.json");
    let text = std::fs::read_to_string(path).expect("a request");
    text.replace("txn-cash-15000", &format!("f{n}"))
}

async fn keyed(client: Client, n: usize) -> std::io::Result<Answer> {
    let key = format!("order-{n}");
    let headers = [("content-type", "application/json"), ("idempotency-key", key.as_str())];
    client.once(Method::POST, "/v1/evaluate", &headers, body(n)).await
}

/// Sends one keyed request each at once.
async fn all(client: Client) -> Vec<std::io::Result<Answer>> {
    let lanes = (0..IN_FLIGHT).map(|n| tokio::spawn(keyed(client.clone(), n)));
    let lanes: Vec<_> = lanes.collect();
    let mut answers = Vec::new();
    for lane in lanes {
        answers.push(lane.await.expect("a lane"));
    }
    answers
}

fn get(stack: &Stack, path: &str) -> Answer {
    let answer = runtime().block_on(stack.client().once(Method::GET, path, &[], ""));
    answer.unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn boots(stack: &Stack) -> Vec<Value> {
    get(stack, "/v1/log").json()["boots"].as_array().expect("boots").clone()
}

/// Boot record of a log, and the proof ids in it.
fn log(stack: &Stack, boot: &Value) -> (BootRecord, Vec<String>) {
    let answer = get(stack, &format!("/v1/log/{}", boot["boot_id"].as_str().expect("an id")));
    let text = String::from_utf8(answer.body.to_vec()).expect("UTF-8");
    let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let first = lines.next().expect("the boot record");
    let record = crypto::from_hex(first["boot_record"].as_str().expect("hex")).expect("hex");
    let proofs = lines.filter_map(|line| line["proof"].as_str().map(str::to_owned));
    let ids = proofs.map(|text| {
        let proof = proof::Proof::parse(&BASE64.decode(text).expect("base64")).expect("a proof");
        crypto::to_hex(&proof.signed.statement().proof_id)
    });
    (BootRecord::parse(&record).expect("sound"), ids.collect())
}

/// Asks every key twice: one proof each, and the second answer is the first again.
fn answered_once(stack: &Stack) -> BTreeSet<String> {
    let ids = |answers: Vec<std::io::Result<Answer>>| -> Vec<(String, bool)> {
        let one = |answer: std::io::Result<Answer>| {
            let answer = answer.expect("an answer");
            assert_eq!(answer.status, 200, "{:?}", answer.body);
            let id = answer.json()["proof_id"].as_str().expect("an id").to_owned();
            (id, answer.headers.contains_key("idempotency-replayed"))
        };
        answers.into_iter().map(one).collect()
    };
    let runtime = runtime();
    let first = ids(runtime.block_on(all(stack.client())));
    let second = ids(runtime.block_on(all(stack.client())));
    for ((first, _), (second, replayed)) in first.iter().zip(&second) {
        assert!(*replayed && first == second, "{first} {second}");
    }
    let ids: BTreeSet<_> = first.into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids.len(), IN_FLIGHT);
    ids
}

#[test]
fn an_enclave_killed_in_flight_answers_no_key_twice() {
    let mut stack = Stack::start(Options { quote_latency_ms: 400, ..Options::default() });
    let runtime = runtime();
    runtime.block_on(keyed(stack.client(), 99)).expect("works");
    let in_flight = runtime.spawn(all(stack.client()));
    std::thread::sleep(Duration::from_millis(150));
    let start = Instant::now();
    stack.kill_simulator();
    for answer in runtime.block_on(in_flight).expect("answers") {
        let answer = answer.expect("an answer");
        assert_eq!(answer.status, 503, "{:?}", answer.body);
        assert!(answer.headers.contains_key("retry-after"));
        assert_eq!(answer.json()["type"], "urn:probity:problem:enclave-lost");
    }
    // While it is gone the next are told at once as well.
    let late = runtime.block_on(keyed(stack.client(), 100)).expect("an answer");
    assert_eq!(late.status, 503, "{:?}", late.body);
    assert!(late.headers.contains_key("retry-after"));
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
    stack.start_simulator();
    wait("the new boot", || get(&stack, "/health/ready").status == 200);
    let ids = answered_once(&stack);
    let boots = boots(&stack);
    assert_eq!(boots.len(), 2);
    let logs = [log(&stack, &boots[0]), log(&stack, &boots[1])];
    let stored: BTreeSet<_> = logs[1].1.iter().cloned().collect();
    assert_eq!(ids, stored, "what was in flight left no proof in the old log");
    assert_eq!(logs[0].1.len(), 1);
}

#[test]
fn a_host_killed_in_flight_answers_no_key_twice() {
    let mut stack = Stack::start(Options { quote_latency_ms: 600, ..Options::default() });
    let runtime = runtime();
    // The quote that is asked for at each connection says how long the log is by then: the gate
    // stays closed until what was in flight is durable.
    stack.kill_host();
    let signer = policy(&stack, "ours", "measurements.json", Some("test-root.pem"));
    stack.options_mut().serve = serve("ours.cose", &signer);
    stack.start_host();
    let in_flight = runtime.spawn(all(stack.client()));
    // Evaluated, and waiting for their quote.
    std::thread::sleep(Duration::from_millis(400));
    stack.kill_host();
    for answer in runtime.block_on(in_flight).expect("answers") {
        assert!(answer.is_err(), "nobody is left to answer: {answer:?}");
    }
    stack.start_host();
    let ids = answered_once(&stack);
    let boots = boots(&stack);
    assert_eq!(boots.len(), 1, "the enclave lived on");
    let (_, stored) = log(&stack, &boots[0]);
    assert_eq!(stored.len(), IN_FLIGHT, "none was evaluated a second time");
    assert_eq!(ids, stored.into_iter().collect());
}

#[test]
fn the_next_boot_names_the_last_durable_checkpoint_of_one_that_was_killed_under_load() {
    let mut stack = Stack::start(Options { quote_latency_ms: 20, ..Options::default() });
    let runtime = runtime();
    for round in 0..3 {
        let client = stack.client();
        let load = runtime.spawn(async move {
            let lane = |lane: usize| {
                let client = client.clone();
                tokio::spawn(async move {
                    let Ok(mut connection) = client.connect().await else { return };
                    for n in 0.. {
                        match connection.evaluate(body(lane * 10_000 + n)).await {
                            Ok(answer) if answer.status == 200 => {}
                            _ => return,
                        }
                    }
                })
            };
            for lane in (0..16).map(lane).collect::<Vec<_>>() {
                lane.await.expect("a lane");
            }
        });
        std::thread::sleep(Duration::from_millis(400));
        stack.kill_simulator();
        stack.start_simulator();
        runtime.block_on(load).expect("load");
        wait("the new boot", || {
            get(&stack, "/health/ready").status == 200 && boots(&stack).len() == round + 2
        });
        let boots = boots(&stack);
        let last = &boots[round]["last_checkpoint"];
        let (record, _) = log(&stack, &boots[round + 1]);
        let previous = record.previous.expect("a boot before");
        assert_eq!(crypto::to_hex(&previous.boot_id), *last["boot_id"].as_str().expect("an id"));
        assert_eq!(previous.size, last["size"].as_u64().expect("a size"));
        assert_eq!(crypto::to_hex(&previous.root), *last["root"].as_str().expect("a root"));
        assert!(previous.size > 1, "there was load");
    }
}
