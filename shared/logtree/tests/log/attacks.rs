//! False paths: each must be refused, with the reason, and nothing may panic.

use crate::{leaves, oracle, tree};
use logtree::{verify_consistency, verify_inclusion};
use tlog::{Hash, PATH_NODES_MAX, TlogError, empty_root, leaf_hash, merkle_root, node_hash};

const JUNK: Hash = [0x5a; 32];

#[test]
fn no_leaf_verifies_at_another_index() {
    let tree = tree(40);
    for size in 1..=40 {
        let root = tree.root_at(size).unwrap();
        for index in 0..size {
            let leaf = tree.leaf(index).unwrap();
            let path = tree.inclusion(index, size).unwrap();
            for other in (0..size + 2).filter(|other| *other != index) {
                assert!(verify_inclusion(leaf, other, size, &path, root).is_err());
            }
            for other in [size, size + index, u64::MAX] {
                let outside = TlogError::IndexOutOfRange { index: other, size };
                assert_eq!(verify_inclusion(leaf, other, size, &path, root), Err(outside));
            }
        }
    }
    let empty = verify_inclusion(empty_root(), 0, 0, &[], empty_root());
    assert_eq!(empty, Err(TlogError::IndexOutOfRange { index: 0, size: 0 }));
}

#[test]
fn every_tampering_with_an_inclusion_path_is_refused() {
    let tree = tree(33);
    for size in 1..=33 {
        let root = tree.root_at(size).unwrap();
        for index in 0..size {
            let leaf = tree.leaf(index).unwrap();
            let path = tree.inclusion(index, size).unwrap();
            for (bad, same_length) in tampered(&path, &[leaf, root, JUNK]) {
                let result = verify_inclusion(leaf, index, size, &bad, root);
                check_refusal(result, same_length, path.len(), bad.len());
            }
            assert!(verify_inclusion(JUNK, index, size, &path, root).is_err());
            let wrong = verify_inclusion(leaf, index, size, &path, JUNK);
            assert_eq!(wrong, Err(TlogError::RootMismatch { expected: JUNK, actual: root }));
        }
    }
}

#[test]
fn every_tampering_with_a_consistency_path_is_refused() {
    let tree = tree(33);
    for new in 1..=33 {
        let new_root = tree.root_at(new).unwrap();
        for old in 1..=new {
            let old_root = tree.root_at(old).unwrap();
            let path = tree.consistency(old, new).unwrap();
            for (bad, same_length) in tampered(&path, &[old_root, new_root, JUNK]) {
                let result = verify_consistency(old, new, old_root, new_root, &bad);
                check_refusal(result, same_length, path.len(), bad.len());
            }
            assert!(verify_consistency(old, new, JUNK, new_root, &path).is_err());
            assert!(verify_consistency(old, new, old_root, JUNK, &path).is_err());
            if old < new {
                assert!(verify_consistency(old, new, new_root, old_root, &path).is_err());
                assert!(verify_consistency(old, new, old_root, old_root, &path).is_err());
                assert!(verify_consistency(old, new, new_root, new_root, &path).is_err());
                let reversed = TlogError::SizesReversed { old_size: new, new_size: old };
                let result = verify_consistency(new, old, new_root, old_root, &path);
                assert_eq!(result, Err(reversed));
            }
        }
    }
}

#[test]
fn claims_that_do_not_match_a_path_are_judged_as_the_rfc_judges_them() {
    const LEAVES: u64 = 18;
    let tree = tree(LEAVES);
    let mut judged = 0;
    for (a, b) in (1..=LEAVES).flat_map(|b| (0..=b).map(move |a| (a, b))) {
        let inclusion = (a < b).then(|| tree.inclusion(a, b).unwrap());
        let consistency = (a > 0).then(|| tree.consistency(a, b).unwrap());
        for (c, d) in (1..=LEAVES + 1).flat_map(|d| (0..=LEAVES + 1).map(move |c| (c, d))) {
            let root = tree.root_at(b).unwrap();
            if let Some(path) = &inclusion {
                let leaf = tree.leaf(a).unwrap();
                let expected = oracle::accepts_inclusion(leaf, c, d, path, root);
                assert_eq!(verify_inclusion(leaf, c, d, path, root).is_ok(), expected);
            }
            if let Some(path) = consistency.as_ref().filter(|_| 0 < c && c < d) {
                let roots = (tree.root_at(a).unwrap(), root);
                let expected = oracle::accepts_consistency(c, d, roots, path);
                let actual = verify_consistency(c, d, roots.0, roots.1, path).is_ok();
                assert_eq!(actual, expected, "{a} -> {b} claimed as {c} -> {d}");
            }
            judged += 1;
        }
    }
    println!("claims judged as the RFC does: {judged}");
}

#[test]
fn a_node_does_not_pass_as_a_leaf() {
    let leaves = leaves(4);
    let left = node_hash(&leaves[0], &leaves[1]);
    let right = node_hash(&leaves[2], &leaves[3]);
    let root = merkle_root(&leaves);
    // The bytes under the left node, given as the data of a leaf of a tree of two.
    let data = [leaves[0], leaves[1]].concat();
    assert_ne!(leaf_hash(&data), left);
    assert!(verify_inclusion(leaf_hash(&data), 0, 2, &[right], root).is_err());
    // The node itself, within the tree of four whose size the checkpoint states.
    let short = Err(TlogError::PathLength { expected: 2, actual: 1 });
    assert_eq!(verify_inclusion(left, 0, 4, &[right], root), short);
}

#[test]
fn an_odd_leaf_is_not_duplicated() {
    let three = leaves(3);
    let four = [three[0], three[1], three[2], three[2]];
    let (root3, root4) = (merkle_root(&three), merkle_root(&four));
    assert_ne!(root3, root4);
    let path = [three[2], node_hash(&three[0], &three[1])];
    assert_eq!(verify_inclusion(three[2], 3, 4, &path, root4), Ok(()));
    assert!(verify_inclusion(three[2], 3, 4, &path, root3).is_err());
    let outside = Err(TlogError::IndexOutOfRange { index: 3, size: 3 });
    assert_eq!(verify_inclusion(three[2], 3, 3, &path, root3), outside);
}

#[test]
fn consistency_with_nothing_says_nothing() {
    let empty = Err(TlogError::OldTreeEmpty { new_size: 0 });
    assert_eq!(verify_consistency(0, 0, empty_root(), empty_root(), &[]), empty);
    let root = tree(3).root();
    let empty = Err(TlogError::OldTreeEmpty { new_size: 3 });
    assert_eq!(verify_consistency(0, 3, empty_root(), root, &[]), empty);
    let other = Err(TlogError::RootMismatch { expected: JUNK, actual: root });
    assert_eq!(verify_consistency(3, 3, root, JUNK, &[]), other);
}

#[test]
fn the_largest_sizes_are_counted_without_overflow() {
    let path: Vec<Hash> = (0..=64u8).map(|byte| [byte; 32]).collect();
    let up = |root: Hash, sibling: &Hash| node_hash(&root, sibling);
    let max = u64::MAX;
    // The first leaf: 64 siblings, all on the right.
    let root = path[..64].iter().fold(JUNK, up);
    assert_eq!(verify_inclusion(JUNK, 0, max, &path[..64], root), Ok(()));
    // The last leaf of the largest tree: 63 siblings, all on the left.
    let root = path[..63].iter().fold(JUNK, |root, sibling| node_hash(sibling, &root));
    assert_eq!(verify_inclusion(JUNK, max - 1, max, &path[..63], root), Ok(()));
    // The left half of the largest tree is complete: its root and one sibling.
    let root = node_hash(&JUNK, &path[0]);
    assert_eq!(verify_consistency(1 << 63, max, JUNK, root, &path[..1]), Ok(()));
    let short = Err(TlogError::PathLength { expected: 65, actual: 64 });
    assert_eq!(verify_consistency(3, max, JUNK, root, &path[..64]), short);
    let long = TlogError::PathTooLong { max: PATH_NODES_MAX, actual: 65 };
    assert_eq!(verify_consistency(3, max, JUNK, root, &path), Err(long.clone()));
    assert_eq!(verify_inclusion(JUNK, 0, max, &path, root), Err(long));
}

#[test]
fn arbitrary_claims_never_panic_and_never_pass() {
    let path: Vec<Hash> = (0..=66u8).map(|byte| [byte; 32]).collect();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..100_000 {
        let (width_a, width_b) = (next() % 64, next() % 64);
        let (a, b) = (next() >> width_a, next() >> width_b);
        let part = &path[..(next() % 67) as usize];
        assert!(verify_inclusion(JUNK, a, b, part, [0xff; 32]).is_err());
        assert!(verify_consistency(a, b, JUNK, [0xff; 32], part).is_err());
    }
}

/// Paths near `path` but not it, and whether the length is still the same.
fn tampered(path: &[Hash], extras: &[Hash]) -> Vec<(Vec<Hash>, bool)> {
    let mut all = Vec::new();
    for extra in extras {
        for place in 0..=path.len() {
            let mut longer = path.to_vec();
            longer.insert(place, *extra);
            all.push((longer, false));
        }
    }
    for place in 0..path.len() {
        let mut shorter = path.to_vec();
        shorter.remove(place);
        all.push((shorter, false));
        let mut flipped = path.to_vec();
        flipped[place][31] ^= 1;
        all.push((flipped, true));
        for other in place + 1..path.len() {
            let mut swapped = path.to_vec();
            swapped.swap(place, other);
            all.push((swapped, true));
        }
    }
    all
}

fn check_refusal(result: Result<(), TlogError>, same_length: bool, right: usize, given: usize) {
    if same_length {
        let refusal = result.unwrap_err();
        let by_root =
            matches!(refusal, TlogError::RootMismatch { .. } | TlogError::OldRootMismatch { .. });
        assert!(by_root, "{refusal}");
    } else {
        assert_eq!(result, Err(TlogError::PathLength { expected: right, actual: given }));
    }
}
