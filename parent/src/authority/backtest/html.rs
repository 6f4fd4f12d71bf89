//! The report of a backtest: one file without scripts and without anything from elsewhere. Texts
//! of requests are escaped: it must never show one as anything but text.

use std::fmt::Write as _;

use rules::Bundle;

use super::super::check::grouped;
use super::super::engines::Engines;
use super::chart::{ORDER, bars, class_of};
use super::tally::{Answer, Tally};

/// The page.
pub(super) fn page(old: &Engines, new: &Engines, tally: &Tally) -> String {
    let mut page = String::with_capacity(64 << 10);
    page.push_str(HEAD);
    let changed = tally.changed();
    // Writing to a String does not fail.
    let _ = writeln!(
        page,
        "<h1>Backtest</h1>\n<p class=\"sum\"><b>{}</b> requests, the decision of <b>{}</b> changes",
        grouped(tally.requests),
        grouped(changed)
    );
    if tally.refused.count > 0 {
        let _ = writeln!(page, ", <b>{}</b> not evaluated", grouped(tally.refused.count));
    }
    page.push_str("</p>\n<table class=\"sides\"><tr><th></th><th>rulebook</th><th>version</th>");
    page.push_str("<th>issued</th><th>hash</th></tr>\n");
    side(&mut page, "old", old.bundle());
    side(&mut page, "new", new.bundle());
    page.push_str("</table>\n<h2>Outcomes of each rule</h2>\n");
    page.push_str(&bars(tally));
    matrix(&mut page, tally);
    changes(&mut page, tally);
    refused(&mut page, tally);
    page.push_str("</main></body></html>\n");
    page
}

/// Text as HTML text, inside attributes too.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() || reorders(c) => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// Whether a character changes the order in which its neighbours are read.
fn reorders(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn side(page: &mut String, label: &str, bundle: &Bundle) {
    let (issued, version) = match bundle.version {
        // A directory has neither.
        0 => ("not issued".to_owned(), "draft".to_owned()),
        version => (bundle.issued_at.to_string(), version.to_string()),
    };
    let _ = writeln!(
        page,
        "<tr><th>{label}</th><td>{}</td><td>{version}</td><td>{issued}</td>\
         <td class=\"hash\">{}</td></tr>",
        escape(&bundle.name),
        bundle.hash()
    );
}

/// Decisions before by decisions after.
fn matrix(page: &mut String, tally: &Tally) {
    let used =
        |outcome: &&str| tally.decisions.keys().any(|(from, to)| from == outcome || to == outcome);
    let outcomes: Vec<&str> = ORDER.into_iter().filter(|outcome| used(outcome)).collect();
    page.push_str("<h2>Decisions</h2>\n<table class=\"matrix\"><tr><th>old \\ new</th>");
    for outcome in &outcomes {
        let _ = write!(page, "<th><i class=\"{}\"></i>{outcome}</th>", class_of(outcome));
    }
    page.push_str("</tr>\n");
    for from in &outcomes {
        let _ = write!(page, "<tr><th><i class=\"{}\"></i>{from}</th>", class_of(from));
        for to in &outcomes {
            let known = tally.decisions.iter().find(|((a, b), _)| a == from && b == to);
            let count = known.map_or(0, |(_, count)| *count);
            let class = match (count, from == to) {
                (0, _) => "none",
                (_, true) => "same",
                _ => "changed",
            };
            let _ = write!(page, "<td class=\"{class}\">{}</td>", grouped(count));
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</table>\n");
}

fn changes(page: &mut String, tally: &Tally) {
    page.push_str("<h2>Changed answers</h2>\n");
    if tally.changes().next().is_none() {
        page.push_str("<p>None.</p>\n");
        return;
    }
    for (rule, (from, to), transition) in tally.changes() {
        let shown = transition.examples.len();
        let _ = writeln!(
            page,
            "<details{}><summary><b>{}</b> <i class=\"{}\"></i>{from} → \
            <i class=\"{}\"></i>{to}: {}</summary>",
            if shown <= OPEN_MAX { " open" } else { "" },
            escape(rule),
            class_of(from),
            class_of(to),
            grouped(transition.count)
        );
        page.push_str("<table><tr><th>request</th><th>old</th><th>new</th></tr>\n");
        for change in &transition.examples {
            let _ = writeln!(
                page,
                "<tr><td>{}</td><td>{}</td><td>{}</td></tr>",
                escape(&change.input),
                reason(&change.from),
                reason(&change.to)
            );
        }
        page.push_str("</table>\n");
        let rest = transition.count - shown as u64;
        if rest > 0 {
            let _ = writeln!(page, "<p>and {} more</p>", grouped(rest));
        }
        page.push_str("</details>\n");
    }
}

fn reason(answer: &Option<Answer>) -> String {
    match answer {
        Some(answer) => {
            format!("<small>{}</small> {}", escape(&answer.version), escape(&answer.reason))
        }
        None => "<small>not in force</small>".to_owned(),
    }
}

fn refused(page: &mut String, tally: &Tally) {
    if tally.refused.count == 0 {
        return;
    }
    page.push_str("<h2>Not evaluated</h2>\n<table><tr><th>line</th><th>why</th></tr>\n");
    for (line, why) in &tally.refused.examples {
        let _ = writeln!(page, "<tr><td>{line}</td><td>{}</td></tr>", escape(why));
    }
    page.push_str("</table>\n");
}

/// Lists of so many changes are unfolded.
const OPEN_MAX: usize = 10;

const HEAD: &str = r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Backtest</title>
<style>
:root{color-scheme:light dark;--fg:#1a1d21;--bg:#fff;--dim:#5c6570;--line:#d5dae0;--hot:#fff1c9;
--pass:#3d9a6a;--report:#3b78c9;--review:#d39a1c;--missing:#8a63c4;--block:#c8453c;--error:#5a5f66;
--none:#b9c0c8}
@media(prefers-color-scheme:dark){:root{--fg:#e4e7eb;--bg:#15181c;--dim:#97a1ad;--line:#343b44;
--hot:#4a3d12;--pass:#53b985;--report:#6aa3ee;--review:#e4b449;--missing:#b392e6;--block:#ea7068;
--error:#a4abb3;--none:#4b545e}}
body{margin:0;background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,sans-serif}
main{max-width:60rem;margin:0 auto;padding:1.5rem 1rem 4rem}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2.2rem}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
th{font-weight:600}small,.side{color:var(--dim)}
.hash{font-family:ui-monospace,monospace;font-size:.75rem;word-break:break-all}
.matrix{width:auto}.matrix td{text-align:right;font-variant-numeric:tabular-nums}
.matrix .none{color:var(--dim)}.matrix .changed{background:var(--hot);font-weight:600}
details{margin:.8rem 0}summary{cursor:pointer}
i{display:inline-block;width:.7rem;height:.7rem;border-radius:2px;margin-right:.35rem}
svg{width:100%;height:auto}svg text{fill:var(--fg);font:12px system-ui,sans-serif}
svg text.rule{font-weight:600}svg text.side{fill:var(--dim)}
.o-pass{fill:var(--pass);background:var(--pass)}
.o-report{fill:var(--report);background:var(--report)}
.o-review{fill:var(--review);background:var(--review)}
.o-missing-data{fill:var(--missing);background:var(--missing)}
.o-block{fill:var(--block);background:var(--block)}
.o-error{fill:var(--error);background:var(--error)}
.o-not-in-force{fill:var(--none);background:var(--none)}
</style></head><body><main>
"#;
