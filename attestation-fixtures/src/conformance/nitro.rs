//! Nitro and NitroTPM documents of the forge, as cases of the corpus.

use super::collect::{Corpus, NewCase, hex};
use super::manifest::{At, Demands, Kind, NonceDemand, Revoked};
use crate::corpus::{Case, PolicyData, TimeData, corpus, nitrotpm_corpus};

pub(super) fn collect(out: &mut Corpus) {
    for case in corpus() {
        add(out, Kind::Nitro, case);
    }
    for case in nitrotpm_corpus() {
        add(out, Kind::Nitrotpm, case);
    }
}

fn add(out: &mut Corpus, kind: Kind, case: Case) {
    let root = out.material("root", &case.policy.root_der, "der");
    out.case(NewCase {
        kind,
        name: case.name,
        bytes: vec![case.bytes],
        expected: case.expected,
        demands: demands(kind.name(), vec![root], &case.policy),
        materials: vec![],
        note: None,
    });
}

/// A policy's data in the manifest's words.
pub(super) fn demands(evidence: &str, roots: Vec<String>, data: &PolicyData) -> Demands {
    let registers = |pcrs: &std::collections::BTreeMap<u8, [u8; 48]>| {
        pcrs.iter().map(|(index, value)| (*index, hex(value))).collect()
    };
    Demands {
        at: match data.time {
            TimeData::Live(ms) => At::Live(ms),
            TimeData::At(ms) => At::Archival(ms),
            TimeData::Document => At::Document,
        },
        evidence: evidence.to_owned(),
        roots,
        age_ms_max: data.age_ms_max,
        clock_skew_ms: data.clock_skew_ms,
        pcrs: registers(&data.pcrs),
        required_pcrs: registers(&data.required_pcrs),
        nonce: match (&data.nonce, data.nonce_absent) {
            (Some(nonce), _) => NonceDemand::Exact(hex(nonce)),
            (None, true) => NonceDemand::Absent,
            (None, false) => NonceDemand::Any,
        },
        user_data: data.user_data.as_deref().map(hex),
        public_key: data.public_key.as_deref().map(hex),
        regions: data.regions.clone(),
        revoked: data
            .revoked
            .iter()
            .map(|(issuer, serial)| Revoked { issuer: hex(issuer), serial: hex(serial) })
            .collect(),
        tpm: None,
        proof: None,
        policy: None,
    }
}
