//! The enclave over its link, in process, on the simulated device: life cycle, group attestation,
//! what is held and handed over again, and everything a hostile parent may say.

use enclave::Enclave;
use proof::{BootRecord, Proof};
use simulator::Simulated;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tests::link::Link;
use tests::sample::BODY;
use tests::world::World;
use wire::{BootInfo, Command, Entry, PROTOCOL_VERSION, Quote, RefusalCode, Report};

pub(crate) fn now() -> facts::Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    facts::Millis(since.as_millis() as u64)
}

pub(crate) fn cold(latency_ms: u64) -> Arc<Enclave> {
    let device = Simulated::new(Duration::from_millis(latency_ms), 0, false);
    Enclave::new(Box::new(device))
}

pub(crate) fn boot(world: &World, link: &mut Link) -> BootInfo {
    let config = world.config.to_bytes();
    match link.ask(&Command::Boot { id: 1, config, previous: None }) {
        Report::Status { id: 1, boot: Some(boot), .. } => boot,
        other => panic!("{other:?}"),
    }
}

fn load(world: &World, link: &mut Link) -> Report {
    let (bundle, freshness) = (world.signed_bundle.clone(), world.freshness(now()));
    link.ask(&Command::LoadRules { id: 2, bundle, freshness })
}

/// Booted, with rules, and with the live stream of entries on this link.
fn ready(world: &World, latency_ms: u64) -> (Arc<Enclave>, Link, BootInfo) {
    let enclave = cold(latency_ms);
    let mut link = Link::to(&enclave, 2);
    let info = boot(world, &mut link);
    assert!(matches!(load(world, &mut link), Report::RulesLoaded { id: 2, .. }));
    link.send(&Command::Resume { from: 1 });
    (enclave, link, info)
}

fn evaluate(link: &mut Link, id: u64) {
    let client_ref = id.to_be_bytes().to_vec();
    link.send(&Command::Evaluate { id, client_ref, body: BODY.to_vec() });
}

/// Reads until `count` entries are covered by a quote.
fn collect(link: &mut Link, count: usize) -> (BTreeMap<u64, Entry>, Vec<Quote>) {
    let (mut entries, mut quotes) = (BTreeMap::new(), Vec::<Quote>::new());
    let covered = |entries: &BTreeMap<u64, Entry>, quotes: &[Quote]| {
        let size = quotes.last().map_or(0, |quote| quote.checkpoint.1);
        entries.len() >= count && entries.keys().all(|index| *index < size)
    };
    while !covered(&entries, &quotes) {
        match link.report().expect("the enclave goes on") {
            Report::Entry(entry) => assert!(entries.insert(entry.index, entry).is_none()),
            Report::Quote(quote) => quotes.push(quote),
            other => panic!("{other:?}"),
        }
    }
    (entries, quotes)
}

fn leaves(info: &BootInfo, entries: &BTreeMap<u64, Entry>) -> logtree::Tree {
    let record = BootRecord::parse(&info.record).expect("sound record");
    let mut tree = logtree::Tree::new();
    tree.append(tlog::leaf_hash(record.hash().as_bytes()));
    for (at, (index, entry)) in entries.iter().enumerate() {
        assert_eq!(*index, at as u64 + 1, "indexes have no gap");
        let proof = Proof::parse(&entry.envelope).expect("sound statement");
        tree.append(tlog::leaf_hash(proof.signed.proof_hash().as_bytes()));
    }
    tree
}

#[test]
fn nothing_works_before_its_time_and_nothing_twice() {
    let world = World::small();
    let enclave = cold(0);
    let mut link = Link::to(&enclave, 1);
    let hello = link.ask(&Command::Hello { version: PROTOCOL_VERSION });
    assert_eq!(hello, Report::Status { id: 0, version: PROTOCOL_VERSION, boot: None });
    let refused = |report: Report| match report {
        Report::Refused(refusal) => refusal.code,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(load(&world, &mut link)), RefusalCode::RulesRefused);
    evaluate(&mut link, 9);
    assert_eq!(refused(link.report().expect("answer")), RefusalCode::NotReady);
    assert_eq!(
        refused(link.ask(&Command::Attest { id: 3, nonce: vec![1; 8] })),
        RefusalCode::NotReady
    );
    let mut config = world.config.to_bytes();
    config.push(0);
    let bad = Command::Boot { id: 1, config, previous: None };
    assert_eq!(refused(link.ask(&bad)), RefusalCode::BootRefused);
    boot(&world, &mut link);
    let again = Command::Boot { id: 1, config: world.config.to_bytes(), previous: None };
    assert_eq!(refused(link.ask(&again)), RefusalCode::BootRefused);
    evaluate(&mut link, 9);
    assert_eq!(refused(link.report().expect("answer")), RefusalCode::NotReady);
}

#[test]
fn a_group_shares_one_quote_and_the_log_has_no_gap() {
    let world = World::small();
    let (_enclave, mut link, info) = ready(&world, 50);
    for id in 1..=200 {
        evaluate(&mut link, id);
    }
    let (entries, quotes) = collect(&mut link, 200);
    assert!(quotes.len() <= 20, "{} quotes for 200 evaluations", quotes.len());
    let tree = leaves(&info, &entries);
    for quote in &quotes {
        let (_, size, root) = quote.checkpoint;
        assert_eq!(tree.root_at(size).expect("in range"), root);
    }
    let ids: std::collections::BTreeSet<_> = entries.values().map(|entry| entry.id).collect();
    assert_eq!(ids, (1..=200).collect());
    let salts: std::collections::BTreeSet<_> = entries.values().map(|entry| entry.salt).collect();
    assert_eq!(salts.len(), 200, "no salt is used twice");
}

#[test]
fn what_a_dead_parent_missed_is_handed_over_again() {
    let world = World::small();
    let (enclave, mut link, info) = ready(&world, 20);
    for id in 1..=10 {
        evaluate(&mut link, id);
    }
    let (first, _) = collect(&mut link, 10);
    link.send(&Command::Ack { below: 4 });
    for id in 11..=15 {
        evaluate(&mut link, id);
    }
    drop(link);
    std::thread::sleep(Duration::from_millis(200));
    let mut link = Link::to(&enclave, 2);
    let status = link.ask(&Command::Hello { version: PROTOCOL_VERSION });
    let Report::Status { boot: Some(boot), .. } = status else { panic!("{status:?}") };
    assert_eq!(boot.record, info.record, "the same boot goes on");
    link.send(&Command::Resume { from: 4 });
    let wanted = boot.log_size as usize - 4;
    let (again, _) = collect(&mut link, wanted);
    assert_eq!(again.keys().min(), Some(&4));
    for (index, entry) in &again {
        assert_eq!(entry.id, 0, "a request number of another connection means nothing");
        if let Some(before) = first.get(index) {
            assert_eq!(entry.envelope, before.envelope, "the same decision, not a second one");
            assert_eq!(entry.client_ref, before.client_ref);
        }
    }
    let mut all = first.clone();
    all.extend(again);
    leaves(&info, &all);
}

#[test]
fn acknowledged_entries_are_gone_and_asking_for_them_says_so() {
    let world = World::small();
    let (enclave, mut link, _) = ready(&world, 0);
    evaluate(&mut link, 1);
    let (entries, _) = collect(&mut link, 1);
    link.send(&Command::Ack { below: entries.len() as u64 + 1 });
    // An answer on the same link: the acknowledgement has reached the log before the next link.
    link.send(&Command::Hello { version: PROTOCOL_VERSION });
    while !matches!(link.report(), Some(Report::Status { .. })) {}
    let mut link = Link::to(&enclave, 1);
    link.send(&Command::Resume { from: 1 });
    let Some(Report::Refused(refusal)) = link.report() else { panic!("a refusal") };
    assert_eq!(refusal.code, RefusalCode::Protocol);
}

#[test]
fn a_callers_nonce_is_quoted() {
    let world = World::small();
    let (_enclave, mut link, info) = ready(&world, 0);
    let nonce = b"an examiner's question".to_vec();
    let Report::Attested { id: 7, quote } =
        link.ask(&Command::Attest { id: 7, nonce: nonce.clone() })
    else {
        panic!("an attestation")
    };
    let document = attest::UnverifiedDocument::parse(&quote.document).expect("sound document");
    assert_eq!(document.nonce(), Some(&nonce[..]));
    let checkpoint = tlog::Checkpoint::parse(document.user_data().expect("user data"));
    assert_eq!(checkpoint.expect("checkpoint").size, 1, "the boot record alone");
    let record = BootRecord::parse(&info.record).expect("sound record");
    assert_eq!(record.boot_config, world.config.hash());
    let pcr16 = document.pcrs().get(&16).expect("PCR16 is locked and present");
    assert_eq!(*pcr16, world.config.pcr16());
}

#[test]
fn bad_requests_are_refused_with_their_field_and_sign_nothing() {
    let world = World::small();
    let (_enclave, mut link, _) = ready(&world, 0);
    let mut ask = |body: &str| {
        let body = body.as_bytes().to_vec();
        match link.ask(&Command::Evaluate { id: 3, client_ref: vec![], body }) {
            Report::Refused(refusal) => (refusal.code, refusal.field),
            other => panic!("{other:?}"),
        }
    };
    let sound = String::from_utf8_lossy(BODY).into_owned();
    for (from, to, field) in [
        ("15000", "-1", "transaction.amount"),
        ("15000", "\"1e3\"", "transaction.amount"),
        ("\"USD\"", "\"USX\"", "transaction.currency"),
        ("[\"US\"]", "[\"XX\"]", "jurisdictions[0]"),
        ("cash_deposit", "cash_deposits", "transaction.type"),
    ] {
        let body = sound.replacen(from, to, 1);
        assert_eq!(ask(&body), (RefusalCode::BadRequest, field.to_owned()), "{to}");
    }
    assert_eq!(ask("{").0, RefusalCode::BadRequest);
    let nothing = sound.replacen("\"AML\"", "\"PEP\"", 1);
    assert_eq!(ask(&nothing).0, RefusalCode::NothingInForce);
    evaluate(&mut link, 1);
    let (entries, _) = collect(&mut link, 1);
    assert_eq!(entries.keys().next(), Some(&1), "refusals took no index");
}

/// A parent that hangs with its socket open must not hold the log for the next one.
#[test]
fn a_parent_that_stops_reading_is_taken_over() {
    let world = World::small();
    let (enclave, mut stuck, info) = ready(&world, 0);
    // Far more entries than the link buffers, and nobody reads them.
    let (done, hold) = std::sync::mpsc::channel::<()>();
    let hung = std::thread::spawn(move || {
        for id in 1..=8000_u64 {
            let client_ref = id.to_be_bytes().to_vec();
            let command = Command::Evaluate { id, client_ref, body: BODY.to_vec() };
            stuck.send_raw(&wire::frame(&command.to_bytes()).expect("small"));
        }
        // The socket stays open, unread, until the test is over.
        let _ = hold.recv();
    });
    std::thread::sleep(Duration::from_secs(3));
    assert!(!hung.is_finished(), "the first parent still holds its socket");
    let mut link = Link::to(&enclave, 2);
    let status = link.ask(&Command::Hello { version: PROTOCOL_VERSION });
    let Report::Status { boot: Some(boot), .. } = status else { panic!("{status:?}") };
    assert!(boot.log_size < 4000, "the log is held up: {} leaves are quoted", boot.log_size);
    link.send(&Command::Resume { from: 1 });
    let mut entries = BTreeMap::new();
    let mut size = 0;
    while entries.len() < 500 || entries.keys().any(|index| *index >= size) {
        match link.report().expect("the new parent is served") {
            Report::Entry(entry) => drop(entries.insert(entry.index, entry)),
            Report::Quote(quote) => size = quote.checkpoint.1,
            other => panic!("{other:?}"),
        }
    }
    leaves(&info, &entries);
    drop(done);
}

#[test]
fn another_protocol_is_refused() {
    let enclave = cold(0);
    let mut link = Link::to(&enclave, 1);
    let Report::Refused(refusal) = link.ask(&Command::Hello { version: PROTOCOL_VERSION + 1 })
    else {
        panic!("a refusal")
    };
    assert_eq!(refusal.code, RefusalCode::Protocol);
}

/// What nobody has a rule for is said, and is not compliant.
#[test]
fn a_pair_without_a_rule_is_named_and_never_passes() {
    let world = World::small();
    let (_enclave, mut link, _) = ready(&world, 0);
    let body = String::from_utf8_lossy(BODY).replacen("15000", "1", 1).replacen(
        "[\"AML\"]",
        "[\"AML\", \"PEP\"]",
        1,
    );
    link.send(&Command::Evaluate { id: 1, client_ref: vec![], body: body.into_bytes() });
    let (entries, _) = collect(&mut link, 1);
    let proof = Proof::parse(&entries[&1].envelope).expect("sound");
    let statement = proof.signed.statement();
    assert_eq!(statement.rules[0].outcome, rules::Outcome::Pass);
    assert_eq!(statement.not_covered, [("US".to_owned(), "PEP".to_owned())]);
    assert_eq!(statement.decision(), rules::Outcome::MissingData);
}

#[test]
fn hostile_frames_end_the_connection_and_nothing_else() {
    let world = World::small();
    let (enclave, _link, _) = ready(&world, 0);
    let frames: [&[u8]; 5] = [
        &[0xff, 0xff, 0xff, 0xff],
        &[0, 0, 0, 1, 0xff],
        &[0, 0, 0, 2, 0x81, 0x18],
        &[0, 0, 0, 4, 0x82, 0x18, 0x63, 0x00],
        &[0x01, 0x10, 0x00, 0x00, 0x84, 0x04],
    ];
    for frame in frames {
        let mut hostile = Link::to(&enclave, 1);
        hostile.send_raw(frame);
        drop(hostile);
    }
    let mut bomb = vec![0, 1, 0, 0];
    bomb.extend(std::iter::repeat_n(0x81, 65_536));
    let mut hostile = Link::to(&enclave, 1);
    hostile.send_raw(&bomb);
    assert_eq!(hostile.report(), Some(Report::Event(wire::Event::BadFrame)));
    assert_eq!(hostile.report(), None);
    let mut link = Link::to(&enclave, 1);
    assert!(matches!(
        link.ask(&Command::Hello { version: PROTOCOL_VERSION }),
        Report::Status { .. }
    ));
}

/// The same input in two enclaves: statements differ in what is random and in nothing else.
#[test]
fn two_enclaves_say_the_same() {
    let world = World::small();
    let salted = String::from_utf8_lossy(BODY).replacen(
        "\"nonce\"",
        &format!("\"salt\": \"{}\", \"nonce\"", "07".repeat(32)),
        1,
    );
    let statement = || {
        let (_enclave, mut link, _) = ready(&world, 0);
        let body = salted.clone().into_bytes();
        link.send(&Command::Evaluate { id: 1, client_ref: vec![], body });
        let (entries, _) = collect(&mut link, 1);
        let proof = Proof::parse(&entries[&1].envelope).expect("sound");
        proof.signed.statement().clone()
    };
    let (a, mut b) = (statement(), statement());
    assert_ne!(a.proof_id, b.proof_id);
    assert_ne!(a.agent, b.agent, "each boot makes its own key");
    b.proof_id = a.proof_id;
    b.boot_id = a.boot_id;
    b.agent = a.agent.clone();
    b.evaluated_at = a.evaluated_at;
    b.rules_age_ms = a.rules_age_ms;
    assert_eq!(a.to_bytes(), b.to_bytes());
}
