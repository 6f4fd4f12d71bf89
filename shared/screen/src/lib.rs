//! Name screening against a frozen list: integer scores, the same on every machine.
//!
//! A [`Snapshot`] is the list as it was on one day, with canonical bytes and a Merkle root. An
//! [`Index`] answers queries against it and returns exactly what a scan over every name returns.
//! This crate must never read a clock, a file or a random number, never use a float, and never
//! let an answer depend on an order that the list and the query do not fix.

mod explain;
mod fold;
mod grams;
mod index;
mod jaro;
mod names;
mod plain;
mod score;
mod seen;
mod similar;
mod snapshot;
mod words;

pub use explain::{Explanation, Part};
pub use index::{Hit, Hits, Index, Mode, Query};
pub use jaro::jaro_winkler;
pub use names::Scratch;
pub use snapshot::{Birth, Entry, Identifier, Kind, Name, Snapshot, Strength};

/// Highest score: the names are the same for the scorer.
pub const SCORE_MAX: u16 = 10_000;
/// Published threshold of [`Mode::Default`].
pub const DEFAULT_THRESHOLD: u16 = 7_000;
/// Published threshold of [`Mode::Ofac`].
pub const OFAC_THRESHOLD: u16 = 8_500;
/// Published threshold of [`Mode::JaroWinkler`].
pub const JARO_WINKLER_THRESHOLD: u16 = 8_500;
/// Most hits that one answer lists; the count covers all.
pub const HITS_MAX: usize = 16;
/// Tokens of a name or query that are looked at; an answer says when its query had more.
pub const TOKENS_MAX: usize = 64;
/// Letters of one token that are looked at.
pub const TOKEN_CHARS_MAX: usize = 48;
/// Largest snapshot, in bytes.
pub const SNAPSHOT_BYTES_MAX: usize = 64 << 20;
/// Most entries of a snapshot.
pub const ENTRIES_MAX: usize = 131_072;
/// Largest entry, in canonical bytes.
pub const ENTRY_BYTES_MAX: usize = 256 << 10;
/// Most names of one entry.
pub const NAMES_MAX: usize = 256;
/// Most ranges of birth of one entry.
pub const BIRTHS_MAX: usize = 64;
/// Most identifiers of one entry.
pub const IDENTIFIERS_MAX: usize = 256;
/// Most programs of one entry.
pub const PROGRAMS_MAX: usize = 64;
/// Longest name, in bytes.
pub const NAME_BYTES_MAX: usize = 512;
/// Longest identifier, kind of identifier, program or entry id, in bytes.
pub const FIELD_BYTES_MAX: usize = 256;
/// Longest source, in bytes.
pub const SOURCE_BYTES_MAX: usize = 1024;
/// Prefix of an entry's bytes in its Merkle leaf.
pub const ENTRY_TAG: [u8; 24] = *b"probity/v1/screen-entry\0";

/// Why a snapshot was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ScreenError {
    /// The bytes are not the CBOR of the format.
    #[error("{what} is malformed: {source}; take the snapshot again with `lists`")]
    Malformed {
        /// Which object.
        what: &'static str,
        /// What the reader found.
        source: cbor::CborError,
    },
    /// The bytes parse but are not the one encoding of their content.
    #[error("the snapshot is not in canonical form; write it with Snapshot::to_bytes")]
    NotCanonical,
    /// Something is larger than its limit.
    #[error("{what} of {place}: expected at most {max}, found {found}; split or shorten it")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// The entry's id, or the snapshot.
        place: String,
        /// The limit.
        max: usize,
        /// What came.
        found: usize,
    },
    /// A field's content breaks a rule of the format.
    #[error("{place}: expected {expected}, found {found}; correct the list it was read from")]
    Content {
        /// The entry's id, or the snapshot.
        place: String,
        /// What the format wants.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
}
