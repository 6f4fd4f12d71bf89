//! Rule packs: YAML files in, compiled rules and a bundle's content out. Files come through a
//! trait: it must never open one itself, nor read a name that leads out of the pack.

mod book;
mod boundary;
mod compile;
mod example;
mod header;
mod lists;
mod pieces;
mod report;
mod rule;
mod stages;
mod table;
mod tables;
mod threshold;
mod vary;
mod zone;

pub use book::{Files, Pack, RULEBOOK, RULEBOOK_KEYS, is_inside};
pub use boundary::{Boundary, Generated, KEYS as BOUNDARY_KEYS, Way};
pub use compile::{
    COMPILER, CompiledRule, Cost, RecompileError, Recompiled, Tables, compile_rule, recompile,
};
pub use example::Example;
pub use header::Header;
pub use lists::{NameIndexes, RuleLists};
pub use pieces::Pieces;
pub use rule::{Body, Foreign, OUTCOMES, RULE_KEYS, RuleFile, SEVERITIES};
pub use tables::{
    CALENDAR_KEYS, LIST_KEYS, RATES_KEYS, WEEKDAYS, calendar_of, parse_calendar, parse_list,
    parse_rates, rates_of,
};
pub use threshold::{Proposal, Threshold};
pub use vary::Row;

/// Largest file of a pack, in bytes.
pub const FILE_BYTES_MAX: usize = 4 << 20;
