//! Bounds, first values of registers, and banks: what the real logs and the forge's cases do not
//! reach.

use attest::eventlog::{EventKind, LOG_BYTES_MAX, UnverifiedEventLog};
use attest::tpm::{EVIDENCE_BYTES_MAX, HashAlgorithm, TpmEvidence};
use attestation_fixtures::tpm::{Event, LogSpec, event_type, good_log};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

fn refusal(log: &LogSpec) -> Option<&'static str> {
    UnverifiedEventLog::parse(&log.to_bytes()).err().map(|error| error.check())
}

fn extended(first: [u8; 32], digest: &[u8]) -> Vec<u8> {
    Sha256::digest([&first[..], digest].concat()).to_vec()
}

#[test]
fn a_log_keeps_its_bounds() {
    let small = Event::new(8, event_type::IPL, b"");
    assert_eq!(refusal(&LogSpec::new(vec![small.clone(); 16_384])), None);
    assert_eq!(refusal(&LogSpec::new(vec![small; 16_385])), Some("T26"));
    let large = |bytes: usize| LogSpec::new(vec![Event::new(8, event_type::IPL, &vec![7; bytes])]);
    assert_eq!(refusal(&large(1 << 20)), None);
    assert_eq!(refusal(&large((1 << 20) + 1)), Some("T26"));
    let mut log = good_log();
    let free = LOG_BYTES_MAX as usize - log.to_bytes().len();
    log.trailing = vec![0; free];
    assert_eq!(refusal(&log), None);
    log.trailing.push(0);
    assert_eq!(refusal(&log), Some("T26"));
    let banks = |count: u16| {
        let mut log = LogSpec::new(vec![]);
        log.algorithms = (0..count).map(|id| (0x100 + id, 8)).collect();
        refusal(&log)
    };
    assert_eq!((banks(8), banks(9)), (None, Some("T26")));
    let mut wide = LogSpec::new(vec![]);
    wide.algorithms.push((0x100, 64));
    assert_eq!(refusal(&wide), None);
    wide.algorithms[1].1 = 65;
    assert_eq!(refusal(&wide), Some("T26"));
}

#[test]
fn every_known_type_has_one_name() {
    let mut names = std::collections::BTreeSet::new();
    for number in (0..0x20).chain(0x8000_0000..0x8000_0100) {
        if let Some(name) = EventKind(number).name() {
            assert!(names.insert(name), "{name}");
            assert_eq!(EventKind(number).to_string(), format!("EV_{name}"));
        }
    }
    assert_eq!(names.len(), 39);
    assert_eq!(EventKind(0x8401).name(), None);
    assert_eq!(EventKind(0x8401).to_string(), "type 0x8401");
}

#[test]
fn registers_start_where_the_hardware_starts_them() {
    let replay = |events: Vec<Event>| {
        let bytes = LogSpec::new(events).to_bytes();
        UnverifiedEventLog::parse(&bytes).unwrap().replay(HashAlgorithm::Sha256).unwrap()
    };
    let zero = [0; 32];
    let locality = |last: u8| {
        let mut first = zero;
        first[31] = last;
        first
    };
    let digest = Sha256::digest(b"x");
    let event = |pcr, kind| Event::new(pcr, kind, b"x");
    let from = |first| BTreeMap::from([(0, extended(first, &digest))]);
    assert_eq!(replay(vec![event(0, event_type::S_CRTM_VERSION)]), from(zero));
    // Hardware measured first: locality 4, said or not.
    assert_eq!(replay(vec![event(0, EventKind::HCRTM.0)]), from(locality(4)));
    let said = |last: u8| {
        let data = [b"StartupLocality\0".as_slice(), &[last]].concat();
        let mut said = Event::new(0, event_type::NO_ACTION, &data);
        said.digests[0].1.fill(0);
        said
    };
    for last in [0, 3, 4] {
        let events = vec![said(last), event(0, event_type::S_CRTM_VERSION)];
        assert_eq!(replay(events), from(locality(last)));
    }
    let bytes = LogSpec::new(vec![said(2)]).to_bytes();
    let error = UnverifiedEventLog::parse(&bytes).unwrap().replay(HashAlgorithm::Sha256);
    assert_eq!(error.unwrap_err().check(), "T29");
    // Registers of a dynamic start are all ones until there is one.
    for pcr in 17..=22 {
        let found = replay(vec![event(pcr, event_type::IPL)]);
        assert_eq!(found[&(pcr as u8)], extended([0xff; 32], &digest));
    }
    for pcr in [16, 23] {
        assert_eq!(
            replay(vec![event(pcr, event_type::IPL)])[&(pcr as u8)],
            extended(zero, &digest)
        );
    }
}

#[test]
fn a_bank_that_the_log_has_not_is_refused() {
    let bytes = good_log().to_bytes();
    let log = UnverifiedEventLog::parse(&bytes).unwrap();
    assert_eq!(log.banks().collect::<Vec<_>>(), [0x000b]);
    assert!(log.replay(HashAlgorithm::Sha256).is_ok());
    assert_eq!(log.replay(HashAlgorithm::Sha384).unwrap_err().check(), "T26");
}

#[test]
fn evidence_keeps_its_bounds() {
    let good = || TpmEvidence {
        attest: &[1; 1024],
        signature: &[2; 1100],
        ak_public: &[3; 1300],
        pcrs: BTreeMap::from([(0, [4; 64].as_slice()), (23, &[5; 32])]),
        user_data: &[6; 512],
        key_set: &[7; 1024],
        nonce: Some(&[8; 512]),
        certificates: vec![],
        runtime_log: None,
    };
    let bytes = good().to_bytes();
    assert_eq!(TpmEvidence::parse(&bytes).unwrap(), good());
    let refused = |change: &dyn Fn(&mut TpmEvidence<'static>)| {
        let mut evidence = good();
        change(&mut evidence);
        TpmEvidence::parse(&evidence.to_bytes()).err().map(|error| error.check())
    };
    assert_eq!(refused(&|one| one.attest = &[1; 1025]), Some("T13"));
    assert_eq!(refused(&|one| one.signature = &[2; 1101]), Some("T13"));
    assert_eq!(refused(&|one| one.ak_public = &[3; 1301]), Some("T13"));
    assert_eq!(refused(&|one| one.user_data = &[6; 513]), Some("T13"));
    assert_eq!(refused(&|one| one.key_set = &[7; 1025]), Some("T13"));
    assert_eq!(refused(&|one| one.nonce = Some(&[8; 513])), Some("T13"));
    assert_eq!(refused(&|one| one.nonce = Some(&[])), Some("T13"));
    assert_eq!(refused(&|one| one.nonce = None), None);
    assert_eq!(refused(&|one| one.pcrs.extend([(24, [1; 32].as_slice())])), Some("T13"));
    assert_eq!(refused(&|one| one.pcrs.extend([(22, [1; 65].as_slice())])), Some("T13"));
    assert_eq!(refused(&|one| one.certificates = vec![&[0x30; 2048]; 8]), None);
    assert_eq!(refused(&|one| one.certificates = vec![&[0x30; 16]; 9]), Some("T13"));
    assert_eq!(refused(&|one| one.certificates = vec![&[0x30; 4097]]), Some("T13"));
    // Eight of the longest are too many together.
    let together = refused(&|one| one.certificates = vec![&[0x30; 4096]; 8]);
    assert_eq!((together, EVIDENCE_BYTES_MAX), (Some("T13"), 32_768));
}
