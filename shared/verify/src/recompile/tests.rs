//! A bundle whose module, rule or source was exchanged by whoever signed it, and results that the
//! interpreter does not give.

use super::*;
use crate::{Check, Outcome as Checked};
use compiler::pack::{COMPILER, Tables, compile_rule};
use crypto::SigningKey;
use facts::{Domain, Jurisdiction, Millis};
use rules::{BootConfig, Bundle, FreshnessPolicy, Limits, SignedBundle, sign_bundle};
use zeroize::Zeroizing;

const SOURCE: &str = r#"id: us.test.cash
version: 1.0.0
title: Cash of more than 10,000 USD
jurisdiction: US
domain: AML
effective_from: 2026-01-01T00:00:00Z
citation: { law: a law, read: 2026-01-01, seen: primary }
params:
  threshold: { type: money, value: 10000.00 USD }
cases:
  - when: transaction.currency == "USD" && transaction.amount > params.threshold
    outcome: report
    severity: medium
    reason: "{transaction.amount} > {params.threshold}"
otherwise:
  reason: not more than {params.threshold}
boundaries:
  - { param: threshold, fact: transaction.amount, base: over, outcomes: [pass, pass, report] }
examples:
  - name: over
    request: { transaction: { id: t, type: cash_deposit, amount: "15000.00", currency: USD } }
    outcome: report
"#;
const BODY: &[u8] = br#"{"transaction":{"id":"t","type":"cash_deposit","amount":"15000.00",
  "currency":"USD"},"jurisdictions":["US"],"domains":["AML"],"as_of":"2026-01-02T00:00:00Z"}"#;

/// A bundle of the one rule, after `change`, signed and loaded.
fn program(change: impl FnOnce(&mut Bundle)) -> Program {
    let compiled = compile_rule("us.test.cash.yaml", SOURCE, &Tables::default()).expect("compiles");
    let mut bundle = Bundle {
        name: "test".into(),
        version: 1,
        issued_at: Millis(0),
        compiler: COMPILER.into(),
        rules: vec![compiled.to_rule(0, vec![])],
        modules: vec![compiled.wasm],
        lists: vec![],
        names: vec![],
    };
    change(&mut bundle);
    let key = SigningKey::from_seed(&Zeroizing::new([1; 32]));
    let config = BootConfig {
        authorities: vec![key.verifying_key()],
        threshold: 1,
        freshness_keys: vec![key.verifying_key()],
        freshness_threshold: 1,
        rulebook: "test".into(),
        freshness: FreshnessPolicy::default(),
        limits: Limits::default(),
    };
    let signed = sign_bundle(&bundle, &[key]).expect("sound");
    let verified = SignedBundle::verify(&signed, &config).expect("signed");
    Program::load(verified, Limits::default()).expect("loads")
}

/// What becomes of P21 and P22, after `lie` has changed the results.
fn judge(
    program: &Program,
    lie: impl FnOnce(&mut Vec<RuleResult>),
) -> Result<[Checked; 2], VerifyError> {
    let request = facts::parse_request(BODY).expect("sound");
    let as_of = request.as_of.expect("given");
    let record = facts::record(&request, as_of).expect("sound");
    let bundle = program.bundle().bundle();
    let selection = bundle.select(&[Jurisdiction::Us], &[Domain::Aml], as_of).expect("one rule");
    let mut results = program.run(&selection, &record).results;
    assert_eq!(results[0].outcome, rules::Outcome::Report);
    lie(&mut results);
    let materials = Materials { second_opinion: true, ..Materials::default() };
    let mut ledger = Ledger::new();
    check(program, &selection, &materials, Some((&record, &results)), &mut ledger)?;
    let mut outcomes = ledger.finish().into_iter();
    let mut of = |name: &str| {
        let is = |entry: &(Check, Checked)| entry.0.name() == name;
        outcomes.find(is).expect("listed").1
    };
    Ok([of("P21"), of("P22")])
}

#[test]
fn a_rule_that_is_its_source_passes() {
    assert_eq!(judge(&program(|_| ()), |_| ()), Ok([Checked::Passed, Checked::Passed]));
}

#[test]
fn a_source_that_says_something_else_is_refused() {
    let changed = |from: &str, to: &str| {
        let source = SOURCE.replace(from, to);
        assert_ne!(source, SOURCE);
        let program = program(|bundle| bundle.rules[0].source = source);
        judge(&program, |_| ()).expect_err("refused").check()
    };
    assert_eq!(changed("10000.00 USD", "10000.01 USD"), "P21");
    assert_eq!(changed("a law", "another law"), "P21");
    assert_eq!(changed("version: 1.0.0", "version: 1.0.1"), "P21");
    assert_eq!(changed("transaction.amount >", "transaction.amount >="), "P21");
    assert_eq!(changed("when:", "wen:"), "P21");
}

#[test]
fn without_a_source_or_with_another_compiler_it_is_not_checked() {
    let bare = program(|bundle| bundle.rules[0].source.clear());
    let other = program(|bundle| bundle.compiler = "another 9.9".into());
    for program in [bare, other] {
        let outcomes = judge(&program, |_| ()).expect("nothing is wrong");
        assert!(outcomes.iter().all(|outcome| matches!(outcome, Checked::NotChecked(_))));
    }
}

#[test]
fn a_result_that_the_interpreter_does_not_give_is_refused() {
    let sound = program(|_| ());
    let lies: [fn(&mut Vec<RuleResult>); 3] = [
        |results| results[0].outcome = rules::Outcome::Pass,
        |results| results[0].reason += 1,
        |results| results[0].values.truncate(1),
    ];
    for lie in lies {
        assert_eq!(judge(&sound, lie).expect_err("refused").check(), "P22");
    }
}

#[test]
fn a_rule_that_ends_at_a_limit_is_not_held_against_the_interpreter() {
    let exhausted: fn(&mut Vec<RuleResult>) = |results| {
        let RuleResult { id, version, .. } = results[0].clone();
        results[0] = RuleResult::fault(&id, &version, &Fault::Fuel);
    };
    let [source, opinion] = judge(&program(|_| ()), exhausted).expect("nothing is wrong");
    assert_eq!(source, Checked::Passed);
    assert!(matches!(opinion, Checked::NotChecked(_)));
}

/// Neither the word alone nor the outcome alone is a limit.
#[test]
fn what_only_looks_like_a_limit_is_held_against_the_interpreter() {
    let lies: [fn(&mut Vec<RuleResult>); 2] = [
        |results| results[0].values = vec![Value::Text(Fault::Fuel.to_string())],
        |results| results[0].outcome = rules::Outcome::Error,
    ];
    for lie in lies {
        assert_eq!(judge(&program(|_| ()), lie).expect_err("refused").check(), "P22");
    }
}
