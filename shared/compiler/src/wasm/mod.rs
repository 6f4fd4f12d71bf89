//! The back end: a typed program to a small integer-only Wasm module for the rule ABI
//! (shared/vm/ABI.md), with an upper bound of its fuel. The same program gives the same bytes on
//! every machine. It must never emit what the VM refuses, nor a loop without a bound.

mod age;
mod analysis;
mod assemble;
mod call;
mod code;
mod condition;
mod cost;
mod decide;
mod distinct;
mod emit;
mod gather;
mod library;
mod member;
mod module;
mod number;
mod range;
mod rates;
mod share;
mod stream;
mod value;
mod walk;
mod wide;

use cost::Meter;
use emit::{Emitter, too_large};

use crate::CompileError;
use crate::typed::{Program, Span};

/// History rows for which the report gives fuel.
pub const REPORT_ROWS: [u64; 3] = [0, 50, facts::HISTORY_ROWS_MAX as u64];

/// Constants end before this address, so that one fits in 16 bits.
const DATA_END_MAX: u32 = 0xffff;

/// A compiled rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Module {
    /// The module's bytes.
    pub wasm: Vec<u8>,
    /// Upper bound of the fuel of one evaluation, with the largest history and the longest texts.
    pub cost: u64,
    /// Where the fuel goes: the whole rule first, then its loops in the order of the code.
    pub report: Vec<CostLine>,
}

/// Fuel of one part of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CostLine {
    /// The loop; line 0 for the whole rule.
    pub span: Span,
    /// Upper bounds for 0, 50 and 10,000 history rows.
    pub fuel: [u64; 3],
}

/// Compiles a program. A rule whose fuel may exceed what the VM allows is refused.
pub fn compile(program: &Program) -> Result<Module, CompileError> {
    let program = &share::share(program);
    let mut emitter = Emitter::new(program);
    emitter.entry()?;
    let Emitter { mut builder, function, .. } = emitter;
    builder.functions[0] = function;
    builder.link();
    let report = report(&builder);
    let cost = report.first().map_or(0, |whole| whole.fuel[2]);
    hold_fuel(cost, &report)?;
    let wasm = builder.finish();
    if wasm.len() > rules::MODULE_BYTES_MAX || builder.data_end() > DATA_END_MAX {
        let expected = format!("a module of at most {} bytes", rules::MODULE_BYTES_MAX);
        let found = format!("{} bytes", wasm.len());
        return Err(too_large(Span::default(), expected, found, "split the rule into two"));
    }
    Ok(Module { wasm, cost, report })
}

/// Refuses a rule whose fuel may exceed what the VM allows, and says which loop is the worst.
fn hold_fuel(cost: u64, report: &[CostLine]) -> Result<(), CompileError> {
    if cost <= rules::FUEL_MAX {
        return Ok(());
    }
    let worst = report.iter().skip(1).max_by_key(|line| line.fuel[2]);
    let (span, fuel) = worst.map_or((Span::default(), 0), |line| (line.span, line.fuel[2]));
    let found = format!("up to {cost}, of which this loop may burn {fuel}");
    let expected = format!("a rule of at most {} fuel with 10,000 history rows", rules::FUEL_MAX);
    let hint = "leave comparisons and functions of texts out of loops, and put what two loops \
        share into one `let` of a number";
    Err(too_large(span, expected, found, hint))
}

/// Fuel of the whole and of each loop, for each number of rows.
fn report(builder: &module::Builder) -> Vec<CostLine> {
    let place = |name: &str| builder.helper_place(name);
    let mut lines: Vec<CostLine> = Vec::new();
    for (at, rows) in REPORT_ROWS.into_iter().enumerate() {
        let mut meter = Meter::new(&builder.functions, &place, rows);
        let total = meter.total();
        let parts = std::iter::once((Span::default(), total)).chain(meter.loops);
        for (number, (span, fuel)) in parts.enumerate() {
            if lines.len() <= number {
                lines.push(CostLine { span, fuel: [0; 3] });
            }
            lines[number].fuel[at] = fuel;
        }
    }
    lines
}
