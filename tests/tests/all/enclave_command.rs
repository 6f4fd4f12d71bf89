//! `probity enclave`: supervision of real processes. What runs here in the place of QEMU and its
//! devices are stand-ins that start, give the sign of life and die as told: this is about the
//! supervisor. The same command with the true QEMU and the true image is tested by the image tests.

use serde_json::Value;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tests::stack::{binary, wait};

/// Variable that makes the test binary play QEMU; its value is QEMU's command line.
const PLAY: &str = "PROBITY_TEST_QEMU";

/// A folder with an image and stand-ins.
struct Bench {
    folder: TempDir,
}

/// A supervisor that runs.
struct Supervisor {
    child: Child,
}

impl Bench {
    fn new() -> Self {
        let bench = Self { folder: tempfile::tempdir().expect("a folder") };
        bench.image("probity.eif", "console=null quiet");
        bench.image("debug.eif", "console=ttyS0");
        let test = std::env::current_exe().expect("own path");
        let play = format!(
            "export {PLAY}=\"$*\"\nexec '{}' --exact enclave_command::plays_qemu --ignored \
             --nocapture",
            test.display()
        );
        bench.script("qemu", &play);
        // It leaves a process behind that its parent's end does not end.
        bench.script("nsm", "echo \"$*\" >>nsm.calls; sleep 600 & echo ready; sleep 600; true");
        bench.script("vsock", ": >\"${2#--socket=}\"; exec sleep 600");
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn image(&self, name: &str, cmdline: &str) {
        let metadata = eif::fixed_metadata("probity", "0.1.0", "6.12");
        let disks = vec![vec![1; 8], vec![2; 8]];
        let image = eif::Image::new(b"kernel".to_vec(), cmdline.into(), metadata, disks);
        fs::write(self.path(name), image.to_bytes().expect("sound")).expect("written");
    }

    fn script(&self, name: &str, text: &str) {
        let draft = self.path("draft");
        fs::write(&draft, format!("#!/usr/bin/env bash\n{text}\n")).expect("written");
        fs::set_permissions(&draft, fs::Permissions::from_mode(0o755)).expect("permitted");
        // Copied by another process: a file that this one has open for writing cannot be run.
        let copied = Command::new("cp").arg(draft).arg(self.path(name)).status();
        assert!(copied.expect("cp").success());
    }

    /// Tells the stand-in for QEMU how to behave from its next start on.
    fn play(&self, how: &str) {
        fs::write(self.path("play"), how).expect("written");
    }

    fn command(&self, verb: &str, more: &[&str]) -> Command {
        let mut command = Command::new(binary("probity"));
        command.args(["enclave", verb, "--state", "s"]).args(more);
        command.current_dir(self.folder.path());
        command
    }

    fn run(&self, verb: &str, more: &[&str]) -> Output {
        self.command(verb, more).output().expect("it runs")
    }

    fn start_command(&self, more: &[&str]) -> Command {
        let devices = ["--runner", "qemu", "--qemu", "./qemu", "--vsock-device", "./vsock"];
        let mut command = self.command("run", &[&devices[..], &["--nsm-device", "./nsm"]].concat());
        if !more.contains(&"--eif") {
            command.args(["--eif", "probity.eif"]);
        }
        command.args(more);
        command
    }

    fn start(&self, more: &[&str]) -> Supervisor {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.path("log"));
        let mut command = self.start_command(more);
        command.stdout(Stdio::piped()).stderr(log.expect("a log"));
        let mut child = command.spawn().expect("it starts");
        let mut line = String::new();
        let output = child.stdout.take().expect("piped");
        BufReader::new(output).read_line(&mut line).expect("a line");
        let expected = format!("hybrid:{}:5000\n", self.path("s/vsock").display());
        assert_eq!(line, expected, "{}", self.log());
        Supervisor { child }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap_or_default()
    }

    fn status(&self) -> (Option<i32>, Value) {
        let output = self.run("status", &["--json"]);
        (output.status.code(), serde_json::from_slice(&output.stdout).expect("JSON"))
    }

    fn pid(&self, role: &str) -> u32 {
        let (_, view) = self.status();
        let processes = view["processes"].as_array().expect("processes");
        let process = processes.iter().find(|one| one["role"] == role);
        let pid = process.and_then(|one| one["pid"].as_u64()).expect("a process id");
        u32::try_from(pid).expect("small")
    }

    /// Living processes of any supervision of this folder.
    fn living(&self) -> usize {
        let ours = self.folder.path().as_os_str().as_encoded_bytes();
        let entries = fs::read_dir("/proc").expect("/proc").flatten();
        let marked = entries.filter(|entry| {
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            let has = |word: &[u8]| environment.windows(word.len()).any(|part| part == word);
            has(b"PROBITY_ENCLAVE_RUN=")
                && fs::read_link(entry.path().join("cwd"))
                    .is_ok_and(|cwd| cwd.as_os_str().as_encoded_bytes() == ours)
        });
        marked.count()
    }
}

impl Supervisor {
    fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("gone");
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        // Already gone is what most tests want.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn kill(pid: u32) {
    let killed = Command::new("kill").args(["-9", &pid.to_string()]).status();
    assert!(killed.expect("kill runs").success());
}

fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Not a test: QEMU's part in the others. Started with QEMU's command line in the environment.
#[test]
#[ignore = "plays QEMU in the tests of this file"]
fn plays_qemu() {
    let Ok(line) = std::env::var(PLAY) else { return };
    let how = fs::read_to_string("play").unwrap_or_default();
    if how == "refuses" {
        eprintln!("qemu-system-x86_64: no such machine");
        std::process::exit(1);
    }
    if let Some((_, path)) = line.split_once("file,id=console,path=") {
        let path = path.split(' ').next().expect("a path");
        fs::write(path, "Linux version 6.12\n").expect("written");
    }
    assert!(line.contains("probity_parent_cid=2"), "{line}");
    let socket = Path::new("s/vsock");
    let listener = UnixListener::bind(socket).expect("bound");
    if how == "silent" {
        std::thread::sleep(Duration::from_secs(600));
    }
    let mut heart = UnixStream::connect("s/vsock_9000").expect("somebody listens");
    heart.write_all(&[0xb7]).expect("sent");
    let mut back = [0];
    heart.read_exact(&mut back).expect("answered");
    assert_eq!(back, [0xb7]);
    for stream in listener.incoming() {
        answer_health(stream.expect("a connection"));
    }
}

fn answer_health(mut stream: UnixStream) {
    let mut line = [0; 13];
    stream.read_exact(&mut line).expect("a greeting");
    assert_eq!(&line, b"CONNECT 5000\n");
    stream.write_all(b"OK 1024\n").expect("sent");
    let mut head = [0; wire::LENGTH_BYTES];
    stream.read_exact(&mut head).expect("a head");
    let mut body = vec![0; wire::body_length(head).expect("sound")];
    stream.read_exact(&mut body).expect("a body");
    let Ok(wire::Command::Health { id }) = wire::Command::parse(&body) else { panic!("other") };
    let health = wire::Health { pid1: true, kernel_ms: 321, ..wire::Health::default() };
    let report = wire::Report::Health { id, health }.to_bytes();
    stream.write_all(&wire::frame(&report).expect("small")).expect("sent");
}

#[test]
fn an_enclave_that_dies_is_started_again_and_stop_ends_everything() {
    let bench = Bench::new();
    assert_eq!(bench.status().0, Some(1));
    let mut supervisor = bench.start(&[]);
    let (code, view) = bench.status();
    assert_eq!((code, &view["phase"]), (Some(0), &"running".into()), "{view}");
    assert_eq!((&view["restarts"], &view["cid"]), (&0.into(), &16.into()));
    assert_eq!(view["health"]["kernel_ms"], 321, "{view}");
    let measured = eif::read(&fs::read(bench.path("probity.eif")).expect("read")).expect("sound");
    assert_eq!(view["image"]["pcr0"], crypto::to_hex(&measured.measurements().pcr0));
    let text = bench.run("status", &[]);
    assert!(String::from_utf8_lossy(&text.stdout).contains("times       kernel 321 ms"));

    let first = [bench.pid("qemu"), bench.pid("nsm-device"), bench.pid("vsock-device")];
    kill(first[0]);
    wait("the restart", || bench.status().1["restarts"] == 1 && bench.status().0 == Some(0));
    let second = [bench.pid("qemu"), bench.pid("nsm-device"), bench.pid("vsock-device")];
    assert!(first.iter().zip(&second).all(|(old, new)| old != new), "{first:?} {second:?}");
    let (_, view) = bench.status();
    assert!(view["last_end"].as_str().expect("a text").contains("qemu was ended by SIGKILL"));
    // A device that dies takes the machine with it.
    kill(second[2]);
    wait("the second restart", || bench.status().1["restarts"] == 2 && bench.status().0 == Some(0));

    let again = bench.start_command(&[]).output().expect("it runs");
    assert_eq!(again.status.code(), Some(2));
    assert!(errors(&again).contains("another `probity enclave run`"), "{}", errors(&again));
    let stopped = bench.run("stop", &[]);
    assert_eq!(stopped.status.code(), Some(0), "{}", errors(&stopped));
    assert_eq!(supervisor.child.wait().expect("gone").code(), Some(0), "{}", bench.log());
    assert_eq!(bench.living(), 0);
    assert_eq!((bench.status().0, &bench.status().1["phase"]), (Some(1), &"stopped".into()));
    assert!(!bench.path("s/vsock").exists() && !bench.path("s/vsock_9000").exists());
    let log = bench.log();
    for wanted in ["measured probity.eif", "  PCR0 ", "started nsm-device", "heartbeat after"] {
        assert!(log.contains(wanted), "{wanted}: {log}");
    }
    assert!(
        log.contains("starting again in 1 s") && log.contains("starting again in 2 s"),
        "{log}"
    );
}

#[test]
fn children_die_with_a_killed_supervisor_and_what_is_left_is_cleaned_up() {
    let bench = Bench::new();
    let supervisor = bench.start(&[]);
    let pids = [bench.pid("qemu"), bench.pid("nsm-device"), bench.pid("vsock-device")];
    supervisor.kill();
    let gone = |pid: &u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.is_empty() || stat.contains(") Z ")
    };
    wait("the children to die with their parent", || pids.iter().all(gone));
    // The process that the device had left behind lives on.
    assert!(bench.living() > 0);
    let (code, view) = bench.status();
    assert_eq!((code, &view["phase"]), (Some(1), &"left-over".into()));

    let supervisor = bench.start(&[]);
    assert!(bench.log().contains("cleaned up after a supervisor that was killed"));
    let (code, view) = bench.status();
    assert_eq!((code, &view["restarts"]), (Some(0), &0.into()));
    supervisor.kill();
    let stopped = bench.run("stop", &[]);
    assert_eq!(stopped.status.code(), Some(0), "{}", errors(&stopped));
    assert_eq!(bench.living(), 0);
    assert_eq!(bench.run("stop", &[]).status.code(), Some(0), "stopping twice is fine");
}

#[test]
fn an_enclave_that_never_comes_up_is_told_and_not_tried_again() {
    let bench = Bench::new();
    bench.play("silent");
    let output = bench.start_command(&["--heartbeat-wait", "1s"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    let text = errors(&output);
    assert!(
        text.contains("no heartbeat in 1 s") && text.contains("do: it never came up"),
        "{text}"
    );
    assert!(output.stdout.is_empty());
    bench.play("refuses");
    let output = bench.start_command(&[]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    let text = errors(&output);
    assert!(text.contains("qemu ended with exit code 1: "), "{text}");
    assert!(text.contains("qemu-system-x86_64: no such machine"), "{text}");
    bench.script("nsm", "echo 'cannot read the image' >&2; exit 3");
    let output = bench.start_command(&[]).output().expect("it runs");
    let text = errors(&output);
    assert!(text.contains("nsm-device ended with exit code 3: cannot read the image"), "{text}");
    let output = bench.start_command(&["--qemu", "/no/such/qemu"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(bench.living(), 0);
    assert_eq!(bench.status().0, Some(1));
}

#[test]
fn an_image_of_another_release_is_refused_before_anything_starts() {
    let bench = Bench::new();
    let list = |name: &str, image: &str| {
        let digest = "1".repeat(64);
        let mut command = Command::new(binary("probity"));
        command.args(["eif", "measurements", image, "--version", "0.1.0"]);
        command.args(["--sources-sha256", &digest, "--inputs-sha256", &digest]);
        let output = command.current_dir(bench.folder.path()).output().expect("it runs");
        assert!(output.status.success(), "{}", errors(&output));
        fs::write(bench.path(name), output.stdout).expect("written");
    };
    list("ours.json", "probity.eif");
    list("other.json", "debug.eif");
    let output = bench.start_command(&["--expect", "other.json"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    let text = errors(&output);
    assert!(text.contains("PCR0: expected") && text.contains("(0.1.0 debug), found"), "{text}");
    assert!(!bench.path("nsm.calls").exists(), "nothing was started");
    let mut supervisor = bench.start(&["--expect", "ours.json"]);
    assert_eq!(bench.status().1["image"]["release"], "0.1.0");
    bench.run("stop", &[]);
    assert_eq!(supervisor.child.wait().expect("gone").code(), Some(0));
}

#[test]
fn only_a_debug_image_has_a_console_and_then_attests_zeros() {
    let bench = Bench::new();
    let output = bench.start_command(&["--debug-console"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(errors(&output).contains("expected console=…"), "{}", errors(&output));
    let release = bench.start(&[]);
    let output = bench.run("console", &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(errors(&output).contains("a release image prints nothing"), "{}", errors(&output));
    bench.run("stop", &[]);
    drop(release);
    let calls = || fs::read_to_string(bench.path("nsm.calls")).expect("calls");
    assert!(!calls().contains("--debug-mode"));
    let debug = bench.start(&["--eif", "debug.eif", "--debug-console"]);
    assert!(calls().contains("--debug-mode"), "{}", calls());
    let console = bench.command("console", &[]).stdout(Stdio::piped()).spawn().expect("it runs");
    bench.run("stop", &[]);
    drop(debug);
    let output = console.wait_with_output().expect("it ends with the enclave");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "Linux version 6.12\n");
}

#[test]
fn the_runner_on_ec2_says_what_it_misses() {
    let bench = Bench::new();
    let output = bench.run("run", &["--eif", "probity.eif"]);
    if Path::new("/dev/nitro_enclaves").exists() {
        return;
    }
    assert_eq!(output.status.code(), Some(2));
    let text = errors(&output);
    assert!(text.contains("expected /dev/nitro_enclaves") && text.contains("EC2"), "{text}");
    let output = bench.run("run", &["--eif", "probity.eif", "--cid", "2"]);
    assert_eq!(output.status.code(), Some(2), "misuse");
}
