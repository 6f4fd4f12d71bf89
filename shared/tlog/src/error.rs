//! Every way in which this crate refuses, with what was expected and what came. It must never
//! hold input of a length that somebody else chose.

use crate::checkpoint::CHECKPOINT_TAG;
use crate::hash::Hash;
use std::fmt;

/// Why a path, a size or a checkpoint was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TlogError {
    /// The tree has no leaf at this index.
    #[error("leaf index {index} is outside a tree of {size} leaves")]
    IndexOutOfRange {
        /// The index asked for.
        index: u64,
        /// How many leaves the tree has.
        size: u64,
    },
    /// The tree has not grown to this size.
    #[error("a tree of {size} leaves was asked for, only {available} leaves are there")]
    SizeOutOfRange {
        /// The size asked for.
        size: u64,
        /// How many leaves the tree has.
        available: u64,
    },
    /// A log shrank.
    #[error("the old tree has {old_size} leaves, more than the {new_size} of the new tree")]
    SizesReversed {
        /// Size of the tree that should be the older.
        old_size: u64,
        /// Size of the tree that should be the newer.
        new_size: u64,
    },
    /// Consistency with the empty tree says nothing.
    #[error("expected an old tree with leaves, it is empty (the new tree has {new_size})")]
    OldTreeEmpty {
        /// Size of the newer tree.
        new_size: u64,
    },
    /// The path is not as long as index and sizes require.
    #[error("expected a path of exactly {expected} nodes, it has {actual}")]
    PathLength {
        /// The only length that can be right.
        expected: usize,
        /// The length that came.
        actual: usize,
    },
    /// The path is longer than any that is looked at.
    #[error("expected a path of at most {max} nodes, it has {actual}")]
    PathTooLong {
        /// [`crate::PATH_NODES_MAX`].
        max: usize,
        /// The length that came.
        actual: usize,
    },
    /// The path leads to another root than the one claimed; for consistency, the new one.
    #[error("expected root {}, the path leads to {}", Hex(expected), Hex(actual))]
    RootMismatch {
        /// The root that was claimed.
        expected: Hash,
        /// The root that the path leads to.
        actual: Hash,
    },
    /// A consistency path leads to another old root than the one claimed.
    #[error("expected old root {}, the path leads to {}", Hex(expected), Hex(actual))]
    OldRootMismatch {
        /// The old root that was claimed.
        expected: Hash,
        /// The old root that the path leads to.
        actual: Hash,
    },
    /// Not the length of a checkpoint.
    #[error("expected a checkpoint of exactly {expected} bytes, got {actual}")]
    CheckpointLength {
        /// [`crate::CHECKPOINT_BYTES`].
        expected: usize,
        /// The length that came.
        actual: usize,
    },
    /// Right length, but something else than a checkpoint of this version.
    #[error(
        "expected the tag \"{}\", got \"{}\"",
        expected.escape_ascii(),
        actual.escape_ascii()
    )]
    CheckpointTag {
        /// [`CHECKPOINT_TAG`].
        expected: [u8; CHECKPOINT_TAG.len()],
        /// What stood in its place.
        actual: [u8; CHECKPOINT_TAG.len()],
    },
}

struct Hex<'a>(&'a Hash);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
