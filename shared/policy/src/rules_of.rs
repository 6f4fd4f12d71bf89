//! What may be written into a policy (check Y3, POLICY.md §3). The rules hold for writers and
//! readers alike: a policy that breaks one can neither be signed nor be read. It must never let an
//! all-zero register through: it would match an enclave in debug mode.

use crate::content::{Anchor, Content, Kind, NamedDer, Release};
use crate::{
    AGE_MS_MAX, AWS_NITRO_G1, BOOT_CONFIG_PCR, BOOT_CONFIGS_MAX, ENDED_SIGNERS_MAX,
    ISSUER_BYTES_MAX, NAME_BYTES_MAX, PolicyError, REASON_BYTES_MAX, REGIONS_MAX, RELEASES_MAX,
    REVOKED_CERTIFICATES_MAX, ROOT_BYTES_MAX, ROOTS_MAX, SERIAL_BYTES_MAX, SIGNERS_MAX,
    SKEW_MS_MAX, WITNESS_BYTES_MAX, WITNESSES_MAX, is_check,
};
use rules::BootConfig;
use std::collections::BTreeSet;

mod tpm;

type Checked = Result<(), PolicyError>;

/// Registers that name an enclave's image.
const IMAGE_PCRS: [u8; 3] = [0, 1, 2];

impl Content {
    /// Whether this may be written (Y3).
    pub fn check(&self) -> Result<(), PolicyError> {
        text("name", &self.name, NAME_BYTES_MAX)?;
        if self.expires_at <= self.issued_at {
            let (field, expected) = ("expires_at", format!("later than {}", self.issued_at));
            return refuse(field, expected, self.expires_at.to_string());
        }
        ascending("signers", self.signers.keys.iter(), SIGNERS_MAX)?;
        threshold("signers", self.signers.threshold, self.signers.keys.len())?;
        ascending("kinds", self.kinds.iter(), Kind::ALL.len())?;
        if self.kinds.is_empty() {
            return refuse("kinds", "at least one of nitro, nitrotpm, tpm", "none");
        }
        self.check_anchors()?;
        self.check_releases()?;
        self.check_registers()?;
        self.check_boot_configs()?;
        self.check_revocations()?;
        self.check_tpm()?;
        self.check_rest()
    }

    fn accepts_documents(&self) -> bool {
        self.kinds.iter().any(|kind| *kind != Kind::Tpm)
    }

    fn check_anchors(&self) -> Checked {
        ascending("anchors", self.anchors.iter().map(Anchor::name), ROOTS_MAX)?;
        for anchor in &self.anchors {
            if let Anchor::Der(named) = anchor {
                root("anchor", named)?;
                if named.name == AWS_NITRO_G1 {
                    let expected = "another name: this one is the built-in root's";
                    return refuse("anchor", expected, AWS_NITRO_G1);
                }
            }
        }
        match (self.accepts_documents(), self.anchors.is_empty()) {
            (true, true) => refuse("anchors", "at least one root for nitro or nitrotpm", "none"),
            (false, false) => refuse("anchors", "none where only tpm is accepted", "roots"),
            _ => Ok(()),
        }
    }

    fn check_releases(&self) -> Checked {
        ascending("releases", self.releases.iter().map(|one| &one.name), RELEASES_MAX)?;
        for (place, release) in self.releases.iter().enumerate() {
            check_release(release)?;
            let field = format!("release {:?}", release.name);
            if !self.kinds.contains(&release.kind) {
                let found = format!("{}, which `kinds` lacks", release.kind);
                return refuse(field, "a kind that the policy accepts", found);
            }
            // Two names for one image would leave open whose window counts, also where one names
            // more registers of it than the other.
            let within = |a: &Release, b: &Release| {
                a.pcrs.iter().all(|(index, value)| b.pcrs.get(index) == Some(value))
            };
            let same = |other: &&Release| {
                other.kind == release.kind && (within(release, other) || within(other, release))
            };
            if let Some(other) = self.releases[..place].iter().find(same) {
                return refuse(field, "registers of its own", format!("those of {:?}", other.name));
            }
        }
        for kind in [Kind::Nitro, Kind::NitroTpm] {
            let has = self.releases.iter().any(|release| release.kind == kind);
            if self.kinds.contains(&kind) && !has {
                return refuse("releases", format!("at least one of kind {kind}"), "none");
            }
        }
        let names = self.revoked_releases.iter().map(|one| &one.name);
        ascending("revoked releases", names, RELEASES_MAX)?;
        for revoked in &self.revoked_releases {
            let field = format!("revoked release {:?}", revoked.name);
            text(&field, &revoked.reason, REASON_BYTES_MAX)?;
            if !self.releases.iter().any(|release| release.name == revoked.name) {
                return refuse(field, "the name of a release of this policy", "another name");
            }
        }
        Ok(())
    }

    fn check_registers(&self) -> Checked {
        for (index, value) in &self.required_pcrs {
            let field = format!("required PCR{index}");
            if !(3..=31).contains(index) || *index == BOOT_CONFIG_PCR {
                let expected = "PCR3 to PCR31, not PCR16: boot configurations give that one";
                return refuse(field, expected, format!("PCR{index}"));
            }
            measured(&field, value)?;
        }
        match self.accepts_documents() || self.required_pcrs.is_empty() {
            true => Ok(()),
            false => refuse("required PCRs", "none where only tpm is accepted", "some"),
        }
    }

    /// An instance's or a TPM's register names the boot configuration, or there is just one.
    fn check_boot_configs(&self) -> Checked {
        ascending("boot configurations", self.boot_configs.iter(), BOOT_CONFIGS_MAX)?;
        if self.boot_configs.is_empty() {
            return refuse("boot configurations", "at least one: whose rules count", "none");
        }
        for (place, bytes) in self.boot_configs.iter().enumerate() {
            BootConfig::parse(bytes).map_err(|error| {
                let field = format!("boot configuration {}", place + 1);
                let expected = "one that `probity boot new` wrote";
                PolicyError::content(field, expected, error.to_string())
            })?;
        }
        // A TPM's runtime log names its boot configuration; an instance has no such log.
        let unnamed = |kind: &Kind| match kind {
            Kind::Nitro => false,
            Kind::NitroTpm => true,
            Kind::Tpm => self.tpm.workers.is_none(),
        };
        let unnamed = self.tpm.boot_pcr.is_none() && self.kinds.iter().any(unnamed);
        if unnamed && self.boot_configs.len() > 1 {
            let expected = "one, or a tpm boot PCR or workers that say which";
            return refuse("boot configurations", expected, self.boot_configs.len().to_string());
        }
        Ok(())
    }

    fn check_revocations(&self) -> Checked {
        let certificates = self.revoked_certificates.iter();
        ascending("revoked certificates", certificates.clone(), REVOKED_CERTIFICATES_MAX)?;
        for one in certificates {
            let field = format!("revoked certificate {}", crypto::to_hex(&one.serial));
            let (issuer, serial) = (one.issuer.len(), one.serial.len());
            if issuer == 0 || issuer > ISSUER_BYTES_MAX || one.issuer[0] != 0x30 {
                return refuse(field, "an issuer's name in DER", format!("{issuer} bytes"));
            }
            if serial == 0 || serial > SERIAL_BYTES_MAX || one.serial[0] == 0 {
                let expected = "a serial number without leading zero bytes";
                return refuse(field, expected, format!("{serial} bytes"));
            }
        }
        let revoked = self.revoked_signers.iter();
        ascending("revoked signers", revoked.clone().map(|one| one.key), ENDED_SIGNERS_MAX)?;
        let retired = self.retired_signers.iter();
        ascending("retired signers", retired.clone().map(|one| one.key), ENDED_SIGNERS_MAX)?;
        for one in revoked {
            text(&format!("revoked signer {:?}", one.key), &one.reason, REASON_BYTES_MAX)?;
        }
        for one in retired {
            let field = format!("retired signer {:?}", one.key);
            text(&field, &one.reason, REASON_BYTES_MAX)?;
            if self.revoked_signers.iter().any(|revoked| revoked.key == one.key) {
                return refuse(field, "a key that is retired or revoked", "both");
            }
        }
        Ok(())
    }

    fn check_rest(&self) -> Checked {
        let witnesses = &self.witnesses;
        ascending("witnesses", witnesses.keys.iter(), WITNESSES_MAX)?;
        for key in &witnesses.keys {
            text("witness", key, WITNESS_BYTES_MAX)?;
        }
        match witnesses.keys.is_empty() {
            true if witnesses.threshold == 0 => {}
            true => return refuse("witnesses", "threshold 0 where there are none", "another"),
            // A witness that changes its key has two under one name, and still speaks once.
            false => {
                let name = |key: &String| key.split('+').next().map(str::to_owned);
                let names: BTreeSet<_> = witnesses.keys.iter().map(name).collect();
                threshold("witnesses", witnesses.threshold, names.len())?;
            }
        }
        let freshness = &self.freshness;
        for (field, value, max) in [
            ("freshness age", freshness.age_ms_max, AGE_MS_MAX),
            ("freshness lag", freshness.lag_ms_max, AGE_MS_MAX),
            ("freshness skew", freshness.skew_ms, SKEW_MS_MAX),
        ] {
            if value > max {
                return refuse(field, format!("at most {max} ms"), format!("{value} ms"));
            }
        }
        if let Some(regions) = &self.regions {
            ascending("regions", regions.iter(), REGIONS_MAX)?;
            regions.iter().try_for_each(|region| text("region", region, NAME_BYTES_MAX))?;
            if regions.is_empty() {
                return refuse("regions", "at least one, or no list at all", "an empty list");
            }
        }
        ascending("required checks", self.required_checks.iter(), usize::MAX)?;
        if let Some(other) = self.required_checks.iter().find(|name| !is_check(name)) {
            return refuse("required checks", "P1 to P22, N1 to N42, T1 to T34", other.as_str());
        }
        match self.required_checks.iter().any(|name| name == "P20") && witnesses.keys.is_empty() {
            true => refuse("required checks", "witnesses, for P20", "none"),
            false => Ok(()),
        }
    }
}

fn check_release(release: &Release) -> Checked {
    text("release", &release.name, NAME_BYTES_MAX)?;
    let field = format!("release {:?}", release.name);
    let needed: &[u8] = match release.kind {
        Kind::Nitro => &IMAGE_PCRS,
        Kind::NitroTpm => &[],
        Kind::Tpm => return refuse(field, "kind nitro or nitrotpm; a TPM's are `tpm` PCRs", "tpm"),
    };
    if let Some(index) = needed.iter().find(|index| !release.pcrs.contains_key(index)) {
        return refuse(field, format!("PCR{index}"), "none");
    }
    if release.kind == Kind::NitroTpm && ![4, 7].iter().any(|one| release.pcrs.contains_key(one)) {
        return refuse(field, "PCR4 or PCR7", "neither");
    }
    // An enclave's PCR16 is the boot configuration's; a TPM's can be reset by any program.
    let last = if release.kind == Kind::Nitro { 31 } else { 22 };
    for (index, value) in &release.pcrs {
        let field = format!("{field}, PCR{index}");
        if *index > last || *index == BOOT_CONFIG_PCR {
            return refuse(field, format!("PCR0 to PCR{last} without 16"), "this one");
        }
        measured(&field, value)?;
    }
    match release.to {
        Some(to) if to <= release.from => {
            refuse(field, format!("a window that ends after {}", release.from), to.to_string())
        }
        _ => Ok(()),
    }
}

fn refuse<T>(
    field: impl Into<String>,
    expected: impl Into<String>,
    found: impl Into<String>,
) -> Result<T, PolicyError> {
    Err(PolicyError::content(field, expected, found))
}

/// A text that people read: not empty, not long, nothing that moves a cursor.
fn text(field: &str, value: &str, bytes_max: usize) -> Checked {
    let (length, hidden) = (value.len(), value.chars().any(char::is_control));
    match length == 0 || length > bytes_max || hidden {
        true if hidden => refuse(field, "a text without control characters", "one"),
        true => refuse(field, format!("1 to {bytes_max} bytes"), format!("{length} bytes")),
        false => Ok(()),
    }
}

/// Strictly ascending: sorted, and nothing twice.
fn ascending<T: PartialOrd>(field: &str, list: impl Iterator<Item = T>, max: usize) -> Checked {
    let mut last = None;
    for (count, entry) in list.enumerate() {
        if count == max {
            return refuse(field, format!("at most {max}"), "more");
        }
        if last.is_some_and(|last| last >= entry) {
            return refuse(field, "ascending entries, each once", format!("entry {}", count + 1));
        }
        last = Some(entry);
    }
    Ok(())
}

fn threshold(field: &str, threshold: usize, keys: usize) -> Checked {
    match (1..=keys).contains(&threshold) {
        true => Ok(()),
        false => refuse(
            format!("{field}, threshold"),
            format!("1 to the number of keys, {keys}"),
            threshold.to_string(),
        ),
    }
}

fn measured(field: &str, value: &[u8]) -> Checked {
    // Zero is an enclave in debug mode; ff is what a TPM's dynamic registers begin with.
    for (reset, word) in [(0, "zero"), (0xff, "ff")] {
        if value.iter().all(|byte| *byte == reset) {
            return refuse(field, "a measurement", format!("{} bytes of {word}", value.len()));
        }
    }
    Ok(())
}

fn root(field: &str, named: &NamedDer) -> Checked {
    text(field, &named.name, NAME_BYTES_MAX)?;
    let length = named.der.len();
    match length > ROOT_BYTES_MAX || named.der.first() != Some(&0x30) {
        true => {
            let field = format!("{field} {:?}", named.name);
            refuse(field, "a certificate in DER", format!("{length} bytes"))
        }
        false => Ok(()),
    }
}
