//! Remembers which certificate signatures verified, so that a warm verification costs one P-384
//! check instead of five. It remembers nothing else: validity, revocation, order and authority
//! are judged every time, so no entry can outlive its certificate.

use crate::certificate::Certificate;
use sha2::{Digest, Sha256};
use std::collections::{BTreeSet, VecDeque};

/// A bounded memory of verified certificate signatures.
#[derive(Debug, Clone)]
pub struct ChainCache {
    entries_max: usize,
    known: BTreeSet<[u8; 32]>,
    order: VecDeque<[u8; 32]>,
}

impl ChainCache {
    /// An empty cache of at most `entries_max` signatures; the oldest leaves first.
    pub fn new(entries_max: usize) -> Self {
        Self { entries_max, known: BTreeSet::new(), order: VecDeque::new() }
    }

    /// Signatures remembered now.
    pub fn entries(&self) -> usize {
        self.order.len()
    }

    pub(crate) fn is_signed_by(
        &mut self,
        subject: &Certificate<'_>,
        issuer: &Certificate<'_>,
    ) -> bool {
        let link = link(subject, issuer);
        if self.known.contains(&link) {
            return true;
        }
        let verified = subject.is_signed_by(issuer);
        if verified && self.entries_max > 0 {
            if self.order.len() >= self.entries_max
                && let Some(oldest) = self.order.pop_front()
            {
                self.known.remove(&oldest);
            }
            self.known.insert(link);
            self.order.push_back(link);
        }
        verified
    }
}

/// Names a signature by everything it depends on; lengths keep the two parts apart.
fn link(subject: &Certificate<'_>, issuer: &Certificate<'_>) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(LINK_TAG);
    for part in [issuer.point.as_slice(), subject.der] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

const LINK_TAG: &[u8] = b"probity/attest/chain-link/v1";
