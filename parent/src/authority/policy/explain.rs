//! `policy explain`: what a policy accepts at a moment, until when, who signed it, what it
//! requires, and what it does not demand. The last part is the one to read before signing. It must
//! never leave out a way in.

use std::fmt::Write as _;

use facts::Millis;
use policy::{Anchor, AttestationKey, Content, Kind, Release};

use super::super::arguments::{self, Duration};
use super::Explain;
use super::sign::{self, Opened, Signed};

/// What a policy says, in words.
pub(crate) fn explain(arguments: &Explain) -> anyhow::Result<String> {
    let at = arguments::time_or_now(arguments.at)?;
    let Opened { content, signed } = sign::open(&arguments.file)?;
    sign::usable(&content)?;
    let mut text = head(&content);
    match &signed {
        None => line(&mut text, "signed by", "nobody: this is a source"),
        Some(signed) => text.push_str(&signatures(&content, signed)),
    }
    line(&mut text, "at", format!("{at}: {}", standing(&content, at)));
    text.push('\n');
    accepted(&mut text, &content, at);
    refused(&mut text, &content);
    demanded(&mut text, &content);
    text.push_str("\nnot demanded\n");
    for gap in not_demanded(&content) {
        let _ = writeln!(text, "  - {gap}");
    }
    Ok(text)
}

/// Name, version, validity, hash, who has to sign.
pub(super) fn head(content: &Content) -> String {
    let mut text = String::new();
    line(&mut text, "policy", format!("{} version {}", content.name, content.version));
    line(&mut text, "in force", format!("{} until {}", content.issued_at, content.expires_at));
    let signers = &content.signers;
    let count = format!("{} of {} must sign", signers.threshold, signers.keys.len());
    line(&mut text, "signers", count);
    signers.keys.iter().for_each(|key| line(&mut text, "", key.did_key()));
    text
}

/// Who signed, and whether that is enough.
pub(super) fn signatures(content: &Content, signed: &Signed) -> String {
    let mut text = String::new();
    for key in &signed.signers {
        let known = content.signers.keys.contains(key);
        let remark = if known { "" } else { " (not among its signers: counts for nothing)" };
        line(&mut text, "signed by", format!("{}{remark}", key.did_key()));
    }
    match &signed.verified {
        Some(verified) => line(&mut text, "hash", crypto::to_hex(&verified.hash())),
        None => {
            let needed = content.signers.threshold;
            let found = signed.signers.iter().filter(|key| content.signers.keys.contains(key));
            let missing = needed.saturating_sub(found.count());
            let word = format!("NO: {missing} more must sign; no verifier takes it yet");
            line(&mut text, "complete", word);
        }
    }
    text
}

fn line(text: &mut String, name: &str, value: impl AsRef<str>) {
    // Writing to a String does not fail.
    let _ = writeln!(text, "{name:<12}{}", value.as_ref());
}

fn standing(content: &Content, at: Millis) -> &'static str {
    match () {
        () if at < content.issued_at => "NOT YET in force",
        () if at >= content.expires_at => "EXPIRED: live verification refuses it",
        () => "in force",
    }
}

fn accepted(text: &mut String, content: &Content, at: Millis) {
    let kinds: Vec<_> = content.kinds.iter().map(|kind| kind.name()).collect();
    line(text, "evidence", kinds.join(", "));
    for anchor in &content.anchors {
        line(
            text,
            "root",
            match anchor {
                Anchor::AwsNitroG1 => "aws-nitro-g1 (AWS's, built in)".to_owned(),
                Anchor::Der(named) => format!("{} ({} bytes of DER)", named.name, named.der.len()),
            },
        );
    }
    for release in &content.releases {
        let until = release.to.map_or("open end".to_owned(), |to| format!("until {to}"));
        let now = word(content, release, at);
        let first = release.pcrs.iter().next();
        let register =
            first.map(|(index, value)| format!("pcr{index} {}…", crypto::to_hex(&value[..6])));
        let (kind, name, register) = (release.kind, &release.name, register.unwrap_or_default());
        let window = format!("from {} {until}", release.from);
        line(text, "release", format!("{now:<9} {name} ({kind}), {window}, {register}"));
    }
    for bytes in &content.boot_configs {
        let Ok(config) = rules::BootConfig::parse(bytes) else { continue };
        let (k, n) = (config.threshold, config.authorities.len());
        line(text, "rules of", format!("{}: {k} of {n} authorities", config.rulebook));
    }
    let tpm = &content.tpm;
    if content.kinds.contains(&Kind::Tpm) {
        let keys = format!("{} pinned keys, {} AK roots", tpm.ak_names.len(), tpm.ak_roots.len());
        line(text, "tpm", format!("{keys}, {} reference values", tpm.pcrs.len()));
        for name in &tpm.dedicated_roots {
            let word = "certifies attestation keys alone: certificates need not name their purpose";
            line(text, "", format!("{name} {word}"));
        }
        for version in tpm.firmware.iter().flatten() {
            line(text, "", format!("firmware {version:#018x}"));
        }
        let with =
            |has: fn(&AttestationKey) -> bool| tpm.keys.iter().filter(|key| has(key)).count();
        let (named, timed) =
            (with(|key| key.qualified_name.is_some()), with(|key| key.clock.is_some()));
        if named + timed > 0 {
            line(
                text,
                "",
                format!("{named} keys with a qualified name, {timed} with a last clock"),
            );
        }
    }
    if let Some(workers) = &tpm.workers {
        worker_lines(text, workers, at);
    }
    if let Some(hash) = &tpm.file_list {
        let hash = crypto::to_hex(&hash[..6]);
        line(text, "files", format!("those of the list with SHA-384 {hash}… (kernel's log)"));
    }
    if let Some(regions) = &content.regions {
        line(text, "regions", regions.join(", "));
    }
}

fn worker_lines(text: &mut String, workers: &policy::Workers, at: Millis) {
    for release in &workers.releases {
        let until = release.to.map_or("open end".to_owned(), |to| format!("until {to}"));
        let now = match () {
            () if at < release.from => "not yet",
            () if release.to.is_some_and(|to| at >= to) => "ended",
            () => "accepted",
        };
        let (name, digest) = (&release.name, crypto::to_hex(&release.sha256[..6]));
        let window = format!("from {} {until}", release.from);
        line(text, "worker", format!("{now:<9} {name}, {window}, sha256 {digest}…"));
    }
    line(text, "", format!("measured into PCR{}, with the boot configuration", workers.register));
}

fn word(content: &Content, release: &Release, at: Millis) -> &'static str {
    let revoked = content.revoked_releases.iter().any(|one| one.name == release.name);
    match () {
        () if revoked => "REVOKED",
        () if at < release.from => "not yet",
        () if release.to.is_some_and(|to| at >= to) => "ended",
        () => "accepted",
    }
}

fn refused(text: &mut String, content: &Content) {
    for one in &content.revoked_releases {
        line(text, "revoked", format!("release {}: {}", one.name, one.reason));
    }
    for one in &content.revoked_signers {
        line(text, "revoked", format!("signer {}: {}", one.key.did_key(), one.reason));
    }
    for one in &content.retired_signers {
        let (key, from) = (one.key.did_key(), one.from);
        line(text, "retired", format!("signer {key} from {from} on: {}", one.reason));
    }
    if !content.revoked_certificates.is_empty() {
        line(text, "revoked", format!("{} certificates", content.revoked_certificates.len()));
    }
}

fn demanded(text: &mut String, content: &Content) {
    let age = |ms| Duration { ms };
    let fresh = &content.freshness;
    let (oldest, lag) = (age(fresh.age_ms_max), age(fresh.lag_ms_max));
    line(text, "freshness", format!("live evidence at most {oldest} old, quoted within {lag}"));
    for index in content.required_pcrs.keys() {
        line(text, "register", format!("PCR{index} has one value whatever the release"));
    }
    if !content.witnesses.keys.is_empty() {
        let (k, n) = (content.witnesses.threshold, content.witnesses.keys.len());
        line(text, "witnesses", format!("{k} of {n}"));
    }
    if !content.required_checks.is_empty() {
        line(text, "required", content.required_checks.join(" "));
    }
}

/// What a reader might take for demanded and is not.
fn not_demanded(content: &Content) -> Vec<String> {
    let required = |name: &str| content.required_checks.iter().any(|one| one == name);
    let mut gaps = Vec::new();
    let mut gap = |missing: bool, words: &str| {
        if missing {
            gaps.push(words.to_owned());
        }
    };
    gap(content.witnesses.keys.is_empty(), "witnesses: nobody outside the host saw the log (P20)");
    gap(
        !content.witnesses.keys.is_empty() && !required("P20"),
        "P20: a proof without cosignatures is accepted, and the verdict says so",
    );
    gap(!required("P12"), "P12 to P14: without the rule bundle the rules are as the enclave says");
    gap(!required("P15"), "P15 to P17: without the input nothing is recomputed");
    gap(!required("P21"), "P21, P22: modules are not held against their sources");
    gap(content.regions.is_none(), "regions: hardware of any region is accepted (N31)");
    gap(
        content.revoked_certificates.is_empty(),
        "revoked certificates: none is listed, and AWS publishes no list (N30)",
    );
    gap(
        content.required_pcrs.is_empty() && content.kinds.contains(&Kind::Nitro),
        "PCR3, PCR4, PCR8: any role, instance and image signer",
    );
    gap(content.releases.iter().any(|one| one.to.is_none()), "an end for releases with open end");
    let tpm = content.kinds.contains(&Kind::Tpm);
    gap(tpm && !content.tpm.event_log_required, "the measured-boot log (T25 to T30)");
    gap(
        tpm,
        "a time of TPM quotes: they have none (P10), and `age` is not asked of them; see P11, P20",
    );
    let (names, keys) = (&content.tpm.ak_names, &content.tpm.keys);
    let known = |has: fn(&AttestationKey) -> bool| {
        let of = |name: &Vec<u8>| keys.iter().any(|key| key.name == *name && has(key));
        content.tpm.ak_roots.is_empty() && names.iter().all(of)
    };
    gap(tpm && content.tpm.firmware.is_none(), "the TPM's firmware: any version (T23)");
    gap(
        tpm && !known(|key| key.clock.is_some()),
        "a last clock of every attestation key: an older quote of the key may be shown (T22)",
    );
    gap(
        tpm && !known(|key| key.qualified_name.is_some()),
        "a qualified name of every attestation key (T16)",
    );
    let unmeasured = |kind: &Kind| match kind {
        Kind::Nitro => false,
        Kind::NitroTpm => content.tpm.boot_pcr.is_none(),
        Kind::Tpm => content.tpm.boot_pcr.is_none() && content.tpm.workers.is_none(),
    };
    gap(
        content.kinds.iter().any(unmeasured),
        "a register for the boot configuration of instances: whose rules they load is not measured",
    );
    gap(
        tpm && content.tpm.workers.is_none(),
        "workers: any program of the measured boot may hold the key (T24)",
    );
    gap(
        tpm && content.tpm.file_list.is_none(),
        "a list of files: what the kernel measured is not judged (T31 to T34)",
    );
    gap(true, "completeness: whether the host shows every proof (audit the log, P9)");
    gaps
}
