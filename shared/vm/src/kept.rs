//! Instances that outlive an evaluation, so that a rule does not pay for a new one each time. Only
//! a module whose memory is all that can change is kept, and its memory is put back after every
//! call. It must never hand on an instance that a fault ended, nor a byte of a record.

use crate::host::HostState;
use crate::{PAGE_BYTES, Program};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use wasmi::{Memory, Store, TypedFunc};
use wasmparser::{Operator, Parser, Payload};

/// Largest memory of an instance that is kept, in bytes: all of it is written after each call.
const MEMORY_BYTES_MAX: usize = 2 * PAGE_BYTES;
/// Most bytes of the instances of one store.
const STORE_BYTES_MAX: usize = 8 << 20;
/// What an instance needs beside its memory, near enough: a part that each needs, and one for
/// each of its functions, exports, globals and segments (88 bytes were measured).
const INSTANCE_BYTES: usize = 8192;
const ENTITY_BYTES: usize = 128;
/// Most stores that wait for an evaluation: one for each worker that was ever busy at once.
const STORES_MAX: usize = 16;
/// Most instances of a store, as its limiter counts them.
const INSTANCES_MAX: usize = STORE_BYTES_MAX / INSTANCE_BYTES;

/// What a new instance of a module is, where instances are kept.
#[derive(Debug)]
pub(crate) struct Image {
    /// What its memory begins with, up to the last byte that is not zero.
    pub(crate) data: Box<[u8]>,
    /// What it needs beside its memory, in bytes.
    weight: usize,
}

/// What a call needs of an instance.
#[derive(Clone, Copy)]
pub(crate) struct Ready {
    pub(crate) memory: Memory,
    pub(crate) entry: TypedFunc<(i32, i32), i64>,
}

/// A store with instances that are as a new one would be.
pub(crate) struct Kept {
    pub(crate) store: Store<HostState>,
    /// By rule and bytes of memory: a size belongs to a record, never to what ran before.
    instances: BTreeMap<(usize, usize), Ready>,
    bytes: usize,
}

impl Kept {
    pub(crate) fn new(program: &Program) -> Self {
        Self { store: program.store(INSTANCES_MAX), instances: BTreeMap::new(), bytes: 0 }
    }

    /// The instance of a rule with so much memory, if it is kept.
    pub(crate) fn get(&self, rule: usize, memory: usize) -> Option<Ready> {
        self.instances.get(&(rule, memory)).copied()
    }

    /// Whether a further instance with so much memory may be kept.
    pub(crate) fn has_room(&self, memory: usize, image: &Image) -> bool {
        self.bytes + memory + image.weight <= STORE_BYTES_MAX
    }

    pub(crate) fn add(&mut self, rule: usize, memory: usize, image: &Image, ready: Ready) {
        self.bytes += memory + image.weight;
        self.instances.insert((rule, memory), ready);
    }

    /// Keeps an instance no longer. Its bytes stay counted: they are the store's until it goes.
    pub(crate) fn forget(&mut self, rule: usize, memory: usize) {
        self.instances.remove(&(rule, memory));
    }

    /// Puts the memory back to what a new instance has: its module's data, then zeros.
    pub(crate) fn restore(&mut self, ready: Ready, image: &Image) {
        let memory = ready.memory.data_mut(&mut self.store);
        let (data, rest) = memory.split_at_mut(image.data.len());
        data.copy_from_slice(&image.data);
        rest.fill(0);
    }
}

/// The stores that wait for the next evaluation.
#[derive(Default)]
pub(crate) struct Pool(Mutex<Vec<Kept>>);

impl Pool {
    pub(crate) fn take(&self) -> Option<Kept> {
        self.stores().pop()
    }

    pub(crate) fn give(&self, kept: Kept) {
        let mut stores = self.stores();
        if stores.len() < STORES_MAX {
            stores.push(kept);
        }
    }

    /// A store is in the pool or out of it at every moment: a panic elsewhere spoils nothing.
    fn stores(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an instance with so much memory may be kept at all.
pub(crate) fn is_small(memory: usize) -> bool {
    memory <= MEMORY_BYTES_MAX
}

/// What a new instance with this memory is, if the memory is all that a call can change in it.
pub(crate) fn image(wasm: &[u8], memory: &[u8]) -> Option<Image> {
    let entities = entities_of_stateless(wasm).filter(|_| is_small(memory.len()))?;
    let end = memory.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let weight = INSTANCE_BYTES + ENTITY_BYTES * entities;
    Some(Image { data: memory[..end].into(), weight })
}

/// How many functions, exports, globals, tables and segments a module has, if a call can change
/// nothing of an instance but the bytes of its memory: no global, table, segment, nor the memory's
/// size. The module has been validated, so nothing else is in it; one that this parser cannot
/// read is not judged.
fn entities_of_stateless(wasm: &[u8]) -> Option<usize> {
    let mut entities = 0;
    for payload in Parser::new(0).parse_all(wasm) {
        entities += match payload.ok()? {
            Payload::GlobalSection(globals) => {
                let count = globals.count();
                for global in globals {
                    if global.ok()?.ty.mutable {
                        return None;
                    }
                }
                count
            }
            Payload::CodeSectionEntry(body) => {
                for operator in body.get_operators_reader().ok()? {
                    if changes_more_than_memory(&operator.ok()?) {
                        return None;
                    }
                }
                1
            }
            Payload::ImportSection(section) => section.count(),
            Payload::TableSection(section) => section.count(),
            Payload::ExportSection(section) => section.count(),
            Payload::ElementSection(section) => section.count(),
            Payload::DataSection(section) => section.count(),
            _ => 0,
        };
    }
    usize::try_from(entities).ok()
}

fn changes_more_than_memory(operator: &Operator<'_>) -> bool {
    matches!(
        operator,
        Operator::MemoryGrow { .. }
            | Operator::MemoryInit { .. }
            | Operator::DataDrop { .. }
            | Operator::TableSet { .. }
            | Operator::TableGrow { .. }
            | Operator::TableFill { .. }
            | Operator::TableCopy { .. }
            | Operator::TableInit { .. }
            | Operator::ElemDrop { .. }
            | Operator::GlobalSet { .. }
    )
}
