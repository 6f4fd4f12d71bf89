//! Witness cosignatures (P20): each verified, k of n, and evidence of time for the archive.

use crate::support::*;
use attestation_fixtures::proofs::{Backing, QUOTED_AT_MS, key};
use proof::{LogSignatures, Proof};
use receipt::cosign::{WitnessKey, cosign};
use receipt::note::TreeHead;
use verify::{Materials, Outcome, Policy, TimeEvidence, Verifier};

const QUOTED_S: u64 = QUOTED_AT_MS / 1000;

fn name(fill: u8) -> String {
    format!("witness.example/w{fill}")
}

/// Two of the witnesses 31, 32 and 33.
fn policy() -> Policy {
    changed(|content| {
        let key = |fill| WitnessKey::new(&name(fill), key(fill).verifying_key()).expect("a key");
        content.witnesses.keys = [31, 32, 33].map(|fill| key(fill).to_string()).into();
        content.witnesses.keys.sort_unstable();
        content.witnesses.threshold = 2;
    })
}

/// A witness's line under the proof's checkpoint.
fn line(fill: u8, time_s: u64) -> Vec<u8> {
    let head = TreeHead::parse(&spec(Backing::Nitro).checkpoint().note_text()).expect("a head");
    cosign(&head, &name(fill), &key(fill), time_s).expect("signed").to_string().into_bytes()
}

fn proof_with(lines: &[Vec<u8>]) -> Vec<u8> {
    let mut proof = Proof::parse(&proof(Backing::Nitro)).expect("sound");
    let unsigned = proof.unsigned.as_mut().expect("complete");
    lines.iter().for_each(|line| unsigned.add_cosignature(line.clone()));
    proof.to_bytes()
}

fn judge(policy: Policy, bytes: &[u8]) -> Result<verify::Verified, verify::VerifyError> {
    archival(policy, bytes)
}

#[test]
fn two_of_three_witnesses_pass_and_fewer_are_not_checked() {
    let two = proof_with(&[line(31, QUOTED_S + 5), line(33, QUOTED_S + 9)]);
    let verified = judge(policy(), &two).expect("witnessed");
    assert_eq!(outcome(&verified, "P20"), Outcome::Passed);
    let witnessed = verified.witnessed().expect("witnessed");
    assert_eq!(witnessed.names, [name(31), name(33)]);
    assert_eq!(witnessed.at.0, (QUOTED_S + 9) * 1000);
    let one = proof_with(&[line(31, QUOTED_S)]);
    let verified = judge(policy(), &one).expect("valid, not witnessed");
    assert!(matches!(outcome(&verified, "P20"), Outcome::NotChecked(_)));
    assert!(verified.witnessed().is_none());
    let strict = |policy: Policy| policy.with_required_check("P20").expect("a check");
    assert_eq!(check(judge(strict(policy()), &one)), "P20");
    assert_eq!(check(judge(strict(policy()), &two)), "accepted");
    assert_eq!(check(judge(strict(policy()), &proof(Backing::Nitro))), "P20");
    // A witness that the policy does not know is nobody.
    let stranger = proof_with(&[line(31, QUOTED_S), line(34, QUOTED_S)]);
    assert_eq!(check(judge(strict(policy()), &stranger)), "P20");
}

#[test]
fn present_is_not_verified() {
    let mut forged = String::from_utf8(line(32, QUOTED_S)).expect("text");
    let end = forged.len() - 6;
    let other = if &forged[end..=end] == "A" { "B" } else { "A" };
    forged.replace_range(end..=end, other);
    let bytes = proof_with(&[line(31, QUOTED_S), line(33, QUOTED_S), forged.into_bytes()]);
    assert_eq!(check(judge(policy(), &bytes)), "P20");
}

#[test]
fn lines_may_come_beside_the_proof() {
    let (a, b) = (line(31, QUOTED_S), line(32, QUOTED_S));
    let verifier = Verifier::archival(policy(), TimeEvidence::DocumentOwn);
    let lines: [&[u8]; 2] = [&a, &b];
    let materials = Materials { cosignatures: &lines, ..Materials::default() };
    let verified = verifier.verify(&proof(Backing::Nitro), &materials).expect("witnessed");
    assert_eq!(outcome(&verified, "P20"), Outcome::Passed);
    // The second time the signatures are known, for these lines only.
    let before = verifier.work().other_signatures;
    assert_eq!(check(verifier.verify(&proof(Backing::Nitro), &materials)), "accepted");
    assert_eq!(verifier.work().other_signatures, before);
    let lines: [&[u8]; 1] = [&a];
    let materials = Materials { cosignatures: &lines, ..Materials::default() };
    let verified = verifier.verify(&proof(Backing::Nitro), &materials).expect("valid");
    assert!(verified.witnessed().is_none());
}

#[test]
fn witnesses_do_not_contradict_the_hardware() {
    let at = |time_s| proof_with(&[line(31, time_s), line(32, time_s)]);
    assert_eq!(check(judge(policy(), &at(QUOTED_S - 60))), "accepted");
    assert_eq!(check(judge(policy(), &at(QUOTED_S - 61))), "P20");
    let live = Verifier::live(policy(), QUOTED_AT_MS + 1_000).expect("in force");
    let nothing = Materials::default();
    assert_eq!(check(live.verify(&at(QUOTED_S + 60), &nothing)), "accepted");
    // The leeway of a minute counts from now: to the second, because cosignatures have no less.
    assert_eq!(check(live.verify(&at(QUOTED_S + 61), &nothing)), "accepted");
    assert_eq!(check(live.verify(&at(QUOTED_S + 62), &nothing)), "P20");
    // After the year 9999 nothing is witnessed, for the archive too.
    assert_eq!(check(judge(policy(), &at(253_402_300_799))), "accepted");
    assert_eq!(check(judge(policy(), &at(253_402_300_800))), "P20");
    assert_eq!(check(judge(policy(), &at(u64::MAX / 4))), "P20");
    assert_eq!(check(live.verify(&at(u64::MAX / 4), &nothing)), "P20");
}

#[test]
fn witnessed_time_is_evidence_for_the_archive() {
    let verifier = Verifier::archival(policy(), TimeEvidence::Witnessed);
    let nothing = Materials::default();
    let bytes = proof_with(&[line(31, QUOTED_S + 5), line(32, QUOTED_S + 9)]);
    for round in 0..2 {
        let archival = verifier.verify(&bytes, &nothing).expect("witnessed while it was valid");
        assert_eq!(archival.judged_at().0, (QUOTED_S + 9) * 1000, "{round}");
        assert!(archival.assumption().contains("witness.example/w31 and witness.example/w32"));
    }
    let work = verifier.work();
    assert_eq!((work.quotes_reused, work.other_signatures), (1, 2), "nothing is computed twice");
    // A day later the certificates had expired: that witness saw it too late to help.
    let late = proof_with(&[line(31, QUOTED_S + 5), line(32, QUOTED_S + 86_400)]);
    assert_eq!(check(verifier.verify(&late, &nothing)), "N28");
    assert_eq!(check(verifier.verify(&proof(Backing::Nitro), &nothing)), "P20");
    assert_eq!(check(verifier.verify(&proof_with(&[line(31, QUOTED_S)]), &nothing)), "P20");
    let without = Verifier::archival(policy_of(&nitro()), TimeEvidence::Witnessed);
    let refusal = without.verify(&bytes, &nothing).expect_err("no witness is known");
    assert_eq!(refusal.check(), "P20");
    assert!(refusal.to_string().contains("cosignatures by the policy's witnesses"), "{refusal}");
    // Cosignatures of this checkpoint under another statement's path.
    let mut other = spec(Backing::Nitro);
    other.statement(|statement| statement.proof_id = [9; 16]);
    let mut other = Proof::parse(&other.to_bytes()).expect("sound");
    let unsigned = other.unsigned.as_mut().expect("complete");
    unsigned.cosignatures = Proof::parse(&bytes).expect("sound").unsigned.expect("it").cosignatures;
    assert_eq!(check(verifier.verify(&other.to_bytes(), &nothing)), "P20");
}

#[test]
fn the_logs_own_signatures_are_verified_where_they_are() {
    let mut sound = Proof::parse(&proof(Backing::Nitro)).expect("sound");
    let unsigned = sound.unsigned.as_mut().expect("complete");
    let checkpoint = spec(Backing::Nitro).checkpoint();
    let signatures = LogSignatures::sign(&checkpoint, &key(5));
    unsigned.log_signatures = Some(signatures);
    let verifier = Verifier::archival(policy_of(&nitro()), TimeEvidence::DocumentOwn);
    let nothing = Materials::default();
    assert_eq!(check(verifier.verify(&sound.to_bytes(), &nothing)), "accepted");
    for which in 0..2 {
        let mut forged = signatures;
        match which {
            0 => forged.note.0[5] ^= 1,
            _ => forged.receipt.0[5] ^= 1,
        }
        let mut proof = sound.clone();
        proof.unsigned.as_mut().expect("complete").log_signatures = Some(forged);
        // The quote is known and its genuine signatures too.
        assert_eq!(check(verifier.verify(&proof.to_bytes(), &nothing)), "P8");
    }
    let strangers = LogSignatures::sign(&checkpoint, &key(6));
    let mut proof = sound.clone();
    proof.unsigned.as_mut().expect("complete").log_signatures = Some(strangers);
    assert_eq!(check(verifier.verify(&proof.to_bytes(), &nothing)), "P8");
}
