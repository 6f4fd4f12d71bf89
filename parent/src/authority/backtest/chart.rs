//! Stacked bars in SVG: for each rule, what it said before and what it says now. Colours come from
//! the page's style, so that they fit light and dark.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::html::escape;
use super::tally::{NOT_IN_FORCE, Step, Tally, Transition};

/// Outcomes in the order of the stacks.
pub(super) const ORDER: [&str; 7] =
    ["pass", "report", "review", "missing_data", "block", "error", NOT_IN_FORCE];

/// The chart of all rules.
pub(super) fn bars(tally: &Tally) -> String {
    let height = TOP + tally.rules.len() * GROUP + 8;
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
        aria-label=\"outcomes of each rule, old \
         and new\">\n"
    );
    legend(&mut svg);
    for (place, (rule, steps)) in tally.rules.iter().enumerate() {
        let y = TOP + place * GROUP;
        // Writing to a String does not fail.
        let _ =
            writeln!(svg, "<text x=\"0\" y=\"{}\" class=\"rule\">{}</text>", y + 14, escape(rule));
        bar(&mut svg, y + 20, "old", &counts(steps, |step| step.0));
        bar(&mut svg, y + 38, "new", &counts(steps, |step| step.1));
    }
    svg.push_str("</svg>\n");
    svg
}

fn counts(
    steps: &BTreeMap<Step, Transition>,
    side: impl Fn(&Step) -> &'static str,
) -> BTreeMap<&'static str, u64> {
    let mut counts = BTreeMap::new();
    for (step, transition) in steps {
        *counts.entry(side(step)).or_default() += transition.count;
    }
    counts
}

fn bar(svg: &mut String, y: usize, label: &str, counts: &BTreeMap<&'static str, u64>) {
    let _ = writeln!(svg, "<text x=\"0\" y=\"{}\" class=\"side\">{label}</text>", y + 11);
    let total: u64 = counts.values().sum();
    let mut before = 0;
    for outcome in ORDER {
        let Some(count) = counts.get(outcome).copied().filter(|count| *count > 0) else { continue };
        // Ends are rounded, not widths: so the bars of both sides are equally long.
        let place = |count: u64| {
            LEFT as u64 + (u128::from(count) * BAR as u128 / u128::from(total.max(1))) as u64
        };
        let (start, end) = (place(before), place(before + count));
        let width = (end - start).max(1);
        let class = class_of(outcome);
        let _ = writeln!(
            svg,
            "<rect x=\"{start}\" y=\"{y}\" width=\"{width}\" height=\"14\" class=\"{class}\">\
             <title>{label}: {outcome} {count} of {total}</title></rect>"
        );
        before += count;
    }
}

fn legend(svg: &mut String) {
    for (place, outcome) in ORDER.into_iter().enumerate() {
        let x = place * (WIDTH / ORDER.len());
        let class = class_of(outcome);
        let _ = writeln!(
            svg,
            "<rect x=\"{x}\" y=\"0\" width=\"12\" height=\"12\" class=\"{class}\"/>\
             <text x=\"{}\" y=\"11\" class=\"side\">{outcome}</text>",
            x + 18
        );
    }
}

/// The style of an outcome.
pub(super) fn class_of(outcome: &str) -> String {
    format!("o-{}", outcome.replace([' ', '_'], "-"))
}

const WIDTH: usize = 840;
const LEFT: usize = 40;
const BAR: usize = WIDTH - LEFT;
const TOP: usize = 28;
/// Height of one rule's two bars with its name.
const GROUP: usize = 62;
