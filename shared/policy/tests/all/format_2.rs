//! Format 2: what is known of a TPM's keys and firmware. Its own frozen vector, its rules, and that
//! a policy which needs nothing of it keeps the bytes of format 1.

use crate::support::{full, key};
use policy::{AttestationKey, Content, SignedPolicy, TpmClock, sign};

fn extended() -> Content {
    let mut content = full();
    content.tpm.firmware = Some(vec![0x0001_0002_0003_0004, u64::MAX]);
    content.tpm.dedicated_roots = vec!["ak".into()];
    content.tpm.keys = vec![AttestationKey {
        name: content.tpm.ak_names[0].clone(),
        qualified_name: Some([&[0, 0x0b], &[9; 32][..]].concat()),
        clock: Some(TpmClock { ms: 1_234_567, resets: 7, restarts: u32::MAX }),
    }];
    content
}

/// Freeze anew with PROBITY_FREEZE=1 when the format has got another version.
#[test]
fn the_vector_of_format_2_is_frozen() {
    let made = sign(&extended(), &[key(1), key(3)]).expect("sound");
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/policy-2.cbor");
    if std::env::var_os("PROBITY_FREEZE").is_some() {
        std::fs::write(&path, &made).expect("written");
    }
    let frozen = std::fs::read(path).expect("vectors/policy-2.cbor");
    assert_eq!(crypto::to_hex(&made), crypto::to_hex(&frozen));
    let verified = SignedPolicy::verify(&frozen, None).expect("two of three");
    assert_eq!(*verified.content(), extended());
}

#[test]
fn the_format_is_2_exactly_where_something_needs_it() {
    let format = |content: &Content| content.to_bytes()[2];
    assert_eq!((full().to_bytes()[1], format(&full())), (1, 1));
    assert_eq!(format(&extended()), 2);
    type Change = fn(&mut Content);
    let parts: [Change; 4] = [
        |content| content.tpm.firmware = None,
        |content| content.tpm.dedicated_roots.clear(),
        |content| content.tpm.keys[0].clock = None,
        |content| content.tpm.keys[0].qualified_name = None,
    ];
    for part in parts {
        let mut content = extended();
        part(&mut content);
        let bytes = content.to_bytes();
        assert_eq!(bytes[2], 2);
        assert_eq!(Content::parse_unverified(&bytes), Ok(content));
    }
    // Format 2 that says nothing of its own is a second encoding, and so is 1 with its part.
    for (mut bytes, other) in [(full().to_bytes(), 2), (extended().to_bytes(), 1)] {
        bytes[2] = other;
        let refused = Content::parse_unverified(&bytes).map_err(|error| error.check());
        assert_eq!(refused, Err("Y2"));
    }
    let bytes = full().to_bytes();
    // Key 16 of format 1 begins with an array of 6; key 17 follows it.
    let at = bytes.windows(2).rposition(|pair| pair == [0x10, 0x86]).expect("key 16") + 1;
    let end = bytes.windows(2).rposition(|pair| pair == [0x0c, 0x11]).expect("key 17") + 1;
    let nothing = [0x83, 0xf6, 0x80, 0x80];
    let mut empty = [&bytes[..at], &[0x87], &bytes[at + 1..end], &nothing, &bytes[end..]].concat();
    empty[2] = 2;
    let refused = Content::parse_unverified(&empty).expect_err("nothing new");
    assert!(matches!(refused, policy::PolicyError::NotCanonical { .. }), "{refused:?}");
}

#[test]
fn what_no_key_can_have_is_not_written() {
    type Change = fn(&mut Content);
    let changes: [(&str, Change); 9] = [
        ("tpm firmware", |content| content.tpm.firmware = Some(vec![])),
        ("tpm firmware", |content| content.tpm.firmware = Some(vec![2, 1])),
        ("tpm dedicated root", |content| content.tpm.dedicated_roots[0] = "ek".into()),
        ("tpm dedicated roots", |content| {
            content.tpm.dedicated_roots = vec!["ak".into(), "ak".into()];
        }),
        ("one of the AK names", |content| content.tpm.keys[0].name[5] ^= 1),
        ("a qualified name or a clock", |content| {
            content.tpm.keys[0].clock = None;
            content.tpm.keys[0].qualified_name = None;
        }),
        ("tpm qualified name", |content| content.tpm.keys[0].qualified_name = Some(vec![0, 0x0b])),
        ("tpm keys", |content| content.tpm.keys.push(content.tpm.keys[0].clone())),
        ("nothing where tpm is not accepted", |content| {
            let keys = std::mem::take(&mut content.tpm.keys);
            let boot_pcr = content.tpm.boot_pcr;
            content.tpm = policy::Tpm { boot_pcr, keys, ..policy::Tpm::default() };
            content.kinds.retain(|kind| *kind != policy::Kind::Tpm);
        }),
    ];
    for (expected, change) in changes {
        let mut content = extended();
        change(&mut content);
        let error = content.check().expect_err(expected);
        assert_eq!(error.check(), "Y3");
        assert!(error.to_string().contains(expected), "{expected}: {error}");
        assert!(sign(&content, &[key(1)]).is_err());
    }
}

#[test]
fn every_bit_of_format_2_counts() {
    let bytes = sign(&extended(), &[key(1), key(3)]).expect("sound");
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        assert!(SignedPolicy::verify(&changed, None).is_err(), "byte {at} may change");
        assert!(SignedPolicy::parse(&bytes[..at]).is_err(), "cut at {at}");
    }
}
