//! The rules in force: a bundle that k of n authorities signed, compiled, with the freshness
//! statement that vouches for it, and the versions before it that callers may still ask for. A
//! switch is one pointer, so no evaluation sees two bundles.

use crate::{EnclaveError, RULEBOOKS_HELD_MAX};
use facts::Millis;
use rules::{
    BootConfig, Freshness, RulesError, SignedBundle, SignedFreshness, Standing, VerifiedBundle,
};
use std::sync::Arc;
use vm::Program;

/// A verified, compiled bundle and its freshness.
#[derive(Debug)]
pub struct ActiveRules {
    /// The compiled bundle.
    pub program: Arc<Program>,
    /// The authority's word that it is the newest.
    pub freshness: Freshness,
    /// The versions before it that this boot has seen, newest first.
    older: Vec<Arc<Program>>,
}

impl ActiveRules {
    /// Verifies signatures and freshness at `now` and that the bundle may replace `current`, then
    /// compiles every module. A renewal keeps the modules that are compiled already.
    pub fn load(
        bundle: &[u8],
        freshness: &[u8],
        config: &BootConfig,
        now: Millis,
        current: Option<&ActiveRules>,
    ) -> Result<Self, EnclaveError> {
        let bundle = SignedBundle::verify(bundle, config)?;
        let freshness = SignedFreshness::verify(freshness, config, &bundle)?;
        freshness.admits(now, &config.freshness)?;
        let Some(current) = current else {
            let program = Arc::new(Program::load(bundle, config.limits)?);
            return Ok(Self { program, freshness, older: Vec::new() });
        };
        if current.is_renewed_by(&bundle, &freshness)? {
            let (program, older) = (current.program.clone(), current.older.clone());
            return Ok(Self { program, freshness, older });
        }
        let program = Arc::new(Program::load(bundle, config.limits)?);
        let held = std::iter::once(&current.program).chain(&current.older);
        let older = held.take(RULEBOOKS_HELD_MAX - 1).cloned().collect();
        Ok(Self { program, freshness, older })
    }

    /// The newest version, or the one that a caller asked for while it is held.
    pub fn version(&self, wanted: Option<u64>) -> Result<&Program, RulesError> {
        let mut held = std::iter::once(&self.program).chain(&self.older);
        let number = |program: &Program| program.bundle().bundle().version;
        let Some(wanted) = wanted else { return Ok(&self.program) };
        held.clone().find(|program| number(program) == wanted).map(|program| &**program).ok_or_else(
            || {
                let held: Vec<_> = held.by_ref().map(|program| number(program)).collect();
                RulesError::NotHeld { wanted, held }
            },
        )
    }

    /// Whether these rules may be replaced: by a higher version (`false`), or renewed by a newer
    /// word of the authority about the same bundle (`true`).
    fn is_renewed_by(
        &self,
        bundle: &VerifiedBundle,
        freshness: &Freshness,
    ) -> Result<bool, RulesError> {
        let held = self.program.bundle();
        let (offered, current) = (bundle.bundle().version, held.bundle().version);
        if bundle.hash() == held.hash() && freshness.issued_at >= self.freshness.issued_at {
            return Ok(true);
        }
        if offered > current {
            return Ok(false);
        }
        Err(RulesError::Rollback { current, offered })
    }

    /// How the rules stand at `now`; refuses rules that are too old.
    pub fn standing(&self, now: Millis, config: &BootConfig) -> Result<Standing, RulesError> {
        self.freshness.standing(now, &config.freshness)
    }
}
