//! The rules in force: a bundle that k of n authorities signed, compiled, with the freshness
//! statement that vouches for it. A switch is one pointer, so no evaluation sees two bundles.

use crate::EnclaveError;
use facts::Millis;
use rules::{BootConfig, Freshness, RulesError, SignedBundle, SignedFreshness, Standing};
use vm::Program;

/// A verified, compiled bundle and its freshness.
#[derive(Debug)]
pub struct ActiveRules {
    /// The compiled bundle.
    pub program: Program,
    /// The authority's word that it is the newest.
    pub freshness: Freshness,
}

impl ActiveRules {
    /// Verifies signatures and freshness at `now`, then compiles every module.
    pub fn load(
        bundle: &[u8],
        freshness: &[u8],
        config: &BootConfig,
        now: Millis,
    ) -> Result<Self, EnclaveError> {
        let bundle = SignedBundle::verify(bundle, config)?;
        let freshness = SignedFreshness::verify(freshness, config, &bundle)?;
        freshness.admits(now, &config.freshness)?;
        Ok(Self { program: Program::load(bundle, config.limits)?, freshness })
    }

    /// Whether these rules may replace `current`: a higher version, or a newer word of the
    /// authority about the same bundle.
    pub fn replaces(&self, current: &ActiveRules) -> Result<(), RulesError> {
        let (new, old) = (self.program.bundle(), current.program.bundle());
        let renewed =
            new.hash() == old.hash() && self.freshness.issued_at >= current.freshness.issued_at;
        let (offered, held) = (new.bundle().version, old.bundle().version);
        if offered > held || renewed {
            return Ok(());
        }
        Err(RulesError::Rollback { current: held, offered })
    }

    /// How the rules stand at `now`; refuses rules that are too old.
    pub fn standing(&self, now: Millis, config: &BootConfig) -> Result<Standing, RulesError> {
        self.freshness.standing(now, &config.freshness)
    }
}
