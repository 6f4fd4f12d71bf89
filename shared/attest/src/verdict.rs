//! What was established about an accepted document. [`VerifiedDocument`] has one constructor, in
//! [`crate::verify`]; it must never be built from anything that was not verified.

use crate::Pcr;
use crate::check::{Check, Outcome};
use crate::document::UnverifiedDocument;
use crate::policy::TrustAnchor;
use std::collections::BTreeMap;

/// The root that spoke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    name: String,
    sha256: [u8; 32],
    built_in: bool,
}

impl Anchor {
    pub(crate) fn of(anchor: &TrustAnchor) -> Self {
        Self {
            name: anchor.name().to_owned(),
            sha256: anchor.sha256(),
            built_in: anchor.is_built_in(),
        }
    }

    /// Its name in the policy.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// SHA-256 of its DER.
    pub fn sha256(&self) -> [u8; 32] {
        self.sha256
    }

    /// Whether it is AWS's root as compiled in; anything else is a root the policy added.
    pub fn is_built_in(&self) -> bool {
        self.built_in
    }
}

/// For which moment the verdict holds. The two are different claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerifiedTime {
    /// Fresh and valid now.
    Live {
        /// The verifier's clock, Unix milliseconds.
        now_ms: u64,
        /// The document's age; zero for one from a clock slightly ahead.
        age_ms: u64,
    },
    /// Valid at a moment in the past; nothing is said about now.
    Archival {
        /// That moment, Unix milliseconds.
        at_ms: u64,
        /// Whether that moment is the document's own word rather than independent evidence.
        own_timestamp: bool,
    },
}

/// Names a document for replay detection: what it says, never how it is encoded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplayKey {
    /// The module's name.
    pub module_id: String,
    /// The document's timestamp, Unix milliseconds.
    pub timestamp_ms: u64,
    /// The enclave's words.
    pub user_data: Option<Vec<u8>>,
}

/// A document that passed every check the policy asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifiedDocument {
    module_id: String,
    timestamp_ms: u64,
    pcrs: BTreeMap<u8, Pcr>,
    public_key: Option<Vec<u8>>,
    user_data: Option<Vec<u8>>,
    nonce: Option<Vec<u8>>,
    unknown_keys: Vec<String>,
    established: Established,
}

/// What verification found beside the document's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Established {
    pub(crate) anchor: Anchor,
    pub(crate) time: VerifiedTime,
    pub(crate) release: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) checks: Vec<(Check, Outcome)>,
    pub(crate) notes: Vec<String>,
}

impl VerifiedDocument {
    /// The only constructor; called by [`crate::verify`] after the last check.
    pub(crate) fn of(document: &UnverifiedDocument<'_>, established: Established) -> Self {
        Self {
            module_id: document.module_id().to_owned(),
            timestamp_ms: document.timestamp_ms(),
            pcrs: document.pcrs().clone(),
            public_key: document.public_key().map(<[u8]>::to_vec),
            user_data: document.user_data().map(<[u8]>::to_vec),
            nonce: document.nonce().map(<[u8]>::to_vec),
            unknown_keys: document.unknown_keys().iter().map(|key| (*key).to_owned()).collect(),
            established,
        }
    }

    /// The module's name.
    pub fn module_id(&self) -> &str {
        &self.module_id
    }

    /// The hypervisor's clock when it signed, Unix milliseconds.
    pub fn timestamp_ms(&self) -> u64 {
        self.timestamp_ms
    }

    /// The locked registers.
    pub fn pcrs(&self) -> &BTreeMap<u8, Pcr> {
        &self.pcrs
    }

    /// The enclave's key, where given.
    pub fn public_key(&self) -> Option<&[u8]> {
        self.public_key.as_deref()
    }

    /// The enclave's words; empty is not the same as absent.
    pub fn user_data(&self) -> Option<&[u8]> {
        self.user_data.as_deref()
    }

    /// The nonce; empty is not the same as absent.
    pub fn nonce(&self) -> Option<&[u8]> {
        self.nonce.as_deref()
    }

    /// Signed fields that this version does not know.
    pub fn unknown_keys(&self) -> &[String] {
        &self.unknown_keys
    }

    /// The root that spoke.
    pub fn anchor(&self) -> &Anchor {
        &self.established.anchor
    }

    /// For which moment this verdict holds.
    pub fn time(&self) -> VerifiedTime {
        self.established.time
    }

    /// The release whose reference values matched; `None` when N34 was not checked.
    pub fn release(&self) -> Option<&str> {
        self.established.release.as_deref()
    }

    /// The region in the leaf's common name, where it has AWS's shape.
    pub fn region(&self) -> Option<&str> {
        self.established.region.as_deref()
    }

    /// N1 to N42 in order, each with what became of it.
    pub fn checks(&self) -> &[(Check, Outcome)] {
        &self.established.checks
    }

    /// Things worth a look that refuse nothing.
    pub fn notes(&self) -> &[String] {
        &self.established.notes
    }

    /// The key under which a caller records this document to refuse it a second time (N42).
    pub fn replay_key(&self) -> ReplayKey {
        ReplayKey {
            module_id: self.module_id.clone(),
            timestamp_ms: self.timestamp_ms,
            user_data: self.user_data.clone(),
        }
    }
}
