//! A small sound bundle, test keys, and a configuration for them.

use crypto::SigningKey;
use facts::Millis;
use rules::{
    BootConfig, Bundle, Freshness, FreshnessPolicy, Limits, ListSnapshot, Reason, Rule, Severity,
    module_hash,
};

pub const HOUR_MS: u64 = 3_600_000;
/// 2026-03-02T12:00:00Z.
pub const ISSUED: Millis = Millis(1_772_452_800_000);

pub fn key(fill: u8) -> SigningKey {
    SigningKey::from_seed(&[fill; 32].into())
}

pub fn keys(fills: &[u8]) -> Vec<SigningKey> {
    fills.iter().map(|fill| key(*fill)).collect()
}

/// `threshold` of the keys `fills` must sign; freshness is by key 9.
pub fn config(fills: &[u8], threshold: usize) -> BootConfig {
    let mut authorities: Vec<_> = keys(fills).iter().map(SigningKey::verifying_key).collect();
    authorities.sort_unstable();
    BootConfig {
        authorities,
        threshold,
        freshness_keys: vec![key(9).verifying_key()],
        freshness_threshold: 1,
        rulebook: "test".into(),
        freshness: FreshnessPolicy::default(),
        limits: Limits::default(),
    }
}

pub fn rule(id: &str, from: u64, to: Option<u64>) -> Rule {
    Rule {
        id: id.into(),
        version: format!("{from}"),
        title: "Title".into(),
        jurisdiction: "US".into(),
        domain: "AML".into(),
        effective_from: Millis(from),
        effective_to: to.map(Millis),
        citation: "a law".into(),
        module: 0,
        entry: "evaluate".into(),
        fuel: 1000,
        lists: vec![0],
        source: String::new(),
        reasons: vec![Reason { severity: Severity::High, template: "{0}".into() }],
    }
}

pub fn list(id: &str, entries: &[&str]) -> ListSnapshot {
    let entries = entries.iter().map(|entry| entry.to_string()).collect();
    ListSnapshot { id: id.into(), source: "a source".into(), taken_at: ISSUED, entries }
}

/// Two versions of one rule, and another rule.
pub fn bundle() -> Bundle {
    let mut modules = vec![b"first".to_vec(), b"second".to_vec()];
    modules.sort_by_key(|module| module_hash(module));
    Bundle {
        name: "test".into(),
        version: 3,
        issued_at: ISSUED,
        compiler: "by hand".into(),
        modules,
        rules: vec![rule("a", 100, Some(200)), rule("a", 200, None), rule("b", 150, Some(250))],
        lists: vec![list("countries", &["CU", "IR"]), list("names", &[])],
        names: vec![],
    }
}

pub fn freshness(bundle: &Bundle) -> Freshness {
    Freshness {
        bundle: bundle.hash(),
        version: bundle.version,
        issued_at: ISSUED,
        expires_at: Millis(ISSUED.0 + 24 * HOUR_MS),
    }
}
