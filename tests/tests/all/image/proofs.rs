//! The main job: boot under the supervisor, evaluate over HTTPS, verify with files alone; how the
//! enclave is confined, and what memory it takes.

use super::*;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tests::image::{Host, Supervised, Tools};
use tests::stack::runtime;

const EVALUATIONS: usize = 1000;
const LANES: usize = 16;
/// More memory than this between rest and load would be a leak.
const GROWTH_BYTES_MAX: u64 = 64 << 20;

fn used(health: &Value) -> u64 {
    let bytes = |name: &str| health[name].as_u64().unwrap_or_else(|| panic!("{name}: {health}"));
    bytes("memory_total_bytes") - bytes("memory_free_bytes")
}

#[test]
fn the_image_gives_a_proof_that_verifies_under_its_measurements() {
    let Some(tools) = Tools::find() else { return };
    let supervised = Supervised::start(&tools, &tools.eif(), &[]);
    let mut host = Host::prepare(&tools);
    host.start(supervised.address(), "policy.cose");
    wait_long("the host to trust the enclave", || host.is_ready());
    let rest = supervised.status()["health"].clone();
    confined(&rest);

    let body = cash("txn-of-the-image");
    let client = host.client();
    let answer = runtime().block_on(async { client.connect().await?.evaluate(body.clone()).await });
    let answer = answer.expect("an answer");
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    let answer = answer.json();
    let proof = host.proof(answer["proof_id"].as_str().expect("an id"));
    std::fs::write(host.path("proof.cbor"), proof).expect("written");
    std::fs::write(host.path("input.json"), body).expect("written");
    let salt = answer["salt"].as_str().expect("a salt");
    let materials = ["--rules", "bundle.cose", "--input", "input.json", "--salt", salt];
    let output = host.verify(&[&["proof", "proof.cbor"], &materials[..]].concat());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{errors}");
    let verdict: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(verdict["replayed"], true);
    assert_eq!(verdict["evidence"]["root"]["built_in"], false, "it is the test root");
    let pcr0 = tests::image::read(&tools.eif()).measurements().pcr0;
    assert!(verdict.to_string().contains(&crypto::to_hex(&pcr0)), "{verdict}");

    let most = load(&host, &supervised);
    let loaded = supervised.status()["health"].clone();
    assert!(loaded["evaluations"].as_u64() > Some(EVALUATIONS as u64), "{loaded}");
    table(&rest, most, &loaded);
    assert!(most.max(used(&loaded)) < used(&rest) + GROWTH_BYTES_MAX, "{rest} {most} {loaded}");
}

/// What the enclave says of itself; that each is so is shown by the tests of `init`.
fn confined(health: &Value) {
    assert_eq!(health["first_process"], true, "{health}");
    let held: Vec<_> = health["confinement"].as_array().expect("a list").iter().collect();
    for by in [
        "read-only root",
        "read-only devices",
        "no core dumps",
        "memory limit",
        "no network",
        "not root",
        "no new privileges",
        "syscall filter",
    ] {
        assert!(held.iter().any(|held| *held == by), "{by} is missing: {held:?}");
    }
    let limit = health["memory_limit_bytes"].as_u64().expect("a limit");
    assert!(limit <= health["memory_total_bytes"].as_u64().expect("a size"));
}

/// A thousand evaluations, all answered; the most memory that the guest used meanwhile.
fn load(host: &Host, supervised: &Supervised) -> u64 {
    let next = Arc::new(AtomicUsize::new(0));
    let client = host.client();
    let start = std::time::Instant::now();
    let runtime = runtime();
    let lanes = (0..LANES).map(|_| {
        let (client, next) = (client.clone(), next.clone());
        runtime.spawn(async move {
            let mut connection = client.connect().await.expect("connects");
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= EVALUATIONS {
                    break;
                }
                let answer = connection.evaluate(cash(&format!("load-{number}"))).await;
                let answer = answer.expect("an answer");
                assert_eq!(answer.status, 200, "{:?}", answer.body);
            }
        })
    });
    let lanes: Vec<_> = lanes.collect();
    let (mut most, mut looks) = (0, 0);
    while !lanes.iter().all(|lane| lane.is_finished()) {
        // A guest that is too busy to answer in time is asked again.
        let health = supervised.status()["health"].clone();
        if health.is_object() {
            (most, looks) = (most.max(used(&health)), looks + 1);
        }
    }
    for lane in lanes {
        runtime.block_on(lane).expect("a lane");
    }
    println!("{EVALUATIONS} evaluations over HTTPS in {:?}, {LANES} at a time", start.elapsed());
    assert!(looks > 0, "nobody looked at the guest under load");
    most
}

fn table(rest: &Value, most: u64, loaded: &Value) {
    println!("under software emulation, from the start of the kernel's clock:");
    for name in ["kernel_ms", "serving_ms", "booted_ms", "first_quote_ms"] {
        println!("  {name:<16} {}", rest[name]);
    }
    let total = rest["memory_total_bytes"].as_u64().unwrap_or_default();
    println!("memory that the guest uses of {} KiB:", total >> 10);
    println!("  at rest                         {:>8} KiB", used(rest) >> 10);
    println!("  most during {EVALUATIONS} evaluations     {:>8} KiB", most >> 10);
    println!("  after them                      {:>8} KiB", used(loaded) >> 10);
}
