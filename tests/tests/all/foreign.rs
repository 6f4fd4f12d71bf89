//! A rule written in another language: AssemblyScript, built with its own compiler from npm, run by
//! the same tool and VM as ours. Where npm is absent the test says so.

use std::path::Path;
use std::process::Command;

fn run(folder: &Path, program: &str, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(arguments).current_dir(folder).output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match output.status.success() {
        true => Ok(text(&output.stdout)),
        false => Err(format!("{}{}", text(&output.stdout), text(&output.stderr))),
    }
}

#[test]
fn a_rule_in_assemblyscript_is_built_and_runs() {
    if run(Path::new("."), "npm", &["--version"]).is_err() {
        println!("ignored: npm absent");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let sources = tests::root().join("rulepacks/examples/assemblyscript");
    for name in ["package.json", "package-lock.json", "card.ts", "card.yaml", "rulebook.yaml"] {
        std::fs::copy(sources.join(name), folder.path().join(name)).expect("copied");
    }
    run(folder.path(), "npm", &["ci", "--silent", "--no-audit", "--no-fund"]).expect("installed");
    run(folder.path(), "npm", &["run", "-s", "build"]).expect("compiled");
    let wasm = std::fs::read(folder.path().join("card.wasm")).expect("a module");
    assert!(wasm.len() < 4096, "{} bytes", wasm.len());
    let probity = tests::stack::binary("probity");
    let probity = probity.to_str().expect("a path in UTF-8");
    let shown = run(folder.path(), probity, &["rules", "test", "."]).expect("its examples hold");
    assert!(shown.contains("example.card-abroad"), "{shown}");
}
