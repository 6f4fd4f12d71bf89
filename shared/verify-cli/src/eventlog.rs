//! `probity-verify eventlog`: what a measured-boot log says and which registers it leads to. A log
//! alone proves nothing: it is the machine's own word until a quote has the same registers.

use crate::arguments_more::EventLogArguments;
use crate::output::Verdict;
use crate::table::{Table, visible};
use crate::{files, report};
use anyhow::Result;
use attest::AttestError;
use attest::eventlog::UnverifiedEventLog;
use attest::tpm::HashAlgorithm;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What a log replays to.
struct Replayed {
    events: usize,
    kinds: BTreeMap<String, usize>,
    registers: BTreeMap<u8, Vec<u8>>,
    padding: usize,
}

pub(crate) fn eventlog(asked: &EventLogArguments) -> Result<Verdict> {
    let bank = match asked.bank.as_str() {
        "sha384" => HashAlgorithm::Sha384,
        _ => HashAlgorithm::Sha256,
    };
    let expected = asked.pcrs.as_deref().map(files::registers).transpose()?;
    let bytes = files::read(&asked.file)?;
    let replayed = match replay(&bytes, bank) {
        Ok(replayed) => replayed,
        Err(error) => return Ok(refused(error.check(), &error.to_string(), error.remedy())),
    };
    for (index, expected) in expected.iter().flatten() {
        let found = replayed.registers.get(index);
        if found != Some(expected) {
            let found = found.map_or("no event".into(), |value| crypto::to_hex(value));
            let expected = crypto::to_hex(expected);
            let detail = format!("T25 PCR{index}: expected {expected}, replayed {found}");
            return Ok(refused("T25", &detail, "give the whole log of the boot that was quoted"));
        }
    }
    Ok(accepted(&replayed, bank, expected.is_some()))
}

fn replay(bytes: &[u8], bank: HashAlgorithm) -> Result<Replayed, AttestError> {
    let log = UnverifiedEventLog::parse(bytes)?;
    let registers = log.replay(bank)?;
    let mut kinds = BTreeMap::new();
    for event in log.events() {
        *kinds.entry(event.kind.to_string()).or_default() += 1;
    }
    Ok(Replayed { events: log.events().len(), kinds, registers, padding: log.padding_bytes() })
}

fn accepted(replayed: &Replayed, bank: HashAlgorithm, is_compared: bool) -> Verdict {
    let mut table = Table::default();
    table.row("events", replayed.events.to_string(), format!("replayed in the bank {bank}"));
    for (kind, count) in &replayed.kinds {
        table.row("", count.to_string(), kind);
    }
    if replayed.padding > 0 {
        table.row("padding", replayed.padding.to_string(), "bytes after the last event");
    }
    for (index, value) in &replayed.registers {
        table.row("register", format!("PCR{index}"), crypto::to_hex(value));
    }
    let closing = match is_compared {
        true => "REPLAYS to the registers that you gave. Who signed those is for a quote to say.",
        false => "READABLE. Nothing vouches for this log: compare --pcrs, or verify its quote.",
    };
    let hex = |(index, value): (&u8, &Vec<u8>)| (index.to_string(), crypto::to_hex(value).into());
    let registers: serde_json::Map<_, _> = replayed.registers.iter().map(hex).collect();
    let json = json!({
        "ok": true,
        "check": null,
        "events": replayed.events,
        "kinds": replayed.kinds,
        "bank": bank.to_string(),
        "pcrs": Value::Object(registers),
        "compared": is_compared,
    });
    Verdict::of(true, json, table.finish(closing))
}

fn refused(check: &str, detail: &str, remedy: &str) -> Verdict {
    let text = format!("REJECTED {}\n  do: {remedy}\n", visible(detail));
    let json = json!({
        "ok": false,
        "verdict": "rejected",
        "check": check,
        "title": report::title(check),
        "detail": detail,
        "remedy": remedy,
    });
    Verdict::of(false, json, text)
}
