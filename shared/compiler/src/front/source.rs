//! One piece of source text and where its characters stand in the file. It must never read more
//! than `SOURCE_BYTES_MAX` bytes, and what it repeats in an error is cut and escaped.

use crate::draft::Located;
use crate::typed::Span;
use crate::{CompileError, ErrorKind};

/// Longest source of one expression or reason, in bytes.
pub const SOURCE_BYTES_MAX: usize = 4096;
/// Lines from here on are no lines of a file: each is a whole text, with its newlines in it.
pub(crate) const COMPOSED_LINE: u32 = 1 << 24;
/// Most characters of the source that an error repeats.
const QUOTE_CHARS_MAX: usize = 60;

/// Source text as characters, each with its line and column in the file.
#[derive(Debug)]
pub(super) struct Source {
    pub chars: Vec<char>,
    places: Vec<(u32, u32)>,
}

impl Source {
    /// The whole of `located`. The lines after the first begin in its column, as those of a YAML
    /// block do.
    pub fn new(located: &Located) -> Result<Source, CompileError> {
        let source = Source::cut(located, 0, located.text.chars().count());
        let bytes = located.text.len();
        if bytes <= SOURCE_BYTES_MAX {
            return Ok(source);
        }
        let expected = format!("at most {SOURCE_BYTES_MAX} bytes");
        let hint = "name its parts in `let` and use the names";
        let span = source.span(0, 1);
        Err(error(ErrorKind::TooLarge, span, expected, format!("{bytes} bytes"), hint))
    }

    /// The characters from `start` to `end` of `located`, which stay where they are in the file.
    pub fn cut(located: &Located, start: usize, end: usize) -> Source {
        let (mut line, mut column) = (located.line, located.column);
        let (mut chars, mut places) = (Vec::new(), Vec::new());
        for (i, c) in located.text.chars().enumerate().take(end) {
            if i >= start {
                chars.push(c);
                places.push((line, column));
            }
            let ends_line = c == '\n' && located.line < COMPOSED_LINE;
            (line, column) =
                if ends_line { (line + 1, located.column) } else { (line, column + 1) };
        }
        places.push((line, column));
        Source { chars, places }
    }

    /// Where the characters from `start` to `end` stand.
    pub fn span(&self, start: usize, end: usize) -> Span {
        let (line, column) = self.places[start.min(self.places.len() - 1)];
        Span { line, column, length: end.saturating_sub(start) as u32 }
    }

    /// The characters themselves, on one line, in back quotes, for an error.
    pub fn quote(&self, start: usize, end: usize) -> String {
        let text: String = self.chars
            [start.min(end).min(self.chars.len())..end.min(self.chars.len())]
            .iter()
            .collect();
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if words.chars().count() <= QUOTE_CHARS_MAX {
            return facts::shown(&words);
        }
        let head: String = words.chars().take(QUOTE_CHARS_MAX).collect();
        facts::shown(&format!("{head}…"))
    }
}

/// An error in no file yet.
pub(super) fn error(
    kind: ErrorKind,
    span: Span,
    expected: impl Into<String>,
    found: impl Into<String>,
    hint: impl Into<String>,
) -> CompileError {
    let (expected, found, hint) = (expected.into(), found.into(), hint.into());
    CompileError { file: String::new(), span, kind, expected, found, hint }
}
