//! `rules show`: what a bundle says, for people and as JSON, and who signed it.

use std::fmt::Write as _;
use std::path::Path;

use rules::{Bundle, Rule, VerifiedBundle, module_hash};
use serde_json::{Value, json};

/// What a bundle says.
pub(crate) fn bundle(path: &Path, as_json: bool) -> anyhow::Result<String> {
    let verified = super::bundle::open(path)?;
    match as_json {
        true => Ok(format!("{:#}\n", to_json(&verified))),
        false => Ok(head(&verified) + &table(verified.bundle())),
    }
}

/// Name, version, hash, signers.
pub(crate) fn head(verified: &VerifiedBundle) -> String {
    let bundle = verified.bundle();
    let mut text = String::new();
    // Writing to a String does not fail.
    let _ = writeln!(text, "{:<12}{} version {}", "rulebook", bundle.name, bundle.version);
    let _ = writeln!(text, "{:<12}{}", "hash", verified.hash());
    let _ = writeln!(text, "{:<12}{}", "issued", bundle.issued_at);
    let _ = writeln!(text, "{:<12}{}", "compiler", bundle.compiler);
    for signer in verified.signers() {
        let _ = writeln!(text, "{:<12}{}", "signed by", signer.did_key());
    }
    if verified.signers().is_empty() {
        let _ = writeln!(text, "{:<12}nobody yet: `probity rules sign`", "signed by");
    }
    text
}

fn table(bundle: &Bundle) -> String {
    let mut text = String::new();
    for list in &bundle.lists {
        let count = list.entries.len();
        let _ = writeln!(text, "\n{} ({count} entries, {})", list.id, list.taken_at);
        let _ = writeln!(text, "  source    {}", list.source);
        let _ = writeln!(text, "  root      {}", list.root());
    }
    for names in &bundle.names {
        let (count, taken_at) = (names.entries.len(), facts::Millis(names.taken_at));
        let _ = writeln!(text, "\n{} ({count} listed parties, {taken_at})", names.id);
        let _ = writeln!(text, "  source    {}", names.source);
        let _ = writeln!(text, "  root      {}", names.root());
    }
    for rule in &bundle.rules {
        let _ = writeln!(text, "\n{} {}  {}", rule.id, rule.version, rule.title);
        let _ = writeln!(text, "  scope     {} × {}", rule.jurisdiction, rule.domain);
        let _ = writeln!(text, "  in force  {}", in_force(rule));
        let _ = writeln!(text, "  citation  {}", rule.citation);
        let module = &bundle.modules[rule.module];
        let (hash, bytes) = (module_hash(module), module.len());
        let _ = writeln!(text, "  module    {hash} ({bytes} bytes), fuel {}", rule.fuel);
        for (code, reason) in rule.reasons.iter().enumerate() {
            let severity = reason.severity.name();
            let _ = writeln!(text, "  reason {code}  {severity:<9} {}", reason.template);
        }
    }
    text
}

fn in_force(rule: &Rule) -> String {
    match rule.effective_to {
        Some(end) => format!("{} until {end}, exclusive", rule.effective_from),
        None => format!("{} on", rule.effective_from),
    }
}

fn to_json(verified: &VerifiedBundle) -> Value {
    let bundle = verified.bundle();
    let signers: Vec<_> = verified.signers().iter().map(|key| key.did_key()).collect();
    let lists = bundle.lists.iter().map(|list| {
        json!({
            "id": list.id,
            "source": list.source,
            "taken_at": list.taken_at.to_string(),
            "root": list.root().to_string(),
            "entries": list.entries,
        })
    });
    let names = bundle.names.iter().map(|names| {
        json!({
            "id": names.id,
            "source": names.source,
            "taken_at": facts::Millis(names.taken_at).to_string(),
            "root": names.root().to_string(),
            "entries": names.entries.len(),
        })
    });
    json!({
        "name": bundle.name,
        "version": bundle.version,
        "hash": verified.hash().to_string(),
        "issued_at": bundle.issued_at.to_string(),
        "compiler": bundle.compiler,
        "signers": signers,
        "rules": bundle.rules.iter().map(|rule| rule_json(bundle, rule)).collect::<Vec<_>>(),
        "lists": lists.collect::<Vec<_>>(),
        "names": names.collect::<Vec<_>>(),
    })
}

fn rule_json(bundle: &Bundle, rule: &Rule) -> Value {
    let reasons = rule
        .reasons
        .iter()
        .map(|reason| json!({ "severity": reason.severity.name(), "template": reason.template }));
    let module = &bundle.modules[rule.module];
    let lists: Vec<_> = rule.lists.iter().filter_map(|index| bundle.list_id(*index)).collect();
    json!({
        "id": rule.id,
        "version": rule.version,
        "title": rule.title,
        "jurisdiction": rule.jurisdiction,
        "domain": rule.domain,
        "effective_from": rule.effective_from.to_string(),
        "effective_to": rule.effective_to.map(|end| end.to_string()),
        "citation": rule.citation,
        "digest": rule.digest().to_string(),
        "module_hash": module_hash(module).to_string(),
        "module_bytes": module.len(),
        "entry": rule.entry,
        "fuel": rule.fuel,
        "lists": lists,
        "reasons": reasons.collect::<Vec<_>>(),
        "source": rule.source,
    })
}
