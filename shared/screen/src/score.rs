//! The score of mode Default: tokens, their weights, their pairing. SCORING.md has the reasons.
//! It must never know the list as a whole: a pair of names has one score everywhere.

use crate::fold::{skeleton, sound, tokens};
use crate::similar::{EDITS_MAX, LETTERS_MAX, SAME_BONES, distance, pair_score, sounds_score};
use crate::words::{Class, PHRASES, class, legal_form, number, roman};
use crate::{SCORE_MAX, Strength, snapshot::Kind};

/// Weight of one letter, in the units of all weights.
const LETTER_WEIGHT: u32 = 20;
/// Letters of a token that count, at least and at most.
const LETTERS_COUNTED: (usize, usize) = (2, 6);
/// Weight of a full token.
pub(crate) const FULL_WEIGHT: u32 = LETTER_WEIGHT * 6;
/// Cost of unmatched weight, in percent: on both sides at once, and on one side alone.
pub(crate) const CONFLICT: u64 = 130;
pub(crate) const EXTRA_QUERY_PERSON: u64 = 35;
const EXTRA_LIST_PERSON: u64 = 20;
const EXTRA_OTHER: u64 = 60;
/// What a full token that contradicts costs on top.
pub(crate) const CONFLICT_POINTS: u64 = 2_500;
/// Highest score of names whose numbers differ.
const NUMBERS_DIFFER: u16 = 6_500;
/// What an edit costs in names written together, divided by the longer one's letters.
pub(crate) const TOGETHER_COST: usize = 25_000;
/// Letters that a name written together needs.
const TOGETHER_MIN: usize = 5;
/// Letters that two query tokens written together need.
const JOIN_MIN: usize = 5;
/// Points for a birth that agrees, that contradicts, and for a weak alias.
pub(crate) const BIRTH_AGREES: u16 = 300;
const BIRTH_CONTRADICTS: u16 = 1_500;
const WEAK_ALIAS: u16 = 500;
/// Days by which a birth may miss its range.
const BIRTH_SLACK_DAYS: i64 = 366;

/// A folded token.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Token {
    pub(crate) text: Vec<char>,
    pub(crate) class: Class,
    pub(crate) weight: u32,
    pub(crate) sound: Vec<char>,
    pub(crate) bones: Vec<char>,
}

impl Token {
    fn new(text: Vec<char>, class: Class) -> Self {
        let letters = text.len().clamp(LETTERS_COUNTED.0, LETTERS_COUNTED.1) as u32;
        let weight = match class {
            Class::Word | Class::Initial => letters * LETTER_WEIGHT,
            Class::Trade => letters * LETTER_WEIGHT * 3 / 5,
            Class::Number => 4 * LETTER_WEIGHT,
            Class::Particle => letters * LETTER_WEIGHT * 3 / 20,
            Class::Title => letters * LETTER_WEIGHT / 20,
            Class::Legal => letters * LETTER_WEIGHT / 10,
        };
        let sound = if class == Class::Number { text.clone() } else { sound(&text) };
        let bones = if class == Class::Number { Vec::new() } else { skeleton(&sound) };
        Self { text, class, weight, sound, bones }
    }
}

/// A token of the query, or two neighbours written together.
#[derive(Debug)]
pub(crate) struct Unit {
    pub(crate) token: Token,
    pub(crate) weight: u32,
    /// Bits of the tokens it stands for.
    pub(crate) bits: u64,
}

/// A name or query, ready to be compared.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) tokens: Vec<Token>,
    /// The sound form of all but legal forms and titles, written together; empty if too short.
    pub(crate) together: Vec<char>,
}

/// Folds and classifies a name.
pub(crate) fn prepare(text: &str) -> Prepared {
    let (words, _) = tokens(text);
    let mut words: Vec<String> = words.into_iter().map(|word| word.into_iter().collect()).collect();
    for (phrase, short) in PHRASES {
        while let Some(at) = words.windows(phrase.len()).position(|window| window == phrase) {
            words.splice(at..at + phrase.len(), [short.to_owned()]);
        }
    }
    let count = words.len();
    let mut all: Vec<(String, Class)> = Vec::with_capacity(count);
    for (at, word) in words.into_iter().enumerate() {
        let classified = classify(word, at, count);
        // A word said twice in a row is one word.
        if all.last() != Some(&classified) {
            all.push(classified);
        }
    }
    // A name of nothing but small words means them.
    if all.iter().all(|(_, class)| class.is_minor()) {
        all.iter_mut().for_each(|(_, class)| *class = Class::Word);
    }
    let written = |keep: &dyn Fn(Class) -> bool| -> Vec<char> {
        all.iter().filter(|(_, class)| keep(*class)).flat_map(|(word, _)| word.chars()).collect()
    };
    let mut together = sound(&written(&|class| !matches!(class, Class::Legal | Class::Title)));
    if !(TOGETHER_MIN..=LETTERS_MAX).contains(&together.len()) {
        together.clear();
    }
    let tokens = all.into_iter().map(|(word, class)| Token::new(word.chars().collect(), class));
    Prepared { tokens: tokens.collect(), together }
}

fn classify(mut word: String, at: usize, count: usize) -> (String, Class) {
    if let Some(digits) = number(&word) {
        return (digits.into(), Class::Number);
    }
    if word.chars().all(|c| c.is_ascii_digit()) {
        return (word, Class::Number);
    }
    if (at >= 2 || at == 1 && word.starts_with("ii"))
        && let Some(digits) = roman(&word)
    {
        return (digits.into(), Class::Number);
    }
    let digits = word.chars().filter(char::is_ascii_digit).count();
    if (1..=2).contains(&digits) && word.chars().count() > 3 {
        word = word.chars().map(lookalike).collect();
    }
    let class = match class(&word) {
        Class::Word if word.chars().count() == 1 => Class::Initial,
        Class::Title if count == 1 => Class::Word,
        class => class,
    };
    let word = if class == Class::Legal { legal_form(&word).to_owned() } else { word };
    (word, class)
}

/// The letter that a digit inside a word stands for.
fn lookalike(digit: char) -> char {
    match digit {
        '0' => 'o',
        '1' => 'i',
        '3' => 'e',
        '4' => 'a',
        '5' => 's',
        '7' => 't',
        '8' => 'b',
        '9' => 'g',
        other => other,
    }
}

/// The query's tokens, then its neighbours written together.
pub(crate) fn units(query: &Prepared) -> Vec<Unit> {
    let single = |(at, token): (usize, &Token)| Unit {
        token: token.clone(),
        weight: token.weight,
        bits: 1 << at,
    };
    let mut units: Vec<Unit> = query.tokens.iter().enumerate().map(single).collect();
    for (at, pair) in query.tokens.windows(2).enumerate() {
        let text = [&pair[0].text[..], &pair[1].text].concat();
        let numbers = pair.iter().any(|token| token.class == Class::Number);
        if text.len() >= JOIN_MIN && !numbers {
            let weight = pair[0].weight + pair[1].weight;
            units.push(Unit { token: Token::new(text, Class::Word), weight, bits: 3 << at });
        }
    }
    units
}

/// One token of the query and the list token it was paired with.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair {
    value: u64,
    pub(crate) unit: usize,
    pub(crate) list: usize,
    pub(crate) score: u16,
}

/// The score of two sounds of `unit` and list token, without a memo.
pub(crate) fn direct(unit: &Unit, list: &Token) -> u16 {
    sounds_score(&unit.token, list)
}

/// Scores a query against a list name. `sounds` gives the score of a unit's sound against the
/// n-th list token's. Leaves the chosen pairs in `pairs`.
pub(crate) fn score(
    query: (&Prepared, &[Unit]),
    list: (&[&Token], &[char]),
    person: bool,
    mut sounds: impl FnMut(usize, usize) -> u16,
    pairs: &mut Vec<Pair>,
) -> u16 {
    let ((query, units), (list, together)) = (query, list);
    pairs.clear();
    for (at, to) in list.iter().enumerate() {
        for (unit, from) in units.iter().enumerate() {
            let score = pair_score(&from.token, to, sounds(unit, at));
            let joined = from.bits.count_ones() > 1;
            if score > 0 && (!joined || score >= SAME_BONES) {
                let value = u64::from(score) * u64::from(from.weight + to.weight);
                pairs.push(Pair { value, unit, list: at, score });
            }
        }
    }
    pairs.sort_unstable_by_key(|pair| (u64::MAX - pair.value, pair.unit, pair.list));
    let (mut used, mut taken) = (0u64, 0u64);
    pairs.retain(|pair| {
        let (bits, bit) = (units[pair.unit].bits, 1u64 << pair.list);
        let free = used & bits == 0 && taken & bit == 0;
        if free {
            used |= bits;
            taken |= bit;
        }
        free
    });
    let weighed = |tokens: &mut dyn Iterator<Item = &Token>, taken: u64| -> u64 {
        let free = tokens.enumerate().filter(|(at, _)| taken >> at & 1 == 0);
        free.map(|(_, token)| u64::from(token.weight)).sum()
    };
    let matched: u64 = pairs.iter().map(|pair| u64::from(units[pair.unit].weight)).sum();
    let value: u64 =
        pairs.iter().map(|pair| u64::from(units[pair.unit].weight) * u64::from(pair.score)).sum();
    let left = weighed(&mut query.tokens.iter(), used);
    let right = weighed(&mut list.iter().copied(), taken);
    let both = left.min(right);
    let (extra_query, extra_list) =
        if person { (EXTRA_QUERY_PERSON, EXTRA_LIST_PERSON) } else { (EXTRA_OTHER, EXTRA_OTHER) };
    let whole =
        100 * matched + CONFLICT * both + extra_query * (left - both) + extra_list * (right - both);
    let full = u64::from(FULL_WEIGHT);
    let by_tokens = (value * 100)
        .checked_div(whole)
        .unwrap_or(0)
        .saturating_sub(CONFLICT_POINTS * both.min(full) / full) as u16;
    match compare_numbers(&query.tokens, list) {
        Numbers::Differ => by_tokens.min(NUMBERS_DIFFER),
        Numbers::OneSided => by_tokens,
        Numbers::Same => by_tokens.max(together_score(&query.together, together)),
    }
}

/// The score of two names written together.
pub(crate) fn together_score(left: &[char], right: &[char]) -> u16 {
    let length = left.len().max(right.len());
    if left.is_empty() || right.is_empty() {
        return 0;
    }
    let edits = distance(left, right, together_edits(length));
    edits.map_or(0, |edits| SCORE_MAX.saturating_sub((TOGETHER_COST * edits / length) as u16))
}

/// Edits that names of `length` letters (the longer one's) written together may have.
pub(crate) fn together_edits(length: usize) -> usize {
    (length / 6).min(EDITS_MAX)
}

enum Numbers {
    Same,
    OneSided,
    Differ,
}

fn compare_numbers(query: &[Token], list: &[&Token]) -> Numbers {
    let is_number = |token: &&Token| token.class == Class::Number;
    let left: Vec<&Token> = query.iter().filter(is_number).collect();
    let right: Vec<&Token> = list.iter().copied().filter(is_number).collect();
    let within = |some: &[&Token], of: &[&Token]| {
        some.iter().all(|token| of.iter().any(|other| other.text == token.text))
    };
    match (left.is_empty(), right.is_empty()) {
        (true, true) => Numbers::Same,
        (false, false) if within(&left, &right) && within(&right, &left) => Numbers::Same,
        (false, false) => Numbers::Differ,
        _ => Numbers::OneSided,
    }
}

/// Whether the person rules for extra tokens apply.
pub(crate) fn is_person(kind: Kind, query: &[Token], list: &[&Token]) -> bool {
    let body = |token: &Token| matches!(token.class, Class::Legal | Class::Trade);
    match kind {
        Kind::Person => true,
        Kind::Unknown => !query.iter().any(body) && !list.iter().any(|token| body(token)),
        Kind::Organisation | Kind::Vessel | Kind::Aircraft => false,
    }
}

/// What a date of birth says about an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BirthSign {
    Silent,
    Agrees,
    Contradicts,
}

pub(crate) fn birth_sign(birth: Option<i32>, ranges: &[crate::Birth]) -> BirthSign {
    let Some(day) = birth.map(i64::from).filter(|_| !ranges.is_empty()) else {
        return BirthSign::Silent;
    };
    let within = |slack: i64| {
        ranges.iter().any(|r| i64::from(r.first) - slack <= day && day <= i64::from(r.last) + slack)
    };
    match (within(0), within(BIRTH_SLACK_DAYS)) {
        (true, _) => BirthSign::Agrees,
        (false, true) => BirthSign::Silent,
        (false, false) => BirthSign::Contradicts,
    }
}

/// The name's score with what birth and alias quality say.
pub(crate) fn qualify(score: u16, sign: BirthSign, strength: Strength) -> u16 {
    let score = match strength {
        Strength::Weak => score.saturating_sub(WEAK_ALIAS),
        Strength::Primary | Strength::Strong => score,
    };
    match sign {
        BirthSign::Silent => score,
        // Agreement never makes a hit out of nothing.
        BirthSign::Agrees if score == 0 => 0,
        BirthSign::Agrees => (score + BIRTH_AGREES).min(SCORE_MAX),
        BirthSign::Contradicts => score.saturating_sub(BIRTH_CONTRADICTS),
    }
}
