//! Which parameters of a program are thresholds: numbers that a comparison holds against facts.
//! Each of them needs a boundary, and this says what could be varied for it.

use facts::FieldKind;

use super::boundary::Boundary;
use super::compile::CompiledRule;
use super::rule::{Body, RuleFile};
use super::vary::{Row, Varied, make};
use crate::draft::{Draft, Located, Param};
use crate::fold::parts;
use crate::front::{param_and_other_names, param_value};
use crate::typed::{Column, Expr, Kind, Program, Span, Type};
use crate::yaml::Node;

/// A parameter that is compared with facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Threshold {
    /// The parameter's name, where it is defined.
    pub param: Located,
    /// What may be varied to cross it: facts in the spelling of boundaries.
    facts: Vec<String>,
    /// Whether a number of rows is compared.
    counts_rows: bool,
}

/// A boundary that could be written, with what it would make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// The entry but for its outcomes: `param: …, fact: …, base: …`.
    pub entry: String,
    /// The three requests.
    pub rows: Vec<Row>,
}

impl CompiledRule {
    /// Thresholds for which the file has no boundary.
    pub fn thresholds_without_boundary(&self) -> Vec<Threshold> {
        let (Body::Cases(draft), Some(program)) = (&self.read.body, &self.program) else {
            return Vec::new();
        };
        let has = |param: &Located| {
            let same = |boundary: &Boundary| boundary.param.text == param.text;
            self.read.boundaries.iter().any(same)
        };
        let found = thresholds(draft, program).into_iter();
        found.filter(|threshold| !has(&threshold.param)).collect()
    }

    /// The program with a parameter one smallest step lower and one higher; a value that its type
    /// cannot have, or that makes no program, is left out.
    pub fn stepped(&self, name: &str) -> Vec<Program> {
        let Body::Cases(draft) = &self.read.body else { return Vec::new() };
        let Some(place) = draft.params.iter().position(|param| param.name.text == name) else {
            return Vec::new();
        };
        let step = |by| {
            let text = step(&draft.params[place], by)?;
            let mut draft = draft.clone();
            draft.params[place].value.first_mut()?.text = text;
            crate::front::check(&draft).ok()
        };
        [-1, 1].into_iter().filter_map(step).collect()
    }

    /// Boundaries that could be written for a threshold, likely ones first.
    pub fn proposals(&self, threshold: &Threshold) -> Vec<Proposal> {
        let params = self.read.params();
        let param = params.iter().find(|param| param.name.text == threshold.param.text);
        let Some(param) = param else { return Vec::new() };
        let mut proposals = Vec::new();
        for fact in &threshold.facts {
            propose_fact(&self.read, param, fact, &mut proposals);
        }
        if threshold.counts_rows {
            propose_rows(&self.read, param, &mut proposals);
        }
        proposals.truncate(PROPOSALS_MAX);
        proposals
    }
}

/// The value of a parameter, changed by the smallest amount.
fn step(param: &Param, by: i64) -> Option<String> {
    let value = param_value(param).ok()?;
    match (value.kind, value.ty) {
        (Kind::Int(number), Type::Int) => Some(number.checked_add(by)?.to_string()),
        (Kind::Int(ms), Type::Duration) => Some(format!("{}ms", ms.checked_add(by)?)),
        (Kind::Decimal(mantissa), Type::Money(currency, scale)) => {
            let digits = facts::format_decimal(mantissa.checked_add(by.into())?, scale);
            Some(format!("{digits} {currency}"))
        }
        _ => None,
    }
}

fn propose_fact(read: &RuleFile, param: &Param, fact: &str, proposals: &mut Vec<Proposal>) {
    let varied = Varied::Fact(Located { text: fact.to_owned(), line: 0, column: 0 });
    for base in &read.examples {
        let Ok(rows) = make(&read.header, base, param, &varied, None) else { continue };
        let (param, base) = (&param.name.text, quoted(&base.name.text));
        let entry = format!("param: {param}, fact: \"{fact}\", base: {base}");
        proposals.push(Proposal { entry, rows });
    }
}

/// The present transaction may count too, so fewer rows may be equal to the threshold.
fn propose_rows(read: &RuleFile, param: &Param, proposals: &mut Vec<Proposal>) {
    let template = read.examples.iter().find_map(|example| example.history().first().cloned());
    let count = param.value.first().and_then(|value| value.text.parse::<usize>().ok());
    let (Some(template), Some(count)) = (template, count) else { return };
    let json = super::example::flow(&template);
    for base in &read.examples {
        let fewest = count.saturating_sub(base.history().len() + 1).max(1);
        for at in (fewest..=count).rev() {
            let place = Located { text: at.to_string(), line: 0, column: 0 };
            let varied = Varied::Rows(Node::clone(&template));
            let Ok(rows) = make(&read.header, base, param, &varied, Some(&place)) else { continue };
            let (param, base) = (&param.name.text, quoted(&base.name.text));
            let entry =
                format!("param: {param}, history: {{ repeat: {json} }}, at: {at}, base: {base}");
            proposals.push(Proposal { entry, rows });
        }
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn thresholds(draft: &Draft, program: &Program) -> Vec<Threshold> {
    let mut walk = Walk { draft, program, found: Vec::new() };
    for definition in &program.lets {
        walk.visit(&definition.value);
    }
    for case in &program.cases {
        walk.visit(&case.when);
    }
    let order = |threshold: &Threshold| (threshold.param.line, threshold.param.column);
    walk.found.sort_by_key(order);
    walk.found
}

struct Walk<'p> {
    draft: &'p Draft,
    program: &'p Program,
    found: Vec<Threshold>,
}

/// What one comparison holds against each other.
#[derive(Default)]
struct Compared {
    params: Vec<Located>,
    facts: Vec<String>,
    counts_rows: bool,
    varies: bool,
}

impl Walk<'_> {
    fn visit(&mut self, expr: &Expr) {
        if let Kind::Compare(_, a, b) = &expr.kind {
            let mut compared = Compared::default();
            self.collect(a, &mut compared);
            self.collect(b, &mut compared);
            self.add(compared);
        }
        for part in parts(&expr.kind) {
            self.visit(part);
        }
    }

    /// Parameters and facts of one side; truth values inside are comparisons of their own.
    fn collect(&self, expr: &Expr, compared: &mut Compared) {
        if expr.ty == Type::Bool {
            return;
        }
        let fact = match &expr.kind {
            Kind::Fact(field) => {
                compared.varies = true;
                let varies =
                    matches!(field.kind, FieldKind::Money | FieldKind::Time | FieldKind::Date);
                varies.then(|| field.name.to_owned())
            }
            Kind::AsOf => {
                compared.varies = true;
                None
            }
            Kind::Column(column, _) => {
                compared.varies = true;
                matches!(column, Column::Amount | Column::Timestamp)
                    .then(|| format!("history[0].{}", column.name()))
            }
            Kind::Size(_) | Kind::CountDistinct(_) => {
                compared.counts_rows = true;
                None
            }
            Kind::History | Kind::Screen(_) | Kind::ScreenId(..) => {
                compared.varies = true;
                None
            }
            Kind::Let(index) => {
                if let Some(definition) = self.program.lets.get(*index) {
                    self.collect(&definition.value, compared);
                }
                None
            }
            Kind::Int(_) | Kind::Decimal(_) => {
                self.params(expr, compared);
                None
            }
            _ => None,
        };
        compared.facts.extend(fact);
        for part in parts(&expr.kind) {
            self.collect(part, compared);
        }
    }

    /// The parameters that a constant was written with, when they count something.
    fn params(&self, constant: &Expr, compared: &mut Compared) {
        let Some(text) = text_at(self.draft, constant.span) else { return };
        let counts = |param: &&Param| matches!(&*param.ty.text, "int" | "money" | "duration");
        // Brackets, blanks and lets may stand between the name and its use.
        let (mut texts, mut read) = (vec![text], 0);
        while let Some(text) = texts.get(read) {
            // Any line will do for a text that is only taken apart.
            let text = Located { text: text.clone(), line: 1, column: 1 };
            let (params, others) = param_and_other_names(&text);
            read += 1;
            for name in params {
                let mut params = self.draft.params.iter().filter(counts);
                let found = params.find(|param| param.name.text == name);
                compared.params.extend(found.map(|param| param.name.clone()));
            }
            for name in others {
                let found = self.draft.lets.iter().find(|(known, _)| known.text == name);
                let text = found.map(|(_, value)| value.text.clone());
                texts.extend(text.filter(|text| !texts.contains(text)));
            }
        }
    }

    fn add(&mut self, compared: Compared) {
        if !compared.varies {
            return;
        }
        for param in compared.params {
            let known = self.found.iter().position(|threshold| threshold.param == param);
            let index = known.unwrap_or_else(|| {
                let facts = Vec::new();
                self.found.push(Threshold { param, facts, counts_rows: false });
                self.found.len() - 1
            });
            let threshold = &mut self.found[index];
            threshold.counts_rows |= compared.counts_rows;
            for fact in &compared.facts {
                if !threshold.facts.contains(fact) {
                    threshold.facts.push(fact.clone());
                }
            }
        }
    }
}

/// What the author wrote at a span of the program.
pub(crate) fn text_at(draft: &Draft, span: Span) -> Option<String> {
    let lets = draft.lets.iter().map(|(_, value)| value);
    let cases = draft.cases.iter().flat_map(|case| [&case.when, &case.decision.reason]);
    let pieces = lets.chain(cases).chain([&draft.otherwise.reason]);
    let on_line = pieces.filter(|piece| piece.line == span.line && piece.column <= span.column);
    let piece = on_line.max_by_key(|piece| piece.column)?;
    let skip = (span.column - piece.column) as usize;
    let text: String = piece.text.chars().skip(skip).take(span.length as usize).collect();
    (!text.is_empty()).then_some(text)
}

/// Most proposals for one threshold.
const PROPOSALS_MAX: usize = 64;
