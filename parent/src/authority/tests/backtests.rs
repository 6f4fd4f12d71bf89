//! `rules backtest` and its report.

use super::newcomers::CASH;
use super::{Desk, run};

fn packs(desk: &Desk) -> (String, String) {
    let changed = CASH
        .replace("version: 1.0.0", "version: 1.1.0")
        .replace("value: 10000.00 USD", "value: 9000.00 USD")
        .replace("> 10000.00 USD", "> 9000.00 USD");
    for (folder, rule) in [("old", CASH), ("new", &*changed)] {
        desk.write(&format!("{folder}/rulebook.yaml"), "name: acme\nrules: [rule.yaml]\n");
        desk.write(&format!("{folder}/rule.yaml"), rule);
    }
    (desk.path("old"), desk.path("new"))
}

fn request(id: &str, amount: &str) -> String {
    format!(
        "{{\"transaction\":{{\"id\":\"{id}\",\"type\":\"cash_deposit\",\"amount\":\"{amount}\",\
         \"currency\":\"USD\"}},\"jurisdictions\":[\"US\"],\"domains\":[\"AML\"],\
         \"as_of\":\"2026-06-01T00:00:00Z\"}}\n"
    )
}

#[test]
fn decisions_that_change_are_counted_and_shown() {
    let desk = Desk::new("backtest");
    let (old, new) = packs(&desk);
    let mut lines: String =
        (0..20).map(|n| request(&format!("t{n}"), &format!("{}.00", n * 1000 + 500))).collect();
    lines.push_str("\nnonsense\n");
    lines.push_str(&request("</td><script>alert(1)</script>", "9999.00"));
    desk.write("inputs.ndjson", &lines);
    let (inputs, report) = (desk.path("inputs.ndjson"), desk.path("report.html"));
    let said = run(&["rules", "backtest", &old, &new, &inputs, "--html", &report]).expect("ran");
    assert!(said.contains("us.acme.cash  pass  report      2  line 10 (t9), line 23"), "{said}");
    assert!(said.contains("21 requests, the decision of 2 changes"), "{said}");
    assert!(said.contains("1 lines could not be evaluated\n  line 22: "), "{said}");
    let page = std::fs::read_to_string(&report).expect("the report");
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script"), "escaped");
    for elsewhere in ["http://", "https://", "src=", "@import", "url("] {
        assert!(!page.contains(elsewhere), "{elsewhere}");
    }
    assert!(page.contains("prefers-color-scheme:dark") && page.contains("<svg"));
    assert!(page.contains("<title>old: pass 11 of 21</title>"), "bars");
    assert!(page.contains("<td class=\"changed\">2</td>"), "matrix");
    assert!(page.contains("not more than 10000.00 USD"), "the old reason");
    assert!(page.contains("9999.00 USD &gt; 9000.00 USD"), "the new reason");
    let is_balanced = |tag: &str| {
        page.matches(&format!("<{tag}")).count() == page.matches(&format!("</{tag}>")).count()
    };
    for tag in ["details", "svg", "main", "title", "h2"] {
        assert!(is_balanced(tag), "{tag}");
    }
}

#[test]
fn a_rule_that_is_not_in_force_on_one_side_is_a_change() {
    let desk = Desk::new("backtest-force");
    let (old, new) = packs(&desk);
    desk.write(
        "new/rule.yaml",
        &CASH.replace("effective_from: 2026-01-01", "effective_from: 2026-07-01"),
    );
    desk.write("inputs.ndjson", &request("t", "1.00"));
    let said = run(&["rules", "backtest", &old, &new, &desk.path("inputs.ndjson")]).expect("ran");
    assert!(said.contains("us.acme.cash  pass  not in force      1"), "{said}");
    desk.write("inputs.ndjson", "\n");
    let said = run(&["rules", "backtest", &old, &new, &desk.path("inputs.ndjson")]);
    assert!(said.expect_err("empty").contains("write one body on each line"));
}
