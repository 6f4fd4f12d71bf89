//! Collects cases and their files. Equal demands and equal materials are kept once. It must never
//! let two cases share a name or one path hold two contents.

use super::manifest::{Demands, Entry, Expectation, FORMAT, FORMAT_VERSION, Kind, Manifest};
use crate::corpus::Expected;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The corpus in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corpus {
    files: BTreeMap<String, Vec<u8>>,
    policies: BTreeMap<String, Demands>,
    without_case: BTreeMap<String, String>,
    entries: Vec<Entry>,
    names: BTreeSet<String>,
}

/// A case on its way into the corpus.
pub(super) struct NewCase<'a> {
    pub(super) kind: Kind,
    pub(super) name: &'a str,
    /// One, or several where the case is a set.
    pub(super) bytes: Vec<Vec<u8>>,
    pub(super) expected: Expected,
    pub(super) demands: Demands,
    /// Role and path of files that were added before.
    pub(super) materials: Vec<(&'a str, String)>,
    pub(super) note: Option<&'a str>,
}

impl Corpus {
    pub(super) fn new() -> Self {
        Self {
            files: BTreeMap::new(),
            policies: BTreeMap::new(),
            without_case: BTreeMap::new(),
            entries: Vec::new(),
            names: BTreeSet::new(),
        }
    }

    /// Adds a file that cases name; the same content under the same path may come again.
    pub(super) fn file(&mut self, path: &str, bytes: &[u8]) -> String {
        let known = self.files.entry(path.to_owned()).or_insert_with(|| bytes.to_vec());
        assert!(known == bytes, "{path} is named for two contents");
        path.to_owned()
    }

    /// Adds a file under a path made of its role and content.
    pub(super) fn material(&mut self, role: &str, bytes: &[u8], extension: &str) -> String {
        let digest = hex(&Sha256::digest(bytes));
        self.file(&format!("material/{role}-{}.{extension}", &digest[..12]), bytes)
    }

    pub(super) fn without_case(&mut self, check: &str, reason: &str) {
        self.without_case.insert(check.to_owned(), reason.to_owned());
    }

    pub(super) fn case(&mut self, case: NewCase<'_>) {
        let name = format!("{}/{}", case.kind.name(), case.name);
        assert!(self.names.insert(name.clone()), "two cases are called {name}");
        let several = case.bytes.len() > 1;
        let mut paths = Vec::new();
        for (index, bytes) in case.bytes.iter().enumerate() {
            let path = match several {
                true => format!("{name}/{index:02}.cbor"),
                false => format!("{name}.cbor"),
            };
            paths.push(self.file(&path, bytes));
        }
        let (expected, check) = match case.expected {
            Expected::Accept => (Expectation::Accept, None),
            Expected::Refuse(check) => (Expectation::Refuse, Some(check.to_owned())),
        };
        let materials =
            case.materials.into_iter().map(|(role, path)| (role.to_owned(), path)).collect();
        let policy = self.policy(case.kind, case.demands);
        let file = paths.remove(0);
        self.entries.push(Entry {
            name,
            kind: case.kind,
            sha256: hex(&Sha256::digest(&self.files[&file])),
            file,
            expected,
            check,
            policy,
            materials,
            more: paths,
            note: case.note.map(str::to_owned),
        });
    }

    /// The name of these demands: the kind and a number, in order of appearance.
    fn policy(&mut self, kind: Kind, demands: Demands) -> String {
        let prefix = format!("{}-", kind.name());
        let of_kind = |name: &str| {
            name.strip_prefix(&prefix).is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_digit()))
        };
        let known = self.policies.iter().find(|(name, d)| of_kind(name) && **d == demands);
        if let Some((name, _)) = known {
            return name.clone();
        }
        let count = self.policies.keys().filter(|name| of_kind(name)).count();
        let name = format!("{prefix}{:03}", count + 1);
        self.policies.insert(name.clone(), demands);
        name
    }

    /// All cases.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The demands of a case.
    pub fn demands(&self, entry: &Entry) -> &Demands {
        &self.policies[&entry.policy]
    }

    /// The bytes at a path that the manifest names.
    pub fn bytes(&self, path: &str) -> &[u8] {
        &self.files[path]
    }

    /// The manifest.
    pub fn manifest(&self) -> Manifest {
        let digest =
            |(path, bytes): (&String, &Vec<u8>)| (path.clone(), hex(&Sha256::digest(bytes)));
        Manifest {
            format: FORMAT.to_owned(),
            version: FORMAT_VERSION,
            licence: "Apache-2.0".to_owned(),
            files: self.files.iter().map(digest).collect(),
            without_case: self.without_case.clone(),
            policies: self.policies.clone(),
            cases: self.entries.clone(),
        }
    }

    /// The manifest as committed and written.
    pub fn manifest_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(&self.manifest())
            .expect("JSON because every key is a text or a number");
        text.push('\n');
        text
    }

    /// Writes every file below `folder`, and `entries/` with one case and its demands each for
    /// verifiers that read no manifest.
    pub fn write(&self, folder: &Path) -> std::io::Result<usize> {
        let put = |path: &str, bytes: &[u8]| {
            let path = folder.join(path);
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent)?;
            }
            std::fs::write(path, bytes)
        };
        for (path, bytes) in &self.files {
            put(path, bytes)?;
        }
        for entry in &self.entries {
            let whole = serde_json::json!({ "case": entry, "demands": self.demands(entry) });
            put(&format!("entries/{}.json", entry.name), format!("{whole:#}\n").as_bytes())?;
        }
        put("manifest.json", self.manifest_json().as_bytes())?;
        Ok(self.files.len() + self.entries.len() + 1)
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of lower-case hexadecimal; `None` for anything else.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let bytes = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect();
    if rest.is_empty() { bytes } else { None }
}
