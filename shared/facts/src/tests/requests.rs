//! The shape of a request: keys, types, limits of its parts.

use super::{ROW, SEED, parse, refused, seed_plus, seed_with};
use crate::*;

#[test]
fn a_full_request() {
    let text = seed_plus(&format!(
        r#""history":[{ROW}],"nonce":"00ff","salt":"{}","as_of":"2026-01-01T00:00:00+00:00",
        "metadata":[1e999,"\ud800",{{"a":1,"a":null}}]"#,
        "ab".repeat(32)
    ));
    let request = parse(&text).unwrap();
    assert_eq!(request.nonce, Some(vec![0, 255]));
    assert_eq!(request.salt, Some(crypto::Salt([0xab; 32])));
    assert_eq!(request.as_of, Some(super::AS_OF));
    let row = &request.history[0];
    assert_eq!((row.kind, row.direction), (TransactionType::CashDeposit, Some(Direction::In)));
    assert_eq!(row.counterparty.as_deref(), Some("acct-9"));
    assert_eq!(row.counterparty_country, Country::parse("CA").ok());
    assert_eq!(row.amount.mantissa(), 150);
}

#[test]
fn misspelt_keys_name_the_nearest() {
    let with_row = |row: String| seed_plus(&format!(r#""history":[{ROW},{row}]"#));
    let cases = [
        (seed_with("\"amount\"", "\"amout\""), "transaction.amout", "amount"),
        (seed_with("\"amount\"", "\"Amount\""), "transaction.Amount", "amount"),
        (seed_with("\"domains\"", "\"domain\""), "domain", "domains"),
        (seed_with("\"country\"", "\"contry\""), "transaction.source.contry", "country"),
        (seed_plus("\"asof\":1"), "asof", "as_of"),
        (
            seed_with("\"acct-002\"", "\"x\",\"customerId\":1"),
            "transaction.destination.customerId",
            "customer_id",
        ),
        (with_row(ROW.replace("\"currency\"", "\"curency\"")), "history[1].curency", "currency"),
    ];
    for (text, path, name) in cases {
        let error = refused(&text, ErrorKind::UnknownField, path);
        assert_eq!(error.remedy(), format!("did you mean `{name}`?"));
    }
    let error = refused(&seed_plus("\"zebra\":1"), ErrorKind::UnknownField, "zebra");
    assert!(error.remedy().contains("use one of: transaction, jurisdictions"));
    let long = seed_plus(&format!("\"{}\\u001b\":1", "k".repeat(1000)));
    let error = parse(&long).unwrap_err();
    assert!(error.found().chars().count() < 70 && !error.to_string().contains('\u{1b}'));
}

#[test]
fn duplicate_keys_at_every_level() {
    let with_row = |row: String| seed_plus(&format!(r#""history":[{row}]"#));
    let twice = |key: &str| format!("\"{key}\":null,\"{key}\"");
    let top = BODY_KEYS.map(|key| (seed_plus(&format!("{}:null", twice(key))), key.to_owned()));
    let own = ["id", "type", "amount", "currency", "source", "destination"]
        .map(|key| (seed_with(&format!("\"{key}\""), &twice(key)), format!("transaction.{key}")));
    let party = ["account", "country"].map(|key| {
        let path = format!("transaction.source.{key}");
        (seed_with(&format!("\"{key}\""), &twice(key)), path)
    });
    let row = ROW_KEYS.map(|key| {
        let row = ROW.replace(&format!("\"{key}\""), &twice(key));
        (with_row(row), format!("history[0].{key}"))
    });
    for (text, path) in top.into_iter().chain(own).chain(party).chain(row) {
        refused(&text, ErrorKind::DuplicateField, &path);
    }
    let escaped = seed_with("\"id\"", "\"i\\u0064\":\"a\",\"id\"");
    refused(&escaped, ErrorKind::DuplicateField, "transaction.id");
    let far = SEED.replace("\"UK\"}}", "\"UK\",\"account\":\"b\"}}");
    refused(&far, ErrorKind::DuplicateField, "transaction.destination.account");
}

#[test]
fn missing_keys_are_named() {
    let null =
        |key: &str, was: &str| seed_with(&format!("\"{key}\":{was}"), &format!("\"{key}\":null"));
    let gone = |text: &str| SEED.replace(text, "");
    let cases = [
        ("{}".to_owned(), "transaction"),
        ("null".to_owned(), ""),
        (r#"{"transaction":null}"#.to_owned(), "transaction"),
        (r#"{"transaction":{}}"#.to_owned(), "transaction.id"),
        (gone(r#""id":"txn-123","#), "transaction.id"),
        (seed_with("\"txn-123\"", "\" \""), "transaction.id"),
        (gone(r#""type":"wire_transfer","#), "transaction.type"),
        (gone(r#""amount":15000,"#), "transaction.amount"),
        (null("amount", "15000"), "transaction.amount"),
        (gone("\"currency\":\"USD\","), "transaction.currency"),
        (gone(",\"domains\":[\"AML\",\"SANCTIONS\"]"), "domains"),
        (gone("\"jurisdictions\":[\"US\",\"UK\"],"), "jurisdictions"),
        (seed_plus(r#""history":[null]"#), "history[0]"),
        (seed_plus(r#""history":[{}]"#), "history[0].timestamp"),
    ];
    for (text, path) in cases {
        refused(&text, ErrorKind::MissingField, path);
    }
    let error = refused(r#"{"transaction":{}}"#, ErrorKind::MissingField, "transaction.id");
    assert_eq!(error.to_string(), "transaction.id: expected a value, found no such key");
}

#[test]
fn wrong_json_types() {
    let cases = [
        ("[]".to_owned(), ""),
        ("5".to_owned(), ""),
        (r#"{"transaction":["txn-123","wire_transfer",1,"USD"]}"#.to_owned(), "transaction"),
        (r#"{"transaction":"a, expected b"}"#.to_owned(), "transaction"),
        (seed_with("\"txn-123\"", "123"), "transaction.id"),
        (seed_with("\"wire_transfer\"", "1"), "transaction.type"),
        (seed_with("\"USD\"", "840"), "transaction.currency"),
        (seed_with(r#"{"account":"acct-001","country":"US"}"#, "[]"), "transaction.source"),
        (seed_with("\"acct-001\"", "[1]"), "transaction.source.account"),
        (seed_with("[\"US\",\"UK\"]", "\"US\""), "jurisdictions"),
        (seed_with("\"AML\"", "1"), "domains[0]"),
        (seed_plus(r#""history":{}"#), "history"),
        (seed_plus(r#""history":[[]]"#), "history[0]"),
        (seed_plus(r#""as_of":1767225600000"#), "as_of"),
        (seed_plus(r#""nonce":1"#), "nonce"),
    ];
    for (text, path) in cases {
        refused(&text, ErrorKind::WrongType, path);
    }
    let error = refused(&seed_plus(r#""history":{}"#), ErrorKind::WrongType, "history");
    assert_eq!(error.to_string(), "history: expected a list, found map");
}

#[test]
fn scopes_are_bounded() {
    refused(&seed_with("[\"AML\",\"SANCTIONS\"]", "[]"), ErrorKind::Count, "domains");
    let names = |count: usize| format!("[{}]", vec!["\"US\""; count].join(","));
    assert!(parse(&seed_with("[\"US\",\"UK\"]", &names(16))).is_ok());
    refused(&seed_with("[\"US\",\"UK\"]", &names(17)), ErrorKind::Count, "jurisdictions");
}

#[test]
fn texts_are_bounded() {
    let id = |text: &str| seed_with("\"txn-123\"", &format!("\"{text}\""));
    assert!(parse(&id(&format!(" {} ", "é".repeat(128)))).is_ok());
    refused(&id(&"x".repeat(257)), ErrorKind::Text, "transaction.id");
    for control in ["a\\u0000b", "a\\nb", "a\\u007fb", "a\\u0085b", "a\u{9f}b"] {
        refused(&id(control), ErrorKind::Text, "transaction.id");
    }
    refused(&id("a\nb"), ErrorKind::Syntax, "transaction.id");
    refused(&id("\\ud800"), ErrorKind::Syntax, "transaction.id");
    assert_eq!(parse(&id("\\ud83d\\ude00\\\"")).unwrap().transaction.id, "😀\"");
    let address =
        |n: usize| seed_with("\"acct-001\"", &format!("\"a\",\"address\":\"{}\"", "x".repeat(n)));
    assert!(parse(&address(512)).is_ok());
    refused(&address(513), ErrorKind::Text, "transaction.source.address");
}

#[test]
fn facts_of_parties_are_strict() {
    let with =
        |key: &str, value: &str| seed_with("\"acct-001\"", &format!("\"a\",\"{key}\":{value}"));
    let bad = [
        ("kind", "\"company\"", ErrorKind::UnknownName),
        ("pep", "\"None\"", ErrorKind::UnknownName),
        ("risk", "3", ErrorKind::WrongType),
        ("risk", "\"\"", ErrorKind::UnknownName),
        ("edd_approved", "\"true\"", ErrorKind::WrongType),
        ("edd_approved", "1", ErrorKind::WrongType),
        ("owners_identified", "[true]", ErrorKind::WrongType),
        ("birth_date", "\"1849-12-31\"", ErrorKind::Date),
        ("birth_date", "\"1900-02-29\"", ErrorKind::Date),
        ("birth_date", "\"1984-02-29Z\"", ErrorKind::Date),
        ("birth_date", "\"1984-2-9\"", ErrorKind::Date),
        ("birth_date", "19840229", ErrorKind::WrongType),
        ("nationality", "\"XX\"", ErrorKind::Country),
        ("institution_country", "\"usa\"", ErrorKind::Country),
        ("verified_at", "\"2025-01-01\"", ErrorKind::Time),
        ("wallet", "7", ErrorKind::WrongType),
        ("source_of_funds", "\"a\\u0000\"", ErrorKind::Text),
    ];
    for (key, value, kind) in bad {
        refused(&with(key, value), kind, &format!("transaction.source.{key}"));
    }
    for key in Party::NAMES.iter().filter(|key| !["account", "country"].contains(*key)) {
        assert_eq!(parse(&with(key, "null")), parse(&seed_with("acct-001", "a")), "{key}");
    }
    let request = parse(&with("nationality", "\" UK \"")).unwrap();
    assert_eq!(request.transaction.source.nationality, Country::parse("GB").ok());
    let request = parse(&with("birth_date", "\"1850-01-01\"")).unwrap();
    assert_eq!(request.transaction.source.birth_date.unwrap().to_string(), "1850-01-01");
}

#[test]
fn rulebook_versions_are_counts() {
    let with = |value: &str| seed_plus(&format!("\"rulebook_version\":{value}"));
    assert_eq!(parse(&with("7")).unwrap().rulebook_version, Some(7));
    assert_eq!(parse(&with("18446744073709551615")).unwrap().rulebook_version, Some(u64::MAX));
    assert_eq!(parse(&with("null")).unwrap().rulebook_version, None);
    for value in ["0", "-1", "1.0", "1e2", "\"1\"", "18446744073709551616", "true"] {
        refused(&with(value), ErrorKind::Number, "rulebook_version");
    }
}

#[test]
fn messages_are_handed_on_unread() {
    let with = |message: &str, format: &str| {
        format!(
            r#"{{"jurisdictions":["US"],"domains":["AML"],"message":{message},"format":{format}}}"#
        )
    };
    let text = with(r#""<a\n\"b\"/>""#, "\"iso20022-xml\"");
    let body = parse_body(text.as_bytes()).unwrap();
    assert_eq!(body.message.unwrap().source, "<a\n\"b\"/>");
    let text = with(r#"{ "a" : 1.50 }"#, "\"ivms101\"");
    let body = parse_body(text.as_bytes()).unwrap();
    assert_eq!(body.message.as_ref().unwrap().source, r#"{ "a" : 1.50 }"#);
    assert_eq!(body.complete(Draft::default()).unwrap_err().path(), "transaction.id");
    refused(&text, ErrorKind::Message, "message");
    let bad = [
        (with("{}", "\"iso20022-xml\""), ErrorKind::WrongType, "message"),
        (with("\"\"", "\"iso20022-json\""), ErrorKind::WrongType, "message"),
        (with("[]", "\"ivms101\""), ErrorKind::WrongType, "message"),
        (with("{}", "\"ivms\""), ErrorKind::UnknownName, "format"),
        (with("{}", "null"), ErrorKind::MissingField, "format"),
        (with("null", "\"ivms101\""), ErrorKind::MissingField, "message"),
        (with("null", "null"), ErrorKind::MissingField, "transaction"),
    ];
    for (text, kind, path) in bad {
        refused(&text, kind, path);
    }
}

#[test]
fn drafts_join_what_is_equal_and_refuse_the_rest() {
    let body = |text: &str| parse_body(text.as_bytes()).unwrap().complete(message());
    let text = |kind: &str, name: &str| {
        format!(
            r#"{{"transaction":{{"type":"{kind}","source":{{"name":"{name}","risk":"low"}}}},
            "message":{{}},"format":"ivms101","jurisdictions":["US"],"domains":["AML"]}}"#
        )
    };
    let request = body(&text("crypto_transfer", "Ann")).unwrap();
    let transaction = request.transaction;
    assert_eq!((transaction.id.as_str(), transaction.kind.code()), ("m", 8));
    assert_eq!(transaction.source.risk, Some(Risk::Low));
    let error = body(&text("other", "Ann")).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Contradiction, "transaction.type"));
    let error = body(&text("crypto_transfer", "Bob")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "transaction.source.name: expected `Ann`, as in the message, found `Bob`"
    );
}

/// What a message might say.
fn message() -> Draft {
    let mut draft = Draft { id: Some("m".to_owned()), ..Draft::default() };
    draft.kind = Some(TransactionType::CryptoTransfer);
    draft.amount = Money::parse("1", Currency::parse("BTC").unwrap()).ok();
    draft.source.name = Some("Ann".to_owned());
    draft
}

#[test]
fn nonce_and_salt_are_hexadecimal() {
    let nonce = |text: &str| seed_plus(&format!("\"nonce\":\"{text}\""));
    assert!(parse(&nonce(&"0f".repeat(64))).is_ok());
    for text in ["", "0", "0F", "zz", &"00".repeat(65), "é"] {
        refused(&nonce(text), ErrorKind::Hex, "nonce");
    }
    let salt = |text: &str| seed_plus(&format!("\"salt\":\"{text}\""));
    for text in ["", &"ab".repeat(31), &"AB".repeat(32)] {
        let error = refused(&salt(text), ErrorKind::Hex, "salt");
        assert!(text.is_empty() || !error.to_string().contains(text));
    }
}

const BODY_KEYS: [&str; 8] =
    ["history", "as_of", "nonce", "salt", "metadata", "message", "format", "rulebook_version"];
const ROW_KEYS: [&str; 7] = [
    "timestamp",
    "type",
    "amount",
    "currency",
    "direction",
    "counterparty",
    "counterparty_country",
];
