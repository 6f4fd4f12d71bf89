//! One version of one rule as a bundle holds it: what it is, which law it comes from, which module
//! decides and what it may say. It must never be used before the bundle's signatures are checked.

use crate::codec::{keyed, millis, name, prose};
use crate::{FUEL_MAX, LISTS_MAX, MODULES_MAX, REASONS_MAX, SOURCE_BYTES_MAX};
use cbor::{CborError, Reader, Writer};
use crypto::{Digest, Domain, digest};
use facts::Millis;

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
    /// What the module was compiled from, as the author wrote it; empty for a module that came as
    /// it is. The enclave does not read it; a verifier compiles it again.
    pub source: String,
}

impl Rule {
    /// Whether the rule is in force at `as_of`.
    pub fn in_force(&self, as_of: Millis) -> bool {
        self.effective_from <= as_of && self.effective_to.is_none_or(|end| as_of < end)
    }

    /// Canonical bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::with_capacity(512 + self.source.len());
        w.map(14).uint(1).text(&self.id).uint(2).text(&self.version).uint(3).text(&self.title);
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
        w.uint(14).text(&self.source);
        w.finish()
    }

    /// Digest for `rule_hash`.
    pub fn digest(&self) -> Digest {
        digest(Domain::Rule, &[&self.to_bytes()])
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        r.map_of("rule", 14)?;
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
            source: keyed(r, 14, |r| Ok(r.text_max("source", SOURCE_BYTES_MAX)?.to_owned()))?,
        })
    }
}

fn read_reason(r: &mut Reader<'_>) -> Result<Reason, CborError> {
    r.array_of("reason", 2)?;
    let code = r.uint_max("severity", 4)? as usize;
    Ok(Reason { severity: Severity::ALL[code].0, template: prose(r)? })
}
