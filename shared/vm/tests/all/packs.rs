//! The rules that we ship, at their boundaries.

use crate::support::{AS_OF, pack, record, result_of, run};
use facts::Millis;
use rules::{Outcome, Value};
use vm::Program;

const CURRENCY: [&str; 3] = ["cash_deposit", "cash_withdrawal", "currency_exchange"];
const OTHER: [&str; 8] = [
    "wire_transfer",
    "card_payment",
    "ach_transfer",
    "internal_transfer",
    "crypto_transfer",
    "check_deposit",
    "check_payment",
    "other",
];
const COMPLETE: &str = r#","source":{"name":"A","account":"1","address":"x","institution":"b"},
    "destination":{"institution":"c"}"#;

fn money(kind: &str, amount: &str, currency: &str, rest: &str) -> String {
    format!(r#""type":"{kind}","amount":"{amount}","currency":"{currency}"{rest}"#)
}

fn ask(program: &Program, rule: &str, transaction: &str, history: &str) -> (Outcome, Vec<Value>) {
    let run = run(program, &record(transaction, history));
    let result = result_of(&run, rule);
    (result.outcome, result.values)
}

fn usd(mantissa: i128) -> Value {
    Value::Money { mantissa, scale: 2, currency: "USD".into() }
}

#[test]
fn ctr_is_strictly_more_than_ten_thousand() {
    let program = pack();
    let ctr = |kind, amount| ask(&program, "us.bsa.ctr", &money(kind, amount, "USD", ""), "");
    let limit = usd(1_000_000);
    for kind in CURRENCY {
        let expected = (Outcome::Pass, vec![usd(999_999), limit.clone()]);
        assert_eq!(ctr(kind, "9999.99"), expected, "{kind}");
        let expected = (Outcome::Pass, vec![limit.clone(), limit.clone()]);
        assert_eq!(ctr(kind, "10000"), expected, "{kind}");
        let expected = (Outcome::Report, vec![usd(1_000_001), limit.clone()]);
        assert_eq!(ctr(kind, "10000.01"), expected, "{kind}");
    }
    for kind in OTHER {
        assert_eq!(ctr(kind, "10000.01"), (Outcome::Pass, vec![]), "{kind}");
    }
}

#[test]
fn ctr_reports_amounts_of_more_than_64_bits() {
    let program = pack();
    let ctr = |amount| ask(&program, "us.bsa.ctr", &money("cash_deposit", amount, "USD", ""), "");
    // 2^63 − 1, 2^63 and 2^64 cents, and the most that facts allow.
    for (amount, mantissa) in [
        ("92233720368547758.07", i128::from(i64::MAX)),
        ("92233720368547758.08", 1 << 63),
        ("184467440737095516.16", 1 << 64),
        ("999999999999999999.99", 99_999_999_999_999_999_999),
    ] {
        assert_eq!(ctr(amount), (Outcome::Report, vec![usd(mantissa), usd(1_000_000)]), "{amount}");
    }
}

#[test]
fn other_currencies_are_missing_data() {
    let program = pack();
    for (rule, kind) in [("us.bsa.ctr", "cash_deposit"), ("us.travel-rule", "wire_transfer")] {
        for currency in ["EUR", "JPY", "KWD", "USN"] {
            let found = ask(&program, rule, &money(kind, "1", currency, COMPLETE), "");
            let expected = (Outcome::MissingData, vec![Value::Code(currency.into())]);
            assert_eq!(found, expected, "{rule}");
        }
    }
}

#[test]
fn travel_rule_starts_at_three_thousand() {
    let program = pack();
    let travel =
        |kind, amount, rest| ask(&program, "us.travel-rule", &money(kind, amount, "USD", rest), "");
    let limit = usd(300_000);
    for kind in ["wire_transfer", "crypto_transfer"] {
        let expected = (Outcome::Pass, vec![usd(299_999), limit.clone()]);
        assert_eq!(travel(kind, "2999.99", ""), expected);
        for (amount, mantissa) in [("3000", 300_000), ("3000.01", 300_001)] {
            let missing = vec![Value::Text("source.name".into()), usd(mantissa), limit.clone()];
            assert_eq!(travel(kind, amount, ""), (Outcome::MissingData, missing));
            let complete = (Outcome::Pass, vec![usd(mantissa), limit.clone()]);
            assert_eq!(travel(kind, amount, COMPLETE), complete);
        }
        // 2^64 cents: the low half alone is zero.
        let complete = (Outcome::Pass, vec![usd(1 << 64), limit.clone()]);
        assert_eq!(travel(kind, "184467440737095516.16", COMPLETE), complete);
    }
    for kind in CURRENCY.into_iter().chain(["ach_transfer", "card_payment", "other"]) {
        assert_eq!(travel(kind, "3000", ""), (Outcome::Pass, vec![]), "{kind}");
    }
}

#[test]
fn travel_rule_names_the_first_field_that_is_missing() {
    let program = pack();
    let fields = [
        ("source", "name"),
        ("source", "account"),
        ("source", "address"),
        ("destination", "institution"),
        ("source", "institution"),
    ];
    // Every set of given fields.
    for given in 0..32_u32 {
        let side = |side: &str| {
            let is_given =
                |(i, (of, _)): &(usize, &(&str, &str))| given >> i & 1 == 1 && *of == side;
            let texts = fields.iter().enumerate().filter(is_given);
            let texts: Vec<_> = texts.map(|(_, (_, key))| format!(r#""{key}":"x""#)).collect();
            format!(r#","{side}":{{{}}}"#, texts.join(","))
        };
        let rest = side("source") + &side("destination");
        let (outcome, values) =
            ask(&program, "us.travel-rule", &money("wire_transfer", "3000", "USD", &rest), "");
        let missing = (0..5).find(|i| given >> i & 1 == 0).map(|i| fields[i]);
        match missing {
            None => assert_eq!(outcome, Outcome::Pass),
            Some((side, key)) => {
                assert_eq!(outcome, Outcome::MissingData);
                assert_eq!(values[0], Value::Text(format!("{side}.{key}")), "{rest}");
            }
        }
    }
}

fn row(kind: &str, amount: &str, currency: &str, before_ms: u64) -> String {
    let at = Millis(AS_OF.0 - before_ms);
    format!(r#"{{"timestamp":"{at}","type":"{kind}","amount":"{amount}","currency":"{currency}"}}"#)
}

#[test]
fn structuring_counts_the_band_and_the_window() {
    const DAY_MS: u64 = 86_400_000;
    let program = pack();
    let two = [row("cash_deposit", "9000", "USD", 1), row("cash_withdrawal", "9000", "USD", 2)];
    let count = |third: String| {
        let history = [two[0].clone(), third, two[1].clone()].join(",");
        let wire = money("wire_transfer", "9000", "USD", "");
        let (outcome, values) = ask(&program, "us.bsa.structuring", &wire, &history);
        let Value::Integer(count) = values[0] else { panic!("{values:?}") };
        let expected = if count >= 3 { Outcome::Review } else { Outcome::Pass };
        assert_eq!(outcome, expected);
        count
    };
    for (amount, expected) in [
        ("7999.99", 2),
        ("8000", 3),
        ("8000.01", 3),
        ("9999.99", 3),
        ("10000", 3),
        ("10000.01", 2),
        ("0", 2),
        // 2^64 + 900,000 cents: the low half alone is in the band.
        ("184467440737104516.16", 2),
    ] {
        assert_eq!(count(row("cash_deposit", amount, "USD", 60_000)), expected, "{amount}");
    }
    for (before_ms, expected) in [(0, 3), (DAY_MS - 1, 3), (DAY_MS, 2), (DAY_MS + 1, 2)] {
        assert_eq!(count(row("cash_deposit", "9000", "USD", before_ms)), expected, "{before_ms}");
    }
    for kind in CURRENCY {
        assert_eq!(count(row(kind, "9000", "USD", 60_000)), 3, "{kind}");
    }
    for kind in OTHER {
        assert_eq!(count(row(kind, "9000", "USD", 60_000)), 2, "{kind}");
    }
    assert_eq!(count(row("cash_deposit", "9000", "EUR", 60_000)), 2);
}

#[test]
fn structuring_counts_the_present_transaction_and_adds_up() {
    let program = pack();
    let ask = |amount, rows: usize| {
        let history = vec![row("cash_deposit", "9000.50", "USD", 5); rows].join(",");
        let cash = money("cash_deposit", amount, "USD", "");
        ask(&program, "us.bsa.structuring", &cash, &history)
    };
    let expected = |count, sum| vec![Value::Integer(count), usd(sum)];
    assert_eq!(ask("8000", 0), (Outcome::Pass, expected(1, 800_000)));
    assert_eq!(ask("8000", 1), (Outcome::Pass, expected(2, 1_700_050)));
    assert_eq!(ask("8000", 2), (Outcome::Review, expected(3, 2_600_100)));
    assert_eq!(ask("7999.99", 2), (Outcome::Pass, expected(2, 1_800_100)));
    assert_eq!(ask("10000", 2), (Outcome::Review, expected(3, 2_800_100)));
    assert_eq!(ask("10000.01", 2), (Outcome::Pass, expected(2, 1_800_100)));
}

#[test]
fn structuring_takes_the_longest_history_within_its_fuel() {
    /// What rulepacks/us-core gives the rule.
    const FUEL_GIVEN: u64 = 1_000_000;
    let program = pack();
    let history = vec![row("cash_deposit", "9000", "USD", 5); 10_000].join(",");
    let run = run(&program, &record(&money("cash_deposit", "9000", "USD", ""), &history));
    let result = result_of(&run, "us.bsa.structuring");
    assert_eq!(result.values, vec![Value::Integer(10_001), usd(9_000_900_000)]);
    let place = run.results.iter().position(|r| r.id == result.id).expect("it ran");
    let fuel = run.traces[place].fuel;
    assert!(fuel < FUEL_GIVEN, "{fuel}");
}

#[test]
fn listed_countries_block_before_anything_is_missing() {
    let program = pack();
    let ask = |kind: &str, source: &str, destination: &str| {
        let side = |side, country: &str| match country {
            "" => String::new(),
            _ => format!(r#","{side}":{{"country":"{country}"}}"#),
        };
        let rest = side("source", source) + &side("destination", destination);
        let run = run(&program, &record(&money(kind, "1", "EUR", &rest), ""));
        let result = result_of(&run, "us.ofac.country");
        (result.outcome, result.reason, result.values)
    };
    let block = |reason, code: &str| (Outcome::Block, reason, vec![Value::Code(code.into())]);
    let missing = |name: &str| (Outcome::MissingData, 3, vec![Value::Text(name.into())]);
    let pass = (Outcome::Pass, 0, vec![]);
    for kind in ["wire_transfer", "crypto_transfer", "card_payment", "cash_deposit"] {
        for listed in ["CU", "IR", "KP"] {
            for other in ["US", ""] {
                assert_eq!(ask(kind, other, listed), block(1, listed));
                assert_eq!(ask(kind, listed, other), block(2, listed));
            }
        }
        assert_eq!(ask(kind, "CU", "IR"), block(1, "IR"));
        for (source, destination) in [("US", "GB"), ("SY", "US"), ("KR", "IQ"), ("US", "UK")] {
            assert_eq!(ask(kind, source, destination), pass);
        }
    }
    for kind in ["wire_transfer", "crypto_transfer"] {
        assert_eq!(ask(kind, "US", ""), missing("destination.country"));
        assert_eq!(ask(kind, "", "US"), missing("source.country"));
        assert_eq!(ask(kind, "", ""), missing("destination.country"));
    }
    assert_eq!(ask("card_payment", "", ""), pass);
}
