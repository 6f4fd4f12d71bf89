//! What a verifier accepts: the verifier's own file, never the prover's word.

use crate::VerifyError;
use attest::{NitroPolicy, NonceRule, ReferenceValues, TrustAnchor, VerificationTime};
use rules::BootConfig;

/// How long after its evaluation a proof may be quoted, in milliseconds, unless said otherwise.
const LAG_MS_MAX_DEFAULT: u64 = 120_000;
/// How far a statement's time may lie after its quote's: one tick of two clocks.
pub(crate) const LEAD_MS_MAX: u64 = 1_000;
/// The register that the boot configuration is extended into.
const BOOT_CONFIG_PCR: u8 = 16;

/// What a verifier accepts.
#[derive(Debug, Clone)]
pub struct Policy {
    pub(crate) nitro: NitroPolicy,
    pub(crate) boot_config: BootConfig,
    pub(crate) nonce: Option<Vec<u8>>,
    pub(crate) lag_ms_max: u64,
}

impl Policy {
    /// A policy from roots, a moment, the accepted images and the boot configuration that says
    /// whose rules an enclave takes. The configuration's measurement is required in PCR16.
    pub fn new(
        anchors: Vec<TrustAnchor>,
        time: VerificationTime,
        releases: Vec<ReferenceValues>,
        boot_config: BootConfig,
    ) -> Result<Self, VerifyError> {
        let nitro = NitroPolicy::new(anchors, time, releases)?
            .with_nonce(NonceRule::Absent)
            .with_required_pcr(BOOT_CONFIG_PCR, boot_config.pcr16())?;
        Ok(Self { nitro, boot_config, nonce: None, lag_ms_max: LAG_MS_MAX_DEFAULT })
    }

    /// The nonce that the statement must carry (P11).
    pub fn with_nonce(mut self, nonce: Vec<u8>) -> Self {
        self.nonce = Some(nonce);
        self
    }

    /// How long after its evaluation a proof may be quoted (P10), in milliseconds.
    pub fn with_lag_ms_max(mut self, lag_ms_max: u64) -> Self {
        self.lag_ms_max = lag_ms_max;
        self
    }

    /// Oldest evidence in live verification (N40), in milliseconds.
    pub fn with_age_ms_max(mut self, age_ms_max: u64) -> Self {
        self.nitro = self.nitro.with_age_ms_max(age_ms_max);
        self
    }
}
