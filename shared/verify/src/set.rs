//! What many verified proofs show together, in any order (check P9): forks, gaps, and whether the
//! quotes of a boot are over one growing log. Unlike [`crate::LogAudit`], which takes a whole log,
//! a set may be any part of one, so a gap is a finding and not a refusal. A fork is: it is proof
//! that somebody showed two histories. It must never call two quotes consistent on their word.
//!
//! A verified path gives away more than its leaf: every node on it and beside it is under the
//! quoted root. If the subtrees that make up the older tree are all among the nodes of the younger
//! and hash to the older root, the younger log begins with the older one (RFC 9162 §2.1.4).

use crate::{Verified, VerifyError};
use crypto::to_hex;
use std::collections::{BTreeMap, HashMap};
use tlog::{Hash, leaf_hash, node_hash};

/// Most gaps that a report lists; it counts all of them.
pub const GAPS_LISTED_MAX: usize = 64;
/// Most forks that a report lists.
pub const FORKS_LISTED_MAX: usize = 64;

/// Proofs of any boots, gathered.
#[derive(Default)]
pub struct LogSet {
    logs: BTreeMap<[u8; 16], Log>,
}

struct Log {
    agent: String,
    proofs: u64,
    duplicates: u64,
    /// Leaf hash by index.
    leaves: BTreeMap<u64, Hash>,
    /// By size.
    quotes: BTreeMap<u64, Quote>,
    forks: Vec<VerifyError>,
}

struct Quote {
    root: Hash,
    /// Subtrees that are under this root, by first leaf and number of leaves.
    nodes: HashMap<(u64, u64), Hash>,
}

/// Indexes that are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    /// First missing index.
    pub from: u64,
    /// Last missing index.
    pub to: u64,
}

/// What a set shows of one boot's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogReport {
    /// The boot.
    pub boot_id: [u8; 16],
    /// Its signer.
    pub agent: String,
    /// Different proofs.
    pub proofs: u64,
    /// Proofs that came again.
    pub duplicates: u64,
    /// Least and greatest index of the proofs.
    pub first_index: u64,
    /// Greatest index.
    pub last_index: u64,
    /// Size of the greatest quoted checkpoint: so many entries the log had, the boot record too.
    pub covered: u64,
    /// Indexes from 1 below `covered` without a proof in this set; the first of them.
    pub gaps: Vec<Gap>,
    /// How many indexes are missing.
    pub missing: u64,
    /// Different quoted checkpoints.
    pub quotes: u64,
    /// Pairs of successive quotes that were shown to be one growing log.
    pub consistent_pairs: u64,
    /// Pairs for which this set does not hold enough of the log to show it. Not refused.
    pub unproven_pairs: u64,
    /// Contradictions: each is proof of a fork.
    pub forks: Vec<VerifyError>,
}

/// What a set shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetReport {
    /// One report a boot, by boot id.
    pub logs: Vec<LogReport>,
}

impl SetReport {
    /// Whether nothing contradicts: no fork. Gaps and unproven pairs are for the reader to weigh.
    pub fn is_sound(&self) -> bool {
        self.logs.iter().all(|log| log.forks.is_empty())
    }

    /// Whether P9 holds of every log whole: no fork, no gap, every pair of quotes consistent.
    pub fn is_complete(&self) -> bool {
        let whole = |log: &LogReport| log.missing == 0 && log.unproven_pairs == 0;
        self.is_sound() && self.logs.iter().all(whole)
    }
}

impl LogSet {
    /// An empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a proof, in any order. Contradictions are kept for the report.
    pub fn add(&mut self, verified: &Verified) {
        let statement = verified.statement();
        let log = self.logs.entry(statement.boot_id).or_insert_with(|| Log {
            agent: statement.agent.clone(),
            proofs: 0,
            duplicates: 0,
            leaves: BTreeMap::new(),
            quotes: BTreeMap::new(),
            forks: Vec::new(),
        });
        let (boot, index) = (to_hex(&statement.boot_id), verified.inclusion().index);
        if log.agent != statement.agent {
            let problem =
                format!("boot {boot}: two signers, {} and {}", log.agent, statement.agent);
            return log.fork(problem);
        }
        let leaf = leaf_hash(verified.proof_hash().as_bytes());
        match log.leaves.insert(index, leaf) {
            None => log.proofs += 1,
            Some(known) if known == leaf => log.duplicates += 1,
            Some(known) => {
                log.leaves.insert(index, known);
                log.fork(format!("boot {boot}: two proofs have index {index}"));
            }
        }
        let checkpoint = verified.checkpoint();
        let (size, root) = (checkpoint.size, checkpoint.root);
        let quote = log.quotes.entry(size).or_insert_with(|| Quote { root, nodes: HashMap::new() });
        if quote.root != root {
            return log.fork(format!("boot {boot}: two quotes of size {size} have other roots"));
        }
        quote.take_path(leaf, index, size, &verified.inclusion().path);
    }

    /// What the proofs show together.
    pub fn report(self) -> SetReport {
        let report = |(boot_id, log): ([u8; 16], Log)| log.report(boot_id);
        SetReport { logs: self.logs.into_iter().map(report).collect() }
    }
}

impl Log {
    fn fork(&mut self, problem: String) {
        if self.forks.len() < FORKS_LISTED_MAX {
            self.forks.push(VerifyError::Log(problem));
        }
    }

    fn report(mut self, boot_id: [u8; 16]) -> LogReport {
        let covered = self.quotes.last_key_value().map_or(0, |(size, _)| *size);
        let (gaps, missing) = self.gaps(covered);
        let sizes: Vec<u64> = self.quotes.keys().copied().collect();
        let (mut consistent_pairs, mut unproven_pairs) = (0, 0);
        for pair in sizes.windows(2) {
            match self.quotes[&pair[1]].prefix_root(pair[0]) {
                Some(root) if root == self.quotes[&pair[0]].root => consistent_pairs += 1,
                Some(_) => self.fork(format!(
                    "boot {}: the log of size {} does not begin with that of size {}",
                    to_hex(&boot_id),
                    pair[1],
                    pair[0]
                )),
                None => unproven_pairs += 1,
            }
        }
        LogReport {
            boot_id,
            proofs: self.proofs,
            duplicates: self.duplicates,
            first_index: self.leaves.first_key_value().map_or(0, |(index, _)| *index),
            last_index: self.leaves.last_key_value().map_or(0, |(index, _)| *index),
            covered,
            gaps,
            missing,
            quotes: sizes.len() as u64,
            consistent_pairs,
            unproven_pairs,
            agent: self.agent,
            forks: self.forks,
        }
    }

    /// Missing indexes between 1 and the last quoted one.
    fn gaps(&self, covered: u64) -> (Vec<Gap>, u64) {
        let (mut gaps, mut missing, mut next) = (Vec::new(), 0_u64, 1_u64);
        for index in self.leaves.keys().copied().chain([covered.max(1)]) {
            if index > next {
                missing = missing.saturating_add(index - next);
                if gaps.len() < GAPS_LISTED_MAX {
                    gaps.push(Gap { from: next, to: index - 1 });
                }
            }
            next = next.max(index.saturating_add(1));
        }
        (gaps, missing)
    }
}

impl Quote {
    /// Enters every subtree that a verified path shows. The path is as long as index and size
    /// say, because it was verified; a shorter one would only enter less. Above a subtree that is
    /// known everything is: it was entered together with the way from it to the root.
    fn take_path(&mut self, leaf: Hash, index: u64, size: u64, path: &[Hash]) {
        let mut spans = Vec::with_capacity(path.len());
        let (mut start, mut count) = (0, size);
        while count > 1 {
            let left = 1_u64 << (count - 1).ilog2();
            if index - start < left {
                spans.push((true, (start, left), (start + left, count - left)));
                count = left;
            } else {
                spans.push((false, (start + left, count - left), (start, left)));
                (start, count) = (start + left, count - left);
            }
        }
        let mut below = leaf;
        if size == 1 {
            self.nodes.insert((index, 1), leaf);
        }
        for ((own_is_left, own, other), sibling) in spans.into_iter().rev().zip(path) {
            if self.nodes.insert(own, below).is_some() {
                return;
            }
            self.nodes.insert(other, *sibling);
            below = match own_is_left {
                true => node_hash(&below, sibling),
                false => node_hash(sibling, &below),
            };
        }
    }

    /// The root over the first `size` leaves as they stand under this quote of more leaves, where
    /// the set shows enough of them: a subtree whose halves are known is known too, because
    /// [`Quote::take_path`] enters all that a path shows.
    fn prefix_root(&self, size: u64) -> Option<Hash> {
        let (mut rest, mut root) = (size, None);
        // Complete subtrees from the narrowest, on the right, to the widest.
        while rest > 0 {
            let width = 1_u64 << rest.trailing_zeros();
            rest -= width;
            let left = *self.nodes.get(&(rest, width))?;
            root = Some(root.map_or(left, |right| node_hash(&left, &right)));
        }
        root
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use logtree::Tree;

    fn tree(count: u8) -> Tree {
        (0..count).map(|leaf| leaf_hash(&[leaf])).collect()
    }

    fn quote(tree: &Tree, size: u64, indexes: &[u64]) -> Quote {
        let root = tree.root_at(size).expect("inside");
        let mut quote = Quote { root, nodes: HashMap::new() };
        for index in indexes {
            let path = tree.inclusion(*index, size).expect("inside");
            quote.take_path(tree.leaf(*index).expect("inside"), *index, size, &path);
        }
        quote
    }

    /// The first leaf after an older checkpoint has the whole older tree on its left.
    #[test]
    fn the_first_new_leaf_shows_the_older_tree() {
        let tree = tree(40);
        for new_size in 2..=40_u64 {
            for old_size in 1..new_size {
                let found = quote(&tree, new_size, &[old_size]).prefix_root(old_size);
                assert_eq!(found, tree.root_at(old_size).ok(), "{old_size} of {new_size}");
            }
        }
    }

    #[test]
    fn too_little_shows_nothing_and_everything_shows_all() {
        let tree = tree(13);
        assert_eq!(quote(&tree, 13, &[12]).prefix_root(11), None);
        let all: Vec<u64> = (0..13).collect();
        let whole = quote(&tree, 13, &all);
        for size in 1..=13 {
            assert_eq!(whole.prefix_root(size), tree.root_at(size).ok());
        }
        // A hostile size is answered without a walk through it.
        assert_eq!(whole.prefix_root(u64::MAX), None);
    }

    /// Beside a leaf on the right stands the whole left, and both halves are under the root.
    #[test]
    fn wide_subtrees_are_known_from_one_path() {
        let shown = [(3, 0, 2), (6, 0, 4), (9, 0, 8), (192, 0, 64), (192, 0, 128)];
        for (size, index, older) in shown.into_iter().chain([(192, 128, 128), (192, 191, 128)]) {
            let tree = tree(size as u8);
            let found = quote(&tree, size, &[index]).prefix_root(older);
            assert_eq!(found, tree.root_at(older).ok(), "{older} of {size} by {index}");
        }
        assert_eq!(quote(&tree(192), 192, &[0]).prefix_root(160), None);
    }

    /// One path shows an older tree or nothing; never another.
    #[test]
    fn one_path_shows_no_other_tree() {
        let tree = tree(33);
        for size in 1..=33_u64 {
            for index in 0..size {
                let quote = quote(&tree, size, &[index]);
                for older in 1..=size {
                    let found = quote.prefix_root(older);
                    let right = found.is_none() || found == tree.root_at(older).ok();
                    assert!(right, "{older} of {size} by {index}");
                }
            }
        }
        // Both sides of the top are known: the left one whole, the right one with its leaf.
        assert_eq!(quote(&tree, 6, &[4]).prefix_root(6), tree.root_at(6).ok());
        assert_eq!(quote(&tree, 6, &[0]).prefix_root(6), tree.root_at(6).ok());
        assert_eq!(quote(&tree, 7, &[0]).prefix_root(7), None);
    }

    #[test]
    fn a_report_lists_so_many_gaps_and_forks_and_no_more() {
        let mut log = Log {
            agent: String::new(),
            proofs: 0,
            duplicates: 0,
            leaves: (1..=100).map(|number| (2 * number, [0; 32])).collect(),
            quotes: BTreeMap::new(),
            forks: Vec::new(),
        };
        let (gaps, missing) = log.gaps(201);
        assert_eq!((gaps.len(), missing), (GAPS_LISTED_MAX, 100));
        for number in 0..100 {
            log.fork(format!("{number}"));
        }
        assert_eq!(log.forks.len(), FORKS_LISTED_MAX);
    }

    #[test]
    fn gaps_are_counted_to_the_last_quote() {
        let mut log = Log {
            agent: String::new(),
            proofs: 0,
            duplicates: 0,
            leaves: BTreeMap::new(),
            quotes: BTreeMap::new(),
            forks: Vec::new(),
        };
        assert_eq!(log.gaps(1), (vec![], 0));
        assert_eq!(log.gaps(4), (vec![Gap { from: 1, to: 3 }], 3));
        log.leaves = [2, 3, 6].into_iter().map(|index| (index, [0; 32])).collect();
        let gaps = [(1, 1), (4, 5), (7, 8)].map(|(from, to)| Gap { from, to });
        assert_eq!(log.gaps(9), (gaps.to_vec(), 5));
    }
}
