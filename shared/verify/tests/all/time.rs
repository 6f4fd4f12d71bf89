//! Live and archival are different claims, and a policy has its time (N28, N40, Y6).

use crate::support::*;
use attestation_fixtures::proofs::{Backing, QUOTED_AT_MS};
use verify::{Materials, TimeEvidence, Verifier};

#[test]
fn live_is_now_and_archival_repeats_its_assumption() {
    let (policy, bytes) = (policy_of(&nitro()), proof(Backing::Nitro));
    let nothing = Materials::default();
    let live = |ms| Verifier::live(policy.clone(), ms).expect("in force").verify(&bytes, &nothing);
    let fresh = live(QUOTED_AT_MS + 60_000).expect("fresh");
    assert_eq!(fresh.now().0, QUOTED_AT_MS + 60_000);
    assert_eq!(check(live(QUOTED_AT_MS + 300_001)), "N40");
    assert_eq!(check(live(QUOTED_AT_MS - 60_001)), "N40");
    assert_eq!(check(live(QUOTED_AT_MS + DAY_MS)), "N28");
    let archival = |evidence| Verifier::archival(policy.clone(), evidence).verify(&bytes, &nothing);
    let assumed = archival(TimeEvidence::Assumed { ms: QUOTED_AT_MS + 1000 }).expect("valid then");
    assert_eq!(assumed.judged_at().0, QUOTED_AT_MS + 1000);
    assert!(assumed.assumption().starts_with("ASSUMING that it existed at 2026-"));
    assert_eq!(check(archival(TimeEvidence::Assumed { ms: QUOTED_AT_MS + DAY_MS })), "N28");
    let own = archival(TimeEvidence::DocumentOwn).expect("valid at its own time");
    assert!(own.assumption().contains("nothing else confirms"));
    assert_eq!(own.time_evidence(), TimeEvidence::DocumentOwn);
}

#[test]
fn nothing_remembered_outlives_its_moment() {
    let (policy, bytes) = (policy_of(&nitro()), proof(Backing::Nitro));
    let nothing = Materials::default();
    let mut live = Verifier::live(policy, QUOTED_AT_MS).expect("in force");
    let older = live.clone();
    assert_eq!(check(live.verify(&bytes, &nothing)), "accepted");
    live.set_time(QUOTED_AT_MS + 300_001).expect("in force");
    assert_eq!(check(live.verify(&bytes, &nothing)), "N40");
    // A clone keeps its own clock, and what one remembers does not answer for the other.
    assert_eq!(check(older.verify(&bytes, &nothing)), "accepted");
    assert_eq!(check(live.verify(&bytes, &nothing)), "N40");
    live.set_time(QUOTED_AT_MS + DAY_MS).expect("in force");
    assert_eq!(check(live.verify(&bytes, &nothing)), "N28");
}

#[test]
fn a_policy_that_has_expired_is_refused_live() {
    let policy = policy_of(&nitro());
    let expired = QUOTED_AT_MS + 30 * DAY_MS;
    assert_eq!(check(Verifier::live(policy.clone(), expired)), "Y6");
    assert_eq!(check(Verifier::live(policy.clone(), QUOTED_AT_MS - 2 * DAY_MS)), "Y6");
    let mut live = Verifier::live(policy.clone(), QUOTED_AT_MS).expect("in force");
    assert_eq!(check(live.set_time(expired)), "Y6");
    assert_eq!(policy.origin().expect("a file").name, "test");
    assert!(policy.origin().expect("a file").is_pinned);
}

#[test]
fn an_attestation_alone_answers_a_nonce() {
    let live = Verifier::live(policy_of(&nitro()), QUOTED_AT_MS).expect("in force");
    let parsed = proof::Proof::parse(&proof(Backing::Nitro)).expect("sound");
    let document = parsed.unsigned.expect("complete").evidence.document;
    let kind = policy::Kind::Nitro;
    // A quote over the log has no nonce.
    assert_eq!(check(live.verify_attestation(&document, kind, vec![1])), "N39");
    let time = attest::VerificationTime::Live { now_ms: QUOTED_AT_MS };
    let judge = |kind, nonce| check(live.policy().judge_document(&document, kind, time, nonce));
    assert_eq!(judge(policy::Kind::Nitro, None), "accepted");
    assert_eq!(judge(policy::Kind::Nitro, Some(vec![])), "N39");
    assert_eq!(judge(policy::Kind::NitroTpm, None), "P6");
    assert_eq!(check(live.policy().judge_quote(&document, None, time, None)), "P6");
}

#[test]
fn a_document_alone_asks_the_policys_term_and_its_required_checks() {
    let parsed = proof::Proof::parse(&proof(Backing::Nitro)).expect("sound");
    let document = parsed.unsigned.expect("complete").evidence.document;
    let expired = QUOTED_AT_MS + 30 * DAY_MS;
    let mut generous = nitro();
    generous.freshness.age_ms_max = DAY_MS;
    generous.expires_at = facts::Millis(QUOTED_AT_MS + 1);
    let judge = |content: &policy::Content, time| {
        check(policy_of(content).judge_document(&document, policy::Kind::Nitro, time, None))
    };
    let live = |now_ms| attest::VerificationTime::Live { now_ms };
    assert_eq!(judge(&generous, live(QUOTED_AT_MS)), "accepted");
    assert_eq!(judge(&generous, live(QUOTED_AT_MS + 1)), "Y6");
    assert_eq!(judge(&generous, attest::VerificationTime::Document), "accepted");
    let mut strict = nitro();
    strict.required_checks = vec!["N30".into()];
    assert_eq!(judge(&strict, live(QUOTED_AT_MS)), "N30");
    // The same through the verifier whose policy holds its moment.
    let mut fixed = Verifier::new(policy_of(&nitro()));
    fixed.set_time(live(expired));
    assert_eq!(check(fixed.verify(&proof(Backing::Nitro), &Materials::default())), "Y6");
}

/// The kind that a proof states is not under its signature: it is judged each time.
#[test]
fn a_known_quote_does_not_answer_for_another_kind() {
    let verifier = Verifier::archival(policy_of(&every_kind()), TimeEvidence::DocumentOwn);
    let bytes = proof(Backing::Nitro);
    assert_eq!(check(verifier.verify(&bytes, &Materials::default())), "accepted");
    let mut other = proof::Proof::parse(&bytes).expect("sound");
    for kind in ["nitrotpm", "tpm"] {
        other.unsigned.as_mut().expect("complete").evidence.kind = kind.into();
        assert_ne!(check(verifier.verify(&other.to_bytes(), &Materials::default())), "accepted");
    }
}
