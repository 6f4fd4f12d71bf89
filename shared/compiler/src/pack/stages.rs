//! From a draft to a module, one stage after the other.

use crate::draft::Draft;
use crate::typed::Program;
use crate::CompileError;

use super::compile::Cost;

/// A program and what was made of it.
pub(crate) struct Made {
    pub(crate) program: Program,
    pub(crate) wasm: Vec<u8>,
    pub(crate) cost: Cost,
}

/// Checks and compiles; errors have no file yet.
pub(crate) fn make(draft: &Draft) -> Result<Made, Vec<CompileError>> {
    let program = crate::front::check(draft)?;
    let wasm = Vec::new();
    let cost = Cost { base: 1000, row: 100 };
    Ok(Made { program, wasm, cost })
}
