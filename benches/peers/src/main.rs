//! `make bench`, the part with other engines: the same eight decisions in CEL (crate `cel`), in
//! Rego (crate `regorus`) and in ours; our own modules in a second Wasm engine (wasmtime). No peer
//! is timed before its answers equal ours, and no row is left out because a peer is faster.
//!
//! `peers FOLDER` writes `FOLDER/summary.json`; it exits with 1 when the two Wasm engines differ.

mod agree;
mod cel;
mod input;
mod rego;
mod second;

use benches::eight;
use benches::measure::Bench;
use rules::Outcome;
use second::{Second, Way};
use std::hint::black_box;
use std::path::PathBuf;
use std::process::ExitCode;
use vm::Program;

/// Random requests on which each peer's answers are held against ours before anything is timed.
const CHECKED: u64 = 300;

fn main() -> ExitCode {
    let Some(folder) = std::env::args().nth(1).map(PathBuf::from) else {
        eprintln!("peers: expected a folder for the figures");
        return ExitCode::from(2);
    };
    if let Err(difference) = agree::all() {
        eprintln!("{difference}");
        return ExitCode::FAILURE;
    }
    let mut bench = Bench::new(&folder);
    bench.figures.start("peers");
    compare(&mut bench);
    let json = bench.figures.json(&benches::machine());
    let written = std::fs::write(folder.join("summary.json"), format!("{json:#}\n"));
    println!("\n{}", bench.figures.table());
    written.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
}

fn compare(bench: &mut Bench) {
    let pack = eight::pack();
    let program = tests::rulebook::program(&pack);
    let bundle = pack.bundle(1, tests::world::ISSUED_AT);
    let selection = eight::selection(&program);
    let fresh = Second::new(&bundle, Way::Fresh);
    let pooled = Second::new(&bundle, Way::Pooled);
    let (cel, mut rego) = (cel::Rules::compile(), rego::Rules::compile());
    check(&program, &fresh, &cel, &mut rego);

    let body = eight::body(eight::ROWS);
    let (request, record) = eight::record(&body);
    let ours = bench.row("8 rules, 50 rows: ours, wasmi", None, |b| {
        b.iter(|| program.run(black_box(&selection), &record));
    });
    let floor = Some(("ours", ours));
    bench.row("8 rules, 50 rows: our modules, wasmtime", floor, |b| {
        b.iter(|| fresh.outcomes(black_box(&record)));
    });
    bench.row("8 rules, 50 rows: our modules, wasmtime, pooled", floor, |b| {
        b.iter(|| pooled.outcomes(black_box(&record)));
    });
    let plain = input::of(&request);
    let context = cel.context(&plain);
    bench.row("8 rules, 50 rows: CEL, cel 0.15.0, integers", floor, |b| {
        b.iter(|| cel.outcomes(black_box(&context)));
    });
    let value = rego::value(&plain);
    bench.row("8 rules, 50 rows: Rego, regorus 0.14.1, integers", floor, |b| {
        b.iter(|| rego.interpret(black_box(&value)));
    });
    bench.row("8 rules, 50 rows: Rego, regorus 0.14.1 compiled, integers", floor, |b| {
        b.iter(|| rego.run(black_box(&value)));
    });
    let ours = bench.row("JSON to facts, 50 rows: ours, checked and typed", None, |b| {
        b.iter(|| eight::record(black_box(&body)));
    });
    let text = plain.to_string();
    bench.row("JSON to facts, 50 rows: CEL, untyped", Some(("ours", ours)), |b| {
        b.iter(|| cel.context(&serde_json::from_str(black_box(&text)).expect("JSON")));
    });
    bench.row("JSON to facts, 50 rows: Rego, untyped", Some(("ours", ours)), |b| {
        b.iter(|| rego::parse(black_box(&text)));
    });
}

/// All engines say the same of the request that is timed and of random ones.
fn check(program: &Program, second: &Second, cel: &cel::Rules, rego: &mut rego::Rules) {
    let mut seen = std::collections::BTreeSet::new();
    let timed = [eight::body(0), eight::body(eight::ROWS)];
    for body in timed.into_iter().chain((1..CHECKED).map(eight::random_body)) {
        let (request, record) = eight::record(&body);
        let run = program.run(&eight::selection(program), &record);
        let ours: Vec<Outcome> = run.results.iter().map(|result| result.outcome).collect();
        let plain = input::of(&request);
        let value = rego::value(&plain);
        assert_eq!(second.outcomes(&record), ours, "wasmtime: {body}");
        assert_eq!(cel.outcomes(&cel.context(&plain)), ours, "CEL: {body}");
        assert_eq!(rego.interpret(&value), ours, "Rego: {body}");
        assert_eq!(rego.run(&value), ours, "Rego, compiled: {body}");
        seen.extend(ours.iter().enumerate().map(|(rule, outcome)| (rule, outcome.code())));
    }
    assert!(seen.len() >= 16, "each rule must come out both ways, seen: {seen:?}");
    println!("{CHECKED} requests: cel, regorus, wasmtime and ours agree on 8 outcomes each");
}
