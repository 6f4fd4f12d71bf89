//! `probity serve` in front of a machine, with keys, rules and a signed policy of its own.

use super::Tools;
use crate::https::{Answer, Client};
use crate::stack::{binary, runtime, wait};
use hyper::Method;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use tempfile::TempDir;

/// A host and its files. It is killed when this is dropped.
#[derive(Debug)]
pub struct Host {
    folder: TempDir,
    examiner: String,
    child: Option<Child>,
}

impl Host {
    /// Keys, rules, and `policy.cose`, made from the image's `measurements.json`.
    pub fn prepare(tools: &Tools) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut host = Self { folder, examiner: String::new(), child: None };
        let names = ["a1", "a2", "a3", "fresh", "examiner"];
        let dids = names.map(|name| {
            host.must(&["keys", "new", "--out", &format!("{name}.key")]).trim().to_owned()
        });
        host.examiner = dids[4].clone();
        let mut boot = vec!["boot", "new", "--threshold", "2", "--freshness-threshold", "1"];
        boot.extend(["--freshness-key", &dids[3], "--rulebook", "us-core", "--out", "boot.cbor"]);
        dids[..3].iter().for_each(|did| boot.extend(["--authority", did]));
        host.must(&boot);
        let pack = crate::root().join("rulepacks/us-core");
        let rules = ["rules", "build", pack.to_str().expect("UTF-8 path"), "--version", "1"];
        let keys = ["--key", "a1.key", "--key", "a3.key", "--out", "bundle.cose"];
        host.must(&[&rules[..], &keys].concat());
        let freshness = ["rules", "freshness", "bundle.cose", "--key", "fresh.key"];
        host.must(&[&freshness[..], &["--out", "freshness.cose"]].concat());
        let root = attestation_fixtures::TestPki::published().root_pem();
        std::fs::write(host.path("test-root.pem"), root).expect("written");
        let measurements = tools.path("measurements.json");
        host.make_policy("policy.cose", measurements.to_str().expect("UTF-8 path"));
        host
    }

    /// Signs a policy that knows the releases of one file.
    pub fn make_policy(&self, name: &str, measurements: &str) {
        let yaml = format!("{name}.yaml");
        let new = ["policy", "new", "--name", "image", "--signer", &self.examiner, "--boot"];
        let more = ["boot.cbor", "--measurements", measurements, "--root", "test-root.pem"];
        self.must(&[&new[..], &more, &["--out", &yaml]].concat());
        self.must(&["policy", "sign", &yaml, "--key", "examiner.key", "--out", name]);
    }

    /// Starts `probity serve` under a policy and waits until it listens.
    pub fn start(&mut self, address: &str, policy: &str) {
        self.kill();
        let _ = std::fs::remove_file(self.path("data/listen"));
        let mut command = Command::new(binary("probity"));
        command.args(["serve", "--enclave", address, "--data", "data"]);
        command.args(["--listen", "127.0.0.1:0", "--boot", "boot.cbor"]);
        command.args(["--rules", "bundle.cose", "--freshness", "freshness.cose"]);
        command.args(["--policy", policy, "--policy-signer", &self.examiner]);
        command.current_dir(self.folder.path());
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.path("host.log"));
        command.stdout(Stdio::null()).stderr(log.expect("a log file"));
        self.child = Some(command.spawn().expect("the host starts"));
        wait("the host to listen", || self.listening().is_some());
    }

    /// `kill -9` of the host.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // Already dead is dead enough.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Whether the enclave is there, trusted and has rules.
    pub fn is_ready(&self) -> bool {
        self.try_get("/health/ready").is_some_and(|answer| answer.status == 200)
    }

    /// One answer.
    pub fn get(&self, path: &str) -> Answer {
        self.try_get(path).unwrap_or_else(|| panic!("{path} has no answer:\n{}", self.log()))
    }

    /// One proof, in COSE.
    pub fn proof(&self, id: &str) -> Vec<u8> {
        let accept = [("accept", "application/cose")];
        let path = format!("/v1/proofs/{id}");
        let answer = runtime().block_on(self.client().once(Method::GET, &path, &accept, ""));
        answer.expect("an answer").body.to_vec()
    }

    /// A client.
    pub fn client(&self) -> Client {
        let address = self.listening().expect("the host has listened");
        Client::new(&address, &self.path("data/tls/cert.pem"))
    }

    /// A file of the host's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What the host said.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("host.log")).unwrap_or_default()
    }

    /// `probity-verify` with the signed policy.
    pub fn verify(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(binary("probity-verify"));
        command.args(arguments).args(["--policy", "policy.cose", "--json"]);
        command.args(["--policy-signer", &self.examiner]);
        command.current_dir(self.folder.path()).output().expect("our binary runs")
    }

    fn try_get(&self, path: &str) -> Option<Answer> {
        runtime().block_on(self.client().once(Method::GET, path, &[], "")).ok()
    }

    fn listening(&self) -> Option<String> {
        let text = std::fs::read_to_string(self.path("data/listen")).ok()?;
        let address = text.trim().trim_start_matches("https://").to_owned();
        let certificate: &Path = &self.path("data/tls/cert.pem");
        (!address.is_empty() && certificate.exists()).then_some(address)
    }

    fn must(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(binary("probity"));
        let output = command.args(arguments).current_dir(self.folder.path()).output();
        let output = output.expect("our binary runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "probity {arguments:?}: {errors}");
        String::from_utf8(output.stdout).expect("UTF-8")
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("host's log:\n{}", self.log());
        }
    }
}
