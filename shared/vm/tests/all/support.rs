//! Bundles of one or more modules, signed by a test key, and one-line evaluations.

use crypto::SigningKey;
use facts::{Domain, Jurisdiction, Millis, Record};
use rules::{
    BootConfig, Bundle, FreshnessPolicy, Limits, ListSnapshot, Reason, Rule, RuleResult,
    RulesError, Severity, SignedBundle, VerifiedBundle, sign_bundle,
};
use vm::{Program, Run, VmError};

/// 2026-03-02T12:00:00Z, after every rule of the pack took effect.
pub const AS_OF: Millis = Millis(1_772_452_800_000);
pub const PACK: [&str; 4] =
    ["us.bsa.ctr", "us.bsa.structuring", "us.ofac.country", "us.travel-rule"];

/// The Wasm of a rule that we ship.
pub fn shipped(id: &str) -> Vec<u8> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../rulepacks/us-core/");
    let text = std::fs::read_to_string(format!("{root}{id}.wat")).expect("a rule of the pack");
    wat::parse_str(text).expect("Wasm text")
}

/// A module with everything that the ABI asks for but the entry; `items` adds to it.
pub fn module(items: &str) -> Vec<u8> {
    assemble(&format!(
        r#"(module
            (import "env" "branch" (func $branch (param i32 i32)))
            (import "env" "list_contains" (func $list (param i32 i32 i32) (result i32)))
            (import "env" "trap" (func $trap (param i32)))
            (memory (export "memory") 1)
            (global (export "rule_abi_version") i32 (i32.const 1))
            (global (export "input_base") i32 (i32.const 1024))
            {items})"#
    ))
}

/// A module whose entry does `body`, with a passing result at address 8.
pub fn entry(body: &str) -> Vec<u8> {
    module(&format!(
        r#"(func (export "evaluate") (param $in i32) (param $length i32) (result i64)
            {body}
            (i64.const 0x0000000800000008))"#
    ))
}

pub fn assemble(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// A rule that is always in force, with eight reasons.
pub fn rule(id: &str, module: usize, fuel: u64) -> Rule {
    let reason = |code| Reason { severity: Severity::Info, template: format!("reason {code}") };
    Rule {
        id: id.into(),
        version: "1.0.0".into(),
        title: "test".into(),
        jurisdiction: "US".into(),
        domain: "AML".into(),
        effective_from: Millis(0),
        effective_to: None,
        citation: "none".into(),
        module,
        entry: "evaluate".into(),
        fuel,
        lists: vec![0],
        source: String::new(),
        reasons: (0..8).map(reason).collect(),
    }
}

/// The modules' bundle, one rule each, named in order.
pub fn bundle(named: &[(&str, Vec<u8>)], fuel: u64) -> Bundle {
    let mut modules: Vec<_> = named.iter().map(|(_, wasm)| wasm.clone()).collect();
    modules.sort_by_key(|wasm| rules::module_hash(wasm));
    modules.dedup();
    let place = |wasm| modules.iter().position(|known| known == wasm).expect("it is there");
    let rules = named.iter().map(|(id, wasm)| rule(id, place(wasm), fuel)).collect();
    let countries = ListSnapshot {
        id: "us.ofac.countries".into(),
        source: "test".into(),
        taken_at: Millis(0),
        entries: ["CU", "IR", "KP"].map(String::from).into(),
    };
    Bundle {
        name: "test".into(),
        version: 1,
        issued_at: Millis(0),
        compiler: "wat".into(),
        modules,
        rules,
        lists: vec![countries],
        names: vec![],
    }
}

pub fn verified(bundle: &Bundle) -> Result<VerifiedBundle, RulesError> {
    let key = SigningKey::from_seed(&[7; 32].into());
    let public = vec![key.verifying_key()];
    let config = BootConfig {
        authorities: public.clone(),
        threshold: 1,
        freshness_keys: public,
        freshness_threshold: 1,
        rulebook: "test".into(),
        freshness: FreshnessPolicy::default(),
        limits: Limits::default(),
    };
    SignedBundle::verify(&sign_bundle(bundle, &[key])?, &config)
}

pub fn load(wasm: Vec<u8>) -> Result<Program, VmError> {
    load_with(wasm, 100_000)
}

pub fn load_with(wasm: Vec<u8>, fuel: u64) -> Result<Program, VmError> {
    let verified = verified(&bundle(&[("rule", wasm)], fuel)).expect("a sound bundle");
    Program::load(verified, Limits::default())
}

/// The four rules that we ship.
pub fn pack() -> Program {
    let named = PACK.map(|id| (id, shipped(id)));
    let verified = verified(&bundle(&named, 10_000_000)).expect("a sound bundle");
    Program::load(verified, Limits::default()).expect("sound modules")
}

pub fn record(transaction: &str, history: &str) -> Record {
    let body = format!(
        r#"{{"jurisdictions":["US"],"domains":["AML"],"transaction":{{"id":"t",{transaction}}},
            "history":[{history}]}}"#
    );
    let request = facts::parse_request(body.as_bytes());
    let request = request.unwrap_or_else(|error| panic!("{error}\n{body}"));
    facts::record(&request, AS_OF).expect("a record")
}

/// A record where nothing in it matters.
pub fn any_record() -> Record {
    record(r#""type":"other","amount":1,"currency":"USD""#, "")
}

pub fn run(program: &Program, record: &Record) -> Run {
    let bundle = program.bundle().bundle();
    let selection = bundle.select(&[Jurisdiction::Us], &[Domain::Aml], AS_OF);
    program.run(&selection.expect("rules in force"), record)
}

/// The result of the one rule named `id`.
pub fn result_of(run: &Run, id: &str) -> RuleResult {
    run.results.iter().find(|result| result.id == id).expect("the rule ran").clone()
}

/// A seeded stream of numbers: xorshift64.
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub fn of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }
}

/// The gravest outcome of a run. A statement's decision is more: it counts what no rule covers.
pub fn gravest(run: &Run) -> rules::Outcome {
    rules::Outcome::gravest(run.results.iter().map(|result| result.outcome))
}
