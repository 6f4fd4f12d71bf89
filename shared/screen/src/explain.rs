//! Why a hit scored what it scored, in numbers and in short lines. It must never compute a score
//! in another way than the index does.

use crate::index::{Hit, Index, Mode, Query};
use crate::jaro::jaro_winkler;
use crate::score::{BirthSign, birth_sign, prepare, qualify, units};
use crate::{Strength, fold};

/// A part of the query and the part of the listed name it was paired with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Folded token of the query, or two that were read as one.
    pub query: String,
    /// Folded token of the listed name.
    pub list: String,
    /// 0..=10000.
    pub score: u16,
}

/// Why a hit scored what it scored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The listed name.
    pub listed: String,
    /// What was paired with what, in the order of the query.
    pub parts: Vec<Part>,
    /// Tokens of the query without a partner.
    pub unmatched_query: Vec<String>,
    /// Tokens of the listed name without a partner.
    pub unmatched_list: Vec<String>,
    /// The paired tokens stand in the same order on both sides. Has no effect on the score.
    pub same_order: bool,
    /// Score of the names alone.
    pub name_score: u16,
    /// What the date of birth and the strength of the alias changed, in points.
    pub change: i32,
    /// The lines, ready to be shown.
    pub lines: Vec<String>,
}

impl Index {
    /// Explains a hit of this index; `None` if the hit is not of this index.
    pub fn explain(&self, query: &Query<'_>, hit: &Hit) -> Option<Explanation> {
        let row = self.row(hit)?;
        let entry = &self.snapshot().entries[hit.entry as usize];
        let listed = &entry.names[hit.name as usize];
        if query.mode != Mode::Default {
            return Some(plain(query, &listed.text, hit.score));
        }
        let prepared = prepare(query.name);
        let units = units(&prepared);
        let mut pairs = Vec::new();
        let name_score = self.names().score((&prepared, &units), row, self.kind(row), &mut pairs);
        pairs.sort_by_key(|pair| units[pair.unit].bits.trailing_zeros());
        let list = self.names().tokens_of(row);
        let text = |letters: &[char]| letters.iter().collect::<String>();
        let parts: Vec<Part> = pairs
            .iter()
            .map(|pair| Part {
                query: text(&units[pair.unit].token.text),
                list: text(&list[pair.list].text),
                score: pair.score,
            })
            .collect();
        let used = pairs.iter().fold(0, |bits, pair| bits | units[pair.unit].bits);
        let taken = pairs.iter().fold(0u64, |bits, pair| bits | 1 << pair.list);
        let free = |bits: u64, n: &usize| bits >> n & 1 == 0;
        let unmatched_query = (0..prepared.tokens.len()).filter(|n| free(used, n));
        let unmatched_list = (0..list.len()).filter(|n| free(taken, n));
        let sign = birth_sign(query.birth, &entry.births);
        let score = qualify(name_score, sign, listed.strength);
        let mut explanation = Explanation {
            listed: listed.text.clone(),
            parts,
            unmatched_query: unmatched_query.map(|n| text(&prepared.tokens[n].text)).collect(),
            unmatched_list: unmatched_list.map(|n| text(&list[n].text)).collect(),
            same_order: pairs.is_sorted_by_key(|pair| pair.list),
            name_score,
            change: i32::from(score) - i32::from(name_score),
            lines: Vec::new(),
        };
        explanation.lines = lines(&explanation, sign, listed.strength, score);
        Some(explanation)
    }
}

fn plain(query: &Query<'_>, listed: &str, score: u16) -> Explanation {
    let folded = |text: &str| fold::join(&fold::tokens(text).0).into_iter().collect::<String>();
    let (left, right) = (folded(query.name), folded(listed));
    let whole = jaro_winkler(&left, &right);
    let lines = vec![
        format!("{left:?} against {right:?}: whole names {}", points(whole)),
        format!("score {}", points(score)),
    ];
    Explanation {
        listed: listed.to_owned(),
        parts: vec![Part { query: left, list: right, score: whole }],
        unmatched_query: Vec::new(),
        unmatched_list: Vec::new(),
        same_order: true,
        name_score: score,
        change: 0,
        lines,
    }
}

fn lines(of: &Explanation, sign: BirthSign, strength: Strength, score: u16) -> Vec<String> {
    let mut lines: Vec<String> = of
        .parts
        .iter()
        .map(|part| format!("{} = {} ({})", part.query, part.list, points(part.score)))
        .collect();
    if !of.unmatched_query.is_empty() {
        lines.push(format!("only in the query: {}", of.unmatched_query.join(" ")));
    }
    if !of.unmatched_list.is_empty() {
        lines.push(format!("only on the list: {}", of.unmatched_list.join(" ")));
    }
    if !of.same_order {
        lines.push("the words stand in another order (no effect)".into());
    }
    lines.push(format!("names: {}", points(of.name_score)));
    match sign {
        BirthSign::Agrees => lines.push("the date of birth agrees".into()),
        BirthSign::Contradicts => lines.push("the date of birth contradicts".into()),
        BirthSign::Silent => {}
    }
    if strength == Strength::Weak {
        lines.push("the listed name is a weak alias".into());
    }
    lines.push(format!("score {}", points(score)));
    lines
}

/// Points of 100 with two decimals.
fn points(score: u16) -> String {
    format!("{}.{:02}", score / 100, score % 100)
}
