//! Rule packs: YAML files in, compiled rules and a bundle's content out. Files come through a
//! trait: it must never open one itself, nor read a name that leads out of the pack.

mod boundary;
mod example;
mod header;
mod node;
mod pieces;
mod report;
mod rule;
mod table;
mod tables;
mod zone;

pub use boundary::{Boundary, Generated, KEYS as BOUNDARY_KEYS, Row, Way};
pub use example::{Example, record_of};
pub use header::Header;
pub use pieces::Pieces;
pub use rule::{Body, Foreign, OUTCOMES, RULE_KEYS, RuleFile, SEVERITIES};
pub use tables::{
    CALENDAR_KEYS, LIST_KEYS, NameListFile, RATES_KEYS, WEEKDAYS, calendar_of, parse_calendar,
    parse_list, parse_rates, rates_of,
};

/// Largest file of a pack, in bytes.
pub const FILE_BYTES_MAX: usize = 4 << 20;
