//! `probity-verify nitro`: one attestation document.

use crate::Verdict;
use crate::arguments::NitroArguments;
use crate::files;
use crate::table::{Table, short, visible};
use anyhow::Result;
use attest::{AttestError, NitroPolicy, NonceRule, Outcome, VerifiedDocument, VerifiedTime};
use facts::Millis;
use serde_json::{Value, json};

/// The published test root (attestation-fixtures), whose private key is public.
const TEST_ROOT_SHA256: &str = "a45deb12cb6e833ac07a3220e0c2316cc6555f1cab245311097ef5dc553d721f";

pub(crate) fn nitro(asked: &NitroArguments) -> Result<Verdict> {
    let bytes = files::read(&asked.file)?;
    let (anchors, time) = (files::anchors(&asked.common)?, files::moment(&asked.common)?);
    let mut releases = Vec::new();
    for path in &asked.measurements {
        releases.extend(files::measurements(path)?);
    }
    // What was asked for decides, never what the files turned out to hold.
    let judged = !asked.measurements.is_empty();
    let mut policy = if judged {
        NitroPolicy::new(anchors, time, releases).map_err(|error| anyhow::anyhow!("{error}"))?
    } else {
        NitroPolicy::inspect_any_enclave(anchors, time)
    };
    policy = policy.with_age_ms_max(asked.common.max_age.saturating_mul(1000));
    if let Some(nonce) = files::nonce(&asked.common)? {
        policy = policy.with_nonce(NonceRule::Exact(nonce));
    }
    Ok(match attest::verify(&bytes, &policy, None) {
        Ok(document) => accepted(&document, judged),
        Err(error) => rejected(&error),
    })
}

fn accepted(document: &VerifiedDocument, judged: bool) -> Verdict {
    let mut table = Table::default();
    rows(&mut table, document);
    let checks = document.checks();
    let passed = checks.iter().filter(|(_, outcome)| *outcome == Outcome::Passed).count();
    let open: Vec<_> = checks
        .iter()
        .filter(|(_, outcome)| *outcome != Outcome::Passed)
        .map(|(check, _)| check.as_str())
        .collect();
    table.row(
        "checks",
        format!("{passed} of 42 passed"),
        format!("not checked: {}", open.join(" ")),
    );
    let root = Root::of(document);
    let closing = match judged {
        true => root.closing("VALID"),
        false => root.closing("GENUINE") + " The IMAGE was not judged: give --measurements.",
    };
    let mut json = fields(document);
    json["ok"] = true.into();
    json["check"] = Value::Null;
    json["image_judged"] = judged.into();
    Verdict { ok: true, json, text: table.finish(&closing) }
}

/// Which kind of root spoke.
#[derive(Clone, Copy)]
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

    /// The closing sentence, which says under which root `word` holds.
    pub(crate) fn closing(self, word: &str) -> String {
        match self {
            Root::Aws => format!("{word} under the AWS Nitro root."),
            Root::Test => {
                format!("{word} under a test root. On EC2 drop --root: the AWS root is built in.")
            }
            Root::Named => {
                format!("{word} under a root that you named; it says nothing about AWS.")
            }
        }
    }
}

/// The rows that a document adds to a verdict.
pub(crate) fn rows(table: &mut Table, document: &VerifiedDocument) {
    let root = match Root::of(document) {
        Root::Aws => "AWS root".to_owned(),
        Root::Test => format!("TEST ROOT {}", document.anchor().name()),
        Root::Named => format!("NAMED ROOT {}", document.anchor().name()),
    };
    let pcr0 = document.pcrs().get(&0).map_or_else(String::new, |pcr| short(pcr));
    let release = document.release().map_or("image not judged".into(), |r| format!("release {r}"));
    table.row("enclave", format!("nitro, {root}"), format!("pcr0 {pcr0} {release}"));
    let quoted = Millis(document.timestamp_ms());
    let remark = match document.time() {
        VerifiedTime::Live { age_ms, .. } => {
            format!("live: {}.{} s old", age_ms / 1000, age_ms % 1000 / 100)
        }
        VerifiedTime::Archival { own_timestamp: true, .. } => {
            "archival: judged at the document's own time, which nothing else confirms".into()
        }
        VerifiedTime::Archival { at_ms, .. } => {
            format!("archival: ASSUMING that it existed at {}", Millis(at_ms))
        }
    };
    table.row("quoted", quoted.to_string(), remark);
}

fn rejected(error: &AttestError) -> Verdict {
    let (check, remedy) = (error.check(), error.remedy());
    let text = format!("REJECTED {}\n  do: {remedy}\n", visible(&error.to_string()));
    let json = json!({"ok": false, "check": check, "detail": error.to_string(), "remedy": remedy});
    Verdict { ok: false, json, text }
}

/// A verified document in JSON.
pub(crate) fn fields(document: &VerifiedDocument) -> Value {
    let anchor = document.anchor();
    let checks: Vec<_> = document
        .checks()
        .iter()
        .map(|(check, outcome)| match outcome {
            Outcome::Passed => json!({"check": check.as_str(), "passed": true}),
            Outcome::NotChecked(why) => {
                json!({"check": check.as_str(), "passed": null, "why": why})
            }
        })
        .collect();
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
        "checks": checks,
    })
}
