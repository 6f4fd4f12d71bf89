//! The instructions of one function before they are bytes: labels instead of depths, places in the
//! record instead of addresses, loops that know how often they run. It must never hold an
//! instruction that the ABI forbids.

use std::collections::BTreeMap;

use wasm_encoder::{BlockType, Function as Body, Instruction, MemArg, MemArgTarget, ValType};

use crate::typed::Span;

/// A local of the function, or a parameter; parameters come first.
pub(super) type Local = u32;
/// A block or loop of the function.
pub(super) type Label = u32;

/// How often a loop's head runs, at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trips {
    /// A fixed number.
    Times(u64),
    /// The history rows.
    Rows,
    /// The size that the caller named, and one.
    Size,
    /// A sixteenth of that size, and one.
    Words,
    /// An eighth of that size, and one.
    Eights,
    /// The binary logarithm of that size, and one.
    Log,
}

/// How much a helper has to do: bytes of a text or elements of an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    /// At most so many.
    Fixed(u64),
    /// As many as there are history rows.
    Rows,
    /// As many as the caller's own size.
    Inherit,
}

/// Host calls, in the order of their imports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Host {
    Branch,
    ListContains,
    Trap,
    Screen,
    ScreenId,
}

/// What is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// A function of the module by its place.
    Function(usize),
    /// A function of the library by its name.
    Helper(&'static str),
    Host(Host),
}

/// How often the part after an `if` runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arm {
    Usual,
    /// Once in an evaluation, however often its function is called.
    Once,
    /// In one call of its function, as often as the size that the caller named, and 64 times.
    Rare,
}

/// A load or store.
pub(super) type Access = fn(MemArg) -> Instruction<'static>;

/// One instruction.
#[derive(Debug, Clone)]
pub(super) enum Op {
    Plain(Instruction<'static>),
    Get(Local),
    Set(Local),
    Tee(Local),
    /// The address of a place in the record; a negative one is a buffer before it.
    Record(u32),
    /// The offset counts from the record's start, as above, when the flag is set.
    Memory(Access, u32, bool),
    Call(Target, Size),
    Block(Label, Option<ValType>),
    /// The span is that of a loop in the source.
    Loop(Label, Trips, Option<Span>),
    If(Arm, Option<ValType>),
    Else,
    End,
    Br(Label),
    BrIf(Label),
    Table(Vec<Label>, Label),
    /// `memory.copy` (true) or `memory.fill` of at most so many bytes.
    Bulk(bool, Trips),
}

/// A function of the module.
#[derive(Debug, Clone, Default)]
pub(super) struct Function {
    pub(super) params: Vec<ValType>,
    pub(super) results: Vec<ValType>,
    locals: Vec<ValType>,
    free: Vec<Local>,
    labels: Label,
    pub(super) ops: Vec<Op>,
}

impl Function {
    pub(super) fn new(params: &[ValType], results: &[ValType]) -> Self {
        Self { params: params.into(), results: results.into(), ..Self::default() }
    }

    /// A local whose content is unknown.
    pub(super) fn local(&mut self, ty: ValType) -> Local {
        let first = self.params.len();
        let is_fit = |at: &Local| self.locals[*at as usize - first] == ty;
        match self.free.iter().position(is_fit) {
            Some(at) => self.free.remove(at),
            None => {
                self.locals.push(ty);
                (first + self.locals.len() - 1) as Local
            }
        }
    }

    /// Gives locals back that nothing reads any more.
    pub(super) fn free(&mut self, locals: &[Local]) {
        self.free.extend_from_slice(locals);
    }

    pub(super) fn label(&mut self) -> Label {
        self.labels += 1;
        self.labels
    }

    pub(super) fn push(&mut self, op: Op) {
        match (self.ops.last(), &op) {
            (Some(Op::Set(set)), Op::Get(get)) if set == get => {
                let local = *get;
                self.ops.pop();
                self.ops.push(Op::Tee(local));
            }
            (Some(Op::Plain(Instruction::I32Eqz)), Op::Plain(Instruction::I32Eqz))
                if self.is_after_comparison() =>
            {
                self.ops.pop();
            }
            _ => self.ops.push(op),
        }
    }

    /// Whether what stands before the last instruction gives 0 or 1, so that two `eqz` cancel.
    fn is_after_comparison(&self) -> bool {
        use Instruction as I;
        let before = self.ops.len().checked_sub(2).and_then(|at| self.ops.get(at));
        matches!(
            before,
            Some(Op::Plain(
                I::I32Eq | I::I32Ne | I::I64Eq | I::I64Ne | I::I64LtS | I::I64LtU | I::I32Eqz
            ))
        )
    }

    /// The body's bytes; `call` gives the final number of what is called.
    pub(super) fn body(&self, base: u32, call: &dyn Fn(Target) -> u32) -> Body {
        let (names, groups) = self.order();
        let mut body = Body::new(groups);
        let mut open: Vec<Label> = Vec::new();
        let depth = |open: &[Label], label: Label| {
            let at = open.iter().rposition(|open| *open == label);
            (open.len() - 1 - at.expect("a branch stands inside its block")) as u32
        };
        for op in &self.ops {
            let at = |local: &Local| names[*local as usize];
            let ty = |result: &Option<ValType>| result.map_or(BlockType::Empty, BlockType::Result);
            let instruction = match op {
                Op::Plain(instruction) => instruction.clone(),
                Op::Get(local) => Instruction::LocalGet(at(local)),
                Op::Set(local) => Instruction::LocalSet(at(local)),
                Op::Tee(local) => Instruction::LocalTee(at(local)),
                Op::Record(offset) => Instruction::I32Const(base.wrapping_add(*offset) as i32),
                Op::Memory(access, offset, is_record) => {
                    let offset =
                        u64::from(if *is_record { base.wrapping_add(*offset) } else { *offset });
                    access(MemArg {
                        offset,
                        align: 0,
                        target: MemArgTarget::Memory(0),
                        ordering: None,
                    })
                }
                Op::Call(target, _) => Instruction::Call(call(*target)),
                Op::Block(label, result) => {
                    open.push(*label);
                    Instruction::Block(ty(result))
                }
                Op::Loop(label, ..) => {
                    open.push(*label);
                    Instruction::Loop(BlockType::Empty)
                }
                Op::If(_, result) => {
                    open.push(0);
                    Instruction::If(ty(result))
                }
                Op::Else => Instruction::Else,
                Op::End => {
                    open.pop();
                    Instruction::End
                }
                Op::Br(label) => Instruction::Br(depth(&open, *label)),
                Op::BrIf(label) => Instruction::BrIf(depth(&open, *label)),
                Op::Table(labels, other) => {
                    let all: Vec<u32> = labels.iter().map(|label| depth(&open, *label)).collect();
                    Instruction::BrTable(all.into(), depth(&open, *other))
                }
                Op::Bulk(true, _) => Instruction::MemoryCopy { src_mem: 0, dst_mem: 0 },
                Op::Bulk(false, _) => Instruction::MemoryFill(0),
            };
            body.instruction(&instruction);
        }
        body.instruction(&Instruction::End);
        body
    }

    /// Final numbers of the locals, those of one type side by side, and the groups.
    fn order(&self) -> (Vec<u32>, Vec<(u32, ValType)>) {
        let first = self.params.len() as u32;
        let mut names: Vec<u32> = (0..first + self.locals.len() as u32).collect();
        let (mut groups, mut next) = (Vec::new(), first);
        for ty in [ValType::I32, ValType::I64] {
            let of_type = self.locals.iter().enumerate().filter(|(_, local)| **local == ty);
            let count = of_type
                .map(|(at, _)| {
                    names[first as usize + at] = next;
                    next += 1;
                })
                .count();
            if count > 0 {
                groups.push((count as u32, ty));
            }
        }
        (names, groups)
    }
}

/// Names that stand for numbers in one piece of text.
pub(super) type Names<'a> = BTreeMap<&'a str, u32>;
