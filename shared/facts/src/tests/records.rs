//! The record against ABI.md: golden bytes, field by field, one record for one set of facts.

use super::golden::TXN_123;
use super::{AS_OF, ROW, SEED, parse, refused, seed_plus};
use crate::*;

const ABI: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../vm/ABI.md"));

fn record_of(text: &str) -> Record {
    record(&parse(text).unwrap(), AS_OF).unwrap()
}

fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    u32::from_le_bytes(bytes[offset..offset + 4].try_into().unwrap())
}

fn u64_at(bytes: &[u8], offset: usize) -> u64 {
    u64::from_le_bytes(bytes[offset..offset + 8].try_into().unwrap())
}

fn i128_at(bytes: &[u8], offset: usize) -> i128 {
    i128::from_le_bytes(bytes[offset..offset + 16].try_into().unwrap())
}

fn text_at(bytes: &[u8], offset: usize) -> &str {
    let (start, length) = (u32_at(bytes, offset) as usize, u32_at(bytes, offset + 4) as usize);
    str::from_utf8(&bytes[start..start + length]).unwrap()
}

#[test]
fn seed_record_is_golden() {
    let record = record_of(SEED);
    assert_eq!(crypto::to_hex(record.as_bytes()), TXN_123);
    assert_eq!(record.history_window(), (0, None));
    let bytes = record.as_bytes();
    assert_eq!(&bytes[..4], b"PBF1");
    assert_eq!(u32_at(bytes, 0), RECORD_MAGIC);
    assert_eq!(u32_at(bytes, 4) as usize, bytes.len());
    assert_eq!(u64_at(bytes, 8), 0b1100_0011_0111);
    assert_eq!(u64_at(bytes, 16), AS_OF.0);
    assert_eq!((u32_at(bytes, 24), u32_at(bytes, 28)), (0, 0));
    assert_eq!(text_at(bytes, 32), "txn-123");
    assert_eq!(u32_at(bytes, 40), 1);
    assert_eq!(i128_at(bytes, 48), 1_500_000);
    assert_eq!((u32_at(bytes, 64), u32_at(bytes, 68)), (0x0044_5355, 2));
    assert_eq!(text_at(bytes, 80), "acct-001");
    assert_eq!(u64_at(bytes, 88), 0x5355);
    assert_eq!(text_at(bytes, 128), "acct-002");
    assert_eq!(&bytes[136..144], b"GB\0\0\0\0\0\0");
    let absent = [72..80, 96..128, 144..464];
    assert!(absent.into_iter().all(|range| bytes[range].iter().all(|b| *b == 0)));
}

#[test]
fn every_field_lands_at_its_place() {
    let party = |p: &str, country: &str| {
        format!(
            r#"{{"account":"{p}a","country":"{country}","name":"{p}n","address":"{p}d",
            "institution":"{p}i","customer_id":"{p}c","kind":"organisation",
            "birth_date":"1969-12-31","birth_place":"{p}b","document":"{p}o","lei":"{p}l",
            "wallet":"{p}w","institution_country":"FR","nationality":"IT","pep":"former",
            "risk":"high","edd_approved":true,"owners_identified":false,"source_of_funds":"{p}s",
            "verified_at":"1970-01-01T00:00:00.001Z","reviewed_at":"1970-01-01T00:00:00.002Z",
            "relationship_since":"1970-01-01T00:00:00.003Z",
            "last_activity":"1970-01-01T00:00:00.004Z"}}"#
        )
    };
    let text = format!(
        r#"{{"transaction":{{"id":"t","type":"other","amount":"1.5","currency":"USDC",
        "timestamp":"2025-12-31T00:00:00Z","reference":"r","purpose":"p",
        "source":{},"destination":{}}},"jurisdictions":["EU"],"domains":["KYC"]}}"#,
        party("s", "JP"),
        party("d", "DE"),
    );
    let record = record_of(&text);
    let bytes = record.as_bytes();
    assert_eq!(u64_at(bytes, 8), (1 << 52) - 1);
    let mut next = FIXED_BYTES;
    for field in FIELDS.iter().filter(|field| field.kind == FieldKind::Text) {
        let letters = if field.name.starts_with("source") { "s" } else { "d" };
        let offset = field.offset as usize;
        assert_eq!(u32_at(bytes, offset), next, "texts have no gaps");
        next += u32_at(bytes, offset + 4);
        let own = field.name.starts_with("transaction");
        assert!(own || text_at(bytes, offset).starts_with(letters), "{}", field.name);
    }
    assert_eq!((i128_at(bytes, 48), &bytes[64..69]), (1_500_000, &b"USDC\x06"[..]));
    assert_eq!(u64_at(bytes, 72), 1_767_139_200_000);
    assert_eq!((text_at(bytes, 104), text_at(bytes, 168)), ("sd", "dc"));
    assert_eq!((text_at(bytes, 176), text_at(bytes, 184)), ("r", "p"));
    for (base, p) in [(192, "s"), (328, "d")] {
        let word = |at: usize| u64_at(bytes, base + at);
        assert_eq!((word(0), word(8) as i64), (2, -86_400_000));
        for (at, last) in [(16, "b"), (24, "o"), (32, "l"), (40, "w"), (96, "s")] {
            assert_eq!(text_at(bytes, base + at), format!("{p}{last}"));
        }
        assert_eq!((word(48), word(56)), (0x5246, 0x5449));
        assert_eq!((word(64), word(72), word(80), word(88)), (7, 3, 1, 0));
        assert_eq!((word(104), word(112), word(120), word(128)), (1, 2, 3, 4));
    }
    assert_eq!(bytes.len() % 8, 0);
}

#[test]
fn names_of_parties_are_those_of_the_fields() {
    for (first, rest, party) in [(4, 18, "source"), (10, 35, "destination")] {
        let fields = FIELDS[first..first + 6].iter().chain(&FIELDS[rest..rest + 17]);
        let names: Vec<&str> = fields.map(|field| field.name).collect();
        assert_eq!(names, Party::NAMES.map(|name| format!("{party}.{name}")));
    }
    assert!(FIELDS.iter().all(|field| Field::named(field.name) == Some(field)));
    assert_eq!((Field::named("source"), Field::named("")), (None, None));
}

#[test]
fn order_of_keys_does_not_matter() {
    let turned = r#"{"domains":["SANCTIONS","AML","AML"],"metadata":{"a":[1,{"a":1,"a":2}]},
        "jurisdictions":["UK","US","US"],"transaction":{"destination":{"country":"UK",
        "account":"acct-002"},"source":{"country":" US ","account":" acct-001\n"},
        "currency":"USD","amount":"15000.000","\u0074ype":"wire_transfer","id":"\u0074xn-123"}}"#;
    assert_eq!(record_of(turned), record_of(SEED));
    let (a, b) = (parse(turned).unwrap(), parse(SEED).unwrap());
    assert_eq!(a, b);
    assert_eq!(a.jurisdictions, [Jurisdiction::Uk, Jurisdiction::Us]);
    assert_eq!(a.domains, [Domain::Aml, Domain::Sanctions]);
}

#[test]
fn null_and_empty_are_absent() {
    let empty = r#"{"transaction":{"id":"txn-123","type":"wire_transfer","amount":15000,
        "currency":"USD","timestamp":null,"source":{"account":"acct-001","country":"US",
        "name":"","address":null,"institution":" \u00a0"},
        "destination":{"account":"acct-002","country":"GB","customer_id":"\t"}},
        "jurisdictions":["US","UK"],"domains":["AML"],
        "history":null,"as_of":null,"nonce":null,"salt":null,"metadata":null}"#;
    assert_eq!(record_of(empty), record_of(SEED));
}

#[test]
fn order_of_history_does_not_matter() {
    let row = |time: &str, kind: &str, money: &str, rest: &str| {
        format!(r#"{{"timestamp":"2025-12-0{time}T00:00:00Z","type":"{kind}",{money}{rest}}}"#)
    };
    let usd = |amount: &str| format!(r#""amount":{amount},"currency":"USD""#);
    let azn = r#""amount":1,"currency":"AZN""#;
    let bam = r#""amount":1,"currency":"BAM""#;
    let sorted = [
        row("1", "other", &usd("5"), ""),
        row("2", "wire_transfer", &usd("5"), ""),
        row("2", "cash_deposit", &usd("9"), ""),
        row("2", "cash_deposit", &usd("1"), r#","direction":"in""#),
        row("2", "cash_deposit", azn, r#","direction":"out""#),
        row("2", "cash_deposit", bam, r#","direction":"out""#),
        row("2", "cash_deposit", &usd("1"), r#","direction":"out""#),
        row("2", "cash_deposit", &usd("10"), r#","direction":"out""#),
        row("2", "cash_deposit", &usd("10"), r#","direction":"out","counterparty":"a""#),
        row(
            "2",
            "cash_deposit",
            &usd("10"),
            r#","direction":"out","counterparty":"a","counterparty_country":"AZ""#,
        ),
        row(
            "2",
            "cash_deposit",
            &usd("10"),
            r#","direction":"out","counterparty":"a","counterparty_country":"BA""#,
        ),
        row("2", "cash_deposit", &usd("10"), r#","direction":"out","counterparty":"b""#),
        row("3", "wire_transfer", &usd("1"), ""),
    ];
    let with =
        |rows: &[String]| record_of(&seed_plus(&format!(r#""history":[{}]"#, rows.join(","))));
    let expected = with(&sorted);
    let mut rows = sorted.to_vec();
    for turn in 0..rows.len() {
        rows.rotate_left(turn);
        rows.swap(0, turn);
        assert_eq!(with(&rows), expected);
    }
    check_sorted(&expected);
}

/// The thirteen rows of the test above, at their places.
fn check_sorted(expected: &Record) {
    let bytes = expected.as_bytes();
    let base = |index: usize| 464 + 48 * index;
    assert_eq!((u32_at(bytes, 24), u32_at(bytes, 28)), (13, 464));
    assert_eq!(bytes[base(0) + 29], 11);
    let kinds: Vec<u8> = (1..4).map(|i| bytes[base(i) + 29]).collect();
    assert_eq!(kinds, [1, 2, 2]);
    assert_eq!((bytes[base(2) + 30], bytes[base(3) + 30], bytes[base(4) + 30]), (0, 1, 2));
    assert_eq!(&bytes[base(4) + 24..base(4) + 29], b"AZN\0\x02");
    assert_eq!(&bytes[base(5) + 24..base(5) + 29], b"BAM\0\x02");
    assert_eq!(i128_at(bytes, base(7) + 8), 1000);
    assert_eq!(text_at(bytes, base(11) + 32), "b");
    assert_eq!(&bytes[base(10) + 40..base(10) + 48], b"BA\0\0\x01\0\0\0");
    let numbers = (0..13).map(|index| u32_at(bytes, base(index) + 44));
    assert_eq!(numbers.collect::<Vec<_>>(), [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 0]);
    let window = (Millis::parse("2025-12-01T00:00:00Z"), Millis::parse("2025-12-03T00:00:00Z"));
    let window = (window.0.unwrap(), window.1.unwrap());
    assert_eq!(expected.history_window(), (13, Some(window)));
}

#[test]
fn equal_rows_all_count() {
    let text = seed_plus(&format!(r#""history":[{ROW},{ROW}]"#));
    let first = Millis(1_764_547_200_000);
    assert_eq!(record_of(&text).history_window(), (2, Some((first, first))));
}

#[test]
fn rows_after_as_of_are_refused() {
    let at = ROW.replace("2025-12-01T00:00:00Z", "2026-01-01T00:00:00Z");
    record_of(&seed_plus(&format!(r#""history":[{ROW},{at}]"#)));
    let late = ROW.replace("2025-12-01T00:00:00Z", "2026-01-01T00:00:00.001Z");
    let request = parse(&seed_plus(&format!(r#""history":[{ROW},{late}]"#))).unwrap();
    let error = record(&request, AS_OF).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::AfterAsOf, "history[1].timestamp"));
    let error = record(&request, Millis(u64::MAX)).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Time, "as_of"));
}

#[test]
fn history_has_a_limit() {
    let row = r#"{"timestamp":"2025-12-01T00:00:00Z","type":"other","amount":1,"currency":"USD"}"#;
    let rows = |count: usize| seed_plus(&format!(r#""history":[{}]"#, vec![row; count].join(",")));
    let full = record_of(&rows(HISTORY_ROWS_MAX));
    assert_eq!(full.as_bytes().len(), 488 + 48 * HISTORY_ROWS_MAX);
    refused(&rows(HISTORY_ROWS_MAX + 1), ErrorKind::Count, "history");
    let mut request = parse(&rows(HISTORY_ROWS_MAX)).unwrap();
    request.history.push(request.history[0].clone());
    assert_eq!(record(&request, AS_OF).unwrap_err().path(), "history");
    request.history.truncate(9);
    request.history[0].counterparty = Some("x".repeat(RECORD_BYTES_MAX));
    assert_eq!(record(&request, AS_OF).unwrap_err().kind(), ErrorKind::RecordTooLarge);
}

#[test]
fn abi_page_and_table_agree() {
    let mut rows = ABI.lines().filter_map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [bit, offset, kind, name] = cells[..] else {
            return None;
        };
        let name = name.split(',').next()?.trim_matches('`');
        Some((bit.parse::<u8>().ok()?, offset.parse::<u32>().ok()?, kind, name))
    });
    for field in FIELDS {
        let (kind, bytes) = match field.kind {
            FieldKind::Text => ("text", 8),
            FieldKind::Code(_) => ("u32", 8),
            FieldKind::Money => ("money", 24),
            FieldKind::Time => ("i64", 8),
            FieldKind::Date => ("date", 8),
            FieldKind::Flag => ("flag", 8),
            FieldKind::Packed => ("packed", 8),
        };
        let name = field.name.split(' ').next().unwrap();
        let (bit, offset, page_kind, page_name) = rows.next().expect("the page has the field");
        assert_eq!(page_name.split('`').next().unwrap(), name);
        assert_eq!((bit, offset, page_kind), (field.bit, field.offset, kind));
        let next = FIELDS.get(usize::from(bit) + 1).map_or(FIXED_BYTES, |next| next.offset);
        assert_eq!(offset + bytes, next);
    }
    assert_eq!(rows.next(), None);
    assert!(ABI.contains(&format!("{RECORD_MAGIC:#010x}")));
    assert!(ABI.contains("The fixed part is 464 bytes") && ABI.contains("History row, 48 bytes"));
    let sets = [CodeSet::TransactionType, CodeSet::PartyKind, CodeSet::Pep, CodeSet::Risk];
    for (number, name) in sets.into_iter().flat_map(CodeSet::names) {
        assert!(ABI.contains(&format!("{number} `{name}`")), "{name}");
    }
    let directions = CodeSet::Direction.names().iter().map(|(code, name)| format!("{code} {name}"));
    assert!(ABI.contains(&directions.collect::<Vec<_>>().join(", ")));
    assert!(!ABI.contains("12 `") && !ABI.contains("8 `former"));
    let (_, tokens) = ABI.split_once("| decimals | tokens |").unwrap();
    let tokens = tokens.lines().skip(1).take_while(|line| line.starts_with('|'));
    let mut tokens: Vec<(&str, u8)> = tokens
        .filter_map(|line| {
            let mut cells = line.trim_matches('|').split('|').map(str::trim);
            let (decimals, names) = (cells.next()?.parse().ok()?, cells.next()?);
            let names = names.split(' ').map(move |name| (name.trim_matches('`'), decimals));
            Some(names)
        })
        .flatten()
        .collect();
    tokens.sort_unstable();
    assert_eq!(tokens, crate::currency::TOKENS);
}
