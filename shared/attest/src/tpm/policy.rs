//! What a verifier demands of a quote: why its key is believed, which values its registers have,
//! how fresh it is. It must never take a reset value (all zero) as a reference value, and a key
//! is trusted only for a reason that stands here, never for having come with the quote.

use crate::Check;
use crate::error::AttestError;
use crate::ima::FileList;
use crate::policy::{NonceRule, VerificationTime, significant};
use crate::tpm::chain::AkRoot;
use crate::tpm::key::PublicKey;
use crate::tpm::verdict::ClockInfo;
use std::collections::{BTreeMap, BTreeSet};

/// Why an attestation key is believed (T8). Any one reason suffices; without one no quote is
/// accepted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AkTrust {
    pub(crate) names: BTreeSet<Vec<u8>>,
    pub(crate) keys: BTreeSet<PublicKey>,
    pub(crate) roots: Vec<AkRoot>,
}

impl AkTrust {
    /// Trusts no key yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A key by its TPM name, pinned after registration: nameAlg (2 bytes, SHA-256 or SHA-384)
    /// and the digest of TPMT_PUBLIC (TPM 2.0 Part 1, 16).
    pub fn with_name(mut self, name: Vec<u8>) -> Result<Self, AttestError> {
        let right =
            matches!((name.get(..2), name.len()), (Some([0, 0x0b]), 34) | (Some([0, 0x0c]), 50));
        if !right {
            let expected = "000b and 32 bytes, or 000c and 48 bytes";
            return Err(AttestError::refuse(Check::t(8), "AK name", expected, crate::hex(&name)));
        }
        self.names.insert(name);
        Ok(self)
    }

    /// A key by its SubjectPublicKeyInfo in DER (RFC 5280), for evidence that carries no
    /// TPMT_PUBLIC. RSA of 2,048 to 8,192 bits, P-256 or P-384.
    pub fn with_key(mut self, spki_der: &[u8]) -> Result<Self, AttestError> {
        self.keys.insert(PublicKey::from_spki(spki_der)?);
        Ok(self)
    }

    /// A root, or an intermediate taken as one, under which AK certificates are believed. Each
    /// must name its purpose, tcg-kp-AIKCertificate (2.23.133.8.3): a vendor's root also issues
    /// certificates of endorsement keys and others.
    pub fn with_root(mut self, name: impl Into<String>, der: &[u8]) -> Result<Self, AttestError> {
        self.roots.push(AkRoot::from_der(name.into(), der, false)?);
        Ok(self)
    }

    /// An authority that certifies nothing but attestation keys, so that its certificates need
    /// not name their purpose; a purpose that is named must still be the right one. For clouds
    /// that leave it out: give the intermediate that issues AK certificates, never a root that
    /// also stands above endorsement keys.
    pub fn with_dedicated_root(
        mut self,
        name: impl Into<String>,
        der: &[u8],
    ) -> Result<Self, AttestError> {
        self.roots.push(AkRoot::from_der(name.into(), der, true)?);
        Ok(self)
    }

    /// Whether nothing is trusted.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.keys.is_empty() && self.roots.is_empty()
    }
}

/// Everything a verifier demands of a TPM quote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TpmPolicy {
    pub(crate) trust: AkTrust,
    pub(crate) pcrs: BTreeMap<u8, Vec<u8>>,
    pub(crate) unextended: BTreeSet<u8>,
    /// Accepted values of registers that the running system extends.
    pub(crate) runtime: BTreeMap<u8, BTreeSet<Vec<u8>>>,
    pub(crate) workers: Option<Workers>,
    pub(crate) file_list: Option<FileList>,
    pub(crate) nonce: NonceRule,
    pub(crate) qualified_signer: Option<Vec<u8>>,
    pub(crate) firmware: Option<BTreeSet<u64>>,
    pub(crate) clock: Option<ClockInfo>,
    pub(crate) event_log_required: bool,
    pub(crate) secure_boot_required: bool,
    pub(crate) time: Option<VerificationTime>,
    pub(crate) revoked: BTreeSet<(Vec<u8>, Vec<u8>)>,
}

impl TpmPolicy {
    /// Accepts quotes by a key of `trust`. Without a reference value T24 is reported as not
    /// checked, and nothing about what the machine runs may rest on the verdict.
    pub fn new(trust: AkTrust) -> Self {
        Self {
            trust,
            pcrs: BTreeMap::new(),
            unextended: BTreeSet::new(),
            runtime: BTreeMap::new(),
            workers: None,
            file_list: None,
            nonce: NonceRule::Any,
            qualified_signer: None,
            firmware: None,
            clock: None,
            event_log_required: false,
            secure_boot_required: false,
            time: None,
            revoked: BTreeSet::new(),
        }
    }

    /// A register's reference value (T24): index 0 to 15 or 17 to 22, 32 bytes for a SHA-256 bank
    /// or 48 for a SHA-384 bank, never a reset value. Any program can reset 16 and 23 and extend
    /// them to what it likes. A second value for one index replaces the first.
    pub fn with_pcr(mut self, index: u8, value: Vec<u8>) -> Result<Self, AttestError> {
        pcr_index(index)?;
        if RESETTABLE.contains(&index) {
            let (expected, actual) = ("one that no program can reset", format!("PCR{index}"));
            return Err(AttestError::refuse(Check::t(24), "reference register", expected, actual));
        }
        measurement(index, &value)?;
        self.without_workers(index)?;
        self.forget(index);
        self.pcrs.insert(index, value);
        Ok(self)
    }

    /// A register that the running system extends, such as one that a boot configuration is
    /// measured into: the firmware's log was closed before, so T25 to T30 leave the register
    /// out, which is noted. Instead its quoted value must be this one, whole (T24). Index 8 to
    /// 15; sizes as for [`TpmPolicy::with_pcr`]. Given again for one index, each value is
    /// accepted: two configurations, or one in two banks.
    ///
    /// It says nothing of what was booted. T24 stays not checked without [`TpmPolicy::with_pcr`].
    pub fn with_runtime_pcr(mut self, index: u8, value: Vec<u8>) -> Result<Self, AttestError> {
        system_index(index, "runtime PCR")?;
        measurement(index, &value)?;
        self.without_workers(index)?;
        if !self.runtime.contains_key(&index) {
            self.forget(index);
        }
        self.runtime.entry(index).or_default().insert(value);
        Ok(self)
    }

    /// Demands that a register was never extended since the reset, as PCR12 of a unified kernel
    /// image that was given no further arguments. Index 8 to 15: what firmware measures (0 to 7)
    /// is never empty on a machine that measures at all, and any program can empty 16 and 23.
    pub fn with_unextended_pcr(mut self, index: u8) -> Result<Self, AttestError> {
        system_index(index, "unextended PCR")?;
        self.without_workers(index)?;
        self.forget(index);
        self.unextended.insert(index);
        Ok(self)
    }

    /// One register has one rule: the last that was given.
    fn forget(&mut self, index: u8) {
        self.pcrs.remove(&index);
        self.unextended.remove(&index);
        self.runtime.remove(&index);
    }

    /// A demand for workers is never dropped for another rule of its register.
    fn without_workers(&self, index: u8) -> Result<(), AttestError> {
        match self.workers.as_ref().is_some_and(|workers| workers.register == index) {
            true => {
                let (expected, actual) = ("a register without workers", format!("PCR{index}"));
                Err(AttestError::refuse(T24, "reference register", expected, actual))
            }
            false => Ok(()),
        }
    }

    /// The register that the running system's log is about, 8 to 15, and the accepted workers.
    /// The evidence must then carry a runtime log (version 2) of this register, which must be
    /// selected (T19) and come out of the log's replay (T25); each worker that was measured since
    /// the reset must be one of these, inside its window (T24). Boot configuration and authorities
    /// are in [`crate::tpm::VerifiedQuote::runtime_log`], for the caller to judge. A list that is
    /// empty, or that names a program or a release twice, is refused.
    pub fn with_workers(
        mut self,
        register: u8,
        releases: impl IntoIterator<Item = WorkerRelease>,
    ) -> Result<Self, AttestError> {
        system_index(register, "runtime register")?;
        let releases: Vec<WorkerRelease> = releases.into_iter().collect();
        if releases.is_empty() {
            return Err(AttestError::refuse(T24, "workers", "at least one release", "none"));
        }
        for (place, release) in releases.iter().enumerate() {
            let same = |other: &&WorkerRelease| {
                other.name == release.name || other.sha256 == release.sha256
            };
            if let Some(other) = releases[..place].iter().find(same) {
                let actual = format!("{:?} and {:?}", other.name, release.name);
                let expected = "each name and each program once";
                return Err(AttestError::refuse(T24, "workers", expected, actual));
            }
        }
        if self.reads().contains(&register) && self.workers.is_none() {
            let (expected, actual) = ("a register without another rule", format!("PCR{register}"));
            return Err(AttestError::refuse(T24, "runtime register", expected, actual));
        }
        self.workers = Some(Workers { register, releases });
        Ok(self)
    }

    /// The files that the kernel may have measured: its log must then be given, lead to the quoted
    /// PCR10 (T31 to T33), and name no other file or content up to there (T34).
    pub fn with_file_list(mut self, list: FileList) -> Self {
        self.file_list = Some(list);
        self
    }

    /// The rule for the evidence's nonce (T17). A bare quote carries none: it is judged by its
    /// exact extraData, and under any other rule than [`NonceRule::Any`] it is refused.
    pub fn with_nonce(mut self, nonce: NonceRule) -> Self {
        self.nonce = nonce;
        self
    }

    /// The key's qualified name, where registration established it (T16).
    pub fn with_qualified_signer(mut self, name: Vec<u8>) -> Self {
        self.qualified_signer = Some(name);
        self
    }

    /// Accepted firmware versions (T23). An empty list accepts none.
    pub fn with_firmware(mut self, versions: impl IntoIterator<Item = u64>) -> Self {
        self.firmware = Some(versions.into_iter().collect());
        self
    }

    /// The clock of the last quote seen from this key: counters must not be behind it (T22).
    pub fn with_clock(mut self, last: ClockInfo) -> Self {
        self.clock = Some(last);
        self
    }

    /// Whether a quote without an event log is refused (T25).
    pub fn require_event_log(mut self, required: bool) -> Self {
        self.event_log_required = required;
        self
    }

    /// Whether secure boot must be shown as enabled by the event log (T29); this asks for a log.
    pub fn require_secure_boot(mut self, required: bool) -> Self {
        self.secure_boot_required = required;
        self
    }

    /// The moment at which AK certificates must be valid: needed for roots. A quote carries no
    /// time of its own, so [`VerificationTime::Document`] gives none.
    pub fn with_time(mut self, time: VerificationTime) -> Self {
        self.time = Some(time);
        self
    }

    /// A revoked certificate of an AK chain: its issuer's name in DER, and its serial number.
    pub fn with_revoked(mut self, issuer_der: Vec<u8>, serial: &[u8]) -> Self {
        self.revoked.insert((issuer_der, significant(serial).to_vec()));
        self
    }

    /// The reference values.
    pub fn pcrs(&self) -> &BTreeMap<u8, Vec<u8>> {
        &self.pcrs
    }

    /// The moment at which certificates are judged, Unix milliseconds, where there is one.
    pub(crate) fn time_ms(&self) -> Option<u64> {
        match self.time {
            Some(VerificationTime::Live { now_ms }) => Some(now_ms),
            Some(VerificationTime::At { ms }) => Some(ms),
            Some(VerificationTime::Document) | None => None,
        }
    }

    pub(crate) fn is_revoked(&self, issuer_der: &[u8], serial: &[u8]) -> bool {
        let serial = significant(serial);
        self.revoked.iter().any(|(issuer, number)| issuer == issuer_der && number == serial)
    }

    /// Registers that a decision of this policy rests on, those of the running system included.
    pub(crate) fn reads(&self) -> BTreeSet<u8> {
        let secure_boot = self.secure_boot_required.then_some(7);
        let named = self.pcrs.keys().chain(&self.unextended).chain(self.runtime.keys());
        let workers = self.workers.as_ref().map(|workers| workers.register);
        let kernel = self.file_list.as_ref().map(|_| crate::ima::PCR);
        named.copied().chain(secure_boot).chain(workers).chain(kernel).collect()
    }

    /// Registers that the firmware's log cannot know.
    pub(crate) fn runtime_registers(&self) -> BTreeSet<u8> {
        self.runtime.keys().copied().collect()
    }
}

/// A release of the worker and when evidence of it is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerRelease {
    /// Its name, for people.
    pub name: String,
    /// SHA-256 of the program.
    pub sha256: [u8; 32],
    /// First moment at which it is accepted, Unix milliseconds.
    pub from_ms: u64,
    /// First moment after, Unix milliseconds; `None` is open.
    pub to_ms: Option<u64>,
}

/// Accepted workers and the register that they are measured into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Workers {
    pub(crate) register: u8,
    pub(crate) releases: Vec<WorkerRelease>,
}

/// Whether `value` can be one that was measured: of a bank's length, and no reset value.
fn measurement(index: u8, value: &[u8]) -> Result<(), AttestError> {
    let what = || format!("reference value of PCR{index}");
    if ![32, 48].contains(&value.len()) {
        let actual = format!("{} bytes", value.len());
        return Err(AttestError::refuse(Check::t(24), what(), "32 or 48 bytes", actual));
    }
    for (reset, name) in [(0, "all bytes zero"), (0xff, "all bytes ff")] {
        if value.iter().all(|byte| *byte == reset) {
            return Err(AttestError::refuse(Check::t(24), what(), "a measurement", name));
        }
    }
    Ok(())
}

/// The registers that the started system owns and cannot reset.
fn system_index(index: u8, what: &'static str) -> Result<(), AttestError> {
    AttestError::within(Check::t(24), what, u64::from(index), 8, 15)
}

fn pcr_index(index: u8) -> Result<(), AttestError> {
    AttestError::within(Check::t(24), "PCR index", u64::from(index), 0, 23)
}

const T24: Check = Check::t(24);
/// Registers that any program can reset (TCG PC Client Platform TPM Profile, PCR attributes).
pub(crate) const RESETTABLE: [u8; 2] = [16, 23];
