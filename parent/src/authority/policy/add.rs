//! `policy add`: one more entry in a source, comments and all left as they are, and the version
//! raised. The changed text has to pass `check` before it replaces the old one; else the file
//! stays as it was.

use std::path::Path;

use anyhow::{Context as _, bail};
use facts::Millis;
use policy::Kind;

use super::super::arguments;
use super::scaffold::quoted;
use super::{Add, add_tpm, read, sign};

/// Adds an entry; what was added.
pub(super) fn add(what: &Add) -> anyhow::Result<String> {
    let (source, key, entry) = match what {
        Add::Release { source, measured } => {
            let now = arguments::time_or_now(measured.from)?;
            let (text, entries) = (text_of(source)?, measured.entries(now)?);
            let text = with_kind(&text, measured.kind)?;
            let text = appended(&text, "releases", &entries)?;
            return replace(source, &text, &format!("releases:\n{entries}"));
        }
        Add::EndRelease { source, name, to } => {
            return ended(source, name, arguments::time_or_now(*to)?);
        }
        Add::RevokeRelease { source, name, reason } => {
            let (name, reason) = (quoted(name), quoted(reason));
            (source, "revoked_releases", format!("  - {{ name: {name}, reason: {reason} }}\n"))
        }
        Add::Revoke { source, key, reason } => {
            let (key, reason) = (quoted(key), quoted(reason));
            (source, "revoked_signers", format!("  - {{ key: {key}, reason: {reason} }}\n"))
        }
        Add::Retire { source, key, from, reason } => {
            let from = arguments::time_or_now(*from)?;
            let (key, reason) = (quoted(key), quoted(reason));
            let entry = format!("  - {{ key: {key}, from: {from}, reason: {reason} }}\n");
            (source, "retired_signers", entry)
        }
        Add::RevokeCertificate { source, issuer, serial } => {
            let (issuer, serial) = (quoted(issuer), quoted(serial));
            let entry = format!("  - {{ issuer: {issuer}, serial: {serial} }}\n");
            (source, "revoked_certificates", entry)
        }
        Add::Witness { source, key } => return witness(source, key),
        Add::Worker(arguments) => return add_tpm::worker(arguments),
        Add::TpmKey(arguments) => return add_tpm::key(arguments),
        Add::AkRoot(arguments) => return add_tpm::root(arguments, "ak_roots"),
        Add::EkRoot(arguments) => return add_tpm::root(arguments, "ek_roots"),
        Add::Require { source, check } => {
            (source, "required_checks", format!("  - {}\n", quoted(check)))
        }
    };
    let text = text_of(source)?;
    replace(source, &appended(&text, key, &entry)?, &format!("{key}:\n{entry}"))
}

/// The text with `kind` among the kinds: a release of another would be of no effect.
pub(super) fn with_kind(text: &str, kind: Kind) -> anyhow::Result<String> {
    let line = text.lines().find(|line| line.starts_with("kinds:")).unwrap_or_default();
    let list = line["kinds:".len().min(line.len())..].split('#').next().unwrap_or_default().trim();
    let inner = list.strip_prefix('[').and_then(|list| list.strip_suffix(']'));
    let mut names = inner.unwrap_or_default().split(',').map(str::trim);
    match inner {
        Some(_) if names.any(|name| name == kind.name()) => Ok(text.to_owned()),
        Some(inner) => Ok(text.replacen(line, &format!("kinds: [{inner}, {kind}]"), 1)),
        None => bail!("write `kinds: [{kind}, …]` on one line: releases of {kind} need it"),
    }
}

/// The source with an end to the window of a release, which had none.
fn ended(source: &Path, name: &str, to: Millis) -> anyhow::Result<String> {
    let text = text_of(source)?;
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let heads = [format!("  - name: {}", quoted(name)), format!("  - name: {name}")];
    let from_releases = lines.iter().position(|line| line.starts_with("releases:"));
    let is_head = |line: &String| heads.iter().any(|head| line.trim_end() == head);
    let head = from_releases.and_then(|at| {
        let below = lines[at + 1..].iter().take_while(|line| line.starts_with([' ', '#']));
        below.clone().position(is_head).map(|offset| at + 1 + offset)
    });
    let Some(head) = head else {
        bail!("no release `- name: {}` in a block under `releases:`", quoted(name));
    };
    let inside = |line: &&String| line.starts_with("    ");
    let end = head + 1 + lines[head + 1..].iter().take_while(inside).count();
    let said = format!("    to: {to}\n");
    let old = lines[head + 1..end].iter().position(|line| line.starts_with("    to:"));
    match old {
        Some(offset) => lines[head + 1 + offset] = said,
        None => lines.insert(end, said),
    }
    replace(source, &lines.concat(), &format!("release {name} ends at {to}\n"))
}

/// Witnesses are a mapping with a threshold: the first one makes it, later ones join its list.
fn witness(source: &Path, key: &str) -> anyhow::Result<String> {
    let text = text_of(source)?;
    let added = format!("    - {}\n", quoted(key));
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let at = lines.iter().position(|line| line.starts_with("witnesses:"));
    let changed = match at {
        None => format!("{text}\nwitnesses:\n  threshold: 1\n  keys:\n{added}"),
        Some(at) => {
            let inside = |line: &&str| line.starts_with([' ', '#']) || line.trim().is_empty();
            let block = lines[at + 1..].iter().take_while(|line| inside(line));
            let keys = block.clone().position(|line| line.trim_end() == "  keys:");
            let Some(keys) = keys.filter(|_| lines[at].trim_end() == "witnesses:") else {
                bail!("`witnesses` is written on one line: write it as a block to add to it");
            };
            let after = at + 1 + keys + 1;
            let head: String = lines[..after].concat();
            format!("{head}{added}{}", lines[after..].concat())
        }
    };
    replace(source, &changed, &format!("witnesses:\n{added}"))
}

pub(super) fn text_of(path: &Path) -> anyhow::Result<String> {
    let text = String::from_utf8(super::super::read(path)?);
    text.with_context(|| format!("{}: no UTF-8", path.display()))
}

/// The text with `entry` at the end of the list under `key`.
fn appended(text: &str, key: &str, entry: &str) -> anyhow::Result<String> {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let head = format!("{key}:");
    let Some(at) = lines.iter().position(|line| line.starts_with(&head)) else {
        let gap = if text.ends_with('\n') { "" } else { "\n" };
        return Ok(format!("{text}{gap}\n{head}\n{entry}"));
    };
    let rest = lines[at][head.len()..].split('#').next().unwrap_or_default().trim();
    let (first, end) = match rest {
        "[]" => (format!("{head}\n"), at + 1),
        "" => {
            let below = lines[at + 1..].iter();
            let inside = |line: &&&str| line.starts_with(' ') && !line.trim().is_empty();
            (lines[at].to_owned(), at + 1 + below.take_while(inside).count())
        }
        _ => bail!("`{key}` is written on one line: write it as a block to add to it"),
    };
    let (before, block) = (lines[..at].concat(), lines[at + 1..end].concat());
    Ok(format!("{before}{first}{block}{entry}{}", lines[end..].concat()))
}

/// Raises the version, checks, writes.
pub(super) fn replace(path: &Path, text: &str, added: &str) -> anyhow::Result<String> {
    let old = read::source(path).context("the source as it was")?;
    let raised = text.lines().map(|line| match line.starts_with("version:") {
        true => format!("version: {}\n", old.version.saturating_add(1)),
        false => format!("{line}\n"),
    });
    let text: String = raised.collect();
    let content = read::content(path, &text).context("nothing was written")?;
    sign::usable(&content).context("nothing was written")?;
    if content.version <= old.version {
        bail!("there is no line `version: {}` to raise; nothing was written", old.version);
    }
    super::super::write(path, text.as_bytes())?;
    Ok(format!("{added}version {} of {}: sign it again\n", content.version, content.name))
}
