//! Holds another verifier against the corpus: one process a file, its exit status is the verdict.
//! It must never count a verifier that broke down as one that refused.

use crate::conformance::{Demands, Entry, Expectation, Kind, Manifest};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

/// What came of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Cases judged.
    pub cases: usize,
    /// The verdict is the expected one.
    pub agree: usize,
    /// Of those refused rightly: the same check was named.
    pub same_check: usize,
    /// Accepted, but must be refused.
    pub wrongly_accepted: usize,
    /// Refused, but must be accepted.
    pub wrongly_refused: usize,
    /// No verdict: the command could not be run, was killed, or ended with another status.
    pub broken: usize,
}

/// One verdict of another verifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Exit status 0.
    Accepted,
    /// Exit status 1, with the check that its output names, if it does.
    Refused(Option<String>),
    /// Anything else.
    Broken(String),
}

/// Runs `command` once a case of `folder`. Placeholders are in CONFORMANCE.md. `only` limits the
/// kinds. `each` hears of every case.
pub fn run(
    folder: &Path,
    manifest: &Manifest,
    command: &str,
    only: Option<Kind>,
    mut each: impl FnMut(&Entry, &Verdict),
) -> BTreeMap<Kind, Tally> {
    let mut tallies: BTreeMap<Kind, Tally> = BTreeMap::new();
    for entry in manifest.cases.iter().filter(|entry| only.is_none_or(|kind| kind == entry.kind)) {
        let demands = &manifest.policies[&entry.policy];
        let verdict = judge(command_line(folder, entry, demands, command));
        let tally = tallies.entry(entry.kind).or_default();
        tally.count(entry, &verdict);
        each(entry, &verdict);
    }
    tallies
}

impl Tally {
    fn count(&mut self, entry: &Entry, verdict: &Verdict) {
        self.cases += 1;
        match (entry.expected, verdict) {
            (_, Verdict::Broken(_)) => self.broken += 1,
            (Expectation::Accept, Verdict::Accepted) => self.agree += 1,
            (Expectation::Accept, Verdict::Refused(_)) => self.wrongly_refused += 1,
            (Expectation::Refuse, Verdict::Accepted) => self.wrongly_accepted += 1,
            (Expectation::Refuse, Verdict::Refused(check)) => {
                self.agree += 1;
                self.same_check += usize::from(*check == entry.check);
            }
        }
    }
}

/// The words of the command with placeholders filled. No shell is involved. Words of one
/// placeholder that stands for several values are repeated.
fn command_line(folder: &Path, entry: &Entry, demands: &Demands, command: &str) -> Vec<String> {
    let path = |file: &str| folder.join(file).display().to_string();
    let mut words = Vec::new();
    for word in command.split_whitespace() {
        match word {
            "{files}" => {
                words.push(path(&entry.file));
                words.extend(entry.more.iter().map(|file| path(file)));
            }
            "{roots}" => words.extend(demands.roots.iter().map(|file| path(file))),
            _ => {
                let mut text = word.replace("{file}", &path(&entry.file));
                text = text.replace("{entry}", &path(&format!("entries/{}.json", entry.name)));
                text = text.replace("{kind}", entry.kind.name()).replace("{name}", &entry.name);
                text = text
                    .replace("{root}", &demands.roots.first().map_or(String::new(), |r| path(r)));
                text = text.replace("{at}", &at_text(demands));
                text = text.replace("{dir}", &folder.display().to_string());
                words.push(text);
            }
        }
    }
    words
}

/// `document`, or Unix milliseconds.
fn at_text(demands: &Demands) -> String {
    use crate::conformance::At;
    match demands.at {
        At::Live(ms) | At::Archival(ms) => ms.to_string(),
        At::Document => "document".to_owned(),
    }
}

fn judge(words: Vec<String>) -> Verdict {
    let Some((program, arguments)) = words.split_first() else {
        return Verdict::Broken("no command".into());
    };
    let ran = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    match ran {
        Err(error) => Verdict::Broken(error.to_string()),
        Ok(output) => match output.status.code() {
            Some(0) => Verdict::Accepted,
            Some(1) => Verdict::Refused(named_check(&output.stdout)),
            Some(code) => Verdict::Broken(format!("exit status {code}")),
            None => Verdict::Broken("killed by a signal".into()),
        },
    }
}

/// The value of `"check"` in JSON on standard output.
fn named_check(output: &[u8]) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(output).ok()?;
    value.get("check")?.as_str().map(str::to_owned)
}

/// The table for people.
pub fn table(tallies: &BTreeMap<Kind, Tally>) -> String {
    let mut out = format!(
        "{:<10} {:>6} {:>6} {:>11} {:>17} {:>16} {:>7}\n",
        "kind", "cases", "agree", "same check", "wrongly accepted", "wrongly refused", "broken"
    );
    for (kind, tally) in tallies {
        out.push_str(&format!(
            "{:<10} {:>6} {:>6} {:>11} {:>17} {:>16} {:>7}\n",
            kind.name(),
            tally.cases,
            tally.agree,
            tally.same_check,
            tally.wrongly_accepted,
            tally.wrongly_refused,
            tally.broken
        ));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::conformance;

    fn tally(command: &str) -> Tally {
        let manifest = conformance().manifest();
        run(Path::new("corpus"), &manifest, command, Some(Kind::LogSet), |_, _| ())[&Kind::LogSet]
    }

    #[test]
    fn a_verdict_is_an_exit_status() {
        let (yes, no) = (tally("true {file}"), tally("false {files}"));
        assert_eq!((yes.agree, yes.wrongly_accepted), (1, yes.cases - 1));
        assert_eq!((no.agree, no.wrongly_refused, no.same_check), (no.cases - 1, 1, 0));
        let absent = tally("no-such-verifier-anywhere {entry}");
        assert_eq!((absent.broken, absent.agree), (absent.cases, 0));
        assert!(table(&BTreeMap::from([(Kind::LogSet, yes)])).contains("log-set"));
    }

    #[test]
    fn placeholders_are_filled() {
        let corpus = conformance();
        let entry = corpus.entries().iter().find(|e| e.kind == Kind::LogSet).unwrap();
        let command = "v --root={root} {roots} {files} {entry} {at} {kind} {name} {dir}";
        let words = command_line(Path::new("c"), entry, corpus.demands(entry), command);
        assert!(words[1].starts_with("--root=c/material/root-"), "{words:?}");
        assert_eq!(words[3], "c/log-set/good/00.cbor");
        assert_eq!(words[7], "c/log-set/good/04.cbor");
        assert_eq!(
            words[8..],
            ["c/entries/log-set/good.json", "document", "log-set", "log-set/good", "c"]
        );
        assert_eq!(named_check(br#"{"ok":false,"check":"N34"}"#).as_deref(), Some("N34"));
        assert_eq!(named_check(b"no"), None);
    }
}
