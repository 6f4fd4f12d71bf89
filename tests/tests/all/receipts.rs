//! The standard encodings of inclusion on the running product: the log of a real enclave process
//! signs what it had quoted, the proof carries it, and strangers to Probity's own format can check
//! it. Forged ones are refused with their check.

use crypto::{SigningKey, VerifyingKey};
use hyper::Method;
use proof::{Proof, signer_of_key_set};
use receipt::ReceiptError;
use receipt::cose::{self, Receipt, ReceiptKey};
use receipt::cosign::{WitnessKey, cosign, verify_witnesses};
use receipt::log::{checkpoint_note, checkpoint_of, leaf, log_key, verify_log_signatures};
use receipt::note::TreeHead;
use receipt::tlog_proof::{self, TlogProof};
use tests::https::Answer;
use tests::stack::{Options, Stack, runtime};
use tlog::Checkpoint;

fn send(stack: &Stack, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let body = body.as_bytes().to_vec();
    runtime()
        .block_on(stack.client().once(method, path, headers, body))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Evaluates one request and returns the id of its proof.
fn evaluate(stack: &Stack) -> String {
    let path = tests::root().join("tests/requests/cash-deposit.json");
    let body = std::fs::read_to_string(path).expect("a request");
    let json = [("content-type", "application/json")];
    let answer = send(stack, Method::POST, "/v1/evaluate", &json, &body);
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    answer.json()["proof_id"].as_str().expect("an id").to_owned()
}

fn fetch(stack: &Stack, id: &str) -> Proof {
    let path = format!("/v1/proofs/{id}");
    let answer = send(stack, Method::GET, &path, &[("accept", "application/cose")], "");
    Proof::parse(&answer.body).expect("a proof")
}

/// What the hardware says: the checkpoint that it quoted and the key that it vouches for.
fn attested(proof: &Proof) -> (Checkpoint, VerifyingKey) {
    let document = &proof.unsigned.as_ref().expect("complete").evidence.document;
    let root = vec![tests::sample::test_root()];
    let time = attest::VerificationTime::Document;
    let policy = attest::NitroPolicy::inspect_any_enclave(root, time);
    let verified = attest::verify(document, &policy, None).expect("a genuine document");
    let checkpoint = Checkpoint::parse(verified.user_data().expect("user data"));
    let signer = signer_of_key_set(verified.public_key().expect("a key set")).expect("a signer");
    (checkpoint.expect("a checkpoint"), VerifyingKey::from_bytes(&signer).expect("a key"))
}

/// Both encodings, made, read again and verified under the attested key.
fn check_exports(proof: &Proof) {
    let (checkpoint, signer) = attested(proof);
    assert_eq!(checkpoint_of(proof), Ok(checkpoint));
    let signatures = proof.unsigned.as_ref().and_then(|unsigned| unsigned.log_signatures);
    let signatures = signatures.expect("the log signed its checkpoint");
    assert_eq!(verify_log_signatures(&checkpoint, &signatures, &signer), Ok(()));
    let inclusion = &proof.unsigned.as_ref().expect("complete").inclusion;
    let place = (inclusion.index, inclusion.size);

    let bytes = cose::export(proof).expect("a receipt");
    let read = Receipt::parse(&bytes).expect("a receipt");
    let key = ReceiptKey::Ed25519(signer);
    let verified = read.verify_inclusion(leaf(proof), &key).expect("it verifies");
    assert_eq!((verified.claimed_index(), verified.claimed_size()), place);
    assert_eq!(verified.root(), &checkpoint.root);

    let text = tlog_proof::export(proof).expect("a tlog-proof");
    let read = TlogProof::parse(text.as_bytes()).expect("a tlog-proof");
    let log = log_key(checkpoint.boot_id, signer);
    let verified = read.verify(leaf(proof), &log).expect("it verifies");
    assert_eq!((verified.index(), verified.size()), place);
    assert_eq!(verified.root(), &checkpoint.root);
}

#[test]
fn a_running_enclaves_log_signs_what_it_quoted() {
    let mut stack = Stack::start(Options::default());
    let ids: Vec<_> = (0..3).map(|_| evaluate(&stack)).collect();
    let proofs: Vec<_> = ids.iter().map(|id| fetch(&stack, id)).collect();
    proofs.iter().for_each(check_exports);
    // The view for people is loss-free with the signatures in it.
    let view = send(&stack, Method::GET, &format!("/v1/proofs/{}", ids[0]), &[], "").json();
    assert!(view["unsigned"]["log_signatures"]["note"].is_string(), "{view}");
    assert_eq!(verify::from_json(&view).expect("a view").to_bytes(), proofs[0].to_bytes());
    // The signatures are as durable as the quote.
    stack.kill_host();
    stack.start_host();
    for (id, proof) in ids.iter().zip(&proofs) {
        assert_eq!(fetch(&stack, id).to_bytes(), proof.to_bytes());
    }
    // One proof's receipt is no other's.
    let (_, signer) = attested(&proofs[0]);
    let receipt = Receipt::parse(&cose::export(&proofs[0]).expect("made")).expect("read");
    let refused = receipt.verify_inclusion(leaf(&proofs[1]), &ReceiptKey::Ed25519(signer));
    assert!(matches!(refused, Err(ReceiptError::ReceiptSignature { .. })));
    check_forgeries(&proofs[0], &proofs[2]);
}

fn check_forgeries(proof: &Proof, other: &Proof) {
    let refused = |change: &dyn Fn(&mut proof::Unsigned)| {
        let mut forged = proof.clone();
        change(forged.unsigned.as_mut().expect("complete"));
        // It is still a proof by its form: only whoever verifies sees it.
        assert_eq!(Proof::parse(&forged.to_bytes()).as_ref(), Ok(&forged));
        let checks = [
            cose::export(&forged).map(|_| ()).expect_err("forged").check(),
            tlog_proof::export(&forged).map(|_| ()).expect_err("forged").check(),
        ];
        assert_eq!(checks[0], checks[1]);
        checks[0]
    };
    let theirs = other.unsigned.as_ref().expect("complete");
    // Signatures of another checkpoint; note and receipt swapped; none; a path of another place.
    assert_eq!(refused(&|unsigned| unsigned.log_signatures = theirs.log_signatures), "P8");
    let swap = |unsigned: &mut proof::Unsigned| {
        let both = unsigned.log_signatures.as_mut().expect("signed");
        std::mem::swap(&mut both.note, &mut both.receipt);
    };
    assert_eq!(refused(&swap), "P8");
    assert_eq!(refused(&|unsigned| unsigned.log_signatures = None), "P8");
    assert_eq!(refused(&|unsigned| unsigned.inclusion.path[0] = [0; 32]), "P8");
    assert_eq!(refused(&|unsigned| unsigned.inclusion.path.push([0; 32])), "P7");
}

/// A witness of these tests: it looks at the log's signature, then cosigns.
struct Witness {
    name: &'static str,
    key: SigningKey,
}

impl Witness {
    fn new(name: &'static str, fill: u8) -> Self {
        Self { name, key: tests::world::key(fill) }
    }

    fn public(&self) -> WitnessKey {
        WitnessKey::new(self.name, self.key.verifying_key()).expect("a name")
    }

    /// What it answers to a log that submits its checkpoint.
    fn submit(&self, checkpoint: &Checkpoint, proof: &Proof, time_s: u64) -> Vec<u8> {
        let (_, signer) = attested(proof);
        let signatures = proof.unsigned.as_ref().expect("complete").log_signatures;
        let none: [&[u8]; 0] = [];
        let note = checkpoint_note(checkpoint, &signer, signatures.as_ref(), &none).expect("note");
        let head = note.verify_log(&log_key(checkpoint.boot_id, signer)).expect("signed");
        cosign(&head, self.name, &self.key, time_s).expect("a time").to_string().into_bytes()
    }
}

#[test]
fn witnesses_cosign_a_running_logs_checkpoint() {
    let stack = Stack::start(Options::default());
    let (first, second) = (evaluate(&stack), evaluate(&stack));
    let (mut proof, later) = (fetch(&stack, &first), fetch(&stack, &second));
    let (checkpoint, signer) = attested(&proof);
    let witnesses = [Witness::new("w1.example", 31), Witness::new("w2.example", 32)];
    let mut keys: Vec<_> = witnesses.iter().map(Witness::public).collect();
    keys.push(Witness::new("w3.example", 33).public());
    let judged = |proof: &Proof, checkpoint: &Checkpoint, threshold| {
        let unsigned = proof.unsigned.as_ref().expect("complete");
        let (own, lines) = (unsigned.log_signatures.as_ref(), &unsigned.cosignatures);
        let note = checkpoint_note(checkpoint, &signer, own, lines)?;
        verify_witnesses(&note, &keys, threshold)
    };
    let time = proof.signed.statement().evaluated_at.0 / 1000 + 5;
    for (witness, time) in witnesses.iter().zip([time, time + 5]) {
        let line = witness.submit(&checkpoint, &proof, time);
        proof.unsigned.as_mut().expect("complete").add_cosignature(line);
    }
    let travelled = Proof::parse(&proof.to_bytes()).expect("a proof");
    assert_eq!(travelled.signed.proof_hash(), proof.signed.proof_hash());
    assert_eq!(verify::from_json(&verify::to_json(&travelled)).expect("a view"), proof);
    let verified = judged(&travelled, &checkpoint, 2).expect("two of three");
    assert_eq!(verified.witnessed_at_s(), time + 5);
    // The lines travel in a tlog-proof too.
    let text = tlog_proof::export(&travelled).expect("a tlog-proof");
    let read = TlogProof::parse(text.as_bytes()).expect("a tlog-proof");
    assert_eq!(verify_witnesses(read.checkpoint(), &keys, 2), Ok(verified));
    check_exports(&travelled);

    // Three are not there; one that signs twice is one; lines are no lines of another checkpoint.
    assert_eq!(judged(&travelled, &checkpoint, 3).map_err(|e| e.check()), Err("P20"));
    let mut twice = fetch(&stack, &first);
    for time in [time, time + 1] {
        let line = witnesses[0].submit(&checkpoint, &twice, time);
        twice.unsigned.as_mut().expect("complete").add_cosignature(line);
    }
    let refused = judged(&twice, &checkpoint, 2);
    assert_eq!(refused, Err(ReceiptError::Threshold { needed: 2, found: 1 }));
    let (elsewhere, _) = attested(&later);
    let refused = judged(&travelled, &elsewhere, 1);
    assert!(matches!(refused, Err(ReceiptError::Cosignature { .. })), "{refused:?}");
    // A witness refuses what the log did not sign.
    let unsigned = checkpoint_note(&elsewhere, &signer, None, &[b"\xe2\x80\x94 x AAAAAAAA"]);
    let head = unsigned.expect("a note").verify_log(&log_key(elsewhere.boot_id, signer));
    assert_eq!(head.map_err(|e: ReceiptError| e.check()), Err("P8"));
    assert_eq!(TreeHead::parse(&elsewhere.note_text()).map(|head| head.size), Ok(elsewhere.size));
}

/// A proof that carries signatures of its log is refused when they are not the attested key's over
/// the quoted checkpoint, even though nothing else about it is wrong.
#[test]
fn a_proof_with_forged_log_signatures_is_refused() {
    let sample = tests::sample::Sample::new();
    let judged = |signatures: proof::LogSignatures| {
        let mut proof = sample.proof.clone();
        proof.unsigned.as_mut().expect("complete").log_signatures = Some(signatures);
        let mut verifier = verify::Verifier::new(sample.policy());
        let verdict = verifier.verify(&proof.to_bytes(), &verify::Materials::default());
        verdict.map(|_| ()).map_err(|rejected| rejected.check())
    };
    let sound = proof::LogSignatures::sign(&sample.checkpoint, &sample.signer);
    assert_eq!(judged(sound), Ok(()));
    let other = Checkpoint { size: sample.checkpoint.size + 1, ..sample.checkpoint };
    let stranger = tests::world::key(9);
    for forged in [
        proof::LogSignatures { note: sound.receipt, receipt: sound.note },
        proof::LogSignatures { note: *sample.proof.signed.signature(), ..sound },
        proof::LogSignatures { receipt: *sample.proof.signed.signature(), ..sound },
        proof::LogSignatures::sign(&other, &sample.signer),
        proof::LogSignatures::sign(&sample.checkpoint, &stranger),
    ] {
        assert_eq!(judged(forged), Err("P8"));
    }
}
