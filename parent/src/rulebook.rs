//! The rule bundle as the host reads it: titles, citations, reason texts. Presentation only: what
//! was decided, and under which rules, is in the statement. It must never be used to decide.

use crate::error::Error;
use crypto::Digest;
use rules::{Bundle, Rule, RuleResult, SignedBundle};
use serde::Serialize;
use std::collections::HashMap;

/// The bundle, indexed.
#[derive(Debug)]
pub struct Rulebook {
    bundle: Bundle,
    hash: Digest,
    /// Places of each rule id's versions.
    by_id: HashMap<String, Vec<usize>>,
}

#[derive(Serialize)]
struct RuleView<'a> {
    id: &'a str,
    version: &'a str,
    title: &'a str,
    jurisdiction: &'a str,
    domain: &'a str,
    effective_from: String,
    effective_to: Option<String>,
    citation: &'a str,
    lists: Vec<&'a str>,
}

impl Rulebook {
    /// Reads a signed bundle. The enclave checks who signed it.
    pub fn parse(signed: &[u8]) -> Result<Self, Error> {
        let bundle = SignedBundle::parse_unverified(signed)
            .map_err(|source| Error::Rules { what: "rule bundle", source })?;
        let mut by_id: HashMap<String, Vec<usize>> = HashMap::new();
        for (place, rule) in bundle.rules.iter().enumerate() {
            by_id.entry(rule.id.clone()).or_default().push(place);
        }
        Ok(Self { hash: bundle.hash(), bundle, by_id })
    }

    /// Name.
    pub fn name(&self) -> &str {
        &self.bundle.name
    }

    /// Version.
    pub fn version(&self) -> u64 {
        self.bundle.version
    }

    /// Hash.
    pub fn hash(&self) -> Digest {
        self.hash
    }

    /// The rule that a result names, if this bundle has it.
    pub fn rule(&self, result: &RuleResult) -> Option<&Rule> {
        let places = self.by_id.get(&result.id)?;
        let mut rules = places.iter().map(|place| &self.bundle.rules[*place]);
        rules.find(|rule| rule.version == result.version)
    }

    /// Rules and lists for people.
    pub fn view(&self) -> serde_json::Value {
        let rules: Vec<_> = self.bundle.rules.iter().map(|rule| self.rule_view(rule)).collect();
        let list = |list: &rules::ListSnapshot| {
            serde_json::json!({
                "id": list.id, "source": list.source, "taken_at": list.taken_at.to_string(),
                "entries": list.entries.len(),
            })
        };
        let lists: Vec<_> = self.bundle.lists.iter().map(list).collect();
        serde_json::json!({
            "name": self.bundle.name,
            "version": self.bundle.version,
            "hash": self.hash.to_string(),
            "issued_at": self.bundle.issued_at.to_string(),
            "compiler": self.bundle.compiler,
            "rules": rules,
            "lists": lists,
        })
    }

    fn rule_view<'a>(&'a self, rule: &'a Rule) -> RuleView<'a> {
        RuleView {
            id: &rule.id,
            version: &rule.version,
            title: &rule.title,
            jurisdiction: &rule.jurisdiction,
            domain: &rule.domain,
            effective_from: rule.effective_from.to_string(),
            effective_to: rule.effective_to.map(|end| end.to_string()),
            citation: &rule.citation,
            lists: rule.lists.iter().map(|list| self.bundle.lists[*list].id.as_str()).collect(),
        }
    }
}
