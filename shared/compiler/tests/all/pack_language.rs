//! The YAML of LANGUAGE.md is taken by the very code that it describes.

use compiler::pack::{
    Body, RuleFile, Tables, compile_rule, parse_calendar, parse_list, parse_rates,
};

const PAGE: &str = include_str!("../../LANGUAGE.md");

/// The YAML blocks of a section.
fn blocks(section: u32) -> Vec<String> {
    let start = PAGE.find(&format!("\n## {section}. ")).expect("the section") + 1;
    let end = PAGE[start..].find(&format!("\n## {}. ", section + 1)).map(|end| start + end);
    let text = &PAGE[start..end.unwrap_or(PAGE.len())];
    let parts = text.split("```yaml\n").skip(1);
    parts.map(|part| part.split("```").next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn the_rule_file_compiles() {
    let [rule] = &blocks(1)[..] else { panic!("one block") };
    let compiled = compile_rule("LANGUAGE.md", rule, &Tables::default()).expect("sound");
    assert!(compiled.thresholds_without_boundary().is_empty());
    assert!(!compiled.wasm.is_empty());
    assert_eq!(
        compiled.read.boundaries[0].rows("LANGUAGE.md", &compiled.read).map(|r| r.len()),
        Ok(3)
    );
}

#[test]
fn the_tables_are_read() {
    let [list, calendar, rates] = &blocks(6)[..] else { panic!("three blocks") };
    assert_eq!(parse_list("l", list).expect("sound").entries, ["CU", "IR", "KP"]);
    let (calendar, lines) = parse_calendar("c", calendar).expect("sound");
    assert_eq!((calendar.cutoff_minute, calendar.weekend), (1080, 65));
    let (_, rate_lines) = parse_rates("r", rates).expect("sound");
    let written: Vec<_> = lines.entries.iter().chain(&rate_lines.entries).collect();
    let shown = ["calendar 1", "cutoff 1080", "days 2019-01-01 2032-12-31", "holiday 2026-01-01"];
    let more = ["offset 2026-03-08T07:00:00.000Z -240", "weekend sunday", "rates 1"];
    let rest = ["as_of 2026-11-20", "base EUR", "rate USD 1.0853"];
    for line in shown.iter().chain(&more).chain(&rest) {
        assert!(PAGE.contains(&format!("`{line}`")), "{line} is in the page");
        assert!(written.iter().any(|known| known == line), "{line} is written");
    }
}

#[test]
fn the_decision_table_compiles() {
    let [table] = &blocks(7)[..] else { panic!("one block") };
    let [rule] = &blocks(1)[..] else { panic!("one block") };
    let start = rule.find("cases:").expect("the cases");
    let end = rule.find("missing:").expect("what follows");
    let rule = format!("{}{table}{}", &rule[..start], &rule[end..]);
    let compiled = compile_rule("LANGUAGE.md", &rule, &Tables::default()).expect("sound");
    let Body::Cases(draft) = &compiled.read.body else { panic!("cases") };
    assert_eq!(draft.cases.len(), 4);
}

#[test]
fn the_boundaries_are_read() {
    let [boundaries] = &blocks(8)[..] else { panic!("one block") };
    let [rule] = &blocks(1)[..] else { panic!("one block") };
    let start = rule.find("boundaries:").expect("the boundaries");
    let end = rule.find("examples:").expect("what follows");
    let rule = format!("{}{boundaries}{}", &rule[..start], &rule[end..]);
    let read = RuleFile::parse("LANGUAGE.md", &rule).expect("sound");
    assert_eq!(read.boundaries.len(), 5);
}

#[test]
fn every_key_is_in_the_page() {
    let keys = compiler::pack::RULE_KEYS.iter().chain(&compiler::pack::RULEBOOK_KEYS);
    for key in keys.chain(&compiler::pack::BOUNDARY_KEYS).chain(&compiler::pack::CALENDAR_KEYS) {
        assert!(PAGE.contains(&format!("`{key}`")) || PAGE.contains(&format!("{key}:")), "{key}");
    }
}
