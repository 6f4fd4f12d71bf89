//! What a warm verification costs, counted; and one verifier in many threads.

use crate::support::*;
use attestation_fixtures::proofs::{Backing, ProofSpec, QUOTED_AT_MS};
use verify::{Materials, TimeEvidence, Verifier, Work};

/// A different proof in the same place of another log: the same certificates, another document.
fn other(number: u8) -> ProofSpec {
    let mut spec = spec(Backing::Nitro);
    spec.statement(|statement| statement.proof_id = [number; 16]);
    spec
}

#[test]
fn known_certificates_leave_two_signatures_and_a_known_quote_one() {
    let verifier = Verifier::archival(policy_of(&nitro()), TimeEvidence::DocumentOwn);
    let nothing = Materials::default();
    let verify = |bytes: &[u8]| {
        let before = verifier.work();
        assert_eq!(check(verifier.verify(bytes, &nothing)), "accepted");
        let after = verifier.work();
        Work {
            proofs: after.proofs - before.proofs,
            statement_signatures: after.statement_signatures - before.statement_signatures,
            quote_signatures: after.quote_signatures - before.quote_signatures,
            quotes_reused: after.quotes_reused - before.quotes_reused,
            certificate_signatures: after.certificate_signatures - before.certificate_signatures,
            other_signatures: after.other_signatures - before.other_signatures,
        }
    };
    let one = Work { proofs: 1, statement_signatures: 1, ..Work::default() };
    let cold = verify(&other(1).to_bytes());
    assert_eq!(cold, Work { quote_signatures: 1, certificate_signatures: 4, ..one });
    // Another document under the same chain: its own signature and the statement's.
    let warm = verify(&other(2).to_bytes());
    assert_eq!(warm, Work { quote_signatures: 1, ..one });
    // The same document again: Ed25519 and hashes.
    let known = verify(&other(2).to_bytes());
    assert_eq!(known, Work { quotes_reused: 1, ..one });
}

/// A moved clock judges every quote anew; the certificates' signatures stay known.
#[test]
fn a_moved_clock_forgets_quotes_and_not_certificates() {
    let mut live = Verifier::live(policy_of(&nitro()), QUOTED_AT_MS).expect("in force");
    let mut fixed = Verifier::new(policy_of(&nitro()));
    let now = attest::VerificationTime::Live { now_ms: QUOTED_AT_MS };
    fixed.set_time(now);
    let (bytes, nothing) = (proof(Backing::Nitro), Materials::default());
    for judged in [1, 2] {
        live.set_time(QUOTED_AT_MS).expect("in force");
        fixed.set_time(now);
        for _ in 0..2 {
            assert_eq!(check(live.verify(&bytes, &nothing)), "accepted");
            assert_eq!(check(fixed.verify(&bytes, &nothing)), "accepted");
        }
        for work in [live.work(), fixed.work()] {
            assert_eq!((work.quote_signatures, work.quotes_reused), (judged, judged));
            assert_eq!(work.certificate_signatures, 4);
        }
    }
}

/// A document that differs in its middle alone is not taken for the one that is known.
#[test]
fn a_known_quote_answers_for_its_very_bytes() {
    let verifier = Verifier::archival(policy_of(&nitro()), TimeEvidence::DocumentOwn);
    let nothing = Materials::default();
    let sound = other(1);
    assert_eq!(check(verifier.verify(&sound.to_bytes(), &nothing)), "accepted");
    let mut changed = sound.clone();
    changed.evidence = Some(|document| {
        let middle = document.len() / 2;
        document[middle] ^= 1;
    });
    assert_ne!(check(verifier.verify(&changed.to_bytes(), &nothing)), "accepted");
    let mut shorter = sound;
    shorter.evidence = Some(|document| document.truncate(document.len() - 1));
    assert_ne!(check(verifier.verify(&shorter.to_bytes(), &nothing)), "accepted");
}

#[test]
fn threads_share_one_verifier() {
    let live = Verifier::live(policy_of(&nitro()), QUOTED_AT_MS).expect("in force");
    let proofs: Vec<_> = (1..=6).map(|number| other(number).to_bytes()).collect();
    let mut forged = other(7);
    forged.signature = Some(|signature| signature[40] ^= 4);
    let forged = forged.to_bytes();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            // Some borrow, some clone.
            let own = live.clone();
            let (proofs, forged, live) = (&proofs, &forged, &live);
            scope.spawn(move || {
                let verifier = if thread % 2 == 0 { live } else { &own };
                for proof in proofs.iter().cycle().skip(thread).take(24) {
                    assert_eq!(check(verifier.verify(proof, &Materials::default())), "accepted");
                    assert_eq!(check(verifier.verify(forged, &Materials::default())), "P5");
                }
            });
        }
    });
    let work = live.work();
    assert_eq!(work.proofs, 4 * 24 * 2);
    assert!(work.quote_signatures >= 6 && work.quotes_reused >= 4 * 24 - 4 * 6);
}

/// The log of the measured boot is part of what was judged: another one is judged anew.
#[test]
fn a_known_tpm_quote_is_kept_with_its_event_log() {
    let time = TimeEvidence::Assumed { ms: QUOTED_AT_MS };
    let verifier = Verifier::archival(policy_of(&every_kind()), time);
    let (bytes, log) = (proof(Backing::Tpm), event_log());
    let with = |event_log: Option<&[u8]>| {
        let before = verifier.work().quotes_reused;
        let verdict =
            check(verifier.verify(&bytes, &Materials { event_log, ..Materials::default() }));
        (verdict, verifier.work().quotes_reused - before)
    };
    assert_eq!(with(Some(&log)), ("accepted", 0));
    assert_eq!(with(Some(&log)), ("accepted", 1));
    assert_eq!(with(None), ("accepted", 0));
    let cut = with(Some(&log[..log.len() - 1]));
    assert!(cut.0.starts_with('T') && cut.1 == 0, "{cut:?}");
}

/// The compiled bundle is kept for its very bytes.
#[test]
fn a_kept_bundle_is_not_taken_for_another() {
    let (world, bytes) = (world(), proof(Backing::Nitro));
    let verifier = Verifier::archival(policy_of(&nitro()), TimeEvidence::DocumentOwn);
    let with = |bundle: &[u8]| {
        check(verifier.verify(&bytes, &Materials { bundle: Some(bundle), ..Materials::default() }))
    };
    assert_eq!(with(&world.signed_bundle), "accepted");
    assert_eq!(with(&world.signed_bundle), "accepted");
    let mut changed = world.signed_bundle.clone();
    let last = changed.len() - 1;
    changed[last] ^= 1;
    assert_eq!(with(&changed), "P12");
    assert_eq!(with(&world.signed_bundle), "accepted");
}

/// Two logs that replay to the same registers: what was said of one is not said of the other.
#[test]
fn each_event_log_is_kept_with_what_it_said() {
    let time = TimeEvidence::Assumed { ms: QUOTED_AT_MS };
    let verifier = Verifier::archival(policy_of(&every_kind()), time);
    let (bytes, log) = (proof(Backing::Tpm), event_log());
    let padded = [&log[..], &[0; 9]].concat();
    let padding = |event_log: &[u8]| {
        let materials = Materials { event_log: Some(event_log), ..Materials::default() };
        let verified = verifier.verify(&bytes, &materials).expect("it replays");
        verified.evidence().notes().iter().any(|note| note.contains("9 bytes of padding"))
    };
    for _ in 0..2 {
        assert!(!padding(&log));
        assert!(padding(&padded));
    }
}
