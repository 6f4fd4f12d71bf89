//! The module as a whole: data, buffers, globals, functions, and the sections in their order. It
//! must never hold a section that the ABI does not ask for.

use std::collections::BTreeMap;

use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, EntityType, ExportKind, ExportSection, FunctionSection,
    GlobalSection, GlobalType, ImportSection, MemorySection, MemoryType, TypeSection, ValType,
};

use super::code::{Function, Host, Op, Target};
use super::library::{self, helper};

/// Bytes of a record with a usual history; a longer one makes the host grow the memory.
const RECORD_BYTES_USUAL: u32 = 4096;
/// Address of the result.
pub(super) const RESULT: u32 = 8;
/// Bytes of a result's head and of one value.
pub(super) const HEAD_BYTES: u32 = 8;
pub(super) const VALUE_BYTES: u32 = 24;

/// What a module is made of.
#[derive(Debug, Default)]
pub(super) struct Builder {
    data: Vec<u8>,
    data_start: u32,
    known: BTreeMap<Vec<u8>, u32>,
    buffers: u32,
    /// The entry first, then lets in the order of their first use, then helpers.
    pub(super) functions: Vec<Function>,
    helpers: Vec<&'static str>,
}

impl Builder {
    /// A module whose results have at most so many values.
    pub(super) fn new(values: usize) -> Self {
        let data_start = RESULT + HEAD_BYTES + VALUE_BYTES * values as u32;
        Self { data_start, ..Self::default() }
    }

    /// The address of constant bytes; equal bytes have one address.
    pub(super) fn constant(&mut self, bytes: &[u8]) -> u32 {
        if let Some(address) = self.known.get(bytes) {
            return *address;
        }
        let inside = self.data.windows(bytes.len().max(1)).position(|window| window == bytes);
        let at = inside.unwrap_or_else(|| {
            self.data.extend_from_slice(bytes);
            self.data.len() - bytes.len()
        });
        let address = self.data_start + at as u32;
        self.known.insert(bytes.to_vec(), address);
        address
    }

    /// Bytes that are zero when the rule begins, as a place before the record: a negative offset.
    pub(super) fn buffer(&mut self, bytes: u32) -> i32 {
        self.buffers += bytes.next_multiple_of(8);
        -(self.buffers as i32)
    }

    /// Bytes of all buffers so far.
    pub(super) fn buffer_bytes(&self) -> u32 {
        self.buffers
    }

    /// Adds the helpers that are called, and those that they call, once each.
    pub(super) fn link(&mut self) {
        let mut next = 0;
        while next < self.functions.len() {
            let calls: Vec<&'static str> =
                self.functions[next].ops.iter().filter_map(call).collect();
            for name in calls {
                if !self.helpers.contains(&name) {
                    self.helpers.push(name);
                    let known = helper(name).expect("a helper because the assembler looked");
                    self.functions.push(library::build(known));
                }
            }
            next += 1;
        }
    }

    /// The address after the last constant.
    pub(super) fn data_end(&self) -> u32 {
        self.data_start + self.data.len() as u32
    }

    /// Place of a helper among the functions.
    pub(super) fn helper_place(&self, name: &str) -> usize {
        let first = self.functions.len() - self.helpers.len();
        let at = self.helpers.iter().position(|known| *known == name);
        first + at.expect("linked because it is called")
    }

    /// The module's bytes.
    pub(super) fn finish(&self) -> Vec<u8> {
        let base = (self.data_end() + self.buffers).next_multiple_of(16);
        let hosts = self.hosts();
        let mut types = Types::default();
        let mut imports = ImportSection::new();
        for host in &hosts {
            let (name, params, results) = signature(*host);
            imports.import("env", name, EntityType::Function(types.of(params, results)));
        }
        let (mut functions, mut code) = (FunctionSection::new(), CodeSection::new());
        let call = |target: Target| match target {
            Target::Host(host) => {
                let at = hosts.iter().position(|known| *known == host);
                at.expect("imported because it is called") as u32
            }
            Target::Function(place) => (hosts.len() + place) as u32,
            Target::Helper(name) => (hosts.len() + self.helper_place(name)) as u32,
        };
        for function in &self.functions {
            functions.function(types.of(&function.params, &function.results));
            code.function(&function.body(base, &call));
        }
        let mut memories = MemorySection::new();
        // In bytes: a call costs what the host puts back after it.
        let minimum = u64::from(base + RECORD_BYTES_USUAL);
        let memory = MemoryType {
            minimum,
            maximum: None,
            memory64: false,
            shared: false,
            page_size_log2: Some(0),
        };
        memories.memory(memory);
        let mut module = wasm_encoder::Module::new();
        module.section(&types.section);
        if !hosts.is_empty() {
            module.section(&imports);
        }
        module.section(&functions).section(&memories).section(&global_section(base));
        module.section(&Self::exports(hosts.len())).section(&code);
        if !self.data.is_empty() {
            let mut data = DataSection::new();
            let offset = ConstExpr::i32_const(self.data_start as i32);
            data.active(0, &offset, self.data.iter().copied());
            module.section(&data);
        }
        module.finish()
    }

    fn hosts(&self) -> Vec<Host> {
        let ops = self.functions.iter().flat_map(|function| &function.ops);
        let mut hosts: Vec<Host> = ops
            .filter_map(|op| match op {
                Op::Call(Target::Host(host), _) => Some(*host),
                _ => None,
            })
            .collect();
        hosts.sort_unstable();
        hosts.dedup();
        hosts
    }

    fn exports(imports: usize) -> ExportSection {
        let mut exports = ExportSection::new();
        exports.export("memory", ExportKind::Memory, 0);
        exports.export("rule_abi_version", ExportKind::Global, 0);
        exports.export("input_base", ExportKind::Global, 1);
        exports.export("evaluate", ExportKind::Func, imports as u32);
        exports
    }
}

/// The globals that the host reads. There is no other: what a rule keeps is in its memory.
fn global_section(base: u32) -> GlobalSection {
    let mut globals = GlobalSection::new();
    for constant in [1, base as i32] {
        let ty = GlobalType { val_type: ValType::I32, mutable: false, shared: false };
        globals.global(ty, &ConstExpr::i32_const(constant));
    }
    globals
}

/// Function types, each once.
#[derive(Default)]
struct Types {
    section: TypeSection,
    known: Vec<(Vec<ValType>, Vec<ValType>)>,
}

impl Types {
    fn of(&mut self, params: &[ValType], results: &[ValType]) -> u32 {
        let wanted = (params.to_vec(), results.to_vec());
        let at = self.known.iter().position(|known| *known == wanted).unwrap_or_else(|| {
            self.section.ty().function(params.iter().copied(), results.iter().copied());
            self.known.push(wanted);
            self.known.len() - 1
        });
        at as u32
    }
}

fn call(op: &Op) -> Option<&'static str> {
    match op {
        Op::Call(Target::Helper(name), _) => Some(name),
        _ => None,
    }
}

/// Name, parameters and results of a host call (ABI.md §2).
fn signature(host: Host) -> (&'static str, &'static [ValType], &'static [ValType]) {
    use ValType::{I32, I64};
    match host {
        Host::Branch => ("branch", &[I32, I32], &[]),
        Host::ListContains => ("list_contains", &[I32, I32, I32], &[I32]),
        Host::Trap => ("trap", &[I32], &[]),
        Host::Screen => ("screen", &[I32; 5], &[I64]),
        Host::ScreenId => ("screen_id", &[I32; 3], &[I64]),
    }
}
