//! The durable queue: one redb file behind a narrow struct. What `commit` took is on the disk
//! when it returns, all of a group or nothing of it. It must never answer from anything that is
//! not durable, and it judges nothing: content is checked before it comes here.

mod record;
#[cfg(test)]
mod tests;

use crate::error::Error;
use crate::limits::STORE_CACHE_BYTES;
use crate::reference::ClientRef;
use redb::{Database, Durability, ReadableDatabase as _, ReadableTable as _, TableDefinition};
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};
use tlog::{Checkpoint, HASH_BYTES, Hash};

pub use record::write_entry;

const BOOTS: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("boots");
const LEAVES: TableDefinition<'_, (u32, u64), &[u8]> = TableDefinition::new("leaves");
/// Leaf hashes of one group each, by the group's first index: the trees are rebuilt from these.
const HASHES: TableDefinition<'_, (u32, u64), &[u8]> = TableDefinition::new("hashes");
const PROOFS: TableDefinition<'_, [u8; 16], (u32, u64)> = TableDefinition::new("proofs");
const QUOTES: TableDefinition<'_, (u32, u64), &[u8]> = TableDefinition::new("quotes");
const REFS: TableDefinition<'_, [u8; 32], &[u8]> = TableDefinition::new("refs");
const FILE: &str = "probity.redb";

/// Where an entry stands: in which boot's log, and at which index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Location {
    /// Ordinal of the boot in this store.
    pub boot: u32,
    /// Index in that boot's log.
    pub index: u64,
}

/// What an idempotency key led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefRecord {
    /// Hash of the body that came with the key.
    pub body: [u8; 32],
    /// The proof.
    pub location: Location,
}

/// An entry as it was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    /// Signed statement.
    pub envelope: Vec<u8>,
    /// Salt; zeros when the request was sealed.
    pub salt: [u8; 32],
    /// Canonical rule results; none when the request was sealed.
    pub results: Vec<Vec<u8>>,
    /// The sealed reply; empty when the request was not sealed.
    pub sealed: Vec<u8>,
}

/// A quote as it was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredQuote {
    /// Size of the log that it speaks of.
    pub size: u64,
    /// Root of that log.
    pub root: Hash,
    /// Attestation document.
    pub document: Vec<u8>,
    /// The log's signatures over the checkpoint.
    pub log_signatures: Option<proof::LogSignatures>,
}

/// One entry on its way into the store.
#[derive(Debug)]
pub struct NewEntry {
    /// Index in the log.
    pub index: u64,
    /// Leaf hash.
    pub leaf: Hash,
    /// Proof id.
    pub proof_id: [u8; 16],
    /// Client reference, when the caller gave a key.
    pub reference: Option<ClientRef>,
    /// [`write_entry`] of it.
    pub record: Vec<u8>,
}

/// A quote and the entries that it is the first to cover, in order.
#[derive(Debug)]
pub struct NewGroup<'a> {
    /// The quote.
    pub quote: &'a wire::Quote,
    /// Entries with consecutive indexes; may be empty.
    pub entries: Vec<&'a NewEntry>,
}

/// An entry whose idempotency key already had a proof; the first proof stays the key's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duplicate {
    /// Index of the later entry.
    pub index: u64,
    /// What the key led to before.
    pub first: RefRecord,
}

/// The store.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    /// `None` after a failure, until `reopen` succeeds.
    database: RwLock<Option<Database>>,
}

impl Store {
    /// Opens the store of a data folder, or makes it.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(FILE);
        let database = open_database(&path)?;
        make_tables(&database).map_err(|error| Error::Store(Box::new(error)))?;
        Ok(Self { path, database: RwLock::new(Some(database)) })
    }

    /// Closes and opens the file again, as redb wants it after an I/O error.
    pub fn reopen(&self) -> Result<(), Error> {
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        // The old handle has to be gone before the file is opened anew.
        *database = None;
        *database = Some(open_database(&self.path)?);
        Ok(())
    }

    /// Adds a boot and returns its ordinal.
    pub fn add_boot(&self, record: &[u8]) -> Result<u32, Error> {
        self.with(|database| {
            let write = begin(database)?;
            let ordinal = {
                let mut boots = write.open_table(BOOTS)?;
                let last = boots.last()?.map(|row| (row.0.value(), row.1.value() == record));
                match last {
                    // A transaction that failed may have reached the disk all the same.
                    Some((ordinal, true)) => ordinal,
                    last => {
                        let ordinal = last.map_or(0, |(ordinal, _)| ordinal + 1);
                        boots.insert(ordinal, record)?;
                        ordinal
                    }
                }
            };
            write.commit()?;
            Ok(ordinal)
        })
    }

    /// Boot records by ordinal.
    pub fn boots(&self) -> Result<Vec<Vec<u8>>, Error> {
        self.with(|database| {
            let boots = database.begin_read()?.open_table(BOOTS)?;
            boots.iter()?.map(|row| Ok(row?.1.value().to_vec())).collect()
        })
    }

    /// Writes groups of one boot in one transaction and waits for the disk.
    pub fn commit(&self, boot: u32, groups: &[NewGroup<'_>]) -> Result<Vec<Duplicate>, Error> {
        self.with(|database| {
            let write = begin(database)?;
            let mut duplicates = Vec::new();
            {
                let mut leaves = write.open_table(LEAVES)?;
                let mut hashes = write.open_table(HASHES)?;
                let mut quotes = write.open_table(QUOTES)?;
                let mut refs = write.open_table(REFS)?;
                for NewGroup { quote, entries } in groups {
                    let key = (boot, quote.checkpoint.1);
                    // Of two quotes over one checkpoint the first stays.
                    if quotes.get(key)?.is_none() {
                        quotes.insert(key, record::write_quote(quote).as_slice())?;
                    }
                    let Some(first) = entries.first() else { continue };
                    let group: Vec<u8> = entries.iter().flat_map(|entry| entry.leaf).collect();
                    hashes.insert((boot, first.index), group.as_slice())?;
                    for entry in entries {
                        leaves.insert((boot, entry.index), entry.record.as_slice())?;
                        let Some(reference) = entry.reference else { continue };
                        let location = Location { boot, index: entry.index };
                        let earlier = refs.get(reference.key)?.map(|row| row.value().to_vec());
                        if let Some(bytes) = earlier {
                            // `StorageError` has no room for this: carried as corruption.
                            let first = record::read_ref(&bytes).map_err(corrupted)?;
                            if first.location != location {
                                duplicates.push(Duplicate { index: entry.index, first });
                            }
                            continue;
                        }
                        let row = record::write_ref(&RefRecord { body: reference.body, location });
                        refs.insert(reference.key, row.as_slice())?;
                    }
                }
                // Random keys: sorted, neighbours share the pages that are written.
                let mut ids: Vec<_> = groups.iter().flat_map(|group| &group.entries).collect();
                ids.sort_unstable_by_key(|entry| entry.proof_id);
                let mut proofs = write.open_table(PROOFS)?;
                for entry in ids {
                    proofs.insert(entry.proof_id, (boot, entry.index))?;
                }
            }
            write.commit()?;
            Ok(duplicates)
        })
    }

    /// Leaf hashes of a boot from index 1 on, and whether they are without gaps.
    pub fn leaf_hashes(&self, boot: u32) -> Result<Vec<Hash>, Error> {
        let groups = self.with(|database| {
            let hashes = database.begin_read()?.open_table(HASHES)?;
            let range = hashes.range((boot, 0)..=(boot, u64::MAX))?;
            range
                .map(|row| row.map(|(key, group)| (key.value().1, group.value().to_vec())))
                .map(|row| row.map_err(Into::into))
                .collect::<Result<Vec<_>, redb::Error>>()
        })?;
        let mut leaves = Vec::new();
        for (first, group) in groups {
            let (hashes, rest) = group.as_chunks::<HASH_BYTES>();
            if first != leaves.len() as u64 + 1 || !rest.is_empty() {
                let problem = format!("leaf hashes of boot {boot} have a gap before {first}");
                return Err(Error::Damaged(problem));
            }
            leaves.extend_from_slice(hashes);
        }
        Ok(leaves)
    }

    /// Where a proof stands.
    pub fn find_proof(&self, id: &[u8; 16]) -> Result<Option<Location>, Error> {
        self.with(|database| {
            let proofs = database.begin_read()?.open_table(PROOFS)?;
            let found = proofs.get(id)?.map(|row| row.value());
            Ok(found.map(|(boot, index)| Location { boot, index }))
        })
    }

    /// What an idempotency key led to.
    pub fn find_ref(&self, key: &[u8; 32]) -> Result<Option<RefRecord>, Error> {
        let found = self.with(|database| {
            let refs = database.begin_read()?.open_table(REFS)?;
            Ok(refs.get(key)?.map(|row| row.value().to_vec()))
        })?;
        found.as_deref().map(record::read_ref).transpose()
    }

    /// The entry at a location.
    pub fn entry(&self, at: Location) -> Result<Option<StoredEntry>, Error> {
        let found = self.with(|database| {
            let leaves = database.begin_read()?.open_table(LEAVES)?;
            Ok(leaves.get((at.boot, at.index))?.map(|row| row.value().to_vec()))
        })?;
        found.as_deref().map(record::read_entry).transpose()
    }

    /// The first quote that covers an index.
    pub fn quote_covering(&self, at: Location) -> Result<Option<StoredQuote>, Error> {
        let found = self.with(|database| {
            let quotes = database.begin_read()?.open_table(QUOTES)?;
            let from = (at.boot, at.index.saturating_add(1));
            let first = quotes.range(from..=(at.boot, u64::MAX))?.next().transpose()?;
            Ok(first.map(|(key, row)| (key.value().1, row.value().to_vec())))
        })?;
        found.map(|(size, bytes)| record::read_quote(size, &bytes)).transpose()
    }

    /// The last quote of a boot.
    pub fn last_quote(&self, boot: u32) -> Result<Option<StoredQuote>, Error> {
        let found = self.with(|database| {
            let quotes = database.begin_read()?.open_table(QUOTES)?;
            let last = quotes.range((boot, 0)..=(boot, u64::MAX))?.next_back().transpose()?;
            Ok(last.map(|(key, row)| (key.value().1, row.value().to_vec())))
        })?;
        found.map(|(size, bytes)| record::read_quote(size, &bytes)).transpose()
    }

    /// How many quotes a boot has.
    pub fn quotes(&self, boot: u32) -> Result<u64, Error> {
        self.with(|database| {
            let quotes = database.begin_read()?.open_table(QUOTES)?;
            Ok(quotes.range((boot, 0)..=(boot, u64::MAX))?.count() as u64)
        })
    }

    /// The last quoted checkpoint of the newest boot that has one.
    pub fn last_checkpoint(&self, boots: &[[u8; 16]]) -> Result<Option<Checkpoint>, Error> {
        let ordinals: Vec<_> = (0_u32..).zip(boots).collect();
        for (ordinal, boot_id) in ordinals.into_iter().rev() {
            if let Some(StoredQuote { size, root, .. }) = self.last_quote(ordinal)? {
                return Ok(Some(Checkpoint { boot_id: *boot_id, size, root }));
            }
        }
        Ok(None)
    }

    fn with<T>(&self, run: impl FnOnce(&Database) -> Result<T, redb::Error>) -> Result<T, Error> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let database = database.as_ref().ok_or(redb::Error::PreviousIo);
        database.and_then(run).map_err(|error| Error::Store(Box::new(error)))
    }
}

fn corrupted(error: Error) -> redb::Error {
    redb::Error::Corrupted(error.to_string())
}

fn begin(database: &Database) -> Result<redb::WriteTransaction, redb::Error> {
    let mut write = database.begin_write()?;
    write.set_durability(Durability::Immediate)?;
    Ok(write)
}

fn open_database(path: &Path) -> Result<Database, Error> {
    let database = Database::builder().set_cache_size(STORE_CACHE_BYTES).create(path);
    database.map_err(|error| Error::Store(Box::new(error.into())))
}

/// Readers expect every table to be there.
fn make_tables(database: &Database) -> Result<(), redb::Error> {
    let write = begin(database)?;
    write.open_table(BOOTS)?;
    write.open_table(LEAVES)?;
    write.open_table(HASHES)?;
    write.open_table(PROOFS)?;
    write.open_table(QUOTES)?;
    write.open_table(REFS)?;
    write.commit()?;
    Ok(())
}
