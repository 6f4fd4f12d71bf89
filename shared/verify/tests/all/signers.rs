//! Revoked and retired signers are different verdicts (P6).

use crate::support::*;
use attestation_fixtures::proofs::{Backing, QUOTED_AT_MS, key};
use facts::Millis;
use policy::{RetiredSigner, RevokedSigner};
use verify::{Materials, Standing, TimeEvidence, Verdict, Verifier};

/// The enclave of the test world signs with key 5.
fn retired(from: u64) -> verify::Policy {
    let key = key(5).verifying_key();
    let one = RetiredSigner { key, from: Millis(from), reason: "rotated".into() };
    changed(|content| content.retired_signers = vec![one])
}

fn revoked(fill: u8) -> verify::Policy {
    let one = RevokedSigner { key: key(fill).verifying_key(), reason: "leaked".into() };
    changed(|content| content.revoked_signers = vec![one])
}

#[test]
fn a_revoked_signer_is_refused_always() {
    let bytes = proof(Backing::Nitro);
    for evidence in [TimeEvidence::DocumentOwn, TimeEvidence::Assumed { ms: QUOTED_AT_MS }] {
        let verifier = Verifier::archival(revoked(5), evidence);
        let error = verifier.verify(&bytes, &Materials::default()).expect_err("revoked");
        assert_eq!((error.check(), error.verdict()), ("P6", Verdict::Revoked));
        assert!(error.to_string().contains("leaked"));
    }
    let live = Verifier::live(revoked(5), QUOTED_AT_MS).expect("in force");
    let error = live.verify(&bytes, &Materials::default()).expect_err("revoked");
    assert_eq!(error.verdict(), Verdict::Revoked);
    assert_eq!(check(archival(revoked(6), &bytes)), "accepted");
}

/// Whoever is about to seal a request to an attested key must hear that it is revoked, before.
#[test]
fn a_document_alone_speaks_for_no_ended_signer() {
    let parsed = proof::Proof::parse(&proof(Backing::Nitro)).expect("sound");
    let document = parsed.unsigned.expect("complete").evidence.document;
    let judge = |policy: verify::Policy, time| {
        check(policy.judge_document(&document, policy::Kind::Nitro, time, None))
    };
    let live = attest::VerificationTime::Live { now_ms: QUOTED_AT_MS };
    let own = attest::VerificationTime::Document;
    assert_eq!((judge(revoked(5), live), judge(revoked(5), own)), ("P6", "P6"));
    let later = QUOTED_AT_MS + 1;
    assert_eq!((judge(retired(later), live), judge(retired(later), own)), ("P6", "accepted"));
    assert_eq!(judge(retired(QUOTED_AT_MS), own), "P6");
    assert_eq!((judge(revoked(6), live), judge(revoked(6), own)), ("accepted", "accepted"));
}

#[test]
fn a_retired_signers_older_proofs_stay_good_in_the_archive() {
    let bytes = proof(Backing::Nitro);
    let older = archival(retired(QUOTED_AT_MS + 1), &bytes).expect("older than the retirement");
    let Standing::Retired { from, reason } = older.standing() else { panic!("not said") };
    assert_eq!((from.0, reason.as_str()), (QUOTED_AT_MS + 1, "rotated"));
    for from in [QUOTED_AT_MS, QUOTED_AT_MS - 1] {
        let error = archival(retired(from), &bytes).expect_err("made later");
        assert_eq!((error.check(), error.verdict()), ("P6", Verdict::Retired));
    }
    let live = Verifier::live(retired(QUOTED_AT_MS + 1), QUOTED_AT_MS).expect("in force");
    let error = live.verify(&bytes, &Materials::default()).expect_err("live");
    assert_eq!((error.check(), error.verdict()), ("P6", Verdict::Retired));
    let current = archival(policy_of(&nitro()), &bytes).expect("valid");
    assert_eq!(*current.standing(), Standing::Current);
}

#[test]
fn a_stranger_with_a_genuine_quote_is_refused() {
    let mut spec = spec(Backing::Nitro);
    spec.signer = key(6).into();
    spec.statement(|statement| statement.agent = key(6).verifying_key().did_key());
    assert_eq!(check(archival(policy_of(&nitro()), &spec.to_bytes())), "P6");
    // The same after the genuine proof was seen: the key that is kept is not taken for his.
    let verifier = Verifier::archival(policy_of(&nitro()), TimeEvidence::DocumentOwn);
    let nothing = Materials::default();
    assert_eq!(check(verifier.verify(&proof(Backing::Nitro), &nothing)), "accepted");
    assert_eq!(check(verifier.verify(&spec.to_bytes(), &nothing)), "P6");
    let mut forged = crate::support::spec(Backing::Nitro);
    forged.signature = Some(|signature| signature[0] ^= 1);
    assert_eq!(check(verifier.verify(&forged.to_bytes(), &nothing)), "P5");
}
