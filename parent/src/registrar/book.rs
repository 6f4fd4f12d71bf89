//! The registrar's folder: the authority, the vendors' roots, one file a token and one a machine.
//! Whoever changes records holds its lock. It must never overwrite what it cannot read.
//!
//! ```text
//! registrar.json           version, the authority's name, validity of its certificates
//! authority/key.p8         private key, PKCS #8 in DER
//! authority/certificate.*  its certificate, der and pem
//! roots/HASH.der           vendors' roots, by SHA-256
//! revoked.json             EK certificates that no longer count
//! tokens/HASH.json         permissions, by the hash of their text
//! identities/NAME.json     records
//! ```

use super::paper;
use super::random;
use crate::accepted::now_ms;
use crate::error::Error;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use crypto::{from_hex, to_hex};
use enrol::{Authority, CA_DAYS, Days, EkRoots, EnrolError, Identity, Record, Token};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// The folder, opened.
#[derive(Debug)]
pub(super) struct Book {
    folder: PathBuf,
    settings: Settings,
    authority: Authority,
    /// Its certificate, DER.
    certificate: Vec<u8>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    version: u8,
    /// Common name of the authority.
    authority: String,
    ak_days: u32,
}

/// An entry of `revoked.json`.
#[derive(Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(super) struct RevokedEk {
    /// Issuer's name, DER in hexadecimal.
    pub(super) issuer: String,
    /// Serial number, hexadecimal.
    pub(super) serial: String,
    pub(super) reason: String,
    pub(super) at_ms: u64,
}

/// Nobody else changes the folder while this lives.
#[derive(Debug)]
pub(super) struct Held(#[expect(dead_code, reason = "the lock ends with the file")] File);

impl Book {
    /// Makes the folder; one that is there already keeps its authority.
    /// Where `ak_days` is given it counts from now on.
    pub(super) fn make(folder: &Path, ak_days: Option<u32>) -> Result<Self, Error> {
        fs::create_dir_all(folder).map_err(Error::file(folder))?;
        let _held = hold(folder)?;
        if folder.join(SETTINGS).exists() {
            let mut book = Self::open(folder)?;
            if let Some(ak_days) = ak_days.filter(|days| *days != book.settings.ak_days) {
                book.settings.ak_days = ak_days;
                paper::write(&folder.join(SETTINGS), &json(&book.settings))?;
            }
            return Ok(book);
        }
        for name in ["authority", "roots", "tokens", "identities"] {
            let path = folder.join(name);
            fs::create_dir_all(&path).map_err(Error::file(&path))?;
        }
        let key = Authority::new_key().map_err(Error::enrol)?;
        // Two registrars' authorities are told apart by their names, too.
        let name = format!("Probity AK authority {}", to_hex(&random::<4>()?));
        let authority = Authority::new(&name, &key).map_err(Error::enrol)?;
        let days = Days { now_ms: now_ms()?, days: CA_DAYS };
        let certificate = authority.certificate(&random()?, days).map_err(Error::enrol)?;
        paper::write(&folder.join(KEY), &key)?;
        paper::write(&folder.join(CERTIFICATE), &certificate)?;
        paper::write(&folder.join(CERTIFICATE_PEM), pem(&certificate).as_bytes())?;
        // Last: its presence means that the rest is complete.
        let ak_days = ak_days.unwrap_or(AK_DAYS);
        let settings = Settings { version: 1, authority: name, ak_days };
        paper::write(&folder.join(SETTINGS), &json(&settings))?;
        Self::open(folder)
    }

    /// Opens a folder that was made.
    pub(super) fn open(folder: &Path) -> Result<Self, Error> {
        let needed = |name: &str| {
            let path = folder.join(name);
            let bytes = paper::read(&path)?;
            bytes.ok_or_else(|| Error::Registrar {
                problem: format!("expected the registrar's {}, found none", path.display()),
                remedy: "make the folder with `probity registrar init --data DIR --ek-root FILE`",
            })
        };
        let settings: Settings = read_json(&folder.join(SETTINGS), &needed(SETTINGS)?)?;
        let key = zeroize::Zeroizing::new(needed(KEY)?);
        let certificate = needed(CERTIFICATE)?;
        let authority = Authority::with_certificate(&settings.authority, &key, &certificate);
        let authority = authority.map_err(Error::enrol)?;
        Ok(Self { folder: folder.to_owned(), settings, authority, certificate })
    }

    /// The folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The authority and its certificate.
    pub(super) fn authority(&self) -> (&Authority, &[u8]) {
        (&self.authority, &self.certificate)
    }

    /// Where its certificate is, for a policy.
    pub(super) fn certificate_file(&self) -> PathBuf {
        self.folder.join(CERTIFICATE_PEM)
    }

    /// Validity of a certificate that is issued now.
    pub(super) fn days(&self, now_ms: u64) -> Days {
        Days { now_ms, days: self.settings.ak_days }
    }

    /// Waits until nobody else changes records.
    pub(super) fn hold(&self) -> Result<Held, Error> {
        hold(&self.folder)
    }

    /// Adds a root; whether it is new.
    pub(super) fn add_root(&self, der: &[u8]) -> Result<bool, Error> {
        // What cannot be a root is refused before it is written.
        EkRoots::new().with_root("EK root", der).map_err(Error::enrol)?;
        let path = self.folder.join("roots").join(format!("{}.der", sha256(der)));
        if path.exists() {
            return Ok(false);
        }
        if files_in(&self.folder.join("roots"), "der")?.len() >= ROOTS_MAX {
            return Err(Error::Registrar {
                problem: format!("expected at most {ROOTS_MAX} EK roots, found one more"),
                remedy: "remove roots that no machine needs from DIR/roots",
            });
        }
        paper::write(&path, der).map(|()| true)
    }

    /// Vendors' roots and what is revoked, read anew: what was added counts at once.
    pub(super) fn roots(&self) -> Result<EkRoots, Error> {
        let mut roots = EkRoots::new();
        for path in files_in(&self.folder.join("roots"), "der")? {
            let der = paper::read(&path)?.unwrap_or_default();
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            let name = format!("EK root {}", name.get(..16).unwrap_or(&name));
            roots = roots.with_root(name, &der).map_err(Error::enrol)?;
        }
        for one in self.revoked_eks()? {
            let damaged = |_| Error::Damaged("revoked.json: a name is not hexadecimal".into());
            let issuer = from_hex(&one.issuer).map_err(damaged)?;
            roots = roots.with_revoked(issuer, &from_hex(&one.serial).map_err(damaged)?);
        }
        Ok(roots)
    }

    /// EK certificates that no longer count.
    pub(super) fn revoked_eks(&self) -> Result<Vec<RevokedEk>, Error> {
        let path = self.folder.join(REVOKED);
        paper::read(&path)?.map_or(Ok(Vec::new()), |bytes| read_json(&path, &bytes))
    }

    pub(super) fn write_revoked_eks(&self, all: &[RevokedEk]) -> Result<(), Error> {
        paper::write(&self.folder.join(REVOKED), &json(&all))
    }

    /// The token of that key ([`Token::key`]).
    pub(super) fn token(&self, key: &str) -> Result<Option<Token>, Error> {
        let path = self.token_file(key);
        paper::read(&path)?.map(|bytes| read_json(&path, &bytes)).transpose()
    }

    pub(super) fn write_token(&self, key: &str, token: &Token) -> Result<(), Error> {
        paper::write(&self.token_file(key), &json(token))
    }

    /// Removes tokens that `is_over` says are over; how many.
    pub(super) fn remove_tokens(&self, is_over: impl Fn(&Token) -> bool) -> Result<usize, Error> {
        let mut removed = 0;
        for path in files_in(&self.folder.join("tokens"), "json")? {
            let Some(bytes) = paper::read(&path)? else { continue };
            if is_over(&read_json(&path, &bytes)?) && paper::remove(&path)? {
                removed += 1;
            }
        }
        Ok(removed)
    }

    /// The record of a machine.
    pub(super) fn record(&self, identity: &Identity) -> Result<Option<Record>, Error> {
        let path = self.record_file(identity);
        let record: Option<Record> =
            paper::read(&path)?.map(|bytes| read_json(&path, &bytes)).transpose()?;
        match record {
            // On a disk that knows no case two names can be one file.
            Some(record) if record.identity != *identity => Err(Error::Damaged(format!(
                "{}: expected the record of {identity}, found that of {}",
                path.display(),
                record.identity
            ))),
            record => Ok(record),
        }
    }

    /// All records, by name.
    pub(super) fn records(&self) -> Result<Vec<Record>, Error> {
        let mut records = Vec::new();
        for path in files_in(&self.folder.join("identities"), "json")? {
            let Some(bytes) = paper::read(&path)? else { continue };
            records.push(read_json(&path, &bytes)?);
        }
        Ok(records)
    }

    pub(super) fn write_record(&self, record: &Record) -> Result<(), Error> {
        paper::write(&self.record_file(&record.identity), &json(record))
    }

    fn token_file(&self, key: &str) -> PathBuf {
        self.folder.join("tokens").join(format!("{key}.json"))
    }

    fn record_file(&self, identity: &Identity) -> PathBuf {
        self.folder.join("identities").join(format!("{identity}.json"))
    }
}

fn hold(folder: &Path) -> Result<Held, Error> {
    let path = folder.join("CHANGES");
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.and_then(|file| file.lock().map(|()| file));
    file.map(Held).map_err(Error::file(&path))
}

/// Files of that ending, sorted by name.
fn files_in(folder: &Path, ending: &str) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::file(folder))? {
        let path = entry.map_err(Error::file(folder))?.path();
        if path.extension().is_some_and(|found| found == ending) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn json(value: &impl Serialize) -> Vec<u8> {
    let mut bytes =
        serde_json::to_vec_pretty(value).expect("texts, numbers and lists always serialize");
    bytes.push(b'\n');
    bytes
}

fn read_json<T: DeserializeOwned>(path: &Path, bytes: &[u8]) -> Result<T, Error> {
    let damaged = |error| Error::Damaged(format!("{}: {error}", path.display()));
    serde_json::from_slice(bytes).map_err(damaged)
}

/// Lower-case hexadecimal.
pub(super) fn sha256(bytes: &[u8]) -> String {
    to_hex(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref())
}

fn pem(der: &[u8]) -> String {
    let text = BASE64.encode(der);
    let mut out = String::from("-----BEGIN CERTIFICATE-----\n");
    for line in text.as_bytes().chunks(64) {
        out.push_str(&String::from_utf8_lossy(line));
        out.push('\n');
    }
    out + "-----END CERTIFICATE-----\n"
}

impl Error {
    /// A refusal of an enrolment, or a key that cannot be used.
    pub(super) fn enrol(error: EnrolError) -> Self {
        Error::Enrol(Box::new(error))
    }
}

/// Certificates of attestation keys are valid this long unless said otherwise, in days.
const AK_DAYS: u32 = 365;
/// Most roots: as many as `EkRoots` takes.
const ROOTS_MAX: usize = 256;
const SETTINGS: &str = "registrar.json";
const KEY: &str = "authority/key.p8";
const CERTIFICATE: &str = "authority/certificate.der";
const CERTIFICATE_PEM: &str = "authority/certificate.pem";
const REVOKED: &str = "revoked.json";
