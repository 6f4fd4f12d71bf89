//! The Merkle tree of every boot, in memory, rebuilt from the store at the start. A group of
//! leaves enters only when its root is the one that the hardware quoted; a group that disagrees
//! must never change a tree.

use crate::error::Error;
use crate::store::{Location, Store};
use logtree::Tree;
use proof::BootRecord;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use tlog::{Frontier, Hash, leaf_hash};

/// All logs of this store; the ordinal of a boot is its place.
#[derive(Debug, Default)]
pub struct Ledger {
    logs: RwLock<Vec<Log>>,
}

#[derive(Debug)]
struct Log {
    boot_id: [u8; 16],
    tree: Tree,
    /// The same log in O(log n), so that a group can be tried before it is taken.
    frontier: Frontier,
}

impl Ledger {
    /// The logs as the store has them. A root that differs from the last quote's is damage.
    pub fn rebuild(store: &Store) -> Result<Self, Error> {
        let mut logs = Vec::new();
        for (boot, record) in (0_u32..).zip(store.boots()?) {
            let damaged = |problem| Error::Damaged(format!("boot {boot}: {problem}"));
            let record = BootRecord::parse(&record).map_err(|e| damaged(e.to_string()))?;
            let mut log = Log::new(&record);
            store.leaf_hashes(boot)?.into_iter().for_each(|leaf| log.append(leaf));
            if let Some(quote) = store.last_quote(boot)?
                && log.tree.root_at(quote.size).ok() != Some(quote.root)
            {
                return Err(damaged("the leaves do not lead to the quoted root".into()));
            }
            logs.push(log);
        }
        Ok(Self { logs: RwLock::new(logs) })
    }

    /// Adds the log of a new boot; its ordinal is the number of logs before it.
    pub fn push(&self, record: &BootRecord) {
        self.write().push(Log::new(record));
    }

    /// Ordinal of a boot.
    pub fn find(&self, boot_id: &[u8; 16]) -> Option<u32> {
        let place = self.read().iter().position(|log| log.boot_id == *boot_id)?;
        u32::try_from(place).ok()
    }

    /// Boot ids by ordinal.
    pub fn boot_ids(&self) -> Vec<[u8; 16]> {
        self.read().iter().map(|log| log.boot_id).collect()
    }

    /// Leaves in a log.
    pub fn size(&self, boot: u32) -> u64 {
        self.read().get(boot as usize).map_or(0, |log| log.tree.size())
    }

    /// Hash of one leaf.
    pub fn leaf(&self, at: Location) -> Option<Hash> {
        self.read().get(at.boot as usize)?.tree.leaf(at.index).ok()
    }

    /// Root of a log as it was with `size` leaves.
    pub fn root_at(&self, boot: u32, size: u64) -> Option<Hash> {
        self.read().get(boot as usize)?.tree.root_at(size).ok()
    }

    /// Path from a leaf to the root of the log as it was with `size` leaves.
    pub fn inclusion(&self, at: Location, size: u64) -> Option<Vec<Hash>> {
        self.read().get(at.boot as usize)?.tree.inclusion(at.index, size).ok()
    }

    /// Takes leaves if they lead to `root`, and says whether they did.
    #[must_use]
    pub fn extend(
        &self,
        boot: u32,
        leaves: impl Iterator<Item = Hash> + Clone,
        root: &Hash,
    ) -> bool {
        let mut logs = self.write();
        let Some(log) = logs.get_mut(boot as usize) else { return false };
        let mut frontier = log.frontier.clone();
        leaves.clone().for_each(|leaf| frontier.append(leaf));
        if frontier.root() != *root {
            return false;
        }
        log.frontier = frontier;
        leaves.for_each(|leaf| log.tree.append(leaf));
        true
    }

    fn read(&self) -> RwLockReadGuard<'_, Vec<Log>> {
        self.logs.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Vec<Log>> {
        self.logs.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log {
    fn new(record: &BootRecord) -> Self {
        let (tree, frontier) = (Tree::new(), Frontier::new());
        let mut log = Log { boot_id: record.boot_id, tree, frontier };
        log.append(leaf_hash(record.hash().as_bytes()));
        log
    }

    fn append(&mut self, leaf: Hash) {
        self.tree.append(leaf);
        self.frontier.append(leaf);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crypto::Digest;
    use facts::Millis;

    #[test]
    fn a_group_with_another_root_changes_nothing() {
        let record = BootRecord {
            boot_id: [1; 16],
            boot_config: Digest([2; 32]),
            agent: "did:key:z".into(),
            booted_at: Millis(5),
            previous: None,
            confinement: vec![],
        };
        let ledger = Ledger::default();
        ledger.push(&record);
        assert_eq!(ledger.find(&[1; 16]), Some(0));
        let leaves = [[3; 32], [4; 32]];
        assert!(!ledger.extend(0, leaves.into_iter(), &[9; 32]));
        assert_eq!(ledger.size(0), 1);
        let first = leaf_hash(record.hash().as_bytes());
        let root = tlog::merkle_root(&[first, leaves[0], leaves[1]]);
        assert!(ledger.extend(0, leaves.into_iter(), &root));
        assert_eq!((ledger.size(0), ledger.root_at(0, 3)), (3, Some(root)));
        let at = Location { boot: 0, index: 2 };
        let path = ledger.inclusion(at, 3).unwrap();
        assert_eq!(logtree::verify_inclusion(leaves[1], 2, 3, &path, root), Ok(()));
        assert!(!ledger.extend(7, leaves.into_iter(), &root));
    }
}
