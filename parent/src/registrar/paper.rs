//! Files of the registrar, written so that a power cut leaves the old one or the new one, whole
//! and on disk. It must never return before the folder knows the new name.

use crate::error::Error;
use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Owner may read and write, nobody else anything: tokens' hashes and the authority's key.
const PRIVATE_MODE: u32 = 0o600;
/// Largest file that is read, in bytes.
pub(super) const FILE_BYTES_MAX: u64 = 4 << 20;

/// Writes a file durably; only its owner may read it.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let draft = path.with_extension("new");
    // Left over from a run that was cut short.
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(Error::file(&draft)(error));
        }
        _ => {}
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(PRIVATE_MODE).open(&draft);
    let written = file.and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written.map_err(Error::file(&draft))?;
    fs::rename(&draft, path).map_err(Error::file(path))?;
    sync_folder_of(path)
}

/// Removes a file durably; whether it was there.
pub(super) fn remove(path: &Path) -> Result<bool, Error> {
    match fs::remove_file(path) {
        Ok(()) => sync_folder_of(path).map(|()| true),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::file(path)(error)),
    }
}

/// The file's bytes, where there is such a file.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::file(path)(error)),
    };
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(Error::file(path))?;
    match bytes.len() as u64 > FILE_BYTES_MAX {
        // A part of it would be taken for the whole.
        true => Err(Error::file(path)(std::io::ErrorKind::FileTooLarge.into())),
        false => Ok(Some(bytes)),
    }
}

fn sync_folder_of(path: &Path) -> Result<(), Error> {
    let folder = path.parent().unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(Error::file(folder))
}
