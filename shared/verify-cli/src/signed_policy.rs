//! The verifier's signed policy: read, verified, and named in every verdict. A policy that only
//! its own signers vouch for is said to be so.

use crate::arguments::SignedPolicyArguments;
use crate::files;
use crate::table::{Table, short};
use anyhow::{Context as _, Result, bail};
use crypto::VerifyingKey;
use policy::{SignedPolicy, Signers, VerifiedPolicy};
use serde_json::{Value, json};
use std::path::Path;
use verify::{Origin, VerifyError};

/// The policy of `--policy` under the pins of `--policy-signer`. The inner error is a verdict.
pub(crate) fn load(
    asked: &SignedPolicyArguments,
) -> Result<std::result::Result<VerifiedPolicy, VerifyError>> {
    let path = asked.policy.as_deref().context("--policy is missing")?;
    let bytes = files::read(path)?;
    let pins = pins(asked)?;
    Ok(SignedPolicy::verify(&bytes, pins.as_ref()).map_err(VerifyError::Policy))
}

fn pins(asked: &SignedPolicyArguments) -> Result<Option<Signers>> {
    let mut keys = asked.policy_signer.iter().map(|text| key(text)).collect::<Result<Vec<_>>>()?;
    if keys.is_empty() {
        return Ok(None);
    }
    keys.sort();
    if keys.windows(2).any(|pair| pair[0] == pair[1]) {
        bail!("--policy-signer: one key is given twice; it counts once");
    }
    let threshold = asked.policy_threshold.unwrap_or(keys.len());
    if !(1..=keys.len()).contains(&threshold) {
        bail!("--policy-threshold: expected 1 to {}, found {threshold}", keys.len());
    }
    Ok(Some(Signers { keys, threshold }))
}

/// A did:key, or a file that holds one.
fn key(text: &str) -> Result<VerifyingKey> {
    let held;
    let did = if text.starts_with("did:key:") {
        text
    } else {
        held = String::from_utf8(files::read(Path::new(text))?)
            .with_context(|| format!("{text} holds no did:key"))?;
        held.trim()
    };
    VerifyingKey::from_did_key(did).context("--policy-signer")
}

/// The name under which an attestation result cites this policy.
pub(crate) fn id(origin: &Origin) -> String {
    let hash = crypto::to_hex(&origin.hash);
    format!("urn:probity:policy:{}:{}:{hash}", origin.name, origin.version)
}

/// A word for a policy that is not in force by this machine's clock.
fn standing(origin: &Origin) -> Option<&'static str> {
    let now = facts::Millis(files::now_ms().ok()?);
    match () {
        () if now >= origin.expires_at => Some("EXPIRED"),
        () if now.0.saturating_add(policy::ISSUED_AHEAD_MS_MAX) < origin.issued_at.0 => {
            Some("NOT YET IN FORCE")
        }
        () => None,
    }
}

/// The rows that say under whose policy a verdict holds.
pub(crate) fn rows(table: &mut Table, origin: Option<&Origin>) {
    let Some(origin) = origin else {
        table.row("policy", "loose files", "unsigned: as the command line names them");
        return;
    };
    let version = format!("{} version {}", origin.name, origin.version);
    let until = format!("hash {}, in force until {}", short(&origin.hash), origin.expires_at);
    table.row("policy", version, until);
    // Live verification refuses such a policy; the past is judged by what was in force then.
    if let Some(word) = standing(origin) {
        let remark = "not in force now: an archival verdict does not ask that";
        table.row("policy", word, remark);
    }
    for signer in &origin.signers {
        table.row("", "signed by", signer.did_key());
    }
    match origin.is_pinned {
        true => table.row("", "pinned", "by keys that you named"),
        false => {
            let remark = "only its own signers vouch for it: name yours with --policy-signer";
            table.row("", "NOT PINNED", remark);
        }
    }
}

/// The same in JSON.
pub(crate) fn fields(origin: Option<&Origin>) -> Value {
    let Some(origin) = origin else {
        return Value::Null;
    };
    json!({
        "name": origin.name,
        "version": origin.version,
        "hash": crypto::to_hex(&origin.hash),
        "expires_at": origin.expires_at.to_string(),
        "in_force": standing(origin).is_none(),
        "signers": origin.signers.iter().map(|key| key.did_key()).collect::<Vec<_>>(),
        "pinned": origin.is_pinned,
    })
}
