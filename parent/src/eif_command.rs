//! `probity eif`: shows what is in an enclave image and what it measures to, from its bytes alone.
//! It must never repeat a register that it has not computed itself.

use crate::enclave_command::image::{Measured, read_file, registers};
use crate::enclave_command::limits::EIF_BYTES_MAX;
use crate::error::Error;
use crypto::to_hex;
use eif::release::{Release, Releases, Variant};
use ring::digest::{SHA256, digest};
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

/// The image is refused by its format.
const REFUSED: u8 = 1;

/// Looks into enclave images.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Print sections, sizes, checksum and PCRs; exit 1 for a file that is no sound image
    Describe {
        /// Enclave image.
        file: PathBuf,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print the measurements of an image as policies take them, and with both digests as
    /// `enclave run --expect` does
    Measurements(Measurements),
}

/// Options of `measurements`.
#[derive(Debug, clap::Args)]
pub struct Measurements {
    /// Enclave image.
    file: PathBuf,
    /// Version to call it by.
    #[arg(long, value_name = "VERSION")]
    version: String,
    /// SHA-256 of the trusted sources, as eif/build says it. With --inputs-sha256 the output is a
    /// release of measurements.json; without either, the registers under a name.
    #[arg(long, value_name = "HEX", requires = "inputs_sha256", value_parser = sha256)]
    sources_sha256: Option<[u8; 32]>,
    /// SHA-256 of inputs.lock.
    #[arg(long, value_name = "HEX", requires = "sources_sha256", value_parser = sha256)]
    inputs_sha256: Option<[u8; 32]>,
}

/// Does what was asked; the text is for standard output.
pub fn run(command: &Command) -> Result<(String, ExitCode), Error> {
    match command {
        Command::Describe { file, json } => {
            let description = eif::describe(&read_file(file, EIF_BYTES_MAX)?);
            let text = match json {
                true => format!("{:#}\n", description.to_json()),
                false => description.to_string(),
            };
            let code = match description.refused {
                None => ExitCode::SUCCESS,
                Some(_) => ExitCode::from(REFUSED),
            };
            Ok((text, code))
        }
        Command::Measurements(options) => Ok((measurements(options)?, ExitCode::SUCCESS)),
    }
}

fn measurements(options: &Measurements) -> Result<String, Error> {
    let image = Measured::read(&options.file)?;
    let [pcr0, pcr1, pcr2] = registers(image.measurements());
    let (Some(sources_sha256), Some(inputs_sha256)) =
        (options.sources_sha256, options.inputs_sha256)
    else {
        let view = json!({
            "release": options.version,
            "pcr0": to_hex(&pcr0), "pcr1": to_hex(&pcr1), "pcr2": to_hex(&pcr2),
        });
        return Ok(format!("{view:#}\n"));
    };
    let mut eif_sha256 = [0; 32];
    eif_sha256.copy_from_slice(digest(&SHA256, image.bytes()).as_ref());
    let release = Release {
        version: options.version.clone(),
        variant: if image.has_console() { Variant::Debug } else { Variant::Release },
        architecture: image.image().architecture,
        pcr0,
        pcr1,
        pcr2,
        eif_sha256,
        sources_sha256,
        inputs_sha256,
    };
    let text = Releases { releases: vec![release] }.to_json();
    // A version that readers refuse is refused here.
    let checked = Releases::parse(text.as_bytes());
    checked.map_err(|error| Error::Image { path: options.file.clone(), problem: error.into() })?;
    Ok(text)
}

fn sha256(text: &str) -> Result<[u8; 32], String> {
    crypto::from_hex_exact(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::enclave_command::image::tests::image;

    #[test]
    fn measurements_are_what_expect_and_policies_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.eif");
        std::fs::write(&file, image("quiet").to_bytes().unwrap()).unwrap();
        let ask = |version: &str, digests: Option<[u8; 32]>| {
            let (file, version) = (file.clone(), version.to_owned());
            let (sources_sha256, inputs_sha256) = (digests, digests);
            run(&Command::Measurements(Measurements {
                file,
                version,
                sources_sha256,
                inputs_sha256,
            }))
        };
        let (text, _) = ask("0.1.0", Some([7; 32])).unwrap();
        let list = folder.path().join("list.json");
        std::fs::write(&list, text).unwrap();
        let measured = Measured::read(&file).unwrap().expect(&list).unwrap();
        assert_eq!(measured.release(), Some("0.1.0"));
        let (text, _) = ask("0.1.0", None).unwrap();
        let view: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(view["pcr0"], to_hex(&image("quiet").measurements().pcr0));
        assert_eq!(view.as_object().unwrap().len(), 4);
        assert!(ask("no version", Some([7; 32])).is_err());
    }

    #[test]
    fn a_file_that_is_no_image_is_described_and_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.eif");
        std::fs::write(&file, b"not an image").unwrap();
        for json in [false, true] {
            let (text, code) = run(&Command::Describe { file: file.clone(), json }).unwrap();
            assert!(text.contains("12"), "{text}");
            assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::from(REFUSED)));
            assert!(!text.to_lowercase().contains("\"pcr0\": \""), "{text}");
        }
        assert!(run(&Command::Describe { file: "/no/such".into(), json: false }).is_err());
    }
}
