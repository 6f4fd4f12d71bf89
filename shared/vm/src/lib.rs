//! The deterministic rule runner: a signed bundle's modules over wasmi, for each rule and
//! evaluation an instance that is new or cannot be told from a new one, metered by fuel. The
//! contract with modules is ABI.md. It must never give a module a clock, randomness or state from
//! an earlier run, and never turn a rule that did not finish into anything but `error`.

mod host;
mod kept;
mod module;
mod run;

pub use module::Program;
pub use run::{Event, Hit, RuleTrace, Run};

use crypto::Digest;

/// Version of the rule ABI (ABI.md).
pub const ABI_VERSION: u64 = 1;
/// The engine as statements name it. Fuel is comparable only under this exact version.
pub const ENGINE: &str = "wasmi/2.0.0";
/// Deepest recursion of a rule, in calls.
pub const RECURSION_MAX: usize = 128;
/// Largest value stack of a rule, in bytes.
pub const STACK_BYTES_MAX: usize = 65_536;
/// Most trace events of one rule.
pub const TRACE_EVENTS_MAX: usize = 4096;
/// Most compared values of one result.
pub const VALUES_MAX: usize = 8;
/// Longest text value, in bytes.
pub const TEXT_VALUE_BYTES_MAX: usize = 256;
/// Most hits of one screening that the trace and the statement keep.
pub const SCREEN_HITS_MAX: usize = 8;
/// Fuel that one screening costs beside the module's own instructions.
pub const SCREEN_FUEL: u64 = 100_000;
/// Most table entries of a module.
pub const TABLE_ENTRIES_MAX: usize = 64;
/// Fuel for reading a module's constants at load.
const LOAD_FUEL: u64 = 10_000;
/// Memory that every record gets, in bytes; a longer one gets the next power of two.
const RECORD_BYTES_MIN: usize = 4096;
/// Bytes of a Wasm page.
const PAGE_BYTES: usize = 65_536;

/// Why a module was refused at load.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VmError {
    /// Wasm that does not validate under the ABI's features: floats, SIMD, a start function.
    #[error("module {module}: {problem}")]
    Invalid {
        /// Hash of the module.
        module: Digest,
        /// What the engine said.
        problem: String,
    },
    /// An import outside the ABI.
    #[error("module {module} imports {import}, which ABI {ABI_VERSION} does not offer")]
    Import {
        /// Hash of the module.
        module: Digest,
        /// module.name and type.
        import: String,
    },
    /// An export that the ABI asks for is missing or has another type.
    #[error("module {module}: export {export}: {problem}")]
    Export {
        /// Hash of the module.
        module: Digest,
        /// Name of the export.
        export: String,
        /// What is wrong.
        problem: String,
    },
    /// More memory than the boot configuration allows.
    #[error("module {module} asks for {found} pages of memory, {max} are allowed")]
    Memory {
        /// Hash of the module.
        module: Digest,
        /// The limit.
        max: u64,
        /// What it asks for.
        found: u64,
    },
    /// Another ABI version.
    #[error("module {module} is made for ABI {found}, this host has {ABI_VERSION}")]
    Abi {
        /// Hash of the module.
        module: Digest,
        /// The module's version.
        found: i32,
    },
}

#[cfg(test)]
extern crate self as vm;
#[cfg(test)]
mod tests;
