//! A rule pack as people write it, YAML and Wasm text, and the bundle that it makes. The same
//! files make the same bytes. It must never ignore a key that it does not know, nor read a file
//! outside the pack's directory.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use facts::Millis;
use rules::{Bundle, FUEL_MAX, ListSnapshot, MODULE_BYTES_MAX, Reason, Rule, Severity};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// A pack: the bundle, and the examples that it must satisfy.
pub(crate) struct Pack {
    pub(crate) bundle: Bundle,
    pub(crate) examples: Vec<Example>,
}

/// One example, with the rule that it belongs to.
pub(crate) struct Example {
    /// Index into the bundle's rules.
    pub(crate) rule: usize,
    pub(crate) content: ExampleFile,
}

/// An example as a pack writes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExampleFile {
    pub(crate) name: String,
    pub(crate) request: serde_json::Map<String, serde_json::Value>,
    pub(crate) outcome: String,
    pub(crate) reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RulebookFile {
    name: String,
    compiler: String,
    rules: Vec<String>,
    #[serde(default)]
    lists: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    id: String,
    version: String,
    title: String,
    jurisdiction: String,
    domain: String,
    effective_from: String,
    #[serde(default)]
    effective_to: Option<String>,
    citation: String,
    module: String,
    #[serde(default = "default_entry")]
    entry: String,
    fuel: u64,
    #[serde(default)]
    lists: Vec<String>,
    reasons: Vec<ReasonFile>,
    examples: Vec<ExampleFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReasonFile {
    severity: String,
    template: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ListFile {
    id: String,
    source: String,
    taken_at: String,
    entries: Vec<String>,
}

impl Pack {
    /// Reads `directory/rulebook.yaml` and all that it names.
    pub(crate) fn read(directory: &Path, version: u64, issued_at: Millis) -> anyhow::Result<Self> {
        let book: RulebookFile = parse(directory, "rulebook.yaml")?;
        let mut lists = Vec::with_capacity(book.lists.len());
        for name in &book.lists {
            lists.push(read_list(directory, name).with_context(|| name.clone())?);
        }
        lists.sort_by(|a, b| a.id.cmp(&b.id));
        let mut drafts = Vec::with_capacity(book.rules.len());
        // By hash, as the bundle sorts them; rules with one module share it.
        let mut modules = BTreeMap::new();
        for name in &book.rules {
            let draft = read_rule(directory, name, &lists).with_context(|| name.clone())?;
            modules.insert(rules::module_hash(&draft.wasm), draft.wasm.clone());
            drafts.push(draft);
        }
        drafts.sort_by(|a, b| a.order().cmp(&b.order()));
        let (mut rules, mut examples) = (Vec::new(), Vec::new());
        for (index, mut draft) in drafts.into_iter().enumerate() {
            let hash = rules::module_hash(&draft.wasm);
            draft.rule.module = modules.range(..hash).count();
            rules.push(draft.rule);
            let own = draft.examples.into_iter();
            examples.extend(own.map(|content| Example { rule: index, content }));
        }
        let (name, compiler) = (book.name, book.compiler);
        let modules = modules.into_values().collect();
        let bundle = Bundle { name, version, issued_at, compiler, modules, rules, lists, names: Vec::new() };
        Ok(Self { bundle, examples })
    }
}

struct Draft {
    rule: Rule,
    wasm: Vec<u8>,
    examples: Vec<ExampleFile>,
}

impl Draft {
    fn order(&self) -> (&str, Millis) {
        (&self.rule.id, self.rule.effective_from)
    }
}

fn read_rule(directory: &Path, name: &str, lists: &[ListSnapshot]) -> anyhow::Result<Draft> {
    let file: RuleFile = parse(directory, name)?;
    if file.examples.is_empty() {
        bail!("examples: expected at least one, a rule without examples is not built");
    }
    if file.fuel == 0 || file.fuel > FUEL_MAX {
        bail!("fuel: expected 1 to {FUEL_MAX}, found {}", file.fuel);
    }
    let reasons = file.reasons.into_iter().map(read_reason).collect::<anyhow::Result<_>>()?;
    let list_of = |id: &String| {
        let index = lists.iter().position(|list| list.id == *id);
        index.ok_or_else(|| anyhow!("lists: {id} is not in rulebook.yaml: add its file there"))
    };
    let rule = Rule {
        version: file.version,
        title: file.title,
        jurisdiction: file.jurisdiction,
        domain: file.domain,
        effective_from: time("effective_from", &file.effective_from)?,
        effective_to: file.effective_to.map(|end| time("effective_to", &end)).transpose()?,
        citation: file.citation,
        module: 0,
        entry: file.entry,
        fuel: file.fuel,
        lists: file.lists.iter().map(list_of).collect::<anyhow::Result<_>>()?,
        reasons,
        source: String::new(),
        id: file.id,
    };
    let wasm = assemble(directory, &file.module).with_context(|| file.module.clone())?;
    Ok(Draft { rule, wasm, examples: file.examples })
}

fn read_reason(file: ReasonFile) -> anyhow::Result<Reason> {
    let severity = Severity::from_name(&file.severity).ok_or_else(|| {
        let found = &file.severity;
        anyhow!("severity: expected info, low, medium, high or critical, found {found:?}")
    })?;
    Ok(Reason { severity, template: file.template })
}

fn read_list(directory: &Path, name: &str) -> anyhow::Result<ListSnapshot> {
    let file: ListFile = parse(directory, name)?;
    let mut entries = file.entries;
    entries.sort_unstable();
    if let Some(pair) = entries.windows(2).find(|pair| pair[0] == pair[1]) {
        bail!("entries: {:?} stands there twice: remove one", pair[0]);
    }
    let taken_at = time("taken_at", &file.taken_at)?;
    Ok(ListSnapshot { id: file.id, source: file.source, taken_at, entries })
}

/// Wasm text, or Wasm as it is.
fn assemble(directory: &Path, name: &str) -> anyhow::Result<Vec<u8>> {
    let source = super::read(&directory.join(plain(name)?))?;
    let wasm = wat::parse_bytes(&source)?.into_owned();
    if wasm.len() > MODULE_BYTES_MAX {
        bail!("module has {} bytes, at most {MODULE_BYTES_MAX} are allowed", wasm.len());
    }
    Ok(wasm)
}

fn parse<T: DeserializeOwned>(directory: &Path, name: &str) -> anyhow::Result<T> {
    let path = directory.join(plain(name)?);
    let text = String::from_utf8(super::read(&path)?);
    let text = text.with_context(|| format!("{} is not UTF-8", path.display()))?;
    // Else the country NO would be a boolean.
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(&text, options)
        .with_context(|| format!("cannot read {}", path.display()))
}

/// A name of a file in the pack, and of nothing elsewhere.
fn plain(name: &str) -> anyhow::Result<&str> {
    if name.is_empty() || name.contains(['/', '\\']) || name == ".." {
        bail!("expected the name of a file in the pack's directory, found {name:?}");
    }
    Ok(name)
}

fn time(field: &str, text: &str) -> anyhow::Result<Millis> {
    Millis::parse(text).map_err(|error| anyhow!("{field}: {error}; {}", error.remedy()))
}

fn default_entry() -> String {
    "evaluate".to_owned()
}
