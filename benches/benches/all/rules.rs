//! What rules cost: eight compiled ones over a transaction and its history, the same in the
//! reference interpreter, compiling one, loading a thousand. Everything is checked before it is
//! timed.

use benches::measure::Bench;
use benches::{eight, many};
use compiler::interpret::interpret;
use compiler::pack::{NameIndexes, Pack, RuleLists};
use rules::{Bundle, Limits, Outcome, SignedBundle};
use std::hint::black_box;
use tests::world::{ISSUED_AT, key};
use vm::Program;

/// Rules of the large bundles.
const MANY: usize = 1000;

/// All of it.
pub fn rules(bench: &mut Bench) {
    let pack = eight::pack();
    let program = tests::rulebook::program(&pack);
    let nothing = returning_at_once(&pack, "");
    let fresh = returning_at_once(&pack, "(global (mut i32) (i32.const 0))");
    for rows in [0, eight::ROWS] {
        let body = eight::body(rows);
        bench.row(&format!("request to record, {rows} history rows"), None, |b| {
            b.iter(|| eight::record(black_box(&body)));
        });
    }
    for rows in [0, eight::ROWS] {
        let (_, record) = eight::record(&eight::body(rows));
        let selection = eight::selection(&nothing);
        let name = format!("8 modules that return at once, {rows} rows");
        let floor = bench.row(&name, None, |b| {
            b.iter(|| nothing.run(black_box(&selection), &record));
        });
        let floor = Some(("calls", floor));
        let selection = eight::selection(&fresh);
        let name = format!("8 of them in new instances, {rows} rows");
        bench.row(&name, floor, |b| {
            b.iter(|| fresh.run(black_box(&selection), &record));
        });
        let selection = eight::selection(&program);
        assert_eq!(selection.rules.len(), 8);
        check(&pack, &program, rows);
        let name = format!("8 compiled rules, {rows} history rows");
        let ours = bench.row(&name, floor, |b| {
            b.iter(|| program.run(black_box(&selection), &record));
        });
        let bundle = program.bundle().bundle();
        let names = NameIndexes::of(bundle);
        let name = format!("8 rules in the reference interpreter, {rows} rows");
        bench.row(&name, Some(("compiled", ours)), |b| {
            b.iter(|| interpreted(&pack, bundle, &names, black_box(record.as_bytes())));
        });
        if rows > 0 {
            each(bench, &program, &record);
        }
    }
    let four = tests::rulebook::pack("rulepacks/us-core");
    let four = tests::rulebook::program(&four);
    let (_, record) = eight::record(&eight::body(eight::ROWS));
    let selection = eight::selection(&four);
    let name = format!("{} hand-written rules (us-core), 50 rows", selection.rules.len());
    bench.row(&name, None, |b| b.iter(|| four.run(black_box(&selection), &record)));
    bench.row("compile one rule from YAML", None, |b| {
        b.iter(|| many::compile(black_box(many::SOURCE)));
    });
    load(bench, "of their own", true);
    load(bench, "shared", false);
}

/// Rule by rule, so that the dear one can be seen.
fn each(bench: &mut Bench, program: &Program, record: &facts::Record) {
    for rule in eight::selection(program).rules {
        let mut one = eight::selection(program);
        let name = format!("  of them {}", rule.1.id);
        one.rules = vec![rule];
        bench.row(&name, None, |b| b.iter(|| program.run(black_box(&one), record)));
    }
}

fn load(bench: &mut Bench, modules: &str, distinct: bool) {
    let pack = many::pack(MANY, distinct);
    let (bytes, config) = many::signed(&pack);
    let verified = SignedBundle::verify(&bytes, &config).expect("signed");
    let bundle = verified.bundle();
    assert_eq!((bundle.rules.len(), bundle.modules.len()), (MANY, if distinct { MANY } else { 1 }));
    let name = format!("hash the bundle of {MANY} rules, modules {modules}");
    let floor = bench.median(&name, |b| b.iter(|| crypto::sha384(black_box(&[&bytes]))));
    let name = format!("verify {MANY} rules, modules {modules}");
    let floor = Some(("SHA-384 of it", floor));
    let verify = bench.row(&name, floor, |b| {
        b.iter(|| SignedBundle::verify(black_box(&bytes), &config).expect("signed"));
    });
    let name = format!("verify and load {MANY} rules, modules {modules}");
    bench.row(&name, Some(("verify", verify)), |b| {
        b.iter(|| {
            let verified = SignedBundle::verify(black_box(&bytes), &config).expect("signed");
            Program::load(verified, Limits::default()).expect("our own modules load")
        });
    });
}

/// Both engines say the same of the request that is timed and of random ones.
fn check(pack: &Pack, program: &Program, rows: usize) {
    let bundle = program.bundle().bundle();
    let names = NameIndexes::of(bundle);
    let random = (1..200).map(eight::random_body);
    for body in std::iter::once(eight::body(rows)).chain(random) {
        let (_, record) = eight::record(&body);
        let run = program.run(&eight::selection(program), &record);
        let compiled: Vec<_> = run.results.iter().map(|result| result.outcome).collect();
        assert_eq!(interpreted(pack, bundle, &names, record.as_bytes()), compiled, "{body}");
        assert!(!compiled.contains(&Outcome::Error), "{body}");
    }
}

fn interpreted(pack: &Pack, bundle: &Bundle, names: &NameIndexes, record: &[u8]) -> Vec<Outcome> {
    let outcome = |(compiled, rule): (&compiler::pack::CompiledRule, _)| {
        let program = compiled.program.as_ref().expect("made from YAML");
        interpret(program, record, &RuleLists { bundle, names, rule }).outcome
    };
    pack.rules.iter().zip(&bundle.rules).map(outcome).collect()
}

/// The same rules with modules that read nothing and pass: what calls, records and results cost.
/// With a global that can change, none of their instances serves twice.
fn returning_at_once(pack: &Pack, global: &str) -> Program {
    let mut bundle = pack.bundle(1, ISSUED_AT);
    let mut modules: Vec<_> =
        (0..bundle.modules.len()).map(|number| module(number, global)).collect();
    modules.sort_by_key(|wasm| rules::module_hash(wasm));
    bundle.modules = modules;
    let (_, config) = many::signed(pack);
    let signed = rules::sign_bundle(&bundle, &[key(1)]).expect("a sound bundle");
    let verified = SignedBundle::verify(&signed, &config).expect("signed");
    Program::load(verified, Limits::default()).expect("sound modules")
}

/// With a memory of bytes, as the compiler makes it.
fn module(number: usize, global: &str) -> Vec<u8> {
    let text = format!(
        r#"(module
            (memory (export "memory") 4144 (pagesize 1))
            (global (export "rule_abi_version") i32 (i32.const 1))
            (global (export "input_base") i32 (i32.const 48))
            {global}
            (data (i32.const 32) "{number}")
            (func (export "evaluate") (param i32 i32) (result i64) (i64.const 0x800000008)))"#
    );
    wat::parse_str(text).expect("Wasm text")
}
