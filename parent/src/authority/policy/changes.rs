//! What a new version of a policy changes, line by line. Everything that a policy says becomes
//! lines; the two versions' lines are compared, so that nothing can change unseen.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use policy::{Anchor, Content, NamedDer, PolicyError, VerifiedPolicy};

use super::sign::{self, told};

/// The version that a policy is to take the place of.
pub(super) struct Previous(VerifiedPolicy);

impl Previous {
    /// A policy that enough of its own signers signed.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let name = path.display();
        let signed = sign::open(path)?.signed;
        let signed = signed
            .with_context(|| format!("--previous {name}: a source; give the signed policy"))?;
        let missing = || format!("--previous {name}: too few of its own signers signed it");
        Ok(Self(signed.verified.with_context(missing)?))
    }

    /// Refuses what could never take its place (Y7); nothing is signed then.
    pub(super) fn admits(&self, next: &Content) -> anyhow::Result<()> {
        let before = self.0.content();
        if next.name != before.name {
            bail!("Y7 expected a version of {:?}, found {:?}", before.name, next.name);
        }
        if next.version <= before.version {
            let (expected, found) = (before.version, next.version);
            bail!("Y7 expected a version above {expected}, found {found}; `policy add` raises it");
        }
        Ok(())
    }

    /// What changes, and whether verifiers that trust the version before take this one.
    pub(super) fn report(&self, next: &Content, bytes: &[u8]) -> anyhow::Result<String> {
        let before = self.0.content();
        let (old, new) = (lines(before), lines(next));
        let mut text = format!("changes since version {}\n", before.version);
        let (gone, come) = (old.difference(&new), new.difference(&old));
        let mut all: Vec<_> =
            gone.map(|line| (line, '-')).chain(come.map(|line| (line, '+'))).collect();
        all.sort();
        for (line, sign) in &all {
            // Writing to a String does not fail.
            let _ = writeln!(text, "  {sign} {line}");
        }
        if all.is_empty() {
            text.push_str("  none but the version\n");
        }
        let verdict = match self.0.successor(bytes) {
            Ok(_) => format!("verifiers that hold version {} take it", before.version),
            Err(PolicyError::Quorum { .. }) => {
                "not yet: more of its own signers must sign".to_owned()
            }
            Err(PolicyError::Pins { needed, found }) => {
                let missing = needed.saturating_sub(found);
                format!("not yet: {missing} more of version {}'s signers must sign", before.version)
            }
            Err(other) => return Err(told(other)),
        };
        let _ = writeln!(text, "successor   {verdict}");
        Ok(text)
    }
}

/// Everything that a policy says but its name and version. The fields are named one by one: one
/// that is added to the format does not compile until it has a line here.
fn lines(content: &Content) -> BTreeSet<String> {
    let Content {
        name: _,
        version: _,
        issued_at,
        expires_at,
        signers,
        kinds,
        anchors,
        releases,
        revoked_releases,
        required_pcrs,
        boot_configs,
        revoked_certificates,
        revoked_signers,
        retired_signers,
        tpm,
        witnesses,
        freshness,
        regions,
        required_checks,
    } = content;
    let mut lines = BTreeSet::new();
    let mut say = |line: String| {
        lines.insert(line);
    };
    say(format!("in force from {issued_at} until {expires_at}"));
    say(format!("{} signers must sign", signers.threshold));
    signers.keys.iter().for_each(|key| say(format!("signer {}", key.did_key())));
    kinds.iter().for_each(|kind| say(format!("evidence {kind}")));
    for anchor in anchors {
        say(match anchor {
            Anchor::AwsNitroG1 => "root aws-nitro-g1".to_owned(),
            Anchor::Der(named) => root("root", named),
        });
    }
    release_lines(releases, revoked_releases, &mut say);
    for (index, value) in required_pcrs {
        say(format!("required {}", registers([(*index, &value[..])].into_iter())));
    }
    for bytes in boot_configs {
        let parsed = rules::BootConfig::parse(bytes);
        let rulebook = parsed.map_or("unreadable".to_owned(), |config| config.rulebook);
        say(format!("boot configuration {}: {rulebook}", short(bytes)));
    }
    for one in revoked_certificates {
        let (issuer, serial) = (short(&one.issuer), crypto::to_hex(&one.serial));
        say(format!("revoked certificate {serial} of issuer {issuer}"));
    }
    revoked_signers
        .iter()
        .for_each(|one| say(format!("revoked {}: {}", one.key.did_key(), one.reason)));
    for one in retired_signers {
        say(format!("retired {} from {}: {}", one.key.did_key(), one.from, one.reason));
    }
    tpm_lines(tpm, &mut say);
    say(format!("{} witnesses needed", witnesses.threshold));
    witnesses.keys.iter().for_each(|key| say(format!("witness {key}")));
    let (age, lag, skew) = (freshness.age_ms_max, freshness.lag_ms_max, freshness.skew_ms);
    say(format!("freshness: age {age} ms, lag {lag} ms, skew {skew} ms"));
    match regions {
        None => say("regions: all".to_owned()),
        Some(regions) => say(format!("regions: {}", regions.join(", "))),
    }
    required_checks.iter().for_each(|check| say(format!("required check {check}")));
    lines
}

fn release_lines(
    releases: &[policy::Release],
    revoked: &[policy::RevokedRelease],
    say: &mut impl FnMut(String),
) {
    for one in releases {
        let to = one.to.map_or("open end".to_owned(), |to| format!("until {to}"));
        let pcrs = registers(one.pcrs.iter().map(|(index, value)| (*index, &value[..])));
        say(format!("release {} ({}) from {} {to}: {pcrs}", one.name, one.kind, one.from));
    }
    for one in revoked {
        say(format!("revoked release {}: {}", one.name, one.reason));
    }
}

fn tpm_lines(tpm: &policy::Tpm, say: &mut impl FnMut(String)) {
    let policy::Tpm {
        ak_names,
        ak_roots,
        ek_roots,
        pcrs,
        event_log_required,
        boot_pcr,
        firmware,
        dedicated_roots,
        keys,
        workers,
        file_list,
    } = tpm;
    ak_names.iter().for_each(|name| say(format!("tpm AK {}", crypto::to_hex(name))));
    ak_roots.iter().for_each(|one| say(root("tpm AK root", one)));
    ek_roots.iter().for_each(|one| say(root("tpm EK root", one)));
    dedicated_roots.iter().for_each(|name| say(format!("tpm AK root {name} is dedicated")));
    for (index, value) in pcrs {
        say(format!("tpm {}", registers([(*index, &value[..])].into_iter())));
    }
    say(format!("tpm event log {}", if *event_log_required { "required" } else { "optional" }));
    if let Some(index) = boot_pcr {
        say(format!("tpm boot register PCR{index}"));
    }
    for version in firmware.iter().flatten() {
        say(format!("tpm firmware {version:#018x}"));
    }
    for key in keys {
        let name = crypto::to_hex(&key.name);
        if let Some(qualified) = &key.qualified_name {
            say(format!("tpm AK {name} has the qualified name {}", crypto::to_hex(qualified)));
        }
        if let Some(clock) = key.clock {
            let (ms, resets, restarts) = (clock.ms, clock.resets, clock.restarts);
            say(format!("tpm AK {name} was at {ms} ms, {resets} resets, {restarts} restarts"));
        }
    }
    if let Some(workers) = workers {
        say(format!("tpm workers are measured into PCR{}", workers.register));
        for one in &workers.releases {
            let to = one.to.map_or("open end".to_owned(), |to| format!("until {to}"));
            let sha256 = crypto::to_hex(&one.sha256);
            say(format!("tpm worker {} from {} {to}: {sha256}", one.name, one.from));
        }
    }
    if let Some(hash) = file_list {
        say(format!("tpm file list {}", crypto::to_hex(hash)));
    }
}

fn root(what: &str, named: &NamedDer) -> String {
    format!("{what} {}: {}", named.name, short(&named.der))
}

fn registers<'v>(values: impl Iterator<Item = (u8, &'v [u8])>) -> String {
    let all: Vec<_> =
        values.map(|(index, value)| format!("pcr{index} {}", crypto::to_hex(value))).collect();
    all.join(", ")
}

/// The first digits of the hash of something long.
fn short(bytes: &[u8]) -> String {
    crypto::to_hex(&crypto::sha384(&[bytes])[..8])
}
