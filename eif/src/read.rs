//! The reader: strict, and for bytes of unknown origin. Sections must follow one another without
//! gap or overlap from the header to the end of the file, in the one order that AWS's tools
//! write, and the table in the header must say the same as the headers of the sections. Nothing is
//! allocated before the file's own length has vouched for it.

use crate::error::EifError;
use crate::image::{Architecture, Image};
use crate::{
    CMDLINE_BYTES_MAX, HEADER_BYTES, IMAGE_BYTES_MAX, MAGIC, SECTION_HEADER_BYTES, SECTIONS_MAX,
    VERSION, crc,
};

/// Kernel, command line, metadata and one ramdisk.
const SECTIONS_MIN: usize = 4;

/// What a section holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Kernel,
    Cmdline,
    Ramdisk,
    Signature,
    Metadata,
}

impl Kind {
    pub(crate) fn number(self) -> u16 {
        match self {
            Kind::Kernel => 1,
            Kind::Cmdline => 2,
            Kind::Ramdisk => 3,
            Kind::Signature => 4,
            Kind::Metadata => 5,
        }
    }

    pub(crate) fn of(number: u16) -> Option<Self> {
        [Kind::Kernel, Kind::Cmdline, Kind::Ramdisk, Kind::Signature, Kind::Metadata]
            .into_iter()
            .find(|kind| kind.number() == number)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Kind::Kernel => "kernel",
            Kind::Cmdline => "cmdline",
            Kind::Ramdisk => "ramdisk",
            Kind::Signature => "signature",
            Kind::Metadata => "metadata",
        }
    }
}

/// The header's fields as they stand there, nothing judged.
#[derive(Debug, Clone)]
pub(crate) struct Header {
    pub(crate) magic: [u8; 4],
    pub(crate) version: u16,
    pub(crate) flags: u16,
    pub(crate) default_memory_bytes: u64,
    pub(crate) default_cpus: u64,
    pub(crate) reserved: u16,
    pub(crate) sections: u16,
    pub(crate) offsets: [u64; SECTIONS_MAX],
    pub(crate) sizes: [u64; SECTIONS_MAX],
    pub(crate) unused: u32,
    pub(crate) crc: u32,
}

impl Header {
    /// The header, and the bytes after it; `None` when there are too few bytes.
    pub(crate) fn split(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (head, body) = bytes.split_first_chunk::<HEADER_BYTES>()?;
        let u16_at = |at: usize| u16::from_be_bytes(part(head, at));
        let u32_at = |at: usize| u32::from_be_bytes(part(head, at));
        let u64_at = |at: usize| u64::from_be_bytes(part(head, at));
        let header = Self {
            magic: part(head, 0),
            version: u16_at(4),
            flags: u16_at(6),
            default_memory_bytes: u64_at(8),
            default_cpus: u64_at(16),
            reserved: u16_at(24),
            sections: u16_at(26),
            offsets: std::array::from_fn(|index| u64_at(28 + 8 * index)),
            sizes: std::array::from_fn(|index| u64_at(28 + 8 * (SECTIONS_MAX + index))),
            unused: u32_at(540),
            crc: u32_at(544),
        };
        Some((header, body))
    }

    /// Checks I2 to I7; the architecture.
    fn check(&self) -> Result<Architecture, EifError> {
        let refuse = |check, field, expected: String, found: String| {
            Err(EifError::Header { check, field, expected, found })
        };
        if self.magic != MAGIC {
            let found = format!("{:02x?}", self.magic);
            return refuse(2, "magic", format!("{MAGIC:02x?} (.eif)"), found);
        }
        if self.version != VERSION {
            return refuse(3, "version", VERSION.to_string(), self.version.to_string());
        }
        let architecture = match self.flags {
            0 => Architecture::X86_64,
            1 => Architecture::Aarch64,
            flags => {
                return refuse(4, "flags", "0 or 1".into(), format!("{flags:#06x}"));
            }
        };
        if self.reserved != 0 || self.unused != 0 {
            let found = format!("{:#x} and {:#x}", self.reserved, self.unused);
            return refuse(5, "reserved fields", "zeros".into(), found);
        }
        let count = usize::from(self.sections);
        if !(SECTIONS_MIN..=SECTIONS_MAX).contains(&count) {
            let expected = format!("{SECTIONS_MIN} to {SECTIONS_MAX}");
            return refuse(6, "number of sections", expected, count.to_string());
        }
        let beyond = |table: &[u64; SECTIONS_MAX]| table[count..].iter().any(|entry| *entry != 0);
        if beyond(&self.offsets) || beyond(&self.sizes) {
            let found = format!("another entry after the {count} sections");
            return refuse(7, "unused table entries", "zeros".into(), found);
        }
        Ok(architecture)
    }
}

/// Reads an image: layout, sizes, order, checksum, command line and, where there is one, the
/// signature over PCR0 (checks I1 to I16). What it returns writes back to the same bytes.
pub fn read(bytes: &[u8]) -> Result<Image, EifError> {
    let wrong_size = |expected: String| EifError::Size { expected, found: bytes.len() as u64 };
    if bytes.len() > IMAGE_BYTES_MAX {
        return Err(wrong_size(format!("at most {IMAGE_BYTES_MAX} bytes")));
    }
    let (header, body) = Header::split(bytes)
        .ok_or_else(|| wrong_size(format!("at least the {HEADER_BYTES} bytes of a header")))?;
    let architecture = header.check()?;
    let sections = cut(bytes, &header)?;
    let computed = crc::crc32(&[&bytes[..HEADER_BYTES - 4], body]);
    if computed != header.crc {
        return Err(EifError::Crc { said: header.crc, computed });
    }
    let image = assemble(&header, architecture, &sections)?;
    image.check()?;
    Ok(image)
}

/// The sections in file order (checks I8, I9, I12).
fn cut<'a>(bytes: &'a [u8], header: &Header) -> Result<Vec<(Kind, &'a [u8])>, EifError> {
    let mut rest = &bytes[HEADER_BYTES..];
    let mut sections = Vec::with_capacity(SECTIONS_MAX);
    for index in 0..usize::from(header.sections) {
        let refuse = |check, field, expected: String, found: String| {
            Err(EifError::Section { check, index, field, expected, found })
        };
        let at = (bytes.len() - rest.len()) as u64;
        let (offset, size) = (header.offsets[index], header.sizes[index]);
        if offset != at {
            return refuse(8, "offset in the header", at.to_string(), offset.to_string());
        }
        let Some((head, after)) = rest.split_first_chunk::<SECTION_HEADER_BYTES>() else {
            let expected = format!("{SECTION_HEADER_BYTES} bytes of section header");
            return refuse(9, "bytes left", expected, rest.len().to_string());
        };
        let number = u16::from_be_bytes(part(head, 0));
        let Some(kind) = Kind::of(number) else {
            return refuse(9, "type", "1 to 5".into(), number.to_string());
        };
        let flags = u16::from_be_bytes(part(head, 2));
        if flags != 0 {
            return refuse(9, "flags", "0".into(), format!("{flags:#06x}"));
        }
        let stated = u64::from_be_bytes(part(head, 4));
        if stated != size {
            return refuse(9, "size", format!("{size} as in the header"), stated.to_string());
        }
        let data = usize::try_from(size).ok().and_then(|size| after.split_at_checked(size));
        let Some((data, after)) = data else {
            return refuse(9, "bytes left", format!("{size} of data"), after.len().to_string());
        };
        sections.push((kind, data));
        rest = after;
    }
    if !rest.is_empty() {
        return Err(EifError::Section {
            check: 12,
            index: sections.len(),
            field: "end of the file",
            expected: "nothing after the last section".into(),
            found: format!("{} bytes", rest.len()),
        });
    }
    Ok(sections)
}

/// The parts, in the one order (check I10): kernel, command line, metadata, ramdisks, signature.
fn assemble(
    header: &Header,
    architecture: Architecture,
    sections: &[(Kind, &[u8])],
) -> Result<Image, EifError> {
    let mut ramdisks = Vec::new();
    let mut signature = None;
    let last = sections.len() - 1;
    for (index, (kind, data)) in sections.iter().enumerate() {
        let expected: &[Kind] = match index {
            0 => &[Kind::Kernel],
            1 => &[Kind::Cmdline],
            2 => &[Kind::Metadata],
            _ if index == last && index > 3 => &[Kind::Ramdisk, Kind::Signature],
            _ => &[Kind::Ramdisk],
        };
        if !expected.contains(kind) {
            let names: Vec<_> = expected.iter().map(|kind| kind.name()).collect();
            return Err(EifError::Section {
                check: 10,
                index,
                field: "kind",
                expected: names.join(" or "),
                found: kind.name().into(),
            });
        }
        match kind {
            Kind::Ramdisk => ramdisks.push(data.to_vec()),
            Kind::Signature => signature = Some(data.to_vec()),
            _ => {}
        }
    }
    let cmdline = sections[1].1;
    let shown = &cmdline[..cmdline.len().min(CMDLINE_BYTES_MAX)];
    let cmdline = std::str::from_utf8(cmdline).map_err(|_| EifError::Cmdline {
        expected: "printable ASCII on one line",
        found: format!("{:?}", String::from_utf8_lossy(shown)),
    })?;
    Ok(Image {
        architecture,
        default_memory_bytes: header.default_memory_bytes,
        default_cpus: header.default_cpus,
        kernel: sections[0].1.to_vec(),
        cmdline: cmdline.to_owned(),
        metadata: sections[2].1.to_vec(),
        ramdisks,
        signature,
    })
}

/// `N` bytes at a fixed place inside a fixed-size array.
fn part<const N: usize, const OF: usize>(bytes: &[u8; OF], at: usize) -> [u8; N] {
    std::array::from_fn(|index| bytes[at + index])
}
