//! The whole product, running: real binaries, a real socket, real files, in a folder of its own.
//! Started as the README's demo starts it.

use crate::https::Client;
use attest::VerificationTime;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use verify::Policy;

/// How long a process may take to start.
const START_MAX: Duration = Duration::from_secs(30);

/// How a stack is started.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// How long each quote takes, in milliseconds.
    pub quote_latency_ms: u64,
    /// Shift of the device's clock, in milliseconds.
    pub clock_offset_ms: i64,
    /// Further arguments of `probity serve`.
    pub serve: Vec<String>,
    /// Largest file that the host may write, in KiB; a full disk in small.
    pub file_kib_max: Option<u64>,
}

/// A running stack. Everything is killed and removed when it is dropped.
pub struct Stack {
    folder: TempDir,
    options: Options,
    simulator: Option<Child>,
    host: Option<Child>,
}

/// Path of one of our binaries, built once.
pub fn binary(name: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let exe = std::env::current_exe().expect("own path");
        let at = |parent: &Path| parent.file_name() == Some(OsStr::new("deps"));
        let folder = exe.ancestors().skip(1).find(|path| !at(path)).expect("target folder");
        let mut build = Command::new(option_env!("CARGO").unwrap_or("cargo"));
        build.args(["build", "-q", "--bins", "-p", "parent", "-p", "simulator"]);
        build
            .args(["-p", "verify-cli", "-p", "enclave", "-p", "tpm-host", "-p", "worker"])
            .current_dir(crate::root());
        if folder.file_name() == Some(OsStr::new("release")) {
            build.arg("--release");
        }
        assert!(build.status().expect("cargo runs").success(), "the binaries do not build");
        folder.to_owned()
    });
    folder.join(name)
}

impl Stack {
    /// Keys, rules, simulator, host: ready to evaluate.
    pub fn start(options: Options) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut stack = Self { folder, options, simulator: None, host: None };
        stack.prepare();
        stack.start_simulator();
        stack.start_host();
        stack
    }

    /// A second stack in processes of its own, with the same keys, configuration and rules.
    pub fn twin(&self) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["boot.cbor", "bundle.cose", "freshness.cose", "measurements.json"] {
            std::fs::copy(self.path(name), folder.path().join(name)).expect("copied");
        }
        let options = self.options.clone();
        let mut twin = Self { folder, options, simulator: None, host: None };
        twin.start_simulator();
        twin.start_host();
        twin
    }

    /// A file of the stack's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs one of our binaries in the stack's folder and returns what it printed.
    pub fn run(&self, name: &str, arguments: &[&str]) -> std::process::Output {
        let mut command = Command::new(binary(name));
        command.args(arguments).current_dir(self.folder.path());
        command.output().expect("our binary runs")
    }

    fn must(&self, name: &str, arguments: &[&str]) -> String {
        let output = self.run(name, arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{name} {arguments:?}: {errors}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    fn prepare(&mut self) {
        let names = ["a1", "a2", "a3", "fresh"];
        let dids: Vec<_> = names
            .iter()
            .map(|name| {
                let did = self.must("probity", &["keys", "new", "--out", &format!("{name}.key")]);
                did.trim().to_owned()
            })
            .collect();
        let mut boot = vec!["boot", "new"];
        for did in &dids[..3] {
            boot.extend(["--authority", did]);
        }
        boot.extend(["--threshold", "2", "--freshness-key", &dids[3], "--freshness-threshold"]);
        boot.extend(["1", "--rulebook", "us-core", "--out", "boot.cbor"]);
        self.must("probity", &boot);
        let pack = crate::root().join("rulepacks/us-core");
        let pack = pack.to_str().expect("UTF-8 path");
        let keys = ["--key", "a1.key", "--key", "a3.key", "--out", "bundle.cose"];
        self.must("probity", &[&["rules", "build", pack, "--version", "1"], &keys[..]].concat());
        let mut freshness = vec!["rules", "freshness", "bundle.cose", "--key", "fresh.key"];
        freshness.extend(["--out", "freshness.cose"]);
        self.must("probity", &freshness);
        let measurements = self.must("probity-simulator", &["measurements"]);
        std::fs::write(self.path("measurements.json"), measurements).expect("written");
        let root = self.must("probity-simulator", &["root"]);
        std::fs::write(self.path("test-root.pem"), root).expect("written");
    }

    /// Starts the simulator: a new boot of the enclave.
    pub fn start_simulator(&mut self) {
        let mut command = Command::new(binary("probity-simulator"));
        command.args(["run", "--socket", "enclave.sock", "--quote-latency-ms"]);
        command.arg(self.options.quote_latency_ms.to_string());
        command.args(["--clock-offset-ms", &self.options.clock_offset_ms.to_string()]);
        command.current_dir(self.folder.path()).stderr(Stdio::null());
        self.simulator = Some(command.spawn().expect("the simulator starts"));
        wait("the simulator's socket", || self.path("enclave.sock").exists());
    }

    /// Starts the host and waits until it says that it is ready.
    pub fn start_host(&mut self) {
        self.spawn_host();
        let runtime = runtime();
        wait("the host to be ready", || {
            let ready = async {
                let client = self.client();
                client.once(hyper::Method::GET, "/health/ready", &[], "").await
            };
            runtime.block_on(ready).is_ok_and(|answer| answer.status == 200)
        });
    }

    /// Starts the host and waits only until it listens.
    pub fn spawn_host(&mut self) {
        let _ = std::fs::remove_file(self.path("data/listen"));
        let limit = self.options.file_kib_max.map_or("unlimited".into(), |kib| kib.to_string());
        // The shell sets what a process cannot set for itself without unsafe code.
        let script = format!("trap '' XFSZ; ulimit -f {limit}; exec \"$0\" \"$@\"");
        let mut command = Command::new("bash");
        command.args(["-c", &script]).arg(binary("probity")).arg("serve");
        command.args(["--enclave", "unix:enclave.sock", "--data", "data"]);
        command.args(["--listen", "127.0.0.1:0", "--boot", "boot.cbor"]);
        command.args(["--rules", "bundle.cose", "--freshness", "freshness.cose"]);
        command.args(&self.options.serve).current_dir(self.folder.path());
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.path("host.log"));
        command.stderr(log.expect("a log file"));
        self.host = Some(command.spawn().expect("the host starts"));
        wait("the host to listen", || self.address_file().is_some());
    }

    fn address_file(&self) -> Option<String> {
        let text = std::fs::read_to_string(self.path("data/listen")).ok()?;
        let address = text.trim().trim_start_matches("https://").to_owned();
        (!address.is_empty() && self.path("data/tls/cert.pem").exists()).then_some(address)
    }

    /// A client of the host.
    pub fn client(&self) -> Client {
        let address = self.address_file().expect("the host has listened");
        Client::new(&address, &self.path("data/tls/cert.pem"))
    }

    /// `kill -9` of the host.
    pub fn kill_host(&mut self) {
        kill(&mut self.host);
    }

    /// `kill -9` of the simulator: the enclave is gone with all that it held.
    pub fn kill_simulator(&mut self) {
        kill(&mut self.simulator);
        let _ = std::fs::remove_file(self.path("enclave.sock"));
    }

    /// Changes how the host is started next time.
    pub fn options_mut(&mut self) -> &mut Options {
        &mut self.options
    }

    /// What the host logged.
    pub fn host_log(&self) -> String {
        std::fs::read_to_string(self.path("host.log")).unwrap_or_default()
    }

    /// The policy under which this stack's proofs verify.
    pub fn policy(&self, time: VerificationTime) -> Policy {
        let config = std::fs::read(self.path("boot.cbor")).expect("boot configuration");
        let config = rules::BootConfig::parse(&config).expect("sound");
        let pcrs = simulator::image().into_iter().collect();
        let release = attest::ReferenceValues::new("simulator", pcrs).expect("three registers");
        let root = crate::sample::test_root();
        Policy::new(vec![root], time, vec![release], config).expect("sound policy")
    }

    /// Process id of the host.
    pub fn host_pid(&self) -> u32 {
        self.host.as_ref().map_or(0, Child::id)
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        kill(&mut self.host);
        kill(&mut self.simulator);
        if std::thread::panicking() {
            eprintln!("host log:\n{}", self.host_log());
        }
    }
}

/// A runtime for tests that drive clients.
pub fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().expect("a runtime")
}

/// Waits until `ready`, or fails.
pub fn wait(what: &str, mut ready: impl FnMut() -> bool) {
    let start = Instant::now();
    while !ready() {
        assert!(start.elapsed() < START_MAX, "waited {START_MAX:?} for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn kill(child: &mut Option<Child>) {
    if let Some(mut child) = child.take() {
        // Already dead is dead enough.
        let _ = child.kill();
        let _ = child.wait();
    }
}
