//! The image that is started: read once, measured here, and kept as a copy beside the state, so
//! that what was measured is what starts, whatever becomes of the file meanwhile. Measurements
//! that a file says of itself must never be used.

use super::limits::{EIF_BYTES_MAX, MEASUREMENTS_BYTES_MAX};
use super::state::ImageState;
use crate::error::Error;
use crypto::to_hex;
use eif::release::{Release, Releases};
use eif::{Image, Measurements};
use ring::digest::{SHA256, digest};
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Name of the copy in the state's folder.
pub const COPY: &str = "image.eif";
/// What a kernel's command line has when there is a console, and the one that discards.
const CONSOLE_WORD: &str = "console=";
const NO_CONSOLES: [&str; 2] = ["", "null"];

/// An image and what it measures to.
#[derive(Debug)]
pub struct Measured {
    path: PathBuf,
    bytes: Vec<u8>,
    image: Image,
    measurements: Measurements,
    release: Option<String>,
}

impl Measured {
    /// Reads and measures an image.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes = read_file(path, EIF_BYTES_MAX)?;
        let image = eif::read(&bytes)
            .map_err(|error| Error::Image { path: path.to_owned(), problem: Box::new(error) })?;
        let measurements = image.measurements();
        Ok(Self { path: path.to_owned(), bytes, image, measurements, release: None })
    }

    /// Refuses an image that is of no release in a file.
    pub fn expect(mut self, file: &Path) -> Result<Self, Error> {
        let releases = read_releases(file)?;
        self.release = Some(known(&releases, &self.measurements, file)?);
        Ok(self)
    }

    /// Writes the copy that starts.
    pub fn copy(&self, folder: &Path) -> Result<PathBuf, Error> {
        let path = folder.join(COPY);
        fs::write(&path, &self.bytes).map_err(Error::file(&path))?;
        Ok(path)
    }

    /// Its parts.
    pub fn image(&self) -> &Image {
        &self.image
    }

    /// Its registers.
    pub fn measurements(&self) -> &Measurements {
        &self.measurements
    }

    /// The file's bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its size, in bytes.
    pub fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Whether its kernel is told of a console.
    pub fn has_console(&self) -> bool {
        let words = self.image.cmdline.split_ascii_whitespace();
        let mut consoles = words.filter_map(|word| word.strip_prefix(CONSOLE_WORD));
        consoles.any(|console| !NO_CONSOLES.contains(&console))
    }

    /// The release that it was found to be.
    pub fn release(&self) -> Option<&str> {
        self.release.as_deref()
    }

    /// For the state.
    pub fn state(&self) -> ImageState {
        let [pcr0, pcr1, pcr2] = registers(&self.measurements).map(|pcr| to_hex(&pcr));
        let sha256 = to_hex(digest(&SHA256, &self.bytes).as_ref());
        let (path, release) = (self.path.clone(), self.release.clone());
        ImageState { path, sha256, pcr0, pcr1, pcr2, release }
    }
}

/// The releases of a file.
pub fn read_releases(path: &Path) -> Result<Releases, Error> {
    let bytes = read_file(path, MEASUREMENTS_BYTES_MAX)?;
    Releases::parse(&bytes)
        .map_err(|error| Error::Image { path: path.to_owned(), problem: Box::new(error) })
}

/// PCR0, 1 and 2.
pub fn registers(measurements: &Measurements) -> [[u8; 48]; 3] {
    [measurements.pcr0, measurements.pcr1, measurements.pcr2]
}

/// A file of a bounded size.
pub fn read_file(path: &Path, bytes_max: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(Error::file(path))?;
    file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(Error::file(path))?;
    if bytes.len() as u64 > bytes_max {
        let problem = format!("expected at most {bytes_max} bytes, found more");
        return Err(Error::file(path)(std::io::Error::other(problem)));
    }
    Ok(bytes)
}

/// The name of the release that the registers are, whole.
fn known(releases: &Releases, found: &Measurements, file: &Path) -> Result<String, Error> {
    if let Some(release) = releases.releases.iter().find(|release| release.measures(found)) {
        return Ok(name(release));
    }
    let of = |release: &Release| [release.pcr0, release.pcr1, release.pcr2];
    let found = registers(found);
    // The first register that no release has; in a mixture of releases, the first of all.
    let is_unknown = |index: &usize| {
        releases.releases.iter().all(|release| of(release)[*index] != found[*index])
    };
    let index = (0..3).find(is_unknown).unwrap_or(0);
    let expected: Vec<_> = releases
        .releases
        .iter()
        .map(|release| format!("{} ({})", to_hex(&of(release)[index]), name(release)))
        .collect();
    let expected = match expected.is_empty() {
        true => "one of no release at all".into(),
        false => expected.join(" or "),
    };
    Err(Error::Unexpected { file: file.to_owned(), index, expected, found: to_hex(&found[index]) })
}

fn name(release: &Release) -> String {
    match release.variant {
        eif::release::Variant::Release => release.version.clone(),
        eif::release::Variant::Debug => format!("{} debug", release.version),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A small image with a command line.
    pub fn image(cmdline: &str) -> Image {
        let metadata = eif::fixed_metadata("probity", "0.1.0", "6.12");
        Image::new(b"kernel".into(), cmdline.into(), metadata, vec![vec![1; 8], vec![2; 8]])
    }

    pub fn release(version: &str, image: &Image) -> Release {
        let Measurements { pcr0, pcr1, pcr2, .. } = image.measurements();
        Release {
            version: version.into(),
            variant: eif::release::Variant::Release,
            architecture: eif::Architecture::X86_64,
            pcr0,
            pcr1,
            pcr2,
            eif_sha256: [1; 32],
            sources_sha256: [2; 32],
            inputs_sha256: [3; 32],
        }
    }

    #[test]
    fn an_image_is_measured_here_and_expected_or_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let (ours, other) = (image("quiet"), image("quiet console=ttyS0"));
        fs::write(path("a.eif"), ours.to_bytes().unwrap()).unwrap();
        let list = |releases: Vec<Release>| {
            fs::write(path("list.json"), Releases { releases }.to_json()).unwrap();
        };
        let expect = || Measured::read(&path("a.eif")).unwrap().expect(&path("list.json"));
        list(vec![release("0.0.9", &other), release("0.1.0", &ours)]);
        let measured = expect().unwrap();
        assert_eq!(measured.release(), Some("0.1.0"));
        assert_eq!(measured.state().pcr0, to_hex(&ours.measurements().pcr0));
        assert!(!measured.has_console());
        list(vec![release("0.0.9", &other)]);
        let error = expect().unwrap_err().to_string();
        let (wanted, came) = (other.measurements().pcr0, ours.measurements().pcr0);
        assert!(error.contains("PCR0"), "{error}");
        assert!(error.contains(&to_hex(&wanted)) && error.contains(&to_hex(&came)), "{error}");
        // Only the application differs: the base of both is the same.
        let mut application = ours.clone();
        application.ramdisks[1] = vec![3; 8];
        let mut mixed = release("0.2.0", &application);
        mixed.pcr0 = came;
        list(vec![mixed]);
        let error = expect().unwrap_err().to_string();
        assert!(error.contains("PCR2"), "{error}");
        list(vec![]);
        assert!(expect().unwrap_err().to_string().contains("no release at all"));
    }

    #[test]
    fn a_console_that_discards_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.eif");
        for (cmdline, expected) in [
            ("reboot=k console=null loglevel=0", false),
            ("console=", false),
            ("xconsole=ttyS0", false),
            ("console=null console=ttyS0", true),
            ("console=ttyS0,115200", true),
        ] {
            fs::write(&path, image(cmdline).to_bytes().unwrap()).unwrap();
            assert_eq!(Measured::read(&path).unwrap().has_console(), expected, "{cmdline}");
        }
    }

    #[test]
    fn a_damaged_or_endless_file_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.eif");
        let mut bytes = image("quiet").to_bytes().unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&path, &bytes).unwrap();
        assert!(Measured::read(&path).unwrap_err().to_string().contains("CRC"));
        let error = read_file(Path::new("/dev/zero"), 1000).unwrap_err().to_string();
        assert!(error.contains("at most 1000"), "{error}");
        let copied = folder.path().join(COPY);
        fs::write(&path, image("x").to_bytes().unwrap()).unwrap();
        let measured = Measured::read(&path).unwrap();
        fs::write(&path, b"replaced meanwhile").unwrap();
        assert_eq!(measured.copy(folder.path()).unwrap(), copied);
        assert_eq!(fs::read(copied).unwrap(), image("x").to_bytes().unwrap());
    }
}
