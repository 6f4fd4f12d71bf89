//! One request, three times: with a value just under a threshold, equal to it, just over. The step
//! is the smallest that the value can make.

use facts::{Currency, DAY_MS, Date, FieldKind, Millis, Money};

use super::example::{self, Example};
use super::header::Header;
use crate::draft::{Located, Param};
use crate::front::param_value;
use crate::typed::{Expr, Kind, Span, Type};
use crate::yaml::{Node, Value};

/// What is varied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Varied {
    /// A fact, such as `transaction.amount` or `history[0].timestamp`.
    Fact(Located),
    /// How often this history row is added.
    Rows(Node),
}

/// One of the three.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// What was set: `transaction.amount 9999.99`.
    pub label: String,
    /// The request.
    pub body: Vec<u8>,
}

/// Why no rows could be made: what was expected, what came, what to do.
pub(crate) struct Unmade(pub(crate) String, pub(crate) String, pub(crate) String);

/// The three rows.
pub(crate) fn make(
    header: &Header,
    base: &Example,
    param: &Param,
    varied: &Varied,
    at: Option<&Located>,
) -> Result<Vec<Row>, Unmade> {
    match varied {
        Varied::Rows(row) => repeat(header, base, param, row, at),
        Varied::Fact(fact) => {
            let values = values(header, base, param, fact, at)?;
            let row = |value: String| {
                let mut request = base.request.clone();
                set(&mut request, &path(&fact.text), &value);
                let label = format!("{} {value}", fact.text);
                Row { label, body: example::body(&request, header) }
            };
            Ok(values.into_iter().map(row).collect())
        }
    }
}

/// What kind of value a fact has, for its smallest unit.
enum FactKind {
    Money,
    Time,
    Day,
}

fn values(
    header: &Header,
    base: &Example,
    param: &Param,
    fact: &Located,
    at: Option<&Located>,
) -> Result<[String; 3], Unmade> {
    let found = facts::shown(&fact.text);
    let kind = kind_of(&fact.text).ok_or_else(|| {
        let expected = "a fact that is an amount, a time or a day".to_owned();
        let hint = "such as transaction.amount, history[0].timestamp or as_of; for others name \
                    `examples: [under, equal, over]`";
        Unmade(expected, found.clone(), hint.to_owned())
    })?;
    let value = param.value.first().map(|value| value.text.as_str()).unwrap_or_default();
    let wrong = |error: facts::FactsError| {
        Unmade(error.expected().to_owned(), error.found().to_owned(), error.remedy().to_owned())
    };
    let needs_at = |why: &str| {
        let hint = format!("{why}: give the middle value with `at: …`");
        Unmade(format!("a fact that compares with {}", facts::shown(value)), found.clone(), hint)
    };
    match kind {
        FactKind::Money => {
            let sibling = fact.text.replace("amount", "currency");
            let code = find(&base.request, &path(&sibling)).unwrap_or_default();
            let currency = Currency::parse(&code).map_err(wrong)?;
            let (digits, unit) = match at {
                Some(at) => at.text.split_once(' ').unwrap_or((&at.text, &code)),
                None if param.ty.text == "money" => value.split_once(' ').unwrap_or((value, "")),
                None => return Err(needs_at("the parameter is no amount")),
            };
            if unit.trim() != code {
                let why = format!("the example's amount is in {currency}");
                return Err(needs_at(&why));
            }
            let middle = Money::parse(digits, currency).map_err(wrong)?;
            let step = |by| facts::format_decimal(middle.mantissa() + by, middle.scale());
            let under = if middle.mantissa() == 0 { 0 } else { -1 };
            Ok([step(under), step(0), step(1)])
        }
        FactKind::Time => {
            let (middle, sign) = match at {
                Some(at) => (Millis::parse(&at.text).map_err(wrong)?.0 as i64, 1),
                None => {
                    let elapsed = elapsed_ms(param)
                        .ok_or_else(|| needs_at("the parameter is no duration"))?;
                    if fact.text == "as_of" {
                        return Err(needs_at("what as_of is compared with is not known"));
                    }
                    // A longer time ago is an earlier instant.
                    (as_of(header, base).map_err(wrong)?.0 as i64 - elapsed, -1)
                }
            };
            let time = |by: i64| {
                let ms = u64::try_from(middle + sign * by).unwrap_or_default();
                Millis(ms.min(Millis::MAX.0)).to_string()
            };
            Ok([time(-1), time(0), time(1)])
        }
        FactKind::Day => {
            let at = at.ok_or_else(|| needs_at("years differ in length"))?;
            days(&at.text).map_err(wrong)
        }
    }
}

/// The day before, the day, the day after.
fn days(middle: &str) -> Result<[String; 3], facts::FactsError> {
    let middle = Date::parse(middle)?.ms().div_euclid(DAY_MS as i64);
    let day = |by: i64| {
        let (year, month, day) = facts::civil_from_days(middle + by);
        format!("{year:04}-{month:02}-{day:02}")
    };
    Ok([day(-1), day(0), day(1)])
}

fn as_of(header: &Header, base: &Example) -> Result<Millis, facts::FactsError> {
    match find(&base.request, &["as_of".to_owned()]) {
        Some(text) => Millis::parse(&text),
        None => Ok(header.effective_from),
    }
}

fn kind_of(fact: &str) -> Option<FactKind> {
    if fact == "as_of" {
        return Some(FactKind::Time);
    }
    if let Some(column) = column_of(fact) {
        return match column {
            "amount" => Some(FactKind::Money),
            "timestamp" => Some(FactKind::Time),
            _ => None,
        };
    }
    match facts::Field::named(fact)?.kind {
        FieldKind::Money => Some(FactKind::Money),
        FieldKind::Time => Some(FactKind::Time),
        FieldKind::Date => Some(FactKind::Day),
        _ => None,
    }
}

/// The column in `history[3].amount`.
fn column_of(fact: &str) -> Option<&str> {
    let (number, column) = fact.strip_prefix("history[")?.split_once("].")?;
    number.parse::<usize>().ok().map(|_| column)
}

/// Rows that are added to the example's history: one fewer, as many, one more.
fn repeat(
    header: &Header,
    base: &Example,
    param: &Param,
    row: &Node,
    at: Option<&Located>,
) -> Result<Vec<Row>, Unmade> {
    let value = at.or(param.value.first()).map(|value| value.text.as_str()).unwrap_or_default();
    let middle = value.parse::<usize>().ok().filter(|count| (1..=ROWS_MAX).contains(count));
    let middle = middle.ok_or_else(|| {
        let expected = format!("a number of rows from 1 to {ROWS_MAX}");
        let hint = "`at` says how many rows are equal to the threshold".to_owned();
        Unmade(expected, facts::shown(value), hint)
    })?;
    let made = (middle - 1..=middle + 1).map(|count| {
        let mut request = base.request.clone();
        let rows = (1..=count).map(|number| numbered(row, number));
        add_rows(&mut request, rows.collect());
        let label = format!("{count} added history rows");
        Row { label, body: example::body(&request, header) }
    });
    Ok(made.collect())
}

/// `{n}` in a text is the row's number.
fn numbered(node: &Node, number: usize) -> Node {
    let mut node = node.clone();
    match &mut node.value {
        Value::Text { text, .. } => text.text = text.text.replace("{n}", &number.to_string()),
        Value::List(list) => list.iter_mut().for_each(|entry| *entry = numbered(entry, number)),
        Value::Map(entries) => {
            entries.iter_mut().for_each(|(_, value)| *value = numbered(value, number));
        }
        Value::Null => {}
    }
    node
}

fn add_rows(request: &mut Node, rows: Vec<Node>) {
    let Value::Map(entries) = &mut request.value else { return };
    let existing = entries.iter_mut().find(|(key, _)| key.text == "history");
    match existing.map(|(_, node)| &mut node.value) {
        Some(Value::List(list)) => list.extend(rows),
        Some(value) => *value = Value::List(rows),
        None => {
            let key = Located { text: "history".into(), line: 0, column: 0 };
            entries.push((key, Node { span: request.span, value: Value::List(rows) }));
        }
    }
}

/// Where a fact stands in a request: parties belong to the transaction there.
fn path(fact: &str) -> Vec<String> {
    let in_transaction = fact.starts_with("source.") || fact.starts_with("destination.");
    let prefix = in_transaction.then(|| "transaction".to_owned());
    let steps = fact.split(['.', '[', ']']).filter(|step| !step.is_empty());
    prefix.into_iter().chain(steps.map(str::to_owned)).collect()
}

fn find(node: &Node, path: &[String]) -> Option<String> {
    let Some((step, rest)) = path.split_first() else {
        return match &node.value {
            Value::Text { text, .. } => Some(text.text.clone()),
            _ => None,
        };
    };
    match &node.value {
        Value::List(list) => find(list.get(step.parse::<usize>().ok()?)?, rest),
        Value::Map(entries) => find(&entries.iter().find(|(key, _)| key.text == *step)?.1, rest),
        _ => None,
    }
}

fn set(node: &mut Node, path: &[String], value: &str) {
    let Some((step, rest)) = path.split_first() else {
        let Span { line, column, .. } = node.span;
        let text = Located { text: value.to_owned(), line, column };
        node.value = Value::Text { text, plain: false };
        return;
    };
    match &mut node.value {
        Value::List(list) => {
            if let Some(entry) = step.parse::<usize>().ok().and_then(|index| list.get_mut(index)) {
                set(entry, rest, value);
            }
        }
        Value::Map(entries) => {
            if let Some((_, entry)) = entries.iter_mut().find(|(key, _)| key.text == *step) {
                set(entry, rest, value);
                return;
            }
            let mut entry = Node { span: node.span, value: Value::Map(Vec::new()) };
            set(&mut entry, rest, value);
            entries.push((Located { text: step.clone(), line: 0, column: 0 }, entry));
        }
        _ => {}
    }
}

/// The milliseconds of a duration.
fn elapsed_ms(param: &Param) -> Option<i64> {
    match param_value(param).ok()? {
        Expr { kind: Kind::Int(ms), ty: Type::Duration, .. } => Some(ms),
        _ => None,
    }
}

/// Most rows that are added.
const ROWS_MAX: usize = 9_999;
