//! Loading: a verified bundle's modules are validated against ABI.md §1 and compiled once.

use crate::host::{HostState, linker};
use crate::kept::{self, Image, Pool};
use crate::{
    ABI_VERSION, LOAD_FUEL, PAGE_BYTES, RECORD_BYTES_MIN, RECURSION_MAX, STACK_BYTES_MAX,
    TABLE_ENTRIES_MAX, VmError,
};
use crypto::Digest;
use rules::{Limits, VerifiedBundle, module_hash};
use std::sync::Arc;
use wasmi::{
    CompilationMode, Config, EnforcedLimits, Engine, ExternType, FuncType, Instance, Linker,
    Memory, Mutability, Store, StoreLimits, StoreLimitsBuilder, Val, ValType,
};
use wasmparser::{Validator, WasmFeatures};

/// One compiled module.
pub(crate) struct Module {
    pub(crate) hash: Digest,
    pub(crate) wasm: wasmi::Module,
    pub(crate) input_base: u32,
    /// Bytes of a page of its memory: 65,536, or 1.
    pub(crate) page_bytes: usize,
    /// Fewest and most bytes of its memory, both whole pages.
    memory_bytes: (usize, usize),
    /// What a new instance is, if instances are kept.
    pub(crate) image: Option<Image>,
}

impl Module {
    /// Bytes of memory for a record of so many bytes (ABI.md §1), if it fits. It depends on nothing
    /// else: what a rule may address is not for other records to decide.
    pub(crate) fn memory_for(&self, record: usize) -> Option<usize> {
        let (base, (least, most)) = (self.input_base as usize, self.memory_bytes);
        let wanted = base + record.next_power_of_two().max(RECORD_BYTES_MIN);
        let bytes = wanted.next_multiple_of(self.page_bytes).clamp(least, most);
        (base + record <= bytes).then_some(bytes)
    }
}

/// A verified bundle, ready to run.
pub struct Program {
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<HostState>,
    pub(crate) modules: Vec<Module>,
    pub(crate) bundle: Arc<VerifiedBundle>,
    pub(crate) indexes: Arc<[screen::Index]>,
    pub(crate) limits: Limits,
    pub(crate) pool: Pool,
    rule_digests: Vec<Digest>,
    list_roots: Vec<Digest>,
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program").field("bundle", &self.bundle.hash()).finish_non_exhaustive()
    }
}

impl Program {
    /// Compiles every module of the bundle; one bad module refuses the whole bundle.
    pub fn load(bundle: VerifiedBundle, limits: Limits) -> Result<Self, VmError> {
        let engine = Engine::new(&config());
        let internal = |problem: wasmi::Error| VmError::Invalid {
            module: bundle.hash(),
            problem: problem.to_string(),
        };
        let linker = linker(&engine).map_err(internal)?;
        let content = bundle.bundle();
        let rule_digests = content.rules.iter().map(rules::Rule::digest).collect();
        let plain = content.lists.iter().map(rules::ListSnapshot::root);
        let list_roots = plain.chain(content.names.iter().map(|names| names.root())).collect();
        let indexes =
            content.names.iter().map(|names| screen::Index::build(names.clone())).collect();
        let bundle = Arc::new(bundle);
        let mut program = Self {
            engine,
            linker,
            modules: Vec::new(),
            bundle: bundle.clone(),
            indexes,
            limits,
            pool: Pool::default(),
            rule_digests,
            list_roots,
        };
        for (index, wasm) in bundle.bundle().modules.iter().enumerate() {
            let module = program.load_module(index, wasm)?;
            program.modules.push(module);
        }
        Ok(program)
    }

    /// The bundle behind the program.
    pub fn bundle(&self) -> &VerifiedBundle {
        &self.bundle
    }

    /// Hash of the module that a rule runs.
    pub fn module_hash(&self, rule: usize) -> Digest {
        self.modules[self.bundle.bundle().rules[rule].module].hash
    }

    /// Digest of a rule of the bundle.
    pub fn rule_digest(&self, rule: usize) -> Digest {
        self.rule_digests[rule]
    }

    /// Root of a list of the bundle.
    pub fn list_root(&self, list: usize) -> Digest {
        self.list_roots[list]
    }

    /// The limits it runs under.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    fn load_module(&self, index: usize, bytes: &[u8]) -> Result<Module, VmError> {
        let hash = module_hash(bytes);
        let invalid =
            |problem: wasmi::Error| VmError::Invalid { module: hash, problem: problem.to_string() };
        // The engine translates while it validates, and asserts what only validation ensures.
        if let Err(problem) = Validator::new_with_features(WasmFeatures::all()).validate_all(bytes)
        {
            return Err(VmError::Invalid { module: hash, problem: problem.to_string() });
        }
        let wasm = wasmi::Module::new(&self.engine, bytes).map_err(invalid)?;
        check_imports(hash, &wasm)?;
        for rule in self.bundle.bundle().rules.iter().filter(|rule| rule.module == index) {
            check_entry(hash, &wasm, &rule.entry)?;
        }
        let mut store = self.store(1);
        store.set_fuel(LOAD_FUEL).expect("fuel metering is on because the configuration says so");
        let refused = |problem: wasmi::Error| {
            let max = u64::from(self.limits.memory_pages_max);
            match wasm.get_export("memory") {
                Some(ExternType::Memory(memory)) if memory.minimum() > max => {
                    VmError::Memory { module: hash, max, found: memory.minimum() }
                }
                _ => invalid(problem),
            }
        };
        let instance = self.linker.instantiate_and_start(&mut store, &wasm).map_err(refused)?;
        let memory = check_memory(hash, &instance, &store)?;
        let constant = |name: &str| -> Result<Val, VmError> {
            let problem = "expected an immutable global i32";
            let missing =
                || VmError::Export { module: hash, export: name.into(), problem: problem.into() };
            let global = instance.get_global(&store, name).ok_or_else(missing)?;
            let kind = global.ty(&store);
            if kind.mutability() != Mutability::Const || kind.content() != ValType::I32 {
                return Err(missing());
            }
            Ok(global.get(&store))
        };
        let base = constant("input_base")?.i32().unwrap_or(-1);
        if base < 0
            || base % 16 != 0
            || base as usize > self.limits.memory_pages_max as usize * PAGE_BYTES
        {
            let problem =
                format!("expected a multiple of 16 inside the memory limit, found {base}");
            return Err(VmError::Export { module: hash, export: "input_base".into(), problem });
        }
        let found = constant("rule_abi_version")?.i32().unwrap_or(-1);
        if i64::from(found) != ABI_VERSION as i64 {
            return Err(VmError::Abi { module: hash, found });
        }
        let data = memory.data(&store);
        let page_bytes = data.len() / memory.size(&store) as usize;
        let own = memory.ty(&store).maximum().unwrap_or(u64::MAX) as usize;
        let most = (self.limits.memory_pages_max as usize * PAGE_BYTES)
            .min(own.saturating_mul(page_bytes));
        let (memory_bytes, image) = ((data.len(), most), kept::image(bytes, data));
        Ok(Module { hash, wasm, input_base: base as u32, page_bytes, memory_bytes, image })
    }

    /// A fresh store, without fuel, for so many instances with the limits of ABI.md §1.
    pub(crate) fn store(&self, instances: usize) -> Store<HostState> {
        let state = HostState {
            limits: self.store_limits(instances),
            events: Vec::new(),
            bundle: self.bundle.clone(),
            indexes: self.indexes.clone(),
            rule: None,
            memory: None,
        };
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| &mut state.limits);
        store
    }

    fn store_limits(&self, instances: usize) -> StoreLimits {
        StoreLimitsBuilder::new()
            .memory_size(self.limits.memory_pages_max as usize * PAGE_BYTES)
            .table_elements(TABLE_ENTRIES_MAX)
            .instances(instances)
            .memories(instances)
            .tables(instances)
            .trap_on_grow_failure(true)
            .build()
    }
}

/// Integer Wasm only, metered, eager: nothing about a run depends on what ran before. Threads do
/// not exist in wasmi; SIMD and memory64 are crate features that the workspace leaves out.
fn config() -> Config {
    let mut config = Config::default();
    config
        .floats(false)
        .consume_fuel(true)
        .allow_start_fn(false)
        .ignore_custom_sections(true)
        .compilation_mode(CompilationMode::Eager)
        .enforced_limits(EnforcedLimits::strict())
        .wasm_multi_memory(false)
        .wasm_custom_page_sizes(true)
        .wasm_wide_arithmetic(false)
        .wasm_tail_call(false)
        .wasm_extended_const(false)
        .set_max_recursion_depth(RECURSION_MAX)
        .set_min_stack_height(1024)
        .set_max_stack_height(STACK_BYTES_MAX);
    config
}

/// The exported memory, of at least one page.
fn check_memory(
    module: Digest,
    instance: &Instance,
    store: &Store<HostState>,
) -> Result<Memory, VmError> {
    let missing = || VmError::Export {
        module,
        export: "memory".into(),
        problem: "expected one exported memory of at least one page".into(),
    };
    let memory = instance.get_memory(store, "memory").ok_or_else(missing)?;
    if memory.size(store) == 0 { Err(missing()) } else { Ok(memory) }
}

fn check_imports(module: Digest, wasm: &wasmi::Module) -> Result<(), VmError> {
    use ValType::{I32, I64};
    let offered: [(&str, FuncType); 5] = [
        ("branch", FuncType::new([I32, I32], [])),
        ("list_contains", FuncType::new([I32, I32, I32], [I32])),
        ("screen", FuncType::new([I32; 5], [I64])),
        ("screen_id", FuncType::new([I32; 3], [I64])),
        ("trap", FuncType::new([I32], [])),
    ];
    for import in wasm.imports() {
        let known = import.module() == "env"
            && offered.iter().any(|(name, kind)| {
                import.name() == *name && import.ty().func().is_some_and(|found| found == kind)
            });
        if !known {
            let import = format!("{}.{} {:?}", import.module(), import.name(), import.ty());
            return Err(VmError::Import { module, import });
        }
    }
    Ok(())
}

fn check_entry(module: Digest, wasm: &wasmi::Module, entry: &str) -> Result<(), VmError> {
    let wanted = FuncType::new([ValType::I32, ValType::I32], [ValType::I64]);
    match wasm.get_export(entry) {
        Some(ExternType::Func(found)) if found == wanted => Ok(()),
        _ => Err(VmError::Export {
            module,
            export: entry.into(),
            problem: "expected a function (i32, i32) -> i64".into(),
        }),
    }
}
