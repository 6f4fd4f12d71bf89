//! Load over HTTPS on a running stack: many connections, each with one request at a time, or
//! batches. Only requests that finish inside the measured window count.

use crate::quantile;
use hyper::Method;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tests::stack::{Options, Stack};

/// What one load run saw.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Proofs a second.
    pub proofs_per_second: f64,
    /// Median latency of a request, milliseconds.
    pub p50_ms: f64,
    /// 99th percentile, milliseconds.
    pub p99_ms: f64,
    /// Proofs under one quote, on average.
    pub group: f64,
}

/// How a load run is made.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Latency of a quote, milliseconds.
    pub quote_ms: u64,
    /// Connections.
    pub connections: usize,
    /// Requests in a batch; 1 uses the single endpoint.
    pub batch: usize,
    /// Before the window, so that connections and caches are warm.
    pub warm_up: Duration,
    /// The window.
    pub window: Duration,
}

/// The request of the load: a cash deposit with a number as its id.
pub fn body(n: u64) -> String {
    format!(
        "{{\"transaction\":{{\"id\":\"load-{n}\",\"type\":\"cash_deposit\",\"amount\":\"15000.00\",\
         \"currency\":\"USD\",\"source\":{{\"account\":\"acct-001\",\"country\":\"US\"}},\
         \"destination\":{{\"account\":\"acct-002\",\"country\":\"US\"}}}},\
         \"jurisdictions\":[\"US\"],\"domains\":[\"AML\",\"SANCTIONS\"]}}"
    )
}

/// Runs one load on a stack of its own.
pub fn run(load: Load) -> Seen {
    let limits = ["--in-flight-max", "20000", "--connections-max", "5000"];
    let serve = limits.map(str::to_owned).to_vec();
    let stack =
        Stack::start(Options { quote_latency_ms: load.quote_ms, serve, ..Options::default() });
    let runtime = tests::stack::runtime();
    let before = log(&stack);
    let (latencies, seconds) = runtime.block_on(drive(&stack, load));
    let after = log(&stack);
    let mut sorted: Vec<f64> = latencies.iter().map(|d| d.as_secs_f64() * 1000.0).collect();
    sorted.sort_by(f64::total_cmp);
    Seen {
        proofs_per_second: (latencies.len() * load.batch) as f64 / seconds,
        p50_ms: quantile(&sorted, 0.5),
        p99_ms: quantile(&sorted, 0.99),
        group: (after.0 - before.0) / (after.1 - before.1).max(1.0),
    }
}

/// Leaves and quotes of the newest boot.
fn log(stack: &Stack) -> (f64, f64) {
    let answer = tests::stack::runtime()
        .block_on(stack.client().once(Method::GET, "/v1/log", &[], ""))
        .expect("the log");
    let log = answer.json();
    let boot = log["boots"].as_array().and_then(|boots| boots.last().cloned()).unwrap_or_default();
    let number = |key: &str| boot[key].as_f64().unwrap_or(f64::NAN);
    (number("size"), number("quotes"))
}

async fn drive(stack: &Stack, load: Load) -> (Vec<Duration>, f64) {
    let (counting, stop) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let next = Arc::new(AtomicU64::new(0));
    let mut lanes = Vec::new();
    for _ in 0..load.connections {
        let connection = stack.client().connect().await.expect("a connection");
        let shared = (counting.clone(), stop.clone(), next.clone());
        lanes.push(tokio::spawn(lane(connection, load.batch, shared)));
    }
    tokio::time::sleep(load.warm_up).await;
    let start = Instant::now();
    counting.store(true, Ordering::Relaxed);
    tokio::time::sleep(load.window).await;
    counting.store(false, Ordering::Relaxed);
    let seconds = start.elapsed().as_secs_f64();
    stop.store(true, Ordering::Relaxed);
    let mut latencies = Vec::new();
    for lane in lanes {
        latencies.extend(lane.await.expect("a lane"));
    }
    (latencies, seconds)
}

type Shared = (Arc<AtomicBool>, Arc<AtomicBool>, Arc<AtomicU64>);

async fn lane(
    mut connection: tests::https::Connection,
    batch: usize,
    (counting, stop, next): Shared,
) -> Vec<Duration> {
    let mut latencies = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let first = next.fetch_add(batch as u64, Ordering::Relaxed);
        let start = Instant::now();
        let answer = if batch == 1 {
            connection.evaluate(body(first)).await
        } else {
            let lines: Vec<_> = (first..first + batch as u64).map(body).collect();
            let kind = [("content-type", "application/x-ndjson")];
            let path = "/v1/evaluate/batch";
            connection.send(Method::POST, path, &kind, lines.join("\n")).await
        };
        let answer = answer.expect("an answer");
        assert_eq!(answer.status, 200, "{:?}", answer.body);
        if counting.load(Ordering::Relaxed) {
            latencies.push(start.elapsed());
        }
    }
    latencies
}
