//! The two modes that compare strings as they stand: plain Jaro-Winkler, and the behaviour of
//! OFAC's own search. They must never skip a name unless its bound is below the threshold.

use crate::fold::join;
use crate::index::Table;
use crate::jaro::{JARO_CHARS_MAX, Pattern, Window, common_needed, similarity};

/// Below this a token of an OFAC query counts nothing.
const OFAC_FLOOR: u16 = 5_000;
/// Tokens of an OFAC query must be longer, if any is.
const OFAC_SHORT: usize = 2;

/// What a bound needs to know about a string.
#[derive(Debug, Clone, Copy)]
struct Sign {
    /// Bits 0..26 letters that occur, 26..52 that occur twice, the rest other characters.
    bits: u64,
    first: char,
    length: u16,
}

impl Sign {
    fn new(string: &[char]) -> Self {
        let bits = string.iter().fold(0u64, |bits, letter| match *letter as u32 {
            code @ 0x61..=0x7A => {
                bits | (bits >> (code - 0x61) & 1) << (code - 0x61 + 26) | 1 << (code - 0x61)
            }
            code => bits | 1 << (52 + code % 12),
        });
        let first = string.first().copied().unwrap_or_default();
        Self { bits, first, length: string.len() as u16 }
    }
}

/// For one query string: the fewest common letters by length, with and without a common start.
struct Bound {
    sign: Sign,
    needed: Vec<[u16; 2]>,
}

impl Bound {
    fn new(query: &[char], longest: usize, threshold: u16) -> Self {
        let a = query.len() as u64;
        let needed = |b: u64, prefix| common_needed(a, b, prefix, threshold).min(0xFFFF) as u16;
        let needed = (0..=longest as u64).map(|b| [needed(b, 0), needed(b, 4)]).collect();
        Self { sign: Sign::new(query), needed }
    }

    fn may_reach(&self, other: &Sign) -> bool {
        let (a, b) = (self.sign.length, other.length);
        let start = usize::from(self.sign.first == other.first);
        let needed = self.needed[usize::from(b)][start];
        if a.min(b) < needed {
            return false;
        }
        // Every bit that one side alone has is a letter without a partner.
        let left = (self.sign.bits & !other.bits).count_ones() as u16;
        let right = (other.bits & !self.sign.bits).count_ones() as u16;
        a.saturating_sub(left).min(b.saturating_sub(right)) >= needed
    }
}

/// Strings with their signs.
#[derive(Debug, Default)]
struct Strings {
    letters: Vec<Vec<char>>,
    signs: Vec<Sign>,
    longest: usize,
}

impl Strings {
    fn new(letters: Vec<Vec<char>>) -> Self {
        let signs = letters.iter().map(|string| Sign::new(string)).collect();
        let longest = letters.iter().map(Vec::len).max().unwrap_or(0);
        Self { letters, signs, longest }
    }

    fn bytes(&self) -> usize {
        self.letters.iter().map(|s| 24 + s.len() * 4).sum::<usize>()
            + self.signs.len() * size_of::<Sign>()
    }

    /// Every string that may reach `threshold`.
    fn near(&self, query: &[char], threshold: u16) -> impl Iterator<Item = u32> + '_ {
        let bound = Bound::new(query, self.longest, threshold);
        let signs = self.signs.iter().enumerate();
        signs.filter(move |(_, sign)| bound.may_reach(sign)).map(|(at, _)| at as u32)
    }
}

fn cut(mut string: Vec<char>) -> Vec<char> {
    string.truncate(JARO_CHARS_MAX);
    string
}

/// Mode JaroWinkler: folded whole names.
#[derive(Debug, Default)]
pub(crate) struct Whole(Strings);

impl Whole {
    pub(crate) fn new(names: &[Vec<Vec<char>>]) -> Self {
        Self(Strings::new(names.iter().map(|name| cut(join(name))).collect()))
    }

    pub(crate) fn bytes(&self) -> usize {
        self.0.bytes()
    }

    pub(crate) fn query(tokens: &[Vec<char>]) -> Vec<char> {
        cut(join(tokens))
    }

    pub(crate) fn score(&self, query: &[char], name: u32) -> u16 {
        let name = &self.0.letters[name as usize];
        if query.is_empty() || name.is_empty() {
            return 0;
        }
        similarity(query, name, Window::Longer)
    }

    pub(crate) fn screen(&self, query: &[char], threshold: u16, mut hit: impl FnMut(u32, u16)) {
        let pattern = Pattern::new(query);
        for name in self.0.near(query, threshold) {
            let letters = &self.0.letters[name as usize];
            if !query.is_empty() && !letters.is_empty() {
                hit(name, pattern.similarity(letters, Window::Longer));
            }
        }
    }
}

/// Mode Ofac: whole names that begin with the same letter, or the mean of each query token's
/// best match.
#[derive(Debug, Default)]
pub(crate) struct Ofac {
    whole: Strings,
    words: Strings,
    name_words: Table,
    word_names: Table,
}

/// A query of mode Ofac.
pub(crate) struct OfacQuery {
    whole: Vec<char>,
    words: Vec<Vec<char>>,
}

impl OfacQuery {
    pub(crate) fn new(tokens: Vec<Vec<char>>) -> Self {
        let whole = cut(join(&tokens));
        let long = tokens.iter().any(|token| token.len() > OFAC_SHORT);
        let words = tokens.into_iter().filter(|t| !long || t.len() > OFAC_SHORT).collect();
        Self { whole, words }
    }
}

impl Ofac {
    pub(crate) fn new(names: &[Vec<Vec<char>>]) -> Self {
        let whole = Strings::new(names.iter().map(|name| cut(join(name))).collect());
        let mut words: Vec<Vec<char>> = names.iter().flatten().cloned().collect();
        words.sort();
        words.dedup();
        let id = |word| words.binary_search(word).map_or(0, |at| at as u32);
        let name_words = Table::new(names.iter().map(|name| name.iter().map(id).collect()));
        let word_names = name_words.turned(words.len());
        Self { whole, words: Strings::new(words), name_words, word_names }
    }

    pub(crate) fn bytes(&self) -> usize {
        let tables = self.name_words.bytes() + self.word_names.bytes();
        self.whole.bytes() + self.words.bytes() + tables
    }

    /// The score, with `word(n, id)` the n-th query token's similarity to a list word.
    fn score_by(
        &self,
        query: &OfacQuery,
        pattern: &Pattern<'_>,
        name: u32,
        mut word: impl FnMut(usize, u32) -> u16,
    ) -> u16 {
        let whole = &self.whole.letters[name as usize];
        let (Some(first), false) = (query.whole.first(), query.words.is_empty()) else { return 0 };
        let by_whole = if whole.first() == Some(first) {
            pattern.similarity(whole, Window::Shorter)
        } else {
            0
        };
        let list = self.name_words.row(name);
        let best = |n: usize| list.iter().map(|id| word(n, *id)).max().unwrap_or(0);
        let kept = (0..query.words.len()).map(best).filter(|score| *score >= OFAC_FLOOR);
        let mean = kept.map(u32::from).sum::<u32>() / query.words.len() as u32;
        by_whole.max(mean as u16)
    }

    pub(crate) fn score(&self, query: &OfacQuery, name: u32) -> u16 {
        self.score_by(query, &Pattern::new(&query.whole), name, |n, id| {
            similarity(&query.words[n], &self.words.letters[id as usize], Window::Shorter)
        })
    }

    pub(crate) fn screen(&self, query: &OfacQuery, threshold: u16, mut hit: impl FnMut(u32, u16)) {
        // The mean reaches the threshold only if one token does.
        let mut marks = vec![0u64; self.whole.signs.len().div_ceil(64)];
        let mut mark = |name: u32| marks[name as usize / 64] |= 1 << (name % 64);
        let count = self.words.letters.len();
        let mut memo = vec![u16::MAX; count * query.words.len()];
        let words: Vec<Pattern<'_>> = query.words.iter().map(|word| Pattern::new(word)).collect();
        let whole = Pattern::new(&query.whole);
        for (n, (word, pattern)) in query.words.iter().zip(&words).enumerate() {
            for id in self.words.near(word, threshold) {
                let score = pattern.similarity(&self.words.letters[id as usize], Window::Shorter);
                memo[n * count + id as usize] = score;
                if score >= threshold {
                    self.word_names.row(id).iter().for_each(|name| mark(*name));
                }
            }
        }
        for name in self.whole.near(&query.whole, threshold) {
            if self.whole.signs[name as usize].first == query.whole[0] {
                mark(name);
            }
        }
        for (block, mut bits) in marks.into_iter().enumerate() {
            while bits != 0 {
                let name = block as u32 * 64 + bits.trailing_zeros();
                bits &= bits - 1;
                let score = self.score_by(query, &whole, name, |n, id| {
                    let cell = &mut memo[n * count + id as usize];
                    if *cell == u16::MAX {
                        let letters = &self.words.letters[id as usize];
                        *cell = words[n].similarity(letters, Window::Shorter);
                    }
                    *cell
                });
                hit(name, score);
            }
        }
    }
}
