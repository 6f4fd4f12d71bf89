//! The eight rules as Rego for the crate `regorus`, both ways it offers: the interpreter over a
//! compiled policy, and its bytecode machine. Prepared once; a request only sets the input.

use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::vm::RegoVM;
use regorus::{CompiledPolicy, Engine, Value};
use rules::Outcome;

/// Types of transactions in currency.
pub const CASH: [&str; 3] = ["cash_deposit", "cash_withdrawal", "currency_exchange"];
/// benches/rules/countries.yaml.
pub const COUNTRIES: [&str; 10] = ["BY", "CU", "IR", "KP", "MM", "RU", "SD", "SY", "VE", "YE"];
/// The sums of benches/rules/round.yaml, in cents.
pub const SUMS: [i64; 15] = [
    100_000, 200_000, 300_000, 400_000, 500_000, 600_000, 700_000, 800_000, 900_000, 1_000_000,
    1_200_000, 1_500_000, 2_000_000, 2_500_000, 5_000_000,
];

const POLICY: &str = include_str!("rules.rego");
const ENTRY: &str = "data.bench.outcomes";

/// The compiled rules.
pub struct Rules {
    policy: CompiledPolicy,
    machine: RegoVM,
}

impl Rules {
    /// Compiles them.
    pub fn compile() -> Self {
        let mut engine = Engine::new();
        engine.add_policy("rules.rego".to_owned(), POLICY.to_owned()).expect("sound Rego");
        let policy = engine.compile_with_entrypoint(&ENTRY.into()).expect("compiles");
        let program = Compiler::compile_from_policy(&policy, &[ENTRY]).expect("compiles");
        let mut machine = RegoVM::new();
        machine.load_program(program);
        Self { policy, machine }
    }

    /// The outcomes by the interpreter.
    pub fn interpret(&self, input: &Value) -> Vec<Outcome> {
        outcomes(&self.policy.eval_with_input(input.clone()).expect("it evaluates"))
    }

    /// The outcomes by the bytecode machine.
    pub fn run(&mut self, input: &Value) -> Vec<Outcome> {
        self.machine.set_input(input.clone());
        outcomes(&self.machine.execute().expect("it evaluates"))
    }
}

/// The input of a request.
pub fn value(request: &serde_json::Value) -> Value {
    parse(&request.to_string())
}

/// The input out of JSON.
pub fn parse(text: &str) -> Value {
    Value::from_json_str(text).expect("JSON")
}

fn outcomes(value: &Value) -> Vec<Outcome> {
    let list = value.as_array().expect("a list");
    let outcome = |name: &Value| {
        let name = name.as_string().expect("a name");
        Outcome::from_name(name).expect("one of ours")
    };
    list.iter().map(outcome).collect()
}
