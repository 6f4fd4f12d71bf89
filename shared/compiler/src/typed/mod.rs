//! The typed program of one rule: what the checker makes, what the back end compiles and what the
//! reference interpreter runs. LANGUAGE.md gives the meaning of each node. It must never hold
//! anything whose meaning depends on a machine: no floats, no clock, no unordered maps.

mod fault;
mod kind;

use facts::{CodeSet, Currency};
use rules::{Outcome, Reason};

use crate::data::{Calendar, Rates};

pub use fault::{Fault, missing_name};
pub use kind::{
    Body, Comparison, Function, Kind, Loop, Mode, Operator, Rounding, Screening, TimePart,
};

/// Earliest `Time`: 0001-01-01T00:00:00Z in milliseconds since 1970.
pub const TIME_MS_MIN: i64 = -62_135_596_800_000;
/// Latest `Time`: the last millisecond of the year 9999.
pub const TIME_MS_MAX: i64 = 253_402_300_799_999;
/// Longest `Duration` either way, in milliseconds: what 64 bits of nanoseconds hold, as in CEL.
pub const DURATION_MS_MAX: i64 = 9_223_372_036_854;

/// One rule, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Program {
    /// Named expressions, evaluated when first used; each uses only earlier ones.
    pub lets: Vec<Let>,
    /// Tried in order; the first whose condition is true decides.
    pub cases: Vec<Case>,
    /// Decides when no case does.
    pub otherwise: Decision,
    /// Reason templates; a reason code is an index.
    pub reasons: Vec<Reason>,
    /// Reason code of a rule that ends in `missing_data` because a fact it needs is absent; its one
    /// value is the fact's name as text.
    pub missing_reason: u16,
    /// Ids of the lists that the rule asks; a list number is an index.
    pub lists: Vec<String>,
    /// Calendars by number.
    pub calendars: Vec<Calendar>,
    /// Rate tables by number.
    pub rates: Vec<Rates>,
}

/// A named expression. Its value is computed at most once, when first used; a fault in it is a
/// fault of each use.
#[derive(Debug, Clone, PartialEq)]
pub struct Let {
    /// Its name in the source.
    pub name: String,
    /// What it stands for.
    pub value: Expr,
}

/// A condition and what follows from it. Case number *n* is branch id *n* of the trace.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// Of type `Bool`.
    pub when: Expr,
    /// What follows.
    pub decision: Decision,
}

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// Pass, report, review, block or missing_data; never error.
    pub outcome: Outcome,
    /// Reason code.
    pub reason: u16,
    /// At most 8. A value whose evaluation ends in a `Missing` fault is the text `absent`; any
    /// other fault ends the rule.
    pub values: Vec<Expr>,
}

/// Where an expression stands in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Span {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Characters.
    pub length: u32,
}

impl Span {
    /// A place for errors about a whole file.
    pub const WHOLE_FILE: Span = Span { line: 1, column: 1, length: 1 };
}

/// A typed expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What it does.
    pub kind: Kind,
    /// What it gives.
    pub ty: Type,
    /// Where it stands.
    pub span: Span,
}

/// Types. Two types are the same when they are equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Type {
    /// true or false.
    Bool,
    /// 64-bit signed; overflow is a fault.
    Int,
    /// 64-bit unsigned; overflow is a fault.
    Uint,
    /// UTF-8.
    Text,
    /// Bytes.
    Bytes,
    /// Milliseconds since 1970 in UTC, years 1 to 9999.
    Time,
    /// Milliseconds.
    Duration,
    /// i128 mantissa × 10^−scale.
    Decimal(u8),
    /// An amount in a known currency: i128 mantissa × 10^−scale. The scale is the currency's own
    /// unless arithmetic has widened it.
    Money(Currency, u8),
    /// An amount whose currency is not known before the rule runs. Only `Fact`, `Column` and
    /// `Variable` have it, and only `CurrencyOf`, `Narrow`, `Convert` and result values take it.
    AnyMoney,
    /// A code from a closed list, held as its number.
    Code(CodeSet),
    /// A country, held packed.
    Country,
    /// A currency code, held packed.
    CurrencyCode,
    /// A history row's counterparty: a text that the record has numbered. Two are equal when their
    /// numbers are.
    Counterparty,
    /// A list.
    List(Box<Type>),
    /// A history row.
    Row,
    /// What a screening found: nothing, or an entry of the list with that number and a score.
    Hit(u32),
}

/// Columns of a history row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column {
    /// `Time`.
    Timestamp,
    /// `Code(TransactionType)`.
    Kind,
    /// `AnyMoney`.
    Amount,
    /// `CurrencyCode`.
    Currency,
    /// `Code(Direction)`; may be absent.
    Direction,
    /// `Counterparty`; may be absent.
    Counterparty,
    /// `Country`; may be absent.
    CounterpartyCountry,
}

impl Column {
    /// All of them.
    pub const ALL: [Column; 7] = [
        Column::Timestamp,
        Column::Kind,
        Column::Amount,
        Column::Currency,
        Column::Direction,
        Column::Counterparty,
        Column::CounterpartyCountry,
    ];

    /// Its name in the source.
    pub const fn name(self) -> &'static str {
        match self {
            Column::Timestamp => "timestamp",
            Column::Kind => "type",
            Column::Amount => "amount",
            Column::Currency => "currency",
            Column::Direction => "direction",
            Column::Counterparty => "counterparty",
            Column::CounterpartyCountry => "counterparty_country",
        }
    }

    /// Its type.
    pub const fn ty(self) -> Type {
        match self {
            Column::Timestamp => Type::Time,
            Column::Kind => Type::Code(CodeSet::TransactionType),
            Column::Amount => Type::AnyMoney,
            Column::Currency => Type::CurrencyCode,
            Column::Direction => Type::Code(CodeSet::Direction),
            Column::Counterparty => Type::Counterparty,
            Column::CounterpartyCountry => Type::Country,
        }
    }
}
