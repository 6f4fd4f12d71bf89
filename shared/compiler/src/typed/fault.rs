//! Why an expression has no value, and what a rule that ends so is told to lack.

use super::{Column, Program};

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
