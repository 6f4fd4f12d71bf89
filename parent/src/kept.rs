//! The bundles that were in force, as files by hash: so that a proof which an earlier process made
//! is still shown with its reasons in words. Presentation only; it must never be offered to an
//! enclave, and a file whose content is not of its name's hash is nothing.

use crate::limits::RULEBOOKS_MAX;
use crate::rulebook::Rulebook;
use crypto::Digest;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

/// Name of the folder in the data folder.
pub const FOLDER: &str = "bundles";
/// How a bundle's file name ends, after the hash.
const ENDING: &str = ".cose";

/// Keeps a bundle that came into force, and forgets the oldest of too many.
pub fn keep(folder: &Path, hash: &Digest, bundle: &[u8]) -> Result<(), crate::Error> {
    fs::create_dir_all(folder).map_err(crate::Error::file(folder))?;
    let path = folder.join(format!("{hash}{ENDING}"));
    // Written again when it is there: its time says when it came into force last.
    crate::files::publish(&path, bundle)?;
    for (_, path) in files(folder).into_iter().skip(RULEBOOKS_MAX) {
        fs::remove_file(&path).map_err(crate::Error::file(&path))?;
    }
    Ok(())
}

/// The bundles that are kept, newest first.
pub fn kept(folder: &Path) -> Vec<Arc<Rulebook>> {
    let files = files(folder).into_iter().take(RULEBOOKS_MAX);
    let books = files.filter_map(|(hash, path)| {
        let book = Rulebook::parse(&fs::read(&path).ok()?).ok()?;
        (book.hash().to_string() == hash).then(|| Arc::new(book))
    });
    books.collect()
}

/// Hash and path of every file, newest first.
fn files(folder: &Path) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<(SystemTime, String, PathBuf)> = entries
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let hash = name.strip_suffix(ENDING)?.to_owned();
            Some((entry.metadata().ok()?.modified().ok()?, hash, entry.path()))
        })
        .collect();
    files.sort();
    files.into_iter().rev().map(|(_, hash, path)| (hash, path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::tests::signed_bundle_of;
    use std::time::Duration;

    #[test]
    fn few_are_kept_and_only_what_has_its_hash_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FOLDER);
        assert!(kept(&path).is_empty());
        let newest = RULEBOOKS_MAX as u64 + 2;
        let start = SystemTime::now() - Duration::from_secs(1000);
        for version in 1..=newest {
            let bundle = signed_bundle_of(version, "fine");
            let hash = Rulebook::parse(&bundle).unwrap().hash();
            keep(&path, &hash, &bundle).unwrap();
            let file = fs::File::open(path.join(format!("{hash}{ENDING}"))).unwrap();
            // File systems' clocks are coarse.
            file.set_modified(start + Duration::from_secs(version)).unwrap();
        }
        let versions = || kept(&path).iter().map(|book| book.version()).collect::<Vec<_>>();
        assert_eq!(versions(), (3..=newest).rev().collect::<Vec<_>>());
        let other = signed_bundle_of(99, "fine");
        fs::write(path.join(format!("{}{ENDING}", Digest([7; 32]))), &other).unwrap();
        fs::write(path.join(format!("half{ENDING}")), b"half").unwrap();
        assert!(!versions().contains(&99));
    }
}
