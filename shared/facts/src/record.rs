//! Facts to bytes: the canonical record of ABI.md, section 3. One set of facts has one record,
//! whatever the order of the caller's keys and rows. It must never write an offset that the
//! layout table does not name, nor leave a byte that no fact decides.

use std::fmt;

use crate::fact::Value;
use crate::layout::*;
use crate::{
    ErrorKind, FactsError, HISTORY_ROWS_MAX, HistoryRow, Millis, Money, RECORD_BYTES_MAX, Request,
};

/// The canonical bytes of one set of facts. Only `record` makes one.
#[derive(Clone, PartialEq, Eq)]
pub struct Record(Vec<u8>);

/// The record of a request, as its rules see it at `as_of`.
pub fn record(request: &Request, as_of: Millis) -> Result<Record, FactsError> {
    if as_of > Millis::MAX {
        let found = format!("{} ms", as_of.0);
        let fault = FactsError::new(ErrorKind::Time, "a time before 10000", found, "check as_of");
        return Err(fault.at("as_of".to_owned()));
    }
    let rows = sorted_rows(&request.history, as_of)?;
    let values = request.transaction.values();
    let length = record_bytes(&values, &rows)?;
    let mut writer = Writer::new(length, rows.len());
    writer.header(length, rows.len(), as_of);
    for (field, value) in FIELDS.iter().zip(values) {
        if let Some(value) = value {
            writer.field(field, value);
        }
    }
    let counterparties = counterparties(&rows);
    for (index, row) in rows.into_iter().enumerate() {
        writer.row(FIXED_BYTES as usize + index * ROW_BYTES as usize, row, &counterparties);
    }
    writer.finish()
}

impl Record {
    /// The bytes: what rules see and what `facts_hash` covers.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The number of history rows, and the times of the first and the last.
    pub fn history_window(&self) -> (u32, Option<(Millis, Millis)>) {
        let rows = self.0[FIXED_BYTES as usize..].chunks_exact(ROW_BYTES as usize);
        let count = u32::from_le_bytes(self.array(HEADER_ROW_COUNT as usize));
        let time = |row: &[u8]| {
            let bytes = row[..8].try_into().expect("eight because the slice is");
            Millis(u64::from_le_bytes(bytes))
        };
        let mut times = rows.take(count as usize).map(time);
        let first = times.next();
        (count, first.map(|first| (first, times.next_back().unwrap_or(first))))
    }

    fn array<const N: usize>(&self, offset: usize) -> [u8; N] {
        self.0[offset..offset + N].try_into().expect("N bytes because the slice is")
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Record({} bytes)", self.0.len())
    }
}

/// The rows in their one order; none may be later than `as_of`.
fn sorted_rows(history: &[HistoryRow], as_of: Millis) -> Result<Vec<&HistoryRow>, FactsError> {
    if history.len() > HISTORY_ROWS_MAX {
        let expected = format!("at most {HISTORY_ROWS_MAX} rows");
        let found = format!("{} rows", history.len());
        let fault = FactsError::new(ErrorKind::Count, expected, found, "send fewer rows");
        return Err(fault.at("history".to_owned()));
    }
    if let Some(index) = history.iter().position(|row| row.timestamp > as_of) {
        let expected = format!("a time up to as_of ({as_of})");
        let hint = "leave out rows after as_of";
        let found = history[index].timestamp.to_string();
        let fault = FactsError::new(ErrorKind::AfterAsOf, expected, found, hint);
        return Err(fault.at(format!("history[{index}].timestamp")));
    }
    let mut rows: Vec<&HistoryRow> = history.iter().collect();
    rows.sort_unstable_by(|a, b| order(a).cmp(&order(b)));
    Ok(rows)
}

/// What rows are sorted by: all that a row says, codes and texts in byte order, absent first.
fn order(row: &HistoryRow) -> impl Ord {
    let money = (row.amount.currency(), row.amount.mantissa());
    let counterparty = (row.counterparty.as_deref(), row.counterparty_country);
    (row.timestamp, row.kind, row.direction, money, counterparty)
}

/// The distinct counterparties in byte order: a counterparty's number is its place, from 1.
fn counterparties<'a>(rows: &[&'a HistoryRow]) -> Vec<&'a str> {
    let mut texts: Vec<&str> = rows.iter().filter_map(|row| row.counterparty.as_deref()).collect();
    texts.sort_unstable();
    texts.dedup();
    texts
}

/// The padded length of a record.
fn record_bytes(values: &[Option<Value<'_>>], rows: &[&HistoryRow]) -> Result<usize, FactsError> {
    let length = |value: &Option<Value<'_>>| match value {
        Some(Value::Text(text)) => text.len(),
        _ => 0,
    };
    let texts = rows.iter().map(|row| row.counterparty.as_ref().map_or(0, String::len));
    let text_bytes = values.iter().map(length).chain(texts).fold(0, usize::saturating_add);
    let fixed = FIXED_BYTES as usize + rows.len() * ROW_BYTES as usize;
    let length = text_bytes.saturating_add(fixed).checked_next_multiple_of(8);
    length.filter(|length| *length <= RECORD_BYTES_MAX).ok_or_else(|| {
        let expected = format!("at most {RECORD_BYTES_MAX} bytes of facts");
        FactsError::new(ErrorKind::RecordTooLarge, expected, "more", "send less history")
    })
}

/// The fixed part is written in place; texts are appended in the order of the calls.
struct Writer {
    bytes: Vec<u8>,
    length: usize,
    presence: u64,
}

impl Writer {
    fn new(length: usize, rows: usize) -> Self {
        let mut bytes = Vec::with_capacity(length);
        bytes.resize(FIXED_BYTES as usize + rows * ROW_BYTES as usize, 0);
        Writer { bytes, length, presence: 0 }
    }

    fn header(&mut self, length: usize, rows: usize, as_of: Millis) {
        self.put(0, &RECORD_MAGIC.to_le_bytes());
        self.put(HEADER_LENGTH as usize, &word(length));
        self.put(HEADER_AS_OF as usize, &as_of.0.to_le_bytes());
        self.put(HEADER_ROW_COUNT as usize, &word(rows));
        let first = if rows == 0 { 0 } else { FIXED_BYTES };
        self.put(HEADER_ROWS as usize, &first.to_le_bytes());
    }

    /// Writes a fact at its field's place and marks it as present.
    fn field(&mut self, field: &Field, value: Value<'_>) {
        self.presence |= 1 << field.bit;
        let offset = field.offset as usize;
        match value {
            Value::Text(text) => self.text(offset, text),
            Value::Word(word) => self.put(offset, &word.to_le_bytes()),
            Value::Long(long) => self.put(offset, &long.to_le_bytes()),
            Value::Money(money) => self.money(offset, money),
        }
    }

    fn row(&mut self, base: usize, row: &HistoryRow, counterparties: &[&str]) {
        self.put(base + ROW_TIMESTAMP as usize, &row.timestamp.0.to_le_bytes());
        self.money(base + ROW_MANTISSA as usize, row.amount);
        self.put(base + ROW_TYPE as usize, &[row.kind.code()]);
        let direction = row.direction.map_or(0, |direction| direction.code());
        self.put(base + ROW_DIRECTION as usize, &[direction]);
        if let Some(text) = &row.counterparty {
            self.text(base + ROW_COUNTERPARTY as usize, text);
            let place = counterparties.binary_search(&text.as_str());
            let number = word(place.map_or(0, |place| place + 1));
            self.put(base + ROW_COUNTERPARTY_NUMBER as usize, &number);
        }
        let country = row.counterparty_country.map_or(0, |country| country.packed());
        self.put(base + ROW_COUNTERPARTY_COUNTRY as usize, &country.to_le_bytes());
    }

    /// Mantissa, currency and scale stand side by side in fields and in rows.
    fn money(&mut self, offset: usize, money: Money) {
        self.put(offset, &money.mantissa().to_le_bytes());
        self.put(offset + 16, &money.currency().packed().to_le_bytes());
        self.put(offset + 20, &[money.scale()]);
    }

    fn text(&mut self, offset: usize, text: &str) {
        let start = word(self.bytes.len());
        self.put(offset, &start);
        self.put(offset + 4, &word(text.len()));
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn put(&mut self, offset: usize, bytes: &[u8]) {
        self.bytes[offset..offset + bytes.len()].copy_from_slice(bytes);
    }

    fn finish(mut self) -> Result<Record, FactsError> {
        let presence = self.presence.to_le_bytes();
        self.put(HEADER_PRESENCE as usize, &presence);
        debug_assert_eq!(self.bytes.len().next_multiple_of(8), self.length);
        self.bytes.resize(self.length, 0);
        Ok(Record(self.bytes))
    }
}

fn word(value: usize) -> [u8; 4] {
    u32::try_from(value).expect("fits because a record is at most 2 MiB").to_le_bytes()
}
