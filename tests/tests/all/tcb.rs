//! The trusted computing base: `enclave/TCB` is the real dependency tree, no more and no less,
//! `enclave/worker/TCB` what the worker on a TPM host adds to it, and what must stay out is out.

use std::collections::BTreeSet;
use std::process::Command;

/// Most external packages that the enclave may link (two versions of one crate count twice).
const EXTERNAL_MAX: usize = 60;
/// Most that the worker may add to them.
const WORKER_EXTERNAL_MAX: usize = 3;

/// (name, version) of every package in the enclave's tree, for normal edges.
fn tree(package: &str) -> BTreeSet<(String, String)> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "-p",
            package,
            "-e",
            "normal",
            "--prefix",
            "none",
            "--no-dedupe",
        ])
        .current_dir(tests::root())
        .output()
        .expect("cargo tree runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines()
        .filter(|line| !line.is_empty())
        .map(|line| {
            let mut words = line.split_whitespace();
            let name = words.next().expect("a name").to_owned();
            (name, words.next().unwrap_or_default().to_owned())
        })
        .collect()
}

fn ours() -> BTreeSet<String> {
    let folders = ["shared", ".", "eif", "enclave"].map(|folder| tests::root().join(folder));
    folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).expect("folder"))
        .map(|entry| entry.expect("entry").path())
        .filter(|path| path.join("Cargo.toml").is_file())
        .map(|path| path.file_name().expect("name").to_string_lossy().into_owned())
        .collect()
}

/// Packages of others that the enclave links.
pub fn external() -> BTreeSet<(String, String)> {
    let ours = ours();
    tree("enclave").into_iter().filter(|(name, _)| !ours.contains(name)).collect()
}

/// The names in a list of crates, each with its reason.
fn listed(file: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(tests::root().join(file)).expect("TCB");
    let mut listed = BTreeSet::new();
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (name, reason) = line.split_once(": ").expect("name: reason");
        assert!(reason.len() > 10, "{name} has no reason");
        assert!(listed.insert(name.to_owned()), "{name} is listed twice");
    }
    listed
}

/// Compares both ways.
fn must_be_listed(linked: &BTreeSet<String>, file: &str) {
    let listed = listed(file);
    let unlisted: Vec<_> = linked.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(linked).collect();
    assert!(unlisted.is_empty(), "linked but not in {file}: {unlisted:?}");
    assert!(gone.is_empty(), "in {file} but not linked: {gone:?}");
}

#[test]
fn the_list_is_the_tree() {
    let external = external();
    let linked: BTreeSet<_> = external.iter().map(|(name, _)| name.clone()).collect();
    must_be_listed(&linked, "enclave/TCB");
    assert!(external.len() <= EXTERNAL_MAX, "{} external packages", external.len());
    println!("enclave: {} external packages, {} names", external.len(), linked.len());
}

#[test]
fn the_worker_adds_what_its_own_list_says() {
    let (ours, enclave) = (ours(), external());
    let external = tree("worker").into_iter().filter(|(name, _)| !ours.contains(name));
    let added: BTreeSet<_> = external.filter(|package| !enclave.contains(package)).collect();
    let linked: BTreeSet<_> = added.iter().map(|(name, _)| name.clone()).collect();
    must_be_listed(&linked, "enclave/worker/TCB");
    assert!(added.len() <= WORKER_EXTERNAL_MAX, "{} packages more", added.len());
    println!("worker: {} external packages more", added.len());
}

#[test]
fn what_must_stay_out_is_out() {
    for package in ["enclave", "worker"] {
        let tree = tree(package);
        let names: BTreeSet<_> = tree.iter().map(|(name, _)| name.as_str()).collect();
        for forbidden in [
            "attestation-fixtures",
            "simulator",
            "nsm-device",
            "eif",
            "parent",
            "tpm-host",
            "attest",
            "verify",
            "x509-cert",
            "coset",
            "ring",
            "rustls",
            "tokio",
            "tracing",
            "hyper",
            "tss-esapi",
        ] {
            assert!(!names.contains(forbidden), "{package} links {forbidden}");
        }
    }
}

#[test]
fn no_fake_is_linked_into_what_is_shipped() {
    for package in ["enclave", "worker", "parent", "tpm-host", "verify-cli", "eif"] {
        for (name, _) in tree(package) {
            let fake = ["attestation-fixtures", "simulator", "nsm-device"].contains(&name.as_str());
            assert!(!fake, "{package} links {name}");
        }
    }
}

#[test]
fn the_verifier_has_no_network_code() {
    let tree = tree("verify-cli");
    let names: BTreeSet<_> = tree.iter().map(|(name, _)| name.as_str()).collect();
    for forbidden in ["tokio", "hyper", "rustls", "mio", "socket2", "vsock", "ureq", "reqwest"] {
        assert!(!names.contains(forbidden), "probity-verify links {forbidden}");
    }
}
