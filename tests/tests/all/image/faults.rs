//! `kill -9` of the machine in the middle of a batch: what was answered stays, what was not is
//! asked again, the supervisor brings up the next boot, and its log names the last.

use super::*;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hyper::Method;
use proof::BootRecord;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use tests::image::{Host, Supervised, Tools, release};
use tests::stack::runtime;
use verify::{Materials, Policy, Verifier};

pub(super) const REQUESTS: usize = 200;
const LANES: usize = 10;

/// Request number to the proof it was answered with.
pub(super) type Answered = BTreeMap<usize, String>;

/// Sends every request once, under its own Idempotency-Key; what failed has no entry.
pub(super) fn batch(host: &Host) -> tokio::task::JoinHandle<Answered> {
    let client = host.client();
    let lane = move |lane: usize| {
        let client = client.clone();
        async move {
            let mut answered = Answered::new();
            let Ok(mut connection) = client.connect().await else { return answered };
            for number in (lane..REQUESTS).step_by(LANES) {
                let key = format!("key-{number}");
                let headers = [("content-type", "application/json"), ("idempotency-key", &*key)];
                let body = cash(&format!("t{number}"));
                match connection.send(Method::POST, "/v1/evaluate", &headers, body).await {
                    Ok(answer) if answer.status == 200 => {
                        let id = answer.json()["proof_id"].as_str().expect("an id").to_owned();
                        answered.insert(number, id);
                    }
                    // Clearly refused: the caller asks again.
                    Ok(answer) => assert!([429, 503].contains(&answer.status.as_u16())),
                    Err(_) => match client.connect().await {
                        Ok(again) => connection = again,
                        Err(_) => break,
                    },
                }
            }
            answered
        }
    };
    tokio::spawn(async move {
        let lanes: Vec<_> = (0..LANES).map(|number| tokio::spawn(lane(number))).collect();
        let mut all = Answered::new();
        for lane in lanes {
            all.extend(lane.await.expect("a lane"));
        }
        all
    })
}

/// Boots in the host's log: id and size.
pub(super) fn boots(host: &Host) -> Vec<(String, u64)> {
    let log = host.get("/v1/log").json();
    let boot = |boot: &Value| {
        let id = boot["boot_id"].as_str().expect("an id").to_owned();
        (id, boot["size"].as_u64().expect("a size"))
    };
    log["boots"].as_array().expect("boots").iter().map(boot).collect()
}

/// One boot's log, every proof of it verified: proof ids and the record.
pub(super) fn log(host: &Host, tools: &Tools, boot_id: &str) -> (BTreeSet<String>, BootRecord) {
    let text = host.get(&format!("/v1/log/{boot_id}")).body;
    std::fs::write(host.path("log.ndjson"), &text).expect("written");
    let output = host.verify(&["log", "log.ndjson", "--at", "document"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let text = std::str::from_utf8(&text).expect("UTF-8");
    let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let first = lines.next().expect("the boot record");
    let record = crypto::from_hex(first["boot_record"].as_str().expect("hex")).expect("hex");
    let record = BootRecord::parse(&record).expect("a sound record");
    let config = std::fs::read(host.path("boot.cbor")).expect("the boot configuration");
    let config = rules::BootConfig::parse(&config).expect("sound");
    let (root, known) = (tests::sample::test_root(), release("ours", &tools.eif()));
    let policy = Policy::new(vec![root], VerificationTime::Document, vec![known], config);
    let mut verifier = Verifier::new(policy.expect("sound"));
    let mut ids = BTreeSet::new();
    for proof in lines.filter_map(|line| line["proof"].as_str().map(str::to_owned)) {
        let bytes = BASE64.decode(proof).expect("base64");
        let verified = verifier.verify(&bytes, &Materials::default()).expect("it verifies");
        assert!(ids.insert(crypto::to_hex(&verified.statement().proof_id)), "ids are unique");
    }
    (ids, record)
}

#[test]
fn a_machine_killed_in_a_batch_comes_back_and_nothing_is_answered_twice() {
    let Some(tools) = Tools::find() else { return };
    let supervised = Supervised::start(&tools, &tools.eif(), &[]);
    let mut host = Host::prepare(&tools);
    host.start(supervised.address(), "policy.cose");
    wait_long("the host to trust the enclave", || host.is_ready());
    let runtime = runtime();
    let first = {
        let _inside = runtime.enter();
        batch(&host)
    };
    wait_long("some of the batch to be answered", || boots(&host)[0].1 > 20);
    supervised.kill_qemu();
    let killed = std::time::Instant::now();
    let first = runtime.block_on(first).expect("the batch ends");
    assert!(!first.is_empty() && first.len() < REQUESTS, "{} answered", first.len());
    assert_eq!(host.get("/health/live").status, 200);
    wait_long("the next boot", || host.is_ready());
    let back = killed.elapsed();
    let second = {
        let _inside = runtime.enter();
        batch(&host)
    };
    let second = runtime.block_on(second).expect("the batch ends");
    assert_eq!(second.len(), REQUESTS, "everything is answered now");
    for (number, id) in &first {
        assert_eq!(second.get(number), Some(id), "key-{number} was answered twice");
    }

    let boots = boots(&host);
    assert_eq!(boots.len(), 2, "{boots:?}");
    let (before, _) = log(&host, &tools, &boots[0].0);
    let (after, record) = log(&host, &tools, &boots[1].0);
    let previous = record.previous.expect("a boot before");
    assert_eq!(crypto::to_hex(&previous.boot_id), boots[0].0);
    assert_eq!(previous.size, boots[0].1, "the record names the last checkpoint");
    assert!(before.is_disjoint(&after));
    let all: BTreeSet<_> = before.union(&after).collect();
    let lost: Vec<_> =
        first.values().chain(second.values()).filter(|id| !all.contains(id)).collect();
    assert!(lost.is_empty(), "answered and not in a log: {lost:?}");
    assert_eq!(all.len(), REQUESTS, "one proof for each key");
    assert_eq!(supervised.status()["restarts"], 1);
    println!(
        "{} answered before the kill, {} logged in the first boot; back after {back:?}",
        first.len(),
        before.len()
    );
}
