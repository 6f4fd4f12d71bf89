//! `boot new` and `boot show`: the bytes that an enclave extends into PCR16, and what they say.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use crypto::{VerifyingKey, to_hex};
use rules::{BootConfig, FreshnessPolicy, Limits};

use super::{BootNew, Duration};

/// Writes a boot configuration; what it says.
pub(crate) fn new(arguments: &BootNew) -> anyhow::Result<String> {
    let freshness = FreshnessPolicy {
        warn_ms: arguments.warn.ms,
        max_ms: arguments.max.ms,
        refuse_ms: arguments.refuse.ms,
    };
    let config = BootConfig {
        authorities: parse_keys("--authority", &arguments.authorities)?,
        threshold: arguments.threshold,
        freshness_keys: parse_keys("--freshness-key", &arguments.freshness_keys)?,
        freshness_threshold: arguments.freshness_threshold,
        rulebook: arguments.rulebook.clone(),
        freshness,
        limits: Limits::default(),
    };
    let bytes = config.to_bytes();
    // What an enclave would refuse at boot is refused here.
    let config = BootConfig::parse(&bytes).context("check the arguments")?;
    super::write(&arguments.out, &bytes)?;
    Ok(describe(&config))
}

/// What a boot configuration says.
pub(crate) fn show(path: &Path) -> anyhow::Result<String> {
    let config = BootConfig::parse(&super::read(path)?);
    let config =
        config.with_context(|| format!("{}: make one with `probity boot new`", path.display()))?;
    Ok(describe(&config))
}

/// Sorted, as the format wants them.
fn parse_keys(option: &str, dids: &[String]) -> anyhow::Result<Vec<VerifyingKey>> {
    let keys = dids.iter().map(|did| VerifyingKey::from_did_key(did));
    let mut keys = keys
        .collect::<Result<Vec<_>, _>>()
        .with_context(|| format!("{option} wants what `probity keys show FILE` prints"))?;
    keys.sort_unstable();
    if let Some(pair) = keys.windows(2).find(|pair| pair[0] == pair[1]) {
        bail!("{option} {:?} is given twice: name each key once", pair[0]);
    }
    Ok(keys)
}

fn describe(config: &BootConfig) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        // Writing to a String does not fail.
        let _ = writeln!(text, "{name:<12}{value}");
    };
    line("rulebook", config.rulebook.clone());
    for (name, threshold, keys) in [
        ("authorities", config.threshold, &config.authorities),
        ("freshness", config.freshness_threshold, &config.freshness_keys),
    ] {
        line(name, format!("{threshold} of {} must sign", keys.len()));
        keys.iter().for_each(|key| line("", key.did_key()));
    }
    let age = |ms| Duration { ms };
    let ages = &config.freshness;
    line("ages", format!("offline after {}", age(ages.warn_ms)));
    line("", format!("no new bundle after {}", age(ages.max_ms)));
    line("", format!("refused from {}", age(ages.refuse_ms)));
    let limits = &config.limits;
    line("limits", format!("fuel {}, {} pages", limits.fuel_max, limits.memory_pages_max));
    line("hash", config.hash().to_string());
    line("pcr16", to_hex(&config.pcr16()));
    text
}
