//! The README's demo is what the demo prints: the same lines, apart from times, keys and digests.

use std::process::Command;

/// A line with what differs from run to run taken out.
fn mask(line: &str) -> String {
    let mut masked = String::new();
    for word in line.split_whitespace() {
        let digest = word.ends_with('…') || word.ends_with("…,");
        let time = word.len() > 20 && word.ends_with('Z') && word.contains('T');
        let age = word.parse::<f64>().is_ok() && word.contains('.');
        masked.push_str(if digest || time || (age && word.len() <= 4) { "*" } else { word });
        masked.push(' ');
    }
    masked.trim_end().to_owned()
}

#[test]
fn the_demo_prints_what_the_readme_shows() {
    let readme = std::fs::read_to_string(tests::root().join("README.md")).expect("README");
    let block = readme.split("<!-- demo -->\n```\n").nth(1).expect("a transcript");
    let block = block.split("```").next().expect("its end");
    let shown: Vec<_> = block.lines().map(mask).collect();

    let folder = tempfile::tempdir().expect("a folder");
    let bin = tests::stack::binary("probity");
    let output = Command::new("tests/demo")
        .arg(folder.path())
        .current_dir(tests::root())
        .env("PROBITY_BIN", bin.parent().expect("a folder"))
        .output()
        .expect("the demo runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let lines: Vec<_> = text.lines().map(mask).collect();
    let printed = &lines[lines.len().saturating_sub(shown.len())..];
    assert_eq!(printed, shown);
    assert!(folder.path().join("proof.cbor").exists());
}
