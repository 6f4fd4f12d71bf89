//! Rules as people write them, for long runs over many records.

use super::generator::Source;

/// (lets, cases with reasons, reason of the end)
type Written = (
    &'static [(&'static str, &'static str)],
    &'static [(&'static str, &'static str)],
    &'static str,
);

const RULES: [Written; 9] = [
    (
        &[(
            "in_currency",
            r#"transaction.type in ["cash_deposit", "cash_withdrawal", "currency_exchange"]
               && transaction.currency == "USD""#,
        )],
        &[(
            r#"in_currency && transaction.amount > usd("10000.00")"#,
            "{transaction.amount} in currency",
        )],
        "not more",
    ),
    (
        &[
            ("today", r#"business_day(as_of, "cal")"#),
            (
                "cash",
                r#"history.filter(r, r.type == "cash_deposit" && r.currency == "USD"
                   && r.direction == "in" && business_day(r.timestamp, "cal") == today)"#,
            ),
            ("total", "cash.map(r, r.amount).sum()"),
        ],
        &[
            (r#"total > usd("10000.00")"#, "{total} on day {today} in {cash.size()} deposits"),
            (r#"cash.size() > 3"#, "{cash.size()} deposits"),
        ],
        "{total}",
    ),
    (
        &[(
            "near",
            r#"history.count(r, r.currency == "USD" && r.amount >= usd("8000.00")
                   && r.amount <= usd("10000.00") && r.timestamp > as_of - duration("72h"))"#,
        )],
        &[(r#"near >= 3 || near * 2 > history.size() && near > 0"#, "{near} near the threshold")],
        "{near} of {history.size()}",
    ),
    (
        &[("missing", "absent(source.name, source.account, source.institution, destination.name)")],
        &[(
            r#"transaction.type == "wire_transfer"
                   && convert(transaction.amount, "USD", "fx", "half_up") >= usd("3000.00")
                   && missing != """#,
            "without {missing}",
        )],
        "complete",
    ),
    (
        &[("hit", r#"screen("b.names", source.name, 8500, source.birth_date).score"#)],
        &[
            (
                r#"source.country in list("a.plain") || destination.country in list("a.plain")"#,
                "{source.country}",
            ),
            (r#"hit >= 9500"#, "score {hit}"),
            (r#"hit > 0"#, "score {hit}"),
        ],
        "clear",
    ),
    (
        &[
            (
                "out",
                r#"history.filter(r, r.direction == "out"
                   && r.timestamp > as_of - duration("168h"))"#,
            ),
            ("fan", "out.distinct(r, r.counterparty)"),
        ],
        &[
            (
                r#"fan > 5 && !history.exists(r, r.counterparty == destination.account)"#,
                "{fan} counterparties",
            ),
            (r#"out.exists_one(r, r.counterparty_country == destination.country)"#, "once"),
        ],
        "{fan}",
    ),
    (
        &[
            ("idle", "as_of - source.verified_at"),
            ("usd", r#"convert(transaction.amount, "USD", "fx", "half_even")"#),
        ],
        &[
            (r#"idle > duration("8760h") && usd > usd("1000.00")"#, "{idle} {usd}"),
            (r#"div(usd, usd("3.00"), 4, "half_even") > dec("33333.3333")"#, "{usd}"),
        ],
        "{round(usd * dec(\"1.0375\"), 2, \"ceiling\")}",
    ),
    (
        &[("largest", r#"history.filter(r, r.currency == "USD").max(r, r.amount)"#)],
        &[(
            r#"transaction.currency == "USD" && transaction.amount > largest"#,
            "{transaction.amount} over {largest}",
        )],
        "not the largest, {as_of.getHours(\"-05:00\")} h",
    ),
    (
        &[("made", "[history.size()].map(q, 10 / (q % 3))")],
        &[
            (r#"(made + (source.pep == "none" ? [2] : [10])).exists(e, e == 10)"#, "ten"),
            (r#"!(made + (has(source.pep) ? [2] : [10])).all(e, e > 2)"#, "two"),
        ],
        "neither",
    ),
];

/// The rules.
pub fn rules() -> Vec<Source> {
    let owned = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    };
    RULES
        .iter()
        .map(|(lets, cases, otherwise)| Source {
            lets: owned(lets),
            cases: owned(cases),
            otherwise: (*otherwise).to_owned(),
        })
        .collect()
}
