//! `probity-verify proof`: the whole proof.

use crate::appraisal;
use crate::arguments::ProofArguments;
use crate::files;
use crate::judge::{Judge, Judged};
use crate::output::Verdict;
use crate::proof_table;
use crate::signed_policy;
use crate::table::visible;
use crate::{document, quote};
use anyhow::Result;
use rules::{Bundle, SignedBundle};
use serde_json::{Value, json};
use verify::{Materials, Outcome, Standing, Verified, VerifyError};

pub(crate) fn proof(asked: &ProofArguments) -> Result<Verdict> {
    let now_ms = files::now_ms()?;
    let judge = match Judge::new(&asked.accepted, &asked.common)? {
        Ok(judge) => judge,
        Err(rejected) => return Ok(refused_proof(&rejected, None, now_ms)),
    };
    let bundle = asked.rules.as_deref().map(files::read).transpose()?;
    let input = asked.input.as_deref().map(files::read).transpose()?;
    let salt = asked.salt.as_deref().map(files::salt).transpose()?;
    let event_log = asked.event_log.as_deref().map(files::read).transpose()?;
    let kernel_log = asked.ima_log.as_deref().map(files::read).transpose()?;
    let file_list = asked.file_list.as_deref().map(files::read).transpose()?;
    let mut lines = Vec::new();
    for path in &asked.cosignatures {
        lines.extend(files::cosignature_lines(path)?);
    }
    let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
    let bytes = match proof_bytes(files::read(&asked.file)?) {
        Ok(bytes) => bytes,
        Err(rejected) => return Ok(refused_proof(&rejected, Some(&judge), now_ms)),
    };
    let materials = Materials {
        bundle: bundle.as_deref(),
        input: input.as_deref(),
        salt,
        second_opinion: asked.replay == "both",
        event_log: event_log.as_deref(),
        kernel_log: kernel_log.as_deref(),
        file_list: file_list.as_deref(),
        cosignatures: &lines,
        ..Materials::default()
    };
    let content = bundle.as_deref().and_then(|bytes| SignedBundle::parse_unverified(bytes).ok());
    Ok(match judge.verify(&bytes, &materials) {
        Ok(judged) => accepted(&judged, &judge, content.as_ref()),
        Err(rejected) => refused_proof(&rejected, Some(&judge), now_ms),
    })
}

/// The bytes of a proof: a proof in CBOR starts with a tag, its JSON view with a brace.
pub(crate) fn proof_bytes(bytes: Vec<u8>) -> Result<Vec<u8>, VerifyError> {
    match bytes.trim_ascii_start().starts_with(b"{") {
        false => Ok(bytes),
        true => Ok(verify::parse_view(&bytes)?.to_bytes()),
    }
}

fn accepted(judged: &Judged, judge: &Judge, bundle: Option<&Bundle>) -> Verdict {
    let text = proof_table::table(judged, judge, bundle);
    let json = json_of(judged, judge, bundle);
    Verdict { ok: true, json, text, ear: Some(appraisal::of_proof(judged, judge)) }
}

/// The evidence under a proof, in JSON.
pub(crate) fn evidence(judged: &Judged) -> Value {
    let verified = &judged.verified;
    let mut fields = match (verified.nitro(), verified.tpm()) {
        (Some(document), _) => document::fields(document),
        (None, Some(quote)) => quote::fields(quote),
        (None, None) => Value::Null,
    };
    fields["kind"] = verified.kind().name().into();
    fields["time"] = json!({
        "mode": judged.moment.mode(),
        "at": judged.moment.at().to_string(),
        "assumption": judged.moment.assumption(),
        "assumed": judged.moment.assumption().is_some(),
    });
    fields
}

fn json_of(judged: &Judged, judge: &Judge, bundle: Option<&Bundle>) -> Value {
    let verified = &judged.verified;
    let statement = verified.statement();
    let rules: Vec<_> = statement
        .rules
        .iter()
        .enumerate()
        .map(|(index, rule)| {
            json!({
                "id": rule.id,
                "version": rule.version,
                "outcome": rule.outcome.name(),
                "reason": proof_table::reason(verified, bundle, index),
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
        "verdict": "valid",
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
        "signer": standing(verified),
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
        "witnessed": verified.witnessed().map(|seen| json!({
            "at": seen.at.to_string(),
            "witnesses": seen.names,
        })),
        "replayed": verified.results().is_some(),
        "checks": checks(verified),
        "evidence": evidence(judged),
        "policy": signed_policy::fields(judge.origin.as_ref()),
        "notes": verified.evidence().notes(),
    })
}

fn standing(verified: &Verified) -> Value {
    match verified.standing() {
        Standing::Current => json!({"standing": "current"}),
        Standing::Retired { from, reason } => {
            json!({"standing": "retired", "from": from.to_string(), "reason": reason})
        }
    }
}

fn checks(verified: &Verified) -> Value {
    let one = |(check, outcome): &(verify::Check, Outcome)| match outcome {
        Outcome::Passed => json!({"check": check.name(), "passed": true}),
        Outcome::NotChecked(why) => json!({"check": check.name(), "passed": null, "why": why}),
    };
    verified.checks().iter().map(one).collect()
}

fn refused_proof(rejected: &VerifyError, judge: Option<&Judge>, now_ms: u64) -> Verdict {
    let mut verdict = refused(rejected);
    let origin = judge.and_then(|judge| judge.origin.as_ref());
    verdict.json["policy"] = signed_policy::fields(origin);
    verdict.ear = Some(appraisal::of_refusal(rejected, judge, now_ms));
    verdict
}

/// A refusal: the word, the check, what is wrong, what to do.
pub(crate) fn refused(rejected: &VerifyError) -> Verdict {
    let (check, remedy) = (rejected.check(), rejected.remedy());
    let word = match rejected.verdict() {
        verify::Verdict::Revoked => "REVOKED",
        verify::Verdict::Retired => "RETIRED",
        _ => "REJECTED",
    };
    let asks = title(check).map(|title| format!(" ({title})")).unwrap_or_default();
    let problem = visible(&rejected.to_string());
    let text = format!("{word} {check}{asks}: {problem}\n  do: {remedy}\n");
    let json = json!({
        "ok": false,
        "verdict": word.to_lowercase(),
        "check": check,
        "title": title(check),
        "detail": rejected.to_string(),
        "remedy": remedy,
    });
    Verdict::of(false, json, text)
}

/// What a numbered check asks, in a few words.
pub(crate) fn title(check: &str) -> Option<&'static str> {
    let of_proof = verify::Check::all().find(|one| one.name() == check).map(|one| one.title());
    of_proof.or_else(|| attest::Check::parse(check).map(|one| one.title()))
}
