//! Load over HTTPS on the real binaries, at several latencies of a quote.

use benches::load::{Load, run};
use benches::measure::Bench;
use benches::table::Figures;
use std::time::Duration;

/// Single requests and batches.
pub fn loads(bench: &mut Bench) {
    let figures = &mut bench.figures;
    let quick = benches::is_quick();
    let window = Duration::from_secs(if quick { 4 } else { 10 });
    let warm_up = Duration::from_secs(if quick { 3 } else { 5 });
    // Enough connections that 200 ms quotes leave none of them idle, the same for every latency.
    for quote_ms in [0, 1, 20, 200] {
        eprintln!("load: single requests, {quote_ms} ms a quote");
        let seen = run(Load { quote_ms, connections: 4000, batch: 1, warm_up, window });
        add(figures, &format!("single, 4000 connections, quote {quote_ms} ms"), &seen, quote_ms);
    }
    eprintln!("load: single requests below saturation, 20 ms a quote");
    let seen = run(Load { quote_ms: 20, connections: 256, batch: 1, warm_up, window });
    add(figures, "single, 256 connections, quote 20 ms", &seen, 20);
    for quote_ms in [0, 20, 200] {
        eprintln!("load: batches, {quote_ms} ms a quote");
        let seen = run(Load { quote_ms, connections: 8, batch: 1000, warm_up, window });
        add(figures, &format!("batch of 1000, quote {quote_ms} ms"), &seen, quote_ms);
    }
}

fn add(figures: &mut Figures, name: &str, seen: &benches::load::Seen, quote_ms: u64) {
    let quote = (quote_ms > 0).then_some(("one quote", quote_ms as f64));
    figures.add(&format!("{name}: proofs"), seen.proofs_per_second, "1/s", None);
    figures.add(&format!("{name}: p50"), seen.p50_ms, "ms", quote);
    figures.add(&format!("{name}: p99"), seen.p99_ms, "ms", quote);
    figures.add(&format!("{name}: proofs under one quote"), seen.group, "", None);
}
