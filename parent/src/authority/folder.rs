//! A pack's directory on disk. It must never read a file outside of it, not even through a link.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use compiler::pack::{Files, RULEBOOK, is_inside};

/// A directory with a rulebook, and the rule file that was asked for when it was one.
#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
    /// Name of the only rule file that is wanted.
    pub(crate) only: Option<String>,
}

impl Folder {
    /// The directory, or the one above a file that has the rulebook.
    pub(crate) fn find(path: &Path) -> anyhow::Result<Folder> {
        let real =
            path.canonicalize().with_context(|| format!("cannot read {}", path.display()))?;
        if real.is_dir() {
            return Ok(Folder { root: real, only: None });
        }
        let above = real.ancestors().skip(1).find(|above| above.join(RULEBOOK).is_file());
        let Some(root) = above else {
            let path = path.display();
            bail!("{path}: no {RULEBOOK} beside it or above: write one that names it");
        };
        let name = real.strip_prefix(root).ok().and_then(Path::to_str);
        let name = name.with_context(|| format!("{} has no name in UTF-8", path.display()))?;
        Ok(Folder { root: root.to_owned(), only: Some(name.to_owned()) })
    }
}

impl Files for Folder {
    fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        if !is_inside(name) {
            return Err("a name that leads out of the directory".to_owned());
        }
        let real = self.root.join(name).canonicalize().map_err(|error| error.to_string())?;
        if !real.starts_with(&self.root) {
            return Err("a link that leads out of the directory".to_owned());
        }
        // A pipe would wait for ever.
        if !real.is_file() {
            return Err("no plain file".to_owned());
        }
        super::read_bounded(&real).map_err(|error| error.to_string())
    }

    fn assemble(&self, _: &str, bytes: Vec<u8>) -> Result<Vec<u8>, String> {
        wat::parse_bytes(&bytes).map(|wasm| wasm.into_owned()).map_err(|error| error.to_string())
    }
}
