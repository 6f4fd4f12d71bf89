//! Records for tests in which little matters.

use facts::{Millis, Record};

/// 2026-03-02T12:00:00Z.
pub const AS_OF: Millis = Millis(1_772_452_800_000);

/// A record where nothing matters.
pub fn any_record() -> Record {
    let body = br#"{"jurisdictions":["US"],"domains":["AML"],
        "transaction":{"id":"t","type":"other","amount":1,"currency":"USD"}}"#;
    let request = facts::parse_request(body).expect("a sound request");
    facts::record(&request, AS_OF).expect("a record")
}
