//! The journal against a hand-made enclave: what it takes, what it refuses, whom it answers.

use super::*;
use crate::rulebook::Rulebook;
use crate::store::Store;
use crypto::{Digest, SigningKey};
use facts::Millis;
use logtree::Tree;
use proof::{EngineId, RuleEntry, SignedStatement, Statement};
use rules::{Bundle, Outcome, Reason, Rule, Severity};
use std::time::Duration;

const BOOT_ID: [u8; 16] = [7; 16];

pub(crate) fn key() -> SigningKey {
    SigningKey::from_seed(&zeroize::Zeroizing::new([5; 32]))
}

pub(crate) fn signed_bundle() -> Vec<u8> {
    signed_bundle_of(1, "fine")
}

/// A bundle with one rule, whose one reason says `template`.
pub(crate) fn signed_bundle_of(version: u64, template: &str) -> Vec<u8> {
    let reason = Reason { severity: Severity::Low, template: template.into() };
    let rule = Rule {
        id: "us.test".into(),
        version: "1".into(),
        title: "Test".into(),
        jurisdiction: "US".into(),
        domain: "AML".into(),
        effective_from: Millis(0),
        effective_to: None,
        citation: "none".into(),
        module: 0,
        entry: "evaluate".into(),
        fuel: 1,
        lists: vec![],
        source: String::new(),
        reasons: vec![reason],
    };
    let bundle = Bundle {
        name: "test".into(),
        version,
        issued_at: Millis(0),
        compiler: "none".into(),
        modules: vec![vec![0]],
        rules: vec![rule],
        lists: vec![],
        names: vec![],
    };
    rules::sign_bundle(&bundle, &[key()]).unwrap()
}

pub(crate) fn statement(number: u8) -> Statement {
    let hash = Digest([number; 32]);
    let rule = RuleEntry {
        id: "us.test".into(),
        version: "1".into(),
        jurisdiction: "US".into(),
        domain: "AML".into(),
        module: hash,
        outcome: Outcome::Pass,
        reason: 0,
        hits: vec![],
    };
    Statement {
        proof_id: [number; 16],
        boot_id: BOOT_ID,
        agent: key().verifying_key().did_key(),
        evaluated_at: Millis(1),
        as_of: Millis(1),
        jurisdictions: vec!["US".into()],
        domains: vec!["AML".into()],
        rulebook: proof::Rulebook { name: "test".into(), version: 1, hash },
        engine: EngineId { engine: "none".into(), abi: 1, compiler: "none".into(), facts: 1 },
        rules: vec![rule],
        lists: vec![],
        input_hash: hash,
        facts_hash: hash,
        rule_hash: hash,
        state_hash: hash,
        output_hash: hash,
        trace_hash: hash,
        offline: false,
        rules_age_ms: 0,
        newest_version: 1,
        nonce: None,
        not_covered: vec![],
    }
}

/// An enclave that signs and keeps its log, and a journal that listens to it.
struct Scene {
    host: Arc<Host>,
    journal: Journal,
    tree: Tree,
    sent: mpsc::Receiver<Vec<u8>>,
}

pub(crate) fn boot_record() -> BootRecord {
    let boot_config = Digest([0; 32]);
    BootRecord {
        boot_id: BOOT_ID,
        boot_config,
        agent: "did:key:z".into(),
        booted_at: Millis(1),
        previous: None,
        confinement: vec![],
    }
}

impl Scene {
    fn new(folder: &std::path::Path) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let store = Store::open(folder).unwrap();
        let deadline = Duration::from_secs(5);
        let host = Arc::new(
            Host::new(folder, store, Rulebook::parse(&signed_bundle()).unwrap(), 16, deadline, 9)
                .unwrap(),
        );
        let mut tree = Tree::new();
        tree.append(leaf_hash(boot_record().hash().as_bytes()));
        let (journal, (_, sent)) = (Journal::new(Arc::clone(&host)), mpsc::channel(1));
        Self { host, journal, tree, sent }
    }

    /// Begins a connection; returns the first index that is not durable.
    fn connect(&mut self, log_size: u64) -> Option<u64> {
        self.connect_to(log_size, None)
    }

    /// The same to an enclave that attested a key.
    fn connect_to(&mut self, log_size: u64, attested: Option<VerifyingKey>) -> Option<u64> {
        let (frames, sent) = mpsc::channel(8);
        self.sent = sent;
        let (reply, mut durable) = oneshot::channel();
        let (record, close) = (boot_record().to_bytes(), Arc::default());
        let begin = Begin { record, attested, log_size, frames, close, reply };
        self.journal.take(Intake::Begin(begin));
        durable.try_recv().ok()
    }

    fn entry(&self, id: u64, index: u64, number: u8, client_ref: Vec<u8>) -> Entry {
        let signed = SignedStatement::sign(statement(number), &key()).unwrap();
        let (envelope, results, sealed) = (signed.to_bytes(), vec![], vec![]);
        Entry { id, index, client_ref, envelope, salt: [1; 32], results, sealed }
    }

    /// Sends an entry that is in the enclave's log.
    fn log(&mut self, id: u64, number: u8, client_ref: Vec<u8>) -> Entry {
        let entry = self.entry(id, self.tree.size(), number, client_ref);
        let hash = Proof::parse(&entry.envelope).unwrap().signed.proof_hash();
        self.tree.append(leaf_hash(hash.as_bytes()));
        self.journal.take(Intake::Entry(entry.clone()));
        entry
    }

    fn quote(&self) -> Quote {
        let checkpoint = (BOOT_ID, self.tree.size(), self.tree.root());
        Quote { checkpoint, document: vec![3; 50], log_signatures: [[0; 64]; 2] }
    }

    fn take_quote(&mut self, quote: Quote) {
        self.journal.take(Intake::Quote(quote));
        self.journal.flush();
    }

    fn acknowledged(&mut self) -> Option<u64> {
        let Command::Ack { below } = Command::parse(&self.sent.try_recv().ok()?).unwrap() else {
            panic!("not an acknowledgement");
        };
        Some(below)
    }
}

#[test]
fn a_quoted_group_is_durable_answered_and_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(folder.path());
    assert_eq!(scene.connect(1), Some(1));
    let host = Arc::clone(&scene.host);
    let mut waiting = host.pending.register();
    scene.log(waiting.id, 1, vec![]);
    scene.log(0, 2, vec![]);
    scene.journal.flush();
    assert!(waiting.answer.try_recv().is_err(), "answered before the quote");
    assert_eq!(scene.acknowledged(), None);
    scene.take_quote(scene.quote());
    let Ok(Ok(Reply::Landed(landed))) = waiting.answer.try_recv() else { panic!("no answer") };
    assert_eq!((landed.at.index, landed.checkpoint_size), (1, 3));
    assert_eq!(scene.acknowledged(), Some(3));

    let at = host.store.find_proof(&[1; 16]).unwrap().unwrap();
    let quote = host.store.quote_covering(at).unwrap().unwrap();
    let path = host.ledger.inclusion(at, quote.size).unwrap();
    let leaf = host.ledger.leaf(at).unwrap();
    assert_eq!(logtree::verify_inclusion(leaf, 1, 3, &path, quote.root), Ok(()));
}

/// Who put himself between host and enclave after the attestation cannot sign as it does.
#[test]
fn after_an_attestation_only_that_key_is_heard() {
    let folder = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(folder.path());
    scene.connect_to(1, Some(key().verifying_key()));
    scene.log(0, 1, vec![]);
    assert!(scene.journal.session.is_some(), "signed by the attested key");
    // A document that speaks of nothing quotes nothing.
    scene.take_quote(scene.quote());
    let detail = scene.host.health.standing().enclave.detail;
    assert!(detail.contains("its evidence cannot be read"), "{detail}");
    assert_eq!(scene.host.ledger.size(0), 1);
    let other = crypto::SigningKey::from_seed(&zeroize::Zeroizing::new([77; 32]));
    let mut scene = Scene::new(&folder.path().join("second"));
    scene.connect_to(1, Some(other.verifying_key()));
    scene.log(0, 1, vec![]);
    assert!(scene.journal.session.is_none());
    let detail = scene.host.health.standing().enclave.detail;
    assert!(detail.contains("not signed by the key that was attested"), "{detail}");
}

#[test]
fn another_root_is_refused_and_nothing_of_the_group_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(folder.path());
    scene.connect(1);
    let host = Arc::clone(&scene.host);
    let mut waiting = host.pending.register();
    scene.log(waiting.id, 1, vec![]);
    let mut quote = scene.quote();
    quote.checkpoint.2 = [0; 32];
    scene.take_quote(quote);
    assert!(waiting.answer.try_recv().is_err());
    assert!(!host.health.standing().enclave.ok);
    assert_eq!(host.ledger.size(0), 1);
    assert_eq!(host.store.find_proof(&[1; 16]).unwrap(), None);
    // Nothing more is taken from that connection, even if it is right.
    scene.take_quote(scene.quote());
    assert_eq!(host.ledger.size(0), 1);
}

#[test]
fn gaps_rewrites_and_quotes_over_nothing_are_refused() {
    let faults: [fn(&mut Scene); 5] = [
        |scene| {
            let gap = scene.entry(0, 3, 9, vec![]);
            scene.journal.take(Intake::Entry(gap));
        },
        |scene| {
            let rewritten = scene.entry(0, 1, 9, vec![]);
            scene.journal.take(Intake::Entry(rewritten));
        },
        |scene| {
            let mut quote = scene.quote();
            quote.checkpoint.1 += 1;
            scene.take_quote(quote);
        },
        |scene| {
            let mut quote = scene.quote();
            quote.checkpoint.0 = [1; 16];
            scene.take_quote(quote);
        },
        |scene| {
            let mut torn = scene.entry(0, 2, 9, vec![]);
            torn.envelope.pop();
            scene.journal.take(Intake::Entry(torn));
        },
    ];
    for (number, fault) in faults.into_iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let mut scene = Scene::new(folder.path());
        scene.connect(1);
        scene.log(0, 1, vec![]);
        assert!(scene.host.health.standing().enclave.ok);
        fault(&mut scene);
        assert!(!scene.host.health.standing().enclave.ok, "fault {number} was taken");
        assert!(scene.journal.session.is_none());
    }
}

#[test]
fn what_was_not_quoted_comes_again_after_a_reconnect() {
    let folder = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(folder.path());
    scene.connect(1);
    let first = scene.log(4, 1, vec![]);
    scene.take_quote(scene.quote());
    let early = scene.quote();
    let second = scene.log(5, 2, vec![]);
    let late = scene.quote();
    // The link breaks here; the store has the first entry only.
    assert_eq!(scene.connect(3), Some(2));
    assert!(!scene.host.health.standing().rules.ok);
    for (entry, quote) in [(first, early), (second, late)] {
        scene.journal.take(Intake::Entry(Entry { id: 0, ..entry }));
        scene.take_quote(quote);
    }
    assert_eq!(scene.host.ledger.size(0), 3);
    assert!(scene.host.store.find_proof(&[2; 16]).unwrap().is_some());

    // A new process finds the same logs.
    drop(scene);
    let mut scene = Scene::new(folder.path());
    assert_eq!(scene.host.ledger.size(0), 3);
    assert_eq!(scene.connect(3), Some(3));
    assert_eq!(scene.host.ledger.boot_ids(), [BOOT_ID]);
    // An enclave that forgot durable entries is no continuation.
    assert_eq!(scene.connect(2), None);
}

#[test]
fn a_key_keeps_its_first_proof() {
    let folder = tempfile::tempdir().unwrap();
    let mut scene = Scene::new(folder.path());
    scene.connect(1);
    let reference = ClientRef::new("key", b"body");
    scene.log(0, 1, reference.to_bytes());
    scene.take_quote(scene.quote());
    let host = Arc::clone(&scene.host);
    let mut waiting = host.pending.register();
    scene.log(waiting.id, 2, reference.to_bytes());
    scene.take_quote(scene.quote());
    let Ok(Ok(Reply::Earlier(found))) = waiting.answer.try_recv() else { panic!("no answer") };
    assert_eq!((found.location.index, found.body), (1, reference.body));
}
