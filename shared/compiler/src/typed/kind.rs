//! What an expression does: the nodes of the typed program and the small types inside them. Each
//! node says what it takes, what it gives and which faults it has.

use facts::Field;

use super::{Column, Expr};

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
