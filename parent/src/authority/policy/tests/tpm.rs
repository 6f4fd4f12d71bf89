//! What `policy add` does for hosts with a TPM: keys, reference values, workers, file lists.

use std::path::Path;

use super::{Desk, run};

const FROM: [&str; 2] = ["--from", "2026-05-01T00:00:00Z"];

fn add(step: &[&str]) -> Result<String, String> {
    run(&[&["policy", "add"], step].concat())
}

#[test]
fn a_tpm_host_is_added_step_by_step() {
    let desk = Desk::new();
    let source = desk.source("1", &[]);
    let name = format!("000b{}", "ab".repeat(32));
    let pcr4 = format!("4={}", "44".repeat(32));
    let pcr7 = format!("7={}", "77".repeat(32));
    // A key alone says nothing of what its machine has booted.
    let refused = add(&["tpm-key", &source, "--name", &name]).expect_err("no reference value");
    assert!(refused.contains("at least one reference value"), "{refused}");
    add(&["tpm-key", &source, "--name", &name, "--pcr", &pcr4, "--pcr", &pcr7]).expect("added");
    let (program, other) = (desk.path("worker"), "22".repeat(32));
    std::fs::write(&program, b"a program").expect("written");
    let first = ["worker", &source, "--release", "1.0", "--binary", &program, FROM[0], FROM[1]];
    add(&first).expect("added");
    let to = ["--to", "2026-07-01T00:00:00Z", "--register", "14"];
    let second = ["worker", &source, "--release", "0.9", "--sha256", &other, FROM[0], FROM[1]];
    add(&[&second[..], &to].concat()).expect("added");
    let content = super::super::read::source(Path::new(&source)).expect("sound");
    assert_eq!(content.kinds, [policy::Kind::Nitro, policy::Kind::Tpm]);
    assert_eq!(content.tpm.ak_names, [crypto::from_hex(&name).expect("hexadecimal")]);
    assert_eq!(content.tpm.pcrs.keys().copied().collect::<Vec<_>>(), [4, 7]);
    let workers = content.tpm.workers.clone().expect("workers");
    assert_eq!((workers.register, workers.releases.len()), (14, 2));
    assert_eq!(
        (workers.releases[0].name.as_str(), workers.releases[0].sha256),
        ("0.9", [0x22; 32])
    );
    let digest = attest::tpm::HashAlgorithm::Sha256.digest(&[b"a program"]);
    assert_eq!(workers.releases[1].sha256.to_vec(), digest);
    assert_eq!(content.version, 4);
    // What would not hold is not written.
    let before = std::fs::read_to_string(&source).expect("the source");
    let again = ["worker", &source, "--release", "1.1", "--binary", &program];
    assert!(add(&again).expect_err("a program twice").contains("a program of its own"));
    let moved = ["worker", &source, "--release", "1.1", "--sha256", &"33".repeat(32), "--register"];
    let moved = add(&[&moved[..], &["9"]].concat()).expect_err("two registers");
    assert!(moved.contains("change it there first"), "{moved}");
    let other_pcr = format!("4={}", "45".repeat(32));
    let twice = ["tpm-key", &source, "--name", &name, "--pcr", &other_pcr];
    assert!(add(&twice).expect_err("two values").contains("change it there first"));
    assert_eq!(std::fs::read_to_string(&source).expect("the source"), before);
}

#[test]
fn workers_and_files_are_explained_and_their_changes_told() {
    let desk = Desk::new();
    let source = desk.source("1", &[]);
    let (name, value) = (format!("000b{}", "ab".repeat(32)), format!("4={}", "44".repeat(32)));
    add(&["tpm-key", &source, "--name", &name, "--pcr", &value]).expect("added");
    let (key, first, second) = (desk.path("k1"), desk.path("1.cbor"), desk.path("2.cbor"));
    let sign = |out: &str, more: &[&str]| {
        let all = [&["policy", "sign", &source, "--key", &key, "--out", out], more].concat();
        run(&all).expect("signed")
    };
    sign(&first, &[]);
    let words = run(&["policy", "explain", &first]).expect("explained");
    for gap in ["workers: any program", "whose rules they load is not measured", "list of files"] {
        assert!(words.contains(gap), "{gap} in {words}");
    }
    let digest = "22".repeat(32);
    add(&["worker", &source, "--release", "1.0", "--sha256", &digest, FROM[0], FROM[1]])
        .expect("added");
    let list = format!("{}  /usr/bin/probity-worker\n", "55".repeat(32));
    std::fs::write(desk.path("files.txt"), &list).expect("written");
    let text = std::fs::read_to_string(&source).expect("the source");
    let with_list = text.replacen("\ntpm:\n", "\ntpm:\n  file_list: { file: files.txt }\n", 1);
    std::fs::write(&source, with_list).expect("written");
    let told = sign(&second, &["--previous", &first]);
    for line in [
        "+ tpm worker 1.0 from 2026-05-01T00:00:00.000Z open end: 2222",
        "+ tpm workers are measured into PCR14",
        "+ tpm file list ",
    ] {
        assert!(told.contains(line), "{line} in {told}");
    }
    let at = ["--at", "2026-06-01T00:00:00Z"];
    let words = run(&[&["policy", "explain", &second], &at[..]].concat()).expect("explained");
    for line in ["accepted  1.0, from 2026-05-01", "measured into PCR14", "those of the list"] {
        assert!(words.contains(line), "{line} in {words}");
    }
    for gap in ["workers: any program", "whose rules they load", "a list of files"] {
        assert!(!words.contains(gap), "{gap} in {words}");
    }
    let content = super::super::read::source(Path::new(&source)).expect("sound");
    assert_eq!(content.tpm.file_list, Some(crypto::sha384(&[list.as_bytes()])));
    std::fs::write(desk.path("files.txt"), "no list\n").expect("written");
    let refused = run(&["policy", "check", &source]).expect_err("no list");
    assert!(refused.contains("T34"), "{refused}");
}

#[test]
fn roots_that_no_chain_can_begin_at_are_not_written() {
    let desk = Desk::new();
    let source = desk.source("1", &[]);
    let (root, value) = (desk.path("root.der"), format!("4={}", "44".repeat(32)));
    std::fs::write(&root, [0x30, 0]).expect("written");
    let step = ["ak-root", &source, "--name", "vendor", "--file", &root, "--pcr", &value];
    let refused = add(&step).expect_err("no certificate");
    assert!(refused.contains("usable root certificate"), "{refused}");
    let step = ["ek-root", &source, "--name", "vendor", "--file", &root, "--dedicated"];
    assert!(add(&step).expect_err("an EK root").contains("--dedicated"));
}
