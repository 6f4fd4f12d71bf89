//! A rule that runs in an instance that served before gives what it gives in a new one: results,
//! traces and fuel, whatever ran before it, on any thread. It must never compare a program with
//! itself: the reference is a program that was loaded for one record.

use crate::support::{
    Numbers, PACK, any_record, assemble, bundle, entry, gravest, load, record, run, shipped,
    verified,
};
use facts::Record;
use rules::{Limits, Outcome, Value};
use std::sync::atomic::{AtomicUsize, Ordering};
use vm::{Program, Run};

const FUEL: u64 = 2_000_000;
/// Runs of the shuffled test.
const RUNS: usize = 400;

/// A module with a memory of bytes whose entry tells a number, computed by `number` after `items`
/// were declared and `body` ran.
fn telling(items: &str, body: &str, number: &str) -> Vec<u8> {
    telling_with("4352 (pagesize 1)", items, body, number)
}

fn telling_with(memory: &str, items: &str, body: &str, number: &str) -> Vec<u8> {
    assemble(&format!(
        r#"(module
            (memory (export "memory") {memory})
            (global (export "rule_abi_version") i32 (i32.const 1))
            (global (export "input_base") i32 (i32.const 256))
            {items}
            (func (export "evaluate") (param $in i32) (param $length i32) (result i64)
                (local $at i32) (local $sum i64)
                {body}
                (i64.store (i32.const 24) {number})
                (i64.store (i32.const 32) (i64.const 0))
                (i64.store (i32.const 8) (i64.const 0x100))
                (i64.store (i32.const 16) (i64.const 1))
                (i64.const 0x2000000008)))"#
    ))
}

/// Adds up the bytes from `$at` to the memory's end, then scribbles over all of them.
const SNOOP: &str = "
    (if (i32.lt_u (local.get $at) (memory.size)) (then
        (loop $again
            (local.set $sum
                (i64.add (local.get $sum) (i64.load8_u (local.get $at))))
            (i32.store8 (local.get $at) (i32.const 0xaa))
            (br_if $again (i32.lt_u
                (local.tee $at (i32.add (local.get $at) (i32.const 1)))
                (memory.size))))))";

/// From after the record, from the memory's beginning up to the record.
fn snoop() -> String {
    format!(
        "(local.set $at (i32.add (local.get $in) (local.get $length))) {SNOOP}
        (local.set $at (i32.const 0))
        (loop $below
            (local.set $sum (i64.add (local.get $sum) (i64.load8_u (local.get $at))))
            (i32.store8 (local.get $at) (i32.const 0x55))
            (br_if $below (i32.lt_u
                (local.tee $at (i32.add (local.get $at) (i32.const 1))) (local.get $in))))"
    )
}

/// A number of the record: the low bits of its mantissa.
const AMOUNT: &str = "(i32.load (i32.add (local.get $in) (i32.const 48)))";

/// Modules that try to keep something, and ways to end. Those that tell a number tell the same one
/// in every new instance with the same record.
fn modules() -> Vec<(&'static str, Vec<u8>)> {
    let functions = r#"(func $one (result i64) (i64.const 1))
        (func $two (result i64) (i64.const 2)) (elem declare func $two)"#;
    let table = format!("{functions} (table $t 2 8 funcref) (elem (i32.const 0) $one)");
    let ask = "(call_indirect (result i64) (i32.const 0))";
    let odd = format!("(i32.and {AMOUNT} (i32.const 3))");
    let ends = format!(
        "{} (if (i32.eq {odd} (i32.const 1)) (then unreachable))
        (if (i32.eq {odd} (i32.const 2)) (then (loop $forever (br $forever))))",
        snoop()
    );
    let past = "(drop (i32.load8_u (i32.sub (memory.size) (i32.const 1))))
        (if (i32.and (local.get $length) (i32.const 8))
            (then (drop (i32.load8_u (memory.size)))))";
    let whole = |body: &str| telling(r#"(data (i32.const 64) "data")"#, body, "(local.get $sum)");
    let mut all = vec![
        (
            "a.byte",
            telling(
                "",
                "(local.set $sum (i64.load (i32.const 100)))
            (i64.store (i32.const 100) (i64.const 1))",
                "(local.get $sum)",
            ),
        ),
        (
            "b.global",
            telling(
                "(global $n (mut i64) (i64.const 0))",
                "(global.set $n (i64.add (global.get $n) (i64.const 1)))",
                "(global.get $n)",
            ),
        ),
        ("c.snoop", whole(&snoop())),
        ("d.ends", whole(&ends)),
        ("e.past", telling("", past, "(i64.extend_i32_u (memory.size))")),
        (
            "f.grow",
            telling("", "(drop (memory.grow (i32.const 1)))", "(i64.extend_i32_u (memory.size))"),
        ),
        (
            "g.table-set",
            telling(
                &table,
                &format!(
                    "(local.set $sum {ask})
            (table.set $t (i32.const 0) (ref.func $two))"
                ),
                "(local.get $sum)",
            ),
        ),
        (
            "h.table-grow",
            telling(
                &table,
                "(drop (table.grow $t (ref.null func) (i32.const 1)))",
                "(i64.extend_i32_u (table.size $t))",
            ),
        ),
        (
            "i.table-fill",
            telling(
                &table,
                &format!(
                    "(local.set $sum {ask})
            (table.fill $t (i32.const 0) (ref.null func) (i32.const 1))"
                ),
                "(local.get $sum)",
            ),
        ),
        (
            "j.table-copy",
            telling(
                &table,
                &format!(
                    "(local.set $sum {ask})
            (table.copy $t $t (i32.const 0) (i32.const 1) (i32.const 1))"
                ),
                "(local.get $sum)",
            ),
        ),
        (
            "k.elem-drop",
            telling(
                &format!("{table} (elem $e func $one)"),
                "(table.init $t $e (i32.const 1) (i32.const 0) (i32.const 1)) (elem.drop $e)",
                ask,
            ),
        ),
        (
            "l.data-drop",
            telling(
                r#"(data $d "\07")"#,
                "(memory.init $d (i32.const 99) (i32.const 0) (i32.const 1)) (data.drop $d)",
                "(i64.load8_u (i32.const 99))",
            ),
        ),
        (
            "m.page",
            telling_with(
                "1",
                "",
                &snoop().replace("(memory.size)", "(i32.const 65536)"),
                "(local.get $sum)",
            ),
        ),
        (
            "n.fill",
            telling(
                "",
                "(memory.fill (i32.const 0) (i32.const 7) (memory.size))",
                "(i64.load8_u (local.get $in))",
            ),
        ),
        (
            "o.most",
            telling_with("4352 6000 (pagesize 1)", "", past, "(i64.extend_i32_u (memory.size))"),
        ),
    ];
    all.extend(PACK.map(|id| (id, shipped(id))));
    all.sort_by_key(|(id, _)| *id);
    all
}

fn program() -> Program {
    let bundle = verified(&bundle(&modules(), FUEL)).expect("a sound bundle");
    Program::load(bundle, Limits::default()).expect("sound modules")
}

/// Records of no row to as many as no instance is kept for; some end where their memory does.
fn records() -> Vec<Record> {
    let counts = [0, 1, 3, 20, 60, 90, 150, 330, 700, 1300, 3000];
    let few = counts.into_iter().enumerate().map(|(at, count)| (count, 1 + 7 * at));
    let edges = [110, 116, 124, 132].map(|name| (65, name));
    let all = few.chain(edges).flat_map(|(count, name)| {
        (0..4).map(move |odd| {
            let row = r#"{"timestamp":"2026-03-01T12:00:00Z","type":"cash_deposit",
                "amount":"8000.00","currency":"USD","counterparty":"secret"}"#;
            let transaction = format!(
                r#""type":"wire_transfer","amount":"{count}.0{odd}","currency":"USD",
                "source":{{"name":"{}"}}"#,
                "n".repeat(name)
            );
            record(&transaction, &vec![row; count].join(","))
        })
    });
    all.collect()
}

/// The runs of one rule after another, in an order of its own, against new programs.
fn shuffled(program: &Program, records: &[Record], references: &[Run], seed: u64) {
    let mut numbers = Numbers(seed);
    for _ in 0..RUNS {
        let at = numbers.below(records.len());
        let whole = run(program, &records[at]);
        assert_eq!(whole, references[at], "record {at}");
    }
}

fn references(records: &[Record]) -> Vec<Run> {
    records.iter().map(|record| run(&program(), record)).collect()
}

#[test]
fn an_instance_that_served_before_is_as_a_new_one() {
    let records = records();
    let references = references(&records);
    let lengths: Vec<_> = records.iter().map(|record| record.as_bytes().len()).collect();
    assert!(lengths.iter().any(|length| *length < 4096) && lengths.contains(&4096), "{lengths:?}");
    assert!(lengths.iter().any(|length| *length > 131_072), "{lengths:?}");
    // Each way to end is among them, so the test means something.
    for wanted in [Outcome::Pass, Outcome::Error, Outcome::MissingData] {
        let has = |run: &Run| run.results.iter().any(|result| result.outcome == wanted);
        assert!(references.iter().any(has), "{wanted:?}");
    }
    shuffled(&program(), &records, &references, 0x5eed);
}

#[test]
fn rules_in_any_order_and_number_are_as_alone() {
    let (program, records) = (program(), records());
    let references = references(&records);
    let bundle = program.bundle().bundle();
    let whole =
        bundle.select(&[facts::Jurisdiction::Us], &[facts::Domain::Aml], crate::support::AS_OF);
    let whole = whole.expect("rules in force").rules;
    let mut numbers = Numbers(0xfeed);
    for _ in 0..RUNS {
        let at = numbers.below(records.len());
        let chosen: Vec<usize> =
            (0..1 + numbers.below(6)).map(|_| numbers.below(whole.len())).collect();
        let rules = chosen.iter().map(|rule| whole[*rule]).collect();
        let selection = rules::Selection { rules, not_covered: Vec::new() };
        let found = program.run(&selection, &records[at]);
        for (place, rule) in chosen.into_iter().enumerate() {
            assert_eq!(found.results[place], references[at].results[rule]);
            assert_eq!(found.traces[place], references[at].traces[rule]);
        }
    }
}

#[test]
fn threads_do_not_see_each_other() {
    let (program, records) = (program(), records());
    let references = references(&records);
    let done = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for seed in 1..=3 {
            let (program, records, references, done) = (&program, &records, &references, &done);
            scope.spawn(move || {
                shuffled(program, records, references, seed * 0x9e37_79b9);
                done.fetch_add(1, Ordering::SeqCst);
            });
        }
    });
    assert_eq!(done.into_inner(), 3);
}

/// What each tells, so that two wrong answers that agree are found too.
#[test]
fn nothing_is_left_of_an_earlier_run() {
    let data = i64::from(b'd') + 2 * i64::from(b'a') + i64::from(b't');
    let expected = [
        ("a.byte", 0),
        ("b.global", 1),
        ("c.snoop", data),
        ("g.table-set", 1),
        ("h.table-grow", 3),
        ("i.table-fill", 1),
        ("k.elem-drop", 1),
        ("l.data-drop", 7),
        ("m.page", 0),
        ("n.fill", 7),
    ];
    let (program, records) = (program(), records());
    for record in records.iter().chain(records.iter().rev()) {
        let run = run(&program, record);
        for (id, number) in expected {
            let result = crate::support::result_of(&run, id);
            if record.as_bytes().len() > 65_536 && id == "c.snoop" {
                continue; // Its fuel is too little for so much memory.
            }
            assert_eq!(result.values, [Value::Integer(number)], "{id}: {result:?}");
        }
    }
}

/// ABI.md §1: the memory holds 4,096 bytes or the next power of two from the record on, within the
/// memory's own bounds.
#[test]
fn memory_is_a_matter_of_the_record_alone() {
    let program = program();
    for record in records().iter().rev() {
        let length = record.as_bytes().len();
        let class = [12, 13, 14, 15, 16, 17, 18, 19].map(|bits| 1 << bits);
        let class = class.into_iter().find(|class| *class >= length).expect("up to 512 KiB");
        let run = run(&program, record);
        let told = |id| crate::support::result_of(&run, id).values;
        let size = 256 + class as i64;
        let trapped = length & 8 != 0;
        let fault = |fault: &str| vec![Value::Text(fault.into())];
        let wanted = if trapped { fault("trap") } else { vec![Value::Integer(size)] };
        assert_eq!(told("e.past"), wanted, "{length}");
        assert_eq!(told("f.grow"), [Value::Integer(size + 1)], "{length}");
        let wanted = match (256 + length, trapped) {
            (6001.., _) => fault("memory"),
            (_, true) => fault("trap"),
            (_, false) => vec![Value::Integer(size.min(6000))],
        };
        assert_eq!(told("o.most"), wanted, "{length}");
    }
}

#[test]
fn a_rule_that_failed_runs_again() {
    let body = format!("(if (i32.and {AMOUNT} (i32.const 1)) (then unreachable))");
    let body = body.replace("$in", "0");
    let program = load(entry(&body)).expect("sound");
    let odd = record(r#""type":"other","amount":0.01,"currency":"USD""#, "");
    let even = any_record();
    for _ in 0..50 {
        assert_eq!(gravest(&run(&program, &odd)), Outcome::Error);
        assert_eq!(gravest(&run(&program, &even)), Outcome::Pass);
    }
}
