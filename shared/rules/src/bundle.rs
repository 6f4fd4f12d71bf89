//! The bundle's payload: rules, modules, lists. Parsing checks everything that later code relies
//! on: order, uniqueness, indexes, windows that do not overlap.

use crate::codec::{keyed, millis, name, version};
use crate::{
    LISTS_MAX, ListSnapshot, MODULE_BYTES_MAX, MODULES_MAX, NAME_BYTES_MAX, RULES_MAX, Rule,
    RulesError, malformed,
};
use cbor::{CborError, Reader, Writer};
use crypto::{Digest, Domain, digest};
use facts::Millis;
use screen::Snapshot;
use std::sync::Arc;

const WHAT: &str = "rule bundle";
/// Version of the bundle's format.
const FORMAT: u64 = 2;

/// A bundle's content. Whether anyone vouches for it is another type's business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// Name of the rulebook.
    pub name: String,
    /// Version; only a higher one replaces a lower.
    pub version: u64,
    /// When the authority made it.
    pub issued_at: Millis,
    /// What made the modules.
    pub compiler: String,
    /// Wasm modules, sorted by hash.
    pub modules: Vec<Vec<u8>>,
    /// Rules, sorted by id and effective date.
    pub rules: Vec<Rule>,
    /// Plain lists, sorted by id.
    pub lists: Vec<ListSnapshot>,
    /// Lists of names, shared with the indexes over them; sorted by id; no id is also a plain
    /// list's. A list index of a rule counts the plain lists first, then these.
    pub names: Vec<Arc<Snapshot>>,
}

/// The hash that names a module.
pub fn module_hash(wasm: &[u8]) -> Digest {
    digest(Domain::Module, &[wasm])
}

impl Bundle {
    /// Canonical payload bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::with_capacity(4096);
        w.map(9).uint(1).uint(FORMAT).uint(2).text(&self.name).uint(3).uint(self.version);
        w.uint(4).uint(self.issued_at.0).uint(5).text(&self.compiler);
        w.uint(6).array(self.modules.len());
        for module in &self.modules {
            w.bytes(module);
        }
        w.uint(7).array(self.rules.len());
        for rule in &self.rules {
            w.raw(&rule.to_bytes());
        }
        w.uint(8).array(self.lists.len());
        for list in &self.lists {
            list.write(&mut w);
        }
        w.uint(9).array(self.names.len());
        for names in &self.names {
            w.bytes(&names.to_bytes());
        }
        w.finish()
    }

    /// Parses and checks a payload.
    pub fn parse_unverified(payload: &[u8]) -> Result<Self, RulesError> {
        let (mut bundle, names) = Self::read(payload).map_err(malformed(WHAT))?;
        for bytes in names {
            bundle.names.push(Arc::new(Snapshot::parse(bytes)?));
        }
        bundle.check()?;
        if bundle.to_bytes() != payload {
            return Err(RulesError::NotCanonical(WHAT));
        }
        Ok(bundle)
    }

    /// All but the lists of names, and the bytes of those.
    fn read(payload: &[u8]) -> Result<(Self, Vec<&[u8]>), CborError> {
        let r = &mut Reader::new(payload);
        r.map_of(WHAT, 9)?;
        version(r, FORMAT, "version 2")?;
        let bundle = Self {
            name: keyed(r, 2, name)?,
            version: keyed(r, 3, |r| r.uint())?,
            issued_at: keyed(r, 4, millis)?,
            compiler: keyed(r, 5, name)?,
            modules: keyed(r, 6, |r| {
                r.entries("modules", MODULES_MAX, |r| {
                    Ok(r.bytes_max("module", MODULE_BYTES_MAX)?.to_vec())
                })
            })?,
            rules: keyed(r, 7, |r| r.entries("rules", RULES_MAX, Rule::read))?,
            lists: keyed(r, 8, |r| r.entries("lists", LISTS_MAX, ListSnapshot::read))?,
            names: Vec::new(),
        };
        let names = keyed(r, 9, |r| r.entries("lists of names", LISTS_MAX, |r| r.bytes()))?;
        r.end()?;
        Ok((bundle, names))
    }

    /// Lists of both kinds.
    pub fn list_count(&self) -> usize {
        self.lists.len() + self.names.len()
    }

    /// Identifier of a list, by index over both kinds.
    pub fn list_id(&self, index: usize) -> Option<&str> {
        let names = || self.names.get(index.checked_sub(self.lists.len())?).map(|n| &*n.id);
        self.lists.get(index).map(|list| &*list.id).or_else(names)
    }

    /// Hash of the payload.
    pub fn hash(&self) -> Digest {
        digest(Domain::Bundle, &[&self.to_bytes()])
    }

    /// Everything that later code relies on.
    pub fn check(&self) -> Result<(), RulesError> {
        let hashes: Vec<_> = self.modules.iter().map(|m| module_hash(m)).collect();
        let names_sorted = self.names.is_sorted_by(|a, b| a.id < b.id);
        refuse_any([
            (!hashes.is_sorted_by(|a, b| a < b), "modules", "not sorted by hash and unique"),
            (!self.lists.is_sorted_by(|a, b| a.id < b.id), "lists", "not sorted by id and unique"),
            (!names_sorted, "lists of names", "not sorted by id and unique"),
            (self.list_count() > LISTS_MAX, "lists", "more than 64 in all"),
        ])?;
        for index in 0..self.list_count() {
            let id = self.list_id(index).unwrap_or_default();
            let wrong = id.is_empty() || id.len() > NAME_BYTES_MAX;
            refuse_any([(wrong, id, "a list's id has 1 to 128 bytes")])?;
        }
        for names in &self.names {
            names.check()?;
            let both = self.lists.iter().any(|list| list.id == names.id);
            refuse_any([(both, &names.id, "is a plain list and a list of names")])?;
        }
        for list in &self.lists {
            let unsorted = !list.entries.is_sorted_by(|a, b| a < b);
            refuse_any([(unsorted, &list.id, "entries are not sorted and unique")])?;
        }
        for rule in &self.rules {
            self.check_rule(rule)?;
        }
        for pair in self.rules.windows(2) {
            let (first, second) = (&pair[0], &pair[1]);
            if (&first.id, first.effective_from) >= (&second.id, second.effective_from) {
                return Err(content(&second.id, "rules are not sorted by id and effective date"));
            }
            let ends_before = first.effective_to.is_some_and(|end| end <= second.effective_from);
            if first.id == second.id && !ends_before {
                return Err(content(&second.id, "two versions are in force at once"));
            }
        }
        Ok(())
    }

    fn check_rule(&self, rule: &Rule) -> Result<(), RulesError> {
        let id = &*rule.id;
        let unnamed = id.is_empty() || rule.version.is_empty() || rule.entry.is_empty();
        let of_no_list = rule.lists.iter().any(|list| *list >= self.list_count());
        let over_at_once = rule.effective_to.is_some_and(|end| end <= rule.effective_from);
        let out_of_scope = facts::Jurisdiction::parse(&rule.jurisdiction).is_err()
            || facts::Domain::parse(&rule.domain).is_err();
        refuse_any([
            (unnamed, id, "id, version and entry must not be empty"),
            (rule.module >= self.modules.len(), id, "names a module that the bundle lacks"),
            (of_no_list, id, "names a list that the bundle lacks"),
            (rule.reasons.is_empty(), id, "has no reasons"),
            (over_at_once, id, "ends before it takes effect"),
            (out_of_scope, id, "has an unknown jurisdiction or domain"),
        ])
    }
}

/// The first problem that there is: (whether it is one, field, problem).
fn refuse_any<const N: usize>(problems: [(bool, &str, &str); N]) -> Result<(), RulesError> {
    let first = problems.into_iter().find(|(is_one, ..)| *is_one);
    first.map_or(Ok(()), |(_, field, problem)| Err(content(field, problem)))
}

fn content(field: &str, problem: &str) -> RulesError {
    RulesError::Content { field: field.into(), problem: problem.into() }
}
