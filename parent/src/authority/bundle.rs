//! `rules build` and `rules freshness`: a pack is read, signed in memory, verified as an enclave
//! would, held against its examples, and only then written.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;
use crypto::{SigningKey, VerifyingKey};
use facts::Millis;
use rules::{
    BootConfig, Freshness, FreshnessPolicy, Limits, SignedBundle, VerifiedBundle, sign_bundle,
    sign_freshness,
};
use vm::Program;

use super::examples::{Tally, check};
use super::pack::Pack;
use super::{RulesBuild, RulesFreshness, arguments, keys};

/// Builds, checks, signs and writes a bundle; what is in it.
pub(crate) fn build(arguments: &RulesBuild) -> anyhow::Result<String> {
    let issued_at = arguments::time_or_now(arguments.issued_at)?;
    let keys = keys::load_all(&arguments.keys)?;
    let (bytes, program, tallies) = make(&arguments.directory, arguments.version, issued_at, &keys)
        .with_context(|| format!("pack {}", arguments.directory.display()))?;
    super::write(&arguments.out, &bytes)?;
    Ok(summary(&program, &tallies, bytes.len()))
}

/// The signed bytes of a pack whose examples hold.
pub(crate) fn make(
    directory: &Path,
    version: u64,
    issued_at: Millis,
    keys: &[SigningKey],
) -> anyhow::Result<(Vec<u8>, Program, Vec<Tally>)> {
    let pack = Pack::read(directory, version, issued_at)?;
    let bytes = sign_bundle(&pack.bundle, keys)?;
    let signers = keys.iter().map(SigningKey::verifying_key).collect();
    let verified = SignedBundle::verify(&bytes, &config_of(signers, &pack.bundle.name))?;
    let program = Program::load(verified, Limits::default())?;
    let tallies = check(&program, &pack.examples)?;
    Ok((bytes, program, tallies))
}

/// Confirms that a bundle is the newest.
pub(crate) fn freshness(arguments: &RulesFreshness) -> anyhow::Result<String> {
    let issued_at = arguments::time_or_now(arguments.issued_at)?;
    let keys = keys::load_all(&arguments.keys)?;
    let verified = open(&arguments.bundle)?;
    let statement = Freshness {
        bundle: verified.hash(),
        version: verified.bundle().version,
        issued_at,
        expires_at: Millis(issued_at.0.saturating_add(arguments.valid.ms)),
    };
    super::write(&arguments.out, &sign_freshness(&statement, &keys))?;
    let (version, expires_at) = (statement.version, statement.expires_at);
    Ok(format!("version {version} ({}) is the newest until {expires_at}\n", statement.bundle))
}

/// A signed bundle whose signatures all verify under the keys that they name. Whether these keys
/// are authorities is for a boot configuration to say.
pub(crate) fn open(path: &Path) -> anyhow::Result<VerifiedBundle> {
    let bytes = super::read(path)?;
    let parsed = SignedBundle::parse_unverified(&bytes)
        .with_context(|| format!("{} is no signed bundle", path.display()))?;
    let signers = named_signers(&bytes).map_err(anyhow::Error::new).and_then(|named| {
        Ok(named.iter().map(VerifyingKey::from_bytes).collect::<Result<Vec<_>, _>>()?)
    });
    let signers = signers.with_context(|| format!("signers of {}", path.display()))?;
    SignedBundle::verify(&bytes, &config_of(signers, &parsed.name))
        .with_context(|| format!("{} was changed after it was signed", path.display()))
}

/// Everyone of `signers` must have signed.
fn config_of(mut signers: Vec<VerifyingKey>, rulebook: &str) -> BootConfig {
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

/// The keys that a COSE_Sign names (FORMAT.md §7).
fn named_signers(bytes: &[u8]) -> Result<Vec<[u8; 32]>, cbor::CborError> {
    let mut r = cbor::Reader::new(bytes);
    r.tag()?;
    r.array_of("COSE_Sign", 4)?;
    r.bytes()?;
    r.map_of("unprotected header", 0)?;
    r.bytes()?;
    let (mut signers, mut signatures) = (Vec::new(), r.array()?);
    while r.more(&mut signatures)? {
        r.array_of("COSE_Signature", 3)?;
        let mut protected = cbor::Reader::new(r.bytes()?);
        protected.map_of("signer's header", 2)?;
        protected.key(crypto::cose::LABEL_ALG)?;
        protected.int()?;
        protected.key(crypto::cose::LABEL_KID)?;
        signers.push(protected.array_bytes("key")?);
        r.map_of("unprotected header", 0)?;
        r.bytes()?;
    }
    Ok(signers)
}

fn summary(program: &Program, tallies: &[Tally], bytes: usize) -> String {
    let verified = program.bundle();
    let bundle = verified.bundle();
    let mut text = super::show::head(verified);
    let rows = bundle.rules.iter().zip(tallies);
    for (rule, tally) in rows {
        let module = bundle.modules[rule.module].len();
        // Writing to a String does not fail.
        let _ = writeln!(
            text,
            "{:<12}{:<20} {:<8} {:>3} examples hold, module {module} bytes, fuel {} of {}",
            "rule", rule.id, rule.version, tally.examples, tally.fuel_most, rule.fuel
        );
    }
    let _ = writeln!(text, "{:<12}{bytes} bytes", "size");
    text
}
