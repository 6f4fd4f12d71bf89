//! `rules diff`: what a signer wants to know before a new version replaces an old one.

use std::fmt::Write as _;
use std::path::Path;

use compiler::pack::CompiledRule;
use rules::{ListSnapshot, Rule};

use super::side::Side;
use super::table::Table;

/// What changed between two bundles or packs.
pub(crate) fn answer(old: &Path, new: &Path) -> anyhow::Result<String> {
    let (old, new) = (Side::open(old)?, Side::open(new)?);
    let mut text = String::new();
    for (title, table) in [("rules", rules(&old, &new)), ("lists", lists(&old, &new))] {
        if !table.is_empty() {
            // Writing to a String does not fail.
            let _ = write!(text, "{title}\n{table}");
        }
    }
    if text.is_empty() {
        text.push_str("no difference\n");
    }
    Ok(text)
}

/// Versions of both sides that belong together: those that begin at one instant, then those of one
/// version number, then what is left of one id on either side.
fn pairs(old: &Side, new: &Side) -> Vec<(Option<usize>, Option<usize>)> {
    let (before, after) = (&old.bundle.rules, &new.bundle.rules);
    let mut pairs = Vec::new();
    let mut left: Vec<usize> = (0..before.len()).collect();
    let mut come: Vec<usize> = (0..after.len()).collect();
    let same: [fn(&Rule, &Rule) -> bool; 3] =
        [|a, b| a.effective_from == b.effective_from, |a, b| a.version == b.version, |_, _| true];
    for same in same {
        left.retain(|a| {
            let (a, rule) = (*a, &before[*a]);
            let fits = |b: &usize| after[*b].id == rule.id && same(rule, &after[*b]);
            let Some(place) = come.iter().position(fits) else { return true };
            pairs.push((Some(a), Some(come.remove(place))));
            false
        });
    }
    pairs.extend(left.into_iter().map(|a| (Some(a), None)));
    pairs.extend(come.into_iter().map(|b| (None, Some(b))));
    let key = |(a, b): &(Option<usize>, Option<usize>)| {
        let rule = b.map(|b| &after[b]).or_else(|| a.map(|a| &before[a]));
        rule.map(|rule| (rule.id.clone(), rule.effective_from))
    };
    pairs.sort_by_key(key);
    pairs
}

fn rules(old: &Side, new: &Side) -> Table {
    let mut table = Table::indented(2);
    for pair in pairs(old, new) {
        match pair {
            (None, Some(index)) => line(&mut table, "added", &new.bundle.rules[index]),
            (Some(index), None) => line(&mut table, "removed", &old.bundle.rules[index]),
            (Some(before), Some(after)) => changed(&mut table, (old, before), (new, after)),
            (None, None) => {}
        }
    }
    table
}

fn line(table: &mut Table, what: &str, rule: &Rule) {
    table.row([what.into(), rule.id.clone(), rule.version.clone(), in_force(rule)]);
}

fn in_force(rule: &Rule) -> String {
    match rule.effective_to {
        Some(end) => format!("in force from {} until {end}", rule.effective_from),
        None => format!("in force from {}", rule.effective_from),
    }
}

fn changed(table: &mut Table, (old, before): (&Side, usize), (new, after): (&Side, usize)) {
    let (a, b) = (&old.bundle.rules[before], &new.bundle.rules[after]);
    let mut details = Vec::new();
    let mut detail = |what: &str, before: &str, after: &str| {
        if before != after {
            details.push(format!("{what}: {before} -> {after}"));
        }
    };
    let end = |rule: &Rule| rule.effective_to.map_or("open".to_owned(), |end| end.to_string());
    detail("in force from", &a.effective_from.to_string(), &b.effective_from.to_string());
    detail("in force until", &end(a), &end(b));
    detail("title", &a.title, &b.title);
    detail("citation", &a.citation, &b.citation);
    let (before_params, after_params) = (params(&old.rules[before]), params(&new.rules[after]));
    let names = before_params.iter().chain(&after_params).map(|(name, _)| name);
    let mut names: Vec<&String> = names.collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let value = |params: &[(String, String)]| {
            let found = params.iter().find(|(known, _)| known == name);
            found.map_or("none".to_owned(), |(_, value)| value.clone())
        };
        detail(&format!("params.{name}"), &value(&before_params), &value(&after_params));
    }
    let (a_module, b_module) = (&old.bundle.modules[a.module], &new.bundle.modules[b.module]);
    if a_module != b_module {
        let (a, b) = (a_module.len(), b_module.len());
        details
            .push(format!("module: {a} -> {b} bytes{}", if a == b { ", other ones" } else { "" }));
    } else if details.is_empty() && a.source != b.source {
        details.push("source text only: the module is the same".to_owned());
    }
    if a.version == b.version {
        if details.is_empty() {
            return;
        }
        details.push(format!("WARNING: still version {}: give it a new one", a.version));
    }
    details.extend(super::lines::changed(&a.source, &b.source));
    let versions = match a.version == b.version {
        true => a.version.clone(),
        false => format!("{} -> {}", a.version, b.version),
    };
    let mut details = details.into_iter();
    table.row(["changed".into(), a.id.clone(), versions, details.next().unwrap_or_default()]);
    details.for_each(|detail| table.row([String::new(), String::new(), String::new(), detail]));
}

fn params(rule: &Option<CompiledRule>) -> Vec<(String, String)> {
    let params = rule.as_ref().map(|rule| rule.read.params()).unwrap_or_default();
    let value = |param: &compiler::draft::Param| {
        let values: Vec<&str> = param.value.iter().map(|value| value.text.as_str()).collect();
        (param.name.text.clone(), values.join(", "))
    };
    params.iter().map(value).collect()
}

/// Entries of a list of either kind, as comparable texts.
fn entries(side: &Side) -> Vec<(String, Vec<String>)> {
    let plain =
        side.bundle.lists.iter().map(|list: &ListSnapshot| (list.id.clone(), list.entries.clone()));
    let names = side.bundle.names.iter().map(|names| {
        let entries = names.entries.iter().map(|entry| {
            // Whatever changes in an entry changes its bytes.
            format!("{} {}", entry.id, crypto::to_hex(&entry.to_bytes()))
        });
        (names.id.clone(), entries.collect())
    });
    let mut all: Vec<_> = plain.chain(names).collect();
    all.sort();
    all
}

fn lists(old: &Side, new: &Side) -> Table {
    let mut table = Table::indented(2);
    let (old, new) = (entries(old), entries(new));
    let mut ids: Vec<&String> = old.iter().chain(&new).map(|(id, _)| id).collect();
    ids.sort_unstable();
    ids.dedup();
    for id in ids {
        let find = |side: &'_ [(String, Vec<String>)]| {
            side.iter().find(|(known, _)| known == id).map(|(_, entries)| entries.clone())
        };
        let (before, after) = (find(&old), find(&new));
        let what = match (&before, &after) {
            (None, _) => "added",
            (_, None) => "removed",
            (Some(a), Some(b)) if a == b => continue,
            _ => "changed",
        };
        let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
        let set = |entries: &[String]| -> std::collections::BTreeSet<String> {
            entries.iter().cloned().collect()
        };
        let (a, b) = (set(&before), set(&after));
        let (gone, come) = (a.difference(&b).count(), b.difference(&a).count());
        let counts = format!("{} added, {gone} removed", counted_entries(come));
        table.row([what.to_owned(), id.clone(), counts]);
    }
    table
}

fn counted_entries(count: usize) -> String {
    if count == 1 { "1 entry".to_owned() } else { format!("{count} entries") }
}
