//! What a verifier accepts: the verifier's own file, never the prover's word. From a signed policy
//! ([`Policy::from_verified`]) or from loose files ([`Policy::new`]). It must never be looser than
//! what it was made from, and a policy without reference values cannot be made.

use crate::VerifyError;
use crate::terms::{Ended, Terms};
use attest::tpm::TpmPolicy;
use attest::{
    DocumentKind, NitroPolicy, NonceRule, ReferenceValues, TrustAnchor, VerificationTime,
};
use crypto::VerifyingKey;
use facts::Millis;
use policy::{AttestationKey, Kind, VerifiedPolicy};
use receipt::cosign::WitnessKey;
use rules::BootConfig;
use std::collections::BTreeMap;

/// How long after its evaluation a proof may be quoted, in milliseconds, unless said otherwise.
const LAG_MS_MAX_DEFAULT: u64 = 120_000;
/// How far a statement's time may lie after its quote's: one tick of two clocks.
pub(crate) const LEAD_MS_MAX: u64 = 1_000;

/// Where a policy comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u64,
    /// Its hash (POLICY.md §1).
    pub hash: [u8; 48],
    /// From when on it is in force.
    pub issued_at: Millis,
    /// From when on it is no longer.
    pub expires_at: Millis,
    /// Those of its signers whose signatures verified.
    pub signers: Vec<VerifyingKey>,
    /// Whether keys that the verifier brought along signed it too.
    pub is_pinned: bool,
}

/// Why proofs of a signer are no longer accepted, or not without a word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum EndedSigner {
    Revoked { reason: String },
    Retired { from: Millis, reason: String },
}

/// What a verifier accepts.
#[derive(Debug, Clone)]
pub struct Policy {
    /// The moment of `Policy::new`; live and archival verifiers bring their own.
    pub(crate) time: VerificationTime,
    pub(crate) nitro: Option<NitroPolicy>,
    pub(crate) nitrotpm: Option<NitroPolicy>,
    pub(crate) tpm: Option<TpmPolicy>,
    /// What is known of pinned attestation keys, by name: other keys have other clocks.
    pub(crate) tpm_keys: BTreeMap<Vec<u8>, AttestationKey>,
    /// Windows and revocations by the release's name; loose files have none.
    pub(crate) releases: BTreeMap<String, Ended>,
    pub(crate) boot_configs: Vec<BootConfig>,
    /// The register of an instance that holds the boot configuration.
    pub(crate) boot_pcr: Option<u8>,
    /// Whether the policy names workers: a TPM's runtime log then holds the boot configuration.
    pub(crate) has_workers: bool,
    /// SHA-384 of the list of files that a TPM host's kernel may have measured.
    pub(crate) file_list: Option<[u8; 48]>,
    pub(crate) ended_signers: BTreeMap<[u8; 32], EndedSigner>,
    pub(crate) witnesses: Vec<WitnessKey>,
    pub(crate) witnesses_needed: usize,
    pub(crate) required: Vec<String>,
    pub(crate) nonce: Option<Vec<u8>>,
    pub(crate) lag_ms_max: u64,
    pub(crate) skew_ms: u64,
    pub(crate) origin: Option<Origin>,
}

impl Policy {
    /// A policy from roots, a moment, the accepted images and the boot configuration that says
    /// whose rules an enclave takes. The configuration's measurement is required in PCR16. It
    /// accepts Nitro Enclaves only and names no witness; nobody signed it.
    pub fn new(
        anchors: Vec<TrustAnchor>,
        time: VerificationTime,
        releases: Vec<ReferenceValues>,
        boot_config: BootConfig,
    ) -> Result<Self, VerifyError> {
        let nitro = NitroPolicy::new(anchors, time, releases)?
            .with_nonce(NonceRule::Absent)
            .with_required_pcr(policy::BOOT_CONFIG_PCR, boot_config.pcr16())?;
        Ok(Self {
            time,
            nitro: Some(nitro),
            nitrotpm: None,
            tpm: None,
            tpm_keys: BTreeMap::new(),
            releases: BTreeMap::new(),
            boot_configs: vec![boot_config],
            boot_pcr: None,
            has_workers: false,
            file_list: None,
            ended_signers: BTreeMap::new(),
            witnesses: Vec::new(),
            witnesses_needed: 0,
            required: Vec::new(),
            nonce: None,
            lag_ms_max: LAG_MS_MAX_DEFAULT,
            skew_ms: policy::SKEW_MS_MAX,
            origin: None,
        })
    }

    /// The policy of a verified file. Roots and witness keys are parsed here: one that cannot be
    /// used refuses the policy (check Y3).
    pub fn from_verified(verified: &VerifiedPolicy) -> Result<Self, VerifyError> {
        let content = verified.content();
        let Terms { nitro, nitrotpm, tpm, releases, boot_configs } = Terms::of(content)?;
        let witnesses = content.witnesses.keys.iter().map(|key| WitnessKey::parse(key));
        let keys = content.tpm.keys.iter();
        let revoked = content
            .revoked_signers
            .iter()
            .map(|one| (one.key.to_bytes(), EndedSigner::Revoked { reason: one.reason.clone() }));
        let retired = content.retired_signers.iter().map(|one| {
            let (from, reason) = (one.from, one.reason.clone());
            (one.key.to_bytes(), EndedSigner::Retired { from, reason })
        });
        Ok(Self {
            time: VerificationTime::Document,
            nitro,
            nitrotpm,
            tpm,
            tpm_keys: keys.map(|key| (key.name.clone(), key.clone())).collect(),
            releases,
            boot_configs,
            boot_pcr: content.tpm.boot_pcr,
            has_workers: content.tpm.workers.is_some(),
            file_list: content.tpm.file_list,
            ended_signers: revoked.chain(retired).collect(),
            witnesses: witnesses.collect::<Result<_, _>>().map_err(VerifyError::Witness)?,
            witnesses_needed: content.witnesses.threshold,
            required: content.required_checks.clone(),
            nonce: None,
            lag_ms_max: content.freshness.lag_ms_max,
            skew_ms: content.freshness.skew_ms,
            origin: Some(Origin {
                name: content.name.clone(),
                version: content.version,
                hash: verified.hash(),
                issued_at: content.issued_at,
                expires_at: content.expires_at,
                signers: verified.signers().to_vec(),
                is_pinned: verified.is_pinned(),
            }),
        })
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
        let set = |policy: NitroPolicy| policy.with_age_ms_max(age_ms_max);
        (self.nitro, self.nitrotpm) = (self.nitro.map(set), self.nitrotpm.map(set));
        self
    }

    /// A check that must have passed, by its number, such as `P15`, `N31` or `T25`. Checks of
    /// documents (N) are required of documents, those of quotes (T) of quotes.
    pub fn with_required_check(mut self, name: &str) -> Result<Self, VerifyError> {
        if !policy::is_check(name) {
            let expected = "P1 to P22 without P9, N1 to N42, T1 to T34".to_owned();
            let (field, found) = ("required check".to_owned(), name.to_owned());
            return Err(policy::PolicyError::Content { field, expected, found }.into());
        }
        if !self.required.iter().any(|known| known == name) {
            self.required.push(name.to_owned());
        }
        Ok(self)
    }

    /// The file that this policy comes from; `None` for loose files.
    pub fn origin(&self) -> Option<&Origin> {
        self.origin.as_ref()
    }

    /// Whose rules an enclave may take.
    pub fn boot_configs(&self) -> &[BootConfig] {
        &self.boot_configs
    }

    /// Checks that must have passed.
    pub fn required_checks(&self) -> &[String] {
        &self.required
    }

    /// Whether evidence of this kind is accepted.
    pub fn accepts(&self, kind: Kind) -> bool {
        match kind {
            Kind::Nitro => self.nitro.is_some(),
            Kind::NitroTpm => self.nitrotpm.is_some(),
            Kind::Tpm => self.tpm.is_some(),
        }
    }

    /// The words of the accepted kinds.
    pub(crate) fn kinds(&self) -> String {
        let accepted = Kind::ALL.into_iter().filter(|kind| self.accepts(*kind));
        accepted.map(Kind::name).collect::<Vec<_>>().join(" or ")
    }

    /// Y6 for a policy that has an origin: in force at `now`.
    pub(crate) fn require_in_force(&self, now: Millis) -> Result<(), VerifyError> {
        let Some(Origin { issued_at, expires_at, .. }) = self.origin else { return Ok(()) };
        if issued_at.0 > now.0.saturating_add(policy::ISSUED_AHEAD_MS_MAX) || now >= expires_at {
            return Err(policy::PolicyError::NotInForce { now, issued_at, expires_at }.into());
        }
        Ok(())
    }

    pub(crate) fn document_policy(&self, kind: DocumentKind) -> Option<&NitroPolicy> {
        match kind {
            DocumentKind::Enclave => self.nitro.as_ref(),
            DocumentKind::NitroTpm => self.nitrotpm.as_ref(),
        }
    }
}
