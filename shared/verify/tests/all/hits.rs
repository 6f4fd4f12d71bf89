//! A proof whose rule found names on lists: the hits are replayed, and a statement that changed
//! one, left one out or made one up is refused (P17).

use crate::support::*;
use attestation_fixtures::proofs::{
    BOOT_ID, BOOTED_AT_MS, Backing, EVALUATED_AT_MS, ProofSpec, RuleWorld, SALT, key,
};
use compiler::pack::{COMPILER, Tables, compile_rule};
use crypto::{Domain, Salt, digest};
use facts::Millis;
use proof::{EngineId, Hit, RuleEntry, Rulebook, Statement};
use rules::{BootConfig, Bundle, FreshnessPolicy, Limits, Selection, SignedBundle};
use screen::{Entry, Kind, Name, Snapshot, Strength};
use std::sync::Arc;
use verify::{Materials, Outcome, TimeEvidence, Verified, Verifier, VerifyError};
use vm::Program;

/// The destination is like two entries of a list, the source like none.
const BODY: &[u8] = br#"{"transaction":{"id":"t-2","type":"wire_transfer","amount":"100.00",
  "currency":"USD","source":{"name":"Anna Sample"},"destination":{"name":"Zorvan Quillthorpe"}},
  "jurisdictions":["US"],"domains":["SANCTIONS"],"as_of":"2026-01-02T00:00:00Z"}"#;

fn entry(id: &str, name: &str) -> Entry {
    Entry {
        id: id.into(),
        kind: Kind::Person,
        names: vec![Name { text: name.into(), strength: Strength::Primary }],
        births: vec![],
        identifiers: vec![],
        programs: vec![],
    }
}

fn list(id: &str, entries: Vec<Entry>) -> Arc<Snapshot> {
    let (id, source) = (id.to_owned(), "https://lists.example/".to_owned());
    Arc::new(Snapshot { id, source, taken_at: BOOTED_AT_MS, entries })
}

/// A rule that asks each list for both names.
fn source(lists: &[Arc<Snapshot>]) -> String {
    let ids: Vec<&str> = lists.iter().map(|list| &*list.id).collect();
    let asked = |at: usize, side: &str| {
        format!("  {side}{at}: screen(\"{}\", {side}.name, params.like)\n", ids[at])
    };
    let lets: String =
        (0..ids.len()).map(|at| asked(at, "source") + &asked(at, "destination")).collect();
    let sum = |side: &str| {
        let scores: Vec<String> = (0..ids.len()).map(|at| format!("{side}{at}.score")).collect();
        scores.join(" + ")
    };
    format!(
        r#"id: us.test.names
version: 1.0.0
title: A side is on a list
jurisdiction: US
domain: SANCTIONS
effective_from: 2026-01-01T00:00:00Z
citation: {{ law: a law of this test, read: 2026-01-01, seen: primary }}
params:
  like: {{ type: int, value: 7000 }}
lists: [{}]
let:
{lets}cases:
  - when: {} + {} > 0
    outcome: block
    severity: high
    reason: like an entry of a list
otherwise:
  reason: like none
boundaries:
  - {{ param: like, examples: [listed, unlisted] }}
examples:
  - name: listed
    request: {{ transaction: {{ id: t, type: wire_transfer, amount: "1.00", currency: USD }} }}
    outcome: block
  - name: unlisted
    request: {{ transaction: {{ id: t, type: wire_transfer, amount: "2.00", currency: USD }} }}
    outcome: pass
"#,
        ids.join(", "),
        sum("source"),
        sum("destination"),
    )
}

/// The evaluation of the request, said as an enclave says it.
fn world_of(names: Vec<Arc<Snapshot>>) -> Arc<RuleWorld> {
    let source = source(&names);
    let tables =
        Tables { lists: names.iter().map(|n| n.id.clone()).collect(), ..Tables::default() };
    let compiled = compile_rule("us.test.names.yaml", &source, &tables).expect("compiles");
    let bundle = Bundle {
        name: "conformance".into(),
        version: 1,
        issued_at: Millis(BOOTED_AT_MS - 3_600_000),
        compiler: COMPILER.into(),
        rules: vec![compiled.to_rule(0, (0..names.len()).collect())],
        modules: vec![compiled.wasm],
        lists: vec![],
        names,
    };
    let mut authorities: Vec<_> = [1, 2].map(|fill| key(fill).verifying_key()).into();
    authorities.sort();
    let config = BootConfig {
        authorities,
        threshold: 2,
        freshness_keys: vec![key(4).verifying_key()],
        freshness_threshold: 1,
        rulebook: "conformance".into(),
        freshness: FreshnessPolicy::default(),
        limits: Limits::default(),
    };
    let signed_bundle = rules::sign_bundle(&bundle, &[key(1), key(2)]).expect("sound");
    let verified = SignedBundle::verify(&signed_bundle, &config).expect("signed");
    let program = Program::load(verified, config.limits).expect("loads");
    let request = messages::parse_request(BODY).expect("sound");
    let as_of = request.as_of.expect("given");
    let record = facts::record(&request, as_of).expect("sound");
    let loaded = program.bundle().bundle();
    let selection =
        loaded.select(&request.jurisdictions, &request.domains, as_of).expect("one rule");
    let run = program.run(&selection, &record);
    let (result, salt) = (&run.results[0], Salt(SALT));
    let hits = program.hits(&bundle.rules[0], &run.traces[0]).into_iter().take(proof::HITS_MAX);
    let statement = Statement {
        proof_id: [0x1d; 16],
        boot_id: BOOT_ID,
        agent: key(5).verifying_key().did_key(),
        evaluated_at: Millis(EVALUATED_AT_MS),
        as_of,
        jurisdictions: vec!["US".into()],
        domains: vec!["SANCTIONS".into()],
        rulebook: Rulebook { name: bundle.name.clone(), version: 1, hash: loaded.hash() },
        engine: EngineId {
            engine: vm::ENGINE.into(),
            abi: vm::ABI_VERSION,
            compiler: bundle.compiler.clone(),
            facts: facts::FACTS_VERSION,
        },
        rules: vec![RuleEntry {
            id: result.id.clone(),
            version: result.version.clone(),
            jurisdiction: "US".into(),
            domain: "SANCTIONS".into(),
            module: program.module_hash(0),
            outcome: result.outcome,
            reason: result.reason,
            hits: hits.map(|(list, entry, score)| Hit { list, entry, score }).collect(),
        }],
        lists: program.lists(&selection),
        input_hash: digest(Domain::Input, &[&SALT, BODY]),
        facts_hash: digest(Domain::Facts, &[&SALT, record.as_bytes()]),
        rule_hash: Selection::hash([program.rule_digest(0)]),
        state_hash: program.state_hash(&selection, &record, &salt),
        output_hash: run.output_hash(&salt),
        trace_hash: run.trace_hash(&salt),
        offline: false,
        rules_age_ms: 3_600_000,
        newest_version: 1,
        nonce: None,
        not_covered: selection.not_covered.clone(),
    };
    let results = run.results;
    Arc::new(RuleWorld { config, bundle, signed_bundle, statement, results })
}

/// Two lists: one with two like entries and an unlike one, one with nobody.
fn few() -> Arc<RuleWorld> {
    let entries = vec![
        entry("e1", "Zorvan Quillthorpe"),
        entry("e2", "Zorvan Quillthorne"),
        entry("e3", "Bertram Ngcobo"),
    ];
    world_of(vec![list("a.listed", entries), list("b.nobody", vec![entry("x", "Ute Olberg")])])
}

/// Replays a statement of this world, changed after the evaluation.
fn replayed(
    world: &Arc<RuleWorld>,
    change: impl FnOnce(&mut Vec<Hit>),
) -> Result<Verified, VerifyError> {
    let mut spec = ProofSpec::new(world, Backing::Nitro);
    spec.statement(|statement| change(&mut statement.rules[0].hits));
    let policy = changed(|content| content.boot_configs = vec![world.config.to_bytes()]);
    let verifier = Verifier::archival(policy, TimeEvidence::DocumentOwn);
    let materials = Materials {
        bundle: Some(&world.signed_bundle),
        input: Some(BODY),
        salt: Some(Salt(SALT)),
        second_opinion: true,
        ..Materials::default()
    };
    verifier.verify(&spec.to_bytes(), &materials).map(verify::Archival::into_verified)
}

#[test]
fn hits_are_replayed() {
    let world = few();
    let stated = &world.statement.rules[0].hits;
    let found: Vec<_> = stated.iter().map(|hit| (&*hit.list, &*hit.entry)).collect();
    assert_eq!(found, [("a.listed", "e1"), ("a.listed", "e2")]);
    assert_eq!(
        (stated[0].score, world.statement.rules[0].outcome),
        (10_000, rules::Outcome::Block)
    );
    assert!((7_000..10_000).contains(&stated[1].score), "{}", stated[1].score);
    let verified = replayed(&world, |_| ()).expect("valid");
    for check in ["P14", "P17", "P21", "P22"] {
        assert_eq!(outcome(&verified, check), Outcome::Passed, "{check}");
    }
    assert_eq!(verified.statement().rules[0].hits, *stated);
}

#[test]
fn a_hit_that_was_changed_is_refused() {
    let world = few();
    let made_up = || Hit { list: "b.nobody".into(), entry: "x".into(), score: 9_000 };
    type Change<'a> = (&'a str, &'a dyn Fn(&mut Vec<Hit>));
    let changes: [Change<'_>; 8] = [
        ("the score", &|hits| hits[0].score -= 1),
        ("a milder score", &|hits| hits[1].score = 1),
        ("the entry", &|hits| hits[1].entry = "e3".into()),
        ("the list", &|hits| hits[1].list = "b.nobody".into()),
        ("the first left out", &|hits| drop(hits.remove(0))),
        ("the last left out", &|hits| drop(hits.pop())),
        ("all left out", &|hits| hits.clear()),
        ("one made up", &|hits| hits.push(made_up())),
    ];
    for (what, change) in changes {
        let refusal = replayed(&world, |hits| change(hits)).expect_err(what);
        assert_eq!(refusal.check(), "P17", "{what}: {refusal}");
        assert!(refusal.to_string().contains("hits"), "{what}: {refusal}");
    }
}

/// A statement holds the first hits, in order: replay gives as many and no more.
#[test]
fn more_hits_than_a_statement_holds_are_replayed_to_the_limit() {
    let lists = (0..9).map(|at| {
        let entries = (0..9).map(|number| entry(&format!("e{number}"), "Zorvan Quillthorpe"));
        list(&format!("l{at}.listed"), entries.collect())
    });
    let world = world_of(lists.collect());
    const { assert!(9 * vm::SCREEN_HITS_MAX > proof::HITS_MAX) };
    assert_eq!(world.statement.rules[0].hits.len(), proof::HITS_MAX);
    assert_eq!(check(replayed(&world, |_| ())), "accepted");
    assert_eq!(check(replayed(&world, |hits| drop(hits.pop()))), "P17");
}
