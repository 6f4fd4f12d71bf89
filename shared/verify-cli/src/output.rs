//! A verdict on its way out: table, JSON or attestation result. Whatever a verdict quotes, it can
//! move no cursor: here once more, for every path.

use crate::arguments::{Format, OutputArguments};
use crate::{files, table};
use anyhow::{Result, bail};
use std::io::Write as _;

/// A verdict for people and machines.
pub(crate) struct Verdict {
    pub(crate) ok: bool,
    pub(crate) json: serde_json::Value,
    pub(crate) text: String,
    /// The attestation result, for verbs that appraise an attester.
    pub(crate) ear: Option<ear::Ear>,
}

impl Verdict {
    /// A verdict over something that is no attester: a log, a batch, a receipt.
    pub(crate) fn of(ok: bool, json: serde_json::Value, text: String) -> Self {
        Self { ok, json, text, ear: None }
    }
}

/// Whether what was asked for fits together, before anything is read.
pub(crate) fn check(asked: &OutputArguments) -> Result<()> {
    if asked.ear_key.is_some() && asked.chosen() != Format::Ear {
        bail!("--ear-key signs an attestation result: it goes with --format ear");
    }
    Ok(())
}

/// Prints the verdict; whether it accepts.
pub(crate) fn write(verdict: &Verdict, asked: &OutputArguments) -> Result<bool> {
    let text = match asked.chosen() {
        Format::Table => table::visible_lines(&verdict.text),
        Format::Json => table::visible_json(&verdict.json) + "\n",
        Format::Ear => match (&verdict.ear, &asked.ear_key) {
            (None, _) => {
                bail!("this verb appraises no single attester: no attestation result of it exists")
            }
            (Some(ear), None) => table::visible_json(&ear.to_json()) + "\n",
            (Some(ear), Some(path)) => ear::sign(ear, &files::signing_key(path)?) + "\n",
        },
    };
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush())?;
    Ok(verdict.ok)
}
