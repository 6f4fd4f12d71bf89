//! The manifest's types: what is judged, under which demands, and the verdict that must come.
//! CONFORMANCE.md is the description for people. Field order is the order in the file; a change
//! here is a change of the format and moves [`FORMAT_VERSION`].

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Version of the manifest's format.
pub const FORMAT_VERSION: u32 = 1;
/// Name of the manifest's format.
pub const FORMAT: &str = "probity-conformance";

/// The whole corpus in one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: String,
    /// [`FORMAT_VERSION`].
    pub version: u32,
    /// SPDX identifier for the corpus.
    pub licence: String,
    /// SHA-256 of every file but this one, by path.
    pub files: BTreeMap<String, String>,
    /// Checks that no single case can show refusing, and why.
    pub without_case: BTreeMap<String, String>,
    /// Demands, by the name that cases use.
    pub policies: BTreeMap<String, Demands>,
    /// In the order of kinds and checks.
    pub cases: Vec<Entry>,
}

/// One case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// `kind/name`, distinct.
    pub name: String,
    /// What the file is.
    pub kind: Kind,
    /// The file to judge; for a set the first, the others follow in `more`.
    pub file: String,
    /// Its SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// The verdict a strict verifier reaches.
    pub expected: Expectation,
    /// The check that must refuse; absent for what is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<String>,
    /// Name of the demands in `policies`.
    pub policy: String,
    /// Further files, by role.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub materials: BTreeMap<String, String>,
    /// Further files to judge, in order, where the case is a set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more: Vec<String>,
    /// Anything a reader should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Attestation document of a Nitro enclave.
    Nitro,
    /// Attestation document of an EC2 instance's NitroTPM.
    Nitrotpm,
    /// TPM 2.0 quote as evidence, with or without the measured-boot log as material.
    Tpm,
    /// A Probity proof.
    Proof,
    /// Several proofs of one boot's log.
    LogSet,
    /// A verifier's signed policy; of two files the second wants to take the first one's place.
    Policy,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 6] =
        [Kind::Nitro, Kind::Nitrotpm, Kind::Tpm, Kind::Proof, Kind::LogSet, Kind::Policy];

    /// As in the manifest; the folder's name too.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Nitro => "nitro",
            Kind::Nitrotpm => "nitrotpm",
            Kind::Tpm => "tpm",
            Kind::Proof => "proof",
            Kind::LogSet => "log-set",
            Kind::Policy => "policy",
        }
    }
}

/// A verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Expectation {
    /// Every check holds.
    Accept,
    /// A check refuses.
    Refuse,
}

/// The moment of judgement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", content = "ms", rename_all = "lowercase")]
pub enum At {
    /// Now, Unix milliseconds: the evidence must be fresh.
    Live(u64),
    /// A moment in the past, Unix milliseconds.
    Archival(u64),
    /// The document's own time.
    Document,
}

/// What a nonce must be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NonceDemand {
    /// Not looked at.
    #[default]
    Any,
    /// There must be none.
    Absent,
    /// Exactly these bytes, hexadecimal.
    Exact(String),
}

/// What the verifier demands. Byte strings are lower-case hexadecimal, files are paths.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Demands {
    /// The moment.
    pub at: At,
    /// The accepted kind of evidence: `nitro`, `nitrotpm` or `tpm`.
    pub evidence: String,
    /// Trusted root certificates, DER files.
    pub roots: Vec<String>,
    /// Oldest evidence in live verification, milliseconds.
    pub age_ms_max: u64,
    /// Leeway for clocks, milliseconds.
    pub clock_skew_ms: u64,
    /// The accepted release's registers; all must match.
    pub pcrs: BTreeMap<u8, String>,
    /// Registers that are demanded whatever the release.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub required_pcrs: BTreeMap<u8, String>,
    /// The evidence's nonce.
    #[serde(default)]
    pub nonce: NonceDemand,
    /// Exact user_data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_data: Option<String>,
    /// Exact public_key (for tpm: key set).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
    /// Allowed regions, where limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions: Option<Vec<String>>,
    /// Revoked certificates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revoked: Vec<Revoked>,
    /// What only a TPM has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tpm: Option<TpmDemands>,
    /// What only a proof has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<ProofDemands>,
    /// What only a policy file has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyDemands>,
}

/// Demands on a policy file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyDemands {
    /// Ed25519 keys of which `threshold` must have signed, whatever the policy says.
    pub pins: Vec<String>,
    /// How many; 0 where nothing is pinned.
    pub threshold: usize,
}

/// A revoked certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revoked {
    /// DER of the issuer's name.
    pub issuer: String,
    /// Serial number, big-endian.
    pub serial: String,
}

/// Demands on a TPM quote.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TpmDemands {
    /// Names (nameAlg || digest) of attestation keys that are trusted as they are.
    pub ak_names: Vec<String>,
    /// Qualified name that must have signed, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub qualified_signer: Option<String>,
    /// Accepted firmware versions, where limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub firmware: Option<Vec<u64>>,
    /// The clock as last seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_clock: Option<Clock>,
    /// Whether the event log must be given.
    pub event_log_required: bool,
    /// Whether the event log must show secure boot as on.
    pub secure_boot_required: bool,
    /// The register of the runtime log, and the accepted workers, where demanded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers: Option<WorkerDemands>,
    /// The list of files that the kernel may have measured, where demanded: its path in the corpus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_list: Option<String>,
}

/// Demands on the runtime log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkerDemands {
    /// The register.
    pub register: u8,
    /// The accepted releases.
    pub releases: Vec<WorkerDemand>,
}

/// One accepted release of the worker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkerDemand {
    /// Its name.
    pub name: String,
    /// SHA-256 of the program.
    pub sha256: String,
    /// First moment, Unix milliseconds.
    pub from_ms: u64,
    /// First moment after; open where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_ms: Option<u64>,
}

/// TPMS_CLOCK_INFO.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// Milliseconds.
    pub clock: u64,
    /// TPM resets.
    pub reset_count: u32,
    /// TPM restarts.
    pub restart_count: u32,
    /// Whether no higher clock was ever shown.
    pub safe: bool,
}

/// Demands on a proof beside those on its evidence.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProofDemands {
    /// The boot configuration's file.
    pub boot_config: String,
    /// The register that it was extended into, once, after a reset.
    pub boot_pcr: u8,
    /// The statement's nonce, where demanded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// How long after its evaluation a proof may be quoted, milliseconds.
    pub lag_ms_max: u64,
    /// Whether modules are compiled again and the interpreter is asked.
    pub second_opinion: bool,
    /// Checks that must have been made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required_checks: Vec<String>,
    /// Witnesses, as C2SP verifier keys, and how many of them must have cosigned the checkpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub witnesses: Option<Witnesses>,
    /// Signers (did:key) whose proofs are no longer believed at all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revoked_signers: Vec<String>,
}

/// Witnesses of a log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Witnesses {
    /// `name+keyid+base64`.
    pub keys: Vec<String>,
    /// How many of them.
    pub threshold: usize,
}
