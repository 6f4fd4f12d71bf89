//! Amounts, currencies, countries, times and names, one value at a time.

use super::{AS_OF, ROW, parse, refused, seed_plus, seed_with};
use crate::*;

const AMOUNT: &str = "\"amount\":15000";

fn amount(source: &str) -> Result<Money, FactsError> {
    parse(&seed_with(AMOUNT, &format!("\"amount\":{source}"))).map(|r| r.transaction.amount)
}

#[test]
fn good_amounts() {
    let good = [
        ("0", 0),
        ("0.00", 0),
        ("0.1", 10),
        ("15000", 1_500_000),
        ("15000.5000000000000000000000000000000", 1_500_050),
        ("\"15000.00\"", 1_500_000),
        ("\"0\"", 0),
        ("999999999999999999.99", 99_999_999_999_999_999_999),
        ("0.29", 29),
        ("9007199254740993", 900_719_925_474_099_300),
    ];
    for (source, mantissa) in good {
        assert_eq!(amount(source).unwrap().mantissa(), mantissa, "{source}");
    }
    assert_eq!(amount("15000").unwrap().to_string(), "15000.00 USD");
}

#[test]
fn bad_amounts() {
    let bad = [
        ("\"1e3\"", "exponent"),
        ("1e3", "exponent"),
        ("1.5E+3", "exponent"),
        ("1e400", "exponent"),
        ("-5", "negative"),
        ("-0", "negative"),
        ("\"-5\"", "negative"),
        ("\"+5\"", "sign"),
        ("\".5\"", "before the point"),
        ("\"5.\"", "after the point"),
        ("\".\"", "before the point"),
        ("\"\"", "quotes"),
        ("\"1_000\"", "separators"),
        ("\"1,000.00\"", "separators"),
        ("\"0x10\"", "decimal"),
        ("\"NaN\"", "digits"),
        ("\"Infinity\"", "digits"),
        ("\"1.2.3\"", "digits"),
        ("\" 5\"", "digits"),
        ("\"٣\"", "digits"),
        ("\"007\"", "leading zeros"),
        ("\"00\"", "leading zeros"),
        ("123456789012345678901", "size"),
        ("\"1000000000000000000\"", "size"),
        ("1.005", "USD has 2 decimal places"),
        ("0.0000000000000000000000001", "USD has 2 decimal places"),
    ];
    for (source, hint) in bad {
        let text = seed_with(AMOUNT, &format!("\"amount\":{source}"));
        let error = refused(&text, ErrorKind::Amount, "transaction.amount");
        assert!(error.remedy().contains(hint), "{source}: {}", error.remedy());
    }
    for source in ["true", "[1]", "{\"a\":1}"] {
        let text = seed_with(AMOUNT, &format!("\"amount\":{source}"));
        refused(&text, ErrorKind::WrongType, "transaction.amount");
    }
    for source in ["NaN", "+5", ".5", "5.", "007", "-", "Infinity"] {
        let text = seed_with(AMOUNT, &format!("\"amount\":{source}"));
        let error = refused(&text, ErrorKind::Syntax, "transaction.amount");
        assert!(error.remedy().contains("plain decimal digits"), "{error}");
    }
    for source in ["1_000", "0x10", "15,000"] {
        let text = seed_with(AMOUNT, &format!("\"amount\":{source}"));
        refused(&text, ErrorKind::Syntax, "transaction");
    }
}

#[test]
fn decimal_places_are_the_currency_s() {
    let parse = |digits, code| Money::parse(digits, Currency::parse(code).unwrap());
    assert_eq!(parse("15000", "JPY").unwrap().to_string(), "15000 JPY");
    assert_eq!(parse("15000.00", "JPY").unwrap().mantissa(), 15_000);
    assert_eq!(parse("1.5", "KWD").unwrap().to_string(), "1.500 KWD");
    assert_eq!(parse("1.2345", "CLF").unwrap().mantissa(), 12_345);
    let error = parse("1.5", "JPY").unwrap_err();
    assert_eq!(error.remedy(), "JPY has 0 decimal places");
    assert_eq!(error.to_string(), "request body: expected at most 0 decimal places, found `1.5`");
}

#[test]
fn format_decimal_keeps_every_digit() {
    let cases = [(0, 0, "0"), (5, 2, "0.05"), (-5, 2, "-0.05"), (1_500_000, 2, "15000.00")];
    for (mantissa, scale, text) in cases {
        assert_eq!(format_decimal(mantissa, scale), text);
    }
    assert_eq!(format_decimal(i128::MIN, 1), "-17014118346046923173168730371588410572.8");
    assert_eq!(format_decimal(7, u8::MAX).len(), 257);
}

#[test]
fn currency_and_country_tables() {
    let mut all = Vec::new();
    for (exponent, table) in crate::currency::CODES {
        let codes = table.as_chunks::<3>().0;
        assert!(codes.is_sorted() && codes.len() * 3 == table.len());
        for code in codes {
            let code = str::from_utf8(code).unwrap();
            let currency = Currency::parse(code).unwrap();
            assert_eq!((currency.code(), currency.exponent()), (code, exponent));
            all.push(code);
        }
    }
    assert!(crate::currency::TOKENS.is_sorted());
    let tokens = crate::currency::TOKENS.iter();
    for &(code, exponent) in tokens {
        let currency = Currency::parse(code).unwrap();
        assert_eq!((currency.code(), currency.exponent()), (code, exponent));
        all.push(code);
    }
    for currency in Currency::all() {
        assert_eq!(Currency::from_packed(currency.packed()), Some(currency));
        assert_eq!(Currency::parse(currency.code()), Ok(currency));
    }
    assert_eq!(Currency::all().count(), all.len());
    for packed in [0, 1, u32::MAX, 0x0044_5355 << 8, 0x5844_5355, 0x0058_5858] {
        assert_eq!(Currency::from_packed(packed), None);
    }
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!((all.len(), count), (189, 189));
    let codes = crate::country::CODES.as_bytes().as_chunks::<2>().0;
    assert!(codes.len() == 249 && codes.windows(2).all(|pair| pair[0] < pair[1]));
    assert!(codes.iter().all(|c| Country::parse(str::from_utf8(c).unwrap()).is_ok()));
    assert_eq!(Currency::parse("USD").unwrap().packed(), 0x0044_5355);
    assert_eq!(Country::parse("US").unwrap().packed(), 0x5355);
    assert_eq!(Country::parse("UK"), Country::parse("GB"));
    for code in [
        "XXX", "XTS", "XAU", "usd", "Usd", "US", "USDX", "XBT", "btc", "USDTT", "USD\0", "", "ÄB",
        "USD ",
    ] {
        assert_eq!(Currency::parse(code).unwrap_err().kind(), ErrorKind::Currency, "{code}");
    }
    for code in ["XX", "us", "USA", "U", "", "ZZ", "uk", "\u{e9}"] {
        assert_eq!(Country::parse(code).unwrap_err().kind(), ErrorKind::Country, "{code}");
    }
    assert!(Currency::parse("usd").unwrap_err().remedy().contains("`USD`"));
    assert!(Country::parse("us").unwrap_err().remedy().contains("`US`"));
    refused(&seed_with("\"USD\"", "\"usd\""), ErrorKind::Currency, "transaction.currency");
    let path = "transaction.destination.country";
    refused(&seed_with("\"UK\"", "\"XX\""), ErrorKind::Country, path);
}

#[test]
fn tokens_have_their_protocol_s_decimals() {
    let parse = |digits, code| Money::parse(digits, Currency::parse(code).unwrap());
    assert_eq!(parse("1", "BTC").unwrap().mantissa(), 100_000_000);
    let most = "999999999999999999.999999999999999999";
    let money = parse(most, "ETH").unwrap();
    assert_eq!(money.mantissa(), 10_i128.pow(36) - 1);
    assert_eq!(money.to_string(), format!("{most} ETH"));
    assert_eq!(parse("0.1234567", "USDT").unwrap_err().remedy(), "USDT has 6 decimal places");
}

#[test]
fn days_go_there_and_back() {
    let mut day = days_from_civil(1, 1, 1).unwrap();
    let (mut before, last) = ((0, 12, 31), days_from_civil(9999, 12, 31).unwrap());
    assert_eq!((day, last), (-719_162, 2_932_896));
    while day <= last {
        let (year, month, of_month) = civil_from_days(day);
        assert!((year, month, of_month) > before, "{day}");
        assert_eq!(days_from_civil(year, month, of_month), Some(day));
        before = (year, month, of_month);
        day += 1 + day.rem_euclid(11);
    }
    assert_eq!(civil_from_days(-1), (1969, 12, 31));
    assert!(civil_from_days(i64::MAX).0 > 9999 && civil_from_days(i64::MIN).0 < 1);
    for (year, month, of_month) in [(0, 1, 1), (10_000, 1, 1), (2025, 2, 29), (2025, 0, 1)] {
        assert_eq!(days_from_civil(year, month, of_month), None);
    }
    assert_eq!((days_from_civil(2024, 2, 30), days_from_civil(2024, 13, 1)), (None, None));
    assert_eq!((days_from_civil(i64::MAX, 1, 1), days_from_civil(1970, 1, 0)), (None, None));
    let day = Date::parse("1900-03-01").unwrap();
    assert_eq!((day.ms(), day.to_string()), (-2_203_891_200_000, "1900-03-01".to_owned()));
    assert_eq!(Date::parse("9999-12-31").unwrap().to_string(), "9999-12-31");
}

#[test]
fn good_times() {
    let good = [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.001Z", 1),
        ("1970-01-01T01:00:00.5+01:00", 500),
        ("2026-01-01T00:00:00Z", AS_OF.0),
        ("2025-12-31T19:00:00.000000000-05:00", AS_OF.0),
        ("2024-02-29T23:59:59.990Z", 1_709_251_199_990),
        ("2000-02-29T00:00:00-00:00", 951_782_400_000),
        ("9999-12-31T23:59:59.999Z", Millis::MAX.0),
    ];
    for (text, ms) in good {
        assert_eq!(Millis::parse(text), Ok(Millis(ms)), "{text}");
    }
    assert_eq!(AS_OF.to_string(), "2026-01-01T00:00:00.000Z");
    assert_eq!(Millis::MAX.to_string(), "9999-12-31T23:59:59.999Z");
    let _ = Millis(u64::MAX).to_string();
    for day in (0..Millis::MAX.0 / 86_400_000).step_by(13) {
        let at = Millis(day * 86_400_000 + day % 86_400_000);
        assert_eq!(Millis::parse(&at.to_string()), Ok(at));
    }
}

#[test]
fn bad_times() {
    let bad = [
        ("2026-01-01T00:00:00", "zone"),
        ("2026-01-01T00:00:00.5", "zone"),
        ("2026-01-01", "YYYY"),
        ("", "YYYY"),
        ("2026-01-01 00:00:00Z", "YYYY"),
        ("2026-01-01t00:00:00Z", "YYYY"),
        ("2026-01-01T00:00:00z", "zone"),
        ("+026-01-01T00:00:00Z", "YYYY"),
        ("2026-02-29T00:00:00Z", "calendar"),
        ("2100-02-29T00:00:00Z", "calendar"),
        ("2026-04-31T00:00:00Z", "calendar"),
        ("2026-13-01T00:00:00Z", "calendar"),
        ("2026-00-01T00:00:00Z", "calendar"),
        ("2026-01-00T00:00:00Z", "calendar"),
        ("2026-01-01T24:00:00Z", "time of day"),
        ("2026-01-01T00:60:00Z", "time of day"),
        ("2016-12-31T23:59:60Z", "leap second"),
        ("2026-01-01T00:00:00.Z", "digits"),
        ("2026-01-01T00:00:00.0001Z", "milliseconds"),
        ("2026-01-01T00:00:00.0000000000Z", "nine"),
        ("2026-01-01T00:00:00+0100", "±hh:mm"),
        ("2026-01-01T00:00:00+24:00", "23:59"),
        ("2026-01-01T00:00:00+01:60", "23:59"),
        ("2026-01-01T00:00:00Z ", "zone"),
        ("1969-12-31T23:59:59Z", "1970"),
        ("1970-01-01T00:00:00+00:01", "1970"),
        ("9999-12-31T23:59:59-00:01", "9999"),
        ("２026-01-01T00:00:00Z", "YYYY"),
    ];
    for (text, hint) in bad {
        let error = Millis::parse(text).expect_err(text);
        assert!(error.remedy().contains(hint), "{text}: {}", error.remedy());
        let text = seed_plus(&format!(r#""as_of":"{text}""#));
        refused(&text, ErrorKind::Time, "as_of");
    }
    let bad_row = ROW.replace("2025-12-01T", "2025-12-32T");
    let text = seed_plus(&format!(r#""history":[{ROW},{bad_row}]"#));
    refused(&text, ErrorKind::Time, "history[1].timestamp");
}

#[test]
fn names_are_sorted_and_exact() {
    assert!(Jurisdiction::ALL.is_sorted_by_key(|j| j.as_str()));
    assert!(Domain::ALL.is_sorted_by_key(|d| d.as_str()));
    assert!(TransactionType::ALL.iter().all(|t| TransactionType::parse(t.as_str()) == Ok(*t)));
    assert!(Jurisdiction::ALL.iter().all(|j| Jurisdiction::parse(j.as_str()) == Ok(*j)));
    let error = refused(
        &seed_with("wire_transfer", "wire_tranfer"),
        ErrorKind::UnknownName,
        "transaction.type",
    );
    assert_eq!(error.remedy(), "did you mean `wire_transfer`?");
    let error =
        refused(&seed_with("\"SANCTIONS\"", "\"aml\""), ErrorKind::UnknownName, "domains[1]");
    assert_eq!(error.remedy(), "did you mean `AML`?");
    refused(&seed_with("[\"US\",", "[\"FR\","), ErrorKind::UnknownName, "jurisdictions[0]");
    let row = ROW.replace("\"in\"", "\"inn\"");
    let text = seed_plus(&format!(r#""history":[{row}]"#));
    assert!(
        refused(&text, ErrorKind::UnknownName, "history[0].direction").remedy().contains("`in`")
    );
}
