//! `probity-verify log`: a boot's whole log. Every proof is verified, indexes have no gap, every
//! quote is over the same tree and each is consistent with the next (check P9). What is wrong
//! with the file is the prover's doing and a rejection; only one that cannot be read is misuse.

use crate::arguments::LogArguments;
use crate::document::{self, Root};
use crate::judge::{Judge, Judged};
use crate::output::Verdict;
use crate::table::{Table, short};
use crate::{files, quote, report, signed_policy};
use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use proof::BootRecord;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use verify::{AuditSummary, LogAudit, Materials, VerifyError};

/// Longest line of a log, in bytes: a proof in base64 and its index.
const LINE_BYTES_MAX: u64 = 200_000;
/// How often progress is said, in proofs.
const PROGRESS_EVERY: u64 = 20_000;

/// What one log held.
struct Audited {
    summary: AuditSummary,
    outcomes: BTreeMap<&'static str, u64>,
    record: BootRecord,
    last: Judged,
}

/// Why there is no [`Audited`].
enum Trouble {
    /// The file cannot be read.
    Unreadable(anyhow::Error),
    /// The log is not what it should be, at this index or as a whole.
    Refused(Option<u64>, VerifyError),
}

pub(crate) fn log(asked: &LogArguments) -> Result<Verdict> {
    let judge = match Judge::new(&asked.accepted, &asked.common)? {
        Ok(judge) => judge,
        Err(rejected) => return Ok(report::refused(&rejected)),
    };
    let reader = BufReader::new(files::open(&asked.file)?);
    match audit(&mut Lines { reader, number: 0 }, &judge) {
        Ok(audited) => Ok(accepted(&audited, &judge)),
        Err(Trouble::Refused(index, rejected)) => Ok(refused(index, &rejected)),
        Err(Trouble::Unreadable(problem)) => {
            Err(problem.context(format!("cannot read {}", asked.file.display())))
        }
    }
}

fn audit(lines: &mut Lines, judge: &Judge) -> Result<Audited, Trouble> {
    let first = lines.next()?.ok_or_else(|| whole("the log is empty"))?;
    let at = |index| move |rejected| Trouble::Refused(Some(index), rejected);
    let record = boot_record(&first).map_err(at(0))?;
    // One of the verifier's own configurations, or the first to name what was expected.
    let mut configs = judge.boot_configs.iter().copied();
    let expected = configs.clone().find(|one| *one == record.boot_config).or(configs.next());
    let expected = expected.ok_or_else(|| whole("the policy names no boot configuration"))?;
    let mut audit = LogAudit::open(&record, expected).map_err(at(0))?;
    let (mut outcomes, mut count, mut last) = (BTreeMap::new(), 0, None);
    let size = loop {
        let cut = || whole("the log is cut: its last line, which gives the size, is missing");
        let line = lines.next()?.ok_or_else(cut)?;
        if let Some(size) = size_of(&line) {
            break size;
        }
        count += 1;
        let bytes = proof_of(&line, count).map_err(at(count))?;
        let judged = judge.verify(&bytes, &Materials::default()).map_err(at(count))?;
        audit.push(&judged.verified).map_err(at(count))?;
        *outcomes.entry(judged.verified.statement().decision().name()).or_default() += 1;
        last = Some(judged);
        if count % PROGRESS_EVERY == 0 {
            eprintln!("verified {count} proofs");
        }
    };
    if size != count + 1 {
        let found = count + 1;
        return Err(whole(&format!("the log says that it has {size} entries, found {found}")));
    }
    if lines.next()?.is_some() {
        return Err(whole("lines follow the one that gives the size"));
    }
    let summary = audit.finish().map_err(|rejected| Trouble::Refused(None, rejected))?;
    let last = last.ok_or_else(|| whole("the log has no proof"))?;
    Ok(Audited { summary, outcomes, record, last })
}

/// The lines of a log, each parsed, none longer than the limit.
struct Lines {
    reader: BufReader<Box<dyn Read>>,
    number: u64,
}

impl Lines {
    fn next(&mut self) -> Result<Option<Value>, Trouble> {
        let mut line = Vec::new();
        let read = (&mut self.reader)
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut line)
            .map_err(|error| Trouble::Unreadable(error.into()))?;
        if read == 0 {
            return Ok(None);
        }
        let index = self.number;
        self.number += 1;
        let number = self.number;
        if line.last() != Some(&b'\n') && read as u64 == LINE_BYTES_MAX {
            let problem = format!("line {number} is longer than {LINE_BYTES_MAX} bytes");
            return Err(Trouble::Refused(Some(index), VerifyError::Log(problem)));
        }
        verify::parse_json(&line).map(Some).map_err(|error| {
            let problem = format!("line {number} is not JSON: {error}");
            Trouble::Refused(Some(index), VerifyError::Log(problem))
        })
    }
}

fn whole(problem: &str) -> Trouble {
    Trouble::Refused(None, VerifyError::Log(problem.into()))
}

/// `{"boot_record": …}`.
fn boot_record(line: &Value) -> Result<BootRecord, VerifyError> {
    let log = |problem: String| VerifyError::Log(format!("boot record: {problem}"));
    let text = line["boot_record"].as_str().ok_or_else(|| log("the first line has none".into()))?;
    let bytes = crypto::from_hex(text).map_err(|error| log(error.to_string()))?;
    BootRecord::parse(&bytes).map_err(|error| log(error.to_string()))
}

/// `{"size": …}`, the last line.
fn size_of(line: &Value) -> Option<u64> {
    line["size"].as_u64().filter(|_| line["proof"].is_null())
}

/// `{"index": …, "proof": …}`: the bytes of the proof that should have this index.
fn proof_of(line: &Value, index: u64) -> Result<Vec<u8>, VerifyError> {
    let log = |problem: String| VerifyError::Log(problem);
    if line["index"].as_u64() != Some(index) {
        return Err(log(format!("expected a line with index {index}, found {}", line["index"])));
    }
    let text = line["proof"].as_str().ok_or_else(|| log("a line has no proof".into()))?;
    BASE64.decode(text).map_err(|error| log(format!("a proof is not base64: {error}")))
}

fn accepted(audited: &Audited, judge: &Judge) -> Verdict {
    let Audited { summary, outcomes, record, last } = audited;
    let mut table = Table::default();
    let boot = crypto::to_hex(&record.boot_id);
    table.row("boot", &boot[..12], format!("since {}", record.booted_at));
    let previous = match &record.previous {
        Some(last) => format!("log of {} at size {}", short(&last.boot_id), last.size),
        None => "none".into(),
    };
    table.row("before", previous, "as the host told the enclave");
    table.row("proofs", summary.proofs.to_string(), "every one verified, indexes without a gap");
    for (outcome, count) in outcomes {
        table.row("", count.to_string(), outcome);
    }
    let pairs = format!("{} successive pairs consistent", summary.consistent_pairs);
    table.row("quotes", summary.quotes.to_string(), pairs);
    table.row("log root", short(&summary.root), "");
    match (last.verified.nitro(), last.verified.tpm()) {
        (Some(document), _) => document::rows(&mut table, document, last.verified.kind()),
        (None, Some(quote)) => quote::rows(&mut table, quote),
        (None, None) => {}
    }
    signed_policy::rows(&mut table, judge.origin.as_ref());
    let (index, quoted_at) = (summary.last_index, summary.last_quoted_at);
    let established = format!("No gap up to index {index}, quoted at {quoted_at}");
    let root = last.verified.nitro().map_or_else(
        || "VALID on a TPM host: a measured machine, not an enclave.".to_owned(),
        |document| Root::of(document).closing("VALID", judge.origin.is_some()),
    );
    let closing = format!("{root} {established}; {UNSEEN}.");
    let json = json!({
        "ok": true,
        "check": null,
        "boot_id": boot,
        "proofs": summary.proofs,
        "outcomes": outcomes,
        "quotes": summary.quotes,
        "consistent_pairs": summary.consistent_pairs,
        "root": crypto::to_hex(&summary.root),
        "last_index": index,
        "last_quoted_at": quoted_at.to_string(),
        "established": established,
        "not_established": UNSEEN,
        "evidence": report::evidence(last),
        "policy": signed_policy::fields(judge.origin.as_ref()),
    });
    Verdict::of(true, json, table.finish(&closing))
}

/// What no log can say of itself.
const UNSEEN: &str = "what the host withheld after that cannot be seen from this file";

fn refused(index: Option<u64>, rejected: &VerifyError) -> Verdict {
    let mut verdict = report::refused(rejected);
    if let Some(index) = index {
        verdict.text = format!("at index {index}: {}", verdict.text);
    }
    verdict.json["index"] = index.into();
    verdict
}
