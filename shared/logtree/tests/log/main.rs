//! Tests of the Merkle log: against the RFC's own definition, against two other crates, against
//! the public vectors, and against whoever would like a false path to pass.
#![allow(clippy::unwrap_used)]

mod attacks;
mod checkpoint;
mod oracle;
mod trees;
mod vectors;

use logtree::Tree;
use tlog::{Hash, leaf_hash};

/// Hashes of `count` different leaves.
fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|index| leaf_hash(&index.to_be_bytes())).collect()
}

fn tree(count: u64) -> Tree {
    leaves(count).into_iter().collect()
}
