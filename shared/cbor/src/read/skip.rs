//! Taking one whole item unread. No recursion follows the input's nesting.

use super::Reader;
use crate::{CborError, DEPTH_MAX, Form, Kind};

/// A container that is being skipped.
#[derive(Clone, Copy)]
enum Open {
    Definite { left: u64 },
    Indefinite { map: bool, items: u32 },
}

impl<'a> Reader<'a> {
    /// Takes one whole item, whatever it is, and returns its bytes as they came.
    pub fn raw(&mut self) -> Result<&'a [u8], CborError> {
        let start = self.at;
        let base = usize::from(self.depth);
        // One entry for each open container; the depth limit bounds this array, not the input.
        let mut open = [Open::Definite { left: 1 }; DEPTH_MAX as usize + 1];
        let mut level = 0;
        loop {
            if self.is_complete(&mut open[level])? {
                if level == 0 {
                    return Ok(&self.bytes[start..self.at]);
                }
                level -= 1;
                continue;
            }
            let Some(inner) = self.skip_head()? else { continue };
            level += 1;
            if level + base > usize::from(DEPTH_MAX) {
                return Err(CborError::Depth { at: self.at });
            }
            open[level] = inner;
        }
    }

    /// Whether a container that is being skipped has no further item; counts the one that
    /// follows when it has.
    fn is_complete(&mut self, open: &mut Open) -> Result<bool, CborError> {
        match open {
            Open::Definite { left: 0 } => Ok(true),
            Open::Definite { left } => {
                *left -= 1;
                Ok(false)
            }
            Open::Indefinite { map, items } => {
                if self.peek()? != Kind::Break {
                    *items += 1;
                    return Ok(false);
                }
                if *map && *items % 2 == 1 {
                    let (at, found) = (self.at, Kind::Break);
                    return Err(CborError::Unexpected { at, expected: "the key's value", found });
                }
                self.head()?;
                Ok(true)
            }
        }
    }

    /// Takes a head and a string's content; returns what a container opens.
    fn skip_head(&mut self) -> Result<Option<Open>, CborError> {
        let found = self.peek()?;
        let head = self.head()?;
        match (head.major, head.value) {
            (0 | 1, Some(_)) => Ok(None),
            (2 | 3, Some(length)) => {
                let content = self.take(length)?;
                if head.major == 3 && std::str::from_utf8(content).is_err() {
                    return Err(CborError::Utf8 { at: self.at - content.len() });
                }
                Ok(None)
            }
            (4 | 5, None) if self.form == Form::AnyContainer => {
                Ok(Some(Open::Indefinite { map: head.major == 5, items: 0 }))
            }
            (4, Some(left)) => Ok(Some(Open::Definite { left })),
            (5, Some(count)) => {
                let left = count.checked_mul(2).ok_or(CborError::Items { at: head.at })?;
                Ok(Some(Open::Definite { left }))
            }
            (6, Some(_)) => Ok(Some(Open::Definite { left: 1 })),
            (7, Some(20..=22)) if found != Kind::Other => Ok(None),
            (2..=5, None) => Err(CborError::Indefinite { at: head.at }),
            _ => Err(CborError::Unexpected { at: head.at, expected: "a plain item", found }),
        }
    }
}
