//! The typed program of one rule: what the checker makes, what the back end compiles and what the
//! reference interpreter runs. LANGUAGE.md gives the meaning of each node. It must never hold
//! anything whose meaning depends on a machine: no floats, no clock, no unordered maps.

use facts::{CodeSet, Currency, Field};
use rules::{Outcome, Reason};

use crate::data::{Calendar, Rates};

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
    /// At most 8. A value whose evaluation ends in a `Missing` fault is the text `absent`; any other
    /// fault ends the rule.
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

/// What an expression does. Operands of one node have the types that its line says; the checker
/// has inserted `Rescale`, `Narrow` and `TextOf` where the source leaves them out.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Constant of `Bool`.
    Bool(bool),
    /// Constant of `Int`, `Time`, `Duration` (ms), `Code` (number), `Country` and `CurrencyCode`
    /// (packed).
    Int(i64),
    /// Constant of `Uint`.
    Uint(u64),
    /// Constant of `Text`.
    Text(String),
    /// Constant of `Bytes`.
    Bytes(Vec<u8>),
    /// Constant mantissa of `Decimal` and `Money`.
    Decimal(i128),
    /// A list literal; every element has the list's element type.
    List(Vec<Expr>),
    /// The time that the rule is evaluated for: `Time`.
    AsOf,
    /// A field of the record. Fault `Missing` when absent.
    Fact(&'static Field),
    /// Whether a field is present: `Bool`.
    HasFact(&'static Field),
    /// The names of those fields that are absent, joined by ", ": `Text`. At most 256 bytes in all.
    Absent(Vec<&'static Field>),
    /// The history rows, oldest first: `List(Row)`.
    History,
    /// A column of a row. Fault `MissingColumn` when absent.
    Column(Column, Box<Expr>),
    /// Whether a column is present: `Bool`.
    HasColumn(Column, Box<Expr>),
    /// The value of a let, by index.
    Let(usize),
    /// A loop's variable, by number; numbers are unique in a program.
    Variable(usize),
    /// `AnyMoney` or `Money` to `CurrencyCode`.
    CurrencyOf(Box<Expr>),
    /// `AnyMoney` to `Money`; the checker has proved that the currency is the type's.
    Narrow(Box<Expr>),
    /// `Decimal` or `Money` to the same with a larger scale, exactly. Fault `Overflow`.
    Rescale(Box<Expr>),
    /// `Counterparty` to `Text`.
    TextOf(Box<Expr>),
    /// `Bool`.
    Not(Box<Expr>),
    /// `Int`, `Duration`, `Decimal`, `Money`. Fault `Overflow`.
    Negate(Box<Expr>),
    /// Arithmetic, see `Operator`.
    Arithmetic(Operator, Box<Expr>, Box<Expr>),
    /// `Bool` from two of one type. `Equal` and `NotEqual` take every type but `AnyMoney`, `Row`,
    /// `Hit`; of two lists one is a literal. The others take `Bool` (false < true), `Int`, `Uint`,
    /// `Text` and `Bytes` (bytewise), `Time`, `Duration`, `Decimal`, `Money`.
    Compare(Comparison, Box<Expr>, Box<Expr>),
    /// Both sides are evaluated as CEL says: false wins over a fault on either side.
    And(Box<Expr>, Box<Expr>),
    /// True wins over a fault on either side.
    Or(Box<Expr>, Box<Expr>),
    /// Condition, then, else; only the chosen one is evaluated.
    Conditional(Box<Expr>, Box<Expr>, Box<Expr>),
    /// A loop over a list whose body is evaluated for each element.
    Loop(Loop, Box<Body>),
    /// `Int`: elements of a list, code points of a text, bytes of bytes.
    Size(Box<Expr>),
    /// Sum over a list of `Int`, `Uint`, `Duration`, `Decimal` or `Money`; zero when empty. Fault
    /// `Overflow`.
    Sum(Box<Expr>),
    /// Smallest (false) or largest (true) of a list of an ordered type. Fault `Empty`.
    Extreme(bool, Box<Expr>),
    /// `Int`: how many different elements; of `Int`, `Code`, `Country`, `CurrencyCode`,
    /// `Counterparty`, `Time`.
    CountDistinct(Box<Expr>),
    /// Whether the first is an element of the second, a list of its type. As CEL: equality with
    /// each element, true wins over a fault.
    In(Box<Expr>, Box<Expr>),
    /// Element of a list at an `Int` index from 0. Fault `Range`.
    Index(Box<Expr>, Box<Expr>),
    /// Whether a `Text` or `Country` is an entry of a plain list, by list number: one
    /// `list_contains` call, recorded in the trace.
    InList(u32, Box<Expr>),
    /// Screens a name against a list of names: one `screen` call: `Hit`.
    Screen(Box<Screening>),
    /// Looks a `Text` up among the identifiers of a list of names: one `screen_id` call: `Hit`.
    ScreenId(u32, Box<Expr>),
    /// `Bool`: whether a `Hit` is one.
    HitFound(Box<Expr>),
    /// `Int`: score of a `Hit`, 0 to 10,000; 0 without one.
    HitScore(Box<Expr>),
    /// The entry's id: only as a result value, where it is `Text`; `none` without a hit.
    HitEntry(Box<Expr>),
    /// A function of values, see `Function`.
    Call(Function, Vec<Expr>),
}

/// Arithmetic. Every overflow is a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `Int`, `Uint`, `Duration`, `Decimal`, `Money` with themselves (same scale);
    /// `Time + Duration`; `Text`, `Bytes` and lists: concatenation.
    Add,
    /// As `Add`, without concatenation; `Time - Time` is `Duration`.
    Subtract,
    /// `Int`, `Uint`; `Decimal × Decimal` and `Money × Decimal`, where the scales add up.
    Multiply,
    /// `Int`, `Uint`, toward zero. Fault `DivideByZero`.
    Divide,
    /// `Int`, `Uint`, sign of the dividend. Fault `DivideByZero`.
    Remainder,
}

/// Comparisons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// ==
    Equal,
    /// !=
    NotEqual,
    /// <
    Less,
    /// <=
    LessOrEqual,
    /// >
    Greater,
    /// >=
    GreaterOrEqual,
}

/// Loops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loop {
    /// `Bool`: body true for all; false wins over faults.
    All,
    /// `Bool`: body true for one at least; true wins over faults.
    Exists,
    /// `Bool`: body true for exactly one; any fault is a fault.
    ExistsOne,
    /// The elements whose body is true; a fault is a fault.
    Filter,
    /// The bodies' values; a fault is a fault.
    Map,
}

/// What a loop runs over.
#[derive(Debug, Clone, PartialEq)]
pub struct Body {
    /// A list.
    pub list: Expr,
    /// Number of the variable that holds the element.
    pub variable: usize,
    /// Evaluated for each element.
    pub each: Expr,
}

/// One screening of a name.
#[derive(Debug, Clone, PartialEq)]
pub struct Screening {
    /// List number.
    pub list: u32,
    /// `Text`.
    pub name: Expr,
    /// A `Fact` of kind date, of type `Time`; when it is absent the date is unknown and there is
    /// no fault.
    pub birth: Option<Expr>,
    /// Lowest score that is a hit, 1 to 10,000.
    pub threshold: u16,
    /// How names are compared.
    pub mode: Mode,
}

/// How names are compared; the number is the one in the host call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The scorer of SCORING.md.
    Default = 0,
    /// As OFAC's own search.
    Ofac = 1,
    /// Plain Jaro-Winkler.
    JaroWinkler = 2,
}

/// How a decimal is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounding {
    /// To nearest, ties to even.
    HalfEven,
    /// To nearest, ties away from zero.
    HalfUp,
    /// To nearest, ties toward zero.
    HalfDown,
    /// Away from zero.
    Up,
    /// Toward zero.
    Down,
    /// Toward positive infinity.
    Ceiling,
    /// Toward negative infinity.
    Floor,
}

/// Parts of a time, in UTC plus the minutes given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimePart {
    /// getFullYear.
    Year,
    /// getMonth, from 0.
    Month,
    /// getDate, from 1.
    Date,
    /// getDayOfMonth, from 0.
    DayOfMonth,
    /// getDayOfWeek, from 0 = Sunday.
    DayOfWeek,
    /// getDayOfYear, from 0.
    DayOfYear,
    /// getHours.
    Hours,
    /// getMinutes.
    Minutes,
    /// getSeconds.
    Seconds,
    /// getMilliseconds.
    Milliseconds,
}

/// Functions of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// `Text` contains `Text`.
    Contains,
    /// `Text` starts with `Text`.
    StartsWith,
    /// `Text` ends with `Text`.
    EndsWith,
    /// ASCII letters of a `Text` in lower case.
    LowerAscii,
    /// ASCII letters of a `Text` in upper case.
    UpperAscii,
    /// `Text` without ASCII white space at both ends.
    Trim,
    /// `Int`, `Uint`, `Bool` to `Text`, as CEL writes them.
    ToText,
    /// `Text`, `Uint` to `Int`; `Time` to `Int` seconds, toward negative infinity. Fault `Range`.
    ToInt,
    /// `Text`, `Int` to `Uint`. Fault `Range`.
    ToUint,
    /// `Int` seconds to `Time`. Fault `Range`.
    ToTime,
    /// Part of a `Time`, at an offset in minutes: `Int`.
    TimePart(TimePart, i32),
    /// Whole hours, minutes, seconds or milliseconds of a `Duration`: its ms divided by the
    /// number toward zero (then, for milliseconds, the remainder of a second, as CEL): `Int`.
    DurationPart(TimePart),
    /// Absolute value of `Int`, `Duration`, `Decimal`, `Money`. Fault `Overflow`.
    Absolute,
    /// `Decimal` or `Money` to the scale of the node's type, which may be smaller.
    Round(Rounding),
    /// First divided by second, to the scale of the node's type: `Decimal` by `Decimal` is
    /// `Decimal`, `Money` by `Decimal` is `Money`, `Money` by `Money` of one currency is
    /// `Decimal`. Faults `DivideByZero`, `Overflow`.
    Divide(Rounding),
    /// `AnyMoney` or `Money` to the `Money` of the node's type by a rate table, by number:
    /// mantissa × rate of target ÷ rate of source, rounded once. Faults `MissingRate`, `Overflow`.
    Convert(u32, Rounding),
    /// `Time` to `Int`: days since 1970-01-01 of the local date in a calendar, by number. Fault
    /// `Calendar` outside of its years.
    Day(u32),
    /// `Time` to `Int`: the same for the business day that the time counts for. Fault `Calendar`.
    BusinessDay(u32),
}

/// Why an expression has no value. The numbers are those of `env.trap` (ABI.md §2); a program that
/// ends in one of the three `Missing…` has outcome `missing_data` instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A result that does not fit.
    Overflow,
    /// Division or remainder by zero.
    DivideByZero,
    /// An index or a conversion out of range.
    Range,
    /// Smallest or largest of nothing.
    Empty,
    /// A time outside of a calendar's years.
    Calendar,
    /// Texts larger than the module's scratch memory.
    Memory,
    /// A fact that is absent, by bit.
    Missing(u8),
    /// A row's column that is absent.
    MissingColumn(Column),
    /// A currency that the rate table, by number, lacks.
    MissingRate(u32),
}

impl Fault {
    /// Its number.
    pub const fn code(self) -> i32 {
        match self {
            Fault::Overflow => 1,
            Fault::DivideByZero => 2,
            Fault::Range => 3,
            Fault::Empty => 4,
            Fault::Calendar => 5,
            Fault::Memory => 6,
            Fault::Missing(bit) => 0x100 + bit as i32,
            Fault::MissingColumn(column) => 0x200 + column as i32,
            Fault::MissingRate(table) => 0x300 + table as i32,
        }
    }

    /// Whether the rule ends in `missing_data` rather than `error`.
    pub const fn is_missing(self) -> bool {
        matches!(self, Fault::Missing(_) | Fault::MissingColumn(_) | Fault::MissingRate(_))
    }
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

/// What stands for the name of what is missing: `history.direction`, `rate in ecb.daily`, or the
/// field's own name. The same in the module's data and in the interpreter.
pub fn missing_name(fault: Fault, program: &Program) -> String {
    match fault {
        Fault::Missing(bit) => {
            let field = facts::FIELDS.iter().find(|field| field.bit == bit);
            field.map_or("a fact", |field| field.name).to_owned()
        }
        Fault::MissingColumn(column) => format!("history.{}", column.name()),
        Fault::MissingRate(table) => {
            let rates = program.rates.get(table as usize);
            format!("a rate in {}", rates.map_or("the table", |rates| &rates.id))
        }
        _ => String::new(),
    }
}
