//! Which enclaves a sealed request may go to: the caller's own files, never the server's word. It
//! must never fall back to a looser policy than the one that was named.

use crate::error::Error;
use attest::{Pcr, ReferenceValues, TrustAnchor, VerificationTime, VerifiedDocument};
use crypto::VerifyingKey;
use policy::{Kind, SignedPolicy, Signers};
use rules::BootConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use verify::{Live, LiveVerifier, Materials, Policy, Verifier};

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
    /// With --sealed: the signed rule bundle, for the reasons' texts and for replay.
    #[arg(long, value_name = "FILE", requires = "sealed")]
    pub rules: Option<PathBuf>,
}

/// What those files hold.
pub(super) struct Accepted {
    policy: Policy,
    /// The signed rule bundle, where one was given.
    pub(super) rules: Option<Vec<u8>>,
}

impl Accepted {
    /// Reads the files. Nothing is sent before they are sound.
    pub(super) fn read(options: &AcceptedOptions) -> Result<Self, Error> {
        let policy = match &options.policy {
            Some(path) => signed_policy(path, options)?,
            None => loose_policy(options)?,
        };
        let read = |path: &PathBuf| fs::read(path).map_err(Error::file(path));
        let rules = options.rules.as_ref().map(read).transpose()?;
        Ok(Self { policy, rules })
    }

    /// The fresh document that answers `nonce`, judged live.
    pub(super) fn attested(&self, bytes: &[u8], nonce: &[u8]) -> Result<VerifiedDocument, Error> {
        let kinds = [Kind::Nitro, Kind::NitroTpm];
        let kind = kinds.into_iter().find(|kind| self.policy.accepts(*kind));
        let none = || Error::Accepted("the policy accepts no attestation document".into());
        let verifier = self.verifier()?;
        let judged = verifier.verify_attestation(bytes, kind.ok_or_else(none)?, nonce.to_vec());
        judged.map_err(|error| Error::Attestation(error.into()))
    }

    /// The proof, judged live with all that the caller has.
    pub(super) fn proven(&self, proof: &[u8], materials: &Materials<'_>) -> Result<Live, Error> {
        let verified = self.verifier()?.verify(proof, materials);
        verified.map_err(|error| Error::Proof(error.into()))
    }

    fn verifier(&self) -> Result<LiveVerifier, Error> {
        let verifier = Verifier::live(self.policy.clone(), now_ms()?);
        verifier.map_err(|error| Error::Accepted(error.to_string()))
    }
}

fn signed_policy(path: &Path, options: &AcceptedOptions) -> Result<Policy, Error> {
    let bytes = fs::read(path).map_err(Error::file(path))?;
    let wrong = |problem: String| Error::Accepted(format!("{}: {problem}", path.display()));
    let mut keys = Vec::new();
    for text in &options.policy_signer {
        let held = match text.starts_with("did:") {
            true => text.clone(),
            false => fs::read_to_string(text).map_err(Error::file(text))?,
        };
        keys.push(VerifyingKey::from_did_key(held.trim()).map_err(|e| wrong(e.to_string()))?);
    }
    keys.sort();
    keys.dedup();
    let threshold = options.policy_threshold.unwrap_or(keys.len());
    let pins = (!keys.is_empty()).then_some(Signers { keys, threshold });
    let verified = SignedPolicy::verify(&bytes, pins.as_ref()).map_err(|e| wrong(e.to_string()))?;
    Policy::from_verified(&verified).map_err(|error| wrong(error.to_string()))
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

fn now_ms() -> Result<u64, Error> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).ok();
    let now_ms = since.and_then(|since| u64::try_from(since.as_millis()).ok());
    now_ms.ok_or_else(|| Error::Accepted("this machine's clock is not in our era".into()))
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

/// A JSON object of reference values, or an array of them, one a release.
fn read_releases(path: &Path) -> Result<Vec<ReferenceValues>, Error> {
    let bytes = fs::read(path).map_err(Error::file(path))?;
    let wrong = |problem: String| Error::Accepted(format!("{}: {problem}", path.display()));
    let releases = match verify::parse_json(&bytes).map_err(|e| wrong(e.to_string()))? {
        Value::Array(releases) => releases,
        one => vec![one],
    };
    releases.iter().map(|value| read_release(value).map_err(wrong)).collect()
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
