//! Parts that are enough alone: what a policy may leave out when it has the other.

use crate::support::full;
use policy::{AttestationKey, Content, Kind, Tpm, TpmClock, is_check};
use std::collections::BTreeMap;

fn verdict(change: impl FnOnce(&mut Content)) -> Result<(), String> {
    let mut content = full();
    change(&mut content);
    content.check().map_err(|error| error.to_string())
}

#[test]
fn each_part_of_format_2_alone_asks_for_it() {
    let format = |change: fn(&mut Tpm)| {
        let mut content = full();
        change(&mut content.tpm);
        let bytes = content.to_bytes();
        assert_eq!(Content::parse_unverified(&bytes), Ok(content));
        assert_eq!(bytes[1], 1);
        bytes[2]
    };
    assert_eq!(format(|_| ()), 1);
    assert_eq!(format(|tpm| tpm.firmware = Some(vec![7])), 2);
    assert_eq!(format(|tpm| tpm.dedicated_roots = vec!["ak".into()]), 2);
    let keys = |tpm: &mut Tpm| {
        let clock = Some(TpmClock { ms: 1, resets: 2, restarts: 3 });
        tpm.keys =
            vec![AttestationKey { name: tpm.ak_names[0].clone(), qualified_name: None, clock }];
    };
    assert_eq!(format(keys), 2);
}

/// A policy needs releases of each kind that it accepts, and of no other.
#[test]
fn each_kind_has_its_own_releases() {
    for kind in [Kind::Nitro, Kind::NitroTpm] {
        let only = verdict(|content| {
            content.kinds = vec![kind];
            content.releases.retain(|release| release.kind == kind);
            content.revoked_releases.clear();
            let boot_pcr = (kind == Kind::NitroTpm).then_some(12);
            content.tpm = Tpm { boot_pcr, ..Tpm::default() };
        });
        assert_eq!(only, Ok(()), "{kind}");
        let others = verdict(|content| {
            content.releases.retain(|release| release.kind != kind);
            content.revoked_releases.clear();
        });
        let refusal = others.expect_err("no release of the kind");
        assert!(refusal.contains(&format!("at least one of kind {kind}")), "{refusal}");
    }
}

#[test]
fn an_attestation_key_is_trusted_by_its_name_or_by_a_root() {
    assert_eq!(verdict(|content| content.tpm.ak_roots.clear()), Ok(()));
    assert_eq!(verdict(|content| content.tpm.ak_names.clear()), Ok(()));
    let neither = verdict(|content| {
        content.tpm.ak_roots.clear();
        content.tpm.ak_names.clear();
    });
    let refusal = neither.expect_err("nothing vouches for a key");
    assert!(refusal.contains("evidence cannot name its own key"), "{refusal}");
}

#[test]
fn checks_of_every_letter_may_be_required() {
    let last = BTreeMap::from([('P', 22), ('N', 42), ('T', 34)]);
    for (letter, last) in last {
        let known = |number: u32| is_check(&format!("{letter}{number}"));
        let all: Vec<u32> = (0..100).filter(|number| known(*number)).collect();
        let expected: Vec<u32> = (1..=last).filter(|n| (letter, *n) != ('P', 9)).collect();
        assert_eq!(all, expected, "{letter}");
    }
    for other in ["", "P", "Q1", "p1", "P01", "P1 ", "P+1", "P256", "N٣", "1"] {
        assert!(!is_check(other), "{other:?}");
    }
}
