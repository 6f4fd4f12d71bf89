//! The boot record and the key set: one encoding each, and nothing that looks like one.

use crate::{frozen, signer};
use cbor::Writer;
use crypto::Digest;
use facts::Millis;
use proof::{BootRecord, key_set, signer_of_key_set};
use tlog::Checkpoint;

fn record() -> BootRecord {
    BootRecord {
        boot_id: [0xb0; 16],
        boot_config: Digest([0xc0; 32]),
        agent: signer().verifying_key().did_key(),
        booted_at: Millis(1_767_268_800_000),
        previous: Some(Checkpoint { boot_id: [0xaf; 16], size: 300, root: [0xcc; 32] }),
        confinement: vec![],
    }
}

#[test]
fn a_boot_record_with_and_without_a_boot_before_is_read_and_written_again() {
    for previous in [None, record().previous] {
        let record = BootRecord { previous, ..record() };
        assert_eq!(BootRecord::parse(&record.to_bytes()), Ok(record));
    }
}

#[test]
fn another_version_of_the_boot_record_is_refused() {
    let mut bytes = record().to_bytes();
    assert_eq!(bytes[..3], [0xa6, 0x01, 0x01]);
    for version in [0, 2, 3] {
        bytes[2] = version;
        let refusal = BootRecord::parse(&bytes).unwrap_err().to_string();
        assert!(refusal.contains("1 of six fields or 2 of seven"), "{refusal}");
    }
    // Version 3 of eight fields, and 0 of five.
    for (fields, version) in [(0xa8, 3), (0xa5, 0), (0xa4, 0)] {
        (bytes[0], bytes[2]) = (fields, version);
        let refusal = BootRecord::parse(&bytes).unwrap_err().to_string();
        assert!(refusal.contains("1 of six fields or 2 of seven"), "{refusal}");
    }
}

fn held(confinement: &[u64]) -> BootRecord {
    BootRecord { confinement: confinement.to_vec(), ..record() }
}

#[test]
fn what_holds_the_process_makes_a_record_of_version_2() {
    let most: Vec<u64> = (0..64).collect();
    for confinement in [&[0][..], &[2, 3, 5, 6, 7], &[255, 256, u64::MAX], &most] {
        let bytes = held(confinement).to_bytes();
        assert_eq!(bytes[..3], [0xa7, 0x01, 0x02]);
        assert_eq!(BootRecord::parse(&bytes), Ok(held(confinement)));
        assert_ne!(held(confinement).hash(), record().hash());
        for end in 0..bytes.len() {
            assert!(BootRecord::parse(&bytes[..end]).is_err(), "{end}");
        }
    }
    // The first six fields of both versions are the same bytes.
    let (first, second) = (record().to_bytes(), held(&[2, 7]).to_bytes());
    assert_eq!(first[3..], second[3..first.len()]);
    assert_eq!(second[first.len()..], [0x07, 0x82, 0x02, 0x07]);
}

#[test]
fn a_confinement_has_one_order_and_a_length() {
    let more: Vec<u64> = (0..65).collect();
    for confinement in [&[7, 2][..], &[2, 2], &[2, 7, 7], &more] {
        assert!(BootRecord::parse(&held(confinement).to_bytes()).is_err(), "{confinement:?}");
    }
    // An empty list is version 1, and nothing else.
    let mut bytes = record().to_bytes();
    (bytes[0], bytes[2]) = (0xa7, 0x02);
    bytes.extend([0x07, 0x80]);
    let refusal = BootRecord::parse(&bytes).unwrap_err().to_string();
    assert!(refusal.contains("its one encoding"), "{refusal}");
    // Each version with the other's number of fields.
    let mut bytes = held(&[2]).to_bytes();
    bytes[2] = 1;
    assert!(BootRecord::parse(&bytes).is_err());
}

#[test]
fn no_byte_of_a_boot_record_is_missing_or_too_many() {
    let bytes = record().to_bytes();
    for end in 0..bytes.len() {
        assert!(BootRecord::parse(&bytes[..end]).is_err(), "{end}");
    }
    assert!(BootRecord::parse(&[&bytes[..], &[0]].concat()).is_err());
    let hash = record().hash();
    assert_ne!(hash, BootRecord { previous: None, ..record() }.hash());
    assert_eq!(hash, record().hash());
}

/// A key set of the pairs given, and of further keys after the first.
fn set(pairs: &[(i64, i64)], label: i64, further: usize) -> Vec<u8> {
    let mut w = Writer::new();
    w.array(1 + further).map(pairs.len() + 1);
    for (key, value) in pairs {
        w.int(*key).int(*value);
    }
    w.int(label).bytes(&[9; 32]);
    for _ in 0..further {
        w.map(1).uint(1).uint(4);
    }
    w.finish()
}

#[test]
fn the_first_key_of_a_set_is_the_signer() {
    let known = [(1, 1), (3, -8), (-1, 6)];
    for further in 0..3 {
        assert_eq!(signer_of_key_set(&set(&known, -2, further)), Ok([9; 32]));
    }
    let key = signer().verifying_key();
    assert_eq!(signer_of_key_set(&key_set(&key)), Ok(key.to_bytes()));
    for (place, pair) in
        [(0, (1, 2)), (0, (2, 1)), (1, (3, 8)), (1, (3, -7)), (2, (1, 6)), (2, (-1, 4))]
    {
        let mut other = known;
        other[place] = pair;
        assert!(signer_of_key_set(&set(&other, -2, 0)).is_err(), "{pair:?}");
    }
    for label in [2, -3, -1] {
        let refusal = signer_of_key_set(&set(&known, label, 0)).unwrap_err();
        assert!(refusal.to_string().contains("-2"), "{refusal}");
    }
}

#[test]
fn a_key_set_has_a_key_and_nothing_after_it() {
    assert!(signer_of_key_set(&[]).is_err());
    assert!(signer_of_key_set(&[0x80]).unwrap_err().to_string().contains("a key"));
    let bytes = frozen("key_set");
    for end in 0..bytes.len() {
        assert!(signer_of_key_set(&bytes[..end]).is_err(), "{end}");
    }
    assert!(signer_of_key_set(&[&bytes[..], &[0]].concat()).is_err());
}

#[test]
fn a_key_set_of_1024_bytes_is_read_and_a_longer_one_is_not() {
    let with = |bytes: usize| {
        let first = &frozen("key_set")[1..];
        let filler = bytes - 1 - first.len() - 3;
        let mut w = Writer::new();
        w.array(2).raw(first).bytes(&vec![0; filler]);
        w.finish()
    };
    assert_eq!(with(1024).len(), 1024);
    assert_eq!(signer_of_key_set(&with(1024)), Ok(signer().verifying_key().to_bytes()));
    assert_eq!(with(1025).len(), 1025);
    let refusal = signer_of_key_set(&with(1025)).unwrap_err();
    assert!(refusal.to_string().contains("1,024 bytes"), "{refusal}");
}
