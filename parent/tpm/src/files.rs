//! Files of the state's folder: private to the user, written whole and made durable before anybody
//! relies on them, read with a bound. It must never leave half a file under its name.

use crate::error::Error;
use crate::limits::FILE_BYTES_MAX;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{self, File};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Only its owner enters the folder: who reaches the worker's socket can take its link.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// Makes the folder, and refuses one that others may write.
pub fn folder(path: &Path) -> Result<(), Error> {
    let made = fs::DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(path);
    made.map_err(Error::file(path))?;
    let found = fs::metadata(path).map_err(Error::file(path))?;
    Ok(parent::enclave_command::state::is_ours(path, &found)?)
}

/// Writes a file so that after a loss of power it is there whole, or as it was.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let draft = path.with_extension("new");
    let write = || -> std::io::Result<()> {
        let mut file =
            File::options().create(true).truncate(true).write(true).mode(FILE_MODE).open(&draft)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&draft, path)?;
        match path.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    };
    write().map_err(Error::file(path))
}

/// Reads a file of at most `most` bytes; `None` when there is none.
pub fn read_up_to(path: &Path, most: u64) -> Result<Option<Vec<u8>>, Error> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::file(path)(error)),
    };
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes).map_err(Error::file(path))?;
    if bytes.len() as u64 > most {
        let problem = format!("expected at most {most} bytes, found more");
        return Err(Error::content(path, problem, "name the right file"));
    }
    Ok(Some(bytes))
}

/// A file that has to be there.
pub fn read_whole(path: &Path, most: u64) -> Result<Vec<u8>, Error> {
    let missing = || Error::file(path)(ErrorKind::NotFound.into());
    read_up_to(path, most)?.ok_or_else(missing)
}

/// Writes a value as JSON.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<(), Error> {
    let bytes = serde_json::to_vec_pretty(value).expect("texts and numbers always serialize");
    write(path, &bytes)
}

/// Reads a value; `None` when there is no such file.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, Error> {
    let Some(bytes) = read_up_to(path, FILE_BYTES_MAX)? else { return Ok(None) };
    let wrong = |error: serde_json::Error| {
        Error::content(path, error.to_string(), "restore it from a copy, or remove it")
    };
    serde_json::from_slice(&bytes).map(Some).map_err(wrong)
}

/// Bytes in JSON: hexadecimal.
pub mod hex {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    /// Writes them.
    pub fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&crypto::to_hex(bytes))
    }

    /// Reads them.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        crypto::from_hex(&text).map_err(|_| D::Error::custom("expected hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_nothing_is_left_beside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("value.json");
        assert!(read_json::<Vec<u32>>(&path).unwrap().is_none());
        write_json(&path, &[1, 2]).unwrap();
        assert_eq!(read_json::<Vec<u32>>(&path).unwrap().unwrap(), [1, 2]);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        fs::write(&path, "[1,").unwrap();
        assert!(matches!(read_json::<Vec<u32>>(&path), Err(Error::Content { .. })));
        assert!(matches!(read_up_to(&path, 2), Err(Error::Content { .. })));
        assert!(matches!(read_whole(&folder.path().join("no"), 2), Err(Error::File { .. })));
    }
}
