//! Signed notes (C2SP signed-note v1.0.0), the keys that verify them, and the tree head that a
//! checkpoint's text states (C2SP tlog-checkpoint v1.0.0). Reading is strict: what was parsed
//! writes the same bytes again. A `Note` is text that somebody may have signed; nothing here may
//! pass for a verdict on it except `verify_log`.

use crate::text::{decimal, from_base64, hash_from_base64, to_base64};
use crate::{Part, ReceiptError};
use crypto::{Signature, VerifyingKey};
use sha2::{Digest as _, Sha256};
use std::fmt;
use tlog::Hash;

/// What a key signs, as the type byte of its verifier key says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// 0x01: Ed25519 over the note's text; a log.
    Log,
    /// 0x04: Ed25519 over the text with a time before it; a witness.
    Witness,
}

impl KeyKind {
    fn byte(self) -> u8 {
        match self {
            KeyKind::Log => 0x01,
            KeyKind::Witness => 0x04,
        }
    }
}

/// A named key: what a verifier is configured with. Shown as `name+id+base64`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    kind: KeyKind,
    key: VerifyingKey,
}

impl VerifierKey {
    /// A key under a name, which must be 1 to [`NAME_BYTES_MAX`] bytes without spaces, control
    /// characters or `+`.
    pub fn new(name: &str, kind: KeyKind, key: VerifyingKey) -> Result<Self, ReceiptError> {
        if !is_name(name) {
            return Err(ReceiptError::syntax(Part::VerifierKey, 1, "a key name", name));
        }
        Ok(Self { name: name.into(), kind, key })
    }

    /// Reads `name+id+base64(type || key)`. Only Ed25519 keys of the two kinds are known.
    pub fn parse(text: &str) -> Result<Self, ReceiptError> {
        let wrong = |expected| ReceiptError::syntax(Part::VerifierKey, 1, expected, text);
        if text.len() > VERIFIER_KEY_BYTES_MAX {
            let (max, found) = (VERIFIER_KEY_BYTES_MAX, text.len());
            return Err(ReceiptError::TooLarge { part: Part::VerifierKey, max, found });
        }
        // Base64 has plus signs too: the name and the id end at the first two.
        let mut parts = text.splitn(3, '+');
        let form = "name+id+base64";
        let mut part = || parts.next().ok_or_else(|| wrong(form));
        let (name, id, material) = (part()?, part()?, part()?);
        let material = from_base64(material).ok_or_else(|| wrong("base64"))?;
        let kind = match material.first() {
            Some(0x01) => KeyKind::Log,
            Some(0x04) => KeyKind::Witness,
            _ => return Err(wrong("signature type 0x01 or 0x04")),
        };
        let key = material[1..].try_into().map_err(|_| wrong("a key of 32 bytes"))?;
        let key = VerifyingKey::from_bytes(key).map_err(|_| wrong("an acceptable Ed25519 key"))?;
        let parsed = Self::new(name, kind, key)?;
        if format!("{:08x}", parsed.key_id()) != id {
            return Err(wrong("the id that name and key give"));
        }
        Ok(parsed)
    }

    /// The key's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the key signs.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The key itself.
    pub fn key(&self) -> &VerifyingKey {
        &self.key
    }

    /// First four bytes of SHA-256(name || 0x0A || type || key), big-endian: a hint, not a hash.
    pub fn key_id(&self) -> u32 {
        let hash = Sha256::new()
            .chain_update(self.name.as_bytes())
            .chain_update([b'\n', self.kind.byte()])
            .chain_update(self.key.to_bytes())
            .finalize();
        u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]])
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let material = [&[self.kind.byte()][..], &self.key.to_bytes()].concat();
        write!(f, "{}+{:08x}+{}", self.name, self.key_id(), to_base64(&material))
    }
}

/// One signature line, as it came. Shown without its newline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignatureLine {
    name: String,
    key_id: u32,
    signature: Vec<u8>,
}

impl SignatureLine {
    pub(crate) fn by(key: &VerifierKey, signature: Vec<u8>) -> Self {
        Self { name: key.name.clone(), key_id: key.key_id(), signature }
    }

    /// Reads `— name base64(id || signature)`, without a newline.
    pub fn parse(line: &str) -> Result<Self, ReceiptError> {
        Self::parse_at(line, 1, Part::Cosignature)
    }

    fn parse_at(line: &str, at: usize, part: Part) -> Result<Self, ReceiptError> {
        let wrong = |expected| ReceiptError::syntax(part, at, expected, line);
        if line.len() > LINE_BYTES_MAX {
            return Err(ReceiptError::TooLarge { part, max: LINE_BYTES_MAX, found: line.len() });
        }
        let rest = line.strip_prefix("\u{2014} ").ok_or_else(|| wrong("an em dash and a space"))?;
        let (name, encoded) = rest.split_once(' ').ok_or_else(|| wrong("a name and base64"))?;
        if !is_name(name) {
            return Err(wrong("a key name"));
        }
        let bytes = from_base64(encoded).ok_or_else(|| wrong("base64"))?;
        let (id, signature) = bytes.split_first_chunk().ok_or_else(|| wrong("a key id"))?;
        if signature.is_empty() {
            return Err(wrong("a signature after the key id"));
        }
        let (name, key_id) = (name.to_owned(), u32::from_be_bytes(*id));
        Ok(Self { name, key_id, signature: signature.to_vec() })
    }

    /// Name of the key that is said to have signed.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Id of that key.
    pub fn key_id(&self) -> u32 {
        self.key_id
    }

    /// The bytes after the id.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// Whether name and id are those of a key. Either alone says nothing.
    pub(crate) fn is_of(&self, key: &VerifierKey) -> bool {
        self.name == key.name && self.key_id == key.key_id()
    }
}

impl fmt::Display for SignatureLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [&self.key_id.to_be_bytes()[..], &self.signature].concat();
        write!(f, "\u{2014} {} {}", self.name, to_base64(&bytes))
    }
}

/// A text and the lines of those who are said to have signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<SignatureLine>,
}

impl Note {
    pub(crate) fn new(text: String, signatures: Vec<SignatureLine>) -> Self {
        Self { text, signatures }
    }

    /// Reads a note: text, an empty line, one signature line or more.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReceiptError> {
        let part = Part::Note;
        if bytes.len() > NOTE_BYTES_MAX {
            return Err(ReceiptError::TooLarge { part, max: NOTE_BYTES_MAX, found: bytes.len() });
        }
        let all = std::str::from_utf8(bytes)
            .map_err(|_| ReceiptError::syntax(part, 1, "UTF-8", "other bytes"))?;
        if let Some(found) = all.chars().find(|c| *c < ' ' && *c != '\n') {
            let found = found.escape_default().to_string();
            return Err(ReceiptError::syntax(part, 1, "no control character", &found));
        }
        // The text may have empty lines of its own: the last one separates.
        let split = all.rfind("\n\n");
        let split = split.ok_or_else(|| ReceiptError::syntax(part, 1, "an empty line", all))?;
        let (text, lines) = (&all[..=split], &all[split + 2..]);
        let first = text.lines().count() + 2;
        let lines = lines.strip_suffix('\n');
        let lines = lines.ok_or_else(|| {
            ReceiptError::syntax(part, first, "signature lines, each ended by a newline", "")
        })?;
        let mut signatures = Vec::new();
        for (at, line) in (first..).zip(lines.split('\n')) {
            if signatures.len() == SIGNATURES_MAX {
                return Err(ReceiptError::syntax(part, at, "at most 64 signatures", line));
            }
            signatures.push(SignatureLine::parse_at(line, at, part)?);
        }
        Ok(Self { text: text.into(), signatures })
    }

    /// The note as it is written.
    pub fn to_text(&self) -> String {
        let mut out = format!("{}\n", self.text);
        for line in &self.signatures {
            out.push_str(&format!("{line}\n"));
        }
        out
    }

    /// What is signed, with its last newline.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature lines, unverified.
    pub fn signatures(&self) -> &[SignatureLine] {
        &self.signatures
    }

    /// Accepts if the log of `key` signed this note as a checkpoint of its own. Every line under
    /// that key has to verify; lines of others are not looked at.
    pub fn verify_log(&self, key: &VerifierKey) -> Result<TreeHead, ReceiptError> {
        let head = TreeHead::parse(&self.text)?;
        if head.origin != key.name {
            let found = head.origin.chars().take(NAME_BYTES_MAX).collect();
            return Err(ReceiptError::Origin { expected: key.name.clone(), found });
        }
        let name = || key.name.clone();
        let mut signed = false;
        if key.kind == KeyKind::Log {
            for line in self.signatures.iter().filter(|line| line.is_of(key)) {
                let bytes = line.signature[..].try_into().map(Signature);
                let bytes = bytes.map_err(|_| ReceiptError::LogSignature { key: name() })?;
                let verdict = key.key.verify_strict(self.text.as_bytes(), &bytes);
                verdict.map_err(|_| ReceiptError::LogSignature { key: name() })?;
                signed = true;
            }
        }
        signed.then_some(head).ok_or_else(|| ReceiptError::Unsigned { key: name() })
    }
}

/// What a checkpoint's text says: which log, how many leaves, which root. Extension lines, which
/// the format allows, are part of what is signed and are kept, but mean nothing here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeHead {
    /// Name of the log.
    pub origin: String,
    /// How many leaves.
    pub size: u64,
    /// The root over them.
    pub root: Hash,
    /// Extension lines, each with its newline; empty where there are none.
    pub extensions: String,
}

impl TreeHead {
    /// Reads a note's text: three lines; any further ones must not be empty. What was read writes
    /// the same text.
    pub fn parse(text: &str) -> Result<Self, ReceiptError> {
        let wrong = |line, expected, found| ReceiptError::syntax(Part::Note, line, expected, found);
        let body = text.strip_suffix('\n').ok_or_else(|| wrong(1, "a final newline", text))?;
        let mut lines = body.splitn(4, '\n');
        let mut next = |at| lines.next().ok_or_else(|| wrong(at, "three lines", "the end"));
        let (origin, size, root) = (next(1)?, next(2)?, next(3)?);
        if origin.is_empty() || origin.len() > ORIGIN_BYTES_MAX {
            return Err(wrong(1, "an origin of 1 to 1,024 bytes", origin));
        }
        let size = decimal(size).ok_or_else(|| wrong(2, "a decimal number", size))?;
        let root = hash_from_base64(root).ok_or_else(|| wrong(3, "32 bytes in base64", root))?;
        let extensions = lines.next();
        if extensions.is_some_and(|lines| lines.split('\n').any(str::is_empty)) {
            return Err(wrong(4, "extension lines that are not empty", ""));
        }
        let extensions = extensions.map(|lines| format!("{lines}\n")).unwrap_or_default();
        Ok(Self { origin: origin.into(), size, root, extensions })
    }

    /// The text, extension lines with it.
    pub fn to_text(&self) -> String {
        let root = to_base64(&self.root);
        format!("{}\n{}\n{root}\n{}", self.origin, self.size, self.extensions)
    }
}

fn is_name(name: &str) -> bool {
    let bad = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    !name.is_empty() && name.len() <= NAME_BYTES_MAX && !name.contains(bad)
}

/// Largest note that is read, in bytes.
pub const NOTE_BYTES_MAX: usize = 65_536;
/// Most signature lines of a note; the format asks for room for 16.
pub const SIGNATURES_MAX: usize = 64;
/// Longest key name, in bytes.
pub const NAME_BYTES_MAX: usize = 255;
/// Longest origin line of a checkpoint, in bytes.
pub const ORIGIN_BYTES_MAX: usize = 1024;
/// Longest signature line, in bytes; room for a post-quantum one, which is then not known.
pub const LINE_BYTES_MAX: usize = 8192;
/// Longest verifier key that is read, in bytes.
pub const VERIFIER_KEY_BYTES_MAX: usize = 512;
