//! The authority's tool on the pack we ship, and on packs that must not be built.

mod backtests;
mod compared;
mod newcomers;
mod written;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use clap::Parser as _;

use super::{Command, answer, arguments};

#[derive(clap::Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// A directory of its own, removed at the end.
struct Desk(PathBuf);

impl Desk {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("probity-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        std::fs::write(path, text).expect("written");
    }

    fn key(&self, name: &str) -> String {
        run(&["keys", "new", "--out", &self.path(name)]).expect("a key").trim().to_owned()
    }

    fn build(&self, directory: &str, out: &str) -> Result<String, String> {
        let (key, out) = (self.path("k1"), self.path(out));
        let fixed = ["--version", "1", "--issued-at", "2026-11-21T00:00:00Z"];
        run(&[&["rules", "build", directory], &fixed[..], &["--key", &key, "--out", &out]].concat())
    }

    /// The shipped pack with one text changed in one file.
    fn changed_pack(&self, file: &str, from: &str, to: &str) -> String {
        let copy = self.0.join("pack");
        std::fs::create_dir_all(&copy).expect("a directory");
        for entry in std::fs::read_dir(shipped()).expect("the pack") {
            let entry = entry.expect("an entry");
            std::fs::copy(entry.path(), copy.join(entry.file_name())).expect("a copy");
        }
        let text = std::fs::read_to_string(copy.join(file)).expect("the file");
        assert!(text.contains(from), "{from}");
        std::fs::write(copy.join(file), text.replacen(from, to, 1)).expect("written");
        copy.display().to_string()
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn run(arguments: &[&str]) -> Result<String, String> {
    let all = ["probity"].iter().chain(arguments);
    let parsed = Arguments::try_parse_from(all).map_err(|error| error.to_string())?;
    answer(parsed.command).map_err(|error| format!("{error:#}"))
}

fn shipped() -> String {
    concat!(env!("CARGO_MANIFEST_DIR"), "/../rulepacks/us-core").to_owned()
}

#[test]
fn durations_have_a_number_and_a_unit() {
    for (text, ms) in
        [("30s", 30_000), ("5m", 300_000), ("12h", 43_200_000), ("7d", 604_800_000), ("0s", 0)]
    {
        assert_eq!(arguments::duration(text).map(|duration| duration.ms), Ok(ms));
    }
    let wrong = ["", "h", "12", "-1h", "+1h", "1.5h", "1 h", "12H", "1w", "１h", "h1", "36501d"];
    for text in wrong.into_iter().chain(["99999999999999999999s"]) {
        assert!(arguments::duration(text).is_err(), "{text}");
    }
}

#[test]
fn keys_are_private_and_never_overwritten() {
    let desk = Desk::new("keys");
    let did = desk.key("k1");
    assert!(did.starts_with("did:key:z6Mk"), "{did}");
    let path = desk.path("k1");
    let mode = std::fs::metadata(&path).expect("the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let before = std::fs::read_to_string(&path).expect("the file");
    assert!(before.starts_with("probity-ed25519-seed:") && before.len() == 86, "{}", before.len());
    let again = run(&["keys", "new", "--out", &path]).expect_err("it exists");
    assert!(again.contains("not overwritten"), "{again}");
    assert_eq!(std::fs::read_to_string(&path).expect("the file"), before);
    assert_eq!(run(&["keys", "show", &path]), Ok(did.clone() + "\n"));
    assert_ne!(desk.key("k2"), did);
    std::fs::write(&path, before.to_uppercase()).expect("written");
    let broken = run(&["keys", "show", &path]).expect_err("it is no key file");
    assert!(broken.contains("keys new") && !broken.contains(&before[30..60]), "{broken}");
}

#[test]
fn the_shipped_pack_builds_to_the_same_bytes() {
    let desk = Desk::new("build");
    let did = desk.key("k1");
    let said = desk.build(&shipped(), "a").expect("examples hold");
    assert!(said.contains(&did) && said.contains("us.bsa.structuring"), "{said}");
    desk.build(&shipped(), "b").expect("examples hold");
    let read = |name| std::fs::read(desk.path(name)).expect("a bundle");
    assert_eq!(read("a"), read("b"));
    let shown = run(&["rules", "show", &desk.path("a")]).expect("signed");
    assert!(shown.contains("31 CFR 1010.311") && shown.contains(&did), "{shown}");
    let json = run(&["rules", "show", "--json", &desk.path("a")]).expect("signed");
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["rules"].as_array().map(Vec::len), Some(4));
    assert_eq!(json["lists"][0]["entries"], serde_json::json!(["CU", "IR", "KP"]));
    let mut changed = read("a");
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    std::fs::write(desk.path("a"), changed).expect("written");
    assert!(run(&["rules", "show", &desk.path("a")]).is_err());
}

#[test]
fn a_false_example_is_not_signed() {
    let desk = Desk::new("false");
    desk.key("k1");
    let pack = desk.changed_pack("us.bsa.ctr.yaml", "outcome: report", "outcome: pass");
    let error = desk.build(&pack, "out").expect_err("one example fails");
    assert!(error.contains("1 of ") && error.contains("one cent above"), "{error}");
    assert!(error.contains("expected pass") && error.contains("found    report"), "{error}");
    assert!(!Path::new(&desk.path("out")).exists());
}

#[test]
fn a_changed_threshold_fails_its_examples() {
    let desk = Desk::new("threshold");
    desk.key("k1");
    // 10,000.01 for 10,000.00.
    let pack = desk.changed_pack("us.bsa.ctr.wat", r"\40\42\0f", r"\41\42\0f");
    let error = desk.build(&pack, "out").expect_err("examples fail");
    assert!(error.contains("one cent above"), "{error}");
}

#[test]
fn slips_in_a_pack_are_named() {
    for (number, (file, from, to, said)) in [
        ("rulebook.yaml", "name:", "nam:", "nam"),
        ("us.bsa.ctr.yaml", "title:", "tittle:", "tittle"),
        ("us.bsa.ctr.yaml", "fuel: 10000", "fuel: 10000001", "1 to 10000000"),
        ("us.bsa.ctr.yaml", "severity: info", "severity: mild", "mild"),
        ("us.bsa.ctr.yaml", "currency: USD", "curency: USD", "curency"),
        ("us.bsa.ctr.yaml", "module: us", "module: ../us", "pack's directory"),
        ("us.bsa.ctr.yaml", "2011-03-01T", "2011-03-01 ", "effective_from"),
        ("us.bsa.ctr.yaml", "domain: AML", "domain: aml", "domain"),
        ("us.bsa.ctr.wat", "(module", "(modul", "modul"),
        ("us.bsa.ctr.wat", "(param i32 i32)))", "(param i32 f32)))", "module"),
        ("us.ofac.country.yaml", "lists: [us.", "lists: [eu.", "rulebook.yaml"),
        ("us.ofac.countries.yaml", "- IR", "- CU", "CU"),
    ]
    .into_iter()
    .enumerate()
    {
        let desk = Desk::new(&format!("slip-{number}"));
        desk.key("k1");
        let pack = desk.changed_pack(file, from, to);
        let error = desk.build(&pack, "out").expect_err(to);
        assert!(error.contains(said), "{to}: {error}");
    }
}

#[test]
fn a_bundle_is_confirmed_for_a_boot_configuration() {
    use rules::{BootConfig, SignedBundle, SignedFreshness};
    let desk = Desk::new("boot");
    let (one, two) = (desk.key("k1"), desk.key("k2"));
    let boot = |threshold: &str, out: &str| {
        let keys = ["--authority", &one, "--freshness-key", &two, "--freshness-threshold", "1"];
        let book = ["--rulebook", "us-core", "--threshold", threshold, "--out", out];
        run(&[&["boot", "new"], &keys[..], &book[..]].concat())
    };
    assert!(boot("2", &desk.path("none")).expect_err("one key").contains("expected 1 to 1"));
    let said = boot("1", &desk.path("boot.cbor")).expect("sound");
    assert!(said.contains("offline after 12h") && said.contains("refused from 48h"), "{said}");
    assert_eq!(run(&["boot", "show", &desk.path("boot.cbor")]), Ok(said.clone()));
    let read = |name| std::fs::read(desk.path(name)).expect("a file");
    let config = BootConfig::parse(&read("boot.cbor")).expect("sound");
    assert!(said.contains(&crypto::to_hex(&config.pcr16())), "{said}");
    desk.build(&shipped(), "bundle").expect("examples hold");
    let (bundle, key, out) = (desk.path("bundle"), desk.path("k2"), desk.path("fresh"));
    let time = ["--issued-at", "2026-11-21T00:00:00Z", "--valid", "90m"];
    run(&[&["rules", "freshness", &bundle, "--key", &key, "--out", &out], &time[..]].concat())
        .expect("confirmed");
    let verified = SignedBundle::verify(&read("bundle"), &config).expect("signed");
    let fresh = SignedFreshness::verify(&read("fresh"), &config, &verified).expect("signed");
    assert_eq!(fresh.expires_at.0 - fresh.issued_at.0, 5_400_000);
    let twice = ["--key", &key, "--key", &key, "--out", &out];
    let error = run(&[&["rules", "freshness", &bundle], &twice[..]].concat());
    assert!(error.expect_err("one key twice").contains("given twice"));
}
