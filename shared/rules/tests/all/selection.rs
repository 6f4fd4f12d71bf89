//! Which rules answer: scope and time.

use crate::support::{bundle, rule};
use facts::{Domain, Jurisdiction, Millis};
use rules::{Bundle, RULES_SELECTED_MAX, RulesError, Selection};

const US: &[Jurisdiction] = &[Jurisdiction::Us];
const AML: &[Domain] = &[Domain::Aml];

/// (index, version) of what is selected.
fn selected(bundle: &Bundle, as_of: u64) -> Vec<(usize, String)> {
    match bundle.select(US, AML, Millis(as_of)) {
        Ok(selection) => {
            selection.rules.iter().map(|(index, rule)| (*index, rule.version.clone())).collect()
        }
        Err(RulesError::NothingInForce { .. }) => Vec::new(),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_rule_is_in_from_its_first_instant_and_out_at_its_last() {
    let mut one = bundle();
    one.rules = vec![rule("a", 100, Some(200))];
    for (as_of, is_in) in [(99, false), (100, true), (101, true), (199, true), (200, false)] {
        assert_eq!(selected(&one, as_of).len(), usize::from(is_in), "{as_of}");
        assert_eq!(one.rules[0].in_force(Millis(as_of)), is_in, "{as_of}");
    }
    let endless = rule("a", 100, None);
    assert!(endless.in_force(Millis(u64::MAX)) && !endless.in_force(Millis(99)));
}

#[test]
fn versions_follow_each_other_without_gap_or_overlap() {
    let bundle = bundle();
    let names = |as_of| {
        let found = selected(&bundle, as_of);
        found.iter().map(|(index, _)| *index).collect::<Vec<_>>()
    };
    assert!(names(99).is_empty());
    assert_eq!(names(100), [0]);
    assert_eq!(names(150), [0, 2]);
    assert_eq!(names(199), [0, 2]);
    assert_eq!(names(200), [1, 2]);
    assert_eq!(names(249), [1, 2]);
    assert_eq!(names(250), [1]);
}

#[test]
fn nothing_in_force_is_an_error_that_says_when() {
    let hint =
        |jurisdictions: &[Jurisdiction], domains: &[Domain], as_of, bundle: &Bundle| match bundle
            .select(jurisdictions, domains, Millis(as_of))
        {
            Err(RulesError::NothingInForce { hint, .. }) => hint,
            other => panic!("{other:?}"),
        };
    let mut bundle = bundle();
    assert_eq!(hint(US, AML, 99, &bundle), "; the first takes effect at 1970-01-01T00:00:00.100Z");
    let no_rule = "; rulebook \"test\" has no rule of that scope";
    assert_eq!(hint(US, &[Domain::Kyc], 150, &bundle), no_rule);
    assert_eq!(hint(&[Jurisdiction::Eu], AML, 150, &bundle), no_rule);
    bundle.rules.remove(1);
    assert_eq!(hint(US, AML, 250, &bundle), "; all of them have ended");
}

#[test]
fn scope_is_any_jurisdiction_and_any_domain() {
    let mut bundle = bundle();
    bundle.rules[2].jurisdiction = "EU".into();
    bundle.rules[2].domain = "KYC".into();
    let count = |jurisdictions: &[Jurisdiction], domains: &[Domain]| {
        let found = bundle.select(jurisdictions, domains, Millis(200));
        found.map_or(0, |selection| selection.rules.len())
    };
    let (both, all) = ([Jurisdiction::Eu, Jurisdiction::Us], [Domain::Aml, Domain::Kyc]);
    assert_eq!(count(&both, &all), 2);
    assert_eq!(count(US, &all), 1);
    assert_eq!(count(&both, AML), 1);
    assert_eq!(count(US, &[Domain::Kyc]), 0);
    assert_eq!(count(&[], &all), 0);
    assert_eq!(count(&both, &[]), 0);
}

#[test]
fn one_evaluation_runs_256_rules_at_most() {
    let mut bundle = bundle();
    let many = |count| (0..count).map(|i| rule(&format!("{i:04}"), 0, None)).collect();
    bundle.rules = many(RULES_SELECTED_MAX);
    assert_eq!(selected(&bundle, 1).len(), RULES_SELECTED_MAX);
    bundle.rules = many(RULES_SELECTED_MAX + 1);
    let error = bundle.select(US, AML, Millis(1)).map(|_| ());
    assert_eq!(error, Err(RulesError::TooManySelected { found: RULES_SELECTED_MAX + 1 }));
}

#[test]
fn the_rule_hash_tells_order_and_number() {
    let bundle = bundle();
    let digests: Vec<_> = bundle.rules.iter().map(rules::Rule::digest).collect();
    let hash = |places: &[usize]| Selection::hash(places.iter().map(|place| digests[*place]));
    assert_eq!(hash(&[0, 1]), hash(&[0, 1]));
    assert_ne!(hash(&[0, 1]), hash(&[1, 0]));
    assert_ne!(hash(&[0, 1]), hash(&[0]));
    assert_ne!(hash(&[0]), hash(&[1]));
}
