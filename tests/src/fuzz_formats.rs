//! Hostile policies, receipts, notes and sealed messages: parsed, and signed or sealed again where
//! a good key lets the fuzzer past the first check. coset reads what ours reads, RFC 9162 written
//! down once more climbs the same paths.

use crate::fuzz_input::{Choices, climb, corpus, splice};
use coset::cbor::Value;
use coset::{CoseSign, CoseSign1, TaggedCborSerializable};
use crypto::{SigningKey, VerifyingKey};
use policy::{Content, SignedPolicy, Signers};
use receipt::cose::{Receipt, ReceiptKey, ccf};
use receipt::cosign::{WitnessKey, cosign, verify_witnesses};
use receipt::note::{KeyKind, Note, SignatureLine, TreeHead, VerifierKey};
use receipt::tlog_proof::TlogProof;
use seal::{Recipient, RecipientKey, ReplyKey, Window};
use std::collections::BTreeMap;
use std::sync::OnceLock;
use zeroize::Zeroizing;

fn keys() -> [SigningKey; 2] {
    [1, 3].map(crate::world::key)
}

/// A signed policy: whoever accepts it has k of n signatures over these bytes.
pub fn policy_file(bytes: &[u8]) {
    let parsed = SignedPolicy::parse(bytes);
    let pins = Signers { keys: keys().map(|key| key.verifying_key()).to_vec(), threshold: 2 };
    let verified = SignedPolicy::verify(bytes, Some(&pins));
    let Ok(parsed) = parsed else {
        assert!(verified.is_err(), "verified what does not parse");
        return;
    };
    for release in &parsed.content().releases {
        assert!(release.pcrs.values().all(|pcr| *pcr != [0; 48]), "a debug enclave's register");
    }
    let theirs = CoseSign::from_tagged_slice(bytes).expect("coset reads what ours reads");
    assert_eq!(theirs.signatures.len(), parsed.signature_keys().len());
    if let Ok(verified) = verified {
        let payload = theirs.payload.clone().unwrap_or_default();
        let signed = |signature: &&coset::CoseSignature| {
            let message = theirs.tbs_data(&[], signature);
            keys().iter().any(|key| key.sign(&message).0[..] == signature.signature)
        };
        let count = theirs.signatures.iter().filter(signed).count();
        assert!(count >= 2, "{count} signatures of {} bytes", payload.len());
        let sound = verify::Policy::from_verified(&verified);
        drop(sound);
    }
}

/// A payload that two authorities signed, whatever it says.
pub fn policy_signed(payload: &[u8]) {
    let mut body = cbor::Writer::new();
    body.map(1).uint(16).text(policy::TYP);
    let body = body.finish();
    let mut signers = keys().map(|key| (key.verifying_key().to_bytes(), key));
    signers.sort_by_key(|(public, _)| *public);
    let mut writer = cbor::Writer::new();
    writer.tag(98).array(4).bytes(&body).map(0).bytes(payload).array(2);
    for (public, key) in signers {
        let mut header = cbor::Writer::new();
        header.map(2).uint(1).int(-8).uint(4).bytes(&public);
        let header = header.finish();
        let message = crypto::cose::sign_structure(&body, &header, payload);
        writer.array(3).bytes(&header).map(0).bytes(&key.sign(&message).0);
    }
    policy_file(&writer.finish());
}

fn content() -> Content {
    let world = crate::world::World::small();
    let public = |fill| crate::world::key(fill).verifying_key();
    let mut signers: Vec<VerifyingKey> = [1, 3].map(public).to_vec();
    signers.sort();
    let registers = crate::sample::image().into_iter().collect::<BTreeMap<_, _>>();
    let release = policy::Release {
        name: "1.0.0".into(),
        kind: policy::Kind::Nitro,
        pcrs: registers,
        from: crate::world::ISSUED_AT,
        to: None,
    };
    let name = "test".to_owned();
    let der = attestation_fixtures::TestPki::published().root_der().to_vec();
    Content {
        name: "fuzz".into(),
        version: 1,
        issued_at: crate::world::ISSUED_AT,
        expires_at: facts::Millis(crate::world::ISSUED_AT.0 + 86_400_000),
        signers: Signers { keys: signers, threshold: 2 },
        kinds: vec![policy::Kind::Nitro],
        anchors: vec![
            policy::Anchor::AwsNitroG1,
            policy::Anchor::Der(policy::NamedDer { name, der }),
        ],
        releases: vec![release],
        revoked_releases: Vec::new(),
        required_pcrs: BTreeMap::new(),
        boot_configs: vec![world.config.to_bytes()],
        revoked_certificates: Vec::new(),
        revoked_signers: Vec::new(),
        retired_signers: Vec::new(),
        tpm: policy::Tpm::default(),
        witnesses: policy::Witnesses::default(),
        freshness: policy::Freshness::default(),
        regions: None,
        required_checks: vec!["P15".into()],
    }
}

pub(crate) fn policy_seeds() -> Vec<Vec<u8>> {
    vec![policy::sign(&content(), &keys()).expect("a sound policy")]
}

pub(crate) fn policy_signed_seeds() -> Vec<Vec<u8>> {
    let bytes = policy_seeds().remove(0);
    vec![CoseSign::from_tagged_slice(&bytes).ok().and_then(|sign| sign.payload).unwrap_or_default()]
}

const LOG: &str = "probity.example/log/fuzz";

fn log_key() -> VerifierKey {
    VerifierKey::new(LOG, KeyKind::Log, crate::world::key(5).verifying_key()).expect("a name")
}

fn witnesses() -> Vec<WitnessKey> {
    let one = |(name, fill): (&str, u8)| {
        WitnessKey::new(name, crate::world::key(fill).verifying_key()).expect("a name")
    };
    [("witness.example/a", 21), ("witness.example/b", 22)].map(one).to_vec()
}

/// Notes, verifier keys, signature lines.
pub fn note(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        if let Ok(key) = VerifierKey::parse(text) {
            assert_eq!(key.to_string(), text, "two texts of one key");
        }
        if let Ok(line) = SignatureLine::parse(text) {
            assert_eq!(line.to_string(), text, "two texts of one line");
        }
    }
    let Ok(note) = Note::parse(bytes) else { return };
    assert_eq!(note.to_text().as_bytes(), bytes, "two texts of one note");
    let head = TreeHead::parse(note.text());
    if let Ok(known) = note.verify_log(&log_key()) {
        assert_eq!(known.origin, LOG);
    }
    if let Ok(seen) = verify_witnesses(&note, &witnesses(), 2) {
        assert_eq!(seen.witnesses().len(), 2);
        assert_eq!(Ok(seen.head()), head.as_ref());
    }
}

/// Any text, signed by the log and cosigned by two witnesses at two times.
pub fn note_signed(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut whole = format!("{text}\n");
    let key = crate::world::key(5);
    let signature = key.sign(text.as_bytes());
    let id = log_key().key_id().to_be_bytes();
    whole.push_str(&format!("\u{2014} {LOG} {}\n", base64(&[&id[..], &signature.0].concat())));
    let head = TreeHead::parse(text);
    if let Ok(head) = &head {
        for (name, fill, time) in [("witness.example/a", 21, 20), ("witness.example/b", 22, 30)] {
            let line = cosign(head, name, &crate::world::key(fill), time).expect("a sound line");
            whole.push_str(&format!("{line}\n"));
        }
    }
    let Ok(note) = Note::parse(whole.as_bytes()) else { return };
    if let Ok(known) = note.verify_log(&log_key()) {
        assert_eq!(Ok(&known), head.as_ref());
    }
    // Extension lines are under the log's signature and under the witnesses'.
    if let Ok(head) = &head {
        let seen = verify_witnesses(&note, &witnesses(), 2).expect("two signed the whole text");
        assert_eq!(head.to_text(), text);
        assert_eq!(seen.witnessed_at_s(), 30, "not the time of the second of two");
    }
}

pub(crate) fn note_seeds() -> Vec<Vec<u8>> {
    let head = TreeHead { origin: LOG.into(), size: 5, root: [7; 32], extensions: String::new() };
    let line = cosign(&head, "witness.example/a", &crate::world::key(21), 20).expect("a line");
    let note = format!("{}\n{line}\n", head.to_text());
    let key = log_key().to_string();
    vec![note.into_bytes(), key.into_bytes(), line.to_string().into_bytes()]
}

pub(crate) fn note_signed_seeds() -> Vec<Vec<u8>> {
    let head = TreeHead { origin: LOG.into(), size: 5, root: [7; 32], extensions: String::new() };
    vec![head.to_text().into_bytes(), format!("{}extension\n", head.to_text()).into_bytes()]
}

/// A tlog-proof: one text, and the checkpoint below it as signed.
pub fn tlog_proof(bytes: &[u8]) {
    let Ok(proof) = TlogProof::parse(bytes) else { return };
    assert_eq!(proof.to_text().as_bytes(), bytes, "two texts of one proof");
    let leaf = [9; 32];
    if let Ok(found) = proof.verify(leaf, &log_key()) {
        assert!(found.index() < found.size());
        note(proof.checkpoint().to_text().as_bytes());
    }
}

/// A path from the input under a checkpoint that the log signed.
pub fn tlog_proof_signed(input: &[u8]) {
    let mut choices = Choices(input);
    let (size, index) = (choices.number(), choices.number());
    let nodes = usize::from(choices.byte()) % 70;
    let path: Vec<[u8; 32]> = (0..nodes).map(|_| [choices.byte(); 32]).collect();
    let leaf = [9; 32];
    let reached = climb(leaf, index, size, &path);
    let root = reached.unwrap_or([1; 32]);
    let head = TreeHead { origin: LOG.into(), size, root, extensions: String::new() };
    let text = head.to_text();
    let id = log_key().key_id().to_be_bytes();
    let signature = crate::world::key(5).sign(text.as_bytes());
    let line = base64(&[&id[..], &signature.0].concat());
    let nodes: String = path.iter().map(|node| format!("{}\n", base64(node))).collect();
    let whole =
        format!("c2sp.org/tlog-proof@v1\nindex {index}\n{nodes}\n{text}\n\u{2014} {LOG} {line}\n");
    let proof = TlogProof::parse(whole.as_bytes());
    let verdict = proof.map(|proof| proof.verify(leaf, &log_key()).is_ok());
    assert_eq!(verdict.unwrap_or(false), reached.is_some(), "{whole}");
}

pub(crate) fn tlog_proof_seeds() -> Vec<Vec<u8>> {
    let head = TreeHead { origin: LOG.into(), size: 2, root: [7; 32], extensions: String::new() }
        .to_text();
    let node = base64(&[8; 32]);
    let line = format!("\u{2014} {LOG} {}", base64(&[0; 68]));
    vec![format!("c2sp.org/tlog-proof@v1\nindex 1\n{node}\n\n{head}\n{line}\n").into_bytes()]
}

/// A COSE Receipt, or a signed statement with receipts in it.
pub fn cose_receipt(bytes: &[u8]) {
    if let Ok(receipt) = Receipt::parse(bytes) {
        // An algorithm that nobody registered is refused by the key, and by coset when it reads.
        let theirs = CoseSign1::from_tagged_slice(bytes);
        assert!(matches!(receipt.vds(), 1 | 2));
        if let Ok(theirs) = &theirs {
            assert!(theirs.payload.as_ref().is_none_or(|root| root.len() == 32));
        }
        let key = ReceiptKey::Ed25519(crate::world::key(5).verifying_key());
        if let Ok(found) = receipt.verify_inclusion([9; 32], &key) {
            theirs.expect("coset reads what ours accepts");
            assert!(found.claimed_index() < found.claimed_size());
        }
        let _ = receipt.verify_consistency(1, [9; 32], &key);
    }
    if let Ok(statement) = ccf::TransparentStatement::parse(bytes) {
        // Its own protected header is opaque here: the ledger took these bytes in as they are.
        let theirs = coset::cbor::from_reader::<Value, _>(bytes).expect("ciborium reads it");
        let parts = theirs.as_tag().filter(|(tag, _)| *tag == 18).and_then(|(_, v)| v.as_array());
        assert_eq!(parts.map(Vec::len), Some(4));
        assert!(statement.verify(&[]).is_err(), "no key was trusted");
    }
}

/// The path of a receipt from the input; the log signed the root that it leads to.
pub fn receipt_signed(input: &[u8]) {
    let mut choices = Choices(input);
    let (size, index) = (choices.number(), choices.number());
    let nodes = usize::from(choices.byte()) % 70;
    let path: Vec<[u8; 32]> = (0..nodes).map(|_| [choices.byte(); 32]).collect();
    let leaf = [9; 32];
    let reached = climb(leaf, index, size, &path);
    let key = crate::world::key(5);
    let structure = proof::receipt_sig_structure(&reached.unwrap_or([1; 32]));
    let signature = key.sign(&structure);
    let mut inner = cbor::Writer::new();
    inner.array(3).uint(size).uint(index).array(path.len());
    for node in &path {
        inner.bytes(node);
    }
    let mut writer = cbor::Writer::new();
    writer.tag(18).array(4).bytes(&proof::receipt_protected_header());
    writer.map(1).uint(396).map(1).int(-1).array(1).bytes(&inner.finish());
    writer.null().bytes(&signature.0);
    let bytes = splice(&writer.finish(), choices.bytes());
    let verdict = Receipt::parse(&bytes).and_then(|receipt| {
        receipt.verify_inclusion(leaf, &ReceiptKey::Ed25519(key.verifying_key()))
    });
    if let Ok(found) = verdict {
        assert_eq!(Some(*found.root()), reached, "another root than the signed one");
    }
}

pub(crate) fn cose_receipt_seeds() -> Vec<Vec<u8>> {
    let mut writer = cbor::Writer::new();
    let mut inner = cbor::Writer::new();
    inner.array(3).uint(2).uint(1).array(1).bytes(&[8; 32]);
    writer.tag(18).array(4).bytes(&proof::receipt_protected_header());
    writer.map(1).uint(396).map(1).int(-1).array(1).bytes(&inner.finish());
    writer.null().bytes(&[0; 64]);
    let mut seeds = corpus("scitt");
    seeds.push(writer.finish());
    seeds
}

pub(crate) fn path_seeds() -> Vec<Vec<u8>> {
    vec![vec![5, 5, 5, 3, 3, 7, 8, 9, 0], vec![5, 1, 5, 0, 0], Vec::new()]
}

fn recipient() -> &'static (RecipientKey, Vec<u8>) {
    static KEY: OnceLock<(RecipientKey, Vec<u8>)> = OnceLock::new();
    KEY.get_or_init(|| {
        let key = RecipientKey::derive(&Zeroizing::new([31; 32]));
        let set = seal::key_set(&crate::world::key(5).verifying_key().to_bytes(), &key.public());
        (key, set)
    })
}

fn sealed() -> (Vec<u8>, ReplyKey) {
    let to = Recipient::of_key_set(&recipient().1).expect("our own key set");
    to.seal(&Zeroizing::new([32; 32]), 2_000, b"{\"a\": 1}").expect("short")
}

/// A sealed request, its key set, and a reply: what opens is what was sealed.
pub fn sealed_messages(bytes: &[u8]) {
    let (key, set) = recipient();
    let (message, reply) = sealed();
    if let Ok(opened) = key.open(set, bytes) {
        // Whoever knows the key set can seal; the fuzzer does not know how.
        assert_eq!(bytes, message, "another message opened");
        assert_eq!(&opened.body[..], b"{\"a\": 1}");
    }
    assert!(reply.open(bytes).is_err(), "a reply that nobody sealed");
    if let Ok(to) = Recipient::of_key_set(bytes) {
        let _ = to.seal(&Zeroizing::new([33; 32]), 1, b"");
    }
}

/// A sealed request with a piece replaced.
pub fn sealed_spliced(input: &[u8]) {
    sealed_messages(&splice(&sealed().0, input));
}

pub(crate) fn sealed_seeds() -> Vec<Vec<u8>> {
    let (message, reply) = sealed();
    let answer = seal::Reply::refused(1, "field", "detail");
    vec![message, reply.seal(&[34; 32], &answer)[..40].to_vec(), recipient().1.clone()]
}

/// Any sequence of arrivals: nothing is admitted twice before its end, and no room is made early.
pub fn window(input: &[u8]) {
    const ROOM: usize = 8;
    let mut choices = Choices(input);
    let mut window = Window::new(ROOM);
    let mut admitted: BTreeMap<u8, u64> = BTreeMap::new();
    let (mut now, mut latest) = (1_000_u64, 0);
    while !choices.is_empty() {
        let (name, step, validity) = (choices.byte() % 16, choices.byte(), choices.number());
        now = if step == 255 { now.saturating_sub(10_000) } else { now + u64::from(step) * 100 };
        latest = now.max(latest);
        let end = now.saturating_add(validity);
        let again = admitted.get(&name).is_some_and(|end| *end > latest);
        let held = admitted.values().filter(|end| **end > latest).count();
        if window.admit(&[name; 32], end, now).is_ok() {
            assert!(!again, "admitted twice before its end");
            assert!(held < ROOM, "more than there is room for");
            assert!(end > latest && end - latest <= seal::VALIDITY_MS_MAX);
            admitted.insert(name, end);
        }
        assert!(window.remembered() <= ROOM);
    }
}

pub(crate) fn window_seeds() -> Vec<Vec<u8>> {
    vec![vec![1, 1, 5, 50, 1, 1, 5, 50, 2, 200, 9, 60, 1, 255, 5, 50]]
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
