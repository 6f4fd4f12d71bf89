//! Runs this program again, isolated and confined as the worker is, once a case: what serving needs
//! must pass, what Landlock closes must be refused, and every other call must end the process by
//! SIGSYS. Where it is root, all of it a second time as a user. It has a `main` of its own, because
//! a test harness would be confined with the case.

use nix::libc;
use nix::sys::prctl;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, IsTerminal, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use wire::Confinement;

/// The child's exit code when a refused call was answered at all.
const WAS_ANSWERED: u8 = 42;
/// Longest that a case may take.
const CASE_WAIT: Duration = Duration::from_secs(60);
/// The case that is not confined.
const LOCKED: &str = "locked memory";
/// The user of the second run.
const USER: u32 = 61_234;

type Case = (&'static str, fn());

/// What the worker does while it serves.
const ALLOWED: &[Case] = &[
    ("threads", threads),
    ("memory", memory),
    ("sockets that are open", sockets),
    ("accepting a connection", accepting),
    ("kernel entropy", entropy),
    ("time", time),
    ("standard error", || worker::say("a line")),
    ("files are closed by Landlock", files),
];

/// What nothing in it ever has to do.
const REFUSED: &[Case] = &[
    ("starting a program", || drop(Command::new("/bin/true").spawn())),
    ("becoming a program", || drop(Command::new("/bin/true").exec())),
    ("an IPv4 connection", || drop(TcpStream::connect("127.0.0.1:9"))),
    ("an IPv4 listener", || drop(TcpListener::bind("127.0.0.1:0"))),
    ("an IPv6 connection", || drop(TcpStream::connect("[::1]:9"))),
    ("a datagram socket", || drop(UdpSocket::bind("127.0.0.1:0"))),
    ("a Unix connection", || drop(UnixStream::connect("/run/none"))),
    ("a Unix listener", || drop(UnixListener::bind("/tmp/probity-refused"))),
    ("a Unix datagram socket", || drop(UnixDatagram::unbound())),
    ("opening for writing", || drop(OpenOptions::new().write(true).open("/dev/null"))),
    ("opening for both", || drop(OpenOptions::new().read(true).write(true).open("/dev/null"))),
    ("making a file", || drop(File::create("/tmp/probity-refused"))),
    ("removing a file", || drop(std::fs::remove_file("/tmp/probity-refused"))),
    ("looking at a file", || drop(std::fs::metadata("/etc/passwd"))),
    ("reading a link", || drop(std::fs::read_link("/proc/self/exe"))),
    ("mounting", || {
        let flags = nix::mount::MsFlags::MS_RDONLY;
        let _ = nix::mount::mount(None::<&str>, "/", None::<&str>, flags, None::<&str>);
    }),
    ("another namespace", || {
        let _ = nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWUSER);
    }),
    ("unlocking memory", || {
        let _ = nix::sys::mman::munlockall();
    }),
    ("being traced", || {
        let _ = nix::sys::ptrace::traceme();
    }),
    ("a device request", || {
        let _ = std::io::stdin().is_terminal();
    }),
    ("a socket request", || drop(PAIR.get().map(|pair| pair.0.set_nonblocking(true)))),
    ("a socket option", || {
        drop(PAIR.get().map(|pair| pair.0.set_read_timeout(Some(CASE_WAIT))));
    }),
    ("being dumped", || {
        let _ = prctl::set_dumpable(true);
    }),
    ("a signal to another process", || {
        let _ = nix::sys::signal::kill(nix::unistd::getppid(), None);
    }),
    ("becoming another user", || {
        let _ = nix::unistd::setuid(nix::unistd::Uid::from_raw(0));
    }),
    ("raising a limit", || {
        let core = nix::sys::resource::Resource::RLIMIT_CORE;
        let _ = nix::sys::resource::setrlimit(core, 1, 1);
    }),
];

/// Under what locks memory the allocator works as ever. Only root may lock without a limit, so this
/// runs in a process that stays root; [`worker::confine`] locks where the limit is lifted.
fn locked() -> ExitCode {
    worker::lock_pages().expect("root locks");
    for _ in 0..3 {
        threads();
        allocating();
    }
    ExitCode::SUCCESS
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().collect();
    let after = |name: &str| words.iter().skip_while(|word| *word != name).nth(1);
    match (after("--case"), after("--outside")) {
        (Some(name), None) if name == LOCKED => locked(),
        (Some(name), Some(outside)) => confined(name, outside),
        (Some(name), None) => {
            let arguments = ["--case".to_owned(), name.clone()];
            worker::say(&worker::isolate(None, &arguments).to_string());
            ExitCode::FAILURE
        }
        _ => parent(),
    }
}

fn parent() -> ExitCode {
    let mut bad = Vec::new();
    let root = nix::unistd::geteuid().is_root();
    let folder = tempfile::tempdir().expect("folder");
    let own = folder.path().join("confined");
    // Where every user can execute it.
    std::fs::copy(std::env::current_exe().expect("own path"), &own).expect("a copy");
    let all = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder.path(), all.clone()).expect("permissions");
    std::fs::set_permissions(&own, all).expect("permissions");
    let users: &[Option<u32>] = if root { &[None, Some(USER)] } else { &[None] };
    for user in users {
        for (name, _) in ALLOWED.iter().chain(REFUSED) {
            let refused = REFUSED.iter().any(|case| case.0 == *name);
            if let Err(problem) = judge(&own, name, refused, *user) {
                bad.push(format!("{name}, as {user:?}: {problem}"));
            }
        }
    }
    if root && let Err(problem) = judge(&own, LOCKED, false, None) {
        bad.push(format!("{LOCKED}: {problem}"));
    }
    let (allowed, refused) = (ALLOWED.len(), REFUSED.len());
    println!("confined: {allowed} allowed, {refused} refused, root: {root}");
    for problem in &bad {
        println!("FAILED {problem}");
    }
    ExitCode::from(u8::from(!bad.is_empty()))
}

fn judge(own: &Path, name: &str, refused: bool, user: Option<u32>) -> Result<(), String> {
    let mut command = Command::new(own);
    command.args(["--case", name]).stdin(Stdio::null()).stderr(Stdio::piped());
    if let Some(user) = user {
        command.uid(user).gid(user);
    }
    let mut child = command.spawn().map_err(|e| e.to_string())?;
    let begun = Instant::now();
    let status = loop {
        match child.try_wait().map_err(|e| e.to_string())? {
            Some(status) => break status,
            None if begun.elapsed() > CASE_WAIT => {
                let _ = child.kill();
                return Err("it did not end".into());
            }
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    };
    let mut said = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut said).map_err(|e| e.to_string())?;
    match (refused, status.signal(), status.code()) {
        (true, Some(libc::SIGSYS), _) if !status.core_dumped() => Ok(()),
        (false, None, Some(0)) => Ok(()),
        _ => Err(format!("{status} (a refused call ends by signal {})\n{said}", libc::SIGSYS)),
    }
}

/// Opened before the confinement, as the worker's sockets are.
static PAIR: OnceLock<(UnixStream, UnixStream)> = OnceLock::new();
static LISTENER: OnceLock<(UnixListener, UnixStream)> = OnceLock::new();
static HELD: OnceLock<worker::Held> = OnceLock::new();

fn confined(name: &str, outside: &str) -> ExitCode {
    PAIR.set(UnixStream::pair().expect("socket pair")).expect("once");
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("socket");
    let listener = UnixListener::bind(&path).expect("bound");
    let connected = UnixStream::connect(&path).expect("connected");
    drop(folder);
    LISTENER.set((listener, connected)).expect("once");
    init::begin();
    let held = worker::confine(outside).expect("confined");
    init::serving(held.memory_limit_bytes, &held.confinement);
    for must in [
        Confinement::NoCoreDumps,
        Confinement::MemoryLimit,
        Confinement::NotRoot,
        Confinement::NoNewPrivileges,
        Confinement::SyscallFilter,
    ] {
        assert!(held.confinement.contains(&must), "{held:?}");
    }
    assert!(held.confinement.is_sorted_by(|by, next| (*by as u64) < *next as u64), "{held:?}");
    let health = init::health();
    assert_eq!(health.confinement, held.confinement);
    assert!(health.kernel_ms > 0 && health.serving_ms >= health.kernel_ms && !health.pid1);
    HELD.set(held).expect("once");
    let case = ALLOWED.iter().chain(REFUSED).find(|case| case.0 == name).expect("a known case");
    (case.1)();
    // Only a call that should have been refused comes this far with a case of REFUSED.
    let refused = REFUSED.iter().any(|case| case.0 == name);
    ExitCode::from(if refused { WAS_ANSWERED } else { 0 })
}

fn threads() {
    let (give, take) = std::sync::mpsc::sync_channel(4);
    let threads: Vec<_> = (0..160_u64)
        .map(|n| {
            let give = give.clone();
            std::thread::spawn(move || give.send(n))
        })
        .collect();
    let sum: u64 =
        (0..160).map(|_| take.recv_timeout(Duration::from_secs(20)).expect("a word")).sum();
    assert_eq!(sum, 12_720);
    for thread in threads {
        thread.join().expect("thread").expect("sent");
    }
}

fn memory() {
    allocating();
    // One byte more than the limit; the machine itself has it.
    let limit = usize::try_from(init::health().memory_limit_bytes).expect("64 bits");
    assert!(Vec::<u8>::new().try_reserve_exact(limit.saturating_add(1)).is_err());
}

fn allocating() {
    for size in [1_usize << 12, 1 << 20, 64 << 20] {
        let mut bytes = vec![7_u8; size];
        bytes.extend(std::iter::repeat_n(8, size));
        assert_eq!((bytes[size - 1], bytes[size]), (7, 8));
    }
    // A thread has an arena of its own, whose memory is given back and taken again.
    for _ in 0..4 {
        let grown = std::thread::spawn(|| (0..10_000).map(|n| vec![n; 100]).collect::<Vec<_>>());
        assert_eq!(grown.join().expect("thread").len(), 10_000);
        assert!(vec![0_u8; 1 << 20].iter().all(|byte| *byte == 0));
    }
}

fn sockets() {
    let (a, b) = PAIR.get().expect("pair");
    let (mut out, mut back) = (a.try_clone().expect("handle"), b.try_clone().expect("handle"));
    let writer = std::thread::spawn(move || out.write_all(&[5; 300_000]).expect("written"));
    let mut bytes = vec![0; 300_000];
    back.read_exact(&mut bytes).expect("read");
    writer.join().expect("thread");
    assert!(bytes.iter().all(|byte| *byte == 5));
    a.shutdown(std::net::Shutdown::Both).expect("closed");
    assert_eq!(back.read(&mut bytes).expect("the end"), 0);
}

fn accepting() {
    let (listener, connected) = LISTENER.get().expect("listener");
    let (mut served, _) = listener.accept().expect("a connection");
    served.write_all(b"served").expect("written");
    let mut bytes = [0; 6];
    let mut connected = connected;
    connected.read_exact(&mut bytes).expect("read");
    assert_eq!(&bytes, b"served");
}

fn entropy() {
    let mut bytes = [0; 64];
    File::open("/dev/random").and_then(|mut file| file.read_exact(&mut bytes)).expect("entropy");
    assert_ne!(bytes, [0; 64]);
    let table: std::collections::HashMap<u8, u8> = [(1, 2)].into();
    assert_eq!(table[&1], 2);
}

fn time() {
    let begun = Instant::now();
    std::thread::sleep(Duration::from_millis(20));
    assert!(begun.elapsed() >= Duration::from_millis(20));
    assert!(std::time::SystemTime::now() > std::time::UNIX_EPOCH);
}

fn files() {
    let held = HELD.get().expect("held");
    if !held.confinement.contains(&Confinement::Landlock) {
        println!("this kernel has no Landlock: not tried");
        return;
    }
    for path in ["/etc/passwd", "/proc/self/status", "/proc/self/maps", "/dev/zero", "/", "/etc"] {
        let refused = File::open(path).map_err(|problem| problem.kind());
        assert_eq!(refused.err(), Some(ErrorKind::PermissionDenied), "{path}");
    }
}
