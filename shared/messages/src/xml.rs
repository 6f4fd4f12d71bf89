//! A pull reader for the part of XML 1.0 that ISO 20022 uses: elements, attributes, namespaces,
//! text, comments, the five predefined entities and character references. It must never take a
//! DTD, an entity of the sender's, a processing instruction, or markup that is not well-formed;
//! limits are held before anything is kept.

use std::borrow::Cow;

use facts::{FactsError, shown};

use crate::element::{Element, refused};
use crate::{ATTRIBUTES_MAX, DEPTH_MAX, ELEMENTS_MAX, ROOT};

/// The root element of a document.
pub(crate) fn read(source: &str) -> Result<Element<'_>, FactsError> {
    let rest = source.strip_prefix('\u{feff}').unwrap_or(source);
    let mut reader = Reader { rest, scope: Vec::new(), open: Vec::new(), elements: 0 };
    let root = reader.document();
    root.map_err(|(expected, remedy)| {
        let offset = source.len() - reader.rest.len();
        let near: String = reader.rest.chars().take(NEAR_CHARS).collect();
        let found = format!("{} at byte {offset}", shown(&near));
        refused(expected, found, remedy).at(ROOT.into())
    })
}

/// What was expected, and what to do about it; the reader's place says what came.
type Fault = (Cow<'static, str>, &'static str);

struct Reader<'a> {
    rest: &'a str,
    /// Namespace declarations in force: prefix and name, the innermost last.
    scope: Vec<(&'a str, &'a str)>,
    open: Vec<Open<'a>>,
    elements: usize,
}

/// An element whose end was not seen yet.
struct Open<'a> {
    tag: &'a str,
    element: Element<'a>,
    /// Declarations in force outside it.
    outer_scope: usize,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Result<Element<'a>, Fault> {
        self.declaration()?;
        loop {
            self.text()?;
            if self.eat("<!--") {
                self.comment()?;
            } else if self.eat("</") {
                if let Some(root) = self.end()? {
                    return self.epilogue().map(|()| root);
                }
            } else if self.rest.starts_with("<!") {
                return Err((
                    "elements and text".into(),
                    "remove DTD, entities and CDATA sections",
                ));
            } else if self.rest.starts_with("<?") {
                return Err(("elements and text".into(), "remove processing instructions"));
            } else if self.eat("<") {
                if let Some(root) = self.start()? {
                    return self.epilogue().map(|()| root);
                }
            } else {
                return Err(("an element, or the end of one".into(), "send the whole message"));
            }
        }
    }

    /// `<?xml version="1.0" …?>`, when it is there.
    fn declaration(&mut self) -> Result<(), Fault> {
        let Some((inside, rest)) =
            self.rest.strip_prefix("<?xml ").and_then(|r| r.split_once("?>"))
        else {
            return Ok(());
        };
        // One kind of quotes: of two kinds some pairs would not match.
        let inside = match inside.contains('"') {
            true => inside.to_ascii_lowercase(),
            false => inside.replace('\'', "\"").to_ascii_lowercase(),
        };
        let mut words = inside.split_whitespace();
        let is_sound = words.next() == Some("version=\"1.0\"");
        let known = ["encoding=\"utf-8\"", "standalone=\"yes\"", "standalone=\"no\""];
        if !is_sound || !words.all(|word| known.contains(&word)) {
            let hint = "declare version 1.0 and encoding UTF-8, or nothing";
            return Err(("an XML declaration".into(), hint));
        }
        self.rest = rest;
        Ok(())
    }

    /// Text up to the next mark-up, into the open element.
    fn text(&mut self) -> Result<(), Fault> {
        let length = self.rest.find('<').unwrap_or(self.rest.len());
        let raw = &self.rest[..length];
        let Some(open) = self.open.last_mut() else {
            self.spaces();
            let is_space = self.rest.starts_with('<') || self.rest.is_empty();
            return is_space.then_some(()).ok_or(("an element".into(), "put nothing before it"));
        };
        if raw.contains("]]>") {
            return Err(("a text without `]]>`".into(), "write `]]&gt;`"));
        }
        let text = decode(raw)?;
        if open.element.text.is_empty() {
            open.element.text = text;
        } else {
            open.element.text.to_mut().push_str(&text);
        }
        self.rest = &self.rest[length..];
        Ok(())
    }

    /// After `<!--`.
    fn comment(&mut self) -> Result<(), Fault> {
        let hint = "close the comment; it has no `--` inside";
        let (inside, rest) = self.rest.split_once("--").ok_or(("`-->`".into(), hint))?;
        check_chars(inside)?;
        self.rest = rest.strip_prefix('>').ok_or(("`-->`".into(), hint))?;
        Ok(())
    }

    /// After `<`: the element when it is empty and the root.
    fn start(&mut self) -> Result<Option<Element<'a>>, Fault> {
        self.elements += 1;
        if self.open.len() == DEPTH_MAX || self.elements > ELEMENTS_MAX {
            let expected = format!("at most {DEPTH_MAX} levels and {ELEMENTS_MAX} elements");
            return Err((expected.into(), "send the transfer alone"));
        }
        let (outer_scope, tag) = (self.scope.len(), self.name()?);
        let mut attributes: Vec<(&str, Cow<str>)> = Vec::new();
        let is_empty = loop {
            if self.eat("/>") {
                break true;
            }
            if self.eat(">") {
                break false;
            }
            let Some((name, value)) = self.attribute()? else { continue };
            if attributes.len() == ATTRIBUTES_MAX || attributes.iter().any(|(n, _)| *n == name) {
                let expected = format!("at most {ATTRIBUTES_MAX} attributes, each once");
                return Err((expected.into(), "remove the others"));
            }
            self.declare(name, if let Cow::Borrowed(plain) = value { Some(plain) } else { None })?;
            attributes.push((name, value));
        };
        let (namespace, name) = self.resolve(tag, true)?;
        let mut element = Element { name: name.into(), namespace, ..Element::default() };
        let mut prefixed = Vec::new();
        for (name, value) in attributes {
            match self.resolve(name, false)? {
                _ if name == "xmlns" => {}
                (_, local) if local == name => element.attributes.push((name.into(), value)),
                expanded if prefixed.contains(&expanded) => {
                    return Err(("each attribute once".into(), "remove the second"));
                }
                expanded => prefixed.push(expanded),
            }
        }
        self.open.push(Open { tag, element, outer_scope });
        if is_empty { self.close() } else { Ok(None) }
    }

    /// After `</`: the element when it is the root.
    fn end(&mut self) -> Result<Option<Element<'a>>, Fault> {
        let before = self.rest;
        let tag = self.name()?;
        self.spaces();
        let opened = self.open.last().map_or("", |open| open.tag);
        if tag != opened || !self.eat(">") {
            self.rest = before;
            return Err((format!("the end of {}", shown(opened)).into(), "nest the elements"));
        }
        self.close()
    }

    /// Gives the innermost element to its parent, or out when it is the root.
    fn close(&mut self) -> Result<Option<Element<'a>>, Fault> {
        let Some(Open { mut element, outer_scope, .. }) = self.open.pop() else { return Ok(None) };
        self.scope.truncate(outer_scope);
        if !element.children.is_empty() {
            if !element.text.trim_matches(is_space).is_empty() {
                let expected = format!("elements only in {}", shown(&element.name));
                return Err((expected.into(), "remove the text between the elements"));
            }
            element.text = Cow::Borrowed("");
        }
        match self.open.last_mut() {
            Some(parent) => {
                parent.element.children.push(element);
                Ok(None)
            }
            None => Ok(Some(element)),
        }
    }

    /// Comments and white space after the root.
    fn epilogue(&mut self) -> Result<(), Fault> {
        self.spaces();
        while self.eat("<!--") {
            self.comment()?;
            self.spaces();
        }
        let is_end = self.rest.is_empty();
        is_end.then_some(()).ok_or(("the end of the message".into(), "send one document"))
    }

    /// White space, then `name="value"` unless the tag ends.
    fn attribute(&mut self) -> Result<Option<(&'a str, Cow<'a, str>)>, Fault> {
        let fault = || ("an attribute, or the end of the tag".into(), "write name=\"value\"");
        if !self.spaces() {
            return Err(fault());
        }
        if self.rest.starts_with(['>', '/', '?']) {
            return Ok(None);
        }
        let name = self.name()?;
        self.spaces();
        if !self.eat("=") {
            return Err(fault());
        }
        self.spaces();
        let quote = if self.rest.starts_with('\'') { '\'' } else { '"' };
        let inside = self.rest.strip_prefix(quote).ok_or_else(fault)?;
        let (raw, rest) = inside.split_once(quote).ok_or_else(fault)?;
        if raw.contains('<') {
            return Err(fault());
        }
        let value = decode(raw)?;
        self.rest = rest;
        Ok(Some((name, value)))
    }

    /// Takes an attribute that declares a namespace. One with references was decoded into an
    /// owned text and is refused: no schema's name needs them.
    fn declare(&mut self, name: &'a str, value: Option<&'a str>) -> Result<(), Fault> {
        let prefix = match name.strip_prefix("xmlns") {
            Some("") => "",
            Some(rest) if rest.starts_with(':') => &rest[1..],
            _ => return Ok(()),
        };
        let is_plain = |uri: &&str| {
            let is_reserved = ["xml", "xmlns"].contains(&prefix) || RESERVED.contains(uri);
            !is_reserved && (prefix.is_empty() || !uri.is_empty())
        };
        let fault = || ("a plain namespace declaration".into(), "declare it without references");
        self.scope.push((prefix, value.filter(is_plain).ok_or_else(fault)?));
        Ok(())
    }

    /// Namespace and local name. Attributes without a prefix have no namespace.
    fn resolve(&self, name: &'a str, is_element: bool) -> Result<(&'a str, &'a str), Fault> {
        let (prefix, local) = name.split_once(':').unwrap_or(("", name));
        let mut scope = self.scope.iter().rev();
        let declared = scope.find(|(known, _)| *known == prefix).map(|(_, uri)| *uri);
        match (prefix, declared) {
            ("", _) if !is_element => Ok(("", local)),
            ("", uri) => Ok((uri.unwrap_or(""), local)),
            ("xml" | "xmlns", _) if !is_element => Ok((prefix, local)),
            (_, Some(uri)) => Ok((uri, local)),
            (_, None) => {
                Err((format!("a declared prefix, not {}", shown(prefix)).into(), "declare it"))
            }
        }
    }

    /// A name of ASCII letters, digits, `_`, `-` and `.`, with at most one prefix.
    fn name(&mut self) -> Result<&'a str, Fault> {
        let is_rest = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte);
        let length = self.rest.bytes().position(|byte| !is_rest(byte)).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(length);
        let starts = |part: &str| part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let (prefix, local) = name.split_once(':').unwrap_or(("_", name));
        if !starts(prefix) || !starts(local) || local.contains(':') {
            return Err(("a name".into(), "use the names of the message's schema"));
        }
        self.rest = rest;
        Ok(name)
    }

    fn eat(&mut self, what: &str) -> bool {
        let rest = self.rest.strip_prefix(what);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Skips white space; whether there was any.
    fn spaces(&mut self) -> bool {
        let rest = self.rest.trim_start_matches(is_space);
        let any = rest.len() < self.rest.len();
        self.rest = rest;
        any
    }
}

/// Text with its references resolved.
fn decode(raw: &str) -> Result<Cow<'_, str>, Fault> {
    check_chars(raw)?;
    let mut parts = raw.split('&');
    let first = parts.next().unwrap_or(raw);
    if first.len() == raw.len() {
        return Ok(Cow::Borrowed(raw));
    }
    let mut text = first.to_owned();
    for part in parts {
        let resolved = part.split_once(';').and_then(|(name, rest)| Some((entity(name)?, rest)));
        let (c, rest) = resolved.ok_or_else(|| {
            let expected = "a predefined entity or a character reference";
            (Cow::Borrowed(expected), "write &amp; &lt; &gt; &quot; &apos; or the character")
        })?;
        text.push(c);
        text.push_str(rest);
    }
    Ok(Cow::Owned(text))
}

fn entity(name: &str) -> Option<char> {
    let number = match name {
        "amp" => return Some('&'),
        "lt" => return Some('<'),
        "gt" => return Some('>'),
        "quot" => return Some('"'),
        "apos" => return Some('\''),
        _ => name.strip_prefix('#')?,
    };
    let (digits, radix) = number.strip_prefix('x').map_or((number, 10), |digits| (digits, 16));
    // `from_str_radix` would take a sign.
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let code = u32::from_str_radix(digits, radix).ok().filter(|_| is_plain)?;
    char::from_u32(code).filter(|c| is_char(*c))
}

fn check_chars(text: &str) -> Result<(), Fault> {
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let hint = "remove control characters";
    let are_chars = is_plain || text.chars().all(is_char);
    are_chars.then_some(()).ok_or_else(|| ("characters that XML allows".into(), hint))
}

fn is_char(c: char) -> bool {
    !matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

/// Names that no document may declare.
const RESERVED: [&str; 2] =
    ["http://www.w3.org/XML/1998/namespace", "http://www.w3.org/2000/xmlns/"];
/// Characters of the message that an error about its mark-up repeats.
const NEAR_CHARS: usize = 24;
