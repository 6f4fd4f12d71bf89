//! Results that are none (ABI.md §5): whatever is malformed is `error`, never another outcome.

use crate::support::{any_record, load, module, run};
use rules::{Outcome, RuleResult, Value};

/// A rule that answers `packed`, with `bytes` at address 16.
fn answer(bytes: &[u8], packed: u64) -> RuleResult {
    let escaped: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
    let wasm = module(&format!(
        r#"(data (i32.const 16) "{escaped}")
        (data (i32.const 512) "text \ff")
        (func (export "evaluate") (param i32 i32) (result i64) (i64.const {packed}))"#
    ));
    let program = load(wasm).unwrap_or_else(|error| panic!("{error}"));
    run(&program, &any_record()).results.remove(0)
}

fn at_16(bytes: &[u8]) -> RuleResult {
    answer(bytes, (bytes.len() as u64) << 32 | 16)
}

fn is_fault(result: &RuleResult) -> bool {
    result.outcome == Outcome::Error && result.values == [Value::Text("result".into())]
}

/// A head with one value.
fn with_value(value: [u8; 24]) -> Vec<u8> {
    [&[0, 1, 0, 0, 0, 0, 0, 0][..], &value].concat()
}

/// kind, scale, currency, number.
fn value(kind: u8, scale: u8, currency: &[u8; 4], number: i128) -> [u8; 24] {
    let mut raw = [0; 24];
    (raw[0], raw[1]) = (kind, scale);
    raw[4..8].copy_from_slice(currency);
    raw[8..].copy_from_slice(&number.to_le_bytes());
    raw
}

fn text(address: u32, length: u32) -> [u8; 24] {
    value(4, 0, &[0; 4], i128::from(address) | i128::from(length) << 32)
}

#[test]
fn sound_results_are_read() {
    for (code, outcome) in [
        (0, Outcome::Pass),
        (1, Outcome::Report),
        (2, Outcome::Review),
        (3, Outcome::Block),
        (4, Outcome::MissingData),
    ] {
        let result = at_16(&[code, 0, 7, 0, 0, 0, 0, 0]);
        assert_eq!((result.outcome, result.reason, result.values), (outcome, 7, vec![]));
    }
    let money = |mantissa| Value::Money { mantissa, scale: 38, currency: "ABCD".into() };
    for (raw, expected) in [
        (value(1, 0, &[0; 4], i64::MIN.into()), Value::Integer(i64::MIN)),
        (value(2, 38, b"ABCD", i128::MAX), money(i128::MAX)),
        (value(2, 38, b"ABCD", i128::MIN), money(i128::MIN)),
        (value(7, 0, &[0; 4], 86_400_000), Value::Duration(86_400_000)),
        (value(3, 0, &[0; 4], -1), Value::Timestamp(-1)),
        (text(512, 4), Value::Text("text".into())),
        (text(65_536, 0), Value::Text(String::new())),
        (value(5, 0, &[0; 4], 0x5355), Value::Code("US".into())),
    ] {
        let result = at_16(&with_value(raw));
        assert_eq!((result.outcome, &result.values[..]), (Outcome::Pass, &[expected][..]));
    }
}

#[test]
fn outcomes_beyond_missing_data_are_the_hosts() {
    for code in 5..=255 {
        assert!(is_fault(&at_16(&[code, 0, 0, 0, 0, 0, 0, 0])), "{code}");
    }
}

#[test]
fn heads_are_exact() {
    // Reasons 8, 256, 65,535; then bytes that must be zero.
    for head in [[0, 0, 8, 0], [0, 0, 0, 1], [0, 0, 255, 255]] {
        assert!(is_fault(&at_16(&[&head[..], &[0; 4]].concat())), "{head:?}");
    }
    for place in 4..8 {
        let mut head = [0; 8];
        head[place] = 1;
        assert!(is_fault(&at_16(&head)), "{place}");
    }
}

#[test]
fn lengths_are_exact() {
    let pass = [0; 64];
    for length in [0, 1, 7, 9, 31, 32, 33, 65_520, 65_521, u64::from(u32::MAX)] {
        assert!(is_fault(&answer(&pass, length << 32 | 16)), "{length}");
    }
    for address in [65_529, 65_536, 65_537, 0x7fff_ffff, u64::from(u32::MAX)] {
        assert!(is_fault(&answer(&pass, 8 << 32 | address)), "{address}");
    }
    assert!(!is_fault(&answer(&pass, 8 << 32 | 65_528)));
    assert!(is_fault(&answer(&pass, u64::MAX)));
    // Values that are announced and not there, or there and not announced.
    assert!(is_fault(&at_16(&[0, 1, 0, 0, 0, 0, 0, 0])));
    let mut unannounced = with_value(value(1, 0, &[0; 4], 1));
    unannounced[1] = 0;
    assert!(is_fault(&at_16(&unannounced)));
}

#[test]
fn there_are_eight_values_at_most() {
    let many = |count: u8| {
        let mut bytes = vec![0, count, 0, 0, 0, 0, 0, 0];
        bytes.extend(value(1, 0, &[0; 4], 1).repeat(count.into()));
        bytes
    };
    assert_eq!(at_16(&many(8)).values.len(), 8);
    for count in [9, 10, 255] {
        let bytes = many(count);
        // Away from the text, which the many values would overwrite.
        assert!(is_fault(&at_16(&bytes[..bytes.len().min(480)])), "{count}");
    }
}

#[test]
fn values_are_exact() {
    let with = |mut raw: [u8; 24], place: usize, byte: u8| {
        raw[place] = byte;
        raw
    };
    let (none, integer) = ([0; 4], value(1, 0, &[0; 4], 1));
    let (some_text, code) = (text(512, 4), value(5, 0, &[0; 4], 0x5355));
    let beyond = i128::from(i64::MAX) + 1;
    let mut broken = vec![
        value(1, 0, &none, beyond),
        value(1, 0, &none, i128::from(i64::MIN) - 1),
        value(1, 0, &none, i128::MAX),
        value(7, 0, &none, beyond),
        // No list number 7 in this rule; no entry in a plain list.
        value(6, 0, &none, 7),
        value(6, 0, &none, 1 << 32),
        value(3, 0, &none, beyond),
        value(2, 39, b"USD\0", 1),
        value(2, 2, b"U\0D\0", 1),
        value(2, 2, b"\0USD", 1),
        value(2, 2, b"US\xff\0", 1),
        value(2, 2, b"US \0", 1),
        // Not UTF-8, out of memory, too long.
        text(512, 6),
        text(65_536, 1),
        text(65_535, 2),
        text(u32::MAX, 1),
        text(0, u32::MAX),
        text(1024, 257),
        value(5, 0, &none, 0x0053_0055),
        value(5, 0, &none, 0xff),
        value(5, 0, &none, 0x5355 | 1 << 32),
        value(5, 0, &none, 0x5355 | 1 << 120),
    ];
    for kind in [0, 8, 128, 255] {
        broken.push(value(kind, 0, &none, 1));
    }
    for raw in [integer, some_text, code] {
        // Scale and currency belong to money only; two bytes belong to nothing.
        broken.extend((1..8).map(|place| with(raw, place, b'A')));
    }
    broken.extend((2..4).map(|place| with(value(2, 2, b"USD\0", 1), place, 1)));
    broken.extend((16..24).map(|place| with(some_text, place, 1)));
    for raw in broken {
        assert!(is_fault(&at_16(&with_value(raw))), "{raw:?}");
    }
}
