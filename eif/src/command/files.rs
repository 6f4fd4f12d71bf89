//! Files: read up to a limit, written whole or not at all.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

/// Largest text file that is only hashed, in bytes.
pub(crate) const TEXT_BYTES_MAX: usize = 1 << 20;

/// The bytes of a file of at most `max` bytes.
pub(crate) fn read(path: &Path, max: usize) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(max as u64 + 1).read_to_end(&mut bytes))
        .map_err(|error| format!("{}: {error}", path.display()))?;
    if bytes.len() > max {
        return Err(format!("{}: larger than the {max} bytes that are read", path.display()));
    }
    Ok(bytes)
}

/// The text of a file of at most `max` bytes.
pub(crate) fn text(path: &Path, max: usize) -> Result<String, String> {
    String::from_utf8(read(path, max)?).map_err(|_| format!("{}: no UTF-8", path.display()))
}

/// Writes under another name in the same folder, then renames.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let mut name = path.file_name().ok_or("the output has no file name")?.to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    let put = || -> io::Result<()> {
        let mut file = File::create(&part)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&part, path)
    };
    put().map_err(|error| format!("{}: {error}", path.display()))
}
