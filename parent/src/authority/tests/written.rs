//! Bundles of rules written in YAML: built, signed at two desks, shown, taken apart.

use std::path::Path;

use compiler::pack::{RULE_KEYS, recompile};
use rules::SignedBundle;

use super::newcomers::{CASH, pack};
use super::{Desk, run};

fn built(desk: &Desk, rule: &str, keys: &[&str], out: &str) -> Result<String, String> {
    let (pack, out) = (pack(desk, rule), desk.path(out));
    let mut arguments = vec!["rules", "build", &pack, "--version", "7", "--out", &out];
    arguments.extend(["--issued-at", "2026-11-21T00:00:00Z"]);
    for key in keys {
        arguments.extend(["--key", key]);
    }
    run(&arguments)
}

#[test]
fn two_desks_sign_one_bundle() {
    let desk = Desk::new("desks");
    let (one, two) = (desk.key("k1"), desk.key("k2"));
    let (k1, k2, bundle) = (desk.path("k1"), desk.path("k2"), desk.path("bundle"));
    let said = built(&desk, CASH, &[], "bundle").expect("examples hold");
    assert!(said.contains("nobody yet") && said.contains("4 examples hold"), "{said}");
    let error = run(&["rules", "freshness", &bundle, "--key", &k1, "--out", &desk.path("f")]);
    assert!(error.expect_err("unsigned").contains("sign it first"));
    // In two steps, and in the other order.
    run(&["rules", "sign", &bundle, "--key", &k1, "--out", &desk.path("a")]).expect("signed");
    let said = run(&["rules", "sign", &desk.path("a"), "--key", &k2]).expect("signed");
    assert!(said.contains(&one) && said.contains(&two), "{said}");
    run(&["rules", "sign", &bundle, "--key", &k2]).expect("signed");
    run(&["rules", "sign", &bundle, "--key", &k1]).expect("signed");
    run(&["rules", "sign", &bundle, "--key", &k1]).expect("once more changes nothing");
    built(&desk, CASH, &[&k2, &k1], "at-once").expect("examples hold");
    let read = |name| std::fs::read(desk.path(name)).expect("a bundle");
    assert_eq!(read("a"), read("bundle"));
    assert_eq!(read("a"), read("at-once"));
}

#[test]
fn a_bundle_whose_module_is_not_its_source_is_not_signed() {
    let desk = Desk::new("forged");
    desk.key("k1");
    built(&desk, CASH, &[], "bundle").expect("examples hold");
    let bytes = std::fs::read(desk.path("bundle")).expect("a bundle");
    let mut bundle = SignedBundle::parse_unverified(&bytes).expect("a bundle");
    let rule = &bundle.rules[0];
    assert!(recompile(rule, &bundle).is_ok_and(|again| again.agrees(rule, &bundle)));
    bundle.rules[0].source = CASH.replace("10000.00 USD", "20000.00 USD");
    let forged = rules::sign_bundle(&bundle, &[]).expect("well-formed");
    std::fs::write(desk.path("forged"), forged).expect("written");
    let said = run(&["rules", "sign", &desk.path("forged"), "--key", &desk.path("k1")]);
    assert!(said.expect_err("forged").contains("do not sign it"));
}

#[test]
fn a_file_is_checked_alone() {
    let desk = Desk::new("alone");
    let pack = pack(&desk, CASH);
    desk.write("pack/rulebook.yaml", "name: acme\nrules: [rule.yaml, broken.yaml]\n");
    desk.write("pack/broken.yaml", "id: [");
    assert!(run(&["rules", "check", &pack]).is_err());
    let said = run(&["rules", "check", &format!("{pack}/rule.yaml")]).expect("it holds");
    assert!(said.contains("1 rule, 4 examples hold in both engines"), "{said}");
    let stranger = format!("{pack}/rulebook.yaml");
    assert!(run(&["rules", "check", &stranger]).expect_err("no rule").contains("does not name"));
}

#[test]
fn a_test_shows_every_example() {
    let desk = Desk::new("shown");
    let said = run(&["rules", "test", &pack(&desk, CASH)]).expect("all hold");
    assert_eq!(said.lines().filter(|line| line.contains("holds")).count(), 4, "{said}");
    assert!(said.contains("boundary of threshold: transaction.amount 10000.01"), "{said}");
    let wrong = CASH
        .replace("    outcome: report\n    reason: 15000", "    outcome: pass\n    reason: 15000");
    let said = run(&["rules", "test", &pack(&desk, &wrong)]).expect_err("one fails");
    assert!(said.starts_with("1 of 4 examples fail") && said.contains("FAILS"), "{said}");
}

#[test]
fn a_module_is_printed_as_text() {
    let desk = Desk::new("disasm");
    built(&desk, CASH, &[], "bundle").expect("examples hold");
    let of_pack = run(&["rules", "disasm", &desk.path("pack"), "us.acme.cash"]).expect("text");
    let of_bundle = run(&["rules", "disasm", &desk.path("bundle"), "us.acme.cash"]).expect("text");
    assert_eq!(of_pack, of_bundle);
    assert!(of_pack.contains("(module") && of_pack.contains("input_base"), "{of_pack}");
    let module = wat::parse_str(&of_pack).expect("the text is a module");
    let bytes = std::fs::read(desk.path("bundle")).expect("a bundle");
    let bundle = SignedBundle::parse_unverified(&bytes).expect("a bundle");
    assert_eq!(module, bundle.modules[0]);
    let said = run(&["rules", "disasm", &desk.path("pack"), "us.acme.cas"]).expect_err("no rule");
    assert!(said.contains("name one of us.acme.cash"), "{said}");
}

#[test]
fn the_schema_has_every_key_of_a_rule_file() {
    let schema: serde_json::Value =
        serde_json::from_str(&run(&["rules", "schema"]).expect("a schema")).expect("JSON");
    let properties = schema["properties"].as_object().expect("an object");
    let mut keys: Vec<&str> = properties.keys().map(String::as_str).collect();
    let mut known = RULE_KEYS.to_vec();
    keys.sort_unstable();
    known.sort_unstable();
    assert_eq!(keys, known);
}

#[test]
fn the_schema_takes_every_shipped_rule_file() {
    let schema = super::super::schema::schema();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rulepacks");
    let mut files = Vec::new();
    collect(&root, &mut files);
    let mut rules = 0;
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a file");
        let options = serde_saphyr::options! { strict_booleans: true };
        let value: serde_json::Value =
            serde_saphyr::from_str_with_options(&text, options).expect("YAML");
        if value.get("examples").is_some() {
            rules += 1;
            let found = violation(&schema, &value, "");
            assert_eq!(found, None, "{}", file.display());
        }
    }
    assert!(rules >= 4, "{rules}");
    let mut wrong: serde_json::Value = serde_saphyr::from_str(CASH).expect("YAML");
    assert_eq!(violation(&schema, &wrong, ""), None);
    wrong["otherwise"]["outcome"] = "pas".into();
    assert_eq!(violation(&schema, &wrong, ""), Some("/otherwise/outcome: enum".to_owned()));
    wrong["otherwise"] = serde_json::json!({ "resaon": "x" });
    assert!(violation(&schema, &wrong, "").is_some());
}

fn collect(directory: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|end| end == "yaml") {
            files.push(path);
        }
    }
}

/// The first place where a value is not what a schema of ours wants: the words that we use.
fn violation(schema: &serde_json::Value, value: &serde_json::Value, at: &str) -> Option<String> {
    use serde_json::Value;
    let fail = |word: &str| Some(format!("{at}: {word}"));
    let is_of = |name: &str| match value {
        Value::Null => name == "null",
        Value::Bool(_) => name == "boolean",
        Value::Number(number) => name == "number" || name == "integer" && number.is_u64(),
        Value::String(_) => name == "string",
        Value::Array(_) => name == "array",
        Value::Object(_) => name == "object",
    };
    let types = match &schema["type"] {
        Value::String(name) => vec![name.as_str()],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !types.is_empty() && !types.into_iter().any(is_of) {
        return fail("type");
    }
    if schema["enum"].as_array().is_some_and(|known| !known.contains(value)) {
        return fail("enum");
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let fit = choices.iter().filter(|choice| violation(choice, value, at).is_none());
        if fit.count() != 1 {
            return fail("oneOf");
        }
    }
    if let Value::Object(entries) = value {
        let mut required = schema["required"].as_array().into_iter().flatten();
        let lacks = |key: &&Value| key.as_str().is_some_and(|key| !entries.contains_key(key));
        if required.any(|key| lacks(&key)) {
            return fail("required");
        }
        for (key, entry) in entries {
            let at = format!("{at}/{key}");
            let found = match (&schema["properties"][key], &schema["additionalProperties"]) {
                (Value::Null, Value::Bool(false)) => Some(format!("{at}: unknown")),
                (Value::Null, more) => violation(more, entry, &at),
                (own, _) => violation(own, entry, &at),
            };
            if found.is_some() {
                return found;
            }
        }
    }
    if let Value::Array(entries) = value {
        let count = entries.len() as u64;
        let below = schema["minItems"].as_u64().is_some_and(|least| count < least);
        let above = schema["maxItems"].as_u64().is_some_and(|most| count > most);
        if below || above {
            return fail("items");
        }
        let of_entry =
            |(place, entry)| violation(&schema["items"], entry, &format!("{at}/{place}"));
        return entries.iter().enumerate().find_map(of_entry);
    }
    None
}
