//! Hostile rule sources, lists of names and messages. A condition that compiles is run by the
//! module and by the reference interpreter, which must agree; an index must find what a scan finds.

use crate::world::World;
use compiler::interpret::{NoLists, interpret};
use compiler::pack::{Tables, compile_rule};
use compiler::{fold, front, wasm};
use facts::{Domain, Jurisdiction, Record};
use rules::{Limits, Rule, RuleResult, SignedBundle};
use screen::{Birth, Entry, Identifier, Index, Kind, Mode, Name, Query, Snapshot, Strength};
use std::sync::OnceLock;
use vm::Program;

/// A condition, compiled and run in both engines.
pub fn condition(bytes: &[u8]) {
    let Ok(source) = std::str::from_utf8(bytes) else { return };
    let Ok(program) = front::check_condition(source) else { return };
    let record = record();
    let folded = fold(&program);
    let plain = interpret(&program, record.as_bytes(), &NoLists);
    assert_eq!(plain, interpret(&folded, record.as_bytes(), &NoLists), "folding changes {source}");
    let Ok(module) = wasm::compile(&folded) else { return };
    let ran = run(&folded, module, record);
    let (said, found) = ((ran.outcome, ran.reason), (plain.outcome, plain.reason));
    assert_eq!((said, ran.values), (found, plain.values), "engines differ on {source}");
}

pub(crate) fn condition_seeds() -> Vec<Vec<u8>> {
    let sources = [
        r#"transaction.currency == "USD" && transaction.amount > usd("10000.00")"#,
        r#"history.filter(r, r.currency == "USD").sum(r, r.amount) > usd("1") || has(source.name)"#,
        r#"[1, 2, 3].exists(x, x * 2 == 4) && !(1 / 0 == 1 && false)"#,
        r#"as_of - duration("24h") < transaction.timestamp ? source.country in ["US"] : true"#,
        r#"div(dec("10"), dec("3"), 4, "half_even") == dec("3.3333") && "abc".startsWith("a")"#,
        r#"history.distinct(r, r.counterparty) > 2 && as_of.getDayOfWeek() == 1"#,
    ];
    sources.iter().map(|source| source.as_bytes().to_vec()).collect()
}

/// A rule file, to its module.
pub fn rule_file(bytes: &[u8]) {
    let Ok(source) = std::str::from_utf8(bytes) else { return };
    let tables = Tables::default();
    if let Ok(first) = compile_rule("rule.yaml", source, &tables) {
        let second = compile_rule("rule.yaml", source, &tables).expect("compiled once");
        assert_eq!(first.wasm, second.wasm, "two modules of one source");
    }
}

pub(crate) fn rule_file_seeds() -> Vec<Vec<u8>> {
    let packs = crate::root().join("rulepacks");
    let read = |name: &str| std::fs::read(packs.join(name)).unwrap_or_default();
    vec![read("us/aml/us.bsa.ctr.yaml"), read("us/aml/us.bsa.structuring.yaml")]
}

/// A list of names: canonical, and its index finds what a scan finds.
pub fn names(bytes: &[u8]) {
    let Ok(snapshot) = Snapshot::parse(bytes) else { return };
    assert_eq!(snapshot.to_bytes(), bytes, "two encodings of one list");
    let asked: Vec<String> =
        snapshot.entries.iter().take(4).map(|entry| entry.names[0].text.clone()).collect();
    let index = Index::build(snapshot);
    for name in asked.iter().map(String::as_str).chain(["Ivan Petrov", ""]) {
        for mode in [Mode::Default, Mode::Ofac, Mode::JaroWinkler] {
            let query = Query { name, birth: Some(0), mode, threshold: 6000 };
            assert_eq!(index.screen(&query), index.screen_brute_force(&query), "{name:?}");
        }
        index.identifier(name);
    }
}

pub(crate) fn names_seeds() -> Vec<Vec<u8>> {
    let name = |text: &str, strength| Name { text: text.into(), strength };
    let entry = |id: &str, kind, texts: &[&str]| Entry {
        id: id.into(),
        kind,
        names: texts.iter().map(|text| name(text, Strength::Strong)).collect(),
        births: vec![Birth { first: -4000, last: -3700 }],
        identifiers: vec![Identifier { kind: "passport".into(), value: "A 123".into() }],
        programs: vec!["TEST".into()],
    };
    let entries = vec![
        entry("1", Kind::Person, &["PETROV, Ivan", "Иван Петров"]),
        entry("2", Kind::Organisation, &["Made-up Trading GmbH"]),
    ];
    let snapshot = Snapshot { id: "test".into(), source: "made up".into(), taken_at: 0, entries };
    vec![snapshot.to_bytes()]
}

/// A request that embeds a message, to the record.
pub fn message(bytes: &[u8]) {
    if let Ok(request) = messages::parse_request(bytes) {
        let as_of = request.as_of.unwrap_or(crate::sample::EVALUATED_AT);
        let _ = facts::record(&request, as_of);
    }
}

pub(crate) fn message_seeds() -> Vec<Vec<u8>> {
    let body = |message: serde_json::Value, format: &str| {
        let body = serde_json::json!({
            "jurisdictions": ["EU"], "domains": ["AML"], "format": format, "message": message,
        });
        body.to_string().into_bytes()
    };
    let xml = std::fs::read_to_string(
        crate::root().join("shared/messages/src/tests/data/pacs008_full.xml"),
    );
    vec![body(xml.unwrap_or_default().into(), "iso20022-xml"), crate::sample::BODY.to_vec()]
}

fn record() -> &'static Record {
    static RECORD: OnceLock<Record> = OnceLock::new();
    RECORD.get_or_init(|| {
        let request = facts::parse_request(REQUEST).expect("sound");
        facts::record(&request, request.as_of.expect("given")).expect("sound")
    })
}

/// The one rule of the small world with another program in it.
fn run(program: &compiler::typed::Program, module: wasm::Module, record: &Record) -> RuleResult {
    let world = World::small();
    let mut content = world.bundle.clone();
    content.modules = vec![module.wasm];
    let reasons = program.reasons.clone();
    content.rules[0] = Rule { fuel: module.cost, reasons, ..content.rules[0].clone() };
    let keys = [1, 3].map(crate::world::key);
    let signed = rules::sign_bundle(&content, &keys).expect("a sound bundle");
    let verified = SignedBundle::verify(&signed, &world.config).expect("signed");
    let loaded = Program::load(verified, Limits::default()).expect("our own module loads");
    let as_of = facts::Millis(1_767_700_000_000);
    let bundle = loaded.bundle().bundle();
    let selection = bundle.select(&[Jurisdiction::Us], &[Domain::Aml], as_of).expect("one rule");
    loaded.run(&selection, record).results.remove(0)
}

const REQUEST: &[u8] = br#"{
  "transaction": {"id": "t", "type": "cash_deposit", "amount": "15000.00", "currency": "USD",
    "source": {"name": "Ann", "country": "US", "birth_date": "1957-03-13"}},
  "jurisdictions": ["US"], "domains": ["AML"], "as_of": "2026-01-06T12:00:00Z",
  "history": [
    {"timestamp": "2026-01-06T09:00:00Z", "type": "cash_deposit", "amount": "9000",
      "currency": "USD", "counterparty": "A", "counterparty_country": "DE", "direction": "in"},
    {"timestamp": "2026-01-05T09:00:00Z", "type": "wire_transfer", "amount": "1.50",
      "currency": "EUR", "counterparty": "B"}]}"#;
