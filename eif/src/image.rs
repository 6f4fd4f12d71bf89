//! An image in memory: its parts, its registers, its bytes. What is written is what `read` takes,
//! by the same checks, so an image that cannot be read cannot be written.

use crate::error::EifError;
use crate::read::Kind;
use crate::signature::{Signature, pcr8_of};
use crate::{
    CMDLINE_BYTES_MAX, HEADER_BYTES, IMAGE_BYTES_MAX, MAGIC, METADATA_BYTES_MAX, RAMDISKS_MAX,
    SECTION_HEADER_BYTES, SECTIONS_MAX, VERSION, crc,
};

/// What AWS's tools write as default memory: 1 GiB, in bytes.
pub const DEFAULT_MEMORY_BYTES: u64 = 1 << 30;
/// What AWS's tools write as default number of CPUs.
pub const DEFAULT_CPUS: u64 = 2;

/// The machine that an image is for: bit 0 of the header's flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Architecture {
    /// Flags 0.
    #[serde(rename = "x86_64")]
    X86_64,
    /// Flags 1.
    #[serde(rename = "aarch64")]
    Aarch64,
}

impl Architecture {
    pub(crate) fn flags(self) -> u16 {
        match self {
            Architecture::X86_64 => 0,
            Architecture::Aarch64 => 1,
        }
    }

    /// The name that `uname -m` gives.
    pub fn name(self) -> &'static str {
        match self {
            Architecture::X86_64 => "x86_64",
            Architecture::Aarch64 => "aarch64",
        }
    }
}

/// The parts of an image. Only kernel, command line and ramdisks are measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The machine; not measured.
    pub architecture: Architecture,
    /// Memory that a launcher may take when it is told none, in bytes; not measured.
    pub default_memory_bytes: u64,
    /// CPUs that a launcher may take when it is told none; not measured.
    pub default_cpus: u64,
    /// The kernel: a bzImage on x86_64. PCR0 and PCR1.
    pub kernel: Vec<u8>,
    /// The kernel's command line, without an ending zero. PCR0 and PCR1.
    pub cmdline: String,
    /// JSON about the build; not measured. [`fixed_metadata`] gives the same bytes every time.
    pub metadata: Vec<u8>,
    /// Archives in the order in which the kernel unpacks them. PCR0; the first PCR1, the others
    /// PCR2.
    pub ramdisks: Vec<Vec<u8>>,
    /// The signature section as it stands in the file; not in PCR0 to 2. See [`crate::sign`].
    pub signature: Option<Vec<u8>>,
}

/// What the Nitro hypervisor measures when it starts an image, and verifiers compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measurements {
    /// Kernel, command line and all ramdisks.
    pub pcr0: [u8; 48],
    /// Kernel, command line and the first ramdisk.
    pub pcr1: [u8; 48],
    /// The other ramdisks.
    pub pcr2: [u8; 48],
    /// The signing certificate, where the image has a signature section that can be read.
    pub pcr8: Option<[u8; 48]>,
}

impl Image {
    /// An unsigned image for x86_64 with AWS's defaults.
    pub fn new(kernel: Vec<u8>, cmdline: String, metadata: Vec<u8>, disks: Vec<Vec<u8>>) -> Self {
        Self {
            architecture: Architecture::X86_64,
            default_memory_bytes: DEFAULT_MEMORY_BYTES,
            default_cpus: DEFAULT_CPUS,
            kernel,
            cmdline,
            metadata,
            ramdisks: disks,
            signature: None,
        }
    }

    /// The registers, computed from the parts. A signature is not verified here: [`crate::read`]
    /// and [`Image::to_bytes`] do that.
    pub fn measurements(&self) -> Measurements {
        let cmdline = self.cmdline.as_bytes();
        let disks: Vec<&[u8]> = self.ramdisks.iter().map(Vec::as_slice).collect();
        let (first, others) = disks.split_at(disks.len().min(1));
        let boot: Vec<&[u8]> = [&[self.kernel.as_slice(), cmdline], first].concat();
        let all: Vec<&[u8]> = [&boot, others].concat();
        let certificate = self.signature.as_deref().and_then(|section| {
            Signature::parse(section).ok().map(|signature| signature.certificate)
        });
        Measurements {
            pcr0: extended(&all),
            pcr1: extended(&boot),
            pcr2: extended(others),
            pcr8: certificate.map(|certificate| pcr8_of(&certificate.der)),
        }
    }

    /// The file. Fails where [`crate::read`] would refuse it.
    pub fn to_bytes(&self) -> Result<Vec<u8>, EifError> {
        self.check()?;
        let sections = self.sections();
        let total: usize = HEADER_BYTES
            + sections.iter().map(|(_, data)| SECTION_HEADER_BYTES + data.len()).sum::<usize>();
        if total > IMAGE_BYTES_MAX {
            let expected = format!("at most {IMAGE_BYTES_MAX} bytes");
            return Err(EifError::Size { expected, found: total as u64 });
        }
        let mut bytes = Vec::with_capacity(total);
        bytes.extend_from_slice(&self.header(&sections));
        for (kind, data) in &sections {
            bytes.extend_from_slice(&kind.number().to_be_bytes());
            bytes.extend_from_slice(&0u16.to_be_bytes());
            bytes.extend_from_slice(&(data.len() as u64).to_be_bytes());
            bytes.extend_from_slice(data);
        }
        let (head, body) = bytes.split_at(HEADER_BYTES);
        let crc = crc::crc32(&[&head[..HEADER_BYTES - 4], body]);
        bytes[HEADER_BYTES - 4..HEADER_BYTES].copy_from_slice(&crc.to_be_bytes());
        Ok(bytes)
    }

    /// The sections in the only order that is written and read.
    fn sections(&self) -> Vec<(Kind, &[u8])> {
        let mut sections = vec![
            (Kind::Kernel, self.kernel.as_slice()),
            (Kind::Cmdline, self.cmdline.as_bytes()),
            (Kind::Metadata, self.metadata.as_slice()),
        ];
        sections.extend(self.ramdisks.iter().map(|disk| (Kind::Ramdisk, disk.as_slice())));
        sections.extend(self.signature.iter().map(|data| (Kind::Signature, data.as_slice())));
        sections
    }

    /// The header with a CRC of zero.
    fn header(&self, sections: &[(Kind, &[u8])]) -> [u8; HEADER_BYTES] {
        let mut offsets = [0u64; SECTIONS_MAX];
        let mut sizes = [0u64; SECTIONS_MAX];
        let mut at = HEADER_BYTES as u64;
        for (index, (_, data)) in sections.iter().enumerate() {
            offsets[index] = at;
            sizes[index] = data.len() as u64;
            at += SECTION_HEADER_BYTES as u64 + data.len() as u64;
        }
        let mut fields = Vec::with_capacity(HEADER_BYTES);
        fields.extend_from_slice(&MAGIC);
        fields.extend_from_slice(&VERSION.to_be_bytes());
        fields.extend_from_slice(&self.architecture.flags().to_be_bytes());
        fields.extend_from_slice(&self.default_memory_bytes.to_be_bytes());
        fields.extend_from_slice(&self.default_cpus.to_be_bytes());
        fields.extend_from_slice(&0u16.to_be_bytes());
        fields.extend_from_slice(&(sections.len() as u16).to_be_bytes());
        for number in offsets.iter().chain(&sizes) {
            fields.extend_from_slice(&number.to_be_bytes());
        }
        let mut header = [0; HEADER_BYTES];
        header[..fields.len()].copy_from_slice(&fields);
        header
    }

    /// What does not depend on where a section lies: limits, command line, signature.
    pub(crate) fn check(&self) -> Result<(), EifError> {
        let count = self.ramdisks.len();
        if !(1..=RAMDISKS_MAX).contains(&count) {
            return Err(EifError::Header {
                check: 6,
                field: "ramdisks",
                expected: format!("1 to {RAMDISKS_MAX}"),
                found: count.to_string(),
            });
        }
        for (index, (kind, data)) in self.sections().into_iter().enumerate() {
            let max = kind.bytes_max();
            if data.is_empty() || data.len() > max {
                return Err(EifError::Section {
                    check: 11,
                    index,
                    field: kind.name(),
                    expected: format!("1 to {max} bytes"),
                    found: data.len().to_string(),
                });
            }
        }
        check_cmdline(&self.cmdline)?;
        if let Some(section) = &self.signature {
            Signature::parse(section)?.verify(&self.measurements().pcr0)?;
        }
        Ok(())
    }
}

impl Kind {
    /// Largest section of this kind, in bytes.
    pub(crate) fn bytes_max(self) -> usize {
        match self {
            Kind::Kernel | Kind::Ramdisk => IMAGE_BYTES_MAX,
            Kind::Cmdline => CMDLINE_BYTES_MAX,
            Kind::Metadata => METADATA_BYTES_MAX,
            Kind::Signature => crate::SIGNATURE_SECTION_BYTES_MAX,
        }
    }
}

fn check_cmdline(cmdline: &str) -> Result<(), EifError> {
    match cmdline.chars().find(|c| !matches!(c, ' '..='~')) {
        None => Ok(()),
        Some(other) => Err(EifError::Cmdline {
            expected: "printable ASCII on one line",
            found: format!("{other:?}"),
        }),
    }
}

/// A register of 48 zero bytes, extended once with SHA-384 of the parts.
fn extended(parts: &[&[u8]]) -> [u8; 48] {
    crypto::sha384(&[&[0; 48], &crypto::sha384(parts)])
}

/// Metadata of the form that AWS's tools insist on: `nitro-cli describe-enclaves` ends an enclave
/// whose metadata it cannot read. It holds no time of the build, so that the file is the same
/// whenever it is built. `name` is the image's, `kernel` the kernel's version.
pub fn fixed_metadata(name: &str, version: &str, kernel: &str) -> Vec<u8> {
    let metadata = Metadata {
        image_name: name,
        image_version: version,
        build_metadata: BuildMetadata {
            build_time: "1970-01-01T00:00:00Z",
            build_tool: "probity eif",
            build_tool_version: env!("CARGO_PKG_VERSION"),
            operating_system: "none",
            kernel_version: kernel,
        },
        docker_info: (),
        custom_metadata: (),
    };
    serde_json::to_vec(&metadata).expect("texts become JSON because none of them can fail")
}

/// A structure and no JSON map: its fields are written in this order whatever else is linked.
#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata<'a> {
    image_name: &'a str,
    image_version: &'a str,
    build_metadata: BuildMetadata<'a>,
    docker_info: (),
    custom_metadata: (),
}

#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
struct BuildMetadata<'a> {
    build_time: &'a str,
    build_tool: &'a str,
    build_tool_version: &'a str,
    operating_system: &'a str,
    kernel_version: &'a str,
}
