//! Sealed requests in the enclave, over its link: what is opened, what is refused with which code,
//! that each is taken once, and that the parent is given nothing that the caller sealed.

use crate::enclave_link::{boot, now};
use attest::{NitroPolicy, VerificationTime};
use crypto::{Domain, digest};
use enclave::Enclave;
use proof::{Proof, signer_of_key_set};
use seal::{Recipient, Reply, ReplyKey};
use simulator::Simulated;
use std::sync::Arc;
use std::time::Duration;
use tests::link::Link;
use tests::sample::{BODY, test_root};
use tests::world::World;
use wire::{Command, Entry, RefusalCode, Report};
use zeroize::Zeroizing;

/// A booted enclave with rules, a link to it, and its key set.
struct Sealing {
    enclave: Arc<Enclave>,
    link: Link,
    keys: Vec<u8>,
    seeds: u8,
}

impl Sealing {
    fn start(sealed_max: usize) -> Self {
        let world = World::small();
        let device = Box::new(Simulated::new(Duration::ZERO, 0, false));
        let enclave = Enclave::with_sealed_max(device, sealed_max);
        let mut link = Link::to(&enclave, 4);
        boot(&world, &mut link);
        let (bundle, freshness) = (world.signed_bundle.clone(), world.freshness(now()));
        link.ask(&Command::LoadRules { id: 2, bundle, freshness });
        let keys = attested_keys(&mut link);
        link.send(&Command::Resume { from: 1 });
        Self { enclave, link, keys, seeds: 0 }
    }

    /// A body sealed to this enclave, good for so many milliseconds.
    fn seal(&mut self, body: &[u8], good_for_ms: u64) -> (Vec<u8>, ReplyKey) {
        self.seeds += 1;
        let recipient = Recipient::of_key_set(&self.keys).expect("a key to seal to");
        let (seed, end) = (Zeroizing::new([self.seeds; 32]), now().0 + good_for_ms);
        recipient.seal(&seed, end, body).expect("sealed")
    }

    fn send(&mut self, id: u64, sealed: &[u8]) {
        let (client_ref, sealed) = (id.to_be_bytes().to_vec(), sealed.to_vec());
        self.link.send(&Command::EvaluateSealed { id, client_ref, sealed });
    }

    /// The next report that is no quote.
    fn report(&mut self) -> Report {
        loop {
            match self.link.report().expect("the enclave goes on") {
                Report::Quote(_) => {}
                report => return report,
            }
        }
    }

    fn entry(&mut self, sealed: &[u8]) -> Entry {
        self.send(7, sealed);
        match self.report() {
            Report::Entry(entry) => entry,
            other => panic!("{other:?}"),
        }
    }

    fn sealed_refusal(&mut self, message: &[u8]) -> Vec<u8> {
        self.send(9, message);
        match self.report() {
            Report::SealedRefusal { id: 9, sealed } => sealed,
            other => panic!("{other:?}"),
        }
    }

    fn refusal(&mut self, sealed: &[u8]) -> (RefusalCode, String) {
        self.send(8, sealed);
        match self.report() {
            Report::Refused(refusal) if refusal.id == 8 => (refusal.code, refusal.detail),
            other => panic!("{other:?}"),
        }
    }
}

/// The key set of a document that answers a nonce.
fn attested_keys(link: &mut Link) -> Vec<u8> {
    let Report::Attested { quote, .. } = link.ask(&Command::Attest { id: 3, nonce: vec![5; 32] })
    else {
        panic!("no attestation")
    };
    let live = VerificationTime::Live { now_ms: now().0 };
    let policy = NitroPolicy::inspect_any_enclave(vec![test_root()], live);
    let document = attest::verify(&quote.document, &policy, None).expect("genuine");
    document.public_key().expect("a key set").to_vec()
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn the_caller_alone_reads_salt_and_results() {
    let mut sealing = Sealing::start(10);
    let (message, ours) = sealing.seal(BODY, 60_000);
    let entry = sealing.entry(&message);
    assert_eq!((entry.id, entry.salt, entry.results.len()), (7, [0; 32], 0));
    assert_eq!(entry.client_ref, 7_u64.to_be_bytes());
    let Reply::Decided { proof_hash, salt, results } = ours.open(&entry.sealed).expect("ours")
    else {
        panic!("it was refused")
    };
    let signed = Proof::parse(&entry.envelope).expect("sound").signed;
    assert_eq!(signed.proof_hash().0, proof_hash);
    let statement = signed.statement();
    assert_eq!(statement.input_hash, digest(Domain::Input, &[&*salt, BODY]));
    assert_eq!(results.len(), statement.rules.len());
    // The first key of the set is still the signer's.
    let signer = signer_of_key_set(&sealing.keys).expect("a signer");
    let signer = crypto::VerifyingKey::from_bytes(&signer).expect("sound");
    assert_eq!(signer.did_key(), statement.agent);
    let frame = Report::Entry(entry).to_bytes();
    assert!(!holds(&frame, &*salt) && results.iter().all(|result| !holds(&frame, result)));
    assert!(holds(&frame, b"us.bsa.ctr"), "the search works");
}

#[test]
fn what_was_opened_and_refused_is_refused_under_seal() {
    let mut sealing = Sealing::start(1);
    let body = String::from_utf8_lossy(BODY).replacen("15000", "-73519", 1);
    let (message, ours) = sealing.seal(body.as_bytes(), 60_000);
    // Its body is no request at any time: it holds no place, and is refused as often as it comes.
    for _ in 0..3 {
        let sealed = sealing.sealed_refusal(&message);
        let Reply::Refused { code, field, detail } = ours.open(&sealed).expect("ours") else {
            panic!("it was decided")
        };
        assert_eq!((code, &*field), (RefusalCode::BadRequest as u64, "transaction.amount"));
        assert!(detail.len() > 10 && !holds(&sealed, b"amount"));
    }
    // The index went to nobody, and the only place is free.
    let (message, _) = sealing.seal(BODY, 60_000);
    assert_eq!(sealing.entry(&message).index, 1);
    assert_eq!(sealing.refusal(&message).0, RefusalCode::SealedReplayed);
}

/// Rules and time may change: what is refused for them alone could be decided the next time.
#[test]
fn what_was_refused_for_rules_or_time_counts_as_having_come() {
    let mut sealing = Sealing::start(1);
    // Rules that are not held here yet.
    let body = String::from_utf8_lossy(BODY).replacen('{', "{\"rulebook_version\":7,", 1);
    let (message, ours) = sealing.seal(body.as_bytes(), 60_000);
    let sealed = sealing.sealed_refusal(&message);
    let Reply::Refused { code, .. } = ours.open(&sealed).expect("ours") else {
        panic!("it was decided")
    };
    assert_eq!(code, RefusalCode::NothingInForce as u64);
    assert_eq!(sealing.refusal(&message).0, RefusalCode::SealedReplayed);
    let (message, _) = sealing.seal(BODY, 60_000);
    assert_eq!(sealing.refusal(&message).0, RefusalCode::SealedFull);
}

#[test]
fn each_bad_request_is_refused_with_its_code() {
    let mut sealing = Sealing::start(10);
    let (message, _) = sealing.seal(BODY, 60_000);
    let mut refused = |bytes: &[u8], code: RefusalCode, check: &str| {
        let (found, detail) = sealing.refusal(bytes);
        assert_eq!(found, code, "{detail}");
        assert!(detail.starts_with(check), "{detail}");
    };
    refused(BODY, RefusalCode::SealedMalformed, "S1: ");
    refused(&message[..100], RefusalCode::SealedMalformed, "S1: ");
    let mut version = message.clone();
    version[1] = 2;
    refused(&version, RefusalCode::SealedMalformed, "S3: ");
    // Key set hash, enc, ciphertext, tag.
    for (place, check) in [(4, "S5: "), (38, "S7: "), (200, "S7: "), (message.len() - 1, "S7: ")] {
        let mut changed = message.clone();
        changed[place] ^= 1;
        refused(&changed, RefusalCode::SealedKey, check);
    }
    let (another, _) = Sealing::start(10).seal(BODY, 60_000);
    refused(&another, RefusalCode::SealedKey, "S5: ");
    // What was changed did not use the request up.
    assert_eq!(sealing.entry(&message).index, 1);
    let (late, _) = sealing.seal(BODY, seal::VALIDITY_MS_MAX + 5_000);
    assert_eq!(sealing.refusal(&late).0, RefusalCode::SealedExpired);
    let (over, _) = sealing.seal(BODY, 0);
    std::thread::sleep(Duration::from_millis(5));
    let (code, detail) = sealing.refusal(&over);
    assert_eq!(code, RefusalCode::SealedExpired);
    assert!(detail.starts_with("S9: "), "{detail}");
}

#[test]
fn of_many_at_once_one_is_evaluated() {
    let mut sealing = Sealing::start(10);
    let (message, _) = sealing.seal(BODY, 60_000);
    for id in 1..=60 {
        sealing.send(id, &message);
    }
    let (mut entries, mut replays) = (0, 0);
    for _ in 0..60 {
        match sealing.report() {
            Report::Entry(_) => entries += 1,
            Report::Refused(refusal) => {
                assert_eq!(refusal.code, RefusalCode::SealedReplayed, "{}", refusal.detail);
                replays += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((entries, replays), (1, 59));
}

/// No eviction inside the window: a full one refuses what is new, and still knows what came.
#[test]
fn a_full_window_refuses_new_requests_and_forgets_none() {
    let mut sealing = Sealing::start(3);
    let (short, _) = sealing.seal(BODY, 4_000);
    let sent = std::time::Instant::now();
    let (second, _) = sealing.seal(BODY, 60_000);
    let (third, _) = sealing.seal(BODY, 60_000);
    for message in [&short, &second, &third] {
        sealing.entry(message);
    }
    let (more, _) = sealing.seal(BODY, 60_000);
    assert_eq!(sealing.refusal(&more).0, RefusalCode::SealedFull);
    for message in [&short, &second, &third] {
        assert_eq!(sealing.refusal(message).0, RefusalCode::SealedReplayed);
    }
    // A place becomes free at the end of the first, and by nothing else.
    std::thread::sleep(Duration::from_millis(4_100).saturating_sub(sent.elapsed()));
    assert_eq!(sealing.refusal(&short).0, RefusalCode::SealedExpired);
    sealing.entry(&more);
    assert_eq!(sealing.refusal(&second).0, RefusalCode::SealedReplayed);
    let (again, _) = sealing.seal(BODY, 60_000);
    assert_eq!(sealing.refusal(&again).0, RefusalCode::SealedFull);
}

#[test]
fn a_parent_that_died_is_handed_the_sealed_reply_again() {
    let mut sealing = Sealing::start(10);
    let (message, ours) = sealing.seal(BODY, 60_000);
    let first = sealing.entry(&message);
    let mut link = Link::to(&sealing.enclave, 1);
    link.ask(&Command::Hello { version: wire::PROTOCOL_VERSION });
    link.send(&Command::Resume { from: 1 });
    let Some(Report::Entry(again)) = link.report() else { panic!("nothing was handed over") };
    assert_eq!(again, Entry { id: 0, ..first });
    assert!(matches!(ours.open(&again.sealed), Ok(Reply::Decided { .. })));
}
