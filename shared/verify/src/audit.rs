//! A whole log: indexes without gaps, every quote over the same tree, any two quotes consistent
//! (check P9). Proofs come in the order of their indexes.

use crate::{Verified, VerifyError};
use logtree::Tree;
use proof::BootRecord;
use tlog::Checkpoint;

/// An audit of one boot's log.
pub struct LogAudit {
    boot_id: [u8; 16],
    agent: String,
    tree: Tree,
    checkpoints: Vec<Checkpoint>,
}

/// What an audit found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditSummary {
    /// Proofs in the log, without the boot record.
    pub proofs: u64,
    /// Different quoted checkpoints.
    pub quotes: u64,
    /// Pairs of successive quotes whose consistency proof was made and verified.
    pub consistent_pairs: u64,
    /// Root over everything.
    pub root: tlog::Hash,
}

impl LogAudit {
    /// An audit that starts with the log's first leaf, the boot record.
    pub fn open(record: &BootRecord) -> Self {
        let mut tree = Tree::new();
        tree.append(tlog::leaf_hash(record.hash().as_bytes()));
        let (boot_id, agent) = (record.boot_id, record.agent.clone());
        Self { boot_id, agent, tree, checkpoints: Vec::new() }
    }

    /// Takes the next proof.
    pub fn push(&mut self, verified: &Verified) -> Result<(), VerifyError> {
        let statement = verified.statement();
        if statement.boot_id != self.boot_id || statement.agent != self.agent {
            return Err(VerifyError::Log("a proof of another boot stands in this log".into()));
        }
        let (expected, found) = (self.tree.size(), verified.inclusion().index);
        if found != expected {
            let gap = format!("expected index {expected}, found {found}: proofs are missing");
            return Err(VerifyError::Log(gap));
        }
        self.tree.append(tlog::leaf_hash(verified.proof_hash().as_bytes()));
        let checkpoint = *verified.checkpoint();
        if self.checkpoints.last() != Some(&checkpoint) {
            self.checkpoints.push(checkpoint);
        }
        Ok(())
    }

    /// Holds every quote against the tree of all proofs, and each against the next.
    pub fn finish(self) -> Result<AuditSummary, VerifyError> {
        let log = |error: tlog::TlogError| VerifyError::Log(error.to_string());
        let mut pairs = 0;
        for checkpoint in &self.checkpoints {
            let root = self.tree.root_at(checkpoint.size).map_err(log)?;
            if root != checkpoint.root {
                let size = checkpoint.size;
                return Err(VerifyError::Log(format!("the quote of size {size} has another root")));
            }
        }
        for pair in self.checkpoints.windows(2) {
            let (old, new) = (&pair[0], &pair[1]);
            let path = self.tree.consistency(old.size, new.size).map_err(log)?;
            tlog::verify_consistency(old.size, new.size, old.root, new.root, &path).map_err(log)?;
            pairs += 1;
        }
        Ok(AuditSummary {
            proofs: self.tree.size() - 1,
            quotes: self.checkpoints.len() as u64,
            consistent_pairs: pairs,
            root: self.tree.root(),
        })
    }
}
