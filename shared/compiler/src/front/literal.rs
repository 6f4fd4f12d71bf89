//! Numbers, texts and bytes as CEL writes them, with all escapes. It must never hand on a number
//! that a float would hold, nor a text that is not UTF-8.

use super::lex::{Lexer, TEXT_BYTES_MAX, TokenKind, is_name_part};
use crate::{CompileError, ErrorKind};

/// An integer; the lexer stands at its first digit or at a point before one.
pub(super) fn number(lexer: &mut Lexer<'_>) -> Result<TokenKind, CompileError> {
    let start = lexer.at;
    let is_hex = lexer.peek(0) == '0' && matches!(lexer.peek(1), 'x' | 'X');
    let radix = if is_hex { 16 } else { 10 };
    lexer.at += if is_hex { 2 } else { 0 };
    let (mut value, mut digits) = (Some(0u64), 0);
    while let Some(digit) = lexer.peek(0).to_digit(radix) {
        let add = |n: u64| n.checked_mul(radix.into())?.checked_add(digit.into());
        (value, digits) = (value.and_then(add), digits + 1);
        lexer.at += 1;
    }
    if !is_hex && is_float(lexer) {
        return Err(float(lexer, start));
    }
    let unsigned = matches!(lexer.peek(0), 'u' | 'U') && !is_name_part(lexer.peek(1));
    lexer.at += usize::from(unsigned);
    if digits == 0 || is_name_part(lexer.peek(0)) {
        return Err(bad_number(lexer, start));
    }
    match value {
        Some(n) if unsigned => Ok(TokenKind::Uint(n)),
        Some(n) if n <= 1 << 63 => Ok(TokenKind::Int(n)),
        _ => {
            let (expected, hint) = if unsigned {
                ("at most 18446744073709551615", "a uint has 64 bits")
            } else {
                ("at most 9223372036854775807", "an int has 64 bits")
            };
            Err(lexer.refuse(ErrorKind::Literal, start, expected, hint))
        }
    }
}

fn is_float(lexer: &Lexer<'_>) -> bool {
    let fraction = lexer.peek(0) == '.' && lexer.peek(1).is_ascii_digit();
    let exponent = matches!(lexer.peek(0), 'e' | 'E')
        && (lexer.peek(1).is_ascii_digit()
            || (matches!(lexer.peek(1), '+' | '-') && lexer.peek(2).is_ascii_digit()));
    fraction || exponent
}

fn float(lexer: &mut Lexer<'_>, start: usize) -> CompileError {
    while is_name_part(lexer.peek(0))
        || (lexer.peek(0) == '.' && lexer.peek(1).is_ascii_digit())
        || (matches!(lexer.peek(0), '+' | '-') && lexer.peek(1).is_ascii_digit())
            && matches!(lexer.source.chars.get(lexer.at.wrapping_sub(1)), Some('e' | 'E'))
    {
        lexer.at += 1;
    }
    let text: String = lexer.source.chars[start..lexer.at].iter().collect();
    let plain = text.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let text = if plain && !text.starts_with('.') { text } else { "1.5".to_owned() };
    let hint = format!("write `dec(\"{text}\")`, or an amount such as `usd(\"{text}\")`");
    lexer.refuse(ErrorKind::NotSupported, start, "a number without a decimal point", hint)
}

fn bad_number(lexer: &mut Lexer<'_>, start: usize) -> CompileError {
    while is_name_part(lexer.peek(0)) {
        lexer.at += 1;
    }
    let text: String = lexer.source.chars[start..lexer.at].iter().collect();
    let plain = text.replace('_', "");
    let hint = if plain.bytes().all(|b| b.is_ascii_digit()) {
        format!("write `{plain}`")
    } else {
        "a number ends in a digit or in `u`; put an operator or a blank after it".to_owned()
    };
    lexer.refuse(ErrorKind::Syntax, start, "a number", hint)
}

/// A text or bytes constant, when one begins here.
pub(super) fn text(lexer: &mut Lexer<'_>) -> Result<Option<TokenKind>, CompileError> {
    let prefix = (0..3).take_while(|i| lexer.peek(*i).is_ascii_alphabetic()).count();
    if !matches!(lexer.peek(prefix), '"' | '\'') {
        return Ok(None);
    }
    let letters: String = (0..prefix).map(|i| lexer.peek(i).to_ascii_lowercase()).collect();
    let (is_bytes, is_raw) = match letters.as_str() {
        "" => (false, false),
        "r" => (false, true),
        "b" => (true, false),
        "br" => (true, true),
        _ => return Ok(None),
    };
    let start = lexer.at;
    lexer.at += prefix;
    let bytes = quoted(lexer, start, is_bytes, is_raw)?;
    if bytes.len() > TEXT_BYTES_MAX {
        let expected = format!("a constant of at most {TEXT_BYTES_MAX} bytes");
        let hint = format!("it has {} bytes: shorten it", bytes.len());
        return Err(lexer.refuse(ErrorKind::TooLarge, start, expected, hint));
    }
    if is_bytes {
        return Ok(Some(TokenKind::Bytes(bytes)));
    }
    let text = String::from_utf8(bytes).expect("UTF-8 because only whole characters were added");
    Ok(Some(TokenKind::Text(text)))
}

fn quoted(
    lexer: &mut Lexer<'_>,
    start: usize,
    is_bytes: bool,
    is_raw: bool,
) -> Result<Vec<u8>, CompileError> {
    let quote = lexer.peek(0);
    let triple = lexer.peek(1) == quote && lexer.peek(2) == quote;
    let width = if triple { 3 } else { 1 };
    lexer.at += width;
    let mut bytes = Vec::new();
    loop {
        let c = lexer.peek(0);
        if lexer.at_end() || (!triple && matches!(c, '\n' | '\r')) {
            let expected = format!("a closing `{}`", quote.to_string().repeat(width));
            let hint = "the text that begins here has no end: close its quotes";
            return Err(lexer.refuse(ErrorKind::Syntax, start, expected, hint));
        }
        if (0..width).all(|i| lexer.peek(i) == quote) {
            lexer.at += width;
            return Ok(bytes);
        }
        if c == '\\' && !is_raw {
            escape(lexer, is_bytes, &mut bytes)?;
        } else {
            push(&mut bytes, c);
            lexer.at += 1;
        }
    }
}

fn escape(lexer: &mut Lexer<'_>, is_bytes: bool, bytes: &mut Vec<u8>) -> Result<(), CompileError> {
    let start = lexer.at;
    let letter = lexer.peek(1);
    lexer.at += 2;
    let simple = SIMPLE.iter().find(|(name, _)| *name == letter);
    if let Some((_, byte)) = simple {
        bytes.push(*byte);
        return Ok(());
    }
    let (digits, radix) = match letter {
        'x' | 'X' => (2, 16),
        'u' if !is_bytes => (4, 16),
        'U' if !is_bytes => (8, 16),
        '0'..='3' => {
            lexer.at -= 1;
            (3, 8)
        }
        _ => {
            lexer.at = lexer.at.min(lexer.source.chars.len());
            let hint = "double the backslash, or write the text as r\"…\"";
            return Err(lexer.refuse(ErrorKind::Syntax, start, "an escape of CEL", hint));
        }
    };
    let mut value = 0;
    for _ in 0..digits {
        let Some(digit) = lexer.peek(0).to_digit(radix) else {
            let expected = format!("{digits} digits after the escape");
            return Err(lexer.refuse(ErrorKind::Syntax, start, expected, "write them all"));
        };
        value = value * radix + digit;
        lexer.at += 1;
    }
    match (is_bytes, char::from_u32(value)) {
        (true, _) => bytes.push(value as u8),
        (false, Some(c)) => push(bytes, c),
        (false, None) => {
            let hint = "surrogates and numbers above 10FFFF are no characters";
            return Err(lexer.refuse(ErrorKind::Literal, start, "a character of Unicode", hint));
        }
    }
    Ok(())
}

fn push(bytes: &mut Vec<u8>, c: char) {
    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

const SIMPLE: [(char, u8); 12] = [
    ('a', 7),
    ('b', 8),
    ('f', 12),
    ('n', b'\n'),
    ('r', b'\r'),
    ('t', b'\t'),
    ('v', 11),
    ('\\', b'\\'),
    ('?', b'?'),
    ('"', b'"'),
    ('\'', b'\''),
    ('`', b'`'),
];
