//! Small files that other processes read: written whole or not at all, and a lock on a folder. It
//! must never leave half a file under the name that readers know.

use crate::error::Error;
use std::fs::{self, File, TryLockError};
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

/// Largest log of a measured boot that is judged, in bytes.
const EVENT_LOG_BYTES_MAX: u64 = 4 << 20;
/// Name of a folder's lock file.
const LOCK: &str = "LOCK";
/// How often who means to stay tries the lock.
const LOCK_TRIES: u32 = 5;
/// The pause between two tries.
const LOCK_PAUSE: Duration = Duration::from_millis(100);

/// Writes a small file so that readers see all of it or none.
pub fn publish(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let draft = path.with_extension("new");
    fs::write(&draft, bytes).map_err(Error::file(&draft))?;
    fs::rename(&draft, path).map_err(Error::file(path))
}

/// The firmware's log of the measured boot. The kernel's file has no length of its own; one that is
/// too long is read so far that the log's check refuses it (T26).
pub fn read_event_log(path: &Path) -> Result<Vec<u8>, Error> {
    let mut log = Vec::new();
    let read =
        File::open(path).and_then(|file| file.take(EVENT_LOG_BYTES_MAX + 1).read_to_end(&mut log));
    read.map_err(Error::file(path))?;
    Ok(log)
}

/// Holds a folder until it is dropped, also when the process is killed; `None` when another
/// process holds it.
pub fn lock(folder: &Path) -> Result<Option<File>, Error> {
    let path = folder.join(LOCK);
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(Error::file(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(Error::file(&path)(error)),
    }
}

/// The same for who means to stay: those who only look hold the lock for a moment.
pub async fn patient_lock(folder: &Path) -> Result<Option<File>, Error> {
    for _ in 0..LOCK_TRIES {
        if let Some(file) = lock(folder)? {
            return Ok(Some(file));
        }
        tokio::time::sleep(LOCK_PAUSE).await;
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_user() {
        let folder = tempfile::tempdir().unwrap();
        let first = lock(folder.path()).unwrap();
        assert!(first.is_some());
        assert!(lock(folder.path()).unwrap().is_none());
        drop(first);
        assert!(lock(folder.path()).unwrap().is_some());
    }

    #[test]
    fn a_published_file_replaces_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        publish(&path, b"first").unwrap();
        publish(&path, b"second").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"second");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
