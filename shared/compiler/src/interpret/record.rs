//! Reads the canonical record by the layout table, strictly: bytes that `facts::record` would not
//! write are refused with their offset. It must never panic on any bytes.

use std::rc::Rc;

use facts::{
    Country, Currency, FIELDS, FIXED_BYTES, Field, FieldKind, HEADER_AS_OF, HEADER_LENGTH,
    HEADER_PRESENCE, HEADER_ROW_COUNT, HEADER_ROWS, HISTORY_ROWS_MAX, Millis, RECORD_BYTES_MAX,
    RECORD_MAGIC, ROW_BYTES, ROW_COUNTERPARTY, ROW_COUNTERPARTY_COUNTRY, ROW_COUNTERPARTY_NUMBER,
    ROW_DIRECTION, ROW_MANTISSA, ROW_TIMESTAMP, ROW_TYPE, text_bytes_max,
};

use super::value::{Amount, Datum};

/// Bytes of an absent field that have to be zero.
const FIELD_BYTES: usize = 8;
/// The same for money.
const MONEY_BYTES: usize = 24;

/// A record's facts.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) as_of: i64,
    /// By bit.
    fields: Vec<Option<Datum>>,
    pub(crate) rows: Vec<Row>,
}

/// A history row.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) timestamp: i64,
    pub(crate) kind: u8,
    pub(crate) amount: Amount,
    pub(crate) direction: Option<u8>,
    pub(crate) counterparty: Option<(u32, Rc<str>)>,
    pub(crate) counterparty_country: Option<Country>,
}

/// Something read, or the offset of what is wrong.
type Read<T> = Result<T, usize>;

impl Facts {
    /// The facts in `bytes`; the error is the offset of what is wrong.
    pub(crate) fn read(bytes: &[u8]) -> Read<Facts> {
        let mut reader = Reader { bytes, next_text: 0 };
        let count = reader.header()?;
        reader.next_text = FIXED_BYTES as usize + count * ROW_BYTES as usize;
        let presence = u64::from_le_bytes(reader.array(HEADER_PRESENCE as usize)?);
        let mut fields = Vec::new();
        for (bit, field) in FIELDS.iter().enumerate() {
            let present = presence >> bit & 1 == 1;
            fields.push(reader.field(field, present)?);
        }
        if presence >> FIELDS.len() != 0 {
            return Err(HEADER_PRESENCE as usize);
        }
        let as_of = reader.time(HEADER_AS_OF as usize)?;
        let rows = (0..count).map(|index| reader.row(index, as_of)).collect::<Read<Vec<_>>>()?;
        reader.check_order(&rows)?;
        reader.check_end()?;
        Ok(Facts { as_of, fields, rows })
    }

    /// Nothing known: what constants are evaluated over.
    pub(crate) fn none() -> Facts {
        Facts { as_of: 0, fields: vec![None; FIELDS.len()], rows: Vec::new() }
    }

    pub(crate) fn field(&self, field: &Field) -> Option<&Datum> {
        self.fields.get(usize::from(field.bit))?.as_ref()
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    /// Where the next text has to stand: texts follow each other without gaps.
    next_text: usize,
}

impl Reader<'_> {
    /// The number of rows.
    fn header(&self) -> Read<usize> {
        if self.word(0)? != RECORD_MAGIC {
            return Err(0);
        }
        let length = self.bytes.len();
        let sound = self.word(HEADER_LENGTH as usize)? as usize == length
            && length.is_multiple_of(8)
            && length <= RECORD_BYTES_MAX;
        if !sound {
            return Err(HEADER_LENGTH as usize);
        }
        let count = self.word(HEADER_ROW_COUNT as usize)? as usize;
        if count > HISTORY_ROWS_MAX {
            return Err(HEADER_ROW_COUNT as usize);
        }
        let first = if count == 0 { 0 } else { FIXED_BYTES };
        if self.word(HEADER_ROWS as usize)? != first {
            return Err(HEADER_ROWS as usize);
        }
        let end = FIXED_BYTES as usize + count * ROW_BYTES as usize;
        if end <= length { Ok(count) } else { Err(HEADER_ROW_COUNT as usize) }
    }

    fn field(&mut self, field: &Field, present: bool) -> Read<Option<Datum>> {
        let at = field.offset as usize;
        if !present {
            let is_money = field.kind == FieldKind::Money;
            self.zeros(at, if is_money { MONEY_BYTES } else { FIELD_BYTES })?;
            return Ok(None);
        }
        let datum = match field.kind {
            FieldKind::Text => {
                let name = field.name.rsplit('.').next().unwrap_or_default();
                Datum::Text(self.text(at, text_bytes_max(name))?)
            }
            FieldKind::Code(set) => {
                let code = self.short(at)?;
                let known = set.names().iter().any(|(number, _)| u32::from(*number) == code);
                Datum::Int(if known { code.into() } else { return Err(at) })
            }
            FieldKind::Money => Datum::Amount(self.money(at)?),
            FieldKind::Time => Datum::Int(self.time(at)?),
            FieldKind::Date => Datum::Int(self.date(at)?),
            FieldKind::Packed => {
                let packed = self.short(at)?;
                country(packed).ok_or(at)?;
                Datum::Int(packed.into())
            }
            FieldKind::Flag => match self.short(at)? {
                0 => Datum::Bool(false),
                1 => Datum::Bool(true),
                _ => return Err(at),
            },
        };
        Ok(Some(datum))
    }

    fn row(&mut self, index: usize, as_of: i64) -> Read<Row> {
        let base = FIXED_BYTES as usize + index * ROW_BYTES as usize;
        let timestamp = self.time(base + ROW_TIMESTAMP as usize)?;
        if timestamp > as_of {
            return Err(base + ROW_TIMESTAMP as usize);
        }
        let amount = self.amount(base + ROW_MANTISSA as usize)?;
        let [kind] = self.array(base + ROW_TYPE as usize)?;
        if facts::TransactionType::CODES.iter().all(|(code, _)| *code != kind) {
            return Err(base + ROW_TYPE as usize);
        }
        let [direction] = self.array(base + ROW_DIRECTION as usize)?;
        let known = facts::Direction::CODES.iter().any(|(code, _)| *code == direction);
        if direction != 0 && !known {
            return Err(base + ROW_DIRECTION as usize);
        }
        self.zeros(base + ROW_DIRECTION as usize + 1, 1)?;
        let number = self.word(base + ROW_COUNTERPARTY_NUMBER as usize)?;
        let at = base + ROW_COUNTERPARTY as usize;
        let counterparty = match number {
            0 => {
                self.zeros(at, FIELD_BYTES)?;
                None
            }
            _ => Some((number, self.text(at, text_bytes_max("account"))?)),
        };
        let at = base + ROW_COUNTERPARTY_COUNTRY as usize;
        let counterparty_country = match self.word(at)? {
            0 => None,
            packed => Some(country(packed).ok_or(at)?),
        };
        let direction = known.then_some(direction);
        Ok(Row { timestamp, kind, amount, direction, counterparty, counterparty_country })
    }

    /// Rows in their one order, counterparties numbered by the order of their texts.
    fn check_order(&self, rows: &[Row]) -> Read<()> {
        let key = |row: &Row| {
            let money = (row.amount.currency, row.amount.mantissa);
            let text = row.counterparty.as_ref().map(|(_, text)| text.clone());
            (row.timestamp, row.kind, row.direction, money, text, row.counterparty_country)
        };
        if !rows.is_sorted_by(|a, b| key(a) <= key(b)) {
            return Err(FIXED_BYTES as usize);
        }
        let mut known: Vec<&(u32, Rc<str>)> =
            rows.iter().filter_map(|row| row.counterparty.as_ref()).collect();
        known.sort_unstable_by(|a, b| a.1.cmp(&b.1));
        let mut expected = 0;
        for (index, (number, text)) in known.iter().enumerate() {
            if index == 0 || known[index - 1].1 != *text {
                expected += 1;
            }
            if *number != expected {
                return Err(FIXED_BYTES as usize + ROW_COUNTERPARTY_NUMBER as usize);
            }
        }
        Ok(())
    }

    /// Only padding after the last text.
    fn check_end(&self) -> Read<()> {
        let left = self.bytes.len() - self.next_text;
        if left < 8 { self.zeros(self.next_text, left) } else { Err(self.next_text) }
    }

    fn text(&mut self, at: usize, longest: usize) -> Read<Rc<str>> {
        let (start, length) = (self.word(at)? as usize, self.word(at + 4)? as usize);
        if start != self.next_text || length == 0 || length > longest {
            return Err(at);
        }
        let bytes = self.bytes.get(start..start + length).ok_or(at)?;
        self.next_text += length;
        std::str::from_utf8(bytes).map(Rc::from).map_err(|_| at)
    }

    /// Money of a field: an amount and three zero bytes.
    fn money(&self, at: usize) -> Read<Amount> {
        self.zeros(at + 21, 3)?;
        self.amount(at)
    }

    fn amount(&self, at: usize) -> Read<Amount> {
        let mantissa = i128::from_le_bytes(self.array(at)?);
        let currency = Currency::from_packed(self.word(at + 16)?).ok_or(at + 16)?;
        let [scale] = self.array(at + 20)?;
        let sound = mantissa >= 0 && scale == currency.exponent();
        if sound { Ok(Amount { mantissa, currency, scale }) } else { Err(at) }
    }

    fn time(&self, at: usize) -> Read<i64> {
        let time = i64::from_le_bytes(self.array(at)?);
        if (0..=Millis::MAX.0 as i64).contains(&time) { Ok(time) } else { Err(at) }
    }

    fn date(&self, at: usize) -> Read<i64> {
        let time = i64::from_le_bytes(self.array(at)?);
        let first = facts::days_from_civil(facts::Date::YEAR_MIN, 1, 1).unwrap_or(0);
        let day = time.div_euclid(facts::DAY_MS as i64);
        let whole = time.rem_euclid(facts::DAY_MS as i64) == 0;
        if whole && day >= first && time <= Millis::MAX.0 as i64 { Ok(time) } else { Err(at) }
    }

    /// A u32 with four zero bytes behind it.
    fn short(&self, at: usize) -> Read<u32> {
        self.zeros(at + 4, 4)?;
        self.word(at)
    }

    fn zeros(&self, at: usize, count: usize) -> Read<()> {
        let bytes = self.bytes.get(at..at + count).ok_or(at)?;
        if bytes.iter().all(|byte| *byte == 0) { Ok(()) } else { Err(at) }
    }

    fn word(&self, at: usize) -> Read<u32> {
        self.array(at).map(u32::from_le_bytes)
    }

    fn array<const N: usize>(&self, at: usize) -> Read<[u8; N]> {
        let bytes = self.bytes.get(at..at + N).ok_or(at)?;
        bytes.try_into().map_err(|_| at)
    }
}

fn country(packed: u32) -> Option<Country> {
    let bytes = packed.to_le_bytes();
    let text = std::str::from_utf8(&bytes).ok()?.trim_end_matches('\0');
    Country::parse(text).ok().filter(|country| country.packed() == packed)
}
