//! The authority's short-lived word that a bundle is still the newest (the timestamp role of
//! TUF). A rebooted enclave forgets, so without it the parent could serve an old bundle for ever.

use crate::codec::{keyed, millis, version};
use crate::{FreshnessPolicy, RulesError, malformed};
use cbor::{Reader, Writer};
use crypto::Digest;
use facts::Millis;

const WHAT: &str = "freshness statement";
/// How far in the future a statement may be issued: clocks of two parties differ.
const FUTURE_MS_MAX: u64 = 120_000;

/// A freshness statement's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// The bundle it speaks of.
    pub bundle: Digest,
    /// That bundle's version.
    pub version: u64,
    /// When it was said.
    pub issued_at: Millis,
    /// When it stops being said.
    pub expires_at: Millis,
}

/// How the rules stand at some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Past the warning age: nobody has confirmed the rules for a while.
    pub offline: bool,
    /// Age of the statement, in milliseconds.
    pub age_ms: u64,
}

impl Freshness {
    /// Canonical bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.map(5).uint(1).uint(1).uint(2).bytes(&self.bundle.0).uint(3).uint(self.version);
        w.uint(4).uint(self.issued_at.0).uint(5).uint(self.expires_at.0);
        w.finish()
    }

    /// Parses a payload.
    pub fn parse_unverified(payload: &[u8]) -> Result<Self, RulesError> {
        let read = || {
            let r = &mut Reader::new(payload);
            r.map_of(WHAT, 5)?;
            version(r, 1, "version 1")?;
            let bundle = keyed(r, 2, |r| r.array_bytes("bundle hash").map(Digest))?;
            let version = keyed(r, 3, |r| r.uint())?;
            let (issued_at, expires_at) = (keyed(r, 4, millis)?, keyed(r, 5, millis)?);
            r.end()?;
            Ok(Self { bundle, version, issued_at, expires_at })
        };
        let freshness = read().map_err(malformed(WHAT))?;
        if freshness.to_bytes() != payload {
            return Err(RulesError::NotCanonical(WHAT));
        }
        Ok(freshness)
    }

    /// Judges the statement at `now`; refuses one from the future and one past the refusal age.
    pub fn standing(&self, now: Millis, policy: &FreshnessPolicy) -> Result<Standing, RulesError> {
        let refuse = |problem| RulesError::Stale { issued_at: self.issued_at, now, problem };
        if self.issued_at.0 > now.0.saturating_add(FUTURE_MS_MAX) {
            return Err(refuse("it was issued in the future"));
        }
        let age_ms = now.0.saturating_sub(self.issued_at.0);
        if age_ms >= policy.refuse_ms {
            return Err(refuse("it is past the age at which evaluation is refused"));
        }
        Ok(Standing { offline: age_ms > policy.warn_ms || now > self.expires_at, age_ms })
    }

    /// Whether a bundle may be taken into force with this statement at `now`.
    pub fn admits(&self, now: Millis, policy: &FreshnessPolicy) -> Result<(), RulesError> {
        let refuse = |problem| RulesError::Stale { issued_at: self.issued_at, now, problem };
        let standing = self.standing(now, policy)?;
        if standing.age_ms > policy.max_ms {
            return Err(refuse("it is too old to bring a bundle into force"));
        }
        if now > self.expires_at {
            return Err(refuse("it has expired"));
        }
        Ok(())
    }
}
