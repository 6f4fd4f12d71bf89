//! Other engines on the same eight rules, in a process of its own: `benches/peers`, which is built
//! apart so that nothing else ever links them. A difference between the engines ends the run.

use benches::measure::Bench;
use std::process::Command;

/// Runs the agreement of the two Wasm engines, then the comparison.
pub fn peers(bench: &mut Bench) {
    let binary = tests::root().join("benches/peers/target/release/peers");
    if !binary.exists() {
        println!("skipped: {} is not built; `make bench` does", binary.display());
        return;
    }
    let folder = crate::folder().join("peers");
    std::fs::create_dir_all(&folder).expect("a folder");
    let status = Command::new(&binary).arg(&folder).status().expect("the peers run");
    assert!(status.success(), "the engines differ");
    let text = std::fs::read(folder.join("summary.json")).expect("figures of the peers");
    let json = serde_json::from_slice(&text).expect("JSON");
    bench.figures.add_from(&json, "peers", false);
}
