//! The Merkle log of RFC 9162 §2.1 over SHA-256: the enclave's O(log n) [`Frontier`], the
//! strict verification of inclusion and consistency paths, and the
//! [`Checkpoint`] that a quote signs.
//!
//! It must never read a clock, a random source, a socket or a file, never accept a path of any
//! but the exact length, and never allocate from a size that somebody else declared.

mod checkpoint;
mod error;
mod frontier;
mod hash;

pub use checkpoint::{BOOT_ID_BYTES, CHECKPOINT_BYTES, CHECKPOINT_TAG, Checkpoint, ORIGIN_PREFIX};
pub use error::TlogError;
pub use frontier::{FRONTIER_NODES_MAX, Frontier, merkle_root};
pub use hash::{HASH_BYTES, Hash, empty_root, leaf_hash, node_hash};

/// Most nodes of a path: a tree of 2^64 leaves is 64 deep.
pub const PATH_NODES_MAX: usize = 64;
