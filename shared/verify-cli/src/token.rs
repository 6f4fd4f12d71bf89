//! `probity-verify ear`: reading a signed attestation result, for whoever relies on a verifier.

use crate::arguments_more::EarArguments;
use crate::files;
use crate::output::Verdict;
use crate::table::{Table, visible};
use anyhow::{Context as _, Result};
use crypto::VerifyingKey;
use facts::Millis;
use serde_json::{Value, json};

pub(crate) fn ear(asked: &EarArguments) -> Result<Verdict> {
    let key = VerifyingKey::from_did_key(&asked.key).context("--key")?;
    let bytes = files::read(&asked.file)?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(match ear::read(text.trim(), &key) {
        Ok(claims) => accepted(&claims, &asked.key),
        Err(error) => {
            let (check, remedy) = (error.check(), error.remedy());
            let text =
                format!("REJECTED {check}: {}\n  do: {remedy}\n", visible(&error.to_string()));
            let detail = error.to_string();
            let json = json!({"ok": false, "check": check, "detail": detail, "remedy": remedy});
            Verdict::of(false, json, text)
        }
    })
}

/// The token is the verifier's. What it says decides the exit status too: a result that is
/// contraindicated must not look like success to a script.
fn accepted(claims: &Value, key: &str) -> Verdict {
    let mut table = Table::default();
    let word = |value: &Value| value.as_str().unwrap_or("not said").to_owned();
    table.row("signed by", key, "the key that you named");
    let build = word(&claims["ear_verifier_id"]["build"]);
    table.row("verifier", build, word(&claims["ear_verifier_id"]["developer"]));
    let at = claims["iat"].as_u64().unwrap_or_default().saturating_mul(1000);
    table.row("judged", Millis(at).to_string(), "the moment for which the verdict holds");
    for (label, appraisal) in claims["submods"].as_object().into_iter().flatten() {
        table.row(label, word(&appraisal["ear_status"]), "");
        let vector = appraisal["ear_trustworthiness_vector"].as_object();
        for (name, value) in vector.into_iter().flatten() {
            let byte = value.as_i64().and_then(|value| i8::try_from(value).ok()).unwrap_or(0);
            let claim = ear::Claim::from_value(byte);
            if claim != ear::Claim::NONE {
                table.row("", claim.tier().name(), format!("{name} ({byte})"));
            }
        }
    }
    let status = word(&claims["ear_status"]);
    let ok = status != "contraindicated";
    let closing = match ok {
        true => format!("SIGNED: this verifier says {status}."),
        false => "SIGNED: this verifier refused what it judged.".to_owned(),
    };
    let json = json!({"ok": ok, "check": null, "signed_by": key, "claims": claims});
    Verdict::of(ok, json, table.finish(&visible(&closing)))
}
