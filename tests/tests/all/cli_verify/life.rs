//! A policy's whole life over real files and real binaries: made from the measurements of releases,
//! added to, signed by two, checked, explained, used by `probity-verify`, replaced.

use super::desk::{Desk, Run};
use crypto::to_hex;
use serde_json::json;
use tests::sample::image;

/// The list that `eif/build` writes: an older release, the sample's, and a debug image.
fn releases() -> String {
    let entry = |version: &str, variant: &str, pcr: &dyn Fn(u8) -> String| {
        json!({
            "version": version, "variant": variant, "architecture": "x86_64",
            "pcr0": pcr(0), "pcr1": pcr(1), "pcr2": pcr(2),
            "eif_sha256": "11".repeat(32), "sources_sha256": "22".repeat(32),
            "inputs_sha256": "33".repeat(32),
        })
    };
    let sample = |index: u8| to_hex(&image()[&index]);
    let other = |fill: u8| move |index: u8| to_hex(&[fill + index; 48]);
    json!({"releases": [
        entry("0.9.0", "release", &other(0x90)),
        entry("1.0.0", "release", &sample),
        entry("1.1.0", "debug", &other(0xd0)),
    ]})
    .to_string()
}

struct Life(Desk);

impl Life {
    fn new() -> Self {
        let desk = Desk::new();
        desk.write("releases.json", releases());
        Self(desk)
    }

    /// What `probity` prints when all is well.
    fn does(&self, arguments: &[&str]) -> String {
        let Run { code, out, errors } = self.0.probity(arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {out} {errors}");
        out
    }

    /// What it says when it refuses.
    fn refuses(&self, arguments: &[&str]) -> String {
        let Run { code, out, errors } = self.0.probity(arguments);
        assert!(code.is_some_and(|code| code != 0), "{arguments:?}: {out}");
        errors
    }

    fn judge(&self, policy: &str) -> (Option<i32>, serde_json::Value) {
        let asked = ["proof", "proof.cbor", "--policy", policy, "--at", "document", "--json"];
        let run = self.0.run(&asked);
        (run.code, run.json())
    }
}

#[test]
fn a_policy_lives_from_new_to_its_successor() {
    let life = Life::new();
    let [one, two] = ["k1", "k2"].map(|name| life.does(&["keys", "new", "--out", name]));
    let (one, two) = (one.trim(), two.trim());
    let new = [
        &["policy", "new", "--name", "field", "--signer", one, "--signer", two][..],
        &["--threshold", "2", "--measurements", "releases.json", "--version", "0.9.0"],
        &["--boot", "boot.cbor", "--root", "root.der", "--issued-at", "2026-01-01T00:00:00Z"],
        &["--from", "2025-01-01T00:00:00Z", "--valid", "365d", "--out", "p.yaml"],
    ]
    .concat();
    assert!(life.does(&new).contains("1 release(s)"));
    let sign = |key: &str, source: &str, out: &str| {
        life.does(&["policy", "sign", source, "--key", key, "--out", out])
    };

    // Version 1 knows another release than the one that signed the proof.
    assert!(sign("k1", "p.yaml", "v1.cbor").contains("NO: 1 more must sign"));
    assert_eq!(life.judge("v1.cbor").1["check"], "Y4", "one of two");
    sign("k2", "v1.cbor", "v1.cbor");
    let (code, verdict) = life.judge("v1.cbor");
    assert_eq!((code, &verdict["check"]), (Some(1), &"N34".into()), "{verdict}");

    // Version 2 and 3: the newest release image, and a check that must pass.
    let from = ["--from", "2025-06-01T00:00:00Z"];
    let add = ["policy", "add", "release", "p.yaml", "--measurements", "releases.json"];
    let said = life.does(&[&add[..], &from].concat());
    assert!(said.contains("1.0.0") && said.contains("version 2 of field"), "{said}");
    life.does(&["policy", "add", "require", "p.yaml", "--check", "P10"]);
    sign("k1", "p.yaml", "v3.cbor");
    sign("k2", "v3.cbor", "v3.cbor");
    let checked = life.does(&["policy", "check", "v3.cbor"]);
    assert!(checked.contains("field version 3") && checked.contains("hash"), "{checked}");
    let at = ["--at", "2026-06-01T00:00:00Z"];
    let words = life.does(&[&["policy", "explain", "v3.cbor"], &at[..]].concat());
    for expected in ["accepted  0.9.0 (nitro)", "accepted  1.0.0 (nitro)", "required", "P10"] {
        assert!(words.contains(expected), "{expected} in {words}");
    }
    let (code, verdict) = life.judge("v3.cbor");
    assert_eq!(code, Some(0), "{verdict}");
    assert_eq!(verdict["evidence"]["release"], "1.0.0", "{verdict}");
    let hash = &verdict["policy"]["hash"];
    assert!(hash.as_str().is_some_and(|hash| checked.contains(hash)), "{verdict} {checked}");

    // Version 4 ends the release before the proof was quoted.
    let to = ["--to", "2025-06-02T00:00:00Z"];
    let end = ["policy", "add", "end-release", "p.yaml", "--name", "1.0.0"];
    life.does(&[&end[..], &to].concat());
    let next = |key: &str, source: &str| {
        let asked = ["policy", "sign", source, "--previous", "v3.cbor", "--key", key];
        life.does(&[&asked[..], &["--out", "v4.cbor"]].concat())
    };
    let once = next("k1", "p.yaml");
    assert!(once.contains("not yet"), "{once}");
    let said = next("k2", "v4.cbor");
    assert!(said.contains("verifiers that hold version 3 take it"), "{said}");
    let is_change = |line: &str| line.starts_with("  + ") || line.starts_with("  - ");
    let changed: Vec<_> = said.lines().filter(|line| is_change(line)).collect();
    assert_eq!(changed.len(), 2, "{said}");
    assert!(changed.iter().all(|line| line.contains("release 1.0.0 (nitro)")), "{said}");
    let (code, verdict) = life.judge("v4.cbor");
    assert_eq!((code, &verdict["check"]), (Some(1), &"N34".into()), "{verdict}");
    // Nothing takes the place of what is newer, or of another policy.
    let back = ["policy", "sign", "v3.cbor", "--previous", "v4.cbor", "--key", "k1"];
    assert!(life.refuses(&[&back[..], &["--out", "x.cbor"]].concat()).contains("Y7"));
    assert!(!life.0.path("x.cbor").exists());
    let same = ["policy", "sign", "p.yaml", "--previous", "policy.cbor", "--key", "k1"];
    let said = life.refuses(&[&same[..], &["--out", "x.cbor"]].concat());
    assert!(said.contains("Y7") && said.contains("version"), "{said}");
}

#[test]
fn debug_images_and_unknown_releases_stay_out() {
    let life = Life::new();
    let one = life.does(&["keys", "new", "--out", "k1"]);
    let one = one.trim();
    let base = ["policy", "new", "--name", "field", "--signer", one, "--boot", "boot.cbor"];
    let rest = ["--root", "root.der", "--out", "p.yaml", "--measurements", "releases.json"];
    let new = [&base[..], &rest].concat();
    let refused = |more: &[&str]| life.refuses(&[&new[..], more].concat());
    let debug = refused(&["--version", "1.1.0"]);
    assert!(debug.contains("debug image") && debug.contains("prints"), "{debug}");
    let unknown = refused(&["--version", "2.0.0"]);
    assert!(unknown.contains("there is 0.9.0, 1.0.0"), "{unknown}");
    let kind = refused(&["--kind", "nitrotpm"]);
    assert!(kind.contains("of kind nitro"), "{kind}");
    assert!(!life.0.path("p.yaml").exists(), "nothing was written");
    // Without a version the newest release image, never the newer debug one.
    life.does(&new);
    let source = std::fs::read_to_string(life.0.path("p.yaml")).expect("the source");
    assert!(source.contains("\"1.0.0\"") && !source.contains("1.1.0"), "{source}");
    // An instance's registers, as its tool prints them.
    let host = json!({"Measurements": {
        "HashAlgorithm": "SHA384 { ... }", "PCR4": "a4".repeat(48), "PCR7": "a7".repeat(48),
    }});
    life.0.write("host.json", host.to_string());
    let add = ["policy", "add", "release", "p.yaml", "--measurements", "host.json"];
    let nameless = life.refuses(&[&add[..], &["--kind", "nitrotpm"]].concat());
    assert!(nameless.contains("--version"), "{nameless}");
    let named = ["--kind", "nitrotpm", "--version", "host-1", "--to", "2030-01-01T00:00:00Z"];
    life.does(&[&add[..], &named].concat());
    let words = life.does(&["policy", "explain", "p.yaml"]);
    assert!(words.contains("host-1 (nitrotpm)") && words.contains("nitro, nitrotpm"), "{words}");
}
