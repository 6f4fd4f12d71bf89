//! A whole submission: T1, T2 and T4 to T7, cheapest first. What comes out is a [`Candidate`]: two
//! sound keys, of which nobody has shown yet that they are in one TPM.

use crate::ek::EkPublic;
use crate::{EkIdentity, EkRoots, EnrolError, creation};
use attest::tpm::AttestationKey;

/// What a device sends of its keys, as its TPM wrote it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Submission<'a> {
    /// Certificates of the endorsement key in DER, leaf first; at most 8 of 4,096 bytes.
    pub ek_certificates: Vec<&'a [u8]>,
    /// TPMT_PUBLIC of the endorsement key.
    pub ek_public: &'a [u8],
    /// TPMT_PUBLIC of the attestation key.
    pub ak_public: &'a [u8],
    /// TPMS_ATTEST of TPM2_CertifyCreation.
    pub creation_attest: &'a [u8],
    /// TPMT_SIGNATURE over it, by the attestation key.
    pub creation_signature: &'a [u8],
    /// TPMS_CREATION_DATA.
    pub creation_data: &'a [u8],
}

/// Two keys that passed T1, T2 and T4 to T7.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    ek: EkPublic,
    ek_identity: EkIdentity,
    ak_name: Vec<u8>,
    ak_spki: Vec<u8>,
    qualified_name: Vec<u8>,
    parent_name: Vec<u8>,
}

/// T1, T2 and T4 to T7, at the registrar's own time (Unix milliseconds).
pub fn judge(
    submission: &Submission<'_>,
    roots: &EkRoots,
    now_ms: u64,
) -> Result<Candidate, EnrolError> {
    let ek = EkPublic::parse(submission.ek_public)?;
    let ak = AttestationKey::parse(submission.ak_public)?;
    let ek_identity = roots.verify(&submission.ek_certificates, &ek, now_ms)?;
    let Submission { creation_attest, creation_signature, creation_data, .. } = submission;
    let created = creation::judge(&ak, creation_attest, creation_signature, creation_data)?;
    Ok(Candidate {
        ek,
        ek_identity,
        ak_name: ak.name().to_vec(),
        ak_spki: ak.spki_der()?,
        qualified_name: created.qualified_name,
        parent_name: created.parent_name,
    })
}

impl Candidate {
    /// The endorsement key.
    pub fn ek(&self) -> &EkPublic {
        &self.ek
    }

    /// What the endorsement key's certificates say of the TPM.
    pub fn ek_identity(&self) -> &EkIdentity {
        &self.ek_identity
    }

    /// The attestation key's TPM name.
    pub fn ak_name(&self) -> &[u8] {
        &self.ak_name
    }

    /// The attestation key as SubjectPublicKeyInfo, DER.
    pub fn ak_spki(&self) -> &[u8] {
        &self.ak_spki
    }

    /// The attestation key's qualified name (T16).
    pub fn qualified_name(&self) -> &[u8] {
        &self.qualified_name
    }

    /// Name of the attestation key's parent, or its hierarchy's handle.
    pub fn parent_name(&self) -> &[u8] {
        &self.parent_name
    }
}
