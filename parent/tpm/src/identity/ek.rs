//! The endorsement key: its certificate in the TPM's NV memory, the key by the TCG's template (EK
//! Credential Profile 2.5, B.3 and B.4), and the activation of a credential. It must never use an
//! endorsement key for anything else.

use crate::error::Error;
use crate::limits::{CERTIFICATE_BYTES_MAX, CHAIN_MAX};
use crate::tpm::Tpm;
use serde::{Deserialize, Serialize};
use tss_esapi::Context;
use tss_esapi::abstraction::{AsymmetricAlgorithmSelection, nv};
use tss_esapi::constants::SessionType;
use tss_esapi::handles::{
    AuthHandle, KeyHandle, NvIndexTpmHandle, ObjectHandle, SessionHandle, TpmHandle,
};
use tss_esapi::interface_types::algorithm::HashingAlgorithm;
use tss_esapi::interface_types::ecc::EccCurve;
use tss_esapi::interface_types::key_bits::RsaKeyBits;
use tss_esapi::interface_types::resource_handles::NvAuth;
use tss_esapi::interface_types::session_handles::{AuthSession, PolicySession};
use tss_esapi::structures::{EncryptedSecret, IdObject, SymmetricDefinition};
use zeroize::Zeroizing;

/// First index of the certificates above the endorsement key's (EK Credential Profile, 2.2.1.5.2).
const CHAIN_FIRST: u32 = 0x01c0_0100;

/// Kinds of endorsement keys that have a certificate here, in the order of choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum EkType {
    /// RSA-2048, template L-1.
    #[value(name = "rsa-2048")]
    #[serde(rename = "rsa-2048")]
    Rsa2048,
    /// P-256, template L-2.
    #[value(name = "ecc-p256")]
    #[serde(rename = "ecc-p256")]
    EccP256,
    /// P-384, template H-3.
    #[value(name = "ecc-p384")]
    #[serde(rename = "ecc-p384")]
    EccP384,
}

impl EkType {
    /// All, in the order of choice.
    pub const ALL: [EkType; 3] = [EkType::Rsa2048, EkType::EccP256, EkType::EccP384];

    /// NV index of its certificate.
    pub fn nv_index(self) -> u32 {
        match self {
            EkType::Rsa2048 => 0x01c0_0002,
            EkType::EccP256 => 0x01c0_000a,
            EkType::EccP384 => 0x01c0_0016,
        }
    }

    /// As the TSS names it.
    pub fn algorithm(self) -> AsymmetricAlgorithmSelection {
        match self {
            EkType::Rsa2048 => AsymmetricAlgorithmSelection::Rsa(RsaKeyBits::Rsa2048),
            EkType::EccP256 => AsymmetricAlgorithmSelection::Ecc(EccCurve::NistP256),
            EkType::EccP384 => AsymmetricAlgorithmSelection::Ecc(EccCurve::NistP384),
        }
    }

    fn hash(self) -> HashingAlgorithm {
        match self {
            EkType::Rsa2048 | EkType::EccP256 => HashingAlgorithm::Sha256,
            EkType::EccP384 => HashingAlgorithm::Sha384,
        }
    }

    /// Whether its template lets the empty password in place of the policy.
    fn takes_password(self) -> bool {
        matches!(self, EkType::EccP384)
    }
}

/// The first kind that has a certificate; RSA-2048, which every TPM has, when none has.
pub fn choose(tpm: &mut Tpm) -> Result<EkType, Error> {
    for kind in EkType::ALL {
        if tpm.handles(kind.nv_index())?.contains(&kind.nv_index()) {
            return Ok(kind);
        }
    }
    Ok(EkType::Rsa2048)
}

/// The key's certificate, then those above it that the TPM keeps, in DER.
pub fn certificates(tpm: &mut Tpm, kind: EkType) -> Result<Vec<Vec<u8>>, Error> {
    let index = kind.nv_index();
    let listed = tpm.handles(index)?;
    if !listed.contains(&index) {
        return Err(Error::NoEkCertificate { looked: format!("{index:#010x}") });
    }
    let mut found = vec![read(tpm, index)?];
    let above = tpm.handles(CHAIN_FIRST)?;
    for index in (CHAIN_FIRST..).take(CHAIN_MAX - 1) {
        if !above.contains(&index) {
            break;
        }
        found.extend(split(&read(tpm, index)?));
    }
    found.truncate(CHAIN_MAX);
    Ok(found)
}

/// The public area of the key, TPMT_PUBLIC.
pub fn public(tpm: &mut Tpm, kind: EkType) -> Result<Vec<u8>, Error> {
    use tss_esapi::traits::Marshall as _;
    tpm.call("the endorsement key", |context| {
        super::with_ek(context, kind, |context, key| context.read_public(key)?.0.marshall())
    })
}

/// TPM2_ActivateCredential: the secret that a registrar hid for this very attestation key in this
/// very TPM.
pub fn activate(
    tpm: &mut Tpm,
    (kind, ak): (EkType, u32),
    (credential_blob, encrypted_secret): (&[u8], &[u8]),
) -> Result<Zeroizing<Vec<u8>>, Error> {
    let ak = tpm.key(ak)?;
    tpm.call("TPM2_ActivateCredential", |context| {
        let blob = IdObject::try_from(credential_blob)?;
        let secret = EncryptedSecret::try_from(encrypted_secret)?;
        super::with_ek(context, kind, |context, ek| {
            activate_under(context, (ek, kind), ak, blob, secret)
        })
    })
}

fn activate_under(
    context: &mut Context,
    (ek, kind): (KeyHandle, EkType),
    ak: KeyHandle,
    blob: IdObject,
    secret: EncryptedSecret,
) -> tss_esapi::Result<Zeroizing<Vec<u8>>> {
    let password = Some(AuthSession::Password);
    if kind.takes_password() {
        return context.execute_with_sessions((password, password, None), |context| {
            let found = context.activate_credential(ak, ek, blob, secret)?;
            Ok(Zeroizing::new(found.value().to_vec()))
        });
    }
    let session = context.execute_without_session(|context| {
        let (policy, cipher) = (SessionType::Policy, SymmetricDefinition::AES_128_CFB);
        context.start_auth_session(None, None, None, policy, cipher, kind.hash())
    })?;
    let session = session
        .ok_or(tss_esapi::Error::WrapperError(tss_esapi::WrapperErrorKind::WrongValueFromTpm))?;
    let attempt = || -> tss_esapi::Result<Zeroizing<Vec<u8>>> {
        let policy = PolicySession::try_from(session)?;
        context.execute_with_session(password, |context| {
            let none = (Default::default(), Default::default(), Default::default());
            context.policy_secret(policy, AuthHandle::Endorsement, none.0, none.1, none.2, None)
        })?;
        let sessions = (password, Some(session), None);
        let found = context.execute_with_sessions(sessions, |context| {
            context.activate_credential(ak, ek, blob, secret)
        })?;
        Ok(Zeroizing::new(found.value().to_vec()))
    };
    let activated = attempt();
    // A policy session ends with its use; one whose use failed is still there.
    let left = ObjectHandle::from(SessionHandle::from(session));
    context.flush_context(left).ok();
    activated
}

fn read(tpm: &mut Tpm, index: u32) -> Result<Vec<u8>, Error> {
    let bytes = tpm.call("TPM2_NV_Read", |context| {
        let index = NvIndexTpmHandle::new(index)?;
        let handle = context.execute_without_session(|context| {
            context.tr_from_tpm_public(TpmHandle::NvIndex(index))
        })?;
        context.execute_with_nullauth_session(|context| {
            nv::read_full(context, NvAuth::NvIndex(handle.into()), index)
        })
    })?;
    let what = || format!("the certificate at NV index {index:#010x}");
    match split(&bytes).into_iter().next() {
        Some(first) if first.len() <= CERTIFICATE_BYTES_MAX => Ok(bytes_of_chain(bytes, first)),
        Some(first) => {
            let response = format!("{} bytes, at most {CERTIFICATE_BYTES_MAX}", first.len());
            Err(Error::Refused { what: what(), response })
        }
        None => Err(Error::Refused { what: what(), response: "it is not DER".into() }),
    }
}

/// An index of the chain may hold several certificates; the key's own holds one, and padding.
fn bytes_of_chain(bytes: Vec<u8>, first: Vec<u8>) -> Vec<u8> {
    match split(&bytes).len() {
        1 => first,
        _ => bytes,
    }
}

/// Whole DER sequences in a row; what follows them is padding.
fn split(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    while let Some(length) = sequence_length(bytes) {
        let (one, rest) = bytes.split_at(length);
        found.push(one.to_vec());
        bytes = rest;
    }
    found
}

/// Length of the DER sequence that bytes begin with, when it is there whole.
fn sequence_length(bytes: &[u8]) -> Option<usize> {
    let [0x30, first, rest @ ..] = bytes else { return None };
    let (head, length) = match first {
        0..=0x7f => (2, usize::from(*first)),
        0x81 => (3, usize::from(*rest.first()?)),
        0x82 => (4, usize::from(u16::from_be_bytes([*rest.first()?, *rest.get(1)?]))),
        _ => return None,
    };
    let whole = head + length;
    (whole <= bytes.len() && length > 0).then_some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_told_from_padding() {
        let one = [0x30, 3, 1, 2, 3];
        let padded = [&one[..], &[0xff; 9]].concat();
        assert_eq!(split(&padded), [one.to_vec()]);
        assert_eq!(split(&[one, one].concat()).len(), 2);
        let long = [&[0x30, 0x82, 1, 0][..], &[7; 256]].concat();
        assert_eq!(split(&long).concat(), long);
        for length in 0..long.len() {
            assert!(split(&long[..length]).is_empty(), "{length}");
        }
        assert!(split(&[0x30, 0x80, 0, 0]).is_empty());
    }
}
