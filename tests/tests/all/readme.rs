//! The README's demos are what the demos print: the same lines, apart from times, keys and digests.

use std::process::Command;

/// A line with what differs from run to run taken out.
fn mask(line: &str) -> String {
    let mut masked = String::new();
    for word in line.split_whitespace() {
        let key = word.starts_with("did:key:");
        let digest = key || word.ends_with('…') || word.ends_with("…,");
        let time = word.len() > 20 && word.ends_with('Z') && word.contains('T');
        let age = word.parse::<f64>().is_ok() && word.contains('.') && word.len() <= 4;
        let lasted = masked.ends_with("powered for ");
        masked.push_str(if digest || time || age || lasted { "*" } else { word });
        masked.push(' ');
    }
    masked.trim_end().to_owned()
}

#[test]
fn the_demo_prints_what_the_readme_shows() {
    let (lines, shown, folder) = demo("demo");
    assert_eq!(lines[lines.len().saturating_sub(shown.len())..], shown);
    assert!(folder.path().join("proof.cbor").exists());
}

#[test]
fn the_demo_on_a_tpm_prints_what_the_readme_shows() {
    if tests::swtpm::is_absent() {
        return;
    }
    tests::stack::binary("probity-tpm");
    let (lines, shown, folder) = demo("demo-tpm");
    // The page leaves lines out; what it shows comes in this order, and the verdict last.
    let mut printed = lines.iter();
    for line in &shown {
        assert!(printed.any(|printed| printed == line), "{line}\nis not in\n{}", lines.join("\n"));
    }
    assert_eq!(lines.last(), shown.last());
    assert!(folder.path().join("proof.cbor").exists());
}

/// Runs the script of this name: the lines that it printed, those that the README shows under the
/// mark of this name, and its folder.
fn demo(name: &str) -> (Vec<String>, Vec<String>, tempfile::TempDir) {
    let shown = block(name).lines().map(mask).collect();
    let folder = tempfile::tempdir().expect("a folder");
    let bin = tests::stack::binary("probity");
    let output = Command::new(format!("tests/{name}"))
        .arg(folder.path())
        .current_dir(tests::root())
        .env("PROBITY_BIN", bin.parent().expect("a folder"))
        .output()
        .expect("the demo runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    (text.lines().map(mask).collect(), shown, folder)
}

/// The block of the README after a mark.
fn block(mark: &str) -> String {
    let readme = std::fs::read_to_string(tests::root().join("README.md")).expect("README");
    let after = readme.split(&format!("<!-- {mark} -->\n```\n")).nth(1).expect("a transcript");
    after.split("```").next().expect("its end").to_owned()
}

/// "Write a rule", step by step, with the mistake that the page shows.
#[test]
fn a_newcomer_sees_what_the_page_shows() {
    let folder = tempfile::tempdir().expect("a folder");
    let probity = |arguments: &[&str]| {
        let mut command = Command::new(tests::stack::binary("probity"));
        command.arg("rules").args(arguments).current_dir(folder.path());
        command.output().expect("probity runs")
    };
    assert!(probity(&["new", "us.acme.cash"]).status.success());
    let rulebook = "name: my-rules\nrules: [us.acme.cash.yaml]\n";
    std::fs::write(folder.path().join("rulebook.yaml"), rulebook).expect("written");
    let checked = probity(&["check", "."]);
    assert_eq!(String::from_utf8_lossy(&checked.stdout), block("check"));
    assert!(probity(&["test", "."]).status.success());

    let path = folder.path().join("us.acme.cash.yaml");
    let sound = std::fs::read_to_string(&path).expect("the rule");
    let broken = sound.replace(r#"transaction.currency == "USD" && "#, "");
    assert_ne!(sound, broken);
    std::fs::write(&path, broken).expect("written");
    let refused = probity(&["check", "."]);
    assert!(!refused.status.success());
    assert_eq!(String::from_utf8_lossy(&refused.stderr), block("mistake"));
}
