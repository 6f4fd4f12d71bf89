//! Rulebooks: which files they may name, and compiling a bundle's rule again.

use compiler::pack::{Files, Pack, is_inside, recompile};
use facts::Millis;

use super::pack_tables::CALENDAR;

#[test]
fn names_of_files_stay_inside() {
    for name in ["a.yaml", "us/aml/a.yaml", "..a/b"] {
        assert!(is_inside(name), "{name}");
    }
    for name in ["", "/a", "a//b", "../a", "a/../b", "a/..", ".", "a/./b", "a\\b", "c:a", "a\0"] {
        assert!(!is_inside(name), "{name}");
    }
}

/// Files in memory.
struct Shelf(Vec<(&'static str, String)>);

impl Files for Shelf {
    fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        let found = self.0.iter().find(|(known, _)| *known == name);
        found.map(|(_, text)| text.clone().into_bytes()).ok_or_else(|| "no such file".to_owned())
    }
}

const ASKING: &str = "\
id: x.asking
version: 1.0.0
title: Asks all kinds of tables
jurisdiction: EU
domain: AML
effective_from: 2025-03-01T00:00:00Z
citation: { law: A law, read: 2026-01-01, seen: secondary }
lists: [my.list]
calendars: [us.eastern]
rates: [ecb.daily]
cases:
  - when: source.country in list(\"my.list\")
    outcome: block
    severity: high
    reason: listed
  - when: convert(transaction.amount, \"USD\", \"ecb.daily\") > \
  usd(\"100.00\") && business_day(as_of,
      \"us.eastern\") > 0
    outcome: report
    severity: low
    reason: much
otherwise: { reason: fine }
examples:
  - name: one
    outcome: pass
    request: { transaction: { id: t, type: other, amount: 1, currency: EUR } }
";

fn shelf() -> Shelf {
    let book =
        "name: x\nrules: [a/asking.yaml]\nlists: [l.yaml]\ncalendars: [c.yaml]\nrates: [r.yaml]\n";
    let list = "id: my.list\nsource: s\ntaken_at: 2026-01-01T00:00:00Z\nentries: [NO]\n";
    let rates = "id: ecb.daily\nsource: s\ntaken_at: 2026-01-01T00:00:00Z\nas_of: 2026-01-01\n\
                 base: EUR\n\
                 rates: { USD: 1.085 }\n";
    Shelf(vec![
        ("rulebook.yaml", book.to_owned()),
        ("a/asking.yaml", ASKING.to_owned()),
        ("l.yaml", list.to_owned()),
        ("c.yaml", CALENDAR.to_owned()),
        ("r.yaml", rates.to_owned()),
    ])
}

#[test]
fn a_bundle_is_enough_to_compile_its_rules_again() {
    let pack = Pack::read(&shelf()).expect("sound");
    let bundle = pack.bundle(1, Millis(1));
    assert_eq!(bundle.check(), Ok(()));
    assert_eq!(
        bundle.to_bytes(),
        Pack::read(&shelf()).expect("sound").bundle(1, Millis(1)).to_bytes()
    );
    let rule = &bundle.rules[0];
    let lists: Vec<_> = rule.lists.iter().filter_map(|index| bundle.list_id(*index)).collect();
    assert_eq!(lists, ["my.list", "us.eastern", "ecb.daily"], "every root is in the statement");
    let again = recompile(rule, &bundle).expect("compiles");
    assert!(again.agrees(rule, &bundle));
    assert_eq!(Some(&again.program), pack.rules[0].program.as_ref());
    // Nothing of the rule may be other than its source says.
    let changes: [fn(&mut rules::Rule); 6] = [
        |rule| rule.title.push('!'),
        |rule| rule.fuel -= 1,
        |rule| rule.effective_to = Some(Millis::MAX),
        |rule| rule.lists.reverse(),
        |rule| rule.reasons[0].template.push('!'),
        |rule| rule.source = rule.source.replace("100.00", "200.00"),
    ];
    for change in changes {
        let mut changed = rule.clone();
        change(&mut changed);
        let again = recompile(&changed, &bundle).expect("compiles");
        assert!(!again.agrees(&changed, &bundle), "{changed:?}");
    }
    let mut other = bundle.clone();
    other.modules[0].push(0);
    assert!(!recompile(rule, &other).expect("compiles").agrees(rule, &other));
    other.compiler = "another".to_owned();
    assert!(recompile(rule, &other).is_err());
    // A rate of the bundle that was changed gives another module.
    let mut other = bundle.clone();
    let rates = other.lists.iter_mut().find(|list| list.id == "ecb.daily").expect("the rates");
    rates.entries.iter_mut().for_each(|line| *line = line.replace("1.085", "1.086"));
    assert!(!recompile(rule, &other).expect("compiles").agrees(rule, &other));
}

#[test]
fn every_wrong_file_of_a_rulebook_is_named() {
    let mut files = shelf();
    files.0[0].1 = "name: x\nrules: [a/asking.yaml, b.yaml]\nlists: [l.yaml, ../l.yaml]\n\
                    calendars: [c.yaml]\nrates: [r.yaml]\n"
        .to_owned();
    let errors = Pack::read(&files).expect_err("outside");
    assert_eq!(
        errors[0].to_string(),
        "rulebook.yaml:3:17: expected a file in the pack's directory, \
        found `../l.yaml`; write `folder/file.yaml`, without `..` and without a leading `/`"
    );
    files.0[0].1 = files.0[0].1.replace(", ../l.yaml", "");
    let errors = Pack::read(&files).expect_err("absent");
    assert_eq!(
        errors[0].to_string(),
        "rulebook.yaml:2:24: expected a file that can be read, found b.yaml: no such file"
    );
    files.0[0].1 = files.0[0].1.replace(", b.yaml", "").replace("rates: [r.yaml]", "");
    let errors = Pack::read(&files).expect_err("no rates");
    assert!(
        errors[0]
            .to_string()
            .contains("found `ecb.daily`; files are named in rulebook.yaml under `rates`"),
        "{errors:?}"
    );
    files.0[2].1 = files.0[2].1.replace("my.list", "us.eastern");
    let errors = Pack::read(&files).expect_err("one id twice");
    assert!(errors[0].to_string().contains("`us.eastern` in two files"), "{errors:?}");
}
