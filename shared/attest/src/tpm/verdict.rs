//! What was established about an accepted quote. [`VerifiedQuote`] has one constructor, in
//! [`crate::tpm::verify_quote`]; it must never be built from anything that was not verified.

use crate::check::{Check, Outcome};
use crate::eventlog::VerifiedEventLog;
use crate::ima::VerifiedKernelLog;
use crate::tpm::HashAlgorithm;
use crate::tpm::runtime::VerifiedRuntimeLog;
use std::collections::BTreeMap;

/// TPMS_CLOCK_INFO (TPM 2.0 Part 2, 10.11.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockInfo {
    /// Milliseconds that the TPM has been powered.
    pub clock: u64,
    /// Resets of the TPM: boots of the machine.
    pub reset_count: u32,
    /// Resumes and restarts since the last reset.
    pub restart_count: u32,
    /// Whether no greater value of `clock` was ever reported.
    pub safe: bool,
}

/// Why the attestation key was believed (T8).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AkBasis {
    /// Its TPM name is pinned in the policy.
    PinnedName,
    /// Its public key is pinned in the policy.
    PinnedKey,
    /// Its certificate leads to this root of the policy.
    Root(String),
}

/// A quote that passed every check the policy asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedQuote {
    pub(crate) ak_spki: Vec<u8>,
    pub(crate) ak_name: Option<Vec<u8>>,
    pub(crate) ak_basis: AkBasis,
    pub(crate) hash_algorithm: HashAlgorithm,
    pub(crate) pcrs: BTreeMap<u8, Vec<u8>>,
    pub(crate) clock: ClockInfo,
    pub(crate) firmware_version: u64,
    pub(crate) qualified_signer: Vec<u8>,
    pub(crate) extra_data: Vec<u8>,
    pub(crate) user_data: Option<Vec<u8>>,
    pub(crate) key_set: Option<Vec<u8>>,
    pub(crate) nonce: Option<Vec<u8>>,
    pub(crate) event_log: Option<VerifiedEventLog>,
    pub(crate) runtime_log: Option<Box<VerifiedRuntimeLog>>,
    pub(crate) kernel_log: Option<Box<VerifiedKernelLog>>,
    pub(crate) judged_at_ms: Option<u64>,
    pub(crate) checks: Vec<(Check, Outcome)>,
    pub(crate) notes: Vec<String>,
}

impl VerifiedQuote {
    /// The attestation key's TPM name, where the policy pins it. A key that is believed for its
    /// certificate has none: the certificate does not bind the attributes that a name covers.
    pub fn ak_name(&self) -> Option<&[u8]> {
        self.ak_name.as_deref()
    }

    /// The attestation key that signed, as SubjectPublicKeyInfo in DER: one key, one encoding.
    pub fn ak_spki(&self) -> &[u8] {
        &self.ak_spki
    }

    /// Why the attestation key was believed.
    pub fn ak_basis(&self) -> &AkBasis {
        &self.ak_basis
    }

    /// The bank's algorithm: SHA-256 or SHA-384.
    pub fn hash_algorithm(&self) -> HashAlgorithm {
        self.hash_algorithm
    }

    /// The signed registers, exactly the selection.
    pub fn pcrs(&self) -> &BTreeMap<u8, Vec<u8>> {
        &self.pcrs
    }

    /// The TPM's clock and counters. For a key outside the endorsement and platform hierarchies
    /// the TPM adds a constant to the counters, so they compare only with the same key's.
    pub fn clock(&self) -> ClockInfo {
        self.clock
    }

    /// The TPM's firmware version, as the vendor counts it.
    pub fn firmware_version(&self) -> u64 {
        self.firmware_version
    }

    /// The key's qualified name, as signed.
    pub fn qualified_signer(&self) -> &[u8] {
        &self.qualified_signer
    }

    /// The signed extraData.
    pub fn extra_data(&self) -> &[u8] {
        &self.extra_data
    }

    /// The evidence's user_data, bound by extraData; `None` for a bare quote.
    pub fn user_data(&self) -> Option<&[u8]> {
        self.user_data.as_deref()
    }

    /// The evidence's COSE_KeySet, bound by extraData; `None` for a bare quote.
    pub fn key_set(&self) -> Option<&[u8]> {
        self.key_set.as_deref()
    }

    /// The evidence's nonce, bound by extraData.
    pub fn nonce(&self) -> Option<&[u8]> {
        self.nonce.as_deref()
    }

    /// The measured boot, where a log came and replayed to the quoted registers.
    pub fn event_log(&self) -> Option<&VerifiedEventLog> {
        self.event_log.as_ref()
    }

    /// What the running system measured, where the evidence is of version 2: its log replayed to
    /// the quoted register.
    pub fn runtime_log(&self) -> Option<&VerifiedRuntimeLog> {
        self.runtime_log.as_deref()
    }

    /// What the kernel measured, where its log came and led to the quoted PCR10.
    pub fn kernel_log(&self) -> Option<&VerifiedKernelLog> {
        self.kernel_log.as_deref()
    }

    /// The moment at which certificates of the key were judged, Unix milliseconds; `None` where
    /// the policy gives none. A quote carries no time: it is fresh only by its nonce.
    pub fn judged_at_ms(&self) -> Option<u64> {
        self.judged_at_ms
    }

    /// T1 to T34 in order, each with what became of it.
    pub fn checks(&self) -> &[(Check, Outcome)] {
        &self.checks
    }

    /// Things worth a look that refuse nothing.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}
