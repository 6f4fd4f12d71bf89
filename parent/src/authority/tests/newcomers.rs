//! What people read who write their first rule.

use super::{Desk, run};

/// A pack with one rule file.
pub(super) fn pack(desk: &Desk, rule: &str) -> String {
    desk.write("pack/rulebook.yaml", "name: acme\nrules: [rule.yaml]\n");
    desk.write("pack/rule.yaml", rule);
    desk.path("pack")
}

/// A rule whose every part stands in the file as it is.
pub(super) const CASH: &str = r#"id: us.acme.cash
version: 1.0.0
title: Cash
jurisdiction: US
domain: AML
effective_from: 2026-01-01T00:00:00Z
citation: { law: 31 CFR 1010.311, read: 2026-11-21, seen: primary }
params:
  threshold: { type: money, value: 10000.00 USD }
cases:
  - when: transaction.currency == "USD" && transaction.amount > params.threshold
    outcome: report
    severity: medium
    reason: "{transaction.amount} > {params.threshold}"
otherwise: { reason: "not more than {params.threshold}" }
boundaries:
  - { param: threshold, fact: transaction.amount, base: over, outcomes: [pass, pass, report] }
examples:
  - name: over
    request: { transaction: { id: t, type: cash_deposit, amount: 15000, currency: USD } }
    outcome: report
    reason: 15000.00 USD > 10000.00 USD
"#;

fn refusal(name: &str, from: &str, to: &str) -> String {
    let desk = Desk::new(&format!("newcomer-{name}"));
    assert!(CASH.contains(from), "{from}");
    let pack = pack(&desk, &CASH.replacen(from, to, 1));
    run(&["rules", "check", &pack]).expect_err(to)
}

#[test]
fn a_misspelt_key_is_shown_where_it_stands() {
    let said = refusal("key", "title:", "titel:");
    assert_eq!(
        said,
        "\
rule.yaml:1:1: expected the key `title`, found a rule file without it
  1 | id: us.acme.cash
    | ^
  = add it

rule.yaml:3:1: expected a key of a rule file, found the key `titel`
  3 | titel: Cash
    | ^^^^^
  = did you mean `title`?

2 problems in 1 file"
    );
}

#[test]
fn a_misspelt_fact_is_shown_in_its_expression() {
    let said = refusal("fact", "transaction.amount > params", "transaction.amout > params");
    assert_eq!(
        said,
        "\
rule.yaml:11:44: expected a known fact, found `transaction.amout`
  11 |   - when: transaction.currency == \"USD\" && transaction.amout > params.threshold
     |                                            ^^^^^^^^^^^^^^^^^
  = did you mean `transaction.amount`?

1 problem in 1 file"
    );
}

#[test]
fn an_expression_that_yaml_takes_for_a_tag_is_explained() {
    for (number, negated) in ["!true &&", "!has(source.name) &&", "!(true) &&"].iter().enumerate() {
        let to = format!("when: {negated}");
        let said =
            refusal(&format!("tag-{number}"), "when: transaction.currency == \"USD\" &&", &to);
        assert!(said.contains("rule.yaml:11:"), "{said}");
        assert!(said.contains("quote a text that begins with `!`"), "{said}");
    }
}

#[test]
fn a_threshold_without_a_boundary_is_given_one_to_paste() {
    let line = CASH.lines().find(|line| line.contains("base: over")).expect("the boundary");
    let said = refusal("boundary", &format!("boundaries:\n{line}\n"), "");
    let listed = "\
rule.yaml:9:3: expected a boundary for the threshold `threshold`, found none
  9 |   threshold: { type: money, value: 10000.00 USD }
    |   ^^^^^^^^^
  = the rule now says
      transaction.amount 9999.99   pass         not more than 10000.00 USD
      transaction.amount 10000.00  pass         not more than 10000.00 USD
      transaction.amount 10000.01  report       10000.01 USD > 10000.00 USD
  = if that is what the law says, add under `boundaries:`
      - { param: threshold, fact: \"transaction.amount\", base: \"over\", \
      outcomes: [pass, pass, report] }

";
    assert!(said.starts_with(listed), "{said}");
    let pasted = listed.lines().rev().nth(1).expect("the line to paste").trim();
    let desk = Desk::new("newcomer-pasted");
    let pack = pack(&desk, &CASH.replacen(line.trim(), pasted, 1));
    assert!(run(&["rules", "check", &pack]).is_ok());
}

#[test]
fn a_boundary_that_the_rule_denies_fails_like_an_example() {
    let said =
        refusal("denied", "outcomes: [pass, pass, report]", "outcomes: [pass, report, report]");
    assert!(said.contains("1 of 4 examples fail"), "{said}");
    assert!(said.contains("boundary of threshold: transaction.amount 10000.00"), "{said}");
    assert!(said.contains("  expected report") && said.contains("  found    pass"), "{said}");
}

#[test]
fn a_boundary_that_crosses_nothing_is_refused() {
    let said = refusal(
        "alike",
        "fact: transaction.amount, base: over, outcomes: [pass, pass, report]",
        "fact: transaction.amount, at: 1.00, base: over, outcomes: [pass, pass, pass]",
    );
    assert!(said.contains("crossing the threshold changes the answer"), "{said}");
}

#[test]
fn a_boundary_of_another_threshold_is_refused() {
    let low = "params:\n  low: { type: money, value: 1000.00 USD }\n";
    let two = CASH.replace("params:\n", low).replace(
        "otherwise:",
        "  - when: transaction.currency == \"USD\" && transaction.amount > params.low\n    \
         outcome: review\n    severity: low\n    reason: some\notherwise:",
    );
    let line = two.lines().find(|line| line.contains("base: over")).expect("the boundary");
    let of = |param: &str, at: &str, outcomes: &str| {
        format!(
            "  - {{ param: {param}, fact: transaction.amount, {at}base: over, \
             outcomes: [{outcomes}] }}"
        )
    };
    let lower = of("low", "", "pass, pass, review");
    let sound =
        two.replace(line, &format!("{lower}\n{}", of("threshold", "", "review, review, report")));
    let false_one = of("threshold", "at: 1000.00 USD, ", "pass, pass, review");
    let desk = Desk::new("newcomer-another");
    run(&["rules", "check", &pack(&desk, &sound)]).expect("both are tested");
    let unsound = two.replace(line, &format!("{lower}\n{false_one}"));
    let said = run(&["rules", "check", &pack(&desk, &unsound)]).expect_err("not its own");
    assert!(said.contains("an answer that changes with `threshold`"), "{said}");
}

#[test]
fn a_file_that_is_no_text_is_named_itself() {
    let desk = Desk::new("newcomer-latin");
    let path = pack(&desk, CASH);
    let bytes = CASH.replace("title: Cash", "title: Caf#").into_bytes();
    let bytes = bytes.into_iter().map(|byte| if byte == b'#' { 0xe9 } else { byte });
    std::fs::write(desk.path("pack/rule.yaml"), bytes.collect::<Vec<_>>()).expect("written");
    let said = run(&["rules", "check", &path]).expect_err("Latin-1");
    assert!(said.starts_with("rule.yaml:3:1: expected UTF-8"), "{said}");
    // A directory stands for all that is no plain file; a pipe would block.
    desk.write("pack/rulebook.yaml", "name: acme\nrules: [folder]\n");
    desk.write("pack/folder/x", "");
    let said = run(&["rules", "check", &path]).expect_err("a directory");
    assert!(said.contains("no plain file"), "{said}");
}

#[test]
fn slips_of_newcomers_get_a_remedy() {
    for (number, (from, to, wanted)) in [
        ("value: 10000.00 USD", "value: 10,000.00 USD", "write numbers without separators"),
        ("value: 10000.00 USD", "value: '10,000.00 USD'", "separators: `10000.00 USD`"),
        ("value: 10000.00 USD", "value: USD 10000.00", "amount first: `10000.00 USD`"),
        ("amount: 15000,", "amount: 15,000.00,", "write numbers without separators"),
        ("type: money", "type: amount", "did you mean `money`?"),
        ("request: { transaction: { id: t,", "request: { id: t, transaction: {", "put it inside"),
        ("transaction.amount > params", "as_of - 30 days > params", "duration(\"720h\")"),
        ("transaction.amount > params", "transaction.direction > params", "column of history rows"),
        ("otherwise: { reason: \"not more than {params.threshold}\" }", "", "  otherwise:"),
    ]
    .into_iter()
    .enumerate()
    {
        let said = refusal(&format!("remedy-{number}"), from, to);
        assert!(said.contains(wanted) && said.ends_with("1 problem in 1 file"), "{said}");
    }
    let said = refusal("base", "amount: 15000,", "amont: 15000,");
    assert!(said.starts_with("1 of 1 examples fail") && said.contains("rule.yaml:19:"), "{said}");
}

#[test]
fn a_new_rule_has_the_money_of_its_place() {
    for (id, lines) in [
        (
            "eu.x.y",
            ["jurisdiction: EU ", "value: 10000.00 EUR", "currency: EUR", "T00:00:00+01:00"],
        ),
        (
            "uk.x.y",
            ["jurisdiction: UK ", "value: 10000.00 GBP", "currency: GBP", "T00:00:00+00:00"],
        ),
        (
            "acme.x",
            ["jurisdiction: US ", "value: 10000.00 USD", "currency: USD", "T00:00:00-05:00"],
        ),
    ] {
        let desk = Desk::new(&format!("scaffold-{id}"));
        desk.write("pack/rulebook.yaml", "name: acme\nrules: [rule.yaml]\n");
        let file = desk.path("pack/rule.yaml");
        run(&["rules", "new", id, "--out", &file]).expect("written");
        run(&["rules", "check", &file]).expect("it holds");
        let text = std::fs::read_to_string(&file).expect("the file");
        assert!(lines.iter().all(|line| text.contains(line)), "{text}");
    }
}

#[test]
fn a_case_that_no_example_reaches_is_named() {
    let more = "  - when: transaction.currency == \"EUR\"\n    outcome: review\n    \
                severity: low\n    \
                reason: euro\notherwise:";
    let said = refusal("case", "otherwise:", more);
    let shown = "rule.yaml:15:11: expected an example that case 2 decides, found none";
    assert!(said.contains(shown), "{said}");
}

#[test]
fn an_error_in_a_folded_expression_is_shown_in_its_line() {
    let from = "when: transaction.currency == \"USD\" && transaction.amount > params.threshold";
    let to = "when: >-\n      transaction.currency == \"USD\"\n      && transaction.amont > \
              params.threshold";
    let said = refusal("folded", from, to);
    let shown = "rule.yaml:13:10: expected a known fact, found `transaction.amont`";
    assert!(said.contains(shown), "{said}");
}

#[test]
fn a_new_rule_passes_its_check() {
    let desk = Desk::new("scaffold");
    desk.write("pack/rulebook.yaml", "name: acme\nrules: [us/cash.yaml]\n");
    std::fs::create_dir_all(desk.path("pack/us")).expect("a directory");
    let file = desk.path("pack/us/cash.yaml");
    let said = run(&["rules", "new", "us.acme.cash", "--out", &file]).expect("written");
    assert!(said.contains("rules check"), "{said}");
    let checked = run(&["rules", "check", &file]).expect("it holds");
    assert!(checked.contains("us.acme.cash") && checked.contains("5 examples hold"), "{checked}");
    let again = run(&["rules", "new", "us.acme.cash", "--out", &file]).expect_err("it exists");
    assert!(again.contains("not overwritten"), "{again}");
    assert!(run(&["rules", "new", "US Acme"]).expect_err("no id").contains("lower-case"));
}

#[test]
fn a_pack_never_leads_out_of_its_directory() {
    let desk = Desk::new("outside");
    desk.write("secret.yaml", CASH);
    for name in ["../secret.yaml", "/etc/passwd", "a/../../secret.yaml", "a\\b.yaml", "./rule.yaml"]
    {
        desk.write("pack/rulebook.yaml", &format!("name: acme\nrules: ['{name}']\n"));
        let said = run(&["rules", "check", &desk.path("pack")]).expect_err(name);
        assert!(said.contains("a file in the pack's directory"), "{said}");
    }
    desk.write("pack/rulebook.yaml", "name: acme\nrules: [link.yaml]\n");
    std::os::unix::fs::symlink(desk.path("secret.yaml"), desk.path("pack/link.yaml"))
        .expect("a link");
    let said = run(&["rules", "check", &desk.path("pack")]).expect_err("a link");
    assert!(said.contains("a link that leads out"), "{said}");
}
