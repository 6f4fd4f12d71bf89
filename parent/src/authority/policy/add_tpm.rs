//! `policy add worker`, `tpm-key`, `ak-root` and `ek-root`: entries under `tpm` of a source. What
//! they add has to pass `check` like everything else; a key without a reference value of its boot
//! would prove nothing, and is refused there.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use attest::tpm::{HashAlgorithm, ak_name};
use facts::Millis;
use policy::Kind;

use super::super::arguments;
use super::add::{replace, text_of, with_kind};
use super::read::der_of;
use super::scaffold::quoted;

/// Arguments of `policy add worker`.
#[derive(Debug, clap::Args)]
pub struct Worker {
    /// Source of the policy
    source: PathBuf,
    /// Name of the release
    #[arg(long, value_name = "NAME")]
    release: String,
    /// The program
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "sha256",
        conflicts_with = "sha256"
    )]
    binary: Option<PathBuf>,
    /// SHA-256 of the program, in place of it
    #[arg(long, value_name = "HEX", value_parser = crypto::from_hex_exact::<32>)]
    sha256: Option<[u8; 32]>,
    /// First moment, RFC 3339; now when absent
    #[arg(long, value_name = "TIME", value_parser = super::arguments::time)]
    from: Option<Millis>,
    /// First moment after, RFC 3339; open when absent
    #[arg(long, value_name = "TIME", value_parser = super::arguments::time)]
    to: Option<Millis>,
    /// Register that hosts measure into; 14, or the one that the source has
    #[arg(long, value_name = "PCR", value_parser = clap::value_parser!(u8).range(8..=15))]
    register: Option<u8>,
}

/// Arguments of `policy add tpm-key`.
#[derive(Debug, clap::Args)]
pub struct TpmKey {
    /// Source of the policy
    source: PathBuf,
    /// Name of the key: nameAlg and digest, hexadecimal
    #[arg(long, value_name = "HEX", required_unless_present = "ak", conflicts_with = "ak")]
    name: Option<String>,
    /// Its public area (TPMT_PUBLIC), in place of the name
    #[arg(long, value_name = "FILE")]
    ak: Option<PathBuf>,
    /// A register's reference value, as in 4=HEX; once for each
    #[arg(long = "pcr", value_name = "N=HEX", value_parser = register)]
    pcrs: Vec<(u8, String)>,
}

/// Arguments of `policy add ak-root` and `ek-root`.
#[derive(Debug, clap::Args)]
pub struct TpmRoot {
    /// Source of the policy
    source: PathBuf,
    /// The name that verdicts show
    #[arg(long, value_name = "NAME")]
    name: String,
    /// Its certificate, PEM or DER
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// Whether it certifies attestation keys alone (ak-root): certificates need not say so then
    #[arg(long)]
    dedicated: bool,
    /// A register's reference value, as in 4=HEX; once for each
    #[arg(long = "pcr", value_name = "N=HEX", value_parser = register)]
    pcrs: Vec<(u8, String)>,
}

fn register(text: &str) -> Result<(u8, String), String> {
    let (index, value) = text.split_once('=').ok_or("expected N=HEX, such as 4=0a1b…")?;
    let index = index.parse::<u8>().map_err(|error| error.to_string())?;
    crypto::from_hex(value).map_err(|error| error.to_string())?;
    Ok((index, value.to_owned()))
}

/// Adds a release of the worker.
pub(super) fn worker(asked: &Worker) -> anyhow::Result<String> {
    let sha256: [u8; 32] = match (&asked.sha256, &asked.binary) {
        (Some(sha256), _) => *sha256,
        (None, Some(path)) => {
            let program = std::fs::read(path).with_context(|| format!("{}", path.display()))?;
            let digest = HashAlgorithm::Sha256.digest(&[&program]);
            digest.try_into().map_err(|_| anyhow!("a digest of another length"))?
        }
        (None, None) => bail!("give the program with --binary, or its hash with --sha256"),
    };
    let from = arguments::time_or_now(asked.from)?;
    let name = quoted(&asked.release);
    let mut entry = format!("      - name: {name}\n");
    // Writing to a String does not fail.
    let _ = writeln!(entry, "        sha256: {}", quoted(&crypto::to_hex(&sha256)));
    let _ = writeln!(entry, "        from: {from}");
    if let Some(to) = asked.to {
        let _ = writeln!(entry, "        to: {to}");
    }
    let text = with_kind(&text_of(&asked.source)?, Kind::Tpm)?;
    let mut block = Block::under(&text, "tpm", 0)?;
    let mut workers = Block::under(&block.inside, "workers", 2)?;
    workers.set(4, "register", asked.register.map(|one| one.to_string()), "14")?;
    workers.append(4, "releases", &entry)?;
    block.inside = workers.whole("  workers:");
    replace(&asked.source, &block.whole("tpm:"), &format!("tpm, workers:\n{entry}"))
}

/// Pins an attestation key.
pub(super) fn key(asked: &TpmKey) -> anyhow::Result<String> {
    let name = match (&asked.name, &asked.ak) {
        (Some(name), _) => name.clone(),
        (None, Some(path)) => {
            let public = super::super::read(path)?;
            let name = ak_name(&public);
            crypto::to_hex(&name.with_context(|| format!("{}", path.display()))?)
        }
        (None, None) => bail!("give the key's public area with --ak, or its name with --name"),
    };
    let entry = format!("    - {}\n", quoted(&name));
    add(&asked.source, "ak_names", &entry, &asked.pcrs)
}

/// Adds a root under `key`.
pub(super) fn root(asked: &TpmRoot, key: &str) -> anyhow::Result<String> {
    if asked.dedicated && key != "ak_roots" {
        bail!("--dedicated is about roots of attestation keys");
    }
    let der = der_of(&super::super::read(&asked.file)?).map_err(anyhow::Error::msg)?;
    let (name, hex) = (quoted(&asked.name), crypto::to_hex(&der));
    let mut entry = format!("    - name: {name}\n      hex: {hex}\n");
    if asked.dedicated {
        entry.push_str("      dedicated: true\n");
    }
    add(&asked.source, key, &entry, &asked.pcrs)
}

fn add(source: &Path, key: &str, entry: &str, pcrs: &[(u8, String)]) -> anyhow::Result<String> {
    let text = with_kind(&text_of(source)?, Kind::Tpm)?;
    let mut block = Block::under(&text, "tpm", 0)?;
    block.append(2, key, entry)?;
    if !pcrs.is_empty() {
        let mut registers = Block::under(&block.inside, "pcrs", 2)?;
        for (index, value) in pcrs {
            registers.set(4, &format!("pcr{index}"), Some(quoted(value)), "")?;
        }
        block.inside = registers.whole("  pcrs:");
    }
    replace(source, &block.whole("tpm:"), &format!("tpm, {key}:\n{entry}"))
}

/// A mapping in block form, its lines and what stands around it.
struct Block {
    before: String,
    inside: String,
    after: String,
}

impl Block {
    /// The mapping under `key`, which stands `indent` columns in; an empty one at the end where
    /// there is none.
    fn under(text: &str, key: &str, indent: usize) -> anyhow::Result<Self> {
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let head = format!("{}{key}:", " ".repeat(indent));
        let Some(at) = lines.iter().position(|line| line.starts_with(&head)) else {
            let gap = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
            let (inside, after) = (String::new(), String::new());
            return Ok(Self { before: format!("{text}{gap}"), inside, after });
        };
        let rest = lines[at][head.len()..].split('#').next().unwrap_or_default().trim();
        if !rest.is_empty() && rest != "{}" {
            bail!("`{key}` is written on one line: write it as a block to add to it");
        }
        let deeper = " ".repeat(indent + 1);
        let inner = lines[at + 1..].iter().take_while(|line| line.starts_with(&deeper)).count();
        let end = at + 1 + inner;
        let (before, inside) = (lines[..at].concat(), lines[at + 1..end].concat());
        Ok(Self { before, inside, after: lines[end..].concat() })
    }

    /// A scalar under `key`: the one that was asked for, which must not contradict the one that is
    /// there, or `default` where there is neither.
    fn set(
        &mut self,
        indent: usize,
        key: &str,
        asked: Option<String>,
        default: &str,
    ) -> anyhow::Result<()> {
        let head = format!("{}{key}:", " ".repeat(indent));
        let line = self.inside.lines().find(|line| line.starts_with(&head));
        let known = line.map(|line| line[head.len()..].split('#').next().unwrap_or_default());
        let known = known.map(|value| value.trim().to_owned());
        let plain = |text: &str| text.trim_matches(['"', '\'']).to_owned();
        match (known, asked) {
            (Some(known), Some(asked)) if plain(&known) != plain(&asked) => {
                bail!("`{key}` is {known} in the source: change it there first");
            }
            (Some(_), _) => {}
            (None, asked) => {
                let value = asked.unwrap_or_else(|| default.to_owned());
                self.inside = format!("{head} {value}\n{}", self.inside);
            }
        }
        Ok(())
    }

    /// One more entry at the end of the list under `key`.
    fn append(&mut self, indent: usize, key: &str, entry: &str) -> anyhow::Result<()> {
        let spaces = " ".repeat(indent);
        let head = format!("{spaces}{key}:");
        let empty = format!("{head} []");
        let inside = self.inside.lines().map(|line| match line.trim_end() == empty {
            true => format!("{head}\n"),
            false => format!("{line}\n"),
        });
        let inside: String = inside.collect();
        let mut list = Block::under(&inside, key, indent)?;
        list.inside.push_str(entry);
        self.inside = list.whole(&head);
        Ok(())
    }

    /// The text again, with `head` above what is inside.
    fn whole(self, head: &str) -> String {
        format!("{}{head}\n{}{}", self.before, self.inside, self.after)
    }
}
