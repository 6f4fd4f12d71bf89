//! `initramfs.list`: every file of the image, one a line, in the words of the kernel's
//! gen_init_cpio with a first column that says which archive it goes to.
//!
//! ```text
//! base dir  /dev         0755 0 0
//! base nod  /dev/console 0600 0 0 c 5 1
//! app  file /init        probity-enclave 0755 0 0
//! ```

use crate::LIST_BYTES_MAX;
use crate::cpio::{Entry, Node};
use crate::error::EifError;

/// Which archive an entry goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The first ramdisk: measured with kernel and command line into PCR1.
    Base,
    /// The second ramdisk: the application, PCR2.
    App,
}

/// The entries of one part. `content` gives the bytes of a file by the name in the list.
pub fn entries(
    text: &str,
    part: Part,
    mut content: impl FnMut(&str) -> Option<Vec<u8>>,
) -> Result<Vec<Entry>, EifError> {
    if text.len() > LIST_BYTES_MAX {
        let found = format!("{} bytes", text.len());
        return Err(EifError::List { line: 1, expected: "a shorter list", found });
    }
    let mut entries = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let words = line.split('#').next().unwrap_or_default();
        let words: Vec<&str> = words.split_whitespace().collect();
        let refuse = |expected, found: &str| EifError::List {
            line: index + 1,
            expected,
            found: found.into(),
        };
        let Some((column, rest)) = words.split_first() else { continue };
        let of = match *column {
            "base" => Part::Base,
            "app" => Part::App,
            other => return Err(refuse("base or app", other)),
        };
        let (path, permissions, owner, node) = match *rest {
            ["dir", path, mode, uid, gid] => (path, mode, [uid, gid], Node::Directory),
            ["slink", path, to, mode, uid, gid] => (path, mode, [uid, gid], Node::Link(to.into())),
            ["nod", path, mode, uid, gid, "c", major, minor] => {
                let number = |word: &str| word.parse().map_err(|_| refuse("a device number", word));
                let node = Node::Device { major: number(major)?, minor: number(minor)? };
                (path, mode, [uid, gid], node)
            }
            ["file", path, source, mode, uid, gid] => {
                let bytes = match of == part {
                    true => content(source)
                        .ok_or_else(|| refuse("a file that was given by this name", source))?,
                    false => Vec::new(),
                };
                (path, mode, [uid, gid], Node::File(bytes))
            }
            _ => return Err(refuse("a dir, nod, slink or file with its fields", line)),
        };
        if owner != ["0", "0"] {
            return Err(refuse("owner 0 0", &owner.join(" ")));
        }
        let permissions = u32::from_str_radix(permissions, 8)
            .map_err(|_| refuse("permissions in octal", permissions))?;
        if of == part {
            entries.push(Entry { path: path.to_owned(), permissions, node });
        }
    }
    Ok(entries)
}
