//! A policy that uses every field, with published keys.

use ::rules::{BootConfig, FreshnessPolicy, Limits};
use crypto::SigningKey;
use facts::Millis;
use policy::{
    Anchor, Content, Freshness, Kind, NamedDer, Release, RetiredSigner, RevokedCertificate,
    RevokedRelease, RevokedSigner, Signers, Tpm, Witnesses,
};
use std::collections::BTreeMap;

pub fn key(fill: u8) -> SigningKey {
    SigningKey::from_seed(&[fill; 32].into())
}

pub fn signers(fills: &[u8], threshold: usize) -> Signers {
    let mut keys: Vec<_> = fills.iter().map(|fill| key(*fill).verifying_key()).collect();
    keys.sort_unstable();
    Signers { keys, threshold }
}

pub fn boot_config(rulebook: &str) -> Vec<u8> {
    let config = BootConfig {
        authorities: vec![key(1).verifying_key()],
        threshold: 1,
        freshness_keys: vec![key(1).verifying_key()],
        freshness_threshold: 1,
        rulebook: rulebook.into(),
        freshness: FreshnessPolicy::default(),
        limits: Limits::default(),
    };
    config.to_bytes()
}

pub fn full() -> Content {
    let pcrs = |fill: u8, of: &[u8]| of.iter().map(|one| (*one, [fill + one; 48])).collect();
    let release = |name: &str, kind, pcrs: BTreeMap<u8, policy::Pcr>, to| {
        let from = Millis(1_767_225_600_000);
        Release { name: name.into(), kind, pcrs, from, to }
    };
    let named = |name: &str| NamedDer { name: name.into(), der: vec![0x30, 0x01, 0x00] };
    let mut boot_configs = vec![boot_config("a"), boot_config("b")];
    boot_configs.sort_unstable();
    Content {
        name: "full".into(),
        version: 7,
        issued_at: Millis(1_767_225_600_000),
        expires_at: Millis(1_798_761_600_000),
        signers: signers(&[1, 2, 3], 2),
        kinds: Kind::ALL.to_vec(),
        anchors: vec![Anchor::AwsNitroG1, Anchor::Der(named("test-root"))],
        releases: vec![
            release("1.0", Kind::Nitro, pcrs(0xa0, &[0, 1, 2]), Some(Millis(1_780_000_000_000))),
            release("1.1", Kind::Nitro, pcrs(0xb0, &[0, 1, 2, 8]), None),
            release("host", Kind::NitroTpm, pcrs(0xc0, &[4, 7]), None),
        ],
        revoked_releases: vec![RevokedRelease { name: "1.0".into(), reason: "a flaw".into() }],
        required_pcrs: pcrs(0x10, &[3]),
        boot_configs,
        revoked_certificates: vec![RevokedCertificate { issuer: vec![0x30, 0], serial: vec![9] }],
        revoked_signers: vec![RevokedSigner {
            key: key(8).verifying_key(),
            reason: "leaked".into(),
        }],
        retired_signers: vec![RetiredSigner {
            key: key(9).verifying_key(),
            from: Millis(1_770_000_000_000),
            reason: "rotated".into(),
        }],
        tpm: Tpm {
            ak_names: vec![[&[0, 0x0b], &[7; 32][..]].concat()],
            ak_roots: vec![named("ak")],
            ek_roots: vec![named("ek")],
            pcrs: BTreeMap::from([(4, vec![4; 32]), (7, vec![7; 32])]),
            event_log_required: true,
            boot_pcr: Some(12),
            ..Tpm::default()
        },
        witnesses: Witnesses { keys: vec!["w.example+00000000+BA==".into()], threshold: 1 },
        freshness: Freshness::default(),
        regions: Some(vec!["eu-central-1".into()]),
        required_checks: vec!["P15".into(), "P20".into(), "T25".into()],
    }
}
