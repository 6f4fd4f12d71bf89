//! Reads files of decimal test cases: directives, operations, operands, result, conditions.

use std::path::PathBuf;

/// One case with the directives that hold for it.
#[derive(Debug, Clone)]
pub struct Case {
    pub file: String,
    pub id: String,
    pub operation: String,
    pub operands: Vec<String>,
    pub result: String,
    pub conditions: Vec<String>,
    pub rounding: String,
}

/// A finite number: digits × 10^exponent.
#[derive(Debug, Clone, PartialEq)]
pub struct Number {
    pub is_negative: bool,
    pub digits: String,
    pub exponent: i32,
}

impl Number {
    pub fn parse(text: &str) -> Option<Number> {
        let (is_negative, text) = match text.strip_prefix(['-', '+']) {
            Some(rest) => (text.starts_with('-'), rest),
            None => (false, text),
        };
        let (digits, exponent) = match text.find(['e', 'E']) {
            Some(at) => (&text[..at], text[at + 1..].parse().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let digits = format!("{whole}{fraction}");
        let sound = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let exponent = i32::checked_sub(exponent, i32::try_from(fraction.len()).ok()?)?;
        sound.then_some(Number { is_negative, digits, exponent })
    }

    /// Mantissa and scale with as few decimal places as the value needs, when they fit.
    pub fn plain(&self) -> Result<(i128, u8), &'static str> {
        let mut digits = self.digits.trim_start_matches('0').to_owned();
        let mut exponent = self.exponent;
        if digits.is_empty() {
            return Ok((0, 0));
        }
        while exponent < 0 && digits.ends_with('0') {
            digits.pop();
            exponent += 1;
        }
        if exponent < -18 {
            return Err("more than 18 decimal places");
        }
        if exponent > 0 {
            if exponent > 40 {
                return Err("mantissa beyond 128 bits");
            }
            digits.extend(std::iter::repeat_n('0', exponent as usize));
            exponent = 0;
        }
        let mantissa: i128 = digits.parse().map_err(|_| "mantissa beyond 128 bits")?;
        Ok((if self.is_negative { -mantissa } else { mantissa }, -exponent as u8))
    }
}

/// Every case of every file; `None` when the corpus is absent.
pub fn cases() -> Option<Vec<Case>> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpora/decimal");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(root).ok()?.flatten().map(|f| f.path()).collect();
    files.sort();
    let mut cases = Vec::new();
    for file in files.iter().filter(|file| file.extension().is_some_and(|e| e == "decTest")) {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let bytes = std::fs::read(file).expect("a readable file");
        read(&name, &String::from_utf8_lossy(&bytes), &mut cases);
    }
    Some(cases)
}

fn read(file: &str, text: &str, cases: &mut Vec<Case>) {
    let mut rounding = "half_up".to_owned();
    for line in text.lines() {
        let words = words(line);
        if let Some(arrow) = words.iter().position(|word| word == "->") {
            if arrow >= 2 && words.len() > arrow + 1 {
                cases.push(Case {
                    file: file.to_owned(),
                    id: words[0].clone(),
                    operation: words[1].to_ascii_lowercase(),
                    operands: words[2..arrow].to_vec(),
                    result: words[arrow + 1].clone(),
                    conditions: words[arrow + 2..].to_vec(),
                    rounding: rounding.clone(),
                });
            }
        } else if let [name, value, ..] = words.as_slice()
            && name.eq_ignore_ascii_case("rounding:")
        {
            rounding = value.to_ascii_lowercase();
        }
    }
}

/// Words of a line up to its comment; quotes are taken off.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() && !rest.starts_with("--") {
        let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '"'));
        let (word, after) = match quote {
            Some(quote) => rest[1..].split_once(quote).unwrap_or((&rest[1..], "")),
            None => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
        };
        words.push(word.to_owned());
        rest = after.trim_start();
    }
    words
}
