//! The bundle's payload: rules, modules, lists. Parsing checks everything that later code relies
//! on: order, uniqueness, indexes, windows that do not overlap.

use crate::codec::{millis, name, prose};
use crate::{
    FUEL_MAX, LIST_ENTRIES_MAX, LISTS_MAX, MODULE_BYTES_MAX, MODULES_MAX, PROSE_BYTES_MAX,
    REASONS_MAX, RULES_MAX, RulesError, malformed,
};
use cbor::{CborError, Reader, Writer};
use crypto::{Digest, Domain, digest};
use facts::Millis;

const WHAT: &str = "rule bundle";

/// How grave a reason is, for the people who read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// For information.
    Info,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
    /// Critical.
    Critical,
}

impl Severity {
    const ALL: [(Severity, &'static str); 5] = [
        (Severity::Info, "info"),
        (Severity::Low, "low"),
        (Severity::Medium, "medium"),
        (Severity::High, "high"),
        (Severity::Critical, "critical"),
    ];

    /// The name in texts.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// The severity of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(severity, _)| *severity)
    }
}

/// One reason that a rule can give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// How grave.
    pub severity: Severity,
    /// Text with `{0}` … for the compared values.
    pub template: String,
}

/// One version of one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Identifier, such as `us.bsa.ctr`.
    pub id: String,
    /// Version, such as `1.0.0`.
    pub version: String,
    /// One line for people.
    pub title: String,
    /// Jurisdiction, such as `US`.
    pub jurisdiction: String,
    /// Domain, such as `AML`.
    pub domain: String,
    /// First instant in force.
    pub effective_from: Millis,
    /// First instant no longer in force.
    pub effective_to: Option<Millis>,
    /// The law it comes from.
    pub citation: String,
    /// Index into the bundle's modules.
    pub module: usize,
    /// Exported function that decides.
    pub entry: String,
    /// Fuel limit.
    pub fuel: u64,
    /// Lists that it may call, as indexes into the bundle's lists.
    pub lists: Vec<usize>,
    /// Reasons by code.
    pub reasons: Vec<Reason>,
}

impl Rule {
    /// Whether the rule is in force at `as_of`.
    pub fn in_force(&self, as_of: Millis) -> bool {
        self.effective_from <= as_of && self.effective_to.is_none_or(|end| as_of < end)
    }

    /// Canonical bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::with_capacity(512);
        w.map(13).uint(1).text(&self.id).uint(2).text(&self.version).uint(3).text(&self.title);
        w.uint(4).text(&self.jurisdiction).uint(5).text(&self.domain);
        w.uint(6).uint(self.effective_from.0).uint(7);
        match self.effective_to {
            Some(end) => w.uint(end.0),
            None => w.null(),
        };
        w.uint(8).text(&self.citation).uint(9).uint(self.module as u64).uint(10).text(&self.entry);
        w.uint(11).uint(self.fuel).uint(12).array(self.lists.len());
        for index in &self.lists {
            w.uint(*index as u64);
        }
        w.uint(13).array(self.reasons.len());
        for reason in &self.reasons {
            w.array(2).uint(reason.severity as u64).text(&reason.template);
        }
        w.finish()
    }

    /// Digest for `rule_hash`.
    pub fn digest(&self) -> Digest {
        digest(Domain::Rule, &[&self.to_bytes()])
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        r.map_of("rule", 13)?;
        Ok(Self {
            id: keyed(r, 1, name)?,
            version: keyed(r, 2, name)?,
            title: keyed(r, 3, prose)?,
            jurisdiction: keyed(r, 4, name)?,
            domain: keyed(r, 5, name)?,
            effective_from: keyed(r, 6, millis)?,
            effective_to: keyed(r, 7, |r| if r.null()? { Ok(None) } else { millis(r).map(Some) })?,
            citation: keyed(r, 8, prose)?,
            module: keyed(r, 9, |r| r.uint_max("module index", MODULES_MAX as u64 - 1))? as usize,
            entry: keyed(r, 10, name)?,
            fuel: keyed(r, 11, |r| r.uint_max("fuel limit", FUEL_MAX))?,
            lists: keyed(r, 12, |r| {
                r.entries("rule's lists", LISTS_MAX, |r| {
                    Ok(r.uint_max("list index", LISTS_MAX as u64 - 1)? as usize)
                })
            })?,
            reasons: keyed(r, 13, |r| r.entries("reasons", REASONS_MAX, read_reason))?,
        })
    }
}

fn keyed<'a, T>(
    r: &mut Reader<'a>,
    key: u64,
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, CborError>,
) -> Result<T, CborError> {
    r.key(key)?;
    read(r)
}

fn read_reason(r: &mut Reader<'_>) -> Result<Reason, CborError> {
    r.array_of("reason", 2)?;
    let code = r.uint_max("severity", 4)? as usize;
    Ok(Reason { severity: Severity::ALL[code].0, template: prose(r)? })
}

/// A frozen list: countries, names, numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListSnapshot {
    /// Identifier, such as `us.ofac.countries`.
    pub id: String,
    /// Where it was taken from.
    pub source: String,
    /// When it was taken.
    pub taken_at: Millis,
    /// Entries, sorted and unique.
    pub entries: Vec<String>,
}

impl ListSnapshot {
    /// RFC 9162 root over the entries' bytes.
    pub fn root(&self) -> Digest {
        let leaves: Vec<_> = self.entries.iter().map(|e| tlog::leaf_hash(e.as_bytes())).collect();
        Digest(tlog::merkle_root(&leaves))
    }

    /// Whether `entry` is on the list.
    pub fn contains(&self, entry: &str) -> bool {
        self.entries.binary_search_by(|known| known.as_str().cmp(entry)).is_ok()
    }

    fn write(&self, w: &mut Writer) {
        w.map(4).uint(1).text(&self.id).uint(2).text(&self.source).uint(3).uint(self.taken_at.0);
        w.uint(4).array(self.entries.len());
        for entry in &self.entries {
            w.text(entry);
        }
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        r.map_of("list", 4)?;
        Ok(Self {
            id: keyed(r, 1, name)?,
            source: keyed(r, 2, prose)?,
            taken_at: keyed(r, 3, millis)?,
            entries: keyed(r, 4, |r| {
                r.entries("list entries", LIST_ENTRIES_MAX, |r| {
                    Ok(r.text_max("list entry", PROSE_BYTES_MAX)?.to_owned())
                })
            })?,
        })
    }
}

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
    /// Lists, sorted by id.
    pub lists: Vec<ListSnapshot>,
}

/// The hash that names a module.
pub fn module_hash(wasm: &[u8]) -> Digest {
    digest(Domain::Module, &[wasm])
}

impl Bundle {
    /// Canonical payload bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::with_capacity(4096);
        w.map(8).uint(1).uint(1).uint(2).text(&self.name).uint(3).uint(self.version);
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
        w.finish()
    }

    /// Parses and checks a payload.
    pub fn parse_unverified(payload: &[u8]) -> Result<Self, RulesError> {
        let bundle = Self::read(payload).map_err(malformed(WHAT))?;
        bundle.check()?;
        if bundle.to_bytes() != payload {
            return Err(RulesError::NotCanonical(WHAT));
        }
        Ok(bundle)
    }

    fn read(payload: &[u8]) -> Result<Self, CborError> {
        let r = &mut Reader::new(payload);
        r.map_of(WHAT, 8)?;
        r.key(1)?;
        let at = r.position();
        let found = r.uint()?;
        if found != 1 {
            return Err(CborError::Range {
                at,
                what: "bundle format",
                expected: "version 1",
                found,
            });
        }
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
        };
        r.end()?;
        Ok(bundle)
    }

    /// Hash of the payload.
    pub fn hash(&self) -> Digest {
        digest(Domain::Bundle, &[&self.to_bytes()])
    }

    /// Everything that later code relies on.
    pub fn check(&self) -> Result<(), RulesError> {
        let hashes: Vec<_> = self.modules.iter().map(|m| module_hash(m)).collect();
        if !hashes.is_sorted_by(|a, b| a < b) {
            return Err(content("modules", "not sorted by hash and unique"));
        }
        if !self.lists.is_sorted_by(|a, b| a.id < b.id) {
            return Err(content("lists", "not sorted by id and unique"));
        }
        for list in &self.lists {
            if !list.entries.is_sorted_by(|a, b| a < b) {
                return Err(content(&list.id, "entries are not sorted and unique"));
            }
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
        let id = &rule.id;
        if id.is_empty() || rule.version.is_empty() || rule.entry.is_empty() {
            return Err(content(id, "id, version and entry must not be empty"));
        }
        if rule.module >= self.modules.len() {
            return Err(content(id, "names a module that the bundle lacks"));
        }
        if rule.lists.iter().any(|list| *list >= self.lists.len()) {
            return Err(content(id, "names a list that the bundle lacks"));
        }
        if rule.reasons.is_empty() {
            return Err(content(id, "has no reasons"));
        }
        if rule.effective_to.is_some_and(|end| end <= rule.effective_from) {
            return Err(content(id, "ends before it takes effect"));
        }
        if facts::Jurisdiction::parse(&rule.jurisdiction).is_err()
            || facts::Domain::parse(&rule.domain).is_err()
        {
            return Err(content(id, "has an unknown jurisdiction or domain"));
        }
        Ok(())
    }
}

fn content(field: &str, problem: &str) -> RulesError {
    RulesError::Content { field: field.into(), problem: problem.into() }
}
