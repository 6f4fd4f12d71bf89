//! `measurements.json`: strict, and the same text for the same releases.

use eif::release::{Release, Releases, Variant};
use eif::{Architecture, EifError};

fn release(version: &str, variant: Variant) -> Release {
    Release {
        version: version.into(),
        variant,
        architecture: Architecture::X86_64,
        pcr0: [0xa0; 48],
        pcr1: [0xb1; 48],
        pcr2: [0xc2; 48],
        eif_sha256: [1; 32],
        sources_sha256: [2; 32],
        inputs_sha256: [3; 32],
    }
}

#[test]
fn releases_are_written_and_read() {
    let mut list = Releases::default();
    list.put(release("0.1.0", Variant::Release));
    list.put(release("0.1.0", Variant::Debug));
    list.put(release("0.2.0-rc.1", Variant::Release));
    list.put(Release { pcr0: [7; 48], ..release("0.1.0", Variant::Release) });
    assert_eq!(list.releases.len(), 3);
    assert_eq!(list.releases[0].pcr0, [7; 48]);
    let text = list.to_json();
    assert_eq!(Releases::parse(text.as_bytes()), Ok(list.clone()));
    assert_eq!(list.newest(Variant::Release).expect("newest").version, "0.2.0-rc.1");
    assert_eq!(list.newest(Variant::Debug).expect("newest").version, "0.1.0");
    assert_eq!(Releases::default().newest(Variant::Debug), None);
}

#[test]
fn the_text_is_this() {
    let mut list = Releases::default();
    list.put(release("0.1.0", Variant::Release));
    let (pcr0, pcr1, pcr2) = ("a0".repeat(48), "b1".repeat(48), "c2".repeat(48));
    let digests = ["01", "02", "03"].map(|digits| digits.repeat(32));
    let [eif, sources, inputs] = digests;
    let expected = format!(
        r#"{{
  "releases": [
    {{
      "version": "0.1.0",
      "variant": "release",
      "architecture": "x86_64",
      "pcr0": "{pcr0}",
      "pcr1": "{pcr1}",
      "pcr2": "{pcr2}",
      "eif_sha256": "{eif}",
      "sources_sha256": "{sources}",
      "inputs_sha256": "{inputs}"
    }}
  ]
}}
"#
    );
    assert_eq!(list.to_json(), expected);
}

fn refused(text: &str) -> String {
    match Releases::parse(text.as_bytes()) {
        Err(EifError::Releases { expected, found }) => format!("{expected}; {found}"),
        other => panic!("expected a refusal, found {other:?}"),
    }
}

#[test]
fn what_could_mislead_a_policy_is_refused() {
    let mut list = Releases::default();
    list.put(release("0.1.0", Variant::Release));
    let good = list.to_json();
    let with = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        refused(&good.replacen(from, to, 1))
    };
    assert!(with(&"a0".repeat(48), &"00".repeat(48)).contains("debug"));
    assert!(with(&"c2".repeat(48), &"00".repeat(48)).contains("debug"));
    with(&"a0".repeat(48), &"A0".repeat(48));
    with(&"a0".repeat(48), &"a0".repeat(47));
    with("\"pcr1\"", "\"pcr9\"");
    with("\"variant\": \"release\"", "\"variant\": \"production\"");
    with("x86_64", "x86");
    with("0.1.0", "");
    with("0.1.0", "0 1");
    with("0.1.0", &"1".repeat(65));
    with("\"releases\"", "\"extra\": 1, \"releases\"");
    with("{\n      \"version\"", "{ \"more\": 1, \"version\"");
    let once = serde_json::to_string(&list.releases[0]).expect("JSON");
    assert!(refused(&format!("{{\"releases\":[{once},{once}]}}")).contains("once"));
    assert!(refused(&" ".repeat((1 << 20) + 1)).contains("smaller"));
    for text in ["", "{}", "[]", "null", "{\"releases\": 1}"] {
        refused(text);
    }
    let many: Vec<_> = (0..257).map(|n| release(&n.to_string(), Variant::Release)).collect();
    assert!(refused(&Releases { releases: many }.to_json()).contains("fewer"));
    assert!(Releases::parse(format!("{good}x").as_bytes()).is_err());
}

#[test]
fn a_release_knows_its_registers() {
    let release = release("1", Variant::Release);
    let mut measured =
        eif::Measurements { pcr0: [0xa0; 48], pcr1: [0xb1; 48], pcr2: [0xc2; 48], pcr8: None };
    assert!(release.measures(&measured));
    measured.pcr8 = Some([9; 48]);
    assert!(release.measures(&measured), "a signature changes no register of the release");
    measured.pcr2[47] ^= 1;
    assert!(!release.measures(&measured));
}
