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

impl Field {
    /// The field of a name such as `source.birth_date`.
    pub fn named(name: &str) -> Option<&'static Field> {
        FIELDS.iter().find(|field| field.name == name)
    }
}

/// How the bytes of a field are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldKind {
    /// u32 offset and u32 length of UTF-8 text.
    Text,
    /// u32 number from a closed list of names.
    Code(CodeSet),
    /// i128 mantissa, u32 packed currency, u8 scale, three zero bytes.
    Money,
    /// i64 milliseconds since 1970.
    Time,
    /// i64 milliseconds since 1970 of midnight UTC on that day; before 1970 it is negative.
    Date,
    /// u32 of up to four ASCII characters, four zero bytes.
    Packed,
    /// u32, 1 for true and 0 for false.
    Flag,
}

/// A closed list of names whose numbers stand in records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeSet {
    /// Transaction types.
    TransactionType,
    /// Directions of history rows.
    Direction,
    /// What a party is.
    PartyKind,
    /// How exposed a party is politically.
    Pep,
    /// How the institution rates a party.
    Risk,
}

impl CodeSet {
    /// The names with their numbers; number 0 is never used.
    pub const fn names(self) -> &'static [(u8, &'static str)] {
        match self {
            CodeSet::TransactionType => crate::TransactionType::CODES,
            CodeSet::Direction => crate::Direction::CODES,
            CodeSet::PartyKind => crate::PartyKind::CODES,
            CodeSet::Pep => crate::Pep::CODES,
            CodeSet::Risk => crate::Risk::CODES,
        }
    }
}

/// The fields, by number.
pub const FIELDS: &[Field] = &[
    field(0, 32, FieldKind::Text, "transaction.id"),
    field(1, 40, FieldKind::Code(CodeSet::TransactionType), "transaction.type"),
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
    field(16, 176, FieldKind::Text, "transaction.reference"),
    field(17, 184, FieldKind::Text, "transaction.purpose"),
    field(18, 192, FieldKind::Code(CodeSet::PartyKind), "source.kind"),
    field(19, 200, FieldKind::Date, "source.birth_date"),
    field(20, 208, FieldKind::Text, "source.birth_place"),
    field(21, 216, FieldKind::Text, "source.document"),
    field(22, 224, FieldKind::Text, "source.lei"),
    field(23, 232, FieldKind::Text, "source.wallet"),
    field(24, 240, FieldKind::Packed, "source.institution_country"),
    field(25, 248, FieldKind::Packed, "source.nationality"),
    field(26, 256, FieldKind::Code(CodeSet::Pep), "source.pep"),
    field(27, 264, FieldKind::Code(CodeSet::Risk), "source.risk"),
    field(28, 272, FieldKind::Flag, "source.edd_approved"),
    field(29, 280, FieldKind::Flag, "source.owners_identified"),
    field(30, 288, FieldKind::Text, "source.source_of_funds"),
    field(31, 296, FieldKind::Time, "source.verified_at"),
    field(32, 304, FieldKind::Time, "source.reviewed_at"),
    field(33, 312, FieldKind::Time, "source.relationship_since"),
    field(34, 320, FieldKind::Time, "source.last_activity"),
    field(35, 328, FieldKind::Code(CodeSet::PartyKind), "destination.kind"),
    field(36, 336, FieldKind::Date, "destination.birth_date"),
    field(37, 344, FieldKind::Text, "destination.birth_place"),
    field(38, 352, FieldKind::Text, "destination.document"),
    field(39, 360, FieldKind::Text, "destination.lei"),
    field(40, 368, FieldKind::Text, "destination.wallet"),
    field(41, 376, FieldKind::Packed, "destination.institution_country"),
    field(42, 384, FieldKind::Packed, "destination.nationality"),
    field(43, 392, FieldKind::Code(CodeSet::Pep), "destination.pep"),
    field(44, 400, FieldKind::Code(CodeSet::Risk), "destination.risk"),
    field(45, 408, FieldKind::Flag, "destination.edd_approved"),
    field(46, 416, FieldKind::Flag, "destination.owners_identified"),
    field(47, 424, FieldKind::Text, "destination.source_of_funds"),
    field(48, 432, FieldKind::Time, "destination.verified_at"),
    field(49, 440, FieldKind::Time, "destination.reviewed_at"),
    field(50, 448, FieldKind::Time, "destination.relationship_since"),
    field(51, 456, FieldKind::Time, "destination.last_activity"),
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
pub const FIXED_BYTES: u32 = 464;

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
/// In a row: number of the counterparty among the record's distinct ones, from 1 in byte order of
/// their texts; 0 without counterparty; u32. Equal numbers are equal texts.
pub const ROW_COUNTERPARTY_NUMBER: u32 = 44;

const fn field(bit: u8, offset: u32, kind: FieldKind, name: &'static str) -> Field {
    Field { name, kind, offset, bit }
}
