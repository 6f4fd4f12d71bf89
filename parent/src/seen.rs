//! The highest version of each policy that this host took, kept beside its data: an older policy
//! that is put back is not taken, also after a restart. It must never forget a version by itself,
//! and never let one pass that it could not keep. The data folder's lock is its lock.

use crate::error::Error;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Name of the file in the data folder.
const FILE: &str = "policies.json";
/// Largest such file, in bytes.
const FILE_BYTES_MAX: usize = 64 << 10;

/// The highest versions, by the policies' names.
#[derive(Debug)]
pub struct Versions {
    path: PathBuf,
    highest: Mutex<BTreeMap<String, u64>>,
}

impl Versions {
    /// What a data folder remembers. A file that is not what was written is an error: somebody
    /// may want it forgotten.
    pub fn open(data: &Path) -> Result<Self, Error> {
        let path = data.join(FILE);
        let mut bytes = Vec::new();
        match File::open(&path) {
            Ok(file) => file
                .take(FILE_BYTES_MAX as u64 + 1)
                .read_to_end(&mut bytes)
                .map(drop)
                .map_err(Error::file(&path))?,
            Err(error) if error.kind() == ErrorKind::NotFound => bytes.extend(b"{}"),
            Err(error) => return Err(Error::file(path)(error)),
        }
        let highest = match serde_json::from_slice(&bytes) {
            Ok(highest) if bytes.len() <= FILE_BYTES_MAX => highest,
            _ => {
                return Err(Error::Accepted(format!(
                    "{}: expected the versions of the policies that were in force, found something \
                     else; put it right (name to version, as JSON), or remove it to forget them",
                    path.display()
                )));
            }
        };
        Ok(Self { path, highest: Mutex::new(highest) })
    }

    /// Refuses a version below the highest that was admitted under this name, and keeps a higher
    /// one on the disk before it is admitted.
    pub fn admit(&self, name: &str, version: u64) -> Result<(), Error> {
        let mut highest = self.highest.lock().unwrap_or_else(PoisonError::into_inner);
        match highest.get(name) {
            Some(known) if *known > version => {
                return Err(Error::Accepted(format!(
                    "policy {name}: expected version {known} or higher, which was in force before, \
                     found {version}; to go back on purpose change {} and restart",
                    self.path.display()
                )));
            }
            Some(known) if *known == version => return Ok(()),
            _ => {}
        }
        let mut next = highest.clone();
        next.insert(name.to_owned(), version);
        let bytes = serde_json::to_vec_pretty(&next).expect("texts and numbers always serialize");
        if bytes.len() > FILE_BYTES_MAX {
            let problem = format!("expected at most {FILE_BYTES_MAX} bytes, found more names");
            return Err(Error::file(&self.path)(std::io::Error::other(problem)));
        }
        self.keep(&bytes).map_err(Error::file(&self.path))?;
        *highest = next;
        Ok(())
    }

    /// Replaces the file, and returns when the disk has it.
    fn keep(&self, bytes: &[u8]) -> std::io::Result<()> {
        let draft = self.path.with_extension("new");
        let mut file = File::create(&draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&draft, &self.path)?;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(versions: &Versions, name: &str, version: u64) -> String {
        versions.admit(name, version).unwrap_err().to_string()
    }

    #[test]
    fn an_older_version_is_refused_also_by_the_next_process() {
        let folder = tempfile::tempdir().unwrap();
        let versions = Versions::open(folder.path()).unwrap();
        for version in [3, 3, 5] {
            versions.admit("acme", version).unwrap();
        }
        versions.admit("another", 1).unwrap();
        for versions in [versions, Versions::open(folder.path()).unwrap()] {
            let words = refused(&versions, "acme", 4);
            assert!(words.contains("version 5 or higher") && words.contains("found 4"), "{words}");
            assert!(words.contains(FILE), "{words}");
            versions.admit("acme", 5).unwrap();
            versions.admit("another", 1).unwrap();
        }
    }

    #[test]
    fn what_cannot_be_kept_is_not_admitted() {
        let folder = tempfile::tempdir().unwrap();
        let versions = Versions::open(folder.path()).unwrap();
        versions.admit("acme", 1).unwrap();
        // The draft's name is taken by a folder: nothing can be written.
        fs::create_dir(folder.path().join("policies.new")).unwrap();
        assert!(refused(&versions, "acme", 2).contains(FILE));
        versions.admit("acme", 1).unwrap();
        fs::remove_dir(folder.path().join("policies.new")).unwrap();
        assert!(refused(&versions, &"x".repeat(FILE_BYTES_MAX), 2).contains("more names"));
        versions.admit("acme", 2).unwrap();
    }

    #[test]
    fn a_damaged_memory_is_no_empty_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let long = format!("{{\"a\": 1{}}}", " ".repeat(FILE_BYTES_MAX));
        for text in ["", "{", "[]", "{\"a\": -1}", "{\"a\": \"1\"}", &long] {
            fs::write(&path, text).unwrap();
            let error = Versions::open(folder.path()).unwrap_err().to_string();
            assert!(error.contains("remove it to forget"), "{error}");
        }
    }
}
