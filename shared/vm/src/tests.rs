//! What only the inside can tell: which modules are kept, and that a kept memory holds its
//! module's own data and nothing else after a run, however the run ended.

#[path = "../tests/all/support.rs"]
#[allow(dead_code)]
mod support;

use crate::Program;
use crate::kept::{Kept, image};
use rules::Outcome;
use support::{assemble, bundle, entry, gravest, module, record, run, verified};

/// Something of a payer that must not stay.
const SECRET: &str = "Ermintrude Quaxley of 7 Larkspur Lane";

fn modules() -> Vec<(&'static str, Vec<u8>)> {
    let all = "(memory.copy (i32.const 40000) (local.get $in) (local.get $length))";
    vec![
        ("a.passes", entry(all)),
        ("b.traps", entry(&format!("{all} unreachable"))),
        ("c.burns", entry(&format!("{all} (loop $again (br $again))"))),
        ("d.gives-up", entry(&format!("{all} (call $trap (i32.const 1))"))),
        ("e.malformed", entry(&format!("{all} (i32.store8 (i32.const 9) (i32.const 9))"))),
        (
            "f.overflows",
            module(
                r#"(data (i32.const 500) "own")
            (func $deep (param i32) (result i32)
                (i32.add (i32.const 1) (call $deep (local.get 0))))
            (func (export "evaluate") (param i32 i32) (result i64)
                (i64.extend_i32_u (call $deep (i32.const 0))))"#,
            ),
        ),
        (
            "g.data",
            module(
                r#"(data (i32.const 500) "own")
            (func (export "evaluate") (param i32 i32) (result i64)
                (i32.store (i32.const 500) (local.get 1))
                (i64.const 0x0000000800000008))"#,
            ),
        ),
    ]
}

fn program() -> Program {
    let bundle = verified(&bundle(&modules(), 50_000)).expect("a sound bundle");
    Program::load(bundle, rules::Limits::default()).expect("sound modules")
}

#[test]
fn nothing_of_a_record_stays_in_memory() {
    let program = program();
    let transaction =
        format!(r#""type":"other","amount":1,"currency":"USD","source":{{"name":"{SECRET}"}}"#);
    let record = record(&transaction, "");
    for round in 0..3 {
        let run = run(&program, &record);
        let outcomes: Vec<_> = run.results.iter().map(|result| result.outcome).collect();
        assert_eq!(gravest(&run), Outcome::Error);
        assert_eq!((outcomes[0], outcomes[6]), (Outcome::Pass, Outcome::Pass));
        assert!(outcomes[1..6].iter().all(|outcome| *outcome == Outcome::Error), "{run:?}");
        let mut kept = program.pool.take().expect("one store");
        assert!(program.pool.take().is_none(), "{round}: one thread needs one store");
        // Instances that a fault ended are gone, the others stay.
        let size = program.modules[0].memory_for(record.as_bytes().len()).expect("it fits");
        let ready = kept.get(6, size).expect("kept");
        assert!(kept.get(0, size).is_some());
        assert!((1..6).all(|rule| kept.get(rule, size).is_none()));
        let memory = ready.memory.data(&kept.store);
        assert_eq!((memory.len(), &memory[500..503]), (65_536, &b"own"[..]));
        assert!(memory[..500].iter().chain(&memory[503..]).all(|byte| *byte == 0));
        // What a fault left behind is put back before its store goes.
        for rule in 0..6 {
            let entry = &program.bundle.bundle().rules[rule];
            let ready = program.instance(&mut kept.store, entry, size).expect("an instance");
            let image = program.modules[entry.module].image.as_ref().expect("kept");
            let mut trace = crate::RuleTrace { fuel: 0, events: Vec::new() };
            let answer =
                program.call(&mut kept.store, ready, (rule, entry), record.as_bytes(), &mut trace);
            assert_eq!(answer.is_ok(), rule == 0);
            let holds = |kept: &Kept| {
                let memory = ready.memory.data(&kept.store);
                memory.windows(SECRET.len()).any(|window| window == SECRET.as_bytes())
            };
            assert!(holds(&kept));
            kept.restore(ready, image);
            assert!(!holds(&kept));
        }
    }
}

#[test]
fn a_module_with_more_than_memory_is_not_kept() {
    let memory = [0, 7, 0, 0];
    let data = |memory: &[u8]| image(&entry(""), memory).map(|image| image.data);
    assert_eq!(data(&memory).as_deref(), Some(&[0, 7][..]));
    assert_eq!(data(&[]).as_deref(), Some(&[][..]));
    assert!(image(&entry(""), &vec![0; 1 << 20]).is_none());
    assert!(image(b"\0asm", &memory).is_none());
    let table = "(table $t 2 8 funcref) (elem $e func $f) (func $f)";
    for (items, body) in [
        ("(global (mut i32) (i32.const 0))", ""),
        ("(global $g (mut i32) (i32.const 0))", "(global.set $g (i32.const 1))"),
        ("", "(drop (memory.grow (i32.const 1)))"),
        (r#"(data $d "x")"#, "(memory.init $d (i32.const 0) (i32.const 0) (i32.const 1))"),
        (r#"(data $d "x")"#, "(data.drop $d)"),
        (table, "(table.set $t (i32.const 0) (ref.null func))"),
        (table, "(drop (table.grow $t (ref.null func) (i32.const 1)))"),
        (table, "(table.fill $t (i32.const 0) (ref.null func) (i32.const 1))"),
        (table, "(table.copy $t $t (i32.const 0) (i32.const 1) (i32.const 1))"),
        (table, "(table.init $t $e (i32.const 0) (i32.const 0) (i32.const 1))"),
        (table, "(elem.drop $e)"),
    ] {
        let text = format!("(module (memory 1) {items} (func $last {body}))");
        assert!(image(&assemble(&text), &memory).is_none(), "{text}");
    }
    // Reading is not changing.
    let reads = format!(
        "(module (memory 1) {table} (global i32 (i32.const 0)) (func
        (drop (global.get 0)) (drop (table.get $t (i32.const 0))) (drop (memory.size))
        (call_indirect (i32.const 0))))"
    );
    assert!(image(&assemble(&reads), &memory).is_some());
}

#[test]
fn stores_and_their_instances_are_bounded() {
    let program = program();
    let mut kept = Kept::new(&program);
    let rule = &program.bundle.bundle().rules[0];
    let image = program.modules[rule.module].image.as_ref().expect("kept");
    let mut count = 0;
    while kept.has_room(65_536, image) {
        let ready = program.instance(&mut kept.store, rule, 65_536).expect("within the limits");
        kept.add(count, 65_536, image, ready);
        count += 1;
    }
    assert!((100..114).contains(&count), "{count} of 64 KiB in 8 MiB");
    assert!(!kept.has_room(1 << 20, image));
    // What a module makes an instance hold beside its memory is counted.
    let many: String = (0..7000).map(|n| format!("(func (export \"f{n}\"))")).collect();
    let heavy = self::image(&assemble(&format!("(module (memory 1) {many})")), &[]).expect("kept");
    let new = Kept::new(&program);
    assert!(new.has_room(65_536, &heavy) && !new.has_room(7 << 20, &heavy));
    for _ in 0..40 {
        program.pool.give(Kept::new(&program));
    }
    assert_eq!(std::iter::from_fn(|| program.pool.take()).count(), 16);
}

/// One caller with a long history must not make the callers after it pay.
#[test]
fn a_full_store_begins_anew() {
    let program = program();
    let record = record(r#""type":"other","amount":1,"currency":"USD""#, "");
    let size = program.modules[0].memory_for(record.as_bytes().len()).expect("it fits");
    let mut kept = Kept::new(&program);
    let image = program.modules[0].image.as_ref().expect("kept");
    let rule = &program.bundle.bundle().rules[0];
    let mut others = 1000;
    while kept.has_room(131_072, image) {
        let ready = program.instance(&mut kept.store, rule, 131_072).expect("within the limits");
        kept.add(others, 131_072, image, ready);
        others += 1;
    }
    program.pool.give(kept);
    run(&program, &record);
    let kept = program.pool.take().expect("one store");
    assert!(kept.get(6, size).is_some());
    assert!((1000..others).all(|rule| kept.get(rule, 131_072).is_none()));
}
