//! Where everything stands in a record (ABI.md, section 3). The compiler of rules reads this
//! table and `record` writes by it; a test holds it against the page. It must never differ from
//! the page: a new layout is a new ABI version.

/// One field at a fixed place of the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its name in ABI.md and in rules.
    pub name: &'static str,
    /// How its bytes are read.
    pub kind: FieldKind,
    /// Bytes from the record's start.
    pub offset: u32,
    /// Its bit in the presence word.
    pub bit: u8,
}

/// How the bytes of a field are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// u32 offset and u32 length of UTF-8 text.
    Text,
    /// u32 number from the list of transaction types.
    Type,
    /// i128 mantissa, u32 packed currency, u8 scale, three zero bytes.
    Money,
    /// i64 milliseconds since 1970.
    Time,
    /// u32 of up to four ASCII characters, four zero bytes.
    Packed,
}

/// The fields, by number.
pub const FIELDS: &[Field] = &[
    field(0, 32, FieldKind::Text, "transaction.id"),
    field(1, 40, FieldKind::Type, "transaction.type"),
    field(2, 48, FieldKind::Money, "transaction.amount"),
    field(3, 72, FieldKind::Time, "transaction.timestamp"),
    field(4, 80, FieldKind::Text, "source.account"),
    field(5, 88, FieldKind::Packed, "source.country"),
    field(6, 96, FieldKind::Text, "source.name"),
    field(7, 104, FieldKind::Text, "source.address"),
    field(8, 112, FieldKind::Text, "source.institution"),
    field(9, 120, FieldKind::Text, "source.customer_id"),
    field(10, 128, FieldKind::Text, "destination.account"),
    field(11, 136, FieldKind::Packed, "destination.country"),
    field(12, 144, FieldKind::Text, "destination.name"),
    field(13, 152, FieldKind::Text, "destination.address"),
    field(14, 160, FieldKind::Text, "destination.institution"),
    field(15, 168, FieldKind::Text, "destination.customer_id"),
];

/// The first four bytes of a record, `PBF1`, as a little-endian u32.
pub const RECORD_MAGIC: u32 = 0x3146_4250;
/// Offset of the record's length, u32.
pub const HEADER_LENGTH: u32 = 4;
/// Offset of the presence word, u64.
pub const HEADER_PRESENCE: u32 = 8;
/// Offset of `as_of`, i64.
pub const HEADER_AS_OF: u32 = 16;
/// Offset of the number of history rows, u32.
pub const HEADER_ROW_COUNT: u32 = 24;
/// Offset of the offset of the first history row, u32.
pub const HEADER_ROWS: u32 = 28;
/// Bytes of header and fields; the rows start here.
pub const FIXED_BYTES: u32 = 176;

/// Bytes of one history row.
pub const ROW_BYTES: u32 = 48;
/// In a row: timestamp, i64.
pub const ROW_TIMESTAMP: u32 = 0;
/// In a row: mantissa, i128.
pub const ROW_MANTISSA: u32 = 8;
/// In a row: packed currency, u32.
pub const ROW_CURRENCY: u32 = 24;
/// In a row: scale, u8.
pub const ROW_SCALE: u32 = 28;
/// In a row: type, u8.
pub const ROW_TYPE: u32 = 29;
/// In a row: direction, u8.
pub const ROW_DIRECTION: u32 = 30;
/// In a row: counterparty account, text.
pub const ROW_COUNTERPARTY: u32 = 32;
/// In a row: packed counterparty country, u32 and four zero bytes.
pub const ROW_COUNTERPARTY_COUNTRY: u32 = 40;

const fn field(bit: u8, offset: u32, kind: FieldKind, name: &'static str) -> Field {
    Field { name, kind, offset, bit }
}
