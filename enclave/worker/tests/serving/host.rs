//! What stands around a worker in these tests: a device at the other end of its quote link, told
//! how to answer, and a host on its socket. The worker is the real program in a process of its own.

use attestation_fixtures::proofs::{BODY, RuleWorld, key};
use facts::Millis;
use rules::Freshness;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command as Process, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tpmlink::{Quoted, Reply, Request};
use wire::{Command, Report};

/// How long a test waits for what must come.
pub const WAIT: Duration = Duration::from_secs(30);

/// How the device answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// As it should.
    Answer,
    /// Refuses every boot configuration.
    RefuseBoot,
    /// Refuses every quote.
    RefuseQuotes,
    /// Answers nothing, and everything that it was asked once the mode changes.
    Hang,
    /// Answers a quote with a confirmation.
    Confuse,
    /// Gives one byte of entropy less.
    Short,
}

/// A device's end of a quote link.
pub struct Device {
    mode: Arc<Mutex<Mode>>,
    /// Everything that it was asked.
    pub asked: Arc<Mutex<Vec<Request>>>,
    stream: UnixStream,
}

/// What the device answers in place of a quote: the qualifying data, where a TPM would sign it.
pub fn quoted(qualifying: [u8; 32]) -> Quoted {
    Quoted {
        attest: qualifying.to_vec(),
        signature: vec![2; 72],
        ak_public: vec![3; 90],
        pcrs: [(0, vec![4; 32]), (14, vec![5; 32])].into(),
        certificates: vec![vec![6; 800]],
        runtime_log: vec![7; 300],
    }
}

fn answer(request: &Request, mode: Mode) -> Reply {
    let id = request.id();
    let refused = |reason: &str| Reply::Refused { id, reason: reason.into() };
    match (request, mode) {
        (Request::Confirm { .. }, Mode::RefuseBoot) => refused("another boot was measured"),
        (Request::Quote { .. }, Mode::RefuseQuotes) => refused("TPM_RC_LOCKOUT\u{1b}[2J"),
        (Request::Quote { .. }, Mode::Confuse) | (Request::Confirm { .. }, _) => {
            Reply::Confirmed { id }
        }
        (Request::Quote { qualifying, .. }, _) => Reply::Quote { id, quoted: quoted(*qualifying) },
        (Request::Random { bytes, .. }, mode) => {
            let short = usize::from(mode == Mode::Short);
            Reply::Random { id, bytes: vec![9; *bytes - short].into() }
        }
    }
}

impl Device {
    fn start(stream: UnixStream, mode: Mode) -> Self {
        let own = Self {
            mode: Arc::new(Mutex::new(mode)),
            asked: Arc::default(),
            stream: stream.try_clone().expect("handle"),
        };
        let (mode, asked) = (own.mode.clone(), own.asked.clone());
        std::thread::spawn(move || {
            let mut stream = stream;
            while let Some(request) = read(&mut stream) {
                asked.lock().expect("one at a time").push(request.clone());
                loop {
                    let now = *mode.lock().expect("one at a time");
                    if now != Mode::Hang {
                        let frame = tpmlink::frame(&answer(&request, now).to_bytes());
                        let _ = stream.write_all(&frame.expect("small"));
                        break;
                    }
                    std::thread::sleep(Duration::from_millis(2));
                }
            }
        });
        own
    }

    /// From now on it answers so.
    pub fn set(&self, mode: Mode) {
        *self.mode.lock().expect("one at a time") = mode;
    }

    /// Sends bytes that nobody asked for.
    pub fn send(&self, bytes: &[u8]) {
        (&self.stream).write_all(bytes).expect("sent");
    }

    /// Closes the link.
    pub fn close(&self) {
        self.stream.shutdown(std::net::Shutdown::Both).expect("closed");
    }
}

fn read(stream: &mut UnixStream) -> Option<Request> {
    let mut head = [0; tpmlink::LENGTH_BYTES];
    stream.read_exact(&mut head).ok()?;
    let mut body = vec![0; tpmlink::body_length(head).expect("a sound length")];
    stream.read_exact(&mut body).ok()?;
    Some(Request::parse(&body).expect("a sound request"))
}

/// A socket that outlives the workers on it.
pub struct Host {
    folder: tempfile::TempDir,
    listener: UnixListener,
}

impl Host {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let listener = UnixListener::bind(folder.path().join("worker.sock")).expect("bound");
        Self { folder, listener }
    }

    /// A file of this test.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A worker on the socket, and its device.
    pub fn start(&self, arguments: &[&str], mode: Mode) -> (Worker, Device) {
        self.start_as(&program(), arguments, mode, None)
    }

    /// The same from another file, as another user.
    pub fn start_as(
        &self,
        program: &Path,
        arguments: &[&str],
        mode: Mode,
        user: Option<u32>,
    ) -> (Worker, Device) {
        let (ours, theirs) = UnixStream::pair().expect("socket pair");
        let listener = OwnedFd::from(self.listener.try_clone().expect("handle"));
        let mut command = Process::new(program);
        command
            .args(arguments)
            .stdin(listener)
            .stdout(OwnedFd::from(theirs))
            .stderr(Stdio::piped());
        if let Some(user) = user {
            command.uid(user).gid(user);
        }
        (Worker::new(command.spawn().expect("it starts")), Device::start(ours, mode))
    }

    /// A connection to whatever worker serves.
    pub fn connect(&self) -> Link {
        let stream = UnixStream::connect(self.path("worker.sock")).expect("connected");
        stream.set_read_timeout(Some(WAIT)).expect("timeout");
        Link(stream)
    }
}

/// The program under test.
pub fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_probity-worker"))
}

/// A worker's process and what it said.
pub struct Worker {
    child: Child,
    said: Arc<Mutex<Vec<String>>>,
}

impl Worker {
    fn new(mut child: Child) -> Self {
        let said: Arc<Mutex<Vec<String>>> = Arc::default();
        if let Some(stderr) = child.stderr.take() {
            let said = said.clone();
            std::thread::spawn(move || {
                for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                    said.lock().expect("one at a time").push(line);
                }
            });
        }
        Self { child, said }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn kill(&mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("ended");
    }

    /// Everything that it said so far.
    pub fn said(&self) -> Vec<String> {
        self.said.lock().expect("one at a time").clone()
    }

    /// Waits for a line with `words` in it.
    pub fn hear(&self, words: &str) -> String {
        let begun = Instant::now();
        loop {
            if let Some(line) = self.said().iter().find(|line| line.contains(words)) {
                return line.clone();
            }
            assert!(begun.elapsed() < WAIT, "{words:?} was not said: {:#?}", self.said());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Waits for the end of the process.
    pub fn end(&mut self) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("status") {
                return status;
            }
            assert!(begun.elapsed() < WAIT, "it did not end: {:#?}", self.said());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    pub fn lives(&mut self) -> bool {
        self.child.try_wait().expect("status").is_none()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A host's connection to a worker.
pub struct Link(UnixStream);

impl Link {
    pub fn send(&mut self, command: &Command) {
        let frame = wire::frame(&command.to_bytes()).expect("small frame");
        self.0.write_all(&frame).expect("the worker reads");
    }

    pub fn report(&mut self) -> Option<Report> {
        let mut head = [0; wire::LENGTH_BYTES];
        self.0.read_exact(&mut head).ok()?;
        let mut body = vec![0; wire::body_length(head).expect("sound length")];
        self.0.read_exact(&mut body).ok()?;
        Some(Report::parse(&body).expect("sound report"))
    }

    pub fn ask(&mut self, command: &Command) -> Report {
        self.send(command);
        self.report().expect("an answer")
    }

    pub fn boot(&mut self, world: &RuleWorld) -> Report {
        let config = world.config.to_bytes();
        self.ask(&Command::Boot { id: 1, config, previous: None })
    }

    pub fn load(&mut self, world: &RuleWorld) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis();
        let now = u64::try_from(now).expect("64 bits");
        let freshness = Freshness {
            bundle: world.bundle.hash(),
            version: world.bundle.version,
            issued_at: Millis(now - 1_000),
            expires_at: Millis(now + 86_400_000),
        };
        let freshness = rules::sign_freshness(&freshness, &[key(4)]);
        let bundle = world.signed_bundle.clone();
        let loaded = self.ask(&Command::LoadRules { id: 2, bundle, freshness });
        assert!(matches!(loaded, Report::RulesLoaded { id: 2, .. }), "{loaded:?}");
    }

    pub fn evaluate(&mut self, id: u64) {
        self.send(&Command::Evaluate { id, client_ref: vec![], body: BODY.to_vec() });
    }
}
