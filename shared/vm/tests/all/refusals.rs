//! Modules that are refused at load, each for its own reason.

use crate::support::{assemble, bundle, entry, load, module, verified};
use rules::{Limits, MODULE_BYTES_MAX};
use vm::{Program, VmError};

/// A module in parts, so that one can be left out or changed.
struct Parts {
    imports: &'static str,
    memory: &'static str,
    version: &'static str,
    base: &'static str,
    entry: &'static str,
}

const SOUND: Parts = Parts {
    imports: "",
    memory: r#"(memory (export "memory") 1)"#,
    version: r#"(global (export "rule_abi_version") i32 (i32.const 1))"#,
    base: r#"(global (export "input_base") i32 (i32.const 16))"#,
    entry: r#"(func (export "evaluate") (param i32 i32) (result i64) (i64.const 0x800000000))"#,
};

fn wasm(parts: &Parts) -> Vec<u8> {
    let Parts { imports, memory, version, base, entry } = parts;
    assemble(&format!("(module {imports} {memory} {version} {base} {entry})"))
}

fn refusal(wasm: Vec<u8>) -> VmError {
    load(wasm).map(|_| ()).expect_err("it is refused")
}

fn is_invalid(error: &VmError) -> bool {
    matches!(error, VmError::Invalid { .. })
}

#[test]
fn the_sound_module_loads() {
    assert!(load(wasm(&SOUND)).is_ok());
    assert!(load(entry("")).is_ok());
}

#[test]
fn what_is_outside_integer_wasm_is_invalid() {
    for items in [
        "(func (param f32))",
        "(func (result f64) unreachable)",
        "(func (local f32))",
        "(func (drop (f32.const 1)))",
        "(func (drop (f64.add (f64.const 1) (f64.const 2))))",
        "(func (param i32) (drop (f32.convert_i32_s (local.get 0))))",
        "(func (drop (i32.trunc_sat_f32_s (f32.const 1))))",
        "(global f64 (f64.const 0))",
        "(type (func (param f32)))",
        "(func (drop (f32.load (i32.const 0))))",
        "(func $f) (start $f)",
        "(memory 1)",
        "(func (param v128))",
        "(func (drop (v128.const i64x2 0 0)))",
        "(func (drop (i32.atomic.load (i32.const 0))))",
        "(func (return_call 0 (i32.const 0) (i32.const 0)))",
        "(func (drop (i64.mul_wide_s (i64.const 1) (i64.const 1))) drop)",
        "(global i32 (i32.add (i32.const 1) (i32.const 1)))",
        "(tag)",
        "(table 65 funcref)",
        "(table 0 funcref) (table 0 funcref)",
        "(data (i32.const 65535) \"ab\")",
        "(func (result i32) (i64.const 0))",
    ] {
        let error = refusal(module(&format!("{items} {}", SOUND.entry)));
        assert!(is_invalid(&error), "{items}: {error}");
    }
    for memory in
        [r#"(memory (export "memory") i64 1)"#, r#"(memory (export "memory") 1 1 shared)"#]
    {
        let error = refusal(wasm(&Parts { memory, ..SOUND }));
        assert!(is_invalid(&error), "{memory}: {error}");
    }
}

#[test]
fn only_the_offered_imports_link() {
    for imports in [
        r#"(import "env" "clock" (func (result i64)))"#,
        r#"(import "env" "" (func))"#,
        r#"(import "wasi_snapshot_preview1" "branch" (func (param i32 i32)))"#,
        r#"(import "env" "branch" (func (param i32)))"#,
        r#"(import "env" "branch" (func (param i64 i32)))"#,
        r#"(import "env" "branch" (func (param i32 i32) (result i32)))"#,
        r#"(import "env" "list_contains" (func (param i32 i32 i32)))"#,
        r#"(import "env" "trap" (func (param i64)))"#,
        r#"(import "env" "branch" (global i32))"#,
        r#"(import "env" "table" (table 1 funcref))"#,
    ] {
        let error = refusal(wasm(&Parts { imports, ..SOUND }));
        assert!(matches!(error, VmError::Import { .. }), "{imports}: {error}");
    }
    let imports = r#"(import "env" "memory" (memory (;0;) 1)) (export "memory" (memory 0))"#;
    let error = refusal(wasm(&Parts { imports, memory: "", ..SOUND }));
    assert!(matches!(error, VmError::Import { .. }), "{error}");
}

#[test]
fn every_export_is_asked_for() {
    let cases = [
        ("memory", Parts { memory: "(memory 1)", ..SOUND }),
        ("memory", Parts { memory: "", ..SOUND }),
        (
            "memory",
            Parts { memory: r#"(global (export "memory") i32 (i32.const 1)) (memory 1)"#, ..SOUND },
        ),
        ("rule_abi_version", Parts { version: "", ..SOUND }),
        (
            "rule_abi_version",
            Parts {
                version: r#"(global (export "rule_abi_version") (mut i32) (i32.const 1))"#,
                ..SOUND
            },
        ),
        (
            "rule_abi_version",
            Parts { version: r#"(global (export "rule_abi_version") i64 (i64.const 1))"#, ..SOUND },
        ),
        ("input_base", Parts { base: "", ..SOUND }),
        ("input_base", base_of("8")),
        ("input_base", base_of("-16")),
        ("input_base", base_of("4194320")),
        ("evaluate", Parts { entry: "", ..SOUND }),
        ("evaluate", Parts { entry: r#"(func (export "evaluate"))"#, ..SOUND }),
        (
            "evaluate",
            Parts {
                entry: r#"(func (export "evaluate") (param i32 i32) (result i32) i32.const 0)"#,
                ..SOUND
            },
        ),
        ("evaluate", Parts { entry: r#"(global (export "evaluate") i32 (i32.const 1))"#, ..SOUND }),
    ];
    for (name, parts) in &cases {
        let error = refusal(wasm(parts));
        let VmError::Export { export, .. } = &error else { panic!("{name}: {error}") };
        assert_eq!(export, name, "{error}");
    }
    assert!(load(wasm(&base_of("0"))).is_ok());
}

fn base_of(value: &str) -> Parts {
    let text = format!(r#"(global (export "input_base") i32 (i32.const {value}))"#);
    Parts { base: text.leak(), ..SOUND }
}

#[test]
fn another_abi_is_named() {
    for (text, found) in [("2", 2), ("0", 0), ("-1", -1)] {
        let version = format!(r#"(global (export "rule_abi_version") i32 (i32.const {text}))"#);
        let error = refusal(wasm(&Parts { version: version.leak(), ..SOUND }));
        assert!(matches!(error, VmError::Abi { found: f, .. } if f == found), "{error}");
    }
}

#[test]
fn memory_over_the_limit_is_refused() {
    let memory = |pages: u32| {
        let text = format!(r#"(memory (export "memory") {pages})"#);
        wasm(&Parts { memory: text.leak(), ..SOUND })
    };
    assert!(load(memory(64)).is_ok());
    let error = refusal(memory(65));
    assert!(matches!(error, VmError::Memory { max: 64, found: 65, .. }), "{error}");
    let error = refusal(memory(65_536));
    assert!(matches!(error, VmError::Memory { found: 65_536, .. }), "{error}");
    let tight = Limits { memory_pages_max: 1, ..Limits::default() };
    let bundle = verified(&bundle(&[("rule", memory(2))], 1000)).expect("a sound bundle");
    let error = Program::load(bundle, tight).map(|_| ()).expect_err("it is refused");
    assert!(matches!(error, VmError::Memory { max: 1, found: 2, .. }), "{error}");
}

#[test]
fn a_module_has_at_most_64_kib() {
    // A custom section fills it up: id, length in three bytes, name "x", padding.
    let sized = |bytes: usize| {
        let mut wasm = wasm(&SOUND);
        let body = bytes - wasm.len() - 4;
        let length = [body as u8 | 0x80, (body >> 7) as u8 | 0x80, (body >> 14) as u8];
        wasm.push(0);
        wasm.extend(length);
        wasm.extend([1, b'x']);
        wasm.resize(bytes, 0);
        wasm
    };
    assert!(load(sized(MODULE_BYTES_MAX)).is_ok());
    let oversized = verified(&bundle(&[("rule", sized(MODULE_BYTES_MAX + 1))], 1000));
    assert!(matches!(oversized, Err(rules::RulesError::Malformed { .. })), "{oversized:?}");
}

#[test]
fn one_bad_module_refuses_the_whole_bundle() {
    let named = [("a", wasm(&SOUND)), ("b", module(""))];
    let bundle = verified(&bundle(&named, 1000)).expect("a sound bundle");
    let error = Program::load(bundle, Limits::default()).map(|_| ()).expect_err("it is refused");
    assert!(matches!(error, VmError::Export { .. }), "{error}");
}

/// Found by the fuzzer: the engine asserted on an operator after a function's end.
#[test]
fn code_after_the_end_of_a_function_is_refused() {
    let good = wasm(&SOUND);
    // The code section is the last: one function, whose body ends with the section.
    let code = good.windows(1).rposition(|byte| byte == [0x0b]).expect("an end");
    let mut bad = good[..=code].to_vec();
    bad.extend([0x42, 0x00]);
    let section = section_of(&good, 10);
    assert_eq!(section.end, code + 1, "nothing stands behind the code");
    // Sizes of the section and of its one body are single bytes.
    bad[section.start - 1] += 2;
    bad[section.start + 1] += 2;
    let error = refusal(bad);
    assert!(is_invalid(&error), "{error}");
}

/// The content of a section, by its id.
fn section_of(wasm: &[u8], id: u8) -> std::ops::Range<usize> {
    let mut at = 8;
    while wasm[at] != id {
        at += 2 + usize::from(wasm[at + 1]);
    }
    at + 2..at + 2 + usize::from(wasm[at + 1])
}
