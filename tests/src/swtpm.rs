//! A software TPM for tests: swtpm with a manufactured EK certificate chain in a folder of its own,
//! behind a door that lets several programs in at once and can be told to answer like a TPM in
//! trouble. The TSS stack in front of it is the real one. It must never hold a test's expectation.

#[path = "swtpm/door.rs"]
mod door;

pub use door::Fault;

use door::Door;
use sha2::{Digest as _, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long swtpm may take until it listens.
const START_MAX: Duration = Duration::from_secs(20);
/// How often its socket is looked for.
const START_POLL: Duration = Duration::from_millis(10);
/// Programs without which there is no software TPM.
const PROGRAMS: [&str; 4] = ["swtpm", "swtpm_setup", "swtpm_localca", "tpm2_pcrextend"];
/// TPM2_Shutdown(CLEAR), the orderly end of a machine.
const SHUTDOWN: [u8; 12] = [0x80, 1, 0, 0, 0, 12, 0, 0, 1, 0x45, 0, 0];

/// Whether swtpm is not installed, which is then said in one line.
pub fn is_absent() -> bool {
    let is_absent = !PROGRAMS.iter().all(|program| is_installed(program));
    if is_absent {
        eprintln!("ignored: swtpm absent");
    }
    is_absent
}

/// A running software TPM. It is killed and its folder removed when it is dropped.
pub struct Swtpm {
    folder: TempDir,
    process: Option<Child>,
    door: Door,
}

impl Swtpm {
    /// Manufactures a TPM and starts it; `None`, with one line, where swtpm is not installed.
    pub fn start() -> Option<Self> {
        if is_absent() {
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder");
        manufacture(folder.path());
        let door = Door::open(folder.path().join("ctrl.sock"));
        let mut tpm = Self { folder, process: None, door };
        tpm.power_on();
        Some(tpm)
    }

    /// What TSS programs take as `--tcti`.
    pub fn tcti(&self) -> String {
        format!("swtpm:host=127.0.0.1,port={}", self.door.port())
    }

    /// Certificate of the CA above the one that issued the EK certificates, PEM.
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("ca/swtpm-localca-rootca-cert.pem")
    }

    /// Certificate of the CA that issued the EK certificates, PEM.
    pub fn issuer(&self) -> PathBuf {
        self.folder.path().join("ca/issuercert.pem")
    }

    /// EK certificate of the RSA-2048 key, DER, as in NV.
    pub fn ek_certificate(&self) -> PathBuf {
        self.folder.path().join("ca/ek-rsa2048.crt")
    }

    /// A folder for the test's own files.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends the machine in order and starts it again: registers are at their start, resetCount is
    /// one higher. Whoever is connected stays so.
    pub fn reset(&mut self) {
        self.door.transact(&SHUTDOWN);
        self.power_off();
        self.power_on();
    }

    /// The TPM goes away: connections end, new ones are closed at once.
    pub fn power_off(&mut self) {
        self.door.detach();
        if let Some(mut process) = self.process.take() {
            process.kill().ok();
            process.wait().ok();
        }
    }

    /// It comes back, with the state that it had.
    pub fn power_on(&mut self) {
        let at = |name: &str| self.folder.path().join(name);
        let (data, control) = (at("data.sock"), at("ctrl.sock"));
        for socket in [&data, &control] {
            fs::remove_file(socket).ok();
        }
        let log = fs::File::options().create(true).append(true).open(at("swtpm.log"));
        let mut command = Command::new("swtpm");
        command.args(["socket", "--tpm2", "--flags", "not-need-init,startup-clear"]);
        command.arg("--tpmstate").arg(format!("dir={}", at("state").display()));
        command.arg("--server").arg(format!("type=unixio,path={}", data.display()));
        command.arg("--ctrl").arg(format!("type=unixio,path={}", control.display()));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log.expect("a log"));
        self.process = Some(command.spawn().expect("swtpm starts"));
        let start = Instant::now();
        while !self.door.attach(&data) {
            assert!(start.elapsed() < START_MAX, "swtpm did not start: see swtpm.log");
            std::thread::sleep(START_POLL);
        }
    }

    /// Extends a register in both banks, as any other program can.
    pub fn extend(&self, register: u8, content: &[u8]) {
        let sha256: [u8; 32] = Sha256::digest(content).into();
        let sha384 = crypto::sha384(&[content]);
        let (sha256, sha384) = (crypto::to_hex(&sha256), crypto::to_hex(&sha384));
        self.tool("tpm2_pcrextend", &[&format!("{register}:sha256={sha256},sha384={sha384}")]);
    }

    /// Runs a program of tpm2-tools, which has to succeed, and gives its standard output.
    pub fn tool(&self, program: &str, arguments: &[&str]) -> Vec<u8> {
        let output = self.try_tool(program, arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program} {arguments:?}: {said}");
        output.stdout
    }

    /// Runs a program of tpm2-tools in the TPM's folder.
    pub fn try_tool(&self, program: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(program);
        command.args(arguments).env("TPM2TOOLS_TCTI", self.tcti()).current_dir(self.folder.path());
        command.stdin(Stdio::null()).output().expect("tpm2-tools are installed")
    }

    /// From now on the TPM has this trouble, too.
    pub fn trouble(&self, fault: Fault) {
        self.door.trouble(fault);
    }

    /// The TPM has no trouble any more.
    pub fn relieve(&self) {
        self.door.relieve();
    }

    /// How often a command came since the start, troubled answers included.
    pub fn commands(&self, code: u32) -> u64 {
        self.door.commands(code)
    }
}

impl Drop for Swtpm {
    fn drop(&mut self) {
        self.power_off();
    }
}

fn is_installed(program: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| folder.join(program).is_file())
}

/// An EK with its certificate for RSA-2048 and P-384, a platform certificate, banks of SHA-256 and
/// SHA-384, all by a CA of this folder.
fn manufacture(folder: &Path) {
    let at = |name: &str| folder.join(name).display().to_string();
    for name in ["ca", "state"] {
        fs::create_dir(folder.join(name)).expect("a folder");
    }
    let write = |name: &str, text: String| fs::write(folder.join(name), text).expect("a file");
    let tool = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .map(|one| one.join("swtpm_localca"))
        .find(|path| path.is_file())
        .expect("swtpm_localca");
    write(
        "setup.conf",
        format!(
            "create_certs_tool={}\ncreate_certs_tool_config={}\ncreate_certs_tool_options={}\n\
             active_pcr_banks=sha256,sha384\n",
            tool.display(),
            at("localca.conf"),
            at("localca.options")
        ),
    );
    write(
        "localca.conf",
        format!(
            "statedir = {}\nsigningkey = {}\nissuercert = {}\ncertserial = {}\n",
            at("ca"),
            at("ca/signkey.pem"),
            at("ca/issuercert.pem"),
            at("ca/certserial")
        ),
    );
    let about = "--platform-manufacturer Probity\n--platform-version 1\n--platform-model test\n";
    write("localca.options", about.to_owned());
    let mut command = Command::new("swtpm_setup");
    command.args(["--tpm2", "--create-ek-cert", "--create-platform-cert", "--lock-nvram"]);
    command.args(["--pcr-banks", "sha256,sha384", "--overwrite", "--tpmstate"]);
    command.arg(at("state")).args(["--config", &at("setup.conf")]);
    command.args(["--write-ek-cert-files", &at("ca")]).stdin(Stdio::null());
    let output = command.output().expect("swtpm_setup runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
}
