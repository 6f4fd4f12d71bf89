//! A living image and what happens in front of it: hosts that are killed and come again, peers that
//! die at any moment of the greeting or hold every place, and a boot that failed half-way.

use super::faults::{Answered, REQUESTS, batch, boots, log};
use super::*;
use std::time::Instant;
use tests::image::{Host, Supervised, Tools};
use tests::stack::runtime;

/// How often the host is killed.
const KILLS: usize = 6;
/// Entries of a batch after which it is.
const ENTRIES: u64 = 20;
/// Peers that die while they are being connected, and unread.
const PEERS: u64 = 120;
/// Connections that the enclave serves at once.
const PLACES: usize = enclave::CONNECTIONS_MAX;

#[test]
fn a_host_that_restarts_in_front_of_a_living_image_goes_on() {
    let Some(tools) = Tools::find() else { return };
    let supervised = Supervised::start(&tools, &tools.eif(), &[]);
    let mut host = Host::prepare(&tools);
    let runtime = runtime();
    let (mut all, mut waits) = (Answered::new(), Vec::new());
    for round in 0..=KILLS {
        let start = Instant::now();
        host.start(supervised.address(), "policy.cose");
        wait_long("the host to trust the enclave", || host.is_ready());
        waits.push(start.elapsed());
        let before = boots(&host)[0].1;
        let sent = {
            let _inside = runtime.enter();
            batch(&host)
        };
        if round < KILLS {
            // In the middle of the batch, or at its end when everything is answered already.
            wait_long("some of the batch", || {
                sent.is_finished() || boots(&host)[0].1 > before + ENTRIES
            });
            host.kill();
        }
        for (number, id) in runtime.block_on(sent).expect("the batch ends") {
            let first = all.entry(number).or_insert_with(|| id.clone());
            assert_eq!(*first, id, "key-{number} was decided twice");
        }
    }
    assert_eq!(all.len(), REQUESTS, "everything is answered in the end");
    let boots = boots(&host);
    assert_eq!(boots.len(), 1, "the log goes on in the same boot: {boots:?}");
    let (logged, _) = log(&host, &tools, &boots[0].0);
    let lost: Vec<_> = all.values().filter(|id| !logged.contains(*id)).collect();
    assert!(lost.is_empty(), "answered and not in the log: {lost:?}");
    assert_eq!(logged.len(), REQUESTS, "one proof for each key");
    assert_eq!(supervised.status()["restarts"], 0);
    println!("{KILLS} hosts killed before one image; ready again after {waits:.1?}");
}

#[test]
fn peers_that_die_at_any_moment_take_nothing_from_others() {
    let Some(tools) = Tools::find() else { return };
    let supervised = Supervised::start(&tools, &tools.eif(), &[]);
    let address = supervised.address();
    for number in 0..PEERS {
        // A greeting takes about that long under emulation.
        Link::hang_up(address, Duration::from_micros(number * 250));
    }
    for _ in 0..PLACES * 2 {
        // With an answer unread: the bridge sees a reset, and not an end.
        if let Some(mut link) = Link::at(address) {
            link.say(&Command::Health { id: 2 });
            std::thread::sleep(Duration::from_millis(100));
        }
    }
    let answers = || supervised.status()["health"].is_object();
    wait_long("the enclave to answer", answers);

    // All places held, by whom does not matter: it is said, and nobody takes it for a fault.
    let mut held = Vec::new();
    wait_long("every place to be taken", || {
        held.extend(Link::at(address));
        held.len() >= PLACES && !answers()
    });
    let status = supervised.status();
    let problem = status["health_problem"].as_str().unwrap_or_default();
    assert!(problem.contains("others hold them all"), "{status}");
    drop(held);
    wait_long("the places to be free again", answers);
    assert_eq!(supervised.status()["restarts"], 0);
}

/// The NSM extends the register and then refuses to lock it: no further boot can succeed there. The
/// machine lives and answers; only another one helps.
#[test]
fn an_enclave_that_cannot_boot_any_more_is_started_anew() {
    let Some(tools) = Tools::find() else { return };
    let mut host = Host::prepare(&tools);
    let file = host.path("refuse");
    std::fs::write(&file, b"").expect("written");
    let device = ["--refuse", "LockPCR", "--refuse-while", file.to_str().expect("UTF-8 path")];
    let device: Vec<_> = device.iter().flat_map(|word| ["--nsm-argument", word]).collect();
    let arguments = [&["--boot-wait", "20s"][..], &device].concat();
    let supervised = Supervised::start(&tools, &tools.eif(), &arguments);
    host.start(supervised.address(), "policy.cose");
    wait_long("the refusal", || host.log().contains("LockPCR"));
    std::fs::remove_file(file).expect("removed");
    wait_long("the next machine", || host.is_ready());
    let status = supervised.status();
    assert_eq!(status["restarts"], 1, "{status}");
    let end = status["last_end"].as_str().unwrap_or_default();
    assert!(end.contains("no keys"), "{status}");
    assert_eq!(boots(&host).len(), 1, "the first had none");
}
