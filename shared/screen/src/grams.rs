//! Finds every string within a few edits of a query, from the strings that remain when letters
//! are dropped. It must never miss one that a full scan finds.
//!
//! Two strings within k edits become equal when at most k letters of each are dropped: a
//! substitution or a swap drops one on each side, an insertion one on one side. The same holds
//! for their first [`PREFIX`] letters, where a letter whose partner lies behind the other's
//! prefix is dropped too, at most one for each insertion. So every string is filed under all
//! that its prefix can become, and a query looks at the files of all that its own can become.

use crate::similar::{EDITS_MAX, distance};

/// Letters of the start that are filed.
const PREFIX: usize = 7;
/// Most bits of a key that choose its drawer; one drawer for each file is enough.
const DRAWER_BITS_MAX: u32 = 16;

/// The strings, and where each is filed.
#[derive(Debug, Default)]
pub(crate) struct Grams {
    strings: Vec<Vec<char>>,
    /// Length, and one bit per kind of letter, of each string.
    signs: Vec<(u8, u32)>,
    /// Bits of a key that do not choose the drawer.
    shift: u32,
    drawers: Vec<u32>,
    files: Vec<(u32, u32)>,
}

/// FNV-1a over the letters. Equal strings have equal keys; different ones may, which costs time
/// only.
fn key(letters: impl Iterator<Item = char>) -> u32 {
    let mixed = letters.fold(0x811C_9DC5u32, |key, c| (key ^ c as u32).wrapping_mul(0x0100_0193));
    // The drawer takes the upper bits, which the last letters barely reach.
    (mixed ^ mixed >> 15).wrapping_mul(0x2C1B_3C6D)
}

/// Letters that a string of `length` must be ready to drop from its prefix.
fn drops(length: usize, allowed: &impl Fn(usize) -> usize) -> usize {
    let longer = |by: usize| {
        let edits = allowed(length + by);
        if length + by <= PREFIX { edits.saturating_sub(by) } else { edits }
    };
    (0..=EDITS_MAX).map(longer).max().unwrap_or(0).min(length.min(PREFIX))
}

/// Calls `found` with the key of everything that `string`'s prefix becomes without up to `drops`
/// letters.
fn keys(string: &[char], drops: usize, mut found: impl FnMut(u32)) {
    let prefix = &string[..string.len().min(PREFIX)];
    let without = |i: usize, j: usize| {
        let kept = prefix.iter().enumerate().filter(move |(at, _)| *at != i && *at != j);
        key(kept.map(|(_, letter)| *letter))
    };
    found(key(prefix.iter().copied()));
    if drops > 0 {
        (0..prefix.len()).for_each(|i| found(without(i, i)));
    }
    if drops > 1 {
        for i in 0..prefix.len() {
            (i + 1..prefix.len()).for_each(|j| found(without(i, j)));
        }
    }
}

/// One bit per kind of letter.
fn letters(string: &[char]) -> u32 {
    string.iter().fold(0, |bits, letter| bits | 1 << (*letter as u32 % 32))
}

impl Grams {
    /// Indexes strings by their position, for the edits that `allowed` grants by length.
    pub(crate) fn new(strings: Vec<Vec<char>>, allowed: impl Fn(usize) -> usize) -> Self {
        let mut files = Vec::new();
        for (string, id) in strings.iter().zip(0u32..) {
            keys(string, drops(string.len(), &allowed), |key| files.push((key, id)));
        }
        files.sort_unstable();
        files.dedup();
        let signs = strings.iter().map(|string| (string.len() as u8, letters(string))).collect();
        let bits = files.len().max(2).ilog2().min(DRAWER_BITS_MAX);
        let shift = u32::BITS - bits;
        let ends = (1..=1u32 << bits).map(|drawer| {
            let within = |(key, _): &(u32, u32)| key >> shift < drawer;
            files.partition_point(within) as u32
        });
        let drawers = std::iter::once(0).chain(ends).collect();
        Self { strings, signs, shift, drawers, files }
    }

    pub(crate) fn strings(&self) -> &[Vec<char>] {
        &self.strings
    }

    pub(crate) fn bytes(&self) -> usize {
        let letters: usize = self.strings.iter().map(|s| 24 + s.len() * 4).sum();
        letters + (self.signs.len() * 2 + self.drawers.len()) * 4 + self.files.len() * 8
    }

    /// Calls `found(id, edits)` once for every string within `allowed(longer length)` edits of
    /// `query`. `allowed` must grant no more than the one that [`Grams::new`] had.
    pub(crate) fn near(
        &self,
        query: &[char],
        allowed: impl Fn(usize) -> usize,
        mut found: impl FnMut(u32, usize),
    ) {
        let mut seen: Vec<u32> = Vec::new();
        let own = letters(query);
        keys(query, drops(query.len(), &allowed), |key| {
            let drawer = (key >> self.shift) as usize;
            let (from, to) = (self.drawers[drawer] as usize, self.drawers[drawer + 1] as usize);
            let file = self.files[from..to].iter().skip_while(|(known, _)| *known < key);
            for (_, id) in file.take_while(|(known, _)| *known == key) {
                let (length, kinds) = self.signs[*id as usize];
                let edits = allowed(query.len().max(length.into()));
                // One edit changes at most two kinds.
                let unlike = (own ^ kinds).count_ones() as usize;
                if query.len().abs_diff(length.into()) <= edits && unlike <= 2 * edits {
                    seen.push(*id);
                }
            }
        });
        seen.sort_unstable();
        seen.dedup();
        for id in seen {
            let string = &self.strings[id as usize];
            let edits = allowed(query.len().max(string.len()));
            if let Some(edits) = distance(query, string, edits) {
                found(id, edits);
            }
        }
    }
}
