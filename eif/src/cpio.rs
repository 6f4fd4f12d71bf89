//! Archives that the kernel unpacks as its first root: cpio, format newc (Documentation/
//! driver-api/early-userspace/buffer-format.rst of Linux). Nothing of the machine that builds goes
//! in: owner 0, time 0, inodes counted from 1, entries in the order given.

use crate::error::EifError;
use crate::{ENTRIES_MAX, PATH_BYTES_MAX};
use std::collections::BTreeSet;

const MAGIC: &[u8] = b"070701";
const TRAILER: &str = "TRAILER!!!";
/// Archives end at a multiple of this, in bytes, as the kernel's own tool pads them: a second
/// archive may follow directly.
const BLOCK_BYTES: usize = 512;
const PERMISSIONS_MAX: u32 = 0o7777;

/// One entry of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Absolute path without `.` and `..`, such as `/dev/null`.
    pub path: String,
    /// Permission bits, such as 0o755.
    pub permissions: u32,
    /// What it is.
    pub node: Node,
}

/// What an entry is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// A directory.
    Directory,
    /// A regular file with its content.
    File(Vec<u8>),
    /// A symbolic link with its target.
    Link(String),
    /// A character device.
    Device {
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
}

impl Node {
    fn type_bits(&self) -> u32 {
        match self {
            Node::Directory => 0o040_000,
            Node::File(_) => 0o100_000,
            Node::Link(_) => 0o120_000,
            Node::Device { .. } => 0o020_000,
        }
    }
}

/// The archive of these entries. Paths must be absolute, plain and distinct, and a directory must
/// stand before what is in it, if it stands in this archive at all.
pub fn archive(entries: &[Entry]) -> Result<Vec<u8>, EifError> {
    check(entries)?;
    let mut bytes = Vec::new();
    for (index, entry) in entries.iter().enumerate() {
        let (data, device): (&[u8], _) = match &entry.node {
            Node::File(content) => (content, (0, 0)),
            Node::Link(target) => (target.as_bytes(), (0, 0)),
            Node::Device { major, minor } => (&[], (*major, *minor)),
            Node::Directory => (&[], (0, 0)),
        };
        let links = if entry.node == Node::Directory { 2 } else { 1 };
        let mode = entry.node.type_bits() | entry.permissions;
        let head = Head { inode: index as u32 + 1, mode, links, device };
        put(&mut bytes, &head, &entry.path[1..], data);
    }
    put(&mut bytes, &Head { inode: 0, mode: 0, links: 1, device: (0, 0) }, TRAILER, &[]);
    bytes.resize(bytes.len().next_multiple_of(BLOCK_BYTES), 0);
    Ok(bytes)
}

struct Head {
    inode: u32,
    mode: u32,
    links: u32,
    device: (u32, u32),
}

fn put(bytes: &mut Vec<u8>, head: &Head, name: &str, data: &[u8]) {
    let (zero, name_bytes) = (0, name.len() as u32 + 1);
    let (major, minor) = head.device;
    let data_bytes = data.len() as u32;
    // inode, mode, uid, gid, links, time, size, device (2), device of a node (2), name, check
    let fields = [
        head.inode, head.mode, zero, zero, head.links, zero, data_bytes, zero, zero, major, minor,
        name_bytes, zero,
    ];
    bytes.extend_from_slice(MAGIC);
    for field in fields {
        bytes.extend_from_slice(format!("{field:08X}").as_bytes());
    }
    bytes.extend_from_slice(name.as_bytes());
    bytes.push(0);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes.extend_from_slice(data);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

fn check(entries: &[Entry]) -> Result<(), EifError> {
    let refuse = |entry: &Entry, expected, found: String| {
        Err(EifError::Entry { path: entry.path.clone(), expected, found })
    };
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for (index, entry) in entries.iter().enumerate() {
        let path = entry.path.as_str();
        if index == ENTRIES_MAX {
            return refuse(entry, "fewer entries", format!("more than {ENTRIES_MAX}"));
        }
        if path.len() > PATH_BYTES_MAX {
            return refuse(entry, "a shorter path", format!("{} bytes", path.len()));
        }
        let plain = |part: &str| {
            !part.is_empty()
                && part != "."
                && part != ".."
                && part.bytes().all(|b| b > b' ' && b < 0x7f)
        };
        if !path.starts_with('/') || !path[1..].split('/').all(plain) || path == "/TRAILER!!!" {
            return refuse(entry, "an absolute path of plain names", format!("{path:?}"));
        }
        if entry.permissions > PERMISSIONS_MAX {
            return refuse(entry, "permissions up to 7777", format!("{:o}", entry.permissions));
        }
        if !seen.insert(path) {
            return refuse(entry, "each path once", "it again".into());
        }
        let content_bytes = match &entry.node {
            Node::File(content) => content.len(),
            Node::Link(target) if target.is_empty() => {
                return refuse(entry, "a target", "none".into());
            }
            Node::Link(target) => target.len(),
            _ => 0,
        };
        if content_bytes > crate::IMAGE_BYTES_MAX {
            return refuse(entry, "a smaller file", format!("{content_bytes} bytes"));
        }
    }
    for (index, entry) in entries.iter().enumerate() {
        let inside = |other: &&Entry| {
            other.path.strip_prefix(&entry.path).is_some_and(|rest| rest.starts_with('/'))
        };
        if let Some(early) = entries[..index].iter().find(inside) {
            return refuse(early, "its directory before it", format!("{} after it", entry.path));
        }
        let within = entries[index..].iter().find(inside);
        if let Some(within) = within.filter(|_| entry.node != Node::Directory) {
            return refuse(within, "a directory above it", format!("{} is none", entry.path));
        }
    }
    Ok(())
}
