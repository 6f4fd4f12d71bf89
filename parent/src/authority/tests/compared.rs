//! `rules diff`, `rules explain`, `rules list`.

use super::super::lines::changed as changed_lines;
use super::newcomers::CASH;
use super::{Desk, run};

fn two_packs(desk: &Desk, old: &str, new: &str) -> (String, String) {
    for (folder, rule) in [("old", old), ("new", new)] {
        desk.write(&format!("{folder}/rulebook.yaml"), "name: acme\nrules: [rule.yaml]\n");
        desk.write(&format!("{folder}/rule.yaml"), rule);
    }
    (desk.path("old"), desk.path("new"))
}

#[test]
fn a_changed_threshold_is_shown() {
    let desk = Desk::new("diff");
    let changed = CASH
        .replace("version: 1.0.0", "version: 1.1.0")
        .replace("value: 10000.00 USD", "value: 9000.00 USD")
        .replace("> 10000.00 USD", "> 9000.00 USD");
    let (old, new) = two_packs(&desk, CASH, &changed);
    let said = run(&["rules", "diff", &old, &new]).expect("compared");
    assert!(said.contains("changed  us.acme.cash  1.0.0 -> 1.1.0"), "{said}");
    assert!(said.contains("params.threshold: 10000.00 USD -> 9000.00 USD"), "{said}");
    let moved = CASH.replace("effective_from: 2026-01", "effective_from: 2026-02");
    desk.write("moved/rulebook.yaml", "name: acme\nrules: [rule.yaml]\n");
    desk.write("moved/rule.yaml", &moved);
    let said = run(&["rules", "diff", &old, &desk.path("moved")]).expect("compared");
    let dates = "in force from: 2026-01-01T00:00:00.000Z -> 2026-02-01T00:00:00.000Z";
    assert!(said.contains(dates) && !said.contains("removed"), "{said}");
    assert_eq!(run(&["rules", "diff", &old, &old]), Ok("no difference\n".to_owned()));
    let commented = CASH.replace("cases:", "# why\ncases:");
    let (old, new) = two_packs(&desk, CASH, &commented);
    let said = run(&["rules", "diff", &old, &new]).expect("compared");
    assert!(said.contains("source text only: the module is the same"), "{said}");
}

#[test]
fn a_changed_condition_is_shown_line_by_line() {
    let desk = Desk::new("diff-lines");
    let changed = CASH.replace("amount > params.threshold\n", "amount >= params.threshold\n");
    let changed =
        changed.replace("outcomes: [pass, pass, report]", "outcomes: [pass, report, report]");
    let (old, new) = two_packs(&desk, CASH, &changed);
    let said = run(&["rules", "diff", &old, &new]).expect("compared");
    let when = "when: transaction.currency == \"USD\" && transaction.amount";
    assert!(said.contains("WARNING: still version 1.0.0"), "{said}");
    assert!(said.contains(&format!("-   - {when} > params.threshold\n")), "{said}");
    assert!(said.contains(&format!("+   - {when} >= params.threshold\n")), "{said}");
    assert!(!said.contains("title: Cash"), "{said}");
    assert_eq!(changed_lines("a\nb\nc\nd", "a\nc\nx\nd\n"), ["- b", "+ x"]);
    assert_eq!(changed_lines("", "a"), ["+ a"]);
    assert_eq!(changed_lines("a\nb", "a"), ["- b"]);
}

#[test]
fn rules_and_lists_that_come_and_go_are_shown() {
    let desk = Desk::new("diff-lists");
    let (old, new) = two_packs(&desk, CASH, CASH);
    let later = CASH.replace("us.acme.cash", "us.acme.later");
    desk.write("new/later.yaml", &later);
    let list = |entries: &str| {
        format!("id: my.list\nsource: us\ntaken_at: 2026-01-01T00:00:00Z\nentries: [{entries}]\n")
    };
    desk.write("old/list.yaml", &list("CU, IR"));
    desk.write("new/list.yaml", &list("IR, KP, NO"));
    desk.write("old/rulebook.yaml", "name: acme\nrules: [rule.yaml]\nlists: [list.yaml]\n");
    let book = "name: acme\nrules: [rule.yaml, later.yaml]\nlists: [list.yaml]\n";
    desk.write("new/rulebook.yaml", book);
    let said = run(&["rules", "diff", &old, &new]).expect("compared");
    assert!(said.contains("added  us.acme.later  1.0.0  in force from 2026-01-01"), "{said}");
    assert!(said.contains("changed  my.list  2 entries added, 1 removed"), "{said}");
    let said = run(&["rules", "diff", &new, &old]).expect("compared");
    assert!(said.contains("removed  us.acme.later"), "{said}");
}

#[test]
fn an_answer_is_explained_part_by_part() {
    let desk = Desk::new("explain");
    let (old, _) = two_packs(&desk, CASH, CASH);
    let input = desk.path("input.json");
    desk.write(
        "input.json",
        r#"{"transaction":{"id":"t","type":"cash_deposit","amount":"12000","currency":"USD"}}"#,
    );
    let said = run(&["rules", "explain", &old, "us.acme.cash", &input]).expect("explained");
    for part in [
        "case 1, line 11: true",
        "transaction.amount > params.threshold",
        "    12000.00 USD  transaction.amount\n",
        "    USD           transaction.currency\n",
        "    true          transaction.currency == \"USD\"\n",
        "outcome   report",
        "reason    12000.00 USD > 10000.00 USD",
        "citation  31 CFR 1010.311; read 2026-11-21, primary source",
    ] {
        assert!(said.contains(part), "{part}\n{said}");
    }
    desk.write("input.json", "{}");
    assert!(run(&["rules", "explain", &old, "us.acme.cash", &input]).is_err());
}

#[test]
fn a_list_of_names_is_made_and_asked() {
    let desk = Desk::new("names");
    desk.write(
        "names.csv",
        "id,kind,name,aliases,weak_aliases,born,identifiers,programs\n\
         1,person,Ivan Petrov,,,1970-01-01,,TEST\n",
    );
    let out = desk.path("pack/my.names");
    desk.write("pack/rulebook.yaml", "name: acme\nrules: [rule.yaml]\nnames: [my.names]\n");
    let said = run(&[
        "rules",
        "list",
        "csv",
        &desk.path("names.csv"),
        "--id",
        "my.names",
        "--source",
        "a test",
        "--taken-at",
        "2026-11-21T00:00:00Z",
        "--out",
        &out,
    ])
    .expect("made");
    assert!(said.contains("entries     1") && said.contains("left out    0"), "{said}");
    desk.write("pack/rule.yaml", SCREENING);
    let said = run(&["rules", "check", &desk.path("pack")]).expect("it holds");
    assert!(said.contains("2 examples hold in both engines"), "{said}");
    desk.write("pack/my.names", "nothing");
    let said = run(&["rules", "check", &desk.path("pack")]).expect_err("no list");
    assert!(said.contains("rulebook.yaml:3:9") && said.contains("1 problem in 1 file"), "{said}");
}

const SCREENING: &str = r#"id: us.acme.names
version: 1.0.0
title: Names
jurisdiction: US
domain: SANCTIONS
effective_from: 2026-01-01T00:00:00Z
citation: { law: ours, read: 2026-11-21, seen: primary }
lists: [my.names]
cases:
  - when: screen("my.names", source.name, 8500).found
    outcome: block
    severity: critical
    reason: "{source.name} is like an entry"
otherwise: { reason: no entry is like it }
examples:
  - name: listed
    request:
      transaction: { id: t, type: other, amount: 1, currency: USD, source: { name: Ivan Petrov } }
    outcome: block
  - name: not listed
    request:
      transaction: { id: t, type: other, amount: 1, currency: USD, source: { name: Mary Jones } }
    outcome: pass
"#;
