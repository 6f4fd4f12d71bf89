//! Limits of time to the millisecond, and what must not be taken for something else: a compiled
//! bundle under another boot configuration, an attested key for the one a statement names.

use crate::support::*;
use attestation_fixtures::proofs::{BODY, Backing, ProofSpec, QUOTED_AT_MS, RuleWorld, SALT, key};
use facts::Millis;
use proof::{Proof, SignedStatement, Statement};
use std::sync::Arc;
use verify::{Check, Materials, Outcome, Policy, TimeEvidence, Verifier, VerifyError};

fn stating(change: impl FnOnce(&mut Statement)) -> Vec<u8> {
    let mut spec = spec(Backing::Nitro);
    spec.statement(change);
    spec.to_bytes()
}

#[test]
fn a_statement_lies_at_most_a_second_after_and_a_lag_before_its_quote() {
    let judge = |evaluated_ms: u64| {
        let policy = changed(|content| content.freshness.lag_ms_max = 5_000);
        check(archival(policy, &stating(|s| s.evaluated_at = Millis(evaluated_ms))))
    };
    assert_eq!(judge(QUOTED_AT_MS + 1_000), "accepted");
    assert_eq!(judge(QUOTED_AT_MS + 1_001), "P10");
    assert_eq!(judge(QUOTED_AT_MS + 60_000), "P10");
    assert_eq!(judge(QUOTED_AT_MS - 5_000), "accepted");
    assert_eq!(judge(QUOTED_AT_MS - 5_001), "P10");
    assert_eq!(judge(QUOTED_AT_MS - 60_000), "P10");
}

#[test]
fn a_policy_is_in_force_from_the_leeway_before_its_issue_to_its_expiry() {
    let at = |ms| check(Verifier::live(policy_of(&nitro()), ms));
    let (issued, expires) = (QUOTED_AT_MS - DAY_MS, QUOTED_AT_MS + 30 * DAY_MS);
    assert_eq!(at(issued - policy::ISSUED_AHEAD_MS_MAX), "accepted");
    assert_eq!(at(issued - policy::ISSUED_AHEAD_MS_MAX - 1), "Y6");
    assert_eq!(at(expires - 1), "accepted");
    assert_eq!(at(expires), "Y6");
}

/// The same rules under the keys of an authority that demands one signature more.
fn stricter() -> Arc<RuleWorld> {
    let mut world = RuleWorld::new();
    world.config.threshold = 3;
    Arc::new(world)
}

/// A policy of both boot configurations, in either order of their first use.
fn of_both() -> Policy {
    changed(|content| {
        content.boot_configs.push(stricter().config.to_bytes());
        content.boot_configs.sort_unstable();
    })
}

#[test]
fn a_kept_bundle_answers_for_its_boot_configuration_only() {
    let two_sign = proof(Backing::Nitro);
    let three_sign = ProofSpec::new(&stricter(), Backing::Nitro).to_bytes();
    let world = world();
    let materials = Materials { bundle: Some(&world.signed_bundle), ..Materials::default() };
    let verifier = Verifier::archival(of_both(), TimeEvidence::DocumentOwn);
    for _ in 0..2 {
        assert_eq!(check(verifier.verify(&two_sign, &materials)), "accepted");
        assert_eq!(check(verifier.verify(&three_sign, &materials)), "P12");
    }
    // Without the bundle the enclave of the stricter authority is as good as the other.
    assert_eq!(check(verifier.verify(&three_sign, &Materials::default())), "accepted");
}

#[test]
fn the_signature_is_by_the_key_that_the_statement_names() {
    let sound = Proof::parse(&proof(Backing::Nitro)).expect("sound");
    let mut statement = sound.signed.statement().clone();
    statement.agent = key(6).verifying_key().did_key();
    let signed = SignedStatement::sign(statement, &key(5)).expect("short");
    let forged = Proof { signed, unsigned: sound.unsigned.clone() }.to_bytes();
    let verifier = Verifier::archival(policy_of(&nitro()), TimeEvidence::DocumentOwn);
    let nothing = Materials::default();
    assert_eq!(check(verifier.verify(&forged, &nothing)), "P5");
    assert_eq!(check(verifier.verify(&sound.to_bytes(), &nothing)), "accepted");
    // The quote is known now, and so is its key.
    assert_eq!(check(verifier.verify(&forged, &nothing)), "P5");
}

#[test]
fn rules_may_be_as_old_as_the_boot_configuration_says() {
    let world = world();
    let ages = world.config.freshness;
    let materials = Materials { bundle: Some(&world.signed_bundle), ..Materials::default() };
    let verifier = Verifier::archival(policy_of(&nitro()), TimeEvidence::DocumentOwn);
    let judge = |age_ms: u64, offline: bool| {
        let bytes = stating(|s| (s.rules_age_ms, s.offline) = (age_ms, offline));
        check(verifier.verify(&bytes, &materials))
    };
    assert_eq!(judge(ages.warn_ms, false), "accepted");
    assert_eq!(judge(ages.warn_ms + 1, false), "P12");
    assert_eq!(judge(ages.warn_ms + 1, true), "accepted");
    assert_eq!(judge(ages.refuse_ms - 1, true), "accepted");
    assert_eq!(judge(ages.refuse_ms, true), "P12");
    assert_eq!(judge(ages.refuse_ms + DAY_MS, true), "P12");
}

#[test]
fn another_bundle_is_refused_by_its_hash() {
    let other = RuleWorld::with_bundle(|bundle| bundle.issued_at.0 -= 1000);
    let materials = Materials { bundle: Some(&other.signed_bundle), ..Materials::default() };
    let verifier = Verifier::archival(policy_of(&nitro()), TimeEvidence::DocumentOwn);
    let refusal = verifier.verify(&proof(Backing::Nitro), &materials).expect_err("another");
    assert_eq!(refusal.check(), "P12");
    assert!(refusal.to_string().contains("bundle hash"), "{refusal}");
}

#[test]
fn the_path_the_index_and_the_boot_are_the_checkpoints() {
    let judge = |spec: &ProofSpec| check(archival(policy_of(&nitro()), &spec.to_bytes()));
    let mut other = spec(Backing::Nitro);
    other.inclusion = Some(|_, index, _| *index += 1);
    assert_eq!(judge(&other), "P7");
    other.inclusion = Some(|_, index, _| *index = 0);
    assert_eq!(judge(&other), "P7");
    other.inclusion = Some(|size, _, _| *size += 1);
    assert_eq!(judge(&other), "P8");
    other.inclusion = Some(|_, _, path| path[0][0] ^= 1);
    assert_eq!(judge(&other), "P7");
}

#[test]
fn every_kind_says_what_vouches_for_it() {
    let every = policy_of(&every_kind());
    let nitro = archival(every.clone(), &proof(Backing::Nitro)).expect("valid");
    let evidence = nitro.evidence();
    assert_eq!((evidence.anchor_name(), nitro.release()), ("test-root", Some("1.0")));
    assert_eq!(evidence.notes(), nitro.nitro().expect("a document").notes());
    assert!(nitro.tpm().is_none() && evidence.quote().is_none());
    let assumed = TimeEvidence::Assumed { ms: QUOTED_AT_MS };
    let verifier = Verifier::archival(every, assumed);
    let tpm = verifier.verify(&proof(Backing::Tpm), &Materials::default()).expect("valid");
    let evidence = tpm.evidence();
    assert_eq!((evidence.anchor_name(), tpm.release()), ("pinned attestation key", None));
    assert_eq!(evidence.notes(), tpm.tpm().expect("a quote").notes());
    assert!(evidence.quote().is_some() && evidence.document().is_none());
    let names: Vec<_> = tpm.checks().iter().map(|(check, _)| *check).collect();
    assert_eq!(names, Check::all().collect::<Vec<_>>());
}

#[test]
fn a_document_of_an_instance_is_judged_alone() {
    let parsed = Proof::parse(&proof(Backing::NitroTpm)).expect("sound");
    let document = parsed.unsigned.expect("complete").evidence.document;
    let time = attest::VerificationTime::Live { now_ms: QUOTED_AT_MS };
    let judge =
        |policy: Policy| policy.judge_document(&document, policy::Kind::NitroTpm, time, None);
    assert_eq!(check(judge(policy_of(&every_kind()))), "accepted");
    assert_eq!(check(judge(policy_of(&nitro()))), "P6");
}

#[test]
fn accepted_kinds_are_said_by_name() {
    let kinds = |policy: &Policy| policy::Kind::ALL.map(|kind| policy.accepts(kind));
    assert_eq!(kinds(&policy_of(&nitro())), [true, false, false]);
    assert_eq!(kinds(&policy_of(&every_kind())), [true; 3]);
    let refused = |content: &policy::Content| {
        let mut spec = spec(Backing::Nitro);
        spec.kind = "sgx";
        archival(policy_of(content), &spec.to_bytes()).expect_err("unknown")
    };
    for (content, words) in [(nitro(), "nitro"), (every_kind(), "nitro or nitrotpm or tpm")] {
        let refusal = refused(&content);
        let VerifyError::EvidenceKind { accepted, .. } = &refusal else { panic!("{refusal}") };
        assert_eq!(accepted, words);
    }
}

#[test]
fn a_policy_tells_its_configurations_and_its_required_checks_once() {
    let policy = policy_of(&nitro());
    assert_eq!(policy.boot_configs(), [world().config.clone()]);
    assert!(policy.required_checks().is_empty());
    let twice = ["P11", "P12", "P11"];
    let policy =
        twice.into_iter().try_fold(policy, |policy, name| policy.with_required_check(name));
    assert_eq!(policy.expect("checks").required_checks(), ["P11", "P12"]);
}

#[test]
fn checks_and_remedies_are_told_apart() {
    let titles: std::collections::BTreeSet<_> = Check::all().map(Check::title).collect();
    assert_eq!(titles.len(), Check::COUNT);
    assert!(titles.iter().all(|title| title.len() > 3));
    for (index, check) in Check::all().enumerate() {
        assert_eq!(check.to_string(), format!("P{}", index + 1));
    }
    let bytes = proof(Backing::Nitro);
    let stranger = archival(changed(|c| c.anchors = vec![policy::Anchor::AwsNitroG1]), &bytes);
    let late = archival(changed(|c| c.freshness.lag_ms_max = 499), &bytes);
    let remedies = [stranger, late].map(|verdict| verdict.expect_err("refused").remedy());
    assert_ne!(remedies[0], remedies[1]);
    assert!(remedies.iter().all(|remedy| remedy.contains(' ')), "{remedies:?}");
}

#[test]
fn results_are_given_where_they_were_replayed() {
    let (world, bytes) = (world(), proof(Backing::Nitro));
    let mut verifier = Verifier::new(policy_of(&nitro()));
    let with = Materials {
        bundle: Some(&world.signed_bundle),
        input: Some(BODY),
        salt: Some(crypto::Salt(SALT)),
        ..Materials::default()
    };
    let verified = verifier.verify(&bytes, &with).expect("valid");
    assert_eq!(verified.results(), Some(&world.results[..]));
    assert_eq!(outcome(&verified, "P17"), Outcome::Passed);
    let bare = verifier.verify(&bytes, &Materials::default()).expect("valid");
    assert_eq!(bare.results(), None);
    assert_eq!(verifier.work().proofs, 2);
}

#[test]
fn a_reason_is_written_with_the_results_values() {
    let world = world();
    let (rule, mut result) = (&world.bundle.rules[0], world.results[0].clone());
    assert_eq!(verify::render_reason(rule, &result), "15000.00 USD > 10000.00 USD");
    result.values.truncate(1);
    assert_eq!(verify::render_reason(rule, &result), "15000.00 USD > ?");
    result.reason = 99;
    assert_eq!(verify::render_reason(rule, &result), "reason 99 (not in the rulebook)");
    result.outcome = rules::Outcome::Error;
    assert_eq!(verify::render_reason(rule, &result), "rule did not finish: 15000.00 USD");
}
