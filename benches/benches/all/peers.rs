//! Others beside ours, in processes of their own that are built apart so that nothing else ever
//! links them: engines on the same eight rules (`benches/peers`), verifiers on the same Nitro
//! documents (`benches/peers-nitro`). A wrong answer of ours ends the run.

use benches::measure::Bench;
use std::process::Command;

/// Runs the agreement of the two Wasm engines, then the comparison.
pub fn peers(bench: &mut Bench) {
    run(bench, "peers", "peers");
}

/// Which Nitro documents each verifier accepts, and what one costs.
pub fn nitro_peers(bench: &mut Bench) {
    run(bench, "peers-nitro", "nitro_peers");
}

fn run(bench: &mut Bench, package: &str, group: &str) {
    let binary = format!("benches/{package}/target/release/{package}");
    let binary = tests::root().join(binary);
    if !binary.exists() {
        println!("skipped: {} is not built; `make bench` does", binary.display());
        return;
    }
    let folder = crate::folder().join(package);
    std::fs::create_dir_all(&folder).expect("a folder");
    let status = Command::new(&binary).arg(&folder).status().expect("the peers run");
    assert!(status.success(), "ours differs from what it must say");
    let text = std::fs::read(folder.join("summary.json")).expect("figures of the peers");
    let json = serde_json::from_slice(&text).expect("JSON");
    bench.figures.add_from(&json, group, false);
}
