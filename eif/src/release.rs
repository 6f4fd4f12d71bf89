//! `measurements.json`: the registers of every release, for verifiers' policies. Reading is
//! strict: no unknown field, lower-case hexadecimal, no zero register, no release twice.

use crate::error::EifError;
use crate::image::{Architecture, Measurements};
use crate::{RELEASES_BYTES_MAX, RELEASES_MAX};
use serde::{Deserialize, Serialize};

/// Longest version, in bytes.
pub const VERSION_BYTES_MAX: usize = 64;

/// Which of the two images a release is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Variant {
    /// No console: neither kernel nor enclave print.
    Release,
    /// A console on the serial port. For development; policies do not name it.
    Debug,
}

/// One release: what it measures to and what it was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// Version of the source, such as `0.1.0`.
    pub version: String,
    /// Which image.
    pub variant: Variant,
    /// The machine.
    pub architecture: Architecture,
    /// PCR0, 96 hexadecimal digits.
    #[serde(with = "hex")]
    pub pcr0: [u8; 48],
    /// PCR1.
    #[serde(with = "hex")]
    pub pcr1: [u8; 48],
    /// PCR2.
    #[serde(with = "hex")]
    pub pcr2: [u8; 48],
    /// SHA-256 of the unsigned file. A signed one has the same registers and another digest.
    #[serde(with = "hex")]
    pub eif_sha256: [u8; 32],
    /// SHA-256 of the list of trusted sources (`eif/inputs --sources`).
    #[serde(with = "hex")]
    pub sources_sha256: [u8; 32],
    /// SHA-256 of `inputs.lock`.
    #[serde(with = "hex")]
    pub inputs_sha256: [u8; 32],
}

impl Release {
    /// Whether these are the registers of the release.
    pub fn measures(&self, measured: &Measurements) -> bool {
        [self.pcr0, self.pcr1, self.pcr2] == [measured.pcr0, measured.pcr1, measured.pcr2]
    }
}

/// All releases, newest last.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Releases {
    /// The releases.
    pub releases: Vec<Release>,
}

impl Releases {
    /// Reads `measurements.json`.
    pub fn parse(json: &[u8]) -> Result<Self, EifError> {
        let refuse = |expected, found: String| EifError::Releases { expected, found };
        if json.len() > RELEASES_BYTES_MAX {
            return Err(refuse("a smaller file", format!("{} bytes", json.len())));
        }
        let list: Self = serde_json::from_slice(json)
            .map_err(|error| refuse("{\"releases\": […]}", error.to_string()))?;
        if list.releases.len() > RELEASES_MAX {
            return Err(refuse("fewer releases", list.releases.len().to_string()));
        }
        for (index, release) in list.releases.iter().enumerate() {
            let plain = |c: char| c.is_ascii_alphanumeric() || ".-+".contains(c);
            let version = release.version.as_str();
            if version.is_empty()
                || version.len() > VERSION_BYTES_MAX
                || !version.chars().all(plain)
            {
                return Err(refuse("a version of letters, digits and .-+", format!("{version:?}")));
            }
            if [release.pcr0, release.pcr1, release.pcr2].contains(&[0; 48]) {
                let found = format!("a zero register in {version}: a debug enclave's");
                return Err(refuse("measured registers", found));
            }
            let same = |other: &Release| {
                (other.version.as_str(), other.variant, other.architecture)
                    == (version, release.variant, release.architecture)
            };
            if list.releases[..index].iter().any(same) {
                return Err(refuse("each release once", format!("{version} again")));
            }
        }
        Ok(list)
    }

    /// The file, one field a line, with a line feed at the end.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self)
            .expect("strings and arrays become JSON because none of them can fail");
        text.push('\n');
        text
    }

    /// The newest release of a variant.
    pub fn newest(&self, variant: Variant) -> Option<&Release> {
        self.releases.iter().rev().find(|release| release.variant == variant)
    }

    /// Puts a release in the place of the one with its version, variant and machine, or last.
    pub fn put(&mut self, release: Release) {
        let key = |of: &Release| (of.version.clone(), of.variant, of.architecture);
        match self.releases.iter_mut().find(|other| key(other) == key(&release)) {
            Some(place) => *place = release,
            None => self.releases.push(release),
        }
    }
}

mod hex {
    //! Digests as lower-case hexadecimal of exactly their length.

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer, const N: usize>(
        bytes: &[u8; N],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.serialize_str(&crypto::to_hex(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>, const N: usize>(
        from: D,
    ) -> Result<[u8; N], D::Error> {
        let text = String::deserialize(from)?;
        crypto::from_hex_exact(&text).map_err(D::Error::custom)
    }
}
