//! One hostile submission a line, refused by the check that it breaks.

use super::{AKS, EKS, judge};

use attestation_fixtures::tpm::{
    AkKey, CertificateSpec, EkKey, EkLevel, EkPublicSpec, EnrolmentSpec, Extension, PublicSpec,
    alg, attribute, oid,
};

type Change = fn(&mut EnrolmentSpec);

#[test]
fn sound_submissions_of_every_kind_are_taken() {
    for ek in EKS {
        for ak in AKS {
            let spec = EnrolmentSpec::new(ek, ak, super::NOW_MS);
            let candidate = judge(&spec).unwrap_or_else(|error| panic!("{ek:?} {ak:?}: {error}"));
            assert_eq!(candidate.ak_name(), spec.ak_public.name());
            assert_eq!(candidate.ek().name(), ek.name(&spec.ek_public.to_bytes()));
            assert_eq!(candidate.parent_name(), candidate.ek().name());
            let tpm = candidate.ek_identity();
            assert_eq!(tpm.root, "forged");
            assert_eq!(tpm.manufacturer.as_deref(), Some("id:50524F42"));
            assert_eq!(
                (tpm.model.as_deref(), tpm.version.as_deref()),
                (Some("forged"), Some("id:00010002"))
            );
        }
    }
}

#[test]
fn every_hostile_submission_is_refused_by_its_check() {
    for ek in EKS {
        for (check, what, change) in CERTIFICATES.iter().chain(&KEYS).chain(&CREATIONS) {
            let mut spec = EnrolmentSpec::new(ek, AkKey::P256("ak"), super::NOW_MS);
            change(&mut spec);
            let Err(error) = judge(&spec) else { panic!("{ek:?}, {what}: was taken") };
            assert_eq!(error.check(), *check, "{ek:?}, {what}: {error}");
            assert!(
                !error.remedy().is_empty() && error.to_string().contains("expected"),
                "{error}"
            );
        }
    }
}

#[test]
fn no_byte_of_a_submission_is_idle() {
    let spec = EnrolmentSpec::new(EkKey::P256("ek"), AkKey::P256("ak"), super::NOW_MS);
    let roots = super::roots(&spec);
    let sound = spec.files();
    let parts: [fn(&mut attestation_fixtures::tpm::EnrolmentFiles) -> &mut Vec<u8>; 6] = [
        |files| &mut files.ek_certificates[0],
        |files| &mut files.ek_public,
        |files| &mut files.ak_public,
        |files| &mut files.creation_attest,
        |files| &mut files.creation_signature,
        |files| &mut files.creation_data,
    ];
    let judge = |files: &_| enrol::judge(&super::submission(files), &roots, super::NOW_MS);
    assert!(judge(&sound).is_ok());
    for (index, part) in parts.iter().enumerate() {
        let length = part(&mut sound.clone()).len();
        for at in 0..length {
            let mut files = sound.clone();
            part(&mut files)[at] ^= 1;
            assert!(judge(&files).is_err(), "part {index}: byte {at} does not matter");
        }
        // A certificate is signed as a whole: cutting it off at each byte says nothing more.
        for end in (0..length).step_by(if index == 0 { 37 } else { 1 }) {
            let mut files = sound.clone();
            part(&mut files).truncate(end);
            assert!(judge(&files).is_err(), "part {index}: cut at {end}");
        }
    }
}

fn leaf(spec: &mut EnrolmentSpec) -> &mut CertificateSpec {
    spec.chain.at(EkLevel::Leaf)
}

fn issuer(spec: &mut EnrolmentSpec) -> &mut CertificateSpec {
    spec.chain.at(EkLevel::Issuer)
}

const CERTIFICATES: [(&str, &str, Change); 25] = [
    ("T1", "no certificate", |s| s.sent = Some(vec![])),
    ("T1", "nine certificates", |s| {
        s.sent = Some([s.chain.chain(), vec![s.chain.root_der(); 7]].concat())
    }),
    ("T1", "leaf alone under an unknown issuer", |s| s.sent = Some(s.chain.chain()[..1].to_vec())),
    ("T1", "root alone", |s| s.sent = Some(vec![s.chain.root_der()])),
    ("T1", "issuer first", |s| s.sent = Some(s.chain.chain().into_iter().rev().collect())),
    ("T1", "no DER", |s| s.sent = Some(vec![b"-----BEGIN".to_vec()])),
    ("T1", "too long", |s| s.sent = Some(vec![vec![0x30; 4097]])),
    ("T1", "a byte after the certificate", |s| leaf(s).trailing = vec![0]),
    ("T1", "leaf signed by a stranger", |s| leaf(s).signed_by_stranger = true),
    ("T1", "issuer signed by a stranger", |s| issuer(s).signed_by_stranger = true),
    ("T1", "expired leaf", |s| leaf(s).not_after_s = super::NOW_MS / 1000 - 1),
    ("T1", "leaf of the future", |s| leaf(s).not_before_s = super::NOW_MS / 1000 + 1),
    ("T1", "expired issuer", |s| issuer(s).not_after_s = super::NOW_MS / 1000 - 1),
    ("T1", "version 1", |s| leaf(s).version = 0),
    ("T1", "two algorithms", |s| leaf(s).inner_algorithm = oid::ECDSA_SHA256.to_vec()),
    ("T1", "leaf is an authority", |s| {
        leaf(s).extensions[0] = Extension::basic_constraints(true, None)
    }),
    ("T1", "leaf may sign certificates", |s| {
        let bits = if s.ek == EkKey::Rsa2048 { 0x24 } else { 0x0c };
        leaf(s).extensions[1] = Extension::key_usage(true, bits);
    }),
    ("T1", "leaf signs only", |s| leaf(s).extensions[1] = Extension::key_usage(true, 0x80)),
    ("T1", "leaf without key usage", |s| drop(leaf(s).extensions.remove(1))),
    ("T1", "leaf of another purpose", |s| {
        leaf(s).extensions[2] = Extension::ext_key_usage(oid::AK_CERTIFICATE)
    }),
    ("T1", "leaf without purpose", |s| drop(leaf(s).extensions.remove(2))),
    ("T1", "critical names without a directory name", |s| {
        // dNSName "a".
        leaf(s).extensions[3].value = vec![0x30, 0x03, 0x82, 0x01, b'a'];
    }),
    ("T1", "unknown critical extension", |s| {
        let oid = oid::NAME_CONSTRAINTS.to_vec();
        leaf(s).extensions.push(Extension { oid, critical: true, value: vec![0x30, 0] });
    }),
    ("T1", "issuer is none", |s| {
        issuer(s).extensions[0] = Extension::basic_constraints(false, None)
    }),
    ("T1", "issuer may not sign certificates", |s| {
        issuer(s).extensions[1] = Extension::key_usage(true, 0x80)
    }),
];

const KEYS: [(&str, &str, Change); 22] = [
    ("T2", "certificate of another key", |s| {
        let other = match s.ek {
            EkKey::Rsa2048 => return leaf(s).point[100] ^= 1,
            EkKey::P256(_) => EkKey::P256("other"),
            EkKey::P384(_) => EkKey::P384("other"),
        };
        leaf(s).point = other.unique();
    }),
    ("T2", "EK that signs", |s| s.ek_public.attributes |= attribute::SIGN),
    ("T2", "EK that is not restricted", |s| s.ek_public.attributes &= !attribute::RESTRICTED),
    ("T2", "EK that can leave its TPM", |s| s.ek_public.attributes &= !attribute::FIXED_TPM),
    ("T2", "EK that does not decrypt", |s| s.ek_public.attributes &= !attribute::DECRYPT),
    ("T2", "EK with another policy", |s| s.ek_public.policy[0] ^= 1),
    ("T2", "EK without a policy", |s| s.ek_public.policy.clear()),
    ("T2", "EK with another symmetric key", |s| s.ek_public.symmetric[1] = 192),
    ("T2", "EK with another mode", |s| s.ek_public.symmetric[2] = 0x44),
    ("T2", "EK with a scheme", |s| s.ek_public.scheme = alg::RSASSA),
    ("T2", "EK of another size", |s| s.ek_public.size += 1),
    ("T2", "EK with another exponent or kdf", |s| s.ek_public.last[1] = 0x20),
    ("T2", "EK named by SHA-1", |s| s.ek_public.name_alg = alg::SHA1),
    ("T2", "EK that is an HMAC key", |s| s.ek_public.kind = alg::KEYEDHASH),
    ("T2", "bytes after the EK", |s| s.ek_public.trailing = vec![0]),
    ("T2", "EK that is no key", |s| *s.ek_public.unique.last_mut().unwrap() ^= 1),
    ("T4", "bytes after the AK", |s| s.ak_public.trailing = vec![0]),
    ("T4", "AK with reserved attributes", |s| s.ak_public.attributes |= 1),
    ("T5", "AK that is not restricted", |s| s.ak_public.attributes &= !attribute::RESTRICTED),
    ("T5", "AK that decrypts", |s| s.ak_public.attributes |= attribute::DECRYPT),
    ("T6", "AK that signs with SHA-1", |s| s.ak_public.scheme_hash = alg::SHA1),
    ("T6", "AK of 1,024 bits", |s| s.ak_public = PublicSpec::of(AkKey::Rsa1024)),
];

const CREATIONS: [(&str, &str, Change); 14] = [
    ("T7", "another magic", |s| s.creation.magic = 0x4354_47ff),
    ("T7", "a quote", |s| s.creation.kind = 0x8018),
    ("T7", "a certification of another kind", |s| s.creation.kind = 0x8017),
    ("T7", "signed by another key", |s| s.creation.signer = AkKey::P256("other")),
    ("T7", "signed by a key of another kind", |s| s.creation.signer = AkKey::Rsa2048),
    ("T7", "a signature that was altered", |s| s.creation.is_altered = true),
    ("T7", "another key's name", |s| {
        s.creation.object_name = Some(PublicSpec::of(AkKey::P256("other")).name());
    }),
    ("T7", "no name", |s| s.creation.object_name = Some(vec![])),
    ("T7", "another creation", |s| s.creation.creation_hash = Some(vec![7; 32])),
    ("T7", "no creation", |s| s.creation.creation_hash = Some(vec![])),
    ("T7", "another parent than the one that the signer has", |s| {
        let other = EkPublicSpec::of(EkKey::P256("other")).to_bytes();
        s.creation.qualified_signer = Some(EkKey::P256("other").name(&other));
    }),
    ("T7", "bytes after the creation data", |s| s.creation.data_trailing = vec![0]),
    ("T7", "bytes after the attestation", |s| s.creation.attest_trailing = vec![0]),
    ("T7", "a name that is too long", |s| s.creation.parent[0] = vec![0; 67]),
];
