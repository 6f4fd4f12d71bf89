//! `probity serve --policy`: the true host before the simulator, and between them a relay that
//! counts commands. An enclave that the policy does not know gets its boot configuration and one
//! question, never a rule and never a request.

use hyper::Method;
use serde_json::Value;
use simulator::Simulated;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write as _};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Child, Command as Process, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tests::https::Answer;
use tests::link::Link;
use tests::stack::{Options, Stack, binary, runtime, wait};
use wire::Command;

/// Stands in the enclave's place, counts what the host sends, and carries it on.
struct Relay {
    counts: Mutex<BTreeMap<&'static str, usize>>,
    back: Mutex<PathBuf>,
    live: Mutex<Vec<UnixStream>>,
    /// Who answers the host's question instead.
    attester: Mutex<Option<Link>>,
}

fn body(n: usize) -> String {
    let path = tests::root().join("tests/requests/cash-deposit.json");
    let text = fs::read_to_string(path).expect("a request");
    text.replace("txn-cash-15000", &format!("p{n}"))
}

fn name(command: &Command) -> &'static str {
    match command {
        Command::Hello { .. } => "hello",
        Command::Boot { .. } => "boot",
        Command::LoadRules { .. } => "rules",
        Command::Evaluate { .. } => "evaluate",
        Command::EvaluateSealed { .. } => "sealed",
        Command::Attest { .. } => "attest",
        Command::Ack { .. } => "ack",
        Command::Resume { .. } => "resume",
        Command::Health { .. } => "health",
    }
}

/// Takes the place of the enclave's socket.
fn relay(stack: &Stack) -> Arc<Relay> {
    let (front, back) = (stack.path("enclave.sock"), stack.path("real.sock"));
    fs::rename(&front, &back).expect("moved");
    let listener = UnixListener::bind(&front).expect("bound");
    let (counts, live, attester) = (Mutex::default(), Mutex::default(), Mutex::default());
    let relay = Arc::new(Relay { counts, back: Mutex::new(back), live, attester });
    let shared = relay.clone();
    std::thread::spawn(move || {
        for host in listener.incoming() {
            let Ok(host) = host else { return };
            let back = shared.back.lock().expect("a path").clone();
            let Ok(enclave) = UnixStream::connect(back) else { continue };
            shared.live.lock().expect("streams").push(host.try_clone().expect("cloned"));
            let relay = shared.clone();
            std::thread::spawn(move || relay.carry(host, enclave));
        }
    });
    relay
}

impl Relay {
    fn carry(&self, mut host: UnixStream, mut enclave: UnixStream) {
        let (mut answers, mut back) =
            (enclave.try_clone().expect("cloned"), host.try_clone().expect("cloned"));
        std::thread::spawn(move || {
            // The end of either side is the end of both.
            let _ = std::io::copy(&mut answers, &mut back);
            let _ = back.shutdown(Shutdown::Both);
        });
        let mut reader = host.try_clone().expect("cloned");
        let mut next = || -> std::io::Result<Vec<u8>> {
            let mut head = [0; wire::LENGTH_BYTES];
            reader.read_exact(&mut head)?;
            let mut body = vec![0; wire::body_length(head).expect("sound")];
            reader.read_exact(&mut body)?;
            Ok(body)
        };
        while let Ok(body) = next() {
            let command = Command::parse(&body).expect("a command");
            let name = name(&command);
            *self.counts.lock().expect("counts").entry(name).or_default() += 1;
            let mut attester = self.attester.lock().expect("an attester");
            let sent = match (&mut *attester, name) {
                (Some(other), "attest") => {
                    let report = other.ask(&command).to_bytes();
                    host.write_all(&wire::frame(&report).expect("small"))
                }
                _ => enclave.write_all(&wire::frame(&body).expect("small")),
            };
            if sent.is_err() {
                break;
            }
        }
        let _ = enclave.shutdown(Shutdown::Both);
    }

    /// Puts another enclave behind the socket and cuts the connections to the one before.
    fn exchange(&self, back: PathBuf) {
        *self.back.lock().expect("a path") = back;
        for stream in self.live.lock().expect("streams").drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn count(relay: &Relay, name: &str) -> usize {
    relay.counts.lock().expect("counts").get(name).copied().unwrap_or_default()
}

/// Writes a signed policy that accepts these measurements under this root; returns its signer.
pub(crate) fn policy(stack: &Stack, name: &str, measurements: &str, root: Option<&str>) -> String {
    let must = |arguments: &[&str]| {
        let output = stack.run("probity", arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
        String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
    };
    let (key, source, out) =
        (format!("{name}.key"), format!("{name}.yaml"), format!("{name}.cose"));
    let did = must(&["keys", "new", "--out", &key]);
    let mut new = vec!["policy", "new", "--name", name, "--signer", &did, "--boot", "boot.cbor"];
    new.extend(["--measurements", measurements, "--out", &source]);
    new.extend(root.iter().flat_map(|root| ["--root", root]));
    must(&new);
    must(&["policy", "sign", &source, "--key", &key, "--out", &out]);
    did
}

/// Options of a host under a pinned policy.
pub(crate) fn serve(policy: &str, signer: &str) -> Vec<String> {
    ["--policy", policy, "--policy-signer", signer].map(str::to_owned).to_vec()
}

fn get(stack: &Stack, path: &str) -> Answer {
    let answer = runtime().block_on(stack.client().once(Method::GET, path, &[], ""));
    answer.unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn evaluate(stack: &Stack, n: usize) -> Answer {
    let client = stack.client();
    let answer = runtime().block_on(async { client.connect().await?.evaluate(body(n)).await });
    answer.expect("an answer")
}

fn part(stack: &Stack, name: &str) -> Value {
    get(stack, "/health/ready").json()["components"][name].clone()
}

/// Waits until the policy's component says no, and returns what it says.
fn refusal(stack: &Stack, wanted: &str) -> String {
    let mut detail = String::new();
    wait("the refusal", || {
        let policy = part(stack, "policy");
        detail = policy["detail"].as_str().expect("a text").to_owned();
        policy["ok"] == false && detail.contains(wanted)
    });
    detail
}

fn refused_clearly(stack: &Stack, check: &str) {
    let start = Instant::now();
    let answer = evaluate(stack, 1);
    assert!(start.elapsed() < Duration::from_secs(2), "at once, not after {:?}", start.elapsed());
    assert_eq!(answer.status, 503, "{:?}", answer.body);
    assert!(answer.headers.contains_key("retry-after"));
    let problem = answer.json();
    assert_eq!(problem["type"], "urn:probity:problem:enclave-not-accepted");
    assert!(problem["detail"].as_str().expect("a text").contains(check), "{problem}");
    assert_eq!(get(stack, "/health/ready").status, 503);
    assert_eq!(get(stack, "/health/live").status, 200);
}

/// Only what is needed to ask: no rule, no request, no resumption.
fn nothing_was_forwarded(relay: &Relay) {
    let counts = relay.counts.lock().expect("counts");
    let names: Vec<_> = counts.keys().copied().collect();
    assert!(names.iter().all(|name| ["hello", "boot", "attest"].contains(name)), "{counts:?}");
    assert!(counts.get("attest").is_some_and(|count| *count > 0), "{counts:?}");
}

#[test]
fn an_enclave_that_the_policy_knows_is_served_and_asked_again_at_each_connection() {
    let mut stack = Stack::start(Options::default());
    assert_eq!(part(&stack, "policy")["ok"], true);
    let unasked = part(&stack, "policy")["detail"].as_str().expect("a text").to_owned();
    assert!(unasked.contains("without --policy"), "{unasked}");
    stack.kill_host();
    let signer = policy(&stack, "ours", "measurements.json", Some("test-root.pem"));
    stack.options_mut().serve = serve("ours.cose", &signer);
    stack.kill_simulator();
    stack.start_simulator();
    let counts = relay(&stack);
    stack.start_host();
    assert_eq!(evaluate(&stack, 1).status, 200);
    let detail = part(&stack, "policy")["detail"].as_str().expect("a text").to_owned();
    assert!(detail.contains("policy ours version 1") && !detail.contains("NOT PINNED"), "{detail}");
    assert_eq!((count(&counts, "attest"), count(&counts, "evaluate")), (1, 1));
    // The host is new, the enclave is not: it is judged again.
    stack.kill_host();
    stack.start_host();
    assert_eq!(evaluate(&stack, 2).status, 200);
    assert_eq!((count(&counts, "boot"), count(&counts, "attest")), (1, 2));
}

#[test]
fn another_measurement_gets_no_rule_and_no_request_until_the_policy_knows_it() {
    let mut stack = Stack::start(Options::default());
    stack.kill_host();
    stack.kill_simulator();
    let ours = fs::read_to_string(stack.path("measurements.json")).expect("measurements");
    let mut value: Value = serde_json::from_str(&ours).expect("JSON");
    let pcr0 = value["pcr0"].as_str().expect("PCR0").to_owned();
    let other = "ab".repeat(48);
    value["pcr0"] = other.as_str().into();
    fs::write(stack.path("other.json"), value.to_string()).expect("written");
    let signer = policy(&stack, "other", "other.json", Some("test-root.pem"));
    stack.start_simulator();
    let counts = relay(&stack);
    stack.options_mut().serve = serve("other.cose", &signer);
    stack.spawn_host();
    let detail = refusal(&stack, "N34");
    for wanted in ["PCR0", other.as_str(), pcr0.as_str(), "nothing is forwarded", "do: "] {
        assert!(detail.contains(wanted), "{wanted}: {detail}");
    }
    refused_clearly(&stack, "N34");
    let log = stack.host_log();
    assert!(log.contains("N34 PCR0: expected"), "{log}");
    // It is asked again and again, and nothing else.
    wait("more tries", || count(&counts, "attest") >= 3);
    nothing_was_forwarded(&counts);
    // The policy is read again at each try: no restart is needed.
    let new = policy(&stack, "ours", "measurements.json", Some("test-root.pem"));
    fs::rename(stack.path("ours.cose"), stack.path("other.cose")).expect("replaced");
    refusal(&stack, "other.cose");
    nothing_was_forwarded(&counts);
    stack.kill_host();
    stack.options_mut().serve = serve("other.cose", &new);
    stack.start_host();
    assert_eq!(evaluate(&stack, 2).status, 200);
    assert_eq!(count(&counts, "evaluate"), 1);
}

/// An enclave that runs with a readable console has zeros in its documents.
struct Debug(Child);

impl Debug {
    fn start(stack: &Stack, socket: &str) -> Self {
        let mut command = Process::new(binary("probity-simulator"));
        command.args(["run", "--socket", socket, "--debug-mode"]);
        let folder = stack.path("enclave.sock").parent().expect("a folder").to_owned();
        let child = command.current_dir(folder).stderr(Stdio::null()).spawn();
        let debug = Self(child.expect("it starts"));
        wait("the socket", || stack.path(socket).exists());
        debug
    }
}

impl Drop for Debug {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_debug_enclave_and_another_root_are_refused() {
    let mut stack = Stack::start(Options::default());
    stack.kill_host();
    stack.kill_simulator();
    let signer = policy(&stack, "ours", "measurements.json", Some("test-root.pem"));
    let debug = Debug::start(&stack, "enclave.sock");
    let counts = relay(&stack);
    stack.options_mut().serve = serve("ours.cose", &signer);
    stack.spawn_host();
    refusal(&stack, "N36 PCR0");
    refused_clearly(&stack, "N36");
    nothing_was_forwarded(&counts);
    stack.kill_host();
    drop(debug);

    fs::remove_file(stack.path("enclave.sock")).expect("removed");
    fs::remove_file(stack.path("real.sock")).expect("removed");
    let signer = policy(&stack, "aws", "measurements.json", None);
    stack.start_simulator();
    let counts = relay(&stack);
    stack.options_mut().serve = serve("aws.cose", &signer);
    stack.spawn_host();
    refusal(&stack, "N22");
    refused_clearly(&stack, "N22");
    nothing_was_forwarded(&counts);
}

#[test]
fn an_enclave_that_is_exchanged_behind_a_living_host_is_judged_anew() {
    let mut stack = Stack::start(Options::default());
    stack.kill_host();
    stack.kill_simulator();
    let signer = policy(&stack, "ours", "measurements.json", Some("test-root.pem"));
    let first = fs::read(stack.path("ours.cose")).expect("read");
    let source = fs::read_to_string(stack.path("ours.yaml")).expect("read");
    let newer = source.replace("version: 1\n", "version: 2\n");
    assert_ne!(source, newer);
    fs::write(stack.path("ours.yaml"), newer).expect("written");
    fs::remove_file(stack.path("ours.cose")).expect("removed");
    let sign = ["policy", "sign", "ours.yaml", "--key", "ours.key", "--out", "ours.cose"];
    assert!(stack.run("probity", &sign).status.success());
    stack.start_simulator();
    let relay = relay(&stack);
    stack.options_mut().serve = serve("ours.cose", &signer);
    stack.start_host();
    assert_eq!(evaluate(&stack, 1).status, 200);
    let before = count(&relay, "rules");
    let _debug = Debug::start(&stack, "debug.sock");
    relay.exchange(stack.path("debug.sock"));
    refusal(&stack, "N36 PCR0");
    refused_clearly(&stack, "N36");
    assert_eq!((count(&relay, "rules"), count(&relay, "evaluate")), (before, 1));
    // A policy that was replaced by a newer one does not come back, whoever signed it.
    fs::write(stack.path("ours.cose"), first).expect("put back");
    relay.exchange(stack.path("real.sock"));
    refusal(&stack, "expected version 2 or higher");
    assert_eq!((count(&relay, "rules"), count(&relay, "evaluate")), (before, 1));
}

#[test]
fn a_quote_of_another_enclave_opens_nothing() {
    let mut stack = Stack::start(Options::default());
    stack.kill_host();
    stack.kill_simulator();
    let signer = policy(&stack, "ours", "measurements.json", Some("test-root.pem"));
    stack.start_simulator();
    let relay = relay(&stack);
    // Genuine, of the same image, with the same configuration, and not the one that is spoken to.
    let platform = Simulated::new(Duration::ZERO, 0, false);
    let mut other = Link::to(&enclave::Enclave::new(Box::new(platform)), 1);
    let config = fs::read(stack.path("boot.cbor")).expect("read");
    other.ask(&Command::Boot { id: 1, config, previous: None });
    *relay.attester.lock().expect("an attester") = Some(other);
    stack.options_mut().serve = serve("ours.cose", &signer);
    stack.spawn_host();
    let detail = refusal(&stack, "P6 key of the boot record");
    assert!(detail.contains("did:key:"), "{detail}");
    refused_clearly(&stack, "P6");
    nothing_was_forwarded(&relay);
}

#[test]
fn addresses_of_machines_need_a_policy() {
    let mut stack = Stack::start(Options::default());
    stack.kill_host();
    for address in ["vsock:16:5000", "hybrid:enclave.sock:5000"] {
        let arguments = ["serve", "--enclave", address, "--data", "data", "--boot", "boot.cbor"];
        let more = ["--rules", "bundle.cose", "--freshness", "freshness.cose"];
        let output = stack.run("probity", &[&arguments[..], &more].concat());
        assert_eq!(output.status.code(), Some(2));
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(errors.contains("need --policy FILE"), "{errors}");
    }
}
