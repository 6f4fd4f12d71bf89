//! What a verdict says beside its word, and edges that decide (T8, T17, T18, T22, T25 to T27).

use crate::firmware::judge;
use crate::maker::{ECDSA, Key, Quote, RSAPSS, RSASSA, SHA256, sized};
use attest::eventlog::UnverifiedEventLog;
use attest::tpm::{
    AkParts, AkTrust, ClockInfo, QuoteParts, TpmPolicy, VerifiedQuote, ak_name, verify_evidence,
    verify_quote,
};
use attest::{AttestError, NonceRule, Outcome, VerificationTime};
use attestation_fixtures::tpm::{AkChain, AkKey, AkLevel, Event, PublicSpec, QuoteSpec, good_log};
use std::collections::BTreeMap;

const NOW_MS: u64 = 1_790_000_000_000;
const KEY: AkKey = AkKey::P256("ak");
/// A type that no specification names.
const UNKNOWN: u32 = 0x8401;

fn noted(quote: &VerifiedQuote, check: &str) -> Vec<String> {
    quote.notes().iter().filter(|note| note.starts_with(check)).cloned().collect()
}

#[test]
fn padding_is_noted_and_none_is_not() {
    let mut log = good_log();
    assert_eq!(noted(&judge(&log, |_| true).unwrap(), "T26"), Vec::<String>::new());
    for bytes in [1, 100] {
        log.trailing = vec![0; bytes];
        let notes = noted(&judge(&log, |_| true).unwrap(), "T26");
        assert_eq!(notes, [format!("T26 {bytes} bytes of padding after the log")]);
    }
}

#[test]
fn the_first_sixteen_unknown_events_are_noted() {
    let with = |count: usize| {
        let mut log = good_log();
        log.events.extend(vec![Event::new(14, UNKNOWN, b"x"); count]);
        noted(&judge(&log, |_| true).unwrap(), "T27").len()
    };
    assert_eq!((with(0), with(1), with(16), with(17), with(40)), (0, 1, 16, 16, 16));
}

#[test]
fn a_refused_event_is_found_by_its_byte() {
    let mut log = good_log();
    let at = log.to_bytes().len();
    log.events.push(Event::new(7, UNKNOWN, b"x"));
    // PCR7 decides only where the policy asks for secure boot.
    assert!(judge(&log, |_| true).is_ok());
    let trust = AkTrust::new().with_name(PublicSpec::of(KEY).name()).unwrap();
    let policy = TpmPolicy::new(trust).require_event_log(true).require_secure_boot(true);
    let evidence = QuoteSpec::new(KEY, &log.registers(), b"words", b"keys", None).evidence();
    let refusal = verify_evidence(&evidence, Some(&log.to_bytes()), &policy).unwrap_err();
    assert_eq!(refusal.check(), "T27");
    assert!(refusal.to_string().contains(&format!("at byte {at}")), "{refusal}, not {at}");
}

fn quote(change: impl FnOnce(TpmPolicy) -> TpmPolicy) -> Result<VerifiedQuote, AttestError> {
    let policy = TpmPolicy::new(AkTrust::new().with_name(PublicSpec::of(KEY).name()).unwrap());
    let spec = QuoteSpec::new(KEY, &good_log().registers(), b"words", b"keys", Some(b"nonce"));
    verify_evidence(&spec.evidence(), None, &change(policy))
}

#[test]
fn what_was_not_checked_has_its_own_reason() {
    let reason = |number: &str| {
        let quote = quote(|policy| policy).unwrap();
        let found = quote.checks().iter().find(|(check, _)| check.as_str() == number);
        match found.unwrap().1 {
            Outcome::NotChecked(reason) => reason,
            Outcome::Passed => panic!("{number} passed"),
        }
    };
    assert_eq!(reason("T22"), "safe, but the policy knows no earlier quote to compare with");
    assert_eq!(reason("T23"), "the policy names no firmware version");
    assert_eq!(reason("T25"), "no event log was given");
}

#[test]
fn the_clock_may_stand_still_and_not_go_back() {
    let now = quote(|policy| policy).unwrap().clock();
    let check = |last: ClockInfo| {
        quote(|policy| policy.with_clock(last)).map_or_else(|error| error.check(), |_| "accepted")
    };
    assert_eq!(check(now), "accepted");
    assert_eq!(check(ClockInfo { clock: now.clock + 1, ..now }), "T22");
    assert_eq!(check(ClockInfo { restart_count: now.restart_count + 1, ..now }), "T22");
    assert_eq!(check(ClockInfo { reset_count: now.reset_count + 1, clock: 0, ..now }), "T22");
}

#[test]
fn a_nonce_that_the_policy_does_not_name_is_noted() {
    let noted = |rule: NonceRule| !noted(&quote(|p| p.with_nonce(rule)).unwrap(), "T17").is_empty();
    assert!(noted(NonceRule::Any));
    assert!(!noted(NonceRule::Exact(b"nonce".to_vec())));
}

#[test]
fn a_pinned_name_is_the_keys_name() {
    let quote = quote(|policy| policy).unwrap();
    assert_eq!(quote.ak_name(), Some(&PublicSpec::of(KEY).name()[..]));
}

#[test]
fn trust_is_empty_until_one_of_three_is_in_it() {
    let name = PublicSpec::of(KEY).name();
    let root = AkChain::new(KEY, NOW_MS).root_der();
    let spki = crate::maker::Key::p256().spki();
    assert!(AkTrust::new().is_empty());
    assert!(!AkTrust::new().with_name(name).unwrap().is_empty());
    assert!(!AkTrust::new().with_key(&spki).unwrap().is_empty());
    assert!(!AkTrust::new().with_root("r", &root).unwrap().is_empty());
}

/// A key that nothing vouches for is refused as such, whether roots or certificates are missing.
#[test]
fn a_key_that_nobody_vouches_for_is_refused_by_name() {
    let chain = AkChain::new(KEY, NOW_MS);
    let judge = |certificates: Vec<Vec<u8>>, trust: AkTrust| {
        let mut spec = QuoteSpec::new(KEY, &good_log().registers(), b"words", b"keys", None);
        spec.chain = certificates;
        let policy = TpmPolicy::new(trust).with_time(VerificationTime::At { ms: NOW_MS });
        verify_evidence(&spec.evidence(), None, &policy)
    };
    let rooted = || AkTrust::new().with_root("r", &chain.root_der()).unwrap();
    assert!(judge(chain.chain(), rooted()).is_ok());
    for (certificates, trust) in
        [(chain.chain(), AkTrust::new()), (vec![], rooted()), (vec![], AkTrust::new())]
    {
        let refusal = judge(certificates, trust).unwrap_err();
        assert_eq!(refusal.check(), "T8");
        assert!(refusal.to_string().contains("a name or key that the policy pins"), "{refusal}");
    }
}

#[test]
fn a_revoked_certificate_is_one_serial_of_one_issuer() {
    let mut chain = AkChain::new(KEY, NOW_MS);
    let leaf = chain.at(AkLevel::Leaf);
    let (issuer, serial) = (leaf.issuer.der(), leaf.serial.clone());
    let other = leaf.subject.der();
    let judge = |issuer: &[u8], serial: &[u8]| {
        let mut spec = QuoteSpec::new(KEY, &good_log().registers(), b"words", b"keys", None);
        spec.chain = chain.chain();
        let trust = AkTrust::new().with_root("r", &chain.root_der()).unwrap();
        let policy = TpmPolicy::new(trust).with_time(VerificationTime::At { ms: NOW_MS });
        let policy = policy.with_revoked(issuer.to_vec(), serial);
        verify_evidence(&spec.evidence(), None, &policy).is_ok()
    };
    assert!(!judge(&issuer, &serial));
    assert!(judge(&other, &serial));
    assert!(judge(&issuer, &[&serial[..], &[1]].concat()));
}

/// r and s are numbers: shorter ones are as good, longer ones are another encoding of none.
#[test]
fn numbers_of_a_signature_are_no_longer_than_the_curve() {
    let key = Key::p256();
    let pcrs = BTreeMap::from([(0, vec![0x10; 32])]);
    let quote =
        Quote { bank: SHA256, scheme: ECDSA, hash: SHA256, extra_data: b"x".to_vec(), pcrs };
    let public = key.public(ECDSA, SHA256);
    let policy = TpmPolicy::new(AkTrust::new().with_name(ak_name(&public).unwrap()).unwrap());
    let attest = quote.attest();
    let judge = |signature: &[u8]| {
        let parts = QuoteParts {
            attest: &attest,
            signature,
            ak: AkParts { public: Some(&public), ..AkParts::default() },
            pcrs: quote.pcrs.iter().map(|(index, value)| (*index, value.as_slice())).collect(),
            extra_data: Some(&quote.extra_data),
            event_log: None,
        };
        verify_quote(&parts, &policy.clone().with_nonce(NonceRule::Any)).is_ok()
    };
    let signature = key.sign(ECDSA, SHA256, &attest);
    assert!(judge(&signature));
    let (head, r, s) = (&signature[..4], &signature[6..38], &signature[40..72]);
    let written = |r: &[u8], s: &[u8]| [head, &sized(r), &sized(s)].concat();
    assert_eq!(written(r, s), signature);
    assert!(!judge(&written(&[&[0], r].concat(), s)));
    assert!(!judge(&written(r, &[&[0], s].concat())));
    assert!(!judge(&written(&[], s)));
    // One signature in 128 has a number that is a byte shorter.
    let short = (0..4000).find_map(|_| {
        let signature = key.sign(ECDSA, SHA256, &attest);
        (signature[6] == 0 && signature[7] != 0).then_some(signature)
    });
    let short = short.expect("one of 4,000");
    assert!(judge(&written(&short[7..38], &short[40..72])));
}

#[test]
fn another_scheme_is_refused_with_both_by_name() {
    let key = Key::rsa();
    let pcrs = BTreeMap::from([(0, vec![0x10; 32])]);
    let quote =
        Quote { bank: SHA256, scheme: RSASSA, hash: SHA256, extra_data: b"x".to_vec(), pcrs };
    let public = key.public(RSAPSS, SHA256);
    let policy = TpmPolicy::new(AkTrust::new().with_name(ak_name(&public).unwrap()).unwrap());
    let (attest, policy) = (quote.attest(), policy.with_nonce(NonceRule::Any));
    let signature = key.sign(RSASSA, SHA256, &attest);
    let parts = QuoteParts {
        attest: &attest,
        signature: &signature,
        ak: AkParts { public: Some(&public), ..AkParts::default() },
        pcrs: quote.pcrs.iter().map(|(index, value)| (*index, value.as_slice())).collect(),
        extra_data: Some(&quote.extra_data),
        event_log: None,
    };
    let refusal = verify_quote(&parts, &policy).unwrap_err();
    assert_eq!(refusal.check(), "T18");
    let text = refusal.to_string();
    assert!(text.contains("RSAPSS with") && text.contains("RSASSA with"), "{text}");
}

#[test]
fn what_is_no_log_of_tpm_2_is_told_apart() {
    let first = |pcr: u32, kind: u32, data: &[u8]| {
        let mut bytes = [pcr.to_le_bytes(), kind.to_le_bytes()].concat();
        bytes.extend([0; 20]);
        bytes.extend((data.len() as u32).to_le_bytes());
        bytes.extend(data);
        UnverifiedEventLog::parse(&bytes).unwrap_err().to_string()
    };
    assert!(first(99, 3, b"x").contains("another kind of file"));
    assert!(first(0, UNKNOWN, b"x").contains("another kind of file"));
    assert!(first(0, 3, b"Spec ID Event00\0").contains("a log of TPM 1.2"));
    assert!(first(0, 3, b"Other").contains("a log without that header"));
    assert!(first(0, 8, b"Spec ID Event00\0").contains("a log without that header"));
}
