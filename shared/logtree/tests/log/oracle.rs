//! RFC 9162 §2.1 word for word: slow, recursive, and written apart from the crate. It must never
//! call the crate for more than the two hashes.

use tlog::{Hash, empty_root, leaf_hash, node_hash};

/// MTH(D_n), §2.1.1.
pub fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => empty_root(),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            node_hash(&root(left), &root(right))
        }
    }
}

/// PATH(m, D_n), §2.1.3.1.
pub fn inclusion(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut path, sibling) = if index < left.len() {
        (inclusion(index, left), root(right))
    } else {
        (inclusion(index - left.len(), right), root(left))
    };
    path.push(sibling);
    path
}

/// SUBPROOF(m, D_n, b), §2.1.4.1; PROOF(m, D_n) is SUBPROOF(m, D_n, true).
pub fn subproof(old: usize, leaves: &[Hash], known: bool) -> Vec<Hash> {
    if old == leaves.len() {
        return if known { Vec::new() } else { vec![root(leaves)] };
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut path, sibling) = if old <= left.len() {
        (subproof(old, left, known), root(right))
    } else {
        (subproof(old - left.len(), right, false), root(left))
    };
    path.push(sibling);
    path
}

/// §2.1.3.2, step by step.
pub fn accepts_inclusion(leaf: Hash, index: u64, size: u64, path: &[Hash], root: Hash) -> bool {
    if index >= size {
        return false;
    }
    let (mut fnode, mut snode, mut r) = (index, size - 1, leaf);
    for p in path {
        if snode == 0 {
            return false;
        }
        if fnode & 1 == 1 || fnode == snode {
            r = node_hash(p, &r);
            while fnode & 1 == 0 && fnode != 0 {
                (fnode, snode) = (fnode >> 1, snode >> 1);
            }
        } else {
            r = node_hash(&r, p);
        }
        (fnode, snode) = (fnode >> 1, snode >> 1);
    }
    snode == 0 && r == root
}

/// §2.1.4.2, step by step, for 0 < old < new.
pub fn accepts_consistency(old: u64, new: u64, roots: (Hash, Hash), path: &[Hash]) -> bool {
    assert!(0 < old && old < new);
    if path.is_empty() {
        return false;
    }
    let mut path = path.to_vec();
    if old.is_power_of_two() {
        path.insert(0, roots.0);
    }
    let (mut fnode, mut snode) = (old - 1, new - 1);
    while fnode & 1 == 1 {
        (fnode, snode) = (fnode >> 1, snode >> 1);
    }
    let (mut fr, mut sr) = (path[0], path[0]);
    for c in &path[1..] {
        if snode == 0 {
            return false;
        }
        if fnode & 1 == 1 || fnode == snode {
            (fr, sr) = (node_hash(c, &fr), node_hash(c, &sr));
            while fnode & 1 == 0 && fnode != 0 {
                (fnode, snode) = (fnode >> 1, snode >> 1);
            }
        } else {
            sr = node_hash(&sr, c);
        }
        (fnode, snode) = (fnode >> 1, snode >> 1);
    }
    fr == roots.0 && sr == roots.1 && snode == 0
}

fn split(count: usize) -> usize {
    count.next_power_of_two() / 2
}

#[test]
fn the_oracle_knows_the_rfc_6962_leaf_and_empty_hash() {
    let hex = |hash: Hash| hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let leaf = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
    assert_eq!(hex(root(&[])), empty);
    assert_eq!(hex(leaf_hash(b"")), leaf);
}
