//! Where proofs come from: lines of files, files of folders, standard input; a chunk at a time.
//! Nothing is parsed here but by the thread that verifies it. A line or file longer than any proof
//! is passed over without being kept.

use crate::files;
use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use verify::VerifyError;

/// Longest line or file that is kept, in bytes: the largest JSON view.
const ITEM_BYTES_MAX: usize = 4 << 20;
/// Most items of a chunk.
const CHUNK_ITEMS_MAX: usize = 1_024;
/// A chunk ends when it holds so many bytes.
const CHUNK_BYTES: usize = 8 << 20;
/// Endings of files that hold one proof.
const ENDINGS: [&str; 3] = ["cbor", "cose", "json"];

/// A line or a file that should hold one proof.
pub(super) struct Item {
    place: String,
    /// What it holds; `None` when it is too long to be a proof.
    content: Option<Vec<u8>>,
    /// Whether it is a line: text, and CBOR only in base64.
    is_line: bool,
    bytes: u64,
}

/// What an item holds.
pub(super) enum Parsed {
    /// The bytes of a proof.
    Proof(Vec<u8>),
    /// The first or last line of a log's export.
    Other,
}

impl Item {
    /// Where it stands: a path, and for a line its number.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// How much input it was.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The proof in it, not yet verified.
    pub(super) fn parse(&self) -> Result<Parsed, VerifyError> {
        let Some(content) = &self.content else {
            return Err(wrong(format!("expected at most {ITEM_BYTES_MAX} bytes, found more")));
        };
        let text = content.trim_ascii();
        match (text.first(), self.is_line) {
            (Some(b'{'), _) => object(text),
            (_, false) => Ok(Parsed::Proof(content.clone())),
            (_, true) => base64(text).map(Parsed::Proof),
        }
    }
}

/// A JSON view, or a line of a log's export.
fn object(text: &[u8]) -> Result<Parsed, VerifyError> {
    let value = verify::parse_json(text).map_err(|error| wrong(error.to_string()))?;
    if value.get("statement").is_some() {
        return Ok(Parsed::Proof(verify::view_to_bytes(&value)?));
    }
    match &value["proof"] {
        serde_json::Value::String(proof) => base64(proof.as_bytes()).map(Parsed::Proof),
        serde_json::Value::Null
            if value.get("proof").is_none()
                && (value["boot_record"].is_string() || value["size"].is_u64()) =>
        {
            Ok(Parsed::Other)
        }
        _ => Err(wrong("expected a proof's JSON view, or a proof in base64 as \"proof\"".into())),
    }
}

fn base64(text: &[u8]) -> Result<Vec<u8>, VerifyError> {
    let quoted = text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\""));
    let decoded = BASE64.decode(quoted.unwrap_or(text));
    decoded.map_err(|error| wrong(format!("expected a proof in base64: {error}")))
}

fn wrong(problem: String) -> VerifyError {
    VerifyError::View { field: "item".into(), problem }
}

/// Everything that was named, in that order; the files of a folder by their names.
pub(super) struct Source {
    waiting: VecDeque<Named>,
    lines: Option<Lines>,
    bytes_total: u64,
    ignored: u64,
}

enum Named {
    Lines(PathBuf),
    One(PathBuf),
}

struct Lines {
    reader: BufReader<Box<dyn Read>>,
    path: PathBuf,
    number: u64,
}

impl Source {
    /// Looks at the paths; reads nothing yet.
    pub(super) fn open(paths: &[PathBuf]) -> Result<Self> {
        let mut source = Self { waiting: VecDeque::new(), lines: None, bytes_total: 0, ignored: 0 };
        for path in paths {
            let name = path.display();
            if path == Path::new("-") {
                source.waiting.push_back(Named::Lines(path.clone()));
                continue;
            }
            let about = path.metadata().with_context(|| format!("cannot open {name}"))?;
            if about.is_dir() {
                source.folder(path)?;
            } else {
                source.bytes_total += about.len();
                // A single proof may also be named by its own file.
                let is_one = ending(path).is_some_and(|ending| ENDINGS.contains(&ending));
                let named = if is_one { Named::One } else { Named::Lines };
                source.waiting.push_back(named(path.clone()));
            }
        }
        Ok(source)
    }

    fn folder(&mut self, path: &Path) -> Result<()> {
        let name = path.display();
        let entries = std::fs::read_dir(path).with_context(|| format!("cannot open {name}"))?;
        let mut found = Vec::new();
        for entry in entries {
            let path = entry.with_context(|| format!("cannot read {name}"))?.path();
            let about =
                path.metadata().with_context(|| format!("cannot open {}", path.display()))?;
            match ending(&path) {
                Some(ending) if about.is_file() && ENDINGS.contains(&ending) => {
                    self.bytes_total += about.len();
                    found.push(path);
                }
                _ => self.ignored += 1,
            }
        }
        found.sort();
        self.waiting.extend(found.into_iter().map(Named::One));
        Ok(())
    }

    /// Size of all files; standard input is not among it.
    pub(super) fn bytes_total(&self) -> u64 {
        self.bytes_total
    }

    /// Entries of folders that are no file of a proof.
    pub(super) fn ignored(&self) -> u64 {
        self.ignored
    }

    /// The next items; none at the end.
    pub(super) fn next_chunk(&mut self) -> Result<Vec<Item>> {
        let (mut chunk, mut bytes) = (Vec::new(), 0);
        while chunk.len() < CHUNK_ITEMS_MAX && bytes < CHUNK_BYTES {
            let Some(item) = self.next()? else {
                break;
            };
            bytes += item.content.as_ref().map_or(0, Vec::len);
            chunk.push(item);
        }
        Ok(chunk)
    }

    fn next(&mut self) -> Result<Option<Item>> {
        loop {
            if let Some(lines) = &mut self.lines {
                if let Some(item) = lines.next()? {
                    return Ok(Some(item));
                }
                self.lines = None;
            }
            match self.waiting.pop_front() {
                None => return Ok(None),
                Some(Named::One(path)) => return one_file(&path).map(Some),
                Some(Named::Lines(path)) => {
                    let reader = BufReader::new(files::open(&path)?);
                    self.lines = Some(Lines { reader, path, number: 0 });
                }
            }
        }
    }
}

fn ending(path: &Path) -> Option<&str> {
    path.extension().and_then(|ending| ending.to_str())
}

fn one_file(path: &Path) -> Result<Item> {
    let place = path.display().to_string();
    let mut content = Vec::new();
    let read = files::open(path)?.take(ITEM_BYTES_MAX as u64 + 1).read_to_end(&mut content);
    let bytes = read.with_context(|| format!("cannot read {place}"))? as u64;
    let content = (content.len() <= ITEM_BYTES_MAX).then_some(content);
    Ok(Item { place, content, is_line: false, bytes })
}

impl Lines {
    /// The next line that is not empty.
    fn next(&mut self) -> Result<Option<Item>> {
        loop {
            self.number += 1;
            let place = format!("{}:{}", self.path.display(), self.number);
            let mut line = Vec::new();
            let mut bytes = self.read(&mut line)?;
            if bytes == 0 {
                return Ok(None);
            }
            let is_whole = line.last() == Some(&b'\n') || line.len() <= ITEM_BYTES_MAX;
            if !is_whole {
                bytes += self.skip()?;
            }
            if !is_whole || !line.trim_ascii().is_empty() {
                let content = is_whole.then_some(line);
                return Ok(Some(Item { place, content, is_line: true, bytes }));
            }
        }
    }

    fn read(&mut self, line: &mut Vec<u8>) -> Result<u64> {
        let mut limited = (&mut self.reader).take(ITEM_BYTES_MAX as u64 + 1);
        let read = limited.read_until(b'\n', line);
        Ok(read.with_context(|| format!("cannot read {}", self.path.display()))? as u64)
    }

    /// Reads to the end of an overlong line and keeps nothing of it.
    fn skip(&mut self) -> Result<u64> {
        let mut skipped = 0;
        loop {
            let mut rest = Vec::new();
            let read = self.read(&mut rest)?;
            skipped += read;
            if read == 0 || rest.last() == Some(&b'\n') {
                return Ok(skipped);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8]) -> Lines {
        let reader: Box<dyn Read> = Box::new(std::io::Cursor::new(bytes.to_vec()));
        Lines { reader: BufReader::new(reader), path: "x".into(), number: 0 }
    }

    #[test]
    fn an_overlong_line_is_one_refusal_and_the_next_line_is_whole() {
        let mut input = vec![b'x'; 3 * ITEM_BYTES_MAX];
        input.extend(b"\n\n  \nAAAA");
        let mut lines = lines(&input);
        let first = lines.next().expect("read").expect("a line");
        assert!(first.content.is_none());
        assert_eq!((first.place(), first.bytes()), ("x:1", 3 * ITEM_BYTES_MAX as u64 + 1));
        assert_eq!(first.parse().err().expect("too long").check(), "P1");
        let second = lines.next().expect("read").expect("a line");
        assert_eq!(second.place(), "x:4");
        assert!(matches!(second.parse(), Ok(Parsed::Proof(bytes)) if bytes == [0, 0, 0]));
        assert!(lines.next().expect("read").is_none());
    }

    #[test]
    fn a_line_of_exactly_the_limit_is_kept() {
        let mut input = vec![b'A'; ITEM_BYTES_MAX];
        input.push(b'\n');
        let item = lines(&input).next().expect("read").expect("a line");
        assert!(item.content.is_some());
    }

    #[test]
    fn lines_of_an_export_that_are_no_proof_are_told_apart() {
        let parse =
            |text: &str| lines(text.as_bytes()).next().expect("read").expect("a line").parse();
        assert!(matches!(parse("{\"boot_record\":\"00\"}"), Ok(Parsed::Other)));
        assert!(matches!(parse("{\"size\":3}"), Ok(Parsed::Other)));
        assert!(matches!(parse("{\"index\":1,\"proof\":\"AAAA\"}"), Ok(Parsed::Proof(_))));
        assert!(matches!(parse("\"AAAA\""), Ok(Parsed::Proof(_))));
        for wrong in ["{}", "{\"size\":3,\"size\":3}", "{\"proof\":7}", "!", "[1]", "{"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
