//! `policy new`: a source with comments, from the files that a deployment already has.

use std::fmt::Write as _;

use anyhow::{Context as _, bail};
use facts::Millis;
use serde_json::Value;

use super::super::arguments;
use super::{New, read, sign};

/// Writes a source that passes `check`; where it is and what to do next.
pub(crate) fn new(asked: &New) -> anyhow::Result<String> {
    if asked.out.exists() {
        bail!("{} exists and is not overwritten: name another file", asked.out.display());
    }
    let issued_at = arguments::time_or_now(asked.issued_at)?;
    let source = text(asked, issued_at)?;
    // Nothing is written that `check` would refuse.
    let content = read::content(&asked.out, &source).context("check the arguments")?;
    sign::usable(&content)?;
    super::super::write(&asked.out, source.as_bytes())?;
    let path = asked.out.display();
    Ok(format!(
        "{path}: {} release(s), {} boot configuration(s)\nnext: read it, then `probity policy sign \
         {path} --key KEY --out policy.cbor`\n",
        content.releases.len(),
        content.boot_configs.len(),
    ))
}

fn text(asked: &New, issued_at: Millis) -> anyhow::Result<String> {
    let expires_at = Millis(issued_at.0.saturating_add(asked.valid.ms));
    let mut text = String::from(HEAD);
    // Writing to a String does not fail.
    let _ = writeln!(text, "policy: 1\nname: {}\nversion: 1", quoted(&asked.name));
    let _ = writeln!(text, "issued_at: {issued_at}\nexpires_at: {expires_at}\n");
    let _ = writeln!(text, "# Who must sign this policy: k of these keys.\nsigners:");
    let _ = writeln!(text, "  threshold: {}\n  keys:", asked.threshold);
    for key in &asked.signers {
        let _ = writeln!(text, "    - {}", quoted(key));
    }
    let kind = asked.measured.kind;
    let _ = writeln!(text, "\n# Kinds of evidence: nitro, nitrotpm, tpm.\nkinds: [{kind}]\n");
    text.push_str("# Roots of attestation documents. AWS's has a name; others a file.\nanchors:\n");
    match &asked.root {
        None => text.push_str("  - aws-nitro-g1\n"),
        Some(root) => {
            let der = read::der_of(&super::super::read(root)?).map_err(anyhow::Error::msg)?;
            let name = root.file_stem().unwrap_or_default().to_string_lossy();
            let name = quoted(&name);
            let _ = writeln!(text, "  - name: {name}\n    hex: {}", crypto::to_hex(&der));
        }
    }
    text.push_str(
        "\n# Images, each with the window in which proofs of it are accepted.\nreleases:\n",
    );
    text.push_str(&asked.measured.entries(issued_at)?);
    text.push_str("\n# Boot configurations: whose rules an enclave may take.\nboot_configs:\n");
    for path in &asked.boot {
        let bytes = super::super::read(path)?;
        let _ = writeln!(text, "  - hex: {}", crypto::to_hex(&bytes));
    }
    text.push_str(TAIL);
    Ok(text)
}

/// A text that YAML reads as itself: JSON's quoted strings are YAML's.
pub(super) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

const HEAD: &str = "\
# What verifiers accept. Edit, then: probity policy check | sign | explain. POLICY.md says more.
# A new version needs a higher `version`; `probity policy add` raises it.
";

const TAIL: &str = "
# Bounds of time: age of live evidence, time between evaluation and quote, leeway of clocks.
freshness: { age: 5m, lag: 2m, skew: 60s }

# Checks that must have passed; a verdict without one of them is a rejection. For example:
# required_checks: [P12, P15, P16, P17]
required_checks: []

# Witnesses whose cosignatures count (C2SP verifier keys), and how many are needed. For example:
# witnesses: { threshold: 1, keys: [\"witness.example/w1+…\"] }

# Regions whose hardware is accepted; all when absent.
# regions: [eu-central-1]

# What is demanded of TPM quotes, with `tpm` among the kinds (POLICY.md section 6). For example:
# tpm:
#   ak_names: [\"000b…\"]
#   pcrs: { pcr4: \"…\", pcr7: \"…\" }
#   firmware: [\"0x0001000200030004\"]
#   workers:
#     register: 14
#     releases: [{ name: \"1.0\", sha256: \"…\", from: 2026-01-01T00:00:00Z }]

# Registers that every document must have: role (pcr3), instance (pcr4), image signer (pcr8).
# required_pcrs: { pcr8: \"…\" }

# What was accepted once and is not any more.
revoked_releases: []
revoked_signers: []
retired_signers: []
revoked_certificates: []
";
