//! What ends the worker: a link that is gone or brings nonsense, and a start that is none.

use crate::host::{Host, Mode, program};
use attestation_fixtures::proofs::RuleWorld;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use wire::Report;

#[test]
fn a_quote_link_that_is_closed_ends_the_worker() {
    let (host, world) = (Host::new(), RuleWorld::new());
    for served in [false, true] {
        let (mut worker, device) = host.start(&[], Mode::Answer);
        worker.hear("serving");
        let mut link = served.then(|| host.connect());
        if let Some(link) = &mut link {
            assert!(matches!(link.boot(&world), Report::Status { .. }));
        }
        device.close();
        assert_eq!(worker.end().code(), Some(1));
        worker.hear("the quote link is closed; the worker ends");
        assert!(link.is_none_or(|mut link| link.report().is_none()), "the host sees the end");
    }
}

#[test]
fn it_dies_with_the_thread_that_started_it() {
    let host = Host::new();
    let start = || {
        let (worker, device) = host.start(&[], Mode::Answer);
        worker.hear("serving");
        (worker, device)
    };
    // The link stays open, so this is not its end: a worker that hangs would not see that.
    let started = std::thread::scope(|scope| scope.spawn(start).join());
    let (mut worker, _device) = started.expect("no panic");
    assert_eq!(worker.end().signal(), Some(nix::libc::SIGKILL));
}

#[test]
fn bytes_that_are_no_reply_end_the_worker() {
    let unknown = tpmlink::frame(&[0x82, 0x09, 0x01]).expect("small");
    let empty = tpmlink::frame(&[]).expect("small");
    let cases: [(&[u8], &str); 4] = [
        (&unknown, "unknown frame kind 9"),
        (&empty, "frame is malformed"),
        (&[0, 1, 0, 1], "frame of 65537 bytes"),
        (&[0, 0, 0, 9, 1], "the quote link cannot be read"),
    ];
    for (bytes, words) in cases {
        let host = Host::new();
        let (mut worker, device) = host.start(&[], Mode::Answer);
        worker.hear("serving");
        device.send(bytes);
        if words.contains("cannot be read") {
            device.close();
        }
        assert_eq!(worker.end().code(), Some(1), "{words}");
        worker.hear(words);
    }
    // What nobody waits for is dropped, and nothing else.
    let host = Host::new();
    let (mut worker, device) = host.start(&[], Mode::Answer);
    let stray = tpmlink::Reply::Confirmed { id: 2 }.to_bytes();
    for _ in 0..100 {
        device.send(&tpmlink::frame(&stray).expect("small"));
    }
    assert!(matches!(host.connect().boot(&RuleWorld::new()), Report::Status { .. }));
    assert!(worker.lives());
}

#[test]
fn it_starts_with_its_two_sockets_or_not_at_all() {
    let folder = tempfile::tempdir().expect("folder");
    let listener = || {
        let path = folder.path().join("socket");
        let _ = std::fs::remove_file(&path);
        Stdio::from(OwnedFd::from(UnixListener::bind(path).expect("bound")))
    };
    let tcp = || {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
        Stdio::from(OwnedFd::from(listener))
    };
    let (ours, theirs) = UnixStream::pair().expect("socket pair");
    let connected = || Stdio::from(OwnedFd::from(theirs.try_clone().expect("handle")));
    let run = |input: Stdio, output: Stdio, arguments: &[&str]| {
        let mut command = Command::new(program());
        command.args(arguments).stdin(input).stdout(output).stderr(Stdio::piped());
        let output = command.spawn().and_then(std::process::Child::wait_with_output);
        let output = output.expect("it ran");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for (input, output, words) in [
        (Stdio::null(), Stdio::null(), "standard input is no listening"),
        (connected(), connected(), "standard input is no listening"),
        (tcp(), connected(), "standard input is no listening"),
        (listener(), Stdio::null(), "standard output is no connected"),
        (listener(), Stdio::piped(), "standard output is no connected"),
        (listener(), listener(), "standard output is no connected"),
        (listener(), tcp(), "standard output is no connected"),
    ] {
        let (code, said) = run(input, output, &[]);
        assert_eq!(code, Some(1), "{words}: {said}");
        assert!(said.contains(words) && said.contains("probity-tpm run"), "{said}");
    }
    for (arguments, words) in [
        (&["run"][..], "\"run\": expected --user UID:GID"),
        (&["--user", "root"], "UID:GID"),
        (&["--quote-timeout-ms", "0"], "milliseconds"),
    ] {
        let (code, said) = run(listener(), connected(), arguments);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(words), "{said}");
    }
    drop(ours);
}

#[test]
fn its_last_words_come_through_a_file_too() {
    let host = Host::new();
    let path = host.path("words");
    let (ours, theirs) = UnixStream::pair().expect("socket pair");
    let listener = UnixListener::bind(host.path("other.sock")).expect("bound");
    let mut command = Command::new(program());
    command.stdin(OwnedFd::from(listener)).stdout(OwnedFd::from(theirs));
    let mut child = command.stderr(File::create(&path).expect("a file")).spawn().expect("started");
    drop(command);
    let said = || std::fs::read_to_string(&path).expect("text");
    let begun = std::time::Instant::now();
    while !said().contains("serving") {
        assert!(begun.elapsed() < crate::host::WAIT, "{}", said());
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    drop(ours);
    assert_eq!(child.wait().expect("ended").code(), Some(1), "{}", said());
    assert!(said().contains("the quote link is closed"), "{}", said());
}
