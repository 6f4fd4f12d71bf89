//! House rules that matter, held by a test: what modules say of themselves, lengths, words that
//! must not stand in the trusted core.

use std::path::{Path, PathBuf};

const FILE_LINES_MAX: usize = 400;
const LINE_CHARS_MAX: usize = 100;
const MAKEFILE_LINES_MAX: usize = 60;
/// Lines of our own trusted code, without tests, comments and blank lines: what evaluates and
/// signs; the screening of names; the reading of messages; sealed requests; what the image does
/// before the enclave. Screening, messages and image hold no key.
const TRUSTED: [(&str, &[&str], usize); 6] = [
    (
        "evaluation",
        &["cbor", "crypto", "facts", "tlog", "rules", "vm", "proof", "wire", "enclave"],
        7340,
    ),
    ("screening", &["screen"], 2200),
    ("messages", &["messages"], 1050),
    ("sealing", &["seal"], 700),
    ("image", &["init"], 500),
    ("TPM worker", &["worker", "tpmlink"], 1100),
];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("folder") {
        let path = entry.expect("entry").path();
        let name = path.file_name().expect("name").to_string_lossy().into_owned();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            sources(&path, found);
        } else if name.ends_with(".rs") {
            found.push(path);
        }
    }
}

fn all_sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    sources(&tests::root(), &mut found);
    found.sort();
    found
}

fn relative(path: &Path) -> String {
    path.strip_prefix(tests::root()).unwrap_or(path).display().to_string()
}

#[test]
fn every_module_says_what_it_is_and_stays_short() {
    let mut problems = Vec::new();
    for path in all_sources() {
        let text = std::fs::read_to_string(&path).expect("source");
        let name = relative(&path);
        let fuzz_target = text.starts_with("#![no_main]");
        if !text.starts_with("//!") && !fuzz_target {
            problems.push(format!("{name}: does not open with //!"));
        }
        let lines = text.lines().count();
        if lines > FILE_LINES_MAX {
            problems.push(format!("{name}: {lines} lines"));
        }
        for (number, line) in text.lines().enumerate() {
            if line.chars().count() > LINE_CHARS_MAX {
                problems.push(format!(
                    "{name}:{}: {} characters",
                    number + 1,
                    line.chars().count()
                ));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn the_trusted_core_reads_no_clock_and_no_file() {
    // (folder, words that must not occur outside tests)
    let shared =
        ["std::fs", "std::net", "SystemTime", "Instant::now", "std::env", "rand::", "println!"];
    let mut problems = Vec::new();
    for path in all_sources() {
        let name = relative(&path);
        let trusted = name.starts_with("shared/") && name.contains("/src/");
        let is_test = name.contains("tests") || name.starts_with("shared/verify-cli/");
        if !trusted || is_test {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("source");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for word in shared.iter().filter(|word| line.contains(**word)) {
                problems.push(format!("{name}: {word}"));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn the_trusted_core_stays_small() {
    for ((part, total), (_, _, limit)) in trusted_lines().into_iter().zip(TRUSTED) {
        println!("trusted code of our own, {part}: {total} lines");
        assert!(total <= limit, "{part}: {total} lines, at most {limit}");
    }
}

/// Lines of our own trusted code, by part.
pub fn trusted_lines() -> Vec<(&'static str, usize)> {
    TRUSTED.iter().map(|(part, crates, _)| (*part, lines_of(crates))).collect()
}

fn lines_of(crates: &[&str]) -> usize {
    let folders: Vec<_> = crates
        .iter()
        .map(|name| match *name {
            "enclave" => "enclave/src/".to_owned(),
            "init" => "eif/init/src/".to_owned(),
            "worker" => "enclave/worker/src/".to_owned(),
            name => format!("shared/{name}/src/"),
        })
        .collect();
    let mut total = 0;
    for path in all_sources() {
        let name = relative(&path);
        let linked = folders.iter().any(|folder| name.starts_with(folder.as_str()));
        if !linked || name.contains("tests") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("source");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        let is_code = |line: &&str| !line.is_empty() && !line.starts_with("//");
        total += code.lines().map(str::trim).filter(is_code).count();
    }
    total
}

#[test]
fn nothing_unfinished_and_no_unsafe() {
    let marks = ["todo!(", "unimplemented!(", concat!("TO", "DO"), concat!("FIX", "ME")];
    let mut problems = Vec::new();
    for path in all_sources() {
        let name = relative(&path);
        if name.ends_with("tidy.rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("source");
        for mark in marks.iter().filter(|mark| text.contains(**mark)) {
            problems.push(format!("{name}: {mark}"));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    let manifest = std::fs::read_to_string(tests::root().join("Cargo.toml")).expect("manifest");
    assert!(manifest.contains("unsafe_code = \"forbid\""));
    let folders =
        ["shared", "enclave", "eif", "parent", "attestation-fixtures", "tests", "benches"];
    for folder in folders {
        let mut manifests = Vec::new();
        find_manifests(&tests::root().join(folder), &mut manifests);
        for path in manifests {
            let text = std::fs::read_to_string(&path).expect("manifest");
            let inherits = text.contains("[lints]\nworkspace = true");
            assert!(inherits || relative(&path).contains("fuzz"), "{}", relative(&path));
        }
    }
}

fn find_manifests(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("folder") {
        let path = entry.expect("entry").path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            find_manifests(&path, found);
        } else if path.file_name().is_some_and(|name| name == "Cargo.toml") {
            found.push(path);
        }
    }
}

#[test]
fn the_makefile_only_names_commands() {
    let text = std::fs::read_to_string(tests::root().join("Makefile")).expect("Makefile");
    assert!(text.lines().count() <= MAKEFILE_LINES_MAX);
}
