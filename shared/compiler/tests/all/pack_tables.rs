//! Decision tables, calendars, rate tables, plain lists.

use compiler::interpret::{NoLists, interpret};
use compiler::pack::{
    RuleFile, Tables, calendar_of, compile_rule, parse_calendar, parse_list, parse_rates, rates_of,
};
use facts::Millis;

fn with_rows(rows: &str) -> String {
    format!(
        "id: x.bands\nversion: 1.0.0\ntitle: Bands\njurisdiction: EU\ndomain: AML\n\
         effective_from: 2025-03-01T00:00:00Z\n\
         citation: {{ law: A law, read: 2026-01-01, seen: secondary }}\n\
         table:\n  on: transaction.amount\n  \
         given: transaction.currency == \"EUR\"\n  rows:\n{rows}\
         otherwise: {{ reason: another currency }}\n\
         examples:\n  - name: one\n    outcome: pass\n    request:\n      \
         transaction: {{ id: t, type: other, amount: 1, currency: EUR }}\n"
    )
}

fn refusals(rows: &str) -> Vec<String> {
    let errors = RuleFile::parse("t.yaml", &with_rows(rows)).expect_err(rows);
    errors.iter().map(ToString::to_string).collect()
}

const BANDS: &str = "\
    \x20   - { below: 1000.00 EUR, outcome: pass, reason: low }\n\
    \x20   - { from: 1000.00 EUR, below: 3000 EUR, when: has(source.name), outcome: review,\n\
    \x20       severity: low, reason: middle with a name }\n\
    \x20   - { from: 1000.00 EUR, below: 3000 EUR, \
    outcome: review, severity: high, reason: middle }\n\
    \x20   - { from: 3000.00 EUR, outcome: report, severity: medium, reason: high }\n";

#[test]
fn a_table_must_cover_everything_once() {
    assert!(RuleFile::parse("t.yaml", &with_rows(BANDS)).is_ok());
    for (from, to, said) in [
        (
            "{ from: 3000.00",
            "{ from: 3000.01",
            "expected `from: 3000 EUR`, found a gap from 3000 EUR to 3000.01 EUR",
        ),
        (
            "{ from: 3000.00",
            "{ from: 2999.99",
            "found an overlap, or rows out of order from 2999.99 EUR to 3000 EUR",
        ),
        (
            "{ from: 3000.00 EUR",
            "{ from: 3000.00 EUR, below: 9 EUR",
            "expected an end above 3000.00 EUR, found 9 EUR",
        ),
        (
            "{ from: 3000.00 EUR",
            "{ from: 3000.00 EUR, below: 9000 EUR",
            "found nothing for values of 9000 EUR and over",
        ),
        (
            "{ below: 1000.00",
            "{ from: 0.00 EUR, below: 1000.00",
            "found nothing for values under 0.00 EUR",
        ),
        (
            "{ from: 3000.00 EUR",
            "{ from: 3000.00 USD",
            "expected an amount in EUR, found `3000.00 USD`; a table counts in one unit",
        ),
        ("{ from: 3000.00 EUR", "{ from: 3000", "expected an amount in EUR, found `3000`"),
        ("{ from: 3000.00 EUR", "{ from: lots", "expected an end of a band, found `lots`"),
        (
            "{ from: 3000.00 EUR",
            "{ when: true, from: 3000.00 EUR",
            "found a band that decides only sometimes",
        ),
        ("when: has(source.name), ", "", "found a row that is never reached"),
        (
            "{ from: 3000.00 EUR, outcome",
            "{ outcome",
            "expected `from: 3000 EUR`, found an open beginning",
        ),
    ] {
        assert!(BANDS.contains(from), "{from}");
        let errors = refusals(&BANDS.replacen(from, to, 1));
        assert!(errors.iter().any(|error| error.contains(said)), "{said}\n{errors:#?}");
    }
}

#[test]
fn a_table_says_what_its_cases_would() {
    let table = compile_rule("t.yaml", &with_rows(BANDS), &Tables::default()).expect("sound");
    let cases = with_rows("");
    let start = cases.find("table:").expect("the table");
    let end = cases.find("otherwise:").expect("its end");
    let cases = format!(
        "{}cases:\n\
         - {{ when: 'transaction.currency == \"EUR\" && \
         transaction.amount < eur(\"1000.00\")', outcome: pass, reason: low }}\n\
         - {{ when: 'transaction.currency == \"EUR\" && \
         transaction.amount < eur(\"3000.00\") && has(source.name)', \
         outcome: review, severity: low, reason: middle with a name }}\n\
         - {{ when: 'transaction.currency == \"EUR\" && \
         transaction.amount < eur(\"3000.00\")', \
         outcome: review, severity: high, reason: middle }}\n\
         - {{ when: 'transaction.currency == \"EUR\"', \
         outcome: report, severity: medium, reason: high }}\n{}",
        &cases[..start],
        &cases[end..]
    );
    let cases = compile_rule("c.yaml", &cases, &Tables::default()).expect("sound");
    let (table, cases) = (table.program.expect("typed"), cases.program.expect("typed"));
    let mut outcomes = Vec::new();
    for currency in ["EUR", "USD"] {
        for name in ["", r#","source":{"name":"n"}"#] {
            for amount in ["0", "999.99", "1000", "1000.01", "2999.99", "3000", "9000000"] {
                let body = format!(
                    "{{\"transaction\":{{\"id\":\"t\",\"type\":\"other\",\"amount\":\"{amount}\",\
                     \"currency\":\"{currency}\"{name}}},\
                     \"jurisdictions\":[\"EU\"],\"domains\":[\"AML\"]}}"
                );
                let request = facts::parse_request(body.as_bytes()).expect("sound");
                let record = facts::record(&request, Millis(1)).expect("fits");
                let one = interpret(&table, record.as_bytes(), &NoLists);
                assert_eq!(one, interpret(&cases, record.as_bytes(), &NoLists), "{body}");
                outcomes.push(one.reason);
            }
        }
    }
    outcomes.sort_unstable();
    outcomes.dedup();
    assert_eq!(outcomes.len(), 5, "every row and otherwise");
}

#[test]
fn an_error_in_a_column_is_told_once_where_it_stands() {
    let text = with_rows(BANDS).replace("on: transaction.amount", "on: transaction.amont");
    let errors = compile_rule("t.yaml", &text, &Tables::default()).expect_err("a slip");
    assert_eq!(errors.len(), 1, "{errors:#?}");
    assert_eq!((errors[0].span.line, errors[0].span.column), (9, 7), "{errors:?}");
}

#[test]
fn a_column_cannot_close_its_bracket() {
    for (from, to) in [
        ("when: has(source.name)", r#"when: "has(source.name)) || (transaction.type == 'other'""#),
        ("when: has(source.name)", "when: 'has(source.name) ||'"),
        ("on: transaction.amount", "on: 'transaction.amount) < eur(\"1.00\") || (true'"),
        ("given: transaction", "given: true) || (transaction"),
    ] {
        let text = with_rows(BANDS);
        assert!(text.contains(from), "{from}");
        let errors = compile_rule("t.yaml", &text.replacen(from, to, 1), &Tables::default());
        assert_eq!(errors.expect_err(to)[0].kind, compiler::ErrorKind::Syntax, "{to}");
    }
}

#[test]
fn a_comment_ends_with_its_line() {
    let reasons = |text: &str| {
        let compiled = compile_rule("t.yaml", text, &Tables::default()).expect(text);
        let program = compiled.program.expect("typed");
        ["1", "1000", "3000"].map(|amount| {
            let body = format!(
                "{{\"transaction\":{{\"id\":\"t\",\"type\":\"other\",\"amount\":\"{amount}\",\
                 \"currency\":\"EUR\"}},\"jurisdictions\":[\"EU\"],\"domains\":[\"AML\"]}}"
            );
            let request = facts::parse_request(body.as_bytes()).expect("sound");
            let record = facts::record(&request, Millis(1)).expect("fits");
            interpret(&program, record.as_bytes(), &NoLists).reason
        })
    };
    let plain = with_rows(BANDS);
    for given in [
        "given: 'transaction.currency == \"EUR\" // why'",
        "given: |\n    // why (\n    transaction.currency == \"EUR\" // why",
        "given: >\n    true // why\n    && transaction.currency == \"EUR\"",
    ] {
        let text = plain.replace("given: transaction.currency == \"EUR\"", given);
        assert_ne!(text, plain);
        assert_eq!(reasons(&text), reasons(&plain), "{given}");
    }
    // The line after the comment counts.
    for style in ["|", ">"] {
        let text = plain.replace(
            "given: transaction.currency == \"EUR\"",
            &format!("given: {style}\n    transaction.currency == \"EUR\" // why\n    && false"),
        );
        let [one, two, three] = reasons(&text);
        assert!(one == two && two == three && one != reasons(&plain)[0], "{style}");
    }
}

pub(super) const CALENDAR: &str = "\
id: us.eastern
source: a test
taken_at: 2026-01-01T00:00:00Z
from: 2025-01-01
to: 2026-12-31
weekend: [saturday, sunday]
zone: { standard: \"-05:00\", summer: \"-04:00\", begins: second sunday of march 02:00,
  ends: first sunday of november 02:00 }
holidays: [2026-01-01, 2025-01-01]
cutoff: \"17:00\"
";

#[test]
fn a_calendar_is_its_lines() {
    let (calendar, lines) = parse_calendar("c.yaml", CALENDAR).expect("sound");
    assert_eq!((calendar.first_day, calendar.last_day), (20_089, 20_818));
    assert_eq!((calendar.weekend, calendar.cutoff_minute), (0b100_0001, 1020));
    assert_eq!(calendar.holidays, [20_089, 20_454]);
    let written = [
        "calendar 1",
        "cutoff 1020",
        "days 2025-01-01 2026-12-31",
        "holiday 2025-01-01",
        "holiday 2026-01-01",
        "offset 1970-01-01T00:00:00.000Z -300",
        "offset 2024-03-10T07:00:00.000Z -240",
        "offset 2024-11-03T06:00:00.000Z -300",
        "offset 2025-03-09T07:00:00.000Z -240",
        "offset 2025-11-02T06:00:00.000Z -300",
        "offset 2026-03-08T07:00:00.000Z -240",
        "offset 2026-11-01T06:00:00.000Z -300",
        "offset 2027-03-14T07:00:00.000Z -240",
        "offset 2027-11-07T06:00:00.000Z -300",
        "weekend saturday",
        "weekend sunday",
    ];
    assert_eq!(lines.entries, written);
    assert_eq!(calendar_of(&lines), Some(calendar));
    assert_eq!(rates_of(&lines), None);
    // Another spelling of a line is another list.
    for (index, _) in lines.entries.iter().enumerate() {
        let mut other = lines.clone();
        other.entries[index].push(' ');
        assert_eq!(calendar_of(&other), None);
    }
}

#[test]
fn zones_are_offsets_changes_or_seasons() {
    let zone = |text: &str| {
        let start = CALENDAR.find("zone:").expect("the zone");
        let end = CALENDAR.find("holidays:").expect("its end");
        let text = format!("{}zone: {text}\n{}", &CALENDAR[..start], &CALENDAR[end..]);
        parse_calendar("c.yaml", &text).map(|(calendar, _)| calendar.offsets)
    };
    assert_eq!(zone("\"+08:00\""), Ok(vec![(0, 480)]));
    let changes = "[{ from: 2025-03-09T07:00:00Z, offset: \"-04:00\" }]";
    assert_eq!(zone(changes), Ok(vec![(1_741_503_600_000, -240)]));
    // The south has summer at the turn of the year; the union changes at one instant of UTC.
    let sydney = "{ standard: \"+10:00\", summer: \"+11:00\", \
    begins: first sunday of october 02:00, \
                  ends: first sunday of april 03:00 }";
    let offsets = zone(sydney).expect("sound");
    assert_eq!(offsets[0], (0, 660));
    // 2025-04-06T03:00+11:00 and 2025-10-05T02:00+10:00.
    assert!(offsets.contains(&(1_743_868_800_000, 600)), "{offsets:?}");
    assert!(offsets.contains(&(1_759_593_600_000, 660)), "{offsets:?}");
    let berlin = "{ standard: \"+01:00\", summer: \"+02:00\", \
    begins: last sunday of march 01:00 UTC, \
                  ends: last sunday of october 01:00 UTC }";
    let offsets = zone(berlin).expect("sound");
    assert!(offsets.contains(&(1_743_296_400_000, 120)), "{offsets:?}");
    assert!(offsets.contains(&(1_761_440_400_000, 60)), "{offsets:?}");
    for wrong in ["EST", "\"-15:00\"", "-5", "[]", "{}", "America/New_York"] {
        assert!(zone(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn rates_are_their_lines() {
    let text = "id: ecb.daily\nsource: a test\ntaken_at: 2026-01-02T00:00:00Z\nas_of: 2026-01-01\n\
                base: EUR\nrates: { USD: 1.0850, JPY: 160, GBP: 0.8350 }\n";
    let (rates, lines) = parse_rates("r.yaml", text).expect("sound");
    let written = [
        "as_of 2026-01-01",
        "base EUR",
        "rate EUR 1",
        "rate GBP 0.835",
        "rate JPY 160",
        "rate USD 1.085",
        "rates 1",
    ];
    assert_eq!(lines.entries, written);
    assert_eq!(rates_of(&lines), Some(rates));
    assert_eq!(calendar_of(&lines), None);
    for (from, to) in [
        ("1.0850", "0"),
        ("1.0850", "-1"),
        ("1.0850", "1e3"),
        ("1.0850", "1.0000000000001"),
        ("USD:", "USDX:"),
        ("JPY:", "EUR:"),
        ("base: EUR", "base: euro"),
    ] {
        assert!(parse_rates("r.yaml", &text.replacen(from, to, 1)).is_err(), "{to}");
    }
}

#[test]
fn a_plain_list_is_sorted_and_unique() {
    let text = |entries: &str| {
        format!("id: my.list\nsource: a test\ntaken_at: 2026-01-01T00:00:00Z\nentries: {entries}\n")
    };
    let list = parse_list("l.yaml", &text("[NO, IR, 1.50]")).expect("sound");
    assert_eq!(list.entries, ["1.50", "IR", "NO"]);
    assert_eq!(calendar_of(&list), None);
    assert_eq!(rates_of(&list), None);
    let errors = parse_list("l.yaml", &text("[NO, IR, NO]")).expect_err("twice");
    assert!(errors[0].to_string().contains("`NO` twice"), "{errors:?}");
}
