//! The whole log in memory, for the untrusted parent, which makes the paths that others verify.
//! It must never be taken for evidence: what it answers counts once `verify_*` accepted it.

mod verify;

pub use verify::{consistency_root, inclusion_root, verify_consistency, verify_inclusion};

use tlog::{Hash, TlogError, empty_root, node_hash};
use verify::check_growth;

/// An append-only tree that keeps the hash of every complete subtree: about two hashes a leaf.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    /// `levels[l][i]` is the root over the leaves `i << l .. (i + 1) << l`.
    levels: Vec<Vec<Hash>>,
}

impl Tree {
    /// A tree without leaves.
    pub fn new() -> Tree {
        Tree::default()
    }

    /// Appends the hash of a leaf (see [`tlog::leaf_hash`]).
    pub fn append(&mut self, leaf_hash: Hash) {
        let mut hash = leaf_hash;
        for level in 0.. {
            if level == self.levels.len() {
                self.levels.push(Vec::new());
            }
            let nodes = &mut self.levels[level];
            nodes.push(hash);
            match nodes.as_slice() {
                [.., left, right] if nodes.len().is_multiple_of(2) => hash = node_hash(left, right),
                _ => break,
            }
        }
    }

    /// How many leaves were appended.
    pub fn size(&self) -> u64 {
        self.levels.first().map_or(0, |leaves| leaves.len() as u64)
    }

    /// The hash of the leaf at `index`.
    pub fn leaf(&self, index: u64) -> Result<Hash, TlogError> {
        usize::try_from(index)
            .ok()
            .and_then(|index| self.levels.first()?.get(index).copied())
            .ok_or(TlogError::IndexOutOfRange { index, size: self.size() })
    }

    /// The root of the tree as it is now.
    pub fn root(&self) -> Hash {
        self.range_root(0, self.size())
    }

    /// The root of the tree as it was with `size` leaves.
    pub fn root_at(&self, size: u64) -> Result<Hash, TlogError> {
        self.check_size(size)?;
        Ok(self.range_root(0, size))
    }

    /// The inclusion path (RFC 9162 §2.1.3.1) of the leaf at `index` in the tree as it was with
    /// `size` leaves, lowest node first.
    pub fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Hash>, TlogError> {
        self.check_size(size)?;
        if index >= size {
            return Err(TlogError::IndexOutOfRange { index, size });
        }
        let mut path = Vec::new();
        let (mut start, mut end) = (0, size);
        while end - start > 1 {
            let middle = start + left_width(end - start);
            if index < middle {
                path.push(self.range_root(middle, end));
                end = middle;
            } else {
                path.push(self.range_root(start, middle));
                start = middle;
            }
        }
        path.reverse();
        Ok(path)
    }

    /// The consistency path (RFC 9162 §2.1.4.1) from the tree with `old_size` leaves to the tree
    /// with `new_size` leaves, lowest node first; empty for equal sizes. There is none from the
    /// empty tree: it is consistent with everything and proves nothing.
    pub fn consistency(&self, old_size: u64, new_size: u64) -> Result<Vec<Hash>, TlogError> {
        self.check_size(new_size)?;
        check_growth(old_size, new_size)?;
        let mut path = Vec::new();
        let (mut start, mut end) = (0, new_size);
        while old_size < end {
            let middle = start + left_width(end - start);
            if old_size <= middle {
                path.push(self.range_root(middle, end));
                end = middle;
            } else {
                path.push(self.range_root(start, middle));
                start = middle;
            }
        }
        // From the far left, this last subtree is the old tree itself: the verifier has its root.
        if start > 0 {
            path.push(self.range_root(start, end));
        }
        path.reverse();
        Ok(path)
    }

    fn check_size(&self, size: u64) -> Result<(), TlogError> {
        if size > self.size() {
            return Err(TlogError::SizeOutOfRange { size, available: self.size() });
        }
        Ok(())
    }

    /// The root over the leaves `start..end`, in O(log n). The range must lie in the tree and
    /// `start` must be a multiple of its width rounded up to a power of two, which the splits of
    /// RFC 9162 always give.
    fn range_root(&self, start: u64, end: u64) -> Hash {
        let mut rest = end;
        let mut root: Option<Hash> = None;
        // Complete subtrees from the narrowest, on the right, to the widest.
        while rest > start {
            let level = (rest - start).trailing_zeros();
            rest -= 1 << level;
            let left = self.node(level, rest >> level);
            root = Some(root.map_or(left, |right| node_hash(&left, &right)));
        }
        root.unwrap_or_else(empty_root)
    }

    fn node(&self, level: u32, index: u64) -> Hash {
        let index = usize::try_from(index).expect("fits because it counts nodes in memory");
        self.levels[level as usize][index]
    }
}

impl FromIterator<Hash> for Tree {
    fn from_iter<I: IntoIterator<Item = Hash>>(leaf_hashes: I) -> Tree {
        let mut tree = Tree::new();
        for leaf_hash in leaf_hashes {
            tree.append(leaf_hash);
        }
        tree
    }
}

/// The inclusion path of one of the leaf hashes that are all at hand; it leads to
/// [`tlog::merkle_root`] of the same slice. For small trees: it hashes all of them.
pub fn inclusion_path(leaf_hashes: &[Hash], index: u64) -> Result<Vec<Hash>, TlogError> {
    let tree: Tree = leaf_hashes.iter().copied().collect();
    tree.inclusion(index, tree.size())
}

/// The largest power of two below `width`, which is at least 2.
fn left_width(width: u64) -> u64 {
    1 << (width - 1).ilog2()
}
