//! Our modules in wasmtime, with the host calls of ABI.md written a second time: a fresh instance
//! for each rule and evaluation, fuel on, as our VM has it. It shares no code with our VM, so that
//! an error there is a difference here.

use crate::agree::Answer;
use rules::{Bundle, Fault, Outcome, Rule, RuleResult, Value};
use screen::{Hits, Index, Mode, Query};
use std::sync::Arc;
use vm::{Event, Hit};
use wasmtime::{
    Caller, Config, Engine, Error, Extern, InstanceAllocationStrategy, InstancePre, Linker, Memory,
    MemoryType, Module, PoolingAllocationConfig, Store, StoreLimits, StoreLimitsBuilder, Trap,
};

/// Most hits of one screening that the trace keeps, and most events of a trace (ABI.md §1).
const HITS_MAX: usize = 8;
const EVENTS_MAX: usize = 4096;
const PAGES_MAX: usize = 64;
const PAGE_BYTES: usize = 65_536;
/// Least room for a record, in bytes.
const ROOM_BYTES_MIN: usize = 4096;

/// How instances come to their memory.
#[derive(Clone, Copy, PartialEq)]
pub enum Way {
    /// From the operating system, each time.
    Fresh,
    /// Out of a pool that was reserved at the start.
    Pooled,
}

/// What the host calls see.
struct State {
    bundle: Arc<Bundle>,
    indexes: Arc<[Index]>,
    rule: usize,
    events: Vec<Event>,
    limits: StoreLimits,
}

/// A fault that a host call raised.
#[derive(Debug, Clone, PartialEq)]
struct Raised(Fault);

impl std::fmt::Display for Raised {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Raised {}

/// A bundle's modules, compiled to machine code.
pub struct Second {
    engine: Engine,
    bundle: Arc<Bundle>,
    indexes: Arc<[Index]>,
    modules: Vec<InstancePre<State>>,
}

impl Second {
    /// Compiles all modules of a bundle.
    pub fn new(bundle: &Bundle, way: Way) -> Self {
        let mut config = Config::new();
        config.consume_fuel(true).wasm_backtrace_max_frames(None).wasm_custom_page_sizes(true);
        if way == Way::Pooled {
            let mut pool = PoolingAllocationConfig::default();
            pool.total_core_instances(16)
                .total_memories(16)
                .linear_memory_keep_resident(PAGE_BYTES);
            config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
        }
        let engine = Engine::new(&config).expect("an engine");
        let linker = linker(&engine).expect("distinct names");
        let compile = |wasm: &Vec<u8>| {
            let module = Module::new(&engine, wasm).expect("a valid module");
            linker.instantiate_pre(&module).expect("known imports")
        };
        let modules = bundle.modules.iter().map(compile).collect();
        let names = bundle.names.iter();
        let indexes = names.map(|names| Index::build((**names).clone())).collect();
        Self { bundle: Arc::new(bundle.clone()), indexes, modules, engine }
    }

    /// The outcome of every rule, within its own fuel.
    pub fn outcomes(&self, record: &facts::Record) -> Vec<Outcome> {
        let rules = self.bundle.rules.iter().enumerate();
        let run = |(index, rule): (usize, &Rule)| self.run(index, rule.fuel, record);
        rules.map(run).map(|answer| answer.result.outcome).collect()
    }

    /// One rule.
    pub fn run(&self, index: usize, fuel: u64, record: &facts::Record) -> Answer {
        let rule = &self.bundle.rules[index];
        let state = State {
            bundle: self.bundle.clone(),
            indexes: self.indexes.clone(),
            rule: index,
            events: Vec::new(),
            limits: StoreLimitsBuilder::new().memory_size(PAGES_MAX * PAGE_BYTES).build(),
        };
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| &mut state.limits);
        store.set_fuel(fuel).expect("fuel is on");
        let result = self.call(&mut store, rule, record.as_bytes());
        let result = result
            .unwrap_or_else(|error| RuleResult::fault(&rule.id, &rule.version, &fault_of(&error)));
        Answer { result, events: std::mem::take(&mut store.data_mut().events) }
    }

    fn call(
        &self,
        store: &mut Store<State>,
        rule: &Rule,
        record: &[u8],
    ) -> Result<RuleResult, Error> {
        let instance = self.modules[rule.module].instantiate(&mut *store)?;
        let memory =
            instance.get_memory(&mut *store, "memory").ok_or_else(|| raise(Fault::Trap))?;
        let base = instance.get_global(&mut *store, "input_base");
        let base = base.and_then(|global| global.get(&mut *store).i32());
        let base = base.ok_or_else(|| raise(Fault::Trap))?;
        let page = memory.page_size(&*store) as usize;
        let size = memory_bytes(&memory.ty(&*store), page, base as usize, record.len());
        if size < base as usize + record.len() {
            return Err(raise(Fault::Memory));
        }
        let lacking = size.saturating_sub(memory.data_size(&*store));
        let grown = memory.grow(&mut *store, (lacking / page) as u64);
        grown.map_err(|_| raise(Fault::Memory))?;
        memory.write(&mut *store, base as usize, record)?;
        let entry = instance.get_typed_func::<(i32, i32), i64>(&mut *store, &rule.entry)?;
        let packed = entry.call(&mut *store, (base, record.len() as i32))?;
        decode(memory, store, rule, packed as u64).ok_or_else(|| raise(Fault::Result))
    }
}

/// Bytes of memory that a rule may address (ABI.md section 1): a function of the record's length,
/// so that no engine lets a rule reach what another refuses.
fn memory_bytes(memory: &MemoryType, page: usize, base: usize, record: usize) -> usize {
    let room = record.next_power_of_two().max(ROOM_BYTES_MIN);
    let asked = (base + room).div_ceil(page) * page;
    let own = memory.maximum().map_or(usize::MAX, |pages| pages as usize * page);
    asked.max(memory.minimum() as usize * page).min(own).min(PAGES_MAX * PAGE_BYTES)
}

fn raise(fault: Fault) -> Error {
    Error::new(Raised(fault))
}

fn fault_of(error: &Error) -> Fault {
    if let Some(Raised(fault)) = error.downcast_ref::<Raised>() {
        return fault.clone();
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => Fault::Fuel,
        Some(Trap::StackOverflow) => Fault::Stack,
        _ => Fault::Trap,
    }
}

fn linker(engine: &Engine) -> Result<Linker<State>, Error> {
    let mut linker = Linker::new(engine);
    linker.func_wrap("env", "branch", |mut caller: Caller<'_, State>, id: u32, taken: i32| {
        keep(&mut caller, Event::Branch { id, taken: taken != 0 })
    })?;
    linker.func_wrap(
        "env",
        "list_contains",
        |mut caller: Caller<'_, State>, list: u32, at: u32, length: u32| {
            let text = text(&mut caller, at, length)?;
            let index = place(caller.data(), list)?;
            let plain = caller.data().bundle.lists.get(index).ok_or_else(|| raise(Fault::Trap))?;
            let found = plain.entries.iter().any(|entry| *entry == text);
            keep(&mut caller, Event::List { list, found })?;
            Ok(i32::from(found))
        },
    )?;
    linker.func_wrap("env", "screen", screen)?;
    linker.func_wrap(
        "env",
        "screen_id",
        |mut caller: Caller<'_, State>, list: u32, at: u32, length: u32| {
            let text = text(&mut caller, at, length)?;
            let hits = names(caller.data(), list)?.identifier(&text);
            answer(&mut caller, list, 0, hits)
        },
    )?;
    linker.func_wrap("env", "trap", |code: i32| Err::<(), _>(raise(Fault::Code(code))))?;
    Ok(linker)
}

fn screen(
    mut caller: Caller<'_, State>,
    list: u32,
    at: u32,
    length: u32,
    birth: i32,
    options: u32,
) -> Result<i64, Error> {
    let name = text(&mut caller, at, length)?;
    let mode = match options >> 16 {
        0 => Mode::Default,
        1 => Mode::Ofac,
        2 => Mode::JaroWinkler,
        _ => return Err(raise(Fault::Trap)),
    };
    let birth = Some(birth).filter(|birth| *birth != i32::MIN);
    let query = Query { name: &name, birth, mode, threshold: (options & 0xffff) as u16 };
    // The scan, not the index that our VM asks: both must find the same.
    let hits = names(caller.data(), list)?.screen_brute_force(&query);
    answer(&mut caller, list, options, hits)
}

fn answer(
    caller: &mut Caller<'_, State>,
    list: u32,
    options: u32,
    hits: Hits,
) -> Result<i64, Error> {
    let hit = |hit: &screen::Hit| Hit { entry: hit.entry, score: hit.score };
    let best: Vec<Hit> = hits.best.iter().take(HITS_MAX).map(hit).collect();
    let packed = |hit: &Hit| i64::from(hit.score) * (1 << 32) + i64::from(hit.entry) + 1;
    let first = best.first().map_or(0, packed);
    keep(caller, Event::Screen { list, options, total: hits.total, best })?;
    Ok(first)
}

fn keep(caller: &mut Caller<'_, State>, event: Event) -> Result<(), Error> {
    let events = &mut caller.data_mut().events;
    if events.len() >= EVENTS_MAX {
        return Err(raise(Fault::Trace));
    }
    events.push(event);
    Ok(())
}

fn place(state: &State, list: u32) -> Result<usize, Error> {
    let lists = &state.bundle.rules[state.rule].lists;
    lists.get(list as usize).copied().ok_or_else(|| raise(Fault::Trap))
}

fn names(state: &State, list: u32) -> Result<&Index, Error> {
    let index = place(state, list)?.checked_sub(state.bundle.lists.len());
    index.and_then(|index| state.indexes.get(index)).ok_or_else(|| raise(Fault::Trap))
}

fn text(caller: &mut Caller<'_, State>, at: u32, length: u32) -> Result<String, Error> {
    let Some(Extern::Memory(memory)) = caller.get_export("memory") else {
        return Err(raise(Fault::Trap));
    };
    let bytes = slice(memory.data(&*caller), at, length).filter(|bytes| bytes.len() <= 256);
    let text = bytes.and_then(|bytes| String::from_utf8(bytes.to_vec()).ok());
    text.ok_or_else(|| raise(Fault::Trap))
}

fn slice(memory: &[u8], at: u32, length: u32) -> Option<&[u8]> {
    memory.get(at as usize..)?.get(..length as usize)
}

/// ABI.md §5.
fn decode(memory: Memory, store: &Store<State>, rule: &Rule, packed: u64) -> Option<RuleResult> {
    let memory = memory.data(store);
    let bytes = slice(memory, packed as u32, (packed >> 32) as u32)?;
    let (head, values) = bytes.split_at_checked(8)?;
    let outcome = Outcome::from_code(head[0].into()).filter(|o| *o != Outcome::Error)?;
    let reason = u16::from_le_bytes([head[2], head[3]]);
    let sound = head[4..] == [0; 4]
        && head[1] <= 8
        && values.len() == usize::from(head[1]) * 24
        && usize::from(reason) < rule.reasons.len();
    let read = |raw: &[u8]| value(memory, store.data(), rule, raw);
    let values = values.chunks(24).map(read).collect::<Option<_>>().filter(|_| sound)?;
    let (id, version) = (rule.id.clone(), rule.version.clone());
    Some(RuleResult { id, version, outcome, reason, values })
}

fn value(memory: &[u8], state: &State, rule: &Rule, raw: &[u8]) -> Option<Value> {
    let word = |at: usize| Some(u32::from_le_bytes(raw.get(at..at + 4)?.try_into().ok()?));
    let wide = i128::from_le_bytes(raw.get(8..24)?.try_into().ok()?);
    let narrow = || i64::try_from(wide).ok();
    let text = |code: u32| {
        let bytes = code.to_le_bytes();
        String::from_utf8(bytes.iter().copied().take_while(|byte| *byte != 0).collect()).ok()
    };
    Some(match raw[0] {
        1 => Value::Integer(narrow()?),
        2 => Value::Money { mantissa: wide, scale: raw[1], currency: text(word(4)?)? },
        3 => Value::Timestamp(narrow()?),
        4 => Value::Text(String::from_utf8(slice(memory, word(8)?, word(12)?)?.to_vec()).ok()?),
        5 => Value::Code(text(word(8)?)?),
        6 => {
            let list = *rule.lists.get(word(8)? as usize)?;
            let names = state.bundle.names.get(list.checked_sub(state.bundle.lists.len())?)?;
            let none = || Some("none".to_owned());
            let id = |at: u32| Some(names.entries.get(at as usize)?.id.clone());
            Value::Text(word(12)?.checked_sub(1).map_or_else(none, id)?)
        }
        7 => Value::Duration(narrow()?),
        _ => return None,
    })
}
