//! Values of command lines: durations, times. What is refused is refused with a spelling that
//! would be taken.

use std::time::{SystemTime, UNIX_EPOCH};

use facts::Millis;

/// A span of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duration {
    /// In milliseconds.
    pub ms: u64,
}

/// A whole number and a unit: `30s`, `5m`, `12h`, `7d`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("expected a time such as 30s, 5m, 12h or 7d, found {text:?}");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let unit_ms = match unit {
        's' => 1000,
        'm' => 60_000,
        'h' => 3_600_000,
        'd' => 86_400_000,
        _ => return Err(wrong()),
    };
    let digits = &text[..text.len() - 1];
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    let ms = digits.parse().ok().and_then(|count: u64| count.checked_mul(unit_ms));
    let ms = ms.filter(|ms| *ms <= DURATION_MS_MAX);
    ms.map(|ms| Duration { ms }).ok_or_else(|| format!("{text} is too long: at most 36500d"))
}

/// A time as RFC 3339 writes it.
pub(crate) fn time(text: &str) -> Result<Millis, String> {
    Millis::parse(text).map_err(|error| format!("{error}; {}", error.remedy()))
}

/// The time that was asked for, else this machine's.
pub(crate) fn time_or_now(asked: Option<Millis>) -> anyhow::Result<Millis> {
    if let Some(asked) = asked {
        return Ok(asked);
    }
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let ms = since.ok().and_then(|since| u64::try_from(since.as_millis()).ok());
    ms.map(Millis)
        .filter(|now| *now <= Millis::MAX)
        .ok_or_else(|| anyhow::anyhow!("the clock of this machine is wrong: set it"))
}

/// For people: the largest unit that says it exactly.
impl std::fmt::Display for Duration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let units = [(3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")];
        let (size, name) =
            units.into_iter().find(|(size, _)| self.ms.is_multiple_of(*size)).unwrap_or((1, "ms"));
        write!(f, "{}{name}", self.ms / size)
    }
}

/// A hundred years: longer ones are slips of the keyboard.
const DURATION_MS_MAX: u64 = 36_500 * 86_400_000;
