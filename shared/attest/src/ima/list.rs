//! The list of files that a kernel may have measured (check T34), in the form that `sha256sum`
//! writes. A policy names it by its SHA-384, so that whoever signs the policy signs the list and
//! each version of the policy has its own.

use crate::Check;
use crate::error::AttestError;
use crate::ima::entry::KernelLogEntry;
use std::collections::BTreeSet;

/// Files and their accepted digests.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FileList(BTreeSet<(Vec<u8>, Vec<u8>)>);

impl FileList {
    /// Reads lines of a digest in lower-case hexadecimal, two spaces and an absolute path. The
    /// digest's length names its hash: SHA-256, SHA-384 or SHA-512. A path may stand in several
    /// lines, one for each accepted content.
    pub fn parse(text: &[u8]) -> Result<Self, AttestError> {
        AttestError::within(T34, "file list bytes", text.len() as u64, 1, FILE_LIST_BYTES_MAX)?;
        let Some(lines) = text.strip_suffix(b"\n") else {
            return Err(AttestError::refuse(T34, "file list", "lines that end", "an open line"));
        };
        let mut files = BTreeSet::new();
        for (index, line) in lines.split(|byte| *byte == b'\n').enumerate() {
            let number = index as u64 + 1;
            AttestError::within(T34, "file list lines", number, 1, LINES_MAX)?;
            let (path, digest) = read(line).ok_or_else(|| {
                let expected = "64, 96 or 128 hexadecimal digits, two spaces, an absolute path";
                let shown = String::from_utf8_lossy(&line[..line.len().min(SHOWN_BYTES_MAX)]);
                let actual: String = shown.escape_debug().collect();
                AttestError::refuse(T34, format!("file list line {number}"), expected, actual)
            })?;
            files.insert((path, digest));
        }
        Ok(Self(files))
    }

    /// How many contents are accepted.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is accepted; no list that was read is.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// T34 for one entry.
    pub(crate) fn check(&self, entry: &KernelLogEntry<'_>) -> Result<(), AttestError> {
        let refuse = |expected: String, actual: String| {
            let what = format!("entry {}, {}", entry.number, entry.shown_path().escape_debug());
            Err(AttestError::refuse(T34, what, expected, actual))
        };
        if entry.is_violation {
            let expected = "a file that did not change while it was measured".to_owned();
            return refuse(expected, "a violation".to_owned());
        }
        // A digest's length is its algorithm's; SHA-1 is the only one of 20 bytes.
        if self.0.contains(&(entry.path.to_vec(), entry.digest.to_vec())) {
            return Ok(());
        }
        let first = (entry.path.to_vec(), Vec::new());
        let of_path = self.0.range(first..).take_while(|(path, _)| path == entry.path);
        let accepted: Vec<String> =
            of_path.take(SHOWN_MAX).map(|(_, digest)| crate::hex(digest)).collect();
        let expected = match accepted.is_empty() {
            true => "a file of the policy's list".to_owned(),
            false => accepted.join(" or "),
        };
        refuse(expected, format!("{} {}", entry.algorithm, crate::hex(entry.digest)))
    }
}

fn read(line: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let at = line.iter().position(|byte| *byte == b' ')?;
    let path = line[at..].strip_prefix(b"  ")?;
    if ![64, 96, 128].contains(&at) || !path.starts_with(b"/") {
        return None;
    }
    if path.iter().any(u8::is_ascii_control) {
        return None;
    }
    let nibble = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let digest = line[..at].chunks_exact(2).map(|pair| match pair {
        [high, low] => Some(nibble(*high)? << 4 | nibble(*low)?),
        _ => None,
    });
    Some((path.to_vec(), digest.collect::<Option<Vec<u8>>>()?))
}

/// Most bytes in a list of files.
pub const FILE_LIST_BYTES_MAX: u64 = 16 << 20;
const LINES_MAX: u64 = 262_144;
const SHOWN_MAX: usize = 4;
const SHOWN_BYTES_MAX: usize = 80;
const T34: Check = Check::t(34);
