//! Limits to the millisecond and forms to the byte: what lies on the edge is accepted, what lies
//! one beyond is refused, by the check that it breaks (N23, N28, N29, N40, N41).

use attest::{
    AttestError, ChainCache, NitroPolicy, TrustAnchor, VerificationTime, VerifiedDocument, verify,
};
use attestation_fixtures::{CertTamper, Level, Tamper, TestPki, forge};
use sha2::{Digest, Sha256};

/// A whole second, so that a certificate can begin and end at it, an hour after the issuers began.
const NOW_MS: u64 = 1_767_272_400_000;
const NOW_S: u64 = NOW_MS / 1000;
const SKEW_MS: u64 = 60_000;

pub fn policy(time: VerificationTime) -> NitroPolicy {
    let root = TrustAnchor::from_der("TEST ROOT", TestPki::published().root_der()).unwrap();
    NitroPolicy::inspect_any_enclave(vec![root], time).with_clock_skew_ms(SKEW_MS).unwrap()
}

pub fn leaf(fault: CertTamper) -> Tamper {
    Tamper::Certificate(Level::Leaf, fault)
}

fn judge(bytes: &[u8], time: VerificationTime) -> Result<VerifiedDocument, AttestError> {
    verify(bytes, &policy(time), None)
}

/// The check that refuses, or "accepted".
fn check(bytes: &[u8], time: VerificationTime) -> &'static str {
    judge(bytes, time).map_or_else(|error| error.check(), |_| "accepted")
}

fn at(ms: u64) -> VerificationTime {
    VerificationTime::At { ms }
}

fn live(now_ms: u64) -> VerificationTime {
    VerificationTime::Live { now_ms }
}

pub fn made(tampers: &[Tamper]) -> Vec<u8> {
    forge(&TestPki::published(), tampers, NOW_MS)
}

#[test]
fn validity_has_its_whole_last_second_and_the_leeway_before_its_first() {
    let bytes = made(&[]);
    let end_ms = (NOW_S + 3 * 3600) * 1000 + 999;
    assert_eq!(check(&bytes, at(end_ms)), "accepted");
    assert_eq!(check(&bytes, at(end_ms + 1)), "N28");
    // Judged that early the document is from the future, but its leaf is not yet refused.
    let start_ms = (NOW_S - 3) * 1000;
    assert_eq!(check(&bytes, at(start_ms - SKEW_MS)), "N40");
    assert_eq!(check(&bytes, at(start_ms - SKEW_MS - 1)), "N28");
}

#[test]
fn a_leaf_lives_at_least_a_second_and_at_most_three_hours_and_five_minutes() {
    let lifetime = |seconds: u64| {
        made(&[leaf(CertTamper::NotBefore(NOW_S)), leaf(CertTamper::NotAfter(NOW_S + seconds))])
    };
    let longest_s = 3 * 3600 + 300;
    assert_eq!(check(&lifetime(longest_s), at(NOW_MS)), "accepted");
    assert_eq!(check(&lifetime(longest_s + 1), at(NOW_MS)), "N29");
    assert_eq!(check(&lifetime(1), at(NOW_MS)), "accepted");
    assert_eq!(check(&lifetime(0), at(NOW_MS)), "N29");
}

/// AWS's regional certificates live 20 days and an hour; beyond 21 days there is a note.
#[test]
fn a_long_lived_issuer_is_noted_with_its_days() {
    let notes = |seconds: u64| {
        let level = |fault| Tamper::Certificate(Level::Region, fault);
        let bytes = made(&[
            level(CertTamper::NotBefore(NOW_S - 86_400)),
            level(CertTamper::NotAfter(NOW_S - 86_400 + seconds)),
        ]);
        judge(&bytes, at(NOW_MS)).unwrap().notes().to_vec()
    };
    assert_eq!(notes(21 * 86_400), Vec::<String>::new());
    let said = "N29 cabundle[1]: a lifetime of 21 days is longer than AWS's 20";
    assert_eq!(notes(21 * 86_400 + 1), [said]);
    assert_eq!(notes(50 * 86_400), [said.replace("21 days", "50 days")]);
}

#[test]
fn a_document_may_be_ahead_by_the_leeway_and_old_by_the_age() {
    let bytes = made(&[]);
    for time in [live, at] {
        assert_eq!(check(&bytes, time(NOW_MS - SKEW_MS)), "accepted");
        assert_eq!(check(&bytes, time(NOW_MS - SKEW_MS - 1)), "N40");
    }
    let aged = |now_ms| {
        let policy = policy(live(now_ms)).with_age_ms_max(1000);
        verify(&bytes, &policy, None).map_or_else(|error| error.check(), |_| "accepted")
    };
    assert_eq!(aged(NOW_MS + 1000), "accepted");
    assert_eq!(aged(NOW_MS + 1001), "N40");
}

#[test]
fn the_document_is_signed_within_its_leafs_validity() {
    // The leaf begins after the document: by the leeway, and by a second more.
    let later = |seconds: u64| made(&[leaf(CertTamper::NotBefore(NOW_S + seconds))]);
    let then = at(NOW_MS + SKEW_MS + 1000);
    assert_eq!(check(&later(SKEW_MS / 1000), then), "accepted");
    assert_eq!(check(&later(SKEW_MS / 1000 + 1), then), "N41");
    // The leaf ends before the document, whose last second counts.
    let ended = |document_ms: u64| {
        let ends = leaf(CertTamper::NotAfter(NOW_S));
        let bytes = forge(&TestPki::published(), &[ends], document_ms);
        check(&bytes, at(NOW_MS))
    };
    assert_eq!(ended(NOW_MS + 999), "accepted");
    assert_eq!(ended(NOW_MS + 1000), "N41");
}

/// Each of the two things that a point is, broken alone.
#[test]
fn a_key_is_an_uncompressed_point_of_97_bytes() {
    let point = TestPki::published().issue(NOW_MS).signer.point();
    let with = |change: fn(&mut Vec<u8>)| {
        let mut changed = point.clone();
        change(&mut changed);
        let bytes = made(&[leaf(CertTamper::Point(changed))]);
        let refusal = judge(&bytes, at(NOW_MS)).unwrap_err();
        assert_eq!(refusal.check(), "N23");
        assert!(refusal.to_string().contains("uncompressed point of 97 bytes"), "{refusal}");
    };
    with(|point| point[0] = 0x05);
    with(|point| point.truncate(96));
    with(|point| point.push(0));
    with(Vec::clear);
}

/// `issuerUniqueID [1]` or `subjectUniqueID [2]` spliced in between the key and the extensions.
fn with_unique_id(der: &[u8], tag: u8) -> Vec<u8> {
    let length = |at: usize| usize::from(u16::from_be_bytes([der[at + 2], der[at + 3]]));
    assert_eq!((der[..2].to_vec(), der[4..6].to_vec()), (vec![0x30, 0x82], vec![0x30, 0x82]));
    let tbs_end = 8 + length(4);
    // The extensions are the last of the signed part: [3].
    let extensions = (8..tbs_end).find(|at| {
        der[*at] == 0xa3 && at + 2 + usize::from(der[at + 1]) == tbs_end && der[at + 2] == 0x30
    });
    let place = extensions.expect("extensions of less than 128 bytes");
    let id = [tag, 0x02, 0x00, 0x01];
    let mut out = [&der[..place], &id, &der[place..]].concat();
    for (at, grown) in [(0, length(0) + id.len()), (4, length(4) + id.len())] {
        out[at + 2..at + 4].copy_from_slice(&u16::try_from(grown).unwrap().to_be_bytes());
    }
    out
}

#[test]
fn a_certificate_has_no_unique_identifier_of_either_kind() {
    let der = TestPki::published().issue(NOW_MS).certificate;
    for tag in [0x81, 0x82] {
        let mut writer = cbor::Writer::new();
        writer.bytes(&with_unique_id(&der, tag));
        let bytes = made(&[Tamper::Field("certificate", writer.finish())]);
        let refusal = judge(&bytes, at(NOW_MS)).unwrap_err();
        assert_eq!(refusal.check(), "N23");
        assert!(refusal.to_string().contains("no unique identifiers"), "{refusal}");
    }
}

#[test]
fn an_untrusted_root_is_named_by_its_fingerprint() {
    let bytes = made(&[]);
    let aws = NitroPolicy::inspect_any_enclave(vec![TrustAnchor::aws_nitro_g1()], at(NOW_MS));
    let test_root: [u8; 32] = Sha256::digest(TestPki::published().root_der()).into();
    let refusal = verify(&bytes, &aws, None).unwrap_err();
    let AttestError::UntrustedRoot { expected, actual } = refusal else { panic!("{refusal}") };
    assert_eq!(actual, test_root);
    assert_eq!(expected.len(), 1);
}

#[test]
fn a_cache_remembers_the_four_signatures_of_a_chain_and_forgets_the_oldest() {
    let (first, second) = (made(&[]), forge(&TestPki::published(), &[], NOW_MS + 7000));
    let mut cache = ChainCache::new(5);
    let mut entries = |bytes: &[u8]| {
        verify(bytes, &policy(at(NOW_MS + 7000)), Some(&mut cache)).unwrap();
        cache.entries()
    };
    assert_eq!(entries(&first), 4);
    assert_eq!(entries(&first), 4);
    // The same issuers, another leaf.
    assert_eq!(entries(&second), 5);
    assert_eq!(entries(&second), 5);
    let mut none = ChainCache::new(0);
    verify(&first, &policy(at(NOW_MS)), Some(&mut none)).unwrap();
    assert_eq!(none.entries(), 0);
}
