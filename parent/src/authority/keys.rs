//! Key files: one line, `probity-ed25519-seed:` and 64 hexadecimal digits. They are made readable
//! by their owner only, are never overwritten and never printed.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use crypto::SigningKey;
use ring::rand::{SecureRandom as _, SystemRandom};

/// Makes a key; its did:key.
pub(crate) fn new(path: &Path) -> anyhow::Result<String> {
    let mut seed = [0; 32];
    let random = SystemRandom::new();
    random.fill(&mut seed).map_err(|_| anyhow!("the system gives no randomness; try again"))?;
    let key = SigningKey::from_seed(&seed.into());
    let mut options = OpenOptions::new();
    let file = options.write(true).create_new(true).mode(OWNER_ONLY).open(path);
    let mut file = file.with_context(|| match path.exists() {
        true => format!("{} exists and is not overwritten: name another file", path.display()),
        false => format!("cannot create {}", path.display()),
    })?;
    let line = format!("{PREFIX}{}\n", crypto::to_hex(&seed));
    let written = file.write_all(line.as_bytes()).and_then(|()| file.sync_all());
    written.with_context(|| format!("cannot write {}", path.display()))?;
    Ok(format!("{}\n", key.verifying_key().did_key()))
}

/// The did:key of a key file.
pub(crate) fn show(path: &Path) -> anyhow::Result<String> {
    Ok(format!("{}\n", load(path)?.verifying_key().did_key()))
}

/// The key of a key file.
pub(crate) fn load(path: &Path) -> anyhow::Result<SigningKey> {
    let text = std::fs::read_to_string(path);
    let text = text.with_context(|| format!("cannot read the key file {}", path.display()))?;
    let digits = text.strip_suffix('\n').unwrap_or(&text).strip_prefix(PREFIX);
    let seed = digits.and_then(|digits| crypto::from_hex_exact::<32>(digits).ok());
    // The file's text stays out of the message: it may be a secret with a slip in it.
    let seed = seed.ok_or_else(|| {
        let path = path.display();
        anyhow!("{path} is no key file: make one with `probity keys new --out FILE`")
    })?;
    Ok(SigningKey::from_seed(&seed.into()))
}

/// The keys of several files, each key once.
pub(crate) fn load_all(paths: &[PathBuf]) -> anyhow::Result<Vec<SigningKey>> {
    let mut keys: Vec<SigningKey> = Vec::with_capacity(paths.len());
    for path in paths {
        let key = load(path)?;
        let public = key.verifying_key();
        if keys.iter().any(|known| known.verifying_key() == public) {
            bail!("{} is given twice: {public:?} counts once", path.display());
        }
        keys.push(key);
    }
    Ok(keys)
}

const PREFIX: &str = "probity-ed25519-seed:";
const OWNER_ONLY: u32 = 0o600;
