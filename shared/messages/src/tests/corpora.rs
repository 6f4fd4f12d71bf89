//! Messages that others published: every credit transfer maps, every other kind is refused by
//! name. Without the corpora beside the checkout these tests say so and pass.

use std::path::PathBuf;

use facts::ErrorKind;
use serde_json::{Value, json};

use super::payments::twin;
use super::{body, read_xml};
use crate::parse_request;

/// Name and text of every file of a corpus.
fn corpus(name: &str) -> Vec<(String, String)> {
    let folder =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora").join(name);
    let Ok(entries) = std::fs::read_dir(&folder) else {
        println!("ignored: corpus absent");
        return Vec::new();
    };
    let files = entries.map(|entry| entry.unwrap().path());
    let read = |path: PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read_to_string(path).unwrap())
    };
    files.map(read).collect()
}

#[test]
fn published_payments() {
    let mut read = 0;
    for (name, xml) in corpus("iso20022") {
        let result = read_xml(&xml);
        if ["pain001_credit_initiation_sample.xml", "pain.001.max.xml"].contains(&&*name) {
            // Their amounts are equivalent amounts.
            let error = result.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Message);
            assert!(error.path().ends_with("Amt/EqvtAmt"), "{error}");
        } else if name.starts_with("pacs.008")
            || name.starts_with("pacs008")
            || name.starts_with("pain")
        {
            let request = result.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert!(request.transaction.amount.mantissa() > 0);
            assert_eq!(request.transaction.id.len(), 36);
            let json = parse_request(&body("iso20022-json", &twin(&xml, false), &Value::Null));
            assert_eq!(json.unwrap(), request, "{name}");
            read += 1;
        } else {
            let error = result.expect_err(&name);
            assert_eq!((error.kind(), error.path()), (ErrorKind::Message, "message/Document"));
            assert!(error.found().starts_with("`pacs.00"), "{error}");
        }
    }
    assert!(read == 0 || read == 6, "{read} of six credit transfers");
}

#[test]
fn published_travel_rule_data() {
    let payloads = corpus("ivms101");
    let requests = payloads.iter().map(|(name, text)| {
        let message: Value = serde_json::from_str(text).unwrap();
        let transaction =
            json!({"id": "1", "type": "crypto_transfer", "amount": "1", "currency": "ETH"});
        let request = parse_request(&body("ivms101", &message, &transaction));
        request.unwrap_or_else(|error| panic!("{name}: {error}"))
    });
    let requests: Vec<_> = requests.collect();
    for request in &requests {
        let (source, destination) = (&request.transaction.source, &request.transaction.destination);
        assert_eq!(source.name.as_deref(), Some("John Smith"));
        assert_eq!(source.address.as_deref(), Some("Main St 123, New York, US"));
        assert_eq!(
            (source.customer_id.as_deref(), source.wallet.as_deref()),
            (Some("123456"), Some("ACC001"))
        );
        assert_eq!(destination.lei.as_deref(), Some("987654321"));
        assert_eq!(destination.institution.as_deref(), Some("Beneficiary VASP"));
    }
    assert!(requests.windows(2).all(|pair| pair[0] == pair[1]), "both versions say the same");
}
