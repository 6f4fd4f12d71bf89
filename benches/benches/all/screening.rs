//! Screening of customers' names against the whole list, beside a scan over every name of it in
//! the same run; identifiers; what the list and its index weigh.

use benches::measure::Bench;
use benches::{names, quantile};
use screen::{Index, Mode, Query, Scratch, Snapshot};
use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

/// The argument with which this binary prints what a list weighs.
pub const MEMORY: &str = "--memory-of-list";
/// Customers, and how many of them the scan is given.
const CUSTOMERS: usize = 1000;
const SCANNED: usize = 40;
const ROUNDS: usize = 5;

/// All of it.
pub fn screening(bench: &mut Bench) {
    let (snapshot, list) = names::snapshot();
    let total = names::listed(&snapshot).len();
    let list = format!("{list}, {total} names");
    let customers = names::customers(&snapshot, CUSTOMERS);
    build(bench, &list, &snapshot);
    let index = Index::build(snapshot.clone());
    for (mode, name, threshold) in [
        (Mode::Default, "default", screen::DEFAULT_THRESHOLD),
        (Mode::Ofac, "ofac", screen::OFAC_THRESHOLD),
        (Mode::JaroWinkler, "jaro-winkler", screen::JARO_WINKLER_THRESHOLD),
    ] {
        let query = |name| Query { name, birth: None, mode, threshold };
        modes(bench, name, &index, &customers, &query);
    }
    let asked = names::identifiers(&snapshot, CUSTOMERS);
    let mut next = asked.iter().cycle();
    bench.row("screen one exact identifier", None, |b| {
        b.iter(|| index.identifier(next.next().expect("endless")));
    });
    memory(bench, &snapshot);
}

fn build(bench: &mut Bench, list: &str, snapshot: &Snapshot) {
    let rounds = if benches::is_quick() { 2 } else { 7 };
    let bytes = snapshot.to_bytes();
    let parse = timed(rounds, || Snapshot::parse(black_box(&bytes)).expect("canonical"));
    bench.figures.add(&format!("{list}: parse and check"), parse, "ms", None);
    let build = timed(rounds, || Index::build(snapshot.clone()));
    bench.figures.add("build the index", build, "ms", Some(("parse", parse)));
}

fn timed<T>(rounds: usize, mut run: impl FnMut() -> T) -> f64 {
    let mut times: Vec<f64> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            let made = run();
            let seconds = start.elapsed().as_secs_f64();
            drop(made);
            seconds * 1000.0
        })
        .collect();
    times.sort_by(f64::total_cmp);
    quantile(&times, 0.5)
}

/// Each customer a few times, its median; of these the median and the 99th percentile.
fn modes<'a>(
    bench: &mut Bench,
    mode: &str,
    index: &Index,
    customers: &'a [String],
    query: &dyn Fn(&'a str) -> Query<'a>,
) {
    let step = customers.len() / SCANNED;
    let scanned: Vec<&String> = customers.iter().step_by(step).collect();
    for name in &scanned {
        let query = query(name);
        assert_eq!(index.screen(&query), index.screen_brute_force(&query), "{name}");
    }
    let scan = each(scanned.iter().map(|name| &***name), 1, |name| {
        drop(black_box(index.screen_brute_force(&query(name))));
    });
    let scan = quantile(&scan, 0.5);
    bench.figures.add(&format!("scan every name, {mode}: median"), scan, "µs", None);
    let all = || customers.iter().map(String::as_str);
    let seen = each(all(), ROUNDS, |name| drop(black_box(index.screen(&query(name)))));
    let hits = all().filter(|name| index.screen(&query(name)).total > 0).count();
    let floor = Some(("scan", scan));
    let name = format!("screen, {mode}, {hits} of {} customers hit: median", customers.len());
    bench.figures.add(&name, quantile(&seen, 0.5), "µs", floor);
    bench.figures.add(&format!("screen, {mode}: p99"), quantile(&seen, 0.99), "µs", floor);
    let mut scratch = Scratch::default();
    let kept = each(all(), ROUNDS, |name| {
        drop(black_box(index.screen_with(&mut scratch, &query(name))));
    });
    let name = format!("screen, {mode}, memory kept between queries: median");
    bench.figures.add(&name, quantile(&kept, 0.5), "µs", floor);
}

/// Sorted microseconds, one for each name: the median of its rounds.
fn each<'a>(
    names: impl Iterator<Item = &'a str>,
    rounds: usize,
    mut ask: impl FnMut(&'a str),
) -> Vec<f64> {
    let names: Vec<&str> = names.collect();
    let mut times = vec![Vec::with_capacity(rounds); names.len()];
    for _ in 0..rounds {
        for (name, times) in names.iter().zip(&mut times) {
            let start = Instant::now();
            ask(name);
            times.push(start.elapsed());
        }
    }
    let median = |times: &mut Vec<Duration>| {
        times.sort();
        times[times.len() / 2].as_secs_f64() * 1e6
    };
    let mut seen: Vec<f64> = times.iter_mut().map(median).collect();
    seen.sort_by(f64::total_cmp);
    seen
}

/// In a process of its own: what earlier groups freed would hide what the list takes.
fn memory(bench: &mut Bench, snapshot: &Snapshot) {
    let file = crate::folder().join("names.cbor");
    std::fs::write(&file, snapshot.to_bytes()).expect("written");
    let exe = std::env::current_exe().expect("own path");
    let out = Command::new(exe).arg(MEMORY).arg(&file).output().expect("it runs");
    let text = String::from_utf8_lossy(&out.stdout);
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|n| n.parse().ok()).collect();
    let [list, index, own, grown] = numbers[..] else { panic!("no figures in {text:?}") };
    bench.figures.add("list in canonical bytes", list, "MiB", None);
    bench.figures.add("index by its own count, without the list", own, "MiB", None);
    let bytes = Some(("its bytes", list));
    bench.figures.add("resident after parsing the list", grown, "MiB", bytes);
    let own = Some(("list and index by their own count", list + own));
    bench.figures.add("resident after building the index too", index, "MiB", own);
}

/// Prints, in MiB: the file, resident growth by list and index, the index's count, by the list.
pub fn print_memory(file: &str) {
    let bytes = std::fs::read(file).expect("a list");
    let before = resident();
    let snapshot = Snapshot::parse(&bytes).expect("canonical");
    let parsed = resident() - before;
    let index = Index::build(snapshot);
    let built = resident() - before;
    let own = index.memory_bytes() as f64 / f64::from(1 << 20);
    println!("{} {built} {own} {parsed}", bytes.len() as f64 / f64::from(1 << 20));
}

/// MiB that this process has in memory.
fn resident() -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|rest| rest.trim().split(' ').next()?.parse::<f64>().ok());
    kib.unwrap_or(f64::NAN) / 1024.0
}
