//! One machine, started by hand: devices, QEMU, heartbeat, command link.

use super::{Slot, Tools, read};
use crate::stack::{binary, wait};
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use wire::{Report, body_length, frame};

/// Memory of the guest, in MiB: the default of the image.
const MEMORY_MIB: u32 = 512;
/// The first words of a live guest, as AWS's init says them.
const HEARTBEAT: u8 = 0xb7;
/// How the bridge is asked for the command link.
const GREETING: &[u8] = b"CONNECT 5000\n";
/// How long a report may take under software emulation.
const REPORT_MAX: Duration = Duration::from_secs(120);

/// A guest with its devices. Everything is killed, then removed, when it is dropped.
#[derive(Debug)]
pub struct Machine {
    qemu: Running,
    _devices: [Running; 2],
    folder: TempDir,
    heartbeat: UnixListener,
    started: Instant,
    _slot: Slot,
}

/// A process that is killed when it is dropped.
#[derive(Debug)]
struct Running(Child);

/// A command link to a guest.
#[derive(Debug)]
pub struct Link {
    stream: UnixStream,
}

impl Machine {
    /// Starts an image; `device` are further arguments of the NSM device. With a serial port the
    /// guest's console is written to a file.
    pub fn start(tools: &Tools, eif: &Path, device: &[&str], serial: bool) -> Self {
        let slot = Slot::take();
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        let image = read(eif);
        std::fs::write(at("kernel"), &image.kernel).expect("written");
        std::fs::write(at("initrd"), image.ramdisks.concat()).expect("written");
        let heartbeat = UnixListener::bind(at("vsock_9000")).expect("a socket");
        heartbeat.set_nonblocking(true).expect("a listener that can be asked");
        let mut nsm = Command::new(&tools.nsm_device);
        nsm.arg("--socket").arg(at("vhost-nsm.sock")).arg("--eif").arg(eif);
        nsm.arg("--log").arg(at("nsm.log")).args(device);
        let mut vsock = Command::new(&tools.vsock_device);
        let paths = (at("vsock"), at("vhost-vsock.sock"));
        vsock.arg("--guest-cid=16").arg(joined("--uds-path=", &paths.0));
        vsock.arg(joined("--socket=", &paths.1));
        let quiet = |command: &mut Command| {
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            Running(command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}")))
        };
        let devices = [quiet(&mut nsm), quiet(&mut vsock)];
        let listen = || at("vhost-nsm.sock").exists() && at("vhost-vsock.sock").exists();
        wait("the devices", listen);
        // Made first: it may have to build the binary that knows it.
        let mut line = qemu(tools, folder.path(), &image.cmdline, serial);
        let started = Instant::now();
        let qemu = quiet(&mut line);
        Self { folder, heartbeat, qemu, _devices: devices, started, _slot: slot }
    }

    /// Waits for the guest's first sign of life and answers it, as `nitro-cli` does; the time since
    /// the start, or `None` when the guest ended or stayed silent.
    pub fn alive(&mut self, most: Duration) -> Option<Duration> {
        while self.started.elapsed() < most && !self.has_ended() {
            let Ok((mut stream, _)) = self.heartbeat.accept() else {
                std::thread::sleep(Duration::from_millis(5));
                continue;
            };
            let mut byte = [0];
            let said = stream.set_nonblocking(false).and_then(|()| stream.read_exact(&mut byte));
            if said.is_ok() && byte == [HEARTBEAT] && stream.write_all(&byte).is_ok() {
                return Some(self.started.elapsed());
            }
        }
        None
    }

    /// Whether QEMU is gone.
    pub fn has_ended(&mut self) -> bool {
        self.qemu.0.try_wait().expect("our own child").is_some()
    }

    /// A new command link, once the guest listens.
    pub fn link(&self) -> Link {
        let mut link = None;
        wait("the command link", || {
            link = Link::open(&self.path("vsock"));
            link.is_some()
        });
        link.expect("because it was waited for")
    }

    /// What `probity serve --enclave` takes.
    pub fn address(&self) -> String {
        format!("hybrid:{}:5000", self.path("vsock").display())
    }

    /// What was asked of the NSM: operation and outcome, in order.
    pub fn asked(&self) -> Vec<(String, String)> {
        let text = std::fs::read_to_string(self.path("nsm.log")).unwrap_or_default();
        let words = |line: &str| {
            let mut words = line.split(' ').skip(1).map(str::to_owned);
            (words.next().unwrap_or_default(), words.next().unwrap_or_default())
        };
        text.lines().map(words).collect()
    }

    /// What came out of the serial port.
    pub fn console(&self) -> String {
        let bytes = std::fs::read(self.path("console")).expect("a machine with a serial port");
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Already dead is dead enough.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Link {
    /// A link to an address that `probity enclave run` printed.
    pub fn at(address: &str) -> Option<Self> {
        let path = address.strip_prefix("hybrid:")?.strip_suffix(":5000")?;
        Self::open(Path::new(path))
    }

    /// Asks for a link, and hangs up after a time without having taken the answer.
    pub fn hang_up(address: &str, after: Duration) {
        let path = address.strip_prefix("hybrid:").and_then(|rest| rest.strip_suffix(":5000"));
        let mut stream = UnixStream::connect(path.expect("a hybrid address")).expect("a socket");
        stream.write_all(GREETING).expect("the bridge reads");
        std::thread::sleep(after);
    }

    fn open(path: &Path) -> Option<Self> {
        let mut stream = UnixStream::connect(path).ok()?;
        stream.set_read_timeout(Some(REPORT_MAX)).ok()?;
        stream.write_all(GREETING).ok()?;
        // `OK` and a port in one line, or the connection is closed: nobody listens yet.
        let mut byte = [0];
        let mut line = Vec::new();
        while byte != *b"\n" {
            stream.read_exact(&mut byte).ok()?;
            line.extend(byte);
        }
        line.starts_with(b"OK ").then_some(Self { stream })
    }

    /// Sends a command.
    pub fn say(&mut self, command: &wire::Command) {
        let bytes = frame(&command.to_bytes()).expect("a small frame");
        self.stream.write_all(&bytes).expect("the enclave reads");
    }

    /// Sends a command and takes the next report that is an answer, past entries and quotes.
    pub fn ask(&mut self, command: &wire::Command) -> Report {
        self.say(command);
        loop {
            match self.report() {
                Report::Entry(_) | Report::Quote(_) | Report::Event(_) => {}
                report => return report,
            }
        }
    }

    fn report(&mut self) -> Report {
        let mut head = [0; wire::LENGTH_BYTES];
        self.stream.read_exact(&mut head).expect("the enclave answers");
        let mut body = vec![0; body_length(head).expect("a sound length")];
        self.stream.read_exact(&mut body).expect("the whole frame");
        Report::parse(&body).expect("a sound report")
    }
}

/// QEMU as `probity enclave run` starts it, with a serial port when asked.
fn qemu(tools: &Tools, folder: &Path, cmdline: &str, serial: bool) -> Command {
    let mut line = Command::new(binary("probity"));
    line.args(["enclave", "machine", "--cpus", "1", "--memory", &MEMORY_MIB.to_string()]);
    line.args(["--cmdline", cmdline]).arg("--folder").arg(folder);
    if serial {
        line.arg("--console").arg(folder.join("console"));
    }
    let line = line.output().expect("our binary runs");
    assert!(line.status.success(), "{}", String::from_utf8_lossy(&line.stderr));
    let mut command = Command::new(&tools.qemu);
    command.args(String::from_utf8(line.stdout).expect("UTF-8").lines());
    command
}

fn joined(option: &str, path: &Path) -> std::ffi::OsString {
    let mut word = std::ffi::OsString::from(option);
    word.push(path);
    word
}
