//! Cases of one rule result shown alone: P19. The material is
//! `[index, leaf salt bstr32, result bstr, [node bstr32...]]`.

use super::{Builder, Draft};
use crate::corpus::Expected;
use crate::proofs::{Backing, SALT};
use cbor::Writer;
use crypto::Salt;
use rules::{Outcome, RuleResult};

/// What is shown.
struct Shown {
    index: u32,
    salt: [u8; 32],
    result: RuleResult,
    path: Vec<[u8; 32]>,
}

pub(super) fn cases(build: &mut Builder<'_>) {
    let honest = build.world.results[0].clone();
    let mut case = |name, expected, change: fn(&mut Shown)| {
        let salt = rules::leaf_salt(&Salt(SALT), 0).0;
        let mut shown = Shown { index: 0, salt, result: honest.clone(), path: vec![] };
        change(&mut shown);
        let mut w = Writer::new();
        w.array(4).uint(shown.index.into()).bytes(&shown.salt).bytes(&shown.result.to_bytes());
        w.array(shown.path.len());
        for node in &shown.path {
            w.bytes(node);
        }
        // Whoever is shown one result has neither the input nor the salt that opens all.
        let mut draft = build.draft(Backing::Nitro);
        (draft.input, draft.salt, draft.single) = (None, None, Some(w.finish()));
        add(build, name, expected, draft);
    };
    case("good-single-result", Expected::Accept, |_| ());
    let refuse = Expected::Refuse("P19");
    case("single-outcome", refuse, |shown| shown.result.outcome = Outcome::Pass);
    case("single-reason", refuse, |shown| shown.result.reason += 1);
    case("single-values", refuse, |shown| shown.result.values.clear());
    case("single-other-rule", refuse, |shown| shown.result.id = "us.test.other".into());
    case("single-proofs-own-salt", refuse, |shown| shown.salt = SALT);
    case("single-index", refuse, |shown| shown.index = 1);
    case("single-path", refuse, |shown| shown.path.push([0; 32]));
}

fn add(build: &mut Builder<'_>, name: &str, expected: Expected, draft: Draft) {
    build.add(name, expected, draft);
}
