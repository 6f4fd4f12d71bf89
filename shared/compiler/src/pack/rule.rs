//! A rule file: YAML in, a draft with its examples out (LANGUAGE.md, section 1). It must never
//! ignore a key, and says everything that is wrong with a file at once.

use rules::{FUEL_MAX, Outcome, Reason, SOURCE_BYTES_MAX, Severity};

use super::boundary::{self, Boundary};
use super::example::{self, Example};
use super::header::{self, Header};
use super::pieces::Pieces;
use super::report::{Fields, Report};
use super::table;
use crate::CompileError;
use crate::draft::{Draft, DraftCase, DraftDecision, Located, Param};
use crate::front::{CASES_MAX, LETS_MAX};
use crate::typed::Span;
use crate::yaml::{Node, Value};

/// A rule file, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFile {
    /// What it says of the rule as a whole.
    pub header: Header,
    /// What decides.
    pub body: Body,
    /// Facts that an examiner will ask for.
    pub evidence: Vec<String>,
    /// Ids of the lists that it may ask.
    pub lists: Vec<Located>,
    /// Ids of the calendars that it may use.
    pub calendars: Vec<Located>,
    /// Ids of the rate tables that it may use.
    pub rates: Vec<Located>,
    /// Its examples.
    pub examples: Vec<Example>,
    /// What the author says of its thresholds.
    pub boundaries: Vec<Boundary>,
    /// Where composed expressions stand in the file.
    pub pieces: Pieces,
}

/// What decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Expressions; calendars and rates are not filled in yet.
    Cases(Box<Draft>),
    /// A module made elsewhere.
    Foreign(Foreign),
}

/// A module made elsewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Foreign {
    /// Name of its file.
    pub module: Located,
    /// Exported function that decides.
    pub entry: String,
    /// Fuel limit.
    pub fuel: u64,
    /// Reasons by code.
    pub reasons: Vec<Reason>,
}

/// Keys of a rule file.
pub const RULE_KEYS: [&str; 24] = [
    "id",
    "version",
    "title",
    "jurisdiction",
    "domain",
    "effective_from",
    "effective_to",
    "citation",
    "params",
    "let",
    "cases",
    "table",
    "otherwise",
    "missing",
    "evidence",
    "lists",
    "calendars",
    "rates",
    "boundaries",
    "examples",
    "module",
    "entry",
    "fuel",
    "reasons",
];

impl RuleFile {
    /// Reads a rule file.
    pub fn parse(file: &str, source: &str) -> Result<RuleFile, Vec<CompileError>> {
        // Reading on would take a time that grows with the square of the length.
        if source.len() > SOURCE_BYTES_MAX {
            let expected = format!("a rule file of at most {SOURCE_BYTES_MAX} bytes");
            let hint = "the bundle holds it as it is: move long comments elsewhere";
            let found = format!("{} bytes", source.len());
            return Err(vec![CompileError::pack(file, Span::WHOLE_FILE, expected, found, hint)]);
        }
        let node = Node::parse(file, source, super::FILE_BYTES_MAX).map_err(|error| vec![error])?;
        let mut report = Report::of(file);
        let rule = read(&node, source, &mut report);
        report.finish(rule)
    }

    /// Its parameters in the order of the file; none of a module made elsewhere.
    pub fn params(&self) -> &[Param] {
        match &self.body {
            Body::Cases(draft) => &draft.params,
            Body::Foreign(_) => &[],
        }
    }
}

fn read(node: &Node, source: &str, report: &mut Report) -> Option<RuleFile> {
    let fields = report.fields("a rule file", &RULE_KEYS, node)?;
    debug_assert!(header::KEYS.iter().all(|key| RULE_KEYS.contains(key)));
    let mut pieces = Pieces::default();
    let header = header::read(&fields, report);
    let body = match fields.find("module") {
        Some(module) => foreign(module, &fields, report).map(Body::Foreign),
        None => {
            cases(&fields, source, &mut pieces, report).map(|draft| Body::Cases(Box::new(draft)))
        }
    };
    let mut ids = |key| {
        let ids = fields.find(key).map(|node| report.texts("ids", node)).unwrap_or_default();
        unique(&ids, key, report);
        ids
    };
    let (lists, calendars, rates) = (ids("lists"), ids("calendars"), ids("rates"));
    let evidence = evidence(&fields, report);
    let examples = example::read_all(&fields, report);
    let boundaries = boundary::read_all(&fields, report);
    let (header, mut body) = (header?, body?);
    if let Body::Cases(draft) = &mut body {
        draft.lists = lists.iter().map(|id| id.text.clone()).collect();
        draft.lists.sort_unstable();
    }
    Some(RuleFile { header, body, evidence, lists, calendars, rates, examples, boundaries, pieces })
}

/// A rule in the language of expressions.
fn cases(
    fields: &Fields<'_>,
    source: &str,
    pieces: &mut Pieces,
    report: &mut Report,
) -> Option<Draft> {
    for key in ["entry", "fuel", "reasons"] {
        if let Some(key) = fields.key(key) {
            let hint = "the compiler finds it itself: remove the line";
            let found = format!("`{}` without `module`", key.text);
            report.pack(key.span(), "keys of a rule with cases", found, hint);
        }
    }
    let params = params(fields, report);
    let lets = lets(fields, source, pieces, report);
    let cases = match (fields.find("cases"), fields.find("table")) {
        (Some(node), None) => Some(case_list(node, source, pieces, report)),
        (None, Some(node)) => table::read(node, source, pieces, report),
        (Some(_), Some(node)) => {
            report.pack(node.span, "`cases` or `table`", "both", "move the rows into cases");
            None
        }
        (None, None) => {
            let hint = "a rule has at least one case";
            report.pack(fields.span, "`cases`, `table` or `module`", "none of them", hint);
            None
        }
    };
    let severity = fields.find("missing").and_then(|node| report.text("a severity", node));
    let missing_severity = match severity {
        Some(text) => severity_of(&text, report)?,
        None => Severity::High,
    };
    let otherwise = report.required(fields, "otherwise").and_then(|node| {
        let fields = report.fields("an answer", &["outcome", "severity", "reason"], node)?;
        decision(&fields, Some((Outcome::Pass, Severity::Info)), source, pieces, report)
    });
    Some(Draft {
        params,
        lets,
        cases: cases?,
        otherwise: otherwise?,
        missing_severity,
        lists: Vec::new(),
        calendars: Vec::new(),
        rates: Vec::new(),
    })
}

/// Entries of a mapping in the order of the file.
fn entries<'n>(fields: &Fields<'n>, key: &str, report: &mut Report) -> &'n [(Located, Node)] {
    match fields.find(key).map(|node| (&node.value, node)) {
        None | Some((Value::Null, _)) => &[],
        Some((Value::Map(entries), _)) => entries,
        Some((_, node)) => {
            let hint = format!("under `{key}:` write `name: …`, one on each line");
            report.pack(node.span, "names with what they stand for", node.describe(), hint);
            &[]
        }
    }
}

fn params(fields: &Fields<'_>, report: &mut Report) -> Vec<Param> {
    let entries = entries(fields, "params", report).iter();
    entries.filter_map(|(name, node)| param(name, node, report)).collect()
}

fn param(name: &Located, node: &Node, report: &mut Report) -> Option<Param> {
    let fields = report.fields("a parameter", &["type", "value"], node)?;
    let ty = report.required(&fields, "type")?;
    let ty = match &ty.value {
        // `[string]` without quotes is a list with one text.
        Value::List(list) if list.len() == 1 => {
            let element = report.text("the type of the elements", &list[0])?;
            Located { text: format!("[{}]", element.text), ..element }
        }
        _ => report.text("a type", ty)?,
    };
    let value = report.required(&fields, "value")?;
    let (value, is_list) = match &value.value {
        Value::List(_) => (report.texts("values", value), true),
        _ => (vec![report.text("a value", value)?], false),
    };
    Some(Param { name: name.clone(), ty, value, is_list })
}

fn lets(
    fields: &Fields<'_>,
    source: &str,
    pieces: &mut Pieces,
    report: &mut Report,
) -> Vec<(Located, Located)> {
    let entries = entries(fields, "let", report);
    if entries.len() > LETS_MAX {
        let expected = format!("at most {LETS_MAX} names in `let`");
        report.pack(fields.span, expected, format!("{}", entries.len()), FEWER);
        return Vec::new();
    }
    let read = |(name, node): &(Located, Node)| {
        let text = report.text("an expression", node)?;
        Some((name.clone(), pieces.expression(&text, source)))
    };
    entries.iter().filter_map(read).collect()
}

fn case_list(
    node: &Node,
    source: &str,
    pieces: &mut Pieces,
    report: &mut Report,
) -> Vec<DraftCase> {
    let list = report.list("a list of cases", node);
    if list.is_empty() {
        report.pack(node.span, "at least one case", "none", "");
    }
    if list.len() > CASES_MAX {
        let expected = format!("at most {CASES_MAX} cases");
        report.pack(node.span, expected, format!("{}", list.len()), FEWER);
        return Vec::new();
    }
    let mut read = |node: &Node| {
        let fields = report.fields("a case", &["when", "outcome", "severity", "reason"], node)?;
        let when = report.required_text(&fields, "when");
        let decision = decision(&fields, None, source, pieces, report);
        Some(DraftCase { when: pieces.expression(&when?, source), decision: decision? })
    };
    list.iter().filter_map(&mut read).collect()
}

/// Outcome, severity and reason; a pass needs no severity.
pub(crate) fn decision(
    fields: &Fields<'_>,
    default: Option<(Outcome, Severity)>,
    source: &str,
    pieces: &mut Pieces,
    report: &mut Report,
) -> Option<DraftDecision> {
    let outcome = match (fields.find("outcome"), default) {
        (None, Some((outcome, _))) => Some(outcome),
        _ => report.required_text(fields, "outcome").and_then(|text| outcome_of(&text, report)),
    };
    let severity = match (fields.find("severity"), default, outcome) {
        (None, Some((_, severity)), _) => Some(severity),
        (None, None, Some(Outcome::Pass)) => Some(Severity::Info),
        _ => report.required_text(fields, "severity").and_then(|text| severity_of(&text, report)),
    };
    let reason = report.required_text(fields, "reason");
    let reason = pieces.prose(&reason?, source);
    Some(DraftDecision { outcome: outcome?, severity: severity?, reason })
}

/// An outcome that a rule may give.
pub(crate) fn outcome_of(text: &Located, report: &mut Report) -> Option<Outcome> {
    let parse = |name: &str| Outcome::from_name(name).filter(|outcome| *outcome != Outcome::Error);
    report.named("an outcome", text, &OUTCOMES, parse)
}

fn severity_of(text: &Located, report: &mut Report) -> Option<Severity> {
    report.named("a severity", text, &SEVERITIES, Severity::from_name)
}

/// Outcomes that a rule may give.
pub const OUTCOMES: [&str; 5] = ["pass", "report", "review", "block", "missing_data"];
/// Severities.
pub const SEVERITIES: [&str; 5] = ["info", "low", "medium", "high", "critical"];

/// What to do about too much in one rule.
pub(crate) const FEWER: &str = "split the rule into several";

fn evidence(fields: &Fields<'_>, report: &mut Report) -> Vec<String> {
    let Some(node) = fields.find("evidence") else { return Vec::new() };
    let names = report.texts("facts", node);
    let known = || facts::FIELDS.iter().map(|field| field.name).chain(["as_of", "history"]);
    let mut sound = Vec::with_capacity(names.len());
    for name in names {
        if known().any(|known| known == name.text) {
            sound.push(name.text);
        } else {
            let hint = super::report::did_you_mean(&name.text, known());
            report.pack(name.span(), "a fact", facts::shown(&name.text), hint);
        }
    }
    sound
}

fn unique(ids: &[Located], key: &str, report: &mut Report) {
    for (index, id) in ids.iter().enumerate() {
        if ids[..index].iter().any(|earlier| earlier.text == id.text) {
            let found = format!("{} twice in `{key}`", facts::shown(&id.text));
            report.pack(id.span(), "each id once", found, "remove one");
        }
    }
}

fn foreign(module: &Node, fields: &Fields<'_>, report: &mut Report) -> Option<Foreign> {
    for key in ["params", "let", "cases", "table", "otherwise", "missing"] {
        if let Some(key) = fields.key(key) {
            let found = format!("`{}` beside `module`", key.text);
            report.pack(key.span(), "keys of a rule with a module", found, "remove one of them");
        }
    }
    let module = report.text("the name of a file", module);
    let entry = report.optional_text(fields, "entry");
    let fuel = report.required_text(fields, "fuel").and_then(|text| {
        let fuel = text.text.parse().ok().filter(|fuel| (1..=FUEL_MAX).contains(fuel));
        if fuel.is_none() {
            let expected = format!("a fuel limit of 1 to {FUEL_MAX}");
            report.pack(text.span(), expected, facts::shown(&text.text), "");
        }
        fuel
    });
    let reasons = report.required(fields, "reasons")?;
    let list = report.list("a list of reasons", reasons);
    let reasons = list.iter().filter_map(|node| {
        let fields = report.fields("a reason", &["severity", "template"], node)?;
        let severity = report.required_text(&fields, "severity");
        let severity = severity.and_then(|text| severity_of(&text, report));
        let template = header::prose(&fields, "template", report);
        Some(Reason { severity: severity?, template: template?.text })
    });
    let reasons = reasons.collect();
    let entry = entry.map_or_else(|| "evaluate".to_owned(), |text| text.text);
    Some(Foreign { module: module?, entry, fuel: fuel?, reasons })
}
