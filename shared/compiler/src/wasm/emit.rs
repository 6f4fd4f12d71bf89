//! The emitter's own state: the function that is being written, where a fault goes, what variables
//! stand for. It must never leave a fault without a handler.

use std::collections::BTreeMap;

use wasm_encoder::ValType;

use super::age::Age;
use super::analysis::{Analysis, Known};
use super::assemble::assemble;
use super::code::{Function, Label, Local, Names, Op, Size, Target};
use super::library::helper;
use super::module::Builder;
use super::walk::{is_list, uses};
use crate::typed::{Expr, Fault, Kind, Program, Span, Type, missing_name};
use crate::{CompileError, ErrorKind};

/// Most bytes of buffers for computed texts and arrays.
const BUFFER_BYTES_MAX: u64 = 262_144;
/// Most bytes of one computed text.
const TEXT_BYTES_MAX: u64 = 16_384;

pub(super) type Compiled<T> = Result<T, CompileError>;

/// Bytes for the state of a let and for each slot of its value.
const KEPT_BYTES: u64 = 8;

/// What a loop variable stands for.
#[derive(Debug, Clone)]
pub(super) enum Element<'p> {
    /// The row at the address in a local.
    Row(Local),
    /// A value in locals, one for each of its slots.
    Locals(Vec<Local>),
    /// An expression that cannot fault and costs little: it is written out at each use.
    Again(&'p Expr),
}

/// How the uses of a let are compiled.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Plan {
    /// Written out where it is used.
    Inline,
    /// A function that keeps its value, once it has a place.
    Once(Option<usize>),
}

/// Writes a program's code.
#[derive(Debug)]
pub(super) struct Emitter<'p> {
    pub(super) analysis: Analysis<'p>,
    pub(super) builder: Builder,
    pub(super) function: Function,
    /// Where a fault goes; its number is in `fault`.
    pub(super) handler: Label,
    pub(super) fault: Local,
    pub(super) bindings: BTreeMap<usize, Element<'p>>,
    /// Values that were computed before a loop.
    pub(super) hoisted: Vec<(&'p Expr, Vec<Local>)>,
    /// Comparisons of a row's age, with what the row's time is held against.
    pub(super) ages: Vec<Age<'p>>,
    /// Loops around the code that is written now.
    pub(super) loops: u32,
    /// The loop in the source, for the report.
    pub(super) span: Span,
    /// Whether a fault of something missing, and another fault, can be raised.
    pub(super) raises: (bool, bool),
    plans: Vec<Plan>,
}

impl<'p> Emitter<'p> {
    pub(super) fn new(program: &'p Program) -> Self {
        let analysis = Analysis::new(program);
        let plans = program.lets.iter().zip(uses(program)).map(|(known, (count, in_loop))| {
            let value = &known.value;
            let is_free = !analysis.can_fault(value) && !analysis.traces(value);
            let is_single = count <= 1 && (!in_loop || is_free);
            let is_inline = is_list(value) || is_single || is_constant(value);
            if is_inline { Plan::Inline } else { Plan::Once(None) }
        });
        let plans = plans.collect();
        let cases = program.cases.iter().map(|case| &case.decision);
        let values = cases.chain([&program.otherwise]).map(|decision| decision.values.len());
        // One value at least: the name of what is missing.
        let mut builder = Builder::new(values.max().unwrap_or(0).max(1));
        builder.functions.push(Function::default());
        let mut function = Function::new(&[ValType::I32, ValType::I32], &[ValType::I64]);
        let fault = function.local(ValType::I32);
        Self {
            analysis,
            builder,
            function,
            handler: 0,
            fault,
            bindings: BTreeMap::new(),
            hoisted: Vec::new(),
            ages: Vec::new(),
            loops: 0,
            span: Span::default(),
            raises: (false, false),
            plans,
        }
    }

    pub(super) fn program(&self) -> &'p Program {
        self.analysis.program
    }

    /// Adds instructions; locals and labels are numbers.
    pub(super) fn code(&mut self, text: &str) {
        assemble(&mut self.function, text, &mut Names::new());
    }

    /// Calls a helper that has to do with so much.
    pub(super) fn call(&mut self, name: &str, size: Size) {
        let known = helper(name).expect("a helper of the library");
        self.function.push(Op::Call(Target::Helper(known.name), size));
    }

    pub(super) fn label(&mut self) -> Label {
        self.function.label()
    }

    pub(super) fn local(&mut self, ty: ValType) -> Local {
        self.function.local(ty)
    }

    pub(super) fn block(&mut self) -> Label {
        let label = self.label();
        self.code(&format!("block {label}"));
        label
    }

    pub(super) fn end(&mut self) {
        self.code("end");
    }

    /// Takes a value from the stack into new locals.
    pub(super) fn keep(&mut self, ty: &Type) -> Vec<Local> {
        let locals: Vec<Local> = slots(ty).iter().map(|slot| self.local(*slot)).collect();
        for local in locals.iter().rev() {
            self.code(&format!("set {local}"));
        }
        locals
    }

    pub(super) fn push(&mut self, locals: &[Local]) {
        for local in locals {
            self.code(&format!("get {local}"));
        }
    }

    /// Raises a fault when the top of the stack is not zero.
    pub(super) fn raise_if(&mut self, fault: Fault) {
        let number = self.number(fault);
        let (local, handler) = (self.fault, self.handler);
        self.code(&format!("if i32 {number} set {local} br {handler} end"));
    }

    /// Raises the fault that a helper left on top of the stack, unless that is zero.
    pub(super) fn raise(&mut self) {
        self.raises.1 = true;
        self.raise_again();
    }

    /// Raises the fault whose number is on top of the stack, unless that is zero; it was raised
    /// before.
    pub(super) fn raise_again(&mut self) {
        let (local, handler) = (self.fault, self.handler);
        self.code(&format!("tee {local} br_if {handler}"));
    }

    /// A fault's number inside the module: for something missing, where its name stands and, in
    /// the upper half, its length; so it is above 0xffff. For the others the number for the host.
    fn number(&mut self, fault: Fault) -> i32 {
        if !fault.is_missing() {
            self.raises.1 = true;
            return fault.code();
        }
        self.raises.0 = true;
        let name = missing_name(fault, self.program());
        (self.builder.constant(name.as_bytes()) | (name.len() as u32) << 16) as i32
    }

    /// A buffer for bytes that are computed, as a place before the record.
    pub(super) fn buffer(&mut self, bytes: u64, span: Span) -> Compiled<i32> {
        if bytes > TEXT_BYTES_MAX {
            let found = format!("one of up to {bytes}");
            let expected = format!("a text of at most {TEXT_BYTES_MAX} bytes");
            return Err(too_large(span, expected, found, "join fewer texts"));
        }
        self.array(bytes, span)
    }

    /// A buffer that is no text.
    pub(super) fn array(&mut self, bytes: u64, span: Span) -> Compiled<i32> {
        let all = bytes.saturating_add(self.builder.buffer_bytes().into());
        if all > BUFFER_BYTES_MAX {
            let expected = format!("at most {BUFFER_BYTES_MAX} bytes of working memory");
            let found = format!("{all} bytes");
            return Err(too_large(span, expected, found, "count distinct values in fewer places"));
        }
        Ok(self.builder.buffer(bytes as u32))
    }

    /// Binds a loop's variable. What is known of a row holds for each variable that is this row.
    pub(super) fn bind(&mut self, variable: usize, element: Element<'p>) {
        if let Element::Row(row) = element {
            let same = |known: &Known| match known {
                Known::Column(column, other) => match self.bindings.get(other) {
                    Some(Element::Row(of)) if *of == row => Some(Known::Column(*column, variable)),
                    _ => None,
                },
                Known::Fact(_) => None,
            };
            let known: Vec<Known> = self.analysis.known.iter().filter_map(same).collect();
            self.analysis.known.extend(known);
        }
        self.bindings.insert(variable, element);
    }

    /// Runs `write` with another handler; faults inside of it go there.
    pub(super) fn handled<T>(
        &mut self,
        handler: Label,
        write: impl FnOnce(&mut Self) -> Compiled<T>,
    ) -> Compiled<T> {
        let outer = std::mem::replace(&mut self.handler, handler);
        let result = write(self);
        self.handler = outer;
        result
    }

    /// Runs `write`; what it establishes does not hold afterwards.
    pub(super) fn scoped<T>(
        &mut self,
        write: impl FnOnce(&mut Self) -> Compiled<T>,
    ) -> Compiled<T> {
        let known = self.analysis.known.len();
        let result = write(self);
        self.analysis.known.truncate(known);
        result
    }

    /// The expression that a use of a let or of a variable stands for, when it is written out.
    pub(super) fn resolve(&self, expr: &'p Expr) -> &'p Expr {
        match expr.kind {
            Kind::Let(at) if self.plans.get(at) == Some(&Plan::Inline) => {
                self.program().lets.get(at).map_or(expr, |known| self.resolve(&known.value))
            }
            Kind::Variable(at) => match self.bindings.get(&at) {
                Some(Element::Again(value)) => self.resolve(value),
                _ => expr,
            },
            _ => expr,
        }
    }

    /// The locals of a value that was computed before the loop.
    pub(super) fn is_hoisted(&self, expr: &Expr) -> Option<Vec<Local>> {
        let known = self.hoisted.iter().rev().find(|(known, _)| std::ptr::eq(*known, expr));
        known.map(|(_, locals)| locals.clone())
    }

    /// Pushes the value of a let that has a function.
    pub(super) fn use_let(&mut self, at: usize) -> Compiled<()> {
        let program = self.program();
        let Some(known) = program.lets.get(at) else {
            return Err(not_supported(Span::default(), "a let of the program", "another"));
        };
        let place = match self.plans[at] {
            Plan::Once(Some(place)) => place,
            _ => self.write_let(at, &known.value)?,
        };
        self.function.push(Op::Call(Target::Function(place), Size::Inherit));
        if self.analysis.can_fault(&known.value) {
            self.raise_again();
        }
        Ok(())
    }

    /// The function of a let. Its state is 0 before the first use, 1 with a value, and a fault's
    /// number and one after a fault.
    fn write_let(&mut self, at: usize, value: &'p Expr) -> Compiled<usize> {
        let place = self.builder.functions.len();
        self.builder.functions.push(Function::default());
        self.plans[at] = Plan::Once(Some(place));
        let faults = self.analysis.can_fault(value);
        let mut results = slots(&value.ty).to_vec();
        // In memory: it is all that the host puts back, so that an instance can serve again.
        let state = self.array(KEPT_BYTES * (1 + results.len() as u64), Span::default())?;
        results.extend(faults.then_some(ValType::I32));
        let outer = self.enter(Function::new(&[], &results));
        self.code(&format!("i32 0 i32.load @{state} i32.eqz once"));
        let (done, failed) = (self.block(), self.block());
        self.handled(failed, |emitter| emitter.expr(value))?;
        let first = state + KEPT_BYTES as i32;
        self.store_at(first, &value.ty);
        let fault = self.fault;
        self.code(&format!("i32 0 i32 1 i32.store @{state} br {done} end"));
        self.code(&format!("i32 0 get {fault} i32 1 i32.add i32.store @{state} end end"));
        self.load_from(None, first, &value.ty);
        if faults {
            self.code(&format!("i32 0 i32.load @{state} i32 1 i32.sub"));
        }
        self.builder.functions[place] = self.leave(outer);
        Ok(place)
    }

    /// Begins another function.
    fn enter(&mut self, function: Function) -> Outer<'p> {
        let outer = Outer {
            function: std::mem::replace(&mut self.function, function),
            bindings: std::mem::take(&mut self.bindings),
            hoisted: std::mem::take(&mut self.hoisted),
            ages: std::mem::take(&mut self.ages),
            known: std::mem::take(&mut self.analysis.known),
            state: (self.fault, self.handler, self.loops),
        };
        self.fault = self.local(ValType::I32);
        self.loops = 0;
        outer
    }

    fn leave(&mut self, outer: Outer<'p>) -> Function {
        self.bindings = outer.bindings;
        self.hoisted = outer.hoisted;
        self.ages = outer.ages;
        self.analysis.known = outer.known;
        (self.fault, self.handler, self.loops) = outer.state;
        std::mem::replace(&mut self.function, outer.function)
    }
}

/// What is set aside while another function is written.
struct Outer<'p> {
    function: Function,
    bindings: BTreeMap<usize, Element<'p>>,
    hoisted: Vec<(&'p Expr, Vec<Local>)>,
    ages: Vec<Age<'p>>,
    known: Vec<Known>,
    state: (Local, Label, u32),
}

/// How a value of a type stands on the stack: a text as address and length, a decimal as low and
/// high half, a row, an amount or a counterparty as an address.
pub(super) fn slots(ty: &Type) -> &'static [ValType] {
    use ValType::{I32, I64};
    match ty {
        Type::Int | Type::Uint | Type::Time | Type::Duration | Type::Hit(_) => &[I64],
        Type::Text | Type::Bytes => &[I32, I32],
        Type::Decimal(_) | Type::Money(..) => &[I64, I64],
        _ => &[I32],
    }
}

pub(super) fn is_constant(expr: &Expr) -> bool {
    matches!(
        expr.kind,
        Kind::Bool(_)
            | Kind::Int(_)
            | Kind::Uint(_)
            | Kind::Text(_)
            | Kind::Bytes(_)
            | Kind::Decimal(_)
    )
}

pub(super) fn not_supported(span: Span, expected: &str, found: &str) -> CompileError {
    let (expected, found) = (expected.to_owned(), found.to_owned());
    let hint = "write it in another way".to_owned();
    CompileError { file: String::new(), span, kind: ErrorKind::NotSupported, expected, found, hint }
}

pub(super) fn too_large(span: Span, expected: String, found: String, hint: &str) -> CompileError {
    let hint = hint.to_owned();
    CompileError { file: String::new(), span, kind: ErrorKind::TooLarge, expected, found, hint }
}
