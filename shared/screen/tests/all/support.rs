//! What the tests share: small lists, a seeded generator, the corpora. Must never write a file.

use screen::{Entry, Index, Kind, Mode, Name, Query, Snapshot, Strength};
use std::path::PathBuf;

/// Splitmix64: small, seeded, the same everywhere.
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ z >> 31) % n.max(1) as u64) as usize
    }
}

pub fn entry(id: &str, kind: Kind, names: &[&str]) -> Entry {
    let strength = |n| if n == 0 { Strength::Primary } else { Strength::Strong };
    let names = names
        .iter()
        .enumerate()
        .map(|(n, text)| Name { text: (*text).into(), strength: strength(n) });
    Entry {
        id: id.into(),
        kind,
        names: names.collect(),
        births: Vec::new(),
        identifiers: Vec::new(),
        programs: Vec::new(),
    }
}

pub fn snapshot(mut entries: Vec<Entry>) -> Snapshot {
    entries.sort_by(|a, b| a.id.cmp(&b.id));
    Snapshot { id: "test".into(), source: "a test".into(), taken_at: 1, entries }
}

/// The score of two names in a mode.
pub fn pair(query: &str, listed: &str, kind: Kind, mode: Mode) -> u16 {
    let index = Index::build(snapshot(vec![entry("1", kind, &[listed])]));
    let query = Query { name: query, birth: None, mode, threshold: 0 };
    index.screen(&query).best.first().map_or(0, |hit| hit.score)
}

/// Rows of a corpus file, or `None` with a word to the reader when the corpora are absent.
pub fn corpus(path: &str) -> Option<Vec<Vec<String>>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora");
    let Ok(bytes) = std::fs::read(root.join(path)) else {
        println!("ignored: corpus absent ({path})");
        return None;
    };
    Some(rows(&String::from_utf8_lossy(&bytes)))
}

/// Comma-separated rows with double quotes.
fn rows(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => cell.extend(letters.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {}
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            other => cell.push(other),
        }
    }
    if !cell.is_empty() {
        row.push(cell);
        rows.push(row);
    }
    rows
}

/// The SDN list's names and aliases, each entry with its own.
pub fn sdn() -> Option<Snapshot> {
    let mut entries = std::collections::BTreeMap::new();
    for row in corpus("sanctions/sdn.csv")?.iter().filter(|row| row.len() > 2) {
        let kind = match row[2].trim() {
            "individual" => Kind::Person,
            "vessel" => Kind::Vessel,
            "aircraft" => Kind::Aircraft,
            _ => Kind::Organisation,
        };
        entries.insert(row[0].clone(), entry(&row[0], kind, &[&row[1]]));
    }
    for row in corpus("sanctions/alt.csv")?.iter().filter(|row| row.len() > 3) {
        if let Some(entry) = entries.get_mut(&row[0]) {
            entry.names.push(Name { text: row[3].clone(), strength: Strength::Strong });
        }
    }
    Some(snapshot(entries.into_values().collect()))
}
