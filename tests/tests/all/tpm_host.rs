//! `probity-tpm` with the real worker, host and verifier on a software TPM: workers that are
//! killed, hang or end at once, and what a caller was answered meanwhile. Left out, with one line,
//! where swtpm is not installed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hyper::Method;
use proof::BootRecord;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;
use tests::https::Client;
use tests::stack::{Options, Stack, binary, runtime, wait};
use tests::swtpm::Swtpm;
use verify::{LogAudit, Materials, Policy, Verifier};

/// Kills of the worker under load; PROBITY_KILLS asks for another number.
const KILLS: usize = 6;
/// A killed worker is back within this time: two seconds on a machine that does nothing else.
const RECOVERY_MAX: Duration = Duration::from_secs(10);

/// A device and its worker. The device is killed when it is dropped, the worker dies with it.
struct Device {
    state: TempDir,
    process: Child,
}

impl Device {
    fn start(tpm: &Swtpm, boot: &Path, worker: &Path, more: &[&str]) -> Self {
        let state = tempfile::tempdir().expect("a folder");
        let process = Self::spawn(tpm, state.path(), boot, worker, more);
        Self { state, process }
    }

    fn spawn(tpm: &Swtpm, state: &Path, boot: &Path, worker: &Path, more: &[&str]) -> Child {
        let log = std::fs::File::options().create(true).append(true).open(state.join("log"));
        let mut command = Command::new(binary("probity-tpm"));
        command.args(["run", "--tcti", &tpm.tcti()]);
        command.arg("--state").arg(state).arg("--boot").arg(boot).arg("--worker").arg(worker);
        command.args(more).env("TSS2_LOG", "all+none");
        command.stdout(Stdio::null()).stderr(log.expect("a log"));
        command.spawn().expect("the device starts")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.state.path().join(name)
    }

    fn status(&self) -> Value {
        let mut command = Command::new(binary("probity-tpm"));
        let output = command.args(["status", "--json", "--state"]).arg(self.state.path()).output();
        serde_json::from_slice(&output.expect("it runs").stdout).expect("JSON")
    }

    fn is(&self, phase: &str) -> bool {
        self.status()["phase"] == phase
    }

    fn until(&self, phase: &str) {
        wait(&format!("phase {phase}\n{}", self.log()), || self.is(phase));
    }

    fn worker(&self) -> Option<u32> {
        self.status()["worker"].as_u64().and_then(|pid| u32::try_from(pid).ok())
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    fn signal_worker(&self, signal: &str) -> u32 {
        let pid = self.worker().expect("a worker");
        send(signal, pid);
        pid
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn send(signal: &str, pid: u32) {
    let status = Command::new("kill").args([signal, &pid.to_string()]).status();
    assert!(status.expect("kill").success(), "kill {signal} {pid}");
}

/// Keys, rules and a boot configuration, and a machine whose firmware measured something.
fn prepare() -> Option<(Swtpm, Stack)> {
    let tpm = Swtpm::start()?;
    for register in [0, 1, 2, 7] {
        tpm.extend(register, b"firmware");
    }
    Some((tpm, Stack::start(Options::default())))
}

fn value(tpm: &Swtpm, register: u8) -> String {
    let text = tpm.tool("tpm2_pcrread", &[&format!("sha256:{register}")]);
    let text = String::from_utf8(text).expect("UTF-8");
    let (_, value) = text.split_once("0x").expect("a value");
    value.trim().to_lowercase()
}

/// A signed policy for this worker under this key on this machine, in the stack's folder.
fn policy(stack: &Stack, tpm: &Swtpm, ak_name: &str, worker: &Path) {
    let boot = std::fs::read(stack.path("boot.cbor")).expect("boot configuration");
    let did = stack.run("probity", &["keys", "new", "--out", "examiner.key"]).stdout;
    let did = String::from_utf8(did).expect("UTF-8");
    let registers: String =
        [0, 1, 2, 7].map(|index| format!("    pcr{index}: \"{}\"\n", value(tpm, index))).concat();
    let source = format!(
        "policy: 1\nname: tpm\nversion: 1\nissued_at: 2026-01-01T00:00:00Z\n\
         expires_at: 2036-01-01T00:00:00Z\nsigners:\n  threshold: 1\n  keys: [\"{}\"]\n\
         kinds: [tpm]\nboot_configs:\n  - hex: {}\n\
         freshness: {{ age: 5m, lag: 2m, skew: 60s }}\n\
         tpm:\n  ak_names:\n    - \"{ak_name}\"\n  pcrs:\n{registers}",
        did.trim(),
        crypto::to_hex(&boot)
    );
    std::fs::write(stack.path("tpm.yaml"), source).expect("written");
    let worker = worker.to_str().expect("UTF-8");
    let add = ["policy", "add", "worker", "tpm.yaml", "--release", "this", "--binary", worker];
    let add = [&add[..], &["--from", "2026-01-01T00:00:00Z"]].concat();
    good(stack.run("probity", &add));
    let sign = ["policy", "sign", "tpm.yaml", "--key", "examiner.key", "--out", "tpm.cose"];
    good(stack.run("probity", &sign));
}

fn good(output: Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The stack's host in front of the device's worker in place of the simulator.
fn serve(stack: &mut Stack, device: &Device) {
    stack.kill_host();
    stack.kill_simulator();
    std::os::unix::fs::symlink(device.path("worker.sock"), stack.path("enclave.sock"))
        .expect("a link");
    stack.options_mut().serve = vec!["--policy".into(), "tpm.cose".into()];
    stack.start_host();
}

fn body(n: usize) -> String {
    let path = tests::root().join("tests/requests/cash-deposit.json");
    let text = std::fs::read_to_string(path).expect("a request");
    text.replace("txn-cash-15000", &format!("t{n}"))
}

/// Load until told to stop, whatever is refused meanwhile; ids that were answered.
async fn load(client: Client, stop: Arc<AtomicBool>, lane: usize) -> Vec<String> {
    let (mut answered, mut n) = (Vec::new(), lane * 1_000_000);
    while !stop.load(Ordering::Relaxed) {
        let Ok(mut connection) = client.connect().await else { continue };
        while !stop.load(Ordering::Relaxed) {
            n += 1;
            match connection.evaluate(body(n)).await {
                Ok(answer) if answer.status == 200 => {
                    let id = answer.json()["proof_id"].as_str().map(str::to_owned);
                    answered.push(id.expect("an id"));
                }
                Ok(answer) => {
                    assert!(answer.status.as_u16() >= 429, "{answer:?}");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(_) => break,
            }
        }
    }
    answered
}

#[test]
fn workers_killed_under_load_are_replaced_and_no_answered_proof_is_lost() {
    let Some((tpm, mut stack)) = prepare() else { return };
    let worker = binary("probity-worker");
    let more = ["--ends-max", "1000"];
    let device = Device::start(&tpm, &stack.path("boot.cbor"), &worker, &more);
    device.until("running");
    let name = device.status()["ak_name"].as_str().expect("a name").to_owned();
    policy(&stack, &tpm, &name, &worker);
    serve(&mut stack, &device);
    let kills = std::env::var("PROBITY_KILLS").ok().and_then(|text| text.parse().ok());
    let runtime = runtime();
    let stop = Arc::new(AtomicBool::new(false));
    let lanes: Vec<_> =
        (0..16).map(|lane| runtime.spawn(load(stack.client(), stop.clone(), lane))).collect();
    let mut times = Vec::new();
    for _ in 0..kills.unwrap_or(KILLS) {
        std::thread::sleep(Duration::from_millis(1500));
        let (killed, start) = (device.signal_worker("-9"), Instant::now());
        wait("another worker", || {
            device.is("running") && device.worker().is_some_and(|pid| pid != killed)
        });
        times.push(start.elapsed());
    }
    std::thread::sleep(Duration::from_millis(1500));
    stop.store(true, Ordering::Relaxed);
    let mut answered = BTreeSet::new();
    let mut count = 0;
    for lane in lanes {
        let ids = runtime.block_on(lane).expect("a lane");
        count += ids.len();
        answered.extend(ids);
    }
    assert_eq!(count, answered.len(), "no proof was answered twice");
    assert!(answered.len() > times.len(), "{} answers are no load", answered.len());
    times.sort();
    assert!(times[times.len() - 1] < RECOVERY_MAX, "{times:?}");
    let stored = audit(&stack);
    let lost: Vec<_> = answered.difference(&stored).collect();
    assert!(lost.is_empty(), "answered and lost: {lost:?}");
    println!("{} answered, {} in the logs, recovery {times:?}", answered.len(), stored.len());
}

/// Audits the log of every boot of a worker that the host has; ids of their proofs.
fn audit(stack: &Stack) -> BTreeSet<String> {
    let get = |path: &str| {
        let answer = runtime().block_on(stack.client().once(Method::GET, path, &[], ""));
        answer.expect("an answer").body.to_vec()
    };
    let signed = std::fs::read(stack.path("tpm.cose")).expect("a policy");
    let signed = policy::SignedPolicy::verify(&signed, None).expect("its own signer's");
    let config = std::fs::read(stack.path("boot.cbor")).expect("boot configuration");
    let config = rules::BootConfig::parse(&config).expect("sound").hash();
    let log: Value = serde_json::from_slice(&get("/v1/log")).expect("JSON");
    let mut ids = BTreeSet::new();
    // The first is the simulator's, from before the device, under another root.
    for boot in &log["boots"].as_array().expect("boots")[1..] {
        let id = boot["boot_id"].as_str().expect("an id");
        let text = String::from_utf8(get(&format!("/v1/log/{id}"))).expect("UTF-8");
        let lines: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let record = crypto::from_hex(lines[0]["boot_record"].as_str().expect("hex"));
        let record = BootRecord::parse(&record.expect("hex")).expect("sound record");
        let mut audit = LogAudit::open(&record, config).expect("this configuration's log");
        let policy = Policy::from_verified(&signed).expect("usable");
        // A TPM's quote has no calendar: it is judged for now.
        let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).expect("our era").as_millis();
        let now_ms = u64::try_from(now_ms).expect("our era");
        let verifier = Verifier::live(policy, now_ms).expect("in force");
        for proof in lines.iter().filter_map(|line| line["proof"].as_str()) {
            let bytes = BASE64.decode(proof).expect("base64");
            let verified = verifier.verify(&bytes, &Materials::default());
            let verified = verified.expect("every proof verifies").into_verified();
            audit.push(&verified).expect("no gap");
            ids.insert(crypto::to_hex(&verified.statement().proof_id));
        }
        audit.finish().expect("every quote is consistent");
    }
    ids
}

#[test]
fn a_worker_that_hangs_is_replaced_and_an_orderly_end_leaves_nothing() {
    let Some((tpm, stack)) = prepare() else { return };
    let worker = binary("probity-worker");
    let more = ["--hung-wait", "2"];
    let mut device = Device::start(&tpm, &stack.path("boot.cbor"), &worker, &more);
    device.until("running");
    let hung = device.signal_worker("-STOP");
    wait("another worker", || {
        device.is("running") && device.worker().is_some_and(|pid| pid != hung)
    });
    assert!(!Path::new(&format!("/proc/{hung}")).exists(), "the hung one is gone");
    assert!(device.status()["last_end"].as_str().expect("text").contains("hangs"));
    // One folder has one device.
    let second = Device::spawn(&tpm, device.state.path(), &stack.path("boot.cbor"), &worker, &[]);
    assert_eq!(second.wait_with_output().expect("it ends").status.code(), Some(2));
    assert!(device.log().contains("another probity-tpm looks after this folder"));
    let last = device.worker().expect("a worker");
    send("-TERM", device.process.id());
    assert!(device.process.wait().expect("it ends").success());
    assert!(!Path::new(&format!("/proc/{last}")).exists());
    assert!(!device.path("worker.sock").exists());
    assert!(device.is("stopped"));
}

#[test]
fn a_worker_that_ends_at_once_is_isolated() {
    let Some((tpm, stack)) = prepare() else { return };
    let more = ["--ends-max", "3"];
    let boot = stack.path("boot.cbor");
    let device = Device::start(&tpm, &boot, Path::new("/bin/true"), &more);
    device.until("isolated");
    let log = device.log();
    assert!(log.contains("ALERT the worker ended 3 times within 60 s"), "{log}");
    assert!(log.contains("  do: "), "{log}");
    std::thread::sleep(Duration::from_secs(2));
    assert!(device.is("isolated"), "nothing is started any more");
    assert_eq!(device.status()["restarts"], 2);
    assert!(!device.path("worker.sock").exists(), "callers are refused at once");
}

#[test]
fn a_killed_device_takes_its_worker_along_and_the_next_one_goes_on() {
    let Some((tpm, stack)) = prepare() else { return };
    let worker = binary("probity-worker");
    let boot = stack.path("boot.cbor");
    let mut device = Device::start(&tpm, &boot, &worker, &[]);
    device.until("running");
    let (left, before) = (device.worker().expect("a worker"), device.status());
    device.process.kill().expect("killed");
    device.process.wait().expect("it ends");
    wait("the worker's end", || !Path::new(&format!("/proc/{left}")).exists());
    assert!(device.is("stopped"));
    device.process = Device::spawn(&tpm, device.state.path(), &boot, &worker, &[]);
    device.until("running");
    let after = device.status();
    assert_eq!(after["register_value"], before["register_value"], "nothing was measured twice");
    assert_eq!((&after["ak_name"], &after["sealed"]), (&before["ak_name"], &"unsealed".into()));
}
