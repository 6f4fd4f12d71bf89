//! Things that go wrong: processes that are killed, a full disk, a slow device, too many
//! requests. Nothing that was answered is lost, nothing hangs, nothing is answered twice.

use attest::VerificationTime;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hyper::Method;
use proof::BootRecord;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tests::https::Client;
use tests::stack::{Options, Stack, runtime, wait};
use verify::{LogAudit, Materials, Verifier};

fn body(n: usize) -> String {
    let path = tests::root().join("tests/requests/cash-deposit.json");
    let text = std::fs::read_to_string(path).expect("a request");
    text.replace("txn-cash-15000", &format!("t{n}"))
}

fn get(stack: &Stack, path: &str) -> (u16, Vec<u8>) {
    let answer = runtime().block_on(stack.client().once(Method::GET, path, &[], ""));
    let answer = answer.unwrap_or_else(|error| panic!("{path}: {error}"));
    (answer.status.as_u16(), answer.body.to_vec())
}

/// Boots of the log, oldest first: (boot id, size).
fn boots(stack: &Stack) -> Vec<(String, u64)> {
    let (status, body) = get(stack, "/v1/log");
    assert_eq!(status, 200);
    let log: Value = serde_json::from_slice(&body).expect("JSON");
    let boot = |boot: &Value| {
        let id = boot["boot_id"].as_str().expect("an id").to_owned();
        (id, boot["size"].as_u64().expect("a size"))
    };
    log["boots"].as_array().expect("boots").iter().map(boot).collect()
}

/// Exports and audits one boot's log; returns proof ids by index, and the record.
fn audit(stack: &Stack, boot_id: &str) -> (BTreeMap<u64, String>, BootRecord) {
    let (status, body) = get(stack, &format!("/v1/log/{boot_id}"));
    assert_eq!(status, 200);
    let text = String::from_utf8(body).expect("UTF-8");
    std::fs::write(stack.path("log.ndjson"), &text).expect("written");
    let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let first = lines.next().expect("the boot record");
    let record = crypto::from_hex(first["boot_record"].as_str().expect("hex")).expect("hex");
    let record = BootRecord::parse(&record).expect("sound record");
    let expected = std::fs::read(stack.path("boot.cbor")).expect("boot configuration");
    let expected = rules::BootConfig::parse(&expected).expect("sound").hash();
    let mut audit = LogAudit::open(&record, expected).expect("this configuration's log");
    let mut verifier = Verifier::new(stack.policy(VerificationTime::Document));
    let mut ids = BTreeMap::new();
    let mut size = 0;
    for line in lines {
        if let Some(end) = line["size"].as_u64() {
            size = end;
            continue;
        }
        let bytes = BASE64.decode(line["proof"].as_str().expect("a proof")).expect("base64");
        let verified =
            verifier.verify(&bytes, &Materials::default()).expect("every proof verifies");
        audit.push(&verified).expect("no gap");
        let id = crypto::to_hex(&verified.statement().proof_id);
        ids.insert(verified.inclusion().index, id);
    }
    let summary = audit.finish().expect("every quote is consistent");
    assert_eq!(summary.proofs, ids.len() as u64);
    assert_eq!(size, summary.proofs + 1, "the export is whole");
    let arguments = ["log", "log.ndjson", "--root", "test-root.pem", "--boot", "boot.cbor"];
    let more = ["--measurements", "measurements.json", "--at", "document", "--json"];
    let output = stack.run("probity-verify", &[&arguments[..], &more].concat());
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    (ids, record)
}

/// Load from many connections until told to stop; returns ids that were answered.
async fn load(client: Client, stop: Arc<AtomicBool>, connections: usize) -> BTreeSet<String> {
    let tasks: Vec<_> = (0..connections)
        .map(|lane| {
            let (client, stop) = (client.clone(), stop.clone());
            tokio::spawn(async move {
                let mut answered = Vec::new();
                let Ok(mut connection) = client.connect().await else { return answered };
                let mut n = lane * 1_000_000;
                while !stop.load(Ordering::Relaxed) {
                    n += 1;
                    match connection.evaluate(body(n)).await {
                        Ok(answer) if answer.status == 200 => {
                            let id = answer.json()["proof_id"].as_str().map(str::to_owned);
                            answered.push(id.expect("an id"));
                        }
                        Ok(answer) => assert!(answer.status.as_u16() >= 429, "{answer:?}"),
                        Err(_) => break,
                    }
                }
                answered
            })
        })
        .collect();
    let mut all = BTreeSet::new();
    for task in tasks {
        all.extend(task.await.expect("a lane"));
    }
    all
}

#[test]
fn a_host_killed_under_load_loses_no_answered_proof() {
    let mut stack = Stack::start(Options { quote_latency_ms: 10, ..Options::default() });
    let runtime = runtime();
    let mut answered = BTreeSet::new();
    for _ in 0..3 {
        let stop = Arc::new(AtomicBool::new(false));
        let lanes = runtime.spawn(load(stack.client(), stop.clone(), 32));
        std::thread::sleep(Duration::from_millis(700));
        stack.kill_host();
        stop.store(true, Ordering::Relaxed);
        answered.extend(runtime.block_on(lanes).expect("load"));
        stack.start_host();
    }
    assert!(answered.len() > 50, "{} answers are no load", answered.len());
    let boots = boots(&stack);
    assert_eq!(boots.len(), 1, "the enclave never stopped");
    let (ids, _) = audit(&stack, &boots[0].0);
    let stored: BTreeSet<_> = ids.values().cloned().collect();
    let lost: Vec<_> = answered.difference(&stored).collect();
    assert!(lost.is_empty(), "answered and lost: {lost:?}");
    println!("{} answered, {} in the log", answered.len(), stored.len());
}

#[test]
fn an_enclave_that_dies_fails_requests_clearly_and_the_next_log_names_the_last() {
    let mut stack = Stack::start(Options { quote_latency_ms: 300, ..Options::default() });
    let runtime = runtime();
    let client = stack.client();
    runtime.block_on(async { client.connect().await?.evaluate(body(0)).await }).expect("works");
    let last = boots(&stack);
    let in_flight = runtime.spawn(async move {
        let lanes = (1..=20).map(|n| {
            let client = client.clone();
            tokio::spawn(async move { client.connect().await?.evaluate(body(n)).await })
        });
        let lanes: Vec<_> = lanes.collect();
        let mut answers = Vec::new();
        for lane in lanes {
            answers.push(lane.await.expect("a lane").expect("an answer"));
        }
        answers
    });
    std::thread::sleep(Duration::from_millis(100));
    stack.kill_simulator();
    let start = Instant::now();
    let answers = runtime.block_on(in_flight).expect("answers");
    assert!(start.elapsed() < Duration::from_secs(5), "nothing hangs");
    assert_eq!(answers.len(), 20);
    for answer in &answers {
        assert_eq!(answer.status, 503, "{:?}", answer.body);
        assert!(answer.json()["type"].as_str().expect("a type").contains("enclave"));
    }
    assert_eq!(get(&stack, "/health/live").0, 200);
    assert_eq!(get(&stack, "/health/ready").0, 503);
    stack.start_simulator();
    wait("the new boot", || get(&stack, "/health/ready").0 == 200);
    let client = stack.client();
    let answer = runtime.block_on(async { client.connect().await?.evaluate(body(99)).await });
    assert_eq!(answer.expect("an answer").status, 200);
    let now = boots(&stack);
    assert_eq!(now.len(), 2);
    let (_, record) = audit(&stack, &now[1].0);
    let previous = record.previous.expect("a boot before");
    assert_eq!(crypto::to_hex(&previous.boot_id), last[0].0);
    assert_eq!(previous.size, last[0].1);
    audit(&stack, &now[0].0);
}

#[test]
fn too_many_requests_are_told_so() {
    let serve = ["--in-flight-max", "8"].map(str::to_owned).to_vec();
    let stack = Stack::start(Options { quote_latency_ms: 400, serve, ..Options::default() });
    let runtime = runtime();
    let client = stack.client();
    let statuses = runtime.block_on(async move {
        let lanes = (0..60).map(|n| {
            let client = client.clone();
            tokio::spawn(async move { client.connect().await?.evaluate(body(n)).await })
        });
        let lanes: Vec<_> = lanes.collect();
        let mut statuses = BTreeMap::<u16, usize>::new();
        for lane in lanes {
            let answer = lane.await.expect("a lane").expect("an answer");
            if answer.status == 429 {
                assert!(answer.headers.contains_key("retry-after"));
            }
            *statuses.entry(answer.status.as_u16()).or_default() += 1;
        }
        statuses
    });
    assert!(statuses.get(&200).is_some_and(|n| *n >= 8), "{statuses:?}");
    assert!(statuses.get(&429).is_some_and(|n| *n > 0), "{statuses:?}");
    assert_eq!(statuses.values().sum::<usize>(), 60);
    assert_eq!(statuses.len(), 2, "{statuses:?}");
}

#[test]
fn a_slow_device_meets_the_deadline_and_the_late_proof_is_kept() {
    let serve = ["--deadline", "1s"].map(str::to_owned).to_vec();
    let stack = Stack::start(Options { quote_latency_ms: 2500, serve, ..Options::default() });
    let client = stack.client();
    let answer = runtime().block_on(async { client.connect().await?.evaluate(body(1)).await });
    let answer = answer.expect("an answer");
    assert_eq!(answer.status, 504, "{:?}", answer.body);
    wait("the late proof", || boots(&stack)[0].1 == 2);
    let (ids, _) = audit(&stack, &boots(&stack)[0].0);
    assert_eq!(ids.len(), 1);
}

#[test]
fn a_full_disk_stops_answers_and_loses_nothing() {
    let mut stack = Stack::start(Options::default());
    let runtime = runtime();
    let used = std::fs::metadata(stack.path("data/probity.redb")).expect("store").len();
    stack.kill_host();
    stack.options_mut().file_kib_max = Some(used / 1024 + 256);
    stack.start_host();
    let client = stack.client();
    let (mut answered, mut refused) = (BTreeSet::new(), 0);
    runtime.block_on(async {
        let mut connection = client.connect().await.expect("connects");
        for n in 0..3000 {
            let answer = connection.evaluate(body(n)).await.expect("an answer, never a hang");
            if answer.status == 200 {
                answered.insert(answer.json()["proof_id"].as_str().expect("an id").to_owned());
                continue;
            }
            assert_eq!(answer.status, 503, "{:?}", answer.body);
            refused += 1;
            if refused == 3 {
                break;
            }
        }
    });
    assert_eq!(refused, 3, "the disk never filled after {} answers", answered.len());
    assert_eq!(get(&stack, "/health/ready").0, 503);
    stack.kill_host();
    stack.options_mut().file_kib_max = None;
    stack.start_host();
    let (ids, _) = audit(&stack, &boots(&stack)[0].0);
    let stored: BTreeSet<_> = ids.values().cloned().collect();
    assert!(answered.is_subset(&stored), "answered and lost");
    println!("{} answered before the disk was full, {} in the log", answered.len(), stored.len());
}

#[test]
fn rules_that_nobody_confirms_any_more_are_said_to_be_so_and_then_refused() {
    let hour: i64 = 3_600_000;
    // The freshness statement is of now; the device lives later. 23 h: offline. 49 h: refused.
    let offline = Stack::start(Options { clock_offset_ms: 23 * hour, ..Options::default() });
    let client = offline.client();
    let answer = runtime().block_on(async { client.connect().await?.evaluate(body(1)).await });
    let answer = answer.expect("an answer");
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    assert_eq!(answer.json()["offline_evaluation"], true);
    drop(offline);
    let mut stack = Stack::start(Options::default());
    stack.kill_host();
    stack.kill_simulator();
    stack.options_mut().clock_offset_ms = 49 * hour;
    stack.start_simulator();
    stack.spawn_host();
    let client = stack.client();
    let answer = runtime().block_on(async { client.connect().await?.evaluate(body(1)).await });
    assert_eq!(answer.expect("an answer").status, 503);
    assert_eq!(get(&stack, "/health/ready").0, 503);
}
