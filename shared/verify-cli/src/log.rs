//! `probity-verify log`: a boot's whole log. Every proof is verified, indexes have no gap, every
//! quote is over the same tree and each is consistent with the next (check P9).

use crate::arguments::LogArguments;
use crate::table::{Table, short};
use crate::{Verdict, report};
use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use proof::BootRecord;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use verify::{AuditSummary, LogAudit, Materials, Verifier, VerifyError};

/// Longest line of a log, in bytes: a proof in base64 and its index.
const LINE_BYTES_MAX: u64 = 200_000;
/// How often progress is said, in proofs.
const PROGRESS_EVERY: u64 = 20_000;

/// What one log held.
struct Audited {
    summary: AuditSummary,
    outcomes: BTreeMap<&'static str, u64>,
    record: BootRecord,
}

pub(crate) fn log(asked: &LogArguments) -> Result<Verdict> {
    let policy = report::policy(&asked.measurements, &asked.boot, &asked.common)?;
    let source: Box<dyn Read> = if asked.file == Path::new("-") {
        Box::new(std::io::stdin())
    } else {
        let name = asked.file.display();
        Box::new(std::fs::File::open(&asked.file).with_context(|| format!("cannot open {name}"))?)
    };
    let mut lines = Lines { reader: BufReader::new(source), number: 0 };
    let first = lines.next()?.context("the log is empty")?;
    let record = hex_field(&first, "boot_record")?;
    let record = BootRecord::parse(&record).context("the boot record")?;
    Ok(match audit(&mut lines, record, Verifier::new(policy))? {
        Ok(audited) => accepted(&audited),
        Err((index, rejected)) => refused(index, &rejected),
    })
}

type Judged = std::result::Result<Audited, (u64, VerifyError)>;

fn audit(lines: &mut Lines, record: BootRecord, mut verifier: Verifier) -> Result<Judged> {
    let mut audit = LogAudit::open(&record);
    let mut outcomes = BTreeMap::new();
    let mut count = 0;
    let mut size = None;
    while let Some(line) = lines.next()? {
        if let Some(end) = line["size"].as_u64() {
            size = Some(end);
            break;
        }
        let text = line["proof"].as_str().context("a line without a proof")?;
        let bytes = BASE64.decode(text).context("a proof that is not base64")?;
        let judged = verifier.verify(&bytes, &Materials::default());
        let verified = match judged.and_then(|v| audit.push(&v).map(|()| v)) {
            Ok(verified) => verified,
            Err(rejected) => return Ok(Err((count + 1, rejected))),
        };
        *outcomes.entry(verified.statement().decision().name()).or_default() += 1;
        count += 1;
        if count % PROGRESS_EVERY == 0 {
            eprintln!("verified {count} proofs");
        }
    }
    let size = size.context("the log is cut: its last line, which gives the size, is missing")?;
    if size != count + 1 || lines.next()?.is_some() {
        bail!("the log says that it ends at size {size} and does not");
    }
    Ok(audit
        .finish()
        .map(|summary| Audited { summary, outcomes, record })
        .map_err(|rejected| (count, rejected)))
}

/// The lines of a log, each parsed, none longer than the limit.
struct Lines {
    reader: BufReader<Box<dyn Read>>,
    number: u64,
}

impl Lines {
    fn next(&mut self) -> Result<Option<Value>> {
        let mut line = Vec::new();
        let read = (&mut self.reader).take(LINE_BYTES_MAX).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(None);
        }
        self.number += 1;
        if line.last() != Some(&b'\n') && read as u64 == LINE_BYTES_MAX {
            bail!("line {} is longer than {LINE_BYTES_MAX} bytes", self.number);
        }
        let number = self.number;
        Ok(Some(serde_json::from_slice(&line).with_context(|| format!("line {number}"))?))
    }
}

fn hex_field(line: &Value, key: &str) -> Result<Vec<u8>> {
    let text = line[key].as_str().with_context(|| format!("the first line has no {key}"))?;
    Ok(crypto::from_hex(text)?)
}

fn accepted(audited: &Audited) -> Verdict {
    let Audited { summary, outcomes, record } = audited;
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
        table.row("", count.to_string(), *outcome);
    }
    let pairs = format!("{} successive pairs consistent", summary.consistent_pairs);
    table.row("quotes", summary.quotes.to_string(), pairs);
    table.row("root", short(&summary.root), "");
    let json = json!({
        "ok": true,
        "check": null,
        "boot_id": boot,
        "proofs": summary.proofs,
        "outcomes": outcomes,
        "quotes": summary.quotes,
        "consistent_pairs": summary.consistent_pairs,
        "root": crypto::to_hex(&summary.root),
    });
    Verdict {
        ok: true,
        json,
        text: table.finish("COMPLETE: nothing is missing up to the last quote."),
    }
}

fn refused(index: u64, rejected: &VerifyError) -> Verdict {
    let mut verdict = report::refused(rejected);
    verdict.text = format!("at index {index}: {}", verdict.text);
    verdict.json["index"] = index.into();
    verdict
}
