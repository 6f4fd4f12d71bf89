//! Random records: requests in JSON through `facts`, with absent facts, extreme amounts, and
//! history from none to many rows.

use facts::Record;

use super::super::interpret_record::AS_OF;
use super::choices::Choices;

const TEXTS: [&str; 10] = [
    "ACC-1",
    "ACC-2",
    "bob",
    "Bob Smith",
    "007",
    "-42",
    "18446744073709551615",
    "ü€😀",
    "a b",
    "KP",
];
const COUNTRIES: [&str; 6] = ["US", "DE", "KP", "IR", "GB", "SG"];
const CURRENCIES: [&str; 6] = ["USD", "USD", "EUR", "JPY", "KWD", "ETH"];
const AMOUNTS: [&str; 9] =
    ["0", "1", "9999", "10000", "10001", "3000", "999999999999999999", "123456789012", "500"];
const KINDS: [&str; 5] =
    ["wire_transfer", "cash_deposit", "cash_withdrawal", "crypto_transfer", "other"];
const TIMES: [&str; 7] = [
    "2026-03-02T11:59:59.999Z",
    "2026-03-02T00:00:00Z",
    "2026-03-01T23:30:00-05:00",
    "2026-02-28T12:00:00+14:00",
    "2024-02-29T10:00:00Z",
    "1970-01-01T00:00:00Z",
    "2025-12-25T18:00:00Z",
];

/// A record of at most `rows` history rows.
pub fn record(choices: &mut Choices, rows: usize) -> (Record, String) {
    let body = body(choices, rows);
    let request = facts::parse_request(body.as_bytes());
    let request = request.unwrap_or_else(|error| panic!("{error}\n{body}"));
    (facts::record(&request, AS_OF).expect("a record"), body)
}

fn body(choices: &mut Choices, rows: usize) -> String {
    let mut transaction = vec![
        r#""id":"t-1""#.to_owned(),
        format!(r#""type":"{}""#, choices.of(&KINDS)),
        format!(r#""amount":"{}""#, amount(choices)),
        format!(r#""currency":"{}""#, choices.of(&CURRENCIES)),
    ];
    if choices.chance(2, 3) {
        transaction.push(format!(r#""timestamp":"{}""#, choices.of(&TIMES)));
    }
    for name in ["reference", "purpose"] {
        if choices.chance(1, 2) {
            transaction.push(format!(r#""{name}":"{}""#, choices.of(&TEXTS)));
        }
    }
    for party in ["source", "destination"] {
        transaction.push(format!(r#""{party}":{{{}}}"#, self::party(choices)));
    }
    let count = match choices.below(4) {
        0 => 0,
        1 => choices.below(3),
        _ => choices.below(rows + 1),
    };
    let history: Vec<String> = (0..count).map(|_| row(choices)).collect();
    format!(
        r#"{{"jurisdictions":["US"],"domains":["AML"],"transaction":{{{}}},"history":[{}]}}"#,
        transaction.join(","),
        history.join(",")
    )
}

fn amount(choices: &mut Choices) -> &'static str {
    choices.of(&AMOUNTS)
}

fn party(choices: &mut Choices) -> String {
    let texts = ["account", "name", "institution", "customer_id", "document", "wallet"];
    let mut facts = Vec::new();
    for name in texts {
        if choices.chance(2, 3) {
            facts.push(format!(r#""{name}":"{}""#, choices.of(&TEXTS)));
        }
    }
    if choices.chance(1, 4) {
        let length = choices.of(&[1, 255, 256, 257, 512]);
        facts.push(format!(r#""address":"{}""#, "x".repeat(length)));
    }
    for name in ["country", "nationality"] {
        if choices.chance(2, 3) {
            facts.push(format!(r#""{name}":"{}""#, choices.of(&COUNTRIES)));
        }
    }
    if choices.chance(1, 2) {
        facts.push(format!(r#""kind":"{}""#, choices.of(&["person", "organisation"])));
        facts.push(format!(r#""risk":"{}""#, choices.of(&["low", "medium", "high"])));
    }
    if choices.chance(1, 2) {
        facts.push(format!(r#""edd_approved":{}"#, choices.chance(1, 2)));
        facts.push(format!(r#""birth_date":"{}""#, choices.of(&["1850-01-01", "1984-02-29"])));
    }
    for name in ["verified_at", "relationship_since"] {
        if choices.chance(1, 2) {
            facts.push(format!(r#""{name}":"{}""#, choices.of(&TIMES)));
        }
    }
    facts.join(",")
}

fn row(choices: &mut Choices) -> String {
    let mut row = format!(
        r#""timestamp":"{}","type":"{}","amount":"{}","currency":"{}""#,
        choices.of(&TIMES),
        choices.of(&KINDS),
        amount(choices),
        choices.of(&CURRENCIES),
    );
    // A record where every row has a column is as likely as one where some lack it.
    if choices.chance(9, 10) {
        row += &format!(r#","direction":"{}""#, choices.of(&["in", "out"]));
    }
    if choices.chance(9, 10) {
        row += &format!(r#","counterparty":"{}""#, choices.of(&TEXTS));
    }
    if choices.chance(9, 10) {
        row += &format!(r#","counterparty_country":"{}""#, choices.of(&COUNTRIES));
    }
    format!("{{{row}}}")
}
