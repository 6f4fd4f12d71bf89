//! Limits on their edge and one beyond (Y1, Y3), and what a refusal says of itself.

use crate::support::{full, key};
use facts::Millis;
use policy::{
    Content, ISSUER_BYTES_MAX, Kind, NAME_BYTES_MAX, NamedDer, POLICY_BYTES_MAX, PolicyError,
    ROOT_BYTES_MAX, RevokedCertificate, SERIAL_BYTES_MAX, SignedPolicy,
};
use std::collections::BTreeSet;

fn verdict(change: impl FnOnce(&mut Content)) -> Result<(), String> {
    let mut content = full();
    change(&mut content);
    content.check().map_err(|error| {
        assert_eq!(error.check(), "Y3", "{error}");
        error.to_string()
    })
}

fn accepted(what: &str, change: impl FnOnce(&mut Content)) {
    assert_eq!(verdict(change), Ok(()), "{what}");
}

fn refused(says: &str, change: impl FnOnce(&mut Content)) {
    let refusal = verdict(change).expect_err(says);
    assert!(refusal.contains(says), "{refusal} without {says:?}");
}

#[test]
fn names_have_1_to_128_bytes_and_no_control_character() {
    let named = |bytes: usize| move |c: &mut Content| c.name = "x".repeat(bytes);
    accepted("the longest", named(NAME_BYTES_MAX));
    refused("1 to 128 bytes", named(NAME_BYTES_MAX + 1));
    refused("1 to 128 bytes", named(NAME_BYTES_MAX + 50));
    refused("1 to 128 bytes", named(0));
    refused("control characters", |c| c.name = "a\u{1b}[2J".into());
}

#[test]
fn certificates_and_revocations_have_their_largest_size() {
    let revoked = |issuer: usize, serial: usize| {
        move |c: &mut Content| {
            let (issuer, serial) = (vec![0x30; issuer], vec![1; serial]);
            c.revoked_certificates = vec![RevokedCertificate { issuer, serial }];
        }
    };
    accepted("both at their limit", revoked(ISSUER_BYTES_MAX, SERIAL_BYTES_MAX));
    refused("issuer's name", revoked(ISSUER_BYTES_MAX + 1, 1));
    refused("issuer's name", revoked(ISSUER_BYTES_MAX * 2, 1));
    refused("serial number", revoked(2, SERIAL_BYTES_MAX + 1));
    refused("serial number", revoked(2, SERIAL_BYTES_MAX * 2));
    let root = |bytes: usize| {
        move |c: &mut Content| {
            c.tpm.ak_roots = vec![NamedDer { name: "ak".into(), der: vec![0x30; bytes] }];
        }
    };
    accepted("the largest root", root(ROOT_BYTES_MAX));
    refused("a certificate in DER", root(ROOT_BYTES_MAX + 1));
    refused("a certificate in DER", root(ROOT_BYTES_MAX * 2));
}

#[test]
fn a_release_ends_with_its_kinds_last_register() {
    let with = |release: usize, index: u8| {
        move |c: &mut Content| {
            let _ = c.releases[release].pcrs.insert(index, [1; 48]);
        }
    };
    accepted("an enclave's last", with(1, 31));
    refused("PCR0 to PCR31", with(1, 32));
    accepted("an instance's last", with(2, 22));
    refused("PCR0 to PCR22", with(2, 23));
    refused("PCR0 to PCR22", with(2, 31));
}

#[test]
fn the_boot_register_is_no_instances_reference_value() {
    accepted("an enclave's PCR12 is another machine's", |c| {
        c.releases[1].pcrs.insert(12, [1; 48]);
    });
    refused("a register without a reference value", |c| {
        c.releases[2].pcrs.insert(12, [1; 48]);
    });
    accepted("without a register there is one configuration", |c| {
        c.tpm.boot_pcr = None;
        c.boot_configs.truncate(1);
    });
    refused("which", |c| c.tpm.boot_pcr = None);
}

#[test]
fn no_witnesses_need_no_threshold() {
    let none = |c: &mut Content| {
        c.witnesses.keys.clear();
        c.required_checks.retain(|name| name != "P20");
    };
    accepted("none of none", |c| {
        none(c);
        c.witnesses.threshold = 0;
    });
    refused("threshold 0", none);
}

#[test]
fn a_policy_of_tpms_alone_has_no_root_of_documents() {
    let tpm_only = |c: &mut Content| {
        c.kinds = vec![Kind::Tpm];
        c.releases.clear();
        c.revoked_releases.clear();
        c.required_pcrs.clear();
        c.regions = None;
        c.anchors.clear();
        c.revoked_certificates.clear();
    };
    accepted("a TPM's", tpm_only);
    refused("none where only tpm", |c| {
        let anchors = c.anchors.clone();
        tpm_only(c);
        c.anchors = anchors;
    });
    refused("at least one root", |c| c.anchors.clear());
}

#[test]
fn the_largest_file_is_looked_at_and_a_larger_one_is_not() {
    let looked_at = SignedPolicy::parse(&vec![0; POLICY_BYTES_MAX]).expect_err("zeros");
    assert!(!matches!(looked_at, PolicyError::TooLarge { .. }), "{looked_at}");
    for found in [POLICY_BYTES_MAX + 1, POLICY_BYTES_MAX * 2] {
        let refusal = SignedPolicy::parse(&vec![0; found]).expect_err("too large");
        assert!(matches!(refusal, PolicyError::TooLarge { found: f, .. } if f == found));
    }
}

#[test]
fn a_file_tells_whose_signatures_it_carries() {
    let bytes = policy::sign(&full(), &[key(1), key(2)]).expect("sound");
    let mut keys = [1, 2].map(|fill| key(fill).verifying_key().to_bytes());
    keys.sort_unstable();
    assert_eq!(SignedPolicy::parse(&bytes).expect("sound").signature_keys(), keys);
    let words = Kind::ALL.map(|kind| kind.to_string());
    assert_eq!(words, ["nitro", "nitrotpm", "tpm"]);
}

#[test]
fn every_check_has_its_own_remedy() {
    let text = String::new;
    let cbor = cbor::Reader::new(&[]).uint().expect_err("nothing there");
    let signature = crypto::CryptoError::Signature { key: text() };
    let (now, issued_at, expires_at) = (Millis(0), Millis(1), Millis(2));
    let all = [
        PolicyError::TooLarge { max: 1, found: 2 },
        PolicyError::Malformed(cbor),
        PolicyError::Content { field: text(), expected: text(), found: text() },
        PolicyError::Signature(signature),
        PolicyError::Pins { needed: 1, found: 0 },
        PolicyError::NotInForce { now, issued_at, expires_at },
        PolicyError::Successor { expected: text(), found: text() },
    ];
    let remedies: BTreeSet<_> = all.iter().map(PolicyError::remedy).collect();
    assert_eq!(remedies.len(), all.len());
    assert!(remedies.iter().all(|remedy| remedy.contains(' ')));
}
