//! How fuzz targets take their bytes apart, where their real inputs are, and the small parts of a
//! second opinion: a reader over ciborium's values and RFC 9162 written down once more. It must
//! never call the code under attack.

use coset::cbor::Value;
use sha2::{Digest, Sha256};

/// Largest real input that becomes a seed.
const SEED_BYTES_MAX: u64 = 65_536;

/// Choices read from the front of an input; zeros when it has ended.
pub struct Choices<'a>(pub &'a [u8]);

impl<'a> Choices<'a> {
    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One byte.
    pub fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or_default()
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        let number = usize::from(self.byte()) << 8 | usize::from(self.byte());
        number % bound.max(1)
    }

    /// A number of any size, edges of the type among them.
    pub fn number(&mut self) -> u64 {
        match self.byte() {
            0 => u64::MAX,
            1 => i64::MAX as u64,
            2..=127 => self.byte().into(),
            _ => self.take(8).iter().fold(0, |number, byte| number << 8 | u64::from(*byte)),
        }
    }

    /// At most so many bytes.
    pub fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// A short byte string with its length in front.
    pub fn bytes(&mut self) -> &'a [u8] {
        let count = usize::from(self.byte()) % 96;
        self.take(count)
    }
}

/// `good` with a piece replaced: place, length of the piece and what comes there are the input.
pub fn splice(good: &[u8], input: &[u8]) -> Vec<u8> {
    let mut choices = Choices(input);
    let mut bytes = good.to_vec();
    while !choices.is_empty() {
        let at = choices.below(bytes.len() + 1);
        let end = (at + usize::from(choices.byte())).min(bytes.len());
        bytes.splice(at..end, choices.bytes().iter().copied());
    }
    bytes
}

/// The value under a text key of a map.
pub fn lookup<'a>(map: &'a Value, key: &str) -> Option<&'a Value> {
    let found = map.as_map()?.iter().find(|(name, _)| name.as_text() == Some(key))?;
    Some(&found.1)
}

/// The value under a number of a map.
pub fn numbered(map: &Value, key: i64) -> Option<&Value> {
    let key = Value::from(key);
    map.as_map()?.iter().find(|(name, _)| *name == key).map(|(_, value)| value)
}

/// RFC 9162 §2.1.3.2, step by step: the root that a path leads to, if it has the right length.
pub fn climb(leaf: [u8; 32], index: u64, size: u64, path: &[[u8; 32]]) -> Option<[u8; 32]> {
    let (mut node, mut last) = (index, size.checked_sub(1).filter(|last| index <= *last)?);
    let mut reached = leaf;
    for sibling in path {
        if last == 0 {
            return None;
        }
        if node & 1 == 1 || node == last {
            reached = hash(&[&[1], sibling, &reached]);
            while node & 1 == 0 && node != 0 {
                (node, last) = (node >> 1, last >> 1);
            }
        } else {
            reached = hash(&[&[1], &reached, sibling]);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    Some(reached).filter(|_| last == 0)
}

/// SHA-256 over parts.
pub fn hash(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    parts.iter().for_each(|part| hash.update(part));
    hash.finalize().into()
}

/// The files of a folder of the corpora, in order of their names; none where it is absent.
pub fn corpus(folder: &str) -> Vec<Vec<u8>> {
    let folder = crate::root().join("../shared/corpora").join(folder);
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<_> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    paths.sort();
    let small = |path: &std::path::PathBuf| {
        let size = std::fs::metadata(path).map_or(u64::MAX, |metadata| metadata.len());
        size <= SEED_BYTES_MAX
    };
    paths.into_iter().filter(small).filter_map(|path| std::fs::read(path).ok()).collect()
}
