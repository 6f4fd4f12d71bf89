//! The three hashes of RFC 9162 §2.1.1. Leaves and nodes are hashed under different prefixes, so
//! a node can never be passed off as a leaf; nothing here may hash without its prefix.

use sha2::{Digest as _, Sha256};

/// A SHA-256 value: of a leaf, of a node, or of a whole tree.
pub type Hash = [u8; HASH_BYTES];

/// SHA-256(0x00 || leaf).
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    Sha256::new().chain_update([LEAF_PREFIX]).chain_update(leaf).finalize().into()
}

/// SHA-256(0x01 || left || right).
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new()
        .chain_update([NODE_PREFIX])
        .chain_update(left)
        .chain_update(right)
        .finalize()
        .into()
}

/// SHA-256 of nothing: the root of a tree without leaves.
pub fn empty_root() -> Hash {
    Sha256::digest([]).into()
}

/// Length of a hash.
pub const HASH_BYTES: usize = 32;

const LEAF_PREFIX: u8 = 0x00;
const NODE_PREFIX: u8 = 0x01;
