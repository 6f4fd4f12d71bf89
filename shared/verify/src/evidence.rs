//! Verified evidence of any accepted kind: what it says of signer, checkpoint and time. It must
//! never be made from anything that `attest` did not verify under the policy.

use crate::{Policy, VerifyError};
use attest::tpm::{
    AkBasis, ClockInfo, HashAlgorithm, TpmEvidence, TpmPolicy, VerifiedQuote, ak_name,
};
use attest::{ChainCache, DocumentKind, NonceRule, VerificationTime, VerifiedDocument};
use crypto::sha384;
use facts::Millis;
use policy::{Kind, TpmClock};
use rules::BootConfig;
use sha2::Digest as _;

/// Evidence that verified.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Evidence {
    /// A Nitro Enclave's document.
    Nitro(VerifiedDocument),
    /// An instance's NitroTPM document.
    NitroTpm(VerifiedDocument),
    /// A TPM 2.0 quote.
    Tpm(VerifiedQuote),
}

impl Evidence {
    /// Its kind.
    pub fn kind(&self) -> Kind {
        match self {
            Evidence::Nitro(_) => Kind::Nitro,
            Evidence::NitroTpm(_) => Kind::NitroTpm,
            Evidence::Tpm(_) => Kind::Tpm,
        }
    }

    /// The document, of an enclave or an instance.
    pub fn document(&self) -> Option<&VerifiedDocument> {
        match self {
            Evidence::Nitro(document) | Evidence::NitroTpm(document) => Some(document),
            Evidence::Tpm(_) => None,
        }
    }

    /// The quote of a TPM.
    pub fn quote(&self) -> Option<&VerifiedQuote> {
        match self {
            Evidence::Tpm(quote) => Some(quote),
            Evidence::Nitro(_) | Evidence::NitroTpm(_) => None,
        }
    }

    /// When the hardware signed, by its own clock; a TPM has no calendar.
    pub fn quoted_at(&self) -> Option<Millis> {
        self.document().map(|document| Millis(document.timestamp_ms()))
    }

    /// The checks that were made on it: N1 to N42, or T1 to T34.
    pub fn checks(&self) -> &[(attest::Check, attest::Outcome)] {
        match self {
            Evidence::Nitro(document) | Evidence::NitroTpm(document) => document.checks(),
            Evidence::Tpm(quote) => quote.checks(),
        }
    }

    /// Things worth a look that refuse nothing.
    pub fn notes(&self) -> &[String] {
        match self {
            Evidence::Nitro(document) | Evidence::NitroTpm(document) => document.notes(),
            Evidence::Tpm(quote) => quote.notes(),
        }
    }

    /// The reason for which its key is believed: a root's name, or a pinned key.
    pub fn anchor_name(&self) -> &str {
        match self {
            Evidence::Nitro(document) | Evidence::NitroTpm(document) => document.anchor().name(),
            Evidence::Tpm(quote) => match quote.ak_basis() {
                AkBasis::Root(name) => name,
                AkBasis::PinnedName | AkBasis::PinnedKey => "pinned attestation key",
            },
        }
    }

    pub(crate) fn user_data(&self) -> Option<&[u8]> {
        match self {
            Evidence::Nitro(document) | Evidence::NitroTpm(document) => document.user_data(),
            Evidence::Tpm(quote) => quote.user_data(),
        }
    }

    pub(crate) fn key_set(&self) -> Option<&[u8]> {
        match self {
            Evidence::Nitro(document) | Evidence::NitroTpm(document) => document.public_key(),
            Evidence::Tpm(quote) => quote.key_set(),
        }
    }
}

impl Policy {
    pub(crate) fn quote(
        &self,
        bytes: &[u8],
        event_log: Option<&[u8]>,
        time: VerificationTime,
        nonce: NonceRule,
    ) -> Result<VerifiedQuote, VerifyError> {
        let policy = self.tpm.as_ref().ok_or_else(|| self.other_kind(Kind::Tpm.name()))?;
        let policy = self.of_key(bytes, policy.clone(), time).with_nonce(nonce).with_time(time);
        let quote = attest::tpm::verify_evidence(bytes, event_log, &policy)?;
        self.boot_config_of_quote(&quote)?;
        Ok(quote)
    }

    /// The demands with what is known of the evidence's own key: its qualified name (T16) and its
    /// last clock (T22). The name is the evidence's claim until it is verified, and a key whose
    /// name is not pinned has nothing that is known of it.
    fn of_key(&self, bytes: &[u8], mut policy: TpmPolicy, time: VerificationTime) -> TpmPolicy {
        if self.tpm_keys.is_empty() {
            return policy;
        }
        // What cannot be read is refused by verification, with its check.
        let name = TpmEvidence::parse(bytes).and_then(|parsed| ak_name(parsed.ak_public));
        let known = name.ok().and_then(|name| self.tpm_keys.get(&name));
        if let Some(name) = known.and_then(|key| key.qualified_name.clone()) {
            policy = policy.with_qualified_signer(name);
        }
        // A proof of the past may well be older than the last quote that was seen.
        let is_live = matches!(time, VerificationTime::Live { .. });
        match known.and_then(|key| key.clock).filter(|_| is_live) {
            None => policy,
            Some(TpmClock { ms, resets, restarts }) => policy.with_clock(ClockInfo {
                clock: ms,
                reset_count: resets,
                restart_count: restarts,
                safe: true,
            }),
        }
    }

    /// Evidence of a proof, verified.
    pub(crate) fn evidence(
        &self,
        kind: Kind,
        bytes: &[u8],
        event_log: Option<&[u8]>,
        time: VerificationTime,
        cache: &mut ChainCache,
    ) -> Result<Evidence, VerifyError> {
        let mut document =
            || self.document(bytes, kind, time, NonceRule::Absent, Some(&mut *cache));
        match kind {
            Kind::Nitro => Ok(Evidence::Nitro(document()?)),
            Kind::NitroTpm => Ok(Evidence::NitroTpm(document()?)),
            Kind::Tpm => {
                Ok(Evidence::Tpm(self.quote(bytes, event_log, time, NonceRule::Absent)?))
            }
        }
    }

    pub(crate) fn document(
        &self,
        bytes: &[u8],
        kind: Kind,
        time: VerificationTime,
        nonce: NonceRule,
        cache: Option<&mut ChainCache>,
    ) -> Result<VerifiedDocument, VerifyError> {
        let document_kind = match kind {
            Kind::Nitro => DocumentKind::Enclave,
            Kind::NitroTpm => DocumentKind::NitroTpm,
            Kind::Tpm => {
                return Err(self.other_kind("a TPM's quote, where a document is asked for"));
            }
        };
        let policy = self.document_policy(document_kind);
        let policy = policy.ok_or_else(|| self.other_kind(kind.name()))?;
        let policy = policy.clone().with_time(time).with_nonce(nonce);
        let document = attest::verify(bytes, &policy, cache)?;
        let at = match time {
            VerificationTime::Live { now_ms } => now_ms,
            VerificationTime::At { ms } => ms,
            VerificationTime::Document => document.timestamp_ms(),
        };
        if let Some((name, window)) = document.release().and_then(|name| {
            let window = self.releases.get(name)?;
            Some((name, window))
        }) {
            window.check(name, Millis(at))?;
        }
        Ok(document)
    }

    pub(crate) fn other_kind(&self, found: &str) -> VerifyError {
        VerifyError::EvidenceKind { accepted: self.kinds(), found: found.to_owned() }
    }

    /// The boot configuration that evidence was measured with, of those that the policy accepts.
    pub(crate) fn boot_config_of(&self, evidence: &Evidence) -> Result<&BootConfig, VerifyError> {
        let (document, register) = match evidence {
            Evidence::Tpm(quote) => return self.boot_config_of_quote(quote),
            Evidence::Nitro(document) => (document, Some(policy::BOOT_CONFIG_PCR)),
            Evidence::NitroTpm(document) => (document, self.boot_pcr),
        };
        let Some(register) = register else { return self.only_boot_config() };
        let found = document.pcrs().get(&register);
        let mut configs = self.boot_configs.iter();
        configs.find(|config| Some(&config.pcr16()) == found).ok_or_else(|| {
            let found = found.map(|value| crypto::to_hex(value));
            VerifyError::BootConfig { check: "N35", register, found: found.unwrap_or_default() }
        })
    }

    fn boot_config_of_quote(&self, quote: &VerifiedQuote) -> Result<&BootConfig, VerifyError> {
        let Some(register) = self.boot_pcr else { return self.only_boot_config() };
        let refuse = |check, found| VerifyError::BootConfig { check, register, found };
        let found = quote.pcrs().get(&register);
        let found = found.ok_or_else(|| refuse("T19", "no such register in the quote".into()))?;
        let algorithm = quote.hash_algorithm();
        let mut configs = self.boot_configs.iter();
        let measured = |config: &&BootConfig| measured(algorithm, config) == *found;
        configs.find(measured).ok_or_else(|| refuse("T24", crypto::to_hex(found)))
    }

    /// Where no register says which, the policy's rules leave exactly one.
    fn only_boot_config(&self) -> Result<&BootConfig, VerifyError> {
        self.boot_configs.first().ok_or_else(|| {
            let (field, found) = ("boot configurations".to_owned(), "none".to_owned());
            policy::PolicyError::Content { field, expected: "one".into(), found }.into()
        })
    }
}

/// The value of a register that a boot configuration was extended into, once, after a reset.
pub(crate) fn measured(algorithm: HashAlgorithm, config: &BootConfig) -> Vec<u8> {
    let bytes = config.to_bytes();
    match algorithm {
        HashAlgorithm::Sha256 => {
            let digest = sha2::Sha256::digest(&bytes);
            sha2::Sha256::new().chain_update([0; 32]).chain_update(digest).finalize().to_vec()
        }
        HashAlgorithm::Sha384 | HashAlgorithm::Sha512 => {
            sha384(&[&[0; 48], &sha384(&[&bytes])]).to_vec()
        }
    }
}
