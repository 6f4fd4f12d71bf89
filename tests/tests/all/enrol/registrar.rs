//! The real registrar as a process, and its two calls.

use super::request;
use attestation_fixtures::tpm::EnrolmentSpec;
use enrol::protocol::{ActivateAnswer, ActivateRequest, Base64, ChallengeAnswer, ChallengeRequest};
use hyper::Method;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};
use tests::https::{Answer, Client};
use tests::stack::{binary, runtime, wait};

pub(super) const JSON: [(&str, &str); 1] = [("content-type", "application/json")];
pub(super) const CHALLENGE: &str = "/v1/enrol/challenge";
pub(super) const ACTIVATE: &str = "/v1/enrol/activate";

/// A registrar in a folder of its own.
pub(super) struct Registrar {
    folder: tempfile::TempDir,
    server: Option<Child>,
}

impl Registrar {
    pub(super) fn start(root: &Path) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut registrar = Self { folder, server: None };
        let text = registrar.run(&["init", "--ek-root", &root.display().to_string()]);
        assert!(text.contains("1 added") && text.contains("policy add ak-root"), "{text}");
        registrar.serve();
        registrar
    }

    pub(super) fn serve(&mut self) {
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0"]);
        let log = fs::File::create(self.folder.path().join("log")).expect("a log");
        self.server = Some(command.stderr(log).spawn().expect("probity starts"));
        wait("the registrar listens", || self.data().join("listen").exists());
    }

    /// As a power cut ends it.
    pub(super) fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.kill().ok();
            server.wait().ok();
        }
        fs::remove_file(self.data().join("listen")).ok();
    }

    pub(super) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary("probity"));
        command.arg("registrar").args(&arguments[..1]).arg("--data").arg(self.data());
        command.args(&arguments[1..]).stdin(Stdio::null());
        command
    }

    pub(super) fn try_run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("probity runs")
    }

    pub(super) fn run(&self, arguments: &[&str]) -> String {
        let output = self.try_run(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {said}");
        String::from_utf8(output.stdout).expect("text")
    }

    pub(super) fn token(&self, identity: &str) -> String {
        self.run(&["token", "--identity", identity]).trim().to_owned()
    }

    pub(super) fn post(&self, path: &str, body: String) -> Answer {
        let address = fs::read_to_string(self.data().join("listen")).expect("an address");
        let address = address.trim().replace("127.0.0.1", "localhost");
        let client = Client::new(&address, &self.data().join("tls/cert.pem"));
        let posting = client.once(Method::POST, path, &JSON, body);
        runtime().block_on(posting).expect("an answer")
    }

    pub(super) fn challenge(&self, request: &ChallengeRequest) -> Result<ChallengeAnswer, Value> {
        let body = serde_json::to_string(request).expect("JSON");
        read(&self.post(CHALLENGE, body))
    }

    pub(super) fn activate(
        &self,
        challenge_id: &str,
        secret: Vec<u8>,
    ) -> Result<ActivateAnswer, Value> {
        let request = ActivateRequest { challenge_id: challenge_id.into(), secret: Base64(secret) };
        let body = serde_json::to_string(&request).expect("JSON");
        read(&self.post(ACTIVATE, body))
    }

    /// A whole enrolment by the model of a TPM.
    pub(super) fn enrol(
        &self,
        token: &str,
        name: &str,
        spec: &EnrolmentSpec,
    ) -> Result<ActivateAnswer, Value> {
        let answer = self.challenge(&request(token, name, spec))?;
        let (blob, secret) = (&answer.credential_blob.0, &answer.encrypted_secret.0);
        let opened = spec.ek.activate(&spec.ak_public.name(), blob, secret).expect("it opens");
        self.activate(&answer.challenge_id, opened)
    }
}

impl Drop for Registrar {
    fn drop(&mut self) {
        self.kill();
    }
}

fn read<T: serde::de::DeserializeOwned>(answer: &Answer) -> Result<T, Value> {
    match answer.status.as_u16() {
        200 => Ok(serde_json::from_slice(&answer.body).expect("an answer")),
        status => {
            let problem = answer.json();
            assert_eq!(problem["status"], status);
            assert_eq!(answer.headers["content-type"], "application/problem+json");
            Err(problem)
        }
    }
}

pub(super) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("our era");
    u64::try_from(since.as_millis()).expect("our era")
}
