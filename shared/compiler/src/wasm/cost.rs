//! An upper bound of the fuel that wasmi 2.0.0 charges, from the instructions: 1 each but for those
//! that only shape control flow, 1 more for each function, loop round and arm of an `if`, and 1 for
//! each 64 bytes of a bulk copy. It must never be below what the engine charges.

use std::collections::BTreeMap;

use wasm_encoder::Instruction;

use super::code::{Arm, Function, Host, Op, Size, Target, Trips};
use crate::typed::Span;

/// Fuel of a screening beside its call (ABI.md §2).
const SCREEN_FUEL: u64 = 100_000;
/// Bytes that a bulk copy moves for one fuel.
const BYTES_PER_FUEL: u64 = 64;
/// How often a rare part runs besides.
const RARE: u64 = 64;

/// Counts over all functions of a module.
pub(super) struct Meter<'a> {
    pub(super) functions: &'a [Function],
    /// The place of a helper among the functions.
    pub(super) helper: &'a dyn Fn(&str) -> usize,
    rows: u64,
    once: u64,
    /// Fuel of each function by what it has to do with: a further call does not walk it again.
    functions_fuel: BTreeMap<(usize, u64), u64>,
    /// Whether the function was walked before.
    seen: Vec<bool>,
    /// Loops of the source with their fuel, in the order of the code.
    pub(super) loops: Vec<(Span, u64)>,
}

/// A part of a function that is charged at once.
#[derive(Default)]
struct Region {
    fuel: u64,
    other: u64,
    kind: Kind,
}

#[derive(Default, Clone, Copy, PartialEq)]
enum Kind {
    #[default]
    Block,
    Loop(u64, Option<Span>),
    If(Arm),
}

impl<'a> Meter<'a> {
    pub(super) fn new(
        functions: &'a [Function],
        helper: &'a dyn Fn(&str) -> usize,
        rows: u64,
    ) -> Self {
        let seen = vec![false; functions.len()];
        let functions_fuel = BTreeMap::new();
        Self { functions, helper, rows, once: 0, functions_fuel, seen, loops: Vec::new() }
    }

    /// Fuel of the entry, which is the first function.
    pub(super) fn total(&mut self) -> u64 {
        let entry = self.function(0, 0);
        entry.saturating_add(self.once)
    }

    fn function(&mut self, place: usize, size: u64) -> u64 {
        if let Some(fuel) = self.functions_fuel.get(&(place, size)) {
            return *fuel;
        }
        let is_new = !std::mem::replace(&mut self.seen[place], true);
        let mut open = vec![Region { fuel: 1, ..Region::default() }];
        for op in &self.functions[place].ops {
            let fuel = self.instruction(op, size);
            let top = open.last_mut().expect("the body because it ends last");
            top.fuel = top.fuel.saturating_add(fuel);
            match op {
                Op::Block(..) => open.push(Region::default()),
                Op::Loop(_, trips, span) => {
                    let trips = self.trips(*trips, size);
                    open.push(Region { fuel: 1, other: 0, kind: Kind::Loop(trips, *span) });
                }
                Op::If(arm, _) => {
                    open.push(Region { fuel: 1, other: 0, kind: Kind::If(*arm) });
                }
                Op::Else => {
                    top.other = top.fuel;
                    top.fuel = 1;
                }
                Op::End => self.close(&mut open, is_new, size),
                _ => {}
            }
        }
        let fuel = open.pop().map_or(0, |body| body.fuel);
        self.functions_fuel.insert((place, size), fuel);
        fuel
    }

    fn close(&mut self, open: &mut Vec<Region>, is_new: bool, size: u64) {
        let Some(region) = open.pop() else { return };
        let fuel = match region.kind {
            Kind::Block => region.fuel,
            Kind::If(Arm::Usual) => region.fuel.max(region.other),
            Kind::If(Arm::Rare) => {
                let fuel = region.fuel.saturating_mul(size.saturating_add(RARE));
                if let Some(body) = open.first_mut() {
                    body.fuel = body.fuel.saturating_add(fuel);
                }
                0
            }
            Kind::Loop(trips, span) => {
                let fuel = region.fuel.saturating_mul(trips);
                let inside = open.iter().any(|outer| matches!(outer.kind, Kind::Loop(_, Some(_))));
                if let Some(span) = span.filter(|_| is_new && !inside) {
                    self.loops.push((span, fuel));
                }
                fuel
            }
            Kind::If(Arm::Once) => {
                if is_new {
                    self.once = self.once.saturating_add(region.fuel);
                }
                0
            }
        };
        if let Some(outer) = open.last_mut() {
            outer.fuel = outer.fuel.saturating_add(fuel);
        }
    }

    fn instruction(&mut self, op: &Op, size: u64) -> u64 {
        use Instruction as I;
        match op {
            Op::Plain(I::Drop | I::Unreachable | I::Return) => 0,
            Op::Block(..) | Op::Loop(..) | Op::Else | Op::End => 0,
            Op::Call(Target::Host(Host::Screen | Host::ScreenId), _) => 1 + SCREEN_FUEL,
            Op::Call(Target::Host(_), _) => 1,
            Op::Call(target, given) => {
                let size = match given {
                    Size::Fixed(size) => *size,
                    Size::Rows => self.rows,
                    Size::Inherit => size,
                };
                let place = match target {
                    Target::Helper(name) => (self.helper)(name),
                    Target::Function(place) => *place,
                    Target::Host(_) => return 1,
                };
                self.function(place, size).saturating_add(1)
            }
            Op::Bulk(_, bytes) => 1 + self.trips(*bytes, size).div_ceil(BYTES_PER_FUEL),
            _ => 1,
        }
    }

    fn trips(&self, trips: Trips, size: u64) -> u64 {
        match trips {
            Trips::Times(times) => times,
            Trips::Rows => self.rows,
            Trips::Size => size + 1,
            Trips::Words => size / 16 + 1,
            Trips::Eights => size / 8 + 1,
            Trips::Log => u64::from(64 - size.saturating_sub(1).leading_zeros()) + 1,
        }
    }
}
