//! Postings of letter pairs: finds every string within a few edits of a query without looking at
//! most of them. It must never miss one that a full scan finds.

use crate::similar::{EDITS_MAX, distance};

/// Stands before the first and after the last letter.
const EDGE: char = '\0';

#[derive(Debug, Clone, Copy)]
struct Posting {
    id: u32,
    length: u8,
    at: u8,
    letters: u16,
}

/// The strings and their letter pairs.
#[derive(Debug, Default)]
pub(crate) struct Grams {
    strings: Vec<Vec<char>>,
    pairs: Vec<(char, char)>,
    starts: Vec<u32>,
    postings: Vec<Posting>,
}

fn pairs(string: &[char]) -> impl Iterator<Item = (char, char)> + '_ {
    let before = std::iter::once(EDGE).chain(string.iter().copied());
    before.zip(string.iter().copied().chain(std::iter::once(EDGE)))
}

/// One bit per kind of letter. One edit changes at most two bits.
fn letters(string: &[char]) -> u16 {
    string.iter().fold(0, |bits, letter| bits | 1 << (*letter as u32 % 16))
}

impl Grams {
    /// Indexes strings of at most [`crate::similar::LETTERS_MAX`] letters by their position.
    pub(crate) fn new(strings: Vec<Vec<char>>) -> Self {
        let mut all = Vec::new();
        for (id, string) in strings.iter().enumerate() {
            let (length, letters) = (string.len() as u8, letters(string));
            for (at, pair) in pairs(string).enumerate() {
                all.push((pair, Posting { id: id as u32, length, at: at as u8, letters }));
            }
        }
        all.sort_by_key(|(pair, posting)| (*pair, posting.id, posting.at));
        let mut grams = Self { strings, ..Self::default() };
        for (pair, posting) in all {
            if grams.pairs.last() != Some(&pair) {
                grams.pairs.push(pair);
                grams.starts.push(grams.postings.len() as u32);
            }
            grams.postings.push(posting);
        }
        grams.starts.push(grams.postings.len() as u32);
        grams
    }

    pub(crate) fn strings(&self) -> &[Vec<char>] {
        &self.strings
    }

    pub(crate) fn bytes(&self) -> usize {
        let letters: usize = self.strings.iter().map(|s| 24 + s.len() * 4).sum();
        letters + self.pairs.len() * 12 + self.postings.len() * size_of::<Posting>()
    }

    fn postings(&self, pair: (char, char)) -> &[Posting] {
        let Ok(at) = self.pairs.binary_search(&pair) else { return &[] };
        &self.postings[self.starts[at] as usize..self.starts[at + 1] as usize]
    }

    /// Calls `found(id, edits)` for every string within `allowed(longer length)` edits of `query`.
    pub(crate) fn near(
        &self,
        query: &[char],
        allowed: impl Fn(usize) -> usize,
        mut found: impl FnMut(u32, usize),
    ) {
        let own = query.len();
        let most: Vec<usize> = (0..=own + EDITS_MAX).map(|other| allowed(own.max(other))).collect();
        // A string within k edits, d of which make it longer, lacks at most 3(k - d) + d of the
        // query's pairs (a swap of neighbours breaks three); if it is not longer, at most 3k.
        // Any set of one pair more than that shares one with it.
        let broken = (own..=own + EDITS_MAX)
            .filter(|other| other - own <= most[*other])
            .map(|other| 3 * most[other] - 2 * (other - own))
            .max()
            .unwrap_or(0);
        let mut lists: Vec<(usize, &[Posting])> =
            pairs(query).map(|pair| self.postings(pair)).enumerate().collect();
        lists.sort_by_key(|(at, postings)| (postings.len(), *at));
        lists.truncate(broken + 1);
        let letters = letters(query);
        let mut seen = vec![0u64; self.strings.len().div_ceil(64)];
        for (at, postings) in lists {
            for posting in postings {
                let other = usize::from(posting.length);
                let Some(&edits) = most.get(other) else { continue };
                if own.abs_diff(other) > edits
                    || at.abs_diff(usize::from(posting.at)) > edits
                    || (letters ^ posting.letters).count_ones() as usize > 2 * edits
                {
                    continue;
                }
                let (word, bit) = (posting.id as usize / 64, 1 << (posting.id % 64));
                if seen[word] & bit == 0 {
                    seen[word] |= bit;
                    if let Some(edits) = distance(query, &self.strings[posting.id as usize], edits)
                    {
                        found(posting.id, edits);
                    }
                }
            }
        }
    }
}
