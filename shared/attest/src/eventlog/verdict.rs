//! What a log says once its replay gave the quoted registers. [`VerifiedEventLog`] has one
//! constructor, in [`crate::eventlog::verify`]; data that does not hash to its digest is kept
//! apart and must never be taken for a finding.

use crate::eventlog::kind::EventKind;
use crate::eventlog::variables::SignatureEntry;
use crate::tpm::HashAlgorithm;
use std::collections::BTreeSet;

/// An event whose digest is bound by the quote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeasuredEvent {
    pub(crate) pcr: u8,
    pub(crate) kind: EventKind,
    pub(crate) digest: Vec<u8>,
    pub(crate) data: Vec<u8>,
    pub(crate) data_is_measured: bool,
}

impl MeasuredEvent {
    /// The register.
    pub fn pcr(&self) -> u8 {
        self.pcr
    }

    /// The type, as the log says: never measured.
    pub fn claimed_kind(&self) -> EventKind {
        self.kind
    }

    /// What was extended.
    pub fn digest(&self) -> &[u8] {
        &self.digest
    }

    /// The data, where it hashes to the digest.
    pub fn measured_data(&self) -> Option<&[u8]> {
        self.data_is_measured.then_some(self.data.as_slice())
    }

    /// The data as the log says, measured or not: for people to read, never to decide by.
    pub fn claimed_data(&self) -> &[u8] {
        &self.data
    }
}

/// Whether the firmware checked the images it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecureBootState {
    /// It did.
    Enabled,
    /// It did not.
    Disabled,
    /// PCR7 is not quoted, or its log does not say.
    NotKnown,
}

impl std::fmt::Display for SecureBootState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            SecureBootState::Enabled => "enabled",
            SecureBootState::Disabled => "disabled",
            SecureBootState::NotKnown => "not known",
        })
    }
}

/// Secure boot as PCR7 binds it: only variables whose data hashes to the digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecureBoot {
    pub(crate) state: SecureBootState,
    pub(crate) platform_keys: Vec<SignatureEntry>,
    pub(crate) exchange_keys: Vec<SignatureEntry>,
    pub(crate) allowed: Vec<SignatureEntry>,
    pub(crate) forbidden: Vec<SignatureEntry>,
    pub(crate) authorities: Vec<Vec<u8>>,
}

impl SecureBoot {
    /// Whether images were checked.
    pub fn state(&self) -> SecureBootState {
        self.state
    }

    /// PK.
    pub fn platform_keys(&self) -> &[SignatureEntry] {
        &self.platform_keys
    }

    /// KEK.
    pub fn exchange_keys(&self) -> &[SignatureEntry] {
        &self.exchange_keys
    }

    /// db.
    pub fn allowed(&self) -> &[SignatureEntry] {
        &self.allowed
    }

    /// dbx.
    pub fn forbidden(&self) -> &[SignatureEntry] {
        &self.forbidden
    }

    /// The entries that allowed what was started, each a UEFI_VARIABLE_DATA: those that the log
    /// shows with their measured data. One that is missing here may have been left out of it.
    pub fn authorities(&self) -> &[Vec<u8>] {
        &self.authorities
    }
}

/// A log whose replay gave every quoted register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedEventLog {
    pub(crate) bank: HashAlgorithm,
    pub(crate) pcrs: BTreeSet<u8>,
    pub(crate) events: Vec<MeasuredEvent>,
    pub(crate) startup_locality: Option<u8>,
    pub(crate) secure_boot: SecureBoot,
    pub(crate) boot_services_ended: bool,
}

impl VerifiedEventLog {
    /// The bank that was replayed.
    pub fn bank(&self) -> HashAlgorithm {
        self.bank
    }

    /// The quoted registers, each of which came out of the replay; those that the policy gives to
    /// the running system are not among them.
    pub fn pcrs(&self) -> &BTreeSet<u8> {
        &self.pcrs
    }

    /// The events of quoted registers, in the order of the log. Those of others are left out:
    /// nothing binds them.
    pub fn events(&self) -> &[MeasuredEvent] {
        &self.events
    }

    /// The locality from which the TPM was started, where the log says and PCR0 is quoted.
    pub fn startup_locality(&self) -> Option<u8> {
        self.startup_locality
    }

    /// Secure boot.
    pub fn secure_boot(&self) -> &SecureBoot {
        &self.secure_boot
    }

    /// Whether PCR5 shows that boot services ended (T30).
    pub fn boot_services_ended(&self) -> bool {
        self.boot_services_ended
    }
}
