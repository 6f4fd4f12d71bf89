//! The reader. Everything it returns borrows from the input; nothing is allocated from a
//! declared length, and no recursion follows the input's nesting.

use crate::{CborError, DEPTH_MAX, ITEMS_MAX, Kind};

/// Which container lengths a reader accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Definite lengths only: every format of our own.
    Definite,
    /// Definite or indefinite arrays and maps, as AWS's documents have had since 2025-09.
    /// Strings must still be in one piece and heads minimal.
    AnyContainer,
}

/// A cursor over CBOR bytes.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: u8,
    items: u32,
    form: Form,
}

/// A container being read: how many entries are left, or `None` for an indefinite one.
#[derive(Debug)]
#[must_use = "a container has to be read to its end"]
pub struct Map {
    left: Option<u64>,
}

impl Map {
    /// Entries left, where the length is definite.
    pub fn left(&self) -> Option<u64> {
        self.left
    }
}

struct Head {
    at: usize,
    major: u8,
    /// `None` is an indefinite length (or, for major 7, the break).
    value: Option<u64>,
}

impl<'a> Reader<'a> {
    /// A reader that accepts definite lengths only.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self::with_form(bytes, Form::Definite)
    }

    /// A reader of the given form.
    pub fn with_form(bytes: &'a [u8], form: Form) -> Self {
        Self { bytes, at: 0, depth: 0, items: 0, form }
    }

    /// The offset of the next item.
    pub fn position(&self) -> usize {
        self.at
    }

    /// The kind of the next item, without taking it.
    pub fn peek(&self) -> Result<Kind, CborError> {
        let first =
            *self.bytes.get(self.at).ok_or(CborError::Truncated { at: self.at, needed: 1 })?;
        Ok(match first >> 5 {
            0 => Kind::Uint,
            1 => Kind::Negative,
            2 => Kind::Bytes,
            3 => Kind::Text,
            4 => Kind::Array,
            5 => Kind::Map,
            6 => Kind::Tag,
            _ => match first {
                0xf4 | 0xf5 => Kind::Bool,
                0xf6 => Kind::Null,
                0xff => Kind::Break,
                _ => Kind::Other,
            },
        })
    }

    fn take(&mut self, count: u64) -> Result<&'a [u8], CborError> {
        let rest = &self.bytes[self.at..];
        if count > rest.len() as u64 {
            return Err(CborError::Truncated {
                at: self.bytes.len(),
                needed: count - rest.len() as u64,
            });
        }
        let (taken, _) = rest.split_at(count as usize);
        self.at += count as usize;
        Ok(taken)
    }

    fn head(&mut self) -> Result<Head, CborError> {
        let at = self.at;
        self.items += 1;
        if self.items > ITEMS_MAX {
            return Err(CborError::Items { at });
        }
        let first = self.take(1)?[0];
        let (major, info) = (first >> 5, first & 0x1f);
        let (value, smallest) = match info {
            0..=23 => (u64::from(info), 0),
            24 => (u64::from(self.take(1)?[0]), 24),
            25..=27 => {
                let width = 1_usize << (info - 24);
                let value = self.take(width as u64)?.iter().fold(0, |v, b| v << 8 | u64::from(*b));
                (value, 1_u64 << (4 * width))
            }
            31 if major >= 2 && major != 6 => return Ok(Head { at, major, value: None }),
            _ => return Err(CborError::NotMinimal { at }),
        };
        // For major type 7 the argument is a simple value or float bits, not a number.
        if major != 7 && value < smallest {
            return Err(CborError::NotMinimal { at });
        }
        Ok(Head { at, major, value: Some(value) })
    }

    fn expect(&mut self, major: u8, expected: &'static str) -> Result<Head, CborError> {
        let found = self.peek()?;
        let at = self.at;
        let head = self.head()?;
        if head.major != major {
            return Err(CborError::Unexpected { at, expected, found });
        }
        Ok(head)
    }

    /// An unsigned integer.
    pub fn uint(&mut self) -> Result<u64, CborError> {
        let head = self.expect(0, "unsigned integer")?;
        head.value.ok_or(CborError::NotMinimal { at: head.at })
    }

    /// An unsigned integer of at most `max`; `what` names the field in the error.
    pub fn uint_max(&mut self, what: &'static str, max: u64) -> Result<u64, CborError> {
        let at = self.at;
        let found = self.uint()?;
        if found > max {
            return Err(CborError::Range { at, what, expected: "a smaller number", found });
        }
        Ok(found)
    }

    /// A signed integer that fits an `i64`.
    pub fn int(&mut self) -> Result<i64, CborError> {
        let at = self.at;
        let negative = self.peek()? == Kind::Negative;
        let head = if negative { self.expect(1, "integer")? } else { self.expect(0, "integer")? };
        let value = head.value.ok_or(CborError::NotMinimal { at })?;
        let signed = i64::try_from(value).map_err(|_| CborError::Range {
            at,
            what: "integer",
            expected: "one that fits 64 signed bits",
            found: value,
        })?;
        Ok(if negative { !signed } else { signed })
    }

    fn string(&mut self, major: u8, expected: &'static str) -> Result<&'a [u8], CborError> {
        let head = self.expect(major, expected)?;
        let length = head.value.ok_or(CborError::Indefinite { at: head.at })?;
        self.take(length)
    }

    /// A byte string in one piece.
    pub fn bytes(&mut self) -> Result<&'a [u8], CborError> {
        self.string(2, "byte string")
    }

    /// A byte string of at most `max` bytes.
    pub fn bytes_max(&mut self, what: &'static str, max: usize) -> Result<&'a [u8], CborError> {
        let at = self.at;
        let value = self.bytes()?;
        if value.len() > max {
            let found = value.len() as u64;
            return Err(CborError::Range { at, what, expected: "fewer bytes", found });
        }
        Ok(value)
    }

    /// A byte string of exactly `N` bytes.
    pub fn array_bytes<const N: usize>(
        &mut self,
        what: &'static str,
    ) -> Result<[u8; N], CborError> {
        let at = self.at;
        let value = self.bytes()?;
        value.try_into().map_err(|_| CborError::Range {
            at,
            what,
            expected: "another length",
            found: value.len() as u64,
        })
    }

    /// A text string in one piece.
    pub fn text(&mut self) -> Result<&'a str, CborError> {
        let raw = self.string(3, "text string")?;
        let at = self.at - raw.len();
        std::str::from_utf8(raw).map_err(|_| CborError::Utf8 { at })
    }

    /// A text string of at most `max` bytes.
    pub fn text_max(&mut self, what: &'static str, max: usize) -> Result<&'a str, CborError> {
        let at = self.at;
        let value = self.text()?;
        if value.len() > max {
            let found = value.len() as u64;
            return Err(CborError::Range { at, what, expected: "shorter text", found });
        }
        Ok(value)
    }

    /// A boolean.
    pub fn bool(&mut self) -> Result<bool, CborError> {
        let at = self.at;
        match self.peek()? {
            Kind::Bool => Ok(self.head()?.value == Some(21)),
            found => Err(CborError::Unexpected { at, expected: "boolean", found }),
        }
    }

    /// Takes a `null` if one stands here and says whether it did.
    pub fn null(&mut self) -> Result<bool, CborError> {
        if self.peek()? != Kind::Null {
            return Ok(false);
        }
        self.head()?;
        Ok(true)
    }

    /// A tag number; the tagged item is read next.
    pub fn tag(&mut self) -> Result<u64, CborError> {
        let head = self.expect(6, "tag")?;
        head.value.ok_or(CborError::NotMinimal { at: head.at })
    }

    fn open(&mut self, major: u8, expected: &'static str) -> Result<Map, CborError> {
        let head = self.expect(major, expected)?;
        if head.value.is_none() && self.form == Form::Definite {
            return Err(CborError::Indefinite { at: head.at });
        }
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err(CborError::Depth { at: head.at });
        }
        Ok(Map { left: head.value })
    }

    /// Opens an array. Read entries while [`Reader::more`] says so.
    pub fn array(&mut self) -> Result<Map, CborError> {
        self.open(4, "array")
    }

    /// Opens an array that must hold exactly `count` items, in definite form.
    pub fn array_of(&mut self, what: &'static str, count: u64) -> Result<(), CborError> {
        self.exact(4, "array", what, count)
    }

    /// Reads every entry of an array with `read`, refusing more than `max`.
    pub fn entries<T>(
        &mut self,
        what: &'static str,
        max: usize,
        mut read: impl FnMut(&mut Self) -> Result<T, CborError>,
    ) -> Result<Vec<T>, CborError> {
        let at = self.at;
        let mut array = self.array()?;
        let mut entries = Vec::new();
        while self.more(&mut array)? {
            if entries.len() == max {
                let found = max as u64 + 1;
                return Err(CborError::Range { at, what, expected: "fewer entries", found });
            }
            entries.push(read(self)?);
        }
        Ok(entries)
    }

    /// Opens a map. Read pairs while [`Reader::more`] says so.
    pub fn map(&mut self) -> Result<Map, CborError> {
        self.open(5, "map")
    }

    /// Opens a map that must hold exactly `count` pairs, in definite form.
    pub fn map_of(&mut self, what: &'static str, count: u64) -> Result<(), CborError> {
        self.exact(5, "map", what, count)
    }

    fn exact(
        &mut self,
        major: u8,
        kind: &'static str,
        what: &'static str,
        count: u64,
    ) -> Result<(), CborError> {
        let head = self.expect(major, kind)?;
        match head.value {
            None => Err(CborError::Indefinite { at: head.at }),
            Some(found) if found != count => Err(CborError::Range {
                at: head.at,
                what,
                expected: "another number of entries",
                found,
            }),
            Some(_) => Ok(()),
        }
    }

    /// Whether `container` has another entry; takes the break of an indefinite one.
    pub fn more(&mut self, container: &mut Map) -> Result<bool, CborError> {
        let more = match &mut container.left {
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
            None if self.peek()? == Kind::Break => {
                self.head()?;
                false
            }
            None => true,
        };
        if !more {
            self.depth = self.depth.saturating_sub(1);
        }
        Ok(more)
    }

    /// Takes the unsigned map key `key` and refuses any other.
    pub fn key(&mut self, key: u64) -> Result<(), CborError> {
        let at = self.at;
        let found = self.uint()?;
        if found != key {
            return Err(CborError::Key { at, expected: key.to_string(), found: found.to_string() });
        }
        Ok(())
    }

    /// Refuses anything after the last item.
    pub fn end(&self) -> Result<(), CborError> {
        if self.at == self.bytes.len() {
            return Ok(());
        }
        Err(CborError::Trailing { at: self.at, bytes: self.bytes.len() - self.at })
    }
}

mod skip;
#[cfg(test)]
mod tests;
