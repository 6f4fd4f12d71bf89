//! The index of mode Default: from a query's tokens to the few names that can reach the
//! threshold. It must never skip a name unless its bound is below the threshold.

use crate::grams::Grams;
use crate::index::Table;
use crate::score::{
    EXTRA_QUERY_PERSON, Pair, Prepared, TOGETHER_COST, Token, Unit, direct, is_person, score,
    together_edits,
};
use crate::similar::{BONES_MIN, INITIAL, SAME_BONES, SAME_SOUND, edits_allowed, edits_score};
use crate::words::Class;
use crate::{SCORE_MAX, snapshot::Kind};

/// Names of a list, by token and by what they sound like.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Distinct tokens.
    tokens: Vec<Token>,
    token_sounds: Vec<u32>,
    name_tokens: Table,
    sound_names: Table,
    sounds: Grams,
    /// Skeletons with their sounds, sorted.
    bones: Vec<(Vec<char>, u32)>,
    together: Grams,
    name_together: Vec<u32>,
    together_names: Table,
}

/// Scores of the query's units against the sounds that are like any of them.
struct Memo {
    /// By sound: 0, or one more than the row.
    slots: Vec<u32>,
    rows: Vec<u16>,
    width: usize,
}

impl Memo {
    fn put(&mut self, sound: u32, unit: usize, score: u16) {
        let slot = &mut self.slots[sound as usize];
        if *slot == 0 {
            self.rows.resize(self.rows.len() + self.width, 0);
            *slot = (self.rows.len() / self.width) as u32;
        }
        let cell = &mut self.rows[(*slot as usize - 1) * self.width + unit];
        *cell = score.max(*cell);
    }

    fn get(&self, sound: u32, unit: usize) -> u16 {
        match self.slots[sound as usize] {
            0 => 0,
            slot => self.rows[(slot as usize - 1) * self.width + unit],
        }
    }
}

fn sorted<T: Ord + Clone>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut all: Vec<T> = all.collect();
    all.sort();
    all.dedup();
    all
}

fn place<T: Ord>(sorted: &[T], item: &T) -> u32 {
    sorted.binary_search(item).map_or(0, |at| at as u32)
}

impl Names {
    pub(crate) fn new(names: Vec<Prepared>) -> Self {
        let together = sorted(names.iter().map(|name| name.together.clone()));
        let name_together: Vec<u32> =
            names.iter().map(|name| place(&together, &name.together)).collect();
        let together_names =
            Table::new(name_together.iter().map(|id| vec![*id])).turned(together.len());
        let tokens = sorted(names.iter().flat_map(|name| name.tokens.iter().cloned()));
        let name_tokens = Table::new(
            names.iter().map(|name| name.tokens.iter().map(|t| place(&tokens, t)).collect()),
        );
        let sounds = sorted(tokens.iter().map(|token| token.sound.clone()));
        let token_sounds: Vec<u32> =
            tokens.iter().map(|token| place(&sounds, &token.sound)).collect();
        let bones = tokens.iter().zip(&token_sounds).filter(|(t, _)| t.bones.len() >= BONES_MIN);
        let bones = sorted(bones.map(|(token, sound)| (token.bones.clone(), *sound)));
        let name_sounds = (0..names.len() as u32).map(|name| {
            let ids = name_tokens.row(name).iter();
            sorted(ids.map(|token| token_sounds[*token as usize]))
        });
        let sound_names = Table::new(name_sounds).turned(sounds.len());
        let (sounds, together) = (Grams::new(sounds), Grams::new(together));
        Self {
            tokens,
            token_sounds,
            name_tokens,
            sound_names,
            sounds,
            bones,
            together,
            name_together,
            together_names,
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        let letters = |t: &Token| (t.text.len() + t.sound.len() + t.bones.len()) * 4;
        let tokens: usize = self.tokens.iter().map(|t| size_of::<Token>() + letters(t)).sum();
        let bones: usize = self.bones.iter().map(|(bones, _)| 32 + bones.len() * 4).sum();
        let tables = self.name_tokens.bytes() + self.sound_names.bytes();
        let ids = (self.token_sounds.len() + self.name_together.len()) * 4;
        tokens
            + bones
            + tables
            + ids
            + self.together_names.bytes()
            + self.sounds.bytes()
            + self.together.bytes()
    }

    /// The score of one name without any index, and the pairs it comes from.
    pub(crate) fn score(
        &self,
        query: (&Prepared, &[Unit]),
        name: u32,
        kind: Kind,
        pairs: &mut Vec<Pair>,
    ) -> u16 {
        let list = self.tokens_of(name);
        let person = is_person(kind, &query.0.tokens, &list);
        let sounds = |unit: usize, at: usize| direct(&query.1[unit], list[at]);
        score(query, (&list, self.together_of(name)), person, sounds, pairs)
    }

    pub(crate) fn tokens_of(&self, name: u32) -> Vec<&Token> {
        self.name_tokens.row(name).iter().map(|id| &self.tokens[*id as usize]).collect()
    }

    fn together_of(&self, name: u32) -> &[char] {
        &self.together.strings()[self.name_together[name as usize] as usize]
    }

    fn sound(&self, sound: &[char]) -> Option<u32> {
        let found = self.sounds.strings().binary_search_by(|known| known.as_slice().cmp(sound));
        found.ok().map(|at| at as u32)
    }

    /// Every sound that is like a unit's, with the score.
    fn like(&self, token: &Token, mut found: impl FnMut(u32, u16)) {
        if let Some(sound) = self.sound(&token.sound) {
            found(sound, SAME_SOUND);
        }
        if token.class == Class::Number {
            return;
        }
        if token.bones.len() >= BONES_MIN {
            let from = self.bones.partition_point(|(bones, _)| *bones < token.bones);
            let same = self.bones[from..].iter().take_while(|(bones, _)| *bones == token.bones);
            same.for_each(|(_, sound)| found(*sound, SAME_BONES));
        }
        self.sounds.near(&token.sound, edits_allowed, |sound, edits| {
            if edits > 0 {
                let other = self.sounds.strings()[sound as usize].len();
                found(sound, edits_score(edits, other.max(token.sound.len())));
            }
        });
    }

    /// Calls `hit` for every name that may reach `threshold`, with its true score.
    pub(crate) fn screen(
        &self,
        query: (&Prepared, &[Unit]),
        threshold: u16,
        kind: impl Fn(u32) -> Kind,
        mut hit: impl FnMut(u32, u16),
    ) {
        let units = query.1;
        let mut memo =
            Memo { slots: vec![0; self.token_sounds.len()], rows: Vec::new(), width: units.len() };
        let mut weights = vec![0u32; self.name_together.len()];
        let mut touched = Vec::new();
        let mut add = |names: &[u32], points: u32| {
            for name in names {
                let weight = &mut weights[*name as usize];
                if *weight == 0 {
                    touched.push(*name);
                }
                *weight = weight.saturating_add(points);
            }
        };
        // Small words and initials may match anything, so they count as matched.
        let mut given = 0u64;
        for (n, unit) in units.iter().enumerate() {
            let (single, class) = (unit.bits.count_ones() == 1, unit.token.class);
            let carries = !(single && (class.is_minor() || class == Class::Initial));
            if !carries {
                given += u64::from(unit.weight) * u64::from(SCORE_MAX);
            }
            self.like(&unit.token, |sound, score| {
                if !single && score < SAME_BONES {
                    return;
                }
                memo.put(sound, n, score);
                if carries {
                    // One sound may hide one text.
                    let most = if score == SAME_SOUND { SCORE_MAX } else { score };
                    add(self.sound_names.row(sound), unit.weight * u32::from(most));
                }
            });
            if single && class == Class::Word {
                let initial = crate::fold::sound(&unit.token.text[..1]);
                if let Some(sound) = self.sound(&initial) {
                    add(self.sound_names.row(sound), unit.weight * u32::from(INITIAL));
                }
            }
        }
        let length = query.0.together.len();
        if length > 0 {
            let points = usize::from(SCORE_MAX - threshold);
            let allowed = |n: usize| together_edits(n).min((points + 1) * n / TOGETHER_COST);
            self.together.near(&query.0.together, allowed, |id, _| {
                add(self.together_names.row(id), u32::MAX);
            });
        }
        let bound = Bound::new(query.0, threshold);
        let mut pairs = Vec::new();
        let mut try_name = |name: u32| {
            let ids = self.name_tokens.row(name);
            let list: Vec<&Token> = ids.iter().map(|id| &self.tokens[*id as usize]).collect();
            let person = is_person(kind(name), &query.0.tokens, &list);
            let sounds =
                |unit: usize, at: usize| memo.get(self.token_sounds[ids[at] as usize], unit);
            hit(name, score(query, (&list, self.together_of(name)), person, sounds, &mut pairs));
        };
        if bound.is_met(given) {
            (0..self.name_together.len() as u32).for_each(try_name);
            return;
        }
        for name in touched {
            if bound.is_met(given + u64::from(weights[name as usize])) {
                try_name(name);
            }
        }
    }
}

/// What the matched weight of the query must reach for a score of `threshold`.
struct Bound {
    weight: u64,
    threshold: u64,
}

impl Bound {
    fn new(query: &Prepared, threshold: u16) -> Self {
        let weight = query.tokens.iter().map(|token| u64::from(token.weight)).sum();
        Self { weight, threshold: threshold.into() }
    }

    /// `points` is at least the sum of weight times score over the matched tokens. With all of
    /// the list matched and the rest of the query at its lowest price x %, the score is at most
    /// 100 points / ((100 - x) points / 10000 + x weight).
    fn is_met(&self, points: u64) -> bool {
        let scale = u64::from(SCORE_MAX);
        let cheapest = EXTRA_QUERY_PERSON;
        let paid = (100 - cheapest) * points + cheapest * self.weight * scale;
        100 * points * scale >= self.threshold * paid
    }
}
