//! The files of this folder that an image is made from and compared with agree with one another.

use eif::cpio::Node;
use eif::list::{Part, entries};
use eif::release::{Releases, Variant};
use sha2::{Digest, Sha256};
use std::path::PathBuf;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn text(name: &str) -> String {
    let path = path(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

const FREEZE: &str = "run eif/build --freeze";

#[test]
fn the_newest_release_was_made_from_the_inputs_that_are_locked() {
    let releases = Releases::parse(text("measurements.json").as_bytes()).expect("releases");
    assert_eq!(releases.to_json(), text("measurements.json"), "one spelling");
    let newest = releases.newest(Variant::Release).expect("a release");
    assert_eq!(newest.version, env!("CARGO_PKG_VERSION"), "{FREEZE}");
    assert_eq!(newest.architecture, eif::Architecture::X86_64);
    let inputs: [u8; 32] = Sha256::digest(text("inputs.lock")).into();
    assert_eq!(crypto::to_hex(&newest.inputs_sha256), crypto::to_hex(&inputs), "{FREEZE}");
    assert!(releases.releases.iter().all(|release| release.variant == Variant::Release));
}

#[test]
fn the_lock_names_the_files_that_are_here() {
    let lock = text("inputs.lock");
    let mut files = 0;
    for line in lock.lines().filter_map(|line| line.strip_prefix("file eif/")) {
        let (name, digest) = line.split_once(" sha256:").expect("a digest");
        let found = Sha256::digest(std::fs::read(path(name)).expect(name));
        assert_eq!(crypto::to_hex(&found), digest, "{name} has changed: {FREEZE}");
        files += 1;
    }
    assert!(files >= 5, "{files} files");
    for kind in ["rust-compiler ", "rust-std ", "rust-linker ", "rust-flags ", "profile image "] {
        assert!(lock.lines().any(|line| line.starts_with(kind)), "no {kind}");
    }
    let crates: Vec<_> = lock.lines().filter(|line| line.starts_with("crate ")).collect();
    assert!(crates.len() > 20 && crates.iter().all(|line| line.contains(" sha256:")));
    let lacks = |word: &str| word == "missing" || word == "unknown";
    assert!(!lock.split_whitespace().any(lacks), "{lock}");
}

#[test]
fn the_list_is_three_nodes_and_one_program() {
    let list = text("initramfs.list");
    let base = entries(&list, Part::Base, |_| None).expect("base");
    let paths: Vec<_> = base.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(paths, ["/dev", "/dev/console", "/dev/null"]);
    assert!(base.iter().all(|entry| !matches!(entry.node, Node::File(_))));
    let asked = |name: &str| (name == "probity-enclave").then(|| b"program".to_vec());
    let app = entries(&list, Part::App, asked).expect("app");
    let paths: Vec<_> = app.iter().map(|entry| entry.path.as_str()).collect();
    assert_eq!(paths, ["/init"]);
    assert_eq!(app[0].node, Node::File(b"program".to_vec()));
    eif::cpio::archive(&base).and(eif::cpio::archive(&app)).expect("archives");
}

/// FORMAT.md section 2: a host can cut words from the front of a command line, so the release's
/// must say nothing but where the console is not, and the kernel must say that by itself.
#[test]
fn nothing_rests_on_the_command_line() {
    assert_eq!(text("cmdline.release"), "console=null\n");
    let config = text("kernel/config");
    let built_in = config.lines().find(|line| line.starts_with("CONFIG_CMDLINE=\""));
    let built_in = built_in.expect("a command line in the kernel");
    for word in ["console=null", "panic=-1", "random.trust_cpu=off"] {
        assert!(built_in.contains(word), "{built_in}: no {word}");
    }
}

#[test]
fn format_md_lists_every_check() {
    let page = text("FORMAT.md");
    for check in 1..=16 {
        assert!(page.contains(&format!("\n| I{check} | ")), "I{check}");
    }
    assert!(!page.contains("\n| I17 | "));
}
