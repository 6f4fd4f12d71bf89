//! The attestation key's certificates, as the registrar issued them. They go into every evidence;
//! whether they are any good is the verifier's to judge. Certificates of another key are not used.

use crate::error::Error;
use crate::files;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Name of the file in the state's folder.
pub const FILE: &str = "ak-certificates.json";
const VERSION: u32 = 1;

/// The result of an enrolment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Enrolled {
    /// Version of this form.
    pub version: u32,
    /// The identity that the registrar knows this machine by.
    pub identity: String,
    /// Which registrar.
    pub registrar: String,
    /// Name of the attestation key, hexadecimal.
    pub ak_name: String,
    /// Its qualified name, hexadecimal.
    pub qualified_name: String,
    /// The registrar's hash of the endorsement key, hexadecimal.
    pub ek_hash: String,
    /// Certificates in base64 of DER, leaf first.
    pub chain: Vec<String>,
}

impl Enrolled {
    /// The form's version.
    pub const VERSION: u32 = VERSION;

    /// What the folder has.
    pub fn read(folder: &Path) -> Result<Option<Self>, Error> {
        files::read_json(&folder.join(FILE))
    }

    /// Keeps it.
    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        files::write_json(&folder.join(FILE), self)
    }

    /// The certificates in DER.
    pub fn certificates(&self, folder: &Path) -> Result<Vec<Vec<u8>>, Error> {
        let decoded: Result<Vec<_>, _> =
            self.chain.iter().map(|text| STANDARD.decode(text)).collect();
        decoded.map_err(|error| {
            let path = folder.join(FILE);
            Error::content(&path, format!("a certificate: {error}"), "enrol again")
        })
    }
}

/// Certificates of the key of that name; none before it was enrolled.
pub fn read(folder: &Path, ak_name: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
    match Enrolled::read(folder)? {
        Some(enrolled) if enrolled.ak_name == crypto::to_hex(ak_name) => {
            enrolled.certificates(folder)
        }
        _ => Ok(Vec::new()),
    }
}
