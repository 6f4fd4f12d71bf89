//! Files of a rulebook that are not rules: lists, calendars, rates. A calendar and a rate table
//! stand in the bundle as lines of a list, so that their root is in every statement, and are read
//! back from these lines. It must never have two spellings of one table.

use facts::{Currency, DAY_MS, Date, Millis};
use rules::ListSnapshot;

use super::header::{is_id, name, prose};
use super::report::{Fields, Report};
use super::zone;
use crate::CompileError;
use crate::data::{Calendar, Rates};
use crate::draft::Located;
use crate::yaml::{Node, Value};

/// Keys of a plain list's file.
pub const LIST_KEYS: [&str; 4] = ["id", "source", "taken_at", "entries"];
/// Keys of a calendar's file.
pub const CALENDAR_KEYS: [&str; 9] =
    ["id", "source", "taken_at", "from", "to", "weekend", "zone", "holidays", "cutoff"];
/// Keys of a rate table's file.
pub const RATES_KEYS: [&str; 6] = ["id", "source", "taken_at", "as_of", "base", "rates"];
/// Days of the week in the order of their bits.
pub const WEEKDAYS: [&str; 7] =
    ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

/// What all of these files begin with.
struct Head {
    id: String,
    source: String,
    taken_at: Millis,
}

fn read<T>(
    file: &str,
    source: &str,
    read: impl FnOnce(&Node, &mut Report) -> Option<T>,
) -> Result<T, Vec<CompileError>> {
    let node = Node::parse(file, source, super::FILE_BYTES_MAX).map_err(|error| vec![error])?;
    let mut report = Report::of(file);
    let value = read(&node, &mut report);
    report.finish(value)
}

fn head(fields: &Fields<'_>, report: &mut Report) -> Option<Head> {
    let id = name(fields, "id", report).filter(|id| is_id(id, report));
    let source = prose(fields, "source", report);
    let taken_at = report.required_text(fields, "taken_at");
    let taken_at = taken_at.and_then(|text| report.parsed(&text, Millis::parse));
    Some(Head { id: id?.text, source: source?.text, taken_at: taken_at? })
}

/// A plain list.
pub fn parse_list(file: &str, source: &str) -> Result<ListSnapshot, Vec<CompileError>> {
    read(file, source, |node, report| {
        let fields = report.fields("a list's file", &LIST_KEYS, node)?;
        let head = head(&fields, report);
        let entries = report.required(&fields, "entries");
        let mut entries = entries.map(|node| report.texts("entries", node)).unwrap_or_default();
        entries.sort_by(|a, b| a.text.cmp(&b.text));
        for pair in entries.windows(2).filter(|pair| pair[0].text == pair[1].text) {
            let found = format!("{} twice", facts::shown(&pair[1].text));
            report.pack(pair[1].span(), "each entry once", found, "remove one");
        }
        let Head { id, source, taken_at } = head?;
        let entries = entries.into_iter().map(|entry| entry.text).collect();
        Some(ListSnapshot { id, source, taken_at, entries })
    })
}

/// A calendar, and its lines for the bundle.
pub fn parse_calendar(
    file: &str,
    source: &str,
) -> Result<(Calendar, ListSnapshot), Vec<CompileError>> {
    read(file, source, |node, report| {
        let fields = report.fields("a calendar's file", &CALENDAR_KEYS, node)?;
        let head = head(&fields, report);
        let first = report.required_text(&fields, "from").and_then(|text| day(&text, report));
        let last = report.required_text(&fields, "to").and_then(|text| day(&text, report));
        let (first_day, last_day) = (first?, last?);
        if first_day > last_day {
            report.pack(fields.span, "`to` on or after `from`", "a calendar without days", "");
        }
        let weekend = weekend(&fields, report);
        let zone = report.required(&fields, "zone")?;
        let offsets = zone::read(zone, first_day, last_day, report);
        let holidays = holidays(&fields, first_day, last_day, report);
        let cutoff = report.optional_text(&fields, "cutoff");
        let cutoff_minute = match cutoff {
            Some(text) => zone::minute_of_day(&text, report)?,
            None => NO_CUTOFF,
        };
        let Head { id, source, taken_at } = head?;
        let calendar = Calendar {
            id,
            source,
            first_day,
            last_day,
            offsets: offsets?,
            weekend,
            holidays,
            cutoff_minute,
        };
        let lines = calendar_lines(&calendar, taken_at);
        Some((calendar, lines))
    })
}

/// A rate table, and its lines for the bundle.
pub fn parse_rates(file: &str, source: &str) -> Result<(Rates, ListSnapshot), Vec<CompileError>> {
    read(file, source, |node, report| {
        let fields = report.fields("a rate table's file", &RATES_KEYS, node)?;
        let head = head(&fields, report);
        let as_of = report.required_text(&fields, "as_of");
        let as_of = as_of.and_then(|text| report.parsed(&text, Date::parse));
        let base = report.required_text(&fields, "base");
        let base = base.and_then(|text| report.parsed(&text, Currency::parse));
        let rates = report.required(&fields, "rates")?;
        let Value::Map(entries) = &rates.value else {
            let hint = "write `USD: 1.0853`, one on each line";
            report.pack(rates.span, "currencies with their rates", rates.describe(), hint);
            return None;
        };
        let mut table = Vec::with_capacity(entries.len() + 1);
        for (code, node) in entries {
            let currency = report.parsed(code, Currency::parse);
            let text = report.text("a rate", node);
            let rate = text.as_ref().and_then(|text| rate(text, report));
            if let (Some(currency), Some((mantissa, scale))) = (currency, rate) {
                table.push((currency, mantissa, scale));
            }
        }
        let base = base?;
        match table.iter().find(|(currency, ..)| *currency == base) {
            None => table.push((base, 1, 0)),
            Some((_, 1, 0)) => {}
            Some(_) => report.pack(rates.span, format!("1 for {base}"), "another rate", ""),
        }
        table.sort_unstable_by_key(|(currency, ..)| *currency);
        let Head { id, source, taken_at } = head?;
        let rates = Rates { id, source, rates: table };
        let lines = rates_lines(&rates, base, as_of?, taken_at);
        Some((rates, lines))
    })
}

fn day(text: &Located, report: &mut Report) -> Option<i32> {
    let date = report.parsed(text, Date::parse)?;
    i32::try_from(date.ms().div_euclid(DAY_MS as i64)).ok()
}

fn weekend(fields: &Fields<'_>, report: &mut Report) -> u8 {
    let Some(node) = report.required(fields, "weekend") else { return 0 };
    let days = report.texts("days of the week", node);
    let bit = |text: &Located| {
        let parse = |name: &str| WEEKDAYS.iter().position(|day| *day == name);
        report.named("a day of the week", text, &WEEKDAYS, parse).map_or(0, |day| 1 << day)
    };
    days.iter().map(bit).fold(0, |all, bit: u8| all | bit)
}

fn holidays(fields: &Fields<'_>, first: i32, last: i32, report: &mut Report) -> Vec<i32> {
    let Some(node) = report.required(fields, "holidays") else { return Vec::new() };
    let texts = report.texts("days", node);
    let mut days: Vec<i32> = Vec::with_capacity(texts.len());
    for text in texts {
        let Some(day) = day(&text, report) else { continue };
        if !(first..=last).contains(&day) {
            report.pack(text.span(), "a day from `from` to `to`", facts::shown(&text.text), "");
        }
        if days.contains(&day) {
            let found = format!("{} twice", facts::shown(&text.text));
            report.pack(text.span(), "each day once", found, "remove one");
        }
        days.push(day);
    }
    days.sort_unstable();
    days
}

/// A rate above zero, without zeros at its end.
fn rate(text: &Located, report: &mut Report) -> Option<(i128, u8)> {
    let parsed = parse_rate(&text.text);
    if parsed.is_none() {
        let expected = "a rate above zero with at most 12 decimal places";
        report.pack(text.span(), expected, facts::shown(&text.text), "such as 1.0853");
    }
    parsed
}

fn parse_rate(text: &str) -> Option<(i128, u8)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = fraction.trim_end_matches('0');
    let plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let sound = !whole.is_empty() && whole.len() <= RATE_DIGITS_MAX && plain(whole);
    if !sound || !plain(fraction) || fraction.len() > RATE_SCALE_MAX || text.ends_with('.') {
        return None;
    }
    let mantissa = format!("{whole}{fraction}").parse().ok().filter(|mantissa| *mantissa > 0)?;
    Some((mantissa, fraction.len() as u8))
}

fn calendar_lines(calendar: &Calendar, taken_at: Millis) -> ListSnapshot {
    let day = |day: i32| {
        let (year, month, day) = facts::civil_from_days(day.into());
        format!("{year:04}-{month:02}-{day:02}")
    };
    let mut lines = vec![
        CALENDAR_FORMAT.to_owned(),
        format!("cutoff {}", calendar.cutoff_minute),
        format!("days {} {}", day(calendar.first_day), day(calendar.last_day)),
    ];
    lines.extend(calendar.holidays.iter().map(|holiday| format!("holiday {}", day(*holiday))));
    let offset = |(from, minutes): &(i64, i16)| {
        let from = Millis(u64::try_from(*from).unwrap_or_default());
        format!("offset {from} {minutes}")
    };
    lines.extend(calendar.offsets.iter().map(offset));
    let weekend = WEEKDAYS.iter().enumerate().filter(|(bit, _)| calendar.weekend >> bit & 1 == 1);
    lines.extend(weekend.map(|(_, name)| format!("weekend {name}")));
    snapshot(&calendar.id, &calendar.source, taken_at, lines)
}

fn rates_lines(rates: &Rates, base: Currency, as_of: Date, taken_at: Millis) -> ListSnapshot {
    let mut lines = vec![RATES_FORMAT.to_owned(), format!("as_of {as_of}"), format!("base {base}")];
    lines.extend(rates.rates.iter().map(|(currency, mantissa, scale)| {
        format!("rate {currency} {}", facts::format_decimal(*mantissa, *scale))
    }));
    snapshot(&rates.id, &rates.source, taken_at, lines)
}

fn snapshot(id: &str, source: &str, taken_at: Millis, mut entries: Vec<String>) -> ListSnapshot {
    entries.sort_unstable();
    ListSnapshot { id: id.to_owned(), source: source.to_owned(), taken_at, entries }
}

/// The calendar whose lines a list is; `None` when it is not one.
pub fn calendar_of(list: &ListSnapshot) -> Option<Calendar> {
    let mut calendar = Calendar {
        id: list.id.clone(),
        source: list.source.clone(),
        first_day: 0,
        last_day: 0,
        offsets: Vec::new(),
        weekend: 0,
        holidays: Vec::new(),
        cutoff_minute: NO_CUTOFF,
    };
    let day = |text| {
        let ms = Date::parse(text).ok()?.ms();
        i32::try_from(ms.div_euclid(DAY_MS as i64)).ok()
    };
    for line in list.entries.iter().filter(|line| *line != CALENDAR_FORMAT) {
        let (key, rest) = line.split_once(' ')?;
        match key {
            "cutoff" => calendar.cutoff_minute = rest.parse().ok().filter(|m| *m <= NO_CUTOFF)?,
            "days" => {
                let (first, last) = rest.split_once(' ')?;
                (calendar.first_day, calendar.last_day) = (day(first)?, day(last)?);
            }
            "holiday" => calendar.holidays.push(day(rest)?),
            "offset" => {
                let (from, minutes) = rest.split_once(' ')?;
                let from = i64::try_from(Millis::parse(from).ok()?.0).ok()?;
                calendar.offsets.push((from, minutes.parse().ok()?));
            }
            "weekend" => calendar.weekend |= 1 << WEEKDAYS.iter().position(|day| *day == rest)?,
            _ => return None,
        }
    }
    let taken_at = list.taken_at;
    (calendar_lines(&calendar, taken_at) == *list).then_some(calendar)
}

/// The rate table whose lines a list is; `None` when it is not one.
pub fn rates_of(list: &ListSnapshot) -> Option<Rates> {
    let (mut as_of, mut base, mut table) = (None, None, Vec::new());
    for line in list.entries.iter().filter(|line| *line != RATES_FORMAT) {
        let (key, rest) = line.split_once(' ')?;
        match key {
            "as_of" => as_of = Some(Date::parse(rest).ok()?),
            "base" => base = Some(Currency::parse(rest).ok()?),
            "rate" => {
                let (code, rate) = rest.split_once(' ')?;
                let (mantissa, scale) = parse_rate(rate)?;
                table.push((Currency::parse(code).ok()?, mantissa, scale));
            }
            _ => return None,
        }
    }
    table.sort_unstable_by_key(|(currency, ..)| *currency);
    let rates = Rates { id: list.id.clone(), source: list.source.clone(), rates: table };
    (rates_lines(&rates, base?, as_of?, list.taken_at) == *list).then_some(rates)
}

/// The line that says what the other lines are.
const CALENDAR_FORMAT: &str = "calendar 1";
const RATES_FORMAT: &str = "rates 1";
/// Minute of the day that no time reaches.
const NO_CUTOFF: u16 = 1440;
const RATE_SCALE_MAX: usize = 12;
/// Most digits of a rate before the point.
const RATE_DIGITS_MAX: usize = 12;
