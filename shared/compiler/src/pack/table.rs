//! Decision tables: bands of an amount or a number, each with its answer. They become cases in the
//! order of the file. It must never let a value fall between two bands, or into two.

use facts::{Currency, Money};

use super::pieces::{Part, Pieces};
use super::report::Report;
use super::rule::{FEWER, decision};
use crate::ErrorKind;
use crate::draft::{DraftCase, DraftDecision, Located};
use crate::front::CASES_MAX;
use crate::typed::Span;

use crate::yaml::Node;

const KEYS: [&str; 3] = ["on", "given", "rows"];
const ROW_KEYS: [&str; 6] = ["from", "below", "when", "outcome", "severity", "reason"];

/// One row as written.
struct Row {
    span: Span,
    from: Option<Bound>,
    below: Option<Bound>,
    when: Option<Located>,
    decision: DraftDecision,
}

/// An end of a band.
#[derive(Clone)]
struct Bound {
    text: Located,
    unit: Unit,
    mantissa: i128,
    scale: u8,
}

/// What a bound counts; two bounds compare only in one unit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Int,
    Decimal,
    Money(Currency),
}

/// The cases of a table.
pub(crate) fn read(
    node: &Node,
    source: &str,
    pieces: &mut Pieces,
    report: &mut Report,
) -> Option<Vec<DraftCase>> {
    let fields = report.fields("a table", &KEYS, node)?;
    let on = report.required_text(&fields, "on").map(|text| alone(text, source, pieces, report));
    let given = report.optional_text(&fields, "given");
    let given = given.map(|text| alone(text, source, pieces, report));
    let rows = report.required(&fields, "rows")?;
    let list = report.list("a list of rows", rows);
    if list.len() > CASES_MAX {
        let expected = format!("at most {CASES_MAX} rows");
        report.add(ErrorKind::Table, rows.span, expected, format!("{}", list.len()), FEWER);
        return None;
    }
    let (before, wanted) = (report.errors.len(), list.len());
    let rows: Vec<Row> = list.iter().filter_map(|node| row(node, source, pieces, report)).collect();
    if wanted == 0 {
        report.add(ErrorKind::Table, fields.span, "at least one row", "a table without rows", "");
    }
    // A row that could not be read would look like a gap.
    if rows.len() == wanted && report.errors.len() == before {
        check_units(&rows, report);
        check_cover(&rows, report);
    }
    let on = on?;
    let case = |row: Row| {
        let when = condition(&row, &on, given.as_ref(), source, pieces);
        DraftCase { when, decision: row.decision }
    };
    Some(rows.into_iter().map(case).collect())
}

fn row(node: &Node, source: &str, pieces: &mut Pieces, report: &mut Report) -> Option<Row> {
    let fields = report.fields("a row", &ROW_KEYS, node)?;
    let mut end = |key| {
        let text = report.optional_text(&fields, key)?;
        let bound = bound(&text);
        if bound.is_none() {
            let hint = "write 3000.00 USD for an amount, 10 for a number, 1.5 for a decimal";
            let found = facts::shown(&text.text);
            report.add(ErrorKind::Table, text.span(), "an end of a band", found, hint);
        }
        Some(bound)
    };
    let (from, below) = (end("from"), end("below"));
    let when = report.optional_text(&fields, "when");
    let when = when.map(|text| alone(text, source, pieces, report));
    let decision = decision(&fields, None, source, pieces, report);
    let ends = [&from, &below].into_iter().flatten().all(Option::is_some);
    let (from, below) = (from.flatten(), below.flatten());
    ends.then_some(Row { span: node.span, from, below, when, decision: decision? })
}

/// A column's text, once it is known that no bracket of it closes one of ours.
fn alone(text: Located, source: &str, pieces: &mut Pieces, report: &mut Report) -> Located {
    let composed = pieces.expression(&text, source);
    if let Err(error) = crate::front::parse_alone(&composed) {
        let span = pieces.locate(error.span);
        report.add(error.kind, span, error.expected, error.found, error.hint);
    }
    text
}

/// `3000.00 USD`, `10` or `1.5`.
fn bound(text: &Located) -> Option<Bound> {
    let with = |unit, mantissa, scale| Some(Bound { text: text.clone(), unit, mantissa, scale });
    if let Some((digits, code)) = text.text.split_once(' ') {
        let currency = Currency::parse(code.trim()).ok()?;
        let money = Money::parse(digits, currency).ok()?;
        return with(Unit::Money(currency), money.mantissa(), money.scale());
    }
    let digits = text.text.strip_prefix('-').unwrap_or(&text.text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(fraction) || digits.ends_with('.') {
        return None;
    }
    if digits.len() > DIGITS_MAX || fraction.len() > SCALE_MAX {
        return None;
    }
    let sign = if text.text.starts_with('-') { -1 } else { 1 };
    let mantissa = sign * format!("{whole}{fraction}").parse::<i128>().ok()?;
    match text.text.contains('.') {
        true => with(Unit::Decimal, mantissa, fraction.len() as u8),
        false => with(Unit::Int, mantissa, 0),
    }
}

impl Bound {
    /// The value in the finest scale that a bound may have.
    fn fine(&self) -> i128 {
        self.mantissa.saturating_mul(10_i128.pow(SCALE_MAX as u32 - u32::from(self.scale)))
    }

    /// As an expression.
    fn literal(&self) -> String {
        match self.unit {
            Unit::Int => self.text.text.clone(),
            Unit::Decimal => format!("dec(\"{}\")", self.text.text),
            Unit::Money(currency) => {
                let digits = facts::format_decimal(self.mantissa, self.scale);
                format!("money(\"{digits}\", \"{currency}\")")
            }
        }
    }

    fn unit_name(&self) -> String {
        match self.unit {
            Unit::Int => "a whole number".to_owned(),
            Unit::Decimal => "a decimal".to_owned(),
            Unit::Money(currency) => format!("an amount in {currency}"),
        }
    }
}

fn check_units(rows: &[Row], report: &mut Report) {
    let mut bounds = rows.iter().flat_map(|row| [&row.from, &row.below]).flatten();
    let Some(first) = bounds.next() else { return };
    for bound in bounds.filter(|bound| bound.unit != first.unit) {
        let kind = match (bound.unit, first.unit) {
            (Unit::Money(_), Unit::Money(_)) => ErrorKind::Currency,
            _ => ErrorKind::Table,
        };
        let (expected, found) = (first.unit_name(), facts::shown(&bound.text.text));
        report.add(kind, bound.text.span(), expected, found, "a table counts in one unit");
    }
}

/// Bands follow each other from the lowest to the highest value, and each ends in a row that holds
/// always.
fn check_cover(rows: &[Row], report: &mut Report) {
    let mut add = |span, expected: String, found: String, hint: &str| {
        report.add(ErrorKind::Table, span, expected, found, hint);
    };
    let shown = |bound: &Bound| bound.text.text.clone();
    for (index, row) in rows.iter().enumerate() {
        let previous = index.checked_sub(1).and_then(|before| rows.get(before));
        let same_band = |other: &Row| ends(other) == ends(row);
        if let (Some(from), Some(below)) = (&row.from, &row.below)
            && from.fine() >= below.fine()
        {
            let expected = format!("an end above {}", shown(from));
            add(below.text.span(), expected, shown(below), "`from` is in, `below` is not");
        }
        match previous {
            None => {
                if let Some(from) = &row.from {
                    let hint = "leave `from` out of the first row";
                    let found = format!("nothing for values under {}", shown(from));
                    add(from.text.span(), "a first row without `from`".into(), found, hint);
                }
            }
            Some(above) if same_band(above) => {
                if above.when.is_none() {
                    let hint = "add `when` to the row before, or remove this row";
                    let found = "a row that is never reached".to_owned();
                    add(row.span, "one row without `when` for a band".into(), found, hint);
                }
            }
            Some(above) => check_seam(above, row, &mut add),
        }
        let last_of_band = rows.get(index + 1).is_none_or(|next| !same_band(next));
        if last_of_band && row.when.is_some() {
            let hint = "add a row with the same `from` and `below` and without `when`";
            let found = "a band that decides only sometimes".to_owned();
            add(row.span, "a last row without `when` for the band".into(), found, hint);
        }
    }
    if let Some(below) = rows.last().and_then(|row| row.below.as_ref()) {
        let found = format!("nothing for values of {} and over", shown(below));
        let hint = "leave `below` out of the last row";
        add(below.text.span(), "a last row without `below`".into(), found, hint);
    }
}

/// Where one band ends the next begins.
fn check_seam(above: &Row, row: &Row, add: &mut impl FnMut(Span, String, String, &str)) {
    let Some(below) = &above.below else {
        let expected = "`below` in every row but the last".to_owned();
        add(above.span, expected, "an open end".into(), "rows stand in order, lowest first");
        return;
    };
    let Some(from) = &row.from else {
        let expected = format!("`from: {}`", below.text.text);
        add(row.span, expected, "an open beginning".into(), "the band before ends there");
        return;
    };
    let (end, begin) = (below.fine(), from.fine());
    if begin == end {
        return;
    }
    let expected = format!("`from: {}`", below.text.text);
    let (what, between) = match begin > end {
        true => ("a gap", (&below.text.text, &from.text.text)),
        false => ("an overlap, or rows out of order", (&from.text.text, &below.text.text)),
    };
    let found = format!("{what} from {} to {}", between.0, between.1);
    add(from.text.span(), expected, found, "a band begins where the one before ends");
}

fn ends(row: &Row) -> (Option<i128>, Option<i128>) {
    (row.from.as_ref().map(Bound::fine), row.below.as_ref().map(Bound::fine))
}

/// The bands before have taken all that is lower, so `below` decides.
fn condition(
    row: &Row,
    on: &Located,
    given: Option<&Located>,
    source: &str,
    pieces: &mut Pieces,
) -> Located {
    let mut parts = Vec::new();
    if let Some(given) = given {
        parts.extend(bracketed(given));
    }
    if let Some(below) = &row.below {
        and(&mut parts);
        parts.extend(bracketed(on));
        parts.push(Part::Glue(format!(" < {}", below.literal())));
    }
    if let Some(when) = &row.when {
        and(&mut parts);
        parts.extend(bracketed(when));
    }
    if parts.is_empty() {
        parts.push(Part::Glue("true".to_owned()));
    }
    pieces.compose(&parts, source, row.span)
}

fn and(parts: &mut Vec<Part<'_>>) {
    if !parts.is_empty() {
        parts.push(Part::Glue(" && ".to_owned()));
    }
}

/// In brackets, unless it is a single name. A comment ends before the closing one.
fn bracketed(text: &Located) -> Vec<Part<'_>> {
    let glue = |text: &str| Part::Glue(text.to_owned());
    match text.text.chars().all(|c| c.is_ascii_alphanumeric() || "._".contains(c)) {
        true => vec![Part::Source(text)],
        false => vec![glue("("), Part::Source(text), glue("\n)")],
    }
}

/// Longest number of a bound, in characters.
const DIGITS_MAX: usize = 19;
/// Most decimal places of a bound.
const SCALE_MAX: usize = 18;
