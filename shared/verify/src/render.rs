//! A reason for people: the rule's template with the compared values in it. Presentation only;
//! what is signed are the code and the values.

use rules::{Outcome, Rule, RuleResult, Value};

/// The sentence of `result`, given the rule it came from.
pub fn render_reason(rule: &Rule, result: &RuleResult) -> String {
    if result.outcome == Outcome::Error {
        let fault = result.values.first().map(Value::to_string).unwrap_or_default();
        return format!("rule did not finish: {fault}");
    }
    let Some(reason) = rule.reasons.get(usize::from(result.reason)) else {
        return format!("reason {} (not in the rulebook)", result.reason);
    };
    let mut text = String::with_capacity(reason.template.len() + 64);
    let mut rest = reason.template.as_str();
    // One pass over the template: a value that itself contains "{1}" stays as it is.
    while let Some(open) = rest.find('{') {
        text.push_str(&rest[..open]);
        rest = &rest[open..];
        let index =
            rest.find('}').and_then(|close| Some((close, rest[1..close].parse::<usize>().ok()?)));
        match index {
            Some((close, index)) => {
                text.push_str(&result.values.get(index).map_or("?".into(), Value::to_string));
                rest = &rest[close + 1..];
            }
            None => {
                text.push('{');
                rest = &rest[1..];
            }
        }
    }
    text.push_str(rest);
    text
}
