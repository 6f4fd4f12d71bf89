//! The eight rules as CEL for the crate `cel`: compiled once, one context for each request, lists
//! bound as variables so that no literal is built again, `distinct` from the crate's own extension.

use cel::{Context, Env, Program, Value, extensions};
use rules::Outcome;
use std::sync::Arc;

/// In the order of our rules' ids. Each gives the name of an outcome.
const RULES: [&str; 8] = [
    // country
    r#"(has(source.country) && source.country in countries)
    || (has(destination.country) && destination.country in countries) ? "block" : "pass""#,
    // ctr
    r#"transaction.type in cash && transaction.currency == "USD" && transaction.amount > 1000000
    ? "report" : "pass""#,
    // dormant
    r#"transaction.currency == "USD" && transaction.amount >= 100000
    && history.filter(r, as_of - r.timestamp < 15552000000).size() == 0 ? "review" : "pass""#,
    // fan-in
    r#"history.map(r, has(r.direction) && r.direction == "in" && has(r.counterparty)
    && as_of - r.timestamp < 259200000, r.counterparty).distinct().size() >= 5
    ? "review" : "pass""#,
    // round
    r#"history.filter(r, r.currency == "USD" && as_of - r.timestamp < 259200000
    && r.amount in sums).size()
    + (transaction.currency == "USD" && transaction.amount in sums ? 1 : 0) >= 3
    ? "review" : "pass""#,
    // structuring
    r#"history.filter(r, r.type in cash && r.currency == "USD" && r.amount >= 800000
    && r.amount <= 1000000 && as_of - r.timestamp < 86400000).size()
    + (transaction.type in cash && transaction.currency == "USD"
    && transaction.amount >= 800000 && transaction.amount <= 1000000 ? 1 : 0) >= 3
    ? "review" : "pass""#,
    // travel
    r#"transaction.type == "wire_transfer" && transaction.currency == "USD"
    && transaction.amount >= 300000
    && !(has(source.name) && has(source.account) && has(source.address)
    && has(source.institution) && has(destination.name) && has(destination.account)
    && has(destination.institution)) ? "missing_data" : "pass""#,
    // velocity
    r#"history.filter(r, as_of - r.timestamp < 86400000).size() + 1 > 20 ? "review" : "pass""#,
];

/// The compiled rules.
pub struct Rules {
    env: Arc<Env>,
    programs: Vec<Program>,
}

impl Rules {
    /// Compiles them.
    pub fn compile() -> Self {
        let mut env = Env::stdlib();
        extensions::lists(&mut env).expect("an extension of the crate");
        let env = Arc::new(env);
        let compile = |source: &&str| env.compile(source).expect("sound CEL");
        let programs = RULES.iter().map(compile).collect();
        Self { env, programs }
    }

    /// What the rules see of a request.
    pub fn context(&self, request: &serde_json::Value) -> Context<'static, 'static> {
        let mut context = Context::with_env(self.env.clone());
        for name in ["transaction", "source", "destination", "history", "as_of"] {
            // serde_json's numbers without a sign would be CEL's uint.
            let value = cel::to_value(&request[name]).expect("plain data");
            context.add_variable_from_value(name, signed(value));
        }
        context.add_variable_from_value("cash", texts(&crate::rego::CASH));
        context.add_variable_from_value("countries", texts(&crate::rego::COUNTRIES));
        context.add_variable_from_value("sums", crate::rego::SUMS.to_vec());
        context
    }

    /// The outcomes.
    pub fn outcomes(&self, context: &Context<'static, 'static>) -> Vec<Outcome> {
        let outcome = |program: &Program| match program.execute(context) {
            Ok(Value::String(name)) => Outcome::from_name(&name).expect("one of ours"),
            other => panic!("{other:?}"),
        };
        self.programs.iter().map(outcome).collect()
    }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn signed(value: Value) -> Value {
    match value {
        Value::UInt(number) => Value::Int(i64::try_from(number).expect("small")),
        Value::List(list) => {
            Value::List(Arc::new(list.iter().map(|value| signed(value.clone())).collect()))
        }
        Value::Map(map) => {
            let entries = map.map.iter();
            let entries = entries.map(|(key, value)| (key.clone(), signed(value.clone())));
            Value::Map(cel::objects::Map { map: Arc::new(entries.collect()) })
        }
        other => other,
    }
}
