//! The command line: four options, each with one value.

use crate::WorkerError;
use std::time::Duration;

/// How long a quote may take unless another time is given.
const QUOTE_TIMEOUT: Duration = Duration::from_secs(60);
/// Longest time that a quote may be given, in milliseconds: an hour.
const QUOTE_TIMEOUT_MS_MAX: u64 = 3_600_000;

/// What the worker was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arguments {
    /// User and group to become where it is started as root; `nobody` unless given.
    pub user: Option<(u32, u32)>,
    /// How long a reply on the quote link may take.
    pub quote_timeout: Duration,
    /// Threads that evaluate for one connection; 0 is one for each processor.
    pub workers: usize,
    /// The namespaces that it was started in; given by itself when it starts again in its own.
    pub outside: Option<String>,
}

impl Arguments {
    /// Reads the words after the program's name.
    pub fn parse(words: &[String]) -> Result<Self, WorkerError> {
        let (user, workers, outside) = (None, 0, None);
        let mut own = Self { user, quote_timeout: QUOTE_TIMEOUT, workers, outside };
        let mut words = words.iter();
        while let Some(name) = words.next() {
            let wrong = |expected| WorkerError::Argument { found: name.clone(), expected };
            let value = || words.clone().next().ok_or_else(|| wrong("a value after it"));
            match name.as_str() {
                "--user" => own.user = Some(user_and_group(value()?)?),
                "--quote-timeout-ms" => {
                    let expected = "1 to 3600000 milliseconds";
                    let ms = number(value()?, 1, QUOTE_TIMEOUT_MS_MAX, expected)?;
                    own.quote_timeout = Duration::from_millis(ms);
                }
                "--workers" => {
                    let most = enclave::WORKERS_MAX as u64;
                    own.workers = number(value()?, 0, most, "0 to 16 threads")? as usize;
                }
                "--outside" => own.outside = Some(value()?.clone()),
                _ => {
                    return Err(wrong("--user UID:GID, --quote-timeout-ms N or --workers N"));
                }
            }
            words.next();
        }
        Ok(own)
    }
}

fn user_and_group(word: &str) -> Result<(u32, u32), WorkerError> {
    let expected = "UID:GID, two numbers of 1 to 4294967294";
    let wrong = || WorkerError::Argument { found: word.into(), expected };
    let (user, group) = word.split_once(':').ok_or_else(wrong)?;
    let most = u64::from(u32::MAX) - 1;
    let part = |part: &str| number(part, 1, most, expected).map_err(|_| wrong());
    Ok((part(user)? as u32, part(group)? as u32))
}

fn number(word: &str, least: u64, most: u64, expected: &'static str) -> Result<u64, WorkerError> {
    let wrong = || WorkerError::Argument { found: word.into(), expected };
    word.parse().ok().filter(|number| (least..=most).contains(number)).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Arguments, WorkerError> {
        let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
        Arguments::parse(&words)
    }

    #[test]
    fn each_option_has_its_value() {
        let none = parse("").expect("nothing has to be given");
        assert_eq!((none.user, none.workers, none.outside), (None, 0, None));
        assert_eq!(none.quote_timeout, Duration::from_secs(60));
        let all = "--user 900:901 --quote-timeout-ms 250 --workers 3 --outside net:[1]";
        let all = parse(all).expect("sound");
        assert_eq!((all.user, all.workers), (Some((900, 901)), 3));
        assert_eq!(all.quote_timeout, Duration::from_millis(250));
        assert_eq!(all.outside.as_deref(), Some("net:[1]"));
    }

    #[test]
    fn everything_else_is_refused_by_name() {
        for line in [
            "run",
            "--help",
            "--user",
            "--user 900",
            "--user 0:900",
            "--user 900:0",
            "--user -1:5",
            "--user 4294967295:5",
            "--user nobody:nogroup",
            "--user 1:2:3",
            "--quote-timeout-ms 0",
            "--quote-timeout-ms 3600001",
            "--quote-timeout-ms 5s",
            "--workers 17",
            "--workers",
            "--workers 3 4",
        ] {
            let refusal = parse(line).expect_err(line);
            assert!(matches!(refusal, WorkerError::Argument { .. }), "{line}: {refusal}");
            let last = line.split_whitespace().next_back().expect("a word");
            assert!(refusal.to_string().contains(last), "{line}: {refusal}");
        }
    }
}
