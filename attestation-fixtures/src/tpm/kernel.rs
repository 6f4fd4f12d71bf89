//! The kernel's log of measured files (IMA's binary_runtime_measurements) from parts, and the PCR10
//! that it leads to.

use super::sha256;
use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelEntry {
    /// Register.
    pub pcr: u32,
    /// Digest of the template's data; computed where absent.
    pub template_digest: Option<[u8; 20]>,
    /// The template's name.
    pub template: &'static str,
    /// The template's data.
    pub data: Vec<u8>,
}

impl KernelEntry {
    /// A file under ima-ng, with the SHA-256 of this content.
    pub fn file(path: &str, content: &[u8]) -> Self {
        let hashed = [b"sha256:\0", &sha256(&[content])[..]].concat();
        let data = [field(&hashed), field(&[path.as_bytes(), &[0]].concat())].concat();
        Self { pcr: 10, template_digest: None, template: "ima-ng", data }
    }

    /// A file that changed while it was measured.
    pub fn violation(path: &str) -> Self {
        let hashed = [b"sha256:\0", &[0; 32][..]].concat();
        let data = [field(&hashed), field(&[path.as_bytes(), &[0]].concat())].concat();
        Self { template_digest: Some([0; 20]), data, ..Self::file(path, b"") }
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut out = self.pcr.to_le_bytes().to_vec();
        let computed = digest(&SHA1_FOR_LEGACY_USE_ONLY, &self.data);
        match &self.template_digest {
            Some(digest) => out.extend(digest),
            None => out.extend_from_slice(computed.as_ref()),
        }
        out.extend(field(self.template.as_bytes()));
        out.extend(field(&self.data));
        out
    }
}

/// The encoded log.
pub fn kernel_log(entries: &[KernelEntry]) -> Vec<u8> {
    entries.iter().flat_map(KernelEntry::to_bytes).collect()
}

/// PCR10 of the SHA-256 bank after these entries.
pub fn kernel_register(entries: &[KernelEntry]) -> [u8; 32] {
    entries.iter().fold([0; 32], |register, entry| {
        let extension = match entry.template_digest {
            Some(digest) if digest == [0; 20] => [0xff; 32],
            _ => sha256(&[&entry.data]),
        };
        sha256(&[&register, &extension])
    })
}

/// A length in four bytes, little-endian, and the bytes.
pub fn field(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_le_bytes()[..], bytes].concat()
}
