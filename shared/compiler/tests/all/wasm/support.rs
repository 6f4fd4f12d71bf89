//! Rules from source text, records from JSON, and one evaluation in the real VM.

use std::sync::Arc;

use compiler::data::{Calendar, Rates};
use compiler::draft::{Draft, DraftCase, DraftDecision, Located};
use compiler::front;
use compiler::typed::Program;
use compiler::wasm::{Module, compile};
use crypto::SigningKey;
use facts::{Currency, Domain, Jurisdiction, Millis, Record};
use rules::{
    BootConfig, Bundle, FreshnessPolicy, Limits, ListSnapshot, Outcome, RuleResult, Severity,
    SignedBundle, Value, sign_bundle,
};
use vm::Event;

/// 2026-03-02T12:00:00Z.
pub const AS_OF: Millis = Millis(1_772_452_800_000);

/// A compiled rule in the VM.
pub struct Rule {
    vm: vm::Program,
    pub module: Module,
}

impl Rule {
    /// From conditions with their reasons, and the reason when none holds.
    pub fn new(cases: &[(&str, &str)], otherwise: &str) -> Rule {
        Rule::with_lets(&[], cases, otherwise)
    }

    pub fn with_lets(lets: &[(&str, &str)], cases: &[(&str, &str)], otherwise: &str) -> Rule {
        Rule::of(&checked(lets, cases, otherwise))
    }

    pub fn of(program: &Program) -> Rule {
        let module = compile(program).unwrap_or_else(|error| panic!("{error}"));
        Rule { vm: load(program, &module), module }
    }

    pub fn run(&self, record: &Record) -> RuleResult {
        self.trace(record).0
    }

    /// Result, events and fuel.
    pub fn trace(&self, record: &Record) -> (RuleResult, Vec<Event>, u64) {
        let content = self.vm.bundle().bundle();
        let selection = content.select(&[Jurisdiction::Us], &[Domain::Aml], AS_OF);
        let run = self.vm.run(&selection.expect("a rule in force"), record);
        let (result, trace) = (run.results[0].clone(), run.traces[0].clone());
        assert!(trace.fuel <= self.module.cost, "{} of {}", trace.fuel, self.module.cost);
        (result, trace.events, trace.fuel)
    }
}

pub fn checked(lets: &[(&str, &str)], cases: &[(&str, &str)], otherwise: &str) -> Program {
    let located = |text: &str| Located { text: text.to_owned(), line: 1, column: 1 };
    let decision = |outcome, reason: &str| DraftDecision {
        outcome,
        severity: Severity::Low,
        reason: located(reason),
    };
    let cases = cases.iter().map(|(when, reason)| DraftCase {
        when: located(when),
        decision: decision(Outcome::Report, if reason.is_empty() { "holds" } else { reason }),
    });
    let otherwise = if otherwise.is_empty() { "does not hold" } else { otherwise };
    let draft = Draft {
        params: Vec::new(),
        lets: lets.iter().map(|(name, text)| (located(name), located(text))).collect(),
        cases: cases.collect(),
        otherwise: decision(Outcome::Pass, otherwise),
        missing_severity: Severity::High,
        lists: vec!["plain".to_owned()],
        calendars: vec![calendar()],
        rates: vec![rates()],
    };
    front::check(&draft).unwrap_or_else(|errors| panic!("{}", errors[0]))
}

/// Two years with weekends, two offsets, a holiday and a cut-off at 17:00.
pub fn calendar() -> Calendar {
    Calendar {
        id: "cal".into(),
        source: "test".into(),
        first_day: 20_089,
        last_day: 20_818,
        offsets: vec![(0, -300), (1_741_503_600_000, -240), (1_762_063_200_000, -300)],
        weekend: 0b100_0001,
        holidays: vec![20_447, 20_514, 20_515],
        cutoff_minute: 1020,
    }
}

pub fn rates() -> Rates {
    let currency = |code| Currency::parse(code).expect("a known currency");
    let rates = vec![
        (currency("EUR"), 1, 0),
        (currency("GBP"), 8_512, 4),
        (currency("JPY"), 16_347, 2),
        (currency("USD"), 10_834, 4),
    ];
    Rates { id: "fx".into(), source: "test".into(), rates }
}

/// Whether a condition holds, or the fault that the rule ends in.
pub fn holds(condition: &str, record: &Record) -> Result<bool, String> {
    let result = Rule::new(&[(condition, "")], "").run(record);
    match result.outcome {
        Outcome::Report => Ok(true),
        Outcome::Pass => Ok(false),
        _ => match result.values.as_slice() {
            [Value::Text(text)] => Err(text.clone()),
            other => panic!("{other:?}"),
        },
    }
}

pub fn record(transaction: &str, history: &str) -> Record {
    let body = format!(
        r#"{{"jurisdictions":["US"],"domains":["AML"],"transaction":{{"id":"t",{transaction}}},
            "history":[{history}]}}"#
    );
    let request = facts::parse_request(body.as_bytes());
    let request = request.unwrap_or_else(|error| panic!("{error}\n{body}"));
    facts::record(&request, AS_OF).expect("a record")
}

pub fn row(at: &str, kind: &str, amount: &str, currency: &str, more: &str) -> String {
    format!(
        r#"{{"timestamp":"{at}","type":"{kind}",
            "amount":"{amount}","currency":"{currency}"{more}}}"#
    )
}

fn load(program: &Program, module: &Module) -> vm::Program {
    let rule = rules::Rule {
        id: "rule".into(),
        version: "1".into(),
        title: "test".into(),
        jurisdiction: "US".into(),
        domain: "AML".into(),
        effective_from: Millis(0),
        effective_to: None,
        citation: "none".into(),
        module: 0,
        entry: "evaluate".into(),
        fuel: module.cost.max(1),
        lists: vec![0; program.lists.len()],
        source: String::new(),
        reasons: program.reasons.clone(),
    };
    let bundle = Bundle {
        name: "test".into(),
        version: 1,
        issued_at: Millis(0),
        compiler: "test".into(),
        rules: vec![rule],
        modules: vec![module.wasm.clone()],
        lists: vec![ListSnapshot {
            id: "plain".into(),
            source: "test".into(),
            taken_at: Millis(0),
            entries: ["CU", "IR", "KP", "bob"].map(String::from).into(),
        }],
        names: Vec::<Arc<screen::Snapshot>>::new(),
    };
    let key = SigningKey::from_seed(&[7; 32].into());
    let public = vec![key.verifying_key()];
    let config = BootConfig {
        authorities: public.clone(),
        threshold: 1,
        freshness_keys: public,
        freshness_threshold: 1,
        rulebook: "test".into(),
        freshness: FreshnessPolicy::default(),
        limits: Limits::default(),
    };
    let signed = sign_bundle(&bundle, &[key]).expect("a sound bundle");
    let verified = SignedBundle::verify(&signed, &config).expect("a sound bundle");
    vm::Program::load(verified, Limits::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// A customer with history, all facts given.
pub fn customer_of(rows: usize) -> Record {
    let side = |account: &str| {
        format!(
            r#"{{"name":"Jane Roe","account":"{account}","address":"1 Main St","country":"US",
                "institution":"Bank"}}"#
        )
    };
    let transaction = format!(
        r#""type":"cash_deposit","amount":"12000.00","currency":"USD",
            "source":{},"destination":{}"#,
        side("ACC-0"),
        side("ACC-1"),
    );
    let rows: Vec<String> = (0..rows)
        .map(|at| {
            let time = facts::Millis(AS_OF.0 - at as u64 * 3_600_000).to_string();
            let kind = ["cash_deposit", "wire_transfer", "card_payment"][at % 3];
            let currency = ["USD", "USD", "EUR", "GBP"][at % 4];
            let more = format!(r#","direction":"out","counterparty":"ACC-{}""#, at % 17 + 2);
            row(&time, kind, &format!("{}.50", 8_000 + at % 3000), currency, &more)
        })
        .collect();
    record(&transaction, &rows.join(","))
}
