//! Which CEL expressions use a part of CEL that is left out, by their text alone (LANGUAGE.md,
//! section 11). It asks no checker, so that what the checker wrongly refuses is not hidden.

/// A token of CEL, as far as sorting needs it.
#[derive(Debug, Clone, PartialEq)]
enum Token {
    Name(String),
    Int,
    Uint,
    Double,
    Text(String),
    Bytes,
    Mark(char),
}

/// Why an expression is out, when it is.
pub fn left_out(expr: &str) -> Option<&'static str> {
    let tokens = tokens(expr);
    by_names(&tokens).or_else(|| by_marks(&tokens)).or_else(|| by_texts(&tokens))
}

/// All names in an expression.
pub fn names_of(expr: &str) -> Vec<String> {
    let name = |token| match token {
        Token::Name(name) => Some(name),
        _ => None,
    };
    tokens(expr).into_iter().filter_map(name).collect()
}

fn by_names(tokens: &[Token]) -> Option<&'static str> {
    for (i, token) in tokens.iter().enumerate() {
        let called = tokens.get(i + 1) == Some(&Token::Mark('('));
        match token {
            Token::Double => return Some("double"),
            Token::Name(name) => match name.as_str() {
                "dyn" if called => return Some("dyn"),
                "type" if called => return Some("type value"),
                "double" => return Some("double"),
                "null" => return Some("null"),
                "optional" | "optMap" | "optFlatMap" => return Some("optional"),
                "protobuf" | "proto2" | "proto3" => return Some("message"),
                "matches" if called => return Some("regular expression"),
                _ if called && !FUNCTIONS.contains(&name.as_str()) => {
                    // Reserved words as names of methods are a matter of the grammar.
                    let is_reserved = RESERVED.contains(&name.as_str()) || name == "f_unknown";
                    if !is_reserved {
                        return Some("extension");
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }
    None
}

fn by_marks(tokens: &[Token]) -> Option<&'static str> {
    for (i, token) in tokens.iter().enumerate() {
        let before = i.checked_sub(1).map(|i| &tokens[i]);
        let after_value = matches!(
            before,
            Some(Token::Name(_) | Token::Text(_) | Token::Bytes | Token::Mark(')' | ']' | '}'))
        );
        match token {
            Token::Mark('{') if matches!(before, Some(Token::Name(_))) => return Some("message"),
            Token::Mark('{') => return Some("map"),
            Token::Mark('.') if tokens.get(i + 1) == Some(&Token::Mark('?')) => {
                return Some("optional");
            }
            Token::Mark('[') if tokens.get(i + 1) == Some(&Token::Mark('?')) => {
                return Some("optional");
            }
            Token::Mark('.') if !after_value => return Some("container"),
            Token::Mark('[') if !after_value && is_mixed(&tokens[i + 1..]) => return Some("dyn"),
            _ => {}
        }
    }
    None
}

/// Whether the elements of a list literal begin with literals of different types.
fn is_mixed(tokens: &[Token]) -> bool {
    let (mut depth, mut kinds, mut starts) = (0, Vec::new(), true);
    for token in tokens {
        match token {
            Token::Mark(']') if depth == 0 => break,
            Token::Mark(',') if depth == 0 => {
                starts = true;
                continue;
            }
            Token::Mark('-') if starts => continue,
            _ if starts => {
                starts = false;
                kinds.push(match token {
                    Token::Int => "int",
                    Token::Uint => "uint",
                    Token::Double => "double",
                    Token::Text(_) => "text",
                    Token::Bytes => "bytes",
                    Token::Name(name) if name == "true" || name == "false" => "bool",
                    _ => "",
                });
            }
            _ => {}
        }
        match token {
            Token::Mark('[' | '(' | '{') => depth += 1,
            Token::Mark(']' | ')' | '}') => depth -= 1,
            _ => {}
        }
    }
    kinds.retain(|kind| !kind.is_empty());
    kinds.dedup();
    kinds.len() > 1
}

fn by_texts(tokens: &[Token]) -> Option<&'static str> {
    for (i, token) in tokens.iter().enumerate() {
        let Token::Text(text) = token else { continue };
        let function = match i.checked_sub(2).map(|i| (&tokens[i], &tokens[i + 1])) {
            Some((Token::Name(name), Token::Mark('('))) => name.as_str(),
            _ => "",
        };
        if function.starts_with("get") && text.contains('/') {
            return Some("zone name");
        }
        let trimmed = tokens.get(i + 2) == Some(&Token::Name("trim".to_owned()));
        let escapes = text.split("\\u").skip(1).filter_map(|rest| rest.get(..4));
        let escaped = escapes.filter_map(|digits| u32::from_str_radix(digits, 16).ok());
        let wide = |c: char| c.is_whitespace() && !c.is_ascii();
        if trimmed && escaped.filter_map(char::from_u32).chain(text.chars()).any(wide) {
            return Some("white space beyond ASCII");
        }
        let fraction = text.split_once('.').map_or("", |(_, rest)| rest);
        let places: String = fraction.chars().take_while(char::is_ascii_digit).collect();
        let fine = places.len() > 3 && places[3..].contains(|c| c != '0');
        let small = text.ends_with("ns") || text.ends_with("us");
        if (function == "timestamp" && fine) || (function == "duration" && small) {
            return Some("part of a millisecond");
        }
    }
    None
}

fn tokens(expr: &str) -> Vec<Token> {
    let chars: Vec<char> = expr.chars().collect();
    let (mut found, mut at) = (Vec::new(), 0);
    let is_part = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
    while at < chars.len() {
        let c = chars[at];
        let word: String = chars[at..].iter().take_while(|c| is_part(c)).collect();
        let end = at + word.len();
        let is_prefix = ["", "r", "b", "br"].contains(&word.to_lowercase().as_str());
        if is_prefix && matches!(chars.get(end), Some('"' | '\'')) {
            let (text, next) = text(&chars, end, word.to_lowercase().contains('r'));
            let is_bytes = word.to_lowercase().starts_with('b');
            found.push(if is_bytes { Token::Bytes } else { Token::Text(text) });
            at = next;
        } else if c == '/' && chars.get(at + 1) == Some(&'/') {
            while at < chars.len() && chars[at] != '\n' {
                at += 1;
            }
        } else if c.is_ascii_digit() {
            let is_digit = |i: usize| chars.get(i).is_some_and(char::is_ascii_digit);
            let fraction = chars.get(end) == Some(&'.') && is_digit(end + 1);
            let hex = word.starts_with("0x");
            let exponent = !hex && word.contains(['e', 'E']);
            at = if fraction {
                end + 1 + chars[end + 1..].iter().take_while(|c| is_part(c)).count()
            } else {
                end
            };
            found.push(match word.ends_with(['u', 'U']) {
                _ if fraction || exponent => Token::Double,
                true => Token::Uint,
                false => Token::Int,
            });
        } else if !word.is_empty() {
            found.push(Token::Name(word));
            at = end;
        } else {
            if !c.is_whitespace() {
                found.push(Token::Mark(c));
            }
            at += 1;
        }
    }
    found
}

/// A text from its first quote on, and where it ends.
fn text(chars: &[char], start: usize, raw: bool) -> (String, usize) {
    let quote = chars[start];
    let triple = chars.get(start + 1) == Some(&quote) && chars.get(start + 2) == Some(&quote);
    let width = if triple { 3 } else { 1 };
    let (mut text, mut at) = (String::new(), start + width);
    while at < chars.len() {
        if chars[at..].iter().take_while(|c| **c == quote).count() >= width {
            return (text, at + width);
        }
        let step = if chars[at] == '\\' && !raw { 2 } else { 1 };
        text.extend(&chars[at..(at + step).min(chars.len())]);
        at += step;
    }
    (text, at)
}

/// Functions of CEL's standard library that LANGUAGE.md has, and its own text functions that CEL's
/// extension has too.
const FUNCTIONS: &[&str] = &[
    "in",
    "size",
    "contains",
    "startsWith",
    "endsWith",
    "lowerAscii",
    "upperAscii",
    "trim",
    "string",
    "bytes",
    "int",
    "uint",
    "timestamp",
    "duration",
    "has",
    "all",
    "exists",
    "exists_one",
    "existsOne",
    "filter",
    "map",
    "getFullYear",
    "getMonth",
    "getDate",
    "getDayOfMonth",
    "getDayOfWeek",
    "getDayOfYear",
    "getHours",
    "getMinutes",
    "getSeconds",
    "getMilliseconds",
];

const RESERVED: &[&str] = &[
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];
