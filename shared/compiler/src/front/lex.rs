//! From characters to tokens, as CEL's grammar divides them. It must never guess: what is no token
//! is an error that says what the author may have meant.

use super::literal;
use super::source::{Source, error};
use crate::{CompileError, ErrorKind};

/// Longest text or bytes constant, in bytes.
pub const TEXT_BYTES_MAX: usize = 256;

/// A token and the characters it takes.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub kind: TokenKind,
    pub start: usize,
    pub end: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum TokenKind {
    /// An integer without its sign.
    Int(u64),
    Uint(u64),
    Text(String),
    Bytes(Vec<u8>),
    Name(String),
    Symbol(&'static str),
    End,
}

/// All tokens of a source; the last is `End`.
pub(super) fn tokens(source: &Source) -> Result<Vec<Token>, CompileError> {
    let mut lexer = Lexer { source, at: 0 };
    let mut found = Vec::new();
    loop {
        let token = lexer.next()?;
        let done = token.kind == TokenKind::End;
        found.push(token);
        if done {
            return Ok(found);
        }
    }
}

pub(super) struct Lexer<'a> {
    pub source: &'a Source,
    pub at: usize,
}

impl Lexer<'_> {
    /// The character `ahead` of this one, or a NUL at the end.
    pub fn peek(&self, ahead: usize) -> char {
        self.source.chars.get(self.at + ahead).copied().unwrap_or('\0')
    }

    pub fn at_end(&self) -> bool {
        self.at >= self.source.chars.len()
    }

    /// A refusal of the characters from `start` to here.
    pub fn refuse(
        &self,
        kind: ErrorKind,
        start: usize,
        expected: impl Into<String>,
        hint: impl Into<String>,
    ) -> CompileError {
        let span = self.source.span(start, self.at);
        error(kind, span, expected, self.source.quote(start, self.at), hint)
    }

    fn next(&mut self) -> Result<Token, CompileError> {
        self.skip_blanks();
        let start = self.at;
        let first = self.peek(0);
        let kind = if self.at_end() {
            TokenKind::End
        } else if first.is_ascii_digit() || (first == '.' && self.peek(1).is_ascii_digit()) {
            literal::number(self)?
        } else if let Some(text) = literal::text(self)? {
            text
        } else if is_name_start(first) {
            self.name()
        } else {
            self.symbol()?
        };
        Ok(Token { kind, start, end: self.at })
    }

    fn skip_blanks(&mut self) {
        loop {
            match (self.peek(0), self.peek(1)) {
                (' ' | '\t' | '\n' | '\r' | '\x0c', _) => self.at += 1,
                ('/', '/') => {
                    while !self.at_end() && self.peek(0) != '\n' {
                        self.at += 1;
                    }
                }
                _ => return,
            }
        }
    }

    fn name(&mut self) -> TokenKind {
        let start = self.at;
        while is_name_part(self.peek(0)) {
            self.at += 1;
        }
        TokenKind::Name(self.source.chars[start..self.at].iter().collect())
    }

    fn symbol(&mut self) -> Result<TokenKind, CompileError> {
        let (first, second) = (self.peek(0), self.peek(1));
        let start = self.at;
        if let Some((length, hint)) = mistaken(first, second, self.peek(2)) {
            self.at += length;
            return Err(self.refuse(ErrorKind::Syntax, start, "an operator", hint));
        }
        let pair = SYMBOLS.iter().find(|symbol| {
            let mut chars = symbol.chars();
            chars.next() == Some(first) && chars.next().is_none_or(|c| c == second)
        });
        let Some(symbol) = pair else {
            self.at += 1;
            let hint = strange_hint(first);
            return Err(self.refuse(ErrorKind::Syntax, start, "a value or an operator", hint));
        };
        self.at += symbol.len();
        Ok(TokenKind::Symbol(symbol))
    }
}

pub(super) fn is_name_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

pub(super) fn is_name_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Characters of an operator of other languages, and what to write here.
fn mistaken(first: char, second: char, third: char) -> Option<(usize, &'static str)> {
    match (first, second, third) {
        ('=', '=', '=') => Some((3, "write `==`")),
        ('!', '=', '=') => Some((3, "write `!=`")),
        ('=', '=', _) | ('&', '&', _) | ('|', '|', _) => None,
        ('=', '>', _) => Some((2, "write `>=`")),
        ('=', '<', _) => Some((2, "write `<=`")),
        ('<', '>', _) => Some((2, "write `!=`")),
        ('=', ..) => Some((1, "write `==` to compare; nothing is assigned in a condition")),
        ('&', ..) => Some((1, "write `&&`")),
        ('|', ..) => Some((1, "write `||`")),
        _ => None,
    }
}

fn strange_hint(c: char) -> &'static str {
    match c {
        '“' | '”' | '„' | '‘' | '’' | '«' | '»' => {
            "typographic quotes are no quotes: write a straight `\"` at both ends"
        }
        '≥' => "write `>=`",
        '≤' => "write `<=`",
        '≠' => "write `!=`",
        '×' => "write `*`",
        '÷' => "write `/`",
        '−' | '–' | '—' => "write a plain `-`",
        '$' | '€' | '£' => "write an amount with its currency, such as `usd(\"100.00\")`",
        '#' => "a comment begins with `//`",
        ';' => "a condition is one expression: join its parts with `&&`",
        '\u{a0}' | '\u{2007}' | '\u{202f}' => "replace this special space by a plain one",
        _ => "remove it, or put text between quotes",
    }
}

/// Longer ones first.
const SYMBOLS: [&str; 24] = [
    "&&", "||", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "!", "?", ":", ".", ",",
    "(", ")", "[", "]", "{", "}",
];
