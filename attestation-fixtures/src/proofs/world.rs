//! Rule authorities, a rulebook of one compiled rule, and what one evaluation under it says.

use compiler::pack::{COMPILER, Tables, compile_rule};
use crypto::{Domain, Salt, SigningKey, digest};
use facts::Millis;
use proof::{EngineId, RuleEntry, Rulebook, Statement};
use rules::{BootConfig, Bundle, FreshnessPolicy, Limits, RuleResult, Selection, SignedBundle};
use std::sync::OnceLock;
use vm::Program;
use zeroize::Zeroizing;

/// The request, byte for byte.
pub const BODY: &[u8] = br#"{"transaction":{"id":"t-1","type":"cash_deposit","amount":"15000.00",
  "currency":"USD"},"jurisdictions":["US"],"domains":["AML"],
  "as_of":"2026-01-02T00:00:00Z","nonce":"6e6f6e6365"}"#;
/// The salt.
pub const SALT: [u8; 32] = [7; 32];
/// The boot.
pub const BOOT_ID: [u8; 16] = [0xb0; 16];
/// 2026-01-02T12:00:00Z, Unix milliseconds.
pub const BOOTED_AT_MS: u64 = 1_767_355_200_000;
/// The evaluation, Unix milliseconds.
pub const EVALUATED_AT_MS: u64 = BOOTED_AT_MS + 61_500;
/// The quote, Unix milliseconds.
pub const QUOTED_AT_MS: u64 = BOOTED_AT_MS + 62_000;

/// An Ed25519 key whose seed is one byte repeated.
pub fn key(fill: u8) -> SigningKey {
    SigningKey::from_seed(&Zeroizing::new([fill; 32]))
}

/// Keys, rules, and the evaluation of [`BODY`] under them.
pub struct RuleWorld {
    /// Two of three authorities.
    pub config: BootConfig,
    /// The rulebook.
    pub bundle: Bundle,
    /// Signed by authorities 1 and 3.
    pub signed_bundle: Vec<u8>,
    /// What an honest enclave says.
    pub statement: Statement,
    /// The results that the statement commits to.
    pub results: Vec<RuleResult>,
}

impl RuleWorld {
    /// The honest world.
    pub fn new() -> Self {
        Self::with_bundle(|_| ())
    }

    /// The honest world, made once a process.
    pub(crate) fn shared() -> &'static Self {
        static WORLD: OnceLock<RuleWorld> = OnceLock::new();
        WORLD.get_or_init(Self::new)
    }

    /// A world whose authorities signed a changed rulebook, which the enclave ran as it is.
    pub fn with_bundle(change: impl FnOnce(&mut Bundle)) -> Self {
        let mut bundle = honest_bundle();
        change(&mut bundle);
        let mut authorities: Vec<_> = [1, 2, 3].map(|fill| key(fill).verifying_key()).into();
        authorities.sort();
        let config = BootConfig {
            authorities,
            threshold: 2,
            freshness_keys: vec![key(4).verifying_key()],
            freshness_threshold: 1,
            rulebook: "conformance".into(),
            freshness: FreshnessPolicy::default(),
            limits: Limits::default(),
        };
        let signed_bundle = rules::sign_bundle(&bundle, &[key(1), key(3)]).expect("sound bundle");
        let (statement, results) = evaluate(&signed_bundle, &config);
        Self { config, bundle, signed_bundle, statement, results }
    }

    /// The module of the rule with another threshold: it does not follow from the bundle's source.
    pub fn other_module() -> Vec<u8> {
        bundle(&SOURCE.replace("10000.00 USD", "9000.00 USD")).modules.remove(0)
    }
}

impl Default for RuleWorld {
    fn default() -> Self {
        Self::new()
    }
}

/// Compiled once a process.
fn honest_bundle() -> Bundle {
    static BUNDLE: OnceLock<Bundle> = OnceLock::new();
    BUNDLE.get_or_init(|| bundle(SOURCE)).clone()
}

fn bundle(source: &str) -> Bundle {
    let compiled = compile_rule("us.test.cash.yaml", source, &Tables::default()).expect("compiles");
    Bundle {
        name: "conformance".into(),
        version: 1,
        issued_at: Millis(BOOTED_AT_MS - 3_600_000),
        compiler: COMPILER.into(),
        rules: vec![compiled.to_rule(0, vec![])],
        modules: vec![compiled.wasm],
        lists: vec![],
        names: vec![],
    }
}

fn evaluate(signed: &[u8], config: &BootConfig) -> (Statement, Vec<RuleResult>) {
    let verified = SignedBundle::verify(signed, config).expect("signed");
    let program = Program::load(verified, config.limits).expect("loads");
    let request = messages::parse_request(BODY).expect("sound request");
    let as_of = request.as_of.expect("given");
    let record = facts::record(&request, as_of).expect("sound facts");
    let bundle = program.bundle().bundle();
    let selection =
        bundle.select(&request.jurisdictions, &request.domains, as_of).expect("one rule");
    let run = program.run(&selection, &record);
    let (result, salt) = (&run.results[0], Salt(SALT));
    let statement = Statement {
        proof_id: [0x1d; 16],
        boot_id: BOOT_ID,
        agent: key(5).verifying_key().did_key(),
        evaluated_at: Millis(EVALUATED_AT_MS),
        as_of,
        jurisdictions: vec!["US".into()],
        domains: vec!["AML".into()],
        rulebook: Rulebook { name: bundle.name.clone(), version: 1, hash: bundle.hash() },
        engine: EngineId {
            engine: vm::ENGINE.into(),
            abi: vm::ABI_VERSION,
            compiler: bundle.compiler.clone(),
            facts: facts::FACTS_VERSION,
        },
        rules: vec![RuleEntry {
            id: result.id.clone(),
            version: result.version.clone(),
            jurisdiction: "US".into(),
            domain: "AML".into(),
            module: program.module_hash(0),
            outcome: result.outcome,
            reason: result.reason,
            hits: vec![],
        }],
        lists: program.lists(&selection),
        input_hash: digest(Domain::Input, &[&SALT, BODY]),
        facts_hash: digest(Domain::Facts, &[&SALT, record.as_bytes()]),
        rule_hash: Selection::hash([program.rule_digest(0)]),
        state_hash: program.state_hash(&selection, &record, &salt),
        output_hash: run.output_hash(&salt),
        trace_hash: run.trace_hash(&salt),
        offline: false,
        rules_age_ms: 3_600_000,
        newest_version: 1,
        nonce: request.nonce,
        not_covered: selection.not_covered.clone(),
    };
    let results = run.results;
    (statement, results)
}

/// Cash of more than 10,000 USD is reported.
const SOURCE: &str = r#"id: us.test.cash
version: 1.0.0
title: Cash of more than 10,000 USD
jurisdiction: US
domain: AML
effective_from: 2026-01-01T00:00:00Z
citation: { law: a law of this corpus, read: 2026-01-01, seen: primary }
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
