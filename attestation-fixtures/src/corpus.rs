//! The corpus: good and hostile documents with the verdict a strict verifier must reach, each
//! wrong in one place. The same bytes on every run, so a verdict that changes is a change.

mod cases;

use crate::pki::{LeafChain, TestPki};
use crate::tamper::{Tamper, forge_with_root};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// A document and the verdict it must get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Case {
    /// A name, distinct within the corpus.
    pub name: &'static str,
    /// The document as received.
    pub bytes: Vec<u8>,
    /// What the verifier demands.
    pub policy: PolicyData,
    /// The verdict.
    pub expected: Expected,
}

/// A verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Every check holds.
    Accept,
    /// The check with this number refuses.
    Refuse(&'static str),
}

/// The moment a document is judged for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeData {
    /// Now, Unix milliseconds.
    Live(u64),
    /// Archival, Unix milliseconds.
    At(u64),
    /// Archival, at the document's own time.
    Document,
}

/// A verifier's demands as plain data, for whichever verifier is tested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyData {
    /// The one root that is trusted.
    pub root_der: Vec<u8>,
    /// The moment.
    pub time: TimeData,
    /// Oldest acceptable document in live verification.
    pub age_ms_max: u64,
    /// Leeway for clocks.
    pub clock_skew_ms: u64,
    /// The accepted release.
    pub pcrs: BTreeMap<u8, [u8; 48]>,
    /// Registers that are demanded whatever the release.
    pub required_pcrs: BTreeMap<u8, [u8; 48]>,
    /// Exact nonce, where demanded.
    pub nonce: Option<Vec<u8>>,
    /// Whether a document with a nonce is refused.
    pub nonce_absent: bool,
    /// Exact user_data, where demanded.
    pub user_data: Option<Vec<u8>>,
    /// Exact public_key, where demanded.
    pub public_key: Option<Vec<u8>>,
    /// Allowed regions, where limited.
    pub regions: Option<Vec<String>>,
    /// Issuer name in DER and serial number of revoked certificates.
    pub revoked: Vec<(Vec<u8>, Vec<u8>)>,
}

/// The whole corpus under the published test root. Made once a process.
pub fn corpus() -> Vec<Case> {
    static CORPUS: OnceLock<Vec<Case>> = OnceLock::new();
    CORPUS.get_or_init(make).clone()
}

/// The cases of NitroTPM documents: the same PKI and envelope, another map of registers.
pub fn nitrotpm_corpus() -> Vec<Case> {
    static CORPUS: OnceLock<Vec<Case>> = OnceLock::new();
    CORPUS.get_or_init(make_nitrotpm).clone()
}

fn make() -> Vec<Case> {
    let mut builder = Builder::new();
    cases::all(&mut builder);
    builder.cases
}

fn make_nitrotpm() -> Vec<Case> {
    let mut builder = Builder::new();
    cases::nitrotpm(&mut builder);
    builder.cases
}

/// Collects cases under one PKI at one moment.
struct Builder {
    pki: TestPki,
    now_ms: u64,
    cases: Vec<Case>,
}

impl Builder {
    fn new() -> Self {
        Self { pki: TestPki::published(), now_ms: NOW_MS, cases: Vec::new() }
    }

    fn now_s(&self) -> u64 {
        self.now_ms / 1000
    }

    fn chain(&self) -> LeafChain {
        self.pki.issue(self.now_ms)
    }

    fn accept(&mut self, name: &'static str, tampers: &[Tamper]) {
        self.case(name, Expected::Accept, tampers, |_| ());
    }

    fn refuse(&mut self, name: &'static str, check: &'static str, tampers: &[Tamper]) {
        self.case(name, Expected::Refuse(check), tampers, |_| ());
    }

    /// A case whose policy differs from the usual one.
    fn case(
        &mut self,
        name: &'static str,
        expected: Expected,
        tampers: &[Tamper],
        change: impl FnOnce(&mut PolicyData),
    ) {
        let (bytes, root_der) = forge_with_root(&self.pki, tampers, self.now_ms);
        let mut policy = PolicyData {
            root_der,
            time: TimeData::Live(self.now_ms),
            age_ms_max: 300_000,
            clock_skew_ms: 60_000,
            pcrs: (0..3).map(|index| (index, [0xa0 + index; 48])).collect(),
            required_pcrs: BTreeMap::new(),
            nonce: Some(b"challenge".to_vec()),
            nonce_absent: false,
            user_data: Some(b"binding".to_vec()),
            public_key: Some(b"key".to_vec()),
            regions: None,
            revoked: Vec::new(),
        };
        change(&mut policy);
        self.cases.push(Case { name, bytes, policy, expected });
    }
}

/// 2026-09-21; any moment would do.
const NOW_MS: u64 = 1_790_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_distinct_and_bytes_are_stable() {
        let (first, again) = (make(), make());
        assert_eq!(first, again);
        let names: BTreeSet<&str> = first.iter().map(|case| case.name).collect();
        assert_eq!(names.len(), first.len());
    }
}
