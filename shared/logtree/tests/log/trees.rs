//! Honest trees: every root, inclusion path and consistency path of small trees is the RFC's, the
//! other crates' and ours at once.

use crate::{leaves, oracle, tree};
use ct_merkle::RootHash;
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use logtree::{Tree, inclusion_path};
use logtree::{verify_consistency, verify_inclusion};
use rs_merkle::MerkleTree;
use sha2::Sha256;
use tlog::{
    FRONTIER_NODES_MAX, Frontier, Hash, TlogError, empty_root, leaf_hash, merkle_root, node_hash,
};

#[test]
fn the_eight_certificate_transparency_leaves_have_their_known_roots() {
    let data: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    let roots = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let (mut frontier, mut tree) = (Frontier::new(), Tree::new());
    for (leaf, expected) in data.iter().zip(roots) {
        frontier.append(leaf_hash(leaf));
        tree.append(leaf_hash(leaf));
        assert_eq!(hex(frontier.root()), expected);
        assert_eq!(hex(tree.root()), expected);
    }
}

#[test]
fn roots_up_to_300_leaves_agree_with_the_rfc_and_with_two_other_crates() {
    let leaves = leaves(300);
    let tree: Tree = leaves.iter().copied().collect();
    let mut frontier = Frontier::new();
    let mut theirs = MemoryBackedTree::<Sha256, [u8; 8]>::new();
    for size in 0..=300 {
        let expected = oracle::root(&leaves[..size]);
        assert_eq!(frontier.root(), expected);
        assert_eq!(frontier.size(), size as u64);
        assert_eq!(frontier.node_count(), size.count_ones() as usize);
        assert_eq!(tree.root_at(size as u64), Ok(expected));
        assert_eq!(merkle_root(&leaves[..size]), expected);
        assert_eq!(theirs.root().as_bytes().as_slice(), expected);
        let aggregate = MerkleTree::<Rfc9162>::from_leaves(&leaves[..size]).root();
        assert_eq!(aggregate.unwrap_or_else(empty_root), expected);
        if size < leaves.len() {
            frontier.append(leaves[size]);
            theirs.push((size as u64).to_be_bytes());
        }
    }
    assert_eq!((tree.size(), tree.root()), (300, frontier.root()));
}

#[test]
fn inclusion_paths_of_all_trees_up_to_130_leaves_verify() {
    let leaves = leaves(130);
    let tree = tree(130);
    let mut theirs = MemoryBackedTree::<Sha256, [u8; 8]>::new();
    let mut count = 0;
    for size in 1..=130u64 {
        let root = tree.root_at(size).unwrap();
        theirs.push((size - 1).to_be_bytes());
        for index in 0..size {
            let leaf = tree.leaf(index).unwrap();
            let path = tree.inclusion(index, size).unwrap();
            assert_eq!(path, oracle::inclusion(index as usize, &leaves[..size as usize]));
            assert_eq!(path.concat(), theirs.prove_inclusion(index as usize).as_bytes());
            assert_eq!(verify_inclusion(leaf, index, size, &path, root), Ok(()));
            count += 1;
        }
    }
    println!("inclusion paths: {count}");
}

#[test]
fn consistency_paths_between_all_trees_up_to_70_leaves_verify() {
    let leaves = leaves(70);
    let tree = tree(70);
    let mut theirs = MemoryBackedTree::<Sha256, [u8; 8]>::new();
    let mut count = 0;
    for new in 1..=70u64 {
        let new_root = tree.root_at(new).unwrap();
        theirs.push((new - 1).to_be_bytes());
        for old in 1..=new {
            let old_root = tree.root_at(old).unwrap();
            let path = tree.consistency(old, new).unwrap();
            assert_eq!(path, oracle::subproof(old as usize, &leaves[..new as usize], true));
            assert_eq!(verify_consistency(old, new, old_root, new_root, &path), Ok(()));
            if old < new {
                let proof = theirs.prove_consistency((new - old) as usize);
                assert_eq!(path.concat(), proof.as_bytes());
                let old_root = RootHash::<Sha256>::new(old_root.into(), old);
                assert!(theirs.root().verify_consistency(&old_root, &proof).is_ok());
            }
            count += 1;
        }
    }
    println!("consistency paths: {count}");
}

#[test]
fn one_of_a_few_leaves_can_be_shown_alone() {
    for size in 1..=12u64 {
        let leaves = leaves(size);
        for index in 0..size {
            let path = inclusion_path(&leaves, index).unwrap();
            let leaf = leaves[index as usize];
            let root = merkle_root(&leaves);
            assert_eq!(verify_inclusion(leaf, index, size, &path, root), Ok(()));
        }
        let outside = Err(TlogError::IndexOutOfRange { index: size, size });
        assert_eq!(inclusion_path(&leaves, size), outside);
    }
    assert_eq!(inclusion_path(&[], 0), Err(TlogError::IndexOutOfRange { index: 0, size: 0 }));
}

#[test]
fn a_tree_refuses_what_it_does_not_hold() {
    let tree = tree(5);
    let too_large = TlogError::SizeOutOfRange { size: 6, available: 5 };
    assert_eq!(tree.root_at(6), Err(too_large.clone()));
    assert_eq!(tree.inclusion(0, 6), Err(too_large.clone()));
    assert_eq!(tree.consistency(1, 6), Err(too_large));
    assert_eq!(tree.inclusion(5, 5), Err(TlogError::IndexOutOfRange { index: 5, size: 5 }));
    assert_eq!(tree.inclusion(4, 4), Err(TlogError::IndexOutOfRange { index: 4, size: 4 }));
    assert_eq!(tree.leaf(5), Err(TlogError::IndexOutOfRange { index: 5, size: 5 }));
    let last = u64::MAX;
    assert_eq!(tree.leaf(last), Err(TlogError::IndexOutOfRange { index: last, size: 5 }));
    let reversed = TlogError::SizesReversed { old_size: 4, new_size: 3 };
    assert_eq!(tree.consistency(4, 3), Err(reversed));
    assert_eq!(tree.consistency(0, 3), Err(TlogError::OldTreeEmpty { new_size: 3 }));
    assert_eq!(tree.root_at(0), Ok(empty_root()));
    assert_eq!(Tree::new().root(), Frontier::new().root());
}

#[test]
fn a_frontier_stays_small() {
    let mut frontier = Frontier::new();
    for index in 0..(1 << 14) {
        frontier.append(leaf_hash(&[index as u8]));
        assert!(frontier.node_count() <= 14);
    }
    assert_eq!(frontier.node_count(), 1);
    assert_eq!(FRONTIER_NODES_MAX, 64);
}

/// The RFC's hashes for rs_merkle, which lifts a node without a sibling as the RFC does.
#[derive(Clone)]
struct Rfc9162;

impl rs_merkle::Hasher for Rfc9162 {
    type Hash = Hash;

    fn hash(data: &[u8]) -> Hash {
        leaf_hash(data)
    }

    fn concat_and_hash(left: &Hash, right: Option<&Hash>) -> Hash {
        right.map_or(*left, |right| node_hash(left, right))
    }
}

fn hex(hash: Hash) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
