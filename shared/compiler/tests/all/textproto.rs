//! A small reader of protobuf's text format, as far as the CEL conformance files use it. Tests
//! only.

/// A field's value.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// A message: fields in order.
    Message(Vec<(String, Node)>),
    /// A string or bytes.
    Bytes(Vec<u8>),
    /// A number or a name.
    Word(String),
}

impl Node {
    /// All values of a field.
    pub fn all<'n>(&'n self, name: &'n str) -> impl Iterator<Item = &'n Node> {
        let fields = match self {
            Node::Message(fields) => fields.as_slice(),
            _ => &[],
        };
        fields.iter().filter(move |(known, _)| known == name).map(|(_, value)| value)
    }

    /// The first value of a field.
    pub fn first(&self, name: &str) -> Option<&Node> {
        match self {
            Node::Message(fields) => {
                fields.iter().find(|(known, _)| known == name).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// A string field, empty when it is not there.
    pub fn text(&self, name: &str) -> String {
        match self.first(name) {
            Some(Node::Bytes(bytes)) => String::from_utf8(bytes.clone()).expect("UTF-8 text"),
            Some(Node::Word(word)) => word.clone(),
            _ => String::new(),
        }
    }
}

/// Reads a whole file.
pub fn read(text: &str) -> Node {
    let mut reader = Reader { chars: text.chars().collect(), at: 0 };
    let fields = reader.fields();
    assert_eq!(reader.at, reader.chars.len(), "read to the end");
    Node::Message(fields)
}

struct Reader {
    chars: Vec<char>,
    at: usize,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn skip(&mut self) {
        while let Some(c) = self.peek() {
            if c == '#' {
                while self.peek().is_some_and(|c| c != '\n') {
                    self.at += 1;
                }
            } else if c.is_whitespace() || c == ',' || c == ';' {
                self.at += 1;
            } else {
                return;
            }
        }
    }

    fn fields(&mut self) -> Vec<(String, Node)> {
        let mut fields = Vec::new();
        loop {
            self.skip();
            if matches!(self.peek(), None | Some('}')) {
                return fields;
            }
            let name = self.name();
            self.skip();
            if self.peek() == Some(':') {
                self.at += 1;
                self.skip();
            }
            match self.peek() {
                Some('[') => {
                    self.at += 1;
                    loop {
                        self.skip();
                        if self.peek() == Some(']') {
                            self.at += 1;
                            break;
                        }
                        let value = self.value();
                        fields.push((name.clone(), value));
                    }
                }
                _ => {
                    let value = self.value();
                    fields.push((name, value));
                }
            }
        }
    }

    fn name(&mut self) -> String {
        let start = self.at;
        if self.peek() == Some('[') {
            while self.peek() != Some(']') {
                self.at += 1;
            }
            self.at += 1;
        } else {
            self.word();
        }
        self.chars[start..self.at].iter().collect()
    }

    fn word(&mut self) -> String {
        let start = self.at;
        let is_part = |c: char| c.is_alphanumeric() || "_-+.".contains(c);
        while self.peek().is_some_and(is_part) {
            self.at += 1;
        }
        assert!(self.at > start, "a word at character {start}");
        self.chars[start..self.at].iter().collect()
    }

    fn value(&mut self) -> Node {
        match self.peek() {
            Some('{') => {
                self.at += 1;
                let fields = self.fields();
                assert_eq!(self.peek(), Some('}'), "closed at character {}", self.at);
                self.at += 1;
                Node::Message(fields)
            }
            Some('"' | '\'') => {
                let mut bytes = Vec::new();
                while matches!(self.peek(), Some('"' | '\'')) {
                    self.string(&mut bytes);
                    self.skip();
                }
                Node::Bytes(bytes)
            }
            _ => Node::Word(self.word()),
        }
    }

    fn string(&mut self, bytes: &mut Vec<u8>) {
        let quote = self.peek();
        self.at += 1;
        while self.peek() != quote {
            let c = self.peek().expect("a closed string");
            self.at += 1;
            if c == '\\' {
                self.escape(bytes);
            } else {
                bytes.extend_from_slice(c.to_string().as_bytes());
            }
        }
        self.at += 1;
    }

    fn escape(&mut self, bytes: &mut Vec<u8>) {
        let c = self.peek().expect("an escape");
        self.at += 1;
        let simple = "abfnrtv".find(c).map(|i| b"\x07\x08\x0c\n\r\t\x0b"[i]);
        if let Some(byte) = simple {
            return bytes.push(byte);
        }
        match c {
            'x' | 'X' => {
                let value = self.digits(2, 16);
                bytes.push(value as u8);
            }
            'u' | 'U' => {
                let value = self.digits(if c == 'u' { 4 } else { 8 }, 16);
                let c = char::from_u32(value).expect("a character");
                bytes.extend_from_slice(c.to_string().as_bytes());
            }
            '0'..='7' => {
                self.at -= 1;
                let value = self.digits(3, 8);
                bytes.push(value as u8);
            }
            other => bytes.extend_from_slice(other.to_string().as_bytes()),
        }
    }

    fn digits(&mut self, most: usize, radix: u32) -> u32 {
        let mut value = 0;
        for _ in 0..most {
            let Some(digit) = self.peek().and_then(|c| c.to_digit(radix)) else { break };
            value = value * radix + digit;
            self.at += 1;
        }
        value
    }
}
