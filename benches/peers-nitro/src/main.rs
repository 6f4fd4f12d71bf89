//! `make bench`, the part with other verifiers of Nitro documents: which documents each accepts,
//! and what one verification costs. Each moment is judged in a process of its own whose clock
//! stands there, because some peers take the time from the system.
//!
//! `peers-nitro FOLDER` writes `FOLDER/summary.json` and `FOLDER/verdicts.json`; it exits with 1
//! when ours is wrong about a case.

mod cases;
mod peers;

use cases::{Case, Group};
use peers::{PEERS, Warm};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

/// Verifications of one document for each figure.
const RUNS: usize = 40;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [folder] => compare(Path::new(folder)),
        [word, moment] if word == "judge" => {
            println!("{}", judge(moment.parse().expect("a moment")));
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("peers-nitro: expected a folder for the figures");
            ExitCode::from(2)
        }
    }
}

/// All verdicts and times at one moment.
fn judge(moment: u64) -> Value {
    std::panic::set_hook(Box::new(|_| ()));
    let mut verdicts = BTreeMap::new();
    let mut times: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for case in cases::all().iter().filter(|case| case.time_ms == moment) {
        let mut said = BTreeMap::new();
        for peer in PEERS.iter().filter(|peer| peer.any_root || case.root.is_none()) {
            let verdict = catch_unwind(AssertUnwindSafe(|| (peer.accepts)(case)));
            said.insert(
                peer.name,
                verdict.map_or("panics", |ok| if ok { "accepts" } else { "refuses" }),
            );
        }
        if case.group == Group::Real && case.refused_by.is_none() {
            time(case, &said, &mut times);
        }
        verdicts.insert(case.name.clone(), said);
    }
    json!({ "verdicts": verdicts, "times": times })
}

/// Adds microseconds of each run; in turns, so that a busy machine is busy for all of them.
fn time(case: &Case, said: &BTreeMap<&str, &str>, times: &mut BTreeMap<String, Vec<f64>>) {
    let mut warm = Warm::of(case);
    let mut add = |name: &str, accepts: &mut dyn FnMut() -> bool| {
        let start = Instant::now();
        assert!(accepts(), "a verdict that changes");
        let spent = start.elapsed().as_secs_f64() * 1e6;
        times.entry(name.to_owned()).or_default().push(spent);
    };
    for _ in 0..RUNS {
        for peer in PEERS.iter().filter(|peer| said.get(peer.name) == Some(&"accepts")) {
            add(peer.name, &mut || (peer.accepts)(case));
        }
        add(WARM, &mut || warm.accepts(case));
    }
}

fn compare(folder: &Path) -> ExitCode {
    let cases = cases::all();
    let moments: BTreeSet<u64> = cases.iter().map(|case| case.time_ms).collect();
    let own = std::env::current_exe().expect("this program");
    let mut verdicts: BTreeMap<String, Value> = BTreeMap::new();
    let mut times: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for moment in &moments {
        let mut command = Command::new(&own);
        command.args(["judge", &moment.to_string()]).env("CLOCK_MS", moment.to_string());
        let out = command.env("LD_PRELOAD", env!("CLOCK_LIBRARY")).output().expect("it runs");
        let said: Value = serde_json::from_slice(&out.stdout).expect("JSON of the judge");
        for (name, verdict) in said["verdicts"].as_object().into_iter().flatten() {
            verdicts.insert(name.clone(), verdict.clone());
        }
        for (name, values) in said["times"].as_object().into_iter().flatten() {
            let values = values.as_array().into_iter().flatten().filter_map(Value::as_f64);
            times.entry(name.clone()).or_default().extend(values);
        }
    }
    let wrong: Vec<_> = cases.iter().filter(|case| !is_right(case, &verdicts, "ours")).collect();
    for case in &wrong {
        eprintln!("ours is wrong about {}: expected {:?}", case.name, case.refused_by);
    }
    let mut rows = times_rows(times);
    rows.extend(PEERS.iter().flat_map(|peer| verdict_rows(peer, &cases, &verdicts)));
    print_table(&cases, &verdicts);
    let table: Vec<Value> = cases
        .iter()
        .map(|case| {
            let (name, said) = (&case.name, &verdicts[&case.name]);
            json!({ "case": name, "refused_by": case.refused_by, "said": said })
        })
        .collect();
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| {
            std::fs::write(folder.join("verdicts.json"), format!("{:#}\n", json!(table)))
        })
        .and_then(|()| {
            let summary = json!({ "figures": rows });
            std::fs::write(folder.join("summary.json"), format!("{summary:#}\n"))
        });
    if wrong.is_empty() && written.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn said<'a>(case: &Case, verdicts: &'a BTreeMap<String, Value>, peer: &str) -> Option<&'a str> {
    verdicts.get(&case.name)?[peer].as_str()
}

fn is_right(case: &Case, verdicts: &BTreeMap<String, Value>, peer: &str) -> bool {
    let expected = if case.refused_by.is_none() { "accepts" } else { "refuses" };
    said(case, verdicts, peer) == Some(expected)
}

fn times_rows(mut times: BTreeMap<String, Vec<f64>>) -> Vec<Value> {
    let figures: Vec<(String, f64, f64)> = std::iter::once("ours")
        .chain([WARM])
        .chain(PEERS.iter().skip(1).map(|peer| peer.name))
        .filter_map(|name| {
            let values = times.get_mut(name)?;
            values.sort_by(f64::total_cmp);
            Some((name.to_owned(), values[values.len() / 2], values[0]))
        })
        .collect();
    let ours = figures.first().map_or(f64::NAN, |(_, median, _)| *median);
    let row = |(name, median, fastest): &(String, f64, f64)| {
        let floor = (name != "ours").then(|| json!({ "name": "ours, cold", "median": ours }));
        let name =
            format!("real Nitro document: {}", if name == "ours" { "ours, cold" } else { name });
        figure(&name, *median, Some(*fastest), "µs", floor)
    };
    figures.iter().map(row).collect()
}

/// Right verdicts, and hostile documents that were accepted.
fn verdict_rows(
    peer: &peers::Peer,
    cases: &[Case],
    verdicts: &BTreeMap<String, Value>,
) -> Vec<Value> {
    let count = |keep: &dyn Fn(&Case) -> bool, word: &str| {
        let asked = cases.iter().filter(|case| keep(case));
        let found = asked.filter(|case| said(case, verdicts, peer.name) == Some(word)).count();
        found as f64
    };
    let asked = |group| move |case: &Case| case.group == group;
    let hostile = |group| move |case: &Case| case.group == group && case.refused_by.is_some();
    let mut rows = Vec::new();
    let groups = [
        (Group::Real, "real documents, right verdict"),
        (Group::Envelope, "hostile envelopes accepted"),
        (Group::Forged, "forged documents accepted"),
    ];
    for (group, what) in groups {
        let total = cases
            .iter()
            .filter(
                |case| if group == Group::Real { asked(group)(case) } else { hostile(group)(case) },
            )
            .count();
        if total == 0 || (group == Group::Forged && !peer.any_root) {
            continue;
        }
        let value = if group == Group::Real {
            let right =
                cases.iter().filter(|c| c.group == group && is_right(c, verdicts, peer.name));
            right.count() as f64
        } else {
            count(&hostile(group), "accepts")
        };
        rows.push(figure(&format!("{what} of {total}: {}", peer.name), value, None, "", None));
        let sound = |case: &Case| case.group == group && case.refused_by.is_none();
        let (all, kept) =
            (cases.iter().filter(|case| sound(case)).count(), count(&sound, "accepts"));
        if group != Group::Real {
            let name = format!("... of {all} sound ones accepted: {}", peer.name);
            rows.push(figure(&name, kept, None, "", None));
        }
        let panics = count(&asked(group), "panics");
        if panics > 0.0 {
            rows.push(figure(&format!("... panics: {}", peer.name), panics, None, "", None));
        }
    }
    rows
}

fn figure(
    name: &str,
    median: f64,
    fastest: Option<f64>,
    unit: &str,
    floor: Option<Value>,
) -> Value {
    json!({
        "group": "nitro_peers", "name": name, "median": median, "fastest": fastest, "unit": unit,
        "floor": floor, "earlier": false,
    })
}

/// Each real document with every verdict, then how often each hostile kind gets through.
fn print_table(cases: &[Case], verdicts: &BTreeMap<String, Value>) {
    println!(
        "verdict of each verifier at the document's own time (+ accepts, - refuses, ! panics)"
    );
    for (number, peer) in PEERS.iter().enumerate() {
        let time = if peer.any_time { "" } else { ", by the system's clock" };
        let root = if peer.any_root { "" } else { ", AWS's root only" };
        let debug = if peer.sees_debug { "" } else { ", leaves debug mode to its caller" };
        println!("  {}: {}{time}{root}{debug}", number + 1, peer.name);
    }
    for case in cases {
        let marks: String =
            PEERS.iter().map(|peer| mark(said(case, verdicts, peer.name))).collect();
        let check = case.refused_by.as_deref().unwrap_or("sound");
        println!("{marks}  {check:<5} {}", case.name);
    }
}

fn mark(said: Option<&str>) -> char {
    match said {
        Some("accepts") => '+',
        Some("refuses") => '-',
        Some(_) => '!',
        None => ' ',
    }
}

/// The row of ours with known certificates.
const WARM: &str = "ours, certificates known";
