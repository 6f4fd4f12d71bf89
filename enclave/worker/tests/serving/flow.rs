//! A full run, and a device that refuses, hangs or answers nonsense.

use crate::host::{Host, Mode, quoted};
use attest::tpm::TpmEvidence;
use attestation_fixtures::proofs::RuleWorld;
use proof::{BootRecord, signer_of_key_set};
use std::time::Duration;
use tpmlink::Request;
use wire::{BootInfo, Command, Confinement, Event, Quote, RefusalCode, Report};

/// Evaluations of a full run: enough for several groups and all threads.
const EVALUATIONS: u64 = 300;

fn booted(report: Report) -> BootInfo {
    match report {
        Report::Status { id: 1, boot: Some(boot), .. } => boot,
        other => panic!("{other:?}"),
    }
}

fn refusal(report: Report) -> (RefusalCode, String) {
    match report {
        Report::Refused(refusal) => (refusal.code, refusal.detail),
        other => panic!("{other:?}"),
    }
}

/// The quote is the device's answer to the binding of what the evidence says.
fn judge(quote: &Quote, nonce: Option<&[u8]>, record: &BootRecord) {
    let evidence = TpmEvidence::parse(&quote.document).expect("the verifier's reader");
    assert_eq!(evidence.attest, evidence.extra_data());
    assert_eq!(evidence.nonce, nonce);
    let checkpoint = tlog(quote);
    assert_eq!(evidence.user_data, checkpoint);
    let signer = signer_of_key_set(evidence.key_set).expect("a key set");
    let signer = crypto_key(&signer);
    assert_eq!(signer, record.agent);
    let device = quoted(evidence.extra_data());
    assert_eq!(evidence.runtime_log, Some(&device.runtime_log[..]));
    assert_eq!(
        (evidence.signature, evidence.ak_public),
        (&device.signature[..], &device.ak_public[..])
    );
}

/// The checkpoint's 78 bytes, as FORMAT.md §6 has them.
fn tlog(quote: &Quote) -> Vec<u8> {
    let (boot_id, size, root) = &quote.checkpoint;
    [&b"probity/v1/checkpoint\0"[..], boot_id, &size.to_be_bytes(), root].concat()
}

fn crypto_key(signer: &[u8; 32]) -> String {
    crypto::VerifyingKey::from_bytes(signer).expect("a key").did_key()
}

/// Evaluates `count` times and takes everything until all of it is quoted.
fn evaluate(link: &mut crate::host::Link, from: u64, count: u64) -> (Vec<Quote>, u64) {
    for id in 0..count {
        link.evaluate(id + 10);
    }
    let (mut quotes, mut entries, mut failed) = (Vec::new(), 0, 0);
    while quotes.last().is_none_or(|quote: &Quote| quote.checkpoint.1 < from + count) {
        match link.report().expect("the worker lives") {
            Report::Entry(entry) => {
                assert_eq!(entry.index, from + entries);
                entries += 1;
            }
            Report::Quote(quote) => quotes.push(quote),
            Report::Event(Event::QuoteFailed) => failed += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(entries, count);
    (quotes, failed)
}

#[test]
fn a_boot_rules_evaluations_and_quotes_over_the_right_binding() {
    let (host, world) = (Host::new(), RuleWorld::new());
    let (mut worker, device) = host.start(&["--workers", "3"], Mode::Answer);
    let mut link = host.connect();
    let Report::Health { health: cold, .. } = link.ask(&Command::Health { id: 9 }) else {
        panic!("health");
    };
    let boot = booted(link.boot(&world));
    let record = BootRecord::parse(&boot.record).expect("a sound record");
    // What holds the process stands in the record, in its health and in its words.
    let held: Vec<u64> = cold.confinement.iter().map(|by| *by as u64).collect();
    assert!(!held.is_empty());
    assert_eq!(record.confinement, held);
    assert_eq!(record.to_bytes()[..3], [0xa7, 1, 2]);
    let said = worker.said().iter().filter(|line| line.contains(": held: ")).count();
    assert_eq!(said, held.len(), "{:#?}", worker.said());
    link.load(&world);
    link.send(&Command::Resume { from: 1 });
    let (quotes, failed) = evaluate(&mut link, 1, EVALUATIONS);
    assert_eq!(failed, 0);
    quotes.iter().for_each(|quote| judge(quote, None, &record));
    let Report::Attested { id: 5, quote } =
        link.ask(&Command::Attest { id: 5, nonce: vec![7; 32] })
    else {
        panic!("a quote with the nonce");
    };
    judge(&quote, Some(&[7; 32]), &record);
    // The device was asked for entropy, then for the configuration, then for a quote over the keys.
    let asked = device.asked.lock().expect("one at a time").clone();
    assert!(matches!(asked[0], Request::Random { id: 1, bytes: 64 }), "{:?}", asked[0]);
    let extension = world.config.pcr_extension();
    assert_eq!(asked[1], Request::Confirm { id: 2, extension });
    let key_set = TpmEvidence::parse(&quote.document).expect("sound").key_set.to_vec();
    let qualifying = tpmlink::binding(None, &[], &key_set);
    assert_eq!(asked[2], Request::Quote { id: 3, qualifying });
    assert!(asked.iter().enumerate().all(|(at, request)| request.id() == at as u64 + 1));
    assert_eq!(asked.len(), 3 + quotes.len() + 1);
    assert!(worker.lives());
}

#[test]
fn a_configuration_that_was_not_measured_is_no_boot() {
    let (host, world) = (Host::new(), RuleWorld::new());
    let (worker, device) = host.start(&[], Mode::RefuseBoot);
    let mut link = host.connect();
    let (code, detail) = refusal(link.boot(&world));
    assert_eq!(code, RefusalCode::BootRefused);
    assert!(detail.contains("boot configuration: another boot was measured"), "{detail}");
    worker.hear("another boot was measured");
    // No key was made: nothing was quoted.
    let asked = device.asked.lock().expect("one at a time").clone();
    assert!(!asked.iter().any(|request| matches!(request, Request::Quote { .. })));
    device.set(Mode::Answer);
    booted(link.boot(&world));
}

#[test]
fn a_device_that_hangs_is_given_up_and_asked_again() {
    let (host, world) = (Host::new(), RuleWorld::new());
    let (mut worker, device) = host.start(&["--quote-timeout-ms", "300"], Mode::Hang);
    let mut link = host.connect();
    let (code, detail) = refusal(link.boot(&world));
    assert_eq!(code, RefusalCode::BootRefused);
    assert!(detail.contains("no answer within 300 ms"), "{detail}");
    // What it answers now is late: dropped, and not taken for the answer to the next request.
    device.set(Mode::Answer);
    booted(link.boot(&world));
    link.load(&world);
    link.send(&Command::Resume { from: 1 });
    evaluate(&mut link, 1, 20);
    // It hangs under load: the failure is told, nothing is lost, and it goes on.
    device.set(Mode::Hang);
    let wakes = std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(1_000));
            device.set(Mode::Answer);
        });
        evaluate(&mut link, 21, 40).1
    });
    assert!(wakes >= 1, "no failure was told");
    worker.hear("quote: no answer within 300 ms");
    evaluate(&mut link, 61, 20);
    assert!(worker.lives());
}

#[test]
fn a_device_that_refuses_or_answers_nonsense_is_named() {
    let (host, world) = (Host::new(), RuleWorld::new());
    let (mut worker, device) = host.start(&[], Mode::Short);
    let mut link = host.connect();
    let (_, detail) = refusal(link.boot(&world));
    assert!(detail.contains("random: the device answered with another number"), "{detail}");
    device.set(Mode::Confuse);
    let (_, detail) = refusal(link.boot(&world));
    assert!(detail.contains("quote: the device answered with a confirmation"), "{detail}");
    device.set(Mode::RefuseQuotes);
    let (_, detail) = refusal(link.boot(&world));
    assert!(detail.contains("TPM_RC_LOCKOUT"), "{detail}");
    // Its words cannot draw on a terminal.
    let line = worker.hear("TPM_RC_LOCKOUT");
    assert!(line.ends_with("quote: TPM_RC_LOCKOUT [2J"), "{line:?}");
    device.set(Mode::Answer);
    let boot = booted(link.boot(&world));
    let record = BootRecord::parse(&boot.record).expect("sound");
    assert!(record.confinement.contains(&(Confinement::SyscallFilter as u64)));
    link.load(&world);
    link.send(&Command::Resume { from: 1 });
    // Refused while it quotes: each try is told, and said once.
    device.set(Mode::RefuseQuotes);
    let failed = std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(500));
            device.set(Mode::Answer);
        });
        evaluate(&mut link, 1, 5).1
    });
    assert!(failed >= 2, "{failed}");
    let said = worker.said().iter().filter(|line| line.contains("TPM_RC_LOCKOUT")).count();
    assert_eq!(said, 2, "once a spell: {:#?}", worker.said());
    assert!(worker.lives());
}

#[test]
fn another_worker_serves_the_same_socket() {
    let (host, world) = (Host::new(), RuleWorld::new());
    let mut boots = Vec::new();
    for _ in 0..3 {
        let (mut worker, _device) = host.start(&[], Mode::Answer);
        let boot = booted(host.connect().boot(&world));
        let record = BootRecord::parse(&boot.record).expect("sound");
        boots.push((record.boot_id, record.agent));
        worker.kill();
    }
    // Each has a log and a key of its own.
    boots.sort();
    boots.dedup();
    assert_eq!(boots.len(), 3);
}
