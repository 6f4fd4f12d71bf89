//! Bytes from anywhere never panic, and never turn into another statement that is accepted.

use crate::support::*;
use attestation_fixtures::proofs::{Backing, QUOTED_AT_MS};
use verify::{Materials, TimeEvidence, Verifier};

#[test]
fn random_mutants_of_every_kind_never_panic() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % below.max(1) as u64) as usize
    };
    let time = TimeEvidence::Assumed { ms: QUOTED_AT_MS };
    let verifier = Verifier::archival(policy_of(&every_kind()), time);
    let log = event_log();
    for backing in [Backing::Nitro, Backing::NitroTpm, Backing::Tpm] {
        let sound = proof(backing);
        let materials = Materials { event_log: Some(&log), ..Materials::default() };
        let honest = verifier.verify(&sound, &materials).expect("valid").proof_hash();
        for _ in 0..3_000 {
            let mut mutant = sound.clone();
            for _ in 0..=next(3) {
                let at = next(mutant.len() - 1);
                match next(5) {
                    0 => mutant[at] = next(256) as u8,
                    1 => mutant.insert(at, next(256) as u8),
                    2 => drop(mutant.remove(at)),
                    3 => mutant.truncate(at.max(2)),
                    _ => mutant[at] ^= 1 << next(8),
                }
            }
            if let Ok(accepted) = verifier.verify(&mutant, &materials) {
                assert_eq!(accepted.proof_hash(), honest);
            }
        }
    }
}
