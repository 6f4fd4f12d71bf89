//! One evaluation: each selected rule over the record, and the hashes that a statement commits
//! to. The same record and program give the same bytes on every machine.

use crate::host::{HostFault, HostState};
use crate::kept::{self, Kept, Ready};
use crate::{
    ABI_VERSION, ENGINE, Program, RECURSION_MAX, STACK_BYTES_MAX, TEXT_VALUE_BYTES_MAX,
    TRACE_EVENTS_MAX, VALUES_MAX,
};
use cbor::Writer;
use crypto::{Digest, Domain, Salt, digest};
use facts::Record;
use rules::{Fault, Outcome, Rule, RuleResult, Selection, Value};
use wasmi::{Store, TrapCode};

/// Bytes of a result before its values, and of one value (ABI.md §5).
const RESULT_HEAD_BYTES: usize = 8;
const VALUE_BYTES: usize = 24;

/// Something a rule did that is kept in the trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A condition was evaluated.
    Branch {
        /// Number of the condition in the rule.
        id: u32,
        /// How it came out.
        taken: bool,
    },
    /// A list was asked.
    List {
        /// Number of the list in the rule.
        list: u32,
        /// The answer.
        found: bool,
    },
    /// A list of names was asked.
    Screen {
        /// Number of the list in the rule.
        list: u32,
        /// Threshold in the low 16 bits, mode above; 0 for identifiers.
        options: u32,
        /// How many entries answered, also those beyond `best`.
        total: u32,
        /// The best of them, at most `SCREEN_HITS_MAX`.
        best: Vec<Hit>,
    },
}

/// An entry of a list of names that a screening found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    /// Index of the entry in the snapshot.
    pub entry: u32,
    /// Score, 1 to 10,000.
    pub score: u16,
}

/// One rule's trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleTrace {
    /// Fuel that was burned.
    pub fuel: u64,
    /// What happened, in order.
    pub events: Vec<Event>,
}

/// The outcome of one evaluation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// One result a rule, in statement order.
    pub results: Vec<RuleResult>,
    /// One trace a rule, in statement order.
    pub traces: Vec<RuleTrace>,
}

impl Run {
    /// Root over the salted rule results.
    pub fn output_hash(&self, salt: &Salt) -> Digest {
        let leaf = |(index, result): (u32, &RuleResult)| {
            tlog::leaf_hash(result.leaf(&rules::leaf_salt(salt, index)).as_bytes())
        };
        let leaves: Vec<_> = (0..).zip(&self.results).map(leaf).collect();
        Digest(tlog::merkle_root(&leaves))
    }

    /// Hash over the salted trace.
    pub fn trace_hash(&self, salt: &Salt) -> Digest {
        let mut w = Writer::with_capacity(256);
        w.array(self.results.len());
        for (result, trace) in self.results.iter().zip(&self.traces) {
            w.array(3).text(&result.id).uint(trace.fuel).array(trace.events.len());
            for event in &trace.events {
                write_event(&mut w, event);
            }
        }
        digest(Domain::Trace, &[&salt.0, &w.finish()])
    }
}

fn write_event(w: &mut Writer, event: &Event) {
    match event {
        Event::Branch { id, taken } => {
            w.array(3).uint(0).uint((*id).into()).bool(*taken);
        }
        Event::List { list, found } => {
            w.array(3).uint(1).uint((*list).into()).bool(*found);
        }
        Event::Screen { list, options, total, best } => {
            w.array(5).uint(2).uint((*list).into()).uint((*options).into()).uint((*total).into());
            w.array(best.len());
            for hit in best {
                w.array(2).uint(hit.entry.into()).uint(hit.score.into());
            }
        }
    }
}

impl Program {
    /// Runs the selected rules over `record`.
    pub fn run(&self, selection: &Selection<'_>, record: &Record) -> Run {
        let mut kept = self.pool.take().unwrap_or_else(|| Kept::new(self));
        let count = selection.rules.len();
        let (mut results, mut traces) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for (index, rule) in &selection.rules {
            let (result, trace) = self.run_rule(&mut kept, *index, rule, record.as_bytes());
            results.push(result);
            traces.push(trace);
        }
        self.pool.give(kept);
        Run { results, traces }
    }

    /// Lists that the selected rules may ask, as sorted (id, root) pairs.
    pub fn lists(&self, selection: &Selection<'_>) -> Vec<(String, Digest)> {
        let mut used: Vec<usize> =
            selection.rules.iter().flat_map(|(_, rule)| rule.lists.iter().copied()).collect();
        used.sort_unstable();
        used.dedup();
        let bundle = self.bundle().bundle();
        let id = |index| bundle.list_id(index).unwrap_or_default().to_owned();
        let mut lists: Vec<_> = used.into_iter().map(|i| (id(i), self.list_root(i))).collect();
        lists.sort_unstable();
        lists
    }

    /// What one rule's screenings found, in the order of the calls: list id, entry id and score.
    pub fn hits(&self, rule: &Rule, trace: &RuleTrace) -> Vec<(String, String, u16)> {
        let mut hits = Vec::new();
        for event in &trace.events {
            let Event::Screen { list, best, .. } = event else { continue };
            let index = rule.lists.get(*list as usize).copied().unwrap_or(usize::MAX);
            let Some(list) = self.bundle().bundle().list_id(index) else { continue };
            let entry = |hit: &Hit| self.entry_id(index, hit.entry).unwrap_or_default();
            hits.extend(best.iter().map(|hit| (list.to_owned(), entry(hit), hit.score)));
        }
        hits.sort_unstable();
        hits.dedup();
        hits
    }

    /// Id of an entry of a list of names, by index over both kinds of lists.
    fn entry_id(&self, list: usize, entry: u32) -> Option<String> {
        let bundle = self.bundle().bundle();
        let names = bundle.names.get(list.checked_sub(bundle.lists.len())?)?;
        names.entries.get(entry as usize).map(|entry| entry.id.clone())
    }

    /// Hash over what else decides the result (FORMAT.md §4, state).
    pub fn state_hash(&self, selection: &Selection<'_>, record: &Record, salt: &Salt) -> Digest {
        let mut w = Writer::with_capacity(256);
        w.array(7).text(ENGINE).uint(ABI_VERSION).uint(facts::FACTS_VERSION);
        let limits = self.limits();
        w.array(5).uint(limits.fuel_max).uint(limits.memory_pages_max.into());
        w.uint(RECURSION_MAX as u64).uint(STACK_BYTES_MAX as u64).uint(TRACE_EVENTS_MAX as u64);
        let lists = self.lists(selection);
        w.array(lists.len());
        for (id, root) in &lists {
            w.array(2).text(id).bytes(root.as_bytes());
        }
        let (rows, window) = record.history_window();
        w.uint(rows as u64);
        match window {
            Some((first, last)) => w.array(2).uint(first.0).uint(last.0),
            None => w.null(),
        };
        digest(Domain::State, &[&salt.0, &w.finish()])
    }

    fn run_rule(
        &self,
        kept: &mut Kept,
        index: usize,
        rule: &Rule,
        record: &[u8],
    ) -> (RuleResult, RuleTrace) {
        let mut trace = RuleTrace { fuel: 0, events: Vec::new() };
        let answer = self.answer(kept, (index, rule), record, &mut trace);
        let fault = |fault| RuleResult::fault(&rule.id, &rule.version, &fault);
        (answer.unwrap_or_else(fault), trace)
    }

    /// Runs a rule in an instance that is kept, or in a new one; nothing can tell which.
    fn answer(
        &self,
        kept: &mut Kept,
        (index, rule): (usize, &Rule),
        record: &[u8],
        trace: &mut RuleTrace,
    ) -> Result<RuleResult, Fault> {
        let module = &self.modules[rule.module];
        let memory = module.memory_for(record.len()).ok_or(Fault::Memory)?;
        let Some(image) = module.image.as_ref().filter(|_| kept::is_small(memory)) else {
            let mut store = self.store(1);
            let ready = self.instance(&mut store, rule, memory)?;
            return self.call(&mut store, ready, (index, rule), record, trace);
        };
        let ready = match kept.get(index, memory) {
            Some(ready) => ready,
            None => {
                // A full store begins anew: whoever comes with other sizes must not be slowed
                // down for good by those who came before.
                if !kept.has_room(memory, image) {
                    *kept = Kept::new(self);
                }
                let made = self.instance(&mut kept.store, rule, memory);
                if made.is_err() {
                    *kept = Kept::new(self);
                }
                let ready = made?;
                kept.add(index, memory, image, ready);
                ready
            }
        };
        let answer = self.call(&mut kept.store, ready, (index, rule), record, trace);
        kept.restore(ready, image);
        if answer.is_err() {
            kept.forget(index, memory);
        }
        answer
    }

    /// A new instance for a rule, with so many bytes of memory.
    pub(crate) fn instance(
        &self,
        store: &mut Store<HostState>,
        rule: &Rule,
        bytes: usize,
    ) -> Result<Ready, Fault> {
        let module = &self.modules[rule.module];
        let instance =
            self.linker.instantiate_and_start(&mut *store, &module.wasm).map_err(fault_of)?;
        let memory = instance.get_memory(&*store, "memory").ok_or(Fault::Trap)?;
        let more = bytes.saturating_sub(memory.data_size(&*store)) / module.page_bytes;
        memory.grow(&mut *store, more as u64).map_err(|_| Fault::Memory)?;
        let entry = instance.get_typed_func(&*store, &rule.entry).map_err(|_| Fault::Trap)?;
        Ok(Ready { memory, entry })
    }

    /// Writes the record into the instance, calls the rule and reads its result.
    pub(crate) fn call(
        &self,
        store: &mut Store<HostState>,
        ready: Ready,
        (index, rule): (usize, &Rule),
        record: &[u8],
        trace: &mut RuleTrace,
    ) -> Result<RuleResult, Fault> {
        let base = self.modules[rule.module].input_base;
        let fuel = rule.fuel.min(self.limits.fuel_max);
        ready.memory.write(&mut *store, base as usize, record).map_err(|_| Fault::Memory)?;
        let state = store.data_mut();
        (state.rule, state.memory) = (Some(index), Some(ready.memory));
        store.set_fuel(fuel).expect("fuel metering is on because the configuration says so");
        let packed = ready.entry.call(&mut *store, (base as i32, record.len() as i32));
        trace.fuel = fuel.saturating_sub(store.get_fuel().unwrap_or(0));
        trace.events = std::mem::take(&mut store.data_mut().events);
        self.read_result(ready.memory.data(&*store), rule, packed.map_err(fault_of)? as u64)
    }
}

fn fault_of(error: wasmi::Error) -> Fault {
    if let Some(HostFault(fault)) = error.downcast_ref::<HostFault>() {
        return fault.clone();
    }
    match error.as_trap_code() {
        Some(TrapCode::OutOfFuel) => Fault::Fuel,
        Some(TrapCode::StackOverflow) => Fault::Stack,
        Some(TrapCode::GrowthOperationLimited | TrapCode::OutOfSystemMemory) => Fault::Memory,
        _ => Fault::Trap,
    }
}

impl Program {
    /// Reads the result at the returned address (ABI.md §5); anything malformed is a fault.
    fn read_result(&self, memory: &[u8], rule: &Rule, packed: u64) -> Result<RuleResult, Fault> {
        let (address, length) = (packed as u32 as usize, (packed >> 32) as usize);
        let bytes =
            memory.get(address..).and_then(|rest| rest.get(..length)).ok_or(Fault::Result)?;
        let (head, rest) = bytes.split_at_checked(RESULT_HEAD_BYTES).ok_or(Fault::Result)?;
        let outcome = Outcome::from_code(head[0].into()).ok_or(Fault::Result)?;
        let count = usize::from(head[1]);
        let reason = u16::from_le_bytes([head[2], head[3]]);
        let sound = outcome != Outcome::Error
            && head[4..8] == [0; 4]
            && count <= VALUES_MAX
            && rest.len() == count * VALUE_BYTES
            && usize::from(reason) < rule.reasons.len();
        if !sound {
            return Err(Fault::Result);
        }
        let values = rest.chunks_exact(VALUE_BYTES).map(|raw| self.read_value(memory, rule, raw));
        Ok(RuleResult {
            id: rule.id.clone(),
            version: rule.version.clone(),
            outcome,
            reason,
            values: values.collect::<Option<_>>().ok_or(Fault::Result)?,
        })
    }

    fn read_value(&self, memory: &[u8], rule: &Rule, raw: &[u8]) -> Option<Value> {
        let (kind, scale) = (raw[0], raw[1]);
        let word = |at: usize| raw[at..at + 4].try_into().map(u32::from_le_bytes).ok();
        let wide = i128::from_le_bytes(raw[8..24].try_into().ok()?);
        let number = i64::try_from(wide).ok();
        let currency = word(4)?;
        if raw[2..4] != [0; 2] || (kind != 2 && (scale != 0 || currency != 0)) {
            return None;
        }
        match kind {
            1 => number.map(Value::Integer),
            2 if scale <= 38 => {
                Some(Value::Money { mantissa: wide, scale, currency: unpack(currency)? })
            }
            3 => number.map(Value::Timestamp),
            4 => {
                let (start, length) = (word(8)? as usize, word(12)? as usize);
                let sound = length <= TEXT_VALUE_BYTES_MAX && raw[16..24] == [0; 8];
                let bytes =
                    memory.get(start..).and_then(|rest| rest.get(..length)).filter(|_| sound)?;
                Some(Value::Text(std::str::from_utf8(bytes).ok()?.to_owned()))
            }
            5 if raw[12..24] == [0; 12] => Some(Value::Code(unpack(word(8)?)?)),
            6 if raw[16..24] == [0; 8] => {
                let list = *rule.lists.get(word(8)? as usize)?;
                match word(12)?.checked_sub(1) {
                    Some(entry) => self.entry_id(list, entry).map(Value::Text),
                    None => Some(Value::Text("none".to_owned())),
                }
            }
            7 => number.map(Value::Duration),
            _ => None,
        }
    }
}

/// Up to four ASCII characters, first in the lowest byte.
fn unpack(packed: u32) -> Option<String> {
    let bytes = packed.to_le_bytes();
    let length = bytes.iter().position(|b| *b == 0).unwrap_or(4);
    let sound = bytes[..length].iter().all(u8::is_ascii_alphanumeric)
        && bytes[length..].iter().all(|b| *b == 0);
    sound.then(|| bytes[..length].iter().map(|b| char::from(*b)).collect())
}
