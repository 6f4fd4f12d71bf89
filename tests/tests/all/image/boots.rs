//! Many boots, boots without entropy, and the end of the first process.

use super::*;
use proof::BootRecord;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use tests::image::{Tools, release};

const BOOTS: usize = 24;
/// Boots at a time.
const LANES: usize = 2;

/// What one boot came to.
struct Boot {
    record: BootRecord,
    public_key: Vec<u8>,
    alive: Duration,
    health: Health,
}

fn boot_once(tools: &Tools, number: usize) -> Boot {
    let (machine, mut link, alive) = up(Machine::start(tools, &tools.eif(), &[], false));
    let before = health(&mut link);
    assert_eq!(before.booted_ms, 0, "no key before the configuration");
    // The kernel has asked for its own pool already; the enclave's keys ask again.
    let asked_before = machine.asked();
    assert!(randoms(&asked_before) > 0, "{asked_before:?}");
    assert_eq!(randoms(&asked_before), asked_before.len(), "nothing else is asked before");
    let info = boot(&mut link, &World::small());
    assert!(randoms(&machine.asked()) > randoms(&asked_before), "keys without entropy");
    let nonce = [number as u8; 16];
    let document = quote(&mut link, &nonce);
    let demand = policy(release("built", &tools.eif()), &nonce);
    let verified = attest::verify(&document, &demand, None).expect("a document that verifies");
    let record = BootRecord::parse(&info.record).expect("a sound record");
    let public_key = verified.public_key().expect("the boot's keys").to_vec();
    let asked = machine.asked();
    assert!(asked.iter().all(|(_, outcome)| outcome == "ok"), "{asked:?}");
    Boot { record, public_key, alive, health: health(&mut link) }
}

/// How often entropy was given.
fn randoms(asked: &[(String, String)]) -> usize {
    let given =
        |(operation, outcome): &&(String, String)| operation == "GetRandom" && outcome == "ok";
    asked.iter().filter(given).count()
}

#[test]
fn twenty_four_boots_end_in_twenty_four_attested_keys() {
    let Some(tools) = Tools::find() else { return };
    let (next, boots) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..LANES {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= BOOTS {
                        break;
                    }
                    let boot = boot_once(&tools, number);
                    boots.lock().expect("no lane panics with it").push(boot);
                }
            });
        }
    });
    let boots = boots.into_inner().expect("no lane panics with it");
    assert_eq!(boots.len(), BOOTS);
    let distinct = |of: &dyn Fn(&Boot) -> Vec<u8>| boots.iter().map(of).collect::<BTreeSet<_>>();
    assert_eq!(distinct(&|boot| boot.record.boot_id.to_vec()).len(), BOOTS, "boot ids");
    assert_eq!(distinct(&|boot| boot.record.agent.clone().into()).len(), BOOTS, "signing keys");
    assert_eq!(distinct(&|boot| boot.public_key.clone()).len(), BOOTS, "key sets");
    println!("{BOOTS} boots under software emulation, {LANES} at a time, in ms");
    println!("{:<34} {:>7} {:>7} {:>7}", "", "least", "median", "most");
    let line = |what: &str, of: &dyn Fn(&Boot) -> u64| {
        let mut values: Vec<_> = boots.iter().map(of).collect();
        values.sort_unstable();
        println!("{what:<34} {:>7} {:>7} {:>7}", values[0], values[BOOTS / 2], values[BOOTS - 1]);
    };
    line("QEMU's start to the sign of life", &|boot| boot.alive.as_millis() as u64);
    line("kernel to the first instruction", &|boot| boot.health.kernel_ms);
    line("kernel to the open link", &|boot| boot.health.serving_ms);
    line("open link to keys", &|boot| boot.health.booted_ms - boot.health.serving_ms);
    line("keys to the first quote", &|boot| boot.health.first_quote_ms - boot.health.booted_ms);
}

/// The machine comes up, and the configuration is refused at the birth of the keys.
#[test]
fn without_the_nsms_entropy_there_is_no_key() {
    let Some(tools) = Tools::find() else { return };
    let device = ["--refuse", "GetRandom"];
    let (machine, mut link, _) = up(Machine::start(&tools, &tools.eif(), &device, false));
    let config = World::small().config.to_bytes();
    match link.ask(&Command::Boot { id: 1, config, previous: None }) {
        Report::Refused(refusal) => assert!(refusal.detail.contains("GetRandom"), "{refusal:?}"),
        other => panic!("keys without entropy: {other:?}"),
    }
    let asked = machine.asked();
    assert_eq!(randoms(&asked), 0);
    let made = |(operation, _): &(String, String)| operation == "Attestation";
    assert!(!asked.iter().any(made), "a document was made: {asked:?}");
}

/// Panic is the end of the machine: nobody answers the sign of life, the first process gives up,
/// the kernel has nothing to go on with and starts nothing again. On the debug image's console it
/// can be read that it panicked, and that it did not start a second time behind QEMU's back, which
/// `reboot=k` would make of it now and then.
#[test]
fn a_first_process_that_ends_ends_the_machine() {
    let Some(tools) = Tools::find() else { return };
    let end = |image: &Path, serial| {
        let mut machine = Machine::start(&tools, image, &[], serial);
        wait_long("the end of QEMU", || machine.has_ended());
        let asked = machine.asked();
        assert_eq!(randoms(&asked), asked.len(), "the kernel alone has asked: {asked:?}");
        machine
    };
    end(&tools.eif(), false);
    let console = end(&tools.path("probity-debug.eif"), true).console();
    for words in ["Linux version", "Kernel panic - not syncing: Attempted to kill init"] {
        assert_eq!(console.matches(words).count(), 1, "{words}: {console}");
    }
    let line =
        console.lines().find(|line| line.contains("Kernel command line:")).unwrap_or_default();
    assert!(line.contains("reboot=t") && !line.contains("reboot=k"), "{line}");
}
