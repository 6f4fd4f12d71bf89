//! Rule files: what is read, where it stands, what is refused.

use compiler::ErrorKind;
use compiler::pack::{Body, RuleFile, Tables, Way, compile_rule};
use rules::Outcome;

pub const CTR: &str = include_str!("pack/ctr.yaml");

fn parse(text: &str) -> Result<RuleFile, Vec<String>> {
    let read = RuleFile::parse("r.yaml", text);
    read.map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

fn refusals(from: &str, to: &str) -> Vec<String> {
    assert!(CTR.contains(from), "{from}");
    parse(&CTR.replacen(from, to, 1)).expect_err(to)
}

#[test]
fn every_part_is_read_with_its_place() {
    let rule = parse(CTR).expect("sound");
    assert_eq!(rule.header.id, "us.bsa.ctr");
    assert_eq!(
        rule.header.citation,
        "31 CFR 1010.311; https://www.law.cornell.edu/cfr/text/31/1010.311; read 2026-11-21, \
         primary source; not checked by counsel"
    );
    assert_eq!(rule.evidence, ["transaction.amount", "transaction.type"]);
    let Body::Cases(draft) = &rule.body else { panic!("cases") };
    let names: Vec<_> = draft.params.iter().map(|param| &*param.name.text).collect();
    assert_eq!(names, ["threshold", "kinds", "home"]);
    let home = &draft.params[2].value[0];
    assert_eq!((&*home.text, home.line, home.column), ("NO", 16, 33), "no boolean");
    let kinds = &draft.params[1];
    assert!(kinds.is_list && kinds.value.len() == 3 && kinds.ty.text == "[type]");
    let when = &draft.cases[0].when;
    assert_eq!((when.line, when.column), (26, 11));
    let reason = &draft.cases[0].decision.reason;
    assert_eq!((reason.line, reason.column), (29, 14), "after the quote");
    let boundary = &rule.boundaries[0];
    let Way::Generated(generated) = &boundary.way else { panic!("generated") };
    assert_eq!(generated.outcomes, [Outcome::Pass, Outcome::Pass, Outcome::Report]);
}

#[test]
fn numbers_keep_their_digits_and_scope_is_the_rules_own() {
    let rule = parse(CTR).expect("sound");
    let body = String::from_utf8(rule.examples[0].body(&rule.header)).expect("JSON");
    assert_eq!(
        body,
        concat!(
            r#"{"transaction":{"id":"t","type":"cash_deposit","#,
            r#""amount":15000.00,"currency":"USD"},"#,
            r#""jurisdictions":["US"],"domains":["AML"]}"#
        )
    );
    let text = CTR.replace("id: t,", "id: 12,");
    let body = parse(&text).expect("sound");
    let body = String::from_utf8(body.examples[0].body(&body.header)).expect("JSON");
    assert!(body.contains(r#""id":"12","#), "{body}");
    for (written, read) in [
        ("0.10", "0.10"),
        ("92233720368547758.07", "92233720368547758.07"),
        ("\"7\"", "\"7\""),
        ("1e3", "\"1e3\""),
        ("0x1F", "\"0x1F\""),
        ("007", "\"007\""),
        ("-5", "-5"),
        ("true", "true"),
        ("NO", "\"NO\""),
        ("~", "null"),
    ] {
        let text = CTR.replace("amount: 15000.00", &format!("amount: {written}"));
        let rule = parse(&text).expect(written);
        let body = String::from_utf8(rule.examples[0].body(&rule.header)).expect("JSON");
        assert!(body.contains(&format!("\"amount\":{read},")), "{written}: {body}");
    }
}

#[test]
fn folded_and_quoted_expressions_lead_back_to_their_lines() {
    let text = CTR.replace("&& transaction.amount >", "&& transaction.amout >");
    let errors = compile_rule("r.yaml", &text, &Tables::default()).expect_err("a slip");
    let places: Vec<_> = errors.iter().map(|error| (error.span.line, error.span.column)).collect();
    // One in the folded let, one in the case.
    assert_eq!(places, [(21, 10), (26, 26)], "{errors:?}");
    assert!(errors.iter().all(|error| error.kind == ErrorKind::UnknownName));
    let text = CTR.replace(r#"\"USD\" && true"#, r#"\"USD\" && tru"#);
    let errors = compile_rule("r.yaml", &text, &Tables::default()).expect_err("a slip");
    assert_eq!((errors[0].span.line, errors[0].span.column), (22, 47), "{errors:?}");
}

#[test]
fn slips_are_named_with_the_nearest() {
    for (from, to, said) in [
        (
            "title:",
            "titel:",
            "3:1: expected a key of a rule file, found the key `titel`; did you mean `title`?",
        ),
        (
            "outcome: report\n    severity",
            "outcome: raport\n    severity",
            "27:14: expected an outcome, found `raport`; did you mean `report`?",
        ),
        (
            "severity: medium",
            "severity: mid",
            "28:15: expected a severity, found `mid`; known: info, low, medium, high, critical",
        ),
        (
            "domain: AML",
            "domain: aml",
            "5:9: expected a domain (AML, KYC, PEP, SANCTIONS), found `aml`; did you mean `AML`?",
        ),
        (
            "id: us.bsa.ctr",
            "id: US BSA",
            "1:5: expected an identifier of lower-case letters, digits, `.`, `-` and `_`, \
            found `US BSA`; such as us.bsa.ctr",
        ),
        (
            "seen: primary",
            "seen: first",
            "11:9: expected `primary`, or `secondary` when only a summary was read, \
            found `first`; known: primary, secondary",
        ),
        (
            "read: 2026-11-21",
            "read: 21.11.2026",
            "10:9: expected a day such as 1984-02-29, \
            found `21.11.2026`; write YYYY-MM-DD, without a time or a zone",
        ),
        (
            "evidence: [transaction.amount",
            "evidence: [transaction.amont",
            "33:12: expected a fact, found `transaction.amont`; did you mean `transaction.amount`?",
        ),
        (
            "outcomes: [pass, pass, report]",
            "outcomes: [pass, report]",
            "35:74: expected three outcomes: just under, equal, just over, found 2 of them",
        ),
        (
            "missing: high",
            "missing: high\nfuel: 3",
            "33:1: expected keys of a rule with cases, \
            found `fuel` without `module`; the compiler finds it itself: remove the line",
        ),
    ] {
        let errors = refusals(from, to);
        let said = format!("r.yaml:{said}");
        assert!(errors.contains(&said), "{said}\n{errors:#?}");
    }
}

#[test]
fn all_slips_of_a_file_are_told_at_once() {
    let text = CTR.replace("title:", "titel:").replace("severity: medium", "severity: mid");
    let errors = parse(&text.replace("missing: high", "missing: hi")).expect_err("slips");
    assert_eq!(errors.len(), 4, "{errors:#?}");
}

#[test]
fn what_is_twice_or_both_is_refused() {
    assert!(refusals("title:", "id: other\ntitle:")[0].contains("duplicate"));
    let both = "table: { on: transaction.amount, rows: [{ outcome: pass, reason: x }] }\ncases:";
    assert!(refusals("cases:", both)[0].contains("`cases` or `table`"));
    let one = "- name: twice\n    request: {}\n    outcome: pass\n  ";
    let three = format!("{one}{one}- name: over");
    assert!(refusals("- name: over", &three)[0].contains("`twice` twice"));
    assert!(refusals("evidence:", "lists: [a, a]\nevidence:")[0].contains("`a` twice in `lists`"));
}

#[test]
fn no_bytes_of_a_file_make_it_panic() {
    let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = move |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below as u64) as usize
    };
    let signs: Vec<char> = "{}[]:,&*!|>'\"%@#-\n \t~é\u{202e}0".chars().collect();
    for _ in 0..400 {
        let mut text: Vec<char> = CTR.chars().collect();
        for _ in 0..=next(3) {
            let at = next(text.len());
            match next(3) {
                0 => text[at] = signs[next(signs.len())],
                1 => text.insert(at, signs[next(signs.len())]),
                _ => drop(text.remove(at)),
            }
        }
        let text: String = text.into_iter().collect();
        if let Err(errors) = compile_rule("r.yaml", &text, &Tables::default()) {
            assert!(!errors.is_empty());
            for error in errors {
                let lines = text.lines().count() as u32 + 1;
                assert!(error.span.line <= lines, "{error}\n{text}");
            }
        }
    }
}

#[test]
fn what_is_no_yaml_is_explained() {
    for (text, said) in [
        ("a: 1\na: 2\n", "2:1: expected each key once, found the duplicate key `a`; remove one"),
        ("a: 1\n---\nb: 2\n", "3:1: expected one document in a file, found another after `---`"),
        (
            "  outcome:report\n  b: 1\n",
            "1:3: expected a blank after the colon, found \
          `outcome:report`; write `outcome: report`",
        ),
        ("a:\n  b: 1\n c: 2\n", "indent like the line above"),
        ("a: 1\n b: 2\n", "indent like the line above"),
        ("a:\n\tb: 1\n", "indent with blanks"),
        ("a: b: c\n", "; quote a text that has `: ` in it"),
        ("a: !x && b\n", "; quote a text that begins with `!`"),
        ("a: *x\n", "; quote a text that begins with `*`"),
        ("a: [1, 2\nb: 3\n", "; close the bracket"),
        ("a: \"x\nb: 3\n", "; close the quote"),
        ("? [a]\n: b\n", "1:1: expected YAML, found a key is a text"),
    ] {
        let errors = parse(text).expect_err(text);
        let told = errors[0].to_string();
        assert!(errors.len() == 1 && told.contains(said), "{said}\n{told}");
        assert!(!told.contains("Options") && !told.contains("from_str"), "{told}");
    }
}

#[test]
fn aliases_and_sizes_are_bounded() {
    let bomb = |first: &str| {
        let mut text = format!("a0: &a0 {first}\n");
        for n in 1..9 {
            let ten = vec![format!("*a{}", n - 1); 10].join(", ");
            text += &format!("a{n}: &a{n} [{ten}]\n");
        }
        text
    };
    for first in ["[x, x, x, x, x, x, x, x, x, x]".to_owned(), "x".repeat(40_000)] {
        assert!(parse(&bomb(&first)).expect_err("a bomb")[0].contains("write the texts out"));
    }
    let cases = "  - { when: 'true', outcome: pass, reason: x }\n".repeat(65);
    let many = CTR.replacen("cases:\n", &format!("cases:\n{cases}"), 1);
    assert!(parse(&many).expect_err("too many").iter().any(|e| e.contains("at most 64 cases")));
    let long = format!("{CTR}# {}\n", "x".repeat(70_000));
    assert!(parse(&long).expect_err("too long")[0].contains("at most 65536 bytes"));
}
