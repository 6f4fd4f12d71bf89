//! Every document of the forge gets the verdict it must get, by the check that must give it.

use attest::{
    AttestError, NitroPolicy, NonceRule, Outcome, ReferenceValues, TrustAnchor, VerificationTime,
    VerifiedDocument, VerifiedTime, verify,
};
use attestation_fixtures::{Case, Expected, PolicyData, TimeData, corpus};
use std::collections::BTreeSet;

/// The policy that a case's data describes, for documents of enclaves.
pub fn policy(data: &PolicyData) -> NitroPolicy {
    policy_of(data, ReferenceValues::new("1.0.0", data.pcrs.clone()).unwrap())
}

/// The same for documents of the release's kind.
pub fn policy_of(data: &PolicyData, release: ReferenceValues) -> NitroPolicy {
    let time = match data.time {
        TimeData::Live(now_ms) => VerificationTime::Live { now_ms },
        TimeData::At(ms) => VerificationTime::At { ms },
        TimeData::Document => VerificationTime::Document,
    };
    let root = TrustAnchor::from_der("TEST ROOT", &data.root_der).unwrap();
    let kind = release.kind();
    let mut policy = NitroPolicy::new(vec![root], time, vec![release])
        .unwrap()
        .with_kind(kind)
        .with_clock_skew_ms(data.clock_skew_ms)
        .unwrap()
        .with_age_ms_max(data.age_ms_max)
        .with_nonce(match (&data.nonce, data.nonce_absent) {
            (Some(nonce), _) => NonceRule::Exact(nonce.clone()),
            (None, true) => NonceRule::Absent,
            (None, false) => NonceRule::Any,
        });
    for (index, value) in &data.required_pcrs {
        policy = policy.with_required_pcr(*index, *value).unwrap();
    }
    if let Some(user_data) = &data.user_data {
        policy = policy.with_user_data(user_data.clone());
    }
    if let Some(public_key) = &data.public_key {
        policy = policy.with_public_key(public_key.clone());
    }
    if let Some(regions) = &data.regions {
        policy = policy.with_regions(regions.clone());
    }
    for (issuer, serial) in &data.revoked {
        policy = policy.with_revoked(issuer.clone(), serial);
    }
    policy
}

fn judge(case: &Case) -> Result<VerifiedDocument, AttestError> {
    verify(&case.bytes, &policy(&case.policy), None)
}

#[test]
fn every_case_gets_its_verdict() {
    let mut wrong = Vec::new();
    let mut refused_by = BTreeSet::new();
    let cases = corpus();
    for case in &cases {
        let verdict = judge(case);
        let right = match (&verdict, case.expected) {
            (Ok(_), Expected::Accept) => true,
            (Err(error), Expected::Refuse(check)) => {
                refused_by.insert(error.check());
                error.check() == check
            }
            _ => false,
        };
        if !right {
            let said = verdict.err().map_or("accepted".to_owned(), |error| error.to_string());
            wrong.push(format!("{}: expected {:?}, but {said}", case.name, case.expected));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    // N42 refuses nothing here: the caller keeps the record of replay keys.
    let all: BTreeSet<&str> = attest::Check::nitro().map(attest::Check::as_str).collect();
    let never: Vec<_> = all.difference(&refused_by).collect();
    assert_eq!(never, [&"N42"]);
    eprintln!("{} cases, {} checks refuse something", cases.len(), refused_by.len());
}

#[test]
fn every_refusal_says_its_number_and_a_remedy() {
    for case in corpus() {
        let Err(error) = judge(&case) else { continue };
        let text = error.to_string();
        assert!(text.starts_with(error.check()), "{}: {text}", case.name);
        assert!(!error.remedy().is_empty());
    }
}

#[test]
fn the_verdict_lists_all_checks_once() {
    for case in corpus() {
        let Ok(document) = judge(&case) else { continue };
        let made: Vec<_> = document.checks().iter().map(|(check, _)| *check).collect();
        assert_eq!(made, attest::Check::nitro().collect::<Vec<_>>(), "{}", case.name);
    }
}

fn outcome(document: &VerifiedDocument, number: &str) -> Outcome {
    let found = document.checks().iter().find(|(check, _)| check.as_str() == number);
    found.expect("every check is listed").1.clone()
}

fn good(name: &str) -> (Case, VerifiedDocument) {
    let case = corpus().into_iter().find(|case| case.name == name).unwrap();
    let document = judge(&case).unwrap();
    (case, document)
}

#[test]
fn the_verdict_says_who_spoke_and_what_was_not_looked_at() {
    let (case, document) = good("good");
    assert_eq!(document.anchor().name(), "TEST ROOT");
    assert!(!document.anchor().is_built_in());
    assert_eq!(document.release(), Some("1.0.0"));
    assert_eq!(document.region(), Some("xx-test-1"));
    assert_eq!(outcome(&document, "N34"), Outcome::Passed);
    assert_eq!(outcome(&document, "N37"), Outcome::Passed);
    let none = Outcome::NotChecked("the policy names no revoked certificate");
    assert_eq!(outcome(&document, "N30"), none);
    assert!(matches!(outcome(&document, "N35"), Outcome::NotChecked(_)));
    assert!(matches!(outcome(&document, "N42"), Outcome::NotChecked(_)));
    assert!(matches!(document.time(), VerifiedTime::Live { age_ms: 0, .. }));
    let key = document.replay_key();
    assert_eq!(key.module_id, document.module_id());
    assert_eq!(key.user_data.as_deref(), document.user_data());

    let root = TrustAnchor::from_der("TEST ROOT", &case.policy.root_der).unwrap();
    let inspect = NitroPolicy::inspect_any_enclave(vec![root], VerificationTime::Document);
    let document = verify(&case.bytes, &inspect, None).unwrap();
    assert_eq!(document.release(), None);
    for number in ["N30", "N34", "N35", "N37", "N38", "N39", "N40", "N42"] {
        assert!(matches!(outcome(&document, number), Outcome::NotChecked(_)), "{number}");
    }
    assert!(matches!(document.time(), VerifiedTime::Archival { own_timestamp: true, .. }));
    let document = verify(&case.bytes, &inspect.with_revoked(vec![0x30, 0], &[1]), None).unwrap();
    assert_eq!(outcome(&document, "N30"), Outcome::Passed);
}

#[test]
fn unknown_fields_long_lived_issuers_and_empty_words_are_told_apart() {
    let (_, document) = good("good-unknown-field");
    assert_eq!(document.unknown_keys(), ["later"]);
    assert!(document.notes().iter().any(|note| note.contains("later")));
    let (_, document) = good("good-long-lived-issuer-is-noted");
    assert!(document.notes().iter().any(|note| note.starts_with("N29 cabundle[1]")));
    assert_eq!(good("good-empty-user-data").1.user_data(), Some(&[][..]));
    assert_eq!(good("good-without-user-data").1.user_data(), None);
}

#[test]
fn twin_signatures_are_one_document() {
    let (high, low) = (good("good-high-s"), good("good-low-s"));
    assert_ne!(high.0.bytes, low.0.bytes);
    assert_eq!(high.1.replay_key(), low.1.replay_key());
}

#[test]
fn debug_mode_is_refused_without_reference_values_too() {
    for case in corpus().iter().filter(|case| case.name.starts_with("debug-")) {
        let root = TrustAnchor::from_der("TEST ROOT", &case.policy.root_der).unwrap();
        let inspect = NitroPolicy::inspect_any_enclave(vec![root], VerificationTime::Document);
        assert_eq!(verify(&case.bytes, &inspect, None).unwrap_err().check(), "N36");
    }
}
