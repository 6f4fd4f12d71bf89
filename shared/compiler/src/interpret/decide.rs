//! Cases to a decision. It must never give a decision when a condition has no value.

use rules::{Outcome, Value};

use super::eval::Answer;
use super::value::shown;
use super::{Event, Interpretation, Machine, Stop};
use crate::typed::{Decision, Expr, missing_name};

/// What a value reads whose fact is absent.
const ABSENT: &str = "absent";

/// Runs the program of a machine.
pub(super) fn decide(machine: &mut Machine<'_>) -> Interpretation {
    let answer = chosen(machine).and_then(|decision| {
        let values = values(machine, decision)?;
        Ok((decision.outcome, decision.reason, values))
    });
    let events = std::mem::take(&mut machine.events);
    match answer {
        Ok((outcome, reason, values)) => {
            Interpretation { outcome, reason, values, events, fault: None }
        }
        Err(stop) => stopped(machine, &stop, events),
    }
}

/// The decision of the first case whose condition is true.
fn chosen<'p>(machine: &mut Machine<'p>) -> Answer<&'p Decision> {
    let program = machine.program;
    for (case, id) in program.cases.iter().zip(0..) {
        let taken = machine.truth(&case.when)?;
        machine.record(Event::Branch { id, taken })?;
        if taken {
            return Ok(&case.decision);
        }
    }
    Ok(&program.otherwise)
}

fn values<'p>(machine: &mut Machine<'p>, decision: &'p Decision) -> Answer<Vec<Value>> {
    decision.values.iter().map(|expr| value(machine, expr)).collect()
}

fn value<'p>(machine: &mut Machine<'p>, expr: &'p Expr) -> Answer<Value> {
    match machine.item(expr)? {
        Ok(datum) => {
            let value = shown(&datum, &expr.ty).ok_or(Stop::Broken("a value of a result"))?;
            value.map_err(Stop::Fault)
        }
        Err(fault) if fault.is_missing() => Ok(Value::Text(ABSENT.to_owned())),
        Err(fault) => Err(fault.into()),
    }
}

fn stopped(machine: &Machine<'_>, stop: &Stop, events: Vec<Event>) -> Interpretation {
    let error = |text: String, fault| Interpretation {
        outcome: Outcome::Error,
        reason: 0,
        values: vec![Value::Text(text)],
        events: events.clone(),
        fault,
    };
    match *stop {
        Stop::Fault(fault) if fault.is_missing() => Interpretation {
            outcome: Outcome::MissingData,
            reason: machine.program.missing_reason,
            values: vec![Value::Text(missing_name(fault, machine.program))],
            events,
            fault: Some(fault),
        },
        Stop::Fault(fault) => error(rules::Fault::Code(fault.code()).to_string(), Some(fault)),
        Stop::Trace => error(rules::Fault::Trace.to_string(), None),
        Stop::Trap => error(rules::Fault::Trap.to_string(), None),
        Stop::Broken(what) => error(format!("broken: {what}"), None),
    }
}
