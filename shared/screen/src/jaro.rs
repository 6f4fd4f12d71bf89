//! Jaro-Winkler in exact rationals, rounded down to 1/10000. It must never round on the way.

use crate::SCORE_MAX;

/// Letters of a common start that count.
const PREFIX_MAX: usize = 4;
/// Most letters of a string that are compared; the products below stay in 63 bits.
pub(crate) const JARO_CHARS_MAX: usize = 2_048;

/// How far apart two equal letters may stand and still count as common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Window {
    /// Half the longer string, less one: Jaro and Winkler.
    Longer,
    /// Half the shorter string, plus one: the port that OFAC's site behaves like.
    Shorter,
}

/// Jaro-Winkler similarity of two strings, 0..=10000, rounded down. Every common first letter,
/// up to four, counts 1/10 of what is missing; there is no lower bound for that.
/// Letters beyond a few thousand are not looked at.
pub fn jaro_winkler(left: &str, right: &str) -> u16 {
    let letters = |text: &str| text.chars().take(JARO_CHARS_MAX).collect::<Vec<_>>();
    let (left, right) = (letters(left), letters(right));
    similarity(&left, &right, Window::Longer)
}

pub(crate) fn similarity(left: &[char], right: &[char], window: Window) -> u16 {
    Pattern::new(left).similarity(right, window)
}

/// A query, ready to be compared with many strings: where each of its letters stands.
#[derive(Debug)]
pub(crate) struct Pattern<'a> {
    letters: &'a [char],
    /// Bits of the positions of ASCII letters; used up to 64 letters.
    places: [u64; 128],
}

impl<'a> Pattern<'a> {
    pub(crate) fn new(letters: &'a [char]) -> Self {
        let mut places = [0; 128];
        for (at, letter) in letters.iter().enumerate().take(64) {
            if let Some(place) = places.get_mut(*letter as usize) {
                *place |= 1 << at;
            }
        }
        Self { letters, places }
    }

    fn places(&self, letter: char) -> u64 {
        match self.places.get(letter as usize) {
            Some(places) => *places,
            None => {
                let same = self.letters.iter().enumerate().filter(|(_, known)| **known == letter);
                same.fold(0, |bits, (at, _)| bits | 1 << at)
            }
        }
    }

    /// Jaro-Winkler similarity, 0..=10000. Each letter of `other`, in order, takes the first
    /// free equal letter of the query within reach.
    pub(crate) fn similarity(&self, other: &[char], window: Window) -> u16 {
        let (a, b) = (self.letters.len(), other.len());
        if a == 0 || b == 0 {
            return if a == b { SCORE_MAX } else { 0 };
        }
        if self.letters == other {
            return SCORE_MAX;
        }
        let reach = match window {
            Window::Longer => (a.max(b) / 2).saturating_sub(1),
            Window::Shorter => a.min(b) / 2 + 1,
        };
        let (common, moved) = if a.max(b) <= 64 {
            self.common(other, reach)
        } else {
            common_long(other, self.letters, reach)
        };
        let both = self.letters.iter().zip(other).take(PREFIX_MAX);
        let prefix = both.take_while(|(x, y)| x == y).count();
        ratio(a as u64, b as u64, common, moved, prefix as u64)
    }

    /// Common letters, and how many of them stand in another order; at most 64 letters each.
    fn common(&self, other: &[char], reach: usize) -> (u64, u64) {
        let mut taken = 0u64;
        let mut found = [0u8; 64];
        let mut count = 0;
        for (i, letter) in other.iter().enumerate() {
            let above = u64::MAX.checked_shl(i.saturating_sub(reach) as u32).unwrap_or(0);
            let below = u64::MAX.checked_shl((i + reach + 1) as u32).unwrap_or(0);
            let free = self.places(*letter) & above & !below & !taken;
            if free != 0 {
                taken |= free & free.wrapping_neg();
                found[count] = i as u8;
                count += 1;
            }
        }
        let (mut moved, mut rest) = (0, taken);
        for at in &found[..count] {
            let place = rest.trailing_zeros() as usize;
            moved += u64::from(other[usize::from(*at)] != self.letters[place]);
            rest &= rest - 1;
        }
        (count as u64, moved)
    }
}

/// The score from lengths, common letters, letters out of order and common start.
pub(crate) fn ratio(a: u64, b: u64, common: u64, moved: u64, prefix: u64) -> u16 {
    if common == 0 {
        return 0;
    }
    // (m/a + m/b + (m - t/2)/m) / 3 over one denominator. Names are cut at a few thousand
    // letters, so that the products stay below 2^63.
    let (m, t) = (common, moved);
    let denominator = 6 * a * b * m;
    let jaro = 2 * m * m * (a + b) + (2 * m - t) * a * b;
    let score =
        (jaro * (10 - prefix) + prefix * denominator) * u64::from(SCORE_MAX) / (10 * denominator);
    score as u16
}

/// The same for strings of any length, with `left` in the part of the other.
fn common_long(left: &[char], right: &[char], reach: usize) -> (u64, u64) {
    let mut taken = vec![false; right.len()];
    let mut lefts = Vec::new();
    for (i, letter) in left.iter().enumerate() {
        let until = (i + reach + 1).min(right.len());
        let found = (i.saturating_sub(reach)..until).find(|j| !taken[*j] && right[*j] == *letter);
        if let Some(j) = found {
            taken[j] = true;
            lefts.push(*letter);
        }
    }
    let rights = right.iter().zip(&taken).filter(|(_, taken)| **taken).map(|(letter, _)| letter);
    let moved = lefts.iter().zip(rights).filter(|(x, y)| x != y).count();
    (lefts.len() as u64, moved as u64)
}

/// Fewest common letters with which strings of `a` and `b` letters can reach `threshold` when
/// `prefix` letters at the start agree; derived from the formula above without letters moved.
pub(crate) fn common_needed(a: u64, b: u64, prefix: u64, threshold: u16) -> u64 {
    let (scale, rest) = (u64::from(SCORE_MAX), 10 - prefix);
    let jaro = (10 * u64::from(threshold)).saturating_sub(prefix * scale);
    let sum = (3 * jaro).saturating_sub(rest * scale);
    (sum * a * b).div_ceil((rest * scale * (a + b)).max(1)).max(1)
}
