//! The strict verification of RFC 9162 §2.1.3.2 (inclusion) and §2.1.4.2 (consistency). Paths
//! come from anywhere: this must never panic on one, never accept one that is a node too long or
//! too short, and never take an index outside the tree.

use tlog::{Hash, PATH_NODES_MAX, TlogError, node_hash};

/// Accepts if `path` leads from `leaf` at `index` to `root` in a tree of `size` leaves.
///
/// The caller must compute `leaf` itself with [`tlog::leaf_hash`] over the data it holds: only
/// then can a node not pose as a leaf. `size` and `root` must come from one [`tlog::Checkpoint`],
/// because a root alone does not bind the size.
pub fn verify_inclusion(
    leaf: Hash,
    index: u64,
    size: u64,
    path: &[Hash],
    root: Hash,
) -> Result<(), TlogError> {
    let reached = inclusion_root(leaf, index, size, path)?;
    if reached != root {
        return Err(TlogError::RootMismatch { expected: root, actual: reached });
    }
    Ok(())
}

/// The root that `path` leads to from `leaf` at `index` in a tree of `size` leaves. It means
/// nothing until it was compared with, or found signed as, a root that somebody vouches for.
pub fn inclusion_root(leaf: Hash, index: u64, size: u64, path: &[Hash]) -> Result<Hash, TlogError> {
    if index >= size {
        return Err(TlogError::IndexOutOfRange { index, size });
    }
    let mut climb = Climb { node: index, last: size - 1 };
    check_length(path, climb.length())?;
    Ok(path.iter().fold(leaf, |below, sibling| match climb.step() {
        Side::Left => node_hash(sibling, &below),
        Side::Right => node_hash(&below, sibling),
    }))
}

/// Accepts if the tree of `new_size` leaves under `new_root` begins with the very leaves of the
/// tree of `old_size` leaves under `old_root`.
///
/// Equal sizes need equal roots and an empty path. An empty old tree is refused: it is
/// consistent with everything, so the claim says nothing.
pub fn verify_consistency(
    old_size: u64,
    new_size: u64,
    old_root: Hash,
    new_root: Hash,
    path: &[Hash],
) -> Result<(), TlogError> {
    let reached = consistency_root(old_size, new_size, old_root, path)?;
    if reached != new_root {
        return Err(TlogError::RootMismatch { expected: new_root, actual: reached });
    }
    Ok(())
}

/// The root of the new tree that `path` leads to from the old one, having led to `old_root` too.
/// It means nothing until it was compared with, or found signed as, a root that somebody vouches
/// for.
pub fn consistency_root(
    old_size: u64,
    new_size: u64,
    old_root: Hash,
    path: &[Hash],
) -> Result<Hash, TlogError> {
    check_growth(old_size, new_size)?;
    if old_size == new_size {
        check_length(path, 0)?;
        return Ok(old_root);
    }
    // The widest subtree that ends at the old tree's last leaf is the node to climb from.
    let level = old_size.trailing_zeros();
    let mut climb = Climb { node: (old_size - 1) >> level, last: (new_size - 1) >> level };
    // If that subtree is the whole old tree, its root is known and stands not in the path.
    let (start, siblings) = if old_size.is_power_of_two() {
        check_length(path, climb.length())?;
        (old_root, path)
    } else {
        check_length(path, climb.length() + 1)?;
        let (first, rest) = path.split_first().expect("not empty because its length was checked");
        (*first, rest)
    };
    let (mut old, mut new) = (start, start);
    for sibling in siblings {
        match climb.step() {
            Side::Left => {
                old = node_hash(sibling, &old);
                new = node_hash(sibling, &new);
            }
            Side::Right => new = node_hash(&new, sibling),
        }
    }
    if old != old_root {
        return Err(TlogError::OldRootMismatch { expected: old_root, actual: old });
    }
    Ok(new)
}

/// A walk from a node to the root: `fn` and `sn` of the RFC.
struct Climb {
    /// Index of the node within its level.
    node: u64,
    /// Index of the last node of that level.
    last: u64,
}

/// On which side of the walk the next sibling stands.
enum Side {
    Left,
    Right,
}

impl Climb {
    /// How many siblings there are on the way up.
    fn length(&self) -> usize {
        // Below the level where the walk joins the right edge, every node has a sibling. From
        // there on the sibling is always on the left, at the levels where the index is odd.
        let joined = u64::BITS - (self.node ^ self.last).leading_zeros();
        let lefts = self.node.checked_shr(joined).map_or(0, u64::count_ones);
        (joined + lefts) as usize
    }

    /// Where the next sibling stands; moves up. Once the walk has joined the right edge it stays
    /// there, so every sibling is on the left: levels without one need not be told apart, because
    /// [`Climb::length`] has counted the others.
    fn step(&mut self) -> Side {
        let right = self.node & 1 == 0 && self.node != self.last;
        self.node >>= 1;
        self.last >>= 1;
        if right { Side::Right } else { Side::Left }
    }
}

fn check_length(path: &[Hash], expected: usize) -> Result<(), TlogError> {
    if path.len() > PATH_NODES_MAX {
        return Err(TlogError::PathTooLong { max: PATH_NODES_MAX, actual: path.len() });
    }
    if path.len() != expected {
        return Err(TlogError::PathLength { expected, actual: path.len() });
    }
    Ok(())
}

/// Both ends of a consistency path: the old tree has a leaf and is no larger than the new one.
pub(crate) fn check_growth(old_size: u64, new_size: u64) -> Result<(), TlogError> {
    if old_size > new_size {
        return Err(TlogError::SizesReversed { old_size, new_size });
    }
    if old_size == 0 {
        return Err(TlogError::OldTreeEmpty { new_size });
    }
    Ok(())
}
