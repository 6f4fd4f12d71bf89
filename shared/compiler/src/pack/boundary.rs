//! Boundaries: three examples for a threshold, just under, equal, just over, made from one example
//! of the author's. The author writes what the rule has to say of each. It must never make a value
//! up that the author cannot see.

use rules::Outcome;

use super::report::{Fields, Report};
use super::rule::{RuleFile, outcome_of};
use super::vary::{Row, Unmade, Varied, make};
use crate::draft::Located;
use crate::typed::Span;
use crate::yaml::Node;
use crate::{CompileError, ErrorKind};

/// What the author says of a threshold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boundary {
    /// The parameter.
    pub param: Located,
    /// How it is tested.
    pub way: Way,
}

/// How a threshold is tested.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// Three rows are made from an example.
    Generated(Box<Generated>),
    /// The author wrote these examples for it.
    Examples(Vec<Located>),
}

/// What three rows are made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// What is varied: a fact, or the number of history rows.
    pub(crate) varied: Varied,
    /// The example whose other facts are used.
    pub(crate) base: Located,
    /// The middle value, when it is not the threshold itself.
    pub(crate) at: Option<Located>,
    /// The three outcomes; empty when the author has not confirmed them yet.
    pub outcomes: Vec<Outcome>,
    /// The three reasons; empty when not written.
    pub reasons: Vec<String>,
}

impl Generated {
    /// The name of the example whose other facts are used.
    pub fn base(&self) -> &str {
        &self.base.text
    }
}

/// Keys of a boundary.
pub const KEYS: [&str; 8] =
    ["param", "fact", "history", "base", "at", "outcomes", "reasons", "examples"];

/// The boundaries of a rule file.
pub(crate) fn read_all(fields: &Fields<'_>, report: &mut Report) -> Vec<Boundary> {
    let Some(node) = fields.find("boundaries") else { return Vec::new() };
    let list = report.list("a list of boundaries", node);
    list.iter().filter_map(|node| read(node, report)).collect()
}

fn read(node: &Node, report: &mut Report) -> Option<Boundary> {
    let fields = report.fields("a boundary", &KEYS, node)?;
    let param = report.required_text(&fields, "param");
    if let Some(node) = fields.find("examples") {
        let names = report.texts("names of examples", node);
        if names.len() < 2 {
            let found = format!("{} of them", names.len());
            report.pack(node.span, "examples on both sides of the threshold", found, "");
        }
        return Some(Boundary { param: param?, way: Way::Examples(names) });
    }
    let varied = match (fields.find("fact"), fields.find("history")) {
        (Some(fact), None) => report.text("a fact", fact).map(Varied::Fact),
        (None, Some(history)) => {
            let fields = report.fields("the rows that are added", &["repeat"], history)?;
            report.required(&fields, "repeat").cloned().map(Varied::Rows)
        }
        _ => {
            let expected = "one of `fact`, `history` and `examples`";
            report.pack(fields.span, expected, node.describe(), "see LANGUAGE.md, section 8");
            None
        }
    };
    let base = report.required_text(&fields, "base");
    let at = report.optional_text(&fields, "at");
    let mut three = |key| {
        let texts = fields.find(key).map(|node| report.texts(key, node)).unwrap_or_default();
        if !matches!(texts.len(), 0 | 3) {
            let expected = format!("three {key}: just under, equal, just over");
            report.pack(texts[0].span(), expected, format!("{} of them", texts.len()), "");
        }
        texts
    };
    let (outcomes, reasons) = (three("outcomes"), three("reasons"));
    let outcomes = outcomes.iter().filter_map(|text| outcome_of(text, report)).collect();
    let reasons = reasons.into_iter().map(|text| text.text).collect();
    let generated = Generated { varied: varied?, base: base?, at, outcomes, reasons };
    Some(Boundary { param: param?, way: Way::Generated(Box::new(generated)) })
}

impl Boundary {
    /// The three rows that are made for it; none when the author wrote examples of his own.
    pub fn rows(&self, file: &str, rule: &RuleFile) -> Result<Vec<Row>, CompileError> {
        let fail = |at: &Located, expected: String, found: String, hint: &str| {
            let error = CompileError::pack(file, at.span(), expected, found, hint);
            Err(CompileError { kind: ErrorKind::Example, ..error })
        };
        let examples = || rule.examples.iter().map(|example| example.name.text.as_str());
        let known = |name: &Located| rule.examples.iter().find(|e| e.name.text == name.text);
        let hint = |name: &Located| super::report::did_you_mean(&name.text, examples());
        let params = rule.params();
        let Some(param) = params.iter().find(|param| param.name.text == self.param.text) else {
            let names = params.iter().map(|param| param.name.text.as_str());
            let hint = super::report::did_you_mean(&self.param.text, names);
            return fail(&self.param, "a parameter".into(), facts::shown(&self.param.text), &hint);
        };
        let generated = match &self.way {
            Way::Generated(generated) => generated,
            Way::Examples(names) => {
                return match names.iter().find(|name| known(name).is_none()) {
                    Some(name) => fail(
                        name,
                        "the name of an example".into(),
                        facts::shown(&name.text),
                        &hint(name),
                    ),
                    None => Ok(Vec::new()),
                };
            }
        };
        let Some(base) = known(&generated.base) else {
            let base = &generated.base;
            return fail(
                base,
                "the name of an example".into(),
                facts::shown(&base.text),
                &hint(base),
            );
        };
        let made = make(&rule.header, base, param, &generated.varied, generated.at.as_ref());
        made.or_else(|Unmade(expected, found, hint)| {
            let at = match (&generated.at, &generated.varied) {
                (Some(at), _) => at,
                (None, Varied::Fact(fact)) => fact,
                (None, Varied::Rows(_)) => &self.param,
            };
            fail(at, expected, found, &hint)
        })
    }

    /// Where it stands.
    pub fn span(&self) -> Span {
        self.param.span()
    }
}
