//! Reads published sanctions lists into screening snapshots. This crate is not trusted: what it
//! makes is signed by the authority after people looked at the [`Report`]. It must never decide
//! a match, and never drop anything without saying so in the report.

mod days;
mod ofac;
mod plain;
mod rows;
mod un;

pub use ofac::read_ofac;
pub use plain::read_plain;
pub use un::read_un;

use screen::{Entry, ScreenError, Snapshot, Strength};

/// Largest input file, in bytes.
pub const FILE_BYTES_MAX: usize = 256 << 20;

/// A list that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The list. The caller sets `taken_at` (milliseconds since 1970 UTC) where the source has
    /// no date of its own, and may change `id` and `source`.
    pub snapshot: Snapshot,
    /// What was read, and what was not.
    pub report: Report,
}

/// What a reader took and what it left.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Listed parties.
    pub entries: u32,
    /// Names of all strengths.
    pub names: u32,
    /// Weak aliases among them.
    pub weak: u32,
    /// Ranges of birth.
    pub births: u32,
    /// Documents, wallets, hull numbers.
    pub identifiers: u32,
    /// What was left out, in the order of the source.
    pub rows_skipped: Vec<Skipped>,
}

/// Something that has no place in a snapshot, or that could not be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Line in the file, from 1.
    pub line: u64,
    /// Which file or element, and why.
    pub reason: String,
}

/// Why a list was refused as a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ListsError {
    /// A row is not what the format wants.
    #[error("{file}, line {line}: expected {expected}, found {found}; correct or refetch it")]
    Row {
        /// Which file.
        file: &'static str,
        /// Line, from 1.
        line: u64,
        /// What the format wants.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// The XML cannot be read.
    #[error("{file} is not well-formed XML: {problem}; fetch the file again")]
    Xml {
        /// Which file.
        file: &'static str,
        /// What the parser says, with line and column.
        problem: String,
    },
    /// A file is larger than its limit.
    #[error("{file} has {found} bytes, at most {max} are allowed; split the list")]
    TooLarge {
        /// Which file.
        file: &'static str,
        /// The limit.
        max: usize,
        /// What came.
        found: usize,
    },
    /// The list breaks a limit or rule of snapshots.
    #[error(transparent)]
    Snapshot(#[from] ScreenError),
}

/// Sorts, counts and checks.
fn finish(
    id: &str,
    source: &str,
    taken_at: u64,
    mut entries: Vec<Entry>,
    rows_skipped: Vec<Skipped>,
) -> Result<Listing, ListsError> {
    entries.sort_by(|a, b| a.id.cmp(&b.id));
    let sum = |count: fn(&Entry) -> usize| entries.iter().map(count).sum::<usize>() as u32;
    let weak =
        |entry: &Entry| entry.names.iter().filter(|name| name.strength == Strength::Weak).count();
    let report = Report {
        entries: entries.len() as u32,
        names: sum(|entry| entry.names.len()),
        weak: sum(weak),
        births: sum(|entry| entry.births.len()),
        identifiers: sum(|entry| entry.identifiers.len()),
        rows_skipped,
    };
    let snapshot = Snapshot { id: id.into(), source: source.into(), taken_at, entries };
    snapshot.check()?;
    Ok(Listing { snapshot, report })
}

fn fits(file: &'static str, bytes: &[u8]) -> Result<(), ListsError> {
    if bytes.len() > FILE_BYTES_MAX {
        return Err(ListsError::TooLarge { file, max: FILE_BYTES_MAX, found: bytes.len() });
    }
    Ok(())
}
