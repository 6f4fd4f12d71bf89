//! The main job over HTTPS, on the running product: one transaction, many, questions about them,
//! and every kind of bad input.

use base64::Engine as _;
use hyper::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::https::Answer;
use tests::stack::{Options, Stack, runtime};

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

fn request(name: &str) -> String {
    let path = tests::root().join("tests/requests").join(name);
    std::fs::read_to_string(path).expect("a request")
}

fn send(stack: &Stack, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let body = body.as_bytes().to_vec();
    runtime()
        .block_on(stack.client().once(method, path, headers, body))
        .unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn evaluate(stack: &Stack, body: &str) -> Answer {
    send(stack, Method::POST, "/v1/evaluate", &JSON, body)
}

/// A cash deposit of so many dollars, under a name.
fn cash(id: &str, amount: &str) -> String {
    request("cash-deposit.json")
        .replace("txn-cash-15000", id)
        .replace("\"15000.00\"", amount)
        .replace('\n', " ")
}

/// The verifier's command line over files of the stack.
fn verify(stack: &Stack, proof: &str, more: &[&str]) -> (Option<i32>, Value, String) {
    let mut arguments = vec!["proof", proof, "--root", "test-root.pem", "--boot", "boot.cbor"];
    arguments.extend(["--measurements", "measurements.json", "--json"]);
    arguments.extend(more);
    let output = stack.run("probity-verify", &arguments);
    let json = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code(), json, String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn the_seeds_transaction_gets_a_proof_that_a_stranger_can_check() {
    let stack = Stack::start(Options::default());
    let body = request("txn-123.json");
    let answer = evaluate(&stack, &body);
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    let answer = answer.json();
    assert_eq!(answer["compliant"], false);
    assert_eq!(answer["rules_evaluated"], 4);
    assert_eq!(answer["outcome"], "missing_data");
    let violations = answer["violations"].as_array().expect("violations");
    assert_eq!(violations.len(), 1);
    assert_eq!(violations[0]["rule_id"], "us.travel-rule");
    let reason = violations[0]["reason"].as_str().expect("a reason");
    assert!(reason.contains("source.name"), "{reason}");
    let id = answer["proof_id"].as_str().expect("an id");
    let path = format!("/v1/proofs/{id}");

    let cose = send(&stack, Method::GET, &path, &[("accept", "application/cose")], "");
    assert_eq!(cose.status, 200);
    std::fs::write(stack.path("proof.cbor"), &cose.body).expect("written");
    let view = send(&stack, Method::GET, &path, &[], "").json();
    std::fs::write(stack.path("proof.json"), view.to_string()).expect("written");
    std::fs::write(stack.path("input.json"), &body).expect("written");
    let salt = answer["salt"].as_str().expect("a salt");
    let materials = ["--rules", "bundle.cose", "--input", "input.json", "--salt", salt];
    for file in ["proof.cbor", "proof.json"] {
        let (code, verdict, errors) = verify(&stack, file, &materials);
        assert_eq!(code, Some(0), "{verdict} {errors}");
        assert_eq!(verdict["proof_hash"], answer["proof"]["hash"]);
        assert_eq!(verdict["replayed"], true);
        assert_eq!(verdict["evidence"]["root"]["built_in"], false);
        assert_eq!(verdict["evidence"]["time"]["mode"], "live");
    }
    let other = ["--rules", "bundle.cose", "--input", "proof.json", "--salt", salt];
    let (code, verdict, _) = verify(&stack, "proof.cbor", &other);
    assert_eq!((code, verdict["check"].as_str()), (Some(1), Some("P15")));
    // Without the test root nothing about this proof is true.
    let output = stack.run(
        "probity-verify",
        &["proof", "proof.cbor", "--measurements", "measurements.json", "--boot", "boot.cbor"],
    );
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains("N22"));
    let (code, _, errors) = verify(&stack, "no-such-file", &[]);
    assert_eq!(code, Some(2), "{errors}");
}

#[test]
fn an_attestation_answers_the_callers_nonce() {
    let stack = Stack::start(Options::default());
    let nonce = "00112233445566778899aabbccddeeff";
    let answer = send(&stack, Method::GET, &format!("/v1/attestation?nonce={nonce}"), &[], "");
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    let answer = answer.json();
    let document = answer["document"].as_str().expect("a document");
    let base64 = base64::engine::general_purpose::STANDARD;
    let document = base64.decode(document).expect("base64");
    std::fs::write(stack.path("document.cose"), document).expect("written");
    let arguments = ["nitro", "document.cose", "--root", "test-root.pem", "--nonce"];
    let judged = |nonce: &str| {
        let measured = ["--measurements", "measurements.json", "--json"];
        let output = stack.run("probity-verify", &[&arguments[..], &[nonce], &measured].concat());
        let verdict: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        (output.status.code(), verdict["check"].clone())
    };
    assert_eq!(judged(nonce), (Some(0), Value::Null));
    assert_eq!(judged("ff112233445566778899aabbccddeeff"), (Some(1), json!("N39")));
    for bad in ["", "?nonce=", "?nonce=xyz", "?nonce=00"] {
        let answer = send(&stack, Method::GET, &format!("/v1/attestation{bad}"), &[], "");
        assert_eq!(answer.status, 400, "{bad}");
    }
}

#[test]
fn batches_keep_their_order_and_count() {
    let stack = Stack::start(Options { quote_latency_ms: 5, ..Options::default() });
    // Every tenth is bad, every third is over the threshold.
    let item = |n: usize| match n {
        n if n % 10 == 9 => cash(&format!("t{n}"), "\"1e3\""),
        n if n % 3 == 0 => cash(&format!("t{n}"), "10000.01"),
        n => cash(&format!("t{n}"), "10000"),
    };
    let items: Vec<String> = (0..1000).map(item).collect();
    let array = format!("[{}]", items.join(","));
    let answer = send(&stack, Method::POST, "/v1/evaluate/batch", &JSON, &array);
    assert_eq!(answer.status, 200);
    let summary = answer.json();
    let results = summary["results"].as_array().expect("results").clone();
    check_batch(&results, &summary);

    let lines = items.join("\n");
    let kind = [("content-type", "application/x-ndjson")];
    let answer = send(&stack, Method::POST, "/v1/evaluate/batch", &kind, &lines);
    assert_eq!(answer.status, 200);
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    let mut lines: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).expect("a line")).collect();
    let last = lines.pop().expect("a summary");
    check_batch(&lines, &last["summary"]);
}

fn check_batch(results: &[Value], summary: &Value) {
    assert_eq!(results.len(), 1000);
    assert_eq!(summary["total"], 1000);
    assert_eq!(summary["failed_count"], 100);
    assert_eq!(summary["compliant_count"], 900);
    assert_eq!(summary["non_compliant_count"], 0);
    assert!(summary["duration_ms"].is_number());
    let mut ids = BTreeSet::new();
    for (n, result) in results.iter().enumerate() {
        if n % 10 == 9 {
            assert_eq!(result["status"], 400, "{result}");
            assert_eq!(result["index"], n);
            assert_eq!(result["field"], "transaction.amount");
            continue;
        }
        assert_eq!(result["transaction_id"], format!("t{n}"), "order is kept");
        let expected = if n % 3 == 0 { "report" } else { "pass" };
        assert_eq!(result["outcome"], expected);
        assert!(ids.insert(result["proof_id"].as_str().expect("an id").to_owned()));
    }
}

#[test]
fn bad_input_gets_a_clear_error_and_no_proof() {
    let stack = Stack::start(Options::default());
    let sound = cash("t", "15000");
    let size = |stack: &Stack| {
        let log = send(stack, Method::GET, "/v1/log", &[], "").json();
        log["boots"][0]["size"].as_u64().expect("a size")
    };
    let before = size(&stack);
    let amount = |text: &str| sound.replace("15000", text);
    let cases: Vec<(&str, String, u16, &str)> = vec![
        ("malformed", sound[..sound.len() - 5].to_owned(), 400, ""),
        ("not an object", "[]".into(), 400, ""),
        ("empty", String::new(), 400, ""),
        ("currency", sound.replace("USD", "USX"), 400, "transaction.currency"),
        ("exponent", amount("1e3"), 400, "transaction.amount"),
        ("exponent text", amount("\"1e3\""), 400, "transaction.amount"),
        ("NaN", amount("NaN"), 400, ""),
        ("NaN text", amount("\"NaN\""), 400, "transaction.amount"),
        ("1e400", amount("1e400"), 400, "transaction.amount"),
        ("21 digits", amount("123456789012345678901"), 400, "transaction.amount"),
        ("negative", amount("-15000"), 400, "transaction.amount"),
        ("too fine", amount("15000.001"), 400, "transaction.amount"),
        ("missing", sound.replace("\"type\": \"cash_deposit\",", ""), 400, "transaction.type"),
        ("unknown jurisdiction", sound.replace("[\"US\"]", "[\"MARS\"]"), 400, "jurisdictions[0]"),
        ("misspelt", sound.replace("\"amount\"", "\"amout\""), 400, "transaction.amout"),
        (
            "before every rule",
            sound.replace(
                "\"jurisdictions\"",
                "\"as_of\": \"1970-01-02T00:00:00Z\", \"jurisdictions\"",
            ),
            422,
            "as_of",
        ),
        (
            "deep",
            format!("{{\"metadata\": {}1{}}}", "[".repeat(100_000), "]".repeat(100_000)),
            400,
            "",
        ),
        ("10 MB", format!("{{\"metadata\": \"{}\"}}", "x".repeat(10_000_000)), 413, ""),
    ];
    for (name, body, status, field) in cases {
        let answer = evaluate(&stack, &body);
        assert_eq!(answer.status, status, "{name}: {:?}", answer.body);
        let kind = answer.headers.get("content-type").map(|kind| kind.as_bytes().to_vec());
        assert_eq!(kind.as_deref(), Some(&b"application/problem+json"[..]), "{name}");
        let problem = answer.json();
        assert_eq!(problem["status"], status, "{name}");
        assert!(problem["type"].as_str().is_some_and(|t| t.starts_with("urn:")), "{name}");
        assert!(problem["detail"].as_str().is_some_and(|t| t.len() > 10), "{name}: {problem}");
        if !field.is_empty() {
            assert_eq!(problem["field"], field, "{name}: {problem}");
        }
    }
    let garbage = [0xff, 0xfe, 0x80, 0x00].to_vec();
    let once = stack.client();
    let answer = runtime()
        .block_on(once.once(Method::POST, "/v1/evaluate", &JSON, garbage))
        .expect("an answer");
    assert_eq!(answer.status, 400);
    assert_eq!(send(&stack, Method::GET, "/nowhere", &[], "").status, 404);
    assert_eq!(send(&stack, Method::GET, "/v1/evaluate", &[], "").status, 405);
    assert_eq!(
        send(&stack, Method::GET, "/v1/proofs/00112233445566778899aabbccddeeff", &[], "").status,
        404
    );
    assert_eq!(size(&stack), before, "nothing was signed");
    assert_eq!(evaluate(&stack, &sound).status, 200, "and it still works");
}

#[test]
fn an_idempotency_key_gives_one_decision() {
    let mut stack = Stack::start(Options::default());
    let body = cash("once", "15000");
    let headers = [JSON[0], ("idempotency-key", "payment-0001")];
    let first = send(&stack, Method::POST, "/v1/evaluate", &headers, &body);
    assert_eq!(first.status, 200);
    let id = first.json()["proof_id"].clone();
    let again = |stack: &Stack| {
        let answer = send(stack, Method::POST, "/v1/evaluate", &headers, &body);
        assert_eq!(answer.status, 200);
        assert!(answer.headers.contains_key("idempotency-replayed"));
        assert_eq!(answer.json(), first.json());
    };
    again(&stack);
    let other = send(&stack, Method::POST, "/v1/evaluate", &headers, &cash("other", "15000"));
    assert_eq!(other.status, 422, "{:?}", other.body);
    stack.kill_host();
    stack.start_host();
    again(&stack);
    assert!(id.is_string());
}

#[test]
fn what_the_service_says_of_itself_is_true() {
    let stack = Stack::start(Options::default());
    let get = |path: &str| send(&stack, Method::GET, path, &[], "");
    assert_eq!(get("/health/live").status, 200);
    let ready = get("/health/ready").json();
    for component in ["enclave", "rules", "store", "queue"] {
        assert!(ready.to_string().contains(component), "{ready}");
    }
    let rules = get("/v1/rules").json();
    assert_eq!(rules["rules"].as_array().map(Vec::len), Some(4), "{rules}");
    let openapi = get("/openapi.json").json();
    assert!(openapi["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
    for path in ["/v1/evaluate", "/v1/evaluate/batch", "/v1/proofs/{id}", "/v1/attestation"] {
        assert!(openapi["paths"][path].is_object(), "{path}");
    }
    let key = stack.path("data/tls/key.pem");
    let mode = std::os::unix::fs::PermissionsExt::mode(&key.metadata().expect("key").permissions());
    assert_eq!(mode & 0o077, 0, "the key is its owner's alone");
}
