//! The statement of FORMAT.md §3: what one evaluation says. Encoding is deterministic; parsing
//! re-encodes and compares.

use crate::{
    ENTRY_BYTES_MAX, HITS_MAX, NONCE_BYTES_MAX, ProofError, SCOPE_MAX, STATEMENT_BYTES_MAX,
    TIME_SOURCE_NSM,
};
use cbor::{CborError, Reader, Writer};
use crypto::Digest;
use facts::Millis;
use rules::{NAME_BYTES_MAX, Outcome, RULES_SELECTED_MAX};

/// Number of keys in the map.
const KEYS: u64 = 23;
/// Version of the statement.
const VERSION: u64 = 2;
/// Most lists that a statement names.
const LISTS_MAX: usize = rules::LISTS_MAX;

/// The rulebook in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rulebook {
    /// Name.
    pub name: String,
    /// Version.
    pub version: u64,
    /// Bundle hash.
    pub hash: Digest,
}

/// What ran the rules and what made them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineId {
    /// Engine and exact version.
    pub engine: String,
    /// Rule ABI version.
    pub abi: u64,
    /// Compiler of the modules.
    pub compiler: String,
    /// Version of the mapping from the caller's bytes to facts.
    pub facts: u64,
}

/// One rule that ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleEntry {
    /// Rule id.
    pub id: String,
    /// Rule version.
    pub version: String,
    /// Jurisdiction.
    pub jurisdiction: String,
    /// Domain.
    pub domain: String,
    /// Hash of its module.
    pub module: Digest,
    /// Its answer.
    pub outcome: Outcome,
    /// Its reason code.
    pub reason: u16,
    /// Entries of lists of names that it found, sorted.
    pub hits: Vec<Hit>,
}

/// An entry that a screening found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// List id.
    pub list: String,
    /// The list's own id of the entry.
    pub entry: String,
    /// Score, 1 to 10,000.
    pub score: u16,
}

/// What one evaluation says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// 16 random bytes.
    pub proof_id: [u8; 16],
    /// 16 random bytes of the boot.
    pub boot_id: [u8; 16],
    /// did:key of the signer.
    pub agent: String,
    /// When it was evaluated, by the hardware's clock.
    pub evaluated_at: Millis,
    /// The time that chose the versions of rules.
    pub as_of: Millis,
    /// Jurisdictions asked for, sorted.
    pub jurisdictions: Vec<String>,
    /// Domains asked for, sorted.
    pub domains: Vec<String>,
    /// The rulebook in force.
    pub rulebook: Rulebook,
    /// Engine and compiler.
    pub engine: EngineId,
    /// The rules that ran, sorted by id.
    pub rules: Vec<RuleEntry>,
    /// Lists that they may have asked.
    pub lists: Vec<(String, Digest)>,
    /// The caller's bytes, salted.
    pub input_hash: Digest,
    /// The typed record, salted.
    pub facts_hash: Digest,
    /// The rules.
    pub rule_hash: Digest,
    /// What else decides.
    pub state_hash: Digest,
    /// Root over the results.
    pub output_hash: Digest,
    /// The trace, salted.
    pub trace_hash: Digest,
    /// Whether nobody confirmed the rules within the warning age.
    pub offline: bool,
    /// Age of the authority's freshness statement.
    pub rules_age_ms: u64,
    /// Version of the newest rulebook that the enclave held: higher than the rulebook's own when
    /// the caller asked for an older one.
    pub newest_version: u64,
    /// The caller's nonce.
    pub nonce: Option<Vec<u8>>,
    /// Pairs of jurisdiction and domain that were asked for and had no rule in force.
    pub not_covered: Vec<(String, String)>,
}

impl Statement {
    /// The gravest outcome; derived, so that it cannot contradict the rules. A pair that no rule
    /// covered is missing data: nothing passes because nothing ran.
    pub fn decision(&self) -> Outcome {
        let uncovered = (!self.not_covered.is_empty()).then_some(Outcome::MissingData);
        Outcome::gravest(self.rules.iter().map(|rule| rule.outcome).chain(uncovered))
    }

    /// Canonical bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::with_capacity(640 + 160 * self.rules.len());
        w.map(KEYS as usize).uint(1).uint(VERSION);
        w.uint(2).bytes(&self.proof_id).uint(3).bytes(&self.boot_id).uint(4).text(&self.agent);
        w.uint(5)
            .uint(self.evaluated_at.0)
            .uint(6)
            .uint(TIME_SOURCE_NSM)
            .uint(7)
            .uint(self.as_of.0);
        for (key, texts) in [(8, &self.jurisdictions), (9, &self.domains)] {
            w.uint(key).array(texts.len());
            for text in texts {
                w.text(text);
            }
        }
        let book = &self.rulebook;
        w.uint(10).array(3).text(&book.name).uint(book.version).bytes(book.hash.as_bytes());
        let engine = &self.engine;
        w.uint(11).array(4).text(&engine.engine).uint(engine.abi).text(&engine.compiler);
        w.uint(engine.facts);
        w.uint(12).array(self.rules.len());
        for rule in &self.rules {
            w.array(8).text(&rule.id).text(&rule.version).text(&rule.jurisdiction);
            w.text(&rule.domain).bytes(rule.module.as_bytes()).uint(rule.outcome.code().into());
            w.uint(rule.reason.into()).array(rule.hits.len());
            for hit in &rule.hits {
                w.array(3).text(&hit.list).text(&hit.entry).uint(hit.score.into());
            }
        }
        w.uint(13).array(self.lists.len());
        for (id, root) in &self.lists {
            w.array(2).text(id).bytes(root.as_bytes());
        }
        for (key, hash) in (14..).zip(self.hashes()) {
            w.uint(key).bytes(hash.as_bytes());
        }
        let decision = self.decision();
        w.uint(20).array(2).bool(decision.is_compliant()).uint(decision.code().into());
        w.uint(21).array(3).bool(self.offline).uint(self.rules_age_ms).uint(self.newest_version);
        w.uint(22);
        match &self.nonce {
            Some(nonce) => w.bytes(nonce),
            None => w.null(),
        };
        w.uint(23).array(self.not_covered.len());
        for (jurisdiction, domain) in &self.not_covered {
            w.array(2).text(jurisdiction).text(domain);
        }
        w.finish()
    }

    /// input, facts, rule, state, output, trace: keys 14 to 19.
    pub fn hashes(&self) -> [Digest; 6] {
        [
            self.input_hash,
            self.facts_hash,
            self.rule_hash,
            self.state_hash,
            self.output_hash,
            self.trace_hash,
        ]
    }

    /// Parses and checks that the bytes are the one encoding of a sound statement (check P3).
    pub fn parse(bytes: &[u8]) -> Result<Self, ProofError> {
        if bytes.len() > STATEMENT_BYTES_MAX {
            return Err(ProofError::NotCanonical("longer than 65,536 bytes"));
        }
        let mut r = Reader::new(bytes);
        let (statement, stated) = Self::read(&mut r).map_err(ProofError::Statement)?;
        statement.check()?;
        let follows = statement.decision();
        if stated != (follows.is_compliant(), follows.code().into()) {
            return Err(ProofError::Decision { follows: follows.name(), stated: stated.1 });
        }
        if statement.to_bytes() != bytes {
            return Err(ProofError::NotCanonical("not the canonical encoding of its content"));
        }
        Ok(statement)
    }

    /// The statement, and the decision as it stands in the bytes.
    fn read(r: &mut Reader<'_>) -> Result<(Self, (bool, u64)), CborError> {
        r.map_of("statement", KEYS)?;
        exactly(r, 1, "version", VERSION)?;
        r.key(2)?;
        let proof_id = r.array_bytes("proof id")?;
        r.key(3)?;
        let boot_id = r.array_bytes("boot id")?;
        r.key(4)?;
        let agent = name(r)?;
        r.key(5)?;
        let evaluated_at = millis(r)?;
        exactly(r, 6, "time source", TIME_SOURCE_NSM)?;
        r.key(7)?;
        let as_of = millis(r)?;
        r.key(8)?;
        let jurisdictions = r.entries("jurisdictions", SCOPE_MAX, name)?;
        r.key(9)?;
        let domains = r.entries("domains", SCOPE_MAX, name)?;
        r.key(10)?;
        r.array_of("rulebook", 3)?;
        let rulebook = Rulebook { name: name(r)?, version: r.uint()?, hash: hash(r)? };
        r.key(11)?;
        r.array_of("engine", 4)?;
        let (engine, abi, compiler) = (name(r)?, r.uint()?, name(r)?);
        let engine = EngineId { engine, abi, compiler, facts: r.uint()? };
        r.key(12)?;
        let rules = r.entries("rules", RULES_SELECTED_MAX, RuleEntry::read)?;
        r.key(13)?;
        let lists = r.entries("lists", LISTS_MAX, |r| {
            r.array_of("list", 2)?;
            Ok((name(r)?, hash(r)?))
        })?;
        let mut hashes = [Digest([0; 32]); 6];
        for (key, slot) in (14..).zip(&mut hashes) {
            r.key(key)?;
            *slot = hash(r)?;
        }
        let [input_hash, facts_hash, rule_hash, state_hash, output_hash, trace_hash] = hashes;
        r.key(20)?;
        r.array_of("decision", 2)?;
        let stated = (r.bool()?, r.uint()?);
        r.key(21)?;
        r.array_of("freshness", 3)?;
        let (offline, rules_age_ms, newest_version) = (r.bool()?, r.uint()?, r.uint()?);
        r.key(22)?;
        let nonce = match r.null()? {
            true => None,
            false => Some(r.bytes_max("nonce", NONCE_BYTES_MAX)?.to_vec()),
        };
        r.key(23)?;
        let not_covered = r.entries("pairs not covered", SCOPE_MAX * SCOPE_MAX, |r| {
            r.array_of("pair", 2)?;
            Ok((name(r)?, name(r)?))
        })?;
        r.end()?;
        let statement = Self {
            proof_id,
            boot_id,
            agent,
            evaluated_at,
            as_of,
            jurisdictions,
            domains,
            rulebook,
            engine,
            rules,
            lists,
            input_hash,
            facts_hash,
            rule_hash,
            state_hash,
            output_hash,
            trace_hash,
            offline,
            rules_age_ms,
            newest_version,
            nonce,
            not_covered,
        };
        Ok((statement, stated))
    }

    fn check(&self) -> Result<(), ProofError> {
        let sorted = |texts: &[String]| !texts.is_empty() && texts.is_sorted_by(|a, b| a < b);
        let refuse = |problem| Err(ProofError::NotCanonical(problem));
        if !sorted(&self.jurisdictions) || !sorted(&self.domains) {
            return refuse("scope is empty, not sorted or not unique");
        }
        if self.rules.is_empty() || !self.rules.is_sorted_by(|a, b| a.id < b.id) {
            return refuse("rules are empty, not sorted or not unique");
        }
        if self.newest_version < self.rulebook.version {
            return refuse("the newest rulebook is older than the one that was used");
        }
        if self.rules.iter().any(|rule| !rule.hits.is_sorted_by(|a, b| a < b)) {
            return refuse("hits are not sorted and unique");
        }
        if !self.lists.is_sorted_by(|a, b| a.0 < b.0) {
            return refuse("lists are not sorted and unique");
        }
        if !self.not_covered.is_sorted_by(|a, b| a < b) {
            return refuse("pairs not covered are not sorted and unique");
        }
        if self.nonce.as_ref().is_some_and(Vec::is_empty) {
            return refuse("nonce is empty");
        }
        Ok(())
    }
}

impl RuleEntry {
    fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        r.array_of("rule entry", 8)?;
        let (id, version, jurisdiction, domain) = (name(r)?, name(r)?, name(r)?, name(r)?);
        let module = hash(r)?;
        let at = r.position();
        let found = r.uint()?;
        let outcome = Outcome::from_code(found).ok_or(CborError::Range {
            at,
            what: "outcome",
            expected: "0 to 5",
            found,
        })?;
        let reason = r.uint_max("reason", u16::MAX.into())? as u16;
        let hits = r.entries("hits", HITS_MAX, |r| {
            r.array_of("hit", 3)?;
            let (list, entry) = (name(r)?, r.text_max("entry", ENTRY_BYTES_MAX)?.to_owned());
            Ok(Hit { list, entry, score: r.uint_max("score", 10_000)? as u16 })
        })?;
        Ok(Self { id, version, jurisdiction, domain, module, outcome, reason, hits })
    }
}

fn exactly(r: &mut Reader<'_>, key: u64, what: &'static str, wanted: u64) -> Result<(), CborError> {
    r.key(key)?;
    let at = r.position();
    let found = r.uint()?;
    if found != wanted {
        return Err(CborError::Range { at, what, expected: "the only known one", found });
    }
    Ok(())
}

fn name(r: &mut Reader<'_>) -> Result<String, CborError> {
    Ok(r.text_max("text", NAME_BYTES_MAX)?.to_owned())
}

fn millis(r: &mut Reader<'_>) -> Result<Millis, CborError> {
    Ok(Millis(r.uint_max("time", i64::MAX as u64)?))
}

fn hash(r: &mut Reader<'_>) -> Result<Digest, CborError> {
    Ok(Digest(r.array_bytes("hash")?))
}
