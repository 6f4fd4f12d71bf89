//! `rules explain`: how a rule comes to its answer for one request, part by part.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;
use compiler::interpret::explain;
use compiler::pack::{Body, CompiledRule};

use super::engines::{Engines, read};
use super::side::Side;

/// The conditions that were tried, with the values of their parts, and the answer.
pub(crate) fn answer(source: &Path, wanted: &str, input: &Path) -> anyhow::Result<String> {
    let side = Side::open(source)?;
    let index = side.find(wanted)?;
    let body = super::read(input)?;
    let engines = Engines::of_unsigned(&side.bundle)?;
    let rule = &side.bundle.rules[index];
    let compiled = side.rules[index].as_ref();
    let typed = compiled.and_then(|compiled| compiled.program.as_ref());
    let body = with_scope(&body, rule).unwrap_or(body);
    let ran = engines.run(index, typed, &body).with_context(|| input.display().to_string())?;
    let mut text = format!("{} {}  {}\n", rule.id, rule.version, rule.title);
    if let (Some(compiled), Some(typed)) = (compiled, typed) {
        let (_, record, _) = read(&body, rule.effective_from)?;
        let steps = explain(typed, record.as_bytes(), &engines.lists(rule));
        for step in steps {
            case(&mut text, compiled, &step);
        }
    } else {
        text.push_str("\nthe module was made elsewhere: only its answer is known\n");
    }
    // Writing to a String does not fail.
    let _ = writeln!(text, "\n{:<10}{}", "outcome", ran.outcome);
    let _ = writeln!(text, "{:<10}{}", "reason", ran.reason);
    let _ = writeln!(text, "{:<10}{}", "citation", rule.citation);
    let _ = writeln!(text, "{:<10}{}", "fuel", super::check::grouped(ran.fuel));
    Ok(text)
}

fn case(text: &mut String, rule: &CompiledRule, step: &compiler::interpret::Step) {
    let Body::Cases(draft) = &rule.read.body else { return };
    let written = draft.cases.get(step.case).map(|case| &*case.when.text).unwrap_or_default();
    let written = written.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = rule.locate(step.span).line;
    let number = step.case + 1;
    let _ = writeln!(text, "\ncase {number}, line {line}: {}", step.value);
    let _ = writeln!(text, "  {written}");
    let mut shown: Vec<(String, &str)> = Vec::new();
    for part in &step.parts {
        let Some(source) = rule.text_at(part.span) else { continue };
        let source = source.split_whitespace().collect::<Vec<_>>().join(" ");
        // The whole condition stands above.
        if source == written {
            continue;
        }
        // Of what stands at one place the last is what the author meant.
        match shown.iter_mut().find(|(known, _)| *known == source) {
            Some(known) => known.1 = &part.value,
            None => shown.push((source, &part.value)),
        }
    }
    let width = shown.iter().map(|(_, value)| value.chars().count()).max().unwrap_or(0);
    for (source, value) in shown {
        let _ = writeln!(text, "    {value:<width$}  {}", cut(&source));
    }
}

/// A long expression to its first characters.
fn cut(source: &str) -> String {
    match source.chars().count() > SOURCE_CHARS_MAX {
        true => source.chars().take(SOURCE_CHARS_MAX - 1).chain(['…']).collect(),
        false => source.to_owned(),
    }
}

/// The request with the rule's own scope when it names none, as examples have it.
fn with_scope(body: &[u8], rule: &rules::Rule) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(body).ok()?.trim_end();
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).ok()?;
    let mut scope = String::new();
    for (key, value) in [("jurisdictions", &rule.jurisdiction), ("domains", &rule.domain)] {
        if !object.contains_key(key) {
            let _ = write!(scope, ",\"{key}\":[\"{value}\"]");
        }
    }
    // The caller's own text stays as it is: a number read and written again could change.
    let inside = text.strip_suffix('}').filter(|_| !object.is_empty())?;
    Some(format!("{inside}{scope}}}").into_bytes())
}

/// Longest expression that is shown whole, in characters.
const SOURCE_CHARS_MAX: usize = 120;
