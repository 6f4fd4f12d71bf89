//! Dates of lists: `13 Mar 1957`, `circa 1957`, `1950 to 1955`, `1957-03-13`. It must never guess
//! a day that the text does not give: less than a day is a range.

use screen::Birth;

/// Years by which `circa` widens a range on either side.
const CIRCA_YEARS: i32 = 1;
/// Years that a date may have.
const YEARS: std::ops::RangeInclusive<i32> = 1800..=2100;

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Days from 1970-01-01 to a day of the Gregorian calendar; months and days count from 1.
pub(crate) fn day(year: i32, month: i32, day: i32) -> i32 {
    // Years begin in March, so that the leap day is the last.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The range of a text, or `None` if it is no date.
pub(crate) fn birth(text: &str) -> Option<Birth> {
    let text = text.trim().trim_end_matches('.').to_lowercase();
    let circa = ["circa", "approximately", "c."].into_iter().find_map(|w| text.strip_prefix(w));
    let rest = circa.unwrap_or(&text).trim();
    let (first, last) = rest
        .split_once(" to ")
        .or_else(|| rest.split_once('-').filter(|(year, _)| rest.len() == 9 && year.len() == 4))
        .unwrap_or((rest, rest));
    let last = last.trim_start_matches("circa").trim();
    let (first, last) = (one(first.trim())?.first, one(last)?.last);
    let slack = if circa.is_some() { CIRCA_YEARS * 366 } else { 0 };
    (first <= last).then_some(Birth { first: first - slack, last: last + slack })
}

/// The range of a year, a month or a day.
fn one(text: &str) -> Option<Birth> {
    let iso: Vec<&str> = text.split('-').collect();
    if let [year, month, date] = iso[..] {
        return exact(year.parse().ok()?, month.parse().ok()?, date.parse().ok()?);
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    match words[..] {
        [year] => {
            let year = self::year(year)?;
            Some(Birth { first: day(year, 1, 1), last: day(year, 12, 31) })
        }
        [month, year] => {
            let (year, month) = (self::year(year)?, self::month(month)?);
            let next = if month == 12 { day(year + 1, 1, 1) } else { day(year, month + 1, 1) };
            Some(Birth { first: day(year, month, 1), last: next - 1 })
        }
        [date, month, year] => exact(self::year(year)?, self::month(month)?, date.parse().ok()?),
        _ => None,
    }
}

fn exact(year: i32, month: i32, date: i32) -> Option<Birth> {
    if !YEARS.contains(&year) || !(1..=12).contains(&month) {
        return None;
    }
    let next = if month == 12 { day(year + 1, 1, 1) } else { day(year, month + 1, 1) };
    let at = day(year, month, date);
    (date >= 1 && at < next).then_some(Birth { first: at, last: at })
}

fn year(text: &str) -> Option<i32> {
    text.parse().ok().filter(|year| YEARS.contains(year))
}

fn month(text: &str) -> Option<i32> {
    let at = MONTHS.iter().position(|month| text.starts_with(month))?;
    Some(at as i32 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_become_ranges() {
        let is = |text, first, last| assert_eq!(birth(text), Some(Birth { first, last }), "{text}");
        is("01 Jan 1970", 0, 0);
        is("13 Mar 1957", -4_677, -4_677);
        is("29 Feb 2000.", 11_016, 11_016);
        is("1957-03-13", -4_677, -4_677);
        is("1957", -4_748, -4_384);
        is("circa 1957", -5_114, -4_018);
        is("Mar 1957", -4_689, -4_659);
        is("1950 to 1955", -7_305, -5_115);
        is("circa 1979-1982", 2_921, 5_113);
        is("01 Jan 1950 to 31 Dec 1955", -7_305, -5_115);
    }

    #[test]
    fn nonsense_is_no_date() {
        for text in ["", "unknown", "31 Feb 1957", "0", "1957 to 1950", "13 Foo 1957", "99999"] {
            assert_eq!(birth(text), None, "{text}");
        }
    }
}
