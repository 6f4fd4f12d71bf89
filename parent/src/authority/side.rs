//! A bundle file or a pack's directory: what commands that only look take either of.

use std::path::Path;

use anyhow::{Context as _, anyhow, bail};
use compiler::pack::{CompiledRule, Pack, Tables, compile_rule};
use facts::Millis;
use rules::{Bundle, SignedBundle};

use super::folder::Folder;
use super::problems;

/// Rules with what they were made from.
pub(crate) struct Side {
    /// The content.
    pub(crate) bundle: Bundle,
    /// For each rule of the bundle what its source compiles to; none of a module made elsewhere.
    pub(crate) rules: Vec<Option<CompiledRule>>,
}

impl Side {
    /// Reads a directory with a rulebook, a rule file of one, or a bundle, signed or not.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Side> {
        if path.is_dir() || path.extension().is_some_and(|end| end == "yaml" || end == "yml") {
            let folder = Folder::find(path)?;
            return Self::of_pack(read_pack(&folder)?);
        }
        let bytes = super::read(path)?;
        let name = path.display();
        let bundle = SignedBundle::parse_unverified(&bytes).with_context(|| {
            format!("{name} is neither a bundle nor a directory with a rulebook.yaml")
        })?;
        Self::of_bundle(bundle).with_context(|| format!("{name}"))
    }

    fn of_pack(pack: Pack) -> anyhow::Result<Side> {
        let bundle = pack.bundle(0, Millis(0));
        Ok(Side { bundle, rules: pack.rules.into_iter().map(Some).collect() })
    }

    /// The rules of a bundle, compiled from their sources.
    pub(crate) fn of_bundle(bundle: Bundle) -> anyhow::Result<Side> {
        let tables = Tables::of(&bundle);
        let mut rules = Vec::with_capacity(bundle.rules.len());
        for rule in &bundle.rules {
            if rule.source.is_empty() {
                rules.push(None);
                continue;
            }
            let compiled = compile_rule(&rule.id, &rule.source, &tables);
            let compiled = compiled.map_err(|errors| {
                let first = errors.first().map(ToString::to_string).unwrap_or_default();
                anyhow!("{first}; a bundle of another compiler version needs that version")
            })?;
            rules.push(Some(compiled));
        }
        Ok(Side { bundle, rules })
    }

    /// The rule of an id, the last version when there are several; `id@version` for another.
    pub(crate) fn find(&self, wanted: &str) -> anyhow::Result<usize> {
        let (id, version) = wanted.split_once('@').unwrap_or((wanted, ""));
        let rules = self.bundle.rules.iter().enumerate();
        let mut found = rules
            .filter(|(_, rule)| rule.id == id && (version.is_empty() || rule.version == version));
        match found.next_back() {
            Some((index, _)) => Ok(index),
            None => {
                let known: Vec<_> = self.bundle.rules.iter().map(|rule| &*rule.id).collect();
                bail!("there is no rule {wanted:?}: name one of {}", known.join(", "))
            }
        }
    }
}

/// A pack, or all of its problems as a text.
pub(crate) fn read_pack(folder: &Folder) -> anyhow::Result<Pack> {
    let wanted = |name: &str| folder.only.as_ref().is_none_or(|only| only == name);
    let pack = Pack::read_some(folder, wanted);
    let pack = pack.map_err(|errors| anyhow!(problems::describe(folder, &errors)))?;
    if let Some(only) = folder.only.as_ref().filter(|_| pack.rules.is_empty()) {
        bail!("rulebook.yaml does not name {only} under `rules`: add it there");
    }
    Ok(pack)
}
