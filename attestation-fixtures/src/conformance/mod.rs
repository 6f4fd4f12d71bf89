//! The conformance corpus: every good and hostile case as files with one manifest, so that any
//! verifier can be held against it. The same bytes on every machine. It must never depend on the
//! verifier that it is there to test.

mod collect;
mod logs;
mod manifest;
mod nitro;
mod policies;
mod proof;
mod tpm;

pub use collect::{Corpus, hex, unhex};
pub use manifest::{
    At, Clock, Demands, Entry, Expectation, FORMAT, FORMAT_VERSION, Kind, Manifest, NonceDemand,
    PolicyDemands, ProofDemands, Revoked, TpmDemands, Witnesses, WorkerDemand, WorkerDemands,
};

use std::sync::OnceLock;

/// The whole corpus. Made once a process.
pub fn conformance() -> &'static Corpus {
    static CORPUS: OnceLock<Corpus> = OnceLock::new();
    CORPUS.get_or_init(make)
}

fn make() -> Corpus {
    let mut corpus = Corpus::new();
    nitro::collect(&mut corpus);
    tpm::collect(&mut corpus);
    proof::collect(&mut corpus);
    logs::collect(&mut corpus);
    policies::collect(&mut corpus);
    for (check, reason) in WITHOUT_CASE {
        corpus.without_case(check, reason);
    }
    corpus
}

/// Checks that no single file can fail, each with the reason.
const WITHOUT_CASE: [(&str, &str); 4] = [
    (
        "N42",
        "a replay is a second presentation of a document that is good: the caller keeps the record",
    ),
    ("P4", "the proof hash is not in the proof but recomputed; a wrong one shows as P5 or P7"),
    (
        "T33",
        "a kernel's log that is too short for its quote cannot be told from an altered one: T31",
    ),
    (
        "P22",
        "a module that follows from its source and an interpreter that disagrees with it would be \
         a fault of compiler or interpreter; none is known",
    ),
];

/// The manifest as committed.
pub const FROZEN: &str = include_str!("../../data/manifest.json");

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_corpus_is_the_frozen_one() {
        let manifest = conformance().manifest_json();
        if manifest != FROZEN {
            let frozen: BTreeSet<&str> = FROZEN.lines().collect();
            let new = manifest.lines().find(|line| !frozen.contains(line)).unwrap_or("(shorter)");
            panic!("the corpus changed; first new line: {new}; see CONFORMANCE.md, Freezing");
        }
    }

    #[test]
    fn a_second_making_gives_the_same_bytes() {
        assert_eq!(*conformance(), make());
    }

    #[test]
    fn every_check_has_a_refusing_case_or_a_reason() {
        let corpus = conformance();
        let refusing: BTreeSet<&str> =
            corpus.entries().iter().filter_map(|entry| entry.check.as_deref()).collect();
        let tpm = (4..=6).chain([8]).chain(13..=34).map(|number| format!("T{number}"));
        let all = (1..=42)
            .map(|number| format!("N{number}"))
            .chain(tpm)
            .chain((1..=22).map(|number| format!("P{number}")))
            .chain((1..=7).map(|number| format!("Y{number}")));
        let manifest = corpus.manifest();
        let open: Vec<String> = all
            .filter(|check| {
                !refusing.contains(check.as_str()) && !manifest.without_case.contains_key(check)
            })
            .collect();
        assert!(open.is_empty(), "no refusing case and no reason: {open:?}");
        for check in manifest.without_case.keys() {
            assert!(!refusing.contains(check.as_str()), "{check} has a case and a reason for none");
        }
    }

    #[test]
    fn every_kind_has_a_good_case_and_many_hostile_ones() {
        for kind in Kind::ALL {
            let of_kind = conformance().entries().iter().filter(|entry| entry.kind == kind);
            let (good, bad): (Vec<_>, Vec<_>) =
                of_kind.partition(|entry| entry.expected == Expectation::Accept);
            assert!(!good.is_empty(), "{kind:?} has no good case");
            assert!(bad.len() >= 3, "{kind:?} has {} hostile cases", bad.len());
            assert!(bad.iter().all(|entry| entry.check.is_some()));
            assert!(good.iter().all(|entry| entry.check.is_none()));
        }
    }

    #[test]
    fn a_refused_case_differs_from_every_accepted_one() {
        let key = |entry: &Entry| {
            let rest = (&entry.materials, &entry.more);
            (entry.sha256.clone(), entry.policy.clone(), format!("{rest:?}"))
        };
        let of = |expected| {
            let entries = conformance().entries().iter().filter(move |e| e.expected == expected);
            entries.map(key).collect::<BTreeSet<_>>()
        };
        let both: Vec<_> =
            of(Expectation::Accept).intersection(&of(Expectation::Refuse)).cloned().collect();
        assert!(both.is_empty(), "{both:?}");
    }
}
