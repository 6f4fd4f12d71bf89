//! Sealed requests on the running product: the command line end to end, and the claim that it is
//! for. The host's memory, log and files are searched for what was sealed; the same search finds
//! what was sent in clear.

use attest::{NitroPolicy, NonceRule, VerificationTime};
use base64::Engine as _;
use facts::Millis;
use hyper::Method;
use policy::{Anchor, Content, Kind, NamedDer, Release, Signers};
use seal::{Recipient, Reply};
use serde_json::Value;
use std::fs::File;
use std::io::{BufRead as _, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::Duration;
use tests::https::{Answer, Client};
use tests::sample::test_root;
use tests::stack::{Options, Stack, runtime};
use zeroize::Zeroizing;

const SEALED: [(&str, &str); 1] = [("content-type", "application/probity-sealed-request+cbor")];
const JSON: [(&str, &str); 1] = [("content-type", "application/json")];
/// Results shorter than this could stand anywhere by chance.
const RESULT_BYTES_MIN: usize = 16;

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes)).expect("entropy");
    bytes
}

/// A request whose parties have a name that stands nowhere else.
fn marked(marker: &str) -> String {
    let path = tests::root().join("tests/requests/txn-123.json");
    let text = std::fs::read_to_string(path).expect("a request");
    let named = format!("\"account\": \"a1\", \"name\": \"{marker}\"");
    text.replace("\"account\": \"acct-001\"", &named).replace("15000", "73519.27")
}

/// Everything that a process can read of its own, as it is now.
fn memory_of(pid: u32) -> Vec<Vec<u8>> {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).expect("maps");
    let memory = File::open(format!("/proc/{pid}/mem")).expect("the memory of our own child");
    let mut regions = Vec::new();
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let (range, access) = (words.next().expect("range"), words.next().expect("access"));
        // The kernel's own pages, which nobody writes to.
        if !access.starts_with('r') || line.contains("[v") {
            continue;
        }
        let (from, to) = range.split_once('-').expect("a range");
        let number = |text| u64::from_str_radix(text, 16).expect("hexadecimal");
        let (from, to) = (number(from), number(to));
        let mut bytes = vec![0; (to - from) as usize];
        if memory.read_exact_at(&mut bytes, from).is_ok() {
            regions.push(bytes);
        }
    }
    let total: usize = regions.iter().map(Vec::len).sum();
    assert!(total > 4 << 20, "only {total} bytes of the host's memory could be read");
    regions
}

fn files_below(folder: &Path, found: &mut Vec<Vec<u8>>) {
    for entry in std::fs::read_dir(folder).expect("folder") {
        let path = entry.expect("entry").path();
        match path.is_dir() {
            true => files_below(&path, found),
            false => found.push(std::fs::read(path).expect("a file of our own")),
        }
    }
}

/// Every file of the data folder, and the log.
fn files_of(stack: &Stack) -> Vec<Vec<u8>> {
    let mut files = vec![stack.host_log().into_bytes()];
    files_below(&stack.path("data"), &mut files);
    assert!(files.iter().map(Vec::len).sum::<usize>() > 100_000, "the store is not there");
    files
}

/// Whether a part stands in one of these places. `skip_until` is the fastest search that std has.
fn holds(places: &[Vec<u8>], part: &[u8]) -> bool {
    let (first, end) = part.split_first().expect("something to look for");
    places.iter().any(|bytes| {
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            rest.skip_until(*first).expect("memory can be read");
            if rest.starts_with(end) && !rest.is_empty() {
                return true;
            }
        }
        false
    })
}

/// Posts in a thread, and returns the answer with the host's memory as it was meanwhile.
fn post_and_look(
    stack: &Stack,
    path: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: Vec<u8>,
) -> (Answer, Vec<Vec<u8>>) {
    let client: Client = stack.client();
    let posting = std::thread::spawn(move || {
        runtime().block_on(client.once(Method::POST, path, headers, body)).expect("an answer")
    });
    std::thread::sleep(Duration::from_millis(1200));
    let memory = memory_of(stack.host_pid());
    assert!(!posting.is_finished(), "the request was no longer in flight");
    (posting.join().expect("posted"), memory)
}

/// A verified document's key set and time.
fn attested(stack: &Stack) -> (Vec<u8>, u64) {
    let nonce: [u8; 16] = random();
    let path = format!("/v1/attestation?nonce={}", crypto::to_hex(&nonce));
    let answer = runtime().block_on(stack.client().once(Method::GET, &path, &[], "")).expect("one");
    let document = answer.json()["document"].as_str().expect("a document").to_owned();
    let document = base64::engine::general_purpose::STANDARD.decode(document).expect("base64");
    let now_ms = crate::enclave_link::now().0;
    let time = VerificationTime::Live { now_ms };
    let policy = NitroPolicy::inspect_any_enclave(vec![test_root()], time)
        .with_nonce(NonceRule::Exact(nonce.to_vec()));
    let document = attest::verify(&document, &policy, None).expect("genuine");
    (document.public_key().expect("a key set").to_vec(), document.timestamp_ms())
}

#[test]
fn the_host_has_the_plaintext_nowhere() {
    let stack = Stack::start(Options { quote_latency_ms: 4000, ..Options::default() });
    let (keys, attested_at) = attested(&stack);
    let marker = format!("Quokka {}", crypto::to_hex(&random::<12>()));
    let body = marked(&marker);
    let recipient = Recipient::of_key_set(&keys).expect("a key to seal to");
    let seed = Zeroizing::new(random());
    let (message, ours) =
        recipient.seal(&seed, attested_at + 60_000, body.as_bytes()).expect("sealed");
    let (answer, during) = post_and_look(&stack, "/v1/evaluate/sealed", &SEALED, message);
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    let after = memory_of(stack.host_pid());
    let mut r = cbor::Reader::new(&answer.body);
    r.array_of("answer", 3).expect("three parts");
    assert_eq!(r.uint(), Ok(1));
    let reply = ours.open(r.bytes().expect("a reply")).expect("ours");
    let proof = r.bytes().expect("a proof");
    let Reply::Decided { salt, results, .. } = reply else { panic!("refused: {reply:?}") };
    let files = files_of(&stack);
    let hex = crypto::to_hex(&*salt);
    let mut secrets = vec![marker.as_bytes(), b"73519.27", &*salt, hex.as_bytes(), &*seed];
    // A result without a value says no more than the proof does, in nearly the same bytes.
    let valued = |bytes: &&Vec<u8>| {
        let result = rules::RuleResult::from_bytes(bytes).expect("a result");
        !result.values.is_empty() && bytes.len() >= RESULT_BYTES_MIN
    };
    let valued: Vec<_> = results.iter().filter(valued).collect();
    assert!(!valued.is_empty(), "no rule returned a value to look for");
    secrets.extend(valued.iter().map(|bytes| &***bytes));
    for (place, bytes) in [("memory", &during), ("memory after", &after), ("files", &files)] {
        for secret in &secrets {
            let shown = String::from_utf8_lossy(secret);
            assert!(!holds(bytes, secret), "{place}: {shown:?}");
        }
    }
    // What the host must have is there: the search looks at the right places.
    let signature = &proof[proof.len() - 64..];
    assert!(holds(&after, signature) && holds(&files, signature));
}

/// The same search over a request in clear: it finds what there is to find.
#[test]
fn the_search_finds_what_was_sent_in_clear() {
    let stack = Stack::start(Options { quote_latency_ms: 4000, ..Options::default() });
    let marker = format!("Quokka {}", crypto::to_hex(&random::<12>()));
    let body = marked(&marker).into_bytes();
    let (answer, during) = post_and_look(&stack, "/v1/evaluate", &JSON, body);
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    let answer = answer.json();
    let salt = crypto::from_hex(answer["salt"].as_str().expect("a salt")).expect("hexadecimal");
    assert!(holds(&during, marker.as_bytes()), "the body is in the host's memory");
    assert!(holds(&during, b"73519.27"));
    assert!(holds(&files_of(&stack), &salt), "the salt is in the host's store");
    assert!(!holds(&during, b"Quokka that was never sent"));
}

/// `probity evaluate --sealed` in the stack's folder.
fn evaluate(stack: &Stack, more: &[&str]) -> (Option<i32>, String, String) {
    let address = std::fs::read_to_string(stack.path("data/listen")).expect("an address");
    let url = format!("https://{}", address.trim());
    let mut arguments = vec!["evaluate", "--sealed", "--url", &url, "--ca", "data/tls/cert.pem"];
    arguments.extend(more);
    let output = stack.run("probity", &arguments);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn log_size(stack: &Stack) -> u64 {
    let answer = runtime().block_on(stack.client().once(Method::GET, "/v1/log", &[], ""));
    answer.expect("an answer").json()["boots"][0]["size"].as_u64().expect("a size")
}

const ACCEPTED: [&str; 6] =
    ["--measurements", "measurements.json", "--boot", "boot.cbor", "--root", "test-root.pem"];

#[test]
fn the_command_line_seals_opens_and_verifies() {
    let stack = Stack::start(Options::default());
    std::fs::write(stack.path("request.json"), marked("Alice Example")).expect("written");
    let files = ["--rules", "bundle.cose", "--out", "proof.cbor", "--salt-out", "salt.txt"];
    let (code, text, errors) =
        evaluate(&stack, &[&["request.json"], &ACCEPTED[..], &files].concat());
    // The request's second party has no name: the travel rule lacks something.
    assert_eq!(code, Some(1), "{text}{errors}");
    for part in ["us.travel-rule", "missing_data", "release simulator", "verified and replayed"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let verify = ["proof", "proof.cbor", "--root", "test-root.pem", "--boot", "boot.cbor"];
    let materials = ["--measurements", "measurements.json", "--rules", "bundle.cose", "--input"];
    let more = ["request.json", "--salt", "salt.txt", "--json"];
    let output = stack.run("probity-verify", &[&verify[..], &materials, &more].concat());
    let verdict: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(verdict["replayed"], true, "{verdict}");

    let (_, json, _) = evaluate(&stack, &[&["request.json", "--json"], &ACCEPTED[..]].concat());
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["sealed"]["release"], "simulator");
    assert_eq!(json["sealed"]["built_in_root"], false);
    assert_eq!((&json["compliant"], &json["transaction_id"]), (&false.into(), &"txn-123".into()));
    // Refused inside the enclave; the reason came back under seal.
    let as_of = "\"as_of\": \"1970-01-02T00:00:00Z\", \"domains\"";
    let early = marked("Alice").replace("\"domains\"", as_of);
    std::fs::write(stack.path("early.json"), early).expect("written");
    let (code, _, errors) = evaluate(&stack, &[&["early.json"], &ACCEPTED[..]].concat());
    assert_eq!(code, Some(2));
    assert!(errors.contains("refused by the enclave, as_of"), "{errors}");
}

#[test]
fn nothing_is_sent_to_an_enclave_that_is_not_accepted() {
    let stack = Stack::start(Options::default());
    std::fs::write(stack.path("request.json"), marked("Alice Example")).expect("written");
    let measured = std::fs::read_to_string(stack.path("measurements.json")).expect("read");
    let mut values: Value = serde_json::from_str(&measured).expect("JSON");
    values["pcr0"] = "11".repeat(48).into();
    std::fs::write(stack.path("other.json"), values.to_string()).expect("written");
    let before = log_size(&stack);
    let [measurements, boot, root] = [0, 2, 4].map(|at| &ACCEPTED[at..at + 2]);
    let other = ["--measurements", "other.json"];
    for (accepted, check) in [
        ([&other[..], boot, root].concat(), "N34"),
        // Without the test root this is nobody's hardware.
        ([measurements, boot].concat(), "N22"),
    ] {
        let (code, text, errors) = evaluate(&stack, &[&["request.json"], &accepted[..]].concat());
        assert_eq!((code, &*text), (Some(2), ""), "{errors}");
        assert!(errors.contains(check) && errors.contains("was not sent"), "{errors}");
    }
    for (accepted, missing) in
        [([measurements, root].concat(), "--boot"), ([boot, root].concat(), "--measurements")]
    {
        let (code, _, errors) = evaluate(&stack, &[&["request.json"], &accepted[..]].concat());
        assert_eq!(code, Some(2));
        assert!(errors.contains(missing), "{errors}");
    }
    assert_eq!(log_size(&stack), before);
}

/// A policy that accepts the stack, signed by one key.
fn policy_file(stack: &Stack, release: [u8; 48]) -> Vec<u8> {
    let key = tests::world::key(9);
    let keys = vec![key.verifying_key()];
    let image = simulator::image().map(|(index, value)| match index {
        0 => (index, release),
        _ => (index, value),
    });
    let (name, kind) = ("simulator".to_owned(), Kind::Nitro);
    let (from, root) = (Millis(0), test_root());
    let now = crate::enclave_link::now();
    let anchor = NamedDer { name: "test root".into(), der: root.der().to_vec() };
    let content = Content {
        name: "sealed".into(),
        version: 1,
        issued_at: Millis(now.0 - 1000),
        expires_at: Millis(now.0 + 86_400_000),
        signers: Signers { keys, threshold: 1 },
        kinds: vec![Kind::Nitro],
        anchors: vec![Anchor::Der(anchor)],
        releases: vec![Release { name, kind, pcrs: image.into_iter().collect(), from, to: None }],
        revoked_releases: vec![],
        required_pcrs: Default::default(),
        boot_configs: vec![std::fs::read(stack.path("boot.cbor")).expect("read")],
        revoked_certificates: vec![],
        revoked_signers: vec![],
        retired_signers: vec![],
        tpm: Default::default(),
        witnesses: Default::default(),
        freshness: Default::default(),
        regions: Default::default(),
        required_checks: vec!["P15".into(), "P16".into()],
    };
    policy::sign(&content, &[key]).expect("a sound policy")
}

#[test]
fn a_signed_policy_says_to_whom_a_request_may_be_sealed() {
    let stack = Stack::start(Options::default());
    std::fs::write(stack.path("request.json"), marked("Alice Example")).expect("written");
    let [(_, pcr0), ..] = simulator::image();
    std::fs::write(stack.path("policy.cose"), policy_file(&stack, pcr0)).expect("written");
    std::fs::write(stack.path("other.cose"), policy_file(&stack, [7; 48])).expect("written");
    let (ours, theirs) =
        [9, 8].map(|fill| tests::world::key(fill).verifying_key().did_key()).into();
    let with = |policy: &str, signer: &str| {
        evaluate(&stack, &["request.json", "--policy", policy, "--policy-signer", signer])
    };
    let (code, text, errors) = with("policy.cose", &ours);
    assert_eq!(code, Some(1), "{text}{errors}");
    assert!(text.contains("sealed to release simulator"), "{text}");
    let before = log_size(&stack);
    let (code, _, errors) = with("policy.cose", &theirs);
    assert_eq!(code, Some(2));
    assert!(errors.contains("policy.cose: "), "{errors}");
    let (code, _, errors) = with("other.cose", &ours);
    assert_eq!(code, Some(2));
    assert!(errors.contains("N34") && errors.contains("was not sent"), "{errors}");
    assert_eq!(log_size(&stack), before);
}
