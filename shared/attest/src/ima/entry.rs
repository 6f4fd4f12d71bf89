//! Entries as the kernel writes them, little-endian (check T32): register, SHA-1 of the template's
//! data, the template's name, its data. Two templates are known, ima-ng and ima-sig; what another
//! one measured cannot be told and is refused. SHA-1 is computed to find altered entries early;
//! nothing rests on it, because the registers are replayed with the quoted bank's own hash.

use crate::Check;
use crate::bytes::Bytes;
use crate::error::AttestError;
use crate::tpm::HashAlgorithm;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

/// One measured file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelLogEntry<'a> {
    /// Its number, from 0.
    pub number: usize,
    /// The hash's name, as in `sha256`.
    pub algorithm: &'a str,
    /// Digest of the file.
    pub digest: &'a [u8],
    /// Path, as the kernel saw it.
    pub path: &'a [u8],
    /// Whether the file changed while it was measured: its digest then says nothing.
    pub is_violation: bool,
    /// What the register was extended for: the template's data.
    pub(crate) data: &'a [u8],
}

impl KernelLogEntry<'_> {
    /// What the register of a bank was extended with: the hash of the template's data, as kernels
    /// from 5.8 on do, or ones only for a violation.
    pub(crate) fn extension(&self, bank: HashAlgorithm) -> Vec<u8> {
        match self.is_violation {
            true => vec![0xff; bank.bytes()],
            false => bank.digest(&[self.data]),
        }
    }

    /// The path for people.
    pub fn shown_path(&self) -> String {
        String::from_utf8_lossy(self.path).into_owned()
    }
}

/// The entries of a log (T32). Nobody has vouched for any of them.
pub(crate) fn entries(log: &[u8]) -> Result<Vec<KernelLogEntry<'_>>, AttestError> {
    AttestError::within(T32, "kernel's log bytes", log.len() as u64, 1, KERNEL_LOG_BYTES_MAX)?;
    let mut reader = Bytes::new(log, T32, "kernel's log");
    let mut entries = Vec::new();
    while !reader.rest().is_empty() {
        let count = entries.len() as u64 + 1;
        AttestError::within(T32, "kernel's log entries", count, 1, ENTRIES_MAX)?;
        entries.push(entry(&mut reader, entries.len())?);
    }
    Ok(entries)
}

fn entry<'a>(reader: &mut Bytes<'a>, number: usize) -> Result<KernelLogEntry<'a>, AttestError> {
    let refuse = |what: &str, expected: &str, actual: String| {
        Err(AttestError::refuse(T32, format!("{what} of entry {number}"), expected, actual))
    };
    let register = reader.le32()?;
    if register != u32::from(super::PCR) {
        return refuse("register", "10", register.to_string());
    }
    let claimed = reader.take(SHA1_BYTES)?;
    let template = sized(reader, "template name bytes", TEMPLATE_BYTES_MAX)?;
    let has_signature = match template {
        b"ima-ng" => false,
        b"ima-sig" => true,
        other => {
            let actual = String::from_utf8_lossy(other).into_owned();
            return refuse("template", "ima-ng or ima-sig", actual);
        }
    };
    let data = sized(reader, "template data bytes", DATA_BYTES_MAX)?;
    let is_violation = claimed.iter().all(|byte| *byte == 0);
    let computed = digest(&SHA1_FOR_LEGACY_USE_ONLY, data);
    if !is_violation && computed.as_ref() != claimed {
        let expected = crate::hex(computed.as_ref());
        return refuse("template digest", &expected, crate::hex(claimed));
    }
    let mut fields = Bytes::new(data, T32, "template data");
    let hashed = sized(&mut fields, "digest field bytes", DIGEST_BYTES_MAX)?;
    let path = sized(&mut fields, "path field bytes", PATH_BYTES_MAX)?;
    if has_signature {
        sized(&mut fields, "signature field bytes", SIGNATURE_BYTES_MAX)?;
    }
    fields.end()?;
    let (algorithm, digest) = match parted(hashed) {
        Some(parted) => parted,
        None => return refuse("digest", "algorithm, colon, zero, digest", crate::hex(hashed)),
    };
    let path = match path.split_last() {
        Some((0, path)) if is_plain(path) => path,
        _ => {
            let expected = "a path without control bytes, `.`, `..` or empty parts, and a zero";
            return refuse(
                "path",
                expected,
                String::from_utf8_lossy(path).escape_debug().collect(),
            );
        }
    };
    Ok(KernelLogEntry { number, algorithm, digest, path, is_violation, data })
}

/// `sha256:` and a zero, then a digest of that hash's length.
fn parted(field: &[u8]) -> Option<(&str, &[u8])> {
    let at = field.windows(2).position(|pair| pair == b":\0")?;
    let algorithm = std::str::from_utf8(&field[..at]).ok()?;
    let digest = &field[at + 2..];
    let (_, bytes) = ALGORITHMS.iter().find(|(name, _)| *name == algorithm)?;
    (digest.len() == *bytes).then_some((algorithm, digest))
}

/// A name of the kernel's (`boot_aggregate`), or a path that leads nowhere but where it says.
fn is_plain(path: &[u8]) -> bool {
    if path.is_empty() || path.iter().any(u8::is_ascii_control) {
        return false;
    }
    let Some(absolute) = path.strip_prefix(b"/") else {
        return !path.contains(&b'/') && path != b"." && path != b"..";
    };
    let mut parts = absolute.split(|byte| *byte == b'/');
    absolute.is_empty() || parts.all(|part| !part.is_empty() && part != b"." && part != b"..")
}

fn sized<'a>(
    reader: &mut Bytes<'a>,
    what: &'static str,
    max: u64,
) -> Result<&'a [u8], AttestError> {
    let length = u64::from(reader.le32()?);
    AttestError::within(T32, what, length, 0, max)?;
    reader.take(length)
}

/// Most bytes in the kernel's log.
pub const KERNEL_LOG_BYTES_MAX: u64 = 16 << 20;
const ENTRIES_MAX: u64 = 131_072;
const TEMPLATE_BYTES_MAX: u64 = 16;
const DATA_BYTES_MAX: u64 = 8_192;
/// The longest known name, its colon and zero, and 64 bytes.
const DIGEST_BYTES_MAX: u64 = 72;
/// PATH_MAX, which counts the zero.
const PATH_BYTES_MAX: u64 = 4_096;
const SIGNATURE_BYTES_MAX: u64 = 2_048;
const SHA1_BYTES: u64 = 20;
const T32: Check = Check::t(32);
const ALGORITHMS: [(&str, usize); 4] =
    [("sha1", 20), ("sha256", 32), ("sha384", 48), ("sha512", 64)];
