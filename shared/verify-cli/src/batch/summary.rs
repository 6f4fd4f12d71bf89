//! What a batch came to: counts by outcome and by failing check, the first refusals with their
//! reasons, checks that were not made, and the set as a whole. It must never call a batch valid in
//! which one proof was refused or two contradict each other.

use super::Outcome;
use crate::document::Root;
use crate::judge::{Judge, Judged};
use crate::output::Verdict;
use crate::table::{Table, visible_json};
use crate::{report, signed_policy};
use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;
use verify::set::{LogSet, SetReport};
use verify::{Standing, VerifyError};

/// Refusals that the verdict itself lists.
const REJECTS_MAX: usize = 100;
/// Logs and gaps that the verdict itself lists.
const LISTED_MAX: usize = 20;

/// Counts so far.
pub(super) struct Summary {
    accepted: u64,
    rejected: u64,
    skipped: u64,
    compliant: u64,
    retired: u64,
    outcomes: BTreeMap<&'static str, u64>,
    checks: BTreeMap<&'static str, u64>,
    /// By number: how often, what it asks, and the first reason.
    open: BTreeMap<&'static str, (u64, &'static str, &'static str)>,
    rejects: Vec<Value>,
    file: Option<(PathBuf, BufWriter<File>)>,
    /// The least of the roots that spoke.
    root: Option<Root>,
    set: LogSet,
}

impl Summary {
    /// Nothing counted; refusals go to this file too.
    pub(super) fn new(rejects: Option<&Path>) -> Result<Self> {
        let create = |path: &Path| {
            let file = File::create(path);
            let file = file.with_context(|| format!("cannot write {}", path.display()))?;
            anyhow::Ok((path.to_owned(), BufWriter::new(file)))
        };
        Ok(Self {
            accepted: 0,
            rejected: 0,
            skipped: 0,
            compliant: 0,
            retired: 0,
            outcomes: BTreeMap::new(),
            checks: BTreeMap::new(),
            open: BTreeMap::new(),
            rejects: Vec::new(),
            file: rejects.map(create).transpose()?,
            root: None,
            set: LogSet::new(),
        })
    }

    /// Proofs so far, accepted or not.
    pub(super) fn proofs(&self) -> u64 {
        self.accepted + self.rejected
    }

    /// Counts one more.
    pub(super) fn add(&mut self, place: &str, outcome: Outcome) -> Result<()> {
        match outcome {
            Outcome::Accepted(judged) => self.accept(&judged),
            Outcome::Rejected(rejected) => self.reject(place, &rejected)?,
            Outcome::Skipped => self.skipped += 1,
        }
        Ok(())
    }

    fn accept(&mut self, judged: &Judged) {
        let verified = &judged.verified;
        self.accepted += 1;
        let decision = verified.statement().decision();
        *self.outcomes.entry(decision.name()).or_default() += 1;
        self.compliant += u64::from(decision.is_compliant());
        self.retired += u64::from(matches!(verified.standing(), Standing::Retired { .. }));
        for (name, title, outcome) in verified.all_checks() {
            // P9 is the set's, which is judged below.
            if let verify::Outcome::NotChecked(why) = outcome
                && name != "P9"
            {
                self.open.entry(name).or_insert((0, title, why)).0 += 1;
            }
        }
        let root = verified.nitro().map_or(Root::Named, Root::of);
        self.root = Some(self.root.map_or(root, |known| known.lesser(root)));
        self.set.add(verified);
    }

    fn reject(&mut self, place: &str, rejected: &VerifyError) -> Result<()> {
        self.rejected += 1;
        *self.checks.entry(rejected.check()).or_default() += 1;
        if self.rejects.len() >= REJECTS_MAX && self.file.is_none() {
            return Ok(());
        }
        let entry = json!({
            "place": place,
            "check": rejected.check(),
            "title": report::title(rejected.check()),
            "detail": rejected.to_string(),
            "remedy": rejected.remedy(),
        });
        if let Some((path, file)) = &mut self.file {
            let line = visible_json_line(&entry);
            writeln!(file, "{line}").with_context(|| format!("cannot write {}", path.display()))?;
        }
        if self.rejects.len() < REJECTS_MAX {
            self.rejects.push(entry);
        }
        Ok(())
    }

    /// The verdict.
    pub(super) fn finish(
        mut self,
        judge: &Judge,
        ignored: u64,
        no_gaps: bool,
        threads: usize,
        took: Duration,
    ) -> Result<Verdict> {
        if let Some((path, file)) = &mut self.file {
            file.flush().with_context(|| format!("cannot write {}", path.display()))?;
        }
        let set = std::mem::replace(&mut self.set, LogSet::new()).report();
        let gaps: u64 = set.logs.iter().map(|log| log.missing).sum();
        let has_gap = no_gaps && gaps > 0;
        let ok = self.rejected == 0 && set.is_sound() && !has_gap;
        let mut table = Table::default();
        self.rows(&mut table, ignored, threads, took);
        set_rows(&mut table, &set);
        signed_policy::rows(&mut table, judge.origin.as_ref());
        let closing = self.closing(&set, has_gap, gaps, judge.origin.is_some());
        let mut json = self.fields(ignored);
        let check = match (self.checks.keys().next(), set.is_sound() && !has_gap) {
            (Some(check), _) => Value::from(*check),
            (None, false) => "P9".into(),
            (None, true) => Value::Null,
        };
        json["ok"] = ok.into();
        json["verdict"] = if ok { "valid" } else { "rejected" }.into();
        json["check"] = check;
        json["logs"] = set.logs.iter().map(log_fields).collect();
        json["missing"] = gaps.into();
        json["policy"] = signed_policy::fields(judge.origin.as_ref());
        json["threads"] = threads.into();
        json["ms"] = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).into();
        Ok(Verdict::of(ok, json, table.finish(&closing)))
    }

    fn rows(&self, table: &mut Table, ignored: u64, threads: usize, took: Duration) {
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX).max(1);
        let rate = self.proofs().saturating_mul(1000) / ms;
        let remark = format!("in {}.{:03} s on {threads} threads, {rate}/s", ms / 1000, ms % 1000);
        table.row("proofs", self.proofs().to_string(), remark);
        let compliant = format!("verified, {} of them compliant", self.compliant);
        table.row("accepted", self.accepted.to_string(), compliant);
        for (outcome, count) in &self.outcomes {
            table.row("", count.to_string(), outcome);
        }
        if self.retired > 0 {
            table.row("", self.retired.to_string(), "by keys that have RETIRED since");
        }
        table.row("rejected", self.rejected.to_string(), "by failing check:");
        for (check, count) in &self.checks {
            let title = report::title(check).unwrap_or_default();
            table.row("", count.to_string(), format!("{check} {title}"));
        }
        if self.skipped > 0 {
            table.row("skipped", self.skipped.to_string(), "lines of a log's export, no proofs");
        }
        if ignored > 0 {
            let remark = "entries of folders that are not .cbor, .cose or .json files";
            table.row("ignored", ignored.to_string(), remark);
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        for reject in &self.rejects {
            let place = text(&reject["place"]);
            let reason = format!("{place}: {}", text(&reject["detail"]));
            table.row("reason", text(&reject["check"]), reason);
        }
        let more = self.rejected.saturating_sub(self.rejects.len() as u64);
        if more > 0 {
            table.row("reason", "…", format!("{more} more: name a file with --rejects"));
        }
        for (name, (count, title, why)) in &self.open {
            table.row("not checked", count.to_string(), format!("{name} {title}: {why}"));
        }
    }

    fn closing(&self, set: &SetReport, has_gap: bool, gaps: u64, by_policy: bool) -> String {
        let (rejected, proofs) = (self.rejected, self.proofs());
        if rejected > 0 {
            return format!("REJECTED: {rejected} of {proofs} proofs.");
        }
        if !set.is_sound() {
            return "REJECTED P9: proofs of one log contradict each other. Keep them all.".into();
        }
        if has_gap {
            return format!("REJECTED P9: {gaps} proofs of the quoted logs are missing.");
        }
        let word = format!("VALID: all {proofs} proofs,");
        self.root.map_or_else(String::new, |root| root.closing(&word, by_policy))
    }

    fn fields(&self, ignored: u64) -> Value {
        let open: Vec<_> = self
            .open
            .iter()
            .map(|(name, (count, title, why))| {
                json!({"check": name, "title": title, "why": why, "proofs": count})
            })
            .collect();
        json!({
            "proofs": self.proofs(),
            "accepted": self.accepted,
            "rejected": self.rejected,
            "compliant": self.compliant,
            "retired": self.retired,
            "skipped": self.skipped,
            "ignored": ignored,
            "outcomes": self.outcomes,
            "failed_checks": self.checks,
            "rejects": self.rejects,
            "rejects_listed": self.rejects.len(),
            "not_checked": open,
        })
    }
}

fn set_rows(table: &mut Table, set: &SetReport) {
    for log in set.logs.iter().take(LISTED_MAX) {
        let boot = crypto::to_hex(&log.boot_id);
        let range = format!("index {} to {} of {}", log.first_index, log.last_index, log.covered);
        table.row("log", &boot[..12], format!("{} proofs, {range}", log.proofs));
        let pairs = format!(
            "{} pairs consistent, {} not shown either way",
            log.consistent_pairs, log.unproven_pairs
        );
        table.row("", format!("{} quotes", log.quotes), pairs);
        if log.duplicates > 0 {
            table.row("", "again", format!("{} proofs came more than once", log.duplicates));
        }
        for gap in log.gaps.iter().take(LISTED_MAX) {
            table.row("", "gap", format!("index {} to {} is not in this set", gap.from, gap.to));
        }
        if log.gaps.len() > LISTED_MAX {
            table.row("", "gap", format!("{} more", log.gaps.len() - LISTED_MAX));
        }
        for fork in log.forks.iter().take(LISTED_MAX) {
            table.row("", "FORK", fork.to_string());
        }
    }
    if set.logs.len() > LISTED_MAX {
        table.row("log", "…", format!("{} more: see --json", set.logs.len() - LISTED_MAX));
    }
}

fn log_fields(log: &verify::set::LogReport) -> Value {
    let gaps: Vec<_> = log.gaps.iter().map(|gap| json!({"from": gap.from, "to": gap.to})).collect();
    let forks: Vec<_> = log.forks.iter().map(ToString::to_string).collect();
    json!({
        "boot_id": crypto::to_hex(&log.boot_id),
        "agent": log.agent,
        "proofs": log.proofs,
        "duplicates": log.duplicates,
        "first_index": log.first_index,
        "last_index": log.last_index,
        "covered": log.covered,
        "gaps": gaps,
        "missing": log.missing,
        "quotes": log.quotes,
        "consistent_pairs": log.consistent_pairs,
        "unproven_pairs": log.unproven_pairs,
        "forks": forks,
    })
}

/// JSON on one line, with everything escaped that a terminal would obey.
fn visible_json_line(value: &Value) -> String {
    // Line breaks of the tall form are outside of strings; inside they are escaped.
    visible_json(value).lines().map(str::trim_start).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_one_line_whatever_it_quotes() {
        let value = json!({"detail": "a\nb\u{1b}[2J  two"});
        let line = visible_json_line(&value);
        assert_eq!(line.lines().count(), 1);
        assert!(!line.contains('\u{1b}'));
        assert_eq!(serde_json::from_str::<Value>(&line).expect("JSON"), value);
    }
}
