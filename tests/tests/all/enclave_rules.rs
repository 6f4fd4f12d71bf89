//! Which rules the enclave takes: the authorities' word, fresh, and never an older one.

use crate::enclave_link::{boot, cold, now};
use tests::link::Link;
use tests::world::World;
use wire::{Command, Report};

#[test]
fn rules_are_the_authorities_word_and_nobody_elses() {
    let world = World::small();
    let enclave = cold(0);
    let mut link = Link::to(&enclave, 1);
    boot(&world, &mut link);
    let mut offer = |bundle: Vec<u8>, freshness: Vec<u8>| match link.ask(&Command::LoadRules {
        id: 2,
        bundle,
        freshness,
    }) {
        Report::RulesLoaded { .. } => Ok(()),
        Report::Refused(refusal) => Err(refusal.detail),
        other => panic!("{other:?}"),
    };
    let fresh = world.freshness(now());
    let one_of_three =
        rules::sign_bundle(&world.bundle, &[tests::world::key(1)]).expect("sound bundle");
    let strangers = rules::sign_bundle(&world.bundle, &[8, 9].map(tests::world::key));
    assert!(offer(one_of_three, fresh.clone()).expect_err("quorum").contains("2 are needed"));
    assert!(offer(strangers.expect("sound"), fresh.clone()).is_err());
    let hour = 3_600_000;
    let stale = world.freshness(facts::Millis(now().0 - 25 * hour));
    assert!(offer(world.signed_bundle.clone(), stale).expect_err("stale").contains("too old"));
    let future = world.freshness(facts::Millis(now().0 + hour));
    assert!(offer(world.signed_bundle.clone(), future).expect_err("future").contains("future"));
    assert_eq!(offer(world.signed_bundle.clone(), fresh.clone()), Ok(()));
    let mut older = world.bundle.clone();
    older.version = 0;
    let older = rules::sign_bundle(&older, &[1, 2].map(tests::world::key)).expect("sound");
    // Its freshness statement names another bundle; with a right one it is a rollback.
    assert!(offer(older, fresh).expect_err("mismatch").contains("names bundle"));
    assert_eq!(offer(world.signed_bundle.clone(), world.freshness(now())), Ok(()), "renewal");
}

#[test]
fn an_older_bundle_is_a_rollback_even_with_a_fresh_word() {
    let world = World::small();
    let enclave = cold(0);
    let mut link = Link::to(&enclave, 1);
    boot(&world, &mut link);
    let mut offer = |version: u64| {
        let mut content = world.bundle.clone();
        content.version = version;
        let bundle = rules::sign_bundle(&content, &[1, 2].map(tests::world::key)).expect("sound");
        let issued_at = now();
        let freshness = rules::Freshness {
            bundle: content.hash(),
            version,
            issued_at,
            expires_at: facts::Millis(issued_at.0 + 60_000),
        };
        let freshness = rules::sign_freshness(&freshness, &[tests::world::key(4)]);
        match link.ask(&Command::LoadRules { id: 2, bundle, freshness }) {
            Report::RulesLoaded { rulebook, .. } => Ok(rulebook.version),
            Report::Refused(refusal) => Err(refusal.detail),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(offer(5), Ok(5));
    assert_eq!(offer(5), Ok(5), "the same again is a renewal");
    assert!(offer(4).expect_err("rollback").contains("not above version 5"));
    assert_eq!(offer(6), Ok(6));
}
