//! A calendar's time zone: a fixed offset, a list of changes, or a rule of two changes a year that
//! is written out here. It must never ask the machine's zone database.

use facts::{DAY_MS, Millis};

use super::report::Report;
use super::tables::WEEKDAYS;
use crate::draft::Located;
use crate::yaml::{Node, Value};

/// Instants in ms since 1970, each with the minutes east of UTC from then on.
type Offsets = Vec<(i64, i16)>;

/// `+08:00`; a list of `{from, offset}`; or `{standard, summer, begins, ends}`.
pub(crate) fn read(
    node: &Node,
    first_day: i32,
    last_day: i32,
    report: &mut Report,
) -> Option<Offsets> {
    match &node.value {
        Value::Text { text, .. } => Some(vec![(0, offset(text, report)?)]),
        Value::List(list) => changes(node, list, report),
        _ => seasons(node, first_day, last_day, report),
    }
}

fn changes(node: &Node, list: &[Node], report: &mut Report) -> Option<Offsets> {
    let read = |node: &Node| {
        let fields = report.fields("a change of the offset", &["from", "offset"], node)?;
        let from = report.required_text(&fields, "from");
        let from = from.and_then(|text| report.parsed(&text, Millis::parse));
        let minutes = report.required_text(&fields, "offset");
        let minutes = minutes.and_then(|text| offset(&text, report));
        Some((i64::try_from(from?.0).ok()?, minutes?))
    };
    let offsets: Offsets = list.iter().filter_map(read).collect();
    if !offsets.is_sorted_by(|a, b| a.0 < b.0) || offsets.is_empty() {
        let expected = "changes of the offset, earliest first, each time once";
        report.pack(node.span, expected, "others", "");
        return None;
    }
    Some(offsets)
}

/// Summer time by rule, for every year of the calendar and one more at each end.
fn seasons(node: &Node, first_day: i32, last_day: i32, report: &mut Report) -> Option<Offsets> {
    let keys = ["standard", "summer", "begins", "ends"];
    let fields = report.fields("a time zone", &keys, node)?;
    let mut of = |key| {
        let text = report.required_text(&fields, key)?;
        offset(&text, report)
    };
    let (standard, summer) = (of("standard"), of("summer"));
    let mut of = |key| {
        let text = report.required_text(&fields, key)?;
        change(&text, report)
    };
    let (begins, ends) = (of("begins"), of("ends"));
    let (standard, summer, begins, ends) = (standard?, summer?, begins?, ends?);
    let year = |day: i32| facts::civil_from_days(day.into()).0;
    let mut offsets = vec![];
    for year in (year(first_day) - 1).max(FIRST_YEAR)..=year(last_day) + 1 {
        // A wall-clock time is read in the offset that holds until the change.
        offsets.push((begins.instant(year, standard)?, summer));
        offsets.push((ends.instant(year, summer)?, standard));
    }
    offsets.sort_unstable();
    let before = match offsets.first() {
        Some((_, minutes)) if *minutes == summer => standard,
        _ => summer,
    };
    offsets.insert(0, (0, before));
    offsets.dedup_by_key(|(from, _)| *from);
    Some(offsets)
}

/// The nth of a weekday in a month, at a minute of the day.
struct Change {
    /// 0 is the first of the month, `None` the last.
    nth: Option<i64>,
    weekday: i64,
    month: u32,
    minute: i64,
    utc: bool,
}

impl Change {
    fn instant(&self, year: i64, offset: i16) -> Option<i64> {
        let length = i64::from(facts::days_in_month(year, self.month));
        let first = facts::days_from_civil(year, self.month, 1)?;
        // 1970-01-01 was a Thursday.
        let to_first = (self.weekday - (first + 4)).rem_euclid(7);
        let day = match self.nth {
            Some(nth) => to_first + 7 * nth,
            None => to_first + 7 * ((length - 1 - to_first) / 7),
        };
        let local = (first + day) * DAY_MS as i64 + self.minute * MINUTE_MS;
        Some(if self.utc { local } else { local - i64::from(offset) * MINUTE_MS })
    }
}

/// `second sunday of march 02:00`, or with ` UTC` at the end.
fn change(text: &Located, report: &mut Report) -> Option<Change> {
    let parsed = parse_change(&text.text);
    if parsed.is_none() {
        let expected = "a change such as `second sunday of march 02:00`, on the local clock until \
                        then, or `last sunday of march 01:00 UTC`";
        report.pack(text.span(), expected, facts::shown(&text.text), "");
    }
    parsed
}

fn parse_change(text: &str) -> Option<Change> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (words, utc) = match words.split_last()? {
        (&"UTC", rest) => (rest, true),
        _ => (&words[..], false),
    };
    let [nth, weekday, "of", month, time] = words else { return None };
    let nth = match ["first", "second", "third", "fourth"].iter().position(|name| name == nth) {
        Some(nth) => Some(nth as i64),
        None if *nth == "last" => None,
        None => return None,
    };
    let weekday = WEEKDAYS.iter().position(|name| name == weekday)? as i64;
    let month = MONTHS.iter().position(|name| name == month)? as u32 + 1;
    Some(Change { nth, weekday, month, minute: clock(time)?.into(), utc })
}

/// `17:00` as a minute of the day.
pub(crate) fn minute_of_day(text: &Located, report: &mut Report) -> Option<u16> {
    let minute = clock(&text.text);
    if minute.is_none() {
        let expected = "a time of day from 00:00 to 23:59";
        report.pack(text.span(), expected, facts::shown(&text.text), "such as \"17:00\"");
    }
    minute
}

fn clock(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str, max| {
        let sound = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u16>().ok().filter(|number| sound && *number <= max)
    };
    Some(number(hours, 23)? * 60 + number(minutes, 59)?)
}

fn offset(text: &Located, report: &mut Report) -> Option<i16> {
    let (sign, rest) = match text.text.split_at_checked(1) {
        Some(("+", rest)) => (1, rest),
        Some(("-", rest)) => (-1, rest),
        _ => (0, ""),
    };
    let minutes = clock(rest).filter(|minutes| sign != 0 && *minutes <= OFFSET_MINUTES_MAX);
    if minutes.is_none() {
        let expected = "an offset from UTC such as \"-05:00\", at most 14 hours";
        report.pack(text.span(), expected, facts::shown(&text.text), "");
    }
    minutes.map(|minutes| sign * minutes as i16)
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];
const MINUTE_MS: i64 = 60_000;
const OFFSET_MINUTES_MAX: u16 = 14 * 60;
/// The first year whose times a bundle can write.
const FIRST_YEAR: i64 = 1971;
