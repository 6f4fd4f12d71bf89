//! C2SP tlog-proof@v1: index, path and signed checkpoint as one text. The checkpoint is signed
//! whole, so index, size and root are bound together, which a COSE Receipt does not do.

use crate::log::{checkpoint_note, signed, unsigned};
use crate::note::{NOTE_BYTES_MAX, Note, VerifierKey};
use crate::text::{decimal, from_base64, hash_from_base64, to_base64};
use crate::{Part, ReceiptError, VerifiedInclusion};
use logtree::verify_inclusion;
use proof::Proof;
use tlog::{Hash, PATH_NODES_MAX};

/// A tlog-proof as it was read: nothing is verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    /// What an application added; not signed by anybody. Probity writes none.
    extra: Option<Vec<u8>>,
    index: u64,
    path: Vec<Hash>,
    checkpoint: Note,
}

/// The tlog-proof of a complete proof whose log signed its checkpoint, with all cosignature lines
/// that it carries. Its leaf data is the proof hash.
pub fn export(proof: &Proof) -> Result<String, ReceiptError> {
    let (checkpoint, signatures, signer) = signed(proof)?;
    let unsigned = unsigned(proof)?;
    let note = checkpoint_note(&checkpoint, &signer, Some(&signatures), &unsigned.cosignatures)?;
    let inclusion = &unsigned.inclusion;
    let (index, path) = (inclusion.index, inclusion.path.clone());
    Ok(TlogProof { extra: None, index, path, checkpoint: note }.to_text())
}

impl TlogProof {
    /// Reads what [`TlogProof::to_text`] writes, and nothing else.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReceiptError> {
        let part = Part::TlogProof;
        let max = TLOG_PROOF_BYTES_MAX;
        if bytes.len() > max {
            return Err(ReceiptError::TooLarge { part, max, found: bytes.len() });
        }
        let text = std::str::from_utf8(bytes)
            .map_err(|_| ReceiptError::syntax(part, 1, "UTF-8", "other bytes"))?;
        // Neither the header nor a path line is empty: the first empty line ends them.
        let (head, note) = text
            .split_once("\n\n")
            .ok_or_else(|| ReceiptError::syntax(part, 1, "an empty line after the path", text))?;
        let mut lines = (1..).zip(head.split('\n')).peekable();
        let wrong = |line, expected, found| ReceiptError::syntax(part, line, expected, found);
        match lines.next() {
            Some((_, HEADER)) => {}
            found => return Err(wrong(1, HEADER, found.map_or("", |(_, line)| line))),
        }
        let extra = lines.next_if(|(_, line)| line.starts_with("extra "));
        let extra = extra
            .map(|(at, line)| {
                from_base64(&line["extra ".len()..]).ok_or_else(|| wrong(at, "base64", line))
            })
            .transpose()?;
        let (at, line) = lines.next().unwrap_or((2, ""));
        let index = line.strip_prefix("index ").and_then(decimal);
        let index = index.ok_or_else(|| wrong(at, "index and a decimal number", line))?;
        let mut path = Vec::new();
        for (at, line) in lines {
            if path.len() == PATH_NODES_MAX {
                return Err(wrong(at, "at most 64 nodes", line));
            }
            let node = hash_from_base64(line);
            path.push(node.ok_or_else(|| wrong(at, "a node: 32 bytes in base64", line))?);
        }
        Ok(Self { extra, index, path, checkpoint: Note::parse(note.as_bytes())? })
    }

    /// The text, byte for byte.
    pub fn to_text(&self) -> String {
        let mut out = format!("{HEADER}\n");
        if let Some(extra) = &self.extra {
            out.push_str(&format!("extra {}\n", to_base64(extra)));
        }
        out.push_str(&format!("index {}\n", self.index));
        for node in &self.path {
            out.push_str(&format!("{}\n", to_base64(node)));
        }
        format!("{out}\n{}", self.checkpoint.to_text())
    }

    /// Accepts if the log of `key` signed the checkpoint and `leaf` is under it. The caller makes
    /// `leaf` itself with [`tlog::leaf_hash`]; for a Probity proof see [`crate::log::leaf`].
    /// Witnesses are asked apart: [`crate::cosign::verify_witnesses`] over
    /// [`TlogProof::checkpoint`].
    pub fn verify(&self, leaf: Hash, key: &VerifierKey) -> Result<VerifiedInclusion, ReceiptError> {
        let head = self.checkpoint.verify_log(key)?;
        verify_inclusion(leaf, self.index, head.size, &self.path, head.root)
            .map_err(ReceiptError::Inclusion)?;
        Ok(VerifiedInclusion { index: self.index, size: head.size, root: head.root })
    }

    /// The checkpoint with its signature lines.
    pub fn checkpoint(&self) -> &Note {
        &self.checkpoint
    }

    /// What an application added. Nobody signed it.
    pub fn extra_unauthenticated(&self) -> Option<&[u8]> {
        self.extra.as_deref()
    }
}

const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// Largest tlog-proof that is read, in bytes: a note, a path and some extra data.
pub const TLOG_PROOF_BYTES_MAX: usize = NOTE_BYTES_MAX + 65_536;
