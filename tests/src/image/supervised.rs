//! A machine under `probity enclave run`, as an operator starts it.

use super::{Slot, Tools};
use crate::stack::binary;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// A supervised enclave. It is stopped when this is dropped.
#[derive(Debug)]
pub struct Supervised {
    folder: TempDir,
    child: Child,
    address: String,
    _slot: Slot,
}

impl Supervised {
    /// Starts an image and waits for the address that the supervisor prints.
    pub fn start(tools: &Tools, eif: &Path, arguments: &[&str]) -> Self {
        let slot = Slot::take();
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = Command::new(binary("probity"));
        command.args(["enclave", "run", "--runner", "qemu", "--eif"]).arg(eif);
        command.arg("--state").arg(folder.path().join("e")).args(arguments);
        command.arg("--qemu").arg(&tools.qemu).arg("--vsock-device").arg(&tools.vsock_device);
        command.arg("--nsm-device").arg(&tools.nsm_device);
        let log = std::fs::File::create(folder.path().join("run.log")).expect("a log");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().expect("the supervisor starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let address = lines.next().and_then(Result::ok).unwrap_or_default();
        // What it says later is read away, so that it never waits for us.
        std::thread::spawn(move || lines.for_each(drop));
        let supervised = Self { folder, child, address, _slot: slot };
        assert!(!supervised.address.is_empty(), "no address:\n{}", supervised.log());
        supervised
    }

    /// What `probity serve --enclave` takes.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What the supervisor said.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.path("run.log")).unwrap_or_default()
    }

    /// `probity enclave status --json`.
    pub fn status(&self) -> Value {
        let mut command = Command::new(binary("probity"));
        command.args(["enclave", "status", "--json", "--state"]).arg(self.path("e"));
        let output = command.output().expect("our binary runs");
        serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
    }

    /// `kill -9` of QEMU: the enclave is gone with all that it held.
    pub fn kill_qemu(&self) {
        let status = self.status();
        let members = status["processes"].as_array().expect("processes");
        let qemu = members.iter().find(|member| member["role"] == "qemu").expect("QEMU runs");
        let pid = qemu["pid"].as_u64().expect("a process id").to_string();
        let killed = Command::new("kill").args(["-9", &pid]).status().expect("kill runs");
        assert!(killed.success(), "QEMU was not there");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        let mut command = Command::new(binary("probity"));
        command.args(["enclave", "stop", "--state"]).arg(self.path("e"));
        let _ = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("supervisor's log:\n{}", self.log());
        }
    }
}
