//! Tests of the crate, by what they hold against what.
#![allow(clippy::unwrap_used)]

mod golden;
mod hostile;
mod records;
mod requests;
mod values;

use crate::{ErrorKind, FactsError, Millis, Request, parse_request};

/// The seed document's request.
const SEED: &str = r#"{"transaction":{"id":"txn-123","type":"wire_transfer","amount":15000,
"currency":"USD","source":{"account":"acct-001","country":"US"},
"destination":{"account":"acct-002","country":"UK"}},
"jurisdictions":["US","UK"],"domains":["AML","SANCTIONS"]}"#;

/// 2026-01-01T00:00:00Z.
const AS_OF: Millis = Millis(1_767_225_600_000);

const ROW: &str = r#"{"timestamp":"2025-12-01T00:00:00Z","type":"cash_deposit","amount":"1.50",
"currency":"USD","direction":"in","counterparty":"acct-9","counterparty_country":"CA"}"#;

fn parse(text: &str) -> Result<Request, FactsError> {
    parse_request(text.as_bytes())
}

/// The seed request with one piece of its text replaced.
fn seed_with(from: &str, to: &str) -> String {
    assert!(SEED.contains(from), "{from} is in the seed request");
    SEED.replacen(from, to, 1)
}

/// The seed request with more top-level keys.
fn seed_plus(keys: &str) -> String {
    format!("{},{keys}}}", SEED.strip_suffix('}').unwrap())
}

#[track_caller]
fn refused(text: &str, kind: ErrorKind, path: &str) -> FactsError {
    let error = parse(text).expect_err("the request is bad");
    assert_eq!((error.kind(), error.path()), (kind, path), "{error} ({})", error.remedy());
    assert!(!error.remedy().is_empty() && !error.expected().is_empty());
    error
}
