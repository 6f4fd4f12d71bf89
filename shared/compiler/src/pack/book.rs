//! A rulebook: the file that names all others, and what they make together (LANGUAGE.md,
//! section 9). The same files make the same bundle. It must never follow a name out of the pack.

use std::collections::BTreeMap;
use std::sync::Arc;

use facts::Millis;
use rules::{Bundle, ListSnapshot, MODULE_BYTES_MAX};

use super::compile::{COMPILER, CompiledRule, ONE_OF, Tables, compile_rule};
use super::header::name;
use super::report::{Fields, Report};
use super::rule::Body;
use super::{FILE_BYTES_MAX, tables};
use crate::CompileError;
use crate::draft::Located;
use crate::typed::Span;
use crate::yaml::Node;

/// The files of a pack, by their names in it.
pub trait Files {
    /// The bytes of a file. The name has passed `is_inside`.
    fn read(&self, name: &str) -> Result<Vec<u8>, String>;

    /// The module of a Wasm text.
    fn assemble(&self, name: &str, bytes: Vec<u8>) -> Result<Vec<u8>, String> {
        match bytes.starts_with(b"\0asm") {
            true => Ok(bytes),
            false => Err(format!("{name} is no Wasm module")),
        }
    }
}

/// Name of the file that names all others.
pub const RULEBOOK: &str = "rulebook.yaml";
/// Keys of a rulebook.
pub const RULEBOOK_KEYS: [&str; 7] =
    ["name", "compiler", "rules", "lists", "names", "calendars", "rates"];

/// A pack: all that a bundle holds but its version and time.
#[derive(Debug, Clone, PartialEq)]
pub struct Pack {
    /// Name of the rulebook.
    pub name: String,
    /// What made the modules.
    pub compiler: String,
    /// Rules, sorted by id and effective date.
    pub rules: Vec<CompiledRule>,
    /// Plain lists, calendars and rate tables as lines, sorted by id.
    pub lists: Vec<ListSnapshot>,
    /// Lists of names, sorted by id.
    pub names: Vec<Arc<screen::Snapshot>>,
}

/// What rulebook.yaml says.
struct Book {
    name: String,
    compiler: Option<String>,
    rules: Vec<Located>,
    lists: Vec<Located>,
    names: Vec<Located>,
    calendars: Vec<Located>,
    rates: Vec<Located>,
}

impl Pack {
    /// Reads rulebook.yaml and all that it names; every problem of every file at once.
    pub fn read(files: &dyn Files) -> Result<Pack, Vec<CompileError>> {
        Self::read_some(files, |_| true)
    }

    /// The same with those rule files only whose name is wanted.
    pub fn read_some(
        files: &dyn Files,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Pack, Vec<CompileError>> {
        let book = bytes(files, RULEBOOK).and_then(|bytes| text_of(RULEBOOK, bytes))?;
        let book = Book::parse(&book)?;
        let mut reading = Reading { files, errors: Vec::new(), lacks_lists: false };
        let lists = reading.lists(&book);
        let names = reading.names(&book);
        reading.unique_ids(&lists, &names);
        let tables = Tables::of_lists(&lists, &names);
        reading.lacks_lists = !reading.errors.is_empty();
        let mut rules = Vec::new();
        for file in book.rules.iter().filter(|file| wanted(&file.text)) {
            rules.extend(reading.rule(file, &tables));
        }
        let order = |rule: &CompiledRule| {
            let header = &rule.read.header;
            (header.id.clone(), header.effective_from)
        };
        rules.sort_by_key(order);
        if !reading.errors.is_empty() {
            return Err(reading.errors);
        }
        let ours = rules.iter().any(|rule| matches!(rule.read.body, Body::Cases(_)));
        let compiler = match (ours, book.compiler) {
            (true, None) => COMPILER.to_owned(),
            (true, Some(other)) => format!("{COMPILER}; {other}"),
            (false, other) => other.unwrap_or_else(|| "not named".to_owned()),
        };
        Ok(Pack { name: book.name, compiler, rules, lists, names })
    }

    /// The bundle's content.
    pub fn bundle(&self, version: u64, issued_at: Millis) -> Bundle {
        // By hash, as the bundle sorts them; rules with one module share it.
        let modules = self.rules.iter().map(|rule| (rules::module_hash(&rule.wasm), &rule.wasm));
        let modules: BTreeMap<_, _> = modules.collect();
        let index = |id: &String| {
            let plain = self.lists.iter().position(|list| list.id == *id);
            let names = || self.names.iter().position(|names| names.id == *id);
            plain.or_else(|| Some(self.lists.len() + names()?))
        };
        let rule = |rule: &CompiledRule| {
            let module = modules.range(..rules::module_hash(&rule.wasm)).count();
            rule.to_rule(module, rule.lists.iter().filter_map(index).collect())
        };
        Bundle {
            name: self.name.clone(),
            version,
            issued_at,
            compiler: self.compiler.clone(),
            rules: self.rules.iter().map(rule).collect(),
            modules: modules.into_values().cloned().collect(),
            lists: self.lists.clone(),
            names: self.names.clone(),
        }
    }
}

impl Book {
    fn parse(source: &str) -> Result<Book, Vec<CompileError>> {
        let node = Node::parse(RULEBOOK, source, FILE_BYTES_MAX).map_err(|error| vec![error])?;
        let mut report = Report::of(RULEBOOK);
        let book = Self::read(&node, &mut report);
        report.finish(book)
    }

    fn read(node: &Node, report: &mut Report) -> Option<Book> {
        let fields = report.fields("a rulebook", &RULEBOOK_KEYS, node)?;
        let name = name(&fields, "name", report);
        let compiler = report.optional_text(&fields, "compiler").map(|text| text.text);
        report.required(&fields, "rules");
        let mut files = |key| file_names(&fields, key, report);
        let (rules, lists, names) = (files("rules"), files("lists"), files("names"));
        let (calendars, rates) = (files("calendars"), files("rates"));
        Some(Book { name: name?.text, compiler, rules, lists, names, calendars, rates })
    }
}

fn file_names(fields: &Fields<'_>, key: &str, report: &mut Report) -> Vec<Located> {
    let Some(node) = fields.find(key) else { return Vec::new() };
    let mut names: Vec<Located> = Vec::new();
    for name in report.texts("names of files", node) {
        if !is_inside(&name.text) {
            let found = facts::shown(&name.text);
            let hint = "write `folder/file.yaml`, without `..` and without a leading `/`";
            report.pack(name.span(), "a file in the pack's directory", found, hint);
        } else if names.iter().any(|known| known.text == name.text) {
            let found = format!("{} twice", facts::shown(&name.text));
            report.pack(name.span(), "each file once", found, "remove one");
        } else {
            names.push(name);
        }
    }
    names
}

/// Whether a name stays inside the pack's directory.
pub fn is_inside(name: &str) -> bool {
    let plain = |part: &str| !matches!(part, "" | "." | "..");
    !name.contains(['\\', ':', '\0']) && name.split('/').all(plain)
}

/// What is read so far, and what is wrong with it.
struct Reading<'f> {
    files: &'f dyn Files,
    errors: Vec<CompileError>,
    /// Whether a list could not be read: a rule that asks it is not to blame.
    lacks_lists: bool,
}

impl Reading<'_> {
    fn keep<T>(&mut self, read: Result<T, Vec<CompileError>>) -> Option<T> {
        match read {
            Ok(value) => return Some(value),
            Err(errors) => self.errors.extend(errors),
        }
        None
    }

    fn lists(&mut self, book: &Book) -> Vec<ListSnapshot> {
        let mut lists = Vec::new();
        for file in &book.lists {
            let read = self.named(file, tables::parse_list);
            lists.extend(read);
        }
        for file in &book.calendars {
            lists.extend(self.named(file, tables::parse_calendar).map(|(_, lines)| lines));
        }
        for file in &book.rates {
            lists.extend(self.named(file, tables::parse_rates).map(|(_, lines)| lines));
        }
        lists.sort_by(|a, b| a.id.cmp(&b.id));
        lists
    }

    /// A file that the rulebook names, parsed.
    fn named<T>(
        &mut self,
        file: &Located,
        parse: impl FnOnce(&str, &str) -> Result<T, Vec<CompileError>>,
    ) -> Option<T> {
        let source = self.text(file)?;
        self.keep(parse(&file.text, &source))
    }

    fn text(&mut self, file: &Located) -> Option<String> {
        let read = bytes(self.files, &file.text).map_err(|errors| at_name(errors, file));
        self.keep(read.and_then(|bytes| text_of(&file.text, bytes)))
    }

    fn names(&mut self, book: &Book) -> Vec<Arc<screen::Snapshot>> {
        let mut names: Vec<Arc<screen::Snapshot>> = Vec::new();
        for file in &book.names {
            let bytes = self.files.read(&file.text);
            let parsed = bytes.and_then(|bytes| {
                screen::Snapshot::parse(&bytes).map_err(|error| error.to_string())
            });
            let hint = "make it with `probity rules list`";
            let expected = "a list of names";
            let parsed = parsed.map_err(|said| {
                vec![CompileError::pack(RULEBOOK, file.span(), expected, said, hint)]
            });
            names.extend(self.keep(parsed).map(Arc::new));
        }
        names.sort_by(|a, b| a.id.cmp(&b.id));
        names
    }

    fn unique_ids(&mut self, lists: &[ListSnapshot], names: &[Arc<screen::Snapshot>]) {
        let mut ids: Vec<&str> = lists.iter().map(|list| &*list.id).collect();
        ids.extend(names.iter().map(|names| &*names.id));
        ids.sort_unstable();
        for pair in ids.windows(2).filter(|pair| pair[0] == pair[1]) {
            let found = format!("{} in two files", facts::shown(pair[0]));
            let expected = "one id for each list, calendar and rate table";
            let at = Span::WHOLE_FILE;
            self.errors.push(CompileError::pack(RULEBOOK, at, expected, found, "rename one"));
        }
    }

    fn rule(&mut self, file: &Located, tables: &Tables) -> Option<CompiledRule> {
        let source = self.text(file)?;
        let mut compiled = compile_rule(&file.text, &source, tables);
        if let Err(errors) = &mut compiled
            && self.lacks_lists
        {
            errors.retain(|error| !error.expected.starts_with(ONE_OF));
        }
        let mut rule = self.keep(compiled)?;
        if let Body::Foreign(foreign) = &rule.read.body {
            let module = foreign.module.clone();
            let wasm = self.module(&file.text, &module);
            rule.wasm = self.keep(wasm)?;
        }
        Some(rule)
    }

    /// A module's name is relative to the rule file that names it.
    fn module(&self, file: &str, module: &Located) -> Result<Vec<u8>, Vec<CompileError>> {
        let fail = |expected: &str, found: String| {
            Err(vec![CompileError::pack(file, module.span(), expected, found, "")])
        };
        let folder = file.rsplit_once('/').map(|(folder, _)| format!("{folder}/"));
        let name = folder.unwrap_or_default() + &module.text;
        if !is_inside(&name) {
            return fail("a file in the pack's directory", facts::shown(&module.text));
        }
        let bytes = self.files.read(&name);
        match bytes.and_then(|bytes| self.files.assemble(&name, bytes)) {
            Ok(wasm) if wasm.len() <= MODULE_BYTES_MAX => Ok(wasm),
            Ok(wasm) => {
                let expected = format!("a module of at most {MODULE_BYTES_MAX} bytes");
                fail(&expected, format!("{} bytes", wasm.len()))
            }
            Err(said) => fail("a Wasm module", said),
        }
    }
}

/// The bytes of a file, or why there are none.
fn bytes(files: &dyn Files, name: &str) -> Result<Vec<u8>, Vec<CompileError>> {
    files.read(name).map_err(|said| {
        vec![CompileError::pack(name, Span::WHOLE_FILE, "a file that can be read", said, "")]
    })
}

fn text_of(name: &str, bytes: Vec<u8>) -> Result<String, Vec<CompileError>> {
    if bytes.len() > FILE_BYTES_MAX {
        let expected = format!("a file of at most {FILE_BYTES_MAX} bytes");
        let found = format!("{} bytes", bytes.len());
        return Err(vec![CompileError::pack(name, Span::WHOLE_FILE, expected, found, "")]);
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let before = error.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count();
        let span = Span { line: before as u32 + 1, column: 1, length: 1 };
        vec![CompileError::pack(name, span, "UTF-8", "other bytes", "save the file as UTF-8")]
    })
}

/// A file that cannot be read is an error of the line that names it.
fn at_name(errors: Vec<CompileError>, file: &Located) -> Vec<CompileError> {
    let place = |error: CompileError| CompileError {
        file: RULEBOOK.to_owned(),
        span: file.span(),
        found: format!("{}: {}", file.text, error.found),
        ..error
    };
    errors.into_iter().map(place).collect()
}
