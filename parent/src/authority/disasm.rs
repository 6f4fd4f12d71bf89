//! `rules disasm`: a rule's module as text, for readers who trust no compiler.

use std::path::Path;

use anyhow::Context as _;

use super::side::Side;

/// The module of a rule as Wasm text.
pub(crate) fn answer(source: &Path, wanted: &str) -> anyhow::Result<String> {
    let side = Side::open(source)?;
    let rule = &side.bundle.rules[side.find(wanted)?];
    let module = &side.bundle.modules[rule.module];
    let text = wasmprinter::print_bytes(module).context("the module")?;
    let hash = rules::module_hash(module);
    Ok(format!(";; {} {}\n;; module {hash}, {} bytes\n{text}", rule.id, rule.version, module.len()))
}
