//! `rules build`, `rules sign` and `rules freshness`: a bundle is held against its own examples in
//! both engines before anything is signed, at every desk that signs.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use compiler::pack::{CompiledRule, recompile};
use crypto::{SigningKey, VerifyingKey};
use facts::Millis;
use rules::{
    BootConfig, Bundle, FreshnessPolicy, Limits, SignedBundle, VerifiedBundle, sign_freshness,
};

use super::check::{self, Checked};
use super::command::{Build, Freshness, Sign};
use super::cose::Envelope;
use super::engines::Engines;
use super::folder::Folder;
use super::side::Side;
use super::trial::Trials;
use super::{arguments, keys, show};

/// Builds, checks and writes a bundle, signed when there are keys; what is in it.
pub(crate) fn build(arguments: &Build) -> anyhow::Result<String> {
    let issued_at = arguments::time_or_now(arguments.issued_at)?;
    let keys = keys::load_all(&arguments.keys)?;
    let directory = &arguments.directory;
    let made = make(directory, arguments.version, issued_at, &keys);
    let (bytes, checked, bundle) = made.with_context(|| format!("pack {}", directory.display()))?;
    super::write(&arguments.out, &bytes)?;
    let verified = verify(&bytes, &bundle.name).context("our own signatures")?;
    Ok(summary(&verified, &checked.pack.rules, &checked.trials, bytes.len()))
}

/// The bytes of a pack whose examples hold.
pub(crate) fn make(
    directory: &Path,
    version: u64,
    issued_at: Millis,
    keys: &[SigningKey],
) -> anyhow::Result<(Vec<u8>, Checked, Bundle)> {
    let folder = Folder::find(directory)?;
    if let Some(file) = &folder.only {
        bail!("{file} is one file: name the directory of its rulebook.yaml");
    }
    let checked = check::check(&folder)?;
    let bundle = checked.pack.bundle(version, issued_at);
    let bytes = rules::sign_bundle(&bundle, keys)?;
    Ok((bytes, checked, bundle))
}

/// Checks a bundle as its builder did, and adds signatures.
pub(crate) fn sign(arguments: &Sign) -> anyhow::Result<String> {
    let path = &arguments.bundle;
    let keys = keys::load_all(&arguments.keys)?;
    let bytes = super::read(path)?;
    let name = || path.display().to_string();
    let bundle = SignedBundle::parse_unverified(&bytes)
        .with_context(|| format!("{} is no bundle", name()))?;
    let mut envelope = Envelope::parse_unverified(&bytes).context("the envelope")?;
    verify(&bytes, &bundle.name).with_context(|| format!("a signature of {} is wrong", name()))?;
    let (compiled, trials) = examine(&bundle).with_context(name)?;
    envelope.sign(&bundle, &keys)?;
    let bytes = envelope.to_bytes();
    let verified = verify(&bytes, &bundle.name).context("our own signatures")?;
    super::write(arguments.out.as_ref().unwrap_or(path), &bytes)?;
    let mut text = summary(&verified, &compiled, &trials, bytes.len());
    for rule in bundle.rules.iter().filter(|rule| rule.source.is_empty()) {
        // Writing to a String does not fail.
        let _ =
            writeln!(text, "{:<12}{} has no source: its module was not examined", "note", rule.id);
    }
    Ok(text)
}

/// Compiles every rule of a bundle again and runs its examples: a signer takes nobody's word.
fn examine(bundle: &Bundle) -> anyhow::Result<(Vec<CompiledRule>, Vec<Trials>)> {
    for rule in bundle.rules.iter().filter(|rule| !rule.source.is_empty()) {
        if !recompile(rule, bundle)?.agrees(rule, bundle) {
            bail!("{}: rule or module is not what its source compiles to: do not sign it", rule.id);
        }
    }
    let compiled: Vec<_> = Side::of_bundle(bundle.clone())?.rules.into_iter().flatten().collect();
    let trials = check::trials(&Engines::of_unsigned(bundle)?, &compiled, None)?;
    Ok((compiled, trials))
}

/// Confirms that a bundle is the newest.
pub(crate) fn freshness(arguments: &Freshness) -> anyhow::Result<String> {
    let issued_at = arguments::time_or_now(arguments.issued_at)?;
    let keys = keys::load_all(&arguments.keys)?;
    let verified = open(&arguments.bundle)?;
    if verified.signers().is_empty() {
        bail!("{} is not signed: sign it first", arguments.bundle.display());
    }
    let statement = rules::Freshness {
        bundle: verified.hash(),
        version: verified.bundle().version,
        issued_at,
        expires_at: Millis(issued_at.0.saturating_add(arguments.valid.ms)),
    };
    super::write(&arguments.out, &sign_freshness(&statement, &keys))?;
    let (version, expires_at) = (statement.version, statement.expires_at);
    Ok(format!("version {version} ({}) is the newest until {expires_at}\n", statement.bundle))
}

/// A bundle whose signatures, if any, all verify under the keys that they name. Whether these keys
/// are authorities is for a boot configuration to say.
pub(crate) fn open(path: &Path) -> anyhow::Result<VerifiedBundle> {
    let bytes = super::read(path)?;
    let parsed = SignedBundle::parse_unverified(&bytes)
        .with_context(|| format!("{} is no bundle", path.display()))?;
    verify(&bytes, &parsed.name)
        .with_context(|| format!("{} was changed after it was signed", path.display()))
}

/// Checks every signature that an envelope carries.
fn verify(bytes: &[u8], rulebook: &str) -> anyhow::Result<VerifiedBundle> {
    let envelope = Envelope::parse_unverified(bytes)?;
    let signers = envelope.keys().map(VerifyingKey::from_bytes).collect::<Result<Vec<_>, _>>()?;
    Ok(SignedBundle::verify(bytes, &config_of(signers, rulebook))?)
}

/// Everyone of `signers` must have signed.
pub(crate) fn config_of(mut signers: Vec<VerifyingKey>, rulebook: &str) -> BootConfig {
    signers.sort_unstable();
    BootConfig {
        threshold: signers.len(),
        freshness_threshold: signers.len(),
        freshness_keys: signers.clone(),
        authorities: signers,
        rulebook: rulebook.to_owned(),
        freshness: FreshnessPolicy::default(),
        limits: Limits::default(),
    }
}

fn summary(
    verified: &VerifiedBundle,
    compiled: &[CompiledRule],
    trials: &[Trials],
    bytes: usize,
) -> String {
    let bundle = verified.bundle();
    let mut text = show::head(verified);
    for (rule, trials) in compiled.iter().zip(trials) {
        let header = &rule.read.header;
        let of_bundle = bundle
            .rules
            .iter()
            .find(|known| known.id == header.id && known.effective_from == header.effective_from);
        let (examples, fuel) = (trials.trials.len(), of_bundle.map_or(0, |rule| rule.fuel));
        // Writing to a String does not fail.
        let _ = writeln!(
            text,
            "{:<12}{:<20} {:<8} {examples:>3} examples hold, module {} bytes, fuel {} of {fuel}",
            "rule",
            header.id,
            header.version,
            rule.wasm.len(),
            trials.fuel_most(),
        );
    }
    let _ = writeln!(text, "{:<12}{bytes} bytes", "size");
    text
}
