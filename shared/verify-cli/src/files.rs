//! Reading what the command line names. Sizes are limited before anything is parsed.

use crate::arguments::CommonArguments;
use anyhow::{Context, Result, bail};
use attest::{Pcr, ReferenceValues, TrustAnchor};
use crypto::{Salt, SigningKey};
use eif::release::{Release, Releases, Variant};
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

/// Reference values: a JSON object, or an array of them (one a release), at least one; or the list
/// that `eif/build` writes.
pub(crate) fn measurements(path: &Path) -> Result<Vec<ReferenceValues>> {
    let name = path.display();
    releases(&read(path)?).with_context(|| format!("in {name}"))
}

fn releases(bytes: &[u8]) -> Result<Vec<ReferenceValues>> {
    let releases = match verify::parse_json(bytes).context("not strict JSON")? {
        Value::Object(list) if list.contains_key("releases") => {
            return published(&Releases::parse(bytes)?);
        }
        Value::Array(releases) => releases,
        one => vec![one],
    };
    if releases.is_empty() {
        bail!("no release: under it no image would be judged");
    }
    releases.iter().map(release).collect()
}

/// Every release image of a list, by the names that `probity policy new` gives; never a debug one.
fn published(list: &Releases) -> Result<Vec<ReferenceValues>> {
    let named = |one: &&Release| one.variant == Variant::Release;
    let releases: Vec<_> = list.releases.iter().filter(named).collect();
    if releases.is_empty() && !list.releases.is_empty() {
        bail!(
            "debug images only: none is accepted, since whoever runs one reads what the enclave \
             prints; build a release image with eif/build"
        );
    }
    if releases.is_empty() {
        bail!("no release: under it no image would be judged");
    }
    let values = |one: &&Release| {
        let machines = releases.iter().filter(|other| other.version == one.version).count();
        let name = match machines {
            1 => one.version.clone(),
            _ => format!("{}-{}", one.version, one.architecture.name()),
        };
        let pcrs = [(0, one.pcr0), (1, one.pcr1), (2, one.pcr2)];
        ReferenceValues::new(name, pcrs.into()).map_err(|error| anyhow::anyhow!("{error}"))
    };
    releases.iter().map(values).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn entry(version: &str, variant: &str, machine: &str, fill: &str) -> Value {
        json!({
            "version": version, "variant": variant, "architecture": machine,
            "pcr0": fill.repeat(48), "pcr1": "11".repeat(48), "pcr2": "22".repeat(48),
            "eif_sha256": "00".repeat(32), "sources_sha256": "00".repeat(32),
            "inputs_sha256": "00".repeat(32),
        })
    }

    fn names(list: &Value) -> Result<Vec<String>, String> {
        let releases = releases(list.to_string().as_bytes()).map_err(|e| format!("{e:#}"))?;
        Ok(releases.iter().map(|one| one.release().to_owned()).collect())
    }

    #[test]
    fn every_release_image_of_a_list_is_taken_and_no_debug_image() {
        let (old, new) =
            (entry("1.0.0", "release", "x86_64", "a0"), entry("1.1.0", "release", "x86_64", "a1"));
        let debug = entry("1.1.0", "debug", "x86_64", "d0");
        let list = json!({ "releases": [old, debug, new] });
        assert_eq!(names(&list), Ok(vec!["1.0.0".into(), "1.1.0".into()]));
        let taken = releases(list.to_string().as_bytes()).expect("sound");
        assert_eq!(taken[1].pcrs().get(&0), Some(&[0xa1; 48]));
        assert_eq!(taken[1].pcrs().get(&2), Some(&[0x22; 48]));
        let both = [new.clone(), entry("1.1.0", "release", "aarch64", "b1")];
        let two = Ok(vec!["1.1.0-x86_64".into(), "1.1.0-aarch64".into()]);
        assert_eq!(names(&json!({ "releases": both })), two);
        let refused = |list: Value| names(&list).expect_err("refused");
        assert!(refused(json!({ "releases": [debug] })).contains("debug images only"));
        assert!(refused(json!({ "releases": [] })).contains("no release"));
        let zero = entry("1.0.0", "release", "x86_64", "00");
        assert!(refused(json!({ "releases": [zero] })).contains("zero register"));
        assert!(refused(json!({ "releases": [new, new] })).contains("again"));
        assert!(refused(json!({ "releases": [new], "more": 1 })).contains("more"));
    }

    #[test]
    fn one_release_or_some_are_taken_as_before() {
        let one = json!({ "release": "a", "pcr0": "01".repeat(48), "pcr1": "02".repeat(48),
                          "pcr2": "03".repeat(48) });
        assert_eq!(names(&one), Ok(vec!["a".into()]));
        assert_eq!(names(&json!([one, one])), Ok(vec!["a".into(), "a".into()]));
        assert!(names(&json!([])).expect_err("none").contains("no release"));
        assert!(names(&json!({ "variant": "debug" })).expect_err("unknown").contains("variant"));
        assert!(releases(b"{\"release\":\"a\",\"release\":\"b\"}").is_err());
    }
}
