//! Tests of the proof's encodings: against the frozen vector, and rule by rule against bytes that
//! are not the one encoding of a sound statement.
#![allow(clippy::unwrap_used)]

mod boot;
mod envelope;
mod frozen;
mod scope;
mod statement;
mod unprotected;

use crypto::{Digest, SigningKey, from_hex};
use facts::Millis;
use proof::{EngineId, Evidence, Hit, Inclusion, RuleEntry, Rulebook, Statement, Unsigned};
use rules::Outcome;
use serde_json::Value;
use zeroize::Zeroizing;

/// The frozen values of FORMAT.md, read as a stranger would: from the file beside this crate.
fn vectors() -> Value {
    let text = include_str!("../../vectors/proof-2.json");
    serde_json::from_str(text).unwrap()
}

/// The bytes of one frozen value.
fn frozen(key: &str) -> Vec<u8> {
    let vectors = vectors();
    from_hex(vectors[key].as_str().unwrap_or_else(|| panic!("no {key}"))).unwrap()
}

fn signer() -> SigningKey {
    SigningKey::from_seed(&Zeroizing::new([5; 32]))
}

fn rule(id: &str, outcome: Outcome, hits: Vec<Hit>) -> RuleEntry {
    RuleEntry {
        id: id.into(),
        version: "1.0.0".into(),
        jurisdiction: "US".into(),
        domain: "AML".into(),
        module: Digest([0x4d; 32]),
        outcome,
        reason: 7,
        hits,
    }
}

fn hit(list: &str, entry: &str, score: u16) -> Hit {
    Hit { list: list.into(), entry: entry.into(), score }
}

/// A statement in which every part is there, and more than once where it may be.
fn statement() -> Statement {
    let hits = vec![hit("ofac", "1", 9_000), hit("ofac", "2", 8_500), hit("un", "1", 10_000)];
    Statement {
        proof_id: [0x1d; 16],
        boot_id: [0xb0; 16],
        agent: signer().verifying_key().did_key(),
        evaluated_at: Millis(1_767_268_801_500),
        as_of: Millis(1_767_268_800_000),
        jurisdictions: vec!["EU".into(), "US".into()],
        domains: vec!["AML".into(), "SANCTIONS".into()],
        rulebook: Rulebook { name: "core".into(), version: 3, hash: Digest([0x0b; 32]) },
        engine: EngineId {
            engine: "wasmi/2.0.0".into(),
            abi: 2,
            compiler: "pack/1".into(),
            facts: 4,
        },
        rules: vec![rule("eu.a", Outcome::Report, hits), rule("us.b", Outcome::Pass, vec![])],
        lists: vec![("ofac".into(), Digest([1; 32])), ("un".into(), Digest([2; 32]))],
        input_hash: Digest([0x10; 32]),
        facts_hash: Digest([0x11; 32]),
        rule_hash: Digest([0x12; 32]),
        state_hash: Digest([0x13; 32]),
        output_hash: Digest([0x14; 32]),
        trace_hash: Digest([0x15; 32]),
        offline: true,
        rules_age_ms: 60_000,
        newest_version: 5,
        nonce: Some(b"nonce".to_vec()),
        not_covered: vec![("EU".into(), "AML".into()), ("EU".into(), "SANCTIONS".into())],
    }
}

/// Evidence and inclusion, without signatures of the log or of witnesses.
fn unsigned() -> Unsigned {
    Unsigned::new(
        Evidence { kind: proof::EVIDENCE_NITRO.into(), document: vec![0xd0; 40] },
        Inclusion { size: 5, index: 3, path: vec![[0xa1; 32], [0xa2; 32], [0xa3; 32]] },
    )
}
