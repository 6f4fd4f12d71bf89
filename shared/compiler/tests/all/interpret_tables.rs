//! Calendars, rates, rounding and conversions through source text, with values worked out by hand.

use compiler::data::{Calendar, Rates};
use compiler::fold;
use compiler::front::{Scope, check_condition_in};
use compiler::interpret::{NoLists, interpret};
use compiler::typed::Fault;
use facts::Currency;
use rules::Outcome;

use super::interpret_record::any_record;

fn scope() -> Scope {
    let currency = |code| Currency::parse(code).expect("a known currency");
    Scope {
        calendars: vec![Calendar {
            id: "ny".into(),
            source: "test".into(),
            // 2026-01-01 to 2026-12-31.
            first_day: 20_454,
            last_day: 20_818,
            // Until 2026-03-08T07:00Z five hours west, then four, then five from 2026-11-01T06:00Z.
            offsets: vec![(0, -300), (1_772_953_200_000, -240), (1_793_512_800_000, -300)],
            weekend: 0b100_0001,
            // 2026-01-01, 2026-12-25.
            holidays: vec![20_454, 20_812],
            cutoff_minute: 18 * 60,
        }],
        rates: vec![Rates {
            id: "fx".into(),
            source: "test".into(),
            rates: vec![
                (currency("EUR"), 1, 0),
                (currency("JPY"), 16_347, 2),
                (currency("USD"), 10_834, 4),
            ],
        }],
        ..Scope::default()
    }
}

/// Whether a condition holds, or its fault; folding must not change it.
fn holds(source: &str) -> Result<bool, Fault> {
    let program = check_condition_in(source, &scope());
    let program = program.unwrap_or_else(|error| panic!("{source}: {error}"));
    let record = any_record();
    let answer = interpret(&program, record.as_bytes(), &NoLists);
    assert_eq!(answer, interpret(&fold(&program), record.as_bytes(), &NoLists), "{source}");
    answer.fault.map_or(Ok(answer.outcome == Outcome::Report), Err)
}

#[track_caller]
fn all_hold(sources: &[&str]) {
    for source in sources {
        assert_eq!(holds(source), Ok(true), "{source}");
    }
}

#[test]
fn days_follow_the_calendar() {
    all_hold(&[
        // Friday 2026-03-06, before and after the cut-off at 18:00 in New York, then to Monday.
        r#"day(timestamp("2026-03-06T22:59:59.999Z"), "ny") == 20518"#,
        r#"business_day(timestamp("2026-03-06T22:59:59.999Z"), "ny") == 20518"#,
        r#"business_day(timestamp("2026-03-06T23:00:00Z"), "ny") == 20521"#,
        r#"business_day(timestamp("2026-03-07T12:00:00Z"), "ny") == 20521"#,
        // Still Friday in New York; Monday after the change of clocks, where 18:00 is 22:00Z.
        r#"day(timestamp("2026-03-07T04:59:59Z"), "ny") == 20518"#,
        r#"business_day(timestamp("2026-03-09T21:59:00Z"), "ny") == 20521"#,
        r#"business_day(timestamp("2026-03-09T22:00:00Z"), "ny") == 20522"#,
        // New Year's day is a Thursday, Christmas a Friday.
        r#"business_day(timestamp("2026-01-01T12:00:00Z"), "ny") == 20455"#,
        r#"business_day(timestamp("2026-12-24T23:30:00Z"), "ny") == 20815"#,
    ]);
    let outside = [
        r#"day(timestamp("2026-01-01T04:59:59Z"), "ny") == 0"#,
        r#"day(timestamp("2027-01-01T05:00:00Z"), "ny") == 0"#,
        r#"business_day(timestamp("2026-12-31T23:00:00Z"), "ny") == 0"#,
    ];
    for source in outside {
        assert_eq!(holds(source), Err(Fault::Calendar), "{source}");
    }
}

#[test]
fn amounts_convert_with_one_rounding() {
    all_hold(&[
        // 100.00 EUR × 163.47 = 16,347 JPY; 1.00 USD = 1 ÷ 1.0834 EUR = 0.92302…
        r#"convert(eur("100.00"), "JPY", "fx", "down") == money("16347", "JPY")"#,
        r#"convert(usd("1.00"), "EUR", "fx", "down") == eur("0.92")"#,
        r#"convert(usd("1.00"), "EUR", "fx", "up") == eur("0.93")"#,
        r#"convert(usd("-1.00"), "EUR", "fx", "floor") == eur("-0.93")"#,
        r#"convert(usd("1.00"), "USD", "fx", "up") == usd("1.00")"#,
        // 150.885 JPY.
        r#"convert(usd("1.00"), "JPY", "fx", "half_even") == money("151", "JPY")"#,
    ]);
    let lacking = r#"convert(gbp("1.00"), "EUR", "fx", "down") == eur("0.00")"#;
    assert_eq!(holds(lacking), Err(Fault::MissingRate(0)));
}

#[test]
fn decimals_divide_and_round_as_they_are_told() {
    all_hold(&[
        r#"div(dec("1"), dec("3"), 4, "half_even") == dec("0.3333")"#,
        r#"div(dec("-1"), dec("8"), 2, "half_even") == dec("-0.12")"#,
        r#"div(dec("-1"), dec("8"), 2, "half_up") == dec("-0.13")"#,
        r#"div(usd("10.00"), usd("3.00"), 0, "ceiling") == dec("4")"#,
        r#"round(dec("2.5"), 0, "half_even") == dec("2")"#,
        r#"round(dec("-2.5"), 0, "half_down") == dec("-2")"#,
        r#"round(dec("2.5"), 3, "down") == dec("2.500")"#,
        r#"usd("1.00") * dec("0.015") == usd("0.02") - usd("0.01") * dec("0.5")"#,
    ]);
    let zero = r#"div(dec("1"), dec("0.00"), 2, "down") == dec("0")"#;
    assert_eq!(holds(zero), Err(Fault::DivideByZero));
}

#[test]
fn conversions_refuse_what_does_not_fit() {
    all_hold(&[
        r#"int("-9223372036854775808") == -9223372036854775808"#,
        r#"uint("18446744073709551615") == 18446744073709551615u"#,
        r#"int("007") == 7 && string(-7) == "-7" && string(7u) == "7""#,
        r#"int(timestamp("1969-12-31T23:59:59.999Z")) == -1"#,
        r#"-7 / 2 == -3 && -7 % 2 == -1 && 7 % -2 == 1"#,
        r#"(duration("-90m")).getHours() == -1 && (duration("-1.5s")).getMilliseconds() == -500"#,
        r#"timestamp("0001-01-01T00:00:00Z").getHours("-01:00") == 23"#,
    ]);
    let faults = [
        (r#"int("+1") == 1"#, Fault::Range),
        (r#"int(" 1") == 1"#, Fault::Range),
        (r#"int("") == 1"#, Fault::Range),
        (r#"uint("-1") == 1u"#, Fault::Range),
        (r#"int(18446744073709551615u) == 1"#, Fault::Range),
        (r#"uint(-1) == 1u"#, Fault::Range),
        (r#"timestamp(253402300800) == as_of"#, Fault::Range),
        (r#"[1, 2][2] == 1"#, Fault::Range),
        (r#"[1, 2][-1] == 1"#, Fault::Range),
        (r#"[1, 2].filter(x, x > 2).max() == 1"#, Fault::Empty),
        (r#"[9223372036854775807, 1].sum() == 1"#, Fault::Overflow),
        (r#"1 / (size("") * 2) == 1"#, Fault::DivideByZero),
        (r#"-(-9223372036854775808) == 1"#, Fault::Overflow),
    ];
    for (source, fault) in faults {
        assert_eq!(holds(source), Err(fault), "{source}");
    }
}
