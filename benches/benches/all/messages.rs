//! Embedded ISO 20022 messages, from the caller's bytes to the record, beside a well-known XML
//! reader that only builds its tree.

use benches::eight::AS_OF;
use benches::measure::Bench;
use serde_json::json;
use std::hint::black_box;

const FULL: &str = include_str!("../../../shared/messages/src/tests/data/pacs008_full.xml");

/// A full message of our own, and the short sample of the corpora where it is.
pub fn messages(bench: &mut Bench) {
    measure(bench, "full", FULL);
    let sample = "../shared/corpora/iso20022/pacs008_credit_transfer_sample.xml";
    match std::fs::read_to_string(tests::root().join(sample)) {
        Ok(text) => measure(bench, "sample", &text),
        Err(_) => println!("skipped: corpus absent ({sample})"),
    }
}

fn measure(bench: &mut Bench, which: &str, message: &str) {
    let body = json!({
        "message": message, "format": "iso20022-xml", "jurisdictions": ["EU"], "domains": ["AML"],
    });
    let body = body.to_string();
    let record = |body: &str| {
        let request = messages::parse_request(body.as_bytes()).expect("a sound message");
        facts::record(&request, AS_OF).expect("a sound record")
    };
    assert!(record(&body).as_bytes().len() > facts::FIXED_BYTES as usize);
    let kib = message.len() as f64 / 1024.0;
    let name = format!("pacs.008 {which}, {kib:.1} KiB: XML tree, roxmltree");
    let tree = bench.row(&name, None, |b| {
        b.iter(|| roxmltree::Document::parse(black_box(message)).expect("sound XML"));
    });
    let name = format!("pacs.008 {which}, {kib:.1} KiB: request to record");
    bench.row(&name, Some(("roxmltree", tree)), |b| b.iter(|| record(black_box(&body))));
}
