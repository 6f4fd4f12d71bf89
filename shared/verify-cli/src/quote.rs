//! `probity-verify tpm`: one TPM 2.0 quote, as Probity's evidence or in bare parts. A measured
//! machine is another claim than an enclave, and the verdict says which it is.

use crate::appraisal;
use crate::arguments_more::TpmArguments;
use crate::document::{self, check_rows, refusal};
use crate::judge::Asked;
use crate::output::Verdict;
use crate::table::{Table, short};
use crate::{files, report, signed_policy};
use anyhow::{Context as _, Result, bail};
use attest::ima::FileList;
use attest::tpm::{self, AkBasis, AkParts, AkTrust, QuoteParts, TpmPolicy, VerifiedQuote};
use attest::{AttestError, NonceRule, VerificationTime};
use ear::Subject;
use serde_json::{Value, json};
use std::path::Path;
use verify::{Logs, Origin, Policy, VerifyError};

pub(crate) fn tpm(asked: &TpmArguments) -> Result<Verdict> {
    let moment = Asked::of(&asked.common)?;
    let nonce = files::nonce(&asked.common)?;
    if asked.quote.is_some() && nonce.is_some() {
        bail!(
            "--nonce is part of Probity's evidence: a bare quote has none. Say with --extra-data \
             what its extraData must be"
        );
    }
    let context = appraisal::Context {
        at_ms: moment.known_ms().map_or_else(files::now_ms, Ok)?,
        mode: "refused",
        assumption: None,
        policy: None,
        is_pinned: false,
        nonce: nonce.as_deref(),
    };
    let read = |path: &Option<std::path::PathBuf>| path.as_deref().map(files::read).transpose();
    let event_log = read(&asked.event_log)?;
    let (kernel_log, file_list) = (read(&asked.ima_log)?, read(&asked.file_list)?);
    let logs = Logs {
        event_log: event_log.as_deref(),
        kernel_log: kernel_log.as_deref(),
        file_list: file_list.as_deref(),
    };
    if asked.common.signed.policy.is_some() {
        return under_policy(asked, logs, moment, context);
    }
    let policy = policy(asked, logs.file_list, moment.of_document()?, nonce.clone())?;
    let Logs { event_log, kernel_log, .. } = logs;
    let judged = match &asked.file {
        Some(path) => {
            tpm::verify_evidence_with(&files::read(path)?, event_log, kernel_log, &policy)
        }
        None => bare(asked, logs, &policy)?,
    };
    let is_judged = !policy.pcrs().is_empty();
    Ok(match judged {
        Ok(verified) => accepted(&verified, is_judged, None, context, moment),
        Err(error) => rejected(&error, &context),
    })
}

/// Probity's evidence under a signed policy.
fn under_policy(
    asked: &TpmArguments,
    logs: Logs<'_>,
    moment: Asked,
    mut context: appraisal::Context<'_>,
) -> Result<Verdict> {
    let path = asked.file.as_deref();
    let path = path.context("a policy judges evidence of kind tpm: a bare quote has no binding")?;
    let bytes = files::read(path)?;
    let loaded = signed_policy::load(&asked.common.signed)?
        .and_then(|verified| Policy::from_verified(&verified));
    let policy = match loaded {
        Ok(policy) => policy,
        Err(error) => return Ok(refused(&error, &context)),
    };
    let origin = policy.origin().cloned();
    context.policy = origin.as_ref().map(signed_policy::id);
    context.is_pinned = origin.as_ref().is_some_and(|origin| origin.is_pinned);
    let nonce = context.nonce.map(<[u8]>::to_vec);
    Ok(match policy.judge_quote_with(&bytes, logs, moment.of_document()?, nonce) {
        Ok(verified) => accepted(&verified, true, origin.as_ref(), context, moment),
        Err(error) => refused(&error, &context),
    })
}

/// The policy that the command line spells out.
fn policy(
    asked: &TpmArguments,
    file_list: Option<&[u8]>,
    time: VerificationTime,
    nonce: Option<Vec<u8>>,
) -> Result<TpmPolicy> {
    let wrong = |error: AttestError| anyhow::anyhow!("{error}");
    let mut trust = AkTrust::new();
    for text in &asked.ak_name {
        let name = crypto::from_hex(text).context("--ak-name")?;
        trust = trust.with_name(name).map_err(wrong)?;
    }
    for path in &asked.ak_key {
        trust = trust.with_key(&files::der(path, "PUBLIC KEY")?).map_err(wrong)?;
    }
    if let Some(path) = &asked.common.root {
        let der = files::der(path, "CERTIFICATE")?;
        trust = trust.with_root(files::file_name(path), &der).map_err(wrong)?;
    }
    if let Some(path) = &asked.dedicated_root {
        let der = files::der(path, "CERTIFICATE")?;
        trust = trust.with_dedicated_root(files::file_name(path), &der).map_err(wrong)?;
    }
    if trust.is_empty() {
        bail!(
            "give --ak-name, --ak-key, --root, --dedicated-root or --policy: no key vouches for \
             itself"
        );
    }
    let mut policy = TpmPolicy::new(trust).with_time(time);
    if let Some(path) = &asked.reference {
        for (index, value) in files::registers(path)? {
            policy = policy.with_pcr(index, value).map_err(wrong)?;
        }
    }
    if let Some(list) = file_list {
        policy = policy.with_file_list(FileList::parse(list).map_err(wrong)?);
    }
    if let Some(nonce) = nonce {
        policy = policy.with_nonce(NonceRule::Exact(nonce));
    }
    Ok(policy)
}

/// A quote in parts. What cannot be read is misuse, what does not verify a verdict.
fn bare(
    asked: &TpmArguments,
    logs: Logs<'_>,
    policy: &TpmPolicy,
) -> Result<Result<VerifiedQuote, AttestError>> {
    let read = |path: &Option<std::path::PathBuf>| path.as_deref().map(files::read).transpose();
    let attest = read(&asked.quote)?.context("--quote is missing")?;
    let signature = read(&asked.signature)?.context("--signature is missing")?;
    let public = read(&asked.ak)?;
    let der = |path: &std::path::PathBuf| files::der(path, "CERTIFICATE");
    let certificates = asked.ak_cert.iter().map(der).collect::<Result<Vec<_>>>()?;
    let spki = match (&public, &certificates[..], &asked.ak_key[..]) {
        // A single trusted key is the key that must have signed.
        (None, [], [path]) => Some(files::der(path, "PUBLIC KEY")?),
        _ => None,
    };
    let pcrs = asked.pcrs.as_deref().context("--pcrs is missing")?;
    let pcrs = files::registers(Path::new(pcrs))?;
    let extra_data =
        asked.extra_data.as_deref().map(crypto::from_hex).transpose().context("--extra-data")?;
    let parts = QuoteParts {
        attest: &attest,
        signature: &signature,
        ak: AkParts {
            public: public.as_deref(),
            spki: spki.as_deref(),
            certificates: certificates.iter().map(Vec::as_slice).collect(),
        },
        pcrs: pcrs.iter().map(|(index, value)| (*index, value.as_slice())).collect(),
        extra_data: extra_data.as_deref(),
        event_log: logs.event_log,
    };
    Ok(tpm::verify_quote_with(&parts, logs.kernel_log, policy))
}

fn accepted(
    verified: &VerifiedQuote,
    is_judged: bool,
    origin: Option<&Origin>,
    mut context: appraisal::Context<'_>,
    moment: Asked,
) -> Verdict {
    let mut table = Table::default();
    rows(&mut table, verified);
    let extra = crypto::to_hex(verified.extra_data());
    table.row("speaks for", "extraData", extra);
    if origin.is_some() {
        signed_policy::rows(&mut table, origin);
    }
    check_rows(&mut table, verified.checks());
    for note in verified.notes() {
        table.row("note", "", note);
    }
    let closing = match is_judged {
        true => "VALID: a TPM said this. A measured machine, not an enclave.",
        false => {
            "GENUINE: a TPM said this. What the machine runs was not judged: give --reference or \
             --policy."
        }
    };
    (context.mode, context.assumption) = match moment {
        Asked::Now(_) => ("live", None),
        Asked::Past(_) => ("archival", Some("a quote has no calendar time of its own".to_owned())),
    };
    let mut json = fields(verified);
    json["ok"] = true.into();
    json["verdict"] = "valid".into();
    json["check"] = Value::Null;
    json["machine_judged"] = is_judged.into();
    json["policy"] = signed_policy::fields(origin);
    let ear = Some(appraisal::of_quote(verified, &context));
    Verdict { ok: true, json, text: table.finish(closing), ear }
}

/// Why the attestation key is believed.
pub(crate) fn basis(verified: &VerifiedQuote) -> String {
    match verified.ak_basis() {
        AkBasis::PinnedName => "pinned by its TPM name".into(),
        AkBasis::PinnedKey => "pinned by its public key".into(),
        AkBasis::Root(name) => format!("certified under the root {name}"),
    }
}

/// The rows that a quote adds to a verdict.
pub(crate) fn rows(table: &mut Table, verified: &VerifiedQuote) {
    let name = verified.ak_name().map_or_else(|| "no name given".into(), short);
    table.row("hardware", "TPM 2.0", format!("attestation key {name}, {}", basis(verified)));
    let registers: Vec<_> = verified.pcrs().keys().map(u8::to_string).collect();
    let bank = verified.hash_algorithm();
    table.row("registers", format!("{} quoted", registers.len()), registers.join(" "));
    let clock = verified.clock();
    let powered = format!("{} resets, powered for {} s", clock.reset_count, clock.clock / 1000);
    table.row("bank", bank.to_string(), powered);
    match verified.event_log() {
        Some(log) => {
            let events = format!("{} events", log.events().len());
            let state = format!("replayed; secure boot {}", log.secure_boot().state());
            table.row("boot", events, state);
        }
        None => table.row("boot", "no log", "what was measured is known by its registers only"),
    }
    if let Some(log) = verified.runtime_log() {
        let worker = log.worker();
        let release = worker.release().unwrap_or("no release of the policy");
        let digest = short(worker.sha256());
        table.row(
            "worker",
            release,
            format!("sha256 {digest}, measured into PCR{}", log.register()),
        );
    }
    if let Some(log) = verified.kernel_log() {
        let (count, changed) = (log.files().len(), log.violations());
        table.row("kernel", format!("{count} entries"), format!("replayed; {changed} violations"));
    }
}

/// A verified quote in JSON.
pub(crate) fn fields(verified: &VerifiedQuote) -> Value {
    let hex = |bytes: Option<&[u8]>| bytes.map(crypto::to_hex);
    let pcrs: serde_json::Map<_, _> = verified
        .pcrs()
        .iter()
        .map(|(index, value)| (index.to_string(), crypto::to_hex(value).into()))
        .collect();
    let clock = verified.clock();
    let log = verified.event_log().map(|log| {
        json!({
            "events": log.events().len(),
            "registers": log.pcrs(),
            "secure_boot": log.secure_boot().state().to_string(),
            "boot_services_ended": log.boot_services_ended(),
        })
    });
    let runtime = verified.runtime_log().map(|log| {
        let worker = log.worker();
        json!({
            "register": log.register(),
            "events": log.events().len(),
            "release": worker.release(),
            "sha256": crypto::to_hex(worker.sha256()),
            "claimed_name": worker.claimed_name(),
            "claimed_version": worker.claimed_version(),
        })
    });
    let kernel = verified.kernel_log().map(|log| {
        json!({
            "entries": log.files().len(),
            "violations": log.violations(),
            "ahead": log.ahead(),
        })
    });
    json!({
        "kind": "tpm",
        "attestation_key": {"name": hex(verified.ak_name()), "trusted": basis(verified)},
        "bank": verified.hash_algorithm().to_string(),
        "pcrs": pcrs,
        "clock": {
            "ms": clock.clock,
            "resets": clock.reset_count,
            "restarts": clock.restart_count,
            "safe": clock.safe,
        },
        "firmware_version": format!("{:#018x}", verified.firmware_version()),
        "qualified_signer": crypto::to_hex(verified.qualified_signer()),
        "extra_data": crypto::to_hex(verified.extra_data()),
        "user_data": hex(verified.user_data()),
        "key_set": hex(verified.key_set()),
        "nonce": hex(verified.nonce()),
        "event_log": log,
        "runtime_log": runtime,
        "kernel_log": kernel,
        "notes": verified.notes(),
        "checks": document::checks(verified.checks()),
    })
}

fn rejected(error: &AttestError, context: &appraisal::Context<'_>) -> Verdict {
    refusal(Subject::Tpm, error.check(), &error.to_string(), error.remedy(), context)
}

fn refused(error: &VerifyError, context: &appraisal::Context<'_>) -> Verdict {
    let mut verdict = report::refused(error);
    let refusal = (error.check(), verdict.json["detail"].as_str().unwrap_or_default().to_owned());
    let parts = (refusal.0, refusal.1.as_str(), error.remedy());
    verdict.ear = Some(appraisal::of_refused_evidence(Subject::Tpm, parts, context));
    verdict
}
