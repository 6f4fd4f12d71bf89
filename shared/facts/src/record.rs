//! Facts to bytes: the canonical record of ABI.md, section 3. One set of facts has one record,
//! whatever the order of the caller's keys and rows. It must never write an offset that the
//! layout table does not name, nor leave a byte that no fact decides.

use std::fmt;

use crate::layout::*;
use crate::{
    ErrorKind, FactsError, HISTORY_ROWS_MAX, HistoryRow, Millis, Money, Party, RECORD_BYTES_MAX,
    Request,
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
    let length = record_bytes(request)?;
    let mut writer = Writer::new(length, rows.len());
    writer.header(length, rows.len(), as_of);
    let transaction = &request.transaction;
    writer.text_field(0, Some(&transaction.id));
    writer.word_field(1, Some(transaction.kind.code().into()));
    writer.money_field(2, transaction.amount);
    writer.time_field(3, transaction.timestamp);
    writer.party(4, &transaction.source);
    writer.party(10, &transaction.destination);
    for (index, row) in rows.into_iter().enumerate() {
        writer.row(FIXED_BYTES as usize + index * ROW_BYTES as usize, row);
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

/// The padded length of a request's record.
fn record_bytes(request: &Request) -> Result<usize, FactsError> {
    let transaction = &request.transaction;
    let parties = [&transaction.source, &transaction.destination];
    let own = parties.into_iter().flat_map(Party::texts).chain([Some(&*transaction.id)]);
    let texts = own.chain(request.history.iter().map(|row| row.counterparty.as_deref()));
    let text_bytes = texts.flatten().fold(0, |sum: usize, text| sum.saturating_add(text.len()));
    let fixed = FIXED_BYTES as usize + request.history.len() * ROW_BYTES as usize;
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

    fn party(&mut self, first: usize, party: &Party) {
        self.text_field(first, party.account.as_deref());
        self.word_field(first + 1, party.country.map(|country| country.packed()));
        self.text_field(first + 2, party.name.as_deref());
        self.text_field(first + 3, party.address.as_deref());
        self.text_field(first + 4, party.institution.as_deref());
        self.text_field(first + 5, party.customer_id.as_deref());
    }

    fn text_field(&mut self, index: usize, text: Option<&str>) {
        if let Some(text) = text {
            let offset = self.mark(index);
            self.text(offset, text);
        }
    }

    fn word_field(&mut self, index: usize, value: Option<u32>) {
        if let Some(value) = value {
            let offset = self.mark(index);
            self.put(offset, &value.to_le_bytes());
        }
    }

    fn time_field(&mut self, index: usize, time: Option<Millis>) {
        if let Some(time) = time {
            let offset = self.mark(index);
            self.put(offset, &time.0.to_le_bytes());
        }
    }

    fn money_field(&mut self, index: usize, money: Money) {
        let offset = self.mark(index);
        self.money(offset, money);
    }

    fn row(&mut self, base: usize, row: &HistoryRow) {
        self.put(base + ROW_TIMESTAMP as usize, &row.timestamp.0.to_le_bytes());
        self.money(base + ROW_MANTISSA as usize, row.amount);
        self.put(base + ROW_TYPE as usize, &[row.kind.code()]);
        let direction = row.direction.map_or(0, |direction| direction.code());
        self.put(base + ROW_DIRECTION as usize, &[direction]);
        if let Some(text) = &row.counterparty {
            self.text(base + ROW_COUNTERPARTY as usize, text);
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

    /// Marks a field as present; where it stands.
    fn mark(&mut self, index: usize) -> usize {
        self.presence |= 1 << FIELDS[index].bit;
        FIELDS[index].offset as usize
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
