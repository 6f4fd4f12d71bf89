//! What a policy says, as types. Plain data: `Content::check` (rules_of.rs) says what may be
//! written, `codec.rs` how. It must never mean anything that POLICY.md does not say.

use crypto::VerifyingKey;
use facts::Millis;
use std::collections::BTreeMap;

/// A register of an attestation document: SHA-384.
pub type Pcr = [u8; 48];

/// A kind of evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A Nitro Enclave's attestation document.
    Nitro,
    /// An EC2 instance's NitroTPM attestation document.
    NitroTpm,
    /// A TPM 2.0 quote.
    Tpm,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 3] = [Kind::Nitro, Kind::NitroTpm, Kind::Tpm];

    /// The word in proofs and policies.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Nitro => "nitro",
            Kind::NitroTpm => "nitrotpm",
            Kind::Tpm => "tpm",
        }
    }

    /// The kind of a word.
    pub fn from_name(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// k of n keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signers {
    /// The keys, sorted.
    pub keys: Vec<VerifyingKey>,
    /// How many of them must sign, at least one.
    pub threshold: usize,
}

/// A root of AWS's attestation PKI or of a test PKI.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Anchor {
    /// AWS's root G1, as verifiers have it built in.
    AwsNitroG1,
    /// Another root, by its certificate.
    Der(NamedDer),
}

impl Anchor {
    /// The name that verdicts show.
    pub fn name(&self) -> &str {
        match self {
            Anchor::AwsNitroG1 => crate::AWS_NITRO_G1,
            Anchor::Der(named) => &named.name,
        }
    }
}

/// A certificate with a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedDer {
    /// The name that verdicts show.
    pub name: String,
    /// The certificate in DER.
    pub der: Vec<u8>,
}

/// The measurements of one release and when proofs of it are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Its name.
    pub name: String,
    /// What it runs as: `nitro` or `nitrotpm`.
    pub kind: Kind,
    /// Its registers. An enclave's are PCR0, PCR1, PCR2 and perhaps more; never zero.
    pub pcrs: BTreeMap<u8, Pcr>,
    /// First moment, Unix milliseconds.
    pub from: Millis,
    /// First moment after the window; `None` is open.
    pub to: Option<Millis>,
}

/// A release that is accepted at no time any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokedRelease {
    /// Its name; it stays among the releases, or it would only be unknown.
    pub name: String,
    /// Why.
    pub reason: String,
}

/// A revoked certificate (check N30).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RevokedCertificate {
    /// The issuer's name in DER.
    pub issuer: Vec<u8>,
    /// Its serial number, without leading zero bytes.
    pub serial: Vec<u8>,
}

/// A signer none of whose proofs is accepted any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevokedSigner {
    /// The enclave's key.
    pub key: VerifyingKey,
    /// Why.
    pub reason: String,
}

/// A signer whose proofs from before a moment stay good in archival verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetiredSigner {
    /// The enclave's key.
    pub key: VerifyingKey,
    /// First moment from which its proofs are refused.
    pub from: Millis,
    /// Why.
    pub reason: String,
}

/// What is demanded of a TPM's quote. Empty where `tpm` is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tpm {
    /// Pinned attestation keys, by their names (nameAlg || H(public)), sorted.
    pub ak_names: Vec<Vec<u8>>,
    /// Roots that may certify attestation keys.
    pub ak_roots: Vec<NamedDer>,
    /// Roots that may certify endorsement keys, for whoever registers attestation keys (T1).
    pub ek_roots: Vec<NamedDer>,
    /// Reference values: 32 or 48 bytes, all of one length, never zero.
    pub pcrs: BTreeMap<u8, Vec<u8>>,
    /// Whether the measured-boot log must be there and replay (T25 to T30).
    pub event_log_required: bool,
    /// The register that the boot configuration is extended into, if any.
    pub boot_pcr: Option<u8>,
    /// Accepted firmware versions (T23), sorted; `None` accepts all and leaves T23 not checked.
    pub firmware: Option<Vec<u64>>,
    /// Names of those `ak_roots` that certify nothing but attestation keys, sorted: certificates
    /// under them need not name their purpose.
    pub dedicated_roots: Vec<String>,
    /// What is known of pinned keys, sorted by name.
    pub keys: Vec<AttestationKey>,
    /// What the running system may have measured; evidence must then be of version 2.
    pub workers: Option<Workers>,
    /// SHA-384 of the list of files that the kernel may have measured (T34), as `sha384sum` says
    /// it; `None` leaves the kernel's measurements unjudged.
    pub file_list: Option<[u8; 48]>,
}

impl Tpm {
    /// Whether something is said that format 1 has no place for.
    pub(crate) fn needs_format_2(&self) -> bool {
        self.firmware.is_some() || !self.dedicated_roots.is_empty() || !self.keys.is_empty()
    }

    /// Whether something is said that format 2 has no place for.
    pub(crate) fn needs_format_3(&self) -> bool {
        self.workers.is_some() || self.file_list.is_some()
    }
}

/// Workers that a host may have started, and the register that it measures into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workers {
    /// 8 to 15.
    pub register: u8,
    /// The releases, sorted by name.
    pub releases: Vec<WorkerRelease>,
}

/// One release of the worker and when evidence of it is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerRelease {
    /// Its name.
    pub name: String,
    /// SHA-256 of the program.
    pub sha256: [u8; 32],
    /// First moment, Unix milliseconds.
    pub from: Millis,
    /// First moment after the window; `None` is open.
    pub to: Option<Millis>,
}

/// What the registration of an attestation key, or its last quote, established.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttestationKey {
    /// Its name, one of `ak_names`.
    pub name: Vec<u8>,
    /// Its qualified name (T16): nameAlg and digest.
    pub qualified_name: Option<Vec<u8>>,
    /// The clock of its last quote (T22): no quote may be older.
    pub clock: Option<TpmClock>,
}

/// Counters of TPMS_CLOCK_INFO (TPM 2.0 Part 2, 10.11.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TpmClock {
    /// Milliseconds that the TPM has been powered.
    pub ms: u64,
    /// Resets of the TPM.
    pub resets: u32,
    /// Restarts and resumes since the last reset.
    pub restarts: u32,
}

/// Witnesses of checkpoints.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Witnesses {
    /// C2SP verifier keys (`name+hash+base64`), sorted.
    pub keys: Vec<String>,
    /// How many of them must have cosigned; 0 exactly when there are none.
    pub threshold: usize,
}

/// Bounds of time, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// Oldest evidence in live verification (N40).
    pub age_ms_max: u64,
    /// Longest time between evaluation and quote (P10).
    pub lag_ms_max: u64,
    /// Leeway for a verifier's clock that is behind (N28).
    pub skew_ms: u64,
}

impl Default for Freshness {
    /// 5 minutes, 2 minutes, 1 minute.
    fn default() -> Self {
        Self { age_ms_max: 300_000, lag_ms_max: 120_000, skew_ms: 60_000 }
    }
}

/// Everything that a policy says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content {
    /// Name of the policy; versions of one policy share it.
    pub name: String,
    /// Version; the higher one wins.
    pub version: u64,
    /// From when on it is in force.
    pub issued_at: Millis,
    /// From when on it is no longer.
    pub expires_at: Millis,
    /// Who must sign it.
    pub signers: Signers,
    /// Accepted kinds of evidence, sorted.
    pub kinds: Vec<Kind>,
    /// Roots of attestation documents, sorted by name.
    pub anchors: Vec<Anchor>,
    /// Releases, sorted by name.
    pub releases: Vec<Release>,
    /// Revoked releases, sorted by name.
    pub revoked_releases: Vec<RevokedRelease>,
    /// Registers that a document must have whatever its release (N35): 3 to 31, not 16.
    pub required_pcrs: BTreeMap<u8, Pcr>,
    /// Boot configurations: whose rules an enclave may take. Sorted bytes of each.
    pub boot_configs: Vec<Vec<u8>>,
    /// Revoked certificates, sorted.
    pub revoked_certificates: Vec<RevokedCertificate>,
    /// Revoked signers, sorted by key.
    pub revoked_signers: Vec<RevokedSigner>,
    /// Retired signers, sorted by key.
    pub retired_signers: Vec<RetiredSigner>,
    /// What is demanded of a TPM.
    pub tpm: Tpm,
    /// Witnesses.
    pub witnesses: Witnesses,
    /// Bounds of time.
    pub freshness: Freshness,
    /// Regions whose hardware is accepted (N31), sorted; `None` accepts all.
    pub regions: Option<Vec<String>>,
    /// Checks that must have passed, in the order of the text of their names.
    pub required_checks: Vec<String>,
}
