//! The request as users of the peers would hand it over: amounts as whole cents and times as whole
//! milliseconds, because neither CEL nor Rego has decimals. Absent facts are absent keys.

use facts::{HistoryRow, Party, Request};
use serde_json::{Map, Value, json};

/// The request as plain JSON.
pub fn of(request: &Request) -> Value {
    let transaction = &request.transaction;
    let as_of = request.as_of.map_or(0, |time| time.0);
    let rows: Vec<_> = request.history.iter().map(row).collect();
    json!({
        "transaction": {
            "type": transaction.kind.as_str(),
            "amount": cents(transaction.amount.mantissa()),
            "currency": transaction.amount.currency().code(),
        },
        "source": party(&transaction.source),
        "destination": party(&transaction.destination),
        "history": rows,
        "as_of": as_of,
    })
}

fn cents(mantissa: i128) -> i64 {
    i64::try_from(mantissa).expect("amounts of the benchmark are small")
}

fn party(party: &Party) -> Value {
    let mut fields = Map::new();
    let texts = [
        ("account", &party.account),
        ("name", &party.name),
        ("address", &party.address),
        ("institution", &party.institution),
    ];
    for (name, text) in texts {
        fields.extend(text.as_ref().map(|text| (name.to_owned(), json!(text))));
    }
    fields.extend(party.country.map(|code| ("country".to_owned(), json!(code.code()))));
    Value::Object(fields)
}

fn row(row: &HistoryRow) -> Value {
    let mut fields = Map::new();
    let mut add = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    add("timestamp", json!(row.timestamp.0));
    add("type", json!(row.kind.as_str()));
    add("amount", json!(cents(row.amount.mantissa())));
    add("currency", json!(row.amount.currency().code()));
    if let Some(direction) = row.direction {
        add("direction", json!(direction.as_str()));
    }
    if let Some(counterparty) = &row.counterparty {
        add("counterparty", json!(counterparty));
    }
    Value::Object(fields)
}
