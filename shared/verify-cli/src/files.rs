//! Reading what the command line names. Sizes are limited before anything is parsed.

use crate::arguments::CommonArguments;
use anyhow::{Context, Result, bail};
use attest::{Pcr, ReferenceValues, TrustAnchor};
use crypto::{Salt, SigningKey};
use rules::BootConfig;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// Largest file that is read, in bytes.
const FILE_BYTES_MAX: u64 = 20 << 20;

/// A file, or standard input for `-`.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Read>> {
    if path == Path::new("-") {
        return Ok(Box::new(std::io::stdin()));
    }
    let file = std::fs::File::open(path);
    Ok(Box::new(file.with_context(|| format!("cannot open {}", path.display()))?))
}

/// A whole file, or standard input for `-`.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?
        .take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .with_context(|| format!("cannot read {}", path.display()))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        bail!("{} is larger than {FILE_BYTES_MAX} bytes", path.display());
    }
    Ok(bytes)
}

/// A boot configuration.
pub(crate) fn boot_config(path: &Path) -> Result<BootConfig> {
    let config = BootConfig::parse(&read(path)?);
    config.with_context(|| format!("{} is no boot configuration", path.display()))
}

/// The roots that are trusted: the built-in one, or the one that was named.
pub(crate) fn anchors(common: &CommonArguments) -> Result<Vec<TrustAnchor>> {
    let Some(path) = &common.root else {
        return Ok(vec![TrustAnchor::aws_nitro_g1()]);
    };
    let der = der(path, "CERTIFICATE")?;
    let name = file_name(path);
    let anchor = TrustAnchor::from_der(name, &der).map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(vec![anchor])
}

/// The last part of a path, as verdicts name what came from it.
pub(crate) fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| "-".into(), |name| name.to_string_lossy().into_owned())
}

/// What a file holds in DER, or in PEM under this label.
pub(crate) fn der(path: &Path, label: &str) -> Result<Vec<u8>> {
    let bytes = read(path)?;
    if !bytes.starts_with(b"-----BEGIN") {
        return Ok(bytes);
    }
    let name = path.display();
    let (found, der) = x509_cert::der::pem::decode_vec(bytes.trim_ascii_end())
        .map_err(|error| anyhow::anyhow!("{name} is not PEM: {error}"))?;
    if found != label {
        bail!("{name}: expected {label}, found {found}");
    }
    Ok(der)
}

/// This machine's clock, Unix milliseconds.
pub(crate) fn now_ms() -> Result<u64> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?;
    u64::try_from(since.as_millis()).context("the clock is beyond all time")
}

/// Reference values: a JSON object, or an array of them (one a release), at least one.
pub(crate) fn measurements(path: &Path) -> Result<Vec<ReferenceValues>> {
    let name = path.display();
    let value =
        verify::parse_json(&read(path)?).with_context(|| format!("{name} is not strict JSON"))?;
    let releases = match value {
        Value::Array(releases) => releases,
        one => vec![one],
    };
    if releases.is_empty() {
        bail!("{name} holds no release: under it no image would be judged");
    }
    releases.iter().map(|r| release(r).with_context(|| format!("in {name}"))).collect()
}

fn release(value: &Value) -> Result<ReferenceValues> {
    let fields = value.as_object().context("expected an object")?;
    let mut pcrs: BTreeMap<u8, Pcr> = BTreeMap::new();
    let mut name = "unnamed".to_owned();
    for (key, value) in fields {
        let text = value.as_str().with_context(|| format!("{key}: expected a text"))?;
        match key.strip_prefix("pcr").map(str::parse::<u8>) {
            Some(Ok(index)) if *key == format!("pcr{index}") => {
                let value = crypto::from_hex_exact(text).with_context(|| format!("in {key}"))?;
                pcrs.insert(index, value);
            }
            _ if key == "release" => name = text.to_owned(),
            _ => bail!("unknown key {key:?}; expected release or pcr0, pcr1, …"),
        }
    }
    ReferenceValues::new(name, pcrs).map_err(|error| anyhow::anyhow!("{error}"))
}

/// The salt: hexadecimal, or a file that holds it.
pub(crate) fn salt(text: &str) -> Result<Salt> {
    let held;
    let digits = if text.len() == 64 && !Path::new(text).exists() {
        text
    } else {
        held = String::from_utf8(read(Path::new(text))?).context("the salt file is not text")?;
        held.trim()
    };
    Ok(Salt(crypto::from_hex_exact(digits).context("--salt")?))
}

/// The nonce of `--nonce`.
pub(crate) fn nonce(common: &CommonArguments) -> Result<Option<Vec<u8>>> {
    common.nonce.as_deref().map(|text| crypto::from_hex(text).context("--nonce")).transpose()
}

/// The key of a key file as `probity keys new` writes it.
pub(crate) fn signing_key(path: &Path) -> Result<SigningKey> {
    let bytes = read(path)?;
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    let digits = text.strip_suffix('\n').unwrap_or(text).strip_prefix("probity-ed25519-seed:");
    let seed = digits.and_then(|digits| crypto::from_hex_exact::<32>(digits).ok());
    // The file's text stays out of the message: it may be a secret with a slip in it.
    let seed = seed.with_context(|| {
        format!("{} is no key file: make one with `probity keys new --out FILE`", path.display())
    })?;
    Ok(SigningKey::from_seed(&seed.into()))
}

/// Registers: a JSON object of indexes and values in hexadecimal.
pub(crate) fn registers(path: &Path) -> Result<BTreeMap<u8, Vec<u8>>> {
    let name = path.display();
    let value =
        verify::parse_json(&read(path)?).with_context(|| format!("{name} is not strict JSON"))?;
    let fields = value.as_object().with_context(|| format!("{name}: expected an object"))?;
    let mut registers = BTreeMap::new();
    for (key, value) in fields {
        let index: u8 =
            key.parse().ok().filter(|index: &u8| index.to_string() == *key).with_context(|| {
                format!("{name}: unknown key {key:?}; expected the number of a register")
            })?;
        let digits = value.as_str().with_context(|| format!("{name}: {key}: expected a text"))?;
        let value = crypto::from_hex(digits).with_context(|| format!("{name}: in {key}"))?;
        registers.insert(index, value);
    }
    if registers.is_empty() {
        bail!("{name} holds no register");
    }
    Ok(registers)
}

/// The cosignature lines of a file: bare C2SP signature lines, or a whole note, whose lines after
/// the empty one are taken. Nothing is verified here.
pub(crate) fn cosignature_lines(path: &Path) -> Result<Vec<Vec<u8>>> {
    let name = path.display();
    let text = String::from_utf8(read(path)?).with_context(|| format!("{name} is not UTF-8"))?;
    let lines = text.rsplit("\n\n").next().unwrap_or_default().lines();
    let lines: Vec<_> = lines
        .filter(|line| line.starts_with('\u{2014}'))
        .map(|line| line.as_bytes().to_vec())
        .collect();
    if lines.is_empty() {
        bail!("{name} holds no signature line; one starts with an em dash");
    }
    Ok(lines)
}

/// Writes what was asked for to a file.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}
