//! The same record gives the same run: results, trace and fuel, in any program and any order.

use crate::support::{AS_OF, Numbers, any_record, gravest, load_with, pack, record, run, shipped};
use crypto::Salt;
use facts::{Millis, Record};
use rules::{Outcome, Value};

const RECORDS: usize = 2000;
const TYPES: [&str; 11] = [
    "wire_transfer",
    "cash_deposit",
    "cash_withdrawal",
    "currency_exchange",
    "card_payment",
    "ach_transfer",
    "internal_transfer",
    "crypto_transfer",
    "check_deposit",
    "check_payment",
    "other",
];
const AMOUNTS: [&str; 12] = [
    "0",
    "2999.99",
    "3000",
    "3000.01",
    "7999.99",
    "8000",
    "9000.50",
    "9999.99",
    "10000",
    "10000.01",
    "92233720368547758.07",
    "999999999999999999.99",
];

#[test]
fn two_programs_agree_on_two_thousand_records() {
    let (first, second) = (pack(), pack());
    let salt = Salt([3; 32]);
    let mut seen = [0; 6];
    for record in records(0x5eed) {
        let (a, b) = (run(&first, &record), run(&second, &record));
        assert_eq!(a, b);
        assert_eq!(a.output_hash(&salt), b.output_hash(&salt));
        assert_eq!(a.trace_hash(&salt), b.trace_hash(&salt));
        for result in &a.results {
            seen[usize::from(result.outcome.code())] += 1;
        }
    }
    // Records that never differ would prove nothing.
    let (errors, others) = seen.split_last().expect("six");
    assert!(others.iter().all(|count| *count > 20) && *errors == 0, "{seen:?}");
}

#[test]
fn order_does_not_matter() {
    let program = pack();
    let records = records(0xabcd);
    let forwards: Vec<_> = records.iter().map(|record| run(&program, record)).collect();
    let mut backwards: Vec<_> = records.iter().rev().map(|record| run(&program, record)).collect();
    backwards.reverse();
    assert_eq!(forwards, backwards);
}

#[test]
fn one_unit_of_fuel_decides_between_pass_and_error() {
    for id in crate::support::PACK {
        let record = any_record();
        let whole = run(&load_with(shipped(id), 100_000).expect("sound"), &record);
        assert_eq!(gravest(&whole), Outcome::Pass, "{id}");
        let fuel = whole.traces[0].fuel;
        let enough = run(&load_with(shipped(id), fuel).expect("sound"), &record);
        assert_eq!(enough, whole, "{id}");
        for short in [fuel - 1, fuel / 2, 1] {
            let run = run(&load_with(shipped(id), short).expect("sound"), &record);
            assert_eq!(gravest(&run), Outcome::Error, "{id} {short}");
            assert_eq!(run.results[0].values, [Value::Text("fuel".into())], "{id} {short}");
        }
    }
}

fn records(seed: u64) -> Vec<Record> {
    let mut numbers = Numbers(seed);
    (0..RECORDS).map(|_| random(&mut numbers)).collect()
}

fn random(numbers: &mut Numbers) -> Record {
    let mut transaction = money(numbers);
    for (side, texts) in [
        ("source", ["name", "account", "address", "institution"]),
        ("destination", ["name", "account", "institution", "customer_id"]),
    ] {
        // Seldom missing, so that rules get to their end.
        let given = |numbers: &mut Numbers| numbers.below(8) > 0;
        let mut fields: Vec<_> = texts.into_iter().filter(|_| given(numbers)).collect();
        fields.sort_unstable();
        let mut fields: Vec<_> =
            fields.iter().map(|key| format!(r#""{key}":"x y"#) + "\"").collect();
        if given(numbers) {
            let country = numbers.of(&["US", "GB", "DE", "SY", "CU", "IR", "KP", "KR"]);
            fields.push(format!(r#""country":"{country}""#));
        }
        transaction += &format!(r#","{side}":{{{}}}"#, fields.join(","));
    }
    let rows = numbers.below(12);
    let rows: Vec<_> = (0..rows)
        .map(|_| {
            let before_ms = numbers.next() % (2 * 86_400_000);
            let at = Millis(AS_OF.0 - before_ms);
            format!(r#"{{"timestamp":"{at}",{}}}"#, money(numbers))
        })
        .collect();
    record(&transaction, &rows.join(","))
}

fn money(numbers: &mut Numbers) -> String {
    let kind = match numbers.below(2) {
        0 => numbers.of(&TYPES[..4]),
        _ => numbers.of(&TYPES),
    };
    let amount = numbers.of(&AMOUNTS);
    let currency = numbers.of(&["USD", "USD", "USD", "USD", "EUR", "KWD"]);
    format!(r#""type":"{kind}","amount":"{amount}","currency":"{currency}""#)
}
