//! Why bytes are not an image, or cannot become one. Every refusal says which check of FORMAT.md
//! failed, what was expected, what was found, and what to do.

/// Why an image, an archive, a list, a key or a list of releases is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EifError {
    /// The file is too small to hold a header, or larger than is read.
    #[error("I1 image: expected {expected}, found {found} bytes; is this a whole .eif file?")]
    Size {
        /// The sizes that are taken, in words.
        expected: String,
        /// The file's size in bytes.
        found: u64,
    },
    /// A field of the header is not as the format has it (I2 to I8).
    #[error("I{check} header, {field}: expected {expected}, found {found}; build the image again")]
    Header {
        /// Number of the check in FORMAT.md.
        check: u8,
        /// Name of the field.
        field: &'static str,
        /// What may stand there.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// A section is not as the format has it (I8 to I12).
    #[error(
        "I{check} section {index}, {field}: expected {expected}, found {found}; \
         build the image again"
    )]
    Section {
        /// Number of the check in FORMAT.md.
        check: u8,
        /// The section's place, from 0.
        index: usize,
        /// What was looked at.
        field: &'static str,
        /// What may stand there.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// The checksum in the header is not that of the bytes.
    #[error(
        "I13 CRC-32: expected {computed:08x} from the bytes, found {said:08x} in the header; the \
         file was damaged or edited: fetch or build it again"
    )]
    Crc {
        /// What the header says.
        said: u32,
        /// What the bytes give.
        computed: u32,
    },
    /// The command line cannot be passed to a kernel.
    #[error("I14 command line: expected {expected}, found {found}; correct the cmdline file")]
    Cmdline {
        /// What is taken.
        expected: &'static str,
        /// What was given.
        found: String,
    },
    /// The signature section has not AWS's form.
    #[error("I15 signature section: expected {expected}, found {found}; sign the image again")]
    SignatureForm {
        /// What had to stand there.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// The signature is not one over this image's PCR0 by the certificate's key.
    #[error("I16 signature: expected {expected}, found {found}; sign the image again")]
    Signature {
        /// What was expected.
        expected: &'static str,
        /// What was found.
        found: String,
    },
    /// A private key or certificate file cannot be used for signing.
    #[error("{file}: expected {expected}, found {found}; {advice}")]
    Key {
        /// Which file: `private key` or `certificate`.
        file: &'static str,
        /// What is taken.
        expected: &'static str,
        /// What was found.
        found: String,
        /// What to do.
        advice: &'static str,
    },
    /// An archive's entry cannot be written.
    #[error("archive entry {path:?}: expected {expected}, found {found}; correct initramfs.list")]
    Entry {
        /// The entry's path.
        path: String,
        /// What is taken.
        expected: &'static str,
        /// What was given.
        found: String,
    },
    /// A line of `initramfs.list` cannot be read.
    #[error("initramfs.list, line {line}: expected {expected}, found {found:?}; correct the line")]
    List {
        /// Number of the line, from 1.
        line: usize,
        /// What had to stand there.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// A list of releases cannot be read.
    #[error("measurements: expected {expected}, found {found}; write it with eif/build")]
    Releases {
        /// What was expected.
        expected: &'static str,
        /// What was found.
        found: String,
    },
}
