//! Expressions that do not stand in the file as they are: folded lines, escapes, conditions made
//! from a table's columns. Each gets line numbers of its own, beyond every file, and a map back,
//! so that errors and explanations name the place that the author wrote. It must never lose one.

use crate::draft::Located;
use crate::typed::Span;

/// The expressions of one file whose text had to be put together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pieces {
    composed: Vec<Vec<Place>>,
}

/// Where a character comes from.
type Place = (u32, u32);

/// A part of a composed expression.
pub(crate) enum Part<'p> {
    /// Text that nobody wrote; errors in it are errors of what stands beside it.
    Glue(String),
    /// Text of the file.
    Source(&'p Located),
}

impl Pieces {
    /// The expression with positions that lead back, given the file that it stands in.
    pub(crate) fn expression(&mut self, text: &Located, source: &str) -> Located {
        if is_verbatim(text, source) {
            return text.clone();
        }
        let places = trace(text, source);
        self.register(unfolded(text, &places), places)
    }

    /// A text for people: its newlines are blanks.
    pub(crate) fn prose(&mut self, text: &Located, source: &str) -> Located {
        if is_verbatim(text, source) {
            return text.clone();
        }
        self.register(text.text.replace('\n', " "), trace(text, source))
    }

    /// Several parts as one expression; `span` is where they stand together.
    pub(crate) fn compose(&mut self, parts: &[Part<'_>], source: &str, span: Span) -> Located {
        let (mut text, mut places) = (String::new(), Vec::new());
        let mut last = (span.line, span.column);
        for (index, part) in parts.iter().enumerate() {
            match part {
                Part::Glue(glue) => {
                    // A bracket belongs to what it opens.
                    if let Some(Part::Source(next)) = parts.get(index + 1) {
                        last = (next.line, next.column);
                    }
                    text.push_str(glue);
                    places.extend(glue.chars().map(|_| last));
                }
                Part::Source(located) => {
                    let traced = trace(located, source);
                    text.push_str(&unfolded(located, &traced));
                    places.extend(traced);
                    last = places.last().copied().unwrap_or(last);
                }
            }
        }
        self.register(text, places)
    }

    /// Where a span stands in the file.
    pub fn locate(&self, span: Span) -> Span {
        let Some(beyond) = span.line.checked_sub(LINES_MAX) else { return span };
        let Some(places) = self.composed.get(beyond as usize) else { return span };
        let offset = span.column.max(1) as usize - 1;
        let place = |offset: usize| places.get(offset).or(places.last()).copied();
        let Some((line, column)) = place(offset) else { return span };
        let last = place(offset + (span.length.max(1) - 1) as usize);
        let length = match last {
            Some((end_line, end)) if end_line == line && end >= column => end - column + 1,
            _ => 1,
        };
        Span { line, column, length }
    }

    fn register(&mut self, text: String, places: Vec<Place>) -> Located {
        let number = u32::try_from(self.composed.len()).unwrap_or(u32::MAX);
        self.composed.push(places);
        let line = LINES_MAX.saturating_add(number);
        Located { text, line, column: 1 }
    }
}

/// The text with the newlines that YAML folded away, where a comment would go on without them.
fn unfolded(text: &Located, places: &[Place]) -> String {
    if !text.text.contains("//") {
        return text.text.clone();
    }
    let next = places.iter().skip(1).chain(places.last());
    let chars = text.text.chars().zip(places.iter().zip(next));
    let ends_line = |c: char, here: &Place, next: &Place| c == ' ' && next.0 > here.0;
    chars.map(|(c, (here, next))| if ends_line(c, here, next) { '\n' } else { c }).collect()
}

/// Whether the file says at that place what the text says.
fn is_verbatim(text: &Located, source: &str) -> bool {
    let line = source.lines().nth(text.line.max(1) as usize - 1).unwrap_or_default();
    let from = line.char_indices().nth(text.column.max(1) as usize - 1).map(|(at, _)| at);
    !text.text.contains('\n') && from.is_some_and(|from| line[from..].starts_with(&text.text))
}

/// The place of every character of a text whose file spells it with folds, quotes or escapes.
fn trace(text: &Located, source: &str) -> Vec<Place> {
    let mut written = places(source).skip_while(|(place, _)| {
        let (line, column) = *place;
        (line, column) < (text.line, text.column)
    });
    let mut last = (text.line, text.column);
    let mut ahead = written.next();
    let mut traced = Vec::with_capacity(text.text.len());
    for wanted in text.text.chars() {
        if wanted.is_whitespace() {
            // A fold: any white space of the file stands for it.
            if let Some((place, found)) = ahead
                && found.is_whitespace()
            {
                last = place;
            }
            while ahead.is_some_and(|(_, found)| found.is_whitespace()) {
                ahead = written.next();
            }
        } else {
            let mut skipped = 0;
            while ahead.is_some_and(|(_, found)| found != wanted) && skipped < ESCAPE_CHARS_MAX {
                ahead = written.next();
                skipped += 1;
            }
            if let Some((place, _)) = ahead {
                last = place;
                ahead = written.next();
            }
        }
        traced.push(last);
    }
    traced
}

fn places(source: &str) -> impl Iterator<Item = (Place, char)> {
    let mut place = (1, 0);
    source.chars().map(move |c| {
        place.1 += 1;
        let here = place;
        if c == '\n' {
            place = (place.0 + 1, 0);
        }
        (here, c)
    })
}

/// Lines below this number are lines of the file.
const LINES_MAX: u32 = crate::front::COMPOSED_LINE;
/// Longest escape or fold that is stepped over, in characters.
const ESCAPE_CHARS_MAX: usize = 512;
