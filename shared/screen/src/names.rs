//! The index of mode Default: from a query's tokens to the few names that can reach the
//! threshold. It must never skip a name unless its bound is below the threshold.

use crate::grams::Grams;
use crate::index::Table;
use crate::score::{
    CONFLICT, CONFLICT_POINTS, EXTRA_QUERY_PERSON, FULL_WEIGHT, Pair, Prepared, TOGETHER_COST,
    Token, Unit, direct, is_person, score, together_edits,
};
use crate::similar::{
    BONES_MIN, EDIT_COST, INITIAL, SAME_BONES, SAME_SOUND, edits_allowed, edits_score,
};
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
    /// Weight of each name's tokens, small words apart.
    name_weights: Vec<u32>,
    /// Weight of the heaviest token of each sound, small words apart.
    sound_weights: Vec<u16>,
    together_names: Table,
}

/// Memory that a caller keeps between queries, so that none is asked for and cleared each time.
/// It holds no answer: any scratch gives the same answers, whatever index used it before.
#[derive(Debug, Default)]
pub struct Scratch {
    memo: Memo,
    matched: Vec<Matched>,
    touched: Vec<u32>,
}

impl Scratch {
    /// Forgets the last query.
    fn clear(&mut self, width: usize, names: &Names) {
        for name in self.touched.drain(..) {
            self.matched[name as usize] = Matched::default();
        }
        self.matched.resize(names.name_weights.len(), Matched::default());
        for sound in self.memo.sounds.drain(..) {
            self.memo.slots[sound as usize] = 0;
        }
        self.memo.slots.resize(names.sound_weights.len(), 0);
        self.memo.rows.clear();
        self.memo.width = width;
    }
}

/// Scores of the query's units against the sounds that are like any of them.
#[derive(Debug, Default)]
struct Memo {
    /// By sound: 0, or one more than the row.
    slots: Vec<u32>,
    /// The sounds that have a row.
    sounds: Vec<u32>,
    rows: Vec<u16>,
    width: usize,
}

impl Memo {
    fn put(&mut self, sound: u32, unit: usize, score: u16) {
        let slot = &mut self.slots[sound as usize];
        if *slot == 0 {
            self.rows.resize(self.rows.len() + self.width, 0);
            self.sounds.push(sound);
            *slot = self.sounds.len() as u32;
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
        let weighs = |token: &&Token| !token.class.is_minor();
        let name_weights = names
            .iter()
            .map(|name| name.tokens.iter().filter(weighs).map(|token| token.weight).sum());
        let name_weights = name_weights.collect();
        let mut sound_weights = vec![0u16; sounds.len()];
        for (token, sound) in tokens.iter().zip(&token_sounds).filter(|(token, _)| weighs(token)) {
            let weight = &mut sound_weights[*sound as usize];
            *weight = token.weight.min(u16::MAX.into()).max(u32::from(*weight)) as u16;
        }
        let (sounds, together) =
            (Grams::new(sounds, edits_allowed), Grams::new(together, together_edits));
        Self {
            tokens,
            token_sounds,
            name_tokens,
            sound_names,
            sounds,
            bones,
            together,
            name_together,
            name_weights,
            sound_weights,
            together_names,
        }
    }

    pub(crate) fn bytes(&self) -> usize {
        let letters = |t: &Token| (t.text.len() + t.sound.len() + t.bones.len()) * 4;
        let tokens: usize = self.tokens.iter().map(|t| size_of::<Token>() + letters(t)).sum();
        let bones: usize = self.bones.iter().map(|(bones, _)| 32 + bones.len() * 4).sum();
        let tables = self.name_tokens.bytes() + self.sound_names.bytes();
        let ids = (self.token_sounds.len() + self.name_together.len() * 2) * 4
            + self.sound_weights.len() * 2;
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
    fn like(&self, token: &Token, joined: bool, mut found: impl FnMut(u32, u16)) {
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
        // Two tokens read as one must be surer, so that fewer edits can count.
        let most = usize::from(SCORE_MAX - SAME_BONES);
        let allowed = |length: usize| {
            let edits = edits_allowed(length);
            if joined { edits.min((most + 1) * length / EDIT_COST as usize) } else { edits }
        };
        self.sounds.near(&token.sound, allowed, |sound, edits| {
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
        scratch: &mut Scratch,
        kind: impl Fn(u32) -> Kind,
        mut hit: impl FnMut(u32, u16),
    ) {
        scratch.clear(query.1.len(), self);
        let mut search = Search::new(query.0, threshold, scratch);
        for (n, unit) in query.1.iter().enumerate() {
            self.collect(n, unit, &mut search);
        }
        let length = query.0.together.len();
        if length > 0 {
            let points = usize::from(SCORE_MAX - threshold);
            let allowed = |n: usize| together_edits(n).min((points + 1) * n / TOGETHER_COST);
            self.together.near(&query.0.together, allowed, |id, _| {
                search.add(self.together_names.row(id), u32::MAX, u16::MAX, u16::MAX);
            });
        }
        let (mut pairs, mut list) = (Vec::new(), Vec::new());
        let mut try_name = |name: u32| {
            let ids = self.name_tokens.row(name);
            list.clear();
            list.extend(ids.iter().map(|id| &self.tokens[*id as usize]));
            let person = is_person(kind(name), &query.0.tokens, &list);
            let sounds = |unit: usize, at: usize| {
                search.scratch.memo.get(self.token_sounds[ids[at] as usize], unit)
            };
            hit(name, score(query, (&list, self.together_of(name)), person, sounds, &mut pairs));
        };
        if search.may_reach(&Matched::default(), 0) {
            (0..self.name_weights.len() as u32).for_each(try_name);
            return;
        }
        for name in &search.scratch.touched {
            let matched = &search.scratch.matched[*name as usize];
            if search.may_reach(matched, self.name_weights[*name as usize]) {
                try_name(*name);
            }
        }
    }

    /// Adds what one unit can match to the names that have it.
    fn collect(&self, n: usize, unit: &Unit, search: &mut Search<'_>) {
        let (single, class) = (unit.bits.count_ones() == 1, unit.token.class);
        let carries = !(single && is_given(class));
        let weight = unit.weight.min(u16::MAX.into()) as u16;
        self.like(&unit.token, !single, |sound, score| {
            if !single && score < SAME_BONES {
                return;
            }
            search.scratch.memo.put(sound, n, score);
            let heaviest = self.sound_weights[sound as usize];
            if !carries && heaviest > 0 {
                search.add(self.sound_names.row(sound), 0, 0, heaviest);
            }
            if carries {
                // One sound may hide one text.
                let most = if score == SAME_SOUND { SCORE_MAX } else { score };
                let points = unit.weight * u32::from(most);
                search.add(self.sound_names.row(sound), points, weight, heaviest);
            }
        });
        if single && class == Class::Word {
            let initial = crate::fold::sound(&unit.token.text[..1]);
            if let Some(sound) = self.sound(&initial) {
                let points = unit.weight * u32::from(INITIAL);
                let heaviest = self.sound_weights[sound as usize];
                search.add(self.sound_names.row(sound), points, weight, heaviest);
            }
        }
    }
}

/// Small words and initials of the query may match anything, so they count as matched.
fn is_given(class: Class) -> bool {
    class.is_minor() || class == Class::Initial
}

/// What a name can have in common with the query, at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Matched {
    /// Weight times score over the query's tokens.
    points: u32,
    /// Weight of the query's tokens.
    query: u16,
    /// Weight of the list's tokens.
    list: u16,
}

/// One query's way through the index.
struct Search<'a> {
    scratch: &'a mut Scratch,
    /// Weight of the query, of what counts as matched anyway, and of the list tokens that its
    /// initials may take.
    weight: u64,
    given: u64,
    taken: u64,
    threshold: u64,
}

impl<'a> Search<'a> {
    fn new(query: &Prepared, threshold: u16, scratch: &'a mut Scratch) -> Self {
        let tokens = &query.tokens;
        let sum = |keep: &dyn Fn(&Token) -> bool| -> u64 {
            tokens.iter().filter(|token| keep(token)).map(|token| u64::from(token.weight)).sum()
        };
        let initials = tokens.iter().filter(|token| token.class == Class::Initial).count();
        Self {
            scratch,
            weight: sum(&|_| true),
            given: sum(&|token| is_given(token.class)),
            taken: initials as u64 * u64::from(FULL_WEIGHT),
            threshold: threshold.into(),
        }
    }

    fn add(&mut self, names: &[u32], points: u32, query: u16, list: u16) {
        for name in names {
            let matched = &mut self.scratch.matched[*name as usize];
            if *matched == Matched::default() {
                self.scratch.touched.push(*name);
            }
            matched.points = matched.points.saturating_add(points);
            matched.query = matched.query.saturating_add(query);
            matched.list = matched.list.saturating_add(list);
        }
    }

    /// Whether a name whose tokens weigh `list`, small words apart, can reach the threshold.
    /// With x % the lowest price of unmatched weight, P points over all weight W of the query,
    /// and at least C of weight unmatched on both sides, the score is at most
    /// 100 P / ((100 - x) P / 10000 + x W + (conflict - x) C), less the points for C.
    fn may_reach(&self, matched: &Matched, list: u32) -> bool {
        if matched.points == u32::MAX {
            return true;
        }
        let scale = u64::from(SCORE_MAX);
        let points = u64::from(matched.points) + self.given * scale;
        let left = self.weight.saturating_sub(self.given + u64::from(matched.query));
        let right = u64::from(list).saturating_sub(self.taken + u64::from(matched.list));
        let both = left.min(right);
        let full = u64::from(FULL_WEIGHT);
        let threshold = self.threshold + CONFLICT_POINTS * both.min(full) / full;
        let cheapest = EXTRA_QUERY_PERSON;
        let price = cheapest * self.weight + (CONFLICT - cheapest) * both;
        100 * points * scale >= threshold * ((100 - cheapest) * points + price * scale)
    }
}
