//! The verbs of `eif`. Each reads bounded files, calls the library, writes through a temporary
//! name, so that no half-written image stands under the name that was asked for.

mod files;

use clap::{Parser, Subcommand, ValueEnum};
use eif::list::Part;
use eif::release::{Release, Releases, Variant};
use eif::{Architecture, Image};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// Builds, describes, signs and compares enclave images (EIF).
#[derive(Debug, Parser)]
#[command(name = "eif", version)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Write an archive of the files of one part of initramfs.list.
    Archive(Archive),
    /// Write an image from a kernel, a command line and archives.
    Build(Build),
    /// Show sections, checksum and registers of an image; exit 1 when it is refused.
    Describe {
        /// The image.
        image: PathBuf,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Sign an image with a P-384 key: PCR8 becomes that of the certificate.
    Sign(Sign),
    /// Compare two images part by part; exit 1 when a register differs.
    Compare {
        /// One image.
        one: PathBuf,
        /// The other.
        other: PathBuf,
    },
    /// Write the registers of an image as a release of measurements.json.
    Release(ReleaseOf),
    /// Compare an image with the newest release of measurements.json; exit 1 when it differs.
    Check {
        /// The image.
        image: PathBuf,
        /// The releases.
        #[arg(long)]
        measurements: PathBuf,
        /// Which of them.
        #[arg(long, value_enum, default_value = "release")]
        variant: VariantName,
    },
}

#[derive(Debug, clap::Args)]
struct Archive {
    /// The list.
    #[arg(long)]
    list: PathBuf,
    /// Which part of it.
    #[arg(long, value_enum)]
    part: PartName,
    /// A file of the list: the name that stands there, an equals sign, where it is.
    #[arg(long = "file", value_name = "NAME=PATH")]
    files: Vec<String>,
    /// Where to write.
    #[arg(long)]
    out: PathBuf,
}

#[derive(Debug, clap::Args)]
struct Build {
    /// bzImage on x86_64, Image on aarch64.
    #[arg(long)]
    kernel: PathBuf,
    /// Version of the kernel, for the metadata.
    #[arg(long, default_value = "unknown")]
    kernel_version: String,
    /// File with the command line; line feeds at its end are left out.
    #[arg(long)]
    cmdline: PathBuf,
    /// An archive; the first is measured into PCR1, the others into PCR2.
    #[arg(long = "ramdisk", required = true)]
    ramdisks: Vec<PathBuf>,
    /// Name of the image, for the metadata.
    #[arg(long, default_value = "probity")]
    name: String,
    /// Version of the image, for the metadata.
    #[arg(long, default_value = env!("CARGO_PKG_VERSION"))]
    image_version: String,
    /// Memory that a launcher may take when it is told none, in MiB.
    #[arg(long, default_value_t = 1024, value_parser = clap::value_parser!(u64).range(1..=1 << 24))]
    memory_mib: u64,
    /// The machine.
    #[arg(long, value_enum, default_value = "x86_64")]
    architecture: ArchitectureName,
    /// Where to write.
    #[arg(long)]
    out: PathBuf,
}

#[derive(Debug, clap::Args)]
struct Sign {
    /// The image.
    image: PathBuf,
    /// The certificate, PEM.
    #[arg(long)]
    certificate: PathBuf,
    /// Its private key, PEM.
    #[arg(long)]
    key: PathBuf,
    /// Where to write.
    #[arg(long)]
    out: PathBuf,
}

#[derive(Debug, clap::Args)]
struct ReleaseOf {
    /// The unsigned image.
    image: PathBuf,
    /// Version of the release.
    #[arg(long, default_value = env!("CARGO_PKG_VERSION"))]
    version: String,
    /// Which image.
    #[arg(long, value_enum, default_value = "release")]
    variant: VariantName,
    /// File with the list of trusted sources.
    #[arg(long)]
    sources: PathBuf,
    /// File with the inputs.
    #[arg(long)]
    inputs: PathBuf,
    /// Releases that this one is put among.
    #[arg(long)]
    into: Option<PathBuf>,
    /// Where to write.
    #[arg(long)]
    out: PathBuf,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum PartName {
    Base,
    App,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum VariantName {
    Release,
    Debug,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ArchitectureName {
    #[value(name = "x86_64")]
    X86_64,
    Aarch64,
}

impl From<VariantName> for Variant {
    fn from(name: VariantName) -> Self {
        match name {
            VariantName::Release => Variant::Release,
            VariantName::Debug => Variant::Debug,
        }
    }
}

impl Arguments {
    /// Whether what was asked about is so.
    pub(crate) fn run(&self) -> Outcome<bool> {
        match &self.verb {
            Verb::Archive(asked) => archive(asked),
            Verb::Build(asked) => build(asked),
            Verb::Describe { image, json } => describe(image, *json),
            Verb::Sign(asked) => sign(asked),
            Verb::Compare { one, other } => compare(one, other),
            Verb::Release(asked) => release(asked),
            Verb::Check { image, measurements, variant } => {
                check(image, measurements, (*variant).into())
            }
        }
    }
}

fn archive(asked: &Archive) -> Outcome<bool> {
    let mut given = Vec::new();
    for file in &asked.files {
        let (name, path) = file.split_once('=').ok_or("--file takes NAME=PATH")?;
        given.push((name, files::read(Path::new(path), eif::IMAGE_BYTES_MAX)?));
    }
    let list = files::text(&asked.list, eif::LIST_BYTES_MAX)?;
    let part = match asked.part {
        PartName::Base => Part::Base,
        PartName::App => Part::App,
    };
    let entries = eif::list::entries(&list, part, |name| {
        given.iter().find(|(of, _)| *of == name).map(|(_, bytes)| bytes.clone())
    })?;
    files::write(&asked.out, &eif::cpio::archive(&entries)?)?;
    Ok(true)
}

fn build(asked: &Build) -> Outcome<bool> {
    let cmdline = files::text(&asked.cmdline, eif::CMDLINE_BYTES_MAX + 2)?;
    let ramdisks = asked.ramdisks.iter().map(|path| files::read(path, eif::IMAGE_BYTES_MAX));
    let mut image = Image::new(
        files::read(&asked.kernel, eif::IMAGE_BYTES_MAX)?,
        cmdline.trim_end_matches(['\n', '\r']).to_owned(),
        eif::fixed_metadata(&asked.name, &asked.image_version, &asked.kernel_version),
        ramdisks.collect::<Result<_, _>>()?,
    );
    image.default_memory_bytes = asked.memory_mib << 20;
    image.architecture = match asked.architecture {
        ArchitectureName::X86_64 => Architecture::X86_64,
        ArchitectureName::Aarch64 => Architecture::Aarch64,
    };
    files::write(&asked.out, &image.to_bytes()?)?;
    Ok(true)
}

fn describe(path: &Path, json: bool) -> Outcome<bool> {
    let description = eif::describe(&files::read(path, eif::IMAGE_BYTES_MAX)?);
    match json {
        true => println!("{:#}", description.to_json()),
        false => print!("{description}"),
    }
    Ok(description.refused.is_none())
}

fn image(path: &Path) -> Outcome<(Vec<u8>, Image)> {
    let bytes = files::read(path, eif::IMAGE_BYTES_MAX)?;
    let image = eif::read(&bytes).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok((bytes, image))
}

fn sign(asked: &Sign) -> Outcome<bool> {
    let (_, unsigned) = image(&asked.image)?;
    let certificate = files::read(&asked.certificate, eif::CERTIFICATE_PEM_BYTES_MAX)?;
    let key = files::read(&asked.key, eif::KEY_PEM_BYTES_MAX)?;
    let signed = eif::sign(&unsigned, &certificate, &key)?;
    files::write(&asked.out, &signed.to_bytes()?)?;
    if let Some(pcr8) = signed.measurements().pcr8 {
        println!("PCR8 {}", crypto::to_hex(&pcr8));
    }
    Ok(true)
}

fn compare(one: &Path, other: &Path) -> Outcome<bool> {
    let ((one_bytes, one), (other_bytes, other)) = (image(one)?, image(other)?);
    let (ours, theirs) = (one.measurements(), other.measurements());
    let registers = [
        ("PCR0", ours.pcr0 == theirs.pcr0),
        ("PCR1", ours.pcr1 == theirs.pcr1),
        ("PCR2", ours.pcr2 == theirs.pcr2),
        ("PCR8", ours.pcr8 == theirs.pcr8),
    ];
    let parts = [
        ("kernel", one.kernel == other.kernel),
        ("cmdline", one.cmdline == other.cmdline),
        ("ramdisks", one.ramdisks == other.ramdisks),
        ("metadata", one.metadata == other.metadata),
        ("signature", one.signature == other.signature),
        ("file", one_bytes == other_bytes),
    ];
    for (name, same) in parts.iter().chain(&registers) {
        println!("{name:<10} {}", if *same { "same" } else { "DIFFERS" });
    }
    Ok(registers.iter().all(|(_, same)| *same))
}

fn release(asked: &ReleaseOf) -> Outcome<bool> {
    let (bytes, image) = image(&asked.image)?;
    let measured = image.measurements();
    let digest = |path: &Path| -> Outcome<[u8; 32]> {
        Ok(Sha256::digest(files::read(path, files::TEXT_BYTES_MAX)?).into())
    };
    let mut releases = match &asked.into {
        Some(path) if path.exists() => {
            Releases::parse(&files::read(path, eif::RELEASES_BYTES_MAX)?)?
        }
        _ => Releases::default(),
    };
    releases.put(Release {
        version: asked.version.clone(),
        variant: asked.variant.into(),
        architecture: image.architecture,
        pcr0: measured.pcr0,
        pcr1: measured.pcr1,
        pcr2: measured.pcr2,
        eif_sha256: Sha256::digest(&bytes).into(),
        sources_sha256: digest(&asked.sources)?,
        inputs_sha256: digest(&asked.inputs)?,
    });
    let text = releases.to_json();
    Releases::parse(text.as_bytes())?;
    files::write(&asked.out, text.as_bytes())?;
    Ok(true)
}

fn check(path: &Path, measurements: &Path, variant: Variant) -> Outcome<bool> {
    let measured = image(path)?.1.measurements();
    let releases = Releases::parse(&files::read(measurements, eif::RELEASES_BYTES_MAX)?)?;
    let newest = releases.newest(variant).ok_or("no release of this variant")?;
    let registers = [
        ("PCR0", newest.pcr0, measured.pcr0),
        ("PCR1", newest.pcr1, measured.pcr1),
        ("PCR2", newest.pcr2, measured.pcr2),
    ];
    for (name, expected, found) in registers.iter().filter(|(_, e, f)| e != f) {
        println!("{name} of {}: {}", newest.version, crypto::to_hex(expected));
        println!("{name} here:     {}", crypto::to_hex(found));
    }
    Ok(newest.measures(&measured))
}
