//! Who said so: k of n of its own signers, of the pins, and of the version before (Y4 to Y7).

use crate::support::{full, key, signers};
use facts::Millis;
use policy::{SignedPolicy, VerifiedPolicy, add_signatures, sign};

fn check(result: Result<VerifiedPolicy, policy::PolicyError>) -> &'static str {
    result.map_or_else(|error| error.check(), |_| "accepted")
}

#[test]
fn k_of_n_sign_and_strangers_count_for_nothing() {
    let one = sign(&full(), &[key(1)]).expect("sound");
    assert_eq!(check(SignedPolicy::verify(&one, None)), "Y4");
    let stranger = add_signatures(&one, &[key(5)]).expect("added");
    assert_eq!(check(SignedPolicy::verify(&stranger, None)), "Y4");
    let twice = add_signatures(&one, &[key(1)]).expect("added");
    assert_eq!(check(SignedPolicy::verify(&twice, None)), "Y4");
    let two = add_signatures(&stranger, &[key(3)]).expect("added");
    let verified = SignedPolicy::verify(&two, None).expect("two of three");
    assert_eq!(verified.signers().len(), 2);
    assert!(!verified.is_pinned());
    let directly = sign(&full(), &[key(5), key(3), key(1)]).expect("sound");
    assert_eq!(two, directly, "one policy with the same signatures has one encoding");
}

#[test]
fn pins_are_the_verifiers_own() {
    let bytes = sign(&full(), &[key(1), key(2), key(5)]).expect("sound");
    let pinned = |fills: &[u8], k| SignedPolicy::verify(&bytes, Some(&signers(fills, k)));
    assert!(pinned(&[1, 2], 2).expect("both").is_pinned());
    assert!(pinned(&[5], 1).expect("a key that the policy does not name").is_pinned());
    assert_eq!(check(pinned(&[1, 3], 2)), "Y5");
    assert_eq!(check(pinned(&[7], 1)), "Y5");
    assert_eq!(check(pinned(&[], 0)), "Y5", "no pins at all are not pins");
}

#[test]
fn a_changed_policy_is_refused() {
    let bytes = sign(&full(), &[key(1), key(2)]).expect("sound");
    let at = bytes.windows(4).position(|window| window == b"full").expect("the name");
    let mut changed = bytes.clone();
    changed[at] = b'g';
    assert_eq!(check(SignedPolicy::verify(&changed, None)), "Y4");
    assert!(add_signatures(&changed, &[key(3)]).is_err(), "a signer adds to what verifies only");
}

#[test]
fn it_is_in_force_for_a_while() {
    let bytes = sign(&full(), &[key(1), key(2)]).expect("sound");
    let policy = SignedPolicy::verify(&bytes, None).expect("sound");
    let (from, to) = (policy.content().issued_at.0, policy.content().expires_at.0);
    let check = |ms| policy.require_in_force(Millis(ms)).map_err(|error| error.check());
    let early = policy::ISSUED_AHEAD_MS_MAX;
    assert_eq!(check(from - early), Ok(()));
    assert_eq!(check(from - early - 1), Err("Y6"));
    assert_eq!(check(to - 1), Ok(()));
    assert_eq!(check(to), Err("Y6"));
    assert_eq!(check(u64::MAX), Err("Y6"));
}

#[test]
fn a_successor_is_signed_by_the_version_before() {
    let old = sign(&full(), &[key(1), key(2)]).expect("sound");
    let old = SignedPolicy::verify(&old, Some(&signers(&[1, 2], 2))).expect("sound");
    let mut next = full();
    next.version = 8;
    next.signers = signers(&[6], 1);
    let by = |content: &policy::Content, fills: &[u8]| {
        let keys: Vec<_> = fills.iter().map(|fill| key(*fill)).collect();
        old.successor(&sign(content, &keys).expect("sound"))
    };
    assert!(by(&next, &[1, 2, 6]).expect("handed over").is_pinned());
    assert_eq!(check(by(&next, &[6])), "Y5");
    assert_eq!(check(by(&next, &[1, 6])), "Y5");
    assert_eq!(check(by(&next, &[1, 2])), "Y4");
    next.name = "other".into();
    assert_eq!(check(by(&next, &[1, 2, 6])), "Y7");
    (next.name, next.version) = ("full".into(), 7);
    assert_eq!(check(by(&next, &[1, 2, 6])), "Y7");
}
