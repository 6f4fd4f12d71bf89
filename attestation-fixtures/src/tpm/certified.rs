//! Certificates of attestation keys under a root of their own: root, issuer, leaf. The root's
//! private key follows from a published label.

use super::ak::AkKey;
use crate::certificate::{CertificateSpec, Extension, Name, oid};
use crate::keys::Signer;
use crate::pki::PUBLISHED_SEED;
use std::sync::OnceLock;

/// Where in the chain a certificate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AkLevel {
    /// In the policy of those who test.
    Root,
    /// pathLen 0.
    Issuer,
    /// Names the attestation key.
    Leaf,
}

/// The three certificates before they are signed.
#[derive(Debug)]
pub struct AkChain {
    /// Root first.
    pub certificates: [CertificateSpec; 3],
    signers: &'static [Signer; 3],
}

impl AkChain {
    /// A sound chain for a key, valid for a day before and after `now_ms`.
    pub fn new(key: AkKey, now_ms: u64) -> Self {
        let signers = signers();
        let names = ["AK root", "AK issuer", "AK"].map(|common| {
            let text = format!("probity TEST {common}; its private key is public");
            Name(vec![(10, "Probity".to_owned()), (3, text)])
        });
        let now_s = now_ms / 1000;
        let make = |level: usize, curve: &[u8], point: Vec<u8>, rsa, extensions| CertificateSpec {
            version: 2,
            serial: vec![0x40 + level as u8; 16],
            inner_algorithm: oid::ECDSA_SHA384.to_vec(),
            outer_algorithm: oid::ECDSA_SHA384.to_vec(),
            issuer: names[level.saturating_sub(1)].clone(),
            not_before_s: now_s - 86_400,
            not_after_s: now_s + 86_400,
            subject: names[level].clone(),
            curve: curve.to_vec(),
            point,
            rsa,
            unused_bits: 0,
            extensions,
            trailing: Vec::new(),
            signed_by_stranger: false,
        };
        let authority = |length| {
            vec![Extension::basic_constraints(true, length), Extension::key_usage(true, 0x06)]
        };
        let leaf = vec![
            Extension::basic_constraints(false, None),
            Extension::key_usage(true, 0x80),
            Extension::ext_key_usage(oid::AK_CERTIFICATE),
        ];
        let points = [signers[0].point(), signers[1].point(), key.unique()];
        let [root, issuer, subject] = points;
        let rsa = !matches!(key, AkKey::P256(_));
        Self {
            certificates: [
                make(0, oid::SECP384R1, root, false, authority(None)),
                make(1, oid::SECP384R1, issuer, false, authority(Some(0))),
                make(2, oid::PRIME256V1, subject, rsa, leaf),
            ],
            signers,
        }
    }

    /// The root, DER.
    pub fn root_der(&self) -> Vec<u8> {
        self.certificates[0].sign(&self.signers[0])
    }

    /// Leaf and issuer, DER, as evidence carries them.
    pub fn chain(&self) -> Vec<Vec<u8>> {
        let signer = |level: usize| match self.certificates[level].signed_by_stranger {
            true => &self.signers[2],
            false => &self.signers[level - 1],
        };
        vec![self.certificates[2].sign(signer(2)), self.certificates[1].sign(signer(1))]
    }

    /// One certificate.
    pub fn at(&mut self, level: AkLevel) -> &mut CertificateSpec {
        &mut self.certificates[level as usize]
    }
}

/// Root, issuer and stranger, made once a process: what they signed is remembered.
fn signers() -> &'static [Signer; 3] {
    static SIGNERS: OnceLock<[Signer; 3]> = OnceLock::new();
    let derive = |label| Signer::derive(PUBLISHED_SEED, label);
    SIGNERS.get_or_init(|| ["ak root", "ak issuer", "ak stranger"].map(derive))
}
