//! Runs this program again, confined, once a case: what serving needs must pass, and everything
//! else must end the process by SIGSYS. It has a `main` of its own, because a test harness would
//! be confined with the case.

use nix::libc;
use std::fs::{File, OpenOptions};
use std::io::{IsTerminal, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use wire::Confinement;

/// The child's exit code when a refused call was answered at all.
const WAS_ANSWERED: u8 = 42;
/// Longest that a case may take.
const CASE_WAIT: Duration = Duration::from_secs(60);

type Case = (&'static str, fn());

/// What the enclave does while it serves.
const ALLOWED: &[Case] = &[
    ("threads", threads),
    ("memory", memory),
    ("sockets that are open", sockets),
    ("kernel entropy", entropy),
    ("time", time),
    ("health", health),
    ("reading a file", reading),
];

/// What nothing in it ever has to do.
const REFUSED: &[Case] = &[
    ("starting a program", || drop(Command::new("/bin/true").spawn())),
    ("an IPv4 connection", || drop(TcpStream::connect("127.0.0.1:9"))),
    ("an IPv4 listener", || drop(TcpListener::bind("127.0.0.1:0"))),
    ("an IPv6 connection", || drop(TcpStream::connect("[::1]:9"))),
    ("a datagram socket", || drop(UdpSocket::bind("127.0.0.1:0"))),
    ("a Unix connection", || drop(UnixStream::connect("/run/none"))),
    ("a Unix listener", || drop(UnixListener::bind("/tmp/probity-refused"))),
    ("a Unix datagram socket", || drop(UnixDatagram::unbound())),
    ("another vsock connection", || drop(vsock::VsockStream::connect_with_cid_port(2, 9))),
    ("another vsock listener", || drop(vsock::VsockListener::bind_with_cid_port(1, 9))),
    ("opening for writing", || drop(OpenOptions::new().write(true).open("/dev/null"))),
    ("opening for both", || drop(OpenOptions::new().read(true).write(true).open("/dev/null"))),
    ("opening for appending", || drop(OpenOptions::new().append(true).open("/dev/null"))),
    ("making a file", || drop(File::create("/tmp/probity-refused"))),
    ("removing a file", || drop(std::fs::remove_file("/tmp/probity-refused"))),
    ("making a folder", || drop(std::fs::create_dir("/tmp/probity-refused"))),
    ("renaming", || drop(std::fs::rename("/tmp/probity-a", "/tmp/probity-b"))),
    ("listing a folder", || drop(std::fs::read_dir("/").map(Iterator::count))),
    ("changing folder", || drop(std::env::set_current_dir("/"))),
    ("mounting", || {
        let flags = nix::mount::MsFlags::MS_RDONLY;
        let _ = nix::mount::mount(None::<&str>, "/", None::<&str>, flags, None::<&str>);
    }),
    ("being traced", || {
        let _ = nix::sys::ptrace::traceme();
    }),
    ("another device request", || {
        let _ = std::io::stdin().is_terminal();
    }),
    ("another socket request", || drop(PAIR.get().map(|pair| pair.0.set_nonblocking(true)))),
    ("changing a descriptor", || {
        let _ = nix::fcntl::fcntl(std::io::stdin(), nix::fcntl::FcntlArg::F_GETFL);
    }),
    ("being dumped", || {
        let _ = nix::sys::prctl::set_dumpable(true);
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
    ("changing the clock", || {
        let clock = nix::time::ClockId::CLOCK_REALTIME;
        let _ = nix::time::clock_settime(clock, nix::sys::time::TimeSpec::new(1, 0));
    }),
];

/// What the limit of memory ends: by the process's own abort, not by the kernel's choice.
const ABORTED: &[Case] = &[("one allocation past the limit", large), ("many allocations", many)];
/// The limit of those cases, in bytes: one that stands already stays. Small, so that the machine
/// has more.
const LIMIT_BYTES: u64 = 192 << 20;

/// How a case has to end.
#[derive(Clone, Copy)]
enum Wanted {
    Success,
    Signal(i32),
}

/// All cases, with their ends.
fn cases() -> impl Iterator<Item = (&'static Case, Wanted)> {
    let each = |cases: &'static [Case], wanted| cases.iter().map(move |case| (case, wanted));
    each(ALLOWED, Wanted::Success)
        .chain(each(REFUSED, Wanted::Signal(libc::SIGSYS)))
        .chain(each(ABORTED, Wanted::Signal(libc::SIGABRT)))
}

fn main() -> ExitCode {
    match std::env::args().skip_while(|word| word != "--confined").nth(1) {
        Some(name) => child(&name),
        None => parent(),
    }
}

fn parent() -> ExitCode {
    let mut bad = Vec::new();
    for ((name, _), wanted) in cases() {
        if let Err(problem) = judge(name, wanted) {
            bad.push(format!("{name}: {problem}"));
        }
    }
    let counts = [ALLOWED, REFUSED, ABORTED].map(<[Case]>::len);
    println!("confined: {} allowed, {} refused, {} aborted", counts[0], counts[1], counts[2]);
    for problem in &bad {
        println!("FAILED {problem}");
    }
    ExitCode::from(u8::from(!bad.is_empty()))
}

fn judge(name: &str, wanted: Wanted) -> Result<(), String> {
    let own = std::env::current_exe().map_err(|e| e.to_string())?;
    let mut child = Command::new(own)
        .args(["--confined", name])
        // As in the image: a backtrace, which a variable may ask for, takes calls that are refused.
        .env_clear()
        // Not a file that this test's own may go to: a confined process may write none.
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|e| e.to_string())?;
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
    child.stderr.take().map(|mut words| words.read_to_string(&mut said));
    match (wanted, status.signal(), status.code()) {
        (Wanted::Signal(signal), Some(found), _) if found == signal && !status.core_dumped() => {
            Ok(())
        }
        (Wanted::Success, None, Some(0)) => Ok(()),
        (Wanted::Signal(signal), ..) => Err(format!("{status}, expected signal {signal}: {said}")),
        (Wanted::Success, ..) => Err(format!("{status}, expected success: {said}")),
    }
}

fn child(name: &str) -> ExitCode {
    let (a, b) = UnixStream::pair().expect("socket pair");
    PAIR.set((a, b)).expect("once");
    let root = nix::unistd::geteuid().is_root();
    let (case, wanted) = cases().find(|(case, _)| case.0 == name).expect("a known case");
    if ABORTED.iter().any(|one| one.0 == name) {
        let data = nix::sys::resource::Resource::RLIMIT_DATA;
        nix::sys::resource::setrlimit(data, LIMIT_BYTES, LIMIT_BYTES).expect("a lower limit");
    }
    init::prepare().expect("prepare");
    init::announce().expect("nothing to announce here");
    init::confine().expect("confine");
    let health = init::health();
    let mut expected = vec![Confinement::NoCoreDumps, Confinement::MemoryLimit];
    expected.extend(root.then_some(Confinement::NotRoot));
    expected.extend([Confinement::NoNewPrivileges, Confinement::SyscallFilter]);
    assert_eq!(health.confinement, expected, "this machine has a network and is not the image");
    assert!(!health.pid1 && health.kernel_ms > 0 && health.serving_ms >= health.kernel_ms);
    (case.1)();
    // Only a case that should have been the end comes this far with a signal.
    match wanted {
        Wanted::Success => ExitCode::SUCCESS,
        Wanted::Signal(_) => ExitCode::from(WAS_ANSWERED),
    }
}

/// Opened before the confinement, as the enclave's listener is.
static PAIR: std::sync::OnceLock<(UnixStream, UnixStream)> = std::sync::OnceLock::new();

fn threads() {
    let (give, take) = std::sync::mpsc::sync_channel(4);
    let threads: Vec<_> = (0..16_u64)
        .map(|n| {
            let give = give.clone();
            std::thread::spawn(move || give.send(n))
        })
        .collect();
    let sum: u64 =
        (0..16).map(|_| take.recv_timeout(Duration::from_secs(20)).expect("a word")).sum();
    assert_eq!(sum, 120);
    for thread in threads {
        thread.join().expect("thread").expect("sent");
    }
}

fn memory() {
    for size in [1_usize << 12, 1 << 20, 64 << 20] {
        let mut bytes = vec![7_u8; size];
        bytes.extend(std::iter::repeat_n(8, size));
        assert_eq!((bytes[size - 1], bytes[size]), (7, 8));
    }
    // One byte more than the limit; the machine itself has it.
    let limit = usize::try_from(init::health().memory_limit_bytes).expect("64 bits");
    assert!(Vec::<u8>::new().try_reserve_exact(limit + 1).is_err());
    // A thread has an arena of its own.
    let grown = std::thread::spawn(|| (0..10_000).map(|n| vec![n; 100]).collect::<Vec<_>>());
    assert_eq!(grown.join().expect("thread").len(), 10_000);
}

fn large() {
    let limit = init::health().memory_limit_bytes;
    assert_eq!(limit, LIMIT_BYTES, "a lower limit stays");
    let bytes = Vec::<u8>::with_capacity(usize::try_from(limit + 1).expect("64 bits"));
    assert_eq!(std::hint::black_box(bytes).len(), 0);
}

fn many() {
    // Every page is written, so that the machine has to give it.
    let filled: Vec<_> = (0..LIMIT_BYTES >> 12).map(|n| vec![n as u8; 1 << 12]).collect();
    assert_eq!(std::hint::black_box(filled).len() as u64, LIMIT_BYTES >> 12);
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

fn entropy() {
    let mut bytes = [0; 64];
    File::open("/dev/random").and_then(|mut file| file.read_exact(&mut bytes)).expect("entropy");
    assert_ne!(bytes, [0; 64]);
    // Tables of the standard library ask the kernel for their seed.
    let table: std::collections::HashMap<u8, u8> = [(1, 2)].into();
    assert_eq!(table[&1], 2);
}

fn time() {
    let begun = Instant::now();
    std::thread::sleep(Duration::from_millis(20));
    assert!(begun.elapsed() >= Duration::from_millis(20));
    let (_give, take) = std::sync::mpsc::channel::<()>();
    assert!(take.recv_timeout(Duration::from_millis(5)).is_err());
}

fn health() {
    let health = init::health();
    assert!(health.uptime_ms >= health.serving_ms);
    assert!(health.memory_free_bytes > 0 && health.memory_free_bytes < health.memory_total_bytes);
    assert!(health.memory_limit_bytes < health.memory_total_bytes);
}

fn reading() {
    let mut byte = [1];
    let mut file = File::open("/dev/zero").expect("opened");
    file.read_exact(&mut byte).expect("read");
    assert_eq!(byte, [0]);
}
