//! The payload: one encoding, and everything that later code relies on.

use crate::support::{bundle, config, keys, list, rule};
use facts::Millis;
use rules::{Bundle, RulesError, SignedBundle, sign_bundle};

#[test]
fn a_bundle_comes_back_as_it_went() {
    let bundle = bundle();
    assert_eq!(Bundle::parse_unverified(&bundle.to_bytes()), Ok(bundle.clone()));
    let signed = sign_bundle(&bundle, &keys(&[1])).expect("sound");
    assert_eq!(SignedBundle::parse_unverified(&signed), Ok(bundle.clone()));
    let verified = SignedBundle::verify(&signed, &config(&[1], 1)).expect("signed");
    assert_eq!(verified.bundle(), &bundle);
    assert_eq!(verified.hash(), bundle.hash());
    assert_eq!(verified.signers(), [keys(&[1])[0].verifying_key()]);
    // One content, one signature, one sequence of bytes.
    assert_eq!(sign_bundle(&bundle, &keys(&[1])).expect("sound"), signed);
}

/// The bundle with a change is refused, by its maker and by its reader.
fn refusal(change: impl FnOnce(&mut Bundle)) -> String {
    let mut changed = bundle();
    change(&mut changed);
    let made = sign_bundle(&changed, &keys(&[1])).expect_err("refused when made");
    let read = Bundle::parse_unverified(&changed.to_bytes()).expect_err("refused when read");
    assert_eq!(made, read);
    let RulesError::Content { problem, .. } = read else { panic!("{read:?}") };
    problem
}

#[test]
fn windows_of_one_rule_do_not_overlap() {
    let twice = "two versions are in force at once";
    assert_eq!(refusal(|b| b.rules[0].effective_to = Some(Millis(201))), twice);
    assert_eq!(refusal(|b| b.rules[0].effective_to = None), twice);
    let order = "rules are not sorted by id and effective date";
    assert_eq!(refusal(|b| b.rules[1] = rule("a", 100, None)), order);
    // A gap between versions, and two rules at once, are sound.
    let mut gap = bundle();
    gap.rules[0].effective_to = Some(Millis(199));
    assert_eq!(gap.check(), Ok(()));
}

#[test]
fn windows_have_a_length() {
    let ends = "ends before it takes effect";
    for end in [0, 149, 150] {
        assert_eq!(refusal(|b| b.rules[2].effective_to = Some(Millis(end))), ends);
    }
}

#[test]
fn everything_is_sorted_and_unique() {
    let modules = "not sorted by hash and unique";
    assert_eq!(refusal(|b| b.modules.swap(0, 1)), modules);
    assert_eq!(refusal(|b| b.modules[1] = b.modules[0].clone()), modules);
    let lists = "not sorted by id and unique";
    assert_eq!(refusal(|b| b.lists.swap(0, 1)), lists);
    assert_eq!(refusal(|b| b.lists[1].id = "countries".into()), lists);
    let entries = "entries are not sorted and unique";
    assert_eq!(refusal(|b| b.lists[0] = list("countries", &["IR", "CU"])), entries);
    assert_eq!(refusal(|b| b.lists[0] = list("countries", &["CU", "CU"])), entries);
    let rules = "rules are not sorted by id and effective date";
    assert_eq!(refusal(|b| b.rules.swap(0, 1)), rules);
    assert_eq!(refusal(|b| b.rules.swap(1, 2)), rules);
}

#[test]
fn indexes_and_names_exist() {
    assert_eq!(refusal(|b| b.rules[0].module = 2), "names a module that the bundle lacks");
    assert_eq!(refusal(|b| b.rules[0].lists = vec![0, 2]), "names a list that the bundle lacks");
    assert_eq!(refusal(|b| b.rules[0].reasons.clear()), "has no reasons");
    let scope = "has an unknown jurisdiction or domain";
    assert_eq!(refusal(|b| b.rules[0].jurisdiction = "XX".into()), scope);
    assert_eq!(refusal(|b| b.rules[0].domain = "aml".into()), scope);
    let empty = "id, version and entry must not be empty";
    assert_eq!(refusal(|b| b.rules[0].version.clear()), empty);
    assert_eq!(refusal(|b| b.rules[0].entry.clear()), empty);
    assert_eq!(refusal(|b| b.rules[0].id.clear()), empty);
}

#[test]
fn limits_hold_when_read() {
    let read = |change: fn(&mut Bundle)| {
        let mut changed = bundle();
        change(&mut changed);
        Bundle::parse_unverified(&changed.to_bytes()).expect_err("refused")
    };
    let is_malformed = |error| matches!(error, RulesError::Malformed { .. });
    assert!(is_malformed(read(|b| b.rules[0].fuel = rules::FUEL_MAX + 1)));
    assert!(is_malformed(read(|b| b.rules[0].title = "x".repeat(1025))));
    assert!(is_malformed(read(|b| b.name = "x".repeat(129))));
    assert!(is_malformed(read(|b| b.modules[0] = vec![0; 65_537])));
    assert!(is_malformed(read(|b| b.rules[0].reasons = vec![b.rules[0].reasons[0].clone(); 33])));
    assert!(is_malformed(read(|b| b.rules[0].effective_from = Millis(u64::MAX))));
}

#[test]
fn a_bundle_cut_anywhere_is_refused() {
    let bytes = bundle().to_bytes();
    for length in 0..bytes.len() {
        assert!(Bundle::parse_unverified(&bytes[..length]).is_err(), "{length}");
    }
    assert!(Bundle::parse_unverified(&[&bytes[..], &[0]].concat()).is_err());
}
