//! Enclave images (EIF version 4): written, read, measured, described, signed. FORMAT.md is the
//! specification. Everything here works on bytes in memory. It must never accept a file that has
//! two readings, never trust a length before it has been compared with the bytes at hand, and
//! never call a register measured that it has not computed itself.
//!
//! ```
//! # fn show(bytes: &[u8]) -> Result<(), eif::EifError> {
//! let image = eif::read(bytes)?; // strict: order, sizes, CRC, signature
//! let measured = image.measurements();
//! println!("PCR0 {}", crypto::to_hex(&measured.pcr0));
//! # Ok(())
//! # }
//! ```

pub mod cpio;
pub mod list;
pub mod release;

mod crc;
mod describe;
mod error;
mod image;
mod pem;
mod read;
mod sign;
mod signature;

pub use describe::{Description, Section, describe};
pub use error::EifError;
pub use image::{Architecture, Image, Measurements, fixed_metadata};
pub use read::read;
pub use sign::sign;
pub use signature::{Certificate, pcr8_of};

/// The version of the format that is read and written.
pub const VERSION: u16 = 4;
/// The first four bytes of every image: `.eif`.
pub const MAGIC: [u8; 4] = *b".eif";
/// Entries of the header's two tables, and so the most sections.
pub const SECTIONS_MAX: usize = 32;
/// Size of the header, in bytes.
pub const HEADER_BYTES: usize = 548;
/// Size of the header in front of each section, in bytes.
pub const SECTION_HEADER_BYTES: usize = 12;
/// Largest image that is read or written, in bytes.
pub const IMAGE_BYTES_MAX: usize = 512 << 20;
/// Longest kernel command line, in bytes: Linux takes 2,048 with the ending zero.
pub const CMDLINE_BYTES_MAX: usize = 2_047;
/// Largest metadata section, in bytes.
pub const METADATA_BYTES_MAX: usize = 1 << 20;
/// Most ramdisks: kernel, command line, metadata and signature take the other sections.
pub const RAMDISKS_MAX: usize = SECTIONS_MAX - 4;
/// Largest signature section, in bytes. AWS encodes byte strings as arrays of numbers there.
pub const SIGNATURE_SECTION_BYTES_MAX: usize = 64 << 10;
/// Largest signing certificate, in bytes of PEM.
pub const CERTIFICATE_PEM_BYTES_MAX: usize = 16 << 10;
/// Largest COSE_Sign1 over PCR0, in bytes.
pub const COSE_BYTES_MAX: usize = 1_024;
/// Largest private key file, in bytes of PEM.
pub const KEY_PEM_BYTES_MAX: usize = 16 << 10;
/// Largest `measurements.json`, in bytes.
pub const RELEASES_BYTES_MAX: usize = 1 << 20;
/// Most releases in it: as many as a policy takes.
pub const RELEASES_MAX: usize = 256;
/// Largest `initramfs.list`, in bytes.
pub const LIST_BYTES_MAX: usize = 64 << 10;
/// Most files of one archive.
pub const ENTRIES_MAX: usize = 1_024;
/// Longest path in an archive, in bytes.
pub const PATH_BYTES_MAX: usize = 255;
