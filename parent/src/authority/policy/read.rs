//! A policy's source as its content. Files that it names (roots, boot configurations) are read
//! beside it. What is wrong is said with its line; what no line is to blame for, with its field.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, anyhow};
use compiler::CompileError;
use compiler::pack::Files;
use compiler::yaml::{Node, Value};
use crypto::VerifyingKey;
use policy::{
    AWS_NITRO_G1, Anchor, Content, Freshness, Kind, NamedDer, Release, RetiredSigner,
    RevokedCertificate, RevokedRelease, RevokedSigner, Signers, Tpm, Witnesses,
};

use super::super::problems;
use super::fields::{Fields, parsed, text};
use super::tpm;

pub(super) type Read<T> = Result<T, CompileError>;

/// Largest source, in bytes.
const SOURCE_BYTES_MAX: usize = 1 << 20;

const KEYS: [&str; 20] = [
    "policy",
    "name",
    "version",
    "issued_at",
    "expires_at",
    "signers",
    "kinds",
    "anchors",
    "releases",
    "revoked_releases",
    "required_pcrs",
    "boot_configs",
    "revoked_certificates",
    "revoked_signers",
    "retired_signers",
    "tpm",
    "witnesses",
    "freshness",
    "regions",
    "required_checks",
];

/// The content of the source at `path`.
pub(super) fn source(path: &Path) -> anyhow::Result<Content> {
    let bytes = super::super::read(path)?;
    let text = String::from_utf8(bytes).with_context(|| format!("{}: no UTF-8", path.display()))?;
    content(path, &text)
}

/// The content of a source's text; `path` says where the files beside it are.
pub(super) fn content(path: &Path, source: &str) -> anyhow::Result<Content> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let folder = path.parent().unwrap_or(Path::new("."));
    let read =
        Node::parse(&name, source, SOURCE_BYTES_MAX).and_then(|node| all(&name, &node, folder));
    let content = read.map_err(|error| {
        anyhow!(problems::describe(&OneFile { text: source.to_owned() }, &[error]))
    })?;
    content.check().with_context(|| name.clone())?;
    Ok(content)
}

/// The source itself, for errors that show its lines.
struct OneFile {
    text: String,
}

impl Files for OneFile {
    fn read(&self, _: &str) -> Result<Vec<u8>, String> {
        Ok(self.text.clone().into_bytes())
    }
}

fn all(file: &str, node: &Node, folder: &Path) -> Read<Content> {
    let fields = Fields::of(file, node, &KEYS, false)?;
    fields.parsed("policy", "the format's version, 1", |text| match text {
        "1" => Ok(()),
        _ => Err("this tool knows version 1"),
    })?;
    let mut content = Content {
        name: fields.text("name")?,
        version: fields.number("version")?,
        issued_at: fields.time("issued_at")?,
        expires_at: fields.time("expires_at")?,
        signers: signers(file, fields.need("signers")?)?,
        kinds: each(&fields, "kinds", |node| {
            parsed(file, node, "nitro, nitrotpm or tpm", |text| {
                Kind::from_name(text).ok_or("there is no such kind of evidence")
            })
        })?,
        anchors: each(&fields, "anchors", |node| anchor(file, node, folder))?,
        releases: each(&fields, "releases", |node| release(file, node))?,
        revoked_releases: each(&fields, "revoked_releases", |node| {
            let entry = Fields::of(file, node, &["name", "reason"], false)?;
            Ok(RevokedRelease { name: entry.text("name")?, reason: entry.text("reason")? })
        })?,
        required_pcrs: match fields.get("required_pcrs") {
            None => BTreeMap::new(),
            Some(node) => registers(&Fields::of(file, node, &[], true)?)?,
        },
        boot_configs: each(&fields, "boot_configs", |node| beside(file, node, folder))?,
        revoked_certificates: each(&fields, "revoked_certificates", |node| {
            let entry = Fields::of(file, node, &["issuer", "serial"], false)?;
            let serial = entry.parsed("serial", "hexadecimal digits", crypto::from_hex)?;
            let zeros = serial.iter().take_while(|byte| **byte == 0).count();
            let issuer = entry.parsed("issuer", "hexadecimal digits", crypto::from_hex)?;
            Ok(RevokedCertificate { issuer, serial: serial[zeros..].to_vec() })
        })?,
        revoked_signers: each(&fields, "revoked_signers", |node| {
            let entry = Fields::of(file, node, &["key", "reason"], false)?;
            Ok(RevokedSigner { key: entry.key("key")?, reason: entry.text("reason")? })
        })?,
        retired_signers: each(&fields, "retired_signers", |node| {
            let entry = Fields::of(file, node, &["key", "from", "reason"], false)?;
            let (key, from) = (entry.key("key")?, entry.time("from")?);
            Ok(RetiredSigner { key, from, reason: entry.text("reason")? })
        })?,
        tpm: fields.get("tpm").map_or(Ok(Tpm::default()), |node| tpm::tpm(file, node, folder))?,
        witnesses: witnesses(file, fields.get("witnesses"))?,
        freshness: freshness(file, fields.get("freshness"))?,
        regions: match fields.get("regions") {
            None => None,
            Some(_) => Some(each(&fields, "regions", |node| text(file, node).map(str::to_owned))?),
        },
        required_checks: each(&fields, "required_checks", |node| {
            parsed(file, node, "a check such as P15, N31 or T25", |text| {
                let is_check = policy::is_check(text);
                is_check
                    .then(|| text.to_owned())
                    .ok_or("P1 to P22 without P9, N1 to N42, T1 to T34")
            })
        })?,
    };
    sort(&mut content);
    Ok(content)
}

/// A source lists things in any order; the format in one.
fn sort(content: &mut Content) {
    content.signers.keys.sort_unstable();
    content.kinds.sort_unstable();
    content.anchors.sort_by(|a, b| a.name().cmp(b.name()));
    content.releases.sort_by(|a, b| a.name.cmp(&b.name));
    content.revoked_releases.sort_by(|a, b| a.name.cmp(&b.name));
    content.boot_configs.sort_unstable();
    content.revoked_certificates.sort_unstable();
    content.revoked_signers.sort_by_key(|one| one.key);
    content.retired_signers.sort_by_key(|one| one.key);
    content.tpm.ak_names.sort_unstable();
    content.tpm.ak_roots.sort_by(|a, b| a.name.cmp(&b.name));
    content.tpm.ek_roots.sort_by(|a, b| a.name.cmp(&b.name));
    content.tpm.dedicated_roots.sort_unstable();
    content.tpm.keys.sort_by(|a, b| a.name.cmp(&b.name));
    if let Some(versions) = &mut content.tpm.firmware {
        versions.sort_unstable();
    }
    if let Some(workers) = &mut content.tpm.workers {
        workers.releases.sort_by(|a, b| a.name.cmp(&b.name));
    }
    content.witnesses.keys.sort_unstable();
    content.required_checks.sort_unstable();
    if let Some(regions) = &mut content.regions {
        regions.sort_unstable();
    }
}

pub(super) fn each<T>(
    fields: &Fields<'_>,
    key: &str,
    read: impl FnMut(&Node) -> Read<T>,
) -> Read<Vec<T>> {
    fields.list(key)?.iter().map(read).collect()
}

fn signers(file: &str, node: &Node) -> Read<Signers> {
    let fields = Fields::of(file, node, &["threshold", "keys"], false)?;
    let keys =
        each(&fields, "keys", |node| parsed(file, node, "a did:key", VerifyingKey::from_did_key))?;
    let expected = "how many must sign";
    let threshold = fields.parsed("threshold", expected, str::parse::<usize>)?;
    Ok(Signers { keys, threshold })
}

/// The bytes of a file beside the source, or of `hex`.
fn beside(file: &str, node: &Node, folder: &Path) -> Read<Vec<u8>> {
    if let Value::Map(_) = &node.value {
        let fields = Fields::of(file, node, &["hex"], false)?;
        return fields.parsed("hex", "hexadecimal digits", crypto::from_hex);
    }
    parsed(file, node, "the name of a file beside this one", |name| {
        super::super::read(&folder.join(name)).map_err(|error| format!("{error:#}"))
    })
}

pub(super) fn named_der(file: &str, node: &Node, folder: &Path) -> Read<NamedDer> {
    der_in(&Fields::of(file, node, &["name", "file", "hex"], false)?, node, folder)
}

/// The certificate that a mapping names; other keys are the caller's.
pub(super) fn der_in(fields: &Fields<'_>, node: &Node, folder: &Path) -> Read<NamedDer> {
    let file = fields.file();
    let name = fields.text("name")?;
    let bytes = match fields.get("hex") {
        Some(_) => fields.parsed("hex", "hexadecimal digits", crypto::from_hex)?,
        None => beside(file, fields.need("file")?, folder)?,
    };
    let der = der_of(&bytes).map_err(|error| {
        CompileError::pack(
            fields.file(),
            node.span,
            "a certificate in PEM or DER",
            error,
            "give its file",
        )
    })?;
    Ok(NamedDer { name, der })
}

/// DER as it is, or out of PEM.
pub(super) fn der_of(bytes: &[u8]) -> Result<Vec<u8>, String> {
    use base64::Engine as _;
    let Some(text) = std::str::from_utf8(bytes).ok().filter(|text| text.contains("-----BEGIN"))
    else {
        return Ok(bytes.to_vec());
    };
    let body = text.trim().strip_prefix("-----BEGIN CERTIFICATE-----");
    let body = body.and_then(|body| body.strip_suffix("-----END CERTIFICATE-----"));
    let body: String = body.ok_or("PEM that is not one certificate")?.split_whitespace().collect();
    base64::engine::general_purpose::STANDARD.decode(body).map_err(|error| error.to_string())
}

fn anchor(file: &str, node: &Node, folder: &Path) -> Read<Anchor> {
    match &node.value {
        Value::Text { text, .. } if text.text == AWS_NITRO_G1 => Ok(Anchor::AwsNitroG1),
        Value::Text { .. } => {
            let hint = "write { name: …, file: … } for another root";
            Err(CompileError::pack(file, node.span, AWS_NITRO_G1, node.describe(), hint))
        }
        _ => named_der(file, node, folder).map(Anchor::Der),
    }
}

fn release(file: &str, node: &Node) -> Read<Release> {
    let fields = Fields::of(file, node, &["name", "kind", "from", "to"], true)?;
    let kind = match fields.get("kind") {
        None => Kind::Nitro,
        Some(_) => fields.parsed("kind", "nitro or nitrotpm", |text| {
            Kind::from_name(text).ok_or("there is no such kind of release")
        })?,
    };
    let to = fields.get("to").map(|_| fields.time("to")).transpose()?;
    let (name, from) = (fields.text("name")?, fields.time("from")?);
    Ok(Release { name, kind, pcrs: registers(&fields)?, from, to })
}

fn registers(fields: &Fields<'_>) -> Read<BTreeMap<u8, policy::Pcr>> {
    let value = |(index, node): (u8, &Node)| {
        let expected = "96 hexadecimal digits";
        let value: policy::Pcr =
            parsed(fields.file(), node, expected, crypto::from_hex_exact::<48>)?;
        measured(fields.file(), node, &value)?;
        Ok((index, value))
    };
    fields.registers().map(value).collect()
}

/// An all-zero register is refused at its line, before the format refuses it too.
pub(super) fn measured(file: &str, node: &Node, value: &[u8]) -> Read<()> {
    match value.iter().all(|byte| *byte == 0) {
        true => {
            let hint = "zero is what an enclave in debug mode shows: measure the image you run";
            Err(CompileError::pack(file, node.span, "a measurement", "only zeros", hint))
        }
        false => Ok(()),
    }
}

fn witnesses(file: &str, node: Option<&Node>) -> Read<Witnesses> {
    let Some(node) = node else { return Ok(Witnesses::default()) };
    let fields = Fields::of(file, node, &["threshold", "keys"], false)?;
    let keys = each(&fields, "keys", |node| text(file, node).map(str::to_owned))?;
    let expected = "how many must have cosigned";
    let threshold = fields.parsed("threshold", expected, str::parse::<usize>)?;
    Ok(Witnesses { keys, threshold })
}

fn freshness(file: &str, node: Option<&Node>) -> Read<Freshness> {
    let default = Freshness::default();
    let Some(node) = node else { return Ok(default) };
    let fields = Fields::of(file, node, &["age", "lag", "skew"], false)?;
    Ok(Freshness {
        age_ms_max: fields.duration_ms("age", default.age_ms_max)?,
        lag_ms_max: fields.duration_ms("lag", default.lag_ms_max)?,
        skew_ms: fields.duration_ms("skew", default.skew_ms)?,
    })
}
