//! What a file says of itself next to what its bytes give. A description is for people: it never
//! fails, shows control characters escaped, and has registers only for an image that
//! [`crate::read`] accepts, because those of another file could be anything.

use crate::error::EifError;
use crate::image::Measurements;
use crate::read::{Header, Kind, read};
use crate::signature::{Certificate, Signature};
use crate::{HEADER_BYTES, SECTION_HEADER_BYTES, SECTIONS_MAX, crc};
use std::fmt::{Display, Formatter};

/// Longest piece of the file's own text that is shown, in characters.
const TEXT_CHARS_MAX: usize = 4_096;

/// One section as the header's table has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Its kind by its own header; `None` where there is none, or of no known type.
    pub kind: Option<&'static str>,
    /// Offset of its header in the file, in bytes.
    pub offset: u64,
    /// Size of its data, in bytes.
    pub bytes: u64,
    /// Whether it counts in PCR0.
    pub measured: bool,
}

/// What is known of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Size of the file, in bytes.
    pub file_bytes: u64,
    /// Version that the header claims; 0 for a file without one.
    pub version: u16,
    /// Flags that the header claims: 0 is x86_64, 1 aarch64.
    pub flags: u16,
    /// Default memory that the header claims, in bytes.
    pub default_memory_bytes: u64,
    /// Default number of CPUs that the header claims.
    pub default_cpus: u64,
    /// The table of the header.
    pub sections: Vec<Section>,
    /// Checksum in the header.
    pub crc_said: u32,
    /// Checksum of the bytes.
    pub crc_computed: u32,
    /// Kernel command line of an accepted image.
    pub cmdline: Option<String>,
    /// Metadata of an accepted image, control characters escaped. Not measured: anyone may have
    /// written it.
    pub metadata: Option<String>,
    /// Certificate of an accepted image whose signature over PCR0 is therefore good.
    pub certificate: Option<Certificate>,
    /// Registers of an accepted image.
    pub measurements: Option<Measurements>,
    /// Why the file is refused; `None` for an accepted image.
    pub refused: Option<EifError>,
}

/// Describes any bytes.
pub fn describe(bytes: &[u8]) -> Description {
    let mut description = claims(bytes);
    match read(bytes) {
        Err(error) => description.refused = Some(error),
        Ok(image) => {
            let signature = image.signature.as_deref().and_then(|data| Signature::parse(data).ok());
            description.certificate = signature.map(|signature| signature.certificate);
            description.measurements = Some(image.measurements());
            description.metadata = Some(shown(&String::from_utf8_lossy(&image.metadata)));
            description.cmdline = Some(image.cmdline);
        }
    }
    description
}

/// The header's claims, whatever they are worth.
fn claims(bytes: &[u8]) -> Description {
    let header = Header::split(bytes);
    let computed =
        header.as_ref().map_or(0, |(_, body)| crc::crc32(&[&bytes[..HEADER_BYTES - 4], body]));
    let header = header.map(|(header, _)| header);
    let of = |field: fn(&Header) -> u64| header.as_ref().map_or(0, field);
    Description {
        file_bytes: bytes.len() as u64,
        version: header.as_ref().map_or(0, |header| header.version),
        flags: header.as_ref().map_or(0, |header| header.flags),
        default_memory_bytes: of(|header| header.default_memory_bytes),
        default_cpus: of(|header| header.default_cpus),
        sections: header.as_ref().map_or_else(Vec::new, |header| sections(bytes, header)),
        crc_said: header.as_ref().map_or(0, |header| header.crc),
        crc_computed: computed,
        cmdline: None,
        metadata: None,
        certificate: None,
        measurements: None,
        refused: None,
    }
}

fn sections(bytes: &[u8], header: &Header) -> Vec<Section> {
    let count = usize::from(header.sections).min(SECTIONS_MAX);
    let table = header.offsets.iter().zip(&header.sizes).take(count);
    table
        .map(|(offset, size)| {
            let at = usize::try_from(*offset).ok();
            let head = at.and_then(|at| bytes.get(at..)?.first_chunk::<SECTION_HEADER_BYTES>());
            let kind = head.and_then(|head| Kind::of(u16::from_be_bytes([head[0], head[1]])));
            Section {
                kind: kind.map(Kind::name),
                offset: *offset,
                bytes: *size,
                measured: matches!(kind, Some(Kind::Kernel | Kind::Cmdline | Kind::Ramdisk)),
            }
        })
        .collect()
}

/// Text of the file, safe to print and not endless.
fn shown(text: &str) -> String {
    let mut shown: String = text
        .chars()
        .take(TEXT_CHARS_MAX)
        .map(|c| if c.is_control() { format!("\\u{{{:x}}}", u32::from(c)) } else { c.into() })
        .collect();
    if text.chars().nth(TEXT_CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown
}

impl Description {
    /// The description as JSON for other programs; registers are hexadecimal.
    pub fn to_json(&self) -> serde_json::Value {
        let registers = self.measurements.map(|measured| {
            serde_json::json!({
                "pcr0": crypto::to_hex(&measured.pcr0),
                "pcr1": crypto::to_hex(&measured.pcr1),
                "pcr2": crypto::to_hex(&measured.pcr2),
                "pcr8": measured.pcr8.map(|pcr| crypto::to_hex(&pcr)),
            })
        });
        let section = |section: &Section| {
            serde_json::json!({
                "kind": section.kind,
                "offset": section.offset,
                "bytes": section.bytes,
                "measured": section.measured,
            })
        };
        let certificate = self.certificate.as_ref().map(|certificate| {
            serde_json::json!({
                "subject": shown(&certificate.subject),
                "not_before": certificate.not_before_s,
                "not_after": certificate.not_after_s,
            })
        });
        serde_json::json!({
            "accepted": self.refused.is_none(),
            "refused": self.refused.as_ref().map(|error| shown(&error.to_string())),
            "file_bytes": self.file_bytes,
            "version": self.version,
            "flags": self.flags,
            "default_memory_bytes": self.default_memory_bytes,
            "default_cpus": self.default_cpus,
            "crc": { "said": self.crc_said, "computed": self.crc_computed },
            "sections": self.sections.iter().map(section).collect::<Vec<_>>(),
            "cmdline": self.cmdline,
            "metadata": self.metadata,
            "certificate": certificate,
            "measurements": registers,
        })
    }
}

impl Display for Description {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let machine = match self.flags {
            0 => "x86_64",
            1 => "aarch64",
            _ => "unknown machine",
        };
        writeln!(f, "image      {} bytes, version {}, {machine}", self.file_bytes, self.version)?;
        let (memory, cpus) = (self.default_memory_bytes >> 20, self.default_cpus);
        writeln!(f, "defaults   {memory} MiB, {cpus} CPUs (not measured)")?;
        let agrees = if self.crc_said == self.crc_computed { "agrees" } else { "DIFFERS" };
        writeln!(
            f,
            "crc-32     {:08x} in the header, {:08x} computed: {agrees}",
            self.crc_said, self.crc_computed
        )?;
        for section in &self.sections {
            let kind = section.kind.unwrap_or("unknown");
            let measured = if section.measured { "measured" } else { "not measured" };
            let (bytes, offset) = (section.bytes, section.offset);
            writeln!(f, "section    {kind:<9} {bytes:>10} bytes at {offset:>10}  {measured}")?;
        }
        if let Some(cmdline) = &self.cmdline {
            writeln!(f, "cmdline    {cmdline}")?;
        }
        if let Some(metadata) = &self.metadata {
            writeln!(f, "metadata   {metadata} (anyone may have written it)")?;
        }
        if let Some(certificate) = &self.certificate {
            writeln!(f, "signature  verifies under {}", shown(&certificate.subject))?;
        }
        if let Some(measured) = &self.measurements {
            writeln!(f, "PCR0       {}", crypto::to_hex(&measured.pcr0))?;
            writeln!(f, "PCR1       {}", crypto::to_hex(&measured.pcr1))?;
            writeln!(f, "PCR2       {}", crypto::to_hex(&measured.pcr2))?;
            if let Some(pcr8) = &measured.pcr8 {
                writeln!(f, "PCR8       {}", crypto::to_hex(pcr8))?;
            }
        }
        match &self.refused {
            Some(error) => writeln!(f, "REFUSED    {}", shown(&error.to_string())),
            None => writeln!(f, "ACCEPTED   every check of the format; trust comes from the PCRs"),
        }
    }
}
