//! `probity-verify proof`: the whole proof.

use crate::arguments::{CommonArguments, ProofArguments};
use crate::document::Root;
use crate::table::{Table, short, visible};
use crate::{Verdict, document, files};
use anyhow::Result;
use rules::{BootConfig, Bundle, Outcome as RuleOutcome, SignedBundle};
use serde_json::{Value, json};
use std::path::PathBuf;
use verify::{Materials, Outcome, Policy, Verified, Verifier, VerifyError};

pub(crate) fn proof(asked: &ProofArguments) -> Result<Verdict> {
    let config = files::boot_config(&asked.accepted.boot)?;
    let policy = policy(&asked.accepted.measurements, config, &asked.common)?
        .with_lag_ms_max(asked.lag.saturating_mul(1000));
    let bundle = asked.rules.as_deref().map(files::read).transpose()?;
    let input = asked.input.as_deref().map(files::read).transpose()?;
    let salt = asked.salt.as_deref().map(files::salt).transpose()?;
    let bytes = files::read(&asked.file)?;
    // A proof in CBOR starts with a tag, its JSON view with a brace.
    let bytes = match bytes.trim_ascii_start().starts_with(b"{") {
        false => bytes,
        true => match verify::parse_view(&bytes) {
            Ok(proof) => proof.to_bytes(),
            Err(rejected) => return Ok(refused(&rejected)),
        },
    };
    let second_opinion = asked.replay == "both";
    let (bundle_bytes, input) = (bundle.as_deref(), input.as_deref());
    let materials = Materials { bundle: bundle_bytes, input, salt, second_opinion };
    let content = bundle.as_deref().and_then(|bytes| SignedBundle::parse_unverified(bytes).ok());
    Ok(match Verifier::new(policy).verify(&bytes, &materials) {
        Ok(verified) => accepted(&verified, content.as_ref()),
        Err(rejected) => refused(&rejected),
    })
}

/// The policy that the command line spells out.
pub(crate) fn policy(
    measurements: &[PathBuf],
    config: BootConfig,
    common: &CommonArguments,
) -> Result<Policy> {
    let mut releases = Vec::new();
    for path in measurements {
        releases.extend(files::measurements(path)?);
    }
    let (anchors, time) = (files::anchors(common)?, files::moment(common)?);
    let mut policy = Policy::new(anchors, time, releases, config)
        .map_err(|error| anyhow::anyhow!("{error}"))?
        .with_age_ms_max(common.max_age.saturating_mul(1000));
    if let Some(nonce) = files::nonce(common)? {
        policy = policy.with_nonce(nonce);
    }
    Ok(policy)
}

fn accepted(verified: &Verified, bundle: Option<&Bundle>) -> Verdict {
    let statement = verified.statement();
    let mut table = Table::default();
    let book = &statement.rulebook;
    let vouched =
        if bundle.is_some() { "signed by the authorities" } else { "as the enclave says" };
    let remark = format!("bundle {} {vouched}", short(&book.hash.0));
    table.row("rules", format!("{} {}", book.name, book.version), remark);
    if statement.newest_version != book.version {
        let newest =
            format!("the enclave held version {}; the caller asked", statement.newest_version);
        table.row("", "SUPERSEDED", newest);
    }
    let decision = statement.decision();
    let compliant = if decision.is_compliant() { "compliant" } else { "not compliant" };
    table.row("outcome", decision.name(), format!("{compliant}, as of {}", statement.as_of));
    for (index, rule) in statement.rules.iter().enumerate() {
        table.row(
            "",
            rule.outcome.name(),
            format!("{}: {}", rule.id, reason(verified, bundle, index)),
        );
        for hit in &rule.hits {
            let score = facts::format_decimal(hit.score.into(), 2);
            let text = format!("{} entry {}, score {score} of 100", hit.list, hit.entry);
            table.row("", "hit", text);
        }
    }
    for (jurisdiction, domain) in &statement.not_covered {
        table.row("", "not covered", format!("{jurisdiction} {domain}: no rule in force"));
    }
    document::rows(&mut table, verified.document());
    table.row("signature", "ed25519", format!("{}, attested above", short_did(&statement.agent)));
    let (inclusion, checkpoint) = (verified.inclusion(), verified.checkpoint());
    let place = format!("leaf {} of {}", inclusion.index, inclusion.size);
    table.row("log", place, format!("checkpoint {}", short(&checkpoint.root)));
    let (done, remark) = replay(verified);
    table.row("replay", done, remark);
    let open: Vec<_> = verified
        .checks()
        .iter()
        .filter(|(_, outcome)| *outcome != Outcome::Passed)
        .map(|(check, _)| check.name())
        .collect();
    let passed = verified.checks().len() - open.len();
    table.row(
        "checks",
        format!("{passed} of {} passed", verified.checks().len()),
        format!("not checked: {}", open.join(" ")),
    );
    let closing = Root::of(verified.document()).closing("VALID");
    Verdict { ok: true, json: json_of(verified, bundle), text: table.finish(&closing) }
}

fn reason(verified: &Verified, bundle: Option<&Bundle>, index: usize) -> String {
    let entry = &verified.statement().rules[index];
    let rule = bundle
        .and_then(|b| b.rules.iter().find(|r| (&r.id, &r.version) == (&entry.id, &entry.version)));
    match (verified.results().and_then(|results| results.get(index)), rule) {
        (Some(result), Some(rule)) => verify::render_reason(rule, result),
        _ if entry.outcome == RuleOutcome::Pass => format!("reason {}", entry.reason),
        _ => format!("reason {} (give --rules, --input and --salt to see it)", entry.reason),
    }
}

/// What the replay showed, in two columns.
fn replay(verified: &Verified) -> (&'static str, &'static str) {
    let interpreted = verified
        .checks()
        .iter()
        .any(|(check, outcome)| check.name() == "P22" && *outcome == Outcome::Passed);
    match (verified.results(), interpreted) {
        (Some(_), true) => {
            ("same outcome", "same bytes from the modules, from their sources, and interpreted")
        }
        (Some(_), false) => ("same outcome", "same state, output, trace and fuel"),
        (None, _) => ("not done", "give --rules, --input and --salt"),
    }
}

fn short_did(did: &str) -> String {
    let end = did.char_indices().nth(24).map_or(did.len(), |(at, _)| at);
    format!("{}…", &did[..end])
}

fn json_of(verified: &Verified, bundle: Option<&Bundle>) -> Value {
    let statement = verified.statement();
    let checks: Vec<_> = verified
        .checks()
        .iter()
        .map(|(check, outcome)| match outcome {
            Outcome::Passed => json!({"check": check.name(), "passed": true}),
            Outcome::NotChecked(why) => json!({"check": check.name(), "passed": null, "why": why}),
        })
        .collect();
    let rules: Vec<_> = statement
        .rules
        .iter()
        .enumerate()
        .map(|(index, rule)| {
            json!({
                "id": rule.id,
                "version": rule.version,
                "outcome": rule.outcome.name(),
                "reason": reason(verified, bundle, index),
            })
        })
        .collect();
    let not_covered: Vec<_> = statement
        .not_covered
        .iter()
        .map(|(jurisdiction, domain)| json!({"jurisdiction": jurisdiction, "domain": domain}))
        .collect();
    json!({
        "ok": true,
        "check": null,
        "proof_id": crypto::to_hex(&statement.proof_id),
        "proof_hash": verified.proof_hash().to_string(),
        "compliant": statement.decision().is_compliant(),
        "outcome": statement.decision().name(),
        "rules": rules,
        "not_covered": not_covered,
        "evaluated_at": statement.evaluated_at.to_string(),
        "as_of": statement.as_of.to_string(),
        "agent": statement.agent,
        "rulebook": {
            "name": statement.rulebook.name,
            "version": statement.rulebook.version,
            "hash": statement.rulebook.hash.to_string(),
        },
        "log": {
            "index": verified.inclusion().index,
            "size": verified.inclusion().size,
            "root": crypto::to_hex(&verified.checkpoint().root),
        },
        "replayed": verified.results().is_some(),
        "checks": checks,
        "evidence": document::fields(verified.document()),
    })
}

pub(crate) fn refused(rejected: &VerifyError) -> Verdict {
    let (check, remedy) = (rejected.check(), rejected.remedy());
    let problem = visible(&rejected.to_string());
    let text = format!("REJECTED {check}: {problem}\n  do: {remedy}\n");
    let json =
        json!({"ok": false, "check": check, "detail": rejected.to_string(), "remedy": remedy});
    Verdict { ok: false, json, text }
}
