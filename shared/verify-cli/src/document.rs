//! `probity-verify nitro`: one attestation document.

use crate::appraisal;
use crate::arguments::{DocumentKind as KindAsked, NitroArguments};
use crate::judge::Asked;
use crate::output::Verdict;
use crate::table::{Table, short, visible};
use crate::{files, signed_policy};
use anyhow::Result;
use attest::{
    AttestError, DocumentKind, NitroPolicy, NonceRule, Outcome, VerifiedDocument, VerifiedTime,
};
use ear::Subject;
use facts::Millis;
use policy::Kind;
use serde_json::{Value, json};
use verify::{Origin, Policy, VerifyError};

/// The published test root (attestation-fixtures), whose private key is public.
const TEST_ROOT_SHA256: &str = "a45deb12cb6e833ac07a3220e0c2316cc6555f1cab245311097ef5dc553d721f";

pub(crate) fn nitro(asked: &NitroArguments) -> Result<Verdict> {
    let bytes = files::read(&asked.file)?;
    let moment = Asked::of(&asked.common)?;
    let (time, nonce) = (moment.of_document()?, files::nonce(&asked.common)?);
    let context = appraisal::Context {
        at_ms: moment.known_ms().map_or_else(files::now_ms, Ok)?,
        mode: "refused",
        assumption: None,
        policy: None,
        is_pinned: false,
        nonce: nonce.as_deref(),
    };
    let kind = match asked.kind {
        KindAsked::Enclave => Kind::Nitro,
        KindAsked::Nitrotpm => Kind::NitroTpm,
    };
    if asked.common.signed.policy.is_some() {
        return under_policy(asked, &bytes, (kind, time), context);
    }
    let mut releases = Vec::new();
    for path in &asked.measurements {
        releases.extend(files::measurements(path)?);
    }
    let anchors = files::anchors(&asked.common)?;
    // What was asked for decides, never what the files turned out to hold.
    let judged = !asked.measurements.is_empty();
    let mut policy = if judged {
        NitroPolicy::new(anchors, time, releases).map_err(|error| anyhow::anyhow!("{error}"))?
    } else {
        NitroPolicy::inspect_any_enclave(anchors, time)
    };
    if let Some(seconds) = asked.common.max_age {
        policy = policy.with_age_ms_max(seconds.saturating_mul(1000));
    }
    if kind == Kind::NitroTpm {
        policy = policy.with_kind(DocumentKind::NitroTpm);
    }
    if let Some(nonce) = &nonce {
        policy = policy.with_nonce(NonceRule::Exact(nonce.clone()));
    }
    Ok(match attest::verify(&bytes, &policy, None) {
        Ok(document) => accepted(&document, (kind, judged), None, context),
        Err(error) => rejected(&error, &context),
    })
}

/// The same under a signed policy, which judges image, boot configuration and revocations.
fn under_policy(
    asked: &NitroArguments,
    bytes: &[u8],
    (kind, time): (Kind, attest::VerificationTime),
    mut context: appraisal::Context<'_>,
) -> Result<Verdict> {
    let judged = signed_policy::load(&asked.common.signed)?
        .and_then(|verified| Policy::from_verified(&verified));
    let policy = match judged {
        Ok(policy) => policy,
        Err(error) => return Ok(refused(&error, &context)),
    };
    let origin = policy.origin().cloned();
    context.policy = origin.as_ref().map(signed_policy::id);
    context.is_pinned = origin.as_ref().is_some_and(|origin| origin.is_pinned);
    let nonce = context.nonce.map(<[u8]>::to_vec);
    Ok(match policy.judge_document(bytes, kind, time, nonce) {
        Ok(document) => accepted(&document, (kind, true), origin.as_ref(), context),
        Err(error) => refused(&error, &context),
    })
}

fn accepted(
    document: &VerifiedDocument,
    (kind, judged): (Kind, bool),
    origin: Option<&Origin>,
    mut context: appraisal::Context<'_>,
) -> Verdict {
    let mut table = Table::default();
    rows(&mut table, document, kind);
    if origin.is_some() {
        signed_policy::rows(&mut table, origin);
    }
    check_rows(&mut table, document.checks());
    for note in document.notes() {
        table.row("note", "", note);
    }
    let root = Root::of(document);
    let closing = match judged {
        true => root.closing("VALID", origin.is_some()),
        false => {
            root.closing("GENUINE", false)
                + " The IMAGE was not judged: give --measurements or --policy."
        }
    };
    let mut json = fields(document);
    json["ok"] = true.into();
    json["kind"] = kind.name().into();
    json["verdict"] = "valid".into();
    json["check"] = Value::Null;
    json["image_judged"] = judged.into();
    json["policy"] = signed_policy::fields(origin);
    match document.time() {
        VerifiedTime::Live { now_ms, .. } => (context.at_ms, context.mode) = (now_ms, "live"),
        VerifiedTime::Archival { at_ms, .. } => {
            (context.at_ms, context.mode) = (at_ms, "archival");
            context.assumption = Some(moment(document.time()));
        }
    }
    let ear = Some(appraisal::of_document(document, kind, &context));
    Verdict { ok: true, json, text: table.finish(&closing), ear }
}

/// How many checks passed, and each that was not made, with its reason.
pub(crate) fn check_rows(table: &mut Table, checks: &[(attest::Check, Outcome)]) {
    let passed = checks.iter().filter(|(_, outcome)| *outcome == Outcome::Passed).count();
    let remark = if passed == checks.len() { "none left open" } else { "the others:" };
    table.row("checks", format!("{passed} of {} passed", checks.len()), remark);
    for (check, outcome) in checks {
        if let Outcome::NotChecked(why) = outcome {
            table.row("not checked", check.as_str(), format!("{}: {why}", check.title()));
        }
    }
}

/// Which kind of root spoke.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Root {
    /// AWS's, built in.
    Aws,
    /// The published test root: anybody can sign under it.
    Test,
    /// Another one that the command line named.
    Named,
}

impl Root {
    pub(crate) fn of(document: &VerifiedDocument) -> Self {
        let anchor = document.anchor();
        match (anchor.is_built_in(), crypto::to_hex(&anchor.sha256()) == TEST_ROOT_SHA256) {
            (true, _) => Root::Aws,
            (false, true) => Root::Test,
            (false, false) => Root::Named,
        }
    }

    /// The one that vouches for less.
    pub(crate) fn lesser(self, other: Self) -> Self {
        match (self, other) {
            (Root::Test, _) | (_, Root::Test) => Root::Test,
            (Root::Named, _) | (_, Root::Named) => Root::Named,
            (Root::Aws, Root::Aws) => Root::Aws,
        }
    }

    /// The closing sentence, which says under which root `word` holds.
    /// A signed policy names its roots itself; `--root` is not there to be dropped.
    pub(crate) fn closing(self, word: &str, by_policy: bool) -> String {
        match self {
            Root::Aws => format!("{word} under the AWS Nitro root."),
            Root::Test if by_policy => {
                format!("{word} under a test root, which the policy names: nothing for the field.")
            }
            Root::Test => {
                format!("{word} under a test root. On EC2 drop --root: the AWS root is built in.")
            }
            Root::Named if by_policy => {
                format!("{word} under a root that the policy names; it says nothing about AWS.")
            }
            Root::Named => {
                format!("{word} under a root that you named; it says nothing about AWS.")
            }
        }
    }
}

/// What a document of this kind is from, in a word.
pub(crate) fn place(kind: Kind) -> &'static str {
    if kind == Kind::Nitro { "enclave" } else { "instance" }
}

/// The rows that a document adds to a verdict.
pub(crate) fn rows(table: &mut Table, document: &VerifiedDocument, kind: Kind) {
    hardware_row(table, document, kind);
    let quoted = Millis(document.timestamp_ms()).to_string();
    table.row("quoted", quoted, moment(document.time()));
}

/// Which hardware and image spoke.
pub(crate) fn hardware_row(table: &mut Table, document: &VerifiedDocument, kind: Kind) {
    let root = match Root::of(document) {
        Root::Aws => "AWS root".to_owned(),
        Root::Test => format!("TEST ROOT {}", document.anchor().name()),
        Root::Named => format!("NAMED ROOT {}", document.anchor().name()),
    };
    let pcr0 = document.pcrs().get(&0).map_or_else(String::new, |pcr| short(pcr));
    let release = document.release().map_or("image not judged".into(), |r| format!("release {r}"));
    table.row(place(kind), format!("{kind}, {root}"), format!("pcr0 {pcr0} {release}"));
}

fn moment(time: VerifiedTime) -> String {
    match time {
        VerifiedTime::Live { age_ms, .. } => {
            format!("live: {}.{} s old", age_ms / 1000, age_ms % 1000 / 100)
        }
        VerifiedTime::Archival { own_timestamp: true, .. } => {
            "archival: judged at the document's own time, which nothing else confirms".into()
        }
        VerifiedTime::Archival { at_ms, .. } => {
            format!("archival: ASSUMING that it existed at {}", Millis(at_ms))
        }
    }
}

fn rejected(error: &AttestError, context: &appraisal::Context<'_>) -> Verdict {
    refusal(Subject::Enclave, error.check(), &error.to_string(), error.remedy(), context)
}

fn refused(error: &VerifyError, context: &appraisal::Context<'_>) -> Verdict {
    // The number stands in the text already where the evidence refused.
    let detail = match error {
        VerifyError::Evidence(error) => error.to_string(),
        other => format!("{} {other}", other.check()),
    };
    refusal(Subject::Enclave, error.check(), &detail, error.remedy(), context)
}

/// Evidence alone that was refused. `detail` starts with the check's number.
pub(crate) fn refusal(
    subject: Subject,
    check: &str,
    detail: &str,
    remedy: &str,
    context: &appraisal::Context<'_>,
) -> Verdict {
    let text = format!("REJECTED {}\n  do: {remedy}\n", visible(detail));
    let json = json!({
        "ok": false,
        "verdict": "rejected",
        "check": check,
        "title": crate::report::title(check),
        "detail": detail,
        "remedy": remedy,
    });
    let ear = appraisal::of_refused_evidence(subject, (check, detail, remedy), context);
    Verdict { ok: false, json, text, ear: Some(ear) }
}

/// A verified document in JSON.
pub(crate) fn fields(document: &VerifiedDocument) -> Value {
    let anchor = document.anchor();
    let pcrs: serde_json::Map<_, _> = document
        .pcrs()
        .iter()
        .map(|(index, value)| (index.to_string(), crypto::to_hex(value).into()))
        .collect();
    let hex = |bytes: Option<&[u8]>| bytes.map(crypto::to_hex);
    let time = match document.time() {
        VerifiedTime::Live { now_ms, age_ms } => {
            json!({"mode": "live", "at": Millis(now_ms).to_string(), "age_ms": age_ms})
        }
        VerifiedTime::Archival { at_ms, own_timestamp } => json!({
            "mode": "archival",
            "at": Millis(at_ms).to_string(),
            "assumed": !own_timestamp,
            "own_timestamp": own_timestamp,
        }),
    };
    json!({
        "kind": "nitro",
        "root": {
            "name": anchor.name(),
            "sha256": crypto::to_hex(&anchor.sha256()),
            "built_in": anchor.is_built_in(),
        },
        "time": time,
        "module_id": document.module_id(),
        "timestamp": Millis(document.timestamp_ms()).to_string(),
        "release": document.release(),
        "region": document.region(),
        "pcrs": pcrs,
        "user_data": hex(document.user_data()),
        "public_key": hex(document.public_key()),
        "nonce": hex(document.nonce()),
        "unknown_keys": document.unknown_keys(),
        "notes": document.notes(),
        "checks": checks(document.checks()),
    })
}

/// What became of each check, in JSON.
pub(crate) fn checks(checks: &[(attest::Check, Outcome)]) -> Value {
    let one = |(check, outcome): &(attest::Check, Outcome)| match outcome {
        Outcome::Passed => json!({"check": check.as_str(), "passed": true}),
        Outcome::NotChecked(why) => json!({"check": check.as_str(), "passed": null, "why": why}),
    };
    checks.iter().map(one).collect()
}
