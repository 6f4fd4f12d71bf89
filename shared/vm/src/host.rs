//! The host calls of ABI.md §2 and the state they act on. They read the module's memory and
//! append to the trace; they have no other effect.

use crate::run::{Event, Hit};
use crate::{SCREEN_FUEL, SCREEN_HITS_MAX, TEXT_VALUE_BYTES_MAX, TRACE_EVENTS_MAX};
use rules::{Fault, VerifiedBundle};
use screen::{Hits, Index, Mode, Query};
use std::fmt;
use std::sync::Arc;
use wasmi::{Caller, Engine, Error, Linker, Memory, StoreLimits};

/// What one run carries through the engine.
pub(crate) struct HostState {
    pub(crate) limits: StoreLimits,
    pub(crate) events: Vec<Event>,
    pub(crate) bundle: Arc<VerifiedBundle>,
    /// The bundle's lists of names, in its order.
    pub(crate) indexes: Arc<[Index]>,
    /// Index of the rule that runs; `None` while a module's constants are read at load.
    pub(crate) rule: Option<usize>,
    /// Memory of the instance that runs.
    pub(crate) memory: Option<Memory>,
}

/// A fault raised by a host call.
#[derive(Debug)]
pub(crate) struct HostFault(pub(crate) Fault);

impl fmt::Display for HostFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for HostFault {}
impl wasmi::errors::HostError for HostFault {}

fn fault(fault: Fault) -> Error {
    Error::host(HostFault(fault))
}

/// Names and types are ABI.md §2.
pub(crate) fn linker(engine: &Engine) -> Result<Linker<HostState>, Error> {
    let mut linker = Linker::new(engine);
    linker.func_wrap("env", "branch", branch)?;
    linker.func_wrap("env", "list_contains", list_contains)?;
    linker.func_wrap("env", "screen", screen)?;
    linker.func_wrap("env", "screen_id", screen_id)?;
    linker.func_wrap(
        "env",
        "trap",
        |_: Caller<'_, HostState>, code: i32| -> Result<(), Error> {
            Err(fault(Fault::Code(code)))
        },
    )?;
    Ok(linker)
}

fn branch(mut caller: Caller<'_, HostState>, id: i32, taken: i32) -> Result<(), Error> {
    record(&mut caller, Event::Branch { id: id as u32, taken: taken != 0 })
}

fn list_contains(
    mut caller: Caller<'_, HostState>,
    list: i32,
    ptr: i32,
    len: i32,
) -> Result<i32, Error> {
    let text = text(&caller, ptr, len)?;
    let state = caller.data();
    let index = list_index(state, list)?;
    let snapshot = state.bundle.bundle().lists.get(index).ok_or_else(|| fault(Fault::Trap))?;
    let found = snapshot.contains(text);
    record(&mut caller, Event::List { list: list as u32, found })?;
    Ok(found.into())
}

fn screen(
    mut caller: Caller<'_, HostState>,
    list: i32,
    ptr: i32,
    len: i32,
    birth: i32,
    options: i32,
) -> Result<i64, Error> {
    charge(&mut caller)?;
    let name = text(&caller, ptr, len)?;
    let (threshold, mode) = (options as u16, (options as u32) >> 16);
    let mode = [Mode::Default, Mode::Ofac, Mode::JaroWinkler].get(mode as usize);
    let mode = *mode.ok_or_else(|| fault(Fault::Trap))?;
    if !(1..=screen::SCORE_MAX).contains(&threshold) {
        return Err(fault(Fault::Trap));
    }
    let birth = (birth != i32::MIN).then_some(birth);
    let hits = names(caller.data(), list)?.screen(&Query { name, birth, mode, threshold });
    // A name of which only a part was seen is not cleared: the rule ends in error.
    if hits.cut {
        return Err(fault(Fault::Trap));
    }
    answer(&mut caller, list, options, &hits)
}

fn screen_id(
    mut caller: Caller<'_, HostState>,
    list: i32,
    ptr: i32,
    len: i32,
) -> Result<i64, Error> {
    charge(&mut caller)?;
    let text = text(&caller, ptr, len)?;
    let hits = names(caller.data(), list)?.identifier(text);
    answer(&mut caller, list, 0, &hits)
}

/// Takes a screening's fuel before it runs.
fn charge(caller: &mut Caller<'_, HostState>) -> Result<(), Error> {
    let left = caller.get_fuel().ok().and_then(|fuel| fuel.checked_sub(SCREEN_FUEL));
    let Some(left) = left else {
        // What is left is spent, so that the trace says how much the rule was given.
        let _ = caller.set_fuel(0);
        return Err(fault(Fault::Fuel));
    };
    caller.set_fuel(left)
}

/// Records a screening and tells the module its best hit: score and entry.
fn answer(
    caller: &mut Caller<'_, HostState>,
    list: i32,
    options: i32,
    hits: &Hits,
) -> Result<i64, Error> {
    let best = hits.best.iter().map(|hit| Hit { entry: hit.entry, score: hit.score });
    let best: Vec<Hit> = best.take(SCREEN_HITS_MAX).collect();
    let first = best.first().map_or(0, |hit| i64::from(hit.score) << 32 | i64::from(hit.entry + 1));
    let (list, options, total) = (list as u32, options as u32, hits.total);
    record(caller, Event::Screen { list, options, total, best })?;
    Ok(first)
}

/// The list of names that is the rule's list number `list`.
fn names(state: &HostState, list: i32) -> Result<&Index, Error> {
    let plain = state.bundle.bundle().lists.len();
    let index = list_index(state, list)?.checked_sub(plain);
    index.and_then(|index| state.indexes.get(index)).ok_or_else(|| fault(Fault::Trap))
}

/// The bundle's index of the rule's list number `list`.
fn list_index(state: &HostState, list: i32) -> Result<usize, Error> {
    let rules = &state.bundle.bundle().rules;
    let index = state.rule.and_then(|rule| rules[rule].lists.get(list as u32 as usize));
    index.copied().ok_or_else(|| fault(Fault::Trap))
}

/// A text in the module's memory.
fn text<'a>(caller: &'a Caller<'_, HostState>, ptr: i32, len: i32) -> Result<&'a str, Error> {
    let (start, len) = (ptr as u32 as usize, len as u32 as usize);
    let memory = caller.data().memory.ok_or_else(|| fault(Fault::Trap))?;
    let bytes = memory.data(caller).get(start..).and_then(|rest| rest.get(..len));
    let bytes = bytes.filter(|bytes| bytes.len() <= TEXT_VALUE_BYTES_MAX);
    let text = bytes.and_then(|bytes| std::str::from_utf8(bytes).ok());
    text.ok_or_else(|| fault(Fault::Trap))
}

fn record(caller: &mut Caller<'_, HostState>, event: Event) -> Result<(), Error> {
    let events = &mut caller.data_mut().events;
    if events.len() == TRACE_EVENTS_MAX {
        return Err(fault(Fault::Trace));
    }
    events.push(event);
    Ok(())
}
