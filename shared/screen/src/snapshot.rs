//! The frozen list: its types, its one encoding, its Merkle root. FORMAT.md has the bytes. It
//! must never accept two encodings of one list, because the root stands in proofs.

use crate::{
    BIRTHS_MAX, ENTRIES_MAX, ENTRY_BYTES_MAX, ENTRY_TAG, FIELD_BYTES_MAX, IDENTIFIERS_MAX,
    NAME_BYTES_MAX, NAMES_MAX, PROGRAMS_MAX, SNAPSHOT_BYTES_MAX, SOURCE_BYTES_MAX, ScreenError,
};
use cbor::{CborError, Reader, Writer};
use crypto::Digest;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A natural person.
    Person,
    /// A company, authority, group or other body.
    Organisation,
    /// A ship.
    Vessel,
    /// An aircraft.
    Aircraft,
    /// The list does not say.
    Unknown,
}

impl Kind {
    const ALL: [Kind; 5] =
        [Kind::Person, Kind::Organisation, Kind::Vessel, Kind::Aircraft, Kind::Unknown];
}

/// How far the list itself trusts a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// The name that the entry goes by.
    Primary,
    /// An alias of good quality.
    Strong,
    /// An alias that alone is not enough, such as a nickname.
    Weak,
}

impl Strength {
    const ALL: [Strength; 3] = [Strength::Primary, Strength::Strong, Strength::Weak];
}

/// One name of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name {
    /// As the list writes it.
    pub text: String,
    /// How far the list trusts it.
    pub strength: Strength,
}

/// A closed range of days since 1970-01-01 (UTC, negative before), in which a birth lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Birth {
    /// First possible day.
    pub first: i32,
    /// Last possible day.
    pub last: i32,
}

/// A number that belongs to an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identifier {
    /// Such as `passport`, `tax`, `imo` or `wallet:XBT`.
    pub kind: String,
    /// As the list writes it.
    pub value: String,
}

/// One listed party.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The list's own identifier, such as OFAC's `2674`.
    pub id: String,
    /// What it is.
    pub kind: Kind,
    /// At least one name.
    pub names: Vec<Name>,
    /// Possible births; any may be the true one.
    pub births: Vec<Birth>,
    /// Documents, wallets, hull numbers.
    pub identifiers: Vec<Identifier>,
    /// Programs it is listed under.
    pub programs: Vec<String>,
}

/// A list as it was at one instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Identifier, such as `us.ofac.sdn`.
    pub id: String,
    /// Where it was taken from.
    pub source: String,
    /// When, in milliseconds since 1970-01-01 UTC.
    pub taken_at: u64,
    /// Entries, sorted by id (bytes) and unique.
    pub entries: Vec<Entry>,
}

impl Entry {
    /// Canonical bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::with_capacity(256);
        w.map(6).uint(1).text(&self.id).uint(2).uint(self.kind as u64);
        w.uint(3).array(self.names.len());
        for name in &self.names {
            w.array(2).text(&name.text).uint(name.strength as u64);
        }
        w.uint(4).array(self.births.len());
        for birth in &self.births {
            w.array(2).int(birth.first.into()).int(birth.last.into());
        }
        w.uint(5).array(self.identifiers.len());
        for identifier in &self.identifiers {
            w.array(2).text(&identifier.kind).text(&identifier.value);
        }
        w.uint(6).array(self.programs.len());
        for program in &self.programs {
            w.text(program);
        }
        w.finish()
    }

    /// The RFC 9162 leaf hash of the entry, for an inclusion path.
    pub fn leaf(&self) -> tlog::Hash {
        tlog::leaf_hash(&[&ENTRY_TAG[..], &self.to_bytes()].concat())
    }

    fn parse(bytes: &[u8]) -> Result<Self, CborError> {
        let r = &mut Reader::new(bytes);
        r.map_of("entry", 6)?;
        r.key(1)?;
        let id = r.text_max("entry id", FIELD_BYTES_MAX)?.to_owned();
        r.key(2)?;
        let kind = Kind::ALL[r.uint_max("kind", 4)? as usize];
        r.key(3)?;
        let names = r.entries("names", NAMES_MAX, |r| {
            r.array_of("name", 2)?;
            let text = r.text_max("name", NAME_BYTES_MAX)?.to_owned();
            Ok(Name { text, strength: Strength::ALL[r.uint_max("strength", 2)? as usize] })
        })?;
        r.key(4)?;
        let births = r.entries("births", BIRTHS_MAX, |r| {
            r.array_of("birth", 2)?;
            Ok(Birth { first: day(r)?, last: day(r)? })
        })?;
        r.key(5)?;
        let identifiers = r.entries("identifiers", IDENTIFIERS_MAX, |r| {
            r.array_of("identifier", 2)?;
            let kind = r.text_max("identifier kind", FIELD_BYTES_MAX)?.to_owned();
            let value = r.text_max("identifier", FIELD_BYTES_MAX)?.to_owned();
            Ok(Identifier { kind, value })
        })?;
        r.key(6)?;
        let programs = r.entries("programs", PROGRAMS_MAX, |r| {
            Ok(r.text_max("program", FIELD_BYTES_MAX)?.to_owned())
        })?;
        r.end()?;
        Ok(Self { id, kind, names, births, identifiers, programs })
    }

    fn check(&self) -> Result<(), ScreenError> {
        let id = &self.id;
        limit("names", id, NAMES_MAX, self.names.len())?;
        limit("births", id, BIRTHS_MAX, self.births.len())?;
        limit("identifiers", id, IDENTIFIERS_MAX, self.identifiers.len())?;
        limit("programs", id, PROGRAMS_MAX, self.programs.len())?;
        limit("id bytes", id, FIELD_BYTES_MAX, id.len())?;
        for name in &self.names {
            limit("name bytes", id, NAME_BYTES_MAX, name.text.len())?;
        }
        for identifier in &self.identifiers {
            limit("identifier bytes", id, FIELD_BYTES_MAX, identifier.value.len())?;
            limit("identifier kind bytes", id, FIELD_BYTES_MAX, identifier.kind.len())?;
        }
        for program in &self.programs {
            limit("program bytes", id, FIELD_BYTES_MAX, program.len())?;
        }
        let content = |expected, found: String| {
            Err(ScreenError::Content { place: id.clone(), expected, found })
        };
        if id.is_empty() {
            return content("an entry id", "an empty one".into());
        }
        if self.names.iter().all(|name| name.text.trim().is_empty()) {
            return content("at least one name", "none".into());
        }
        if let Some(birth) = self.births.iter().find(|birth| birth.first > birth.last) {
            return content("first day <= last day", format!("{} > {}", birth.first, birth.last));
        }
        limit("bytes", id, ENTRY_BYTES_MAX, self.to_bytes().len())
    }
}

impl Snapshot {
    /// Canonical bytes. The snapshot must pass [`Snapshot::check`].
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::with_capacity(128 + self.entries.len() * 256);
        w.map(5).uint(1).uint(1).uint(2).text(&self.id).uint(3).text(&self.source);
        w.uint(4).uint(self.taken_at).uint(5).array(self.entries.len());
        for entry in &self.entries {
            w.bytes(&entry.to_bytes());
        }
        w.finish()
    }

    /// Parses and checks. Errors: [`ScreenError`], nothing is accepted in part.
    pub fn parse(bytes: &[u8]) -> Result<Self, ScreenError> {
        limit("snapshot bytes", "the snapshot", SNAPSHOT_BYTES_MAX, bytes.len())?;
        let snapshot = Self::read(bytes)
            .map_err(|source| ScreenError::Malformed { what: "snapshot", source })?;
        snapshot.check()?;
        if snapshot.to_bytes() != bytes {
            return Err(ScreenError::NotCanonical);
        }
        Ok(snapshot)
    }

    fn read(bytes: &[u8]) -> Result<Self, CborError> {
        let r = &mut Reader::new(bytes);
        r.map_of("snapshot", 5)?;
        r.key(1)?;
        let at = r.position();
        let found = r.uint()?;
        if found != 1 {
            let what = "snapshot format";
            return Err(CborError::Range { at, what, expected: "version 1", found });
        }
        r.key(2)?;
        let id = r.text_max("snapshot id", FIELD_BYTES_MAX)?.to_owned();
        r.key(3)?;
        let source = r.text_max("source", SOURCE_BYTES_MAX)?.to_owned();
        r.key(4)?;
        let taken_at = r.uint_max("time", i64::MAX as u64)?;
        r.key(5)?;
        let entries = r.entries("entries", ENTRIES_MAX, |r| {
            Entry::parse(r.bytes_max("entry", ENTRY_BYTES_MAX)?)
        })?;
        r.end()?;
        Ok(Self { id, source, taken_at, entries })
    }

    /// Everything that later code relies on: limits, order, names, ranges.
    pub fn check(&self) -> Result<(), ScreenError> {
        let place = "the snapshot";
        limit("entries", place, ENTRIES_MAX, self.entries.len())?;
        limit("id bytes", place, FIELD_BYTES_MAX, self.id.len())?;
        limit("source bytes", place, SOURCE_BYTES_MAX, self.source.len())?;
        if let Some(pair) = self.entries.windows(2).find(|pair| pair[0].id >= pair[1].id) {
            return Err(ScreenError::Content {
                place: place.into(),
                expected: "entries sorted by id and unique",
                found: format!("{:?} before {:?}", pair[0].id, pair[1].id),
            });
        }
        self.entries.iter().try_for_each(Entry::check)
    }

    /// RFC 9162 root over the entries' leaves.
    pub fn root(&self) -> Digest {
        let leaves: Vec<_> = self.entries.iter().map(Entry::leaf).collect();
        Digest(tlog::merkle_root(&leaves))
    }
}

fn day(r: &mut Reader<'_>) -> Result<i32, CborError> {
    let at = r.position();
    let value = r.int()?;
    i32::try_from(value).map_err(|_| CborError::Range {
        at,
        what: "day",
        expected: "32 bits, signed",
        found: value.unsigned_abs(),
    })
}

fn limit(what: &'static str, place: &str, max: usize, found: usize) -> Result<(), ScreenError> {
    if found > max {
        return Err(ScreenError::TooLarge { what, place: place.into(), max, found });
    }
    Ok(())
}
