//! A whole log: indexes without gaps, every quote over the same tree, any two quotes consistent
//! (check P9). Proofs come in the order of their indexes. It must never call a log complete: what
//! came after the last quote cannot be seen from within.

use crate::{Evidence, Verified, VerifyError};
use attest::tpm::HashAlgorithm;
use crypto::{Digest, to_hex};
use facts::Millis;
use logtree::Tree;
use proof::BootRecord;
use std::collections::BTreeMap;
use tlog::{Hash, TlogError};

/// An audit of one boot's log.
pub struct LogAudit {
    boot_id: [u8; 16],
    agent: String,
    tree: Tree,
    /// By size: an earlier proof may carry a later quote.
    quotes: BTreeMap<u64, Quote>,
    /// What spoke for the first proof: the root's SHA-256, or the attestation key's name.
    anchor: Option<Vec<u8>>,
    /// The last statement's own time.
    evaluated_at: Millis,
}

/// What quotes of one size say.
struct Quote {
    root: Hash,
    /// First and last time by the hardware's clock; a TPM has none.
    times: Option<(Millis, Millis)>,
}

/// What an audit found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditSummary {
    /// Proofs in the log, without the boot record.
    pub proofs: u64,
    /// Index of the last proof: up to here there is no gap.
    pub last_index: u64,
    /// Different quoted checkpoints.
    pub quotes: u64,
    /// When the last proof's checkpoint was quoted, by the hardware's clock; of a TPM's quotes,
    /// which have no time, when the last statement says that it was made.
    pub last_quoted_at: Millis,
    /// Pairs of successive quotes whose consistency proof was made and verified.
    pub consistent_pairs: u64,
    /// Root over everything.
    pub root: Hash,
}

impl LogAudit {
    /// An audit that starts with the log's first leaf, the boot record. The record has to be of
    /// the boot configuration with this hash, the verifier's own.
    pub fn open(record: &BootRecord, boot_config: Digest) -> Result<Self, VerifyError> {
        if record.boot_config != boot_config {
            let found = record.boot_config;
            return refuse(format!("expected boot configuration {boot_config}, found {found}"));
        }
        let mut tree = Tree::new();
        tree.append(tlog::leaf_hash(record.hash().as_bytes()));
        let (boot_id, agent) = (record.boot_id, record.agent.clone());
        Ok(Self {
            boot_id,
            agent,
            tree,
            quotes: BTreeMap::new(),
            anchor: None,
            evaluated_at: Millis(0),
        })
    }

    /// Takes the next proof.
    pub fn push(&mut self, verified: &Verified) -> Result<(), VerifyError> {
        let statement = verified.statement();
        if statement.boot_id != self.boot_id || statement.agent != self.agent {
            return refuse("a proof of another boot stands in this log".into());
        }
        let (expected, found) = (self.tree.size(), verified.inclusion().index);
        if found == 0 {
            return refuse("a proof has index 0, the boot record's".into());
        }
        if found != expected {
            return refuse(format!("expected index {expected}, found {found}: proofs are missing"));
        }
        self.check_anchor(verified)?;
        self.take_quote(verified)?;
        self.tree.append(tlog::leaf_hash(verified.proof_hash().as_bytes()));
        Ok(())
    }

    fn check_anchor(&mut self, verified: &Verified) -> Result<(), VerifyError> {
        let found = anchor_of(verified.evidence());
        let expected = self.anchor.get_or_insert_with(|| found.clone());
        if found != *expected {
            let (expected, found) = (to_hex(expected), to_hex(&found));
            return refuse(format!("expected evidence under the root {expected}, found {found}"));
        }
        Ok(())
    }

    fn take_quote(&mut self, verified: &Verified) -> Result<(), VerifyError> {
        let tlog::Checkpoint { size, root, .. } = *verified.checkpoint();
        let times = verified.quoted_at().map(|at| (at, at));
        let quote = self.quotes.entry(size).or_insert(Quote { root, times });
        if quote.root != root {
            return refuse(format!("two quotes of size {size} have different roots"));
        }
        if let (Some((first, last)), Some((at, _))) = (&mut quote.times, times) {
            (*first, *last) = (at.min(*first), at.max(*last));
        }
        self.evaluated_at = self.evaluated_at.max(verified.statement().evaluated_at);
        Ok(())
    }

    /// Holds every quote against the tree of all proofs, and each against the next. No proof is
    /// beyond the last quote: each was verified to be under its own.
    pub fn finish(self) -> Result<AuditSummary, VerifyError> {
        let Some((covered, last)) = self.quotes.last_key_value() else {
            return refuse("no quote covers this log".into());
        };
        let (covered, size) = (*covered, self.tree.size());
        if covered > size {
            let missing = covered - size;
            return refuse(format!(
                "the last quote covers {covered} entries, the log has {size}: {missing} missing"
            ));
        }
        for (size, quote) in &self.quotes {
            if self.tree.root_at(*size).map_err(tree_error)? != quote.root {
                return refuse(format!("the quote of size {size} has another root"));
            }
        }
        Ok(AuditSummary {
            proofs: size - 1,
            last_index: size - 1,
            quotes: self.quotes.len() as u64,
            last_quoted_at: last.times.map_or(self.evaluated_at, |(_, last)| last),
            consistent_pairs: self.check_pairs()?,
            root: self.tree.root(),
        })
    }

    /// Each quote against the next larger one: consistent, and not from before it.
    fn check_pairs(&self) -> Result<u64, VerifyError> {
        let mut pairs = 0;
        for ((old_size, old), (new_size, new)) in self.quotes.iter().zip(self.quotes.iter().skip(1))
        {
            if let (Some((early, _)), Some((_, late))) = (new.times, old.times)
                && early < late
            {
                return refuse(format!(
                    "size {new_size} was quoted at {early}, the smaller {old_size} only at {late}"
                ));
            }
            let path = self.tree.consistency(*old_size, *new_size).map_err(tree_error)?;
            logtree::verify_consistency(*old_size, *new_size, old.root, new.root, &path)
                .map_err(tree_error)?;
            pairs += 1;
        }
        Ok(pairs)
    }
}

/// What all evidence of one log has in common.
fn anchor_of(evidence: &Evidence) -> Vec<u8> {
    match (evidence.document(), evidence.quote()) {
        (Some(document), _) => document.anchor().sha256().to_vec(),
        (None, Some(quote)) => HashAlgorithm::Sha256.digest(&[quote.ak_spki()]),
        (None, None) => Vec::new(),
    }
}

fn tree_error(error: TlogError) -> VerifyError {
    VerifyError::Log(error.to_string())
}

fn refuse<T>(problem: String) -> Result<T, VerifyError> {
    Err(VerifyError::Log(problem))
}
