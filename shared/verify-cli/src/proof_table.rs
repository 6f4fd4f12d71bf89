//! A verified proof in words, for an examiner: what was decided, by which rules, on which hardware,
//! when, under whose policy, and what was not checked and why. Codes stand behind the words.

use crate::document::{self, Root};
use crate::judge::{Judge, Judged, Moment};
use crate::table::{Table, short};
use crate::{quote, signed_policy};
use rules::{Bundle, Outcome as RuleOutcome};
use verify::{Outcome, Standing, Verified};

pub(crate) fn table(judged: &Judged, judge: &Judge, bundle: Option<&Bundle>) -> String {
    let verified = &judged.verified;
    let mut table = Table::default();
    decision(&mut table, verified, bundle);
    rulebook(&mut table, verified, bundle.is_some());
    hardware(&mut table, judged);
    signature(&mut table, verified);
    let (done, remark) = replay(verified);
    table.row("replay", done, remark);
    signed_policy::rows(&mut table, judge.origin.as_ref());
    checks(&mut table, verified);
    for note in verified.evidence().notes() {
        table.row("note", "", note);
    }
    table.finish(&closing(judged, judge.origin.is_some()))
}

fn decision(table: &mut Table, verified: &Verified, bundle: Option<&Bundle>) {
    let statement = verified.statement();
    let decision = statement.decision();
    let compliant = if decision.is_compliant() { "compliant" } else { "not compliant" };
    table.row("decision", decision.name(), format!("{compliant}, as of {}", statement.as_of));
    for (index, rule) in statement.rules.iter().enumerate() {
        let remark = format!("{} {}: {}", rule.id, rule.version, reason(verified, bundle, index));
        table.row("", rule.outcome.name(), remark);
        for hit in &rule.hits {
            let score = facts::format_decimal(hit.score.into(), 2);
            let text = format!("{} entry {}, score {score} of 100", hit.list, hit.entry);
            table.row("", "hit", text);
        }
    }
    for (jurisdiction, domain) in &statement.not_covered {
        table.row("", "not covered", format!("{jurisdiction} {domain}: no rule in force"));
    }
}

fn rulebook(table: &mut Table, verified: &Verified, is_given: bool) {
    let statement = verified.statement();
    let book = &statement.rulebook;
    let vouched = if is_given { "signed by the authorities" } else { "as the enclave says" };
    let remark = format!("bundle {} {vouched}", short(&book.hash.0));
    table.row("rules", format!("{} version {}", book.name, book.version), remark);
    if statement.newest_version != book.version {
        let newest =
            format!("the enclave held version {}; the caller asked", statement.newest_version);
        table.row("", "SUPERSEDED", newest);
    }
    let clock = match verified.tpm() {
        Some(_) => "by the host's clock, which nothing attests",
        None => "by the hardware's clock",
    };
    table.row("evaluated", statement.evaluated_at.to_string(), clock);
}

fn hardware(table: &mut Table, judged: &Judged) {
    let verified = &judged.verified;
    match (verified.nitro(), verified.tpm()) {
        (Some(document), _) => {
            document::hardware_row(table, document, verified.kind());
            let quoted = facts::Millis(document.timestamp_ms()).to_string();
            table.row("quoted", quoted, moment(judged, Some(document.timestamp_ms())));
        }
        (None, Some(quote)) => {
            quote::rows(table, quote);
            table.row("quoted", "no calendar time", moment(judged, None));
        }
        (None, None) => {}
    }
    if let Some(seen) = verified.witnessed() {
        let count = seen.names.len();
        let remark = format!("{count} cosigned the checkpoint: {}", seen.names.join(", "));
        table.row("witnessed", seen.at.to_string(), remark);
    }
}

/// For which moment the verdict holds, in words.
fn moment(judged: &Judged, quoted_ms: Option<u64>) -> String {
    match (&judged.moment, quoted_ms) {
        (Moment::Live { now }, Some(quoted)) => {
            let age = now.0.saturating_sub(quoted);
            format!("live: {}.{} s old", age / 1000, age % 1000 / 100)
        }
        (Moment::Live { now }, None) => format!("live: judged at {now}"),
        (Moment::Archival { assumption, .. }, _) => format!("archival: {assumption}"),
    }
}

fn signature(table: &mut Table, verified: &Verified) {
    let statement = verified.statement();
    let remark = format!("{}, attested above", short_did(&statement.agent));
    table.row("signature", "ed25519", remark);
    if let Standing::Retired { from, reason } = verified.standing() {
        let remark = format!("since {from}: {reason}; this proof is from before");
        table.row("", "RETIRED KEY", remark);
    }
    let (inclusion, checkpoint) = (verified.inclusion(), verified.checkpoint());
    let place = format!("leaf {} of {}", inclusion.index, inclusion.size);
    table.row("log", place, format!("checkpoint {}", short(&checkpoint.root)));
}

fn checks(table: &mut Table, verified: &Verified) {
    let all: Vec<_> = verified.all_checks().collect();
    let passed = all.iter().filter(|(_, _, outcome)| *outcome == Outcome::Passed).count();
    let remark = match passed == all.len() {
        true => "none left open",
        false => "the others, each with its reason:",
    };
    table.row("checks", format!("{passed} of {} passed", all.len()), remark);
    for (name, title, outcome) in all {
        if let Outcome::NotChecked(why) = outcome {
            table.row("not checked", name, format!("{title}: {why}"));
        }
    }
}

fn closing(judged: &Judged, by_policy: bool) -> String {
    let verified = &judged.verified;
    let word = match verified.standing() {
        Standing::Retired { .. } => "VALID, by a key that has retired since,",
        Standing::Current => "VALID",
    };
    match verified.nitro() {
        Some(document) if verified.kind() == policy::Kind::Nitro => {
            Root::of(document).closing(word, by_policy)
        }
        Some(document) => {
            Root::of(document).closing(word, by_policy) + " A measured instance, not an enclave."
        }
        None => format!("{word} on a TPM host: a measured machine, not an enclave."),
    }
}

/// Why a rule decided as it did, as far as it can be seen.
pub(crate) fn reason(verified: &Verified, bundle: Option<&Bundle>, index: usize) -> String {
    let entry = &verified.statement().rules[index];
    let rule = bundle
        .and_then(|b| b.rules.iter().find(|r| (&r.id, &r.version) == (&entry.id, &entry.version)));
    match (verified.results().and_then(|results| results.get(index)), rule) {
        (Some(result), Some(rule)) => verify::render_reason(rule, result),
        _ if entry.outcome == RuleOutcome::Pass => format!("reason {}", entry.reason),
        _ => format!("reason {} (give --rules, --input and --salt to see it)", entry.reason),
    }
}

/// What the replay showed, in two columns.
fn replay(verified: &Verified) -> (&'static str, &'static str) {
    let interpreted = verified
        .checks()
        .iter()
        .any(|(check, outcome)| check.name() == "P22" && *outcome == Outcome::Passed);
    match (verified.results(), interpreted) {
        (Some(_), true) => {
            ("same outcome", "same bytes from the modules, from their sources, and interpreted")
        }
        (Some(_), false) => ("same outcome", "same state, output, trace and fuel"),
        (None, _) => ("not done", "give --rules, --input and --salt"),
    }
}

fn short_did(did: &str) -> String {
    let end = did.char_indices().nth(24).map_or(did.len(), |(at, _)| at);
    format!("{}…", &did[..end])
}
