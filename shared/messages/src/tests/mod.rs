//! Tests of the crate, by what they hold against what.
#![allow(clippy::unwrap_used)]

mod corpora;
mod hostile;
mod ivms;
mod mapping;
mod payments;

use facts::{ErrorKind, FactsError, Request};
use serde_json::{Value, json};

use crate::parse_request;

const PACS: &str = include_str!("data/pacs008_full.xml");
const PAIN: &str = include_str!("data/pain001_full.xml");
const IVMS: &str = include_str!("data/ivms101_full.json");

/// A body with a message and, beside it, what the caller says of the transaction.
fn body(format: &str, message: &Value, transaction: &Value) -> Vec<u8> {
    let body = json!({
        "message": message, "format": format, "transaction": transaction,
        "jurisdictions": ["EU"], "domains": ["AML"]
    });
    body.to_string().into_bytes()
}

fn read_xml(xml: &str) -> Result<Request, FactsError> {
    parse_request(&body("iso20022-xml", &json!(xml), &Value::Null))
}

/// The message with one piece of its text replaced.
fn with(message: &str, from: &str, to: &str) -> String {
    assert!(message.contains(from), "{from} is in the message");
    message.replacen(from, to, 1)
}

#[track_caller]
fn refused_xml(xml: &str, kind: ErrorKind, path: &str) -> FactsError {
    let error = read_xml(xml).expect_err("the message is bad");
    assert_eq!((error.kind(), error.path()), (kind, path), "{error} ({})", error.remedy());
    assert!(!error.remedy().is_empty() && error.to_string().chars().count() < 600);
    error
}

/// A small generator; equal seeds give equal numbers.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}
