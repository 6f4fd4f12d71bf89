//! Boundaries: what is generated for a threshold, and which parameters are thresholds.

use compiler::pack::{RuleFile, Tables, compile_rule};

fn rule(params: &str, when: &str, boundaries: &str) -> String {
    format!(
        "id: x.b\nversion: 1.0.0\ntitle: B\njurisdiction: EU\ndomain: AML\n\
         effective_from: 2025-03-01T00:00:00Z\n\
         citation: {{ law: A law, read: 2026-01-01, seen: secondary }}\n\
         params: {{ {params} }}\n\
         cases:\n  - {{ when: '{when}', outcome: review, severity: low, reason: r }}\n\
         otherwise: {{ reason: fine }}\n\
         boundaries: [{{ {boundaries} }}]\n\
         examples:\n  - name: one\n    outcome: pass\n    request:\n      \
         as_of: 2026-03-02T12:00:00Z\n      \
         transaction: {{ id: t, type: other, amount: 5, currency: JPY, \
         source: {{ birth_date: 2000-02-29 }} }}\n      \
         history: [{{ timestamp: 2026-03-01T00:00:00Z, \
         type: other, amount: 5.00, currency: USD }}]\n"
    )
}

fn labels(params: &str, boundary: &str) -> Result<Vec<String>, String> {
    let text = rule(params, "true", &format!("param: p, {boundary}"));
    let read = RuleFile::parse("b.yaml", &text).map_err(|errors| errors[0].to_string())?;
    let rows = read.boundaries[0].rows("b.yaml", &read).map_err(|error| error.to_string())?;
    Ok(rows.into_iter().map(|row| row.label).collect())
}

#[test]
fn the_step_is_the_smallest_that_the_value_can_make() {
    let cases = [
        (
            "{ type: money, value: 1000 JPY }",
            "fact: transaction.amount",
            ["transaction.amount 999", "transaction.amount 1000", "transaction.amount 1001"],
        ),
        (
            "{ type: money, value: 1000.00 USD }",
            "fact: \"history[0].amount\"",
            ["history[0].amount 999.99", "history[0].amount 1000.00", "history[0].amount 1000.01"],
        ),
        (
            "{ type: money, value: 1000.00 USD }",
            "fact: \"history[0].amount\", at: 400.00 USD",
            ["history[0].amount 399.99", "history[0].amount 400.00", "history[0].amount 400.01"],
        ),
        (
            "{ type: duration, value: 24h }",
            "fact: \"history[0].timestamp\"",
            [
                "history[0].timestamp 2026-03-01T12:00:00.001Z",
                "history[0].timestamp 2026-03-01T12:00:00.000Z",
                "history[0].timestamp 2026-03-01T11:59:59.999Z",
            ],
        ),
        (
            "{ type: duration, value: 1h30m }",
            "fact: as_of, at: 2026-03-02T12:00:00Z",
            [
                "as_of 2026-03-02T11:59:59.999Z",
                "as_of 2026-03-02T12:00:00.000Z",
                "as_of 2026-03-02T12:00:00.001Z",
            ],
        ),
        (
            "{ type: int, value: 18 }",
            "fact: source.birth_date, at: 2008-03-01",
            [
                "source.birth_date 2008-02-29",
                "source.birth_date 2008-03-01",
                "source.birth_date 2008-03-02",
            ],
        ),
        (
            "{ type: int, value: 3 }",
            "history: { repeat: { counterparty: 'a-{n}' } }",
            ["2 added history rows", "3 added history rows", "4 added history rows"],
        ),
        (
            "{ type: int, value: 3 }",
            "at: 1, history: { repeat: { amount: 1 } }",
            ["0 added history rows", "1 added history rows", "2 added history rows"],
        ),
    ];
    for (param, boundary, wanted) in cases {
        let found = labels(&format!("p: {param}"), &format!("{boundary}, base: one"));
        assert_eq!(found, Ok(wanted.map(str::to_owned).to_vec()), "{boundary}");
    }
}

#[test]
fn what_cannot_be_generated_is_explained() {
    for (param, boundary, said) in [
        (
            "{ type: money, value: 1000.00 USD }",
            "fact: transaction.amount",
            "the example's amount is in JPY: give the middle value with `at: …`",
        ),
        (
            "{ type: int, value: 3 }",
            "fact: transaction.amount",
            "the parameter is no amount: give the middle value with `at: …`",
        ),
        (
            "{ type: duration, value: 24h }",
            "fact: as_of",
            "what as_of is compared with is not known: give the middle value with `at: …`",
        ),
        (
            "{ type: money, value: 1.00 USD }",
            "fact: source.name",
            "expected a fact that is an amount, a time or a day, found `source.name`",
        ),
        (
            "{ type: int, value: many }",
            "history: { repeat: {} }",
            "expected a number of rows from 1 to 9999, found `many`",
        ),
        (
            "{ type: int, value: 3 }",
            "fact: as_of, history: { repeat: {} }",
            "expected one of `fact`, `history` and `examples`, found a mapping",
        ),
    ] {
        let found = labels(&format!("p: {param}"), &format!("{boundary}, base: one"));
        let found = found.expect_err(said);
        assert!(found.contains(said), "{said}\n{found}");
    }
    let found = labels("q: { type: int, value: 3 }", "fact: as_of, base: one").expect_err("no p");
    assert!(found.contains("expected a parameter, found `p`"), "{found}");
    let found =
        labels("p: { type: int, value: 3 }", "fact: as_of, base: two").expect_err("no base");
    assert!(found.contains("expected the name of an example, found `two`; known: one"), "{found}");
    let found =
        labels("p: { type: int, value: 3 }", "examples: [one, tow]").expect_err("no example");
    assert!(found.contains("expected the name of an example, found `tow`"), "{found}");
}

#[test]
fn added_rows_are_numbered_and_the_base_keeps_its_own() {
    let text = rule(
        "p: { type: int, value: 2 }",
        "true",
        "param: p, history: { repeat: { counterparty: 'a-{n}' } }, base: one",
    );
    let read = RuleFile::parse("b.yaml", &text).expect("sound");
    let rows = read.boundaries[0].rows("b.yaml", &read).expect("made");
    let body = String::from_utf8(rows[1].body.clone()).expect("JSON");
    assert!(
        body.contains(
            r#""amount":5.00,"currency":"USD"},{"counterparty":"a-1"},{"counterparty":"a-2"}]"#
        ),
        "{body}"
    );
}

#[test]
fn numbers_that_facts_are_held_against_are_thresholds() {
    let all = "p: { type: money, value: 10.00 USD }, n: { type: int, value: 3 }, \
    w: { type: duration, value: 24h }, s: { type: string, value: x }";
    for (when, wanted) in [
        (r#"transaction.currency == "USD" && transaction.amount > params.p"#, vec!["p"]),
        (r#"history.filter(r, r.timestamp > as_of - params.w).size() >= params.n"#, vec!["n", "w"]),
        (r#"history.filter(r, r.currency == "USD" && r.amount >= params.p).size() > 0"#, vec!["p"]),
        (r#"history.filter(r, r.currency == "USD").sum(r, r.amount) > params.p"#, vec!["p"]),
        (r#"history.distinct(r, r.counterparty) >= params.n"#, vec!["n"]),
        (r#"params.n == 3"#, vec![]),
        (r#"has(source.name) && source.name == params.s"#, vec![]),
        (r#"source.name.size() > params.n"#, vec!["n"]),
        (r#"source.name.size() > ((params.n))"#, vec!["n"]),
        (r#"source.name.size() > params . n"#, vec!["n"]),
        (r#"transaction.currency == "USD" && transaction.amount > ( params.p )"#, vec!["p"]),
    ] {
        let text = rule(all, &when.replace('\'', "''"), "param: s, examples: [one, one]");
        let compiled = compile_rule("b.yaml", &text, &Tables::default()).expect(when);
        let found = compiled.thresholds_without_boundary();
        let found: Vec<_> = found.iter().map(|threshold| &*threshold.param.text).collect();
        assert_eq!(found, wanted, "{when}");
    }
    let text = rule(all, "history.size() > lim", "param: s, examples: [one, one]");
    for value in ["params.n", "(params.n)", "(params .n)"] {
        let text = text.replace("cases:", &format!("let: {{ lim: \"{value}\" }}\ncases:"));
        let compiled = compile_rule("b.yaml", &text, &Tables::default()).expect(value);
        assert_eq!(compiled.thresholds_without_boundary().len(), 1, "{value}");
    }
    let text = rule(all, "history.size() > params.n", "param: n, examples: [one, one]");
    let compiled = compile_rule("b.yaml", &text, &Tables::default()).expect("sound");
    assert_eq!(compiled.thresholds_without_boundary(), []);
}
