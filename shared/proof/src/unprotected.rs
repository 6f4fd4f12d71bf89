//! The unprotected header of FORMAT.md §5: what the statement's key cannot sign. It must never
//! take a label that FORMAT.md does not name, nor one in another place than its own.

use crate::{
    COSIGNATURE_BYTES_MAX, COSIGNATURES_MAX, EVIDENCE_BYTES_MAX, Evidence, Inclusion,
    LogSignatures, ProofError, Unsigned,
};
use cbor::{CborError, Map, Reader, Writer};
use crypto::Signature;
use tlog::PATH_NODES_MAX;

/// The labels in the order of their encodings: the shorter text sorts first.
const EVIDENCE: &str = "evidence";
const INCLUSION: &str = "inclusion";
const COSIGNATURES: &str = "cosignatures";
const LOG_SIGNATURES: &str = "log_signatures";
/// Longest label, in bytes.
const LABEL_BYTES_MAX: usize = 16;
/// Longest kind of evidence, in bytes.
const KIND_BYTES_MAX: usize = 16;

/// How many bytes the header takes, near enough.
pub(crate) fn bytes_of(unsigned: &Unsigned) -> usize {
    let lines: usize = unsigned.cosignatures.iter().map(|line| line.len() + 3).sum();
    unsigned.evidence.document.len() + 34 * unsigned.inclusion.path.len() + lines + 192
}

/// The header; `None` is the empty one.
pub(crate) fn write(w: &mut Writer, unsigned: Option<&Unsigned>) {
    let Some(Unsigned { evidence, inclusion, log_signatures, cosignatures }) = unsigned else {
        w.map(0);
        return;
    };
    let optional = [!cosignatures.is_empty(), log_signatures.is_some()];
    w.map(2 + optional.iter().filter(|there| **there).count());
    w.text(EVIDENCE).array(2).text(&evidence.kind).bytes(&evidence.document);
    w.text(INCLUSION).array(3).uint(inclusion.size).uint(inclusion.index);
    w.array(inclusion.path.len());
    for node in &inclusion.path {
        w.bytes(node);
    }
    if !cosignatures.is_empty() {
        w.text(COSIGNATURES).array(cosignatures.len());
        for line in cosignatures {
            w.bytes(line);
        }
    }
    if let Some(LogSignatures { note, receipt }) = log_signatures {
        w.text(LOG_SIGNATURES).array(2).bytes(&note.0).bytes(&receipt.0);
    }
}

/// Reads what [`write`] wrote (check P2).
pub(crate) fn read(header: &[u8]) -> Result<Option<Unsigned>, ProofError> {
    read_map(header).map_err(|problem| ProofError::Header {
        expected: "an empty unprotected header, or evidence, inclusion and the log's signatures"
            .into(),
        found: problem.to_string(),
    })
}

fn read_map(header: &[u8]) -> Result<Option<Unsigned>, CborError> {
    let mut r = Reader::new(header);
    let mut map = r.map()?;
    let Some(first) = next_label(&mut r, &mut map)? else {
        r.end()?;
        return Ok(None);
    };
    first.must_be(EVIDENCE)?;
    r.array_of(EVIDENCE, 2)?;
    let kind = r.text_max("evidence kind", KIND_BYTES_MAX)?.to_owned();
    let document = r.bytes_max(EVIDENCE, EVIDENCE_BYTES_MAX)?.to_vec();
    let at = r.position();
    let second = next_label(&mut r, &mut map)?.ok_or_else(|| key(at, INCLUSION, "nothing"))?;
    second.must_be(INCLUSION)?;
    let mut unsigned = Unsigned::new(Evidence { kind, document }, read_inclusion(&mut r)?);
    let mut label = next_label(&mut r, &mut map)?;
    if label.as_ref().is_some_and(|label| label.text == COSIGNATURES) {
        unsigned.cosignatures = read_cosignatures(&mut r)?;
        label = next_label(&mut r, &mut map)?;
    }
    if let Some(last) = label {
        last.must_be(LOG_SIGNATURES)?;
        r.array_of(LOG_SIGNATURES, 2)?;
        let note = Signature(r.array_bytes("note signature")?);
        let receipt = Signature(r.array_bytes("receipt signature")?);
        unsigned.log_signatures = Some(LogSignatures { note, receipt });
        if let Some(further) = next_label(&mut r, &mut map)? {
            further.must_be("the end of the header")?;
        }
    }
    r.end()?;
    Ok(Some(unsigned))
}

/// A label and where it stands.
struct Label<'a> {
    at: usize,
    text: &'a str,
}

impl Label<'_> {
    fn must_be(&self, expected: &str) -> Result<(), CborError> {
        if self.text == expected {
            return Ok(());
        }
        Err(key(self.at, expected, self.text))
    }
}

fn next_label<'a>(r: &mut Reader<'a>, map: &mut Map) -> Result<Option<Label<'a>>, CborError> {
    if !r.more(map)? {
        return Ok(None);
    }
    let at = r.position();
    Ok(Some(Label { at, text: r.text_max("label", LABEL_BYTES_MAX)? }))
}

fn read_inclusion(r: &mut Reader<'_>) -> Result<Inclusion, CborError> {
    r.array_of(INCLUSION, 3)?;
    let (size, index) = (r.uint()?, r.uint()?);
    let path = r.entries("path", PATH_NODES_MAX, |r| r.array_bytes("path node"))?;
    Ok(Inclusion { size, index, path })
}

/// At least one line, sorted and unique: a set has one encoding.
fn read_cosignatures(r: &mut Reader<'_>) -> Result<Vec<Vec<u8>>, CborError> {
    let at = r.position();
    let lines = r.entries(COSIGNATURES, COSIGNATURES_MAX, |r| {
        let at = r.position();
        let line = r.bytes_max("cosignature", COSIGNATURE_BYTES_MAX)?;
        let line = std::str::from_utf8(line).map_err(|_| CborError::Utf8 { at })?;
        Ok(line.as_bytes().to_vec())
    })?;
    let found = lines.len() as u64;
    if !lines.is_sorted_by(|a, b| a < b) {
        let (what, expected) = (COSIGNATURES, "sorted lines, each once");
        return Err(CborError::Range { at, what, expected, found });
    }
    if lines.first().is_none_or(Vec::is_empty) {
        let (what, expected) = (COSIGNATURES, "at least one line, none empty");
        return Err(CborError::Range { at, what, expected, found });
    }
    Ok(lines)
}

fn key(at: usize, expected: &str, found: &str) -> CborError {
    CborError::Key { at, expected: expected.into(), found: found.into() }
}
