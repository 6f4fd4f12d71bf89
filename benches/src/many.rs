//! Signed bundles of many rules, to measure what loading costs.

use compiler::pack::{CompiledRule, Pack, Tables, compile_rule};
use rules::{BootConfig, FreshnessPolicy, Limits};
use tests::world::{ISSUED_AT, key};

/// A rule with two loops over the history, as its author wrote it.
pub const SOURCE: &str = include_str!("../rules/structuring.yaml");

/// Compiles a source that names no list.
pub fn compile(source: &str) -> CompiledRule {
    compile_rule("rule.yaml", source, &Tables::default()).unwrap_or_else(|errors| {
        let lines: Vec<_> = errors.iter().map(ToString::to_string).collect();
        panic!("{}", lines.join("\n"))
    })
}

/// A pack of `number` rules; `distinct` gives each a threshold and so a module of its own.
pub fn pack(number: usize, distinct: bool) -> Pack {
    let rule = |n: usize| {
        let mut source = SOURCE.replace("bench.structuring", &format!("bench.r{n:05}"));
        if distinct {
            source = source.replace("8000.00 USD", &format!("{}.00 USD", 1000 + n));
        }
        compile(&source)
    };
    let rules = (0..number).map(rule).collect();
    let (name, compiler) = ("bench".to_owned(), compiler::pack::COMPILER.to_owned());
    Pack { name, compiler, rules, lists: Vec::new(), names: Vec::new() }
}

/// The bundle as one authority signs it, and the configuration that trusts it.
pub fn signed(pack: &Pack) -> (Vec<u8>, BootConfig) {
    let config = BootConfig {
        authorities: vec![key(1).verifying_key()],
        threshold: 1,
        freshness_keys: vec![key(4).verifying_key()],
        freshness_threshold: 1,
        rulebook: pack.name.clone(),
        freshness: FreshnessPolicy::default(),
        limits: Limits::default(),
    };
    let bundle = pack.bundle(1, ISSUED_AT);
    (rules::sign_bundle(&bundle, &[key(1)]).expect("a sound bundle"), config)
}
