//! The rules in force: a bundle that k of n authorities signed, compiled, with the freshness
//! statement that vouches for it. A switch is one pointer, so no evaluation sees two bundles.

use crate::EnclaveError;
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
        let program = match current {
            Some(current) if current.is_renewed_by(&bundle, &freshness)? => current.program.clone(),
            _ => Arc::new(Program::load(bundle, config.limits)?),
        };
        Ok(Self { program, freshness })
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
