//! One rule: from its file to a bundle's rule and module, and again from a bundle's own bytes, for
//! a verifier who trusts nobody's compiler but his own. Both ways are one function.

use std::sync::Arc;

use rules::{Bundle, ListSnapshot, Rule};

use super::rule::{Body, RuleFile};
use super::{stages, tables};
use crate::CompileError;
use crate::data::{Calendar, Rates};
use crate::draft::Located;
use crate::typed::{Program, Span};

/// What made the modules, as bundles name it.
pub const COMPILER: &str = concat!("probity-compiler ", env!("CARGO_PKG_VERSION"));

/// What a rule may use besides its facts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tables {
    /// Ids of plain lists and of lists of names.
    pub lists: Vec<String>,
    /// Calendars.
    pub calendars: Vec<Calendar>,
    /// Rate tables.
    pub rates: Vec<Rates>,
}

impl Tables {
    /// What a bundle offers; its calendars and rate tables are read from its lists' lines.
    pub fn of(bundle: &Bundle) -> Self {
        Self::of_lists(&bundle.lists, &bundle.names)
    }

    pub(crate) fn of_lists(lists: &[ListSnapshot], names: &[Arc<screen::Snapshot>]) -> Self {
        let mut tables = Self::default();
        for list in lists {
            if let Some(calendar) = tables::calendar_of(list) {
                tables.calendars.push(calendar);
            } else if let Some(rates) = tables::rates_of(list) {
                tables.rates.push(rates);
            } else {
                tables.lists.push(list.id.clone());
            }
        }
        tables.lists.extend(names.iter().map(|names| names.id.clone()));
        tables
    }
}

/// Most fuel that an evaluation burns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// With the largest history: the rule's fuel limit.
    pub limit: u64,
    /// With 0, 50 and 10,000 history rows.
    pub fuel: [u64; 3],
}

/// A rule, compiled.
#[derive(Debug, Clone, PartialEq)]
pub struct CompiledRule {
    /// Name of its file.
    pub file: String,
    /// The file's text.
    pub source: String,
    /// The file, read.
    pub read: RuleFile,
    /// Ids of its lists in the order of its list numbers; calendars and rate tables follow.
    pub lists: Vec<String>,
    /// The typed program; `None` for a module made elsewhere.
    pub program: Option<Program>,
    /// The module; empty for one made elsewhere that was not read yet.
    pub wasm: Vec<u8>,
    /// The static bound; `None` for a module made elsewhere.
    pub cost: Option<Cost>,
}

impl CompiledRule {
    /// The rule as a bundle holds it. Positions of lists and modules are the bundle's own affair.
    pub fn to_rule(&self, module: usize, lists: Vec<usize>) -> Rule {
        let header = &self.read.header;
        let (entry, fuel, reasons, source) = match (&self.read.body, &self.program) {
            (Body::Foreign(foreign), _) => {
                (foreign.entry.clone(), foreign.fuel, foreign.reasons.clone(), String::new())
            }
            (Body::Cases(_), program) => {
                let reasons = program.as_ref().map(|program| program.reasons.clone());
                let fuel = self.cost.map_or(1, |cost| cost.limit.max(1));
                (ENTRY.to_owned(), fuel, reasons.unwrap_or_default(), self.source.clone())
            }
        };
        Rule {
            id: header.id.clone(),
            version: header.version.clone(),
            title: header.title.clone(),
            jurisdiction: header.jurisdiction.clone(),
            domain: header.domain.clone(),
            effective_from: header.effective_from,
            effective_to: header.effective_to,
            citation: header.citation.clone(),
            module,
            entry,
            fuel,
            lists,
            reasons,
            source,
        }
    }

    /// What the author wrote at a span of the program.
    pub fn text_at(&self, span: Span) -> Option<String> {
        match &self.read.body {
            Body::Cases(draft) => super::threshold::text_at(draft, span),
            Body::Foreign(_) => None,
        }
    }

    /// Where a span of the program stands in the file.
    pub fn locate(&self, span: Span) -> Span {
        self.read.pieces.locate(span)
    }
}

/// Reads and compiles a rule file. A module made elsewhere stays unread: it is a file of its own.
pub fn compile_rule(
    file: &str,
    source: &str,
    tables: &Tables,
) -> Result<CompiledRule, Vec<CompileError>> {
    let mut read = RuleFile::parse(file, source)?;
    let (lists, used) = resolve(file, &read, tables)?;
    let (mut program, mut wasm, mut cost) = (None, Vec::new(), None);
    let mut order = lists;
    if let Body::Cases(draft) = &mut read.body {
        draft.calendars = used.calendars;
        draft.rates = used.rates;
        let made = stages::make(draft).map_err(|errors| placed(errors, file, &read))?;
        // The program numbers the lists; others that the file names are not asked.
        let rest = order.into_iter().filter(|id| !made.program.lists.contains(id));
        order = made.program.lists.iter().cloned().chain(rest).collect();
        (program, wasm, cost) = (Some(made.program), made.wasm, Some(made.cost));
    }
    let (file, source) = (file.to_owned(), source.to_owned());
    Ok(CompiledRule { file, source, read, lists: order, program, wasm, cost })
}

/// Errors of later stages, at the places of the file and in its order.
fn placed(errors: Vec<CompileError>, file: &str, read: &RuleFile) -> Vec<CompileError> {
    let place = |error: CompileError| {
        let span = match error.span.line {
            0 => Span::WHOLE_FILE,
            _ => read.pieces.locate(error.span),
        };
        CompileError { file: file.to_owned(), span, ..error }
    };
    let mut errors: Vec<CompileError> = errors.into_iter().map(place).collect();
    errors.sort_by_key(|error| (error.span.line, error.span.column));
    // A table's column is checked once for each row.
    errors.dedup();
    errors
}

/// The ids of all that a rule names, lists first, and the tables themselves.
fn resolve(
    file: &str,
    read: &RuleFile,
    tables: &Tables,
) -> Result<(Vec<String>, Tables), Vec<CompileError>> {
    let mut errors = Vec::new();
    let mut unknown = |id: &Located, what: &str, known: Vec<&str>| {
        let near = super::report::did_you_mean(&id.text, known);
        let place = format!("files are named in rulebook.yaml under `{what}`");
        let hint = if near.is_empty() { place } else { format!("{near}; {place}") };
        let expected = format!("{ONE_OF}{what}");
        errors.push(CompileError::pack(file, id.span(), expected, facts::shown(&id.text), hint));
    };
    let mut used = Tables::default();
    for id in &read.lists {
        match tables.lists.contains(&id.text) {
            true => used.lists.push(id.text.clone()),
            false => unknown(id, "lists", tables.lists.iter().map(String::as_str).collect()),
        }
    }
    for id in &read.calendars {
        match tables.calendars.iter().find(|calendar| calendar.id == id.text) {
            Some(calendar) => used.calendars.push(calendar.clone()),
            None => unknown(id, "calendars", tables.calendars.iter().map(|c| &*c.id).collect()),
        }
    }
    for id in &read.rates {
        match tables.rates.iter().find(|rates| rates.id == id.text) {
            Some(rates) => used.rates.push(rates.clone()),
            None => unknown(id, "rates", tables.rates.iter().map(|r| &*r.id).collect()),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let calendars = used.calendars.iter().map(|calendar| calendar.id.clone());
    let rates = used.rates.iter().map(|rates| rates.id.clone());
    let ids = used.lists.iter().cloned().chain(calendars).chain(rates).collect();
    Ok((ids, used))
}

/// What a bundle's rule compiles to.
#[derive(Debug, Clone, PartialEq)]
pub struct Recompiled {
    /// The typed program, for the interpreter.
    pub program: Program,
    /// The module. It must be the bundle's, byte for byte.
    pub wasm: Vec<u8>,
    /// The rule as its source says it; all of it must be the bundle's.
    pub rule: Rule,
}

impl Recompiled {
    /// Whether the bundle's rule and module are what the source says.
    pub fn agrees(&self, rule: &Rule, bundle: &Bundle) -> bool {
        self.rule == *rule && bundle.modules.get(rule.module) == Some(&self.wasm)
    }
}

/// Why a bundle's rule could not be compiled again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecompileError {
    /// The module came as it is.
    #[error("rule {rule} has no source: its module was not made from YAML, read the module itself")]
    NoSource {
        /// The rule.
        rule: String,
    },
    /// Another compiler made it.
    #[error("bundle was compiled by {found:?}, this is {COMPILER:?}: use that version")]
    AnotherCompiler {
        /// The bundle's.
        found: String,
    },
    /// The source does not compile here.
    #[error("source of rule {rule} does not compile: {}", first(errors))]
    Source {
        /// The rule.
        rule: String,
        /// Why.
        errors: Vec<CompileError>,
    },
}

fn first(errors: &[CompileError]) -> String {
    errors.first().map(CompileError::to_string).unwrap_or_default()
}

/// Compiles a bundle's rule again from its source and the bundle's lists.
pub fn recompile(rule: &Rule, bundle: &Bundle) -> Result<Recompiled, RecompileError> {
    let name = || rule.id.clone();
    if rule.source.is_empty() {
        return Err(RecompileError::NoSource { rule: name() });
    }
    if !bundle.compiler.split("; ").any(|compiler| compiler == COMPILER) {
        return Err(RecompileError::AnotherCompiler { found: bundle.compiler.clone() });
    }
    let compiled = compile_rule(&rule.id, &rule.source, &Tables::of(bundle));
    let compiled = compiled.map_err(|errors| RecompileError::Source { rule: name(), errors })?;
    let index = |id: &String| {
        (0..bundle.list_count()).find(|index| bundle.list_id(*index) == Some(id.as_str()))
    };
    let lists = compiled.lists.iter().filter_map(index).collect();
    let again = compiled.to_rule(rule.module, lists);
    let CompiledRule { program, wasm, .. } = compiled;
    let program = program.ok_or_else(|| RecompileError::NoSource { rule: name() })?;
    Ok(Recompiled { program, wasm, rule: again })
}

/// What an unknown list is told; when the rulebook's own files are wrong it is told nothing.
pub(crate) const ONE_OF: &str = "the id of one of the rulebook's ";
/// Exported function of our modules.
const ENTRY: &str = "evaluate";
