//! A rule's lists for the interpreter, by the rule's own list numbers, out of a bundle. The VM has
//! its own way to them; that both find the same is what comparing the two engines tests.

use std::sync::Arc;

use rules::{Bundle, Rule};

use crate::interpret::Lists;
use crate::typed::Mode;

/// The lists of names of a bundle, ready to be asked; building them is what costs.
#[derive(Debug)]
pub struct NameIndexes(Vec<screen::Index>);

impl NameIndexes {
    /// Indexes all of a bundle's lists of names.
    pub fn of(bundle: &Bundle) -> Self {
        let index = |names: &Arc<screen::Snapshot>| screen::Index::build(names.clone());
        Self(bundle.names.iter().map(index).collect())
    }
}

/// The lists that one rule of a bundle may ask.
#[derive(Debug, Clone, Copy)]
pub struct RuleLists<'b> {
    /// The bundle.
    pub bundle: &'b Bundle,
    /// Its lists of names.
    pub names: &'b NameIndexes,
    /// The rule.
    pub rule: &'b Rule,
}

impl RuleLists<'_> {
    fn index(&self, list: u32) -> Option<usize> {
        self.rule.lists.get(list as usize).copied()
    }

    fn names(&self, list: u32) -> Option<&screen::Index> {
        self.names.0.get(self.index(list)?.checked_sub(self.bundle.lists.len())?)
    }
}

impl Lists for RuleLists<'_> {
    fn contains(&self, list: u32, text: &str) -> bool {
        let list = self.index(list).and_then(|index| self.bundle.lists.get(index));
        list.is_some_and(|list| list.contains(text))
    }

    fn sees_whole(&self, name: &str, mode: Mode) -> bool {
        screen::Index::sees_whole(name, screen_mode(mode))
    }

    fn screen(
        &self,
        list: u32,
        name: &str,
        birth: Option<i32>,
        threshold: u16,
        mode: Mode,
    ) -> Option<(u16, u32)> {
        let mode = screen_mode(mode);
        let query = screen::Query { name, birth, mode, threshold };
        // A scan, so that the index is checked too.
        best(&self.names(list)?.screen_brute_force(&query))
    }

    fn screen_id(&self, list: u32, text: &str) -> Option<(u16, u32)> {
        best(&self.names(list)?.identifier(text))
    }

    fn entry_id(&self, list: u32, entry: u32) -> String {
        let entries = self.names(list).map(|index| &index.snapshot().entries);
        let entry = entries.and_then(|entries| entries.get(entry as usize));
        entry.map(|entry| entry.id.clone()).unwrap_or_default()
    }
}

fn screen_mode(mode: Mode) -> screen::Mode {
    match mode {
        Mode::Default => screen::Mode::Default,
        Mode::Ofac => screen::Mode::Ofac,
        Mode::JaroWinkler => screen::Mode::JaroWinkler,
    }
}

fn best(hits: &screen::Hits) -> Option<(u16, u32)> {
    hits.best.first().map(|hit| (hit.score, hit.entry))
}
