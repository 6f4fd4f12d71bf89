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
    let mut offer = |version| offer(&world, &mut link, version);
    assert_eq!(offer(5), Ok(5));
    assert_eq!(offer(5), Ok(5), "the same again is a renewal");
    assert!(offer(4).expect_err("rollback").contains("not above version 5"));
    assert_eq!(offer(6), Ok(6));
}

/// Offers the world's bundle under another version; the version in force, or why not.
fn offer(world: &World, link: &mut Link, version: u64) -> Result<u64, String> {
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
}

#[test]
fn the_last_three_versions_answer_and_the_statement_names_the_newest() {
    let world = World::small();
    let enclave = cold(0);
    let mut link = Link::to(&enclave, 1);
    boot(&world, &mut link);
    for version in 1..=4 {
        assert_eq!(offer(&world, &mut link, version), Ok(version));
    }
    link.send(&Command::Resume { from: 1 });
    let mut evaluate = |wanted: Option<u64>| {
        let wish =
            wanted.map_or(String::new(), |wanted| format!(r#","rulebook_version":{wanted}"#));
        let body = format!(
            r#"{{"transaction":{{"id":"t","type":"cash_deposit","amount":"1","currency":"USD"}},
            "jurisdictions":["US"],"domains":["AML"]{wish}}}"#
        );
        link.send(&Command::Evaluate { id: 9, client_ref: vec![], body: body.into_bytes() });
        loop {
            match link.report().expect("the link is open") {
                Report::Entry(entry) => {
                    let signed = proof::Proof::parse(&entry.envelope).expect("signed").signed;
                    let statement = signed.statement();
                    return Ok((statement.rulebook.version, statement.newest_version));
                }
                Report::Refused(refusal) => return Err((refusal.field, refusal.detail)),
                Report::Quote(_) => {}
                other => panic!("{other:?}"),
            }
        }
    };
    assert_eq!(evaluate(None), Ok((4, 4)));
    for wanted in 2..=4 {
        assert_eq!(evaluate(Some(wanted)), Ok((wanted, 4)));
    }
    for gone in [1, 5] {
        let (field, detail) = evaluate(Some(gone)).expect_err("not held");
        assert_eq!(field, "rulebook_version");
        assert!(detail.contains("held are [4, 3, 2]"), "{detail}");
    }
}
