//! What must not exist before the device has answered: a key, and anything made from one.

use crate::{CONNECTIONS_MAX, Enclave, EnclaveError, Platform, PlatformError};
use crypto::SigningKey;
use rules::{BootConfig, FreshnessPolicy, Limits};
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// How long a test waits for what must come.
const WAIT: Duration = Duration::from_secs(20);
/// How long a test looks at what must not come.
const LOOK: Duration = Duration::from_millis(100);

/// A device that says what it is asked and answers `random` when it is told how.
struct Told {
    asked: Sender<&'static str>,
    random: Mutex<Receiver<bool>>,
    locked: AtomicBool,
    /// Documents that are refused before one is given.
    refusals: AtomicUsize,
}

impl Platform for Told {
    fn attest(&self, _: &[u8], key: &[u8], _: Option<&[u8]>) -> Result<Vec<u8>, PlatformError> {
        assert!(!key.is_empty(), "a document is over the key set");
        self.asked.send("attest").expect("heard");
        if self.refusals.load(Ordering::Relaxed) > 0 {
            self.refusals.fetch_sub(1, Ordering::Relaxed);
            return Err(refused("Attestation"));
        }
        let mut payload = cbor::Writer::new();
        payload.map(1).text("timestamp").uint(1_767_225_600_000);
        let mut document = cbor::Writer::new();
        document.array(4).bytes(&[]).map(0).bytes(&payload.finish()).bytes(&[]);
        Ok(document.finish())
    }

    fn random(&self, out: &mut [u8]) -> Result<(), PlatformError> {
        self.asked.send("random").expect("heard");
        match self.random.lock().expect("one asks").recv() {
            Ok(true) => out.fill(7),
            _ => return Err(refused("GetRandom")),
        }
        Ok(())
    }

    fn extend_and_lock(&self, _: u16, _: &[u8]) -> Result<(), PlatformError> {
        self.asked.send("extend").expect("heard");
        match self.locked.swap(true, Ordering::Relaxed) {
            false => Ok(()),
            true => Err(PlatformError::RegisterLocked),
        }
    }
}

fn refused(request: &'static str) -> PlatformError {
    PlatformError::Refused { request, problem: "InternalError".into() }
}

fn told(refusals: usize) -> (Arc<Enclave>, Receiver<&'static str>, Sender<bool>) {
    let ((asked, heard), (tell, random)) = (channel(), channel());
    let (random, refusals) = (Mutex::new(random), AtomicUsize::new(refusals));
    let device = Told { asked, random, locked: AtomicBool::new(false), refusals };
    (Enclave::new(Box::new(device)), heard, tell)
}

fn config(rulebook: &str) -> Vec<u8> {
    let key = |fill| SigningKey::from_seed(&Zeroizing::new([fill; 32])).verifying_key();
    BootConfig {
        authorities: vec![key(1)],
        threshold: 1,
        freshness_keys: vec![key(2)],
        freshness_threshold: 1,
        rulebook: rulebook.into(),
        freshness: FreshnessPolicy::default(),
        limits: Limits::default(),
    }
    .to_bytes()
}

fn asked(heard: &Receiver<&'static str>) -> Vec<&'static str> {
    heard.try_iter().collect()
}

#[test]
fn a_device_that_gives_no_entropy_gets_no_boot() {
    let (enclave, heard, tell) = told(0);
    tell.send(false).expect("told");
    let answer = enclave.boot(&config("us-core"), None);
    assert_eq!(answer, Err(EnclaveError::Platform(refused("GetRandom"))));
    assert!(enclave.boot_info().is_none() && enclave.health().booted_ms == 0);
    // No register was touched, so the boot can be tried again; no document was asked for.
    assert_eq!(asked(&heard), ["random"]);
    tell.send(true).expect("told");
    assert_eq!(enclave.boot(&config("us-core"), None), Ok(()));
    assert_eq!(asked(&heard), ["random", "extend", "attest"]);
}

#[test]
fn no_key_exists_while_the_device_is_asked() {
    let (enclave, heard, tell) = told(0);
    let booting = {
        let enclave = enclave.clone();
        std::thread::spawn(move || enclave.boot(&config("us-core"), None))
    };
    assert_eq!(heard.recv_timeout(WAIT), Ok("random"));
    // It is being asked: nothing else happens, and the state says so.
    assert!(heard.recv_timeout(LOOK).is_err());
    assert!(enclave.boot_info().is_none() && enclave.health().booted_ms == 0);
    tell.send(true).expect("told");
    assert_eq!(booting.join().expect("no panic"), Ok(()));
    assert_eq!(asked(&heard), ["extend", "attest"]);
    assert!(enclave.boot_info().is_some());
    assert!(enclave.health().booted_ms > 0 && enclave.health().first_quote_ms == 0);
}

#[test]
fn a_boot_that_failed_after_the_lock_is_tried_again_with_its_own_configuration_only() {
    let (enclave, heard, tell) = told(1);
    let boot = |rulebook: &str| {
        tell.send(true).expect("told");
        enclave.boot(&config(rulebook), None)
    };
    assert_eq!(boot("us-core"), Err(EnclaveError::Platform(refused("Attestation"))));
    assert!(enclave.boot_info().is_none());
    // Another configuration goes to the device, which has locked the register.
    assert_eq!(boot("another"), Err(EnclaveError::Platform(PlatformError::RegisterLocked)));
    assert_eq!(boot("us-core"), Ok(()));
    let order = ["random", "extend", "attest", "random", "extend", "random", "attest"];
    assert_eq!(asked(&heard), order);
}

#[test]
fn a_parent_that_reads_nothing_does_not_hold_the_log() {
    let (enclave, _heard, tell) = told(0);
    tell.send(true).expect("told");
    assert_eq!(enclave.boot(&config("us-core"), None), Ok(()));
    let connect = || {
        let (ours, theirs) = UnixStream::pair().expect("socket pair");
        let (writer, handle) = (theirs.try_clone().expect("own"), theirs.try_clone().expect("own"));
        let close = move || drop(handle.shutdown(Shutdown::Both));
        crate::spawn_connection(&enclave, theirs, writer, close, 1);
        ours.set_read_timeout(Some(WAIT)).expect("timeout");
        ours
    };
    // Every resumption from 0 is answered by the log, in more bytes than any buffer has.
    let mut deaf = connect();
    let resume = wire::frame(&wire::Command::Resume { from: 0 }.to_bytes()).expect("small");
    deaf.write_all(&resume.repeat(30_000)).expect("it is read");
    std::thread::sleep(LOOK);
    // Another connection, before it takes over, asks the log for a quote.
    let mut other = connect();
    let ask = wire::Command::Attest { id: 3, nonce: vec![1; 16] };
    other.write_all(&wire::frame(&ask.to_bytes()).expect("small")).expect("sent");
    let mut head = [0; wire::LENGTH_BYTES];
    other.read_exact(&mut head).expect("an answer");
    let mut body = vec![0; wire::body_length(head).expect("sound")];
    other.read_exact(&mut body).expect("an answer");
    let answer = wire::Report::parse(&body);
    assert!(matches!(answer, Ok(wire::Report::Attested { id: 3, .. })), "{answer:?}");
    // The deaf one was closed: after what is in its buffer comes the end.
    assert!(deaf.read_to_end(&mut Vec::new()).is_ok());
}

#[test]
fn connections_beyond_the_most_are_closed_and_the_rest_served() {
    let (enclave, _heard, _tell) = told(0);
    let connect = || {
        let (ours, theirs) = UnixStream::pair().expect("socket pair");
        let (writer, handle) = (theirs.try_clone().expect("own"), theirs.try_clone().expect("own"));
        let close = move || drop(handle.shutdown(Shutdown::Both));
        crate::spawn_connection(&enclave, theirs, writer, close, 100);
        ours.set_read_timeout(Some(WAIT)).expect("timeout");
        ours
    };
    let mut open: Vec<_> = (0..100).map(|_| connect()).collect();
    let hello = wire::frame(&wire::Command::Health { id: 1 }.to_bytes()).expect("small");
    let mut served = |mut stream: &UnixStream| {
        // One that is closed may take the bytes, and gives none.
        let sent = stream.write_all(&hello);
        sent.is_ok() && matches!(stream.read(&mut [0; 64]), Ok(count) if count > 0)
    };
    let answered: Vec<_> = open.iter().map(&mut served).collect();
    assert!(answered[..CONNECTIONS_MAX].iter().all(|served| *served));
    assert!(!answered[CONNECTIONS_MAX..].iter().any(|served| *served));
    // One that ends makes room.
    open.remove(0);
    let begun = Instant::now();
    while !served(&connect()) {
        assert!(begun.elapsed() < WAIT, "no room came");
        std::thread::sleep(LOOK);
    }
}
