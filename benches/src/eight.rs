//! The pack of eight rules that every engine is measured with (`benches/rules`), and requests for
//! it: one transaction with history. The same number gives the same request everywhere.

use crate::Random;
use compiler::pack::Pack;
use facts::{Domain, Jurisdiction, Millis, Record, Request};
use rules::Selection;
use std::fmt::Write as _;
use vm::Program;

/// 2026-03-02T12:00:00Z.
pub const AS_OF: Millis = Millis(1_772_452_800_000);
/// History rows of the request that is timed.
pub const ROWS: usize = 50;
const MINUTE_MS: u64 = 60_000;

/// The pack.
pub fn pack() -> Pack {
    tests::rulebook::pack("benches/rules")
}

/// The rules that a request of this module selects: all eight.
pub fn selection(program: &Program) -> Selection<'_> {
    let bundle = program.bundle().bundle();
    bundle.select(&[Jurisdiction::Us], &[Domain::Aml], AS_OF).expect("rules in force")
}

/// The request that is timed: a wire of 12,000 USD with `rows` earlier transactions, more than
/// half of them in the last 24 hours.
pub fn body(rows: usize) -> String {
    let history: Vec<_> = (0..rows)
        .map(|n| {
            let kinds =
                ["cash_deposit", "wire_transfer", "card_payment", "cash_withdrawal", "other"];
            let amounts = ["9250.00", "4000.00", "83.15", "8400.00", "12345.67", "7000.00"];
            let (kind, amount) = (kinds[n % 5], amounts[n % 6]);
            row(49 * n as u64, kind, amount, "USD", ["in", "out"][n % 2], Some(n * 7 % 13))
        })
        .collect();
    let transaction = r#""type":"wire_transfer","amount":"12000.00","currency":"USD",
        "source":{"account":"acct-001","country":"US","name":"Ann Example",
          "address":"1 Main St, Springfield","institution":"Bank One"},
        "destination":{"account":"acct-002","country":"DE","name":"Bob Example"}"#;
    request(transaction, &history)
}

/// Request number `seed`, with facts left out, edges of thresholds and up to 60 rows.
pub fn random_body(seed: u64) -> String {
    let mut random = Random(seed);
    let r = &mut random;
    let mut transaction = format!(
        r#""type":"{}","amount":"{}","currency":"{}""#,
        r.of(&KINDS),
        r.of(&AMOUNTS),
        r.of(&["USD", "USD", "EUR"])
    );
    for side in ["source", "destination"] {
        let mut fields = Vec::new();
        for name in ["account", "name", "address", "institution"] {
            if r.below(8) > 0 {
                fields.push(format!(r#""{name}":"x""#));
            }
        }
        if r.below(5) > 0 {
            fields.push(format!(r#""country":"{}""#, r.of(&["US", "DE", "IR", "YE", "GB"])));
        }
        let _ = write!(transaction, r#","{side}":{{{}}}"#, fields.join(","));
    }
    let span = [2 * 1440, 6 * 1440, 400 * 1440][r.below(3)];
    let history: Vec<_> = (0..r.below(60))
        .map(|_| {
            let minutes = [0, 1440, 4320, 259_200].get(r.below(40)).copied();
            let minutes = minutes.unwrap_or_else(|| r.below(span) as u64);
            let (kind, amount) = (r.of(&KINDS), r.of(&AMOUNTS));
            let (currency, direction) = (r.of(&["USD", "USD", "EUR"]), r.of(&["in", "out", ""]));
            let counterparty = r.below(9);
            row(minutes, kind, amount, currency, direction, Some(counterparty).filter(|n| *n > 0))
        })
        .collect();
    request(&transaction, &history)
}

/// The typed request and its record.
pub fn record(body: &str) -> (Request, Record) {
    let request = facts::parse_request(body.as_bytes()).expect("a sound request");
    let record = facts::record(&request, AS_OF).expect("a sound record");
    (request, record)
}

fn row(
    minutes: u64,
    kind: &str,
    amount: &str,
    currency: &str,
    direction: &str,
    counterparty: Option<usize>,
) -> String {
    let at = Millis(AS_OF.0 - minutes * MINUTE_MS);
    let mut row = format!(
        r#"{{"timestamp":"{at}","type":"{kind}","amount":"{amount}","currency":"{currency}""#
    );
    if !direction.is_empty() {
        let _ = write!(row, r#","direction":"{direction}""#);
    }
    if let Some(number) = counterparty {
        let _ = write!(row, r#","counterparty":"acct-{number:03}""#);
    }
    row + "}"
}

fn request(transaction: &str, history: &[String]) -> String {
    format!(
        r#"{{"transaction":{{"id":"t",{transaction}}},"as_of":"{AS_OF}","history":[{}],
        "jurisdictions":["US"],"domains":["AML"]}}"#,
        history.join(",")
    )
}

const KINDS: [&str; 6] =
    ["wire_transfer", "wire_transfer", "cash_deposit", "cash_withdrawal", "card_payment", "other"];
const AMOUNTS: [&str; 12] = [
    "0.01", "999.99", "1000.00", "2999.99", "3000.00", "7999.99", "8000.00", "9000.00", "10000.00",
    "10000.01", "50000.00", "83.15",
];
