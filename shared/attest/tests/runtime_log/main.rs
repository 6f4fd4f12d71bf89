//! The runtime log alone: one encoding, named limits, contents that hash to their digests, and the
//! bytes of TPM.md, frozen.
#![allow(clippy::unwrap_used)]

mod frozen;

use attest::AttestError;
use attest::cel::{CONTENT_TYPE, RuntimeEvent, UnverifiedRuntimeLog, write_record};
use attest::tpm::HashAlgorithm::{self, Sha256, Sha384, Sha512};

const BANKS: [HashAlgorithm; 2] = [Sha256, Sha384];

pub(crate) fn start(version: &str) -> [RuntimeEvent; 3] {
    [
        RuntimeEvent::Worker {
            name: "probity-worker".into(),
            version: version.into(),
            sha256: [0x11; 32],
            size: 1_234_567,
        },
        RuntimeEvent::BootConfig(vec![0xa0; 80]),
        RuntimeEvent::Authorities {
            authorities: vec![[1; 32], [2; 32]],
            threshold: 2,
            freshness_keys: vec![[3; 32]],
            freshness_threshold: 1,
        },
    ]
}

pub(crate) fn log(events: &[RuntimeEvent]) -> Vec<u8> {
    let written = events.iter().enumerate();
    written.flat_map(|(at, event)| write_record(at as u64, 14, &BANKS, event).unwrap()).collect()
}

fn refused(log: &[u8]) -> (AttestError, &'static str) {
    let error = UnverifiedRuntimeLog::parse(log).unwrap_err();
    assert!(error.to_string().starts_with(error.check()), "{error}");
    let check = error.check();
    (error, check)
}

#[test]
fn what_is_written_is_read_and_replays() {
    let events = start("1.0");
    let bytes = log(&events);
    let parsed = UnverifiedRuntimeLog::parse(&bytes).unwrap();
    assert_eq!(parsed.register(), 14);
    let read: Vec<_> = parsed.records().iter().map(|one| one.event.clone()).collect();
    assert_eq!(read, events);
    for bank in BANKS {
        let zeros = vec![0; bank.bytes()];
        let mut register = zeros.clone();
        for event in &events {
            register = bank.digest(&[&register, &bank.digest(&[&event.to_bytes()])]);
        }
        assert_eq!(parsed.replay(bank, &zeros).unwrap(), register);
        assert_ne!(parsed.replay(bank, &vec![1; bank.bytes()]).unwrap(), register);
        assert_eq!(events[0].digest(bank), bank.digest(&[&events[0].to_bytes()]));
    }
    // One bank only: the other cannot be replayed.
    let one = write_record(0, 8, &[Sha256, Sha256], &events[0]).unwrap();
    let parsed = UnverifiedRuntimeLog::parse(&one).unwrap();
    assert_eq!(parsed.replay(Sha384, &[0; 48]).unwrap_err().check(), "T26");
}

#[test]
fn every_cut_is_refused() {
    let bytes = log(&start("1.0"));
    let whole: Vec<usize> = {
        let sizes: Vec<usize> =
            start("1.0").iter().map(|one| log(std::slice::from_ref(one)).len()).collect();
        vec![sizes[0], sizes[0] + sizes[1]]
    };
    for length in 0..bytes.len() {
        let parsed = UnverifiedRuntimeLog::parse(&bytes[..length]);
        assert_eq!(parsed.is_ok(), whole.contains(&length), "{length}");
    }
}

#[test]
fn every_changed_byte_is_refused() {
    let bytes = log(&start("1.0"));
    for at in 0..bytes.len() {
        for bit in [1, 0x80] {
            let mut changed = bytes.clone();
            changed[at] ^= bit;
            // The register of the first record alone is bound by nothing in its record.
            let (error, check) = refused(&changed);
            assert!(["T26", "T27"].contains(&check), "{at}: {error}");
        }
    }
}

#[test]
fn records_are_numbered_and_of_one_register() {
    let events = start("1.0");
    let record = |number, register, event: &RuntimeEvent| {
        write_record(number, register, &BANKS, event).unwrap()
    };
    assert_eq!(refused(&[]).1, "T26");
    assert_eq!(refused(&record(1, 14, &events[0])).1, "T26");
    let twice = [record(0, 14, &events[0]), record(0, 14, &events[1])].concat();
    assert_eq!(refused(&twice).1, "T26");
    let two = [record(0, 14, &events[0]), record(1, 15, &events[1])].concat();
    let (error, check) = refused(&two);
    assert_eq!(check, "T26");
    assert!(error.to_string().contains("PCR15"), "{error}");
}

#[test]
fn sixty_four_events_and_not_one_more() {
    let small = RuntimeEvent::BootConfig(vec![1]);
    let write = |count: u64| -> Vec<u8> {
        (0..count).flat_map(|at| write_record(at, 14, &[Sha256], &small).unwrap()).collect()
    };
    let full = write(64);
    assert_eq!(UnverifiedRuntimeLog::parse(&full).unwrap().records().len(), 64);
    assert_eq!(write_record(64, 14, &[Sha256], &small).unwrap_err().check(), "T26");
    let mut more = full.clone();
    let mut last = full[63 * full.len() / 64..].to_vec();
    last[12] = 64;
    more.extend(last);
    let (error, check) = refused(&more);
    assert_eq!((check, error.to_string().contains("found 65")), ("T26", true), "{error}");
    assert_eq!(refused(&vec![0; 8_193]).1, "T26");
}

#[test]
fn the_writer_refuses_what_the_reader_would() {
    let [worker, boot_config, _] = start("1.0");
    let check = |register, banks: &[HashAlgorithm], event: &RuntimeEvent| {
        write_record(0, register, banks, event).map_err(|error| error.check()).err()
    };
    assert_eq!(check(14, &[Sha256], &worker), None);
    assert_eq!(check(7, &[Sha256], &worker), Some("T26"));
    assert_eq!(check(16, &[Sha256], &worker), Some("T26"));
    assert_eq!(check(14, &[], &worker), Some("T26"));
    assert_eq!(check(14, &[Sha512], &worker), Some("T26"));
    assert_eq!(check(14, &[Sha256], &boot_config), None);
    for event in unspeakable() {
        assert_eq!(check(14, &[Sha256], &event), Some("T27"), "{event:?}");
        assert!(RuntimeEvent::parse(&event.to_bytes()).is_err());
    }
}

/// Events that no log may hold.
fn unspeakable() -> Vec<RuntimeEvent> {
    let worker = |name: &str, version: &str| RuntimeEvent::Worker {
        name: name.into(),
        version: version.into(),
        sha256: [0; 32],
        size: 0,
    };
    let keys = |authorities: &[[u8; 32]], threshold, freshness_threshold| {
        let (authorities, freshness_keys) = (authorities.to_vec(), vec![[9; 32]]);
        RuntimeEvent::Authorities { authorities, threshold, freshness_keys, freshness_threshold }
    };
    let seventeen: Vec<[u8; 32]> = (0..17).map(|n| [n; 32]).collect();
    vec![
        worker("", "1"),
        worker("w", ""),
        worker("w\n", "1"),
        worker("w", "\u{1b}[31m"),
        worker(&"w".repeat(129), "1"),
        worker("w", &"1".repeat(65)),
        RuntimeEvent::BootConfig(vec![]),
        RuntimeEvent::BootConfig(vec![0; 4_097]),
        keys(&[], 1, 1),
        keys(&[[1; 32]], 0, 1),
        keys(&[[1; 32]], 2, 1),
        keys(&[[1; 32]], 1, 0),
        keys(&[[1; 32]], 1, 2),
        keys(&[[2; 32], [1; 32]], 1, 1),
        keys(&[[1; 32], [1; 32]], 1, 1),
        keys(&seventeen, 1, 1),
    ]
}

#[test]
fn largest_contents_are_taken() {
    let sixteen: Vec<[u8; 32]> = (0..16).map(|n| [n; 32]).collect();
    for event in [
        RuntimeEvent::BootConfig(vec![7; 4_096]),
        RuntimeEvent::Worker {
            name: "w".repeat(128),
            version: "1".repeat(64),
            sha256: [0xff; 32],
            size: u64::MAX,
        },
        RuntimeEvent::Authorities {
            authorities: sixteen.clone(),
            threshold: 16,
            freshness_keys: sixteen,
            freshness_threshold: 1,
        },
    ] {
        let bytes = write_record(0, 15, &BANKS, &event).unwrap();
        assert_eq!(UnverifiedRuntimeLog::parse(&bytes).unwrap().records()[0].event, event);
    }
}

/// A record of the given parts, digests true.
fn raw(number: u64, register: u8, digests: &[(u8, Vec<u8>)], kind: u8, data: &[u8]) -> Vec<u8> {
    let tlv =
        |kind: u8, value: &[u8]| [&[kind][..], &(value.len() as u32).to_be_bytes(), value].concat();
    let digests: Vec<u8> = digests.iter().flat_map(|(bank, one)| tlv(*bank, one)).collect();
    let parts = [(0, &number.to_be_bytes()[..]), (1, &[register]), (3, &digests), (kind, data)];
    parts.iter().flat_map(|(kind, value)| tlv(*kind, value)).collect()
}

#[test]
fn one_encoding_only() {
    let data = start("1.0")[0].to_bytes();
    let (small, large) = (Sha256.digest(&[&data]), Sha384.digest(&[&data]));
    let both = [(0x0b, small.clone()), (0x0c, large.clone())];
    assert_eq!(raw(0, 14, &both, CONTENT_TYPE, &data), log(&start("1.0")[..1]));
    type Case<'a> = (&'a [(u8, Vec<u8>)], &'a str);
    let cases: [Case<'_>; 7] = [
        (&[], "T26"),
        (&[(0x0c, large.clone()), (0x0b, small.clone())], "T26"),
        (&[(0x0b, small.clone()), (0x0b, small.clone())], "T26"),
        (&[(0x04, vec![0; 20])], "T26"),
        (&[(0x0d, Sha512.digest(&[&data]))], "T26"),
        (&[(0x0b, large.clone())], "T26"),
        (&[(0x0b, small.clone()), (0x0c, vec![0; 48])], "T27"),
    ];
    for (digests, expected) in cases {
        assert_eq!(refused(&raw(0, 14, digests, CONTENT_TYPE, &data)).1, expected, "{digests:?}");
    }
    // Contents of others: a PC Client event, a cloud's.
    for kind in [4, 5, 80, CONTENT_TYPE + 1] {
        assert_eq!(refused(&raw(0, 14, &both, kind, &data)).1, "T26");
    }
    // A recnum of four bytes, a register of four, an NV index in place of the register.
    let good = log(&start("1.0")[..1]);
    let short = [&[0, 0, 0, 0, 4, 0, 0, 0, 0][..], &good[13..]].concat();
    assert_eq!(refused(&short).1, "T26");
    let wide = [&good[..13], &[1, 0, 0, 0, 4, 0, 0, 0, 14], &good[19..]].concat();
    assert_eq!(refused(&wide).1, "T26");
    let mut nv = good.clone();
    nv[13] = 2;
    assert_eq!(refused(&nv).1, "T26");
    // A declared length that no memory has.
    let mut endless = good.clone();
    let at = good.len() - data.len() - 4;
    endless[at..at + 4].copy_from_slice(&u32::MAX.to_be_bytes());
    assert_eq!(refused(&endless).1, "T26");
}

#[test]
fn unknown_kinds_and_other_encodings_refuse() {
    let record = |data: &[u8]| {
        let digests = [(0x0b, Sha256.digest(&[data]))];
        raw(0, 14, &digests, CONTENT_TYPE, data)
    };
    let mut w = cbor::Writer::new();
    w.array(2).text("kernel").uint(1);
    let unknown = w.finish();
    let (error, check) = refused(&record(&unknown));
    assert_eq!((check, error.to_string().contains("kernel")), ("T27", true), "{error}");
    let mut longer = start("1.0")[1].to_bytes();
    longer.push(0);
    let mut counted = start("1.0")[1].to_bytes();
    counted[0] = 0x83;
    let indefinite = [&[0x9f][..], &start("1.0")[1].to_bytes()[1..], &[0xff]].concat();
    for data in [&longer[..], &counted, &indefinite, &[], &[0x80], &[0xf6], &[0x81, 0x60]] {
        assert_eq!(refused(&record(data)).1, "T27", "{data:02x?}");
    }
}
