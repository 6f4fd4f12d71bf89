//! The host calls of ABI.md §2 and the state they act on. They read the module's memory and
//! append to the trace; they have no other effect.

use crate::run::Event;
use crate::{TEXT_VALUE_BYTES_MAX, TRACE_EVENTS_MAX};
use rules::{Fault, VerifiedBundle};
use std::fmt;
use std::sync::Arc;
use wasmi::{Caller, Engine, Error, Extern, Linker, StoreLimits};

/// What one run carries through the engine.
pub(crate) struct HostState {
    pub(crate) limits: StoreLimits,
    pub(crate) events: Vec<Event>,
    pub(crate) bundle: Arc<VerifiedBundle>,
    /// Index of the rule that runs; `None` while a module's constants are read at load.
    pub(crate) rule: Option<usize>,
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
    let (start, len) = (ptr as u32 as usize, len as u32 as usize);
    if len > TEXT_VALUE_BYTES_MAX {
        return Err(fault(Fault::Trap));
    }
    let memory = caller.get_export("memory").and_then(Extern::into_memory);
    let memory = memory.ok_or_else(|| fault(Fault::Trap))?;
    let state = caller.data();
    let bundle = state.bundle.bundle();
    let snapshot = state
        .rule
        .and_then(|rule| bundle.rules[rule].lists.get(list as u32 as usize))
        .map(|index| &bundle.lists[*index])
        .ok_or_else(|| fault(Fault::Trap))?;
    let bytes = memory.data(&caller).get(start..).and_then(|rest| rest.get(..len));
    let text = bytes.and_then(|bytes| std::str::from_utf8(bytes).ok());
    let found = snapshot.contains(text.ok_or_else(|| fault(Fault::Trap))?);
    record(&mut caller, Event::List { list: list as u32, found })?;
    Ok(found.into())
}

fn record(caller: &mut Caller<'_, HostState>, event: Event) -> Result<(), Error> {
    let events = &mut caller.data_mut().events;
    if events.len() == TRACE_EVENTS_MAX {
        return Err(fault(Fault::Trace));
    }
    events.push(event);
    Ok(())
}
