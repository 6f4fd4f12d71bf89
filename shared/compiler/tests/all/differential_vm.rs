//! Programs compiled and run in the VM, many in one bundle.

use compiler::interpret::Event;
use compiler::typed::Program;
use compiler::wasm::{Module, compile};
use crypto::SigningKey;
use facts::{Domain, Jurisdiction, Millis, Record};
use rules::{
    BootConfig, Bundle, FreshnessPolicy, Limits, ListSnapshot, Rule, RuleResult, SignedBundle,
    sign_bundle,
};
use screen::{Birth, Entry, Identifier, Kind, Name, Snapshot, Strength};
use std::sync::Arc;

use super::interpret_record::AS_OF;

/// Programs of one bundle: at most as many as one selection may have.
const BUNDLE_PROGRAMS: usize = 200;

/// What the VM gives for a program and a record.
pub struct Run {
    pub result: RuleResult,
    pub events: Vec<Event>,
    /// What it burned, and the compiler's bound of it.
    pub fuel: u64,
    pub cost: u64,
}

/// Compiles the programs and runs each over each record.
pub fn run_all(programs: &[Program], records: &[Record]) -> Vec<Vec<Run>> {
    let mut runs = Vec::new();
    for programs in programs.chunks(BUNDLE_PROGRAMS) {
        let compiled: Vec<Module> = programs.iter().map(compiled).collect();
        let vm = load(programs, &compiled);
        let mut of_programs: Vec<Vec<Run>> = programs.iter().map(|_| Vec::new()).collect();
        for record in records {
            let content = vm.bundle().bundle();
            let selection = content.select(&[Jurisdiction::Us], &[Domain::Aml], AS_OF);
            let run = vm.run(&selection.expect("rules in force"), record);
            for (result, trace) in run.results.into_iter().zip(run.traces) {
                let place: usize = result.id.parse().expect("ids are numbers");
                let events = trace.events.iter().map(event).collect();
                let (fuel, cost) = (trace.fuel, compiled[place].cost);
                of_programs[place].push(Run { result, events, fuel, cost });
            }
        }
        runs.extend(of_programs);
    }
    runs
}

fn compiled(program: &Program) -> Module {
    compile(program).unwrap_or_else(|error| panic!("{error}\n{program:#?}"))
}

fn event(event: &vm::Event) -> Event {
    match event {
        vm::Event::Branch { id, taken } => Event::Branch { id: *id, taken: *taken },
        vm::Event::List { list, found } => Event::List { list: *list, found: *found },
        vm::Event::Screen { list, options, best, .. } => {
            let hit = best.first().map(|hit| (hit.score, hit.entry));
            Event::Screen { list: *list, options: *options, hit }
        }
    }
}

/// The plain list of every bundle here, list number 0 of every rule, and its entries.
pub const PLAIN: &str = "a.plain";
pub const PLAIN_ENTRIES: [&str; 5] = ["ACC-1", "CU", "IR", "KP", "bob"];

/// The list of names of every bundle here, list number 1 of every rule.
pub const NAMES: &str = "b.names";

/// Its entries.
pub fn names() -> Snapshot {
    let entry = |id: &str, names: &[&str], births: &[(i32, i32)], identifiers: &[&str]| Entry {
        id: id.into(),
        kind: Kind::Person,
        names: names
            .iter()
            .map(|name| Name { text: (*name).into(), strength: Strength::Primary })
            .collect(),
        births: births.iter().map(|(first, last)| Birth { first: *first, last: *last }).collect(),
        identifiers: identifiers
            .iter()
            .map(|value| Identifier { kind: "account".into(), value: (*value).into() })
            .collect(),
        programs: Vec::new(),
    };
    Snapshot {
        id: NAMES.into(),
        source: "test".into(),
        taken_at: 0,
        entries: vec![
            entry("10", &["SMITH, Bob", "Robert Smith"], &[(5172, 5172)], &["ACC-1"]),
            entry("20", &["Bobby Smyth"], &[(-43_829, -43_465)], &["007"]),
            entry("30", &["Acme Trading House"], &[], &["ACC-2"]),
        ],
    }
}

/// The programs as the rules of one bundle; ids are their numbers.
fn load(programs: &[Program], compiled: &[Module]) -> vm::Program {
    let mut modules: Vec<Vec<u8>> = compiled.iter().map(|module| module.wasm.clone()).collect();
    modules.sort_by_cached_key(|wasm| rules::module_hash(wasm));
    modules.dedup();
    let rules = compiled.iter().zip(programs).enumerate().map(|(index, (module, program))| {
        let place = modules.iter().position(|known| *known == module.wasm);
        rule(index, place.expect("it is there"), program)
    });
    let bundle = Bundle {
        name: "test".into(),
        version: 1,
        issued_at: Millis(0),
        compiler: "test".into(),
        rules: rules.collect(),
        modules: modules.clone(),
        lists: vec![ListSnapshot {
            id: PLAIN.into(),
            source: "test".into(),
            taken_at: Millis(0),
            entries: PLAIN_ENTRIES.map(String::from).into(),
        }],
        names: vec![Arc::new(names())],
    };
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
    let signed = sign_bundle(&bundle, &[key]).expect("a sound bundle");
    let verified = SignedBundle::verify(&signed, &config).expect("a sound bundle");
    vm::Program::load(verified, Limits::default()).expect("sound modules")
}

fn rule(index: usize, module: usize, program: &Program) -> Rule {
    Rule {
        id: format!("{index:04}"),
        version: "1".into(),
        title: "test".into(),
        jurisdiction: "US".into(),
        domain: "AML".into(),
        effective_from: Millis(0),
        effective_to: None,
        citation: "none".into(),
        module,
        entry: "evaluate".into(),
        fuel: rules::FUEL_MAX,
        lists: program.lists.iter().map(|id| usize::from(id != PLAIN)).collect(),
        source: String::new(),
        reasons: program.reasons.clone(),
    }
}
