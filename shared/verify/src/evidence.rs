//! Verified evidence of any accepted kind: what it says of signer, checkpoint and time. It must
//! never be made from anything that `attest` did not verify under the policy.

use crate::{Policy, VerifyError};
use attest::cel::RuntimeEvent;
use attest::ima::FileList;
use attest::tpm::{
    AkBasis, ClockInfo, HashAlgorithm, TpmEvidence, TpmPolicy, VerifiedQuote, ak_name,
};
use attest::{ChainCache, DocumentKind, NonceRule, VerificationTime, VerifiedDocument};
use crypto::{VerifyingKey, sha384, to_hex};
use facts::Millis;
use policy::{Kind, TpmClock};
use rules::BootConfig;
use sha2::Digest as _;

/// What may be shown beside a TPM's evidence. It is bound by the quote, not part of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Logs<'a> {
    /// The firmware's log of the measured boot (T25 to T30).
    pub event_log: Option<&'a [u8]>,
    /// The kernel's log of files that it measured (T31 to T34).
    pub kernel_log: Option<&'a [u8]>,
    /// The list of files whose hash the policy has (T34).
    pub file_list: Option<&'a [u8]>,
}

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

    /// The policy's name of what was started: a document's release, or the worker's of a TPM's
    /// runtime log; `None` where the policy names none.
    pub fn release_name(&self) -> Option<&str> {
        match self {
            Evidence::Nitro(document) | Evidence::NitroTpm(document) => document.release(),
            Evidence::Tpm(quote) => quote.runtime_log().and_then(|log| log.worker().release()),
        }
    }

    /// What the hardware signed for: the checkpoint of a boot's log, as bytes.
    pub fn user_data(&self) -> Option<&[u8]> {
        match self {
            Evidence::Nitro(document) | Evidence::NitroTpm(document) => document.user_data(),
            Evidence::Tpm(quote) => quote.user_data(),
        }
    }

    /// The COSE_KeySet that the hardware signed for.
    pub fn key_set(&self) -> Option<&[u8]> {
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
        logs: Logs<'_>,
        time: VerificationTime,
        nonce: NonceRule,
    ) -> Result<VerifiedQuote, VerifyError> {
        let policy = self.tpm.as_ref().ok_or_else(|| self.other_kind(Kind::Tpm.name()))?;
        let mut policy = self.of_key(bytes, policy.clone(), time).with_nonce(nonce).with_time(time);
        if let Some(hash) = &self.file_list {
            policy = policy.with_file_list(file_list(hash, logs.file_list)?);
        }
        let Logs { event_log, kernel_log, .. } = logs;
        let quote = attest::tpm::verify_evidence_with(bytes, event_log, kernel_log, &policy)?;
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
        logs: Logs<'_>,
        time: VerificationTime,
        cache: &mut ChainCache,
    ) -> Result<Evidence, VerifyError> {
        let mut document =
            || self.document(bytes, kind, time, NonceRule::Absent, Some(&mut *cache));
        match kind {
            Kind::Nitro => Ok(Evidence::Nitro(document()?)),
            Kind::NitroTpm => Ok(Evidence::NitroTpm(document()?)),
            Kind::Tpm => Ok(Evidence::Tpm(self.quote(bytes, logs, time, NonceRule::Absent)?)),
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
            let found = found.map(|value| to_hex(value));
            VerifyError::BootConfig { check: "N35", register, found: found.unwrap_or_default() }
        })
    }

    fn boot_config_of_quote(&self, quote: &VerifiedQuote) -> Result<&BootConfig, VerifyError> {
        // What a TPM signed counts, also where the policy does not ask for it.
        if self.has_workers || quote.runtime_log().is_some() {
            return self.boot_config_of_log(quote);
        }
        let Some(register) = self.boot_pcr else { return self.only_boot_config() };
        let refuse = |check, found| VerifyError::BootConfig { check, register, found };
        let found = quote.pcrs().get(&register);
        let found = found.ok_or_else(|| refuse("T19", "no such register in the quote".into()))?;
        let algorithm = quote.hash_algorithm();
        let mut configs = self.boot_configs.iter();
        let measured = |config: &&BootConfig| measured(algorithm, config) == *found;
        configs.find(measured).ok_or_else(|| refuse("T24", to_hex(found)))
    }

    /// T24: the boot configuration that the runtime log names last. Every one that was measured
    /// since the reset is one of the policy's, and every list of authorities is that of the
    /// configuration before it: the key of an earlier start may have signed what is quoted now.
    fn boot_config_of_log(&self, quote: &VerifiedQuote) -> Result<&BootConfig, VerifyError> {
        let log = quote.runtime_log().ok_or_else(|| {
            refused("T25", "runtime log", "one: evidence of kind tpm, version 2", "none")
        })?;
        let mut last = None;
        for event in log.events() {
            match (event, last) {
                (RuntimeEvent::BootConfig(bytes), _) => last = Some(self.boot_config_in(bytes)?),
                (RuntimeEvent::Authorities { .. }, Some(config)) => {
                    let expected = authorities_of(config);
                    if *event != expected {
                        return Err(refused("T24", "authorities", &told(&expected), &told(event)));
                    }
                }
                (RuntimeEvent::Authorities { .. }, None) | (RuntimeEvent::Worker { .. }, _) => {}
            }
        }
        last.ok_or_else(|| refused("T27", "runtime log", "a boot configuration", "none"))
    }

    fn boot_config_in(&self, bytes: &[u8]) -> Result<&BootConfig, VerifyError> {
        let mut configs = self.boot_configs.iter();
        configs.find(|config| config.to_bytes() == bytes).ok_or_else(|| {
            let sha384_of = |bytes: &[u8]| to_hex(&sha384(&[bytes]));
            let accepted: Vec<String> =
                self.boot_configs.iter().map(|config| sha384_of(&config.to_bytes())).collect();
            let expected = format!("one of SHA-384 {}", accepted.join(" or "));
            refused("T24", "boot configuration", &expected, &sha384_of(bytes))
        })
    }

    /// Where no register says which, the policy's rules leave exactly one.
    fn only_boot_config(&self) -> Result<&BootConfig, VerifyError> {
        self.boot_configs.first().ok_or_else(|| {
            let (field, found) = ("boot configurations".to_owned(), "none".to_owned());
            policy::PolicyError::Content { field, expected: "one".into(), found }.into()
        })
    }
}

/// T34: the list that the policy's signers signed by its hash.
fn file_list(expected: &[u8; 48], list: Option<&[u8]>) -> Result<FileList, VerifyError> {
    let hash = list.map(|list| to_hex(&sha384(&[list])));
    match (list, hash) {
        (Some(list), Some(hash)) if hash == to_hex(expected) => Ok(FileList::parse(list)?),
        (_, hash) => {
            let expected = format!("the one with SHA-384 {}", to_hex(expected));
            Err(refused("T34", "file list", &expected, hash.as_deref().unwrap_or("none")))
        }
    }
}

/// The authorities of a boot configuration, as a host measures them.
fn authorities_of(config: &BootConfig) -> RuntimeEvent {
    let keys = |keys: &[VerifyingKey]| keys.iter().map(|key| key.to_bytes()).collect();
    RuntimeEvent::Authorities {
        authorities: keys(&config.authorities),
        threshold: config.threshold as u64,
        freshness_keys: keys(&config.freshness_keys),
        freshness_threshold: config.freshness_threshold as u64,
    }
}

/// Keys and thresholds in words.
fn told(event: &RuntimeEvent) -> String {
    let RuntimeEvent::Authorities { authorities, threshold, freshness_keys, freshness_threshold } =
        event
    else {
        return event.kind().to_owned();
    };
    let list = |keys: &[[u8; 32]]| keys.iter().map(|key| to_hex(key)).collect::<Vec<_>>().join(" ");
    let (rules, freshness) = (list(authorities), list(freshness_keys));
    format!("{threshold} of {rules} for rules, {freshness_threshold} of {freshness} for freshness")
}

fn refused(check: &str, what: &str, expected: &str, actual: &str) -> VerifyError {
    let check = attest::Check::parse(check).expect("a check of the list, because we wrote it");
    let (what, expected, actual) = (what.into(), expected.into(), actual.into());
    VerifyError::Evidence(attest::AttestError::Value { check, what, expected, actual })
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
