//! A rule's answer to a request, from the VM and from the reference interpreter. Two that differ
//! are a defect of the compiler, and nothing of it is ever signed.

use anyhow::{anyhow, bail};
use compiler::interpret::{Interpretation, interpret};
use compiler::pack::{NameIndexes, RuleLists};
use crypto::SigningKey;
use facts::{Millis, Record};
use rules::{Bundle, Limits, Outcome, Rule, RuleResult, VerifiedBundle};
use verify::render_reason;

/// A bundle in both engines.
pub(crate) struct Engines {
    /// The VM's side.
    pub(crate) program: vm::Program,
    names: NameIndexes,
}

/// What a rule answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ran {
    /// Outcome.
    pub(crate) outcome: Outcome,
    /// The reason for people.
    pub(crate) reason: String,
    /// Fuel in the VM.
    pub(crate) fuel: u64,
    /// Which case decided, when one did.
    pub(crate) reached: Reached,
}

/// What decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reached {
    /// A case, by number.
    Case(usize),
    /// No case held.
    Otherwise,
    /// A fault, or a module of which nobody knows.
    Nothing,
}

impl Engines {
    /// A bundle that nobody signed yet. The key is public: the signature counts for nothing and
    /// does not leave this function.
    pub(crate) fn of_unsigned(bundle: &Bundle) -> anyhow::Result<Self> {
        let key = SigningKey::from_seed(&[0; 32].into());
        let bytes = rules::sign_bundle(bundle, std::slice::from_ref(&key))?;
        let config = super::bundle::config_of(vec![key.verifying_key()], &bundle.name);
        Self::load(rules::SignedBundle::verify(&bytes, &config)?)
    }

    /// A signed bundle.
    pub(crate) fn load(verified: VerifiedBundle) -> anyhow::Result<Self> {
        let names = NameIndexes::of(verified.bundle());
        let program = vm::Program::load(verified, Limits::default())?;
        Ok(Self { program, names })
    }

    /// The bundle.
    pub(crate) fn bundle(&self) -> &Bundle {
        self.program.bundle().bundle()
    }

    /// The lists of a rule.
    pub(crate) fn lists<'e>(&'e self, rule: &'e Rule) -> RuleLists<'e> {
        RuleLists { bundle: self.bundle(), names: &self.names, rule }
    }

    /// One rule over a request. A request without a time is evaluated at the rule's first instant.
    pub(crate) fn run(
        &self,
        index: usize,
        typed: Option<&compiler::typed::Program>,
        body: &[u8],
    ) -> anyhow::Result<Ran> {
        let rule = &self.bundle().rules[index];
        let (request, record, as_of) = read(body, rule.effective_from)?;
        let mut selection =
            self.bundle().select(&request.jurisdictions, &request.domains, as_of)?;
        selection.rules.retain(|(selected, _)| *selected == index);
        let run = self.program.run(&selection, &record);
        let (Some(result), Some(trace)) = (run.results.first(), run.traces.first()) else {
            bail!("the request's scope and time do not select this rule");
        };
        let mut reached = Reached::Nothing;
        if let Some(typed) = typed {
            let other = interpret(typed, record.as_bytes(), &self.lists(rule));
            compare(rule, result, &trace.events, &other)?;
            reached = reached_by(&other);
        }
        let reason = render_reason(rule, result);
        Ok(Ran { outcome: result.outcome, reason, fuel: trace.fuel, reached })
    }
}

impl Engines {
    /// What another program would answer in a rule's place; by the interpreter alone.
    pub(crate) fn suppose(
        &self,
        index: usize,
        typed: &compiler::typed::Program,
        body: &[u8],
    ) -> anyhow::Result<(Outcome, Reached)> {
        let rule = &self.bundle().rules[index];
        let (_, record, _) = read(body, rule.effective_from)?;
        let other = interpret(typed, record.as_bytes(), &self.lists(rule));
        Ok((other.outcome, reached_by(&other)))
    }
}

/// A request, its record and its time.
pub(crate) fn read(
    body: &[u8],
    default: Millis,
) -> anyhow::Result<(facts::Request, Record, Millis)> {
    let refused = |error: facts::FactsError| anyhow!("{error}; {}", error.remedy());
    let request = messages::parse_request(body).map_err(refused)?;
    let as_of = request.as_of.unwrap_or(default);
    let record = facts::record(&request, as_of).map_err(refused)?;
    Ok((request, record, as_of))
}

fn reached_by(interpretation: &Interpretation) -> Reached {
    use compiler::interpret::Event;
    if interpretation.fault.is_some() || interpretation.outcome == Outcome::Error {
        return Reached::Nothing;
    }
    let taken = interpretation.events.iter().find_map(|event| match event {
        Event::Branch { id, taken: true } => Some(Reached::Case(*id as usize)),
        _ => None,
    });
    taken.unwrap_or(Reached::Otherwise)
}

/// Result and trace have to be the same in both engines.
fn compare(
    rule: &Rule,
    result: &RuleResult,
    events: &[vm::Event],
    other: &Interpretation,
) -> anyhow::Result<()> {
    let again = RuleResult {
        id: rule.id.clone(),
        version: rule.version.clone(),
        outcome: other.outcome,
        reason: other.reason,
        values: other.values.clone(),
    };
    if again != *result {
        let (vm, interpreter) = (render_reason(rule, result), render_reason(rule, &again));
        bail!(
            "the engines differ: the VM says {} {vm:?}, the interpreter {} {interpreter:?}; \
            this is \
             a defect of the compiler, report it",
            result.outcome,
            again.outcome
        );
    }
    let same = |(event, other): (&vm::Event, &compiler::interpret::Event)| is_same(event, other);
    if events.len() != other.events.len() || !events.iter().zip(&other.events).all(same) {
        bail!("the engines differ in their traces; this is a defect of the compiler, report it");
    }
    Ok(())
}

fn is_same(event: &vm::Event, other: &compiler::interpret::Event) -> bool {
    use compiler::interpret::Event;
    match (event, other) {
        (vm::Event::Branch { id, taken }, Event::Branch { id: other, taken: also }) => {
            (id, taken) == (other, also)
        }
        (vm::Event::List { list, found }, Event::List { list: other, found: also }) => {
            (list, found) == (other, also)
        }
        (
            vm::Event::Screen { list, options, best, .. },
            Event::Screen { list: other, options: also, hit },
        ) => {
            let first = best.first().map(|hit| (hit.score, hit.entry));
            (list, options, first) == (other, also, *hit)
        }
        _ => false,
    }
}
