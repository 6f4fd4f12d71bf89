//! Enrolments forged without a TPM: an endorsement key with its certificates, an attestation key
//! and what TPM2_CertifyCreation says of it, each from a list of parts, right or wrong. The keys
//! are published; none must ever protect anything.

use super::ak::{AkKey, PublicSpec};
use super::enrol_model::EkKey;
use super::{alg, sha256, sized};
use crate::certificate::{CertificateSpec, Extension, Name, oid};
use crate::der;
use crate::keys::Signer;
use crate::pki::PUBLISHED_SEED;
use std::sync::OnceLock;

/// The parts of an endorsement key's TPMT_PUBLIC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EkPublicSpec {
    /// TPMI_ALG_PUBLIC.
    pub kind: u16,
    /// Hash of the name.
    pub name_alg: u16,
    /// TPMA_OBJECT.
    pub attributes: u32,
    /// authPolicy.
    pub policy: Vec<u8>,
    /// Algorithm, bits and mode.
    pub symmetric: [u16; 3],
    /// None, for a key that decrypts.
    pub scheme: u16,
    /// Bits of an RSA key, or TPMI_ECC_CURVE.
    pub size: u16,
    /// An RSA key's exponent in four bytes, or a curve's kdf in two.
    pub last: Vec<u8>,
    /// The modulus, or the uncompressed point.
    pub unique: Vec<u8>,
    /// Bytes after the structure.
    pub trailing: Vec<u8>,
}

impl EkPublicSpec {
    /// As the TCG's template has it.
    pub fn of(key: EkKey) -> Self {
        let low = |kind, size, last: &[u8]| Self {
            kind,
            name_alg: alg::SHA256,
            attributes: 0x0003_00b2,
            policy: POLICY_A.to_vec(),
            symmetric: [ALG_AES, 128, ALG_CFB],
            scheme: alg::NULL,
            size,
            last: last.to_vec(),
            unique: key.unique(),
            trailing: Vec::new(),
        };
        match key {
            EkKey::Rsa2048 => low(alg::RSA, 2048, &[0; 4]),
            EkKey::P256(_) => low(alg::ECC, 3, &alg::NULL.to_be_bytes()),
            EkKey::P384(_) => Self {
                name_alg: alg::SHA384,
                attributes: 0x0003_00f2,
                policy: POLICY_B.to_vec(),
                symmetric: [ALG_AES, 256, ALG_CFB],
                ..low(alg::ECC, 4, &alg::NULL.to_be_bytes())
            },
        }
    }

    /// The encoded structure.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = [self.kind.to_be_bytes(), self.name_alg.to_be_bytes()].concat();
        out.extend(self.attributes.to_be_bytes());
        out.extend(sized(&self.policy));
        let words = [&self.symmetric[..], &[self.scheme, self.size]].concat();
        words.iter().for_each(|word| out.extend(word.to_be_bytes()));
        out.extend_from_slice(&self.last);
        match self.kind {
            alg::ECC => {
                let half = self.unique.len() / 2;
                out.extend(sized(&self.unique[1..=half]));
                out.extend(sized(&self.unique[half + 1..]));
            }
            _ => out.extend(sized(&self.unique)),
        }
        out.extend_from_slice(&self.trailing);
        out
    }
}

/// Where in an endorsement key's chain a certificate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EkLevel {
    /// In the registrar's list.
    Root,
    /// pathLen 0.
    Issuer,
    /// Names the endorsement key.
    Leaf,
}

/// The three certificates before they are signed.
#[derive(Debug)]
pub struct EkChain {
    /// Root first.
    pub certificates: [CertificateSpec; 3],
    signers: &'static [Signer; 3],
}

impl EkChain {
    /// A sound chain, valid for a day before and after `now_ms`.
    pub fn new(key: EkKey, now_ms: u64) -> Self {
        let signers = signers();
        let named = |common: &str| {
            let text = format!("probity TEST {common}; its private key is public");
            Name(vec![(10, "Probity".to_owned()), (3, text)])
        };
        // The leaf's subject is empty, as vendors leave it: the directory name says what it is.
        let names = [named("TPM root"), named("TPM issuer"), Name(Vec::new())];
        let now_s = now_ms / 1000;
        let make = |level: usize, curve: &[u8], point: Vec<u8>, rsa, extensions| CertificateSpec {
            version: 2,
            serial: vec![0x50 + level as u8; 16],
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
        let (usage, curve, is_rsa) = match key {
            EkKey::Rsa2048 => (0x20, oid::PRIME256V1, true),
            EkKey::P256(_) => (0x08, oid::PRIME256V1, false),
            EkKey::P384(_) => (0x08, oid::SECP384R1, false),
        };
        let leaf = vec![
            Extension::basic_constraints(false, None),
            Extension::key_usage(true, usage),
            Extension::ext_key_usage(oid::EK_CERTIFICATE),
            tpm_name(),
        ];
        let points = [signers[0].point(), signers[1].point(), key.unique()];
        let [root, issuer, subject] = points;
        Self {
            certificates: [
                make(0, oid::SECP384R1, root, false, authority(None)),
                make(1, oid::SECP384R1, issuer, false, authority(Some(0))),
                make(2, curve, subject, is_rsa, leaf),
            ],
            signers,
        }
    }

    /// The root, DER.
    pub fn root_der(&self) -> Vec<u8> {
        self.certificates[0].sign(&self.signers[0])
    }

    /// Leaf and issuer, DER.
    pub fn chain(&self) -> Vec<Vec<u8>> {
        let signer = |level: usize| match self.certificates[level].signed_by_stranger {
            true => &self.signers[2],
            false => &self.signers[level - 1],
        };
        vec![self.certificates[2].sign(signer(2)), self.certificates[1].sign(signer(1))]
    }

    /// One certificate.
    pub fn at(&mut self, level: EkLevel) -> &mut CertificateSpec {
        &mut self.certificates[level as usize]
    }
}

/// subjectAltName, critical: manufacturer, model and version in a directory name.
fn tpm_name() -> Extension {
    let parts: Vec<Vec<u8>> = [(1, "id:50524F42"), (2, "forged"), (3, "id:00010002")]
        .into_iter()
        .map(|(last, text)| {
            let kind = der::object(&[0x67, 0x81, 0x05, 0x02, last]);
            der::tlv(0x31, &der::sequence(&[kind, der::tlv(0x0c, text.as_bytes())]))
        })
        .collect();
    let value = der::sequence(&[der::tlv(0xa4, &der::sequence(&parts))]);
    Extension { oid: SUBJECT_ALT_NAME.to_vec(), critical: true, value }
}

/// Root, issuer and stranger, made once a process: what they signed is remembered.
fn signers() -> &'static [Signer; 3] {
    static SIGNERS: OnceLock<[Signer; 3]> = OnceLock::new();
    let derive = |label| Signer::derive(PUBLISHED_SEED, label);
    SIGNERS.get_or_init(|| ["ek root", "ek issuer", "ek stranger"].map(derive))
}

/// What TPM2_CertifyCreation says; what is absent is computed as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreationSpec {
    /// TPM_GENERATED.
    pub magic: u32,
    /// TPMI_ST_ATTEST.
    pub kind: u16,
    /// Who signs.
    pub signer: AkKey,
    /// The parent's name and qualified name in the creation data.
    pub parent: [Vec<u8>; 2],
    /// Qualified name of the signer.
    pub qualified_signer: Option<Vec<u8>>,
    /// Name of the certified key.
    pub object_name: Option<Vec<u8>>,
    /// Hash of the creation data.
    pub creation_hash: Option<Vec<u8>>,
    /// Bytes after TPMS_CREATION_DATA, hashed with it.
    pub data_trailing: Vec<u8>,
    /// Bytes after TPMS_ATTEST, signed with it.
    pub attest_trailing: Vec<u8>,
    /// A bit of the signature is another.
    pub is_altered: bool,
}

/// A whole enrolment.
#[derive(Debug)]
pub struct EnrolmentSpec {
    /// The endorsement key.
    pub ek: EkKey,
    /// Its public area.
    pub ek_public: EkPublicSpec,
    /// Its certificates.
    pub chain: EkChain,
    /// Bytes in place of the certificates that are sent.
    pub sent: Option<Vec<Vec<u8>>>,
    /// The attestation key.
    pub ak: AkKey,
    /// Its public area.
    pub ak_public: PublicSpec,
    /// Its creation.
    pub creation: CreationSpec,
}

/// An enrolment's structures as a device sends them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrolmentFiles {
    /// DER, leaf first.
    pub ek_certificates: Vec<Vec<u8>>,
    /// TPMT_PUBLIC.
    pub ek_public: Vec<u8>,
    /// TPMT_PUBLIC.
    pub ak_public: Vec<u8>,
    /// TPMS_ATTEST.
    pub creation_attest: Vec<u8>,
    /// TPMT_SIGNATURE.
    pub creation_signature: Vec<u8>,
    /// TPMS_CREATION_DATA.
    pub creation_data: Vec<u8>,
}

impl EnrolmentSpec {
    /// A sound enrolment; the attestation key is a child of the endorsement key.
    pub fn new(ek: EkKey, ak: AkKey, now_ms: u64) -> Self {
        let ek_public = EkPublicSpec::of(ek);
        let name = ek.name(&ek_public.to_bytes());
        let qualified = ek.name(&[&RH_ENDORSEMENT.to_be_bytes()[..], &name].concat());
        let creation = CreationSpec {
            magic: 0xff54_4347,
            kind: 0x801a,
            signer: ak,
            parent: [name, qualified],
            qualified_signer: None,
            object_name: None,
            creation_hash: None,
            data_trailing: Vec::new(),
            attest_trailing: Vec::new(),
            is_altered: false,
        };
        let chain = EkChain::new(ek, now_ms);
        Self { ek, ek_public, chain, sent: None, ak, ak_public: PublicSpec::of(ak), creation }
    }

    /// The structures.
    pub fn files(&self) -> EnrolmentFiles {
        let creation_data = self.creation_data();
        let creation_attest = self.attest(&creation_data);
        EnrolmentFiles {
            ek_certificates: self.sent.clone().unwrap_or_else(|| self.chain.chain()),
            ek_public: self.ek_public.to_bytes(),
            ak_public: self.ak_public.to_bytes(),
            creation_signature: self.signature(&creation_attest),
            creation_attest,
            creation_data,
        }
    }

    fn creation_data(&self) -> Vec<u8> {
        let [name, qualified] = &self.creation.parent;
        let mut out = 1_u32.to_be_bytes().to_vec();
        out.extend([&alg::SHA256.to_be_bytes()[..], &[3, 0, 0, 0]].concat());
        out.extend(sized(&sha256(&[])));
        out.push(1);
        out.extend(self.ek_public.name_alg.to_be_bytes());
        out.extend([sized(name), sized(qualified), sized(b"")].concat());
        out.extend_from_slice(&self.creation.data_trailing);
        out
    }

    fn attest(&self, data: &[u8]) -> Vec<u8> {
        let CreationSpec { magic, kind, parent: [_, parent], attest_trailing, .. } = &self.creation;
        let name = self.ak_public.name();
        let qualified = || [&name[..2], &sha256(&[parent, &name])].concat();
        let qualified = self.creation.qualified_signer.clone().unwrap_or_else(qualified);
        let object = self.creation.object_name.clone().unwrap_or_else(|| name.clone());
        let hash = self.creation.creation_hash.clone();
        let hash = hash.unwrap_or_else(|| sha256(&[data]).to_vec());
        let mut out = [&magic.to_be_bytes()[..], &kind.to_be_bytes()].concat();
        out.extend([sized(&qualified), sized(b"")].concat());
        // Clock, resets, restarts, safe, firmware.
        out.extend(86_400_000_u64.to_be_bytes());
        out.extend([0, 0, 0, 7, 0, 0, 0, 2, 1]);
        out.extend(0x0001_0002_0003_0004_u64.to_be_bytes());
        out.extend([sized(&object), sized(&hash)].concat());
        out.extend_from_slice(attest_trailing);
        out
    }

    fn signature(&self, attest: &[u8]) -> Vec<u8> {
        let signer = self.creation.signer;
        let mut raw = signer.sign(alg::SHA256, attest);
        if self.creation.is_altered {
            *raw.last_mut().expect("a signature is not empty") ^= 1;
        }
        let scheme = match signer {
            AkKey::P256(_) => alg::ECDSA,
            AkKey::Rsa2048 | AkKey::Rsa1024 => alg::RSASSA,
        };
        let mut out = [scheme.to_be_bytes(), alg::SHA256.to_be_bytes()].concat();
        match signer {
            AkKey::P256(_) => {
                let (r, s) = raw.split_at(raw.len() / 2);
                out.extend([sized(r), sized(s)].concat());
            }
            AkKey::Rsa2048 | AkKey::Rsa1024 => out.extend(sized(&raw)),
        }
        out
    }
}

const SUBJECT_ALT_NAME: &[u8] = &[0x55, 0x1d, 0x11];
const RH_ENDORSEMENT: u32 = 0x4000_000b;
const ALG_AES: u16 = 0x0006;
const ALG_CFB: u16 = 0x0043;
const POLICY_A: &[u8; 32] = b"\x83\x71\x97\x67\x44\x84\xb3\xf8\x1a\x90\xcc\x8d\x46\xa5\xd7\x24\
    \xfd\x52\xd7\x6e\x06\x52\x0b\x64\xf2\xa1\xda\x1b\x33\x14\x69\xaa";
const POLICY_B: &[u8; 48] = b"\xb2\x6e\x7d\x28\xd1\x1a\x50\xbc\x53\xd8\x82\xbc\xf5\xfd\x3a\x1a\
    \x07\x41\x48\xbb\x35\xd3\xb4\xe4\xcb\x1c\x0a\xd9\xbd\xe4\x19\xca\
    \xcb\x47\xba\x09\x69\x96\x46\x15\x0f\x9f\xc0\x00\xf3\xf8\x0e\x12";
