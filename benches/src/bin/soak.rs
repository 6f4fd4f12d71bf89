//! `make soak`: 100,000 evaluations under load over HTTPS, then the whole log exported and
//! audited: every proof verifies, indexes have no gap, any two quotes are consistent.

use benches::load::body;
use hyper::Method;
use std::time::Instant;
use tests::stack::{Options, Stack, runtime};

/// Evaluations, unless the first argument says otherwise.
const EVALUATIONS: u64 = 100_000;
/// Connections that share them.
const CONNECTIONS: u64 = 64;

fn main() {
    let total = std::env::args().nth(1).and_then(|n| n.parse().ok()).unwrap_or(EVALUATIONS);
    let stack = Stack::start(Options { quote_latency_ms: 20, ..Options::default() });
    let runtime = runtime();
    let start = Instant::now();
    runtime.block_on(async {
        let mut lanes = Vec::new();
        for lane in 0..CONNECTIONS {
            let mut connection = stack.client().connect().await.expect("a connection");
            lanes.push(tokio::spawn(async move {
                for n in (lane..total).step_by(CONNECTIONS as usize) {
                    let answer = connection.evaluate(body(n)).await.expect("an answer");
                    assert_eq!(answer.status, 200, "{:?}", answer.body);
                }
            }));
        }
        for lane in lanes {
            lane.await.expect("a lane");
        }
    });
    println!("{total} evaluations answered in {:.1} s", start.elapsed().as_secs_f64());
    let get = |path: String| {
        let answer = runtime.block_on(stack.client().once(Method::GET, &path, &[], ""));
        answer.expect("an answer")
    };
    let log = get("/v1/log".into()).json();
    let boot = log["boots"][0]["boot_id"].as_str().expect("a boot").to_owned();
    let start = Instant::now();
    let export = get(format!("/v1/log/{boot}"));
    std::fs::write(stack.path("log.ndjson"), &export.body).expect("written");
    println!("{} bytes exported in {:.1} s", export.body.len(), start.elapsed().as_secs_f64());
    let start = Instant::now();
    let output = stack.run(
        "probity-verify",
        &[
            "log",
            "log.ndjson",
            "--root",
            "test-root.pem",
            "--boot",
            "boot.cbor",
            "--measurements",
            "measurements.json",
            "--at",
            "document",
        ],
    );
    print!("{}", String::from_utf8_lossy(&output.stdout));
    println!("audited in {:.1} s", start.elapsed().as_secs_f64());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
