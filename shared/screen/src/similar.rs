//! How alike two tokens are, in mode Default. It must never answer from anything but the pair.

use crate::SCORE_MAX;
use crate::score::Token;
use crate::words::Class;

/// Same sound form, other spelling.
pub(crate) const SAME_SOUND: u16 = 9_500;
/// Same consonants, other vowels: what Arabic leaves unwritten.
pub(crate) const SAME_BONES: u16 = 8_500;
/// Consonants that a skeleton needs to say anything.
pub(crate) const BONES_MIN: usize = 3;
/// An initial against a word that it begins.
pub(crate) const INITIAL: u16 = 8_000;
/// What one edit costs, divided by the longer token's length.
pub(crate) const EDIT_COST: u32 = 15_000;
/// Most edits that are ever looked for.
pub(crate) const EDITS_MAX: usize = 2;
/// Longest string whose edits are counted, in letters.
pub(crate) const LETTERS_MAX: usize = 96;

/// Edits that a token of `length` letters (the longer of the two) may have.
pub(crate) fn edits_allowed(length: usize) -> usize {
    match length {
        0..3 => 0,
        3..6 => 1,
        _ => EDITS_MAX,
    }
}

/// The score of `edits` edits in `length` letters.
pub(crate) fn edits_score(edits: usize, length: usize) -> u16 {
    (u32::from(SCORE_MAX).saturating_sub(EDIT_COST * edits as u32 / length.max(1) as u32)) as u16
}

/// The score of two sound forms, from their distance and skeletons.
pub(crate) fn sounds_score(left: &Token, right: &Token) -> u16 {
    if left.sound == right.sound {
        return SAME_SOUND;
    }
    let bones = left.bones.len() >= BONES_MIN && left.bones == right.bones;
    let length = left.sound.len().max(right.sound.len());
    let edits = distance(&left.sound, &right.sound, edits_allowed(length));
    let near = edits.map_or(0, |edits| edits_score(edits, length));
    near.max(if bones { SAME_BONES } else { 0 })
}

/// The score of a query token against a list token, given the score of their sounds.
pub(crate) fn pair_score(query: &Token, list: &Token, sounds: u16) -> u16 {
    if sounds == SAME_SOUND && query.text == list.text {
        return SCORE_MAX;
    }
    if query.class == Class::Number || list.class == Class::Number {
        return 0;
    }
    let initial = |a: &Token, b: &Token| {
        a.class == Class::Initial && matches!(b.class, Class::Word) && a.text[0] == b.text[0]
    };
    if sounds == 0 && (initial(query, list) || initial(list, query)) {
        return INITIAL;
    }
    sounds
}

/// Optimal string alignment distance, if it is at most `most` (never more than [`EDITS_MAX`]).
pub(crate) fn distance(left: &[char], right: &[char], most: usize) -> Option<usize> {
    let (a, b) = (left.len(), right.len());
    if a.abs_diff(b) > most || a.max(b) > LETTERS_MAX {
        return None;
    }
    let far = most as u8 + 1;
    let mut rows = [[far; LETTERS_MAX + 2]; 3];
    for (j, cell) in rows[0].iter_mut().enumerate().take(b.min(most) + 1) {
        *cell = j as u8;
    }
    let mut last_best = 0;
    for i in 1..=a {
        let (now, last, older) = (i % 3, (i + 2) % 3, (i + 1) % 3);
        let (from, to) = (i.saturating_sub(most).max(1), (i + most).min(b));
        rows[now][from - 1] = if from == 1 { (i as u8).min(far) } else { far };
        let mut best = rows[now][from - 1];
        for j in from..=to {
            let same = left[i - 1] == right[j - 1];
            let mut cell = rows[last][j - 1] + u8::from(!same);
            cell = cell.min(rows[last][j] + 1).min(rows[now][j - 1] + 1);
            let swapped =
                i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1];
            if swapped {
                cell = cell.min(rows[older][j - 2] + 1);
            }
            rows[now][j] = cell.min(far);
            best = best.min(cell);
        }
        rows[now][to + 1] = far;
        // A swap reaches back two rows, so that two rows must be too far.
        if best.min(last_best) >= far {
            return None;
        }
        last_best = best;
    }
    let found = rows[a % 3][b];
    (found < far).then_some(usize::from(found))
}
