//! From a draft to a module, one stage after the other.

use crate::CompileError;
use crate::draft::Draft;
use crate::typed::Program;

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
    let module = crate::wasm::compile(&crate::fold(&program)).map_err(|error| vec![error])?;
    let fuel = module.report.first().map_or([module.cost; 3], |whole| whole.fuel);
    Ok(Made { program, wasm: module.wasm, cost: Cost { limit: module.cost, fuel } })
}
