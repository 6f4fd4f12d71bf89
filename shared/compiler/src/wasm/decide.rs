//! Cases, decisions and results (ABI.md §5). It must never write a result whose values were not
//! all evaluated.

use facts::CodeSet;

use super::code::{Label, Size};
use super::emit::{Compiled, Emitter, not_supported};
use super::module::{HEAD_BYTES, RESULT, VALUE_BYTES};
use super::wide::Wide;
use crate::typed::{Decision, Expr, Kind, Type};
use rules::Outcome;

/// Kinds of values.
const INTEGER: u32 = 1;
const DECIMAL: u32 = 2;
const TIMESTAMP: u32 = 3;
const TEXT: u32 = 4;
const PACKED: u32 = 5;
const ENTRY: u32 = 6;
const DURATION: u32 = 7;
/// Longest text value, in bytes.
const TEXT_VALUE_BYTES_MAX: u64 = 256;

impl<'p> Emitter<'p> {
    /// Writes the entry.
    pub(super) fn entry(&mut self) -> Compiled<()> {
        let program = self.program();
        let failed = self.block();
        self.handler = failed;
        for (number, case) in program.cases.iter().enumerate() {
            self.scoped(|emitter| {
                let not = emitter.block();
                emitter.branch(&case.when, not, false)?;
                emitter.code(&format!("i32 {number} i32 1 host branch"));
                emitter.decision(&case.decision)?;
                emitter.code(&format!("end i32 {number} i32 0 host branch"));
                Ok(())
            })?;
        }
        self.decision(&program.otherwise)?;
        self.end();
        self.missing();
        Ok(())
    }

    /// The end of a rule whose condition has no value: a missing fact's name, or the host's trap.
    fn missing(&mut self) {
        let fault = self.fault;
        let reason = self.program().missing_reason;
        let text = RESULT + HEAD_BYTES;
        match self.raises {
            (true, true) => {
                self.code(&format!("get {fault} i32 0xffff i32.le_u if"));
                self.code(&format!("get {fault} host trap unreachable end"));
            }
            (true, false) => {}
            (false, true) => return self.code(&format!("get {fault} host trap unreachable")),
            (false, false) => return self.code("unreachable"),
        }
        self.head(Outcome::MissingData, 1, reason);
        self.code(&format!("i32 0 i32 {TEXT} i32.store8 {text}"));
        self.code(&format!("i32 0 get {fault} i32 0xffff i32.and i32.store {}", text + 8));
        self.code(&format!("i32 0 get {fault} i32 16 i32.shr_u i32.store {}", text + 12));
        self.code(&format!("i64 {}", packed_result(1)));
    }

    fn head(&mut self, outcome: Outcome, values: usize, reason: u16) {
        let head = u32::from(outcome.code()) | (values as u32) << 8 | u32::from(reason) << 16;
        self.code(&format!("i32 0 i32 {} i32.store {RESULT}", head as i32));
    }

    fn decision(&mut self, decision: &'p Decision) -> Compiled<()> {
        for (place, value) in (0..).zip(&decision.values) {
            let at = RESULT + HEAD_BYTES + VALUE_BYTES * place;
            let faults = self.analysis.can_fault(value) || matches!(value.ty, Type::Uint);
            if !faults {
                self.result_value(value, at)?;
                continue;
            }
            let outer = self.handler;
            let (done, failed) = (self.block(), self.block());
            self.handled(failed, |emitter| {
                emitter.scoped(|emitter| emitter.result_value(value, at))
            })?;
            self.code(&format!("br {done} end"));
            self.absent_value(at, outer);
            self.end();
        }
        self.head(decision.outcome, decision.values.len(), decision.reason);
        self.code(&format!("i64 {} return", packed_result(decision.values.len())));
        Ok(())
    }

    fn absent_value(&mut self, at: u32, outer: Label) {
        let fault = self.fault;
        if self.raises.1 {
            self.code(&format!("get {fault} i32 0xffff i32.le_u br_if {outer}"));
        }
        self.kind(TEXT, at);
        let text = b"absent";
        let address = self.builder.constant(text);
        let both = i64::from(address) | (text.len() as i64) << 32;
        self.code(&format!("i32 0 i64 {both} i64.store {}", at + 8));
    }

    fn kind(&mut self, kind: u32, at: u32) {
        self.code(&format!("i32 0 i32 {kind} i32.store8 {at}"));
    }

    /// Evaluates a value and then writes it: a fault leaves the place as it was.
    fn result_value(&mut self, value: &'p Expr, at: u32) -> Compiled<()> {
        match &value.ty {
            Type::Int => self.integer(INTEGER, value, at),
            Type::Uint => self.integer(INTEGER, value, at),
            Type::Time => self.integer(TIMESTAMP, value, at),
            Type::Duration => self.integer(DURATION, value, at),
            Type::Decimal(scale) => self.decimal(value, u32::from(*scale) << 8, 0, at),
            Type::Money(currency, scale) => {
                self.decimal(value, u32::from(*scale) << 8, currency.packed(), at)
            }
            Type::AnyMoney => self.amount(value, at),
            Type::Country | Type::CurrencyCode => {
                self.expr(value)?;
                let locals = self.keep(&value.ty);
                self.kind(PACKED, at);
                self.code(&format!("i32 0 get {} i32.store {}", locals[0], at + 8));
                self.function.free(&locals);
                Ok(())
            }
            Type::Bool => {
                self.expr(value)?;
                self.flag_text();
                self.text_value(at, 0);
                Ok(())
            }
            Type::Code(set) => {
                self.expr(value)?;
                self.code_text(*set);
                self.text_value(at, 0);
                Ok(())
            }
            Type::Counterparty => {
                self.expr(value)?;
                let row = self.keep(&value.ty)[0];
                let place = facts::ROW_COUNTERPARTY;
                self.code(&format!("get {row} i32.load {place} i32 @0 i32.add"));
                self.code(&format!("get {row} i32.load {}", place + 4));
                self.text_value(at, 0);
                self.function.free(&[row]);
                Ok(())
            }
            Type::Text => match &value.kind {
                Kind::HitEntry(hit) => self.entry_value(hit, at),
                _ => {
                    self.expr(value)?;
                    self.text_value(at, self.analysis.bytes(value));
                    Ok(())
                }
            },
            _ => Err(not_supported(value.span, "a value that a reason can show", "another")),
        }
    }

    /// A number of 64 bits; the upper half follows its sign.
    fn integer(&mut self, kind: u32, value: &'p Expr, at: u32) -> Compiled<()> {
        let (low, _) = self.analysis.range(value);
        self.expr(value)?;
        if value.ty == Type::Uint {
            self.hold_positive();
        }
        let number = self.keep(&value.ty)[0];
        self.kind(kind, at);
        self.code(&format!("i32 0 get {number} i64.store {}", at + 8));
        if low < 0 {
            self.code(&format!("i32 0 get {number} i64 63 i64.shr_s i64.store {}", at + 16));
        }
        self.function.free(&[number]);
        Ok(())
    }

    fn decimal(&mut self, value: &'p Expr, scale: u32, currency: u32, at: u32) -> Compiled<()> {
        let wide = self.wide(value)?;
        let head = i64::from(DECIMAL | scale) | i64::from(currency) << 32;
        self.code(&format!("i32 0 i64 {head} i64.store {at} i32 0"));
        self.low(wide);
        self.code(&format!("i64.store {}", at + 8));
        if !matches!(wide, Wide::Constant(0..=0xffff_ffff_ffff_ffff)) {
            self.code("i32 0");
            self.high(wide);
            self.code(&format!("i64.store {}", at + 16));
        }
        Ok(())
    }

    /// An amount of the record, with its own currency and scale.
    fn amount(&mut self, value: &'p Expr, at: u32) -> Compiled<()> {
        self.expr(value)?;
        let from = self.keep(&value.ty)[0];
        self.kind(DECIMAL, at);
        self.code(&format!("i32 0 get {from} i32.load8_u 20 i32.store8 {}", at + 1));
        self.code(&format!("i32 0 get {from} i32.load 16 i32.store {}", at + 4));
        self.code(&format!("i32 0 get {from} i64.load 0 i64.store {}", at + 8));
        self.code(&format!("i32 0 get {from} i64.load 8 i64.store {}", at + 16));
        self.function.free(&[from]);
        Ok(())
    }

    /// The text on the stack, cut when it may be too long.
    fn text_value(&mut self, at: u32, most: u64) {
        let locals = self.keep(&Type::Text);
        let [address, length] = locals.as_slice() else { return };
        if most > TEXT_VALUE_BYTES_MAX {
            self.code(&format!("get {address} get {length}"));
            self.call("cut", Size::Fixed(4));
            self.code(&format!("set {length}"));
        }
        self.kind(TEXT, at);
        self.code(&format!("i32 0 get {address} i32.store {}", at + 8));
        self.code(&format!("i32 0 get {length} i32.store {}", at + 12));
        self.function.free(&locals);
    }

    /// The name of the code on the stack: the table has address and length of each.
    fn code_text(&mut self, set: CodeSet) {
        let most = set.names().iter().map(|(number, _)| *number).max().unwrap_or(0);
        let mut table = Vec::new();
        for number in 0..=most {
            let name = set.names().iter().find(|(known, _)| *known == number);
            let name = name.map_or("", |(_, name)| name);
            let address = self.builder.constant(name.as_bytes()) as u16;
            table.extend(address.to_le_bytes());
            table.extend((name.len() as u16).to_le_bytes());
        }
        let table = self.builder.constant(&table);
        let row = self.local(wasm_encoder::ValType::I32);
        self.code(&format!("i32 2 i32.shl i32 {table} i32.add tee {row} i32.load16_u 0"));
        self.code(&format!("get {row} i32.load16_u 2"));
        self.function.free(&[row]);
    }

    fn entry_value(&mut self, hit: &'p Expr, at: u32) -> Compiled<()> {
        let Type::Hit(list) = hit.ty else {
            return Err(not_supported(hit.span, "a hit", "another value"));
        };
        self.expr(hit)?;
        let found = self.keep(&hit.ty)[0];
        self.kind(ENTRY, at);
        self.code(&format!("i32 0 i32 {list} i32.store {}", at + 8));
        self.code(&format!("i32 0 get {found} wrap i32.store {}", at + 12));
        self.function.free(&[found]);
        Ok(())
    }
}

/// What the entry returns: the result's length above, its address below.
fn packed_result(values: usize) -> u64 {
    let length = u64::from(HEAD_BYTES) + u64::from(VALUE_BYTES) * values as u64;
    length << 32 | u64::from(RESULT)
}
