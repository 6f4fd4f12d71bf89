//! A small world with fixed keys: authorities, a boot configuration, a signed bundle and its
//! freshness, made in memory from the rules in `rulepacks/`.

use crypto::SigningKey;
use facts::Millis;
use rules::{
    BootConfig, Bundle, Freshness, FreshnessPolicy, Limits, ListSnapshot, Reason, Rule, Severity,
};
use zeroize::Zeroizing;

/// 2026-01-01T00:00:00Z, when the world's bundle was issued.
pub const ISSUED_AT: Millis = Millis(1_767_225_600_000);

/// Keys and signed rules.
pub struct World {
    /// Three rule authorities.
    pub authorities: Vec<SigningKey>,
    /// The freshness key.
    pub freshness_key: SigningKey,
    /// Two of three authorities, one freshness key.
    pub config: BootConfig,
    /// The bundle.
    pub bundle: Bundle,
    /// Signed by authorities 0 and 2.
    pub signed_bundle: Vec<u8>,
}

/// A key whose seed is one byte repeated.
pub fn key(fill: u8) -> SigningKey {
    SigningKey::from_seed(&Zeroizing::new([fill; 32]))
}

impl World {
    /// The world over the modules of one text each.
    pub fn new(rules: Vec<(Rule, Vec<u8>)>, lists: Vec<ListSnapshot>) -> Self {
        let authorities: Vec<_> = [1, 2, 3].map(key).into();
        let mut public: Vec<_> = authorities.iter().map(SigningKey::verifying_key).collect();
        public.sort();
        let freshness_key = key(4);
        let config = BootConfig {
            authorities: public,
            threshold: 2,
            freshness_keys: vec![freshness_key.verifying_key()],
            freshness_threshold: 1,
            rulebook: "us-core".into(),
            freshness: FreshnessPolicy::default(),
            limits: Limits::default(),
        };
        let bundle = bundle(rules, lists);
        let signed_bundle = rules::sign_bundle(&bundle, &[key(1), key(3)]).expect("sound bundle");
        Self { authorities, freshness_key, config, bundle, signed_bundle }
    }

    /// A world of one rule: cash above 10,000.00 USD is reported. Small enough to freeze.
    pub fn small() -> Self {
        let wasm = wat::parse_str(SMALL_RULE).expect("sound text");
        Self::new(vec![(small_rule(), wasm)], Vec::new())
    }

    /// The freshness statement at `issued_at`, for a day.
    pub fn freshness(&self, issued_at: Millis) -> Vec<u8> {
        let freshness = Freshness {
            bundle: self.bundle.hash(),
            version: self.bundle.version,
            issued_at,
            expires_at: Millis(issued_at.0 + 86_400_000),
        };
        rules::sign_freshness(&freshness, &[key(4)])
    }
}

fn bundle(rules: Vec<(Rule, Vec<u8>)>, lists: Vec<ListSnapshot>) -> Bundle {
    let mut modules: Vec<_> = rules.iter().map(|(_, wasm)| wasm.clone()).collect();
    modules.sort_by_key(|wasm| rules::module_hash(wasm));
    modules.dedup();
    let mut sorted: Vec<Rule> = rules
        .into_iter()
        .map(|(mut rule, wasm)| {
            rule.module = modules.iter().position(|m| *m == wasm).expect("just put in");
            rule
        })
        .collect();
    sorted.sort_by(|a, b| (&a.id, a.effective_from).cmp(&(&b.id, b.effective_from)));
    Bundle {
        name: "us-core".into(),
        version: 1,
        issued_at: ISSUED_AT,
        compiler: "hand-written wat".into(),
        modules,
        rules: sorted,
        lists,
        names: vec![],
    }
}

fn small_rule() -> Rule {
    Rule {
        id: "us.bsa.ctr".into(),
        version: "1.0.0".into(),
        title: "Currency transaction over 10,000 USD".into(),
        jurisdiction: "US".into(),
        domain: "AML".into(),
        effective_from: Millis(0),
        effective_to: None,
        citation: "31 CFR 1010.311".into(),
        module: 0,
        entry: "evaluate".into(),
        fuel: 100_000,
        lists: Vec::new(),
        source: String::new(),
        reasons: vec![
            Reason { severity: Severity::Info, template: "not over the threshold".into() },
            Reason { severity: Severity::Medium, template: "{0} in currency".into() },
        ],
    }
}

/// Reports type 2 (cash deposit) over 1,000,000 minor units, with the amount as value.
const SMALL_RULE: &str = r#"(module
  (import "env" "branch" (func $branch (param i32 i32)))
  (memory (export "memory") 1)
  (global (export "rule_abi_version") i32 (i32.const 1))
  (global (export "input_base") i32 (i32.const 64))
  (func (export "evaluate") (param $in i32) (param $len i32) (result i64)
    (local $over i32)
    (local.set $over
      (i32.and
        (i32.eq (i32.load offset=40 (local.get $in)) (i32.const 2))
        (i64.gt_s (i64.load offset=48 (local.get $in)) (i64.const 1000000))))
    (call $branch (i32.const 1) (local.get $over))
    (if (local.get $over)
      (then
        (i32.store8 (i32.const 0) (i32.const 1))
        (i32.store8 (i32.const 1) (i32.const 1))
        (i32.store16 (i32.const 2) (i32.const 1))
        (i32.store8 (i32.const 8) (i32.const 2))
        (i32.store8 (i32.const 9) (i32.load8_u offset=68 (local.get $in)))
        (i32.store (i32.const 12) (i32.load offset=64 (local.get $in)))
        (i64.store (i32.const 16) (i64.load offset=48 (local.get $in)))
        (i64.store (i32.const 24) (i64.load offset=56 (local.get $in)))
        (return (i64.const 0x2000000000))))
    (i64.const 0x800000000)))
"#;
