//! Payments in XML and JSON: golden facts, joins with the body, choices and refusals.

use facts::{Country, Date, ErrorKind, PartyKind, TransactionType};
use serde_json::{Map, Value, json};

use super::{PACS, PAIN, body, read_xml, refused_xml, with};
use crate::element::Element;
use crate::{parse_request, xml};

const TRANSFER: &str = "message/Document/FIToFICstmrCdtTrf/CdtTrfTxInf";

/// An element as the Registration Authority's JSON.
pub fn to_json(element: &Element<'_>, converted: bool) -> Value {
    if let [(_, currency)] = &element.attributes[..] {
        return match converted {
            true => json!({"@Ccy": currency, "#text": element.text}),
            false => json!({"Ccy": currency, "amt": element.text}),
        };
    }
    if element.children.is_empty() {
        return json!(element.text);
    }
    let mut object = Map::new();
    for child in &element.children {
        let value = to_json(child, converted);
        match object.get_mut(&*child.name) {
            None => drop(object.insert(child.name.to_string(), value)),
            Some(Value::Array(values)) => values.push(value),
            Some(first) => *first = json!([first.take(), value]),
        }
    }
    Value::Object(object)
}

/// The JSON form of a document in XML.
pub fn twin(source: &str, converted: bool) -> Value {
    fn document<'t>(element: &'t Element<'_>) -> Option<&'t Element<'t>> {
        if element.name == "Document" {
            return Some(element);
        }
        element.children.iter().find_map(document)
    }
    let root = xml::read(source).unwrap();
    json!({"Document": to_json(document(&root).unwrap(), converted)})
}

#[test]
fn a_full_pacs_008() {
    let transaction = read_xml(PACS).unwrap().transaction;
    assert_eq!(transaction.id, "a1b2c3d4-e5f6-4890-abcd-ef1234567890");
    assert_eq!(transaction.kind, TransactionType::WireTransfer);
    assert_eq!(transaction.amount.to_string(), "750000.10 EUR");
    assert_eq!(transaction.timestamp.unwrap().to_string(), "2026-04-13T08:30:00.000Z");
    assert_eq!(transaction.reference.as_deref(), Some("E2E-1"));
    assert_eq!(transaction.purpose.as_deref(), Some("Invoice 1 Invoice 2"));
    let (source, destination) = (transaction.source, transaction.destination);
    assert_eq!(source.name.as_deref(), Some("Ada & Sons <Ltd>"));
    assert_eq!(
        source.address.as_deref(),
        Some(
            "DDept, DSubDept, DStrtNm DBldgNb, DBldgNm, DFlr, DUnitNb, DPstBx, DRoom, \
             DPstCd DTwnNm, DTwnLctnNm, DDstrctNm, DCtrySubDvsn, DLine1, DLine2, DE"
        )
    );
    assert_eq!((source.kind, source.country), (Some(PartyKind::Person), Country::parse("DE").ok()));
    assert_eq!(source.birth_date, Date::parse("1961-08-13").ok());
    assert_eq!(source.birth_place.as_deref(), Some("City, Province, IT"));
    assert_eq!(
        (source.document, source.customer_id),
        (Some("P1234567".into()), Some("C-77".into()))
    );
    assert_eq!(source.account.as_deref(), Some("GB29NWBK60161331926819"));
    assert_eq!(source.institution.as_deref(), Some("FNTXDE2X"));
    assert_eq!(source.institution_country, Country::parse("AT").ok());
    assert_eq!(destination.name.as_deref(), Some("Müller Überö AG"));
    assert_eq!(destination.kind, Some(PartyKind::Organisation));
    assert_eq!(destination.lei.as_deref(), Some("5493001KJTIIGC8Y1R12"));
    assert_eq!(
        (destination.document, destination.account),
        (Some("R-9".into()), Some("31597402".into()))
    );
    assert_eq!((destination.wallet, destination.nationality, destination.pep), (None, None, None));
}

#[test]
fn json_says_what_xml_says() {
    for xml in [PACS, PAIN] {
        let expected = read_xml(xml).unwrap();
        for converted in [false, true] {
            let twin = twin(xml, converted);
            let json = parse_request(&body("iso20022-json", &twin, &Value::Null)).unwrap();
            assert_eq!(json, expected);
        }
    }
}

#[test]
fn json_is_strict() {
    let read = |message: &Value| {
        parse_request(&body("iso20022-json", message, &Value::Null)).expect_err("is bad")
    };
    let good = twin(PACS, false);
    let with = |pointer: &str, value: Value| {
        let mut message = good.clone();
        *message.pointer_mut(pointer).unwrap() = value;
        message
    };
    let transfer = "/Document/FIToFICstmrCdtTrf/CdtTrfTxInf";
    let amount = &format!("{transfer}/IntrBkSttlmAmt");
    let amount_at = &format!("{TRANSFER}/IntrBkSttlmAmt");
    let count = "/Document/FIToFICstmrCdtTrf/GrpHdr/NbOfTxs";
    let cases = [
        (
            with(count, json!(1)),
            ErrorKind::WrongType,
            "message/Document/FIToFICstmrCdtTrf/GrpHdr/NbOfTxs",
        ),
        (with(&format!("{amount}/amt"), json!(1.5)), ErrorKind::MissingField, &**amount_at),
        (with(amount, json!("1.50")), ErrorKind::MissingField, amount_at),
        (with(amount, json!({"Ccy": "EUR", "value": "1"})), ErrorKind::MissingField, amount_at),
        (with(amount, json!({"Ccy": "EUR", "amt": "1e3"})), ErrorKind::Amount, amount_at),
        (with(amount, json!({"Ccy": "EU", "amt": "1"})), ErrorKind::Currency, amount_at),
        (with(amount, json!([[]])), ErrorKind::Message, "message"),
        (with(transfer, json!([{}, {}])), ErrorKind::Message, "message/Document/FIToFICstmrCdtTrf"),
        (with(transfer, json!("x")), ErrorKind::WrongType, TRANSFER),
        (with("/Document", json!({"PmtRtr": {}})), ErrorKind::UnknownField, "message/Document"),
        (with("/Document", json!({})), ErrorKind::Message, "message/Document"),
        (json!({"document": {}}), ErrorKind::UnknownField, "message"),
        (json!({}), ErrorKind::MissingField, "message/Document"),
    ];
    for (message, kind, path) in cases {
        let error = read(&message);
        assert_eq!((error.kind(), error.path()), (kind, path), "{error}");
    }
    let text = String::from_utf8(body("iso20022-json", &good, &Value::Null)).unwrap();
    let twice = text.replacen("\"UETR\"", "\"TxId\":\"x\",\"UETR\"", 1);
    let error = parse_request(twice.as_bytes()).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::Message, "message"));
    assert!(error.to_string().contains("TxId"));
    let digits = text.replacen("\"750000.10\"", "\"9007199254740993.01\"", 1);
    let amount = parse_request(digits.as_bytes()).unwrap().transaction.amount;
    assert_eq!(amount.to_string(), "9007199254740993.01 EUR");
}

#[test]
fn the_body_joins_or_contradicts() {
    let read =
        |transaction: Value| parse_request(&body("iso20022-xml", &json!(PACS), &transaction));
    let more = json!({
        "currency": "EUR", "amount": 750000.1,
        "source": {"pep": "none", "name": " Ada & Sons <Ltd>"},
        "destination": {"risk": "high", "country": "ES"}
    });
    let request = read(more).unwrap();
    assert_eq!(request.transaction.source.pep.unwrap().as_str(), "none");
    assert_eq!(request.transaction.destination.risk.unwrap().as_str(), "high");
    let cases = [
        (json!({"id": "mine"}), "transaction.id"),
        (json!({"type": "other"}), "transaction.type"),
        (json!({"amount": "750000.11", "currency": "EUR"}), "transaction.amount"),
        (json!({"amount": "750000.10", "currency": "USD"}), "transaction.amount"),
        (json!({"timestamp": "2026-04-13T10:30:00Z"}), "transaction.timestamp"),
        (json!({"source": {"birth_date": "1961-08-14"}}), "transaction.source.birth_date"),
        (json!({"destination": {"lei": "5"}}), "transaction.destination.lei"),
    ];
    for (transaction, path) in cases {
        let error = read(transaction).unwrap_err();
        assert_eq!((error.kind(), error.path()), (ErrorKind::Contradiction, path));
    }
    let plain = br#"{"transaction":{"id":"a","type":"other","amount":1,"currency":"USD"},
        "jurisdictions":["US"],"domains":["AML"]}"#;
    assert_eq!(parse_request(plain), facts::parse_request(plain));
}

#[test]
fn choices_and_fallbacks() {
    let id = |xml: &str| read_xml(xml).unwrap().transaction.id;
    let uetr = "<p:UETR>a1b2c3d4-e5f6-4890-abcd-ef1234567890</p:UETR>";
    let without = with(PACS, uetr, "");
    assert_eq!(
        (id(&without), id(&with(&without, "<p:TxId>T-1</p:TxId>", ""))),
        ("T-1".into(), "E2E-1".into())
    );
    let none = with(&with(&without, "<p:TxId>T-1</p:TxId>", ""), "E2E-1", "NOTPROVIDED");
    refused_xml(&none, ErrorKind::MissingField, "transaction.id");
    let reference = read_xml(&with(PACS, "E2E-1", "NOTPROVIDED")).unwrap().transaction.reference;
    assert_eq!(reference, None);
    let time = |text: &str| with(PACS, "2026-04-13T10:30:00+02:00", text);
    assert_eq!(read_xml(&time("2026-04-13T10:30:00")).unwrap().transaction.timestamp, None);
    let at = "message/Document/FIToFICstmrCdtTrf/GrpHdr/CreDtTm";
    refused_xml(&time("2026-04-31T10:30:00"), ErrorKind::Time, at);
    refused_xml(&time("2026-04-13"), ErrorKind::Time, at);
    let other = with(PACS, "<p:Cd>GDDS</p:Cd>", "<p:Prtry>loan</p:Prtry>");
    let purpose = |xml: &str| read_xml(xml).unwrap().transaction.purpose;
    let bare = |xml: &str| with(&with(xml, "Invoice 1", ""), "Invoice 2", " ");
    assert_eq!(purpose(&bare(&other)).as_deref(), Some("loan"));
    assert_eq!(purpose(&bare(PACS)).as_deref(), Some("GDDS"));
    let kosovo = with(&with(PACS, "FNTXDE2X", "FNTXXK2X"), "<p:Ctry>AT</p:Ctry>", "");
    assert_eq!(read_xml(&kosovo).unwrap().transaction.source.institution_country, None);
}

#[test]
fn refusals_name_the_element() {
    let at = |rest: &str| format!("{TRANSFER}/{rest}");
    let cases = [
        (
            "<p:NbOfTxs>1<",
            "<p:NbOfTxs>2<",
            ErrorKind::Message,
            "message/Document/FIToFICstmrCdtTrf/GrpHdr/NbOfTxs".into(),
        ),
        (
            "<p:NbOfTxs>1</p:NbOfTxs>",
            "",
            ErrorKind::MissingField,
            "message/Document/FIToFICstmrCdtTrf/GrpHdr/NbOfTxs".into(),
        ),
        (" Ccy=\"EUR\"", "", ErrorKind::MissingField, at("IntrBkSttlmAmt")),
        ("Ccy=\"EUR\"", "Ccy=\"EUX\"", ErrorKind::Currency, at("IntrBkSttlmAmt")),
        ("750000.10", "750000.101", ErrorKind::Amount, at("IntrBkSttlmAmt")),
        ("750000.10", "-7", ErrorKind::Amount, at("IntrBkSttlmAmt")),
        ("<p:Ctry>DE<", "<p:Ctry>XX<", ErrorKind::Country, at("Dbtr/PstlAdr/Ctry")),
        (
            "1961-08-13",
            "1961-08-13Z",
            ErrorKind::Date,
            at("Dbtr/Id/PrvtId/DtAndPlcOfBirth/BirthDt"),
        ),
        ("FNTXDE2X", "FNTXDE2", ErrorKind::Text, at("DbtrAgt/FinInstnId/BICFI")),
        ("Ada &amp; Sons", "Ada\nSons", ErrorKind::Text, at("Dbtr/Nm")),
        ("<p:Dbtr>", "<p:Dbtr><p:Nm>Eve</p:Nm>", ErrorKind::Message, at("Dbtr/Nm")),
        ("<p:Dbtr>", "<p:Dbtr/><p:Dbtr>", ErrorKind::Message, at("Dbtr")),
        ("<p:PrvtId>", "<p:OrgId/><p:PrvtId>", ErrorKind::Message, at("Dbtr/Id")),
        (
            "</p:IBAN>",
            "</p:IBAN><p:Othr><p:Id>1</p:Id></p:Othr>",
            ErrorKind::Message,
            at("DbtrAcct"),
        ),
        ("pacs.008.001.10\"", "pacs.008.001.07\"", ErrorKind::Message, "message/Document".into()),
        (
            "pacs.008.001.10\"",
            "pain.001.001.09\"",
            ErrorKind::MissingField,
            "message/Document/CstmrCdtTrfInitn".into(),
        ),
        (
            "<p:CdtTrfTxInf>",
            "<p:CdtTrfTxInf/><p:CdtTrfTxInf>",
            ErrorKind::Message,
            "message/Document/FIToFICstmrCdtTrf".into(),
        ),
        (
            "<p:Dbtr>",
            "<Dbtr xmlns=\"urn:x\"/><p:Dbtr>",
            ErrorKind::Message,
            "message/Document".into(),
        ),
    ];
    for (from, to, kind, path) in cases {
        refused_xml(&with(PACS, from, to), kind, &path);
    }
}

#[test]
fn refusals_say_what_to_do() {
    let at = |rest: &str| format!("{TRANSFER}/{rest}");
    let long = "x".repeat(257);
    let error = refused_xml(&with(PACS, "Ada &amp; Sons", &long), ErrorKind::Text, &at("Dbtr/Nm"));
    assert_eq!((error.expected(), error.remedy()), ("at most 256 bytes", "shorten the text"));
    let (amount, equivalent) = (
        "<InstdAmt Ccy=\"KWD\">320000.125</InstdAmt>",
        "<EqvtAmt><Amt Ccy=\"KWD\">1</Amt><CcyOfTrf>EUR</CcyOfTrf></EqvtAmt>",
    );
    let path = "message/Document/CstmrCdtTrfInitn/PmtInf/CdtTrfTxInf/Amt/EqvtAmt";
    let error = refused_xml(&with(PAIN, amount, equivalent), ErrorKind::Message, path);
    assert!(error.remedy().contains("InstdAmt"));
    let error = refused_xml(
        &with(PACS, ">1<", ">2<"),
        ErrorKind::Message,
        "message/Document/FIToFICstmrCdtTrf/GrpHdr/NbOfTxs",
    );
    assert!(error.remedy().contains("split"));
    let two = format!("<a>{}{}</a>", &PAIN, &PAIN);
    assert_eq!(refused_xml(&two, ErrorKind::Message, "message").found(), "2 of them");
}
