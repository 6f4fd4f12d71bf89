//! Measurements of releases, as entries of a policy's source: one release in JSON, the list that
//! `eif/build` writes (eif/measurements.json), or what AWS's tools print. It must never take the
//! measurements of a debug image, nor guess which release was meant.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use eif::release::{Release, Releases, Variant};
use facts::Millis;
use policy::Kind;
use serde_json::{Map, Value};

use super::scaffold::quoted;

/// Which measurements are taken, and for how long they are accepted.
#[derive(Debug, clap::Args)]
pub struct Measured {
    /// Measurements: {"release": …, "pcr0": …, "pcr1": …, "pcr2": …}, the list of `eif/build`, or
    /// what nitro-cli or nitro-tpm-pcr-compute print
    #[arg(long, value_name = "FILE", required = true)]
    pub(super) measurements: Vec<PathBuf>,
    /// Release to take from a list, its newest when absent; the name where the file has none
    #[arg(long, value_name = "VERSION")]
    pub(super) version: Option<String>,
    /// What the release runs as: nitro or nitrotpm
    #[arg(long, value_name = "KIND", default_value = "nitro", value_parser = kind)]
    pub(super) kind: Kind,
    /// First moment, RFC 3339; when the policy comes into force, or now, when absent
    #[arg(long, value_name = "TIME", value_parser = super::arguments::time)]
    pub(super) from: Option<Millis>,
    /// First moment after, RFC 3339; open when absent
    #[arg(long, value_name = "TIME", value_parser = super::arguments::time)]
    pub(super) to: Option<Millis>,
}

fn kind(text: &str) -> Result<Kind, String> {
    let known = Kind::from_name(text).filter(|kind| *kind != Kind::Tpm);
    known.ok_or_else(|| "expected nitro or nitrotpm; a TPM's values stand under `tpm`".to_owned())
}

/// One release: its name, and its registers as they were written.
type Named = (String, BTreeMap<u8, String>);

impl Measured {
    /// The entries under `releases`, from `default` on unless the command line says otherwise.
    pub(super) fn entries(&self, default: Millis) -> anyhow::Result<String> {
        let mut text = String::new();
        for path in &self.measurements {
            let name = path.display();
            let bytes = super::super::read(path)?;
            let releases = self.releases(&bytes).with_context(|| format!("{name}"))?;
            for (name, registers) in releases {
                self.write(&mut text, &name, &registers, default);
            }
        }
        Ok(text)
    }

    fn write(&self, text: &mut String, name: &str, pcrs: &BTreeMap<u8, String>, default: Millis) {
        // Writing to a String does not fail.
        let _ = writeln!(text, "  - name: {}", quoted(name));
        if self.kind != Kind::Nitro {
            let _ = writeln!(text, "    kind: {}", self.kind);
        }
        for (index, value) in pcrs {
            let _ = writeln!(text, "    pcr{index}: {}", quoted(value));
        }
        let _ = writeln!(text, "    from: {}", self.from.unwrap_or(default));
        if let Some(to) = self.to {
            let _ = writeln!(text, "    to: {to}");
        }
    }

    fn releases(&self, bytes: &[u8]) -> anyhow::Result<Vec<Named>> {
        match verify::parse_json(bytes).context("no strict JSON")? {
            Value::Object(one) if one.contains_key("releases") => self.of_list(bytes),
            Value::Object(one) if one.contains_key("Measurements") => Ok(vec![self.printed(&one)?]),
            Value::Array(all) => {
                let all = all.iter().map(|one| self.plain(one)).collect::<Result<Vec<_>, _>>()?;
                self.asked(all)
            }
            one => self.asked(vec![self.plain(&one)?]),
        }
    }

    /// `{"release": …, "pcr0": …}`.
    fn plain(&self, value: &Value) -> anyhow::Result<Named> {
        let fields = value.as_object().context("expected an object")?;
        let word = |key: &str| fields.get(key).and_then(Value::as_str);
        let name = word("release").context("expected `release`, the name")?.to_owned();
        let registers = registers(fields, "pcr", &["release"])?;
        Ok((name, registers))
    }

    /// Of releases that carry their names: the one that was asked for, or all.
    fn asked(&self, all: Vec<Named>) -> anyhow::Result<Vec<Named>> {
        let Some(version) = &self.version else { return Ok(all) };
        let names: Vec<_> = all.iter().map(|(name, _)| name.clone()).collect();
        let found: Vec<_> = all.into_iter().filter(|(name, _)| name == version).collect();
        if found.is_empty() {
            bail!("no release {version:?}; there is {}", names.join(", "));
        }
        Ok(found)
    }

    /// What `nitro-cli build-enclave` and `nitro-tpm-pcr-compute` print: registers without a name.
    fn printed(&self, fields: &Map<String, Value>) -> anyhow::Result<Named> {
        let inner = fields.get("Measurements").and_then(Value::as_object);
        let inner = inner.context("expected an object under `Measurements`")?;
        let name = self.version.clone();
        let name = name.context("these measurements have no name: give one with --version")?;
        Ok((name, registers(inner, "PCR", &["HashAlgorithm"])?))
    }

    /// The releases of eif/measurements.json with the version that was asked for, or the newest.
    fn of_list(&self, bytes: &[u8]) -> anyhow::Result<Vec<Named>> {
        if self.kind != Kind::Nitro {
            bail!("these are enclave images: their registers are of kind nitro, not {}", self.kind);
        }
        let list = Releases::parse(bytes)?;
        let version = match (&self.version, list.newest(Variant::Release)) {
            (Some(asked), _) => asked,
            (None, Some(newest)) => &newest.version,
            (None, None) => bail!("no release image; a policy names no debug image, {WHY}"),
        };
        let of_version: Vec<&Release> =
            list.releases.iter().filter(|one| one.version == *version).collect();
        let releases: Vec<_> =
            of_version.iter().filter(|one| one.variant == Variant::Release).collect();
        if releases.is_empty() {
            match of_version.is_empty() {
                true => bail!("no release {version:?}; there is {}", versions(&list)),
                false => bail!("{version} is a debug image only; a policy names none, {WHY}"),
            }
        }
        let name = |one: &Release| match releases.len() {
            1 => one.version.clone(),
            _ => format!("{}-{}", one.version, one.architecture.name()),
        };
        let entry = |one: &&&Release| {
            let values = [(0, one.pcr0), (1, one.pcr1), (2, one.pcr2)];
            (name(one), values.map(|(index, value)| (index, crypto::to_hex(&value))).into())
        };
        Ok(releases.iter().map(entry).collect())
    }
}

const WHY: &str = "since whoever runs one reads what the enclave prints";

fn versions(list: &Releases) -> String {
    let of = |one: &&Release| one.variant == Variant::Release;
    let names: Vec<_> = list.releases.iter().filter(of).map(|one| &*one.version).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// The registers among the fields; a field that is neither one nor `known` is an error.
fn registers(
    fields: &Map<String, Value>,
    prefix: &str,
    known: &[&str],
) -> anyhow::Result<BTreeMap<u8, String>> {
    let mut registers = BTreeMap::new();
    for (key, value) in fields.iter().filter(|(key, _)| !known.contains(&key.as_str())) {
        let value = value.as_str().with_context(|| format!("{key}: expected a text"))?;
        let index = key.strip_prefix(prefix).and_then(|index| index.parse::<u8>().ok());
        let Some(index) = index.filter(|index| *key == format!("{prefix}{index}")) else {
            bail!("unknown key {key:?}; expected {} or {prefix}0, {prefix}1, …", known.join(", "));
        };
        registers.insert(index, value.to_owned());
    }
    Ok(registers)
}
