//! The reference interpreter: walks a typed program over a canonical record and says what the
//! compiled module must answer. It shares no code with the back end, prefers being obviously right
//! to being fast, and must never panic, whatever the record's bytes are.

mod arithmetic;
mod calls;
mod clock;
mod decide;
mod eval;
mod explain;
mod ratio;
mod record;
mod stream;
mod value;

use rules::{Outcome, Value};

use crate::typed::{Fault, Mode, Program};

pub use explain::{Part, Step, explain};

pub(crate) use eval::{Machine, Stop};
pub(crate) use record::Facts;
pub(crate) use value::Datum;

/// Most events of one rule's trace, as in the VM: one more ends the rule.
pub const TRACE_EVENTS_MAX: usize = 4096;
/// Longest text of a result value, bytes; a longer one is cut at a character. Also the longest
/// text that a list can be asked for: a longer one ends the rule.
pub const TEXT_VALUE_BYTES_MAX: usize = 256;

/// What a program answers for a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interpretation {
    /// The answer.
    pub outcome: Outcome,
    /// Reason code; 0 for outcome error.
    pub reason: u16,
    /// What was compared; for outcome error the one text that the VM gives.
    pub values: Vec<Value>,
    /// What the VM records, in order.
    pub events: Vec<Event>,
    /// Why there is no decision, when there is none.
    pub fault: Option<Fault>,
}

/// Something that the VM keeps in the trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A case's condition was evaluated.
    Branch {
        /// Number of the case.
        id: u32,
        /// How it came out.
        taken: bool,
    },
    /// A plain list was asked.
    List {
        /// Number of the list in the program.
        list: u32,
        /// The answer.
        found: bool,
    },
    /// A list of names was asked.
    Screen {
        /// Number of the list in the program.
        list: u32,
        /// Threshold in the low 16 bits, mode above; 0 for identifiers.
        options: u32,
        /// Score and entry of the best hit.
        hit: Option<(u16, u32)>,
    },
}

/// The lists that a program asks, by its own list numbers.
pub trait Lists {
    /// Whether a text is an entry of a plain list.
    fn contains(&self, list: u32, text: &str) -> bool;

    /// Whether the whole of a name is looked at; else the rule ends as in the VM.
    fn sees_whole(&self, name: &str, mode: Mode) -> bool {
        let _ = (name, mode);
        true
    }

    /// Score and entry of the best hit of a name, when one reaches the threshold. The birth date
    /// is in days since 1970-01-01.
    fn screen(
        &self,
        list: u32,
        name: &str,
        birth: Option<i32>,
        threshold: u16,
        mode: Mode,
    ) -> Option<(u16, u32)>;

    /// Score and entry of an exact identifier.
    fn screen_id(&self, list: u32, text: &str) -> Option<(u16, u32)>;

    /// The id of an entry.
    fn entry_id(&self, list: u32, entry: u32) -> String;
}

/// No list has an entry: for programs that ask none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NoLists;

impl Lists for NoLists {
    fn contains(&self, _: u32, _: &str) -> bool {
        false
    }

    fn screen(&self, _: u32, _: &str, _: Option<i32>, _: u16, _: Mode) -> Option<(u16, u32)> {
        None
    }

    fn screen_id(&self, _: u32, _: &str) -> Option<(u16, u32)> {
        None
    }

    fn entry_id(&self, _: u32, _: u32) -> String {
        String::new()
    }
}

/// Runs a program over a record. Bytes that are no canonical record give outcome error and the
/// value `record:` with the offset of the first wrong byte.
pub fn interpret(program: &Program, record: &[u8], lists: &dyn Lists) -> Interpretation {
    match Facts::read(record) {
        Ok(facts) => decide::decide(&mut Machine::new(program, &facts, lists)),
        Err(offset) => Interpretation {
            outcome: Outcome::Error,
            reason: 0,
            values: vec![Value::Text(format!("record:{offset}"))],
            events: Vec::new(),
            fault: None,
        },
    }
}
