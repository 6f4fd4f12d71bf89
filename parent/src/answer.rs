//! The answer to an evaluation as JSON: the decision, each rule with its reason, and where the
//! proof is. A view for people and programs; what counts is the proof. It must never say anything
//! that the statement does not.

use crate::landed::Landed;
use crate::rulebook::Rulebook;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use crypto::to_hex;
use rules::{Outcome, RuleResult, Severity};
use serde::Serialize;
use verify::render_reason;

#[derive(Serialize)]
struct Answer<'a> {
    transaction_id: &'a str,
    compliant: bool,
    outcome: &'static str,
    rules_evaluated: usize,
    proof_id: &'a str,
    violations: Vec<&'a Line<'a>>,
    reports: Vec<&'a Line<'a>>,
    results: Vec<Full<'a>>,
    not_covered: Vec<Pair<'a>>,
    evaluated_at: String,
    as_of: String,
    offline_evaluation: bool,
    proof: ProofPart<'a>,
    salt: String,
}

#[derive(Serialize)]
struct Line<'a> {
    rule_id: &'a str,
    version: &'a str,
    outcome: &'static str,
    severity: Option<&'static str>,
    reason: String,
    citation: Option<&'a str>,
}

#[derive(Serialize)]
struct Full<'a> {
    #[serde(flatten)]
    line: &'a Line<'a>,
    values: Vec<String>,
}

/// What was asked for and had no rule in force.
#[derive(Serialize)]
struct Pair<'a> {
    jurisdiction: &'a str,
    domain: &'a str,
}

#[derive(Serialize)]
struct ProofPart<'a> {
    hash: String,
    signature: String,
    href: String,
    index: u64,
    checkpoint_size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    cose: Option<&'a str>,
}

/// The answer's JSON, and whether it says compliant. `rulebook` is the bundle that the statement
/// names, if this host has it. `cose` is the complete proof, if wanted.
pub fn answer(
    landed: &Landed,
    transaction_id: &str,
    rulebook: Option<&Rulebook>,
    cose: Option<&[u8]>,
) -> Result<(Vec<u8>, bool), cbor::CborError> {
    let statement = landed.signed.statement();
    let results = landed.results.iter().map(|bytes| RuleResult::from_bytes(bytes));
    let results = results.collect::<Result<Vec<_>, _>>()?;
    let lines: Vec<_> = results.iter().map(|result| line(result, rulebook)).collect();
    let of = |wanted: fn(Outcome) -> bool| {
        let pairs = results.iter().zip(&lines).filter(move |(result, _)| wanted(result.outcome));
        pairs.map(|(_, line)| line).collect::<Vec<_>>()
    };
    let (proof_id, decision) = (to_hex(&statement.proof_id), statement.decision());
    let cose = cose.map(|bytes| BASE64.encode(bytes));
    let full = results.iter().zip(&lines).map(|(result, line)| Full {
        line,
        values: result.values.iter().map(|value| value.to_string()).collect(),
    });
    let uncovered = statement.not_covered.iter();
    let answer = Answer {
        transaction_id,
        compliant: decision.is_compliant(),
        outcome: decision.name(),
        rules_evaluated: statement.rules.len(),
        proof_id: &proof_id,
        violations: of(|outcome| !outcome.is_compliant()),
        reports: of(|outcome| outcome == Outcome::Report),
        results: full.collect(),
        not_covered: uncovered
            .map(|(jurisdiction, domain)| Pair { jurisdiction, domain })
            .collect(),
        evaluated_at: statement.evaluated_at.to_string(),
        as_of: statement.as_of.to_string(),
        offline_evaluation: statement.offline,
        proof: ProofPart {
            hash: landed.hash.to_string(),
            signature: to_hex(&landed.signed.signature().0),
            href: format!("/v1/proofs/{proof_id}"),
            index: landed.at.index,
            checkpoint_size: landed.checkpoint_size,
            cose: cose.as_deref(),
        },
        salt: to_hex(&landed.salt),
    };
    let bytes = serde_json::to_vec(&answer).expect("texts and numbers always serialize");
    Ok((bytes, decision.is_compliant()))
}

fn line<'a>(result: &'a RuleResult, rulebook: Option<&'a Rulebook>) -> Line<'a> {
    let rule = rulebook.and_then(|rulebook| rulebook.rule(result));
    let severity = match result.outcome {
        // A rule that did not finish gives none of its own reasons.
        Outcome::Error => Some(Severity::Critical),
        _ => rule
            .and_then(|rule| rule.reasons.get(usize::from(result.reason)))
            .map(|reason| reason.severity),
    };
    Line {
        rule_id: &result.id,
        version: &result.version,
        outcome: result.outcome.name(),
        severity: severity.map(Severity::name),
        reason: match rule {
            Some(rule) => render_reason(rule, result),
            None => format!("reason {} (not in the rulebook)", result.reason),
        },
        citation: rule.map(|rule| rule.citation.as_str()),
    }
}
