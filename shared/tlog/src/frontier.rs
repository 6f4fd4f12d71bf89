//! All that an append-only log must remember to go on: the roots of its complete subtrees. This
//! is the enclave's state; it must never grow with the number of leaves, only with its logarithm.

use crate::hash::{Hash, empty_root, node_hash};

/// The O(log n) state of an append-only tree: it appends and gives roots, it keeps no leaf.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// Roots of the complete subtrees, widest first: one for each bit set in `size`.
    subtrees: Vec<Hash>,
}

impl Frontier {
    /// The frontier of a tree without leaves.
    pub fn new() -> Frontier {
        Frontier::default()
    }

    /// Appends the hash of a leaf (see [`crate::leaf_hash`]).
    pub fn append(&mut self, leaf_hash: Hash) {
        let grown =
            self.size.checked_add(1).expect("fits because nobody lives to append 2^64 leaves");
        let merges = self.size.trailing_ones() as usize;
        let kept = self.subtrees.len() - merges;
        let subtree = self
            .subtrees
            .drain(kept..)
            .rev()
            .fold(leaf_hash, |right, left| node_hash(&left, &right));
        self.subtrees.push(subtree);
        self.size = grown;
    }

    /// How many leaves were appended.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root of the tree as it is now.
    pub fn root(&self) -> Hash {
        self.subtrees
            .iter()
            .rev()
            .copied()
            .reduce(|right, left| node_hash(&left, &right))
            .unwrap_or_else(empty_root)
    }

    /// How many hashes are held: never more than [`FRONTIER_NODES_MAX`].
    pub fn node_count(&self) -> usize {
        self.subtrees.len()
    }
}

/// The root over leaf hashes that are all at hand, such as the rule results of one proof.
pub fn merkle_root(leaf_hashes: &[Hash]) -> Hash {
    let mut frontier = Frontier::new();
    for leaf_hash in leaf_hashes {
        frontier.append(*leaf_hash);
    }
    frontier.root()
}

/// Most hashes that a [`Frontier`] holds: one for each bit of its size.
pub const FRONTIER_NODES_MAX: usize = u64::BITS as usize;
