//! IVMS101 in both payload versions, and what is refused of it.

use facts::{Country, ErrorKind, FactsError, PartyKind, Request};
use serde_json::{Value, json};

use super::{IVMS, body};
use crate::parse_request;

fn read(message: &Value, kind: &str) -> Result<Request, FactsError> {
    let transaction = json!({"id": "c-1", "type": kind, "amount": "0.5", "currency": "BTC"});
    parse_request(&body("ivms101", message, &transaction))
}

fn full() -> Value {
    serde_json::from_str(IVMS).unwrap()
}

#[test]
fn a_full_payload() {
    let transaction = read(&full(), "crypto_transfer").unwrap().transaction;
    let (source, destination) = (transaction.source, transaction.destination);
    assert_eq!(source.name.as_deref(), Some("Ada Lovelace"));
    assert_eq!(
        source.address.as_deref(),
        Some(
            "odepartment, osubDepartment, ostreetName obuildingNumber, obuildingName, ofloor, \
             opostBox, oroom, opostCode otownName, otownLocationName, odistrictName, \
             ocountrySubDivision, o1, o2, GB"
        )
    );
    assert_eq!((source.kind, source.document), (Some(PartyKind::Person), Some("AB123".into())));
    assert_eq!(source.birth_date.unwrap().to_string(), "1915-12-10");
    assert_eq!(source.country, Country::parse("GB").ok());
    assert_eq!(source.account.as_deref(), Some("bc1qaccount"));
    assert_eq!(source.wallet, source.account);
    assert_eq!(source.institution.as_deref(), Some("Origin VASP"));
    assert_eq!(source.institution_country, Country::parse("SG").ok());
    assert_eq!(destination.kind, Some(PartyKind::Organisation));
    assert_eq!(destination.lei.as_deref(), Some("5493001KJTIIGC8Y1R12"));
    assert_eq!((destination.document, destination.customer_id), (None, Some("C2".into())));
    let other = read(&full(), "wire_transfer").unwrap().transaction;
    assert_eq!((other.source.wallet, other.source.account), (None, Some("bc1qaccount".into())));
}

#[test]
fn payloads_are_strict() {
    let with = |pointer: &str, value: Value| {
        let mut message = full();
        *message.pointer_mut(pointer).unwrap() = value;
        message
    };
    let person = "/originator/originatorPerson/0/naturalPerson";
    let at = "message/originator/originatorPerson/naturalPerson";
    let added = |pointer: &str, key: &str, value: Value| {
        let mut message = full();
        message.pointer_mut(pointer).unwrap()[key] = value;
        message
    };
    let cases = [
        (added("", "orginator", json!({})), ErrorKind::UnknownField, "message".into()),
        (added(person, "nme", json!({})), ErrorKind::UnknownField, at.to_owned()),
        (added(person, "customerNumber", json!("C9")), ErrorKind::Message, at.to_owned()),
        (added("/originator", "originatorPersons", json!([])), ErrorKind::Message, String::new()),
        (
            added("/originator", "originatorPersons", json!({})),
            ErrorKind::Message,
            "message/originator/originatorPerson".into(),
        ),
        (
            with("/originator/originatorPerson", json!([{}, {}])),
            ErrorKind::Message,
            "message/originator/originatorPerson".into(),
        ),
        (
            with("/originator/originatorPerson", json!({})),
            ErrorKind::Message,
            "message/originator/originatorPerson".into(),
        ),
        (
            with("/originator/accountNumber", json!(["a", "b"])),
            ErrorKind::Message,
            "message/originator/accountNumber".into(),
        ),
        (
            with("/originator/accountNumber", json!(7)),
            ErrorKind::WrongType,
            "message/originator/accountNumber".into(),
        ),
        (
            with(&format!("{person}/countryOfResidence"), json!("XX")),
            ErrorKind::Country,
            format!("{at}/countryOfResidence"),
        ),
        (
            with(&format!("{person}/dateAndPlaceOfBirth/dateOfBirth"), json!("10-12-1915")),
            ErrorKind::Date,
            format!("{at}/dateAndPlaceOfBirth/dateOfBirth"),
        ),
    ];
    for (message, kind, path) in cases {
        if path.is_empty() {
            // An empty list is no element at all.
            assert!(read(&message, "other").is_ok());
            continue;
        }
        let error = read(&message, "other").expect_err(&path);
        assert_eq!((error.kind(), error.path()), (kind, &*path), "{error}");
    }
}

#[test]
fn one_legal_name() {
    let mut message = full();
    let person = "/originator/originatorPerson/0/naturalPerson";
    let name = message.pointer_mut(&format!("{person}/name/nameIdentifier/0")).unwrap();
    name["naturalPersonNameIdentifierType"] = json!("LEGL");
    let error = read(&message, "other").unwrap_err();
    let path = "message/originator/originatorPerson/naturalPerson/name/nameIdentifier";
    assert_eq!((error.kind(), error.path()), (ErrorKind::Message, path));
    let mut message = full();
    let person = message.pointer_mut(person).unwrap();
    person["geographicAddress"] = json!([{"street": "x"}]);
    let error = read(&message, "other").unwrap_err();
    let path = "message/originator/originatorPerson/naturalPerson/geographicAddress";
    assert_eq!((error.kind(), error.path()), (ErrorKind::UnknownField, path));
}

#[test]
fn names_and_what_is_missing() {
    let person = "/originator/originatorPerson/0/naturalPerson";
    let mut aliases = full();
    let name = aliases.pointer_mut(&format!("{person}/name/nameIdentifier/1")).unwrap();
    name["naturalPersonNameIdentifierType"] = json!("MISC");
    let request = read(&aliases, "other").unwrap();
    assert_eq!(request.transaction.source.name.as_deref(), Some("Bird"));
    let error = parse_request(&body("ivms101", &json!({}), &Value::Null)).unwrap_err();
    assert_eq!((error.kind(), error.path()), (ErrorKind::MissingField, "transaction.id"));
}
