//! `policy check` and `policy sign`. A signer takes nobody's word: what is signed is read back,
//! judged by the verifier's own code, and summed up.

use std::path::Path;

use anyhow::{Context as _, bail};
use policy::{Content, SignedPolicy, VerifiedPolicy};

use super::super::keys;
use super::changes::Previous;
use super::{Sign, explain, read};

/// A policy that was opened, and how many of its signatures count.
pub(super) struct Opened {
    pub(super) content: Content,
    /// `None` for a source.
    pub(super) signed: Option<Signed>,
}

pub(super) struct Signed {
    pub(super) bytes: Vec<u8>,
    /// Present when enough of its signers signed.
    pub(super) verified: Option<VerifiedPolicy>,
    /// Keys whose signatures it carries and that verify.
    pub(super) signers: Vec<crypto::VerifyingKey>,
}

/// Whether a file is a source.
fn is_source(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "yaml" || end == "yml")
}

/// A source or a signed policy; every signature that it carries has to verify.
pub(super) fn open(path: &Path) -> anyhow::Result<Opened> {
    if is_source(path) {
        return Ok(Opened { content: read::source(path)?, signed: None });
    }
    let bytes = super::super::read(path)?;
    signed(bytes).with_context(|| format!("{}", path.display()))
}

fn signed(bytes: Vec<u8>) -> anyhow::Result<Opened> {
    let parsed = SignedPolicy::parse(&bytes).map_err(told)?;
    // Adding none verifies all that are there.
    policy::add_signatures(&bytes, &[]).map_err(told)?;
    let keys = parsed.signature_keys().iter().map(crypto::VerifyingKey::from_bytes);
    let signers = keys.collect::<Result<Vec<_>, _>>()?;
    let verified = match SignedPolicy::verify(&bytes, None) {
        Ok(verified) => Some(verified),
        Err(policy::PolicyError::Quorum { .. }) => None,
        Err(other) => return Err(told(other)),
    };
    let content = parsed.content().clone();
    Ok(Opened { content, signed: Some(Signed { bytes, verified, signers }) })
}

pub(super) fn told(error: policy::PolicyError) -> anyhow::Error {
    anyhow::anyhow!("{error}; {}", error.remedy())
}

/// What a verifier would do with it: roots and witness keys are parsed there.
pub(super) fn usable(content: &Content) -> anyhow::Result<()> {
    let key = crypto::SigningKey::from_seed(&[1; 32].into());
    // Signed by a key of this moment, to go the very way that a verifier goes. Never written.
    let signers = policy::Signers { keys: vec![key.verifying_key()], threshold: 1 };
    let trial = Content { signers, ..content.clone() };
    let bytes = policy::sign(&trial, &[key]).map_err(told)?;
    let verified = SignedPolicy::verify(&bytes, None).map_err(told)?;
    let made = verify::Policy::from_verified(&verified);
    made.map_err(|error| anyhow::anyhow!("{error}; {}", error.remedy()))?;
    Ok(())
}

/// Checks a source or a signed policy.
pub(crate) fn check(path: &Path) -> anyhow::Result<String> {
    let Opened { content, signed } = open(path)?;
    usable(&content).with_context(|| format!("{}", path.display()))?;
    let mut text = explain::head(&content);
    text.push_str(&match signed {
        None => "signed by   nobody: this is a source; `probity policy sign` signs it\n".to_owned(),
        Some(signed) => explain::signatures(&content, &signed),
    });
    Ok(text)
}

/// Signs a source, or adds signatures to a policy that others signed.
pub(crate) fn sign(arguments: &Sign) -> anyhow::Result<String> {
    let path = &arguments.source;
    let keys = keys::load_all(&arguments.keys)?;
    let Opened { content, signed: before } = open(path)?;
    usable(&content).with_context(|| format!("{}", path.display()))?;
    let named = |key: &crypto::SigningKey| content.signers.keys.contains(&key.verifying_key());
    if let Some(stranger) = keys.iter().find(|key| !named(key)) {
        let (stranger, path) = (stranger.verifying_key(), path.display());
        bail!("{path} does not name {stranger:?} under `signers`: its signature would not count");
    }
    let previous = arguments.previous.as_deref().map(Previous::open).transpose()?;
    if let Some(previous) = &previous {
        previous.admits(&content)?;
    }
    let bytes = match &before {
        Some(before) => policy::add_signatures(&before.bytes, &keys).map_err(told)?,
        None => policy::sign(&content, &keys).map_err(told)?,
    };
    let out = match (&arguments.out, &before) {
        (Some(out), _) => out,
        (None, Some(_)) => path,
        (None, None) => bail!("--out says where the signed policy goes; the source stays"),
    };
    if is_source(out) {
        bail!("{} is the name of a source: name another file with --out", out.display());
    }
    let Opened { content, signed } = signed(bytes).context("our own signatures")?;
    let signed = signed.context("our own signatures")?;
    let changes = previous.map(|previous| previous.report(&content, &signed.bytes)).transpose()?;
    super::super::write(out, &signed.bytes)?;
    let summary = explain::head(&content) + &explain::signatures(&content, &signed);
    Ok(summary + &changes.unwrap_or_default())
}
