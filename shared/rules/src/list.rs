//! A frozen plain list: countries, numbers, lines of a calendar or of a rate table. Lists of names
//! are `screen::Snapshot`.

use crate::codec::{keyed, millis, name, prose};
use crate::{LIST_ENTRIES_MAX, PROSE_BYTES_MAX};
use cbor::{CborError, Reader, Writer};
use crypto::Digest;
use facts::Millis;

/// A frozen list: countries, names, numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListSnapshot {
    /// Identifier, such as `us.ofac.countries`.
    pub id: String,
    /// Where it was taken from.
    pub source: String,
    /// When it was taken.
    pub taken_at: Millis,
    /// Entries, sorted and unique.
    pub entries: Vec<String>,
}

impl ListSnapshot {
    /// RFC 9162 root over the entries' bytes.
    pub fn root(&self) -> Digest {
        let leaves: Vec<_> = self.entries.iter().map(|e| tlog::leaf_hash(e.as_bytes())).collect();
        Digest(tlog::merkle_root(&leaves))
    }

    /// Whether `entry` is on the list.
    pub fn contains(&self, entry: &str) -> bool {
        self.entries.binary_search_by(|known| known.as_str().cmp(entry)).is_ok()
    }

    pub(crate) fn write(&self, w: &mut Writer) {
        w.map(4).uint(1).text(&self.id).uint(2).text(&self.source).uint(3).uint(self.taken_at.0);
        w.uint(4).array(self.entries.len());
        for entry in &self.entries {
            w.text(entry);
        }
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, CborError> {
        r.map_of("list", 4)?;
        Ok(Self {
            id: keyed(r, 1, name)?,
            source: keyed(r, 2, prose)?,
            taken_at: keyed(r, 3, millis)?,
            entries: keyed(r, 4, |r| {
                r.entries("list entries", LIST_ENTRIES_MAX, |r| {
                    Ok(r.text_max("list entry", PROSE_BYTES_MAX)?.to_owned())
                })
            })?,
        })
    }
}
