//! A policy file's content as the demands that `attest` understands. A release and a boot
//! configuration are demanded together: each pair is one set of reference values.

use crate::VerifyError;
use crate::evidence::measured;
use attest::tpm::{AkTrust, HashAlgorithm, TpmPolicy, WorkerRelease};
use attest::{
    DocumentKind, NitroPolicy, NonceRule, ReferenceValues, TrustAnchor, VerificationTime,
};
use facts::Millis;
use policy::{Anchor, Content, Kind, PolicyError, Release};
use rules::BootConfig;
use std::collections::BTreeMap;

/// When a release is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) from: Millis,
    pub(crate) to: Option<Millis>,
    /// Why it is accepted at no time.
    pub(crate) revoked: Option<String>,
}

impl Ended {
    /// N34: whether the release is accepted for a moment in Unix milliseconds.
    pub(crate) fn check(&self, release: &str, at: Millis) -> Result<(), VerifyError> {
        let release = release.to_owned();
        if let Some(reason) = &self.revoked {
            return Err(VerifyError::ReleaseRevoked { release, reason: reason.clone() });
        }
        let (from, to) = (self.from, self.to);
        if at < from || to.is_some_and(|to| at >= to) {
            return Err(VerifyError::ReleaseWindow { release, from, to, at });
        }
        Ok(())
    }
}

/// What `attest` is asked for, one policy a kind of evidence.
pub(crate) struct Terms {
    pub(crate) nitro: Option<NitroPolicy>,
    pub(crate) nitrotpm: Option<NitroPolicy>,
    pub(crate) tpm: Option<TpmPolicy>,
    pub(crate) releases: BTreeMap<String, Ended>,
    pub(crate) boot_configs: Vec<BootConfig>,
}

impl Terms {
    pub(crate) fn of(content: &Content) -> Result<Self, VerifyError> {
        let configs = content.boot_configs.iter().map(|bytes| BootConfig::parse(bytes));
        let boot_configs = configs.collect::<Result<Vec<_>, _>>().map_err(VerifyError::Rules)?;
        let accepts = |kind| content.kinds.contains(&kind);
        let documents = |kind, document_kind| match accepts(kind) {
            true => documents(content, kind, document_kind, &boot_configs).map(Some),
            false => Ok(None),
        };
        let window = |release: &Release| {
            let revoked = content.revoked_releases.iter().find(|one| one.name == release.name);
            let revoked = revoked.map(|one| one.reason.clone());
            (release.name.clone(), Ended { from: release.from, to: release.to, revoked })
        };
        Ok(Self {
            nitro: documents(Kind::Nitro, DocumentKind::Enclave)?,
            nitrotpm: documents(Kind::NitroTpm, DocumentKind::NitroTpm)?,
            tpm: if accepts(Kind::Tpm) { Some(quotes(content, &boot_configs)?) } else { None },
            releases: content.releases.iter().map(window).collect(),
            boot_configs,
        })
    }
}

fn documents(
    content: &Content,
    kind: Kind,
    document_kind: DocumentKind,
    boot_configs: &[BootConfig],
) -> Result<NitroPolicy, VerifyError> {
    let anchors = content.anchors.iter().map(|anchor| match anchor {
        Anchor::AwsNitroG1 => Ok(TrustAnchor::aws_nitro_g1()),
        Anchor::Der(named) => TrustAnchor::from_der(&named.name, &named.der),
    });
    let anchors = anchors.collect::<Result<Vec<_>, _>>().map_err(unusable("anchor"))?;
    let register = match kind {
        Kind::Nitro => Some(policy::BOOT_CONFIG_PCR),
        _ => content.tpm.boot_pcr,
    };
    let mut values = Vec::new();
    for release in content.releases.iter().filter(|release| release.kind == kind) {
        let mut bound: Vec<_> = boot_configs
            .iter()
            .map(|config| {
                let mut pcrs = release.pcrs.clone();
                pcrs.extend(register.map(|register| (register, config.pcr16())));
                pcrs
            })
            .collect();
        bound.dedup();
        for pcrs in bound {
            values.push(match document_kind {
                DocumentKind::Enclave => ReferenceValues::new(&release.name, pcrs)?,
                DocumentKind::NitroTpm => ReferenceValues::nitrotpm(&release.name, pcrs)?,
            });
        }
    }
    let mut policy = NitroPolicy::new(anchors, VerificationTime::Document, values)?
        .with_kind(document_kind)
        .with_nonce(NonceRule::Absent)
        .with_age_ms_max(content.freshness.age_ms_max)
        .with_clock_skew_ms(content.freshness.skew_ms)?;
    for (index, value) in &content.required_pcrs {
        policy = policy.with_required_pcr(*index, *value)?;
    }
    if let Some(regions) = &content.regions {
        policy = policy.with_regions(regions.iter().cloned());
    }
    for one in &content.revoked_certificates {
        policy = policy.with_revoked(one.issuer.clone(), &one.serial);
    }
    Ok(policy)
}

fn quotes(content: &Content, boot_configs: &[BootConfig]) -> Result<TpmPolicy, VerifyError> {
    let tpm = &content.tpm;
    let mut trust = AkTrust::new();
    for name in &tpm.ak_names {
        trust = trust.with_name(name.clone())?;
    }
    for root in &tpm.ak_roots {
        let trusted = match tpm.dedicated_roots.contains(&root.name) {
            true => trust.with_dedicated_root(&root.name, &root.der),
            false => trust.with_root(&root.name, &root.der),
        };
        trust = trusted.map_err(unusable("tpm AK root"))?;
    }
    let mut policy = TpmPolicy::new(trust)
        .with_nonce(NonceRule::Absent)
        .require_event_log(tpm.event_log_required);
    if let Some(versions) = &tpm.firmware {
        policy = policy.with_firmware(versions.iter().copied());
    }
    for (index, value) in &tpm.pcrs {
        policy = policy.with_pcr(*index, value.clone())?;
    }
    // The running system extends the boot register: firmware's log has no event of it.
    if let Some(register) = tpm.boot_pcr {
        for config in boot_configs {
            for bank in [HashAlgorithm::Sha256, HashAlgorithm::Sha384] {
                policy = policy.with_runtime_pcr(register, measured(bank, config))?;
            }
        }
    }
    if let Some(workers) = &tpm.workers {
        let releases = workers.releases.iter().map(|one| WorkerRelease {
            name: one.name.clone(),
            sha256: one.sha256,
            from_ms: one.from.0,
            to_ms: one.to.map(|to| to.0),
        });
        policy = policy.with_workers(workers.register, releases)?;
    }
    for one in &content.revoked_certificates {
        policy = policy.with_revoked(one.issuer.clone(), &one.serial);
    }
    Ok(policy)
}

/// A certificate of the policy that no chain can begin at.
fn unusable(field: &'static str) -> impl Fn(attest::AttestError) -> VerifyError {
    move |error| {
        let (expected, found) = ("a usable root certificate".to_owned(), error.to_string());
        PolicyError::Content { field: field.to_owned(), expected, found }.into()
    }
}
