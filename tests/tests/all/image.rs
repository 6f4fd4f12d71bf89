//! The true image, booted in QEMU on the NSM device of `tests/nsm-device`: the kernel, first
//! process and enclave that run on EC2. Ignored, with a reason, where image or tools are not there;
//! `make test-image` builds both. Everything here runs under software emulation.

mod boots;
mod faults;
mod proofs;
mod refused;
mod restarts;

use attest::{NitroPolicy, NonceRule, ReferenceValues, VerificationTime};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tests::image::{Link, Machine};
use tests::world::World;
use wire::{BootInfo, Command, Health, Report};

/// How long a boot may take on a machine that is busy.
const BOOT_MAX: Duration = Duration::from_secs(120);

fn cash(id: &str) -> String {
    let path = tests::root().join("tests/requests/cash-deposit.json");
    let text = std::fs::read_to_string(path).expect("a request");
    text.replace("txn-cash-15000", id)
}

/// Waits for what takes longer under emulation than elsewhere.
fn wait_long(what: &str, mut ready: impl FnMut() -> bool) {
    let start = std::time::Instant::now();
    while !ready() {
        assert!(start.elapsed() < BOOT_MAX, "waited {BOOT_MAX:?} for {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Gives a machine its boot configuration: keys are born.
fn boot(link: &mut Link, world: &World) -> BootInfo {
    let config = world.config.to_bytes();
    match link.ask(&Command::Boot { id: 1, config, previous: None }) {
        Report::Status { boot: Some(boot), .. } => boot,
        other => panic!("{other:?}"),
    }
}

fn health(link: &mut Link) -> Health {
    match link.ask(&Command::Health { id: 2 }) {
        Report::Health { health, .. } => health,
        other => panic!("{other:?}"),
    }
}

/// A document with a nonce, as the machine's enclave asks it of its NSM.
fn quote(link: &mut Link, nonce: &[u8]) -> Vec<u8> {
    match link.ask(&Command::Attest { id: 3, nonce: nonce.to_vec() }) {
        Report::Attested { quote, .. } => quote.document,
        other => panic!("{other:?}"),
    }
}

/// What a verifier demands that knows one release and the test root.
fn policy(release: ReferenceValues, nonce: &[u8]) -> NitroPolicy {
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis();
    let time = VerificationTime::Live { now_ms: now_ms as u64 };
    let policy = NitroPolicy::new(vec![tests::sample::test_root()], time, vec![release]);
    policy.expect("sound").with_nonce(NonceRule::Exact(nonce.to_vec()))
}

/// A machine that gave its sign of life, and its command link.
fn up(mut machine: Machine) -> (Machine, Link, Duration) {
    let took = machine.alive(BOOT_MAX).expect("a sign of life");
    let link = machine.link();
    (machine, link, took)
}
