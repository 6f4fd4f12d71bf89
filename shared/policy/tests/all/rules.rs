//! What may not be written can neither be signed nor read (Y3).

use crate::support::{boot_config, full, key, signers};
use facts::Millis;
use policy::{Anchor, Content, Kind, NamedDer, RevokedCertificate, SignedPolicy};

/// Refused by the writer and, written by somebody else's tool, by the reader.
fn refused(what: &str, change: impl FnOnce(&mut Content)) {
    let mut content = full();
    change(&mut content);
    let error = content.check().expect_err(what);
    assert_eq!(error.check(), "Y3", "{what}: {error}");
    assert!(!error.remedy().is_empty());
    assert!(policy::sign(&content, &[key(1), key(2)]).is_err(), "{what}");
    let read = Content::parse_unverified(&content.to_bytes()).expect_err(what);
    assert!(["Y2", "Y3"].contains(&read.check()), "{what}: {read}");
}

#[test]
fn a_full_policy_is_sound() {
    let content = full();
    assert_eq!(content.check(), Ok(()));
    let bytes = policy::sign(&content, &[key(1), key(2)]).expect("sound");
    assert_eq!(*SignedPolicy::parse(&bytes).expect("sound").content(), content);
}

#[test]
fn no_register_can_be_zero() {
    for index in 0..3 {
        refused("a release", |c| {
            c.releases[1].pcrs.insert(index, [0; 48]);
        });
    }
    refused("an instance", |c| {
        c.releases[2].pcrs.insert(4, [0; 48]);
    });
    refused("an extra register", |c| {
        c.releases[1].pcrs.insert(8, [0; 48]);
    });
    refused("a required register", |c| {
        c.required_pcrs.insert(3, [0; 48]);
    });
    refused("a TPM's", |c| {
        c.tpm.pcrs.insert(4, vec![0; 32]);
    });
    refused("ff", |c| {
        c.tpm.pcrs.insert(4, vec![0xff; 32]);
    });
}

#[test]
fn releases_name_whole_images() {
    for index in 0..3 {
        refused("an image register", |c| {
            c.releases[1].pcrs.remove(&index);
        });
    }
    refused("PCR16", |c| {
        c.releases[1].pcrs.insert(16, [1; 48]);
    });
    refused("no PCR4 or PCR7", |c| {
        c.releases[2].pcrs = [(0, [1; 48])].into();
    });
    refused("PCR24 of an instance", |c| {
        c.releases[2].pcrs.insert(24, [1; 48]);
    });
    refused("twins", |c| c.releases[1].pcrs = c.releases[0].pcrs.clone());
    refused("a twin that names more", |c| {
        c.releases[1].kind = c.releases[0].kind;
        c.releases[1].pcrs = c.releases[0].pcrs.clone();
        c.releases[1].pcrs.insert(8, [8; 48]);
    });
    refused("order", |c| c.releases.swap(0, 1));
    refused("a name twice", |c| c.releases[1].name = "1.0".into());
    refused("an empty window", |c| c.releases[0].to = Some(c.releases[0].from));
    refused("a TPM's release", |c| c.releases[2].kind = Kind::Tpm);
    refused("a kind that is not accepted", |c| {
        c.kinds = vec![Kind::Nitro, Kind::Tpm];
    });
    refused("no release", |c| {
        c.releases.truncate(2);
    });
    refused("a ghost is revoked", |c| c.revoked_releases[0].name = "0.9".into());
    refused("a required PCR2", |c| {
        c.required_pcrs.insert(2, [1; 48]);
    });
    refused("a required PCR16", |c| {
        c.required_pcrs.insert(16, [1; 48]);
    });
}

#[test]
fn roots_keys_and_times_are_sound() {
    refused("no kinds", |c| c.kinds.clear());
    refused("kinds twice", |c| c.kinds = vec![Kind::Nitro, Kind::Nitro]);
    refused("no root", |c| c.anchors.clear());
    let root = |name: &str, der: Vec<u8>| Anchor::Der(NamedDer { name: name.into(), der });
    refused("no DER", |c| c.anchors = vec![root("x", vec![1])]);
    refused("a root under AWS's name", |c| c.anchors = vec![root("aws-nitro-g1", vec![0x30])]);
    refused("no signer", |c| c.signers = signers(&[], 0));
    refused("threshold 0", |c| c.signers.threshold = 0);
    refused("threshold 4 of 3", |c| c.signers.threshold = 4);
    refused("a signer twice", |c| c.signers.keys[1] = c.signers.keys[0]);
    refused("no time in force", |c| c.expires_at = c.issued_at);
    refused("no name", |c| c.name.clear());
    refused("a name that moves the cursor", |c| c.name = "a\u{1b}[2J".into());
    refused("no boot configuration", |c| c.boot_configs.clear());
    refused("bytes for a boot configuration", |c| c.boot_configs = vec![vec![1, 2, 3]]);
    refused("age", |c| c.freshness.age_ms_max = policy::AGE_MS_MAX + 1);
    refused("lag", |c| c.freshness.lag_ms_max = policy::AGE_MS_MAX + 1);
    refused("skew", |c| c.freshness.skew_ms = policy::SKEW_MS_MAX + 1);
    refused("no region at all", |c| c.regions = Some(vec![]));
}

#[test]
fn revocations_are_sound() {
    refused("no reason", |c| c.revoked_releases[0].reason.clear());
    refused("revoked and retired", |c| c.retired_signers[0].key = c.revoked_signers[0].key);
    let certificate = |issuer: &[u8], serial: &[u8]| {
        let (issuer, serial) = (issuer.to_vec(), serial.to_vec());
        vec![RevokedCertificate { issuer, serial }]
    };
    refused("no issuer", |c| c.revoked_certificates = certificate(&[], &[1]));
    refused("no name", |c| c.revoked_certificates = certificate(&[4], &[1]));
    refused("no serial", |c| c.revoked_certificates = certificate(&[0x30], &[]));
    refused("a leading zero", |c| c.revoked_certificates = certificate(&[0x30], &[0, 1]));
}

#[test]
fn tpm_and_witnesses_are_sound() {
    refused("an AK of SHA-1", |c| c.tpm.ak_names = vec![[&[0, 4], &[7; 20][..]].concat()]);
    refused("no reason to believe a key", |c| {
        c.tpm.ak_names.clear();
        c.tpm.ak_roots.clear();
    });
    refused("no reference value", |c| c.tpm.pcrs.clear());
    refused("two banks", |c| {
        c.tpm.pcrs.insert(5, vec![5; 48]);
    });
    for index in [16, 23, 24] {
        refused("a register that any program resets", |c| {
            c.tpm.pcrs.insert(index, vec![5; 32]);
        });
    }
    for index in [0, 7, 16, 17, 22, 23, 30] {
        refused("a boot register that others write", |c| c.tpm.boot_pcr = Some(index));
    }
    refused("a boot register with a value", |c| {
        c.tpm.pcrs.insert(12, vec![5; 32]);
    });
    refused("two configurations and no register", |c| c.tpm.boot_pcr = None);
    refused("demands of a TPM that is not accepted", |c| {
        c.kinds = vec![Kind::Nitro, Kind::NitroTpm];
    });
    refused("threshold 0 of witnesses", |c| c.witnesses.threshold = 0);
    refused("threshold 2 of 1", |c| c.witnesses.threshold = 2);
    refused("threshold 2 of two keys of one name", |c| {
        let other = c.witnesses.keys[0].replace('+', "+0");
        c.witnesses.keys.insert(0, other);
        c.witnesses.threshold = 2;
    });
    refused("P20 without witnesses", |c| {
        c.witnesses.keys.clear();
        c.witnesses.threshold = 0;
    });
    for name in ["P9", "P0", "P23", "N43", "T35", "T07", "Q1", "P", "P1 ", "Y1", ""] {
        refused(name, |c| c.required_checks = vec![name.into()]);
    }
    refused("order of checks", |c| c.required_checks.swap(0, 1));
}

#[test]
fn lists_have_limits() {
    let count = policy::RELEASES_MAX + 1;
    refused("releases", |c| {
        let one = c.releases[0].clone();
        c.revoked_releases.clear();
        c.kinds = Kind::ALL.to_vec();
        c.releases = (0..count)
            .map(|number| {
                let mut release = one.clone();
                release.name = format!("{number:04}");
                release.pcrs.insert(8, [(number % 200) as u8 + 1; 48]);
                release.pcrs.insert(9, [(number / 200) as u8 + 1; 48]);
                release
            })
            .collect();
    });
    refused("boot configurations", |c| {
        let names = (0..=policy::BOOT_CONFIGS_MAX).map(|number| boot_config(&format!("{number}")));
        c.boot_configs = names.collect();
        c.boot_configs.sort_unstable();
    });
    refused("a time beyond all time", |c| c.expires_at = Millis(0));
}
