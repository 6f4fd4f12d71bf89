//! `make bench`: criterion for what one core does, load runs for what the service does, all in one
//! table with the physical floors and the peers of the same run. Writes
//! `target/bench/summary.json`. `BENCH_QUICK=1` shortens the runs; `BENCH_ONLY=rules,load` measures
//! these groups and marks the others as of an earlier run.

mod loads;
mod messages;
mod peers;
mod proofs;
mod receipts;
mod rules;
mod screening;
mod verification;

use benches::measure::Bench;
use std::path::PathBuf;

type Group = (&'static str, fn(&mut Bench));

const GROUPS: [Group; 8] = [
    ("floors", proofs::floors),
    ("proofs", proofs::proofs),
    ("rules", rules::rules),
    ("peers", peers::peers),
    ("nitro_peers", peers::nitro_peers),
    ("screen", screening::screening),
    ("messages", messages::messages),
    ("load", loads::loads),
];

fn main() {
    if let Some(file) = std::env::args().skip_while(|a| a != screening::MEMORY).nth(1) {
        return screening::print_memory(&file);
    }
    let only = std::env::var("BENCH_ONLY").unwrap_or_default();
    let unknown = only.split(',').find(|o| !o.is_empty() && !GROUPS.iter().any(|(g, _)| g == o));
    if let Some(unknown) = unknown {
        let names: Vec<_> = GROUPS.iter().map(|(name, _)| *name).collect();
        eprintln!("BENCH_ONLY: expected some of {}, found {unknown:?}", names.join(","));
        std::process::exit(2);
    }
    let folder = folder();
    std::fs::create_dir_all(&folder).expect("a folder");
    let summary = folder.join("summary.json");
    let earlier = std::fs::read(&summary).ok().and_then(|old| serde_json::from_slice(&old).ok());
    let earlier: serde_json::Value = earlier.unwrap_or_default();
    let mut bench = Bench::new(&folder);
    for (name, measure) in GROUPS {
        if only.is_empty() || only.split(',').any(|group| group == name) {
            bench.figures.start(name);
            measure(&mut bench);
        } else {
            bench.figures.add_from(&earlier, name, true);
        }
    }
    let machine = benches::machine();
    let json = format!("{:#}\n", bench.figures.json(&machine));
    std::fs::write(&summary, json).expect("summary written");
    println!("\n{machine}\n\n{}\nwritten to {}", bench.figures.table(), summary.display());
}

/// Where everything that a run leaves goes.
pub fn folder() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR");
    target.map_or(tests::root().join("target"), PathBuf::from).join("bench")
}
