//! The index over a snapshot, and the answers it gives. Every mode answers exactly as a scan
//! over all names would; [`Index::screen_brute_force`] is that scan. It must never change after
//! it was built: it is shared between threads.

use std::sync::Arc;

use crate::fold::{latin_tokens, tokens};
use crate::names::{Names, Scratch};
use crate::plain::{Ofac, OfacQuery, Whole};
use crate::score::{BIRTH_AGREES, birth_sign, prepare, qualify, units};
use crate::seen::{is_whole, parts, plain_width};
use crate::{HITS_MAX, Kind, Snapshot};

/// Which scorer answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Probity's own; see SCORING.md. Uses the date of birth and the strength of aliases.
    Default,
    /// Behaves as the search on OFAC's site. Names only.
    Ofac,
    /// Jaro-Winkler over folded whole names. Names only.
    JaroWinkler,
}

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a> {
    /// The name, in any script; at most [`crate::TOKENS_MAX`] tokens are looked at.
    pub name: &'a str,
    /// Day of birth, in days since 1970-01-01 UTC.
    pub birth: Option<i32>,
    /// Which scorer answers.
    pub mode: Mode,
    /// Lowest score that is a hit, 0..=10000.
    pub threshold: u16,
}

/// One listed party that the query hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    /// Index into the snapshot's entries.
    pub entry: u32,
    /// Index into the entry's names: the one that scored best, the first of equals.
    pub name: u32,
    /// 0..=10000.
    pub score: u16,
}

/// All hits of a query, one per entry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hits {
    /// The best [`HITS_MAX`], by score downwards, then by entry upwards.
    pub best: Vec<Hit>,
    /// How many entries reach the threshold.
    pub total: u32,
    /// Only a part of the query was seen. Whoever asks must refuse it or have a person look.
    pub cut: bool,
}

/// Rows of numbers, stored flat.
#[derive(Debug, Default)]
pub(crate) struct Table {
    starts: Vec<u32>,
    cells: Vec<u32>,
}

impl Table {
    pub(crate) fn new(rows: impl Iterator<Item = Vec<u32>>) -> Self {
        let mut table = Self { starts: vec![0], cells: Vec::new() };
        for row in rows {
            table.cells.extend(row);
            table.starts.push(table.cells.len() as u32);
        }
        table
    }

    pub(crate) fn row(&self, at: u32) -> &[u32] {
        &self.cells[self.starts[at as usize] as usize..self.starts[at as usize + 1] as usize]
    }

    /// From every cell, below `width`, to the rows that have it.
    pub(crate) fn turned(&self, width: usize) -> Self {
        let mut rows = vec![Vec::new(); width];
        for at in 0..self.starts.len() as u32 - 1 {
            for cell in self.row(at) {
                let row: &mut Vec<u32> = &mut rows[*cell as usize];
                if row.last() != Some(&at) {
                    row.push(at);
                }
            }
        }
        Self::new(rows.into_iter())
    }

    pub(crate) fn bytes(&self) -> usize {
        (self.starts.len() + self.cells.len()) * 4
    }
}

/// A snapshot that can be asked. `Send`, `Sync`, and never changed after [`Index::build`].
#[derive(Debug)]
pub struct Index {
    snapshot: Arc<Snapshot>,
    /// Entry and name by row.
    rows: Vec<(u32, u32)>,
    /// Kind by row.
    kinds: Vec<Kind>,
    names: Names,
    ofac: Ofac,
    whole: Whole,
    /// Folded identifiers and exact ones, sorted, with their entry.
    identifiers: Vec<(String, u32)>,
}

impl Index {
    /// Builds the index. The snapshot must pass [`Snapshot::check`], as a parsed one does.
    pub fn build(snapshot: impl Into<Arc<Snapshot>>) -> Self {
        let snapshot = snapshot.into();
        let (mut rows, mut kinds) = (Vec::new(), Vec::new());
        let mut identifiers = Vec::new();
        let (mut prepared, mut latin, mut folded) = (Vec::new(), Vec::new(), Vec::new());
        for (at, entry) in (0u32..).zip(&snapshot.entries) {
            for (name, n) in entry.names.iter().zip(0u32..) {
                rows.push((at, n));
                kinds.push(entry.kind);
                prepared.push(prepare(&name.text));
                latin.push(latin_tokens(&name.text));
                folded.push(tokens(&name.text).0);
            }
            for identifier in &entry.identifiers {
                identifiers.push((identifier_key(&identifier.kind, &identifier.value), at));
            }
        }
        identifiers.sort();
        identifiers.dedup();
        let (names, ofac, whole) = (Names::new(prepared), Ofac::new(&latin), Whole::new(&folded));
        Self { snapshot, rows, kinds, names, ofac, whole, identifiers }
    }

    /// The list that the index answers for.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Bytes that the index holds besides the snapshot, as an estimate.
    pub fn memory_bytes(&self) -> usize {
        let identifiers: usize = self.identifiers.iter().map(|(key, _)| 32 + key.len()).sum();
        let scorers = self.names.bytes() + self.ofac.bytes() + self.whole.bytes();
        scorers + identifiers + self.rows.len() * 9
    }

    /// The entries that the query hits.
    pub fn screen(&self, query: &Query<'_>) -> Hits {
        self.screen_with(&mut Scratch::default(), query)
    }

    /// The same as [`Index::screen`], with memory that the caller keeps.
    pub fn screen_with(&self, scratch: &mut Scratch, query: &Query<'_>) -> Hits {
        if query.threshold == 0 || query.threshold > crate::SCORE_MAX {
            return self.screen_brute_force(query);
        }
        let mut found = Vec::new();
        for name in parts(query.name) {
            self.find(scratch, &Query { name, ..*query }, &mut found);
        }
        ranked(found, !Self::sees_whole(query.name, query.mode))
    }

    /// One reading of a query, by the index.
    fn find(&self, scratch: &mut Scratch, query: &Query<'_>, found: &mut Vec<Hit>) {
        let mut hit = |row: u32, score: u16| self.offer(query, row, score, found);
        let (name, threshold) = (query.name, query.threshold);
        match query.mode {
            Mode::Default => {
                let prepared = prepare(name);
                let units = units(&prepared);
                let bonus = if query.birth.is_some() { BIRTH_AGREES } else { 0 };
                let threshold = threshold.saturating_sub(bonus).max(1);
                let kind = |row: u32| self.kind(row);
                self.names.screen((&prepared, &units), threshold, scratch, kind, hit);
            }
            Mode::Ofac => {
                let asked = OfacQuery::new(latin_tokens(name));
                self.ofac.screen(&asked, threshold, hit);
            }
            Mode::JaroWinkler => {
                self.whole.screen(&Whole::query(&tokens(name).0), threshold, &mut hit);
            }
        }
    }

    /// The same answer from a scan over every name; slow, for tests and comparisons.
    pub fn screen_brute_force(&self, query: &Query<'_>) -> Hits {
        let mut found = Vec::new();
        for name in parts(query.name) {
            self.scan(&Query { name, ..*query }, &mut found);
        }
        ranked(found, !Self::sees_whole(query.name, query.mode))
    }

    /// One reading of a query, by a scan.
    fn scan(&self, query: &Query<'_>, found: &mut Vec<Hit>) {
        let prepared = prepare(query.name);
        let units = units(&prepared);
        let asked = OfacQuery::new(latin_tokens(query.name));
        let whole = Whole::query(&tokens(query.name).0);
        let mut pairs = Vec::new();
        for row in 0..self.rows.len() as u32 {
            let score = match query.mode {
                Mode::Default => {
                    self.names.score((&prepared, &units), row, self.kind(row), &mut pairs)
                }
                Mode::Ofac => self.ofac.score(&asked, row),
                Mode::JaroWinkler => self.whole.score(&whole, row),
            };
            self.offer(query, row, score, found);
        }
    }

    /// Whether a mode sees the whole of a name. One that is too long, shows nothing, hides
    /// characters, mixes scripts that look alike in one word or, for `Ofac`, has letters that are
    /// not Latin is seen in part: it must not be cleared.
    pub fn sees_whole(name: &str, mode: Mode) -> bool {
        is_whole(name, mode)
    }

    /// Entries with this document number, wallet or hull number, as hits of the highest score
    /// with name 0. Case, spaces and hyphens do not count, except that wallets in base58, whose
    /// case means something, are compared as they stand.
    pub fn identifier(&self, value: &str) -> Hits {
        let mut found = Vec::new();
        for value in value.split([';', ',']) {
            for key in [identifier_key("", value), identifier_key("wallet:", value)] {
                if key.len() <= 1 {
                    continue;
                }
                let from = self.identifiers.partition_point(|(known, _)| *known < key);
                let same = self.identifiers[from..].iter().take_while(|(known, _)| *known == key);
                found.extend(same.map(|(_, entry)| Hit {
                    entry: *entry,
                    name: 0,
                    score: crate::SCORE_MAX,
                }));
            }
        }
        ranked(found, false)
    }

    pub(crate) fn names(&self) -> &Names {
        &self.names
    }

    /// The row of a hit's name.
    pub(crate) fn row(&self, hit: &Hit) -> Option<u32> {
        self.rows.binary_search(&(hit.entry, hit.name)).ok().map(|row| row as u32)
    }

    pub(crate) fn kind(&self, row: u32) -> Kind {
        self.kinds[row as usize]
    }

    fn offer(&self, query: &Query<'_>, row: u32, score: u16, found: &mut Vec<Hit>) {
        // No birth can help more than this; it saves a look at the entry.
        if score + BIRTH_AGREES < query.threshold {
            return;
        }
        let (entry, name) = self.rows[row as usize];
        let mut score = score;
        if query.mode == Mode::Default && score > 0 {
            let listed = &self.snapshot.entries[entry as usize];
            let sign = birth_sign(query.birth, &listed.births);
            score = qualify(score, sign, listed.names[name as usize].strength);
        }
        if score >= query.threshold {
            found.push(Hit { entry, name, score });
        }
    }
}

/// One hit per entry, best first.
fn ranked(mut found: Vec<Hit>, cut: bool) -> Hits {
    found.sort_unstable_by_key(|hit| (hit.entry, u16::MAX - hit.score, hit.name));
    found.dedup_by_key(|hit| hit.entry);
    let total = found.len() as u32;
    found.sort_unstable_by_key(|hit| (u16::MAX - hit.score, hit.entry));
    found.truncate(HITS_MAX);
    Hits { best: found, total, cut }
}

/// `=` and the letters and digits as they stand for wallets whose case means something; `~` and
/// the folded ones for all else. A scheme such as `bitcoin:` is not part of an address.
fn identifier_key(kind: &str, value: &str) -> String {
    let scheme = |scheme: &str| !scheme.is_empty() && scheme.chars().all(|c| c.is_alphabetic());
    let value = match value.trim().split_once(':') {
        Some((before, after)) if scheme(before) => after,
        _ => value,
    };
    let kept = value.chars().map(plain_width).filter(|c| c.is_alphanumeric());
    let exact: String = kept.collect();
    // 0x addresses and bech32 have one case or a checksum in it; base58 has digits of both cases.
    let lower = exact.to_ascii_lowercase();
    let folds = lower.starts_with("0x") || lower.starts_with("bc1") || lower.starts_with("ltc1");
    if kind.starts_with("wallet:") && !folds {
        return format!("={exact}");
    }
    std::iter::once('~').chain(exact.chars().flat_map(char::to_lowercase)).collect()
}
