//! TPM 2.0 quotes as evidence: attestation keys, TPMS_ATTEST, TPMT_SIGNATURE, TPMT_PUBLIC and the
//! measured-boot log, each written from a list of parts, right or wrong. These encoders share no
//! code with the verifier that reads them, and they check nothing.

mod ak;
mod boot;
mod certified;
mod enrol;
mod enrol_model;
mod eventlog;
mod kernel;
mod quote;
mod runtime;

pub use crate::certificate::{CertificateSpec, Extension, oid};
pub use ak::{AkKey, PublicSpec, attribute};
pub(crate) use boot::{DATABASE, GLOBAL};
pub use boot::{SignatureList, good_log, good_log_without_14, uefi_variable};
pub use certified::{AkChain, AkLevel};
pub use enrol::{CreationSpec, EkChain, EkLevel, EkPublicSpec, EnrolmentFiles, EnrolmentSpec};
pub use enrol_model::{ActivateError, EkKey};
pub use eventlog::{Event, LogSpec, event_type};
pub use kernel::{KernelEntry, field as kernel_field, kernel_log, kernel_register};
pub(crate) use quote::binding;
pub use quote::{MapTamper, QuoteFiles, QuoteSpec, Selection};
pub use runtime::{RuntimeRecord, RuntimeSpec, authorities_event, boot_config_event, worker_event};

/// TPM_ALG_ID values (TPM 2.0 Library, part 2, 6.3).
pub mod alg {
    /// RSA.
    pub const RSA: u16 = 0x0001;
    /// SHA-1.
    pub const SHA1: u16 = 0x0004;
    /// HMAC.
    pub const KEYEDHASH: u16 = 0x0008;
    /// SHA-256.
    pub const SHA256: u16 = 0x000b;
    /// SHA-384.
    pub const SHA384: u16 = 0x000c;
    /// None.
    pub const NULL: u16 = 0x0010;
    /// SM3-256, as an algorithm that no reader has to know.
    pub const SM3_256: u16 = 0x0012;
    /// RSASSA-PKCS1-v1_5.
    pub const RSASSA: u16 = 0x0014;
    /// RSAPSS.
    pub const RSAPSS: u16 = 0x0016;
    /// ECDSA.
    pub const ECDSA: u16 = 0x0018;
    /// ECDAA.
    pub const ECDAA: u16 = 0x001a;
    /// Elliptic curves.
    pub const ECC: u16 = 0x0023;
}

/// A length-prefixed buffer (TPM2B).
pub(crate) fn sized(bytes: &[u8]) -> Vec<u8> {
    let mut out = (bytes.len() as u16).to_be_bytes().to_vec();
    out.extend_from_slice(bytes);
    out
}

pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    use sha2::{Digest, Sha256};
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}
