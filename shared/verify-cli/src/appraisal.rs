//! Verdicts as attestation results: which checks passed is copied into the findings of crate
//! `ear`, which alone decides what they are worth. Nothing is added to them here.

use crate::document::{Root, place};
use crate::judge::{Judge, Judged, Moment};
use crate::{quote, signed_policy};
use attest::tpm::VerifiedQuote;
use attest::{Outcome as AttestOutcome, VerifiedDocument};
use ear::{Appraisal, Ear, Findings, Subject};
use policy::Kind;
use serde_json::{Value, json};
use verify::{Outcome, Standing, Verified, VerifyError};

/// Name and version of this verifier.
pub(crate) const BUILD: &str = concat!("probity-verify ", env!("CARGO_PKG_VERSION"));

/// What is judged besides the evidence itself.
pub(crate) struct Context<'a> {
    /// The moment, Unix milliseconds.
    pub(crate) at_ms: u64,
    pub(crate) mode: &'a str,
    pub(crate) assumption: Option<String>,
    pub(crate) policy: Option<String>,
    pub(crate) is_pinned: bool,
    pub(crate) nonce: Option<&'a [u8]>,
}

impl<'a> Context<'a> {
    pub(crate) fn of(judge: &'a Judge, moment: &'a Moment) -> Self {
        Self {
            at_ms: moment.at().0,
            mode: moment.mode(),
            assumption: moment.assumption().map(str::to_owned),
            policy: judge.origin.as_ref().map(signed_policy::id),
            is_pinned: judge.origin.as_ref().is_some_and(|origin| origin.is_pinned),
            nonce: judge.nonce.as_deref(),
        }
    }

    fn finish(&self, mut appraisal: Appraisal) -> Appraisal {
        if let Some(id) = &self.policy {
            appraisal = appraisal
                .with_policy(id.clone())
                .with_verifier_claim("policy_pinned", self.is_pinned);
        }
        if let Some(assumption) = &self.assumption {
            appraisal = appraisal.with_verifier_claim("assumption", assumption.clone());
        }
        let at = facts::Millis(self.at_ms).to_string();
        appraisal.with_verifier_claim("mode", self.mode).with_verifier_claim("judged_at", at)
    }

    fn result(&self, label: &str, appraisal: Appraisal) -> Ear {
        let ear = Ear::new(BUILD, self.at_ms, label, self.finish(appraisal));
        match self.nonce {
            Some(nonce) => ear.with_nonce(nonce),
            None => ear,
        }
    }
}

/// A Nitro document alone.
pub(crate) fn of_document(document: &VerifiedDocument, kind: Kind, context: &Context<'_>) -> Ear {
    context.result(place(kind), enclave(document))
}

/// A quote alone.
pub(crate) fn of_quote(verified: &VerifiedQuote, context: &Context<'_>) -> Ear {
    context.result("tpm", tpm(verified, context.nonce.is_some()))
}

/// A proof: what the enclave decided, and what it is.
pub(crate) fn of_proof(judged: &Judged, judge: &Judge) -> Ear {
    let context = Context::of(judge, &judged.moment);
    let verified = &judged.verified;
    let ear = context.result("decision", decision(verified));
    match (verified.nitro(), verified.tpm()) {
        (Some(document), _) => ear.with(place(verified.kind()), context.finish(enclave(document))),
        (None, Some(quote)) => ear.with("tpm", context.finish(tpm(quote, false))),
        (None, None) => ear,
    }
}

/// A proof that was refused.
pub(crate) fn of_refusal(rejected: &VerifyError, judge: Option<&Judge>, now_ms: u64) -> Ear {
    let at_ms = judge.and_then(|judge| judge.asked.known_ms()).unwrap_or(now_ms);
    let context = Context {
        at_ms,
        mode: "refused",
        assumption: None,
        policy: judge.and_then(|judge| judge.origin.as_ref()).map(signed_policy::id),
        is_pinned: judge
            .and_then(|judge| judge.origin.as_ref())
            .is_some_and(|origin| origin.is_pinned),
        nonce: judge.and_then(|judge| judge.nonce.as_deref()),
    };
    let check = rejected.check();
    let refuse = |subject| contraindicate(subject, check, &rejected.to_string(), rejected.remedy());
    let ear = context.result("decision", refuse(Subject::Decision));
    match check.as_bytes().first() {
        Some(b'N') => ear.with("enclave", context.finish(refuse(Subject::Enclave))),
        Some(b'T') => ear.with("tpm", context.finish(refuse(Subject::Tpm))),
        _ => ear,
    }
}

/// Evidence alone that was refused.
pub(crate) fn of_refused_evidence(
    subject: Subject,
    refusal: (&str, &str, &str),
    context: &Context<'_>,
) -> Ear {
    let label = if subject == Subject::Tpm { "tpm" } else { "enclave" };
    let (check, detail, remedy) = refusal;
    context.result(label, contraindicate(subject, check, detail, remedy))
}

fn contraindicate(subject: Subject, check: &str, detail: &str, remedy: &str) -> Appraisal {
    ear::contraindicate(subject, check, detail, remedy)
}

fn enclave(document: &VerifiedDocument) -> Appraisal {
    let root = match Root::of(document) {
        Root::Aws => ear::Root::BuiltIn,
        Root::Test => ear::Root::Test,
        Root::Named => ear::Root::Named,
    };
    let appraisal = ear::appraise(Subject::Enclave, &findings(document.checks()), root)
        .with_attester_claim("module_id", document.module_id())
        .with_attester_claim("timestamp", facts::Millis(document.timestamp_ms()).to_string())
        .with_attester_claim("pcrs", pcrs(document.pcrs().iter().map(|(i, v)| (*i, &v[..]))))
        .with_verifier_claim("release", document.release())
        .with_verifier_claim("root", document.anchor().name());
    match document.nonce() {
        Some(nonce) => appraisal.with_nonce(nonce),
        None => appraisal,
    }
}

/// A TPM has no calendar: only a nonce that was asked for tells a fresh quote from an old one.
fn tpm(verified: &VerifiedQuote, is_fresh: bool) -> Appraisal {
    let mut findings = findings(verified.checks());
    if !is_fresh {
        let why = "no nonce was asked for, and a TPM has no calendar: its age is not known";
        findings.not_checked("T17", "quote answers this verifier", why);
    }
    let appraisal = ear::appraise(Subject::Tpm, &findings, ear::Root::Named)
        .with_attester_claim("pcrs", pcrs(verified.pcrs().iter().map(|(i, v)| (*i, &v[..]))))
        .with_attester_claim("bank", verified.hash_algorithm().to_string())
        .with_verifier_claim("attestation_key", quote::basis(verified));
    match verified.nonce() {
        Some(nonce) => appraisal.with_nonce(nonce),
        None => appraisal,
    }
}

fn decision(verified: &Verified) -> Appraisal {
    let mut findings = Findings::default();
    for (check, outcome) in verified.checks() {
        match outcome {
            Outcome::Passed => findings.passed(check.name()),
            Outcome::NotChecked(why) => findings.not_checked(check.name(), check.title(), why),
        }
    }
    let standing = match verified.standing() {
        Standing::Retired { from, reason } => {
            let text = format!("retired from {from} on: {reason}");
            findings.not_checked("P6", "signer is in use", &text);
            text
        }
        _ => "current".to_owned(),
    };
    let statement = verified.statement();
    let book = &statement.rulebook;
    let hash = book.hash.to_string();
    let rulebook = json!({"name": book.name, "version": book.version, "hash": hash});
    ear::appraise(Subject::Decision, &findings, ear::Root::Named)
        .with_attester_claim("outcome", statement.decision().name())
        .with_attester_claim("compliant", statement.decision().is_compliant())
        .with_attester_claim("evaluated_at", statement.evaluated_at.to_string())
        .with_attester_claim("as_of", statement.as_of.to_string())
        .with_attester_claim("rulebook", rulebook)
        .with_attester_claim("proof_id", crypto::to_hex(&statement.proof_id))
        .with_verifier_claim("proof_hash", verified.proof_hash().to_string())
        .with_verifier_claim("replayed", verified.results().is_some())
        .with_verifier_claim("signer_standing", standing)
}

fn findings(checks: &[(attest::Check, AttestOutcome)]) -> Findings {
    let mut findings = Findings::default();
    for (check, outcome) in checks {
        match outcome {
            AttestOutcome::Passed => findings.passed(check.as_str()),
            AttestOutcome::NotChecked(why) => {
                findings.not_checked(check.as_str(), check.title(), why);
            }
        }
    }
    findings
}

fn pcrs<'a>(values: impl Iterator<Item = (u8, &'a [u8])>) -> Value {
    let entry = |(index, value): (u8, &[u8])| (index.to_string(), crypto::to_hex(value).into());
    Value::Object(values.map(entry).collect())
}
