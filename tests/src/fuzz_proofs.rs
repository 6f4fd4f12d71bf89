//! Hostile proofs: raw bytes, and a sound proof that is changed field by field and signed, logged
//! and quoted again, so that the later checks are reached. What the verifier accepts is judged a
//! second time by coset, ciborium and ring.

use crate::fuzz_input::{Choices, climb, hash, lookup, numbered, splice};
use crate::sample::{BODY, SALT, Sample};
use attestation_fixtures::{DocumentSpec, LeafChain, TestPki};
use coset::cbor::Value;
use coset::{CoseSign1, TaggedCborSerializable};
use facts::Millis;
use proof::{Evidence, Inclusion, LogSignatures, Proof, SignedStatement, Unsigned};
use std::cell::RefCell;
use std::sync::OnceLock;
use verify::{Materials, Verifier};

thread_local! {
    // Known certificates and documents: a mutant costs what is new in it.
    static VERIFIER: RefCell<Verifier> = RefCell::new(Verifier::new(sample().policy()));
}

fn sample() -> &'static Sample {
    static SAMPLE: OnceLock<Sample> = OnceLock::new();
    SAMPLE.get_or_init(Sample::new)
}

fn verify(bytes: &[u8]) -> Option<verify::Verified> {
    let bundle = Some(&sample().world.signed_bundle[..]);
    let materials = Materials { bundle, input: Some(BODY), salt: Some(SALT), ..Default::default() };
    VERIFIER.with_borrow_mut(|verifier| verifier.verify(bytes, &materials)).ok()
}

/// Parses, what parses is canonical and read alike by coset; nobody but the signer is believed.
pub fn proof(bytes: &[u8]) {
    let Ok(proof) = Proof::parse(bytes) else { return };
    assert_eq!(proof.to_bytes(), bytes, "two encodings of one proof");
    let theirs = CoseSign1::from_tagged_slice(bytes).expect("coset reads what ours reads");
    let payload = theirs.payload.expect("a payload");
    let statement: Value = coset::cbor::from_reader(&payload[..]).expect("ciborium reads it");
    let ours = proof.signed.statement();
    let id = numbered(&statement, 2).and_then(Value::as_bytes).map(Vec::as_slice);
    assert_eq!(id, Some(&ours.proof_id[..]));
    assert_eq!(numbered(&statement, 4).and_then(Value::as_text), Some(&ours.agent[..]));
    assert_eq!(numbered(&statement, 5), Some(&Value::from(ours.evaluated_at.0)));
    let rules = numbered(&statement, 12).and_then(Value::as_array).map(Vec::len);
    assert_eq!(rules, Some(ours.rules.len()));
    if let Some(verified) = verify(bytes) {
        assert_eq!(verified.proof_hash(), sample().proof.signed.proof_hash());
        second_opinion(bytes);
    }
}

pub(crate) fn proof_seeds() -> Vec<Vec<u8>> {
    let sample = sample();
    vec![sample.proof.to_bytes(), sample.proof.signed.to_bytes()]
}

/// The whole verifier, structure-aware.
pub fn verifier(input: &[u8]) {
    let mut choices = Choices(input);
    let bytes = forge(&mut choices);
    if verify(&bytes).is_some() {
        second_opinion(&bytes);
    }
}

/// One input a kind of change, and one that changes nothing.
pub(crate) fn verifier_seeds() -> Vec<Vec<u8>> {
    let one = |kind: u8| vec![kind, 200, 0, 0, 1, 155, 147, 1, 2, 3, 9, 1, 2, 3, 4, 5, 6, 7, 8, 9];
    std::iter::once(Vec::new()).chain((0..KINDS).map(one)).collect()
}

/// Kinds of changes that [`forge`] knows.
const KINDS: u8 = 18;

/// What a change touches. Everything above it is made again, as an attacker with the enclave's key,
/// or with a leaf, could.
struct Draft {
    statement: proof::Statement,
    checkpoint: Option<Vec<u8>>,
    keys: Vec<u8>,
    spec: DocumentSpec,
    inclusion: Option<Inclusion>,
    kind: String,
    payload: Option<Vec<u8>>,
    /// The log's own signatures; a byte other than zero spoils one.
    log_signatures: Option<u8>,
    cosignatures: Vec<Vec<u8>>,
    envelope: Option<Vec<u8>>,
}

fn forge(choices: &mut Choices<'_>) -> Vec<u8> {
    let sample = sample();
    let keys = proof::key_set(&sample.signer.verifying_key());
    let spec = DocumentSpec::new(chain(), crate::sample::QUOTED_AT.0);
    let mut draft = Draft {
        statement: sample.statement.clone(),
        checkpoint: None,
        keys,
        spec,
        inclusion: None,
        kind: proof::EVIDENCE_NITRO.into(),
        payload: None,
        log_signatures: None,
        cosignatures: Vec::new(),
        envelope: None,
    };
    draft.spec.pcrs = crate::sample::image().into_iter().map(|(n, v)| (n, v.to_vec())).collect();
    draft.spec.pcrs.insert(16, sample.world.config.pcr16().to_vec());
    while !choices.is_empty() {
        change(&mut draft, choices);
    }
    assemble(draft)
}

fn change(draft: &mut Draft, choices: &mut Choices<'_>) {
    let statement = &mut draft.statement;
    match choices.byte() % KINDS {
        0 => statement.evaluated_at = near(statement.evaluated_at, choices),
        1 => statement.as_of = near(statement.as_of, choices),
        2 => statement.boot_id[choices.below(16)] ^= choices.byte(),
        3 => statement.nonce = Some(choices.bytes().to_vec()).filter(|nonce| !nonce.is_empty()),
        4 => statement.rulebook.version = choices.number(),
        5 => statement.newest_version = choices.number(),
        6 => statement.rules_age_ms = choices.number(),
        7 => change_rule(statement, choices),
        8 => change_hash(statement, choices),
        9 => draft.checkpoint = Some(choices.bytes().to_vec()),
        10 => draft.keys = splice(&draft.keys, choices.bytes()),
        11 => change_document(&mut draft.spec, choices),
        12 => draft.inclusion = Some(inclusion(choices)),
        13 => draft.kind = String::from_utf8_lossy(choices.bytes()).into_owned(),
        14 => draft.payload = Some(choices.bytes().to_vec()),
        15 => draft.log_signatures = Some(choices.byte()),
        16 => draft.cosignatures.push(choices.bytes().to_vec()),
        _ => draft.envelope = Some(choices.bytes().to_vec()),
    }
}

fn near(time: Millis, choices: &mut Choices<'_>) -> Millis {
    match choices.byte() % 3 {
        0 => Millis(time.0.wrapping_add(choices.number())),
        1 => Millis(time.0.wrapping_sub(choices.number())),
        _ => Millis(choices.number()),
    }
}

fn change_rule(statement: &mut proof::Statement, choices: &mut Choices<'_>) {
    let text = String::from_utf8_lossy(choices.bytes()).into_owned();
    let which = choices.byte() % 6;
    let Some(rule) = statement.rules.first_mut() else { return };
    match which {
        0 => rule.id = text,
        1 => rule.version = text,
        2 => rule.outcome = rules::Outcome::from_code(choices.number() % 6).unwrap_or(rule.outcome),
        3 => rule.reason = choices.number() as u16,
        4 => rule.hits.push(proof::Hit {
            list: text.clone(),
            entry: text,
            score: choices.byte().into(),
        }),
        _ => statement.rules.clear(),
    }
}

fn change_hash(statement: &mut proof::Statement, choices: &mut Choices<'_>) {
    let all = [
        &mut statement.input_hash,
        &mut statement.facts_hash,
        &mut statement.rule_hash,
        &mut statement.state_hash,
        &mut statement.output_hash,
        &mut statement.trace_hash,
        &mut statement.rulebook.hash,
    ];
    let which = choices.below(all.len());
    if let Some(hash) = all.into_iter().nth(which) {
        hash.0[choices.below(32)] ^= choices.byte();
    }
}

fn change_document(spec: &mut DocumentSpec, choices: &mut Choices<'_>) {
    match choices.byte() % 6 {
        0 => spec.timestamp_ms = near(Millis(spec.timestamp_ms), choices).0,
        1 => drop(spec.pcrs.remove(&(choices.byte() % 20))),
        2 => drop(spec.pcrs.insert(choices.byte() % 40, choices.bytes().to_vec())),
        3 => spec.nonce = Some(choices.bytes().to_vec()),
        4 => spec.indefinite = !spec.indefinite,
        _ => spec.module_id = String::from_utf8_lossy(choices.bytes()).into_owned(),
    }
}

fn inclusion(choices: &mut Choices<'_>) -> Inclusion {
    let (size, index) = (choices.number(), choices.number());
    let nodes = usize::from(choices.byte()) % 70;
    let path = (0..nodes).map(|_| [choices.byte(); 32]).collect();
    Inclusion { size, index, path }
}

/// Signs, logs and quotes what the draft says.
fn assemble(draft: Draft) -> Vec<u8> {
    let sample = sample();
    let Ok(signed) = SignedStatement::sign(draft.statement, &sample.signer) else {
        return Vec::new();
    };
    let leaves =
        [sample.record.hash().0, [0xaa; 32], [0xbb; 32], signed.proof_hash().0, [0xcc; 32]];
    let tree: logtree::Tree = leaves.iter().map(|leaf| tlog::leaf_hash(leaf)).collect();
    let sound = Inclusion { size: 5, index: 3, path: tree.inclusion(3, 5).expect("index 3 of 5") };
    let inclusion = draft.inclusion.unwrap_or(sound);
    // The checkpoint repeats what the path leads to, where it leads anywhere.
    let leaf = hash(&[&[0], &signed.proof_hash().0]);
    let root = climb(leaf, inclusion.index, inclusion.size, &inclusion.path);
    let root = root.unwrap_or_else(|| tree.root());
    let boot_id = signed.statement().boot_id;
    let quoted = tlog::Checkpoint { boot_id, size: inclusion.size, root };
    let checkpoint = quoted.to_bytes();
    let mut spec = draft.spec;
    let changed = draft.checkpoint.map(|input| splice(&checkpoint, &input));
    spec.user_data = Some(changed.unwrap_or_else(|| checkpoint.to_vec()));
    spec.public_key = Some(draft.keys);
    let document = spec.sign(chain()).expect("randomness");
    let evidence = Evidence { kind: draft.kind, document };
    let mut unsigned = Unsigned::new(evidence, inclusion);
    unsigned.log_signatures = draft.log_signatures.map(|spoil| {
        let mut signatures = LogSignatures::sign(&quoted, &sample.signer);
        signatures.note.0[usize::from(spoil) % 64] ^= spoil;
        signatures
    });
    unsigned.cosignatures = draft.cosignatures;
    let proof = Proof { signed, unsigned: Some(unsigned) }.to_bytes();
    let proof = draft.payload.map_or(proof.clone(), |input| resigned(&proof, &input));
    draft.envelope.map_or(proof.clone(), |input| splice(&proof, &input))
}

/// The same envelope around another payload, signed again by the enclave's key.
fn resigned(proof: &[u8], input: &[u8]) -> Vec<u8> {
    let Ok(mut envelope) = CoseSign1::from_tagged_slice(proof) else { return proof.to_vec() };
    let payload = splice(envelope.payload.as_deref().unwrap_or_default(), input);
    envelope.payload = Some(payload);
    let message = envelope.tbs_data(&[]);
    envelope.signature = sample().signer.sign(&message).0.to_vec();
    envelope.to_tagged_vec().unwrap_or_default()
}

fn chain() -> &'static LeafChain {
    static CHAIN: OnceLock<LeafChain> = OnceLock::new();
    CHAIN.get_or_init(|| TestPki::published().issue(crate::sample::QUOTED_AT.0))
}

/// Judges an accepted proof by other code: signature, key, path and checkpoint.
fn second_opinion(bytes: &[u8]) {
    let proof = CoseSign1::from_tagged_slice(bytes).expect("coset reads what ours accepts");
    let payload = proof.payload.clone().expect("a payload");
    let statement: Value = coset::cbor::from_reader(&payload[..]).expect("ciborium reads it");
    let header = Value::Map(
        proof
            .unprotected
            .rest
            .iter()
            .filter_map(|(label, value)| match label {
                coset::Label::Text(text) => Some((Value::Text(text.clone()), value.clone())),
                coset::Label::Int(_) => None,
            })
            .collect(),
    );
    let evidence = lookup(&header, "evidence").and_then(Value::as_array).expect("evidence");
    let document = evidence[1].as_bytes().expect("bytes");
    let document = <CoseSign1 as coset::CborSerializable>::from_slice(document).expect("COSE");
    let fields = document.payload.expect("a payload");
    let fields: Value = coset::cbor::from_reader(&fields[..]).expect("ciborium reads it");
    let keys = lookup(&fields, "public_key").and_then(Value::as_bytes).expect("keys");
    let keys: Value = coset::cbor::from_reader(&keys[..]).expect("a key set");
    let key = keys.as_array().and_then(|keys| numbered(&keys[0], -2)).and_then(Value::as_bytes);
    let key = ring::signature::UnparsedPublicKey::new(&ring::signature::ED25519, key.expect("key"));
    let tbs = proof.tbs_data(&[]);
    key.verify(&tbs, &proof.signature).expect("the attested key signed");
    let inclusion = lookup(&header, "inclusion").and_then(Value::as_array).expect("inclusion");
    let number = |value: &Value| u64::try_from(value.as_integer().expect("a number")).expect("u64");
    let (size, index) = (number(&inclusion[0]), number(&inclusion[1]));
    let nodes = inclusion[2].as_array().expect("a path");
    let node = |value: &Value| value.as_bytes().expect("bytes").clone().try_into().expect("32");
    let path: Vec<[u8; 32]> = nodes.iter().map(node).collect();
    let proof_hash = crypto::digest(crypto::Domain::Proof, &[&tbs]);
    let root = climb(hash(&[&[0], &proof_hash.0]), index, size, &path).expect("a path");
    let boot = numbered(&statement, 3).and_then(Value::as_bytes).expect("a boot");
    let tag = &b"probity/v1/checkpoint\0"[..];
    let quoted = [tag, boot, &size.to_be_bytes(), &root].concat();
    let found = lookup(&fields, "user_data").and_then(Value::as_bytes);
    assert_eq!(found, Some(&quoted), "another checkpoint is quoted");
}

/// A path of any shape: ours and RFC 9162 step by step reach one verdict.
pub fn paths(input: &[u8]) {
    let mut choices = Choices(input);
    let leaf = [choices.byte(); 32];
    let Inclusion { size, index, path } = inclusion(&mut choices);
    let root = climb(leaf, index, size, &path);
    let ours = root.map(|root| logtree::verify_inclusion(leaf, index, size, &path, root));
    assert!(ours.is_none_or(|verdict| verdict.is_ok()), "ours refuses a sound path");
    let mut stray = root.unwrap_or([0x11; 32]);
    stray[31] ^= 1;
    let verdict = logtree::verify_inclusion(leaf, index, size, &path, stray);
    assert!(verdict.is_err(), "a root that nobody hashed to");
    let (old, new) = (choices.number(), choices.number());
    let roots = ([choices.byte(); 32], [choices.byte(); 32]);
    if logtree::verify_consistency(old, new, roots.0, roots.1, &path).is_ok() {
        assert!(old == new && roots.0 == roots.1 && path.is_empty(), "an invented history");
    }
}

pub(crate) fn paths_seeds() -> Vec<Vec<u8>> {
    vec![vec![1, 5, 5, 5, 3, 3, 7, 8, 9, 0], vec![7, 200, 0, 0, 0, 0, 0, 0, 4, 0, 9, 1, 10, 3]]
}
