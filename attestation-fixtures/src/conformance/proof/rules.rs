//! Cases of rules, input and replay: P12 to P17 and P21. The enclave lies and signs the lie, or the
//! materials are not the right ones.

use super::{Builder, Draft, demanded};
use crate::corpus::Expected;
use crate::proofs::{Backing, ProofSpec, RuleWorld, key};
use crypto::Digest;
use facts::Millis;
use proof::Statement;
use rules::Outcome;
use std::sync::Arc;

pub(super) fn cases(build: &mut Builder<'_>) {
    bundle(build);
    lies(build);
    materials(build);
    modules(build);
}

fn bundle(build: &mut Builder<'_>) {
    let bundle = build.world.bundle.clone();
    let sign = |keys: &[u8]| {
        let keys: Vec<_> = keys.iter().map(|fill| key(*fill)).collect();
        rules::sign_bundle(&bundle, &keys).expect("sound bundle")
    };
    let mut given = |name, signed: Vec<u8>| {
        build.refuse(name, "P12", |draft| draft.bundle = Some(signed));
    };
    given("bundle-one-authority", sign(&[1]));
    given("bundle-strangers", sign(&[8, 9]));
    given("bundle-one-and-a-stranger", sign(&[1, 9]));
    let mut twice = sign(&[1, 3]);
    *twice.last_mut().expect("a signature") ^= 1;
    given("bundle-signature-bit", twice);
    let mut trailing = sign(&[1, 3]);
    trailing.push(0);
    given("bundle-trailing", trailing);
    let mut other = bundle.clone();
    other.version = 2;
    given("bundle-other-version", rules::sign_bundle(&other, &[key(1), key(3)]).expect("sound"));
    other.name = "another".into();
    given("bundle-other-name", rules::sign_bundle(&other, &[key(1), key(3)]).expect("sound"));
}

fn lies(build: &mut Builder<'_>) {
    type Lie = fn(&mut Statement);
    const ZERO: Digest = Digest([0; 32]);
    let lies: [(&str, &'static str, Lie); 22] = [
        ("lie-bundle-hash", "P12", |s| s.rulebook.hash = ZERO),
        ("lie-rulebook-name", "P12", |s| s.rulebook.name = "other".into()),
        ("lie-rulebook-version", "P12", |s| (s.rulebook.version, s.newest_version) = (2, 2)),
        ("lie-compiler", "P12", |s| s.engine.compiler = "other".into()),
        ("lie-rule-hash", "P12", |s| s.rule_hash = ZERO),
        ("lie-rules-too-old", "P12", |s| s.rules_age_ms = 48 * 3_600_000),
        ("lie-not-said-offline", "P12", |s| s.rules_age_ms = 12 * 3_600_000 + 1),
        ("lie-module-hash", "P13", |s| s.rules[0].module = ZERO),
        ("lie-rule-version", "P13", |s| s.rules[0].version = "1.0.1".into()),
        ("lie-rule-domain", "P13", |s| s.rules[0].domain = "TAX".into()),
        ("lie-list", "P14", |s| s.lists = vec![("list".into(), ZERO)]),
        ("lie-input-hash", "P15", |s| s.input_hash = ZERO),
        ("lie-as-of", "P15", |s| s.as_of = Millis(s.as_of.0 + 1)),
        ("lie-nonce", "P15", |s| s.nonce = Some(b"other".to_vec())),
        ("lie-facts-hash", "P16", |s| s.facts_hash = ZERO),
        ("lie-facts-version", "P16", |s| s.engine.facts += 1),
        ("lie-engine", "P17", |s| s.engine.engine = "other/1.0".into()),
        ("lie-outcome", "P17", |s| s.rules[0].outcome = Outcome::Pass),
        ("lie-reason", "P17", |s| s.rules[0].reason += 1),
        ("lie-state-hash", "P17", |s| s.state_hash = ZERO),
        ("lie-output-hash", "P17", |s| s.output_hash = ZERO),
        ("lie-trace-hash", "P17", |s| s.trace_hash = ZERO),
    ];
    for (name, check, lie) in lies {
        build.refuse(name, check, |draft| draft.spec.statement(lie));
    }
}

fn materials(build: &mut Builder<'_>) {
    build.refuse("input-other", "P15", |draft| {
        let body = draft.input.as_mut().expect("an input");
        let at = body.windows(5).position(|w| w == b"15000").expect("the amount");
        body[at] = b'2';
    });
    build.refuse("input-other-spelling", "P15", |draft| {
        draft.input.as_mut().expect("an input").push(b'\n');
    });
    build.refuse("salt-other", "P15", |draft| draft.salt = Some(vec![8; 32]));
    build.refuse("salt-missing", "P15", |draft| draft.salt = None);
    build.accept("good-without-bundle", Backing::Nitro, |draft| draft.bundle = None);
    build.accept("good-without-input", Backing::Nitro, |draft| {
        (draft.input, draft.salt) = (None, None);
    });
}

/// The authorities signed a module that does not follow from its source; the enclave ran it.
fn modules(build: &mut Builder<'_>) {
    let mut changed = |name, check: Option<&'static str>, change: fn(&mut rules::Bundle)| {
        let world = Arc::new(RuleWorld::with_bundle(change));
        let spec = ProofSpec::new(&world, Backing::Nitro);
        let bundle = Some(world.signed_bundle.clone());
        let draft = Draft { spec, bundle, ..build.draft(Backing::Nitro) };
        build.add(name, check.map_or(Expected::Accept, Expected::Refuse), draft);
    };
    changed("module-not-from-source", Some("P21"), |bundle| {
        bundle.modules[0] = RuleWorld::other_module();
    });
    changed("source-does-not-compile", Some("P21"), |bundle| {
        bundle.rules[0].source = bundle.rules[0].source.replace("transaction.amount", "amount");
    });
    changed("good-module-without-source", None, |bundle| bundle.rules[0].source.clear());
    let mut draft = build.draft(Backing::Nitro);
    let world = Arc::new(RuleWorld::with_bundle(|bundle| bundle.rules[0].source.clear()));
    draft.spec = ProofSpec::new(&world, Backing::Nitro);
    draft.bundle = Some(world.signed_bundle.clone());
    demanded(&mut draft).required_checks = vec!["P21".into()];
    build.add("required-source-missing", Expected::Refuse("P21"), draft);
}
