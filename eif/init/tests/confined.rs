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

fn main() -> ExitCode {
    match std::env::args().skip_while(|word| word != "--confined").nth(1) {
        Some(name) => child(&name),
        None => parent(),
    }
}

fn parent() -> ExitCode {
    let mut bad = Vec::new();
    for (name, _) in ALLOWED.iter().chain(REFUSED) {
        let refused = REFUSED.iter().any(|case| case.0 == *name);
        if let Err(problem) = judge(name, refused) {
            bad.push(format!("{name}: {problem}"));
        }
    }
    println!("confined: {} allowed, {} refused", ALLOWED.len(), REFUSED.len());
    for problem in &bad {
        println!("FAILED {problem}");
    }
    ExitCode::from(u8::from(!bad.is_empty()))
}

fn judge(name: &str, refused: bool) -> Result<(), String> {
    let own = std::env::current_exe().map_err(|e| e.to_string())?;
    let mut child = Command::new(own)
        .args(["--confined", name])
        .stderr(Stdio::inherit())
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
    match (refused, status.signal(), status.code()) {
        (true, Some(libc::SIGSYS), _) if !status.core_dumped() => Ok(()),
        (false, None, Some(0)) => Ok(()),
        _ => Err(format!("{status} (a refused call ends by signal {})", libc::SIGSYS)),
    }
}

fn child(name: &str) -> ExitCode {
    let (a, b) = UnixStream::pair().expect("socket pair");
    PAIR.set((a, b)).expect("once");
    let root = nix::unistd::geteuid().is_root();
    init::prepare().expect("prepare");
    init::announce().expect("nothing to announce here");
    init::confine().expect("confine");
    let health = init::health();
    let mut expected = vec![Confinement::NoCoreDumps, Confinement::MemoryLimit];
    expected.extend(root.then_some(Confinement::NotRoot));
    expected.extend([Confinement::NoNewPrivileges, Confinement::SyscallFilter]);
    assert_eq!(health.confinement, expected, "this machine has a network and is not the image");
    assert!(!health.pid1 && health.kernel_ms > 0 && health.serving_ms >= health.kernel_ms);
    let case = ALLOWED.iter().chain(REFUSED).find(|case| case.0 == name).expect("a known case");
    (case.1)();
    // Only a call that should have been refused comes this far with a case of REFUSED.
    let refused = REFUSED.iter().any(|case| case.0 == name);
    ExitCode::from(if refused { WAS_ANSWERED } else { 0 })
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
