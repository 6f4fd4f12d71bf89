//! The measured boot configuration: who may say what the rules are, and the limits that decide
//! results. The enclave extends its hash into PCR16 and locks the register before it makes a key,
//! so whoever delivers these bytes cannot choose them unseen.

use crate::codec::{self, RawKeys, keyed};
use crate::{FUEL_MAX, KEYS_MAX, MEMORY_PAGES_MAX, RulesError, malformed};
use cbor::{CborError, Reader, Writer};
use crypto::{Digest, Domain, VerifyingKey, digest, sha384};

const WHAT: &str = "boot configuration";
/// Largest boot configuration, in bytes.
const BOOT_CONFIG_BYTES_MAX: usize = 4096;

/// Limits that are part of what decides a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Highest fuel limit that a rule is given.
    pub fuel_max: u64,
    /// Most memory of a rule, in pages of 64 KiB.
    pub memory_pages_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { fuel_max: FUEL_MAX, memory_pages_max: MEMORY_PAGES_MAX }
    }
}

/// How old the authority's freshness statement may be, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FreshnessPolicy {
    /// Past this age an evaluation counts as offline.
    pub warn_ms: u64,
    /// Past this age new bundles are no longer accepted with the statement.
    pub max_ms: u64,
    /// From this age on evaluations are refused.
    pub refuse_ms: u64,
}

impl Default for FreshnessPolicy {
    /// 12 h, 24 h, 48 h.
    fn default() -> Self {
        const HOUR_MS: u64 = 3_600_000;
        Self { warn_ms: 12 * HOUR_MS, max_ms: 24 * HOUR_MS, refuse_ms: 48 * HOUR_MS }
    }
}

/// The boot configuration (FORMAT.md §6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootConfig {
    /// Rule authorities, sorted.
    pub authorities: Vec<VerifyingKey>,
    /// How many of them must sign a bundle.
    pub threshold: usize,
    /// Keys that speak for freshness, sorted.
    pub freshness_keys: Vec<VerifyingKey>,
    /// How many of them must sign a freshness statement.
    pub freshness_threshold: usize,
    /// Name of the only rulebook that is accepted.
    pub rulebook: String,
    /// Ages of the freshness statement.
    pub freshness: FreshnessPolicy,
    /// Limits of evaluation.
    pub limits: Limits,
}

impl BootConfig {
    /// Canonical bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.map(8).uint(1).uint(1).uint(2);
        codec::write_keys(&mut w, &self.authorities);
        w.uint(3).uint(self.threshold as u64).uint(4);
        codec::write_keys(&mut w, &self.freshness_keys);
        w.uint(5).uint(self.freshness_threshold as u64).uint(6).text(&self.rulebook);
        let ages = &self.freshness;
        w.uint(7).array(3).uint(ages.warn_ms).uint(ages.max_ms).uint(ages.refuse_ms);
        w.uint(8).array(2).uint(self.limits.fuel_max).uint(self.limits.memory_pages_max.into());
        w.finish()
    }

    /// Parses and checks; refuses what is not canonical.
    pub fn parse(bytes: &[u8]) -> Result<Self, RulesError> {
        if bytes.len() > BOOT_CONFIG_BYTES_MAX {
            let (max, found) = (BOOT_CONFIG_BYTES_MAX, bytes.len());
            return Err(RulesError::TooLarge { what: WHAT, max, found });
        }
        let (authorities, freshness_keys, rest) = Self::read(bytes).map_err(malformed(WHAT))?;
        let authorities = codec::keys("authorities", &authorities)?;
        let freshness_keys = codec::keys("freshness keys", &freshness_keys)?;
        let config = Self { authorities, freshness_keys, ..rest };
        config.check()?;
        if config.to_bytes() != bytes {
            return Err(RulesError::NotCanonical(WHAT));
        }
        Ok(config)
    }

    /// The keys as they came, and all the rest.
    fn read(bytes: &[u8]) -> Result<(RawKeys, RawKeys, Self), CborError> {
        let r = &mut Reader::new(bytes);
        r.map_of(WHAT, 8)?;
        codec::version(r, 1, "version 1")?;
        let authorities = keyed(r, 2, codec::raw_keys)?;
        let threshold = keyed(r, 3, threshold)?;
        let freshness_keys = keyed(r, 4, codec::raw_keys)?;
        let rest = Self {
            authorities: Vec::new(),
            threshold,
            freshness_keys: Vec::new(),
            freshness_threshold: keyed(r, 5, self::threshold)?,
            rulebook: keyed(r, 6, codec::name)?,
            freshness: keyed(r, 7, ages)?,
            limits: keyed(r, 8, limits)?,
        };
        r.end()?;
        Ok((authorities, freshness_keys, rest))
    }

    fn check(&self) -> Result<(), RulesError> {
        for (field, keys, threshold) in [
            ("threshold", &self.authorities, self.threshold),
            ("freshness threshold", &self.freshness_keys, self.freshness_threshold),
        ] {
            if threshold == 0 || threshold > keys.len() {
                let problem = format!("expected 1 to {}, found {threshold}", keys.len());
                return Err(content(field, problem));
            }
        }
        let ages = &self.freshness;
        if !(ages.warn_ms <= ages.max_ms && ages.max_ms <= ages.refuse_ms) {
            return Err(content("freshness ages", "expected warn ≤ max ≤ refuse".into()));
        }
        Ok(())
    }

    /// Hash for the boot record.
    pub fn hash(&self) -> Digest {
        digest(Domain::BootConfig, &[&self.to_bytes()])
    }

    /// What is extended into PCR16.
    pub fn pcr_extension(&self) -> [u8; 48] {
        sha384(&[&self.to_bytes()])
    }

    /// PCR16 after the extension: the reference value for verifiers.
    pub fn pcr16(&self) -> [u8; 48] {
        sha384(&[&[0; 48], &self.pcr_extension()])
    }
}

fn threshold(r: &mut Reader<'_>) -> Result<usize, CborError> {
    Ok(r.uint_max("threshold", KEYS_MAX as u64)? as usize)
}

fn ages(r: &mut Reader<'_>) -> Result<FreshnessPolicy, CborError> {
    r.array_of("freshness ages", 3)?;
    Ok(FreshnessPolicy { warn_ms: r.uint()?, max_ms: r.uint()?, refuse_ms: r.uint()? })
}

fn limits(r: &mut Reader<'_>) -> Result<Limits, CborError> {
    r.array_of("limits", 2)?;
    let fuel_max = r.uint_max("fuel_max", FUEL_MAX)?;
    let memory_pages_max = r.uint_max("memory_pages_max", MEMORY_PAGES_MAX.into())? as u32;
    Ok(Limits { fuel_max, memory_pages_max })
}

fn content(field: &str, problem: String) -> RulesError {
    RulesError::Content { field: format!("{WHAT}, {field}"), problem }
}
