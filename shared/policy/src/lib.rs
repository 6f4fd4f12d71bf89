//! A verifier's policy as one signed, versioned file: which hardware, which images, whose rules,
//! which witnesses, how fresh, which checks are required. POLICY.md is the specification; this
//! crate is its code. It must never accept a policy that would match a debug enclave, never guess
//! what an unknown key means, and never read a clock: the moment is passed in.
//!
//! ```
//! # use policy::{SignedPolicy, PolicyError};
//! # use {facts::Millis, policy::Signers};
//! # fn judge(bytes: &[u8], pins: &Signers, now: Millis) -> Result<(), PolicyError> {
//! let policy = SignedPolicy::verify(bytes, Some(pins))?;
//! policy.require_in_force(now)?;
//! println!("{} {}", policy.content().name, policy.content().version);
//! # Ok(())
//! # }
//! ```

mod codec;
mod container;
mod content;
mod error;
mod rules_of;
mod signed;

pub use content::{
    Anchor, AttestationKey, Content, Freshness, Kind, NamedDer, Pcr, Release, RetiredSigner,
    RevokedCertificate, RevokedRelease, RevokedSigner, Signers, Tpm, TpmClock, Witnesses,
    WorkerRelease, Workers,
};
pub use error::PolicyError;
pub use signed::{SignedPolicy, UnverifiedPolicy, VerifiedPolicy, add_signatures, sign};

/// `typ` of the envelope (RFC 9596).
pub const TYP: &str = "application/probity-policy+cbor";
/// The word that stands for AWS's Nitro root G1, which verifiers have built in.
pub const AWS_NITRO_G1: &str = "aws-nitro-g1";
/// The register that a boot configuration is extended into in an enclave.
pub const BOOT_CONFIG_PCR: u8 = 16;
/// Largest signed policy, in bytes.
pub const POLICY_BYTES_MAX: usize = 1 << 20;
/// Most keys of a policy's signers, and most signatures.
pub const SIGNERS_MAX: usize = 16;
/// Most roots of one sort.
pub const ROOTS_MAX: usize = 64;
/// Largest root certificate, in bytes of DER.
pub const ROOT_BYTES_MAX: usize = 8_192;
/// Most releases, and most revoked releases.
pub const RELEASES_MAX: usize = 256;
/// Most boot configurations.
pub const BOOT_CONFIGS_MAX: usize = 16;
/// Most revoked certificates.
pub const REVOKED_CERTIFICATES_MAX: usize = 4_096;
/// Longest issuer name, in bytes of DER.
pub const ISSUER_BYTES_MAX: usize = 1_024;
/// Longest serial number, in bytes (RFC 5280: 20, and room for those that ignore it).
pub const SERIAL_BYTES_MAX: usize = 40;
/// Most revoked or retired signers.
pub const ENDED_SIGNERS_MAX: usize = 4_096;
/// Most pinned attestation keys.
pub const AK_NAMES_MAX: usize = 1_024;
/// Most firmware versions of TPMs.
pub const FIRMWARE_VERSIONS_MAX: usize = 256;
/// Most releases of the worker.
pub const WORKERS_MAX: usize = 256;
/// Most witnesses.
pub const WITNESSES_MAX: usize = 16;
/// Longest verifier key of a witness, in bytes.
pub const WITNESS_BYTES_MAX: usize = 256;
/// Most regions.
pub const REGIONS_MAX: usize = 64;
/// Longest name, in bytes.
pub const NAME_BYTES_MAX: usize = 128;
/// Longest reason of a revocation, in bytes.
pub const REASON_BYTES_MAX: usize = 256;
/// Highest age of live evidence and highest lag, in milliseconds: a day. Beyond it a check of
/// freshness would check nothing.
pub const AGE_MS_MAX: u64 = 86_400_000;
/// Highest leeway for a clock that is behind, in milliseconds.
pub const SKEW_MS_MAX: u64 = 60_000;
/// How far ahead of a reader's clock a policy may be issued, in milliseconds.
pub const ISSUED_AHEAD_MS_MAX: u64 = 120_000;

/// Whether `name` is a check that a policy may require: P1 to P22, N1 to N42, T1 to T34; not P9,
/// which is about a set of proofs and cannot be asked of one.
pub fn is_check(name: &str) -> bool {
    let last = match name.as_bytes().first() {
        Some(b'P') => 22,
        Some(b'N') => 42,
        Some(b'T') => 34,
        _ => return false,
    };
    let digits = &name[1..];
    let plain = name != "P9"
        && !digits.starts_with('0')
        && digits.bytes().all(|digit| digit.is_ascii_digit());
    plain && digits.parse::<u8>().is_ok_and(|number| (1..=last).contains(&number))
}
