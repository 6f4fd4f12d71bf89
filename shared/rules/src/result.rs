//! What a rule answers: outcome, reason code, compared values; and the canonical bytes of that
//! answer (FORMAT.md §4), which are the leaves under `output_hash`.

use cbor::{CborError, Reader, Writer};
use crypto::{Digest, Domain, Salt, digest};
use std::fmt;

/// The answer of a rule, and the gravest of all answers as the decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The rule does not apply or is satisfied.
    Pass,
    /// A report has to be filed; the transaction may go on.
    Report,
    /// A person has to look.
    Review,
    /// The transaction must not go on.
    Block,
    /// The rule could not be decided for want of facts.
    MissingData,
    /// The rule did not finish: fuel, memory, trap.
    Error,
}

impl Outcome {
    const ALL: [(Outcome, &'static str, u8); 6] = [
        (Outcome::Pass, "pass", 0),
        (Outcome::Report, "report", 1),
        (Outcome::Review, "review", 2),
        (Outcome::Block, "block", 4),
        (Outcome::MissingData, "missing_data", 3),
        (Outcome::Error, "error", 5),
    ];

    /// The number in formats.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The outcome of a number.
    pub fn from_code(code: u64) -> Option<Self> {
        Some(Self::ALL.get(usize::try_from(code).ok()?)?.0)
    }

    /// The name in texts.
    pub fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// The outcome of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known, _)| *known == name).map(|(outcome, ..)| *outcome)
    }

    /// Rank among outcomes: pass, report, review, missing_data, block, error.
    pub fn gravity(self) -> u8 {
        Self::ALL[self as usize].2
    }

    /// Whether a transaction with this outcome is compliant.
    pub fn is_compliant(self) -> bool {
        matches!(self, Outcome::Pass | Outcome::Report)
    }

    /// The gravest of several; `Error` when there is none, so that nothing passes by absence.
    pub fn gravest(outcomes: impl IntoIterator<Item = Outcome>) -> Outcome {
        outcomes.into_iter().max_by_key(|outcome| outcome.gravity()).unwrap_or(Outcome::Error)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A value that a rule compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A plain number.
    Integer(i64),
    /// mantissa × 10^−scale in a currency, or a plain decimal.
    Money {
        /// Mantissa.
        mantissa: i128,
        /// Decimal places.
        scale: u8,
        /// The currency's code; empty for a plain decimal.
        currency: String,
    },
    /// A time, ms since 1970.
    Timestamp(i64),
    /// A span of time in ms.
    Duration(i64),
    /// A text out of the facts.
    Text(String),
    /// A short code: country or currency.
    Code(String),
}

/// Why a rule ended in `error`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It burned its fuel.
    Fuel,
    /// It asked for more memory than allowed.
    Memory,
    /// It called too deep.
    Stack,
    /// It trapped: overflow, division by zero, a bad address.
    Trap,
    /// It gave up with a code of its own.
    Code(i32),
    /// It reported more trace events than allowed.
    Trace,
    /// It returned something that is no result.
    Result,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Fuel => f.write_str("fuel"),
            Fault::Memory => f.write_str("memory"),
            Fault::Stack => f.write_str("stack"),
            Fault::Trap => f.write_str("trap"),
            Fault::Code(code) => write!(f, "code:{code}"),
            Fault::Trace => f.write_str("trace"),
            Fault::Result => f.write_str("result"),
        }
    }
}

/// One rule's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleResult {
    /// Rule id.
    pub id: String,
    /// Rule version.
    pub version: String,
    /// The answer.
    pub outcome: Outcome,
    /// Index into the rule's reason templates.
    pub reason: u16,
    /// What was compared.
    pub values: Vec<Value>,
}

impl RuleResult {
    /// The result of a rule that did not finish.
    pub fn fault(id: &str, version: &str, fault: &Fault) -> Self {
        Self {
            id: id.into(),
            version: version.into(),
            outcome: Outcome::Error,
            reason: 0,
            values: vec![Value::Text(fault.to_string())],
        }
    }

    /// Canonical bytes (FORMAT.md §4).
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::with_capacity(128);
        w.array(5).text(&self.id).text(&self.version);
        w.uint(self.outcome.code().into()).uint(self.reason.into()).array(self.values.len());
        for value in &self.values {
            match value {
                Value::Integer(n) => w.array(2).uint(1).int(*n),
                Value::Money { mantissa, scale, currency } => {
                    w.array(4).uint(2);
                    match i64::try_from(*mantissa) {
                        Ok(narrow) => w.int(narrow),
                        Err(_) => w.bytes(&mantissa.to_be_bytes()),
                    };
                    w.uint((*scale).into()).text(currency)
                }
                Value::Timestamp(ms) => w.array(2).uint(3).int(*ms),
                Value::Duration(ms) => w.array(2).uint(6).int(*ms),
                Value::Text(text) => w.array(2).uint(4).text(text),
                Value::Code(code) => w.array(2).uint(5).text(code),
            };
        }
        w.finish()
    }

    /// Reads canonical bytes, as they travel beside a proof.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CborError> {
        let mut r = Reader::new(bytes);
        r.array_of("rule result", 5)?;
        let id = r.text_max("rule id", crate::NAME_BYTES_MAX)?.to_owned();
        let version = r.text_max("rule version", crate::NAME_BYTES_MAX)?.to_owned();
        let outcome = Outcome::ALL[r.uint_max("outcome", 5)? as usize].0;
        let reason = r.uint_max("reason", u16::MAX.into())? as u16;
        // As many as the bytes hold.
        let values = r.entries("values", usize::MAX, read_value)?;
        r.end()?;
        Ok(Self { id, version, outcome, reason, values })
    }

    /// The leaf that `output_hash` is the root over, given the leaf's own salt.
    pub fn leaf(&self, leaf_salt: &Salt) -> Digest {
        digest(Domain::OutputLeaf, &[&leaf_salt.0, &self.to_bytes()])
    }
}

/// The salt of the output leaf at `index`. Showing one result gives away this salt only: neither
/// the proof's salt nor another leaf's follows from it.
pub fn leaf_salt(salt: &Salt, index: u32) -> Salt {
    Salt(digest(Domain::LeafSalt, &[&salt.0, &index.to_be_bytes()]).0)
}

fn read_value(r: &mut Reader<'_>) -> Result<Value, CborError> {
    let at = r.position();
    let mut entry = r.array()?;
    let length = entry.left().unwrap_or(0);
    r.more(&mut entry)?;
    let kind = r.uint()?;
    let value = match (kind, length) {
        (1, 2) => Value::Integer(r.int()?),
        (2, 4) => {
            let mantissa = read_mantissa(r)?;
            let scale = r.uint_max("scale", 38)? as u8;
            Value::Money { mantissa, scale, currency: r.text_max("currency", 4)?.to_owned() }
        }
        (3, 2) => Value::Timestamp(r.int()?),
        (4, 2) => Value::Text(r.text_max("text value", crate::PROSE_BYTES_MAX)?.to_owned()),
        (5, 2) => Value::Code(r.text_max("code value", 4)?.to_owned()),
        (6, 2) => Value::Duration(r.int()?),
        (found, _) => {
            return Err(CborError::Range { at, what: "value", expected: "kind 1 to 6", found });
        }
    };
    // Leaves the container's depth as it was.
    while r.more(&mut entry)? {}
    Ok(value)
}

/// An integer where 64 signed bits suffice, else 16 bytes, big-endian two's complement.
fn read_mantissa(r: &mut Reader<'_>) -> Result<i128, CborError> {
    if r.peek()? != cbor::Kind::Bytes {
        return r.int().map(i128::from);
    }
    let at = r.position();
    let wide = i128::from_be_bytes(r.array_bytes("mantissa")?);
    match i64::try_from(wide) {
        Ok(_) => Err(CborError::NotMinimal { at }),
        Err(_) => Ok(wide),
    }
}

impl fmt::Display for Value {
    /// As people read it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Integer(number) => number.fmt(f),
            Value::Money { mantissa, scale, currency } => {
                f.write_str(&facts::format_decimal(*mantissa, *scale))?;
                let space = if currency.is_empty() { "" } else { " " };
                write!(f, "{space}{currency}")
            }
            Value::Timestamp(ms) => match u64::try_from(*ms) {
                Ok(ms) => facts::Millis(ms).fmt(f),
                Err(_) => {
                    let day = ms.div_euclid(facts::DAY_MS as i64);
                    let (year, month, day) = facts::civil_from_days(day);
                    write!(f, "{year:04}-{month:02}-{day:02}")
                }
            },
            Value::Duration(ms) => write_duration(f, *ms),
            Value::Text(text) | Value::Code(text) => f.write_str(text),
        }
    }
}

/// In the largest unit that leaves no rest: `24h`, `90m`, `1500ms`.
fn write_duration(f: &mut fmt::Formatter<'_>, ms: i64) -> fmt::Result {
    let units = [(3_600_000, "h"), (60_000, "m"), (1000, "s"), (1, "ms")];
    let (size, unit) = units.into_iter().find(|(size, _)| ms % size == 0).unwrap_or((1, "ms"));
    write!(f, "{}{unit}", ms / size)
}
