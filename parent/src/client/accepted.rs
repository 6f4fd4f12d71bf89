//! Which enclaves a sealed request may go to, by files of the caller's. It must never fall back to
//! a looser policy than the one that was named.

use crate::accepted::{Accepted as Judge, now_ms};
use crate::error::Error;
use crate::files::read_event_log;
use attest::{Pcr, ReferenceValues, TrustAnchor, VerificationTime};
use eif::release::{Releases, Variant};
use rules::BootConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use verify::{Attested, Live, Materials, Policy};

/// The files that say which enclaves are accepted: a signed policy, or loose files.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct AcceptedOptions {
    /// With --sealed: the signed policy under which the enclave is judged.
    #[arg(long, value_name = "FILE", requires = "sealed")]
    pub policy: Option<PathBuf>,
    /// A key that must have signed the policy, as did:key or a file that holds one; may be given
    /// again. Without any, only the policy's own signers vouch for it.
    #[arg(long, value_name = "KEY", requires = "policy")]
    pub policy_signer: Vec<String>,
    /// How many of the --policy-signer keys must have signed; all of them unless said otherwise.
    #[arg(long, value_name = "N", requires = "policy_signer")]
    pub policy_threshold: Option<usize>,
    /// With --sealed: reference values of the accepted images; may be given again.
    #[arg(long, value_name = "FILE", requires = "sealed", conflicts_with = "policy")]
    pub measurements: Vec<PathBuf>,
    /// With --sealed: the boot configuration whose rule authorities are accepted.
    #[arg(long, value_name = "FILE", requires = "sealed", conflicts_with = "policy")]
    pub boot: Option<PathBuf>,
    /// With --sealed: trust this root (PEM or DER) instead of the built-in AWS Nitro root.
    #[arg(long, value_name = "FILE", requires = "sealed", conflicts_with = "policy")]
    pub root: Option<PathBuf>,
    /// With --sealed and a policy for TPMs: the measured boot's log of the machine.
    #[arg(long, value_name = "FILE", requires = "policy")]
    pub event_log: Option<PathBuf>,
    /// With --sealed: the signed rule bundle, for the reasons' texts and for replay.
    #[arg(long, value_name = "FILE", requires = "sealed")]
    pub rules: Option<PathBuf>,
}

/// What those files hold.
pub(super) struct Accepted {
    judge: Judge,
    /// The signed rule bundle, where one was given.
    pub(super) rules: Option<Vec<u8>>,
    /// The measured boot's log, where one was given.
    pub(super) event_log: Option<Vec<u8>>,
}

impl Accepted {
    /// Reads the files. Nothing is sent before they are sound.
    pub(super) fn read(options: &AcceptedOptions) -> Result<Self, Error> {
        let judge = match &options.policy {
            Some(path) => Judge::signed(path, &options.policy_signer, options.policy_threshold)?,
            None => Judge::of(loose_policy(options)?),
        };
        let read = |path: &PathBuf| fs::read(path).map_err(Error::file(path));
        let rules = options.rules.as_ref().map(read).transpose()?;
        let event_log = options.event_log.as_deref().map(read_event_log).transpose()?;
        Ok(Self { judge, rules, event_log })
    }

    /// The fresh evidence that answers `nonce`, judged live.
    pub(super) fn attested(&self, bytes: &[u8], nonce: &[u8]) -> Result<Attested, Error> {
        let event_log = self.event_log.as_deref();
        self.judge.attested(bytes, nonce, event_log, |error| Error::Attestation(error.into()))
    }

    /// The proof, judged live with all that the caller has.
    pub(super) fn proven(&self, proof: &[u8], materials: &Materials<'_>) -> Result<Live, Error> {
        self.judge.proven(proof, materials)
    }
}

fn loose_policy(options: &AcceptedOptions) -> Result<Policy, Error> {
    let needed = |what: &str| Error::Accepted(format!("--sealed needs --policy FILE, or {what}"));
    let boot = options.boot.as_ref().ok_or_else(|| needed("--boot FILE"))?;
    let boot = BootConfig::parse(&fs::read(boot).map_err(Error::file(boot))?)
        .map_err(|source| Error::Rules { what: "boot configuration", source })?;
    let mut releases = Vec::new();
    for path in &options.measurements {
        releases.extend(read_releases(path)?);
    }
    if releases.is_empty() {
        return Err(needed("--measurements FILE"));
    }
    let anchors = vec![match &options.root {
        None => TrustAnchor::aws_nitro_g1(),
        Some(path) => read_anchor(path)?,
    }];
    let time = VerificationTime::Live { now_ms: now_ms()? };
    let policy = Policy::new(anchors, time, releases, boot);
    policy.map_err(|error| Error::Accepted(error.to_string()))
}

fn read_anchor(path: &Path) -> Result<TrustAnchor, Error> {
    let bytes = fs::read(path).map_err(Error::file(path))?;
    let wrong = |problem: String| Error::Accepted(format!("{}: {problem}", path.display()));
    let der = match bytes.starts_with(b"-----BEGIN") {
        true => CertificateDer::from_pem_slice(&bytes).map_err(|e| wrong(e.to_string()))?.to_vec(),
        false => bytes,
    };
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    TrustAnchor::from_der(name, &der).map_err(|error| wrong(error.to_string()))
}

/// The list of releases that images are published with, or a JSON object of reference values, or
/// an array of them, one a release.
fn read_releases(path: &Path) -> Result<Vec<ReferenceValues>, Error> {
    let bytes = fs::read(path).map_err(Error::file(path))?;
    let wrong = |problem: String| Error::Accepted(format!("{}: {problem}", path.display()));
    if let Ok(list) = Releases::parse(&bytes) {
        return published(&list).map_err(wrong);
    }
    let releases = match verify::parse_json(&bytes).map_err(|e| wrong(e.to_string()))? {
        Value::Array(releases) => releases,
        one => vec![one],
    };
    releases.iter().map(|value| read_release(value).map_err(wrong)).collect()
}

/// Debug images are no releases.
fn published(list: &Releases) -> Result<Vec<ReferenceValues>, String> {
    let releases = list.releases.iter().filter(|one| one.variant == Variant::Release);
    let values = releases.map(|one| {
        let pcrs = [(0, one.pcr0), (1, one.pcr1), (2, one.pcr2)];
        let name = format!("{} {}", one.version, one.architecture.name());
        ReferenceValues::new(name, BTreeMap::from(pcrs)).map_err(|error| error.to_string())
    });
    values.collect()
}

fn read_release(value: &Value) -> Result<ReferenceValues, String> {
    let fields = value.as_object().ok_or("expected an object")?;
    let mut pcrs: BTreeMap<u8, Pcr> = BTreeMap::new();
    let mut name = "unnamed";
    for (key, value) in fields {
        let text = value.as_str().ok_or_else(|| format!("{key}: expected a text"))?;
        match key.strip_prefix("pcr").map(str::parse::<u8>) {
            Some(Ok(index)) if *key == format!("pcr{index}") => {
                let value = crypto::from_hex_exact(text).map_err(|e| format!("{key}: {e}"))?;
                pcrs.insert(index, value);
            }
            _ if key == "release" => name = text,
            _ => return Err(format!("unknown key {key:?}; expected release, pcr0, pcr1, …")),
        }
    }
    ReferenceValues::new(name, pcrs).map_err(|error| error.to_string())
}
