//! Rules that do not finish: each ends in `error`, with the fault that it is.

use crate::support::{any_record, assemble, entry, gravest, load, load_with, module, record, run};
use rules::{Outcome, Value};
use vm::Event;

fn fault(wasm: Vec<u8>) -> String {
    let program = load(wasm).unwrap_or_else(|error| panic!("{error}"));
    let run = run(&program, &any_record());
    assert_eq!(gravest(&run), Outcome::Error);
    let [Value::Text(fault)] = run.results[0].values.as_slice() else { panic!("{run:?}") };
    fault.clone()
}

#[test]
fn endless_work_burns_its_fuel() {
    assert_eq!(fault(entry("(loop $again (br $again))")), "fuel");
    let counting = "(local $i i64)
        (loop $again
            (local.set $i (i64.add (local.get $i) (i64.const 1)))
            (br_if $again (i64.ne (local.get $i) (i64.const 0))))";
    assert_eq!(fault(entry(counting)), "fuel");
    // One instruction that moves much costs much.
    let bulk = "(loop $again
        (memory.fill (i32.const 0) (i32.const 0) (i32.const 65536)) (br $again))";
    assert_eq!(fault(entry(bulk)), "fuel");
}

#[test]
fn fuel_is_reported_and_is_the_limit_at_most() {
    for limit in [1, 10, 1000, 100_000] {
        let program = load_with(entry("(loop $again (br $again))"), limit).expect("sound");
        let run = run(&program, &any_record());
        assert_eq!(run.results[0].values, [Value::Text("fuel".into())]);
        assert!(run.traces[0].fuel <= limit, "{} of {limit}", run.traces[0].fuel);
    }
}

#[test]
fn deep_calls_overflow_the_stack() {
    assert_eq!(fault(module(RECURSIVE)), "stack");
    let mutual = r#"(func $a (call $b)) (func $b (call $a))
        (func (export "evaluate") (param i32 i32) (result i64) (call $a) (i64.const 0))"#;
    assert_eq!(fault(module(mutual)), "stack");
    let wide = "(local i64) ".repeat(9000);
    let wide = format!(
        r#"(func $wide {wide} nop)
        (func (export "evaluate") (param i32 i32) (result i64) (call $wide) (i64.const 0))"#
    );
    // 72,000 bytes of locals: more than the stack, in one call. Refusing it at load is as good.
    match load(module(&wide)) {
        Ok(_) => assert_eq!(fault(module(&wide)), "stack"),
        Err(error) => assert!(matches!(error, vm::VmError::Invalid { .. }), "{error}"),
    }
}

#[test]
fn growing_beyond_the_limit_ends_the_rule() {
    let bomb = "(loop $again (drop (memory.grow (i32.const 1))) (br $again))";
    assert_eq!(fault(entry(bomb)), "memory");
    assert_eq!(fault(entry("(drop (memory.grow (i32.const 65535)))")), "memory");
    // The record does not fit and the module forbids growth.
    let narrow = assemble(
        r#"(module
            (memory (export "memory") 1 1)
            (global (export "rule_abi_version") i32 (i32.const 1))
            (global (export "input_base") i32 (i32.const 65520))
            (func (export "evaluate") (param i32 i32) (result i64) (i64.const 0)))"#,
    );
    assert_eq!(fault(narrow), "memory");
}

/// What the memory's own type forbids is Wasm's -1, which a rule can handle.
#[test]
fn growing_beyond_the_memorys_type_is_refused_to_the_rule() {
    let grow = "(if (i32.ne (memory.grow (i32.const -1)) (i32.const -1)) (then unreachable))";
    let program = load(entry(grow)).expect("sound");
    assert_eq!(gravest(&run(&program, &any_record())), Outcome::Pass);
}

#[test]
fn memory_grows_up_to_the_limit() {
    let grow = "(drop (memory.grow (i32.const 63)))
        (i32.store8 (i32.const 4194303) (i32.const 1))";
    let program = load(entry(grow)).expect("sound");
    assert_eq!(gravest(&run(&program, &any_record())), Outcome::Pass);
}

#[test]
fn undefined_work_traps() {
    for body in [
        "unreachable",
        "(drop (i32.div_u (i32.const 1) (i32.const 0)))",
        "(drop (i64.rem_s (i64.const 1) (i64.const 0)))",
        "(drop (i32.div_s (i32.const 0x80000000) (i32.const -1)))",
        "(drop (i64.div_s (i64.const 0x8000000000000000) (i64.const -1)))",
        "(drop (i32.load (i32.const 65533)))",
        "(drop (i64.load offset=4294967295 (i32.const 1)))",
        "(i32.store8 (i32.const 65536) (i32.const 1))",
        "(i32.store (i32.const -1) (i32.const 1))",
        "(memory.fill (i32.const 65000) (i32.const 0) (i32.const 1000))",
        "(memory.copy (i32.const 0) (i32.const 65000) (i32.const 1000))",
    ] {
        assert_eq!(fault(entry(body)), "trap", "{body}");
    }
    let table = r#"(table 1 funcref)
        (func (export "evaluate") (param i32 i32) (result i64)
            (call_indirect (param) (i32.const INDEX)) (i64.const 0))"#;
    for index in ["0", "1", "-1"] {
        assert_eq!(fault(module(&table.replace("INDEX", index))), "trap", "{index}");
    }
    let wrong = r#"(table funcref (elem $branch))
        (func (export "evaluate") (param i32 i32) (result i64)
            (call_indirect (param) (i32.const 0)) (i64.const 0))"#;
    assert_eq!(fault(module(wrong)), "trap");
}

#[test]
fn a_rule_gives_up_with_its_own_code() {
    for code in ["0", "42", "-1", "-2147483648"] {
        assert_eq!(
            fault(entry(&format!("(call $trap (i32.const {code}))"))),
            format!("code:{code}")
        );
    }
}

#[test]
fn the_trace_has_4096_events() {
    let branches = |count: u32| {
        entry(&format!(
            "(local $i i32)
            (loop $again
                (call $branch (local.get $i) (i32.const 2))
                (local.set $i (i32.add (local.get $i) (i32.const 1)))
                (br_if $again (i32.lt_u (local.get $i) (i32.const {count}))))"
        ))
    };
    let program = load(branches(4096)).expect("sound");
    let full = run(&program, &any_record());
    assert_eq!(gravest(&full), Outcome::Pass);
    assert_eq!(full.traces[0].events.len(), 4096);
    assert_eq!(full.traces[0].events[4095], Event::Branch { id: 4095, taken: true });
    assert_eq!(fault(branches(4097)), "trace");
    assert_eq!(fault(branches(5000)), "trace");
    // Events up to the fault are kept: the trace hash covers them.
    let program = load(branches(5000)).expect("sound");
    assert_eq!(run(&program, &any_record()).traces[0].events.len(), 4096);
}

#[test]
fn lists_are_asked_inside_memory_and_bounds() {
    let ask = |list: i64, ptr: i64, len: i64| {
        entry(&format!(
            "(i32.store (i32.const 100) (i32.const 0x00005543))
            (i32.store (i32.const 200) (i32.const 0x000000ff))
            (drop (call $list (i32.const {list}) (i32.const {ptr}) (i32.const {len})))"
        ))
    };
    for (list, ptr, len) in [
        (1, 100, 2),
        (-1, 100, 2),
        (2_147_483_647, 100, 2),
        (0, 65_535, 2),
        (0, 65_537, 0),
        (0, -1, 2),
        (0, 100, -1),
        (0, 100, 257),
        (0, 200, 1),
    ] {
        assert_eq!(fault(ask(list, ptr, len)), "trap", "{list} {ptr} {len}");
    }
    for (ptr, len, found) in [(100, 2, true), (100, 1, false), (100, 3, false), (100, 0, false)] {
        let program = load(ask(0, ptr, len)).expect("sound");
        let run = run(&program, &any_record());
        assert_eq!(run.traces[0].events, [Event::List { list: 0, found }], "{ptr} {len}");
    }
}

#[test]
fn one_rule_that_fails_does_not_hide_another() {
    use crate::support::{bundle, verified};
    let named = [("a", entry("unreachable")), ("b", entry(""))];
    let bundle = verified(&bundle(&named, 1000)).expect("a sound bundle");
    let program = vm::Program::load(bundle, rules::Limits::default()).expect("sound modules");
    let run = run(&program, &record(r#""type":"other","amount":1,"currency":"USD""#, ""));
    let outcomes: Vec<_> = run.results.iter().map(|result| result.outcome).collect();
    assert_eq!(outcomes, [Outcome::Error, Outcome::Pass]);
    assert_eq!(gravest(&run), Outcome::Error);
}

const RECURSIVE: &str = r#"(func $deep (param i32) (result i32)
        (i32.add (i32.const 1) (call $deep (local.get 0))))
    (func (export "evaluate") (param i32 i32) (result i64)
        (i64.extend_i32_u (call $deep (i32.const 0))))"#;
