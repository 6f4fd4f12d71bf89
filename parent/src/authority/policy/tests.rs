//! A policy's whole life at the desk, and every slip that it must catch with a line.

mod tpm;

use std::path::Path;

use clap::Parser as _;
use policy::SignedPolicy;

use super::super::{Command, answer};

#[derive(clap::Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// A directory with keys, measurements and a boot configuration.
struct Desk(tempfile::TempDir);

fn run(arguments: &[&str]) -> Result<String, String> {
    let all = [&["probity"], arguments].concat();
    let parsed = Arguments::try_parse_from(all).map_err(|error| error.to_string())?;
    answer(parsed.command).map_err(|error| format!("{error:#}"))
}

impl Desk {
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().expect("a directory"));
        let did = desk.key("k1");
        desk.measurements("m1.json", "1.0", 0xa0);
        let boot = desk.path("boot.cbor");
        let keys = ["--authority", &did, "--threshold", "1", "--freshness-key", &did];
        let rest = ["--freshness-threshold", "1", "--rulebook", "acme", "--out", &boot];
        run(&[&["boot", "new"], &keys[..], &rest[..]].concat()).expect("a configuration");
        desk
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn key(&self, name: &str) -> String {
        run(&["keys", "new", "--out", &self.path(name)]).expect("a key").trim().to_owned()
    }

    fn did(&self, name: &str) -> String {
        run(&["keys", "show", &self.path(name)]).expect("a key").trim().to_owned()
    }

    fn measurements(&self, name: &str, release: &str, fill: u8) {
        let value = |index: u8| crypto::to_hex(&[fill + index; 48]);
        let (pcr0, pcr1, pcr2) = (value(0), value(1), value(2));
        let text =
            format!(r#"{{"release":"{release}","pcr0":"{pcr0}","pcr1":"{pcr1}","pcr2":"{pcr2}"}}"#);
        std::fs::write(self.path(name), text).expect("written");
    }

    /// A source named `p.yaml`, of `k1` and `more` keys.
    fn source(&self, threshold: &str, more: &[&str]) -> String {
        let (out, did) = (self.path("p.yaml"), self.did("k1"));
        let (measurements, boot) = (self.path("m1.json"), self.path("boot.cbor"));
        let mut arguments = vec!["policy", "new", "--name", "acme", "--signer", &did];
        more.iter().for_each(|did| arguments.extend(["--signer", did]));
        arguments.extend(["--threshold", threshold, "--measurements", &measurements]);
        arguments.extend(["--boot", &boot, "--issued-at", "2026-01-01T00:00:00Z"]);
        arguments.extend(["--valid", "365d", "--out", &out]);
        run(&arguments).expect("a source");
        out
    }

    fn change(&self, from: &str, to: &str) -> String {
        let text = std::fs::read_to_string(self.path("p.yaml")).expect("the source");
        let changed = text.replacen(from, to, 1);
        assert_ne!(text, changed, "{from}");
        let path = self.path("changed.yaml");
        std::fs::write(&path, changed).expect("written");
        path
    }
}

#[test]
fn a_policy_is_made_signed_by_two_and_explained() {
    let desk = Desk::new();
    let second = desk.key("k2");
    let source = desk.source("2", &[&second]);
    assert!(run(&["policy", "check", &source]).expect("sound").contains("2 of 2 must sign"));
    let (out, first_key, second_key) = (desk.path("p.cbor"), desk.path("k1"), desk.path("k2"));
    let once = run(&["policy", "sign", &source, "--key", &first_key, "--out", &out]);
    let once = once.expect("signed once");
    assert!(once.contains("NO: 1 more must sign"), "{once}");
    let bytes = std::fs::read(&out).expect("the policy");
    assert_eq!(SignedPolicy::verify(&bytes, None).expect_err("one of two").check(), "Y4");
    let twice = run(&["policy", "sign", &out, "--key", &second_key]).expect("signed twice");
    assert!(twice.contains("hash"), "{twice}");
    let bytes = std::fs::read(&out).expect("the policy");
    let verified = SignedPolicy::verify(&bytes, None).expect("two of two");
    assert_eq!(verified.content().version, 1);
    let at = ["--at", "2026-06-01T00:00:00Z"];
    let words = run(&[&["policy", "explain", &out], &at[..]].concat()).expect("explained");
    for expected in [
        "acme version 1",
        "in force",
        "accepted  1.0 (nitro)",
        "aws-nitro-g1",
        "acme: 1 of 1 authorities",
        "not demanded",
        "nobody outside the host saw the log (P20)",
    ] {
        assert!(words.contains(expected), "{expected} in {words}");
    }
    let late = ["--at", "2027-06-01T00:00:00Z"];
    let words = run(&[&["policy", "explain", &out], &late[..]].concat()).expect("explained");
    assert!(words.contains("EXPIRED"), "{words}");
}

#[test]
fn entries_are_added_and_the_version_rises() {
    let desk = Desk::new();
    let source = desk.source("1", &[]);
    desk.measurements("m2.json", "1.1", 0xb0);
    let (second, other, third) = (desk.path("m2.json"), desk.key("k2"), desk.key("k3"));
    let from = ["--from", "2026-05-01T00:00:00Z"];
    let steps: [&[&str]; 5] = [
        &["release", &source, "--measurements", &second, from[0], from[1]],
        &["revoke-release", &source, "--name", "1.0", "--reason", "a flaw: \"x\""],
        &["revoke", &source, "--key", &other, "--reason", "leaked"],
        &["retire", &source, "--key", &third, "--reason", "rotated", from[0], from[1]],
        &["require", &source, "--check", "P15"],
    ];
    for (count, step) in steps.into_iter().enumerate() {
        let said = run(&[&["policy", "add"], step].concat()).expect("added");
        assert!(said.contains(&format!("version {} of acme", count + 2)), "{said}");
    }
    let content = super::read::source(Path::new(&source)).expect("sound");
    assert_eq!((content.version, content.releases.len()), (6, 2));
    assert_eq!(content.revoked_releases[0].reason, "a flaw: \"x\"");
    assert_eq!(content.revoked_signers.len() + content.retired_signers.len(), 2);
    assert_eq!(content.required_checks, ["P15"]);
    // What would not hold is not written.
    let before = std::fs::read_to_string(&source).expect("the source");
    let again = ["policy", "add", "release", &source, "--measurements", &second];
    assert!(run(&again).expect_err("twice").contains("nothing was written"));
    assert_eq!(std::fs::read_to_string(&source).expect("the source"), before);
    let comments = before.lines().filter(|line| line.starts_with('#')).count();
    assert!(comments > 8, "comments stay: {comments}");
}

#[test]
fn slips_are_named_with_their_line() {
    let desk = Desk::new();
    desk.source("1", &[]);
    let pcr0 = crypto::to_hex(&[0xa0; 48]);
    let zeros = "0".repeat(96);
    for (from, to, expected) in [
        ("releases:", "relases:", "did you mean `releases`?"),
        ("pcr0:", "pcr00:", "did you mean `pcr0`?"),
        (pcr0.as_str(), zeros.as_str(), "only zeros"),
        (pcr0.as_str(), "abcd", "96 hexadecimal digits"),
        ("kinds: [nitro]", "kinds: [nitr]", "nitro, nitrotpm or tpm"),
        ("kinds: [nitro]", "kinds: []", "Y3 kinds"),
        ("kinds: [nitro]", "kinds: [nitro, tpm]", "Y3 tpm"),
        ("threshold: 1", "threshold: 2", "Y3 signers, threshold"),
        ("threshold: 1", "threshold: 0", "Y3 signers, threshold"),
        ("required_checks: []", "required_checks: [P99]", "a check such as P15"),
        ("required_checks: []", "required_checks: [P9]", "a check such as P15"),
        ("required_checks: []", "required_checks: [P20]", "witnesses, for P20"),
        ("age: 5m", "age: 5", "a time such as 30s"),
        ("skew: 60s", "skew: 61s", "Y3 freshness skew"),
        ("aws-nitro-g1", "aws-nitro-g2", "aws-nitro-g1"),
        ("version: 1", "version: one", "a whole number"),
        ("policy: 1", "policy: 2", "this tool knows version 1"),
        ("name: ", "name: {", "YAML"),
        ("version: 1", "version: 1\nversion: 2", "duplicate"),
        ("expires_at: 2027", "expires_at: 2025", "Y3 expires_at"),
    ] {
        let changed = desk.change(from, to);
        let error = run(&["policy", "check", &changed]).expect_err(to);
        assert!(error.contains(expected), "{from} -> {to}: {error}");
    }
    let line = run(&["policy", "check", &desk.change("kinds:", "kind:")]).expect_err("unknown");
    assert!(line.contains("changed.yaml:") && line.contains("kind:"), "{line}");
}

#[test]
fn strangers_and_sources_are_not_signed() {
    let desk = Desk::new();
    let source = desk.source("1", &[]);
    desk.key("k2");
    let (key, stranger, out) = (desk.path("k1"), desk.path("k2"), desk.path("p.cbor"));
    let sign = |key: &str, out: &str| run(&["policy", "sign", &source, "--key", key, "--out", out]);
    assert!(sign(&stranger, &out).expect_err("a stranger").contains("does not name"));
    assert!(sign(&key, &source).expect_err("the source").contains("name of a source"));
    assert!(run(&["policy", "sign", &source, "--key", &key]).expect_err("where").contains("--out"));
    sign(&key, &out).expect("signed");
    let mut bytes = std::fs::read(&out).expect("the policy");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&out, bytes).expect("written");
    assert!(run(&["policy", "check", &out]).expect_err("altered").contains("Y4"));
    let fresh = ["policy", "new", "--name", "x", "--signer", &desk.did("k1"), "--measurements"];
    let rest = [&desk.path("m1.json"), "--boot", &desk.path("boot.cbor"), "--out", &source];
    let refused = run(&[&fresh[..], &rest[..]].concat()).expect_err("there is one");
    assert!(refused.contains("not overwritten"), "{refused}");
}

/// Format 2: what is known of TPMs goes from the source to the bytes and back into words.
#[test]
fn a_tpms_keys_and_firmware_are_written_and_explained() {
    let desk = Desk::new();
    desk.source("1", &[]);
    let name = format!("000b{}", "07".repeat(32));
    let root = include_bytes!("../../../../attestation-fixtures/data/test-root.der");
    let root = crypto::to_hex(root);
    let tpm = format!(
        "kinds: [nitro, tpm]\ntpm:\n  ak_names: [{name}]\n  ak_roots:\n    - name: cloud\n      \
         hex: {root}\n      dedicated: true\n  pcrs: {{ pcr4: {four} }}\n  firmware: \
         [\"0x0001000200030004\", 7]\n  keys:\n    - name: {name}\n      qualified_name: \
         000b{nine}\n      clock: {{ ms: 5, resets: 6, restarts: 7 }}\n",
        four = "04".repeat(32),
        nine = "09".repeat(32),
    );
    let path = desk.change("kinds: [nitro]\n", &tpm);
    let content = super::read::source(Path::new(&path)).expect("sound");
    assert_eq!(content.tpm.firmware, Some(vec![7, 0x0001_0002_0003_0004]));
    assert_eq!(content.tpm.dedicated_roots, ["cloud"]);
    let clock = policy::TpmClock { ms: 5, resets: 6, restarts: 7 };
    assert_eq!(content.tpm.keys[0].clock, Some(clock));
    let (key, out) = (desk.path("k1"), desk.path("p.cbor"));
    run(&["policy", "sign", &path, "--key", &key, "--out", &out]).expect("signed");
    let words = run(&["policy", "explain", &out]).expect("explained");
    for expected in ["cloud certifies attestation keys alone", "0x0001000200030004", "last clock"] {
        assert!(words.contains(expected), "{expected} in {words}");
    }
    assert!(!words.contains("(T23)"), "{words}");
    for (from, to, expected) in [
        ("resets: 6", "resets: -6", "a whole number of 32 bits"),
        ("dedicated: true", "dedicated: yes", "true or false"),
        ("firmware: ", "firmwares: ", "did you mean `firmware`?"),
        (&*format!("keys:\n    - name: {name}"), "keys:\n    - name: 000b", "one of the AK names"),
    ] {
        let text = std::fs::read_to_string(&path).expect("the source");
        assert!(text.contains(from), "{from}");
        let wrong = desk.path("wrong.yaml");
        std::fs::write(&wrong, text.replacen(from, to, 1)).expect("written");
        let error = run(&["policy", "check", &wrong]).expect_err(to);
        assert!(error.contains(expected), "{from} -> {to}: {error}");
    }
}
